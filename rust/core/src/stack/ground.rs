//! What a layer will lie above, as far as the layer depends on it.

use super::Tree;
use crate::tar::Entry;

/// What is there before a layer is applied.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    tree: Tree,
    /// No time of the layer is later than this one.
    latest: Option<i64>,
}

impl Ground {
    pub(crate) const fn new(tree: Tree, latest: Option<i64>) -> Self {
        Self { tree, latest }
    }

    /// The directory `path` as it is there, or else `None`.
    pub(crate) fn directory(&self, path: &[u8]) -> Option<Entry> {
        let mut entry = self.tree.get(path).filter(|entry| entry.is_directory())?.clone();
        entry.mtime = self.latest.map_or(entry.mtime, |latest| entry.mtime.min(latest));
        Some(entry)
    }

    /// See [`Tree::landing`].
    pub(crate) fn landing(&self, path: &[u8], is_own: impl Fn(&[u8]) -> bool) -> Option<Box<[u8]>> {
        self.tree.landing(path, is_own)
    }

    /// Whether an entry would turn a directory into something else, or the other way round.
    pub(crate) fn is_turned_by(&self, entry: &Entry) -> bool {
        let known = self.tree.get(&entry.path);
        known.is_some_and(|known| known.is_directory() != entry.is_directory())
    }
}
