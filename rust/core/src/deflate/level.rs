//! What each level does.

use super::matching::Matcher;
use super::matching::lazy::{Effort, Lazy};
use super::matching::optimal::Optimal;
use super::matching::pair::{Double, Fourfold, Single};
use super::matching::quad::Quad;

/// The matcher of a level, and how many sequences a segment has: shorter ones find better places
/// for the ends of blocks and take longer.
pub(super) fn matcher(level: u32) -> (Box<dyn Matcher>, usize) {
    let lazy = |depth, nice, lazier| Box::new(Lazy::new(Effort { depth, nice, lazier }));
    match level {
        0..=1 => (Box::new(Quad::new()), 1024),
        2 => (Box::new(Single::new()), 1024),
        3 => (Box::new(Double::new()), 1024),
        4 => (Box::new(Fourfold::new()), 1024),
        5 => (lazy(16, 32, false), 1024),
        6 => (lazy(20, 32, false), 512),
        7 => (lazy(32, 64, true), 512),
        8 => (Box::new(Optimal::new(8, 32, 1)), 512),
        _ => (Box::new(Optimal::new(16, 64, 2)), 512),
    }
}
