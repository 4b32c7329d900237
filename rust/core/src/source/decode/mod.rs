//! Compressed stream → what was compressed, told by its first bytes.

mod ahead;
mod bzip2;
mod gzip;
mod magic;
mod xz;
mod zstd;

use std::io::{self, BufRead, Chain, Cursor, ErrorKind, Read};

pub use self::ahead::decode_ahead;
use self::bzip2::Bzip2;
use self::gzip::Gzip;
use self::magic::{MAGIC_SIZE, sniff};
use self::xz::Xz;
use self::zstd::Zstd;
use crate::error::{Error, Result};

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952).
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz (the .xz file format, version 1.2).
    Xz,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Encoding {
    /// Its name; `none` for [`Encoding::Plain`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "none",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }
}

/// Reads a stream of any supported compression as what was compressed.
///
/// A stream may be made of several parts: gzip members, bzip2 and xz streams, zstd frames. All of
/// them are read and every checksum is verified. A stream that breaks off, or goes on with what is
/// no part, is an error, never an early end.
pub struct Decoder<R> {
    input: Chain<Cursor<Vec<u8>>, R>,
    encoding: Encoding,
    /// `None` for what is not compressed.
    format: Option<Box<dyn Format>>,
    place: Place,
    parts: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Inside,
    End,
    Failed,
}

/// What the parts of a format look like, and the decoder of their data.
trait Format: Send {
    /// Takes what stands before the data of a part, from an input that is not at its end. `false`:
    /// what was left was padding.
    fn start(&mut self, input: &mut dyn BufRead) -> io::Result<bool>;

    /// Decodes some of `compressed`, which is empty at the end of the input only, into `output`,
    /// which is not.
    fn decode(&mut self, compressed: &[u8], output: &mut [u8]) -> io::Result<Step>;

    /// Takes what stands after the data of a part. `false`: it was one that holds nothing.
    fn finish(&mut self, _input: &mut dyn BufRead) -> io::Result<bool> {
        Ok(true)
    }
}

/// What one call of a decoder has done.
struct Step {
    consumed: usize,
    produced: usize,
    /// The data of the part ends here.
    ended: bool,
}

impl Step {
    /// A step between two values of a decoder's counters.
    fn between(before: (u64, u64), after: (u64, u64), ended: bool) -> Self {
        // What was done with a slice is no more than its length.
        let length = |count| usize::try_from(count).unwrap_or(usize::MAX);
        Self { consumed: length(after.0 - before.0), produced: length(after.1 - before.1), ended }
    }
}

impl<R: BufRead> Decoder<R> {
    /// Looks at the first bytes of `inner`.
    pub fn new(inner: R) -> Result<Self> {
        Self::with_threads(inner, 1)
    }

    /// The same with `threads` threads for a format whose parts can be decoded side by side.
    fn with_threads(mut inner: R, threads: usize) -> Result<Self> {
        let mut magic = Vec::with_capacity(MAGIC_SIZE);
        inner.by_ref().take(MAGIC_SIZE as u64).read_to_end(&mut magic).map_err(Error::from_read)?;
        let encoding = sniff(&magic)?;
        let format: Option<Box<dyn Format>> = match encoding {
            Encoding::Plain => None,
            Encoding::Gzip => Some(Box::new(Gzip::new())),
            Encoding::Bzip2 => Some(Box::new(Bzip2::new())),
            Encoding::Xz => Some(Box::new(Xz::new(threads).map_err(Error::from_read)?)),
            Encoding::Zstd => Some(Box::new(Zstd::new().map_err(Error::Read)?)),
        };
        let input = Cursor::new(magic).chain(inner);
        Ok(Self { input, encoding, format, place: Place::Between, parts: 0 })
    }

    /// How the stream is compressed.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How many parts were read to their end; zstd frames that are skippable don't count.
    pub const fn parts(&self) -> u64 {
        self.parts
    }

    /// Fills some of `buffer`, which is not empty; 0 at the end of the input.
    fn decode(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let input = &mut self.input;
        let Some(format) = &mut self.format else {
            return input.read(buffer);
        };
        loop {
            if self.place == Place::Between {
                let more = !fill_buffer(input)?.is_empty() && format.start(input)?;
                self.place = if more { Place::Inside } else { Place::End };
            }
            if self.place == Place::End {
                return Ok(0);
            }
            let compressed = fill_buffer(input)?;
            let at_end = compressed.is_empty();
            let step = format.decode(compressed, buffer)?;
            input.consume(step.consumed);
            if step.ended {
                self.parts += u64::from(format.finish(input)?);
                self.place = Place::Between;
            } else if at_end && step.produced == 0 {
                let name = self.encoding.name();
                return Err(malformed(format!(
                    "{name}: the input ends inside the compressed data"
                )));
            }
            if step.produced > 0 {
                return Ok(step.produced);
            }
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.place == Place::Failed {
            return Err(read_on());
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        let result = self.decode(buffer);
        if matches!(&result, Err(error) if error.kind() != ErrorKind::Interrupted) {
            self.place = Place::Failed;
        }
        result
    }
}

/// What a decoder says of its input, in the form that passes through [`Read`].
fn malformed(reason: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, Error::malformed(b"", reason))
}

/// What a decoder says that is read on after an error: not that the input ends.
fn read_on() -> io::Error {
    malformed("it could not be read further, and was asked for more")
}

/// What is buffered of the input, read anew when nothing is; empty at its end.
fn fill_buffer<R: BufRead + ?Sized>(input: &mut R) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            // Asked again, a stream may not say again that it ended.
            Ok([]) => return Ok(&[]),
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // Still there: filling again returns it without reading.
    input.fill_buf()
}

/// Passes over zeroes and says how many there were: tapes and some writers fill their last block.
fn skip_zeroes(input: &mut dyn BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let bytes = fill_buffer(input)?;
        let count = bytes.iter().take_while(|&&byte| byte == 0).count();
        let ended = bytes.is_empty() || count < bytes.len();
        input.consume(count);
        skipped += count as u64;
        if ended {
            return Ok(skipped);
        }
    }
}

/// Whether padding begins here: zeroes that only the end of the input may follow.
fn is_padding(input: &mut dyn BufRead, name: &str) -> io::Result<bool> {
    if skip_zeroes(input)? == 0 {
        return Ok(false);
    }
    if fill_buffer(input)?.is_empty() {
        return Ok(true);
    }
    Err(malformed(format!("{name}: other bytes follow the zeroes after the end")))
}

/// Says for an early end of the input what it ends in.
fn cut_off(reason: &'static str) -> impl FnOnce(io::Error) -> io::Error {
    move |error| match error.kind() {
        ErrorKind::UnexpectedEof => malformed(reason),
        _ => error,
    }
}

#[cfg(test)]
mod tests;
