//! Directory handles below one root, reached part by part and never through a link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec, retry_on_intr};
use rustix::path::Arg;

use crate::error::{Error, Result};
use crate::tar::split_path;

/// How directories are opened: a link in the place of one is an error.
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How regular files are opened. `NONBLOCK` keeps the call from waiting if a named pipe took the
/// file's place.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// The handle of a tree's root directory.
#[derive(Debug)]
pub(crate) struct Root {
    handle: OwnedFd,
}

impl Root {
    /// Opens the root. A link named by the user is followed, as in every other command.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, DIRECTORY.difference(OFlags::NOFOLLOW))
    }

    /// The same, where a link in the place of the root is an error.
    pub(crate) fn open_itself(path: &Path) -> Result<Self> {
        Self::open_with(path, DIRECTORY)
    }

    fn open_with(path: &Path, flags: OFlags) -> Result<Self> {
        let handle = retry_on_intr(|| open(path, flags, Mode::empty()))
            .map_err(|error| Error::io("open", path, error))?;
        Ok(Self { handle })
    }

    /// The directory `path` below this one.
    pub(crate) fn below(&self, path: &[u8]) -> Result<Self, Errno> {
        let mut cursor = Cursor::default();
        let handle = fcntl_dupfd_cloexec(cursor.enter(self, path)?, 0)?;
        Ok(Self { handle })
    }

    /// The handle itself.
    pub(crate) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// Directories that a [`Cursor`] keeps open: the last one and the nearest above it. A walk in order
/// hardly goes further up at once, and threads times handles stay far below every limit.
const KEPT: usize = 4;

/// The directories that were opened last, so that the next one below or beside them costs few calls.
///
/// It holds at most [`KEPT`] handles, however deep the tree is.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// The directory that was opened last.
    path: Vec<u8>,
    /// It and directories above it, the nearest last: how much of `path` each one is.
    open: Vec<(usize, OwnedFd)>,
}

impl Cursor {
    /// The handle of the directory `path` (relative to `root`, empty for the root itself).
    pub(crate) fn enter<'a>(
        &'a mut self,
        root: &'a Root,
        path: &[u8],
    ) -> Result<BorrowedFd<'a>, Errno> {
        if *path != *self.path {
            self.leave(path);
        }
        while self.path.len() < path.len() {
            let from = self.path.len() + usize::from(!self.path.is_empty());
            let part = path[from..].split(|&byte| byte == b'/').next().unwrap_or_default();
            let handle = self.open(root, part, DIRECTORY)?;
            if self.open.len() == KEPT {
                self.open.remove(0);
            }
            let end = from + part.len();
            self.open.push((end, handle));
            self.path.extend_from_slice(&path[self.path.len()..end]);
        }
        Ok(self.nearest(root))
    }

    /// Opens the file `path` (relative to `root`) for reading.
    pub(crate) fn open_file(&mut self, root: &Root, path: &[u8]) -> Result<OwnedFd, Errno> {
        let (parent, name) = split_path(path);
        self.enter(root, parent)?;
        self.open(root, name, FILE)
    }

    /// Closes what is not on the way to `path`.
    fn leave(&mut self, path: &[u8]) {
        let leads = |end: usize| {
            path.get(..end) == self.path.get(..end) && matches!(path.get(end), None | Some(b'/'))
        };
        let kept = self.open.iter().take_while(|(end, _)| leads(*end)).count();
        self.open.truncate(kept);
        self.path.truncate(self.open.last().map_or(0, |(end, _)| *end));
    }

    /// Opens `name` in the last directory. Where handles are short, those above it are given back.
    fn open(&mut self, root: &Root, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let opened = open_at(self.nearest(root), name, flags);
        if matches!(opened, Err(Errno::MFILE | Errno::NFILE)) && self.open.len() > 1 {
            self.open.drain(..self.open.len() - 1);
            return open_at(self.nearest(root), name, flags);
        }
        opened
    }

    fn nearest<'a>(&'a self, root: &'a Root) -> BorrowedFd<'a> {
        self.open.last().map_or(root.handle(), |(_, handle)| handle.as_fd())
    }
}

/// Opens the file `name` in `directory` for reading.
pub(crate) fn open_file(
    directory: BorrowedFd<'_>,
    name: impl Arg + Copy,
) -> Result<OwnedFd, Errno> {
    open_at(directory, name, FILE)
}

/// Opens what is there, again if a signal came in between, as a file system of the network lets it.
fn open_at(
    directory: BorrowedFd<'_>,
    name: impl Arg + Copy,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    retry_on_intr(|| openat(directory, name, flags, Mode::empty()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, create_dir_all};
    use std::os::unix::fs::{MetadataExt, symlink};

    use proptest::prelude::*;
    use rustix::fs::fstat;

    use super::*;

    #[test]
    fn what_lies_beside_is_opened_from_the_directory_above() {
        let base = tempfile::tempdir().unwrap();
        create_dir_all(base.path().join("a/b/c/d")).unwrap();
        create_dir_all(base.path().join("a/b/e")).unwrap();
        let root = Root::open(base.path()).unwrap();
        let mut cursor = Cursor::default();
        cursor.enter(&root, b"a/b/c/d").unwrap();
        // From the root, nothing is found any more.
        fs::rename(base.path().join("a"), base.path().join("z")).unwrap();
        cursor.enter(&root, b"a/b/e").unwrap();
        cursor.enter(&root, b"a/b").unwrap();
        assert_eq!(cursor.open_file(&root, b"a/b/f").unwrap_err(), Errno::NOENT);
        assert_eq!(cursor.enter(&root, b"a/bb").unwrap_err(), Errno::NOENT);
        cursor.enter(&root, b"").unwrap();
        assert_eq!(cursor.enter(&root, b"a").unwrap_err(), Errno::NOENT);
    }

    #[test]
    fn no_part_of_a_path_may_be_a_link() {
        let base = tempfile::tempdir().unwrap();
        create_dir_all(base.path().join("a/b/c")).unwrap();
        symlink("b", base.path().join("a/link")).unwrap();
        let root = Root::open(base.path()).unwrap();
        let mut cursor = Cursor::default();
        for path in [&b"a/link"[..], b"a/link/c"] {
            assert_eq!(cursor.enter(&root, path).unwrap_err(), Errno::NOTDIR);
            cursor.enter(&root, b"a/b/c").unwrap();
        }
        assert_eq!(cursor.open_file(&root, b"a/link").unwrap_err(), Errno::LOOP);
    }

    proptest! {
        #[test]
        fn it_comes_to_the_right_directory_with_few_handles(
            paths in prop::collection::vec("([ab]/){0,6}([ab]|ab)", 1..16),
        ) {
            let base = tempfile::tempdir().unwrap();
            let root = Root::open(base.path()).unwrap();
            let mut cursor = Cursor::default();
            for path in &paths {
                create_dir_all(base.path().join(path)).unwrap();
            }
            for path in paths.iter().chain([&String::new()]).chain(paths.iter().rev()) {
                let handle = cursor.enter(&root, path.as_bytes()).unwrap();
                let expected = fs::metadata(base.path().join(path)).unwrap().ino();
                prop_assert_eq!(fstat(handle).unwrap().st_ino, expected);
                prop_assert!(cursor.open.len() <= KEPT);
            }
        }
    }
}
