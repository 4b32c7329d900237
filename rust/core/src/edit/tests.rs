//! Edits against a model: a tree in memory that goes through them one after the other.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::error::Result;
use crate::plan::{Content, Plan, PlanBuilder};
use crate::source::{ArchiveStream, FileSource, Form, Policy, Survey, Treatment};
use crate::tar::{Entry, Kind, Reader, append_header, order_key, parent_of};

/// A path, what is there, and the content that it has.
pub(super) type Tree = BTreeMap<Box<[u8]>, (Entry, Vec<u8>)>;

pub(super) fn plain(path: &[u8], kind: Kind, mode: u32) -> Entry {
    Entry { kind, mode, ..Entry::implied_directory(path, 0) }
}

/// The members of an archive: a directory, a file, a link, or one more name of a file before it.
fn members(drawn: &[(String, u8)]) -> Vec<(Entry, Vec<u8>)> {
    let mut files: Vec<Box<[u8]>> = Vec::new();
    let mut members = Vec::new();
    for (number, (path, kind)) in drawn.iter().enumerate() {
        let path = path.as_bytes();
        let mode = 0o600 + u32::try_from(number % 64).unwrap();
        let content = format!("{number}").into_bytes();
        members.push(match kind {
            0 => (plain(path, Kind::Directory, mode), Vec::new()),
            1 => (plain(path, Kind::Symlink(b"target"[..].into()), 0o777), Vec::new()),
            2 if !files.is_empty() => {
                let target = files[number % files.len()].clone();
                (plain(path, Kind::HardLink(target), 0o600), Vec::new())
            }
            _ => {
                files.push(path.into());
                let entry = plain(path, Kind::Regular, mode);
                (Entry { size: content.len() as u64, ..entry }, content)
            }
        });
    }
    members
}

/// The tree that unpacking makes; none where that fails.
pub(super) fn unpacked(members: &[(Entry, Vec<u8>)]) -> Option<Tree> {
    let mut tree = Tree::new();
    for (entry, content) in members {
        let mut above = parent_of(&entry.path);
        while let Some(parent) = above {
            if tree.get(parent).is_some_and(|(entry, _)| !entry.is_directory()) {
                return None;
            }
            above = parent_of(parent);
        }
        let (entry, content) = match &entry.kind {
            Kind::HardLink(target) => {
                let (file, content) = tree.get(target).filter(|(file, _)| !file.is_directory())?;
                (Entry { path: entry.path.clone(), ..file.clone() }, content.clone())
            }
            _ => (entry.clone(), content.clone()),
        };
        if !entry.is_directory() {
            tree.retain(|path, _| !is_within(path, &entry.path));
        }
        tree.insert(entry.path.clone(), (entry, content));
    }
    Some(tree)
}

/// The tree after one edit; none where two entries would come to one path.
fn edited(tree: Tree, edit: &Edit) -> Option<Tree> {
    let covered = |path: &[u8], by: &[u8]| path == by || is_within(path, by);
    let mut after = Tree::new();
    let mut moved = Tree::new();
    for (path, (mut entry, mut content)) in tree {
        match edit {
            Edit::Exclude(patterns) if patterns.excludes(&path) => continue,
            Edit::Remove(removed) if covered(&path, removed) => continue,
            Edit::Put(put)
                if path == put.path || !put.is_directory() && is_within(&path, &put.path) =>
            {
                continue;
            }
            Edit::Rename { from, to } if covered(&path, from) => {
                entry.path = [&**to, &path[from.len()..]].concat().into();
                moved.insert(entry.path.clone(), (entry, content));
                continue;
            }
            Edit::Mode(patterns, mode)
                if patterns.matches(&path) && !matches!(entry.kind, Kind::Symlink(_)) =>
            {
                entry.mode = *mode;
            }
            Edit::Owner(patterns, uid, gid) if patterns.matches(&path) => {
                (entry.uid, entry.gid) = (*uid, *gid);
            }
            Edit::Truncate(patterns) if patterns.matches(&path) => {
                content.clear();
                entry.size = 0;
            }
            Edit::Rewrite(rewrite) if path == rewrite.path && entry.kind == Kind::Regular => {
                content.push(b'+');
                entry.size += 1;
            }
            _ => {}
        }
        after.insert(path, (entry, content));
    }
    if moved.keys().any(|path| after.contains_key(path)) {
        return None;
    }
    after.append(&mut moved);
    if let Edit::Put(put) = edit {
        let content = b"put".to_vec();
        let entry = if put.is_directory() {
            plain(&put.path, Kind::Directory, 0o711)
        } else {
            Entry { size: 3, ..plain(&put.path, Kind::Regular, 0o711) }
        };
        let content = if put.is_directory() { Vec::new() } else { content };
        after.insert(put.path.clone(), (entry, content));
    }
    Some(after)
}

