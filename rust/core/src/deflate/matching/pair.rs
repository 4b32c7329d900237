//! The matchers between: two positions at a time, a few candidates for each and one of three bytes
//! nearby. The second position is taken where its match is the longer one.

use super::super::sequence::{Parse, Sequence};
use super::super::window::{Before, Bytes, REACH, Window, boxed, load_u32, load_u64, match_length};
use super::{Matcher, SPREAD, select};

/// Bytes behind the last pair that is looked at.
const AHEAD: usize = 8;

/// Pairs without a match after which some are passed over, more and more of them.
const PATIENCE: usize = 64;
const STRIDE: usize = 32;

/// Of a longer match only so many positions are remembered, half of them at either end.
const REMEMBERED: usize = 8;

/// Three bytes are worth a match only if they are near.
const NEAR: usize = 4096;

/// One candidate, two, or four.
pub(in super::super) type Single = Pair<u16, { 1 << 15 }>;
pub(in super::super) type Double = Pair<u32, { 1 << 14 }>;
pub(in super::super) type Fourfold = Pair<u64, { 1 << 14 }>;

/// The last positions that a hash had: the newest in the lowest 16 bits.
pub(in super::super) trait Bucket:
    Copy + Default + Into<u64> + std::fmt::Debug + Send
{
    const WAYS: usize;

    fn push(self, position: u16) -> Self;

    #[inline(always)]
    fn position(self, way: usize) -> u16 {
        (self.into() >> (16 * way)) as u16
    }
}

impl Bucket for u16 {
    const WAYS: usize = 1;

    #[inline(always)]
    fn push(self, position: u16) -> Self {
        position
    }
}

impl Bucket for u32 {
    const WAYS: usize = 2;

    #[inline(always)]
    fn push(self, position: u16) -> Self {
        self << 16 | Self::from(position)
    }
}

impl Bucket for u64 {
    const WAYS: usize = 4;

    #[inline(always)]
    fn push(self, position: u16) -> Self {
        self << 16 | Self::from(position)
    }
}

/// Buckets by the hash of four bytes, and the last position of each hash of three.
#[derive(Debug)]
pub(in super::super) struct Pair<B, const BUCKETS: usize> {
    buckets: Box<[B; BUCKETS]>,
    near: Box<[u16; NEAR]>,
}

/// A candidate in one number, greater when it is better: the length of the match, 8 standing for
/// all that are longer, and below that, in 19 bits, its place in the bytes before the position.
type Key = u32;

const PLACE_BITS: u32 = 19;
const SHORTEST: Key = 3 << PLACE_BITS;

#[inline(always)]
const fn length_of(key: Key) -> usize {
    (key >> PLACE_BITS) as usize
}

#[inline(always)]
const fn place_of(key: Key) -> usize {
    (key & 0x7fff) as usize
}

/// What is known of a position.
#[derive(Clone, Copy)]
struct Found {
    keys: [Key; 4],
    best: Key,
}

impl<B: Bucket, const BUCKETS: usize> Pair<B, BUCKETS> {
    pub(in super::super) fn new() -> Self {
        Self { buckets: boxed(B::default()), near: boxed(0) }
    }

    #[inline(always)]
    fn bucket(&mut self, word: u64) -> &mut B {
        &mut self.buckets[((word as u32).wrapping_mul(SPREAD) >> (32 - BUCKETS.ilog2())) as usize]
    }

    #[inline(always)]
    fn insert(&mut self, word: u64, position: usize) {
        let bucket = self.bucket(word);
        *bucket = bucket.push(position as u16);
    }

    /// Candidates for the position that stands `ahead` of the bytes before, and it is one itself
    /// from now on.
    #[inline(always)]
    fn find(&mut self, before: &Before, ahead: usize, position: usize) -> Found {
        let position = (position + ahead) as u16;
        let word = load_u64(&before[..], REACH + ahead);
        let bucket = self.bucket(word);
        let candidates = *bucket;
        *bucket = candidates.push(position);
        let mut found = Found { keys: [0; 4], best: 0 };
        for way in 0..B::WAYS {
            let place = usize::from(candidates.position(way).wrapping_sub(position)) & (REACH - 1);
            let unlike = load_u64(&before[..], place + ahead) ^ word;
            // The number of bits that are alike, in whole bytes, is eight times the length.
            let key = (unlike.trailing_zeros() & 0x78) << (PLACE_BITS - 3) | place as u32;
            found.keys[way] = key;
            found.best = found.best.max(key);
        }
        found.best = found.best.max(self.find_near(before, ahead, word, position));
        found
    }

