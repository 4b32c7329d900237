//! Entries made one after the other, each where nothing was before.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, fchmod, fstat, futimens,
    linkat, makedev, mkdirat, mknodat, openat, symlinkat,
};
use rustix::io::{Errno, retry_on_intr};

use super::attributes::{Attributes, Reached, drop_default_list};
use super::{Purpose, Unpack};
use crate::error::{Error, Result};
use crate::plan::Warning;
use crate::source::{Contents, Cursor, Root, shown};
use crate::tar::{Entry, Kind, split_path};

/// Content goes by in pieces of this many bytes.
const PIECE: usize = 256 << 10;

/// A file that nobody else may open while it is made.
const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What no other call takes: a device or pipe, without opening it.
const NODE: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Directories belong to who makes them until all in them is made: no mode that a layer gives lets
/// anybody else in before.
const PRIVATE: Mode = Mode::RWXU;

/// Makes entries below one directory.
pub(super) struct Writer<'a> {
    unpack: &'a Unpack<'a>,
    base: PathBuf,
    root: Root,
    /// Where entries are made, and where targets of hard links are.
    cursor: Cursor,
    targets: Cursor,
    buffer: Vec<u8>,
    /// Those of the top directory before anything was made in it.
    mode: Mode,
    times: Timestamps,
    /// Devices that were left out, which may have more names.
    left_out: HashSet<Box<[u8]>>,
    warnings: Vec<Warning>,
}

