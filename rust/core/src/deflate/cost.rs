//! What each symbol costs, as far as that is known before its code is.

use super::logarithm::{PLACES, logarithm};
use super::sequence::{Histogram, LONGEST, SHORTEST};
use super::symbol::{DISTANCES, END, LENGTH_SYMBOL, distance_extra, distance_symbol, length_extra};

/// Costs are counted in such parts of a bit: those of a whole chunk fit into 32 bits.
const PARTS: u32 = 6;

/// Costs of all literals, of all lengths, and of all distances by their symbols, with extra bits.
#[derive(Clone, Debug)]
pub(super) struct Costs {
    pub(super) literals: [u32; 256],
    pub(super) lengths: [u32; LONGEST + 1],
    distances: [u32; 32],
}

impl Costs {
    pub(super) const NONE: Self =
        Self { literals: [0; 256], lengths: [0; LONGEST + 1], distances: [0; 32] };

    #[inline(always)]
    pub(super) fn distance(&self, distance: usize) -> u32 {
        self.distances[(distance_symbol(distance as u32 - 1) & 31) as usize]
    }

    /// Costs of symbols that are as frequent as in `histogram`. What doesn't occur in it counts half.
    pub(super) fn set(&mut self, histogram: &Histogram) {
        let symbols = bits(&histogram.symbols);
        let distances = bits(&histogram.distances[..DISTANCES]);
        for (cost, count) in self.literals.iter_mut().zip(&histogram.symbols) {
            *cost = symbols(*count);
        }
        for (cost, symbol) in self.lengths[SHORTEST..].iter_mut().zip(&LENGTH_SYMBOL) {
            let symbol = usize::from(*symbol);
            *cost = symbols(histogram.symbols[END + 1 + symbol]) + (length_extra(symbol) << PARTS);
        }
        for (symbol, cost) in self.distances[..DISTANCES].iter_mut().enumerate() {
            *cost = distances(histogram.distances[symbol]) + (distance_extra(symbol) << PARTS);
        }
    }
}

/// The length of an ideal code by how often its symbol occurs.
fn bits(counts: &[u32]) -> impl Fn(u32) -> u32 {
    let sum = logarithm(counts.iter().sum::<u32>().max(1) * 2);
    move |count| (sum - logarithm((count * 2).max(1))) >> (PLACES - PARTS)
}
