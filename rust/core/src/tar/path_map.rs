//! A map by path in the order of a layer, in which all that a directory holds stands together.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

use super::order_key;

/// Values by path; a directory need not have one for what it holds to have some.
#[derive(Clone, Debug)]
pub(crate) struct PathMap<T> {
    values: BTreeMap<Box<[u8]>, T>,
}

impl<T> Default for PathMap<T> {
    fn default() -> Self {
        Self { values: BTreeMap::new() }
    }
}

impl<T> PathMap<T> {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn get(&self, path: &[u8]) -> Option<&T> {
        self.values.get(&order_key(path))
    }

    pub(crate) fn get_mut(&mut self, path: &[u8]) -> Option<&mut T> {
        self.values.get_mut(&order_key(path))
    }

    /// Puts a value; returns the one that it takes the place of.
    pub(crate) fn insert(&mut self, path: &[u8], value: T) -> Option<T> {
        self.values.insert(order_key(path), value)
    }

    pub(crate) fn remove(&mut self, path: &[u8]) -> Option<T> {
        self.values.remove(&order_key(path))
    }

    /// Removes all below `directory`, at any depth, but not the directory itself.
    pub(crate) fn remove_below(&mut self, directory: &[u8]) -> Vec<T> {
        let key = order_key(directory);
        let prefix = prefix_of(&key);
        let behind = (Excluded(&*key), Unbounded);
        let keys = self.values.range::<[u8], _>(behind).map(|(key, _)| key);
        let below: Vec<_> = keys.take_while(|key| key.starts_with(&prefix)).cloned().collect();
        below.iter().filter_map(|key| self.values.remove(key)).collect()
    }

    /// The values directly in `directory`, in the order of a layer, where every directory has one.
    pub(crate) fn children<'a>(&'a self, directory: &[u8]) -> impl Iterator<Item = &'a T> {
        let key = order_key(directory);
        let prefix = prefix_of(&key);
        let mut from = [&*key, b"\0"].concat();
        std::iter::from_fn(move || {
            let (key, value) =
                self.values.range::<[u8], _>((Included(&*from), Unbounded)).next()?;
            if !key.starts_with(&prefix) {
                return None;
            }
            // All that is in it has its key and a NUL, and no other byte sorts before this one.
            from = [&**key, &[1]].concat();
            Some(value)
        })
    }

    /// All values in the order of a layer.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.values.values()
    }

    /// All values in the order of a layer.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.values.into_values()
    }
}

/// What the keys of all that lies in a directory begin with: its own and a NUL. In the root lies
/// everything else.
fn prefix_of(key: &[u8]) -> Vec<u8> {
    if key.is_empty() { Vec::new() } else { [key, b"\0"].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(directory: &str) -> Vec<&'static str> {
        let mut map = PathMap::default();
        for path in ["", "a", "a/x", "a/x/y", "a/.wh.b", "a-b", "a-b/c", "d/e"] {
            map.insert(path.as_bytes(), path);
        }
        let mut removed = map.remove_below(directory.as_bytes());
        removed.sort_unstable();
        assert_eq!(map.values().count() + removed.len(), 8);
        removed
    }

    #[test]
    fn what_is_below_a_directory_is_removed_and_nothing_beside_it() {
        assert_eq!(below("a"), ["a/.wh.b", "a/x", "a/x/y"]);
        assert_eq!(below("a/x"), ["a/x/y"]);
        assert_eq!(below("d"), ["d/e"]);
        assert_eq!(below("d/e"), [""; 0]);
        assert_eq!(below("").len(), 7);
    }

    #[test]
    fn what_is_directly_in_a_directory_is_found_between_what_is_deeper() {
        let mut map = PathMap::default();
        let paths: [&[u8]; 10] = [
            b"",
            b"a",
            b"a/\xff",
            b"a/\xff/\xff",
            b"a/x",
            b"a/x/y",
            b"a\x01",
            b"a-",
            b"a-/x",
            b"b",
        ];
        for path in paths {
            map.insert(path, path);
        }
        let children = |path| map.children(path).copied().collect::<Vec<_>>();
        assert_eq!(children(b""), [&b"a"[..], b"a\x01", b"a-", b"b"]);
        assert_eq!(children(b"a"), [&b"a/x"[..], b"a/\xff"]);
        assert_eq!(children(b"a/\xff"), [b"a/\xff/\xff"]);
        assert_eq!(children(b"b"), [b""; 0]);
        assert_eq!(children(b"c"), [b""; 0]);
    }
}
