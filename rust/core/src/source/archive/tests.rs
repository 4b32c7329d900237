mod ground;
mod second_look;
mod whiteouts;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cancel::Cancel;
use crate::edit::Edits;
use crate::plan::PlanBuilder;
use crate::source::{Patterns, Policy};
use crate::tar::{Entry, Kind, Reader, Xattr, append_header};

fn directory(path: &str) -> Entry {
    Entry { mode: 0o700, ..Entry::implied_directory(path.as_bytes(), 7) }
}

fn of_kind(path: &str, kind: Kind) -> Entry {
    Entry { kind, mode: 0o640, ..directory(path) }
}

/// A file that holds its own path.
fn file(path: &str) -> Entry {
    Entry { size: path.len() as u64, ..of_kind(path, Kind::Regular) }
}

fn hard_link(path: &str, target: &str) -> Entry {
    of_kind(path, Kind::HardLink(target.as_bytes().into()))
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        append_header(entry, &mut bytes).unwrap();
        if entry.size > 0 {
            bytes.extend(&entry.path);
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn no_additions() -> Plan {
    PlanBuilder::default().finish(0).unwrap().0
}

fn convert(bytes: &[u8], policy: Policy, piece: usize) -> Result<Vec<u8>> {
    pull(bytes, policy, Form::Tree, Survey::default(), piece)
}

/// What a build makes of a file: a stream, and if that is not enough a second look.
fn convert_file(bytes: &[u8], policy: &Policy) -> Result<Vec<u8>> {
    convert_file_of(Form::Tree, bytes, policy)
}

fn convert_file_of(form: Form, bytes: &[u8], policy: &Policy) -> Result<Vec<u8>> {
    match pull(bytes, policy.clone(), form, Survey::default(), 700) {
        Err(Error::OutOfOrder { .. }) => {
            let mut treatment = Treatment::new(policy.clone(), Edits::default(), form);
            let survey = Survey::of(bytes, &mut treatment, &Cancel::default())?;
            pull(bytes, policy.clone(), form, survey, 700)
        }
        result => result,
    }
}

fn pull(bytes: &[u8], policy: Policy, form: Form, survey: Survey, piece: usize) -> Result<Vec<u8>> {
    let mut treatment = Treatment::new(policy, Edits::default(), form);
    let additions = no_additions();
    let mut stream = ArchiveStream::new(bytes, &mut treatment, &additions, survey);
    let mut layer = Vec::new();
    let mut buffer = vec![0; piece];
    loop {
        let count = stream.fill(&mut buffer)?;
        layer.extend(&buffer[..count]);
        if count < piece {
            return Ok(layer);
        }
    }
}

fn layer(entries: &[Entry], policy: Policy) -> Result<Vec<Entry>> {
    let bytes = convert(&archive(entries), policy, 1000)?;
    assert_eq!(bytes.len() % 512, 0);
    let mut reader = Reader::new(&bytes[..]);
    let mut entries = Vec::new();
    while let Some(member) = reader.next_member()? {
        let mut content = vec![0; 100];
        let count = reader.read_content(&mut content)?;
        assert_eq!(count as u64, member.entry.size);
        assert!(count == 0 || member.entry.path.ends_with(&content[..count]));
        entries.push(member.entry);
    }
    Ok(entries)
}

fn paths(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| std::str::from_utf8(&entry.path).unwrap()).collect()
}

fn refusal(entries: &[Entry]) -> String {
    layer(entries, Policy::default()).unwrap_err().to_string()
}

#[test]
fn the_root_may_come_after_devices() {
    let device = |path: &str| of_kind(path, Kind::CharDevice { major: 5, minor: 1 });
    let first = [directory("dev"), device("dev/console"), directory("")];
    let rest = [directory("etc"), file("etc/f"), hard_link("dev/f", "etc/f")];
    let entries = [&first[..], &rest[..]].concat();
    let [dev, console, root] = first;
    let expected = [&[root, dev, console][..], &rest[..]].concat();
    assert_eq!(layer(&entries, Policy::default()).unwrap(), expected);
    // As with a second look.
    let mut late = vec![file("a"), directory("")];
    assert!(refusal(&late).contains("its entry comes after an entry inside it"));
    late = (0..64).map(|number| directory(&number.to_string())).collect();
    late.push(directory(""));
    assert!(refusal(&late).contains("its entry comes after an entry inside it"));
    let second = convert_file(&archive(&late), &Policy::default()).unwrap();
    late.rotate_right(1);
    assert_eq!(second, convert(&archive(&late), Policy::default(), 512).unwrap());
}

#[test]
fn what_comes_before_the_root_is_held_up_to_a_mebibyte() {
    let large = |path: &str| {
        let xattr = Xattr { name: b"user.x"[..].into(), value: vec![b'x'; 400_000].into() };
        Entry { xattrs: [xattr].into(), ..directory(path) }
    };
    let entries = layer(&[large("a"), large("b"), directory("")], Policy::default()).unwrap();
    assert_eq!(paths(&entries), ["", "a", "b"]);
    let entries = [large("a"), large("b"), large("c"), directory("")];
    assert!(refusal(&entries).contains("its entry comes after an entry inside it"));
}

#[test]
fn a_layer_in_order_comes_out_as_it_went_in() {
    let entries = [
        directory(""),
        directory("a"),
        file("a/f"),
        hard_link("a/g", "a/f"),
        hard_link("h", "a/g"),
        of_kind("l", Kind::Symlink(b"../x"[..].into())),
        // GNU tar and fastlayer write further names of any inode so.
        hard_link("m", "l"),
    ];
    assert_eq!(layer(&entries, Policy::default()).unwrap(), entries);
    let bytes = archive(&entries);
    for piece in [1, 511, 512, 513, 1 << 20] {
        assert_eq!(convert(&bytes, Policy::default(), piece).unwrap(), bytes);
    }
}

#[test]
fn missing_parents_are_put_before_their_first_child() {
    let policy = Policy { clamp_mtime: Some(5), ..Policy::default() };
    let entries = layer(&[file("a/b/f"), file("a/g"), file("tmp/h")], policy).unwrap();
    assert_eq!(paths(&entries), ["a", "a/b", "a/b/f", "a/g", "tmp", "tmp/h"]);
    assert_eq!(entries[1], Entry::implied_directory(b"a/b", 5));
    assert_eq!((entries[2].mtime, entries[4].mode), (5, 0o1777));
}

#[test]
fn a_prefix_gets_parents_and_the_root_of_the_archive() {
    let policy = Policy::default().with_prefix(b"opt/app").unwrap();
    let entries = layer(&[directory(""), file("f"), hard_link("g", "f")], policy.clone()).unwrap();
    assert_eq!(paths(&entries), ["opt", "opt/app", "opt/app/f", "opt/app/g"]);
    assert_eq!((entries[0].mode, entries[1].mode), (0o755, 0o700));
    let entries = layer(&[file("f")], policy).unwrap();
    assert_eq!(paths(&entries), ["opt", "opt/app", "opt/app/f"]);
}

#[test]
fn what_is_excluded_is_left_out_with_its_content() {
    let exclude = Patterns::parse(["a", "!a/keep", "*.o"]).unwrap();
    let policy = Policy { exclude, ..Policy::default() };
    let entries = [directory("a"), file("a/f"), file("a/keep"), file("x.o"), file("y")];
    let entries = layer(&entries, policy.clone()).unwrap();
    assert_eq!(paths(&entries), ["a", "a/keep", "y"]);
    // The directory was left out, but what it holds needs it: as the archive has it.
    assert_eq!(entries[0].mode, 0o700);
    let entries = [file("x.o"), hard_link("y", "x.o"), hard_link("z", "x.o")];
    let error = layer(&entries, policy.clone()).unwrap_err();
    assert!(error.to_string().contains("`x.o`, which is left out"), "{error}");
    // The first link becomes the file.
    let bytes = convert_file(&archive(&entries), &policy).unwrap();
    let entries = [Entry { path: b"y"[..].into(), ..file("x.o") }, hard_link("z", "y")];
    let mut reader = Reader::new(&bytes[..]);
    for entry in entries {
        assert_eq!(reader.next_member().unwrap().unwrap().entry, entry);
    }
}

#[test]
fn what_an_engine_cannot_apply_in_order_is_refused() {
    let link = of_kind("l", Kind::Symlink(b"a"[..].into()));
    for (entries, message) in [
        (vec![file("a"), file("a")], "`a` cannot be stored in a layer: the archive holds it twice"),
        (vec![directory("a"), directory("a")], "holds it twice"),
        (vec![directory(""), directory("")], "holds it twice"),
        (vec![file("a/f"), directory("a")], "`a` cannot be stored in a layer: its entry comes"),
        (vec![file("a"), directory("")], "its entry comes after an entry inside it"),
        (vec![file("a/f"), file("a")], "holds an entry inside it"),
        (vec![file("a"), file("a/f")], "`a`, in which it lies, is not a directory"),
        (vec![file("a"), file("a/b/f")], "`a`, in which it lies, is not a directory"),
        (vec![link, file("l/f")], "`l`, in which it lies, is not a directory"),
        (vec![hard_link("b", "a"), file("a")], "to `a`, which does not stand before it"),
        (vec![hard_link("a", "a")], "to `a`, which does not stand before it"),
        (vec![directory("a"), hard_link("b", "a")], "to `a`, which is a directory"),
        (vec![of_kind("l", Kind::Symlink(Box::default()))], "link without a target"),
        (vec![of_kind("", Kind::Fifo)], "`.` cannot be stored in a layer: its path is the root's"),
        (vec![file("a/.wh.b")], "begins with `.wh.`"),
        (vec![file(".wh.b/c")], "begins with `.wh.`"),
    ] {
        let error = refusal(&entries);
        assert!(error.contains(message), "{error}");
    }
}

fn entries_in(bytes: &[u8]) -> Result<Vec<Entry>> {
    let mut reader = Reader::new(bytes);
    let mut entries = Vec::new();
    while let Some(member) = reader.next_member()? {
        entries.push(member.entry);
    }
    Ok(entries)
}

#[test]
fn a_layer_is_not_read_on_after_an_error() {
    let bytes = archive(&[file("a"), file("a"), file("b")]);
    let (mut treatment, additions) = (Treatment::default(), no_additions());
    let mut stream = ArchiveStream::new(&bytes[..], &mut treatment, &additions, Survey::default());
    let mut buffer = vec![0; 9000];
    assert!(stream.fill(&mut buffer).is_err());
    assert!(matches!(stream.fill(&mut buffer), Err(Error::Internal(_))));
}

#[test]
fn an_input_that_breaks_off_or_is_empty_is_refused() {
    let bytes = archive(&[file("a")]);
    assert!(convert(b"", Policy::default(), 512).unwrap_err().to_string().contains("is empty"));
    assert!(convert(&bytes[..512], Policy::default(), 512).is_err());
    assert_eq!(convert(&[0; 512], Policy::default(), 512).unwrap(), [0; 1024]);
}

#[test]
fn the_input_is_read_to_its_end() {
    let mut rest = &[archive(&[file("a")]), vec![1; 9000]].concat()[..];
    let (mut treatment, additions) = (Treatment::default(), no_additions());
    let mut stream = ArchiveStream::new(&mut rest, &mut treatment, &additions, Survey::default());
    stream.fill(&mut [0; 4096]).unwrap();
    assert_eq!(stream.entries(), 1);
    drop(stream);
    assert!(rest.is_empty());
}

proptest! {
    /// Whatever comes out as a layer is one that this crate would take again, unchanged.
    #[test]
    fn layers_are_fixed_points(
        names in vec("[ab]/{0,1}[ab]{0,1}", 0..8),
        kinds in vec(0..4_u8, 8),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let entries: Vec<_> = names
            .iter()
            .zip(kinds)
            .map(|(name, kind)| match kind {
                0 => directory(name.trim_matches('/')),
                1 => file(name.trim_matches('/')),
                2 => hard_link(name.trim_matches('/'), "a"),
                _ => of_kind(name.trim_matches('/'), Kind::Symlink(b"b"[..].into())),
            })
            .collect();
        let mut bytes = archive(&entries);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(layer) = convert(&bytes, Policy::default(), 700) {
            prop_assert_eq!(convert(&layer, Policy::default(), 512).unwrap(), layer);
        }
        if let Ok(layer) = convert_file(&bytes, &Policy::default()) {
            prop_assert_eq!(convert(&layer, Policy::default(), 512).unwrap(), layer);
        }
    }
}
