//! One directory and all that it holds, described through handles and never through a link.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FileType, RawDir, SeekFrom, Stat, fstat, major, minor, readlinkat, seek, statat,
};
use rustix::io::Errno;

use super::super::directory::{Cursor, Root, open_file};
use super::super::stamp::{Stamp, size_of};
use super::super::xattr::Reached;
use super::super::{Patterns, Policy, refuse_whiteout_name};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::plan::{Content, Origin, PlanBuilder};
use crate::tar::{Entry, Kind, Xattr, join};

/// Bytes of names that one call of the kernel may list.
const LIST: usize = 32 * 1024;

/// How often a directory is listed before it is taken for one that never holds still.
const ATTEMPTS: usize = 10;

/// The tree, as far as every thread has to know it.
pub(in crate::source) struct Tree<'a> {
    pub(in crate::source) root: Arc<Root>,
    pub(in crate::source) path: &'a Path,
    pub(in crate::source) policy: &'a Policy,
    pub(in crate::source) cancel: &'a Cancel,
    /// Attributes are read, whatever the policy does with them then.
    pub(in crate::source) with_xattrs: bool,
    /// What is left out besides, by patterns that are relative to a directory above: `base` is the
    /// path of the root from there.
    pub(in crate::source) ignore: Option<(&'a Patterns, &'a [u8])>,
    origin: usize,
    /// Device and inode of files that are being written.
    outputs: Vec<(u64, u64)>,
}

impl<'a> Tree<'a> {
    /// Opens the directory `path` as a place that entries of `plan` come from.
    pub(in crate::source) fn open(
        plan: &mut PlanBuilder,
        path: &'a Path,
        policy: &'a Policy,
        cancel: &'a Cancel,
    ) -> Result<Self> {
        Ok(Self::of(plan, Root::open(path)?, path, policy, cancel))
    }

    /// The open directory `root`, which is called `path`, as such a place.
    pub(in crate::source) fn of(
        plan: &mut PlanBuilder,
        root: Root,
        path: &'a Path,
        policy: &'a Policy,
        cancel: &'a Cancel,
    ) -> Self {
        let root = Arc::new(root);
        let origin = Origin::tree(Arc::clone(&root), path, &policy.prefix);
        Self::from(plan, root, origin, path, policy, cancel)
    }

    /// The one file that is called `name` in the open directory `parent`, and `path` in messages.
    pub(in crate::source) fn one(
        plan: &mut PlanBuilder,
        parent: Root,
        name: &[u8],
        path: &'a Path,
        policy: &'a Policy,
        cancel: &'a Cancel,
    ) -> Self {
        let parent = Arc::new(parent);
        let base = path.parent().unwrap_or(path);
        let origin = Origin::one(Arc::clone(&parent), base, name);
        Self::from(plan, parent, origin, path, policy, cancel)
    }

    fn from(
        plan: &mut PlanBuilder,
        root: Arc<Root>,
        origin: Origin,
        path: &'a Path,
        policy: &'a Policy,
        cancel: &'a Cancel,
    ) -> Self {
        let origin = plan.add_origin(origin);
        let outputs = plan.outputs().to_vec();
        let (with_xattrs, ignore) = (!policy.drop_xattrs, None);
        Self { root, path, policy, cancel, with_xattrs, ignore, origin, outputs }
    }

    /// Whether patterns leave out what is at `path`.
    fn excludes(&self, path: &[u8]) -> bool {
        self.policy.exclude.excludes(path)
            || self.ignore.is_some_and(|(ignore, base)| ignore.excludes(&join(base, path)))
    }

    /// Whether a directory is left out, and nothing in it can be taken back in.
    fn excludes_all(&self, path: &[u8]) -> bool {
        let excludes =
            |patterns: &Patterns, path: &[u8]| !patterns.has_negation() && patterns.excludes(path);
        excludes(&self.policy.exclude, path)
            || self.ignore.is_some_and(|(ignore, base)| excludes(ignore, &join(base, path)))
    }

    /// Tells that a socket is not in the layer.
    pub(in crate::source) fn warn_of_socket(&self, plan: &mut PlanBuilder, path: &[u8]) {
        plan.warn(self.shown(path), "is a socket, which no layer can hold: left out");
    }

