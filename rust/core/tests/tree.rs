//! Directory trees through the whole core: what is in the tar, and what happens on faults.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod layers;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};

use fastlayer_core::blob::Source;
use fastlayer_core::compress::Compression;
use fastlayer_core::source::{FileSource, Owner, Policy};
use fastlayer_core::tar::Kind;

use self::layers::{build, entries, paths, patterns, read, tree};

#[test]
fn entries_come_in_bytewise_order_with_directories_before_their_content() {
    let root = tree(&["b", "a/x", "a-b", "a/y/z", "empty/", "B"]);
    let entries = entries(root.path(), Policy::default()).unwrap();
    let expected = ["", "B", "a", "a/x", "a/y", "a/y/z", "a-b", "b", "empty"];
    assert_eq!(paths(&entries), expected);
    assert_eq!(entries[3].1, b"content of a/x");
}

#[test]
fn metadata_is_that_of_the_file_system() {
    let root = tree(&["suid"]);
    let path = root.path().join("suid");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4755)).unwrap();
    let metadata = fs::metadata(&path).unwrap();
    let (entry, _) = &entries(root.path(), Policy::default()).unwrap()[1];
    assert_eq!((entry.mode, entry.uid, entry.gid), (0o4755, metadata.uid(), metadata.gid()));
    assert_eq!((entry.mtime, entry.size), (metadata.mtime(), 15));
}

#[test]
fn links_are_stored_and_never_followed() {
    let root = tree(&["d/file"]);
    for (name, target) in [("up", ".."), ("root", "/"), ("dangling", "no/where"), ("loop", "loop")]
    {
        symlink(target, root.path().join(name)).unwrap();
    }
    let entries = entries(root.path(), Policy::default()).unwrap();
    let expected = ["", "d", "d/file", "dangling", "loop", "root", "up"];
    assert_eq!(paths(&entries), expected);
    assert_eq!(entries[3].0.kind, Kind::Symlink(b"no/where"[..].into()));
}

#[test]
fn the_first_name_of_an_inode_is_the_file_and_the_others_link_to_it() {
    let root = tree(&["b"]);
    fs::hard_link(root.path().join("b"), root.path().join("a")).unwrap();
    symlink("b", root.path().join("s")).unwrap();
    fs::hard_link(root.path().join("s"), root.path().join("t")).unwrap();
    let all = entries(root.path(), Policy::default()).unwrap();
    assert_eq!(all[1].0.kind, Kind::Regular);
    assert_eq!(all[2].0.kind, Kind::HardLink(b"a"[..].into()));
    assert_eq!(all[4].0.kind, Kind::HardLink(b"s"[..].into()));

    // Without its target, the first link is the file.
    let without = entries(root.path(), patterns(&["a"])).unwrap();
    assert_eq!((&without[1].0.kind, &*without[1].1), (&Kind::Regular, &b"content of b"[..]));
}

#[test]
fn exclusions_prune_and_take_back() {
    let root = tree(&["keep", "node/a", "node/deep/b", "node/deep/keep", "x.log"]);
    let pruned = entries(root.path(), patterns(&["node", "*.log"])).unwrap();
    assert_eq!(paths(&pruned), ["", "keep"]);

    // What is taken back brings its directories along, and only those.
    let back = entries(root.path(), patterns(&["node", "*.log", "!**/keep"])).unwrap();
    let expected = ["", "keep", "node", "node/deep", "node/deep/keep"];
    assert_eq!(paths(&back), expected);
}

#[test]
fn a_prefix_brings_its_parents() {
    let root = tree(&["f"]);
    let policy = Policy { mtime: Some(7), ..Policy::default().with_prefix(b"/opt/app").unwrap() };
    let entries = entries(root.path(), policy).unwrap();
    assert_eq!(paths(&entries), ["opt", "opt/app", "opt/app/f"]);
    assert!(entries.iter().all(|(entry, _)| entry.mtime == 7));
}

#[test]
fn any_name_and_depth_is_kept_byte_for_byte() {
    let root = tree(&[]);
    // As long as a name can be, at every tenth of 300 levels: deeper than the kernel takes in one
    // path, so made step by step.
    let name = [b"-\xff\n\\", "é".as_bytes(), &[b'n'; 249]].concat();
    let names = [&name[..], b"d", b"d", b"d", b"d", b"d", b"d", b"d", b"d", b"d"].repeat(30);
    let mut directory = File::open(root.path()).unwrap();
    for name in &names {
        rustix::fs::mkdirat(&directory, *name, rustix::fs::Mode::RWXU).unwrap();
        let flags = rustix::fs::OFlags::RDONLY;
        let next = rustix::fs::openat(&directory, *name, flags, rustix::fs::Mode::empty());
        directory = next.unwrap().into();
    }
    let entries = entries(root.path(), Policy::default()).unwrap();
    assert_eq!(entries.len(), 301);
    assert_eq!(&*entries[300].0.path, &*names.join(&b'/'));
}

