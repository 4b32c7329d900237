//! One DEFLATE block in the form that takes the fewest bits (RFC 1951, sections 3.2.3 to 3.2.7).

use super::bits::BitWriter;
use super::header::Header;
use super::huffman::{set_codes, set_lengths};
use super::sequence::{Histogram, Sequence};
use super::split::Block;
use super::symbol::{
    DISTANCES, END, LENGTH_SYMBOL, LITERALS_AND_LENGTHS, distance_extra, length_extra,
};
use super::window::{Bytes, load_u32};

/// Four literals are written at once, and with what is left of the byte before they fill a word.
const LONGEST_LITERAL: usize = 14;
const LONGEST_DISTANCE: usize = 15;

/// Bytes that a stored block can have.
const STORED: usize = 65535;

/// Code lengths of both alphabets.
#[derive(Clone, Debug)]
pub(super) struct Lengths {
    pub(super) symbols: [u8; LITERALS_AND_LENGTHS],
    pub(super) distances: [u8; DISTANCES],
}

impl Lengths {
    fn of(histogram: &Histogram) -> Self {
        let mut lengths = Self { symbols: [0; LITERALS_AND_LENGTHS], distances: [0; DISTANCES] };
        set_lengths(&histogram.symbols, LONGEST_LITERAL, &mut lengths.symbols);
        set_lengths(&histogram.distances[..DISTANCES], LONGEST_DISTANCE, &mut lengths.distances);
        lengths
    }

    /// Those of section 3.2.6, which need no header.
    fn fixed() -> Self {
        let mut symbols = [8; LITERALS_AND_LENGTHS];
        symbols[144..END].fill(9);
        symbols[END..280].fill(7);
        Self { symbols, distances: [5; DISTANCES] }
    }

    /// Bits that the symbols take with their extra bits.
    fn cost(&self, histogram: &Histogram) -> u64 {
        let symbols = histogram.symbols.iter().zip(&self.symbols).enumerate();
        let distances = histogram.distances.iter().zip(&self.distances).enumerate();
        let symbols = symbols.map(|(symbol, (&count, &length))| {
            let extra = symbol.checked_sub(END + 1).map_or(0, length_extra);
            u64::from(count) * u64::from(u32::from(length) + extra)
        });
        let distances = distances.map(|(symbol, (&count, &length))| {
            u64::from(count) * u64::from(u32::from(length) + distance_extra(symbol))
        });
        symbols.chain(distances).sum()
    }
}

/// Writes a block of a window; it is not the last one.
pub(super) fn write(mut block: Block, sequences: &[Sequence], bytes: &Bytes, out: &mut BitWriter) {
    block.histogram.symbols[END] = 1;
    let (own, fixed) = (Lengths::of(&block.histogram), Lengths::fixed());
    let header = Header::of(&own);
    let with_own = header.cost() + own.cost(&block.histogram);
    let with_fixed = fixed.cost(&block.histogram);
    let length = block.bytes.len() as u64;
    // For each: three bits, up to seven to the next byte, and two numbers.
    let stored = 8 * length + length.div_ceil(STORED as u64) * (3 + 7 + 32);
    if stored <= with_own.min(with_fixed) {
        return write_stored(&bytes[block.bytes], out);
    }
    let lengths = if with_fixed <= with_own {
        out.put(0b010, 3);
        fixed
    } else {
        out.put(0b100, 3);
        header.write(out);
        own
    };
    Codes::of(&lengths).write(&sequences[block.sequences], bytes, block.bytes, out);
}

/// Bytes as they are.
fn write_stored(bytes: &[u8], out: &mut BitWriter) {
    for part in bytes.chunks(STORED) {
        out.put(0, 3);
        out.align();
        let length = part.len() as u64;
        out.put(length | (length ^ 0xffff) << 16, 32);
        out.put_bytes(part);
    }
}

/// What is written for each literal, length and distance: in the lowest byte the number of its
/// bits, above that the code with the extra bits of a length.
struct Codes {
    literals: [u32; 256],
    lengths: [u32; 256],
    /// Extra bits come behind the code: the second byte is the number of bits of the code alone.
    distances: [u32; 32],
    end: (u64, u32),
}

