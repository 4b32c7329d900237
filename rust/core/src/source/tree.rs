//! A directory tree as a source: walked once, sorted, described without reading a file's content.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, Stat, fstat, major, minor, readlinkat, statat};
use rustix::io::Errno;

use super::directory::{Cursor, Root, open_file};
use super::stamp::{Stamp, size_of};
use super::xattr::Reached;
use super::{Policy, refuse_whiteout_name};
use crate::cancel::Cancel;
use crate::error::{Error, Result, display_path};
use crate::plan::{Content, Origin, PlanBuilder};
use crate::tar::{Entry, Kind};

/// Adds everything below the directory `path` to `plan`, the root itself included.
///
/// Directories come directly before what they hold, names in bytewise order. No link is followed.
/// A socket is left out with a warning; whatever cannot be read or stored is an error.
pub fn add_tree(
    plan: &mut PlanBuilder,
    path: &Path,
    policy: &Policy,
    cancel: &Cancel,
) -> Result<()> {
    plan.push_parents(&policy.prefix, policy.default_mtime())?;
    let root = Arc::new(Root::open(path)?);
    let origin = plan.add_origin(Origin::tree(Arc::clone(&root), path, &policy.prefix));
    Walk {
        plan,
        policy,
        cancel,
        root: &root,
        root_path: path,
        origin,
        cursor: Cursor::default(),
        links: HashMap::new(),
        waiting: Vec::new(),
        scratch: Vec::new(),
    }
    .run()
}

/// An entry with its path relative to the root.
struct Found {
    entry: Entry,
    content: Content,
    /// Device and inode, when the inode has other names too.
    shared: Option<(u64, u64)>,
}

/// What a directory holds: directories are visited later, in their turn.
enum Child {
    Directory,
    Other(Option<Found>),
}

struct Walk<'a> {
    plan: &'a mut PlanBuilder,
    policy: &'a Policy,
    cancel: &'a Cancel,
    root: &'a Root,
    root_path: &'a Path,
    origin: usize,
    cursor: Cursor,
    /// The first path, relative to the root, of every inode that has several names.
    links: HashMap<(u64, u64), Box<[u8]>>,
    /// Directories that are themselves excluded and wait for an entry below them that is not.
    waiting: Vec<Entry>,
    scratch: Vec<u8>,
}

