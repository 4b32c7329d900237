//! Sparse files as GNU tar and bsdtar store them, in every form there is.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod tools;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use fastlayer_core::tar::Reader;
use tempfile::TempDir;

use self::tools::output;

/// What `--format` and `--sparse-version` are called with.
const GNU_FORMS: [&[&str]; 5] = [
    &["--format=oldgnu"],
    &["--format=gnu"],
    &["--format=posix", "--sparse-version=0.0"],
    &["--format=posix", "--sparse-version=0.1"],
    &["--format=posix", "--sparse-version=1.0"],
];

/// Longer than the field of a header.
const LONG: &str = "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllll\
                    llllllllllllllllllllllllllllllllllllllllllllllllllllllllllll";

fn gnu_tar(form: &[&str], options: &[&str], root: &Path, names: &[&str]) -> Option<Vec<u8>> {
    let mut tar = Command::new("tar");
    output(tar.arg("-Scf-").args(form).args(options).arg("-C").arg(root).args(names), b"")
}

/// A file of `size` bytes with `data` in some places.
fn sparse(root: &Path, name: &str, size: u64, data: &[(u64, &[u8])]) {
    let file = File::create(root.join(name)).unwrap();
    file.set_len(size).unwrap();
    for &(offset, bytes) in data {
        file.write_all_at(bytes, offset).unwrap();
    }
}

/// Six files with holes, and one without.
fn tree() -> (TempDir, [&'static str; 7]) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let page = vec![b'd'; 4096];
    // Old GNU: four stretches stand in the header, 21 in each block behind it.
    let many: Vec<_> = (0..30).map(|index| (index * 65_536, &page[..])).collect();
    sparse(root, "holes-only", 1 << 20, &[]);
    sparse(root, "hole-first", 1 << 20, &[((1 << 20) - 4096, &page)]);
    sparse(root, "hole-last", 1 << 20, &[(0, &page)]);
    sparse(root, "odd-end", (1 << 20) + 7, &[(1 << 20, b"the end")]);
    sparse(root, "many-holes", 4 << 20, &many);
    sparse(root, LONG, 1 << 20, &[(1 << 19, &page)]);
    sparse(root, "dense", 4096, &[(0, &page)]);
    (folder, ["holes-only", "hole-first", "hole-last", "odd-end", "many-holes", LONG, "dense"])
}

/// Compares every member of `archive` with its file; returns how many were sparse.
fn check(archive: &[u8], root: &Path, names: &[&str], form: &str) -> usize {
    let mut reader = Reader::new(archive);
    let mut sparse = 0;
    for &name in names {
        let member = reader.next_member().unwrap().unwrap();
        let expected = fs::read(root.join(name)).unwrap();
        assert_eq!(*member.entry.path, *name.as_bytes(), "{form}");
        assert_eq!(member.entry.size, expected.len() as u64, "{form}: {name}");
        let mut content = vec![1; expected.len()];
        let mut filled = 0;
        while filled < content.len() {
            let count = reader.read_content(&mut content[filled..]).unwrap();
            assert!(count > 0, "{form}: {name}");
            filled += count;
        }
        assert!(content == expected, "{form}: {name}");
        assert_eq!(reader.read_content(&mut [0]).unwrap(), 0, "{form}: {name}");
        sparse += usize::from(member.sparse);
    }
    assert!(reader.next_member().unwrap().is_none(), "{form}");
    sparse
}

#[test]
fn every_form_of_gnu_tar_is_expanded() {
    let (folder, names) = tree();
    for form in GNU_FORMS {
        // Looking for zeroes finds holes on any file system.
        let options = ["--hole-detection=raw"];
        if let Some(archive) = gnu_tar(form, &options, folder.path(), &names) {
            assert_eq!(check(&archive, folder.path(), &names, &form.concat()), 6);
        }
    }
}

#[test]
fn what_bsdtar_writes_is_expanded() {
    let (folder, names) = tree();
    let mut bsdtar = Command::new("bsdtar");
    let bsdtar = bsdtar.args(["--format=pax", "-cf", "-", "-C"]).arg(folder.path()).args(names);
    if let Some(archive) = output(bsdtar, b"") {
        // Whether it sees holes is up to the file system.
        check(&archive, folder.path(), &names, "bsdtar");
    }
}

#[test]
fn a_file_of_100_gib_without_data_is_read_from_a_few_blocks() {
    const SIZE: u64 = 100 << 30;
    let folder = tempfile::tempdir().unwrap();
    sparse(folder.path(), "holes", SIZE, &[]);
    for form in GNU_FORMS {
        let Some(archive) = gnu_tar(form, &["-b1"], folder.path(), &["holes"]) else {
            return;
        };
        assert!(archive.len() < 8192);
        let mut reader = Reader::new(&archive[..]);
        let member = reader.next_member().unwrap().unwrap();
        assert_eq!((member.entry.size, member.sparse), (SIZE, true));
        let mut buffer = vec![1; 1 << 20];
        assert_eq!(reader.read_content(&mut buffer).unwrap(), buffer.len());
        assert!(buffer.iter().all(|&byte| byte == 0));
        assert!(reader.next_member().unwrap().is_none());
    }
}
