//! Compressed stream → what was compressed, told by its first bytes.

mod gzip;
mod zstd;

use std::io::{self, BufRead, Chain, Cursor, ErrorKind, Read};

use self::gzip::Gzip;
use self::zstd::Zstd;
use crate::error::{Error, Result};

/// Enough of a stream to tell how it is compressed.
const MAGIC_SIZE: usize = 10;

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// Reads a stream of any supported compression as what was compressed.
///
/// All members of a gzip stream and all frames of a zstd stream are read and every checksum is
/// verified. A stream that breaks off is an error, never an early end.
pub struct Decoder<R> {
    input: Chain<Cursor<Vec<u8>>, R>,
    format: Format,
    failed: bool,
}

enum Format {
    Plain,
    Gzip(Gzip),
    Zstd(Zstd),
}

impl<R: BufRead> Decoder<R> {
    /// Looks at the first bytes of `inner`.
    pub fn new(mut inner: R) -> Result<Self> {
        let mut magic = Vec::with_capacity(MAGIC_SIZE);
        inner.by_ref().take(MAGIC_SIZE as u64).read_to_end(&mut magic).map_err(Error::from_read)?;
        let format = match sniff(&magic)? {
            Encoding::Plain => Format::Plain,
            Encoding::Gzip => Format::Gzip(Gzip::new()),
            Encoding::Zstd => Format::Zstd(Zstd::new().map_err(Error::Read)?),
        };
        Ok(Self { input: Cursor::new(magic).chain(inner), format, failed: false })
    }

    /// How the stream is compressed.
    pub const fn encoding(&self) -> Encoding {
        match self.format {
            Format::Plain => Encoding::Plain,
            Format::Gzip(_) => Encoding::Gzip,
            Format::Zstd(_) => Encoding::Zstd,
        }
    }

    /// How many gzip members, or zstd frames that are not skippable, were read to their end.
    pub const fn parts(&self) -> u64 {
        match &self.format {
            Format::Plain => 0,
            Format::Gzip(gzip) => gzip.members(),
            Format::Zstd(zstd) => zstd.frames(),
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(malformed("it could not be read further, and was asked for more"));
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        let result = match &mut self.format {
            Format::Plain => self.input.read(buffer),
            Format::Gzip(gzip) => gzip.read(&mut self.input, buffer),
            Format::Zstd(zstd) => zstd.read(&mut self.input, buffer),
        };
        self.failed = matches!(&result, Err(error) if error.kind() != ErrorKind::Interrupted);
        result
    }
}

fn sniff(magic: &[u8]) -> Result<Encoding> {
    let refuse = |name: &str| {
        let reason = format!("it is compressed with {name}, which this version does not read");
        Err(Error::malformed(b"", reason))
    };
    match magic {
        [0x1f, 0x8b, 8, ..] => Ok(Encoding::Gzip),
        // A frame, or a skippable one before it.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Encoding::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => refuse("xz"),
        // The name of a tar's first member may well begin with `BZh`; what follows here is the
        // start of a block, or of the end.
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y']
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90] => refuse("bzip2"),
        _ => Ok(Encoding::Plain),
    }
}

/// What a decoder says of its input, in the form that passes through [`Read`].
fn malformed(reason: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, Error::malformed(b"", reason))
}

/// What is buffered of the input, read anew when nothing is; empty at its end.
fn fill_buffer(input: &mut impl BufRead) -> io::Result<&[u8]> {
    while let Err(error) = input.fill_buf() {
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // Still there: filling again returns it without reading.
    input.fill_buf()
}

#[cfg(test)]
mod tests;