impl Codes {
    fn of(lengths: &Lengths) -> Self {
        let mut symbols = [0; LITERALS_AND_LENGTHS];
        let mut codes = [0; DISTANCES];
        set_codes(&lengths.symbols, &mut symbols);
        set_codes(&lengths.distances, &mut codes);
        let code = |symbol: usize| (u32::from(symbols[symbol]), u32::from(lengths.symbols[symbol]));
        let mut all = Self {
            literals: [0; 256],
            lengths: [0; 256],
            distances: [0; 32],
            end: (u64::from(symbols[END]), u32::from(lengths.symbols[END])),
        };
        for (literal, packed) in all.literals.iter_mut().enumerate() {
            let (code, length) = code(literal);
            *packed = code << 8 | length;
        }
        for (place, packed) in all.lengths.iter_mut().enumerate() {
            let symbol = usize::from(LENGTH_SYMBOL[place]);
            let (code, length) = code(END + 1 + symbol);
            let extra = length_extra(symbol);
            let rest = place as u32 & ((1 << extra) - 1);
            *packed = (code | rest << length) << 8 | (length + extra);
        }
        for (symbol, packed) in all.distances[..DISTANCES].iter_mut().enumerate() {
            let (code, length) = (u32::from(codes[symbol]), u32::from(lengths.distances[symbol]));
            *packed = code << 16 | length << 8 | (length + distance_extra(symbol));
        }
        all
    }

    /// Writes all symbols of a block and its end.
    fn write(
        &self,
        sequences: &[Sequence],
        bytes: &Bytes,
        range: std::ops::Range<usize>,
        out: &mut BitWriter,
    ) {
        let position = self.write_sequences(sequences, bytes, range.start, out);
        for &literal in &bytes[position..range.end] {
            let packed = self.literals[usize::from(literal)];
            out.put(u64::from(packed >> 8), packed & 255);
        }
        out.put(self.end.0, self.end.1);
    }

    /// Returns the position behind the last sequence.
    #[inline(never)]
    fn write_sequences(
        &self,
        sequences: &[Sequence],
        bytes: &Bytes,
        mut position: usize,
        out: &mut BitWriter,
    ) -> usize {
        let (mut word, mut length) = (out.word, out.length);
        for &sequence in sequences {
            let mut left = sequence.literals();
            let mut literals = load_u32(&bytes[..], position);
            position += left;
            while left >= 4 {
                let (code, count) = self.four(literals);
                word.push(code, count);
                length = word.flush(&mut out.bytes, length);
                left -= 4;
                literals = load_u32(&bytes[..], position - left);
            }
            let (code, count) = self.up_to_three(literals, left);
            word.push(code, count);
            let (code, count) = self.found(sequence);
            position += sequence.length() + 3;
            if word.count() + count > 63 {
                length = word.flush(&mut out.bytes, length);
            }
            word.push(code, count);
            length = word.flush(&mut out.bytes, length);
        }
        (out.word, out.length) = (word, length);
        position
    }

    /// The codes of four literals, joined.
    #[inline(always)]
    fn four(&self, literals: u32) -> (u64, u32) {
        let (first, second) = self.pair(literals);
        let (third, fourth) = self.pair(literals >> 16);
        let half = first.wrapping_add(second);
        let all = half.wrapping_add(third).wrapping_add(fourth) & 255;
        (join(first, second) | join(third, fourth) << (half & 63), all)
    }

    /// The codes of the first `count` of three literals. How many can't be foreseen, so there is
    /// no branch.
    #[inline(always)]
    fn up_to_three(&self, literals: u32, count: usize) -> (u64, u32) {
        let (first, second) = self.pair(literals);
        let third = self.literals[(literals >> 16 & 255) as usize];
        let two = first.wrapping_add(second);
        let three = two.wrapping_add(third);
        let codes = join(first, second) | u64::from(third >> 8) << (two & 63);
        let by_count = (first & 255) << 8 | (two & 255) << 16 | three << 24;
        let bits = (by_count >> ((8 * count as u32) & 31)) & 63;
        (codes & ((1 << bits) - 1), bits)
    }

    #[inline(always)]
    fn pair(&self, literals: u32) -> (u32, u32) {
        (self.literals[(literals & 255) as usize], self.literals[(literals >> 8 & 255) as usize])
    }

    /// The codes of a match with all extra bits: up to 14 + 5 + 15 + 13.
    #[inline(always)]
    fn found(&self, sequence: Sequence) -> (u64, u32) {
        let length = self.lengths[sequence.length()];
        let distance = self.distances[sequence.distance_symbol()];
        let extra = sequence.distance_extra() << (distance >> 8 & 31);
        let codes = (u64::from(distance >> 16) | extra) << (length & 31);
        (u64::from(length >> 8) | codes, length.wrapping_add(distance) & 255)
    }
}

/// The codes of two literals, of 28 bits at the most.
#[inline(always)]
fn join(first: u32, second: u32) -> u64 {
    u64::from((first >> 8) | (second >> 8) << (first & 31))
}
