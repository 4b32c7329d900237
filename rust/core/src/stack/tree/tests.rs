use std::fs::{File, create_dir_all, read_link};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use super::*;
use crate::cancel::Cancel;
use crate::error::display_path;
use crate::stack::Ground;

/// An entry by its text: `directory/`, `symbolic->link`, `hard=>link`, and anything else is a file.
fn listing(text: &str) -> Listing {
    let bare = |path: &str, kind| Listing {
        entry: Entry { kind, mode: 0o640, ..Entry::implied_directory(path.as_bytes(), 7) },
        content: None,
    };
    if let Some((path, target)) = text.split_once("=>") {
        bare(path, Kind::HardLink(target.as_bytes().into()))
    } else if let Some((path, target)) = text.split_once("->") {
        bare(path, Kind::Symlink(target.as_bytes().into()))
    } else if let Some(path) = text.strip_suffix('/') {
        bare(path, Kind::Directory)
    } else {
        bare(text, Kind::Regular)
    }
}

fn tree(layers: &[&[&str]]) -> Tree {
    let mut tree = Tree::default();
    for layer in layers {
        tree.apply(layer.iter().map(|text| listing(text)).collect(), &Cancel::default()).unwrap();
    }
    tree
}

fn paths(tree: &Tree) -> Vec<String> {
    let text = |(path, node): (&[u8], &crate::stack::Node<Kept>)| {
        let slash = if node.is_directory() { "/" } else { "" };
        format!("{}{slash}", display_path(path).display())
    };
    tree.nodes.iter().map(text).collect()
}

#[test]
fn entries_go_where_engines_extract_them() {
    let lower: &[&str] = &["usr/lib/a", "lib->usr/lib", "x->/nowhere", "y->usr/lib/a"];
    let upper: &[&str] = &["lib/b", "lib/d/e", "h=>lib/b", "x/c", "y/c"];
    let found = paths(&tree(&[lower, upper]));
    let expected = [
        "/",
        "h",
        "lib",
        "usr/",
        "usr/lib/",
        "usr/lib/a",
        "usr/lib/b",
        "usr/lib/d/",
        "usr/lib/d/e",
        "x/",
        "x/c",
        "y/",
        "y/c",
    ];
    assert_eq!(found, expected);
    let replaced: &[&str] = &["lib/", "lib/b", ".wh.h"];
    let found = paths(&tree(&[lower, upper, replaced]));
    assert_eq!(&found[..4], ["/", "lib/", "lib/b", "usr/"]);
}

#[test]
fn a_clone_stays_what_it_was() {
    let mut one = tree(&[&["a"]]);
    let other = one.clone();
    one.apply(vec![listing("b")], &Cancel::default()).unwrap();
    assert_eq!((paths(&one).len(), paths(&other).len()), (3, 2));
    assert!(one.apply(vec![listing("c=>nothing")], &Cancel::default()).is_err());
}

#[test]
fn a_ground_says_what_parents_are_like() {
    let ground = |latest| Ground::new(tree(&[&["d/", "d/f", "l->d"]]), latest);
    let known = ground(None).directory(b"d").unwrap();
    assert_eq!((known.mode, known.mtime), (0o640, 7));
    assert_eq!(ground(Some(5)).directory(b"d").unwrap().mtime, 5);
    assert!(["d/f", "l", "x"].iter().all(|path| ground(None).directory(path.as_bytes()).is_none()));
    for (text, turned) in [("d", true), ("d/", false), ("l", false), ("l/", true), ("x/", false)] {
        assert_eq!(ground(None).is_turned_by(&listing(text).entry), turned, "{text}");
    }
    let landing = |path: &str, own: &'static [u8]| {
        ground(None).landing(path.as_bytes(), move |path| path == own)
    };
    assert_eq!(landing("l/x/y", b"").as_deref(), Some(&b"d/x/y"[..]));
    assert_eq!(landing("l/x/y", b"l"), None);
    assert_eq!(landing("d/x", b""), None);
}

/// The kernel's own answer; `None` where it has none.
fn resolved_by_kernel(root: &Path, path: &str, flags: OFlags) -> Result<Option<Vec<u8>>, Errno> {
    let directory = File::open(root).unwrap();
    let flags = flags | OFlags::PATH | OFlags::CLOEXEC;
    match openat2(&directory, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
        Ok(file) => {
            let found = read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
            let inner = found.strip_prefix(root).unwrap().to_path_buf();
            Ok(Some(inner.into_os_string().into_vec()))
        }
        // The last one: something was renamed on this machine meanwhile.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::AGAIN) => Ok(None),
        Err(error) => Err(error),
    }
}

