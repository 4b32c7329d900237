//! Which part of what stays goes into a plan, and where.

use std::collections::HashSet;

use super::{Kept, Layers};
use crate::error::{Error, Result, display_path};
use crate::plan::Content;
use crate::source::{ArchiveFile, Policy};
use crate::stack::Node;
use crate::tar::{Entry, Kind, is_within};

/// How many names each inode has, by its number; more than a few are that.
pub(super) fn names(kept: &Kept) -> Vec<u8> {
    let mut names = vec![0_u8; kept.inodes() + 1];
    for (_, node) in kept.iter() {
        names[node.inode] = names[node.inode].saturating_add(1);
    }
    names
}

/// What a plan gets of an entry, and whether it is a directory that the policy excludes. `None`: it
/// is left out.
pub(super) fn treat(
    node: Node<Option<u64>>,
    policy: &Policy,
    names: &[u8],
) -> Result<Option<(Entry, Content, bool)>> {
    let mut entry = node.entry;
    let excluded = policy.exclude.excludes(&entry.path);
    if excluded && !(entry.is_directory() && policy.exclude.has_negation()) {
        return Ok(None);
    }
    let content = if let Some(number) = node.content {
        policy.apply(&mut entry)?;
        Content::Member { number, shared: names[node.inode] > 1 }
    } else {
        // As a parent that is missing anywhere else.
        entry.mtime = policy.default_mtime();
        policy.apply_to_made(&mut entry);
        Content::None
    };
    Ok(Some((entry, content, excluded)))
}

/// What stays of some layers, for several parts of it to be taken.
pub(in crate::source) struct Surveyed<'a> {
    /// Each with the number of its members.
    files: Vec<(&'a ArchiveFile, u64)>,
    kept: Kept,
    names: Vec<u8>,
    /// The number of the first member, and what is added to each since they were counted again.
    first: u64,
    shift: u64,
    /// Members whose content is needed of that time.
    taken: HashSet<u64>,
}

/// A part of what stays.
#[derive(Clone, Copy)]
pub(in crate::source) struct Selection<'a> {
    pub(in crate::source) path: &'a [u8],
    pub(in crate::source) policy: &'a Policy,
    /// Without an entry for the directory itself.
    pub(in crate::source) contents: bool,
}

impl<'a> Layers<'a> {
    /// Reads the headers of `files`, the lowest first.
    pub(in crate::source) fn look_at(
        &mut self,
        files: impl IntoIterator<Item = &'a ArchiveFile>,
    ) -> Result<Surveyed<'a>> {
        let (before, first) = (self.numbered.len(), self.members);
        let kept = self.survey(files)?;
        let ends = self.numbered[before..].iter().skip(1).map(|(_, first)| *first);
        let files = self.numbered[before..].iter().zip(ends.chain([self.members]));
        let files = files.map(|((file, first), end)| (*file, end - first)).collect();
        let names = names(&kept);
        Ok(Surveyed { files, kept, names, first, shift: 0, taken: HashSet::new() })
    }

    /// Gives `push` all of a part, as [`treat`] does. No content is asked for twice of one reading.
    pub(in crate::source) fn select(
        &mut self,
        surveyed: &mut Surveyed<'a>,
        selection: Selection<'_>,
        mut push: impl FnMut(Entry, Content, bool) -> Result<()>,
    ) -> Result<()> {
        surveyed.check(selection)?;
        let members: Vec<u64> = surveyed.nodes(selection).filter_map(streamed).collect();
        if members.iter().any(|number| surveyed.taken.contains(number)) {
            self.count_again(surveyed);
        }
        surveyed.taken.extend(members);
        for node in surveyed.nodes(selection) {
            self.cancel.check()?;
            let treated =
                treat(surveyed.part(node, selection.path), selection.policy, &surveyed.names)?;
            if let Some((entry, content, excluded)) = treated {
                push(entry, content, excluded)?;
            }
        }
        Ok(())
    }

    /// Has the layers read once more, behind all others.
    fn count_again(&mut self, surveyed: &mut Surveyed<'a>) {
        surveyed.shift = self.members - surveyed.first;
        for &(file, count) in &surveyed.files {
            self.number(file, count);
        }
        surveyed.taken.clear();
    }
}

impl Surveyed<'_> {
    /// Refuses a part that is not there.
    fn check(&self, selection: Selection<'_>) -> Result<()> {
        let Selection { path, contents, .. } = selection;
        let reason = match self.kept.get(path) {
            // A layer need not have an entry for its root.
            None if path.is_empty() => return Ok(()),
            None => "the layers have nothing there",
            Some(node) if contents && !node.is_directory() => "it is no directory",
            Some(_) => return Ok(()),
        };
        Err(Error::unsupported(display_path(path), reason))
    }

    fn nodes(&self, selection: Selection<'_>) -> impl Iterator<Item = &Node<Option<u64>>> {
        let Selection { path: root, contents, .. } = selection;
        let is_part = move |path: &[u8]| is_within(path, root) || path == root && !contents;
        self.kept.iter().filter(move |(path, _)| is_part(path)).map(|(_, node)| node)
    }

    /// An entry as it is found below `root`.
    fn part(&self, node: &Node<Option<u64>>, root: &[u8]) -> Node<Option<u64>> {
        let mut node = node.clone();
        let path = &node.entry.path[root.len()..];
        node.entry.path = path.strip_prefix(b"/").unwrap_or(path).into();
        node.content = node.content.map(|number| number + self.shift);
        node
    }
}

/// The number of a member whose content a plan would need.
fn streamed(node: &Node<Option<u64>>) -> Option<u64> {
    node.content.filter(|_| node.entry.kind == Kind::Regular && node.entry.size > 0)
}
