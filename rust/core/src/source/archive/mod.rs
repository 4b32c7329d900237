//! A rootfs archive, or a layer → the tar of a layer, member by member.

mod file;
mod ledger;
mod members;
mod pick;
mod stated;
mod survey;
mod treatment;

use std::collections::HashMap;
use std::io::{self, Read};

pub(crate) use self::file::decoded;
pub use self::file::{ArchiveFile, is_archive};
use self::ledger::Ledger;
use self::members::Members;
pub use self::pick::Pick;
pub(crate) use self::survey::Survey;
pub(super) use self::survey::unpacked;
pub(crate) use self::treatment::{Form, Treatment};
use crate::edit::{Nature, Passed, rewritable};
use crate::error::{Error, Result};
use crate::plan::{Plan, PlanReader};
use crate::stack::Ground;
use crate::tar::{BLOCK, Entry, Kind, TRAILER, padded};

/// The tar of a layer made from another tar, to be pulled piece by piece.
///
/// Content is copied as it comes and never held. What is held is one record per path: its bytes
/// and about 60 more. With patterns that take back others (`!`) and with dpkg's rules, the metadata
/// of directories that were left out is held too, in case something in them is not.
///
/// What has to be known before it comes (a later entry of the same path, a target that is gone) is
/// [`Error::OutOfOrder`]: a [`Survey`] of the same input knows it.
#[derive(Debug)]
pub(crate) struct ArchiveStream<'a, R> {
    members: Members<R>,
    treatment: &'a mut Treatment,
    survey: Survey,
    skips_root: bool,
    ledger: Ledger,
    /// Members that may have hard links and are no regular files, if edits ask for that.
    unlike: HashMap<Box<[u8]>, Nature>,
    /// What edits put, written behind all members.
    additions: &'a Plan,
    added: usize,
    addition: PlanReader<'a>,
    /// Headers, padding or the trailer, of which all before `taken` was handed out.
    pending: Vec<u8>,
    taken: usize,
    content: Content,
    state: State,
}

/// Content that was not copied yet.
#[derive(Clone, Copy, Debug)]
enum Content {
    None,
    /// Of the current member, and the padding after it.
    Member {
        rest: u64,
        padding: u64,
    },
    /// Of an addition, its padding included, by its place in the plan.
    Addition {
        from: u64,
        end: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Copying,
    Ended,
    Failed,
}

impl<'a, R: Read> ArchiveStream<'a, R> {
    /// Reads `input`, a tar without compression; a [`Decoder`](super::Decoder) gives one. Entries
    /// go through `treatment`, and `additions` are what its edits put.
    pub(crate) fn new(
        input: R,
        treatment: &'a mut Treatment,
        additions: &'a Plan,
        survey: Survey,
    ) -> Self {
        Self::above(None, input, treatment, additions, survey)
    }

    /// The same for a layer above `ground`, which has parents that the archive lacks. Where one is a
    /// symbolic link to a directory there, and no entry has taken its place, the link is followed.
    /// An entry for the root of the archive says nothing of the directory that it is unpacked in.
    pub(crate) fn above(
        ground: Option<Ground>,
        input: R,
        treatment: &'a mut Treatment,
        additions: &'a Plan,
        mut survey: Survey,
    ) -> Self {
        let root = treatment.root();
        let skips_root = ground.is_some();
        let mut ledger = Ledger::new(treatment.form(), ground);
        for (directory, passed) in additions.directories() {
            ledger.give(directory.clone(), passed);
        }
        for (directory, passed) in survey.take_directories() {
            if !skips_root || directory.path != root {
                ledger.give(directory, passed);
            }
        }
        Self {
            members: Members::new(input, !survey.knows()),
            treatment,
            survey,
            skips_root,
            ledger,
            unlike: HashMap::new(),
            additions,
            added: 0,
            addition: additions.reader(),
            pending: Vec::new(),
            taken: 0,
            content: Content::None,
            state: State::Copying,
        }
    }

    /// Fills `buffer` as far as the layer goes; fewer bytes than its length only at the end.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.state == State::Failed {
            return Err(Error::Internal("a layer was read on after an error".to_owned()));
        }
        let result = self.try_fill(buffer);
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    /// How many entries the layer has so far, with the parents that the archive lacks.
    #[must_use]
    pub(crate) const fn entries(&self) -> u64 {
        self.ledger.entries()
    }

