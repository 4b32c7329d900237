//! Layers on top of each other as a source: what is there when all of them are applied.
//!
//! They are read twice. The first time nothing is held but headers, about 500 bytes for an entry
//! with a short name: then it is known what stays, and a plan has a place for it. The whole tar goes
//! by, so this is where it is held against the `diff_id` of a config. The second time the content of
//! what stays comes by, layer after layer.

mod alone;
mod select;
mod stream;

use std::io::{BufReader, Read};

pub(super) use self::select::{Selection, Surveyed};
pub(crate) use self::stream::Contents;
pub use self::stream::LayersStream;
use super::archive::ArchiveFile;
use super::names::check_name;
use super::{Policy, READ_BUFFER, TarReader};
use crate::cancel::Cancel;
use crate::error::{Error, Result, display_path, reason};
use crate::plan::{Plan, PlanBuilder};
use crate::stack::{Merged, check_form, is_whiteout};
use crate::tar::{Entry, Kind, Reader, is_within, parents_of};

/// What stays of some layers, each file with the number of the member that has its content. A
/// directory that no layer has an entry for has none.
type Kept = Merged<Option<u64>>;

/// Layer blobs, the lowest first, and archives, whose headers were read.
#[derive(Debug)]
pub struct Layers<'a> {
    threads: usize,
    cancel: &'a Cancel,
    /// Each with the number of its first member: all of them are counted through.
    numbered: Vec<(&'a ArchiveFile, u64)>,
    /// Of all of them.
    members: u64,
}

impl<'a> Layers<'a> {
    /// None yet. Decoding takes up to half of `threads`.
    pub(super) const fn new(threads: usize, cancel: &'a Cancel) -> Self {
        Self { threads, cancel, numbered: Vec::new(), members: 0 }
    }

    /// Adds to `plan` what is there when `files` were applied, the lowest first. Decoding takes
    /// up to half of `threads`.
    pub fn add(
        plan: &mut PlanBuilder,
        files: &'a [ArchiveFile],
        policy: &Policy,
        threads: usize,
        cancel: &'a Cancel,
    ) -> Result<Self> {
        let mut layers = Self::new(threads, cancel);
        let kept = layers.survey(files)?;
        push(plan, kept, policy)?;
        Ok(layers)
    }

    /// The tar of `plan`, which has nothing but these layers and what it holds itself.
    #[must_use]
    pub fn stream(self, plan: &'a Plan) -> LayersStream<'a> {
        LayersStream::new(self, plan)
    }

    /// What there is to read of the members of a plan, as [`stream`](Self::stream) does.
    pub(crate) fn contents(self) -> Contents<'a> {
        Contents::new(self)
    }

    /// What stays when `files` were applied, the lowest first. Members get the next numbers.
    fn survey(&mut self, files: impl IntoIterator<Item = &'a ArchiveFile>) -> Result<Kept> {
        let mut kept = Kept::default();
        for file in files {
            let applied = self.entries(file).and_then(|entries| {
                let count = entries.len() as u64;
                apply(&mut kept, entries, self.members).map(|()| count)
            });
            let count = applied.map_err(|error| error.in_archive(file.path()))?;
            self.number(file, count);
        }
        Ok(kept)
    }

    /// Gives the next numbers to `count` members of an archive; returns the first one.
    pub(super) fn number(&mut self, file: &'a ArchiveFile, count: u64) -> u64 {
        let first = self.members;
        self.numbered.push((file, first));
        self.members += count;
        first
    }

    /// Whether a plan may need what comes by here.
    pub(super) const fn is_empty(&self) -> bool {
        self.members == 0
    }

    fn entries(&self, file: &ArchiveFile) -> Result<Vec<Entry>> {
        let mut reader = read(file.verified(self.threads, self.cancel)?);
        let mut entries = Vec::new();
        while let Some(member) = reader.next_member()? {
            self.cancel.check()?;
            entries.push(member.entry);
        }
        if reader.position() == 0 {
            return Err(Error::empty_archive());
        }
        reader.drain()?;
        Ok(entries)
    }

    pub(super) fn open(&self, file: &ArchiveFile) -> Result<TarReader> {
        file.decoded(self.threads, self.cancel).map(read)
    }

    pub(super) const fn cancel(&self) -> &'a Cancel {
        self.cancel
    }
}

fn read(tar: Box<dyn Read + Send>) -> TarReader {
    Reader::new(BufReader::with_capacity(READ_BUFFER, tar))
}

/// Applies a layer, whose first member has the number `first`.
fn apply(kept: &mut Kept, entries: Vec<Entry>, first: u64) -> Result<()> {
    kept.remove_for(entries.iter().map(|entry| &*entry.path));
    for (entry, number) in entries.into_iter().zip(first..) {
        if is_whiteout(&entry.path) {
            continue;
        }
        check(kept, &entry)?;
        kept.put_with_parents(entry, Some(number), &None)?;
    }
    Ok(())
}

/// Refuses what engines make different things of, or nothing. Of an entry below a symbolic link
/// some follow the link, others put a directory in its place.
fn check(kept: &Kept, entry: &Entry) -> Result<()> {
    check_name(&entry.path)?;
    check_form(entry)?;
    let is_directory = |path: &[u8]| Some(kept.get(path)?.entry.is_directory());
    // What is there has its own parents.
    let parent = parents_of(&entry.path).find_map(|path| Some((path, is_directory(path)?)));
    let reason = if let Some((leaf, false)) = parent {
        reason::lies_in(leaf)
    } else {
        let Kind::HardLink(target) = &entry.kind else { return Ok(()) };
        if *target == entry.path || is_within(target, &entry.path) {
            reason::links_to(target, "it takes the place of")
        } else if is_directory(target) == Some(true) {
            reason::links_to(target, "is a directory")
        } else {
            return Ok(());
        }
    };
    Err(Error::unsupported(display_path(&entry.path), reason))
}

fn push(plan: &mut PlanBuilder, kept: Kept, policy: &Policy) -> Result<()> {
    let names = select::names(&kept);
    for node in kept.into_nodes() {
        if let Some((entry, content, excluded)) = select::treat(node, policy, &names)? {
            plan.push(entry, content, excluded);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