#[test]
fn a_socket_is_left_out_with_a_warning() {
    let root = tree(&["f"]);
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("s")).unwrap();
    let source = Source::Directory(root.path().into());
    let (layer, tar) = build(source, Policy::default(), Compression::None, 1).unwrap();
    assert_eq!(paths(&read(&tar)), ["", "f"]);
    assert_eq!(layer.warnings.len(), 1);
    assert_eq!(layer.warnings[0].path, root.path().join("s"));
}

#[test]
fn holes_are_zeros_and_are_not_read() {
    let root = tree(&[]);
    let file = File::create(root.path().join("sparse")).unwrap();
    file.set_len(5 << 20).unwrap();
    file.write_all_at(b"first", 3 << 20).unwrap();
    file.write_all_at(b"second", (5 << 20) - 6).unwrap();
    let (_, content) = &entries(root.path(), Policy::default()).unwrap()[1];
    assert_eq!(content, &fs::read(root.path().join("sparse")).unwrap());
}

#[test]
fn files_around_block_edges_are_kept() {
    let root = tree(&[]);
    for (number, size) in
        [0, 1, 511, 512, 513, 1 << 20, (1 << 20) - 1024, (2 << 20) + 1].iter().enumerate()
    {
        let content: Vec<u8> =
            (0..*size).map(|n: usize| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        fs::write(root.path().join(number.to_string()), content).unwrap();
    }
    for (entry, content) in &entries(root.path(), Policy::default()).unwrap()[1..] {
        let path = root.path().join(OsStr::from_bytes(&entry.path));
        assert_eq!(content, &fs::read(path).unwrap());
    }
}

#[test]
fn threads_and_the_kind_of_source_do_not_change_a_byte() {
    let root = tree(&["a", "b/c"]);
    let noise: Vec<u8> = (0..3_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
        .collect();
    fs::write(root.path().join("noise"), noise).unwrap();
    let policy = Policy { mtime: Some(0), owner: Owner::Fixed(0, 0), ..Policy::default() };
    let (_, tar) =
        build(Source::Directory(root.path().into()), policy.clone(), Compression::None, 1).unwrap();
    for compression in [Compression::None, Compression::Gzip(6), Compression::Zstd(3)] {
        let (_, one) =
            build(Source::Directory(root.path().into()), policy.clone(), compression, 1).unwrap();
        for threads in [2, 3, 8] {
            let source = Source::Directory(root.path().into());
            assert_eq!(one, build(source, policy.clone(), compression, threads).unwrap().1);
            let stream = Source::Stream(Box::new(std::io::Cursor::new(tar.clone())));
            assert_eq!(one, build(stream, policy.clone(), compression, threads).unwrap().1);
        }
    }
}

#[test]
fn a_tar_that_ends_at_a_block_edge_is_the_same_from_a_plan_and_a_stream() {
    // Header, content and trailer are exactly one block of the pipeline.
    let content = vec![b'x'; (1 << 20) - 512 - 1024];
    let source = || Source::Files(vec![(b"f".to_vec(), FileSource::Bytes(content.clone().into()))]);
    let (layer, tar) = build(source(), Policy::default(), Compression::None, 2).unwrap();
    assert_eq!(layer.output.uncompressed_size, 1 << 20);
    for compression in [Compression::Gzip(1), Compression::Zstd(1)] {
        let (_, planned) = build(source(), Policy::default(), compression, 2).unwrap();
        let stream = Source::Stream(Box::new(std::io::Cursor::new(tar.clone())));
        assert_eq!(planned, build(stream, Policy::default(), compression, 2).unwrap().1);
    }
}

#[test]
fn attributes_of_any_size_and_number_are_kept() {
    let root = tree(&["f"]);
    let file = root.path().join("f");
    let names: Vec<String> = (0..40).map(|number| format!("user.{number:030}")).collect();
    for (number, name) in names.iter().enumerate() {
        let value = vec![7; if number == 3 { 1500 } else { number }];
        let flags = rustix::fs::XattrFlags::empty();
        if let Err(error) = rustix::fs::setxattr(&file, name.as_str(), &value, flags) {
            eprintln!("not tested: this file system keeps no attributes: {error}");
            return;
        }
    }
    let found = entries(root.path(), Policy::default()).unwrap();
    let lengths: Vec<usize> = found[1].0.xattrs.iter().map(|xattr| xattr.value.len()).collect();
    let expected: Vec<usize> = (0..40).map(|n| if n == 3 { 1500 } else { n }).collect();
    assert_eq!(lengths, expected);

    let dropped = Policy { drop_xattrs: true, ..Policy::default() };
    assert!(entries(root.path(), dropped).unwrap()[1].0.xattrs.is_empty());
}
