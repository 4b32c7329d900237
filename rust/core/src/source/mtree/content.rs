//! The files that a description names: found and looked at, not yet read.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Stat, fstat, stat, statat};
use rustix::io::Errno;

use super::super::Policy;
use super::super::directory::{Cursor, Root, open_file};
use super::super::file::open_host_file;
use super::super::stamp::{Stamp, size_of};
use super::super::tree::shown;
use super::names::{self, Identity};
use crate::error::{Error, Result, display_path};
use crate::mtree::Record;
use crate::plan::{Content, Described, Origin, PlanBuilder, Promise};
use crate::tar::{Entry, Kind, normalize_path, split_path};

/// What a record does not say itself, and where its content comes from.
pub(super) struct Found {
    pub(super) mode: u32,
    pub(super) mtime: i64,
    pub(super) size: u64,
    pub(super) content: Content,
}

/// Where the content of a file is.
enum Place {
    /// Below the base, at the path of its entry.
    Own,
    /// Below the base, at a path of its own.
    Below(Box<[u8]>),
    /// Anywhere.
    Host(PathBuf),
}

/// The directory that content is in.
pub(super) struct Base<'a> {
    path: &'a Path,
    root: Arc<Root>,
    /// Its number among the plan's origins.
    origin: usize,
    cursor: Cursor,
    /// The description.
    file: Arc<Path>,
    policy: &'a Policy,
}

impl<'a> Base<'a> {
    pub(super) fn open(
        plan: &mut PlanBuilder,
        path: &'a Path,
        file: &Path,
        policy: &'a Policy,
    ) -> Result<Self> {
        let root = Arc::new(Root::open(path)?);
        let origin = plan.add_origin(Origin::tree(Arc::clone(&root), path, &policy.prefix));
        Ok(Self { path, root, origin, cursor: Cursor::default(), file: file.into(), policy })
    }

    /// What there is for the record, which describes a `kind` and may have `stated` which file it
    /// is; `None` if it may be left out.
    pub(super) fn find(
        &mut self,
        plan: &mut PlanBuilder,
        record: &Record,
        kind: &Kind,
        stated: Option<Identity>,
    ) -> Result<Option<Found>> {
        let mode = match kind {
            Kind::Regular => return self.find_file(plan, record, stated),
            Kind::Directory => Entry::implied_directory(&record.path, 0).mode,
            Kind::Symlink(_) => 0o777,
            _ => 0o644,
        };
        let content = match stated.or_else(|| self.identity(record)) {
            Some((device, inode)) => Content::Shared(device, inode),
            None => Content::None,
        };
        Ok(Some(Found { mode, mtime: self.policy.default_mtime(), size: 0, content }))
    }

    fn find_file(
        &mut self,
        plan: &mut PlanBuilder,
        record: &Record,
        stated: Option<Identity>,
    ) -> Result<Option<Found>> {
        let place = place_of(record).map_err(|reason| self.fault(record, reason))?;
        let shown = match &place {
            Place::Own => shown(self.path, &record.path),
            Place::Below(path) => shown(self.path, path),
            Place::Host(path) => path.clone(),
        };
        let stat = match self.look(&place, record) {
            Ok(stat) => stat,
            Err(Errno::NOENT) if record.keywords.optional => return Ok(None),
            Err(error) => return Err(self.refusal(record, &shown, error)),
        };
        if plan.outputs().contains(&(stat.st_dev, stat.st_ino)) {
            return Err(Error::OutputInInput { path: shown });
        }
        let size = size_of(&stat);
        if let Some(stated) = record.keywords.size.filter(|&stated| stated != size) {
            let shown = shown.display();
            let reason = format!("`{shown}` has {size} bytes, expected {stated}");
            return Err(self.fault(record, reason));
        }
        Ok(Some(Found {
            mode: stat.st_mode & 0o7777,
            mtime: stat.st_mtime,
            size,
            content: self.content(plan, record, place, Stamp::of(&stat), stated),
        }))
    }

