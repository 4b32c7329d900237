//! gzip (RFC 1952) as one member made of independently compressed blocks.
//!
//! A block is compressed with the 32 KiB before it as its dictionary and ends at a byte: blocks can
//! be made in any order and joined by concatenation. Its bytes depend on the block, the dictionary
//! and the level, never on what the encoder did before.

use flate2::Crc;

use crate::deflate::{Deflate, REACH};

/// The window of DEFLATE: a block refers to at most this many bytes before it.
pub const DICTIONARY: usize = REACH;

/// The ten bytes before the first block: no name, no time, unknown system, as every run gives.
#[must_use]
pub const fn header(level: u32) -> [u8; 10] {
    // XFL tells readers the effort, as gzip(1) and Go write it.
    let effort = match level {
        1 => 4,
        9 => 2,
        _ => 0,
    };
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, effort, 0xff]
}

/// One compressed block and the CRC-32 of its input.
#[derive(Debug, Default)]
pub struct EncodedBlock {
    /// Whole bytes of DEFLATE.
    pub bytes: Vec<u8>,
    pub(super) crc: Crc,
}

impl EncodedBlock {
    fn copy_from(&mut self, other: &Self) {
        self.bytes.clone_from(&other.bytes);
        self.crc.reset();
        self.crc.combine(&other.crc);
    }
}

/// Compresses blocks; keeps its tables from one to the next.
#[derive(Debug)]
pub struct BlockEncoder {
    deflate: Deflate,
    /// The last block of zeroes between zeroes, by its length: a sparse file has thousands.
    zeroes: Option<(usize, EncodedBlock)>,
}

impl BlockEncoder {
    /// An encoder for a level of [`Compression::GZIP_LEVELS`](super::Compression::GZIP_LEVELS).
    #[must_use]
    pub fn new(level: u32) -> Self {
        Self { deflate: Deflate::new(level), zeroes: None }
    }

    /// Compresses `block` into `out`, replacing what was there. `dictionary` is what stands
    /// directly before the block, at most [`DICTIONARY`] bytes; `last` ends the DEFLATE stream.
    pub fn encode(&mut self, dictionary: &[u8], block: &[u8], last: bool, out: &mut EncodedBlock) {
        let hole = !last && dictionary.len() == DICTIONARY && is_zero(block) && is_zero(dictionary);
        match &self.zeroes {
            Some((length, zeroes)) if hole && *length == block.len() => out.copy_from(zeroes),
            _ => self.deflate(dictionary, block, last, out),
        }
        if hole && self.zeroes.is_none() {
            let mut zeroes = EncodedBlock::default();
            zeroes.copy_from(out);
            self.zeroes = Some((block.len(), zeroes));
        }
    }

    fn deflate(&mut self, dictionary: &[u8], block: &[u8], last: bool, out: &mut EncodedBlock) {
        out.crc.reset();
        out.crc.update(block);
        out.bytes.clear();
        out.bytes.extend_from_slice(self.deflate.encode(dictionary, block, last));
        #[cfg(test)]
        super::fault::strike(&mut out.bytes);
    }
}

/// Looks at pieces, so that the first one tells of nearly every block that it is not.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(1024).all(|piece| piece.iter().fold(0, |all, byte| all | byte) == 0)
}

/// What stands after the last block: CRC-32 and length of the whole input.
#[derive(Debug, Default)]
pub struct GzipTrailer {
    crc: Crc,
}

impl GzipTrailer {
    /// Takes the next block into account, in order.
    pub fn add(&mut self, block: &EncodedBlock) {
        self.crc.combine(&block.crc);
    }

    /// The eight bytes of the trailer.
    #[must_use]
    pub fn finish(&self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&self.crc.sum().to_le_bytes());
        bytes[4..].copy_from_slice(&self.crc.amount().to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::bufread::GzDecoder;
    use proptest::prelude::*;

    use super::*;
    use crate::deflate::tests::noise;

    #[test]
    fn blocks_of_zeroes_are_the_same_from_memory_and_anew() {
        let mut input = vec![0; 700_000];
        input[400_000] = 1;
        for size in [40_000, 100_000] {
            assert_eq!(member(6, &input, size, false), member(6, &input, size, true));
        }
    }

    /// Joins blocks of `size` bytes into one member, with a fresh encoder or one for all.
    fn member(level: u32, input: &[u8], size: usize, fresh: bool) -> Vec<u8> {
        let mut encoder = BlockEncoder::new(level);
        let mut block = EncodedBlock::default();
        let mut trailer = GzipTrailer::default();
        let mut out = header(level).to_vec();
        let mut start = 0;
        loop {
            let end = input.len().min(start + size);
            let dictionary = &input[start.saturating_sub(DICTIONARY)..start];
            if fresh {
                encoder = BlockEncoder::new(level);
            }
            // As in the pipeline: the last block is the first one that is not full.
            let last = end - start < size;
            encoder.encode(dictionary, &input[start..end], last, &mut block);
            out.extend_from_slice(&block.bytes);
            trailer.add(&block);
            start = end;
            if last {
                break;
            }
        }
        out.extend_from_slice(&trailer.finish());
        out
    }

    /// The content of the one member that `gzip` is.
    fn decoded(gzip: &[u8]) -> Vec<u8> {
        let mut decoder = GzDecoder::new(gzip);
        let mut out = Vec::new();
        decoder.read_to_end(&mut out).unwrap();
        assert!(decoder.into_inner().is_empty(), "more than one member");
        out
    }

    #[test]
    fn every_level_joins_blocks_of_every_kind_into_one_member() {
        let text = b"all that is gold does not glitter, ".repeat(9000);
        let mixed = [noise(70_000), text.clone(), vec![0; 150_000], noise(1)].concat();
        for level in super::super::Compression::GZIP_LEVELS {
            for input in [&noise(200_000), &text, &mixed, &vec![7; 65_536]] {
                assert_eq!(&decoded(&member(level, input, 65_536, false)), input);
            }
        }
    }

    #[test]
    fn lengths_around_a_block_edge_are_read_back() {
        for length in [0, 1, 4095, 4096, 4097, 8191, 8192, 8193] {
            let input = noise(length);
            assert_eq!(decoded(&member(6, &input, 4096, false)), input);
        }
    }

    #[test]
    fn an_encoder_gives_the_bytes_of_a_fresh_one() {
        let input = [noise(50_000), b"abcabcabd".repeat(20_000), noise(50_000)].concat();
        for level in super::super::Compression::GZIP_LEVELS {
            let kept = member(level, &input, 32_768, false);
            assert_eq!(kept, member(level, &input, 32_768, true), "level {level}");
        }
    }

    proptest! {
        #[test]
        fn any_input_at_any_block_size_is_read_back(
            input in prop::collection::vec(0_u8..4, 0..20_000),
            size in 500_usize..9_000,
            level in 1_u32..=9,
        ) {
            prop_assert_eq!(decoded(&member(level, &input, size, false)), input);
        }
    }
}
