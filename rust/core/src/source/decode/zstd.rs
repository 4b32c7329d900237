//! zstd frames one after another (RFC 8878), skippable ones passed over.

use std::io::{self, BufRead};

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::{fill_buffer, malformed};

/// The largest window that is taken: 128 MiB, what `zstd --long` writes and zstd(1) reads.
const WINDOW_LOG_MAX: u32 = 27;

/// A frame that is not skippable begins with this byte.
const FRAME_START: u8 = 0x28;

/// The state between two reads.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    place: Place,
    frames: u64,
}

#[derive(Clone, Copy)]
enum Place {
    Between,
    Frame,
    Skippable,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(Self { decoder, place: Place::Between, frames: 0 })
    }

    pub(super) const fn frames(&self) -> u64 {
        self.frames
    }

    /// Fills some of `buffer`, which is not empty; 0 at the end of the input.
    pub(super) fn read(
        &mut self,
        input: &mut impl BufRead,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        loop {
            let compressed = fill_buffer(input)?;
            let first = compressed.first().copied();
            self.place = match (self.place, first) {
                (Place::Between, None) => return Ok(0),
                (Place::Between, Some(FRAME_START)) => Place::Frame,
                (Place::Between, Some(_)) => Place::Skippable,
                (inside, _) => inside,
            };
            let status = self
                .decoder
                .run_on_buffers(compressed, buffer)
                .map_err(|error| malformed(format!("zstd: {error}")))?;
            input.consume(status.bytes_read);
            if status.remaining == 0 {
                self.frames += u64::from(matches!(self.place, Place::Frame));
                self.place = Place::Between;
            } else if first.is_none() && status.bytes_written == 0 {
                return Err(malformed("zstd: the input ends inside a frame"));
            }
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
        }
    }
}
