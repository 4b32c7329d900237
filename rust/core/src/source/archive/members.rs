//! The members of an archive, one after the other, of which the root may come first.

use std::collections::VecDeque;
use std::io::{BufReader, Read};

use super::super::READ_BUFFER;
use crate::error::{Error, Result};
use crate::tar::{Entry, Reader};

/// Members without content that may stand before the entry of the root. mmdebstrap begins with a
/// dozen of devices.
const BEFORE_ROOT: usize = 64;

/// Bytes of headers after which no more is held: a single one can have 1 MiB and more.
const HEADERS_BEFORE_ROOT: u64 = 1 << 20;

/// The members of an archive, counted from 0.
#[derive(Debug)]
pub(super) struct Members<R> {
    reader: Reader<BufReader<R>>,
    /// Those whose headers were read before their turn.
    ahead: VecDeque<Entry>,
    count: u64,
    root_first: bool,
}

impl<R: Read> Members<R> {
    /// Reads `input`, a tar without compression. With `root_first`, the entry of the root comes
    /// before others without content that stand before it.
    pub(super) fn new(input: R, root_first: bool) -> Self {
        let reader = Reader::new(BufReader::with_capacity(READ_BUFFER, input));
        Self { reader, ahead: VecDeque::new(), count: 0, root_first }
    }

    /// The headers of the next member, whose content is what can be read then. An input without a
    /// byte is refused.
    pub(super) fn next(&mut self) -> Result<Option<Entry>> {
        if self.count == 0 && self.root_first {
            self.look_for_root()?;
        }
        let next = match self.ahead.pop_front() {
            Some(entry) => Some(entry),
            None => self.reader.next_member()?.map(|member| member.entry),
        };
        if self.reader.position() == 0 {
            return Err(Error::empty_archive());
        }
        self.count += u64::from(next.is_some());
        Ok(next)
    }

    /// The number of the current member.
    pub(super) const fn current(&self) -> u64 {
        self.count - 1
    }

    fn look_for_root(&mut self) -> Result<()> {
        let mut held = 0;
        while self.ahead.len() < BEFORE_ROOT && held <= HEADERS_BEFORE_ROOT {
            let Some(member) = self.reader.next_member()? else { break };
            let entry = member.entry;
            if entry.path.is_empty() {
                self.ahead.push_front(entry);
                break;
            }
            held += entry.header_size();
            // Its content has to be read before another member is.
            let is_last = entry.size > 0;
            self.ahead.push_back(entry);
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// Fills `buffer` with content of the current member, as far as that goes.
    pub(super) fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.reader.read_content(buffer)
    }

    /// Fills `content` with that of the current member, which has its length.
    pub(super) fn fill_with_content(&mut self, content: &mut [u8]) -> Result<()> {
        self.reader.fill_with_content(content)
    }

    /// Reads on to the end of the input.
    pub(super) fn drain(&mut self) -> Result<()> {
        self.reader.drain()
    }
}
