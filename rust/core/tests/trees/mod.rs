//! Small trees: made on disk, listed from there, and layers applied to such lists.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use fastlayer_core::Result;
use fastlayer_core::blob::Source;
use fastlayer_core::source::Policy;
use fastlayer_core::tar::{Entry, Kind};
use rustix::fs::{AtFlags, CWD, Mode, Timespec, Timestamps, mkfifoat, utimensat};

use crate::layers::{Members, members};

/// What proptest makes trees of. Files with one number in `link` are one inode.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Directory { children: BTreeMap<String, Node>, mode: u32, mtime: i64 },
    File { content: String, mode: u32, mtime: i64, link: Option<usize> },
    Link(String),
    Fifo,
}

/// Makes what is in `node` below the directory `root`.
pub(crate) fn make(root: &Path, node: &Node) {
    let mut links = HashMap::new();
    make_one(root, node, &mut links);
}

fn make_one(path: &Path, node: &Node, links: &mut HashMap<usize, PathBuf>) {
    match node {
        Node::Directory { children, mode, mtime } => {
            fs::create_dir_all(path).unwrap();
            for (name, child) in children {
                make_one(&path.join(name), child, links);
            }
            fs::set_permissions(path, fs::Permissions::from_mode(0o755 - mode * 4)).unwrap();
            set_time(path, *mtime);
        }
        Node::File { content, mode, mtime, link } => {
            if let Some(first) = link.and_then(|link| links.get(&link)) {
                return fs::hard_link(first, path).unwrap();
            }
            if let Some(link) = link {
                links.insert(*link, path.to_path_buf());
            }
            fs::write(path, content).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
            set_time(path, *mtime);
        }
        Node::Link(target) => {
            symlink(target, path).unwrap();
            set_time(path, 0);
        }
        Node::Fifo => {
            mkfifoat(CWD, path, Mode::from_raw_mode(0o600)).unwrap();
            set_time(path, 0);
        }
    }
}

fn set_time(path: &Path, seconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// A tree as layers see it: entries by path, each with content and the number of its inode.
pub(crate) type Tree = BTreeMap<Vec<u8>, (Entry, Vec<u8>, usize)>;

/// The difference of two directories as the members of its layer.
pub(crate) fn diff(lower: &Path, upper: &Path) -> Result<Members> {
    diff_with(lower, upper, Policy::default())
}

pub(crate) fn diff_with(lower: &Path, upper: &Path, policy: Policy) -> Result<Members> {
    members(Source::Diff { lower: lower.into(), upper: upper.into() }, policy)
}

/// All that is in a directory, as the members of its layer.
pub(crate) fn list(root: &Path) -> Members {
    members(Source::Directory(root.into()), Policy::default()).unwrap()
}

/// The tree that is in a directory.
pub(crate) fn scan(root: &Path) -> Tree {
    apply(Tree::new(), list(root))
}

/// What is there after a layer is applied to `tree`, as layer.md says: whiteouts first.
pub(crate) fn apply(mut tree: Tree, layer: Members) -> Tree {
    let (whiteouts, entries): (Members, Members) =
        layer.into_iter().partition(|(entry, _)| split(&entry.path).1.starts_with(b".wh."));
    for (whiteout, content) in whiteouts {
        let (parent, name) = split(&whiteout.path);
        assert!(content.is_empty() && whiteout.kind == Kind::Regular);
        let gone = [parent, &name[b".wh.".len()..]].concat();
        assert!(tree.contains_key(&gone), "a whiteout of nothing: {:?}", whiteout.path);
        remove(&mut tree, &gone);
    }
    let mut inode = tree.values().map(|(_, _, inode)| inode + 1).max().unwrap_or(0);
    for (entry, content) in entries {
        let path = entry.path.to_vec();
        let directories = entry.is_directory()
            && tree.get(&path).is_some_and(|(there, _, _)| there.is_directory());
        if !directories {
            remove(&mut tree, &path);
        }
        inode += 1;
        let made = match &entry.kind {
            Kind::HardLink(target) => {
                let (there, content, inode) = tree[&**target].clone();
                (Entry { path: entry.path, ..there }, content, inode)
            }
            _ => (entry, content, inode),
        };
        tree.insert(path, made);
    }
    number(tree)
}

/// Numbers the inodes by their first names, so that two trees can be compared.
fn number(mut tree: Tree) -> Tree {
    let mut numbers = HashMap::new();
    for (_, _, inode) in tree.values_mut() {
        let next = numbers.len();
        *inode = *numbers.entry(*inode).or_insert(next);
    }
    tree
}

fn remove(tree: &mut Tree, path: &[u8]) {
    let below = [path, b"/"].concat();
    tree.retain(|other, _| other != path && !other.starts_with(&below));
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    path.split_at(path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1))
}
