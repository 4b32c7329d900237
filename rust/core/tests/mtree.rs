//! Descriptions in the text of mtree(5) as sources: what is in the layer, and what is refused.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use fastlayer_core::blob::{Build, LayerBlob, Sink, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::edit::{Edit, Edits};
use fastlayer_core::pipeline::Progress;
use fastlayer_core::source::{Owner, Patterns, Policy};
use fastlayer_core::tar::{Entry, Kind, Reader};
use fastlayer_core::{Cancel, Digest, Error, Result};

fn build(source: Source, policy: Policy) -> Result<(LayerBlob, Vec<u8>)> {
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let compression = Compression::None;
    let (outputs, edits) = (Vec::new(), Edits::default());
    let build = Build {
        policy,
        edits,
        compression,
        threads: 3,
        outputs,
        cancel: &cancel,
        progress: &progress,
    };
    let mut blob = Vec::new();
    let layer = build.run(source, &mut blob)?;
    Ok((layer, blob))
}

/// A directory with a description of that text, and what else is in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new(text: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.describe(text);
        place
    }

    fn describe(&self, text: &str) {
        fs::write(self.path("a.mtree"), text).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
        self
    }

    fn source(&self) -> Source {
        Source::Mtree(self.path("a.mtree"), None)
    }

    fn layer(&self, policy: Policy) -> Vec<(Entry, Vec<u8>)> {
        let (layer, tar) = build(self.source(), policy).unwrap();
        let entries = read(&tar);
        assert_eq!(layer.entries, entries.len() as u64);
        entries
    }

    /// What is wrong, without the names of temporary folders.
    fn error(&self) -> String {
        let error = build(self.source(), Policy::default()).unwrap_err();
        assert!(matches!(error, Error::Mtree { .. }), "{error:?}");
        error.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn read(tar: &[u8]) -> Vec<(Entry, Vec<u8>)> {
    let mut reader = Reader::new(tar);
    let mut entries = Vec::new();
    while let Some(member) = reader.next_member().unwrap() {
        let mut content = vec![0; usize::try_from(member.entry.size).unwrap()];
        let mut read = 0;
        while read < content.len() {
            read += reader.read_content(&mut content[read..]).unwrap();
        }
        entries.push((member.entry, content));
    }
    entries
}

fn paths(entries: &[(Entry, Vec<u8>)]) -> Vec<&str> {
    entries.iter().map(|(entry, _)| std::str::from_utf8(&entry.path).unwrap()).collect()
}

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
    let (_, tar) = build(source, Policy::default()).unwrap();
    let contents: Vec<_> = read(&tar).into_iter().map(|(_, content)| content).collect();
    assert_eq!(contents, [&b"from the base"[..], b"escaped", b"anywhere", b"from the base"]);
}

