//! The plan of a layer: every entry with its exact place in the tar, before a byte is read.
//!
//! An entry costs about 220 bytes and its path: a million files with short names plan in 240 MB.

mod ahead;
mod arrange;
mod content;
mod fill;
mod member;
mod place;
mod promise;
mod rewrite;
mod stream;

use std::path::PathBuf;

use self::ahead::Frontier;
use self::arrange::{Arrange, Missing};
use self::rewrite::ToRewrite;
use crate::cancel::Cancel;
use crate::edit::{Edits, Passed};
use crate::error::{Error, Result};
use crate::stack::Ground;
use crate::tar::{Entry, Kind, TRAILER, compare_paths, padded};

pub(crate) use content::{Content, NO_DEVICE, Origin};
pub use fill::PlanReader;
pub(crate) use member::PlannedMember;
pub(crate) use promise::{Described, Promise, Verifier};

/// An entry and its place.
#[derive(Debug)]
struct Planned {
    /// Where its header begins in the tar.
    offset: u64,
    /// Bytes of header, PAX records included.
    header: u32,
    /// The part of the source that it is from: see [`PlanBuilder::begin_part`].
    part: u32,
    passed: Passed,
    entry: Entry,
    content: Content,
}

impl Planned {
    /// An entry without a place yet.
    const fn new(entry: Entry, content: Content, passed: Passed) -> Self {
        Self { offset: 0, header: 0, part: 0, passed, entry, content }
    }

    /// Where its content begins in the tar.
    fn content_offset(&self) -> u64 {
        self.offset + u64::from(self.header)
    }
}

/// In a box, so that entries are sorted and arranged without a second copy of them all.
type Boxed = Box<Planned>;

/// Something that was left out or that the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The path that it is about.
    pub path: PathBuf,
    /// The rest of the sentence.
    pub message: &'static str,
}

/// All entries of a layer in their order; the tar is a pure function of it and the files' content.
#[derive(Debug)]
pub struct Plan {
    entries: Vec<Boxed>,
    /// Directories that are left out, as nothing is in them.
    left_out: Vec<Boxed>,
    origins: Vec<Origin>,
    warnings: Vec<Warning>,
    size: u64,
    frontier: Frontier,
}

impl Plan {
    /// Bytes of the whole tar.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Number of entries.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries.len() as u64
    }

    /// What was left out.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The entries in their order.
    pub(crate) fn list_entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter().map(|planned| &planned.entry)
    }

    /// An entry, and where in the tar its content begins and ends, with its padding.
    pub(crate) fn placed(&self, index: usize) -> (&Entry, u64, u64) {
        let planned = &self.entries[index];
        let from = planned.content_offset();
        (&planned.entry, from, from + padded(planned.entry.size))
    }

    /// What edits did to an entry.
    pub(crate) fn passed(&self, index: usize) -> Passed {
        self.entries[index].passed
    }

    /// The directories that were put in, and those that were left out because they hold nothing,
    /// with what edits did to them.
    pub(crate) fn directories(&self) -> impl Iterator<Item = (&Entry, Passed)> {
        let planned = self.entries.iter().chain(&self.left_out);
        planned
            .filter(|planned| planned.entry.is_directory() && !planned.passed.implied)
            .map(|planned| (&planned.entry, planned.passed))
    }

    /// A reader of the tar's bytes; each thread has its own.
    #[must_use]
    pub fn reader(&self) -> PlanReader<'_> {
        PlanReader::new(self)
    }

    /// The entry that holds the byte at `offset`; none in the trailer of an empty plan.
    fn index_at(&self, offset: u64) -> usize {
        self.entries.partition_point(|planned| planned.offset <= offset).saturating_sub(1)
    }
}

/// A plan in the making: entries are pushed in any order.
#[derive(Debug, Default)]
pub struct PlanBuilder {
    entries: Vec<Boxed>,
    origins: Vec<Origin>,
    warnings: Vec<Warning>,
    outputs: Vec<(u64, u64)>,
    edits: Edits,
    /// The entries whose content edits change, by their place so far.
    rewrites: Vec<ToRewrite>,
    limit: Option<(usize, Cancel)>,
    ground: Option<Ground>,
    part: u32,
}

