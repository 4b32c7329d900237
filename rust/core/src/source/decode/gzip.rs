//! gzip members one after another (RFC 1952), as gzip(1) reads them.

use std::io::{self, BufRead};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{Format, Step, cut_off, is_padding, malformed};

/// Flags of a member's header.
mod flag {
    pub(super) const HEADER_CRC: u8 = 1 << 1;
    pub(super) const EXTRA: u8 = 1 << 2;
    pub(super) const NAME: u8 = 1 << 3;
    pub(super) const COMMENT: u8 = 1 << 4;
    pub(super) const RESERVED: u8 = 0b1110_0000;
}

/// The state inside a member. The framing is read here because flate2's own takes a broken
/// header after the first member for the end, and zeroes after the last one for an error.
pub(super) struct Gzip {
    inflate: Decompress,
    crc: Crc,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { inflate: Decompress::new(false), crc: Crc::new() }
    }

    fn counters(&self) -> (u64, u64) {
        (self.inflate.total_in(), self.inflate.total_out())
    }
}

impl Format for Gzip {
    fn start(&mut self, input: &mut dyn BufRead) -> io::Result<bool> {
        if is_padding(input, "gzip")? {
            return Ok(false);
        }
        read_header(input).map_err(cut_off("gzip: the input ends inside a member's header"))?;
        self.inflate.reset(false);
        self.crc.reset();
        Ok(true)
    }

    fn decode(&mut self, compressed: &[u8], output: &mut [u8]) -> io::Result<Step> {
        let before = self.counters();
        let status = self
            .inflate
            .decompress(compressed, output, FlushDecompress::None)
            .map_err(|error| malformed(format!("gzip: the compressed data is damaged: {error}")))?;
        let step = Step::between(before, self.counters(), status == Status::StreamEnd);
        self.crc.update(&output[..step.produced]);
        Ok(step)
    }

    fn finish(&mut self, input: &mut dyn BufRead) -> io::Result<bool> {
        let mut stated = [[0; 4]; 2];
        input
            .read_exact(stated.as_flattened_mut())
            .map_err(cut_off("gzip: the input ends inside a member's trailer"))?;
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
        Ok(true)
    }
}

fn read_header(input: &mut dyn BufRead) -> io::Result<()> {
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
struct Header<'a> {
    input: &'a mut dyn BufRead,
    crc: Crc,
}

impl Header<'_> {
    fn read<const SIZE: usize>(&mut self) -> io::Result<[u8; SIZE]> {
        let mut bytes = [0; SIZE];
        self.input.read_exact(&mut bytes)?;
        self.crc.update(&bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, gzip};

    #[test]
    fn what_follows_the_last_member_is_told_apart() {
        for (tail, message) in [
            (&b"\0\0x"[..], "other bytes follow the zeroes"),
            (b"x", "something else follows"),
            (b"\x1f", "inside a member's header"),
            (b"\x1f\x8b\x08\xff\0\0\0\0\0\0", "flags 0xff"),
        ] {
            let error = decode(&[&*gzip(b"one"), tail].concat(), 64).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_wrong_trailer_is_told() {
        let mut member = gzip(b"content");
        let crc = member.len() - 8;
        member[crc] ^= 1;
        assert!(decode(&member, 64).unwrap_err().contains("the CRC of the content is"));
        member[crc] ^= 1;
        member[crc + 4] ^= 1;
        assert!(decode(&member, 64).unwrap_err().contains("has 7 bytes (modulo 2^32)"));
    }

    #[test]
    fn the_optional_parts_of_a_header_are_passed_over() {
        let plain = gzip(b"content");
        let mut header = plain[..10].to_vec();
        // Header CRC, extra field, name and comment.
        header[3] = 2 | 4 | 8 | 16;
        header.extend(b"\x05\0extraname\0comment\0");
        let mut crc = flate2::Crc::new();
        crc.update(&header);
        header.extend(&crc.sum().to_le_bytes()[..2]);
        assert_eq!(decode(&[&*header, &plain[10..]].concat(), 64).unwrap().0, b"content");
        *header.last_mut().unwrap() ^= 1;
        let error = decode(&[&*header, &plain[10..]].concat(), 64).unwrap_err();
        assert!(error.contains("CRC of a member's header"));
    }
}
