//! Two trees, entry by entry.

use std::collections::HashMap;

use super::Tree;
use super::tree::TreeNode;
use crate::tar::{Kind, Xattr, compare_paths};

/// A path that is not the same in both trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The path, in normal form.
    pub path: Box<[u8]>,
    /// What happened to it.
    pub change: Change,
}

/// What happened to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is only in the second tree.
    Added,
    /// It is only in the first tree.
    Deleted,
    /// It is in both, with other facts.
    Modified(Vec<Fact>),
}

/// A fact of an entry that is another one now; empty where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// `type`, `mode`, `owner`, `size`, `mtime`, `content`, `target`, `device`, `link` (the first
    /// name of its inode) or `xattr NAME`.
    pub name: Box<[u8]>,
    /// What it was.
    pub before: Box<[u8]>,
    /// What it is.
    pub after: Box<[u8]>,
}

/// All that is different in `after`, in the order of a layer. A root that only one of them has is
/// none: many archives have no entry for it.
#[must_use]
pub fn differences(before: &Tree, after: &Tree) -> Vec<Difference> {
    let (links_before, links_after) = (links(before), links(after));
    let mut found = Vec::new();
    let mut one = before.nodes.iter().peekable();
    let mut other = after.nodes.iter().peekable();
    loop {
        let order = match (one.peek(), other.peek()) {
            (Some((one, _)), Some((other, _))) => compare_paths(one, other),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return found,
        };
        let gone = if order.is_le() { one.next() } else { None };
        let here = if order.is_ge() { other.next() } else { None };
        let (path, change) = match (gone, here) {
            (Some((path, gone)), Some((_, here))) => {
                let mut facts = facts(gone, here);
                let name = |links: &HashMap<usize, &[u8]>, node: &TreeNode| -> Box<[u8]> {
                    links.get(&node.inode).copied().unwrap_or_default().into()
                };
                fact(&mut facts, b"link", name(&links_before, gone), name(&links_after, here));
                if facts.is_empty() {
                    continue;
                }
                (path, Change::Modified(facts))
            }
            (Some((path, _)), None) if !path.is_empty() => (path, Change::Deleted),
            (None, Some((path, _))) if !path.is_empty() => (path, Change::Added),
            _ => continue,
        };
        found.push(Difference { path: path.into(), change });
    }
}

/// The first name of every inode that has several.
fn links(tree: &Tree) -> HashMap<usize, &[u8]> {
    let mut names: HashMap<usize, (&[u8], usize)> = HashMap::new();
    for (path, node) in tree.nodes.iter() {
        names.entry(node.inode).or_insert((path, 0)).1 += 1;
    }
    let shared = names.into_iter().filter(|(_, (_, count))| *count > 1);
    shared.map(|(inode, (path, _))| (inode, path)).collect()
}

fn facts(before: &TreeNode, after: &TreeNode) -> Vec<Fact> {
    let mut facts = Vec::new();
    let (one, other) = (&before.entry, &after.entry);
    let mut add = |name: &str, before: String, after: String| {
        fact(&mut facts, name.as_bytes(), before.into_bytes().into(), after.into_bytes().into());
    };
    add("type", kind(&one.kind).into(), kind(&other.kind).into());
    add("mode", format!("{:04o}", one.mode), format!("{:04o}", other.mode));
    add("owner", format!("{}:{}", one.uid, one.gid), format!("{}:{}", other.uid, other.gid));
    if kind(&one.kind) == kind(&other.kind) {
        add("size", one.size.to_string(), other.size.to_string());
        let digest = |node: &TreeNode| node.content.map_or(String::new(), |it| it.to_string());
        add("content", digest(before), digest(after));
        add("device", device(&one.kind), device(&other.kind));
    }
    add("mtime", one.mtime.to_string(), other.mtime.to_string());
    if let (Kind::Symlink(one), Kind::Symlink(other)) = (&one.kind, &other.kind) {
        fact(&mut facts, b"target", one.clone(), other.clone());
    }
    xattrs(&mut facts, &one.xattrs, &other.xattrs);
    facts
}

fn fact(facts: &mut Vec<Fact>, name: &[u8], before: Box<[u8]>, after: Box<[u8]>) {
    if before != after {
        facts.push(Fact { name: name.into(), before, after });
    }
}

/// Compares attributes, which both lists have sorted by name.
fn xattrs(facts: &mut Vec<Fact>, before: &[Xattr], after: &[Xattr]) {
    let value = |list: &[Xattr], name: &[u8]| {
        let found = list.iter().find(|xattr| *xattr.name == *name);
        found.map(|xattr| hex(&xattr.value))
    };
    let mut names: Vec<&[u8]> = before.iter().chain(after).map(|xattr| &*xattr.name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (one, other) = (value(before, name), value(after, name));
        if one != other {
            let text = |value: Option<String>| value.unwrap_or_default().into_bytes().into();
            let name = [b"xattr ", name].concat().into();
            facts.push(Fact { name, before: text(one), after: text(other) });
        }
    }
}

/// Bytes as `0x…`, so that an empty value is not none.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::from("0x"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Regular | Kind::HardLink(_) => "file",
        Kind::Directory => "directory",
        Kind::Symlink(_) => "symlink",
        Kind::Fifo => "fifo",
        Kind::CharDevice { .. } => "char",
        Kind::BlockDevice { .. } => "block",
    }
}

fn device(kind: &Kind) -> String {
    match kind {
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            format!("{major},{minor}")
        }
        _ => String::new(),
    }
}
