use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};

use proptest::collection::vec;
use proptest::prelude::*;
use rustix::fs::lgetxattr;
use rustix::process::geteuid;
use tempfile::TempDir;

use super::*;
use crate::compare::{Tree, differences};
use crate::tar::{Entry, Kind, Xattr, append_header};

/// A member by its text: `directory/`, `file=content`, `symbolic->link`, `hard=>link`, `pipe|`,
/// `device!`, and anything else is an empty file. All belong to who runs the test.
fn member(text: &str) -> (Entry, Vec<u8>) {
    let (uid, gid) = (geteuid().as_raw(), rustix::process::getegid().as_raw());
    let bare = |path: &str, kind| Entry {
        kind,
        mode: 0o640,
        uid,
        gid,
        ..Entry::implied_directory(path.as_bytes(), 7)
    };
    if let Some((path, target)) = text.split_once("=>") {
        return (bare(path, Kind::HardLink(target.as_bytes().into())), Vec::new());
    }
    if let Some((path, target)) = text.split_once("->") {
        let link = bare(path, Kind::Symlink(target.as_bytes().into()));
        return (Entry { mode: 0o777, ..link }, Vec::new());
    }
    if let Some((path, content)) = text.split_once('=') {
        let size = content.len() as u64;
        return (Entry { size, ..bare(path, Kind::Regular) }, content.into());
    }
    if let Some(path) = text.strip_suffix('/') {
        return (Entry { mode: 0o750, ..bare(path, Kind::Directory) }, Vec::new());
    }
    let kind = match text.as_bytes().last() {
        Some(b'|') => Kind::Fifo,
        Some(b'!') => Kind::CharDevice { major: 1, minor: 3 },
        _ => Kind::Regular,
    };
    (bare(text.trim_end_matches(['|', '!']), kind), Vec::new())
}

