//! Layers on top of each other: which entries of lower ones stay (image-spec, layer.md, "Applying
//! Changesets"). A pure function of paths.

use std::collections::BTreeMap;

use crate::tar::{OPAQUE_WHITEOUT, WHITEOUT_PREFIX, order_key, parent_of};

/// What a whiteout removes of lower layers.
#[derive(Debug, PartialEq, Eq)]
enum Whiteout<'a> {
    /// A name in the directory where it is, and all below that.
    Name(Box<[u8]>),
    /// All that is in this directory.
    Below(&'a [u8]),
}

/// What the entry `path` of a layer removes, if it is a whiteout.
fn whiteout(path: &[u8]) -> Option<Whiteout<'_>> {
    let parent = parent_of(path)?;
    let (above, name) = path.split_at(if parent.is_empty() { 0 } else { parent.len() + 1 });
    if name == OPAQUE_WHITEOUT {
        return Some(Whiteout::Below(parent));
    }
    let name = name.strip_prefix(WHITEOUT_PREFIX)?;
    // `.wh.`, `.wh..` and `.wh...` name nothing, the directory itself and the one above it.
    (!matches!(name, b"" | b"." | b"..")).then(|| Whiteout::Name([above, name].concat().into()))
}

/// Whether the entry `path` of a layer is for whoever applies it, and never seen in a tree.
#[must_use]
pub fn is_whiteout(path: &[u8]) -> bool {
    path.rsplit(|&byte| byte == b'/').next().is_some_and(|name| name.starts_with(WHITEOUT_PREFIX))
}

/// A path, or its key in the order of a layer.
type Path = Box<[u8]>;

/// The entries that are there after some layers, by path in the order of a layer.
#[derive(Clone, Debug)]
pub struct Stack<T> {
    entries: BTreeMap<Path, (Path, T)>,
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
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
                    self.remove_below(&path);
                    self.entries.remove(&order_key(&path));
                }
                Some(Whiteout::Below(directory)) => self.remove_below(directory),
                None => {}
            }
        }
    }

    /// Puts an entry of the next layer in the place of what has its path. Only a directory leaves
    /// what is below there.
    pub fn put(&mut self, path: Box<[u8]>, value: T, is_directory: bool) {
        if !is_directory {
            self.remove_below(&path);
        }
        self.entries.insert(order_key(&path), (path, value));
    }

    /// The entry that has this path.
    #[must_use]
    pub fn get(&self, path: &[u8]) -> Option<&T> {
        self.entries.get(&order_key(path)).map(|(_, value)| value)
    }

    /// All entries in the order of a layer.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        self.entries.values().map(|(path, value)| (&**path, value))
    }

    fn remove_below(&mut self, directory: &[u8]) {
        let key = order_key(directory);
        let inside = |other: &[u8]| match other.strip_prefix(&*key) {
            Some([0, ..]) => true,
            Some(rest) => key.is_empty() && !rest.is_empty(),
            None => false,
        };
        let from = [&*key, &[0]].concat().into_boxed_slice();
        let start = if key.is_empty() { Box::default() } else { from };
        let below = self.entries.range(start..).map(|(other, _)| other);
        let gone: Vec<Box<[u8]>> = below
            .skip_while(|other| other.is_empty())
            .take_while(|other| inside(other))
            .cloned()
            .collect();
        for key in gone {
            self.entries.remove(&key);
        }
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
