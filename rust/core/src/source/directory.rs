//! Directory handles below one root, reached part by part and never through a link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
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
        let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
        let handle = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|error| Error::io("open", path, error))?;
        Ok(Self { handle })
    }
}

/// The directory that was opened last, so that the next one below or beside it costs few calls.
///
/// It holds one handle besides the root's, however deep the tree is.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    path: Vec<u8>,
    handle: Option<OwnedFd>,
}

impl Cursor {
    /// The handle of the directory `path` (relative to `root`, empty for the root itself).
    pub(crate) fn enter<'a>(
        &'a mut self,
        root: &'a Root,
        path: &[u8],
    ) -> Result<BorrowedFd<'a>, Errno> {
        if path.is_empty() {
            return Ok(root.handle.as_fd());
        }
        let nearest = self.handle.take();
        let (mut handle, rest) = match (nearest, path.strip_prefix(&*self.path)) {
            (Some(handle), Some([])) => (Some(handle), &[][..]),
            (Some(handle), Some([b'/', rest @ ..])) => (Some(handle), rest),
            _ => (None, path),
        };
        for part in rest.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
            let parent = handle.as_ref().map_or(root.handle.as_fd(), AsFd::as_fd);
            handle = Some(openat(parent, part, DIRECTORY, Mode::empty())?);
        }
        self.path.clear();
        self.path.extend_from_slice(path);
        self.handle = handle;
        Ok(self.handle.as_ref().map_or(root.handle.as_fd(), AsFd::as_fd))
    }

    /// Opens the file `path` (relative to `root`) for reading.
    pub(crate) fn open_file(&mut self, root: &Root, path: &[u8]) -> Result<OwnedFd, Errno> {
        let (parent, name) = split_path(path);
        open_file(self.enter(root, parent)?, name)
    }
}

/// Opens the file `name` in `directory` for reading.
pub(crate) fn open_file(directory: BorrowedFd<'_>, name: impl Arg) -> Result<OwnedFd, Errno> {
    openat(directory, name, FILE, Mode::empty())
}