    pub(in crate::source) fn shown(&self, path: &[u8]) -> PathBuf {
        super::shown(self.path, path)
    }

    /// Applies the policy to an entry of the tree; an error names its place on the host.
    pub(in crate::source) fn apply_policy(&self, entry: &mut Entry) -> Result<()> {
        self.policy.apply(entry).map_err(|error| error.at(self.shown(&entry.path)))
    }

    pub(in crate::source) fn io(&self, action: &'static str, path: &[u8], error: Errno) -> Error {
        Error::io_on_found(action, self.shown(path), error)
    }
}

/// A directory: its own entry, and what it holds in the order of the layer.
pub(in crate::source) struct Listing {
    pub(in crate::source) entry: Entry,
    /// Whether it is there only for the sake of what may be kept below it.
    pub(in crate::source) excluded: bool,
    pub(in crate::source) children: Vec<Child>,
}

/// What a directory holds; paths are relative to the root.
pub(in crate::source) enum Child {
    /// A directory is described in its turn.
    Directory(Box<[u8]>),
    Entry(Entry, Content),
    Socket(Box<[u8]>),
}

impl Child {
    pub(in crate::source) fn path(&self) -> &[u8] {
        match self {
            Self::Directory(path) | Self::Socket(path) => path,
            Self::Entry(entry, _) => &entry.path,
        }
    }
}

/// Describes directories; each thread has its own.
pub(super) struct Look<'a> {
    tree: &'a Tree<'a>,
    cursor: Cursor,
    names: Box<[MaybeUninit<u8>]>,
    xattrs: Vec<u8>,
}

impl<'a> Look<'a> {
    pub(super) fn new(tree: &'a Tree<'a>) -> Self {
        let names = Box::new_uninit_slice(LIST);
        Self { tree, cursor: Cursor::default(), names, xattrs: Vec::new() }
    }

    /// A directory that changes while it is listed is listed again: a name that is given to another
    /// entry meanwhile may be missed under both, and nothing would tell.
    pub(super) fn directory(&mut self, path: &[u8]) -> Result<Listing> {
        let Self { tree, cursor, names, xattrs } = self;
        let handle =
            cursor.enter(&tree.root, path).map_err(|error| tree.io("open", path, error))?;
        let mut inside = Inside { tree, handle, path, xattrs };
        for _ in 0..ATTEMPTS {
            let before = inside.stat_itself()?;
            let entry = inside.itself(&before)?;
            let mut children = inside.children(names)?;
            if Stamp::of(&before) == Stamp::of(&inside.stat_itself()?) {
                children.sort_unstable_by(|left, right| left.path().cmp(right.path()));
                return Ok(Listing { entry, excluded: tree.excludes(path), children });
            }
            seek(handle, SeekFrom::Start(0)).map_err(|error| tree.io("list", path, error))?;
        }
        Err(Error::changed(tree.shown(path), "entries come and go while it is listed"))
    }

    /// Describes the one file of the tree, which has the path of the root and is no directory.
    pub(super) fn one(&mut self, name: &CStr) -> Result<Child> {
        let Self { tree, xattrs, .. } = self;
        let mut inside = Inside { tree, handle: tree.root.handle(), path: b"", xattrs };
        match FileType::from_raw_mode(inside.stat(b"", name)?.st_mode) {
            FileType::RegularFile => inside.file(Box::default(), name),
            FileType::Socket => Ok(Child::Socket(Box::default())),
            _ => inside.special(Box::default(), name),
        }
    }
}

/// An open directory.
struct Inside<'a> {
    tree: &'a Tree<'a>,
    handle: BorrowedFd<'a>,
    path: &'a [u8],
    xattrs: &'a mut Vec<u8>,
}

