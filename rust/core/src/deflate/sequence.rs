//! What a matcher finds: runs of literals with a match behind each, and how often each symbol
//! occurs in them.

use super::symbol::{DISTANCE_MASK, END, LENGTH_SYMBOL, LITERALS_AND_LENGTHS, distance_symbol};
use super::window::{Bytes, boxed, load_u32};

/// The lengths that a match may have.
pub(super) const SHORTEST: usize = 3;
pub(super) const LONGEST: usize = 258;

/// Bytes that are parsed before they are encoded: few enough that all that is known of them stays
/// in the second-level cache.
pub(super) const CHUNK: usize = 128 * 1024;

/// A last chunk takes in what would be less than half of one; one match may pass its end.
pub(super) const LONGEST_CHUNK: usize = CHUNK + CHUNK / 2 + LONGEST;

/// Matches that a chunk can have, with room for one more.
const MOST: usize = LONGEST_CHUNK / SHORTEST + 1;

/// Literals, which stand in the input, and then a match: from the lowest bit on 21 bits of their
/// number, 8 of the match's length less 3, 5 of its distance's symbol, 13 of its extra bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence(u64);

impl Sequence {
    #[inline(always)]
    pub(super) fn new(literals: usize, length: usize, distance: usize) -> Self {
        let distance = (distance - 1) as u32;
        let symbol = distance_symbol(distance);
        let extra = distance & u32::from(DISTANCE_MASK[(symbol & 31) as usize]);
        Self(
            literals as u64
                | (length as u64 - SHORTEST as u64) << 21
                | u64::from(symbol) << 29
                | u64::from(extra) << 34,
        )
    }

    #[inline(always)]
    pub(super) const fn literals(self) -> usize {
        (self.0 & 0x1f_ffff) as usize
    }

    /// The length of the match less 3.
    #[inline(always)]
    pub(super) const fn length(self) -> usize {
        (self.0 >> 21 & 255) as usize
    }

    #[inline(always)]
    pub(super) const fn distance_symbol(self) -> usize {
        (self.0 >> 29 & 31) as usize
    }

    #[inline(always)]
    pub(super) const fn distance_extra(self) -> u64 {
        self.0 >> 34
    }
}

/// How often each symbol occurs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Histogram {
    pub(super) symbols: [u32; LITERALS_AND_LENGTHS],
    pub(super) distances: [u32; 32],
}

impl Histogram {
    pub(super) const EMPTY: Self = Self { symbols: [0; LITERALS_AND_LENGTHS], distances: [0; 32] };

    pub(super) fn add(&mut self, other: &Self) {
        let symbols = self.symbols.iter_mut().zip(&other.symbols);
        let distances = self.distances.iter_mut().zip(&other.distances);
        symbols.chain(distances).for_each(|(count, more)| *count += more);
    }
}

/// A histogram in the making. Literals have four counters each, so that equal ones in a row don't
/// wait for each other.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) literals: [[u32; 256]; 4],
    lengths: [u32; 256],
    distances: [u32; 32],
}

impl Counts {
    const NONE: Self = Self { literals: [[0; 256]; 4], lengths: [0; 256], distances: [0; 32] };

    fn take(&mut self) -> Histogram {
        let mut histogram = Histogram::EMPTY;
        for counts in &self.literals {
            histogram.symbols.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        for (&symbol, count) in LENGTH_SYMBOL.iter().zip(&self.lengths) {
            histogram.symbols[END + 1 + usize::from(symbol)] += count;
        }
        histogram.distances = self.distances;
        *self = Self::NONE;
        histogram
    }

    /// Counts `length` literals from `position` on.
    #[inline(always)]
    pub(super) fn count_literals(&mut self, bytes: &Bytes, position: usize, length: usize) {
        let [first, second, third, fourth] = &mut self.literals;
        let end = position + length;
        let mut left = length;
        let mut word = load_u32(&bytes[..], position);
        while left >= 4 {
            first[(word & 255) as usize] += 1;
            second[(word >> 8 & 255) as usize] += 1;
            third[(word >> 16 & 255) as usize] += 1;
            fourth[(word >> 24) as usize] += 1;
            left -= 4;
            word = load_u32(&bytes[..], end - left);
        }
        // Without a branch: how many are left can't be foreseen.
        first[(word & 255) as usize] += u32::from(left > 0);
        second[(word >> 8 & 255) as usize] += u32::from(left > 1);
        third[(word >> 16 & 255) as usize] += u32::from(left > 2);
    }

    #[inline(always)]
    pub(super) fn count_match(&mut self, sequence: Sequence) {
        self.lengths[sequence.length()] += 1;
        self.distances[sequence.distance_symbol()] += 1;
    }
}

/// A stretch of a chunk, the least that a DEFLATE block is made of.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) histogram: Histogram,
    /// Where its sequences and its bytes end.
    pub(super) sequences: usize,
    pub(super) position: usize,
}

/// A chunk as its matcher has parsed it.
#[derive(Debug)]
pub(super) struct Parse {
    sequences: Box<[Sequence; MOST]>,
    length: usize,
    pub(super) counts: Box<Counts>,
    pub(super) segments: Vec<Segment>,
    /// Sequences of a segment, and where the one that is open ends.
    segment: usize,
    segment_end: usize,
}

impl Parse {
    /// `segment`: how many sequences a segment has.
    pub(super) fn new(segment: usize) -> Self {
        Self {
            sequences: boxed(Sequence(0)),
            length: 0,
            counts: Box::new(Counts::NONE),
            segments: Vec::new(),
            segment,
            segment_end: segment,
        }
    }

    pub(super) fn begin(&mut self) {
        self.length = 0;
        self.segments.clear();
        self.segment_end = self.segment;
    }

    pub(super) fn sequences(&self) -> &[Sequence] {
        &self.sequences[..self.length]
    }

    /// Adds a sequence that ends at `position`; its literals are counted already.
    #[inline(always)]
    pub(super) fn push(&mut self, sequence: Sequence, position: usize) {
        self.sequences[self.length] = sequence;
        self.length += 1;
        self.counts.count_match(sequence);
        if self.length == self.segment_end {
            self.close(position);
        }
    }

    /// Ends a segment at `position`; all that is in it has been counted.
    #[inline(never)]
    pub(super) fn close(&mut self, position: usize) {
        let histogram = self.counts.take();
        self.segments.push(Segment { histogram, sequences: self.length, position });
        self.segment_end = self.length + self.segment;
    }
}
