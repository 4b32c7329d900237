//! The tar of what stays of some layers, while they are read once more.

use std::io::{self, Read};

use super::super::TarReader;
use super::Layers;
use crate::error::{Error, Result};
use crate::plan::{Plan, PlanReader, PlannedMember};
use crate::tar::Kind;

/// The tar of a plan of layers, to be pulled piece by piece. Content is copied as it comes and
/// never held.
pub struct LayersStream<'a> {
    plan: &'a Plan,
    /// Of all that the plan has itself: headers, padding, what edits put, the trailer.
    reader: PlanReader<'a>,
    position: u64,
    /// The member whose content is the next.
    next: Option<PlannedMember>,
    contents: Contents<'a>,
}

impl<'a> LayersStream<'a> {
    pub(super) fn new(layers: Layers<'a>, plan: &'a Plan) -> Self {
        let contents = Contents::new(layers);
        Self { plan, reader: plan.reader(), position: 0, next: plan.next_member(None), contents }
    }

    /// Fills `buffer` as far as the tar goes; fewer bytes than its length only at the end.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = at_most(self.plan.size() - self.position, buffer.len());
        let mut filled = 0;
        while filled < length {
            let count = self.fill_some(&mut buffer[filled..length])?;
            filled += count;
            self.position += count as u64;
        }
        if self.position == self.plan.size() {
            self.contents.finish()?;
        }
        Ok(length)
    }

    fn fill_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if let Some(next) = &self.next
            && self.position == next.content.end
        {
            self.next = self.plan.next_member(Some(next));
        }
        match &self.next {
            Some(next) if self.position >= next.content.start => {
                let wanted = at_most(next.content.end - self.position, buffer.len());
                let size = next.content.end - next.content.start;
                self.contents.read(next.number, size, &mut buffer[..wanted])
            }
            next => {
                let until = next.as_ref().map_or(self.plan.size(), |next| next.content.start);
                let wanted = at_most(until - self.position, buffer.len());
                self.reader.fill(self.position, &mut buffer[..wanted])?;
                Ok(wanted)
            }
        }
    }
}

/// The tar, to be read as any other.
impl Read for LayersStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill(buffer).map_err(io::Error::other)
    }
}

/// The content of members, asked for in their order.
pub(crate) struct Contents<'a> {
    layers: Layers<'a>,
    open: Option<Open>,
}

/// A layer that is being read.
struct Open {
    layer: usize,
    reader: TarReader,
    /// The number of the next member.
    next: u64,
}

impl<'a> Contents<'a> {
    pub(super) const fn new(layers: Layers<'a>) -> Self {
        Self { layers, open: None }
    }

    /// Reads some of the content of the member `number`, which has `size` bytes: one at least.
    pub(crate) fn read(&mut self, number: u64, size: u64, buffer: &mut [u8]) -> Result<usize> {
        let layer = self.layers.numbered.partition_point(|&(_, first)| first <= number) - 1;
        let open = match self.open.take() {
            Some(open) if open.layer == layer => open,
            last => {
                self.end(last)?;
                self.open(layer)?
            }
        };
        let open = self.open.insert(open);
        let path = self.layers.numbered[layer].0.path();
        let read = open.read(number, size, buffer).map_err(|error| error.in_archive(path))?;
        read.filter(|&count| count > 0).ok_or_else(|| {
            Error::changed(path, "it does not hold what it held when its headers were read")
        })
    }

    fn open(&self, layer: usize) -> Result<Open> {
        let (file, next) = self.layers.numbered[layer];
        let reader = self.layers.open(file).map_err(|error| error.in_archive(file.path()))?;
        Ok(Open { layer, reader, next })
    }

    /// Reads the last layer to its end.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let last = self.open.take();
        self.end(last)
    }

    /// Nothing is trusted before the layer was seen to its end: a checksum of its compression
    /// stands there.
    fn end(&self, open: Option<Open>) -> Result<()> {
        let Some(Open { layer, mut reader, .. }) = open else { return Ok(()) };
        let path = self.layers.numbered[layer].0.path();
        reader.drain().map_err(|error| error.in_archive(path))
    }
}

impl Open {
    /// `None`: there is no such member.
    fn read(&mut self, number: u64, size: u64, buffer: &mut [u8]) -> Result<Option<usize>> {
        while self.next <= number {
            let Some(member) = self.reader.next_member()? else { return Ok(None) };
            if self.next == number
                && (member.entry.kind != Kind::Regular || member.entry.size != size)
            {
                return Ok(None);
            }
            self.next += 1;
        }
        self.reader.read_content(buffer).map(Some)
    }
}

fn at_most(length: u64, limit: usize) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX).min(limit)
}
