//! What the content of an entry is read from, and where on the host that is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Described;
use crate::source::{Root, Stamp};

/// Where an entry's bytes come from.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// There are none.
    None,
    /// There are none, but the inode, by device and number, has other names too.
    Shared(u64, u64),
    /// Memory.
    Bytes(Arc<[u8]>),
    /// Memory, with what edits made of the content of a file: of one with other names too, also the
    /// device and number of its inode.
    Rewritten(Arc<[u8]>, Option<(u64, u64)>),
    /// A file of one of the plan's origins, in the state that the plan saw.
    File { origin: usize, stamp: Stamp },
    /// Such a file, with what a description says of it.
    Described(Box<Described>),
    /// A member of a stream that comes by, counted from 0, and nothing that the plan could read.
    /// What is no file is also at its member's place.
    Member {
        number: u64,
        /// The inode has other names too.
        shared: bool,
    },
}

/// The device of inodes that are on none: no host has one with this number.
pub(crate) const NO_DEVICE: u64 = u64::MAX;

impl Content {
    /// Device and number of an inode that has several names.
    pub(crate) fn identity(&self) -> Option<(u64, u64)> {
        match self {
            Self::Shared(device, inode) => Some((*device, *inode)),
            Self::Rewritten(_, identity) => *identity,
            Self::File { stamp, .. } => stamp.shared_identity(),
            Self::Described(file) => file.identity,
            Self::Member { number, shared } => shared.then_some((NO_DEVICE, *number)),
            Self::None | Self::Bytes(_) => None,
        }
    }

    /// The same of an inode whose other names don't matter.
    pub(crate) fn alone(self) -> Self {
        match self {
            Self::Shared(..) => Self::None,
            Self::File { origin, stamp } => Self::File { origin, stamp: stamp.alone() },
            other => other,
        }
    }

    /// The origin of a file.
    pub(super) fn origin_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::File { origin, .. } => Some(origin),
            Self::Described(file) => Some(&mut file.origin),
            Self::None
            | Self::Shared(..)
            | Self::Bytes(_)
            | Self::Rewritten(..)
            | Self::Member { .. } => None,
        }
    }
}

/// A place on the host that entries were found at.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A tree; `strip` is the length of what its paths have in the layer before their own part.
    Tree { root: Arc<Root>, path: PathBuf, strip: usize },
    /// One file of a tree, by its path below the root: its entry has another path, which an edit
    /// or a description has given it.
    Moved { root: Arc<Root>, path: PathBuf, inner: Box<[u8]> },
    /// A single file.
    File(PathBuf),
}

impl Origin {
    pub(crate) fn tree(root: Arc<Root>, path: &Path, prefix: &[u8]) -> Self {
        let strip = if prefix.is_empty() { 0 } else { prefix.len() + 1 };
        Self::Tree { root, path: path.to_path_buf(), strip }
    }

    /// The file `inner` of the tree `root`, which is called `path`.
    pub(crate) fn one(root: Arc<Root>, path: &Path, inner: &[u8]) -> Self {
        Self::Moved { root, path: path.to_path_buf(), inner: inner.into() }
    }

    /// The file of an entry that stood at `path` before it was moved.
    pub(super) fn moved(&self, path: &[u8]) -> Option<Self> {
        let Self::Tree { root, path: tree, strip } = self else { return None };
        let (root, tree) = (Arc::clone(root), tree.clone());
        Some(Self::Moved { root, path: tree, inner: path[*strip..].into() })
    }
}
