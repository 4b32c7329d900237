//! A block with what stands before it, in memory of a fixed size: checks of bounds cost little
//! where the compiler knows the bound.

use super::sequence::{LONGEST, SHORTEST};

/// How far back a match may lie, and so how much stands before a block (RFC 1951, section 2).
pub(crate) const REACH: usize = 1 << 15;

/// The longest block.
pub(super) const CAPACITY: usize = 1 << 20;

/// Zeros behind the block, so that matching may look past its end.
const SLACK: usize = LONGEST + 16;

pub(super) const SIZE: usize = REACH + CAPACITY + SLACK;

/// All bytes of a window; the block begins at [`REACH`].
pub(super) type Bytes = [u8; SIZE];

/// The bytes before a position, the one there, and those that are compared at once.
pub(super) type Before = [u8; REACH + 16];

/// A block and the bytes before it. Positions count from its first byte, so that those of the
/// block begin at [`REACH`].
#[derive(Debug)]
pub(super) struct Window {
    pub(super) bytes: Box<Bytes>,
    /// Where the dictionary begins.
    pub(super) base: usize,
    /// Where the block ends.
    pub(super) end: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { bytes: boxed(0), base: REACH, end: REACH }
    }

    /// Takes in a block of at most [`CAPACITY`] bytes, and the last [`REACH`] of the dictionary.
    pub(super) fn load(&mut self, dictionary: &[u8], block: &[u8]) {
        let dictionary = &dictionary[dictionary.len().saturating_sub(REACH)..];
        self.base = REACH - dictionary.len();
        self.end = REACH + block.len();
        // Nothing of an earlier block may be seen, not even where it is no candidate.
        self.bytes[..self.base].fill(0);
        self.bytes[self.base..REACH].copy_from_slice(dictionary);
        self.bytes[REACH..self.end].copy_from_slice(block);
        self.bytes[self.end..self.end + SLACK].fill(0);
    }
}

/// Memory of a fixed size, made without a copy of it on the stack.
pub(super) fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    let Ok(array) = vec![value; N].into_boxed_slice().try_into() else {
        unreachable!("it has the length that it was made with");
    };
    array
}

#[inline(always)]
pub(super) fn load_u32(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

#[inline(always)]
pub(super) fn load_u64(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

#[inline(always)]
fn load_u128(bytes: &[u8], at: usize) -> u128 {
    let mut word = [0; 16];
    word.copy_from_slice(&bytes[at..at + 16]);
    u128::from_le_bytes(word)
}

/// How many bytes at `position` are those at the earlier `candidate`: at most [`LONGEST`].
#[inline(always)]
pub(super) fn match_length(bytes: &Bytes, position: usize, candidate: usize) -> usize {
    let mut length = 0;
    // Sixteen bytes at once, for whether eight of them are alike can't be foreseen.
    while length < LONGEST {
        let one = load_u128(&bytes[..], position + length);
        let unlike = one ^ load_u128(&bytes[..], candidate + length);
        if unlike != 0 {
            return (length + (unlike.trailing_zeros() >> 3) as usize).min(LONGEST);
        }
        length += 16;
    }
    LONGEST
}

const _: () = assert!(SHORTEST < 8, "what is left behind the last match is taken as literals");