    #[inline(always)]
    fn find_near(&mut self, before: &Before, ahead: usize, word: u64, position: u16) -> Key {
        let hash = (word as u32) << 8;
        let near = &mut self.near[(hash.wrapping_mul(SPREAD) >> (32 - NEAR.ilog2())) as usize];
        let place = usize::from(near.wrapping_sub(position)) & (REACH - 1);
        *near = position;
        let unlike = load_u32(&before[..], place + ahead) ^ word as u32;
        let key = select(place >= REACH - NEAR, SHORTEST | place as u32, 0);
        select(unlike << 8 == 0, key, 0)
    }

    /// Remembers the positions of a match from `from` on: of a long one those at its ends.
    #[inline(always)]
    fn remember(&mut self, bytes: &Bytes, from: usize, end: usize) {
        if end - from >= REMEMBERED {
            for ahead in 0..REMEMBERED / 2 {
                self.insert(load_u64(&bytes[..], from + ahead), from + ahead);
            }
            for behind in (1..=REMEMBERED / 2).rev() {
                self.insert(load_u64(&bytes[..], end - behind), end - behind);
            }
            return;
        }
        // Always as many: how many there are can't be foreseen.
        for position in from..from + REMEMBERED {
            let bucket = self.bucket(load_u64(&bytes[..], position));
            *bucket = select(position < end, bucket.push(position as u16), *bucket);
        }
    }
}

/// Length and place of the longest match among those that began with eight bytes.
#[inline(always)]
fn longest(bytes: &Bytes, position: usize, keys: &[Key]) -> (usize, usize) {
    let word = load_u64(&bytes[..], position + 8);
    // Eight bytes more of each: which ones are alike can't be foreseen either.
    let mut best = 0;
    let mut longer = [0; 4];
    for (key, longer) in keys.iter().zip(&mut longer) {
        let unlike = load_u64(&bytes[..], position - REACH + place_of(*key) + 8) ^ word;
        let more = (unlike.trailing_zeros() & 0x78) << (PLACE_BITS - 3);
        *longer = select(length_of(*key) == 8, key + more, 0);
        best = best.max(*longer);
    }
    let (mut length, mut place) = (length_of(best), place_of(best));
    if length == 16 {
        for &key in longer.iter().filter(|&&key| length_of(key) == 16) {
            let candidate = position - REACH + place_of(key);
            if length == 16 || bytes[candidate + length] == bytes[position + length] {
                let found = match_length(bytes, position, candidate);
                if found > length {
                    (length, place) = (found, place_of(key));
                }
            }
        }
    }
    (length, place)
}

impl<B: Bucket, const BUCKETS: usize> Matcher for Pair<B, BUCKETS> {
    fn begin(&mut self, window: &Window) {
        self.buckets.fill(B::default());
        self.near.fill(0);
        for position in window.base..REACH {
            self.insert(load_u64(&window.bytes[..], position), position);
        }
    }

    #[inline(never)]
    fn parse(&mut self, window: &Window, start: usize, stop: usize, parse: &mut Parse) -> usize {
        let bytes: &Bytes = &window.bytes;
        let limit = stop.min(window.end.saturating_sub(AHEAD));
        let (mut position, mut literals_from, mut misses) = (start, start, 0);
        while position < limit {
            let Some(before) = bytes[position - REACH..].first_chunk() else { break };
            let one = self.find(before, 0, position);
            let other = self.find(before, 1, position);
            let literals = &mut parse.counts.literals;
            if one.best.max(other.best) < SHORTEST {
                literals[0][usize::from(before[REACH])] += 1;
                literals[1][usize::from(before[REACH + 1])] += 1;
                position += 2;
                misses += 1;
                if misses > PATIENCE {
                    let stride = (misses / PATIENCE * 2).min(STRIDE);
                    let stride = stride.min(limit.saturating_sub(position));
                    parse.counts.count_literals(bytes, position, stride);
                    position += stride;
                }
                continue;
            }
            misses = 0;
            let second = length_of(other.best) > length_of(one.best);
            literals[0][usize::from(before[REACH])] += u32::from(second);
            let known = position + 2;
            position += usize::from(second);
            let best = select(second, other.best, one.best);
            let (length, place) = if length_of(best) < 8 {
                (length_of(best), place_of(best))
            } else {
                let found = if second { &other } else { &one };
                longest(bytes, position, &found.keys[..B::WAYS])
            };
            if position - REACH + place < window.base {
                parse.counts.literals[0][usize::from(bytes[position])] += 1;
                position += 1;
                continue;
            }
            let length = length.min(window.end - position);
            let sequence = Sequence::new(position - literals_from, length, REACH - place);
            position += length;
            literals_from = position;
            self.remember(bytes, known, position);
            parse.push(sequence, position);
        }
        let end = if stop == window.end { stop } else { position };
        parse.counts.count_literals(bytes, position, end - position);
        parse.close(end);
        end
    }
}
