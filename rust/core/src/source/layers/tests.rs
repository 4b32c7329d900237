mod readings;

use std::collections::HashSet;
use std::io::Write;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::compare::{Change, Tree, differences};
use crate::edit::{Edit, Edits};
use crate::source::{ArchiveStream, Form, Patterns, Survey, Treatment};
use crate::tar::append_header;

/// A member by its text: `directory/`, `file=content`, `symbolic->link`, `hard=>link`, `pipe|`, and
/// anything else is an empty file.
fn member(text: &str) -> (Entry, Vec<u8>) {
    let bare = |path: &str, kind| Entry {
        kind,
        mode: 0o640,
        ..Entry::implied_directory(path.as_bytes(), 7)
    };
    if let Some((path, target)) = text.split_once("=>") {
        return (bare(path, Kind::HardLink(target.as_bytes().into())), Vec::new());
    }
    if let Some((path, target)) = text.split_once("->") {
        return (bare(path, Kind::Symlink(target.as_bytes().into())), Vec::new());
    }
    if let Some((path, content)) = text.split_once('=') {
        let size = content.len() as u64;
        return (Entry { size, ..bare(path, Kind::Regular) }, content.into());
    }
    if let Some(path) = text.strip_suffix('/') {
        return (Entry { mode: 0o700, ..bare(path, Kind::Directory) }, Vec::new());
    }
    let kind = if text.ends_with('|') { Kind::Fifo } else { Kind::Regular };
    (bare(text.trim_end_matches('|'), kind), Vec::new())
}

fn text((entry, content): &(Entry, Vec<u8>)) -> String {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.into()).unwrap();
    let path = utf8(&entry.path);
    match &entry.kind {
        Kind::Directory => path + "/",
        Kind::HardLink(target) => path + "=>" + &utf8(target),
        Kind::Symlink(target) => path + "->" + &utf8(target),
        Kind::Fifo => path + "|",
        _ if entry.size == 0 => path,
        _ => path + "=" + &utf8(content),
    }
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

/// A layer blob in a file that holds something else before and behind it.
fn stretch(blob: &[u8], name: &str) -> ArchiveFile {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[b"before", blob, b"behind"].concat()).unwrap();
    ArchiveFile::stretch(file, 6, blob.len() as u64, name.into()).unwrap()
}

fn stretches(layers: &[Vec<(Entry, Vec<u8>)>]) -> Vec<ArchiveFile> {
    let numbered = layers.iter().enumerate();
    let blob = |(number, members): (usize, &Vec<_>)| {
        let tar = tar(members);
        let blob = match number % 3 {
            0 => tar,
            1 => zstd::encode_all(&tar[..], 1).unwrap(),
            _ => {
                let level = flate2::Compression::fast();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(&tar).unwrap();
                encoder.finish().unwrap()
            }
        };
        stretch(&blob, &format!("layer-{number}"))
    };
    numbered.map(blob).collect()
}

fn merge(
    files: &[ArchiveFile],
    policy: &Policy,
    edits: Vec<Edit>,
    piece: usize,
) -> Result<Vec<u8>> {
    let cancel = Cancel::default();
    let mut plan = PlanBuilder::new(Vec::new(), Edits::new(edits));
    let layers = Layers::add(&mut plan, files, policy, 2, &cancel)?;
    Edits::put_all(&mut plan, policy)?;
    let plan = plan.finish(policy.default_mtime())?.0.in_order_of_members();
    let mut stream = layers.stream(&plan);
    let (mut tar, mut buffer) = (Vec::new(), vec![0; piece]);
    loop {
        let count = stream.fill(&mut buffer)?;
        tar.extend(&buffer[..count]);
        if count < piece {
            assert_eq!(stream.fill(&mut buffer)?, 0);
            assert_eq!(tar.len() as u64, plan.size());
            return Ok(tar);
        }
    }
}

fn layers(texts: &[&[&str]]) -> Vec<Vec<(Entry, Vec<u8>)>> {
    texts.iter().map(|texts| texts.iter().map(|text| member(text)).collect()).collect()
}

