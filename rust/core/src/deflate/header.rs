//! The code lengths in front of a block (RFC 1951, section 3.2.7), themselves in a code.

use super::bits::BitWriter;
use super::block::Lengths;
use super::huffman::{set_codes, set_lengths};
use super::symbol::{DISTANCES, END, LITERALS_AND_LENGTHS};

/// Symbols of the code of code lengths: 0 to 15 are lengths, the others repeat one.
const SYMBOLS: usize = 19;
const REPEAT: u8 = 16;
const ZEROS: u8 = 17;
const MANY_ZEROS: u8 = 18;

/// The longest code that three bits can tell of.
const LONGEST: usize = 7;

/// The order in which the lengths of this code stand, so that the last ones may be left out.
const ORDER: [usize; SYMBOLS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Bits behind a symbol that tell how often it repeats.
const fn extra(symbol: u8) -> u32 {
    match symbol {
        REPEAT => 2,
        ZEROS => 3,
        MANY_ZEROS => 7,
        _ => 0,
    }
}

/// All that stands between the type of a block and its first symbol.
pub(super) struct Header {
    /// Symbols, with what stands behind them.
    items: [(u8, u8); LITERALS_AND_LENGTHS + DISTANCES],
    used: usize,
    counts: [u32; SYMBOLS],
    lengths: [u8; SYMBOLS],
    literals: usize,
    distances: usize,
    /// Lengths of this code that are written.
    written: usize,
}

impl Header {
    pub(super) fn of(lengths: &Lengths) -> Self {
        let used = |lengths: &[u8]| {
            lengths.iter().rposition(|&length| length > 0).map_or(0, |last| last + 1)
        };
        let mut header = Self {
            items: [(0, 0); LITERALS_AND_LENGTHS + DISTANCES],
            used: 0,
            counts: [0; SYMBOLS],
            lengths: [0; SYMBOLS],
            literals: used(&lengths.symbols).max(END + 1),
            distances: used(&lengths.distances).max(1),
            written: SYMBOLS,
        };
        let mut all = [0; LITERALS_AND_LENGTHS + DISTANCES];
        let (first, second) = (header.literals, header.literals + header.distances);
        all[..first].copy_from_slice(&lengths.symbols[..first]);
        all[first..second].copy_from_slice(&lengths.distances[..header.distances]);
        // What is repeated may begin in one alphabet and end in the other.
        for run in all[..second].chunk_by(|one, next| one == next) {
            if run[0] == 0 {
                header.push_zeros(run.len());
            } else {
                header.push_run(run[0], run.len());
            }
        }
        set_lengths(&header.counts, LONGEST, &mut header.lengths);
        while header.written > 4 && header.lengths[ORDER[header.written - 1]] == 0 {
            header.written -= 1;
        }
        header
    }

    fn push(&mut self, symbol: u8, repeats: usize) {
        self.items[self.used] = (symbol, repeats as u8);
        self.used += 1;
        self.counts[usize::from(symbol)] += 1;
    }

    fn push_zeros(&mut self, mut count: usize) {
        while count >= 11 {
            let part = count.min(138);
            self.push(MANY_ZEROS, part - 11);
            count -= part;
        }
        if count >= 3 {
            self.push(ZEROS, count - 3);
            count = 0;
        }
        (0..count).for_each(|_| self.push(0, 0));
    }

    fn push_run(&mut self, length: u8, count: usize) {
        self.push(length, 0);
        let mut count = count - 1;
        while count >= 3 {
            let part = count.min(6);
            self.push(REPEAT, part - 3);
            count -= part;
        }
        (0..count).for_each(|_| self.push(length, 0));
    }

    /// Bits of the header, the type of the block included.
    pub(super) fn cost(&self) -> u64 {
        let symbols = self.counts.iter().zip(&self.lengths).zip(0..);
        let bits = symbols.map(|((&count, &length), symbol)| {
            u64::from(count) * u64::from(u32::from(length) + extra(symbol))
        });
        3 + 14 + 3 * self.written as u64 + bits.sum::<u64>()
    }

    pub(super) fn write(&self, out: &mut BitWriter) {
        let sizes =
            [(self.literals - (END + 1), 5), (self.distances - 1, 5), (self.written - 4, 4)];
        for (size, bits) in sizes {
            out.put(size as u64, bits);
        }
        for &symbol in &ORDER[..self.written] {
            out.put(u64::from(self.lengths[symbol]), 3);
        }
        let mut codes = [0; SYMBOLS];
        set_codes(&self.lengths, &mut codes);
        for &(symbol, repeats) in &self.items[..self.used] {
            let (code, length) = (codes[usize::from(symbol)], self.lengths[usize::from(symbol)]);
            out.put(u64::from(code), length.into());
            out.put(repeats.into(), extra(symbol));
        }
    }
}
