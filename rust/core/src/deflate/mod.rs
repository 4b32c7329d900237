//! DEFLATE (RFC 1951) by blocks that can be made in any order and joined.
//!
//! ```text
//! window ─► matching ─► parse: literals and matches, counted ─► split ─► block: header, codes ─► bits
//! ```
//!
//! The output is a pure function of the block, its dictionary and the level: integers only, tables
//! that are filled anew for each block, nothing that depends on the processor. What the encoder
//! does is part of the bytes of a layer: a change of it is a change of format version.
// Positions and bits are numbers whose range the design gives, and the hot paths are made of small
// functions that must not be calls.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::inline_always)]

mod bits;
mod block;
mod cost;
mod header;
mod huffman;
mod level;
mod logarithm;
mod matching;
mod sequence;
mod split;
mod symbol;
mod window;

use self::bits::BitWriter;
use self::matching::Matcher;
use self::sequence::{CHUNK, Parse};
use self::window::Window;

pub(crate) use self::window::REACH;

/// Compresses blocks; keeps its memory from one to the next, and nothing else.
#[derive(Debug)]
pub struct Deflate {
    window: Window,
    matcher: Box<dyn Matcher>,
    parse: Parse,
    bits: BitWriter,
}

impl Deflate {
    /// An encoder for a level from 1, the fastest, to 9.
    #[must_use]
    pub fn new(level: u32) -> Self {
        let (matcher, segment) = level::matcher(level);
        Self { window: Window::new(), matcher, parse: Parse::new(segment), bits: BitWriter::new() }
    }

    /// Compresses `block`, of 1 MiB at the most, before which `dictionary` stands, into whole bytes:
    /// DEFLATE blocks, and behind them an empty one that ends at a byte. That is the `last` one of
    /// the stream (with a fixed code, 10 bits), or else a stored one, as a sync flush ends.
    pub fn encode(&mut self, dictionary: &[u8], block: &[u8], last: bool) -> &[u8] {
        self.window.load(dictionary, block);
        self.bits.begin();
        self.matcher.begin(&self.window);
        let mut position = REACH;
        while position < self.window.end {
            position = self.compress_chunk(position);
        }
        if last {
            self.bits.put(0b011, 10);
            self.bits.align();
        } else {
            self.bits.put(0, 3);
            self.bits.align();
            self.bits.put(0xffff_0000, 32);
        }
        self.bits.written()
    }

    /// Compresses what comes next, and returns where that ends.
    fn compress_chunk(&mut self, start: usize) -> usize {
        let Self { window, matcher, parse, bits } = self;
        let short = window.end - start <= CHUNK + CHUNK / 2;
        let stop = if short { window.end } else { start + CHUNK };
        parse.begin();
        let end = matcher.parse(window, start, stop, parse);
        split::split(parse, start, |block| {
            block::write(block, parse.sequences(), &window.bytes, bits);
        });
        end
    }
}

#[cfg(test)]
pub(crate) mod tests;
