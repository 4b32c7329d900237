//! What is there when layers are applied: entries, and what is in very few files.

use std::sync::Arc;

use super::listing::{Kept, Listing};
use super::resolve::{Followed, MAX_BYTES};
use super::{Merged, check_form, is_whiteout};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::tar::{Entry, Kind, join, normalize_path, split_path};

/// What is there when layers are applied: about 500 bytes for each entry with a short name. A clone
/// shares them all until one of the two changes.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Arc<Merged<Kept>>,
}

impl Default for Tree {
    /// Nothing but the root.
    fn default() -> Self {
        let mut nodes = Merged::default();
        // Only a hard link fails.
        let _ = nodes.put(Entry::implied_directory(b"", 0), None);
        Self { nodes: Arc::new(nodes) }
    }
}

impl Tree {
    /// Applies the next layer. Where the parent of an entry is a symbolic link to a directory, the
    /// entry goes there, as engines have it; nothing else that stands in its way stays.
    ///
    /// After an error, what is there is not known.
    pub(crate) fn apply(&mut self, layer: Vec<Listing>, cancel: &Cancel) -> Result<()> {
        let nodes = Arc::make_mut(&mut self.nodes);
        nodes.remove_for(layer.iter().map(|listing| &*listing.entry.path));
        for Listing { mut entry, content } in layer {
            cancel.check()?;
            if is_whiteout(&entry.path) {
                continue;
            }
            check_form(&entry)?;
            if let Some(place) = self.landing(&entry.path, |_| false) {
                entry.path = place;
            }
            if let Kind::HardLink(target) = &mut entry.kind
                && let Some(place) = self.landing(target, |_| false)
            {
                *target = place;
            }
            Arc::make_mut(&mut self.nodes).put_with_parents(entry, content, &None)?;
        }
        Ok(())
    }

    /// Where something for `path` lands: parents that are symbolic links to directories are
    /// followed, unless `is_own` says that a path of those is not that of this tree any more.
    /// `None`: right there, as all is whose parent has a longer path than is ever followed.
    pub(crate) fn landing(&self, path: &[u8], is_own: impl Fn(&[u8]) -> bool) -> Option<Box<[u8]>> {
        let (parent, name) = split_path(path);
        // What is there has its own parents.
        let there = || is_own(parent) || self.is_directory(parent);
        if parent.is_empty() || parent.len() > MAX_BYTES || there() {
            return None;
        }
        let mut followed = Followed::default();
        let mut at: Box<[u8]> = Box::default();
        for part in parent.split(|&byte| byte == b'/') {
            let next = join(&at, part);
            at = match self.get(&next).map(|entry| &entry.kind) {
                Some(Kind::Symlink(_)) if !is_own(&next) => {
                    let target = self.follow(at, part, true, &mut followed);
                    target.filter(|target| self.is_directory(target)).unwrap_or(next)
                }
                _ => next,
            };
        }
        (*at != *parent).then(|| join(&at, name))
    }

    pub(super) fn get(&self, path: &[u8]) -> Option<&Entry> {
        self.nodes.get(path).map(|node| &node.entry)
    }

    fn is_directory(&self, path: &[u8]) -> bool {
        self.get(path).is_some_and(Entry::is_directory)
    }

    /// What is at this path, with hard links being what they link to.
    ///
    /// Here and below, [`Error::Argument`] for what is no path from the root.
    pub fn entry(&self, path: &[u8]) -> Result<Option<&Entry>> {
        Ok(self.get(&normal(path)?))
    }

    /// The names in a directory, in bytewise order.
    pub fn children(&self, directory: &[u8]) -> Result<Vec<&[u8]>> {
        let directory = normal(directory)?;
        let children = self.nodes.children(&directory);
        Ok(children.map(|node| split_path(&node.entry.path).1).collect())
    }

    /// The content of `etc/passwd` or `etc/group`, if that is a regular file of at most 1 MiB.
    pub fn content(&self, path: &[u8]) -> Result<Option<&[u8]>> {
        Ok(self.nodes.get(&normal(path)?).and_then(|node| node.content.as_deref()))
    }
}

/// A path as users write it.
fn normal(path: &[u8]) -> Result<Box<[u8]>> {
    normalize_path(path).map_err(|error| Error::Argument(format!("invalid path: {error}")))
}

#[cfg(test)]
mod tests;