fn read(tar: &[u8]) -> Vec<(Entry, Vec<u8>)> {
    let mut reader = Reader::new(tar);
    let mut members = Vec::new();
    while let Some(member) = reader.next_member().unwrap() {
        let mut content = vec![0; 100];
        let count = reader.read_content(&mut content).unwrap();
        content.truncate(count);
        assert_eq!(count as u64, member.entry.size);
        members.push((member.entry, content));
    }
    members
}

fn merged(texts: &[&[&str]]) -> Vec<String> {
    let tar = merge(&stretches(&layers(texts)), &Policy::default(), Vec::new(), 700).unwrap();
    read(&tar).iter().map(text).collect()
}

fn refusal(texts: &[&[&str]]) -> String {
    let files = stretches(&layers(texts));
    merge(&files, &Policy::default(), Vec::new(), 700).unwrap_err().to_string()
}

#[test]
fn what_no_upper_layer_changes_comes_as_it_is() {
    let texts = ["/", "a/", "a/f=1", "a/g=>a/f", "l->a", "p|", "z"];
    assert_eq!(merged(&[&texts]), texts);
    assert_eq!(merged(&[]), [""; 0]);
    assert_eq!(merged(&[&[], &texts, &[]]), texts);
}

#[test]
fn an_upper_layer_replaces_and_removes() {
    for (texts, expected) in [
        // By a file, with a whiteout of its name beside it, and one that comes later.
        (&[&["a=1", "b=2"][..], &["a=3"]][..], &["b=2", "a=3"][..]),
        (&[&["a=1"], &[".wh.a", "a=2"]], &["a=2"]),
        (&[&["a=1"], &["a=2", ".wh.a"]], &["a=2"]),
        (&[&["a=1", "b=2"], &[".wh.a"]], &["b=2"]),
        // A whiteout of nothing, and of a name that comes back.
        (&[&["a=1"], &[".wh.b", ".wh.", ".wh.."]], &["a=1"]),
        (&[&["a=1"], &[".wh.a"], &["a=3"]], &["a=3"]),
        // Directories that are emptied, with what is new in them.
        (&[&["d/", "d/a=1", "d/e/", "d/e/f=2"], &["d/.wh..wh..opq", "d/n=3"]], &["d/", "d/n=3"]),
        (&[&["d/", "d/a=1"], &["d/n=3", "d/.wh..wh..opq", "d/"]], &["d/", "d/n=3"]),
        (&[&["a=1", "d/", "d/b=2"], &["x=1", ".wh..wh..opq"]], &["x=1"]),
        // Another kind in the place of a directory, and back.
        (&[&["d/", "d/a=1"], &["d=2"]], &["d=2"]),
        (&[&["d/", "d/a=1"], &["d->e"]], &["d->e"]),
        (&[&["d/", "d/a=1"], &["d->e"], &["d/", "d/b=3"]], &["d/", "d/b=3"]),
        (&[&["d/", "d/a=1"], &["d/"]], &["d/", "d/a=1"]),
        (&[&["d/", "d/a=1"], &[".wh.d"], &["d/", "d/b=2"]], &["d/", "d/b=2"]),
        // One that a layer holds twice.
        (&[&["a=1", "a=2", "b=3"]], &["a=2", "b=3"]),
    ] {
        assert_eq!(merged(texts), *expected, "{texts:?}");
    }
}

