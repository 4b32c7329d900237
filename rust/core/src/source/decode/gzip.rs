//! gzip members one after another (RFC 1952), as gzip(1) reads them.

use std::io::{self, BufRead, ErrorKind};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{fill_buffer, malformed};

/// Flags of a member's header.
mod flag {
    pub(super) const HEADER_CRC: u8 = 1 << 1;
    pub(super) const EXTRA: u8 = 1 << 2;
    pub(super) const NAME: u8 = 1 << 3;
    pub(super) const COMMENT: u8 = 1 << 4;
    pub(super) const RESERVED: u8 = 0b1110_0000;
}

/// The state between two reads. The framing is read here because flate2's own takes a broken
/// header after the first member for the end, and zeroes after the last one for an error.
pub(super) struct Gzip {
    inflate: Decompress,
    crc: Crc,
    place: Place,
    members: u64,
}

enum Place {
    Between,
    Inside,
    End,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { inflate: Decompress::new(false), crc: Crc::new(), place: Place::Between, members: 0 }
    }

    pub(super) const fn members(&self) -> u64 {
        self.members
    }

    /// Fills some of `buffer`, which is not empty; 0 at the end of the input.
    pub(super) fn read(
        &mut self,
        input: &mut impl BufRead,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        loop {
            match self.place {
                Place::End => return Ok(0),
                Place::Between => self.start_member(input)?,
                Place::Inside => match self.inflate(input, buffer)? {
                    0 => {}
                    count => return Ok(count),
                },
            }
        }
    }

    fn start_member(&mut self, input: &mut impl BufRead) -> io::Result<()> {
        self.place = Place::End;
        match fill_buffer(input)?.first() {
            None => return Ok(()),
            // Tapes and some writers fill their last block.
            Some(0) if self.members > 0 => return expect_zeroes(input),
            Some(_) => {}
        }
        read_header(input).map_err(|error| cut_off(error, "header"))?;
        self.inflate.reset(false);
        self.crc.reset();
        self.place = Place::Inside;
        Ok(())
    }

    fn inflate(&mut self, input: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
        let compressed = fill_buffer(input)?;
        let at_end = compressed.is_empty();
        let (consumed, produced) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(compressed, buffer, FlushDecompress::None)
            .map_err(|error| malformed(format!("gzip: the compressed data is damaged: {error}")))?;
        let consumed = length(self.inflate.total_in() - consumed);
        let produced = length(self.inflate.total_out() - produced);
        input.consume(consumed);
        self.crc.update(&buffer[..produced]);
        if status == Status::StreamEnd {
            self.finish_member(input)?;
        } else if at_end && produced == 0 {
            return Err(malformed("gzip: the input ends inside the compressed data"));
        }
        Ok(produced)
    }

    fn finish_member(&mut self, input: &mut impl BufRead) -> io::Result<()> {
        let mut stated = [[0; 4]; 2];
        input.read_exact(stated.as_flattened_mut()).map_err(|error| cut_off(error, "trailer"))?;
        let [crc, size] = stated.map(u32::from_le_bytes);
        if crc != self.crc.sum() {
            let found = self.crc.sum();
            return Err(malformed(format!(
                "gzip: the CRC of the content is {found:08x}, the trailer says {crc:08x}"
            )));
        }
        if size != self.crc.amount() {
            let found = self.crc.amount();
            return Err(malformed(format!(
                "gzip: the content has {found} bytes (modulo 2^32), the trailer says {size}"
            )));
        }
        self.members += 1;
        self.place = Place::Between;
        Ok(())
    }
}

/// What was done with a slice is no more than its length.
fn length(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn expect_zeroes(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = fill_buffer(input)?;
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.iter().any(|&byte| byte != 0) {
            return Err(malformed("gzip: other bytes follow the zeroes after the last member"));
        }
        let count = bytes.len();
        input.consume(count);
    }
}

fn read_header(input: &mut impl BufRead) -> io::Result<()> {
    let mut header = Header { input, crc: Crc::new() };
    for magic in [0x1f, 0x8b] {
        if header.read()? != [magic] {
            return Err(malformed("gzip: something else follows the last member"));
        }
    }
    let [method, flags, ..] = header.read::<8>()?;
    if method != 8 || flags & flag::RESERVED != 0 {
        return Err(malformed(format!(
            "gzip: a member has the compression method {method} and the flags {flags:#04x}"
        )));
    }
    if flags & flag::EXTRA != 0 {
        for _ in 0..u16::from_le_bytes(header.read()?) {
            header.read::<1>()?;
        }
    }
    for text in [flag::NAME, flag::COMMENT] {
        while flags & text != 0 && header.read()? != [0] {}
    }
    let crc = (header.crc.sum() & 0xffff) as u16;
    if flags & flag::HEADER_CRC != 0 && u16::from_le_bytes(header.read()?) != crc {
        return Err(malformed("gzip: the CRC of a member's header is wrong"));
    }
    Ok(())
}

/// A header being read, with the CRC of what was read.
struct Header<'a, R> {
    input: &'a mut R,
    crc: Crc,
}

impl<R: BufRead> Header<'_, R> {
    fn read<const SIZE: usize>(&mut self) -> io::Result<[u8; SIZE]> {
        let mut bytes = [0; SIZE];
        self.input.read_exact(&mut bytes)?;
        self.crc.update(&bytes);
        Ok(bytes)
    }
}

fn cut_off(error: io::Error, part: &str) -> io::Error {
    if error.kind() == ErrorKind::UnexpectedEof {
        malformed(format!("gzip: the input ends inside a member's {part}"))
    } else {
        error
    }
}
