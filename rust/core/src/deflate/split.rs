//! Where DEFLATE blocks end: segments are joined as long as one code for both takes fewer bits than
//! two codes with a header each.

use super::logarithm::{PLACES, logarithm};
use super::sequence::{Histogram, Parse};

/// Bits that a header takes, by and large, and what each symbol adds to it.
const HEADER: u64 = 150;
const HEADER_SYMBOL: u64 = 3;

/// A number times its logarithm.
#[inline(always)]
fn weighted(number: u32) -> u64 {
    u64::from(number) * u64::from(logarithm(number))
}

/// The entropy of all symbols, and how many of them there are.
fn entropy(counts: &[u32]) -> (u64, u64) {
    let (mut sum, mut parts, mut used) = (0, 0, 0);
    for &count in counts {
        sum += count;
        parts += weighted(count);
        used += u64::from(count > 0);
    }
    (weighted(sum) - parts, used)
}

/// Bits of a block with these symbols, without extra bits.
fn cost(histogram: &Histogram) -> u64 {
    let (symbols, used) = entropy(&histogram.symbols);
    let (distances, used_distances) = entropy(&histogram.distances);
    ((symbols + distances) >> PLACES) + HEADER + (used + used_distances) * HEADER_SYMBOL
}

/// A stretch of a chunk that becomes one DEFLATE block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) histogram: Histogram,
    /// Its sequences, by their numbers.
    pub(super) sequences: std::ops::Range<usize>,
    /// Its bytes, by their positions.
    pub(super) bytes: std::ops::Range<usize>,
}

/// Calls `write` for each block of a chunk that begins at `start`.
pub(super) fn split(parse: &Parse, start: usize, mut write: impl FnMut(Block)) {
    let mut open: Option<(Block, u64)> = None;
    let (mut sequence, mut position) = (0, start);
    for segment in &parse.segments {
        let sequences = sequence..segment.sequences;
        let bytes = position..segment.position;
        (sequence, position) = (sequences.end, bytes.end);
        let alone = cost(&segment.histogram);
        if let Some((block, cost_so_far)) = &mut open {
            let mut joined = block.histogram;
            joined.add(&segment.histogram);
            let together = cost(&joined);
            if together <= *cost_so_far + alone {
                block.histogram = joined;
                block.sequences.end = sequences.end;
                block.bytes.end = bytes.end;
                *cost_so_far = together;
                continue;
            }
        }
        let block = Block { histogram: segment.histogram, sequences, bytes };
        if let Some((done, _)) = open.replace((block, alone)) {
            write(done);
        }
    }
    if let Some((last, _)) = open {
        write(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_counted_in_bits() {
        // So many symbols that are equally frequent take ten bits each.
        let (bits, used) = entropy(&[64; 1024]);
        assert_eq!((bits >> PLACES, used), (64 * 1024 * 10, 1024));
    }

    /// Segments that each have the symbols of one of these lists.
    fn blocks(segments: &[&[usize]]) -> Vec<usize> {
        let mut parse = Parse::new(1);
        for (place, symbols) in segments.iter().enumerate() {
            for &symbol in *symbols {
                parse.counts.literals[0][symbol] += 1000;
            }
            parse.close(place + 1);
        }
        let mut ends = Vec::new();
        split(&parse, 0, |block| ends.push(block.bytes.end));
        ends
    }

    #[test]
    fn what_is_alike_is_one_block() {
        let (few, others): (Vec<_>, Vec<_>) = ((0..32).collect(), (100..132).collect());
        assert_eq!(blocks(&[&few, &few, &few]), [3]);
        assert_eq!(blocks(&[&few, &few, &others, &others, &few]), [2, 4, 5]);
        assert_eq!(blocks(&[]), []);
    }
}
