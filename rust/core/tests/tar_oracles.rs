//! The tar reader against archives that GNU tar, bsdtar and Python's `tarfile` wrote.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod layers;
mod tools;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use fastlayer_core::tar::Kind;

use self::layers::read;
use self::tools::output;

const TIME: i64 = 1_234_567_890;

/// A tree with what the formats say in different ways: names at and past their limits, links,
/// content at the edge of a block.
fn tree(root: &Path, longest: usize) -> Vec<(String, Kind, u64)> {
    let mut expected = Vec::new();
    for (length, size) in [(1, 0), (99, 511), (100, 512), (101, 513), (180, 1)] {
        let name = if length > 100 {
            format!("{}/{}", "d".repeat(length - 61), "f".repeat(60))
        } else {
            "f".repeat(length)
        };
        if length <= longest {
            fs::create_dir_all(root.join(&name).parent().unwrap()).unwrap();
            fs::write(root.join(&name), vec![b'x'; size]).unwrap();
            expected.push((name, Kind::Regular, size as u64));
        }
    }
    let target = "t".repeat(longest.min(150));
    symlink(&target, root.join("link")).unwrap();
    expected.push(("link".to_owned(), Kind::Symlink(target.into_bytes().into()), 0));
    // Members are given in this order, so the second name is the link.
    fs::hard_link(root.join("f"), root.join("hard")).unwrap();
    expected.push(("hard".to_owned(), Kind::HardLink(b"f"[..].into()), 0));
    fs::set_permissions(root.join("f"), fs::Permissions::from_mode(0o4751)).unwrap();
    expected
}

fn check(archive: &[u8], expected: &[(String, Kind, u64)], writer: &str) {
    let read = read(archive);
    assert_eq!(read.len(), expected.len(), "{writer}");
    for ((entry, content), (name, kind, size)) in read.iter().zip(expected) {
        assert_eq!(*entry.path, *name.as_bytes(), "{writer}");
        assert_eq!((&entry.kind, entry.size), (kind, *size), "{writer}: {name}");
        assert_eq!(content.len() as u64, *size, "{writer}: {name}");
        assert!(content.iter().all(|&byte| byte == b'x'), "{writer}: {name}");
    }
    assert_eq!((read[0].0.mode, read[0].0.mtime), (0o4751, TIME), "{writer}");
}

fn with_tree(longest: usize, write: impl Fn(&Path, &[String]) -> Option<Vec<u8>>, writer: &str) {
    let folder = tempfile::tempdir().unwrap();
    let expected = tree(folder.path(), longest);
    let first = fs::File::options().write(true).open(folder.path().join("f")).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(TIME.cast_unsigned());
    first.set_modified(time).unwrap();
    let names: Vec<_> = expected.iter().map(|(name, ..)| name.clone()).collect();
    if let Some(archive) = write(folder.path(), &names) {
        check(&archive, &expected, writer);
    }
}

#[test]
fn every_format_of_gnu_tar_is_read() {
    for (format, longest) in
        [("v7", 99), ("oldgnu", 180), ("gnu", 180), ("ustar", 100), ("pax", 180)]
    {
        let write = |root: &Path, names: &[String]| {
            let format = format!("--format={format}");
            output(Command::new("tar").args([&format, "-cf", "-", "-C"]).arg(root).args(names), b"")
        };
        with_tree(longest, write, format);
    }
}

#[test]
fn every_format_of_bsdtar_is_read() {
    for (format, longest) in [("v7tar", 99), ("gnutar", 180), ("ustar", 100), ("pax", 180)] {
        let write = |root: &Path, names: &[String]| {
            let format = format!("--format={format}");
            output(
                Command::new("bsdtar").args([&format, "-cf", "-", "-C"]).arg(root).args(names),
                b"",
            )
        };
        with_tree(longest, write, format);
    }
}

#[test]
fn every_format_of_tarfile_is_read() {
    let program = "import os, sys, tarfile\n\
                   os.chdir(sys.argv[2])\n\
                   with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=int(sys.argv[1])) as t:\n\
                   \x20   for name in sys.argv[3:]: t.add(name, recursive=False)\n";
    for (format, longest) in [(0, 100), (1, 180), (2, 180)] {
        let write = |root: &Path, names: &[String]| {
            let mut python = Command::new("python3");
            output(python.args(["-c", program, &format.to_string()]).arg(root).args(names), b"")
        };
        with_tree(longest, write, &format!("tarfile format {format}"));
    }
}
