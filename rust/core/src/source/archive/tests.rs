use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cancel::Cancel;
use crate::edit::Edits;
use crate::plan::PlanBuilder;
use crate::source::{Patterns, Policy};
use crate::stack::list_layer;
use crate::tar::{Entry, Kind, append_header};

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

fn second_look(entries: &[Entry]) -> Result<Vec<Entry>> {
    entries_in(&convert_file(&archive(entries), &Policy::default())?)
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
fn a_second_look_leaves_one_entry_per_path_and_targets_before_links() {
    let other = |path| Entry { mode: 0o611, ..file(path) };
    let newer = |path| Entry { mode: 0o711, ..directory(path) };
    for (entries, expected) in [
        // The last one wins, where it stands.
        (vec![file("a"), file("b"), other("a")], vec![file("b"), other("a")]),
        (vec![directory("a"), file("a/f"), newer("a")], vec![newer("a"), file("a/f")]),
        (vec![file("a/f"), newer("a")], vec![newer("a"), file("a/f")]),
        (vec![directory("a"), file("a/f"), file("a")], vec![file("a")]),
        (vec![file("a"), newer("")], vec![newer(""), file("a")]),
        (vec![file("a"), directory("a"), file("a/f")], vec![directory("a"), file("a/f")]),
        // A link stays with the content that its target had.
        (
            vec![file("a"), hard_link("b", "a"), other("a")],
            vec![Entry { path: b"b"[..].into(), ..file("a") }, other("a")],
        ),
        (vec![hard_link("b", "a"), file("a")], vec![file("a"), hard_link("b", "a")]),
        (
            vec![hard_link("c", "b"), hard_link("b", "a"), file("a"), file("d")],
            vec![file("a"), hard_link("c", "a"), hard_link("b", "a"), file("d")],
        ),
    ] {
        assert_eq!(second_look(&entries).unwrap(), expected, "{entries:?}");
    }
    for (entries, message) in [
        (vec![hard_link("b", "a")], "`a`, which the archive does not hold"),
        (vec![hard_link("b", "a"), hard_link("a", "b")], "which the archive does not hold"),
        (vec![file("c"), file("c"), directory("a"), hard_link("b", "a")], "is a directory"),
        (vec![file("c"), file("c"), file("a"), file("a/b")], "is not a directory"),
    ] {
        let error = second_look(&entries).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

fn rewritten(entries: &[Entry], policy: &Policy) -> Result<Vec<Entry>> {
    entries_in(&convert_file_of(Form::Layer, &archive(entries), policy)?)
}

/// A whiteout as fastlayer makes it.
fn whiteout(path: &str, mtime: i64) -> Entry {
    Entry { mtime, mode: 0o644, ..of_kind(path, Kind::Regular) }
}

#[test]
fn whiteouts_of_a_layer_stay_and_no_parents_come() {
    let entries = [
        file("a/b/f"),
        of_kind("a/b/.wh..wh..opq", Kind::Regular),
        // As a file with content, a link and a directory: only the name counts.
        file("a/.wh.g"),
        file("a/g"),
        hard_link(".wh.x", ".wh..wh.aufs"),
        directory("d/.wh.y"),
    ];
    let expected = [
        file("a/b/f"),
        whiteout("a/b/.wh..wh..opq", 0),
        whiteout("a/.wh.g", 0),
        file("a/g"),
        whiteout(".wh.x", 0),
        whiteout("d/.wh.y", 0),
    ];
    assert_eq!(rewritten(&entries, &Policy::default()).unwrap(), expected);
    let policy = Policy { mtime: Some(5), ..Policy::default() };
    for entry in rewritten(&entries, &policy).unwrap() {
        assert_eq!(entry.mtime, 5);
    }
    let policy = Policy::default().with_prefix(b"p").unwrap();
    let found = rewritten(&entries, &policy).unwrap();
    assert_eq!(paths(&found)[..3], ["p/a/b/f", "p/a/b/.wh..wh..opq", "p/a/.wh.g"]);
}

#[test]
fn a_whiteout_is_left_out_with_what_it_is_about() {
    let exclude = Patterns::parse(["a/x", "d"]).unwrap();
    let policy = Policy { exclude, ..Policy::default() };
    let marker = |path| of_kind(path, Kind::Regular);
    let entries = ["a/.wh.x", "a/.wh.y", "d/.wh..wh..opq", "d/.wh.x", ".wh.d"].map(marker);
    assert_eq!(paths(&rewritten(&entries, &policy).unwrap()), ["a/.wh.y"]);
}

#[test]
fn a_layer_out_of_order_is_rewritten_with_a_second_look() {
    let entries =
        [file("a/f"), whiteout(".wh.x", 9), directory("a"), whiteout(".wh.x", 7), file("x")];
    let expected = [directory("a"), file("a/f"), whiteout(".wh.x", 0), file("x")];
    assert_eq!(rewritten(&entries, &Policy::default()).unwrap(), expected);
}

#[test]
fn whiteouts_that_engines_do_not_understand_are_refused() {
    for (entries, message) in [
        (vec![file("a/.wh.")], "`a/.wh.` cannot be stored in a layer: it is a whiteout that names"),
        (vec![directory(".wh.d"), file(".wh.d/f")], "begins with `.wh.`"),
        (vec![hard_link("b", "lower")], "`lower`, which the archive does not hold"),
    ] {
        let error = rewritten(&entries, &Policy::default()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
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

/// The layer of an archive above a tree with these entries.
fn above(ground: &[Entry], entries: &[Entry]) -> Result<Vec<Entry>> {
    let mut tree = crate::stack::Tree::default();
    tree.apply(list_layer(&archive(ground)[..], &Cancel::default())?, &Cancel::default())?;
    let mut treatment = Treatment::default();
    let (additions, survey) = (no_additions(), Survey::default());
    let bytes = archive(entries);
    let ground = Some(Ground::new(tree, None));
    let stream = ArchiveStream::above(ground, &bytes[..], &mut treatment, &additions, survey);
    Ok(crate::tar::list(stream, false, &Cancel::default())?
        .into_iter()
        .map(|listed| listed.entry)
        .collect())
}

#[test]
fn links_of_the_ground_are_followed_until_an_entry_takes_their_place() {
    let ground = [
        directory("usr"),
        directory("usr/lib"),
        of_kind("lib", Kind::Symlink(b"usr/lib"[..].into())),
        of_kind("gone", Kind::Symlink(b"/nowhere"[..].into())),
        file("f"),
    ];
    let entries = [
        directory(""),
        file("lib/a"),
        hard_link("b", "lib/a"),
        file("gone/x"),
        directory("lib"),
        file("lib/c"),
        hard_link("d", "lib/c"),
    ];
    let layer = above(&ground, &entries).unwrap();
    let expected = ["usr", "usr/lib", "usr/lib/a", "b", "gone", "gone/x", "lib", "lib/c", "d"];
    assert_eq!(paths(&layer), expected);
    // The directory of the ground, and one that nothing names.
    assert_eq!([layer[1].mode, layer[4].mode], [0o700, 0o755]);
    assert_eq!(layer[3].kind, Kind::HardLink(b"usr/lib/a"[..].into()));
    assert_eq!(layer[8].kind, Kind::HardLink(b"lib/c"[..].into()));
    let twice = above(&ground, &[file("lib/a"), file("usr/lib/a")]).unwrap_err();
    assert!(twice.to_string().contains("holds it twice"), "{twice}");
    // A hard link to what only the ground has is one to nothing for whoever applies the layer.
    assert!(above(&ground, &[hard_link("x", "f")]).is_err());
}

#[test]
fn a_long_chain_of_hard_links_before_their_targets_takes_no_long_time() {
    let links = 20_000;
    let name = |number: usize| format!("{number:05}");
    let mut entries: Vec<_> =
        (0..links).map(|number| hard_link(&name(number), &name(number + 1))).collect();
    entries.push(file(&name(links)));
    let tar = convert_file(&archive(&entries), &Policy::default()).unwrap();
    let (mut reader, mut names) = (Reader::new(&tar[..]), 0);
    while let Some(member) = reader.next_member().unwrap() {
        let is_link = matches!(&member.entry.kind, Kind::HardLink(target) if **target == *b"20000");
        assert!(is_link || names == 0);
        names += 1;
    }
    assert_eq!(names, links + 1);
}

#[test]
fn a_file_whose_content_changes_before_its_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.tar");
    let read = |change: &dyn Fn()| {
        std::fs::write(&path, [1; 2000]).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        let mut reader = ArchiveFile::open(&path).unwrap().reader().unwrap();
        reader.read_exact(&mut [0; 1000]).unwrap();
        change();
        let read = reader.read_to_end(&mut Vec::new());
        read.map_err(|error| Error::from_read(error).to_string())
    };
    assert_eq!(read(&|| ()), Ok(1000));
    assert_eq!(read(&|| std::fs::remove_file(&path).unwrap()), Ok(1000));
    let what = |what: &str| Err(format!("`{}` changed while it was read: {what}", path.display()));
    let same_size = || std::fs::write(&path, [2; 2000]).unwrap();
    assert_eq!(read(&same_size), what("its modification or change time moved"));
    let shorter = || std::fs::write(&path, [1; 1500]).unwrap();
    assert_eq!(read(&shorter), what("it had 2000 bytes and now has 1500"));
}