fn tar(members: &[(Entry, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (entry, content) in members {
        append_header(entry, &mut bytes).unwrap();
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn layer(members: &[(Entry, Vec<u8>)]) -> ArchiveFile {
    let bytes = tar(members);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    ArchiveFile::stretch(file, 0, bytes.len() as u64, "layer".into()).unwrap()
}

fn unpack_to(
    directory: &Path,
    purpose: Purpose,
    layers: &[Vec<(Entry, Vec<u8>)>],
) -> Result<Vec<Warning>> {
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let layers: Vec<_> = layers.iter().map(|members| layer(members)).collect();
    Unpack { purpose, threads: 2, cancel: &cancel, progress: &progress }.run(&layers, directory)
}

fn members(texts: &[&[&str]]) -> Vec<Vec<(Entry, Vec<u8>)>> {
    texts.iter().map(|texts| texts.iter().map(|text| member(text)).collect()).collect()
}

/// The directory that layers make, in a directory in which nothing else may appear.
fn unpacked(purpose: Purpose, texts: &[&[&str]]) -> Result<TempDir> {
    let base = tempfile::tempdir().unwrap();
    fs::create_dir(base.path().join("root")).unwrap();
    fs::write(base.path().join("outside"), "untouched").unwrap();
    let result = unpack_to(&base.path().join("root"), purpose, &members(texts));
    let mut beside: Vec<_> =
        fs::read_dir(base.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    beside.sort();
    assert_eq!(beside, ["outside", "root"]);
    assert_eq!(fs::read(base.path().join("outside")).unwrap(), b"untouched");
    result.map(|_| base)
}

/// All paths of a tree with what they are, in the notation of `member`.
fn listed(root: &Path) -> Vec<String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let kind = path.symlink_metadata().unwrap().file_type();
            let text = if kind.is_dir() {
                waiting.push(path);
                "/".to_owned()
            } else if kind.is_symlink() {
                format!("->{}", fs::read_link(&path).unwrap().display())
            } else if kind.is_fifo() {
                "|".to_owned()
            } else if kind.is_char_device() {
                "!".to_owned()
            } else {
                match fs::read_to_string(&path).unwrap() {
                    content if content.is_empty() => content,
                    content => format!("={content}"),
                }
            };
            found.insert(name.clone(), name + &text);
        }
    }
    found.into_values().collect()
}

fn is_root() -> bool {
    geteuid().is_root()
}

#[test]
fn what_stays_is_made_and_nothing_else() {
    for (texts, expected) in [
        (&[&["d/", "d/a=1", "l->d", "p|", "e"][..]][..], &["d/", "d/a=1", "e", "l->d", "p|"][..]),
        (&[&["d/", "d/a=1", "d/b=2"], &["d/.wh.a", "c=3"]], &["c=3", "d/", "d/b=2"]),
        (&[&["d/", "d/a=1"], &["d/n=2", "d/.wh..wh..opq", "d/"]], &["d/", "d/n=2"]),
        (&[&["d/", "d/a=1"], &["d=2"], &["d=3"]], &["d=3"]),
        (&[&["a=1", "a=2"]], &["a=2"]),
        (&[&["x/y/z=1"]], &["x/", "x/y/", "x/y/z=1"]),
        (&[], &[]),
    ] {
        let base = unpacked(Purpose::Tree, texts).unwrap();
        assert_eq!(listed(&base.path().join("root")), expected, "{texts:?}");
    }
}

#[test]
fn nothing_is_made_through_a_link() {
    for (texts, reason) in [
        // Links that an entry of the same or another layer would go through.
        (&[&["l->..", "l/x=1"][..]][..], Some("is not a directory")),
        (&[&["l->/tmp"], &["l/x=1"]], Some("is not a directory")),
        (&[&["d/", "d/l->../..", "d/l/outside=1"]], Some("is not a directory")),
        (&[&["a->b", "b->..", "a/outside=1"]], Some("is not a directory")),
        // A link that is replaced where it stands.
        (&[&["l->../outside", "l=1"]], None),
        (&[&["l->../outside"], &["l=1"]], None),
        (&[&["l->.."], &["l/", "l/outside=1"]], None),
        (&[&["d/", "d/l->.."], &["d/.wh.l", "d/l/", "d/l/outside=1"]], None),
        // Hard links to what is outside, to links, through links and to nothing.
        (&[&["h=>outside"]], Some("is not there")),
        (&[&["l->../outside", "h=>l"]], None),
        (&[&["l->..", "h=>l/outside"]], Some("is not there")),
        (&[&["d/", "h=>d"]], Some("is a directory")),
        (&[&["d/", "d/a=1", "d=>d/a"]], Some("it takes the place of")),
        // Whiteouts of what is outside, and through a link.
        (&[&["l->.."], &["l/.wh.outside"]], None),
        (&[&[".wh..."]], None),
        (&[&["a=1"], &["a/.wh..wh..opq"]], None),
    ] {
        match (unpacked(Purpose::Tree, texts), reason) {
            (Ok(_), None) => {}
            (Err(error), Some(reason)) => {
                assert!(error.to_string().contains(reason), "{texts:?}: {error}");
            }
            (found, _) => panic!("{texts:?}: {found:?}"),
        }
    }
}

#[test]
fn a_hard_link_to_a_link_is_the_link() {
    let base = unpacked(Purpose::Tree, &[&["l->../outside", "h=>l"]]).unwrap();
    let root = base.path().join("root");
    assert_eq!(listed(&root), ["h->../outside", "l->../outside"]);
    let inode = |name: &str| root.join(name).symlink_metadata().unwrap().ino();
    assert_eq!(inode("h"), inode("l"));
}

#[test]
fn metadata_is_set_in_an_order_that_keeps_it() {
    let xattr = |name: &[u8], value: &[u8]| Xattr { name: name.into(), value: value.into() };
    let mut layer = members(&[&["", "d/", "d/f=1", "d/l->f", "d/p|"]]).remove(0);
    for (number, (entry, _)) in layer.iter_mut().enumerate() {
        entry.mtime = 1_000_000_000 + i64::try_from(number).unwrap();
        entry.mode = if entry.is_directory() { 0o2510 } else { 0o4751 };
        if is_root() {
            (entry.uid, entry.gid) = (12, 34);
        }
    }
    layer[0].0.kind = Kind::Directory;
    layer[2].0.xattrs = [xattr(b"user.x", b"y")].into();
    let base = tempfile::tempdir().unwrap();
    let warnings = unpack_to(base.path(), Purpose::Tree, &[layer.clone()]).unwrap();
    for (entry, _) in layer {
        let path = base.path().join(std::str::from_utf8(&entry.path).unwrap());
        let found = path.symlink_metadata().unwrap();
        assert_eq!(found.mtime(), entry.mtime, "{entry:?}");
        assert_eq!((found.uid(), found.gid()), (entry.uid, entry.gid), "{entry:?}");
        if !found.is_symlink() {
            assert_eq!(found.mode() & 0o7777, entry.mode, "{entry:?}");
        }
    }
    if warnings.is_empty() {
        let mut value = [0; 9];
        let length = lgetxattr(base.path().join("d/f"), "user.x", &mut value).unwrap();
        assert_eq!(&value[..length], b"y");
    }
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(base.path().join("d"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_directory_has_to_be_empty_and_is_one_itself() {
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("file"), "").unwrap();
    let error = unpack_to(base.path(), Purpose::Tree, &[]).unwrap_err();
    assert!(error.to_string().starts_with("cannot unpack into "), "{error}");
    let error = unpack_to(&base.path().join("file"), Purpose::Tree, &[]).unwrap_err();
    assert!(error.to_string().starts_with("cannot open "), "{error}");
}

#[test]
fn an_owner_that_is_no_number_of_anybody_is_refused() {
    let base = tempfile::tempdir().unwrap();
    let mut layer = members(&[&["a=1"]]);
    layer[0][0].0.uid = u32::MAX;
    let error = unpack_to(base.path(), Purpose::Tree, &layer).unwrap_err();
    assert!(error.to_string().starts_with("cannot set the owner of "), "{error}");
}

#[test]
fn nobody_else_comes_in_before_all_is_made() {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let mut broken = members(&[&["a=1", "b=2"]]);
    broken[0][1].0.uid = u32::MAX;
    for (layers, expected) in [(members(&[&["a=1"]]), 0o1777), (broken, 0o700)] {
        let base = tempfile::tempdir().unwrap();
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let result = unpack_to(base.path(), Purpose::Tree, &layers);
        assert_eq!(result.is_ok(), expected == 0o1777);
        assert_eq!(mode(base.path()), expected);
    }
}

#[test]
fn names_as_deep_as_tar_has_them_come_and_go() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().join("root");
    fs::create_dir(&root).unwrap();
    let deep = "d/".repeat(1100) + "f=1";
    unpack_to(&root, Purpose::Tree, &members(&[&[&deep]])).unwrap();
    remove_tree(&root, &Cancel::default()).unwrap();
    assert!(!root.exists());
}

#[test]
fn a_tree_is_removed_whatever_modes_it_has_and_no_link_is_followed() {
    let base = tempfile::tempdir().unwrap();
    let (root, kept) = (base.path().join("root"), base.path().join("kept"));
    fs::create_dir_all(root.join("a/b/c")).unwrap();
    fs::create_dir(&kept).unwrap();
    fs::write(kept.join("file"), "").unwrap();
    fs::write(root.join("a/b/file"), "").unwrap();
    std::os::unix::fs::symlink(&kept, root.join("a/b/link")).unwrap();
    for directory in ["a/b/c", "a/b", "a"] {
        fs::set_permissions(root.join(directory), fs::Permissions::from_mode(0o0)).unwrap();
    }
    remove_tree(&root, &Cancel::default()).unwrap();
    assert!(!root.exists());
    assert!(kept.join("file").exists());
    assert!(remove_tree(&root, &Cancel::default()).is_err());
    std::os::unix::fs::symlink(&kept, &root).unwrap();
    assert!(remove_tree(&root, &Cancel::default()).is_err());
    assert!(kept.join("file").exists());
    let raised = Cancel::default();
    raised.raise();
    assert!(matches!(remove_tree(&kept, &raised), Err(Error::Cancelled)));
}

#[test]
fn a_raised_flag_ends_the_work() {
    let base = tempfile::tempdir().unwrap();
    let (cancel, progress) = (Cancel::default(), Progress::default());
    cancel.raise();
    let layers = [layer(&members(&[&["a=1"]])[0])];
    let unpack =
        Unpack { purpose: Purpose::Tree, threads: 1, cancel: &cancel, progress: &progress };
    assert!(matches!(unpack.run(&layers, base.path()), Err(Error::Cancelled)));
}

#[test]
fn one_layer_alone_keeps_its_whiteouts_as_marks() {
    if !is_root() {
        return;
    }
    let texts = ["d/", "d/.wh.a", "d/new=1", ".wh.e", "e/", "e/f=2", ".wh.g", "g=3", "o/"];
    let texts = [&texts[..], &["o/.wh..wh..opq", "null!"]].concat();
    let base = unpacked(Purpose::Above { user: false }, &[&texts]).unwrap();
    let root = base.path().join("root");
    let expected = ["d/", "d/a!", "d/new=1", "e/", "e/f=2", "g=3", "o/"];
    assert_eq!(listed(&root), expected);
    assert_eq!(root.join("d/a").symlink_metadata().unwrap().rdev(), 0);
    for (name, opaque) in [("d", false), ("e", true), ("o", true)] {
        let mut value = [0; 9];
        let found = lgetxattr(root.join(name), "trusted.overlay.opaque", &mut value);
        assert_eq!(found.is_ok_and(|length| &value[..length] == b"y"), opaque, "{name}");
    }
}

#[test]
fn a_layer_that_leaves_something_to_others_cannot_stand_alone() {
    for texts in [
        &["d/f=1"][..],
        &["d/.wh.f"],
        &["a=1", "h=>b"],
        &[".wh..wh..opq"],
        &["d/", "d/.wh."],
        &["a=1", "a/.wh.b"],
    ] {
        let found = unpacked(Purpose::Above { user: false }, &[texts]);
        assert!(found.is_err(), "{texts:?}");
    }
    let error = unpacked(Purpose::Above { user: true }, &[&["a"], &["b"]]).unwrap_err();
    assert!(matches!(error, Error::Argument(_)), "{error}");
}

#[test]
fn nothing_in_the_lowest_directory_looks_like_a_mark() {
    if !is_root() {
        return;
    }
    let mut layer = members(&[&["d/", "d/null!", "d/f=1", "h=>d/null"]]);
    let name = b"trusted.overlay.opaque"[..].into();
    layer[0][0].0.xattrs = [Xattr { name, value: b"y"[..].into() }].into();
    let base = tempfile::tempdir().unwrap();
    let warnings = unpack_to(base.path(), Purpose::Lowest, &layer).unwrap();
    assert_eq!(listed(base.path()), ["d/", "d/f=1"]);
    assert!(lgetxattr(base.path().join("d"), "trusted.overlay.opaque", &mut [0; 9]).is_err());
    let paths: Vec<_> = warnings.iter().map(|warning| warning.path.clone()).collect();
    assert_eq!(paths, [base.path().join("d/null"), base.path().join("h")]);
}

proptest! {
    /// What is unpacked, made a tree by reading it from disk, is the tree of the layers; and
    /// whatever is refused leaves nothing outside.
    #[test]
    fn it_makes_the_tree_of_the_layers_or_nothing_outside(
        layers in vec(
            vec(
                "(([ab]|\\.wh\\.[ab]|\\.wh\\.\\.wh\\.\\.opq)/){0,2}\
                 ([ab]|\\.wh\\.[ab]|\\.wh\\.\\.wh\\.\\.opq)\
                 (/|\\||=[xy]|->(\\.\\./){0,2}[ab]|=>[ab](/[ab])?)?",
                0..6,
            ),
            0..4,
        ),
    ) {
        let texts: Vec<Vec<&str>> =
            layers.iter().map(|layer| layer.iter().map(String::as_str).collect()).collect();
        let texts: Vec<&[&str]> = texts.iter().map(|layer| &layer[..]).collect();
        let Ok(base) = unpacked(Purpose::Tree, &texts) else { return Ok(()) };
        let root = base.path().join("root");
        let cancel = Cancel::default();
        let (mut expected, mut found) = (Tree::default(), Tree::default());
        for layer in members(&texts) {
            expected.apply_layer(&tar(&layer)[..], &cancel).unwrap();
        }
        found.add_directory(&root, 1, &cancel).unwrap();
        let unnamed = |path: &[u8]| {
            let path = root.join(std::str::from_utf8(path).unwrap());
            path == root || path.is_dir()
        };
        let changed: Vec<_> = differences(&expected, &found)
            .into_iter()
            .filter(|found| found.change != crate::compare::Change::Added || !unnamed(&found.path))
            .collect();
        prop_assert_eq!(changed, []);
    }
}
