//! What was compressed, decoded again: a defect of an encoder, or of the memory that it works in,
//! must not become a layer that others can't read, or read as something else.
//!
//! Neither decoder shares code with the encoder of gzip, and each holds what a reader does: 32 KiB or
//! the window of the frame, and a piece of output.

use flate2::{Crc, Decompress, FlushDecompress, Status};
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::gzip::EncodedBlock;
use super::zstd::{MAX_WINDOW_LOG, NO_MEMORY, defect, no_memory};
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};

/// Decoded bytes that are looked at together, while they are in the second-level cache.
const PIECE: usize = 128 * 1024;

/// An empty block that ends a stream (RFC 1951, 3.2.6). Behind a block that is not the last one, it
/// is read as that only if the block ends at a byte, and where another may begin.
const END: [u8; 2] = [3, 0];

/// Decodes blocks of gzip and compares them with what they were made of.
#[derive(Debug)]
pub(crate) struct BlockCheck {
    decoder: Decompress,
    output: Vec<u8>,
    crc: Crc,
}

impl BlockCheck {
    /// A check for any number of blocks.
    pub(crate) fn new() -> Self {
        Self { decoder: Decompress::new(false), output: vec![0; PIECE], crc: Crc::new() }
    }

    /// Says what is wrong with `encoded`, if that is not `block` behind `dictionary`, with its CRC,
    /// and the end of the stream if it is the `last` block.
    pub(crate) fn compare(
        &mut self,
        dictionary: &[u8],
        block: &[u8],
        last: bool,
        encoded: &EncodedBlock,
    ) -> Result<(), String> {
        self.decoder.reset(false);
        self.crc.reset();
        if !dictionary.is_empty() {
            self.decoder.set_dictionary(dictionary).map_err(|error| error.to_string())?;
        }
        let end: &[u8] = if last { &[] } else { &END };
        let (mut due, mut ended) = (block, false);
        for part in [&encoded.bytes, end] {
            if !ended {
                ended = self.decode(part, &mut due)?;
            }
        }
        let length = encoded.bytes.len() + end.len();
        if !ended || self.decoder.total_in() != length as u64 {
            return Err("it ends elsewhere".into());
        }
        if !due.is_empty() {
            return Err(format!("the last {} bytes are missing", due.len()));
        }
        if self.crc.sum() != encoded.crc.sum() {
            return Err("its CRC-32 is another".into());
        }
        Ok(())
    }

    /// Decodes `part`, which must give what is `due` next; says whether that ended the stream.
    fn decode(&mut self, mut part: &[u8], due: &mut &[u8]) -> Result<bool, String> {
        loop {
            let (read, written) = (self.decoder.total_in(), self.decoder.total_out());
            let status = self
                .decoder
                .decompress(part, &mut self.output, FlushDecompress::None)
                .map_err(|error| error.to_string())?;
            let read = length(self.decoder.total_in() - read);
            let output = &self.output[..length(self.decoder.total_out() - written)];
            self.crc.update(output);
            *due = due.strip_prefix(output).ok_or("it gives other bytes")?;
            part = &part[read..];
            let stuck = read == 0 && output.is_empty();
            if status == Status::StreamEnd || stuck {
                return Ok(status == Status::StreamEnd);
            }
        }
    }
}

/// A number of bytes in memory.
fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Decodes a zstd frame as it is made. What it was made of is gone by then; its digest is not.
pub(super) struct FrameCheck {
    context: DCtx<'static>,
    output: Vec<u8>,
    hasher: Hasher,
    /// Bytes decoded.
    size: u64,
    ended: bool,
}

impl FrameCheck {
    pub(super) fn new() -> Result<Self> {
        let mut context = DCtx::try_create().ok_or_else(no_memory)?;
        context.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG)).map_err(defect)?;
        let output = Vec::with_capacity(PIECE);
        Ok(Self { context, output, hasher: Hasher::new(), size: 0, ended: false })
    }

    /// Decodes the next bytes of the frame. What libzstd has no room for comes with later ones: it
    /// takes the checksum, which is the end, only when all else was given out.
    pub(super) fn add(&mut self, frame: &[u8]) -> Result<()> {
        let mut input = InBuffer::around(frame);
        while input.pos() < frame.len() {
            if self.ended {
                return Err(self.wrong("it goes on after its end"));
            }
            self.output.clear();
            let mut output = OutBuffer::around(&mut self.output);
            let due = self.context.decompress_stream(&mut output, &mut input).map_err(|code| {
                match get_error_name(code) {
                    NO_MEMORY => no_memory(),
                    reason => self.wrong(reason),
                }
            })?;
            self.hasher.update(&self.output);
            self.size += self.output.len() as u64;
            self.ended = due == 0;
        }
        Ok(())
    }

    /// Refuses what was decoded, unless it is a whole frame of content with the digest `tar`.
    pub(super) fn finish(self, tar: Digest) -> Result<()> {
        if !self.ended {
            return Err(self.wrong("it has no end"));
        }
        let content = self.hasher.finish();
        if content != tar {
            let reason = format!("zstd: the frame is wrong: it gives {content}, not {tar}");
            return Err(Error::Internal(reason));
        }
        Ok(())
    }

    fn wrong(&self, reason: &str) -> Error {
        let size = self.size;
        Error::Internal(format!("zstd: the frame is wrong, at byte {size} of the tar: {reason}"))
    }
}

#[cfg(test)]
mod tests;