/// Adds missing parents; none if an entry would lie in something that is no directory.
fn complete(mut tree: Tree) -> Option<Tree> {
    for path in tree.keys().cloned().collect::<Vec<_>>() {
        let mut above = parent_of(&path);
        while let Some(parent) = above.filter(|parent| !parent.is_empty()) {
            let implied = || (Entry::implied_directory(parent, 0), Vec::new());
            if !tree.entry(parent.into()).or_insert_with(implied).0.is_directory() {
                return None;
            }
            above = parent_of(parent);
        }
    }
    Some(tree)
}

fn additions(edits: &Edits) -> Result<(Plan, Edits)> {
    let mut plan = PlanBuilder::new(Vec::new(), edits.clone());
    Edits::put_all(&mut plan, &Policy::default())?;
    plan.finish(0)
}

pub(super) fn through_archive(members: &[(Entry, Vec<u8>)], edits: &Edits) -> Result<Vec<u8>> {
    let mut archive = Vec::new();
    for (entry, content) in members {
        append_header(entry, &mut archive).unwrap();
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    let (additions, edits) = additions(edits)?;
    let treatment = Treatment::new(Policy::default(), edits, Form::Tree);
    let convert = |survey| {
        let mut treatment = treatment.clone();
        let mut stream = ArchiveStream::new(&archive[..], &mut treatment, &additions, survey);
        let mut out = vec![0; 1 << 20];
        stream.fill(&mut out).map(|count| out[..count].to_vec())
    };
    match convert(Survey::default()) {
        Err(Error::OutOfOrder { .. }) => {
            let cancel = crate::Cancel::default();
            convert(Survey::of(&archive[..], &mut treatment.clone(), &cancel)?)
        }
        result => result,
    }
}

pub(super) fn through_plan(tree: &Tree, edits: &Edits) -> Result<Vec<u8>> {
    let mut plan = PlanBuilder::new(Vec::new(), edits.clone());
    for (entry, content) in tree.values() {
        plan.push(entry.clone(), Content::Bytes(content[..].into()), false);
    }
    Edits::put_all(&mut plan, &Policy::default())?;
    let (plan, _) = plan.finish(0)?;
    let mut out = vec![0; usize::try_from(plan.size()).unwrap()];
    plan.reader().fill(0, &mut out)?;
    Ok(out)
}

pub(super) fn written(tar: &[u8]) -> (Vec<(Entry, Vec<u8>)>, Tree) {
    let mut reader = Reader::new(tar);
    let mut members = Vec::new();
    while let Some(member) = reader.next_member().unwrap() {
        let mut content = vec![0; usize::try_from(member.entry.size).unwrap()];
        assert_eq!(reader.read_content(&mut content).unwrap(), content.len());
        members.push((member.entry, content));
    }
    let tree = unpacked(&members).expect("an engine can unpack it");
    (members, tree)
}

/// Adds a character to what is at a path.
pub(super) fn more(path: &str) -> Rewrite {
    Rewrite::new(path.as_bytes(), |content| Ok([content, b"+"].concat())).unwrap()
}

fn path() -> impl Strategy<Value = String> {
    "[abc]{1,2}(/[abc]{1,2}){0,2}"
}

fn edit() -> impl Strategy<Value = Edit> {
    let put = |path: String, what| {
        Edit::Put(Put::new(path.as_bytes(), what, Some(0o711), (0, 0)).unwrap())
    };
    let patterns = |pattern: String| Patterns::parse([pattern]).unwrap();
    let glob = "([abc]|\\*){1,2}(/([abc]|\\*\\*?|\\?)){0,2}";
    prop_oneof![
        glob.prop_map(move |glob| Edit::Exclude(patterns(glob))),
        path().prop_map(|path| Edit::remove(path.as_bytes()).unwrap()),
        (path(), path()).prop_filter_map("into itself", |(from, to)| {
            Edit::rename(from.as_bytes(), to.as_bytes()).ok()
        }),
        path().prop_map(move |path| put(path, What::File(FileSource::Bytes(b"put"[..].into())))),
        path().prop_map(move |path| put(path, What::Directory)),
        glob.prop_map(move |glob| Edit::Mode(patterns(glob), 0o705)),
        glob.prop_map(move |glob| Edit::Owner(patterns(glob), 7, 8)),
        glob.prop_map(move |glob| Edit::Truncate(patterns(glob))),
        path().prop_map(|path| Edit::Rewrite(more(&path))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn edits_do_to_a_stream_and_to_a_plan_what_they_do_to_a_tree(
        drawn in vec((path(), 0..6_u8), 0..8),
        edits in vec(edit(), 0..5),
    ) {
        let members = members(&drawn);
        let Some(tree) = unpacked(&members) else { return Ok(()) };
        let edits = Edits::new(edits);
        let archived = through_archive(&members, &edits);
        let Some(expected) = complete_edited(&tree, &edits) else { return Ok(()) };
        let touches = archived.as_ref().is_err_and(|error| error.to_string().contains("same file"));
        if !touches {
            let (members, tree) = written(&archived.unwrap());
            prop_assert_eq!(&tree, &expected);
            prop_assert_eq!(members.len(), expected.len(), "one entry per path");
        }
        // Without hard links the plan takes the same entries.
        let unlinked = complete(tree).unwrap();
        let Some(expected) = complete_edited(&unlinked, &edits) else { return Ok(()) };
        let (members, tree) = written(&through_plan(&unlinked, &edits).unwrap());
        prop_assert_eq!(tree, expected);
        prop_assert!(members.is_sorted_by_key(|(entry, _)| order_key(&entry.path)));
    }
}

/// The tree after all edits, with its parents.
fn complete_edited(tree: &Tree, edits: &Edits) -> Option<Tree> {
    edits
        .steps
        .iter()
        .try_fold(tree.clone(), |tree, step| edited(tree, &step.edit))
        .and_then(complete)
}

#[test]
fn of_a_directory_that_comes_twice_and_is_moved_the_last_entry_counts() {
    let members = members(&[("a".into(), 0), ("a".into(), 0)]);
    let edits = Edits::new(vec![Edit::rename(b"a", b"b").unwrap()]);
    let (written, _) = written(&through_archive(&members, &edits).unwrap());
    assert_eq!(written.len(), 1);
    assert_eq!((&*written[0].0.path, written[0].0.mode), (&b"b"[..], members[1].0.mode));
}

#[test]
fn what_matched_nothing_is_known_afterwards() {
    let edits = Edits::new(vec![
        Edit::remove(b"a").unwrap(),
        Edit::remove(b"b").unwrap(),
        Edit::Put(Put::new(b"c", What::Directory, None, (0, 0)).unwrap()),
        Edit::Exclude(Patterns::parse(["c"]).unwrap()),
    ]);
    let mut plan = PlanBuilder::new(Vec::new(), edits);
    plan.push(plain(b"a", Kind::Fifo, 0), Content::None, false);
    Edits::put_all(&mut plan, &Policy::default()).unwrap();
    let (plan, edits) = plan.finish(0).unwrap();
    assert_eq!((plan.entries(), edits.unmatched()), (0, vec![1]));
}

#[test]
fn rules_keep_the_directories_that_they_need() {
    let rules = ["path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright"];
    let edits = Edits::new(vec![Edit::PathRules(PathRules::parse(rules).unwrap())]);
    let members: Vec<_> = [
        ("usr", true),
        ("usr/share", true),
        ("usr/share/doc", true),
        ("usr/share/doc/a", true),
        ("usr/share/doc/a/NEWS", false),
        ("usr/share/doc/b", true),
        ("usr/share/doc/b/NEWS", false),
        ("usr/share/doc/b/copyright", false),
    ]
    .into_iter()
    .map(|(path, directory)| {
        let kind = if directory { Kind::Directory } else { Kind::Regular };
        (plain(path.as_bytes(), kind, 0o700), Vec::new())
    })
    .collect();
    let (kept, tree) = written(&through_archive(&members, &edits).unwrap());
    let paths: Vec<_> = kept.iter().map(|(entry, _)| &*entry.path).collect();
    assert_eq!(
        paths,
        [
            &b"usr"[..],
            b"usr/share",
            b"usr/share/doc",
            b"usr/share/doc/b",
            b"usr/share/doc/b/copyright"
        ]
    );
    assert!(kept.iter().all(|(entry, _)| entry.mode == 0o700));
    let (planned, _) = written(&through_plan(&unpacked(&members).unwrap(), &edits).unwrap());
    assert_eq!(unpacked(&planned).unwrap(), tree);
    for bad in ["exclude=/x", "path-exclude=usr/*", "path-include="] {
        assert!(PathRules::parse([bad]).is_err(), "{bad}");
    }
}