    fn try_fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let rest = &mut buffer[filled..];
            if self.taken < self.pending.len() {
                filled += self.take_pending(rest);
                continue;
            }
            match self.content {
                Content::Member { rest: left, padding } if left > 0 => {
                    filled += self.copy_content(left, padding, rest)?;
                }
                Content::Addition { from, end } if from < end => {
                    filled += self.copy_addition(from, end, rest)?;
                }
                _ if self.state == State::Ended => break,
                _ => {
                    self.pending.clear();
                    self.taken = 0;
                    self.queue_next()?;
                }
            }
        }
        Ok(filled)
    }

    fn take_pending(&mut self, buffer: &mut [u8]) -> usize {
        let pending = &self.pending[self.taken..];
        let count = pending.len().min(buffer.len());
        buffer[..count].copy_from_slice(&pending[..count]);
        self.taken += count;
        count
    }

    fn copy_content(&mut self, left: u64, padding: u64, buffer: &mut [u8]) -> Result<usize> {
        let count = self.members.read_content(buffer)?;
        let rest = left - count as u64;
        self.content = Content::Member { rest, padding };
        if rest == 0 {
            self.queue_after_content(padding)?;
        }
        Ok(count)
    }

    /// Queues the padding of a content, and the further names of its file that come with it.
    fn queue_after_content(&mut self, padding: u64) -> Result<()> {
        self.queue_zeroes(padding);
        self.queue_links()
    }

    /// Queues the further names that come with the current member.
    fn queue_links(&mut self) -> Result<()> {
        for (link, passed) in self.survey.take_links(self.members.current()) {
            self.append(&link, passed)?;
        }
        Ok(())
    }

    fn copy_addition(&mut self, from: u64, end: u64, buffer: &mut [u8]) -> Result<usize> {
        let count = usize::try_from(end - from).unwrap_or(usize::MAX).min(buffer.len());
        self.addition.fill(from, &mut buffer[..count])?;
        self.content = Content::Addition { from: from + count as u64, end };
        Ok(count)
    }

    /// Queues padding or the trailer: at most two blocks.
    fn queue_zeroes(&mut self, count: u64) {
        self.pending.clear();
        self.pending.resize(usize::try_from(count).unwrap_or(0), 0);
        self.taken = 0;
    }

    /// Queues the headers of the next member that is kept, of the next addition, or the trailer.
    fn queue_next(&mut self) -> Result<()> {
        while let Some(entry) = self.members.next()? {
            let entry = self.treatment.admit(entry);
            if self.queue_member(entry)? {
                return Ok(());
            }
        }
        while self.added < self.additions.list_entries().len() {
            self.added += 1;
            if self.queue_addition(self.added - 1)? {
                return Ok(());
            }
        }
        self.end()
    }

    /// Queues a member; says whether there is anything to write.
    fn queue_member(&mut self, entry: Entry) -> Result<bool> {
        if self.skips_root && entry.path.is_empty() && entry.is_directory() {
            return Ok(false);
        }
        self.survey.check_place(&entry)?;
        let Some(mut entry) = self.survey.name(self.members.current(), entry) else {
            return Ok(false);
        };
        let nature = self.nature(&entry);
        let Some(passed) = self.treatment.treat(&mut entry, nature)? else { return Ok(false) };
        let due = self.treatment.take_due();
        if passed.optional {
            self.ledger.pass_over(entry, passed)?;
            return Ok(false);
        }
        let rewritten = match entry.kind {
            Kind::Regular if !due.is_empty() => Some(self.rewritten(&due, &mut entry)?),
            _ => None,
        };
        if !self.append(&entry, passed)? {
            return Ok(false);
        }
        if let Some(content) = &rewritten {
            self.pending.extend_from_slice(content);
            self.pending.resize(self.pending.len().next_multiple_of(BLOCK), 0);
            self.content = Content::None;
        } else {
            let padding = padded(entry.size) - entry.size;
            self.content = Content::Member { rest: entry.size, padding };
        }
        if entry.size == 0 || rewritten.is_some() {
            self.queue_links()?;
        }
        Ok(true)
    }

    /// The content that edits make of a member's.
    fn rewritten(&mut self, due: &[usize], entry: &mut Entry) -> Result<Vec<u8>> {
        let mut content = rewritable(entry)?;
        self.members.fill_with_content(&mut content)?;
        self.treatment.rewrite(due, entry, content)
    }

    /// The nature of a member, which for a hard link is that of a member before it.
    fn nature(&mut self, entry: &Entry) -> Nature {
        let nature = match &entry.kind {
            Kind::HardLink(target) => self.unlike.get(target).copied(),
            _ => None,
        };
        let nature = nature.unwrap_or(Nature::of(entry));
        if nature != Nature::Regular && !entry.is_directory() && self.treatment.asks_nature() {
            self.unlike.insert(entry.path.clone(), nature);
        }
        nature
    }

    /// Queues the headers of an entry after its treatment; says whether it is new.
    fn append(&mut self, entry: &Entry, passed: Passed) -> Result<bool> {
        let mtime = self.treatment.default_mtime();
        self.ledger.append(entry, passed, mtime, &mut self.pending)
    }

    /// Queues what an edit puts; says whether there is anything to write.
    fn queue_addition(&mut self, index: usize) -> Result<bool> {
        let additions = self.additions;
        let (entry, from, end) = additions.placed(index);
        let passed = additions.passed(index);
        // The archive may describe a directory that is only a parent of what is put.
        if passed.implied || !self.append(entry, passed)? {
            return Ok(false);
        }
        self.content = Content::Addition { from, end };
        Ok(true)
    }

    /// Nothing is trusted before the input was seen to its end: a checksum of its compression
    /// stands there.
    fn end(&mut self) -> Result<()> {
        self.members.drain()?;
        self.queue_zeroes(TRAILER);
        self.state = State::Ended;
        Ok(())
    }
}

/// The tar, to be read as any other.
impl<R: Read> Read for ArchiveStream<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The reader in front takes the error out again as it is.
        self.fill(buffer).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests;
