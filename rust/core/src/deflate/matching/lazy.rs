//! The thorough matcher: no match is taken before the next position was asked whether it has a
//! better one.

use super::super::sequence::{Parse, SHORTEST, Sequence};
use super::super::window::{Bytes, Window};
use super::Matcher;
use super::chain::{Chain, Match};

/// Bytes behind the last position that is looked at, which is one before that of a lazy match.
const AHEAD: usize = 8;

/// Positions without a match after which some are passed over, more and more of them.
const PATIENCE: usize = 512;
const STRIDE: usize = 8;

/// Bytes after which the shortest match that is worth taking is told anew, and bytes that tell it.
const REGION: usize = 16 * 1024;
const SAMPLE: usize = 4096;

/// How hard the matcher tries.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Effort {
    /// Candidates that are looked at; at the next position it is half of them.
    pub(in super::super) depth: u32,
    /// A match of this length is taken as it is.
    pub(in super::super) nice: usize,
    /// Whether the position after the next one is asked too.
    pub(in super::super) lazier: bool,
}

impl Match {
    /// What it is better by than `other`, a position earlier: four times the bytes, less the bits
    /// that its distance costs more.
    fn gain(self, other: Self) -> i32 {
        let bits = |distance: usize| (distance | 1).ilog2() as i32;
        4 * (self.length as i32 - other.length as i32) + bits(other.distance) - bits(self.distance)
    }
}

/// Follows the chains as far as its effort goes.
#[derive(Debug)]
pub(in super::super) struct Lazy {
    effort: Effort,
    chain: Chain,
}

impl Lazy {
    pub(in super::super) fn new(effort: Effort) -> Self {
        Self { effort, chain: Chain::new(effort.nice) }
    }

    /// Moves on while one of the next positions, up to `limit`, has a better match; returns the first
    /// position that was not added.
    #[inline(always)]
    fn improve(
        &mut self,
        bytes: &Bytes,
        position: &mut usize,
        found: &mut Match,
        limit: usize,
    ) -> usize {
        let Effort { depth, nice, lazier } = self.effort;
        let mut known = *position + 1;
        while found.length < nice && *position < limit {
            let next =
                self.chain.find(bytes, *position + 1, found.length - 1, (depth / 2).max(1), false);
            known = *position + 2;
            if next.distance > 0 && next.gain(*found) > 2 {
                *position += 1;
                *found = next;
                continue;
            }
            if lazier {
                let next = self.chain.find(
                    bytes,
                    *position + 2,
                    found.length - 1,
                    (depth / 4).max(1),
                    false,
                );
                known = *position + 3;
                if next.distance > 0 && next.gain(*found) > 6 {
                    *position += 2;
                    *found = next;
                    continue;
                }
            }
            break;
        }
        known
    }
}

/// The shortest match that is worth taking: where few bytes occur, literals are cheap.
fn shortest_match(sample: &[u8], depth: u32) -> usize {
    let mut occurs = [false; 256];
    for &byte in sample {
        occurs[usize::from(byte)] = true;
    }
    let shortest = match occurs.iter().filter(|&&occurs| occurs).count() {
        0..=5 => 9,
        6..=7 => 8,
        8..=9 => 7,
        10..=15 => 6,
        16..=44 => 5,
        45..=79 => 4,
        _ => 3,
    };
    // A short search finds few long matches.
    match depth {
        0..=4 => shortest.min(4),
        5..=9 => shortest.min(5),
        10..=15 => shortest.min(7),
        _ => shortest,
    }
}

impl Matcher for Lazy {
    fn begin(&mut self, window: &Window) {
        self.chain.begin(window);
    }

    #[inline(never)]
    fn parse(&mut self, window: &Window, start: usize, stop: usize, parse: &mut Parse) -> usize {
        let bytes: &Bytes = &window.bytes;
        let limit = stop.min(window.end.saturating_sub(AHEAD));
        let (mut position, mut literals_from, mut misses) = (start, start, 0);
        let (mut shortest, mut region_end) = (SHORTEST, start);
        while position < limit {
            if position >= region_end {
                let sample = &bytes[position..window.end.min(position + SAMPLE)];
                shortest = shortest_match(sample, self.effort.depth);
                region_end = position + REGION;
            }
            let near = shortest <= SHORTEST;
            let mut found = self.chain.find(bytes, position, shortest - 1, self.effort.depth, near);
            if found.distance == 0 {
                position += 1;
                misses += 1;
                if misses > PATIENCE {
                    position += (misses / PATIENCE).min(STRIDE);
                }
                continue;
            }
            misses = 0;
            let known = self.improve(bytes, &mut position, &mut found, limit);
            let length = found.length.min(window.end - position);
            let literals = position - literals_from;
            parse.counts.count_literals(bytes, literals_from, literals);
            let sequence = Sequence::new(literals, length, found.distance);
            position += length;
            literals_from = position;
            if known < position {
                self.chain.add(bytes, known, position);
            }
            parse.push(sequence, position);
        }
        let end = if stop == window.end { stop } else { position };
        parse.counts.count_literals(bytes, literals_from, end - literals_from);
        parse.close(end);
        end
    }
}
