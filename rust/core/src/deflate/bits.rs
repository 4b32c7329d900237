//! Bits in the order of DEFLATE (RFC 1951, section 3.1.1), gathered in a word.

use super::window::{CAPACITY, boxed};

/// Blocks never grow by more than 5 bytes in 64 KiB and a few for their ends; whole words are
/// written.
const SIZE: usize = CAPACITY + CAPACITY / 128;

/// Bits that were written so far. Fewer than eight wait in the word.
#[derive(Debug)]
pub(super) struct BitWriter {
    pub(super) bytes: Box<[u8; SIZE]>,
    pub(super) length: usize,
    pub(super) word: Word,
}

/// Bits on their way to memory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    bits: u64,
    count: u32,
}

impl Word {
    /// Adds the `count` bits of `bits`: 63 is the most that the word holds.
    #[inline(always)]
    pub(super) fn push(&mut self, bits: u64, count: u32) {
        self.bits |= bits << (self.count & 63);
        self.count += count;
    }

    #[inline(always)]
    pub(super) const fn count(self) -> u32 {
        self.count
    }

    /// Writes all, and keeps what is no whole byte; returns the bytes that are complete.
    #[inline(always)]
    pub(super) fn flush(&mut self, bytes: &mut [u8; SIZE], length: usize) -> usize {
        bytes[length..length + 8].copy_from_slice(&self.bits.to_le_bytes());
        let complete = (self.count >> 3) as usize;
        self.bits >>= self.count & 0x38;
        self.count &= 7;
        length + complete
    }
}

impl BitWriter {
    pub(super) fn new() -> Self {
        Self { bytes: boxed(0), length: 0, word: Word::default() }
    }

    pub(super) fn begin(&mut self) {
        self.length = 0;
        self.word = Word::default();
    }

    /// Writes up to 56 bits.
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        self.word.push(bits, count);
        self.length = self.word.flush(&mut self.bytes, self.length);
    }

    /// Zeros up to the next byte.
    pub(super) fn align(&mut self) {
        self.put(0, self.word.count.wrapping_neg() & 7);
    }

    /// Writes whole bytes; the word must be empty.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.word.count, 0);
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// What is complete.
    pub(super) fn written(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_fill_bytes_from_the_lowest_on() {
        let mut writer = BitWriter::new();
        writer.put(0b1, 1);
        writer.put(0b10, 2);
        writer.put(0x1_2345_6789_abcd, 56);
        writer.align();
        writer.align();
        writer.put_bytes(b"x");
        let expected = 0b101_u64 | 0x1_2345_6789_abcd << 3;
        assert_eq!(writer.written(), [&expected.to_le_bytes()[..], b"x"].concat());
        writer.begin();
        assert_eq!(writer.written(), b"");
    }
}
