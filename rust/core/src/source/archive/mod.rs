//! A rootfs archive → the tar of a layer, member by member.

mod ledger;

use std::io::{BufReader, Read};

use self::ledger::Ledger;
use super::Policy;
use crate::error::{Error, Result};
use crate::tar::{Reader, TRAILER, padded};

/// Headers are read a block at a time, so they come out of a buffer; content goes past it.
const READ_BUFFER: usize = 64 << 10;

/// The tar of a layer made from another tar under a [`Policy`], to be pulled piece by piece.
///
/// Content is copied as it comes and never held. What is held is one record per path: its bytes
/// and about 60 more. With patterns that take back others (`!`), the metadata of directories that
/// were left out is held too, in case something in them is not.
#[derive(Debug)]
pub struct ArchiveStream<R> {
    reader: Reader<BufReader<R>>,
    policy: Policy,
    ledger: Ledger,
    /// Headers, padding or the trailer, of which all before `taken` was handed out.
    pending: Vec<u8>,
    taken: usize,
    /// Content of the current member that was not copied yet, and the padding after it.
    content: u64,
    padding: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Copying,
    Ended,
    Failed,
}

impl<R: Read> ArchiveStream<R> {
    /// Reads `input`, a tar without compression; a [`Decoder`](super::Decoder) gives one.
    pub fn new(input: R, policy: Policy) -> Self {
        Self {
            reader: Reader::new(BufReader::with_capacity(READ_BUFFER, input)),
            policy,
            ledger: Ledger::default(),
            pending: Vec::new(),
            taken: 0,
            content: 0,
            padding: 0,
            state: State::Copying,
        }
    }

    /// Fills `buffer` as far as the layer goes; fewer bytes than its length only at the end.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
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
    pub const fn entries(&self) -> u64 {
        self.ledger.entries()
    }

    fn try_fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let rest = &mut buffer[filled..];
            if self.taken < self.pending.len() {
                filled += self.take_pending(rest);
            } else if self.content > 0 {
                filled += self.copy_content(rest)?;
            } else if self.state == State::Ended {
                break;
            } else {
                self.pending.clear();
                self.taken = 0;
                self.queue_next()?;
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

    fn copy_content(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.reader.read_content(buffer)?;
        self.content -= count as u64;
        if self.content == 0 {
            self.queue_zeroes(self.padding);
        }
        Ok(count)
    }

    /// Queues padding or the trailer: at most two blocks.
    fn queue_zeroes(&mut self, count: u64) {
        self.pending.clear();
        self.pending.resize(usize::try_from(count).unwrap_or(0), 0);
        self.taken = 0;
    }

    /// Queues the headers of the next member that is kept, or the trailer.
    fn queue_next(&mut self) -> Result<()> {
        while let Some(member) = self.reader.next_member()? {
            let mut entry = member.entry;
            let excluded = self.policy.exclude.excludes(&entry.path);
            self.policy.apply(&mut entry);
            if excluded {
                if entry.is_directory() && self.policy.exclude.has_negation() {
                    self.ledger.pass_over(entry);
                }
                continue;
            }
            self.content = entry.size;
            self.padding = padded(entry.size) - entry.size;
            let mtime = self.policy.default_mtime();
            return self.ledger.append(&entry, mtime, &mut self.pending);
        }
        self.end()
    }

    /// Nothing is trusted before the input was seen to its end: a checksum of its compression
    /// stands there.
    fn end(&mut self) -> Result<()> {
        if self.reader.position() == 0 {
            return Err(Error::malformed(b"", "it is empty: not even the end of an archive"));
        }
        self.reader.drain()?;
        self.queue_zeroes(TRAILER);
        self.state = State::Ended;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
