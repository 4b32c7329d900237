//! Entries that remove what lower layers hold (image-spec, layer.md, "Whiteouts").

use super::Policy;
use crate::tar::{Entry, Kind, OPAQUE_WHITEOUT, WHITEOUT_PREFIX, join, sibling, split_path};

/// Removes `path` of the source, and all that it holds.
pub(super) fn whiteout(path: &[u8], policy: &Policy) -> Entry {
    let path = policy.place(path);
    let (_, name) = split_path(&path);
    marker(&sibling(&path, &[WHITEOUT_PREFIX, name].concat()), policy)
}

/// Removes all that lower layers hold in `directory` of the source.
pub(super) fn opaque(directory: &[u8], policy: &Policy) -> Entry {
    marker(&join(&policy.place(directory), OPAQUE_WHITEOUT), policy)
}

/// The whiteout `path` of another layer in this one.
pub(super) fn placed(path: &[u8], policy: &Policy) -> Entry {
    marker(&policy.place(path), policy)
}

/// Whiteouts are never seen in a file system, so that none of the owners and times there are
/// theirs.
fn marker(path: &[u8], policy: &Policy) -> Entry {
    let mtime = policy.default_mtime();
    Entry { kind: Kind::Regular, mode: 0o644, ..Entry::implied_directory(path, mtime) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whiteout_stands_beside_what_it_removes_and_opaque_inside() {
        let plain = Policy::default();
        let below = Policy::default().with_prefix(b"opt/app").unwrap();
        for (policy, path, beside, inside) in [
            (&plain, &b"a"[..], &b".wh.a"[..], &b"a/.wh..wh..opq"[..]),
            (&plain, b"d/a", b"d/.wh.a", b"d/a/.wh..wh..opq"),
            (&below, b"a", b"opt/app/.wh.a", b"opt/app/a/.wh..wh..opq"),
        ] {
            assert_eq!(&*whiteout(path, policy).path, beside);
            assert_eq!(&*opaque(path, policy).path, inside);
            assert_eq!(placed(&opaque(path, &plain).path, policy), opaque(path, policy));
        }
        assert_eq!(&*opaque(b"", &plain).path, b".wh..wh..opq");
    }
}
