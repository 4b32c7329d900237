//! Differences of directory trees through the whole core: a lower tree with the layer applied is
//! the upper one.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod layers;
mod trees;

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use fastlayer_core::source::{Mode, Patterns, Policy};
use fastlayer_core::{Error, Result};
use proptest::prelude::*;

use self::layers::paths;
use self::trees::{Node, Tree, apply, diff, diff_with, list, make, scan};

/// Two directories, made alike by `base` and then told apart by `change`.
fn pair(base: impl Fn(&Path), change: impl Fn(&Path)) -> (tempfile::TempDir, tempfile::TempDir) {
    let (lower, upper) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    base(lower.path());
    base(upper.path());
    change(upper.path());
    for root in [lower.path(), upper.path()] {
        settle(root);
    }
    (lower, upper)
}

/// Gives every file and directory the same time.
fn settle(root: &Path) {
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => settle(&entry.path()),
            kind if kind.is_file() => set_time(&entry.path(), Duration::from_secs(1000)),
            _ => {}
        }
    }
    set_time(root, Duration::from_secs(1000));
}

fn set_time(path: &Path, since: Duration) {
    let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + since);
    File::open(path).unwrap().set_times(times).unwrap();
}

fn names(lower: &Path, upper: &Path) -> Result<Vec<String>> {
    Ok(paths(&diff(lower, upper)?))
}

fn write(path: &str) -> impl Fn(&Path) {
    move |root| {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), path).unwrap();
    }
}

#[test]
fn equal_trees_make_an_empty_layer() {
    let (lower, upper) = pair(write("d/f"), |_| {});
    assert_eq!(names(lower.path(), upper.path()).unwrap(), [""; 0]);
    assert_eq!(names(lower.path(), lower.path()).unwrap(), [""; 0]);
}

#[test]
fn what_is_changed_comes_with_its_parents_and_nothing_else() {
    let base = |root: &Path| {
        write("d/e/f")(root);
        write("d/g")(root);
        write("h/i")(root);
    };
    let (lower, upper) = pair(base, |root| fs::write(root.join("d/e/f"), "d/e/F").unwrap());
    assert_eq!(names(lower.path(), upper.path()).unwrap(), ["", "d", "d/e", "d/e/f"]);
}

#[test]
fn content_decides_where_metadata_is_alike() {
    let size = 3 << 18;
    let base = |root: &Path| fs::write(root.join("f"), vec![0; size]).unwrap();
    let (lower, upper) = pair(base, |root| {
        let mut content = vec![0; size];
        content[size - 1] = 1;
        fs::write(root.join("f"), content).unwrap();
    });
    assert_eq!(names(lower.path(), upper.path()).unwrap(), ["", "f"]);
}

#[test]
fn times_count_in_whole_seconds() {
    let (lower, upper) = pair(write("f"), |_| {});
    set_time(&upper.path().join("f"), Duration::from_millis(1_000_999));
    assert_eq!(names(lower.path(), upper.path()).unwrap(), [""; 0]);
    set_time(&upper.path().join("f"), Duration::from_secs(1001));
    assert_eq!(names(lower.path(), upper.path()).unwrap(), ["", "f"]);
}

#[test]
fn what_a_policy_levels_is_no_difference() {
    let (lower, upper) = pair(write("f"), |_| {});
    set_time(&upper.path().join("f"), Duration::from_secs(5));
    fs::set_permissions(upper.path().join("f"), fs::Permissions::from_mode(0o600)).unwrap();
    let policy =
        Policy { mtime: Some(0), mode: Some(Mode::fixed(0o644).unwrap()), ..Policy::default() };
    assert_eq!(paths(&diff_with(lower.path(), upper.path(), policy).unwrap()), [""; 0]);
}

#[test]
fn a_removed_directory_is_one_whiteout_before_its_siblings() {
    let base = |root: &Path| {
        write("d/a/b/c")(root);
        write("d/z")(root);
        write("d/-")(root);
    };
    let (lower, upper) = pair(base, |root| {
        fs::remove_dir_all(root.join("d/a")).unwrap();
        fs::write(root.join("d/-"), "new").unwrap();
    });
    assert_eq!(names(lower.path(), upper.path()).unwrap(), ["", "d", "d/.wh.a", "d/-"]);
}

#[test]
fn another_type_needs_no_whiteout() {
    let base = |root: &Path| {
        write("directory/a")(root);
        write("file")(root);
        symlink("file", root.join("link")).unwrap();
    };
    let (lower, upper) = pair(base, |root| {
        fs::remove_dir_all(root.join("directory")).unwrap();
        write("directory")(root);
        fs::remove_file(root.join("file")).unwrap();
        write("file/b")(root);
        fs::remove_file(root.join("link")).unwrap();
        write("link/c")(root);
    });
    let expected = ["", "directory", "file", "file/b", "link", "link/c"];
    assert_eq!(names(lower.path(), upper.path()).unwrap(), expected);
}

