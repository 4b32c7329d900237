//! The slowest matcher: of all matches at all positions, the way through a chunk that takes the
//! fewest bits, by what the symbols cost in the way found before.

use super::super::cost::Costs;
use super::super::sequence::{Histogram, LONGEST, LONGEST_CHUNK, Parse, SHORTEST, Sequence};
use super::super::symbol::{END, LENGTH_SYMBOL, distance_symbol};
use super::super::window::{Bytes, Window, boxed};
use super::Matcher;
use super::chain::Chain;

/// Positions without a match worth having after which some are passed over, more and more of them.
const PATIENCE: usize = 128;
const STRIDE: usize = 8;

/// Three bytes are worth a match if they are not farther away.
const NEAR: usize = 4096;

/// A step: a literal, or a match with its length in the upper and its distance in the lower bits.
#[derive(Clone, Copy, Debug, Default)]
struct Step(u32);

impl Step {
    const LITERAL: Self = Self(1 << 16);

    const fn new(length: usize, distance: usize) -> Self {
        Self((length << 16 | distance) as u32)
    }

    const fn length(self) -> usize {
        (self.0 >> 16) as usize
    }

    const fn distance(self) -> usize {
        (self.0 & 0xffff) as usize
    }
}

/// How hard the matcher tries.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Effort {
    /// Candidates that are looked at.
    pub(in super::super) depth: u32,
    /// Inside a match of this length nobody needs others.
    pub(in super::super) enough: usize,
    /// How often the way is looked for.
    pub(in super::super) passes: u32,
}

/// Matches of a chunk, and the best way through it.
#[derive(Debug)]
pub(in super::super) struct Optimal {
    chain: Chain,
    effort: Effort,
    /// Matches of all positions; those of one have growing lengths.
    matches: Vec<Step>,
    /// Where those of each position end.
    ends: Box<[u32; LONGEST_CHUNK]>,
    /// From each position on: bits to the end of the chunk, and the first step.
    bits: Box<[u32; LONGEST_CHUNK + 1]>,
    steps: Box<[Step; LONGEST_CHUNK]>,
    costs: Box<Costs>,
}

impl Optimal {
    pub(in super::super) fn new(effort: Effort) -> Self {
        Self {
            chain: Chain::new(LONGEST),
            effort,
            matches: Vec::new(),
            ends: boxed(0),
            bits: boxed(0),
            steps: boxed(Step::default()),
            costs: Box::new(Costs::NONE),
        }
    }

    /// Finds all matches from `start` to `stop`, none of which goes on behind that.
    #[inline(never)]
    fn collect(&mut self, bytes: &Bytes, start: usize, stop: usize) {
        self.matches.clear();
        let mut misses = 0;
        let mut position = start;
        while position < stop {
            let longest = self.list(bytes, position, LONGEST.min(stop - position));
            self.ends[position - start] = self.matches.len() as u32;
            position += 1;
            let next = if longest >= self.effort.enough {
                self.add_all(bytes, position, position - 1 + longest)
            } else if self.is_hopeful(longest) {
                misses = 0;
                position
            } else {
                misses += 1;
                (position + (misses / PATIENCE).min(STRIDE)).min(stop)
            };
            self.ends[position - start..next - start].fill(self.matches.len() as u32);
            position = next;
        }
    }

    /// Lists the matches of a position, and returns the length of the longest one.
    #[inline(always)]
    fn list(&mut self, bytes: &Bytes, position: usize, most: usize) -> usize {
        let matches = &mut self.matches;
        self.chain.list(bytes, position, most, self.effort.depth, |length, distance| {
            matches.push(Step::new(length, distance));
        })
    }

    /// Adds the positions up to `end`, and returns it.
    fn add_all(&mut self, bytes: &Bytes, start: usize, end: usize) -> usize {
        self.chain.add(bytes, start, end);
        end
    }

    /// Whether matches as long as the last one are worth a search: three bytes far away turn up even
    /// where nothing can be made smaller.
    fn is_hopeful(&self, longest: usize) -> bool {
        longest > SHORTEST
            || longest == SHORTEST
                && self.matches.last().is_some_and(|last| last.distance() <= NEAR)
    }

    /// Takes the longest match everywhere: the first way, which tells what symbols cost.
    fn take_longest(&mut self, length: usize) {
        let mut begin = 0;
        for (step, &end) in self.steps[..length].iter_mut().zip(&self.ends[..]) {
            let matches = &self.matches[begin..end as usize];
            *step = matches.last().copied().unwrap_or(Step::LITERAL);
            begin = end as usize;
        }
    }

    /// Finds the first step of the best way from every position, from the last one back.
    #[inline(never)]
    fn choose(&mut self, block: &[u8]) {
        self.bits[block.len()] = 0;
        let mut end = self.matches.len();
        for (position, &byte) in block.iter().enumerate().rev() {
            let mut bits = self.costs.literals[usize::from(byte)] + self.bits[position + 1];
            let mut step = Step::LITERAL;
            let begin = position.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
            let mut shortest = SHORTEST;
            for found in &self.matches[begin..end] {
                let distance = self.costs.distance(found.distance());
                let lengths = shortest..found.length() + 1;
                let costs = &self.costs.lengths[lengths.clone()];
                let rests = &self.bits[position + lengths.start..position + lengths.end];
                for ((length, cost), rest) in lengths.zip(costs).zip(rests) {
                    let with = distance + cost + rest;
                    if with < bits {
                        bits = with;
                        step = Step::new(length, found.distance());
                    }
                }
                shortest = found.length() + 1;
            }
            end = begin;
            self.bits[position] = bits;
            self.steps[position] = step;
        }
    }

    /// How often each symbol occurs on the best way.
    fn count(&self, block: &[u8]) -> Histogram {
        let mut histogram = Histogram::EMPTY;
        let mut position = 0;
        while let Some(&byte) = block.get(position) {
            let step = self.steps[position];
            if step.length() == 1 {
                histogram.symbols[usize::from(byte)] += 1;
            } else {
                let symbol = usize::from(LENGTH_SYMBOL[step.length() - SHORTEST]);
                histogram.symbols[END + 1 + symbol] += 1;
                histogram.distances[distance_symbol(step.distance() as u32 - 1) as usize] += 1;
            }
            position += step.length();
        }
        histogram
    }

    /// Hands the best way over as sequences.
    fn tell(&self, bytes: &Bytes, start: usize, end: usize, parse: &mut Parse) {
        let (mut position, mut literals_from) = (start, start);
        while position < end {
            let step = self.steps[position - start];
            if step.length() == 1 {
                position += 1;
                continue;
            }
            let literals = position - literals_from;
            parse.counts.count_literals(bytes, literals_from, literals);
            position += step.length();
            literals_from = position;
            parse.push(Sequence::new(literals, step.length(), step.distance()), position);
        }
        parse.counts.count_literals(bytes, literals_from, end - literals_from);
        parse.close(end);
    }
}

impl Matcher for Optimal {
    fn begin(&mut self, window: &Window) {
        self.chain.begin(window);
    }

    fn parse(&mut self, window: &Window, start: usize, stop: usize, parse: &mut Parse) -> usize {
        let bytes: &Bytes = &window.bytes;
        let block = &bytes[start..stop];
        self.collect(bytes, start, stop);
        self.take_longest(block.len());
        for _ in 0..self.effort.passes {
            let histogram = self.count(block);
            self.costs.set(&histogram);
            self.choose(block);
        }
        self.tell(bytes, start, stop, parse);
        stop
    }
}