proptest! {
    #[test]
    fn links_lead_where_the_kernel_follows_them(
        directories in vec("[ab](/[ab]){0,2}", 1..4),
        links in vec(("([ab]/){0,2}[lm]", "/?((\\.\\.|\\.|[ablm])/){0,3}[ablm]"), 0..6),
        asked in vec("/?((\\.\\.|\\.|[ablm])/){0,4}[ablm]", 1..8),
    ) {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap();
        let mut texts: Vec<String> = Vec::new();
        for directory in &directories {
            create_dir_all(root.join(directory)).unwrap();
            texts.push(format!("{directory}/"));
        }
        for (path, target) in &links {
            let there = root.join(path).parent().is_some_and(Path::is_dir);
            if there && symlink(target, root.join(path)).is_ok() {
                texts.push(format!("{path}->{target}"));
            }
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let tree = tree(&[&texts]);
        for path in &asked {
            for (flags, follow) in [(OFlags::empty(), true), (OFlags::NOFOLLOW, false)] {
                let expected = match resolved_by_kernel(&root, path, flags) {
                    // A kernel before 5.6.
                    Err(Errno::NOSYS) => return Ok(()),
                    answer => answer.unwrap(),
                };
                let found = tree.resolve(path.as_bytes(), follow);
                if let Some(expected) = expected {
                    prop_assert_eq!(&*found.unwrap(), &*expected, "{}", path);
                }
            }
        }
    }

    #[test]
    fn children_and_entries_are_those_of_all_paths(
        layers in vec(vec("((\\.wh\\.)?[ab]/|[ab]/){0,3}([ab]|[ab]/|\\.wh\\.[ab]|[ab]->[ab])", 0..6), 1..4),
    ) {
        let mut tree = Tree::default();
        for layer in &layers {
            tree.apply(layer.iter().map(|text| listing(text)).collect(), &Cancel::default()).unwrap();
        }
        let all: Vec<Vec<u8>> = tree.nodes.iter().map(|(path, _)| path.to_vec()).collect();
        for path in &all {
            let entry = tree.entry(path).unwrap().unwrap();
            prop_assert_eq!(&*entry.path, &**path);
            let below = |other: &&Vec<u8>| !other.is_empty() && split_path(other).0 == &**path;
            let names = all.iter().filter(below).map(|path| split_path(path).1);
            let mut names: Vec<&[u8]> = names.collect();
            names.sort_unstable();
            prop_assert_eq!(tree.children(path).unwrap(), names);
            // Whatever is there has its parents.
            let (parent, _) = split_path(path);
            prop_assert!(tree.entry(parent).unwrap().unwrap().is_directory());
        }
    }
}

#[test]
fn no_target_is_followed_farther_than_a_kernel_would() {
    let follow = |target: String| {
        let tree = tree(&[&[&format!("l->{target}"), "d/"]]);
        (tree.resolve(b"l", true).is_ok(), tree.landing(b"l/x", |_| false).is_some())
    };
    let padded = |size: usize| "./".repeat(size / 2 - 1) + "d" + &"/".repeat(1 + size % 2);
    assert_eq!(follow(padded(4095)), (true, true));
    assert_eq!(follow(padded(4096)), (false, false));
    assert_eq!(follow("l/".repeat(500_000)), (false, false));
    assert_eq!(follow("x/".repeat(500_000)), (false, false));
    let error = tree(&[&["l->l/x"]]).resolve(b"l", true).unwrap_err().to_string();
    assert!(error.starts_with("`l` leads through more than 255 symbolic links"), "{error}");
}

#[test]
fn all_targets_of_a_path_have_a_limit_together() {
    let long = format!("l->{}.", "./".repeat(2000));
    let tree = tree(&[&[&long]]);
    assert!(tree.landing(b"l/l/x", |_| false).is_some_and(|place| *place == *b"x"));
    assert!(tree.landing(b"l/l/l/x", |_| false).is_some_and(|place| *place == *b"l/x"));
    assert!(tree.resolve(b"l/l", true).is_ok());
    assert!(tree.resolve(b"l/l/l", true).is_err());
    assert!(tree.resolve(&b"x/".repeat(4097), true).is_err());
    assert!(tree.landing(&b"l/".repeat(5000), |_| false).is_none());
}

#[test]
fn what_no_engine_can_make_is_refused() {
    for (text, reason) in [
        ("->l", "`.` cannot be stored in a layer: its path is the root's, but it is no directory"),
        ("", "`.` cannot be stored in a layer: its path is the root's, but it is no directory"),
        ("l->", "`l` cannot be stored in a layer: it is a symbolic link without a target"),
    ] {
        let error = Tree::default().apply(vec![listing(text)], &Cancel::default()).unwrap_err();
        assert_eq!(error.to_string(), reason);
    }
}

#[test]
fn what_is_asked_to_stop_applies_no_more() {
    let cancel = Cancel::default();
    cancel.raise();
    assert!(Tree::default().apply(vec![listing("a")], &cancel).is_err());
}
