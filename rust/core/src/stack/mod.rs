//! Layers on top of each other: which entries of lower ones stay (image-spec, layer.md, "Applying
//! Changesets"). A pure function of paths.

mod ground;
mod listing;
mod merged;
mod resolve;
mod tree;

use crate::error::{Error, Result, display_path};
use crate::tar::{Entry, Kind, OPAQUE_WHITEOUT, PathMap, WHITEOUT_PREFIX, sibling, split_path};

pub(crate) use ground::Ground;
pub(crate) use listing::{Listing, list_layer, list_plan};
pub(crate) use merged::{Merged, Node};
pub use tree::Tree;

/// What a whiteout removes of lower layers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whiteout<'a> {
    /// A name in the directory where it is, and all below that.
    Name(Box<[u8]>),
    /// All that is in this directory.
    Below(&'a [u8]),
}

impl Whiteout<'_> {
    /// The path that it is about.
    pub(crate) fn path(&self) -> &[u8] {
        match self {
            Self::Name(path) => path,
            Self::Below(directory) => directory,
        }
    }
}

/// What the entry `path` of a layer removes, if it is a whiteout.
pub(crate) fn whiteout(path: &[u8]) -> Option<Whiteout<'_>> {
    let (parent, name) = split_path(path);
    if name == OPAQUE_WHITEOUT {
        return Some(Whiteout::Below(parent));
    }
    let name = name.strip_prefix(WHITEOUT_PREFIX)?;
    // `.wh.`, `.wh..` and `.wh...` name nothing, the directory itself and the one above it.
    (!matches!(name, b"" | b"." | b"..")).then(|| Whiteout::Name(sibling(path, name)))
}

/// Whether the entry `path` of a layer is for whoever applies it, and never seen in a tree.
#[must_use]
pub fn is_whiteout(path: &[u8]) -> bool {
    split_path(path).1.starts_with(WHITEOUT_PREFIX)
}

/// Refuses what is no entry of any tree.
pub(crate) fn check_form(entry: &Entry) -> Result<()> {
    let reason = match &entry.kind {
        Kind::Directory => return Ok(()),
        _ if entry.path.is_empty() => "its path is the root's, but it is no directory",
        Kind::Symlink(target) if target.is_empty() => "it is a symbolic link without a target",
        _ => return Ok(()),
    };
    Err(Error::unsupported(display_path(&entry.path), reason))
}

/// The entries that are there after some layers, each with its path.
#[derive(Clone, Debug)]
pub struct Stack<T> {
    entries: PathMap<(Box<[u8]>, T)>,
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Self { entries: PathMap::default() }
    }
}

impl<T> Stack<T> {
    /// Removes what the whiteouts among the `paths` of the next layer say. They say nothing of the
    /// entries of that layer itself, whatever their order, so this comes before
    /// [`put`](Self::put).
    pub fn remove_for<'a>(&mut self, paths: impl IntoIterator<Item = &'a [u8]>) {
        for path in paths {
            match whiteout(path) {
                Some(Whiteout::Name(path)) => {
                    self.entries.remove_below(&path);
                    self.entries.remove(&path);
                }
                Some(Whiteout::Below(directory)) => _ = self.entries.remove_below(directory),
                None => {}
            }
        }
    }

    /// Puts an entry of the next layer in the place of what has its path. Only a directory leaves
    /// what is below there.
    pub fn put(&mut self, path: Box<[u8]>, value: T, is_directory: bool) {
        if !is_directory {
            self.entries.remove_below(&path);
        }
        self.entries.insert(&path.clone(), (path, value));
    }

    /// The entry that has this path.
    #[must_use]
    pub fn get(&self, path: &[u8]) -> Option<&T> {
        self.entries.get(path).map(|(_, value)| value)
    }

    /// What is directly in a directory, in the order of names.
    pub(crate) fn children<'a>(&'a self, directory: &[u8]) -> impl Iterator<Item = &'a T> {
        self.entries.children(directory).map(|(_, value)| value)
    }

    /// All entries in the order of a layer.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        self.entries.values().map(|(path, value)| (&**path, value))
    }

    /// What all entries are, in the order of a layer.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.entries.into_values().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(stack: &Stack<()>) -> Vec<&[u8]> {
        stack.iter().map(|(path, ())| path).collect()
    }

    fn apply(stack: &mut Stack<()>, layer: &[&str]) {
        stack.remove_for(layer.iter().map(|path| path.trim_end_matches('/').as_bytes()));
        for path in layer {
            let name = path.trim_end_matches('/').as_bytes();
            if !is_whiteout(name) {
                stack.put(name.into(), (), path.ends_with('/'));
            }
        }
    }

    #[test]
    fn a_whiteout_hides_lower_layers_and_never_its_own() {
        let mut stack = Stack::default();
        apply(&mut stack, &["a/", "a/b/", "a/b/c", "a/d", "a-b", "e"]);
        apply(&mut stack, &["a/b/", "a/b/new", "a/.wh.b", ".wh.e", "e"]);
        assert_eq!(paths(&stack), [&b"a"[..], b"a/b", b"a/b/new", b"a/d", b"a-b", b"e"]);
        apply(&mut stack, &["a/", "a/x", "a/.wh..wh..opq"]);
        assert_eq!(paths(&stack), [&b"a"[..], b"a/x", b"a-b", b"e"]);
        apply(&mut stack, &["z", ".wh..wh..opq"]);
        assert_eq!(paths(&stack), [b"z"]);
    }

    #[test]
    fn only_a_directory_leaves_what_is_below() {
        let mut stack = Stack::default();
        apply(&mut stack, &["a/", "a/b/", "a/b/c"]);
        apply(&mut stack, &["a/", "a/b"]);
        assert_eq!(paths(&stack), [&b"a"[..], b"a/b"]);
    }

    #[test]
    fn a_whiteout_of_no_name_removes_nothing() {
        let mut stack = Stack::default();
        apply(&mut stack, &["a/", "a/b"]);
        apply(&mut stack, &["a/.wh.", "a/.wh..", "a/.wh..."]);
        assert_eq!(paths(&stack), [&b"a"[..], b"a/b"]);
    }
}