impl<'a> Writer<'a> {
    /// Opens the directory, which has to be empty, and keeps others out of it.
    pub(super) fn open(base: &Path, unpack: &'a Unpack<'a>) -> Result<Self> {
        let root = Root::open(base)?;
        let stat = fstat(root.handle()).map_err(|error| Error::io("open", base, error))?;
        fchmod(root.handle(), PRIVATE).map_err(|error| Error::io("change", base, error))?;
        let list = |error| Error::io("list", base, error);
        for entry in retry_on_intr(|| Dir::read_from(root.handle())).map_err(list)? {
            let entry = entry.map_err(list)?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                return Err(Error::io("unpack into", base, Errno::NOTEMPTY));
            }
        }
        // What is made in it would inherit it.
        drop_default_list(root.handle()).map_err(|error| Error::io("change", base, error))?;
        Ok(Self {
            unpack,
            base: base.to_path_buf(),
            root,
            cursor: Cursor::default(),
            targets: Cursor::default(),
            buffer: vec![0; PIECE],
            mode: Mode::from_raw_mode(stat.st_mode),
            times: times_of(&stat),
            left_out: HashSet::new(),
            warnings: Vec::new(),
        })
    }

    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// Takes note of what is lost of `path`.
    pub(super) fn warn(&mut self, path: &[u8], message: &'static str) {
        let path = shown(&self.base, path);
        self.warnings.push(Warning { path, message });
    }

    /// Makes an entry; a directory without its metadata, for which it is too early.
    pub(super) fn make(
        &mut self,
        entry: &Entry,
        number: Option<u64>,
        contents: &mut Contents<'_>,
    ) -> Result<()> {
        match &entry.kind {
            Kind::Directory if entry.path.is_empty() => Ok(()),
            Kind::Directory => self.directory(&entry.path),
            Kind::Regular => self.file(entry, number, contents),
            Kind::Symlink(target) => {
                self.at(entry, "make", |parent, name| symlinkat(&**target, parent, name))?;
                self.dress_by_name(entry)
            }
            Kind::HardLink(target) if self.left_out.contains(target) => {
                self.warn(&entry.path, "is another name of a device that was left out");
                Ok(())
            }
            Kind::HardLink(target) => self.link(entry, target),
            Kind::Fifo => self.node(entry, FileType::Fifo, (0, 0)),
            Kind::CharDevice { .. } | Kind::BlockDevice { .. } if !self.devices() => {
                self.leave_out(entry, "is a device of the host, which nothing here may open");
                Ok(())
            }
            Kind::CharDevice { major, minor } => {
                self.node(entry, FileType::CharacterDevice, (*major, *minor))
            }
            Kind::BlockDevice { major, minor } => {
                self.node(entry, FileType::BlockDevice, (*major, *minor))
            }
        }
    }

    /// Gives the top directory back the mode and time that it had.
    pub(super) fn finish_root(&self) -> Result<()> {
        fchmod(self.root.handle(), self.mode)
            .map_err(|error| self.error("set the mode of", b"", error))?;
        futimens(self.root.handle(), &self.times)
            .map_err(|error| self.error("set the time of", b"", error))
    }

    /// Gives a directory its metadata.
    pub(super) fn finish_directory(&mut self, entry: &Entry) -> Result<()> {
        let path = &*entry.path;
        let Self { root, cursor, base, .. } = self;
        let handle = cursor.enter(root, path).map_err(|error| io("open", base, path, error))?;
        let lost = dress(base, entry, &Reached::Handle(handle))?;
        self.warn_of_lost(path, lost);
        Ok(())
    }

    /// Calls `act` with the directory that holds `path`, and the name there.
    pub(super) fn within<T>(
        &mut self,
        path: &[u8],
        act: impl FnOnce(BorrowedFd<'_>, &[u8]) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let (parent, name) = split_path(path);
        act(self.cursor.enter(&self.root, parent)?, name)
    }

    /// The handle of the directory `path`.
    pub(super) fn enter(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, Errno> {
        self.cursor.enter(&self.root, path)
    }

    /// Whether devices are made. In an overlay they would be those of the host for all that runs in
    /// it, or one of its marks.
    fn devices(&self) -> bool {
        self.unpack.purpose == Purpose::Tree
    }

    fn leave_out(&mut self, entry: &Entry, message: &'static str) {
        self.left_out.insert(entry.path.clone());
        self.warn(&entry.path, message);
    }

    /// An operating-system error on an entry.
    pub(super) fn error(&self, action: &'static str, path: &[u8], error: Errno) -> Error {
        io(action, &self.base, path, error)
    }

    fn at<T>(
        &mut self,
        entry: &Entry,
        action: &'static str,
        act: impl FnOnce(BorrowedFd<'_>, &[u8]) -> Result<T, Errno>,
    ) -> Result<T> {
        let done = self.within(&entry.path, act);
        done.map_err(|error| self.error(action, &entry.path, error))
    }

    fn directory(&mut self, path: &[u8]) -> Result<()> {
        let made = self.within(path, |parent, name| mkdirat(parent, name, PRIVATE));
        made.map_err(|error| self.error("make", path, error))
    }

    fn file(
        &mut self,
        entry: &Entry,
        number: Option<u64>,
        contents: &mut Contents<'_>,
    ) -> Result<()> {
        let mode = Mode::RUSR | Mode::WUSR;
        let open = |parent: BorrowedFd<'_>, name: &[u8]| {
            retry_on_intr(|| openat(parent, name, NEW_FILE, mode))
        };
        let mut file = File::from(self.at(entry, "make", open)?);
        let mut left = entry.size;
        while let Some(number) = number.filter(|_| left > 0) {
            self.unpack.cancel.check()?;
            let count = contents.read(number, entry.size, &mut self.buffer)?;
            let written = file.write_all(&self.buffer[..count]);
            written.map_err(|error| Error::io("write", shown(&self.base, &entry.path), error))?;
            self.unpack.progress.advance(count as u64);
            left = left.saturating_sub(count as u64);
        }
        self.dress(entry, &Reached::Handle(file.as_fd()))
    }

    fn link(&mut self, entry: &Entry, target: &[u8]) -> Result<()> {
        let (there, old) = split_path(target);
        let (here, new) = split_path(&entry.path);
        let Self { root, cursor, targets, .. } = self;
        let linked = targets.enter(root, there).and_then(|there| {
            let here = cursor.enter(root, here)?;
            // Without a flag, a link is not followed.
            linkat(there, old, here, new, AtFlags::empty())
        });
        linked.map_err(|error| self.error("make", &entry.path, error))
    }

    fn node(&mut self, entry: &Entry, kind: FileType, (major, minor): (u32, u32)) -> Result<()> {
        let device = makedev(major, minor);
        let made = self.within(&entry.path, |parent, name| {
            mknodat(parent, name, kind, Mode::empty(), device)?;
            retry_on_intr(|| openat(parent, name, NODE, Mode::empty()))
        });
        let node: OwnedFd = match made {
            Err(Errno::PERM) if kind != FileType::Fifo => {
                self.leave_out(entry, "is a device, which nobody but the host's root can make");
                return Ok(());
            }
            made => made.map_err(|error| self.error("make", &entry.path, error))?,
        };
        self.dress(entry, &Reached::Node(node.as_fd()))
    }

    fn dress_by_name(&mut self, entry: &Entry) -> Result<()> {
        let (parent, name) = split_path(&entry.path);
        let Self { root, cursor, base, .. } = self;
        let entered = cursor.enter(root, parent);
        let parent = entered.map_err(|error| io("open", base, &entry.path, error))?;
        let lost = dress(base, entry, &Reached::Link(parent, name))?;
        self.warn_of_lost(&entry.path, lost);
        Ok(())
    }

    fn dress(&mut self, entry: &Entry, reached: &Reached<'_>) -> Result<()> {
        let lost = dress(&self.base, entry, reached)?;
        self.warn_of_lost(&entry.path, lost);
        Ok(())
    }

    fn warn_of_lost(&mut self, path: &[u8], lost: bool) {
        if lost {
            self.warn(path, "has extended attributes that cannot be set here");
        }
    }
}

/// Gives an entry its metadata; returns whether attributes were lost.
fn dress(base: &Path, entry: &Entry, reached: &Reached<'_>) -> Result<bool> {
    Attributes(entry).set(reached).map_err(|(action, error)| io(action, base, &entry.path, error))
}

#[allow(clippy::cast_possible_wrap, reason = "what the kernel gives back as it was got")]
fn times_of(stat: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: stat.st_atime as _, tv_nsec: stat.st_atime_nsec as _ },
        last_modification: Timespec {
            tv_sec: stat.st_mtime as _,
            tv_nsec: stat.st_mtime_nsec as _,
        },
    }
}

fn io(action: &'static str, base: &Path, path: &[u8], error: Errno) -> Error {
    Error::io(action, shown(base, path), error)
}
