//! Paths inside an archive: normal form, order, parents.

use std::cmp::Ordering;

use crate::error::{Error, Result, display_path};

/// The normal form of a name read from an archive or given by a user: no leading `/` or `./`, no
/// empty or `.` parts, no slash at the end. The root is empty.
///
/// `..` and NUL are errors: nothing may name a place outside the root, and a `..` inside it means
/// different places to different readers.
pub fn normalize_path(name: &[u8]) -> Result<Box<[u8]>> {
    let refuse = |reason: &str| Err(Error::unsupported(display_path(name), reason));
    if name.contains(&0) {
        return refuse("its name holds a NUL byte");
    }
    let mut path = Vec::with_capacity(name.len());
    for part in name.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return refuse("its name has a `..` part"),
            _ => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(part);
            }
        }
    }
    Ok(path.into())
}

/// The most that the paths of all directories above an entry may take. A layer gets an entry for
/// each that an archive lacks, so that a name of 1 MiB could stand for 256 GiB of them; and lines of
/// an mtree file enter one directory after the other. No engine unpacks a name that comes near this.
const MAX_PARENTS: usize = 16 << 20;

/// As much of such a path as a message shows.
const MAX_SHOWN: usize = 40;

/// Refuses a path in normal form with so many directories above it that they would fill memory.
pub(crate) fn check_depth(path: &[u8]) -> Result<()> {
    // Slashes stand where the path of a directory above ends.
    let slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
    let (count, length) = slashes.fold((0, 0), |(count, length), (at, _)| (count + 1, length + at));
    if length <= MAX_PARENTS {
        return Ok(());
    }
    let reason = format!(
        "the {count} directories above it are {length} bytes of paths; {MAX_PARENTS} at most"
    );
    let shown = path[..path.len().min(MAX_SHOWN)].escape_ascii();
    Err(Error::unsupported(format!("{shown}…"), reason))
}

/// How the name of a whiteout begins (image-spec, layer.md, "Whiteouts").
pub const WHITEOUT_PREFIX: &[u8] = b".wh.";

/// The name of the whiteout for all that lower layers have in its directory.
pub(crate) const OPAQUE_WHITEOUT: &[u8] = b".wh..wh..opq";

/// A key that sorts paths into the order of a layer: part by part, each bytewise, so that a
/// directory stands directly before all that it holds (`a`, `a/x`, `a-b`). Whiteouts come before
/// everything beside them, as layer.md asks.
#[must_use]
pub(crate) fn order_key(path: &[u8]) -> Box<[u8]> {
    // No name holds a NUL byte, so giving the slash its place is comparing part by part, and one
    // more NUL stands before every name.
    let mut key = Vec::with_capacity(path.len());
    for (number, part) in path.split(|&byte| byte == b'/').enumerate() {
        if number > 0 {
            key.push(0);
        }
        if part.starts_with(WHITEOUT_PREFIX) {
            key.push(0);
        }
        key.extend_from_slice(part);
    }
    key.into()
}

/// How two paths stand to each other in that order.
#[must_use]
pub fn compare_paths(left: &[u8], right: &[u8]) -> Ordering {
    let same = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let part = left[..same].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let follows = |path: &[u8]| !path[part..].starts_with(WHITEOUT_PREFIX);
    let byte = |path: &[u8]| path.get(same).map(|&byte| if byte == b'/' { 0 } else { byte });
    let (left_byte, right_byte) = (byte(left), byte(right));
    // A directory stands before its whiteouts too: nothing is left of its path to compare.
    if part == same && (left_byte.is_none() || right_byte.is_none()) {
        return left_byte.cmp(&right_byte);
    }
    follows(left).cmp(&follows(right)).then(left_byte.cmp(&right_byte))
}

/// Whether `path` lies in `directory`, at any depth; everything but the root lies in the root.
#[must_use]
pub(crate) fn is_within(path: &[u8], directory: &[u8]) -> bool {
    match path.strip_prefix(directory) {
        Some([b'/', ..]) => true,
        Some(rest) => directory.is_empty() && !rest.is_empty(),
        None => false,
    }
}

/// The path of the directory that holds `path`; `None` for the root itself.
#[must_use]
pub fn parent_of(path: &[u8]) -> Option<&[u8]> {
    if path.is_empty() {
        return None;
    }
    let slash = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    Some(&path[..slash])
}

