//! Planned files, found again on the host.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::{Origin, Planned};
use crate::source::{Cursor, Root, open_host_file, shown};

/// Where a planned file lies on the host.
pub(super) enum Place<'a> {
    File(&'a Path),
    /// Below a root that is called `base`.
    Below {
        root: &'a Root,
        base: &'a Path,
        path: &'a [u8],
    },
}

impl<'a> Place<'a> {
    pub(super) fn of(origin: &'a Origin, planned: &'a Planned) -> Self {
        match origin {
            Origin::File(path) => Self::File(path),
            Origin::Tree { root, path: base, strip } => {
                Self::Below { root, base, path: &planned.entry.path[*strip..] }
            }
            Origin::Moved { root, path: base, inner } => Self::Below { root, base, path: inner },
        }
    }

    pub(super) fn shown(&self) -> PathBuf {
        match *self {
            Self::File(path) => path.to_path_buf(),
            Self::Below { base, path, .. } => shown(base, path),
        }
    }
}

/// Opens files one after the other.
#[derive(Debug, Default)]
pub(super) struct Opener<'a> {
    /// The root that the cursor is below.
    root: Option<&'a Root>,
    cursor: Cursor,
}

impl<'a> Opener<'a> {
    pub(super) fn open(&mut self, place: &Place<'a>) -> Result<OwnedFd, Errno> {
        match *place {
            Place::File(path) => open_host_file(path),
            Place::Below { root, path, .. } => {
                if !self.root.is_some_and(|last| std::ptr::eq(last, root)) {
                    *self = Self { root: Some(root), cursor: Cursor::default() };
                }
                self.cursor.open_file(root, path)
            }
        }
    }
}