#[test]
fn names_of_one_inode_come_together() {
    let base = |root: &Path| {
        for (name, other) in [("a", "b"), ("m", "n")] {
            write(name)(root);
            fs::hard_link(root.join(name), root.join(other)).unwrap();
        }
    };
    let (lower, upper) = pair(base, |root| {
        fs::hard_link(root.join("a"), root.join("new")).unwrap();
        // Two files with the content that one had: the first of them may stay.
        fs::remove_file(root.join("n")).unwrap();
        fs::write(root.join("n"), "m").unwrap();
    });
    let layer = diff(lower.path(), upper.path()).unwrap();
    assert_eq!(paths(&layer), ["", "a", "b", "n", "new"]);
    assert_eq!(apply(scan(lower.path()), layer), scan(upper.path()));
}

#[test]
fn a_snapshot_made_of_hard_links_is_equal() {
    let (lower, upper) = pair(write("f"), |root| fs::remove_file(root.join("f")).unwrap());
    fs::hard_link(lower.path().join("f"), upper.path().join("f")).unwrap();
    settle(upper.path());
    assert_eq!(names(lower.path(), upper.path()).unwrap(), [""; 0]);
}

#[test]
fn what_is_excluded_is_neither_compared_nor_removed() {
    let base = |root: &Path| {
        write("cache/a")(root);
        write("cache/keep")(root);
        write("log")(root);
    };
    let (lower, upper) = pair(base, |root| {
        fs::remove_dir_all(root.join("cache")).unwrap();
        fs::write(root.join("log"), "other").unwrap();
    });
    let exclude = Patterns::parse(["cache", "log"]).unwrap();
    let policy = Policy { exclude, ..Policy::default() };
    assert_eq!(paths(&diff_with(lower.path(), upper.path(), policy).unwrap()), [""; 0]);
}

#[test]
fn a_socket_is_nothing() {
    let (lower, upper) = pair(write("f"), |root| fs::remove_file(root.join("f")).unwrap());
    let _here = std::os::unix::net::UnixListener::bind(upper.path().join("f")).unwrap();
    let _there = std::os::unix::net::UnixListener::bind(lower.path().join("s")).unwrap();
    settle(upper.path());
    settle(lower.path());
    assert_eq!(names(lower.path(), upper.path()).unwrap(), ["", ".wh.f"]);
}

#[test]
fn whiteout_names_are_refused_on_both_sides() {
    let (lower, upper) = pair(|_| {}, write("d/.wh.x"));
    for (lower, upper) in [(lower.path(), upper.path()), (upper.path(), upper.path())] {
        let error = names(lower, upper).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("d/.wh.x"), "{error}");
    }
    // In a directory that is gone nobody looks.
    assert_eq!(names(upper.path(), lower.path()).unwrap(), ["", ".wh.d"]);
}

#[test]
fn many_removed_directories_do_not_hold_up_the_walk() {
    let base = |root: &Path| {
        for number in 0..300 {
            write(&format!("{number:03}/a/b/c"))(root);
        }
        write("z/f")(root);
    };
    let (lower, upper) = pair(base, |root| {
        for number in 0..300 {
            fs::remove_dir_all(root.join(format!("{number:03}"))).unwrap();
        }
        fs::write(root.join("z/f"), "new").unwrap();
    });
    let layer = diff(lower.path(), upper.path()).unwrap();
    assert_eq!(layer.len(), 303);
    assert_eq!(apply(scan(lower.path()), layer), scan(upper.path()));
}

fn node(deep: u32) -> BoxedStrategy<Node> {
    let mtime = 0..3_i64;
    let content = prop_oneof![Just("x"), Just("y"), Just("long"), Just("")];
    let leaf = prop_oneof![
        4 => (content, 0..2_u32, mtime.clone()).prop_map(|(content, mode, mtime)| {
            Node::File { content: content.into(), mode: 0o644 - mode * 4, mtime, link: None }
        }),
        2 => (0..3_usize, 0..2_i64).prop_map(|(link, mtime)| {
            let content = ["one", "two", "x"][link].into();
            Node::File { content, mode: 0o644, mtime, link: Some(link) }
        }),
        1 => prop_oneof![Just("a"), Just("nowhere")].prop_map(|to| Node::Link(to.into())),
        1 => Just(Node::Fifo),
    ];
    if deep == 0 {
        return leaf.boxed();
    }
    prop_oneof![3 => leaf, 2 => tree(deep - 1)].boxed()
}

fn tree(deep: u32) -> impl Strategy<Value = Node> {
    let name = prop_oneof![Just("a"), Just("b"), Just("-"), Just("a-b"), Just("c")];
    let children = prop::collection::btree_map(name.prop_map(String::from), node(deep), 0..5);
    (children, 0..2_u32, 0..3_i64).prop_map(|(children, mode, mtime)| Node::Directory {
        children,
        mode,
        mtime,
    })
}

proptest! {
    #[test]
    fn lower_with_the_difference_applied_is_upper(below in tree(3), above in tree(3)) {
        let (lower, upper) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make(lower.path(), &below);
        make(upper.path(), &above);
        let layer = diff(lower.path(), upper.path()).unwrap();
        prop_assert!(layer.len() <= list(upper.path()).len() + scan(lower.path()).len());
        let (below, above): (Tree, Tree) = (scan(lower.path()), scan(upper.path()));
        let unchanged = below == above;
        prop_assert_eq!(layer.is_empty(), unchanged);
        prop_assert_eq!(apply(below, layer), above);
    }
}