#[test]
fn every_name_of_an_inode_carries_its_content() {
    for (texts, expected) in [
        // A link of an upper layer to a file of a lower one.
        (&[&["d/", "d/a=1"][..], &["b=>d/a"]][..], &["d/", "b=1", "d/a=>b"][..]),
        // The first name is replaced or removed, and the other one stays: crane loses the content.
        (&[&["a=1", "b=>a"], &["a=2"]], &["b=1", "a=2"]),
        (&[&["a=1", "b=>a"], &[".wh.a"]], &["b=1"]),
        (&[&["a=1", "b=>a", "c=>b"], &[".wh.a"]], &["b=1", "c=>b"]),
        (&[&["d/", "d/a=1", "b=>d/a"], &["d/.wh..wh..opq"]], &["d/", "b=1"]),
        (&[&["d/", "d/a=1", "b=>d/a"], &["d->x"]], &["b=1", "d->x"]),
        // The other name is.
        (&[&["a=1", "b=>a"], &["b=2"]], &["a=1", "b=2"]),
        (&[&["a=1", "b=>a"], &["b/", "b/c=>a"]], &["a=1", "b/", "b/c=>a"]),
        // A link that is made anew to what has the name of its target by then.
        (&[&["a=1", "b=>a"], &["a=2", "b=>a"]], &["a=2", "b=>a"]),
        (&[&["a=1"], &["b=>a"], &["a=2"], &["c=>b"]], &["b=1", "c=>b", "a=2"]),
        (&[&["a=1"], &["b=>a", "a=2"]], &["b=1", "a=2"]),
        // Links to what is no file, and empty files.
        (&[&["l->x", "m=>l"], &[".wh.l"]], &["m->x"]),
        (&[&["l->x"], &["k=>l"]], &["k->x", "l=>k"]),
        (&[&["e", "f=>e"], &["d/", "d/g=>f"]], &["d/", "d/g", "e=>d/g", "f=>d/g"]),
        // The target is what it was, whatever its name holds in the end.
        (&[&["a=1", "b=>a"], &[".wh.a"], &["a=3", "c=>b"]], &["b=1", "c=>b", "a=3"]),
    ] {
        assert_eq!(merged(texts), *expected, "{texts:?}");
    }
}

#[test]
fn directories_have_the_uppermost_entry_and_stand_before_what_they_hold() {
    let mut layers = layers(&[&["a/x=1", "a/"], &["a/", "b/c/y=2"], &["a/z=3", "b/.wh.c"]]);
    layers[1][0].0.mode = 0o711;
    layers[1][0].0.mtime = 99;
    let tar = merge(&stretches(&layers), &Policy::default(), Vec::new(), 512).unwrap();
    let members = read(&tar);
    assert_eq!(members.iter().map(text).collect::<Vec<_>>(), ["a/", "a/x=1", "a/z=3", "b/"]);
    assert_eq!((members[0].0.mode, members[0].0.mtime), (0o711, 99));
    // What no layer has an entry for was a directory all the same.
    assert_eq!(members[3].0, Entry::implied_directory(b"b", 0));
    let policy = Policy { clamp_mtime: Some(5), ..Policy::default() };
    let tar = merge(&stretches(&layers), &policy, Vec::new(), 512).unwrap();
    assert!(read(&tar).iter().all(|(entry, _)| entry.mtime == 5));
}

#[test]
fn what_engines_make_different_things_of_is_refused() {
    for (texts, message) in [
        (
            &[&["a=1"][..], &["a/b=2"]][..],
            "`a/b` cannot be stored in a layer: `a`, in which it lies",
        ),
        (&[&["lib->usr/lib"], &["lib/x=1"]], "`lib`, in which it lies, is not a directory"),
        (
            &[&["a=1"], &["b=>c"]],
            "malformed archive `layer-1` at `b`: the target of this hard link",
        ),
        (&[&["a=1"], &[".wh.a", "b=>a"]], "the target of this hard link is not there"),
        (&[&["d/"], &["b=>d"]], "`d`, which is a directory (in `layer-1`)"),
        (&[&["a=1"], &["a=>a"]], "to `a`, which it takes the place of"),
        (&[&["d/", "d/a=1"], &["d=>d/a"]], "to `d/a`, which it takes the place of"),
        (&[&[".wh.d/", ".wh.d/f=1"]], "begins with `.wh.`"),
        (&[&["l->"]], "link without a target"),
    ] {
        let error = refusal(texts);
        assert!(error.contains(message), "{error}");
    }
    for blob in [&b""[..], b"no tar", &tar(&[member("a=1")])[..512]] {
        let files = [stretch(&tar(&[]), "one"), stretch(blob, "other")];
        let error = merge(&files, &Policy::default(), Vec::new(), 700).unwrap_err().to_string();
        assert!(error.starts_with("malformed archive `other`"), "{error}");
    }
}

