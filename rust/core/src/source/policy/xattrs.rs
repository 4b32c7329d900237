//! Which extended attributes go into a layer.

use crate::error::{Error, Result};
use crate::tar::Xattr;

/// Attributes that describe the host, or the mount that a tree lies on, not the tree.
const HOST: [&[u8]; 3] = [b"security.selinux", b"trusted.overlay.", b"user.overlay."];

/// Names of attributes, in which `*` stands for any characters and `?` for any one byte.
#[derive(Clone, Debug)]
pub struct XattrNames(Box<[Box<[u8]>]>);

impl XattrNames {
    /// Reads names such as `security.capability` and `user.*`. Refuses those that no attribute of
    /// a layer can have.
    pub fn parse<I: AsRef<[u8]>>(names: impl IntoIterator<Item = I>) -> Result<Self> {
        names.into_iter().map(|name| checked(name.as_ref())).collect::<Result<_>>().map(Self)
    }

    fn contain(&self, name: &[u8]) -> bool {
        self.0.iter().any(|glob| matches(glob, name))
    }
}

fn checked(name: &[u8]) -> Result<Box<[u8]>> {
    let any = |bytes: &[u8]| name.iter().any(|byte| bytes.contains(byte));
    let reason = if any(b"[\\") {
        "only `*` and `?` stand for other characters"
    } else if !any(b".*?") {
        "expected `keep`, `none`, or names such as `security.capability` and `user.*`"
    } else if is_of_host(name) {
        "it describes the host and is never kept"
    } else {
        return Ok(name.into());
    };
    Err(Error::Argument(format!("`xattrs` has `{}`: {reason}", String::from_utf8_lossy(name))))
}

/// Keeps all but those of the host, of these names if there are `names`, in the order of names.
pub(super) fn filter(xattrs: &mut Box<[Xattr]>, names: Option<&XattrNames>) {
    if xattrs.is_empty() {
        return;
    }
    let mut kept = std::mem::take(xattrs).into_vec();
    kept.retain(|xattr| {
        !is_of_host(&xattr.name) && names.is_none_or(|names| names.contain(&xattr.name))
    });
    kept.sort();
    *xattrs = kept.into();
}

fn is_of_host(name: &[u8]) -> bool {
    HOST.iter().any(|&host| match host {
        [.., b'.'] => name.starts_with(host),
        _ => name == host,
    })
}

/// Takes every `*` for as little as it can be, and goes back to the last one only: at most
/// glob × name steps.
fn matches(glob: &[u8], name: &[u8]) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut star = None;
    while next < name.len() {
        match (glob.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at + 1, next));
                at += 1;
            }
            (Some(&byte), _) if byte == b'?' || byte == name[next] => {
                at += 1;
                next += 1;
            }
            (_, Some((after, taken))) => {
                star = Some((after, taken + 1));
                (at, next) = (after, taken + 1);
            }
            (_, None) => return false,
        }
    }
    glob[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(names: Option<&[&str]>) -> Vec<String> {
        let all = [
            "user.b",
            "security.selinux",
            "user.a",
            "trusted.overlay.opaque",
            "security.capability",
            "user.overlay.x",
            "user.a.long.one",
        ];
        let xattr = |name: &str| Xattr { name: name.as_bytes().into(), value: Box::default() };
        let mut xattrs: Box<[Xattr]> = all.into_iter().map(xattr).collect();
        let names = names.map(|names| XattrNames::parse(names).unwrap());
        filter(&mut xattrs, names.as_ref());
        xattrs.iter().map(|xattr| String::from_utf8(xattr.name.to_vec()).unwrap()).collect()
    }

    #[test]
    fn all_but_those_of_the_host_are_kept_in_order() {
        assert_eq!(kept(None), ["security.capability", "user.a", "user.a.long.one", "user.b"]);
    }

    #[test]
    fn names_choose_among_those_that_would_be_kept() {
        for (names, expected) in [
            (&["security.capability", "user.b"][..], &["security.capability", "user.b"][..]),
            (&["user.?"], &["user.a", "user.b"]),
            (&["user.*"], &["user.a", "user.a.long.one", "user.b"]),
            (&["*.*e"], &["user.a.long.one"]),
            (&["s*"], &["security.capability"]),
            (&["user."], &[]),
            (&["trusted.*"], &[]),
            (&[], &[]),
        ] {
            assert_eq!(kept(Some(names)), expected, "{names:?}");
        }
    }

    #[test]
    fn names_that_could_keep_nothing_are_refused() {
        for (name, reason) in [
            ("", "expected `keep`, `none`, or names such as "),
            ("none", "expected `keep`, `none`, or names such as "),
            ("user.[ab]", "only `*` and `?` stand for "),
            ("user.\\*", "only `*` and `?` stand for "),
            ("security.selinux", "it describes the host "),
            ("user.overlay.*", "it describes the host "),
        ] {
            let error = XattrNames::parse([name]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`xattrs` has `{name}`: {reason}")), "{error}");
        }
    }

    /// The same by recursion.
    fn model(glob: &[u8], name: &[u8]) -> bool {
        match (glob, name) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                model(rest, name) || !name.is_empty() && model(glob, &name[1..])
            }
            ([b'?', glob @ ..], [_, name @ ..]) => model(glob, name),
            ([one, glob @ ..], [other, name @ ..]) => one == other && model(glob, name),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn globs_agree_with_a_model(glob in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            let (glob, name) = (glob.as_bytes(), name.as_bytes());
            prop_assert_eq!(matches(glob, name), model(glob, name));
        }
    }
}
