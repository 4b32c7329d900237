//! Trees and archives as text, and the layers of those texts.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod layers;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use fastlayer_core::blob::{Describe, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::pipeline::Progress;
use fastlayer_core::source::Policy;
use fastlayer_core::tar::{Entry, Kind, append_header};
use fastlayer_core::{Cancel, Error, Result};

use self::layers::build;

fn layer(source: Source) -> Vec<u8> {
    build(source, Policy::default(), Compression::None, 2).unwrap().1
}

fn described(path: &Path, digests: bool) -> Result<String> {
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let describe =
        Describe { digests, drop_xattrs: false, threads: 2, cancel: &cancel, progress: &progress };
    let (text, _) = describe.run(path)?;
    Ok(String::from_utf8(text).unwrap())
}

/// A tree with links of both kinds, a pipe, odd names and modes.
fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("d/empty")).unwrap();
    for name in ["d/z", "b", "sp ace", "eq=x", "#x", "n\nl", "b\\s", "\u{fc}", "*?[", "d/-"] {
        fs::write(at(name), format!("content of {name}")).unwrap();
    }
    fs::write(at("large"), vec![7; (2 << 20) + 5]).unwrap();
    fs::hard_link(at("d/z"), at("a")).unwrap();
    fs::hard_link(at("d/z"), at("d/zz")).unwrap();
    fs::hard_link(at("b"), at("b2")).unwrap();
    symlink("../no where#", at("d/link")).unwrap();
    fs::hard_link(at("d/link"), at("d/link2")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), 0o620.into()).unwrap();
    fs::set_permissions(at("b"), fs::Permissions::from_mode(0o4711)).unwrap();
    fs::set_permissions(at("d"), fs::Permissions::from_mode(0o1750)).unwrap();
    root
}

#[test]
fn a_description_of_a_tree_makes_the_layer_of_the_tree() {
    let root = tree();
    let expected = layer(Source::Directory(root.path().into()));
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("tree.mtree");
    for digests in [true, false] {
        let text = described(root.path(), digests).unwrap();
        assert_eq!(text.contains("sha256digest="), digests);
        fs::write(&file, &text).unwrap();
        let source = Source::Mtree(file.clone(), Some(root.path().into()));
        assert!(layer(source) == expected);
    }
}

#[test]
fn a_tree_and_its_layer_have_one_description() {
    let root = tree();
    let tar = layer(Source::Directory(root.path().into()));
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("layer.tar");
    fs::write(&file, &tar).unwrap();
    for digests in [true, false] {
        let text = described(root.path(), digests).unwrap();
        assert_eq!(described(&file, digests).unwrap(), text);
    }
    let lines = described(root.path(), false).unwrap();
    let names: Vec<_> = lines.lines().filter(|line| line.contains(" nlink=")).collect();
    let ends: Vec<_> = names.iter().map(|line| line.split("nlink=").nth(1).unwrap()).collect();
    let expected =
        ["3 inode=1", "2 inode=2", "2 inode=2", "2 inode=3", "2 inode=3", "3 inode=1", "3 inode=1"];
    assert_eq!(ends, expected);
}

#[test]
fn a_link_to_a_link_names_the_same_file() {
    let file = Entry { path: b"m"[..].into(), mode: 0o640, ..Entry::implied_directory(b"", 7) };
    let mut tar = Vec::new();
    for (path, kind) in [
        (&b"m"[..], Kind::Regular),
        (b"z", Kind::HardLink(b"m"[..].into())),
        (b"a", Kind::HardLink(b"z"[..].into())),
    ] {
        // What the entry of a further name says of the file does not count.
        let mode = if kind == Kind::Regular { 0o640 } else { 0 };
        append_header(&Entry { path: path.into(), kind, mode, ..file.clone() }, &mut tar).unwrap();
    }
    tar.resize(tar.len() + 1024, 0);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.tar"), tar).unwrap();
    let text = described(&folder.path().join("x.tar"), false).unwrap();
    let all = "type=file mode=0640 uid=0 gid=0 size=0 time=7.000000000 nlink=3 inode=1";
    assert_eq!(text, format!("#mtree\n./a {all}\n./m {all}\n./z {all}\n"));
}

#[test]
fn an_archive_out_of_order_is_looked_at_twice() {
    let directory = Entry::implied_directory(b"d", 7);
    let file =
        |mode| Entry { path: b"d/f"[..].into(), kind: Kind::Regular, mode, ..directory.clone() };
    let mut tar = Vec::new();
    for entry in [file(0o600), file(0o644), directory.clone()] {
        append_header(&entry, &mut tar).unwrap();
    }
    tar.resize(tar.len() + 1024, 0);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.tar"), tar).unwrap();
    let text = described(&folder.path().join("x.tar"), false).unwrap();
    let lines: Vec<_> = text.lines().map(|line| &line[..line.find(" uid").unwrap_or(0)]).collect();
    assert_eq!(lines, ["", "./d type=dir mode=0755", "./d/f type=file mode=0644"]);
}

#[test]
fn an_archive_that_no_layer_is_made_of_is_not_described() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.tar");
    let tar = layer(Source::Directory(tree().path().into()));
    fs::write(&file, &tar[..tar.len() / 2]).unwrap();
    let error = described(&file, false).unwrap_err();
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    assert!(matches!(described(&folder.path().join("no"), true), Err(Error::Io { .. })));
}