impl Inside<'_> {
    fn stat_itself(&self) -> Result<Stat> {
        fstat(self.handle).map_err(|error| self.tree.io("stat", self.path, error))
    }

    fn children(&mut self, names: &mut [MaybeUninit<u8>]) -> Result<Vec<Child>> {
        let mut children = Vec::new();
        let mut list = RawDir::new(self.handle, names);
        while let Some(listed) = list.next() {
            self.tree.cancel.check()?;
            let listed = listed.map_err(|error| self.tree.io("list", self.path, error))?;
            if !matches!(listed.file_name().to_bytes(), b"." | b"..") {
                children.extend(self.child(listed.file_name(), listed.file_type())?);
            }
        }
        Ok(children)
    }

    fn itself(&mut self, stat: &Stat) -> Result<Entry> {
        let mut entry = entry_of(self.path.into(), Kind::Directory, stat);
        entry.xattrs = self.read_xattrs(self.path, &Reached::Handle(self.handle))?;
        Ok(entry)
    }

    /// Describes what has the name `name`, unless it is excluded.
    fn child(&mut self, name: &CStr, mut kind: FileType) -> Result<Option<Child>> {
        let path = join(self.path, name.to_bytes());
        if kind == FileType::Unknown {
            // Some file systems do not tell the type while listing.
            kind = FileType::from_raw_mode(self.stat(&path, name)?.st_mode);
        }
        let excluded = match kind {
            FileType::Directory => self.tree.excludes_all(&path),
            _ => self.tree.excludes(&path),
        };
        if excluded {
            return Ok(None);
        }
        if kind == FileType::Socket {
            return Ok(Some(Child::Socket(path)));
        }
        refuse_whiteout_name(name.to_bytes(), || self.tree.shown(&path))?;
        Ok(Some(match kind {
            FileType::Directory => Child::Directory(path),
            FileType::RegularFile => self.file(path, name)?,
            _ => self.special(path, name)?,
        }))
    }

    /// A regular file, opened so that an unreadable one is known before any work is done.
    fn file(&mut self, path: Box<[u8]>, name: &CStr) -> Result<Child> {
        let file =
            open_file(self.handle, name).map_err(|error| self.tree.io("open", &path, error))?;
        let stat = fstat(&file).map_err(|error| self.tree.io("stat", &path, error))?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(Error::changed(self.tree.shown(&path), "it is no longer a regular file"));
        }
        if self.tree.outputs.contains(&(stat.st_dev, stat.st_ino)) {
            return Err(Error::OutputInInput { path: self.tree.shown(&path) });
        }
        let xattrs = self.read_xattrs(&path, &Reached::Handle(file.as_fd()))?;
        let entry = Entry { size: size_of(&stat), xattrs, ..entry_of(path, Kind::Regular, &stat) };
        let content = Content::File { origin: self.tree.origin, stamp: Stamp::of(&stat) };
        Ok(Child::Entry(entry, content))
    }

    /// A link, pipe or device: described, never opened.
    fn special(&mut self, path: Box<[u8]>, name: &CStr) -> Result<Child> {
        let stat = self.stat(&path, name)?;
        let device = (major(stat.st_rdev), minor(stat.st_rdev));
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                let target = readlinkat(self.handle, name, Vec::new())
                    .map_err(|error| self.tree.io("read the link", &path, error))?;
                Kind::Symlink(target.into_bytes().into())
            }
            FileType::Fifo => Kind::Fifo,
            FileType::CharacterDevice => Kind::CharDevice { major: device.0, minor: device.1 },
            FileType::BlockDevice => Kind::BlockDevice { major: device.0, minor: device.1 },
            _ => {
                return Err(Error::changed(self.tree.shown(&path), "its type is another one now"));
            }
        };
        let xattrs = self.read_xattrs(&path, &Reached::by_name(self.handle, name.to_bytes()))?;
        let entry = Entry { xattrs, ..entry_of(path, kind, &stat) };
        let shared = stat.st_nlink > 1;
        let content =
            if shared { Content::Shared(stat.st_dev, stat.st_ino) } else { Content::None };
        Ok(Child::Entry(entry, content))
    }

    fn stat(&self, path: &[u8], name: &CStr) -> Result<Stat> {
        statat(self.handle, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.tree.io("stat", path, error))
    }

    fn read_xattrs(&mut self, path: &[u8], reached: &Reached<'_>) -> Result<Box<[Xattr]>> {
        if !self.tree.with_xattrs {
            return Ok(Box::default());
        }
        reached
            .read(self.xattrs)
            .map_err(|error| self.tree.io("read the attributes of", path, error))
    }
}

fn entry_of(path: Box<[u8]>, kind: Kind, stat: &Stat) -> Entry {
    Entry {
        path,
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: stat.st_mtime,
        size: 0,
        xattrs: Box::default(),
    }
}