#[test]
fn policy_and_edits_are_of_the_one_tree() {
    let files = stretches(&layers(&[&["d/", "d/a=1", "d/b=>d/a", "x=2"], &["e/f=3"]]));
    let policy = Policy {
        exclude: Patterns::parse(["d/a", "e", "!e/f"]).unwrap(),
        ..Policy::default().with_prefix(b"p").unwrap()
    };
    let edits = vec![
        Edit::rename(b"p/x", b"p/n/y").unwrap(),
        Edit::Truncate(Patterns::parse(["p/e/f"]).unwrap()),
        Edit::Mode(Patterns::parse(["p/d/b"]).unwrap(), 0o600),
    ];
    let tar = merge(&files, &policy, edits, 700).unwrap();
    let members = read(&tar);
    let texts: Vec<_> = members.iter().map(text).collect();
    assert_eq!(texts, ["p/", "p/d/", "p/d/b=1", "p/n/", "p/n/y=2", "p/e/", "p/e/f"]);
    assert_eq!(members[2].0.mode, 0o600);
}

/// Any member, most of which other ones have to do with: files are usually called `a` to `c`, and
/// what they lie in `d`.
fn any_member() -> impl Strategy<Value = String> {
    let path = || prop_oneof![6 => "(d/){0,2}[abc]", 1 => "[ad](/[ad]){0,2}"];
    prop_oneof![
        2 => "d(/d)?".prop_map(|path| path + "/"),
        1 => path().prop_map(|path| path + "/"),
        5 => (path(), 0..5_u8).prop_map(|(path, content)| format!("{path}={content}")),
        1 => path().prop_map(|path| path + "->b"),
        1 => path().prop_map(|path| path + "|"),
        6 => (path(), path()).prop_map(|(path, target)| format!("{path}=>{target}")),
        2 => path().prop_map(|path| {
            let (_, name) = crate::tar::split_path(path.as_bytes());
            format!("{}.wh.{}", &path[..path.len() - name.len()], &path[path.len() - name.len()..])
        }),
        1 => "d(/d)?".prop_map(|path| path + "/.wh..wh..opq"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn one_layer_holds_the_tree_that_all_make(
        candidates in vec(vec((any_member(), any::<u16>()), 0..12), 0..5),
        piece in 1..3000_usize,
    ) {
        // Of what came up, all that no layer above those before it would be refused for.
        let mut kept = Kept::default();
        let mut layers: Vec<Vec<(Entry, Vec<u8>)>> = Vec::new();
        for candidates in candidates {
            let mut layer: Vec<(Entry, Vec<u8>)> = Vec::new();
            let mut last = kept.clone();
            for (text, salt) in candidates {
                let (entry, content) = member(&text);
                layer.push((Entry { uid: salt.into(), ..entry }, content));
                let mut next = kept.clone();
                let entries = layer.iter().map(|(entry, _)| entry.clone()).collect();
                match apply(&mut next, entries, 0) {
                    Ok(()) => last = next,
                    Err(_) => _ = layer.pop(),
                }
            }
            kept = last;
            layers.push(layer);
        }
        let files = stretches(&layers);
        let flat = merge(&files, &Policy::default(), Vec::new(), piece).unwrap();

        // It is a tar that has its entries once, in order, and is taken as it is.
        let mut treatment = Treatment::new(Policy::default(), Edits::default(), Form::Tree);
        let nothing = PlanBuilder::default().finish(0).unwrap().0;
        let mut again = vec![0; flat.len() + 1];
        let mut stream = ArchiveStream::new(&flat[..], &mut treatment, &nothing, Survey::default());
        prop_assert_eq!(stream.fill(&mut again).unwrap(), flat.len());
        prop_assert!(again[..flat.len()] == flat);

        // It makes the same tree, with the directories that nobody named.
        let cancel = Cancel::default();
        let (mut expected, mut found) = (Tree::default(), Tree::default());
        for layer in &layers {
            expected.apply_layer(&tar(layer)[..], &cancel).unwrap();
        }
        found.apply_layer(&flat[..], &cancel).unwrap();
        let unnamed: HashSet<_> = kept
            .iter()
            .filter(|(_, node)| node.content.is_none())
            .map(|(path, _)| Box::from(path))
            .collect();
        let added: HashSet<_> = differences(&expected, &found)
            .into_iter()
            .map(|found| {
                assert_eq!(found.change, Change::Added, "{}", found.path.escape_ascii());
                found.path
            })
            .collect();
        prop_assert_eq!(added, unnamed);
    }
}
