//! zstd (RFC 8878) as one frame, compressed by libzstd's own worker threads.

use std::fmt;
use std::io::Write;

use rustix::io::Errno;
use zstd::zstd_safe::zstd_sys::ZSTD_EndDirective::{self, ZSTD_e_continue, ZSTD_e_end};
use zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, get_error_name};

use super::check::FrameCheck;
use crate::cancel::Cancel;
use crate::digest::Digest;
use crate::error::{Error, Result};

const MIB: u32 = 1 << 20;

/// Readers refuse frames with larger windows unless told otherwise; it is level 19's own.
pub(super) const MAX_WINDOW_LOG: u32 = 23;

/// Level 3, the default, with half of its own hash table: both its tables then fit into the
/// second-level cache of a core beside what they are searched for. A tenth faster, 0.6 % larger.
const LEVEL_3_HASH_LOG: u32 = 16;

/// The output of libzstd is taken in pieces of this size.
const OUTPUT: usize = 256 * 1024;

/// A frame in progress: takes the tar in order, writes compressed bytes as they come. After its end,
/// the next frame may follow.
pub struct FrameEncoder {
    level: u32,
    workers: u32,
    context: CCtx<'static>,
    output: Vec<u8>,
    check: Option<FrameCheck>,
}

impl fmt::Debug for FrameEncoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, workers, .. } = self;
        write!(formatter, "FrameEncoder(level {level}, {workers} workers)")
    }
}

impl FrameEncoder {
    /// A frame at a level of [`Compression::ZSTD_LEVELS`](super::Compression::ZSTD_LEVELS) on
    /// `workers` threads of its own.
    ///
    /// The bytes are the same for any number of workers: there is always at least one, because
    /// libzstd without workers cuts the input elsewhere; the job size depends on the level only;
    /// and the input's size is never announced, since libzstd drops its workers for a small one.
    pub fn new(level: u32, workers: u32) -> Result<Self> {
        let mut context = CCtx::try_create().ok_or_else(no_memory)?;
        let mut parameters = vec![
            CParameter::CompressionLevel(level.cast_signed()),
            CParameter::ChecksumFlag(true),
            CParameter::NbWorkers(workers.max(1)),
            CParameter::JobSize(job_size(level)),
        ];
        if level == 3 {
            parameters.push(CParameter::HashLog(LEVEL_3_HASH_LOG));
        }
        if level > 19 {
            parameters.push(CParameter::WindowLog(MAX_WINDOW_LOG));
        }
        for parameter in parameters {
            context.set_parameter(parameter).map_err(defect)?;
        }
        Ok(Self { level, workers, context, output: Vec::with_capacity(OUTPUT), check: None })
    }

    /// Has all that the next frame writes decoded first, for [`Self::verify`].
    pub fn check(&mut self) -> Result<()> {
        self.check = Some(FrameCheck::new()?);
        Ok(())
    }

    /// Whether it is as good as a new one for these.
    pub(crate) fn serves(&self, level: u32, workers: u32) -> bool {
        (self.level, self.workers) == (level, workers)
    }

    /// How many workers a frame of `size` bytes has work for.
    #[must_use]
    pub(crate) fn useful_workers(level: u32, size: u64) -> usize {
        usize::try_from(size.div_ceil(u64::from(job_size(level)))).unwrap_or(usize::MAX).max(1)
    }

    /// Compresses the next bytes of the input. Blocks while all workers are busy; gives them no
    /// new work once `cancel` is raised, because a frame can only be dropped when they are idle.
    pub fn write(&mut self, input: &[u8], sink: &mut impl Write, cancel: &Cancel) -> Result<()> {
        let mut input = InBuffer::around(input);
        while input.pos() < input.src.len() {
            cancel.check()?;
            self.step(&mut input, ZSTD_e_continue, sink)?;
        }
        Ok(())
    }

