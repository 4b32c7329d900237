//! Layers with their entries: names that belong to one inode, wherever its first name is by now.

use super::Stack;
use crate::error::{Error, Result};
use crate::tar::{Entry, Kind, parents_of};

/// An entry of a tree. Hard links are what they link to.
#[derive(Clone, Debug)]
pub(crate) struct Node<C> {
    /// Its metadata.
    pub(crate) entry: Entry,
    /// What is known of its content.
    pub(crate) content: C,
    /// The number of its inode, from 1.
    pub(crate) inode: usize,
}

impl<C> Node<C> {
    pub(crate) const fn is_directory(&self) -> bool {
        self.entry.is_directory()
    }
}

/// The entries that are there after some layers.
#[derive(Clone, Debug)]
pub(crate) struct Merged<C> {
    nodes: Stack<Node<C>>,
    inodes: usize,
}

impl<C> Default for Merged<C> {
    fn default() -> Self {
        Self { nodes: Stack::default(), inodes: 0 }
    }
}

impl<C: Clone> Merged<C> {
    /// See [`Stack::remove_for`].
    pub(crate) fn remove_for<'a>(&mut self, paths: impl IntoIterator<Item = &'a [u8]>) {
        self.nodes.remove_for(paths);
    }

    /// Puts an entry of the next layer. A hard link becomes one more name of what its target is
    /// now, and stays that.
    pub(crate) fn put(&mut self, entry: Entry, content: C) -> Result<()> {
        let path = entry.path.clone();
        let node = if let Kind::HardLink(target) = &entry.kind {
            let mut node = self.nodes.get(target).cloned().ok_or_else(|| {
                Error::malformed(&path, "the target of this hard link is not there")
            })?;
            node.entry.path.clone_from(&path);
            node
        } else {
            self.inodes += 1;
            Node { entry, content, inode: self.inodes }
        };
        let is_directory = node.is_directory();
        self.nodes.put(path, node, is_directory);
        Ok(())
    }

    /// Puts an entry, and the directories above it that are not there. These have the content
    /// `none`; anything else at their paths is gone.
    pub(crate) fn put_with_parents(&mut self, entry: Entry, content: C, none: &C) -> Result<()> {
        let is_directory = |path: &[u8]| self.get(path).is_some_and(Node::is_directory);
        // What is there has its own parents.
        let missing: Vec<_> = parents_of(&entry.path)
            .take_while(|parent| !parent.is_empty() && !is_directory(parent))
            .map(|parent| Entry::implied_directory(parent, 0))
            .collect();
        self.put(entry, content)?;
        missing.into_iter().try_for_each(|parent| self.put(parent, none.clone()))
    }

    /// What is directly in a directory, in the order of names.
    pub(crate) fn children<'a>(&'a self, directory: &[u8]) -> impl Iterator<Item = &'a Node<C>> {
        self.nodes.children(directory)
    }

    /// The entry that has this path.
    pub(crate) fn get(&self, path: &[u8]) -> Option<&Node<C>> {
        self.nodes.get(path)
    }

    /// All entries in the order of a layer.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Node<C>)> {
        self.nodes.iter()
    }

    /// All entries in the order of a layer.
    pub(crate) fn into_nodes(self) -> impl Iterator<Item = Node<C>> {
        self.nodes.into_values()
    }

    /// How many numbers of inodes were given, those of what is gone too.
    pub(crate) const fn inodes(&self) -> usize {
        self.inodes
    }
}
