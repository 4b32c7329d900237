//! How matches are found. Every matcher begins anew with each block: what it finds depends on the
//! block and its dictionary alone.
//!
//! Tables hold positions in 16 bits where that is enough: the distance to an entry is always one
//! that DEFLATE allows, and its bytes are always some that came before. An old entry costs a
//! comparison that fails.

mod chain;
pub(super) mod lazy;
pub(super) mod optimal;
pub(super) mod pair;
pub(super) mod quad;

use super::sequence::Parse;
use super::window::Window;

/// Finds what repeats.
pub(super) trait Matcher: std::fmt::Debug + Send {
    /// Forgets everything, and takes in the dictionary of a block.
    fn begin(&mut self, window: &Window);

    /// Parses from `start` to `stop`, or a little farther if a match goes on; returns where it ended.
    /// The last call for a block has its end as `stop`.
    fn parse(&mut self, window: &Window, start: usize, stop: usize, parse: &mut Parse) -> usize;
}

/// A factor whose product spreads four bytes over the upper bits (2^32 by the golden ratio).
const SPREAD: u32 = 0x9e37_79b1;
const SPREAD_64: u64 = 0x9e37_79b1_85eb_ca87;

/// A choice without a branch, for what can't be foreseen.
#[inline(always)]
fn select<T>(condition: bool, one: T, other: T) -> T {
    std::hint::select_unpredictable(condition, one, other)
}