impl PlanBuilder {
    /// An empty plan, every entry of which goes through `edits`, for a build that writes to files
    /// with these device and inode numbers: none of them may be read as input.
    #[must_use]
    pub fn new(outputs: Vec<(u64, u64)>, edits: Edits) -> Self {
        Self { outputs, edits, ..Self::default() }
    }

    /// The plan, and the edits with what they met.
    ///
    /// Directories that entries lack are added: as the ground has them, or else with the time
    /// `mtime`. Two entries of one path, or an entry below one that is no directory, are errors
    /// within one part.
    pub fn finish(mut self, mtime: i64) -> Result<(Plan, Edits)> {
        self.rewrite_all()?;
        // A tree comes in order unless an edit moves something: then nothing is sorted.
        self.entries.sort_by(|left, right| compare_paths(&left.entry.path, &right.entry.path));
        let missing = Missing { ground: self.ground, mtime };
        let arranged = Arrange::new(missing, self.entries.len()).run(self.entries)?;
        let plan = Plan {
            entries: arranged.placed,
            left_out: arranged.left_out,
            origins: self.origins,
            warnings: self.warnings,
            size: arranged.offset + TRAILER,
            frontier: Frontier::default(),
        };
        Ok((plan, self.edits))
    }

    /// Parents that entries lack are those of the ground, if there is one.
    pub(crate) fn set_ground(&mut self, ground: Option<Ground>) {
        self.ground = ground;
    }

    pub(crate) const fn ground(&self) -> Option<&Ground> {
        self.ground.as_ref()
    }

    /// All that is pushed from now on takes the place of what was pushed before at the same path;
    /// of two directories, the later one stands for both. Names are one file within a part only.
    pub(crate) fn begin_part(&mut self) -> Result<()> {
        let next = self.part.checked_add(1);
        self.part = next.ok_or_else(|| Error::Internal("a source of 2^32 parts".into()))?;
        Ok(())
    }

    /// Device and inode of every file that the build writes.
    pub(crate) fn outputs(&self) -> &[(u64, u64)] {
        &self.outputs
    }

    pub(crate) fn edits(&mut self) -> &mut Edits {
        &mut self.edits
    }

    pub(crate) fn warn(&mut self, path: PathBuf, message: &'static str) {
        self.warnings.push(Warning { path, message });
    }

    pub(crate) fn add_origin(&mut self, origin: Origin) -> usize {
        self.origins.push(origin);
        self.origins.len() - 1
    }

    /// Has `cancel` raised by an entry that is one more than `most`.
    pub(crate) fn set_limit(&mut self, most: usize, cancel: Cancel) {
        self.limit = Some((most, cancel));
    }

    /// Adds an entry of a source. An `optional` directory is kept if something below it is.
    pub(crate) fn push(&mut self, mut entry: Entry, mut content: Content, optional: bool) {
        let place = self.edits.can_move().then(|| entry.path.clone());
        let Some(mut passed) = self.edits.pass(&mut entry) else { return };
        if passed.moved > 0
            && let Some(place) = place
            && let Some(origin) = content.origin_mut()
            && let Some(moved) = self.origins[*origin].moved(&place)
        {
            *origin = self.add_origin(moved);
        }
        passed.optional |= optional;
        self.push_edited(entry, content, passed);
    }

    /// Adds an entry that the edits have brought about.
    pub(crate) fn push_edited(&mut self, entry: Entry, content: Content, passed: Passed) {
        debug_assert!(entry.kind == Kind::Regular || entry.size == 0);
        self.note_rewrites(&entry);
        let planned = Planned { part: self.part, ..Planned::new(entry, content, passed) };
        self.entries.push(Box::new(planned));
        if let Some((most, cancel)) = &self.limit
            && self.entries.len() > *most
        {
            cancel.raise();
        }
    }
}

#[cfg(test)]
mod tests;
