//! What follows a header: bytes as they are, or those of a sparse file with zeroes in between.

use std::io::{Read, Seek};

use super::super::{BLOCK, padded};
use super::input::Input;
use super::sparse::{Map, Run};
use crate::error::{Error, Result};

/// The content of one member, as far as it was not read yet.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Bytes of it in the archive, and the padding after them.
    stored: u64,
    padding: u64,
    /// Where those belong, if zeroes were left out.
    map: Option<Map>,
}

impl Content {
    pub(super) const fn new(stored: u64) -> Self {
        Self { stored, padding: padded(stored) - stored, map: None }
    }

    pub(super) const fn stored(&self) -> u64 {
        self.stored
    }

    /// Spreads what is stored from here on over a sparse file.
    pub(super) fn expand(&mut self, map: Map) {
        self.map = Some(map);
    }

    /// Reads some of the content; 0 at its end.
    pub(super) fn read<R: Read>(
        &mut self,
        input: &mut Input<R>,
        buffer: &mut [u8],
    ) -> Result<usize> {
        let Some(map) = &mut self.map else {
            return read_stored(&mut self.stored, input, buffer);
        };
        let count = match map.next_run() {
            Run::Stored(length) => {
                let wanted = at_most(length, buffer.len());
                read_stored(&mut self.stored, input, &mut buffer[..wanted])?
            }
            Run::Zeroes(length) => {
                let wanted = at_most(length, buffer.len());
                buffer[..wanted].fill(0);
                wanted
            }
        };
        map.advance(count as u64);
        Ok(count)
    }

    /// Reads some of what is stored, whatever it stands for; 0 at its end.
    pub(super) fn read_as_stored<R: Read>(
        &mut self,
        input: &mut Input<R>,
        buffer: &mut [u8],
    ) -> Result<usize> {
        self.map = None;
        read_stored(&mut self.stored, input, buffer)
    }

    /// Reads all that is stored.
    pub(super) fn read_to_end<R: Read>(&mut self, input: &mut Input<R>) -> Result<Vec<u8>> {
        let mut bytes = vec![0; at_most(self.stored, usize::MAX)];
        self.fill(input, &mut bytes)?;
        Ok(bytes)
    }

    /// The next stored block; `None` when less is stored.
    pub(super) fn read_block<R: Read>(
        &mut self,
        input: &mut Input<R>,
    ) -> Result<Option<[u8; BLOCK]>> {
        if self.stored < BLOCK as u64 {
            return Ok(None);
        }
        let mut block = [0; BLOCK];
        self.fill(input, &mut block)?;
        Ok(Some(block))
    }

    /// Fills `buffer` with what is stored, of which there must be as much.
    fn fill<R: Read>(&mut self, input: &mut Input<R>, buffer: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            filled += read_stored(&mut self.stored, input, &mut buffer[filled..])?;
        }
        Ok(())
    }

    /// Passes over the rest of the content.
    pub(super) fn skip<R: Read>(&mut self, input: &mut Input<R>) -> Result<()> {
        self.map = None;
        if self.stored > 0 {
            self.stored -= input.skip(self.stored)?;
        }
        if self.stored > 0 { Err(cut_off(self.stored, input)) } else { Ok(()) }
    }

    /// Passes over the rest of the content without reading it, and makes sure that it is there.
    pub(super) fn seek<R: Read + Seek>(&mut self, input: &mut Input<R>) -> Result<()> {
        self.map = None;
        if self.stored > 0 {
            // Seeking past the end of a file is no error, reading the last byte there is.
            input.seek(self.stored - 1)?;
            if input.skip(1)? == 0 {
                let end = input.position() + 1;
                return Err(cut_off(end.saturating_sub(input.length()?), input));
            }
            self.stored = 0;
        }
        Ok(())
    }

    /// Whether there was as much padding as there has to be.
    pub(super) fn skip_padding<R: Read>(&mut self, input: &mut Input<R>) -> Result<bool> {
        let padding = at_most(std::mem::take(&mut self.padding), BLOCK);
        Ok(input.read_full(&mut [0; BLOCK][..padding])? == padding)
    }
}

/// Reads some of the `stored` bytes that are left; 0 when none are.
fn read_stored<R: Read>(
    stored: &mut u64,
    input: &mut Input<R>,
    buffer: &mut [u8],
) -> Result<usize> {
    let wanted = at_most(*stored, buffer.len());
    if wanted == 0 {
        return Ok(0);
    }
    match input.read(&mut buffer[..wanted])? {
        0 => Err(cut_off(*stored, input)),
        count => {
            *stored -= count as u64;
            Ok(count)
        }
    }
}

fn cut_off<R>(missing: u64, input: &Input<R>) -> Error {
    input.malformed(format!("the input ends {missing} bytes before its content does"))
}

fn at_most(length: u64, limit: usize) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX).min(limit)
}
