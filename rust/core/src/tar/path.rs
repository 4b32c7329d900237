//! Paths inside an archive: normal form, order, parents.

use std::cmp::Ordering;

use crate::error::{Error, Result};

/// The normal form of a name read from an archive or given by a user: no leading `/` or `./`, no
/// empty or `.` parts, no slash at the end. The root is empty.
///
/// `..` and NUL are errors: nothing may name a place outside the root, and a `..` inside it means
/// different places to different readers.
pub fn normalize_path(name: &[u8]) -> Result<Box<[u8]>> {
    let refuse = |reason: &str| Err(Error::unsupported(crate::error::display_path(name), reason));
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

/// A key that sorts paths into the order of a layer: part by part, each bytewise, so that a
/// directory stands directly before all that it holds (`a`, `a/x`, `a-b`).
#[must_use]
pub fn order_key(path: &[u8]) -> Box<[u8]> {
    // No name holds a NUL byte, so giving the slash its place is comparing part by part.
    path.iter().map(|&byte| if byte == b'/' { 0 } else { byte }).collect()
}

/// How two paths stand to each other in that order.
#[must_use]
pub fn compare_paths(left: &[u8], right: &[u8]) -> Ordering {
    let key = |&byte: &u8| if byte == b'/' { 0 } else { byte };
    left.iter().map(key).cmp(right.iter().map(key))
}

/// Whether `path` lies in `directory`, at any depth; everything but the root lies in the root.
#[must_use]
pub fn is_within(path: &[u8], directory: &[u8]) -> bool {
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
    fn the_parent_of_a_top_level_path_is_the_root() {
        assert_eq!(parent_of(b"a/b/c"), Some(&b"a/b"[..]));
        assert_eq!(parent_of(b"a"), Some(&b""[..]));
        assert_eq!(parent_of(b""), None);
    }
}
