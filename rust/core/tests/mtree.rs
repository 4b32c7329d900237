//! Descriptions in the text of mtree(5) as sources: what is in the layer.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod layers;
mod places;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use fastlayer_core::blob::{Build, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::edit::{Edit, Edits};
use fastlayer_core::pipeline::Progress;
use fastlayer_core::source::{Owner, Patterns, Policy};
use fastlayer_core::tar::Kind;
use fastlayer_core::{Cancel, Digest};

use self::layers::{build, members, paths, plain, read};
use self::places::Place;

#[test]
fn what_is_described_is_in_the_layer() {
    let place = Place::new(
        "#mtree\n\
         . type=dir mode=0711 uid=1 gid=2 time=3.9\n\
         ./bin/app type=file mode=4755 uid=4 gid=5 time=-1.5 contents=build/app size=3\n\
         ./bin/sh type=link link=app mode=0777 time=6\n\
         ./data type=file mode=0600 time=7.0\n\
         ./dev/null type=char mode=0666 device=native,1,3 time=8\n\
         ./dev/disk type=block mode=0640 device=8,1 time=9\n\
         ./pipe type=fifo mode=0620 time=10 xattr.user.b=Yg== xattr.user.a=\n",
    )
    .with("build/app", "app")
    .with("data", "data");
    let entries = place.layer(Policy::default());
    let expected = ["", "bin", "bin/app", "bin/sh", "data", "dev", "dev/disk", "dev/null", "pipe"];
    assert_eq!(paths(&entries), expected);
    let facts: Vec<_> =
        entries.iter().map(|(entry, _)| (entry.mode, entry.uid, entry.gid, entry.mtime)).collect();
    let expected = [
        (0o711, 1, 2, 3),
        (0o755, 0, 0, 0),
        (0o4755, 4, 5, -1),
        (0o777, 0, 0, 6),
        (0o600, 0, 0, 7),
        (0o755, 0, 0, 0),
        (0o640, 0, 0, 9),
        (0o666, 0, 0, 8),
        (0o620, 0, 0, 10),
    ];
    assert_eq!(facts, expected);
    assert_eq!([&*entries[2].1, &*entries[4].1], [b"app", &b"data"[..]]);
    assert_eq!(entries[3].0.kind, Kind::Symlink(b"app"[..].into()));
    assert_eq!(entries[6].0.kind, Kind::BlockDevice { major: 8, minor: 1 });
    let names: Vec<_> = entries[8].0.xattrs.iter().map(|xattr| &*xattr.name).collect();
    assert_eq!(names, [b"user.a", b"user.b"]);
}

#[test]
fn what_is_not_said_is_as_for_single_files() {
    let place = Place::new(
        "./f type=file\n./d type=dir\n./tmp type=dir\n./l type=link link=f\n./p type=fifo\n",
    )
    .with("f", "x");
    fs::set_permissions(place.path("f"), fs::Permissions::from_mode(0o751)).unwrap();
    let mtime = fs::metadata(place.path("f")).unwrap().mtime();
    let entries = place.layer(Policy { clamp_mtime: Some(mtime + 9), ..Policy::default() });
    let facts: Vec<_> =
        entries.iter().map(|(entry, _)| (entry.mode, entry.uid, entry.mtime)).collect();
    let later = mtime + 9;
    let expected = [
        (0o755, 0, later),
        (0o751, 0, mtime),
        (0o777, 0, later),
        (0o644, 0, later),
        (0o1777, 0, later),
    ];
    assert_eq!(facts, expected);
}

#[test]
fn the_policy_holds_as_for_a_directory() {
    let place = Place::new(
        "./a/keep type=file uid=1 gid=1 time=5 xattr.user.a=YQ==\n\
         ./a type=dir mode=0700 uid=1 gid=1 time=5\n\
         ./b/gone type=file\n\
         ./c type=dir uname=nobody gname=nobody time=5\n",
    )
    .with("a/keep", "x");
    let policy = Policy {
        owner: Owner::Fixed(7, 8),
        mtime: Some(9),
        drop_xattrs: true,
        exclude: Patterns::parse(["*", "!a/keep"]).unwrap(),
        ..Policy::default()
    };
    let entries = place.layer(policy.clone().with_prefix(b"/opt/x").unwrap());
    assert_eq!(paths(&entries), ["opt", "opt/x", "opt/x/a", "opt/x/a/keep"]);
    for (entry, _) in &entries[2..] {
        assert_eq!((entry.uid, entry.gid, entry.mtime, entry.xattrs.len()), (7, 8, 9, 0));
    }
    assert_eq!(entries[2].0.mode, 0o700);
    let entries = place.layer(Policy { exclude: Patterns::parse(["b"]).unwrap(), ..policy });
    assert_eq!(paths(&entries), ["a", "a/keep", "c"]);
}

#[test]
fn the_base_may_be_elsewhere_and_contents_anywhere() {
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("f"), "from the base").unwrap();
    fs::write(base.path().join("sp ace"), "escaped").unwrap();
    let place = Place::new("").with("f", "beside").with("host", "anywhere");
    symlink("host", place.path("link")).unwrap();
    place.describe(&format!(
        "./a type=file contents=./f\n./b type=file content=sp\\040ace\n./c type=file contents={}\n\
         ./f type=file\n",
        place.path("link").display()
    ));
    let source = Source::Mtree(place.path("a.mtree"), Some(base.path().into()));
    let entries = members(source, Policy::default()).unwrap();
    let contents: Vec<_> = entries.into_iter().map(|(_, content)| content).collect();
    assert_eq!(contents, [&b"from the base"[..], b"escaped", b"anywhere", b"from the base"]);
}

