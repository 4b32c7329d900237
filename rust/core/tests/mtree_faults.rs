//! Descriptions in the text of mtree(5) that do not fit what they describe.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod layers;
mod places;

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};

use fastlayer_core::blob::{Build, Sink, Source};
use fastlayer_core::pipeline::Progress;
use fastlayer_core::source::Policy;
use fastlayer_core::{Cancel, Digest, Error};

use self::layers::{members, plain};
use self::places::Place;

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
    assert!(matches!(members(missing, Policy::default()), Err(Error::Io { action: "open", .. })));
    let place = Place::new("./d type=dir\n");
    let base = Source::Mtree(place.path("a.mtree"), Some(place.path("no")));
    assert!(matches!(members(base, Policy::default()), Err(Error::Io { action: "open", .. })));
}

#[test]
fn a_file_that_changes_is_named() {
    let place = Place::new("./x type=file contents=f\n").with("f", vec![0; 3 << 20]);
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let build = Build { threads: 1, ..plain(&cancel, &progress) };
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
    let outputs = vec![(metadata.dev(), metadata.ino())];
    let build = Build { outputs, ..plain(&cancel, &progress) };
    let result = build.run(place.source(), &mut Vec::new());
    assert!(matches!(result, Err(Error::OutputInInput { .. })));
}
