use std::io::Write;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::edit::Edits;
use crate::plan::Plan;
use crate::source::{ArchiveStream, Form, Survey, Treatment};
use crate::stack::{Tree, list_layer, list_plan};
use crate::tar::append_header;

fn planned(items: Vec<Item>) -> Result<Plan> {
    let items = Items { layers: Vec::new(), items };
    let mut plan = PlanBuilder::default();
    let cancel = Cancel::default();
    let layers = items.add(&mut plan, &[], &Policy::default(), 1, &cancel)?;
    assert!(layers.is_none());
    Ok(plan.finish(0)?.0)
}

/// What is there, each with its kind and size.
fn facts(tree: &Tree) -> Vec<(Vec<u8>, Kind, u64)> {
    let mut facts = Vec::new();
    let mut ahead = vec![Vec::new()];
    while let Some(path) = ahead.pop() {
        let entry = tree.entry(&path).unwrap().unwrap();
        for name in tree.children(&path).unwrap() {
            ahead.push(crate::tar::join(&path, name).into_vec());
        }
        facts.push((path, entry.kind.clone(), entry.size));
    }
    facts.sort_by(|one, other| one.0.cmp(&other.0));
    facts
}

fn item(text: &str) -> Item {
    if let Some(path) = text.strip_suffix('/') {
        return Item::Directory {
            path: path.as_bytes().into(),
            mode: 0o700,
            owner: (1, 2),
            mtime: None,
        };
    }
    let (path, size) = text.split_once('=').unwrap();
    let content = vec![0; size.parse().unwrap()].into();
    Item::Bytes { path: path.as_bytes().into(), content, mode: 0o600, policy: Policy::default() }
}

proptest! {
    #[test]
    fn items_are_laid_over_each_other_as_layers_are(
        texts in vec("[abc](/[abc]){0,3}(/|=[0-9]{1,3})", 0..12),
    ) {
        let together = planned(texts.iter().map(|text| item(text)).collect());
        let together = match together {
            Err(error) => {
                prop_assert!(error.to_string().contains("in which it lies, is not a directory"));
                return Ok(());
            }
            Ok(plan) => plan,
        };
        let (mut one, mut other) = (Tree::default(), Tree::default());
        one.apply(list_plan(&together).unwrap().unwrap(), &Cancel::default()).unwrap();
        for text in &texts {
            let plan = planned(vec![item(text)]).unwrap();
            other.apply(list_plan(&plan).unwrap().unwrap(), &Cancel::default()).unwrap();
        }
        prop_assert_eq!(facts(&one), facts(&other));
    }
}

/// A member of an archive by its text: `directory/`, `hard=>link`, `file=size`.
fn append(text: &str, bytes: &mut Vec<u8>) {
    let bare = |path: &str, kind| Entry { kind, ..Entry::implied_directory(path.as_bytes(), 7) };
    let entry = if let Some((path, target)) = text.split_once("=>") {
        bare(path, Kind::HardLink(target.as_bytes().into()))
    } else if let Some((path, size)) = text.split_once('=') {
        Entry { size: size.parse().unwrap(), ..bare(path, Kind::Regular) }
    } else {
        bare(text.trim_end_matches('/'), Kind::Directory)
    };
    append_header(&entry, bytes).unwrap();
    let content = usize::try_from(entry.size).unwrap();
    // The content tells its member, so that the right one is given.
    let number = u8::try_from(bytes.len() / 512 % 251).unwrap();
    bytes.resize(bytes.len() + content, number);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
}

/// The members of a tar with their content, sorted; hard links are what they link to.
fn members(tar: &[u8]) -> Vec<(Vec<u8>, Kind, Vec<u8>)> {
    let mut reader = crate::tar::Reader::new(tar);
    let mut members: Vec<(Vec<u8>, Kind, Vec<u8>)> = Vec::new();
    while let Some(member) = reader.next_member().unwrap() {
        let path = member.entry.path.to_vec();
        let (kind, content) = if let Kind::HardLink(target) = &member.entry.kind {
            let found = members.iter().find(|(path, ..)| **path == **target).unwrap();
            (found.1.clone(), found.2.clone())
        } else {
            let mut content = vec![0; usize::try_from(member.entry.size).unwrap()];
            let mut filled = 0;
            while filled < content.len() {
                filled += reader.read_content(&mut content[filled..]).unwrap();
            }
            (member.entry.kind, content)
        };
        members.push((path, kind, content));
    }
    members.sort_by(|one, other| one.0.cmp(&other.0));
    members
}

fn read_all(mut tar: impl std::io::Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    tar.read_to_end(&mut bytes).map_err(Error::from_read)?;
    Ok(bytes)
}

fn as_item(file: &std::path::Path) -> Result<Vec<u8>> {
    let items = vec![Item::Archive { file: file.into(), policy: Policy::default() }];
    let items = Items { layers: Vec::new(), items };
    let archives = items.archives()?;
    let mut plan = PlanBuilder::default();
    let cancel = Cancel::default();
    let layers = items.add(&mut plan, &archives, &Policy::default(), 1, &cancel)?;
    let plan = plan.finish(0)?.0.in_order_of_members();
    match layers {
        Some(layers) => read_all(layers.stream(&plan)),
        None => read_all(plan.stream()),
    }
}

fn as_stream(tar: &[u8]) -> Result<Vec<u8>> {
    let read = |survey| {
        let mut treatment = Treatment::new(Policy::default(), Edits::default(), Form::Tree);
        let nothing = PlanBuilder::default().finish(0)?.0;
        read_all(ArchiveStream::new(tar, &mut treatment, &nothing, survey))
    };
    match read(Survey::default()) {
        Err(Error::OutOfOrder { .. }) => {
            let mut treatment = Treatment::default();
            read(Survey::of(tar, &mut treatment, &Cancel::default())?)
        }
        made => made,
    }
}

proptest! {
    #[test]
    fn an_archive_among_items_is_the_layer_of_the_archive(
        texts in vec("[ab](/[ab]){0,2}(/|=[1-9][0-9]{0,2}|=>[ab](/[ab]){0,1})", 1..10),
    ) {
        let mut tar = Vec::new();
        for text in &texts {
            append(text, &mut tar);
        }
        tar.resize(tar.len() + 1024, 0);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&tar).unwrap();
        // Whoever makes a layer of the archive alone refuses a link to a directory, even if
        // something else takes its place in the end.
        if let Ok(alone) = as_stream(&tar) {
            let item = as_item(file.path()).unwrap();
            prop_assert_eq!(members(&item), members(&alone));
            prop_assert!(list_layer(&item[..], &Cancel::default()).is_ok());
        }
    }
}