    /// Ends the frame.
    pub fn finish(&mut self, sink: &mut impl Write) -> Result<()> {
        while self.step(&mut InBuffer::around(&[]), ZSTD_e_end, sink)? > 0 {}
        Ok(())
    }

    /// After its end, refuses a frame that is checked and does not decode to what has the digest
    /// `tar`.
    pub fn verify(&mut self, tar: Digest) -> Result<()> {
        self.check.take().map_or(Ok(()), |check| check.finish(tar))
    }

    /// One call of libzstd; returns how many bytes it still holds, at least.
    fn step(
        &mut self,
        input: &mut InBuffer<'_>,
        directive: ZSTD_EndDirective,
        sink: &mut impl Write,
    ) -> Result<usize> {
        self.output.clear();
        let mut output = OutBuffer::around(&mut self.output);
        let held = self.context.compress_stream2(&mut output, input, directive).map_err(defect)?;
        #[cfg(test)]
        super::fault::strike(&mut self.output);
        if let Some(check) = &mut self.check {
            check.add(&self.output)?;
        }
        sink.write_all(&self.output).map_err(Error::Write)?;
        Ok(held)
    }
}

/// The size of the pieces that workers compress: large enough that the overlap with the piece
/// before costs little, small enough that memory stays bounded and a cancelled build ends soon.
const fn job_size(level: u32) -> u32 {
    match level {
        0..=9 => 4 * MIB,
        10..=15 => 8 * MIB,
        _ => 16 * MIB,
    }
}

/// What libzstd says of memory that it does not get, and of threads. It has a number for it too,
/// which no safe function tells.
pub(super) const NO_MEMORY: &str = "Allocation error : not enough memory";

pub(super) fn no_memory() -> Error {
    Error::Short { action: "get memory and threads for zstd", source: Errno::NOMEM.into() }
}

pub(super) fn defect(code: usize) -> Error {
    match get_error_name(code) {
        NO_MEMORY => no_memory(),
        name => Error::Internal(format!("zstd: {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(level: u32, workers: u32, input: &[u8], piece: usize) -> Vec<u8> {
        let mut encoder = FrameEncoder::new(level, workers).unwrap();
        let mut out = Vec::new();
        for piece in input.chunks(piece) {
            encoder.write(piece, &mut out, &Cancel::default()).unwrap();
        }
        encoder.finish(&mut out).unwrap();
        out
    }

    #[test]
    fn an_encoder_gives_the_frame_of_a_fresh_one() {
        let mut encoder = FrameEncoder::new(3, 2).unwrap();
        for length in [9_000_000, 0, 1, 300_000] {
            let (input, mut out) = (words(length), Vec::new());
            encoder.write(&input, &mut out, &Cancel::default()).unwrap();
            encoder.finish(&mut out).unwrap();
            assert_eq!(out, frame(3, 2, &input, 1 << 20));
        }
    }

    fn words(length: usize) -> Vec<u8> {
        (0_u32..)
            .flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 20).to_le_bytes())
            .take(length)
            .collect()
    }

    #[test]
    fn every_level_is_read_back_with_a_window_that_every_reader_takes() {
        let input = words(300_000);
        for level in super::super::Compression::ZSTD_LEVELS {
            let frame = frame(level, 1, &input, 65_536);
            let mut decoder = zstd::stream::read::Decoder::new(&frame[..]).unwrap();
            decoder.window_log_max(MAX_WINDOW_LOG).unwrap();
            let mut out = Vec::new();
            std::io::Read::read_to_end(&mut decoder, &mut out).unwrap();
            assert_eq!(out, input, "level {level}");
        }
    }

    #[test]
    fn bytes_depend_neither_on_workers_nor_on_the_pieces_given() {
        for length in [0, 1, 300_000, 9_000_000] {
            let input = words(length);
            let one = frame(1, 1, &input, 1 << 20);
            assert_eq!(one, frame(1, 2, &input, 1 << 20));
            assert_eq!(one, frame(1, 5, &input, 100_003));
        }
    }
}