impl Walk<'_> {
    /// Depth first without recursion: a deep tree costs memory, not stack or handles.
    fn run(mut self) -> Result<()> {
        let mut stack = vec![self.visit(b"", false)?];
        while let Some(children) = stack.last_mut() {
            self.cancel.check()?;
            match children.next() {
                None => {
                    stack.pop();
                }
                Some((_, Child::Other(None))) => {}
                Some((_, Child::Other(Some(found)))) => self.push(found)?,
                Some((path, Child::Directory)) => {
                    let excluded = self.policy.exclude.excludes(&path);
                    if !excluded || self.policy.exclude.has_negation() {
                        stack.push(self.visit(&path, excluded)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the directory `path` and returns what it holds, sorted.
    fn visit(
        &mut self,
        path: &[u8],
        excluded: bool,
    ) -> Result<std::vec::IntoIter<(Box<[u8]>, Child)>> {
        let mut cursor = std::mem::take(&mut self.cursor);
        let handle = cursor.enter(self.root, path).map_err(|error| self.io("open", path, error))?;
        let stat = fstat(handle).map_err(|error| self.io("stat", path, error))?;
        let mut entry = entry_of(path, Kind::Directory, &stat);
        entry.xattrs = self.xattrs(path, &Reached::Handle(handle))?;
        if excluded {
            self.waiting.retain(|above| is_within(path, &above.path));
            self.waiting.push(entry);
        } else {
            self.push(Found { entry, content: Content::None, shared: None })?;
        }
        let mut children = Vec::new();
        for (name, kind) in self.list(path, handle)? {
            children.push(self.child(handle, path, &name, kind)?);
        }
        self.cursor = cursor;
        children.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        Ok(children.into_iter())
    }

    fn list(&self, path: &[u8], handle: BorrowedFd<'_>) -> Result<Vec<(Vec<u8>, FileType)>> {
        let list = || {
            let mut names = Vec::new();
            for entry in Dir::read_from(handle)? {
                let entry = entry?;
                match entry.file_name().to_bytes() {
                    b"." | b".." => {}
                    name => names.push((name.to_vec(), entry.file_type())),
                }
            }
            Ok(names)
        };
        list().map_err(|error: Errno| self.io("list", path, error))
    }

    fn child(
        &mut self,
        directory: BorrowedFd<'_>,
        parent: &[u8],
        name: &[u8],
        mut kind: FileType,
    ) -> Result<(Box<[u8]>, Child)> {
        let path: Box<[u8]> = match parent {
            b"" => name.into(),
            _ => [parent, b"/", name].concat().into(),
        };
        if kind == FileType::Unknown {
            // Some file systems do not tell the type while listing.
            let stat = self.stat(directory, &path, name)?;
            kind = FileType::from_raw_mode(stat.st_mode);
        }
        if kind != FileType::Directory && self.policy.exclude.excludes(&path) {
            return Ok((path, Child::Other(None)));
        }
        let child = match kind {
            FileType::Directory => Child::Directory,
            FileType::RegularFile => Child::Other(Some(self.file(directory, &path, name)?)),
            FileType::Socket => {
                self.plan.warn(self.shown(&path), "is a socket, which no layer can hold: left out");
                Child::Other(None)
            }
            _ => Child::Other(Some(self.special(directory, &path, name)?)),
        };
        if !matches!(child, Child::Other(None)) {
            refuse_whiteout_name(name, &self.shown(&path))?;
        }
        Ok((path, child))
    }

    /// A regular file, opened so that an unreadable one is known before any work is done.
    fn file(&mut self, directory: BorrowedFd<'_>, path: &[u8], name: &[u8]) -> Result<Found> {
        let file = open_file(directory, name).map_err(|error| self.io("open", path, error))?;
        let stat = fstat(&file).map_err(|error| self.io("stat", path, error))?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(Error::changed(self.shown(path), "it is no longer a regular file"));
        }
        if self.plan.is_output(stat.st_dev, stat.st_ino) {
            return Err(Error::OutputInInput { path: self.shown(path) });
        }
        let mut entry = entry_of(path, Kind::Regular, &stat);
        entry.size = size_of(&stat);
        entry.xattrs = self.xattrs(path, &Reached::Handle(file.as_fd()))?;
        let content = Content::File { origin: self.origin, stamp: Stamp::of(&stat) };
        Ok(Found { entry, content, shared: shared_identity(&stat) })
    }

    /// A link, pipe or device: described, never opened.
    fn special(&mut self, directory: BorrowedFd<'_>, path: &[u8], name: &[u8]) -> Result<Found> {
        let stat = self.stat(directory, path, name)?;
        let device = (major(stat.st_rdev), minor(stat.st_rdev));
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                let target = readlinkat(directory, display_path(name), Vec::new())
                    .map_err(|error| self.io("read the link", path, error))?;
                Kind::Symlink(target.into_bytes().into())
            }
            FileType::Fifo => Kind::Fifo,
            FileType::CharacterDevice => Kind::CharDevice { major: device.0, minor: device.1 },
            FileType::BlockDevice => Kind::BlockDevice { major: device.0, minor: device.1 },
            _ => {
                return Err(Error::changed(self.shown(path), "its type is another one now"));
            }
        };
        let mut entry = entry_of(path, kind, &stat);
        entry.xattrs = self.xattrs(path, &Reached::by_name(directory, name))?;
        Ok(Found { entry, content: Content::None, shared: shared_identity(&stat) })
    }

    /// Adds an entry under the policy, after the excluded directories that it turns out to need.
    fn push(&mut self, mut found: Found) -> Result<()> {
        for above in std::mem::take(&mut self.waiting) {
            if is_within(&found.entry.path, &above.path) {
                self.push_one(above, Content::None)?;
            }
        }
        if let Some(identity) = found.shared {
            match self.links.entry(identity) {
                Slot::Vacant(slot) => {
                    slot.insert(found.entry.path.clone());
                }
                Slot::Occupied(first) => {
                    found.entry.kind = Kind::HardLink(first.get().clone());
                    found.entry.size = 0;
                    found.content = Content::None;
                }
            }
        }
        self.push_one(found.entry, found.content)
    }

    fn push_one(&mut self, mut entry: Entry, content: Content) -> Result<()> {
        self.policy.apply(&mut entry);
        self.plan.push(entry, content)
    }

    fn stat(&self, directory: BorrowedFd<'_>, path: &[u8], name: &[u8]) -> Result<Stat> {
        statat(directory, display_path(name), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.io("stat", path, error))
    }

    fn xattrs(&mut self, path: &[u8], reached: &Reached<'_>) -> Result<Box<[crate::tar::Xattr]>> {
        if self.policy.drop_xattrs {
            return Ok(Box::default());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let xattrs = reached.read(&mut scratch);
        self.scratch = scratch;
        xattrs.map_err(|error| self.io("read the attributes of", path, error))
    }

    fn shown(&self, path: &[u8]) -> PathBuf {
        shown(self.root_path, path)
    }

    fn io(&self, action: &'static str, path: &[u8], error: Errno) -> Error {
        Error::io(action, self.shown(path), error)
    }
}

fn entry_of(path: &[u8], kind: Kind, stat: &Stat) -> Entry {
    Entry {
        path: path.into(),
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: stat.st_mtime,
        size: 0,
        xattrs: Box::default(),
    }
}

fn shared_identity(stat: &Stat) -> Option<(u64, u64)> {
    (stat.st_nlink > 1).then_some((stat.st_dev, stat.st_ino))
}

/// A path of the tree as the user would type it.
pub(crate) fn shown(root: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() { root.to_path_buf() } else { root.join(display_path(path)) }
}

fn is_within(path: &[u8], directory: &[u8]) -> bool {
    match path.strip_prefix(directory) {
        Some([b'/', ..]) => true,
        Some(_) => directory.is_empty(),
        None => false,
    }
}