/// The directories above `path`, the nearest first and the root last.
pub fn parents_of(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(parent_of(path), |path| parent_of(path))
}

/// The directory that holds `path`, and the name that it has there; both are empty for the root.
#[must_use]
pub(crate) fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    let parent = parent_of(path).unwrap_or_default();
    (parent, &path[if parent.is_empty() { 0 } else { parent.len() + 1 }..])
}

/// The path of what lies at `path` below `directory`; either may be empty.
#[must_use]
pub(crate) fn join(directory: &[u8], path: &[u8]) -> Box<[u8]> {
    match (directory, path) {
        (b"", path) => path.into(),
        (directory, b"") => directory.into(),
        (directory, path) => [directory, b"/", path].concat().into(),
    }
}

/// The path of what is called `name` in the directory that holds `path`.
#[must_use]
pub(crate) fn sibling(path: &[u8], name: &[u8]) -> Box<[u8]> {
    let (_, own) = split_path(path);
    [&path[..path.len() - own.len()], name].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_brought_to_their_normal_form() {
        for (name, path) in [
            (&b"./"[..], &b""[..]),
            (b".", b""),
            (b"/", b""),
            (b"./usr//bin/.", b"usr/bin"),
            (b"/etc/", b"etc"),
            (b"a\n\xff", b"a\n\xff"),
            (b"..a/b..", b"..a/b.."),
        ] {
            assert_eq!(&*normalize_path(name).unwrap(), path);
        }
    }

    #[test]
    fn names_that_leave_the_root_or_hold_nul_are_refused() {
        for name in [&b".."[..], b"a/../b", b"../etc/passwd", b"a\0b"] {
            assert!(matches!(normalize_path(name), Err(Error::Unsupported { .. })));
        }
    }

    #[test]
    fn a_directory_stands_directly_before_what_it_holds() {
        let mut paths = [&b"a-b"[..], b"a/x", b"b", b"a", b"a/x/y", b"a/x-", b""];
        paths.sort_by_key(|path| order_key(path));
        assert_eq!(paths, [&b""[..], b"a", b"a/x", b"a/x/y", b"a/x-", b"a-b", b"b"]);
    }

    #[test]
    fn whiteouts_stand_before_all_that_is_beside_them() {
        let mut paths =
            [&b"a/\x01"[..], b"a/.wh.z", b"a", b"-", b".wh.b", b"a/.wh..wh..opq", b"a/.w", b""];
        paths.sort_by_key(|path| order_key(path));
        let expected =
            [&b""[..], b".wh.b", b"-", b"a", b"a/.wh..wh..opq", b"a/.wh.z", b"a/\x01", b"a/.w"];
        assert_eq!(paths, expected);
    }

    #[test]
    fn a_path_is_taken_apart_and_put_together() {
        for (path, parent, name, beside) in [
            (&b""[..], &b""[..], &b""[..], &b"x"[..]),
            (b"a", b"", b"a", b"x"),
            (b"a/b/c", b"a/b", b"c", b"a/b/x"),
        ] {
            assert_eq!(split_path(path), (parent, name));
            assert_eq!(&*sibling(path, b"x"), beside);
        }
        assert_eq!(parents_of(b"a/b/c").collect::<Vec<_>>(), [&b"a/b"[..], b"a", b""]);
        assert_eq!(parents_of(b"").count(), 0);
    }

    proptest::proptest! {
        #[test]
        fn comparing_is_comparing_keys(left in "[a/.\x01]{0,3}(/?\\.wh\\.[a\x01]?)?[a/]{0,3}",
                                       right in "[a/.\x01]{0,3}(/?\\.wh\\.[a\x01]?)?[a/]{0,3}") {
            let left = normalize_path(left.replace("..", "b").as_bytes()).unwrap();
            let right = normalize_path(right.replace("..", "b").as_bytes()).unwrap();
            let keys = order_key(&left).cmp(&order_key(&right));
            proptest::prop_assert_eq!(compare_paths(&left, &right), keys);
        }
    }

    #[test]
    fn the_parent_of_a_top_level_path_is_the_root() {
        assert_eq!(parent_of(b"a/b/c"), Some(&b"a/b"[..]));
        assert_eq!(parent_of(b"a"), Some(&b""[..]));
        assert_eq!(parent_of(b""), None);
    }
}
