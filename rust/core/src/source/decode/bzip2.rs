//! bzip2 streams one after another, as bzip2(1) and its parallel cousins write them.

use std::io::{self, BufRead};

use bzip2::{Decompress, Status};

use super::{Format, Step, cut_off, is_padding, malformed};

/// The state inside a stream.
///
/// bzip2(1) passes over whatever follows the last stream and says so; here only zeroes may.
pub(super) struct Bzip2 {
    decompress: Decompress,
}

impl Bzip2 {
    pub(super) fn new() -> Self {
        Self { decompress: Decompress::new(false) }
    }

    fn counters(&self) -> (u64, u64) {
        (self.decompress.total_in(), self.decompress.total_out())
    }
}

impl Format for Bzip2 {
    fn start(&mut self, input: &mut dyn BufRead) -> io::Result<bool> {
        if is_padding(input, "bzip2")? {
            return Ok(false);
        }
        let mut header = [0; 4];
        input
            .read_exact(&mut header)
            .map_err(cut_off("bzip2: the input ends inside a stream's header"))?;
        if !matches!(header, [b'B', b'Z', b'h', b'1'..=b'9']) {
            return Err(malformed("bzip2: something else follows the last stream"));
        }
        self.decompress = Decompress::new(false);
        self.decode(&header, &mut []).map(|_| true)
    }

    fn decode(&mut self, compressed: &[u8], output: &mut [u8]) -> io::Result<Step> {
        let before = self.counters();
        let status = self.decompress.decompress(compressed, output);
        let ended = match status {
            Ok(Status::StreamEnd) => true,
            Ok(Status::MemNeeded) => return Err(io::ErrorKind::OutOfMemory.into()),
            Ok(_) => false,
            Err(_) => return Err(malformed("bzip2: the compressed data is damaged")),
        };
        Ok(Step::between(before, self.counters(), ended))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bzip2, decode, noise};

    #[test]
    fn what_follows_the_last_stream_is_told_apart() {
        for (tail, message) in [
            (&b"\0\0x"[..], "other bytes follow the zeroes"),
            (b"garbage", "something else follows"),
            (b"BZh0", "something else follows"),
            (b"BZh", "inside a stream's header"),
            (b"BZh9", "inside the compressed data"),
            (b"BZh9garbage", "is damaged"),
        ] {
            let error = decode(&[&*bzip2(b"one"), tail].concat(), 64).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn the_checksums_of_blocks_and_streams_are_verified() {
        let whole = bzip2(&noise(250_000));
        // That of the first block follows the two magics; that of the stream is at the end, which
        // no byte's edge need be.
        for at in [10, whole.len() - 3] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            assert!(decode(&damaged, 8192).unwrap_err().contains("is damaged"), "{at}");
        }
    }
}