#[test]
fn an_optional_file_may_be_missing_and_a_socket_is_left_out() {
    let place = Place::new(
        "./a type=file optional\n./b/c type=file contents=no/where optional\n./s type=socket\n\
         ./d type=file optional\n",
    )
    .with("d", "there");
    let (layer, tar) = build(place.source(), Policy::default()).unwrap();
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
    assert_eq!((paths(&entries)[1], &*entries[1].1), ("p/b", &b"y"[..]));
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
fn names_of_one_file_are_described_alike() {
    let digest = format!("sha256={:x}", Digest::of(b"x"));
    for (words, what) in [
        ("type=file mode=0601", "`mode`"),
        ("type=file uid=9", "`uid`"),
        ("type=file gid=9", "`gid`"),
        ("type=file time=2", "`time`"),
        ("type=file size=2", "`size`"),
        ("type=fifo", "`type`"),
        ("type=file xattr.user.a=YQ==", "`xattr`"),
        (&format!("type=file {digest}"), "`sha256digest`"),
    ] {
        let place = Place::new(&format!(
            "/set nlink=2 inode=1 mode=0600 time=1\n./a type=file\n./b {words}\n"
        ));
        let place = place.with("a", "x");
        let expected = format!(
            "a.mtree:3: `b` is another name of `a` on line 2, but its {what} is another one"
        );
        assert_eq!(place.error(), expected);
    }
}

#[test]
fn a_digest_is_compared_while_its_file_is_read() {
    // Nothing at all, files in one block, at its edges and across them.
    let sizes = [0, 1, 511, 512, 1 << 20, (1 << 20) - 1024, (1 << 20) + 7, 3];
    let mut place = Place::new("");
    let mut lines = Vec::new();
    for (number, size) in sizes.into_iter().enumerate() {
        let content = vec![u8::try_from(number).unwrap(); size];
        lines.push(format!("./f{number} type=file sha256digest={:x}\n", Digest::of(&content)));
        place = place.with(&format!("f{number}"), content);
    }
    place.describe(&lines.concat());
    assert_eq!(place.layer(Policy::default()).len(), sizes.len());
    let wrong = "0".repeat(64);
    for (number, line) in lines.iter().enumerate() {
        let digest = line.trim_end().split('=').next_back().unwrap();
        place.describe(&lines.concat().replace(digest, &wrong));
        let expected = format!(
            "a.mtree:{}: `f{number}` has the digest `sha256:{digest}`, expected `sha256:{wrong}`",
            number + 1
        );
        assert_eq!(place.error(), expected);
    }
}

#[test]
fn a_description_that_does_not_fit_names_its_line() {
    for (line, reason) in [
        ("./f", "`f` has no `type`"),
        ("./gone type=file", "the content `gone` is missing"),
        ("./x type=file contents=gone", "the content `gone` is missing"),
        ("./f type=file size=2", "`f` has 1 bytes, expected 2"),
        ("./d type=file", "the content `d` is no regular file, or reached through a link"),
        ("./l type=file", "the content `l` is no regular file, or reached through a link"),
        ("./p type=file", "the content `p` is no regular file, or reached through a link"),
        ("./x type=file contents=m/f", "the content `m/f` is no regular file, or reached through"),
        ("./x type=file contents=f/f", "the content `f/f` is no regular file, or reached through"),
        ("./x type=file contents=/dev/null", "the content `/dev/null` is no regular file"),
        ("./x type=file contents=../f", "`contents` is `../f`: expected a path below the base"),
        ("./x type=file contents=.", "`contents` is `.`: expected"),
        ("./x type=link", "`x` has no `link`, the target of a link"),
        ("./x type=link link=", "`x` has no `link`, the target of a link"),
        ("./x type=char", "`x` has no `device`"),
        ("./x type=char device=native,1,2097152", "`x` cannot be stored in a layer: "),
        ("./x type=dir xattr.a\\075b=", "`x` cannot be stored in a layer: its attribute `a=b`"),
        ("./x type=dir uname=root", "`uname` without `uid`: a layer needs a number"),
        ("./x type=dir gname=root uid=0", "`gname` without `gid`: a layer needs a number"),
        ("./.wh.x type=file", "`.wh.x` cannot be stored in a layer: a name that begins"),
        ("./.wh.x/y type=dir", "`.wh.x/y` cannot be stored in a layer: a name that begins"),
        (". type=file", "the root is not described as a directory"),
        ("./first/x type=dir", "`first/x` lies in `first`, which is no directory on line 1"),
    ] {
        let place = Place::new(&format!("./first type=fifo\n{line}\n"));
        let place = place.with("f", "x").with("d/f", "x");
        symlink("f", place.path("l")).unwrap();
        symlink("d", place.path("m")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, place.path("p"), 0o600.into()).unwrap();
        let error = place.error();
        assert!(error.starts_with(&format!("a.mtree:2: {reason}")), "{error}");
    }
}

#[test]
fn what_the_system_refuses_is_its_error() {
    let missing = Source::Mtree("no/such.mtree".into(), None);
    assert!(matches!(build(missing, Policy::default()), Err(Error::Io { action: "open", .. })));
    let place = Place::new("./d type=dir\n");
    let base = Source::Mtree(place.path("a.mtree"), Some(place.path("no")));
    assert!(matches!(build(base, Policy::default()), Err(Error::Io { action: "open", .. })));
}

#[test]
fn a_file_that_changes_is_named() {
    let place = Place::new("./x type=file contents=f\n").with("f", vec![0; 3 << 20]);
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let build = Build {
        policy: Policy::default(),
        edits: Edits::default(),
        compression: Compression::None,
        threads: 1,
        outputs: Vec::new(),
        cancel: &cancel,
        progress: &progress,
    };
    let file = fs::File::options().write(true).open(place.path("f")).unwrap();
    let mut sink = Meddler(|| file.write_all_at(b"other", 2 << 20).unwrap());
    let error = build.run(place.source(), &mut sink).unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error:?}");
    assert!(error.to_string().contains(place.path("f").to_str().unwrap()), "{error}");
}

/// A sink that does something at every write.
struct Meddler<F: FnMut()>(F);

impl<F: FnMut()> std::io::Write for Meddler<F> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        (self.0)();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<F: FnMut() + Send> Sink for Meddler<F> {
    fn restart(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_file_that_is_written_is_read() {
    let place = Place::new("./x type=file contents=out\n").with("out", "");
    let metadata = fs::metadata(place.path("out")).unwrap();
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let build = Build {
        policy: Policy::default(),
        edits: Edits::default(),
        compression: Compression::None,
        threads: 1,
        outputs: vec![(metadata.dev(), metadata.ino())],
        cancel: &cancel,
        progress: &progress,
    };
    let result = build.run(place.source(), &mut Vec::new());
    assert!(matches!(result, Err(Error::OutputInInput { .. })));
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
        let build = Build {
            policy: Policy::default(),
            edits: Edits::new(edits),
            compression: Compression::None,
            threads: 2,
            outputs: Vec::new(),
            cancel: &cancel,
            progress: &progress,
        };
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
