//! zstd frames one after another (RFC 8878), skippable ones passed over.

use std::io::{self, BufRead};

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::{Format, Step, fill_buffer, malformed};

/// The largest window that is taken: 128 MiB, what `zstd --long` writes and zstd(1) reads.
const WINDOW_LOG_MAX: u32 = 27;

/// A frame that is not skippable begins with this byte.
const FRAME_START: u8 = 0x28;

/// The state inside a frame.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    skippable: bool,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(Self { decoder, skippable: false })
    }
}

impl Format for Zstd {
    /// Takes nothing: libzstd reads headers itself, and says of other bytes that they are none.
    fn start(&mut self, input: &mut dyn BufRead) -> io::Result<bool> {
        self.skippable = fill_buffer(input)?.first() != Some(&FRAME_START);
        Ok(true)
    }

    fn decode(&mut self, compressed: &[u8], output: &mut [u8]) -> io::Result<Step> {
        let status = self
            .decoder
            .run_on_buffers(compressed, output)
            .map_err(|error| malformed(format!("zstd: {error}")))?;
        let (consumed, produced) = (status.bytes_read, status.bytes_written);
        Ok(Step { consumed, produced, ended: status.remaining == 0 })
    }

    fn finish(&mut self, _input: &mut dyn BufRead) -> io::Result<bool> {
        Ok(!self.skippable)
    }
}
