//! The plan of a layer: every entry with its exact place in the tar, before a byte is read.
//!
//! An entry costs about 220 bytes and its path: a million files with short names plan in 240 MB.

mod ahead;
mod arrange;
mod fill;
mod member;
mod place;
mod promise;
mod rewrite;
mod stream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::ahead::Frontier;
use self::arrange::{Arrange, Missing};
use self::rewrite::ToRewrite;
use crate::cancel::Cancel;
use crate::edit::{Edits, Passed};
use crate::error::{Error, Result};
use crate::source::{Root, Stamp};
use crate::stack::Ground;
use crate::tar::{Entry, Kind, TRAILER, compare_paths, padded};

pub use fill::PlanReader;
pub(crate) use member::PlannedMember;
pub(crate) use promise::{Described, Promise, Verifier};

/// Where an entry's bytes come from.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// There are none.
    None,
    /// There are none, but the inode, by device and number, has other names too.
    Shared(u64, u64),
    /// Memory.
    Bytes(Arc<[u8]>),
    /// Memory, with what edits made of the content of a file: of one with other names too, also the
    /// device and number of its inode.
    Rewritten(Arc<[u8]>, Option<(u64, u64)>),
    /// A file of one of the plan's origins, in the state that the plan saw.
    File { origin: usize, stamp: Stamp },
    /// Such a file, with what a description says of it.
    Described(Box<Described>),
    /// A member of a stream that comes by, counted from 0, and nothing that the plan could read.
    /// What is no file is also at its member's place.
    Member {
        number: u64,
        /// The inode has other names too.
        shared: bool,
    },
}

/// The device of inodes that are on none.
const NO_DEVICE: u64 = u64::MAX;

impl Content {
    /// Device and number of an inode that has several names.
    pub(crate) fn identity(&self) -> Option<(u64, u64)> {
        match self {
            Self::Shared(device, inode) => Some((*device, *inode)),
            Self::Rewritten(_, identity) => *identity,
            Self::File { stamp, .. } => stamp.shared_identity(),
            Self::Described(file) => file.identity,
            Self::Member { number, shared } => shared.then_some((NO_DEVICE, *number)),
            Self::None | Self::Bytes(_) => None,
        }
    }

    /// The same of an inode whose other names don't matter.
    pub(crate) fn alone(self) -> Self {
        match self {
            Self::Shared(..) => Self::None,
            Self::File { origin, stamp } => Self::File { origin, stamp: stamp.alone() },
            other => other,
        }
    }

    /// The origin of a file.
    fn origin_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::File { origin, .. } => Some(origin),
            Self::Described(file) => Some(&mut file.origin),
            Self::None
            | Self::Shared(..)
            | Self::Bytes(_)
            | Self::Rewritten(..)
            | Self::Member { .. } => None,
        }
    }
}

/// A place on the host that entries were found at.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A tree; `strip` is the length of what its paths have in the layer before their own part.
    Tree { root: Arc<Root>, path: PathBuf, strip: usize },
    /// One file of a tree, by its path below the root: its entry has another path, which an edit
    /// or a description has given it.
    Moved { root: Arc<Root>, path: PathBuf, inner: Box<[u8]> },
    /// A single file.
    File(PathBuf),
}

impl Origin {
    pub(crate) fn tree(root: Arc<Root>, path: &Path, prefix: &[u8]) -> Self {
        let strip = if prefix.is_empty() { 0 } else { prefix.len() + 1 };
        Self::Tree { root, path: path.to_path_buf(), strip }
    }

    /// The file `inner` of the tree `root`, which is called `path`.
    pub(crate) fn one(root: Arc<Root>, path: &Path, inner: &[u8]) -> Self {
        Self::Moved { root, path: path.to_path_buf(), inner: inner.into() }
    }

    /// The file of an entry that stood at `path` before it was moved.
    fn moved(&self, path: &[u8]) -> Option<Self> {
        let Self::Tree { root, path: tree, strip } = self else { return None };
        let (root, tree) = (Arc::clone(root), tree.clone());
        Some(Self::Moved { root, path: tree, inner: path[*strip..].into() })
    }
}

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
