//! Any stretch of the planned tar, on demand: headers are rendered, files are read in place.

use std::ops::Range;

use super::place::{Opener, Place};
use super::{Content, Plan, Planned, ahead};
use crate::error::{Error, Result};
use crate::source::{CheckedFile, Stamp};
use crate::tar::append_header;

/// Reads the bytes of a planned tar from any offset.
///
/// Every file is checked before and after each read of it to be the planned one in its planned
/// state, so that a header never stands before other content than its own.
#[derive(Debug)]
pub struct PlanReader<'a> {
    plan: &'a Plan,
    opener: Opener<'a>,
    /// The stretch that is being filled, until its first file has told whether files are in memory.
    reading: Option<Range<u64>>,
    header: Vec<u8>,
}

impl<'a> PlanReader<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self { plan, opener: Opener::default(), reading: None, header: Vec::new() }
    }

    /// Fills `buffer` with the tar's bytes from `offset` on. The stretch must lie inside the tar.
    pub fn fill(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let end = offset + buffer.len() as u64;
        debug_assert!(end <= self.plan.size);
        ahead::go_on(self.plan, offset..end);
        self.reading = Some(offset..end);
        let mut index = self.plan.index_at(offset);
        let mut position = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            // Behind the last entry there are only the two zero blocks.
            let Some(planned) = self.plan.entries.get(index) else {
                rest.fill(0);
                break;
            };
            let end = self.plan.entries.get(index + 1).map_or(self.plan.size, |next| next.offset);
            let length = usize::try_from(end - position).unwrap_or(usize::MAX).min(rest.len());
            let (part, behind) = rest.split_at_mut(length);
            self.fill_entry(planned, position, part)?;
            position += length as u64;
            rest = behind;
            index += 1;
        }
        Ok(())
    }

    /// Fills a stretch that begins inside `planned` and holds no other entry: header, content,
    /// padding, and after the last entry the trailer.
    fn fill_entry(&mut self, planned: &'a Planned, position: u64, buffer: &mut [u8]) -> Result<()> {
        let content_offset = planned.content_offset();
        let header = buffer.len().min(usize_of(content_offset.saturating_sub(position)));
        let (header_part, rest) = buffer.split_at_mut(header);
        if !header_part.is_empty() {
            self.header.clear();
            append_header(&planned.entry, &mut self.header)?;
            let start = usize_of(position - planned.offset);
            header_part.copy_from_slice(&self.header[start..start + header]);
        }
        let from = (position + header as u64).saturating_sub(content_offset);
        let content = rest.len().min(usize_of(planned.entry.size.saturating_sub(from)));
        let (content_part, padding) = rest.split_at_mut(content);
        padding.fill(0);
        if content_part.is_empty() {
            return Ok(());
        }
        match &planned.content {
            Content::None | Content::Shared(..) => Ok(()),
            Content::Bytes(bytes) | Content::Rewritten(bytes, _) => {
                let from = usize_of(from);
                content_part.copy_from_slice(&bytes[from..from + content]);
                Ok(())
            }
            Content::File { origin, stamp } => {
                self.read_file(planned, *origin, stamp, from, content_part)
            }
            Content::Described(file) => {
                self.read_file(planned, file.origin, &file.stamp, from, content_part)
            }
            Content::Member { .. } => {
                Err(Error::Internal("a plan has no content of members".into()))
            }
        }
    }

    fn read_file(
        &mut self,
        planned: &'a Planned,
        origin: usize,
        stamp: &Stamp,
        from: u64,
        buffer: &mut [u8],
    ) -> Result<()> {
        let place = Place::of(&self.plan.origins[origin], planned);
        let file = CheckedFile::new(self.opener.open(&place), stamp, || place.shown())?;
        if let Some(reading) = self.reading.take()
            && file.would_wait(from)
        {
            ahead::begin(self.plan, reading);
        }
        file.read(from, buffer)?;
        file.finish()
    }
}

/// Lengths here are bounded by a buffer's, so that they fit; on 32 bits a larger one saturates.
pub(super) fn usize_of(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