#[test]
fn an_optional_file_may_be_missing_and_a_socket_is_left_out() {
    let place = Place::new(
        "./a type=file optional\n./b/c type=file contents=no/where optional\n./s type=socket\n\
         ./d type=file optional\n",
    )
    .with("d", "there");
    let (layer, tar) = build(place.source(), Policy::default(), Compression::None, 1).unwrap();
    assert_eq!(paths(&read(&tar)), ["d"]);
    let [warning] = &*layer.warnings else { panic!("{:?}", layer.warnings) };
    assert_eq!(warning.path, Path::new("s"));
    assert!(warning.message.contains("socket"));
}

#[test]
fn names_of_one_file_are_hard_links() {
    let text = "\
        ./b type=file nlink=3 inode=5 size=1 mode=0600 time=1\n\
        ./a type=file nlink=3 inode=5 size=1 mode=0600 time=1\n\
        ./c type=link link=x nlink=2 inode=6 time=1\n\
        ./d type=link link=x nlink=2 inode=6 time=1\n\
        ./e type=link link=x nlink=2 inode=6 resdevice=native,8,2 time=1\n\
        ./f type=file contents=a nlink=1 inode=5 mode=0600 time=1\n";
    let place = Place::new(text).with("a", "x");
    let entries = place.layer(Policy::default());
    let links: Vec<_> =
        entries.iter().map(|(entry, _)| matches!(entry.kind, Kind::HardLink(_))).collect();
    assert_eq!(paths(&entries), ["a", "b", "c", "d", "e", "f"]);
    assert_eq!(links, [false, true, false, true, false, false]);
    assert_eq!(entries[1].0.kind, Kind::HardLink(b"a"[..].into()));
    assert_eq!((entries[0].0.size, entries[1].0.size, entries[5].0.size), (1, 0, 1));

    // Whoever is left out is not the first name.
    let policy = Policy { exclude: Patterns::parse(["a"]).unwrap(), ..Policy::default() };
    let place = place.with("b", "y");
    let entries = place.layer(policy.with_prefix(b"p").unwrap());
    assert_eq!((&*paths(&entries)[1], &*entries[1].1), ("p/b", &b"y"[..]));
    assert_eq!(entries[3].0.kind, Kind::HardLink(b"p/c"[..].into()));
}

#[test]
fn without_an_inode_the_files_tell_who_is_a_name_of_whom() {
    let place = Place::new(
        "/set type=file nlink=2 time=1\n./a\n./b\n./c nlink=1\n/unset nlink\n./d\n\
         ./l type=link link=x nlink=2\n./m type=link link=x nlink=2\n./n type=link link=x nlink=2\n",
    )
    .with("a", "x");
    for name in ["b", "c", "d"] {
        fs::hard_link(place.path("a"), place.path(name)).unwrap();
    }
    symlink("x", place.path("l")).unwrap();
    fs::hard_link(place.path("l"), place.path("m")).unwrap();
    let entries = place.layer(Policy::default());
    let links: Vec<_> = entries
        .iter()
        .map(|(entry, _)| match &entry.kind {
            Kind::HardLink(target) => std::str::from_utf8(target).unwrap(),
            _ => "",
        })
        .collect();
    assert_eq!(links, ["", "a", "", "", "", "l", ""]);
}

#[test]
fn edits_meet_what_is_described() {
    let digest = format!("sha256={:x}", Digest::of(b"x"));
    let place = Place::new(&format!(
        "/set mode=0600 time=1\n\
         ./a type=file nlink=2 inode=1 {digest}\n\
         ./b type=file nlink=2 inode=1 {digest} contents=gone\n\
         ./c type=file {digest}\n\
         ./d/e type=file contents=a\n"
    ));
    let place = place.with("a", "x").with("c", "x");
    let run = |edits| {
        let (cancel, progress) = (Cancel::default(), Progress::default());
        let build = Build { edits: Edits::new(edits), ..plain(&cancel, &progress) };
        let mut blob = Vec::new();
        build.run(place.source(), &mut blob).map(|_| read(&blob))
    };
    // Without the first name, the other one is the file, and its content is still compared.
    let edits = vec![
        Edit::remove(b"a").unwrap(),
        Edit::rename(b"c", b"z").unwrap(),
        Edit::rename(b"d", b"y").unwrap(),
    ];
    let entries = run(edits.clone()).unwrap();
    assert_eq!(paths(&entries), ["b", "y", "y/e", "z"]);
    assert!(entries.iter().filter(|(entry, _)| entry.size > 0).all(|(_, content)| content == b"x"));
    assert_eq!(entries.iter().filter(|(entry, _)| entry.kind == Kind::Regular).count(), 3);
    // What is cut is not in the layer, so that it need not be what was stated.
    fs::write(place.path("c"), "y").unwrap();
    let error = run(edits).unwrap_err().to_string();
    assert!(error.contains("`z` has the digest"), "{error}");
    let cut = vec![Edit::Truncate(Patterns::parse(["c"]).unwrap())];
    assert_eq!(paths(&run(cut).unwrap()), ["a", "b", "c", "d", "d/e"]);
}