    /// Opens a regular file, so that an unreadable one is known before any work is done. It is
    /// looked at before: opening a pipe or a device could wait or do something.
    fn look(&mut self, place: &Place, record: &Record) -> Result<Stat, Errno> {
        let file = match place {
            Place::Own => self.open_below(&record.path)?,
            Place::Below(path) => self.open_below(path)?,
            Place::Host(path) => {
                require_regular(&stat(path)?)?;
                open_host_file(path)?
            }
        };
        let stat = fstat(&file)?;
        require_regular(&stat)?;
        Ok(stat)
    }

    fn open_below(&mut self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let (parent, name) = split_path(path);
        let directory = self.cursor.enter(&self.root, parent)?;
        require_regular(&statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?)?;
        open_file(directory, name)
    }

    /// What tells a link, pipe or device from others, if it is there; it need not be.
    fn identity(&mut self, record: &Record) -> Option<Identity> {
        let (parent, name) = split_path(&record.path);
        if !names::has_others(record) {
            return None;
        }
        let directory = self.cursor.enter(&self.root, parent).ok()?;
        let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some((stat.st_dev, stat.st_ino))
    }

    fn content(
        &self,
        plan: &mut PlanBuilder,
        record: &Record,
        place: Place,
        stamp: Stamp,
        stated: Option<Identity>,
    ) -> Content {
        let inner = match place {
            // Other names of the file will have this content at paths of their own.
            Place::Own if stated.is_some() => Some(record.path.clone()),
            Place::Own => None,
            Place::Below(path) => Some(path),
            Place::Host(path) => {
                let origin = plan.add_origin(Origin::File(path));
                return self.described(record, origin, stamp, stated);
            }
        };
        let origin = inner.map_or(self.origin, |inner| {
            let (root, path) = (Arc::clone(&self.root), self.path.to_path_buf());
            plan.add_origin(Origin::Moved { root, path, inner })
        });
        self.described(record, origin, stamp, stated)
    }

    fn described(
        &self,
        record: &Record,
        origin: usize,
        stamp: Stamp,
        stated: Option<Identity>,
    ) -> Content {
        let stamp = if names::has_others(record) { stamp } else { stamp.alone() };
        let promise = record.keywords.sha256.map(|digest| Promise {
            digest,
            file: Arc::clone(&self.file),
            line: record.line,
        });
        if stated.is_none() && promise.is_none() {
            return Content::File { origin, stamp };
        }
        let identity = stated.or_else(|| stamp.shared_identity());
        Content::Described(Box::new(Described { origin, stamp, identity, promise }))
    }

    /// Why there is no content. What is not as described is the description's fault; what the
    /// operating system refuses is not.
    fn refusal(&self, record: &Record, shown: &Path, error: Errno) -> Error {
        let what = match error {
            Errno::NOENT => "is missing",
            Errno::LOOP | Errno::NOTDIR | Errno::NXIO => {
                "is no regular file, or reached through a link, which is not followed"
            }
            _ => return Error::io("open", shown, error),
        };
        self.fault(record, format!("the content `{}` {what}", shown.display()))
    }

    fn fault(&self, record: &Record, reason: String) -> Error {
        Error::mtree(&self.file, record.line, reason)
    }
}

fn place_of(record: &Record) -> Result<Place, String> {
    let Some(contents) = &record.keywords.contents else {
        return Ok(Place::Own);
    };
    if contents.starts_with(b"/") {
        return Ok(Place::Host(display_path(contents).to_path_buf()));
    }
    match normalize_path(contents) {
        Ok(path) if !path.is_empty() => Ok(Place::Below(path)),
        _ => Err(format!(
            "`contents` is `{}`: expected a path below the base, without `..`, or an absolute one",
            display_path(contents).display()
        )),
    }
}

/// `ENXIO` for what is no regular file, as the kernel says of a socket.
fn require_regular(stat: &Stat) -> Result<(), Errno> {
    if FileType::from_raw_mode(stat.st_mode).is_file() { Ok(()) } else { Err(Errno::NXIO) }
}
