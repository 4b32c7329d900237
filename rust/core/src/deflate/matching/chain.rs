//! All earlier positions of a hash, the nearest first.

use super::super::sequence::SHORTEST;
use super::super::window::{Bytes, REACH, Window, boxed, load_u32, match_length};
use super::SPREAD;

/// Bytes around a position that a search looks at: those in reach, and the longest match.
const AROUND: usize = REACH + 0xff + 4;

const HEAD_BITS: u32 = 16;
const NEAR_BITS: u32 = 14;

/// Three bytes are worth a match only if they are not too far away.
const NEAR: usize = 8192;

type Heads = [u32; 1 << HEAD_BITS];
type Near = [u16; 1 << NEAR_BITS];
type Deltas = [u16; REACH];

/// A match; without a distance there is none.
#[derive(Clone, Copy)]
pub(super) struct Match {
    pub(super) length: usize,
    pub(super) distance: usize,
}

/// The last position of each hash of four and of three bytes, and for each position in reach how far
/// before it the one with its hash stands. In 16 bits what is 64 KiB farther looks near: its bytes
/// are others, or as good as any.
#[derive(Debug)]
pub(super) struct Chain {
    /// A match of this length ends a search.
    pub(super) nice: usize,
    heads: Box<Heads>,
    near: Box<Near>,
    deltas: Box<Deltas>,
}

impl Chain {
    pub(super) fn new(nice: usize) -> Self {
        Self { nice, heads: boxed(0), near: boxed(0), deltas: boxed(0) }
    }

    /// Forgets everything, and adds the dictionary of a block.
    pub(super) fn begin(&mut self, window: &Window) {
        self.heads.fill(0);
        self.near.fill(0);
        self.add(&window.bytes, window.base, REACH);
    }

    /// Adds positions without a look at their candidates.
    #[inline(never)]
    pub(super) fn add(&mut self, bytes: &Bytes, from: usize, end: usize) {
        // In registers, where one call after the other would load them anew.
        let Self { heads, near, deltas, .. } = self;
        for (position, word) in (from..end).zip(bytes[from..end + 3].windows(4)) {
            insert(heads, near, deltas, load_u32(word, 0), position);
        }
    }

    /// The candidate before the one at `distance`.
    #[inline(always)]
    fn next(&self, position: usize, distance: usize) -> usize {
        distance + usize::from(self.deltas[(position - distance) % REACH])
    }

    /// The longest match that is longer than `longest`, after `depth` candidates at the most. The
    /// position is added.
    #[inline(always)]
    pub(super) fn find(
        &mut self,
        bytes: &Bytes,
        position: usize,
        longest: usize,
        mut depth: u32,
        near: bool,
    ) -> Match {
        let word = load_u32(&bytes[..], position);
        let (mut distance, near_distance) =
            insert(&mut self.heads, &mut self.near, &mut self.deltas, word, position);
        let mut best = Match { length: longest, distance: 0 };
        if near && longest < SHORTEST && (1..=NEAR).contains(&near_distance) {
            let unlike = load_u32(&bytes[..], position - near_distance) ^ word;
            if unlike << 8 == 0 {
                best = Match { length: SHORTEST, distance: near_distance };
            }
        }
        if distance >= REACH {
            return best;
        }
        if best.length < 4 {
            // Whoever has these four bytes is longer.
            while load_u32(&bytes[..], position - distance) != word {
                depth -= 1;
                distance = self.next(position, distance);
                if depth == 0 || distance >= REACH {
                    return best;
                }
            }
            best = Match { length: match_length(bytes, position, position - distance), distance };
            depth -= 1;
            distance = self.next(position, distance);
            if depth == 0 || distance >= REACH || best.length >= self.nice {
                return best;
            }
        }
        // Bounds that the compiler knows, so that it need not check them at each candidate.
        let Some(around) = bytes[position - REACH..].first_chunk::<AROUND>() else { return best };
        let mut last = (best.length - 3) & 0xff;
        let mut tail = load_u32(around, REACH + last);
        loop {
            let candidate = REACH - distance;
            // The byte behind the best match so far tells most often that this one is no better.
            if load_u32(around, candidate + last) == tail && load_u32(around, candidate) == word {
                let length = match_length(bytes, position, position - distance);
                if length > best.length {
                    best = Match { length, distance };
                    if length >= self.nice {
                        return best;
                    }
                    last = (length - 3) & 0xff;
                    tail = load_u32(around, REACH + last);
                }
            }
            depth -= 1;
            distance = self.next(position, distance);
            if depth == 0 || distance >= REACH {
                return best;
            }
        }
    }

    /// Calls `tell` for matches of growing lengths, up to `most`, with the least distance of each,
    /// among `depth` candidates; returns the longest one's length. The position is added.
    #[inline(always)]
    pub(super) fn list(
        &mut self,
        bytes: &Bytes,
        position: usize,
        most: usize,
        depth: u32,
        mut tell: impl FnMut(usize, usize),
    ) -> usize {
        let word = load_u32(&bytes[..], position);
        let (mut distance, near_distance) =
            insert(&mut self.heads, &mut self.near, &mut self.deltas, word, position);
        let mut longest = 0;
        if most >= SHORTEST && (1..REACH).contains(&near_distance) {
            let unlike = load_u32(&bytes[..], position - near_distance) ^ word;
            if unlike << 8 == 0 {
                longest = SHORTEST;
                tell(longest, near_distance);
            }
        }
        if most < 4 {
            return longest;
        }
        let mut last = 0;
        let mut tail = word;
        for _ in 0..depth {
            if distance >= REACH {
                break;
            }
            let candidate = position - distance;
            if load_u32(&bytes[..], candidate + last) == tail
                && load_u32(&bytes[..], candidate) == word
            {
                let length = match_length(bytes, position, candidate).min(most);
                if length > longest {
                    longest = length;
                    tell(length, distance);
                    if length >= self.nice.min(most) {
                        break;
                    }
                    last = length - 3;
                    tail = load_u32(&bytes[..], position + last);
                }
            }
            distance = self.next(position, distance);
        }
        longest
    }
}

/// Adds a position; returns how far back the last ones of four and of three such bytes are.
#[inline(always)]
fn insert(
    heads: &mut Heads,
    near: &mut Near,
    deltas: &mut Deltas,
    word: u32,
    position: usize,
) -> (usize, usize) {
    let head = &mut heads[head_hash(word)];
    let distance = position - *head as usize;
    *head = position as u32;
    deltas[position % REACH] = distance as u16;
    let near = &mut near[near_hash(word)];
    let near_distance = usize::from((position as u16).wrapping_sub(*near));
    *near = position as u16;
    (distance, near_distance)
}

#[inline(always)]
const fn head_hash(word: u32) -> usize {
    (word.wrapping_mul(SPREAD) >> (32 - HEAD_BITS)) as usize
}

#[inline(always)]
const fn near_hash(word: u32) -> usize {
    ((word << 8).wrapping_mul(SPREAD) >> (32 - NEAR_BITS)) as usize
}
