//! What each level does.

use super::matching::Matcher;
use super::matching::lazy::{self, Lazy};
use super::matching::optimal::{self, Optimal};
use super::matching::pair::{Double, Fourfold, Single};
use super::matching::quad::Quad;

/// The matcher of a level, and how many sequences a segment has: shorter ones find better places
/// for the ends of blocks and take longer.
pub(super) fn matcher(level: u32) -> (Box<dyn Matcher>, usize) {
    let lazy = |depth, nice, lazier| Box::new(Lazy::new(lazy::Effort { depth, nice, lazier }));
    let optimal =
        |depth, enough, passes| Box::new(Optimal::new(optimal::Effort { depth, enough, passes }));
    match level {
        0..=1 => (Box::new(Quad::new()), 1024),
        2 => (Box::new(Single::new()), 1024),
        3 => (Box::new(Double::new()), 1024),
        4 => (Box::new(Fourfold::new()), 1024),
        5 => (lazy(16, 128, false), 1024),
        6 => (lazy(20, 128, false), 512),
        7 => (lazy(32, 258, true), 512),
        8 => (optimal(10, 20, 1), 512),
        _ => (optimal(24, 64, 2), 512),
    }
}
