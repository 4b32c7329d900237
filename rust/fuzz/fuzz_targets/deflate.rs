//! Blocks of any structure through the encoder of DEFLATE: what it writes is read back by another
//! one's decoder, and does not depend on what it wrote before.
//!
//! The first byte is the level, the second how much of what follows is the dictionary. Then come
//! pieces, each with two bytes in front: the kind and a length. A copy takes two bytes more, its
//! distance.
#![no_main]

use std::cell::RefCell;
use std::io::Read;

use fastlayer_core::deflate::Deflate;
use flate2::read::DeflateDecoder;
use libfuzzer_sys::fuzz_target;

/// The longest block here: two chunks and the ends of both.
const LONGEST: usize = 400_000;

/// How far back a block may refer.
const REACH: usize = 32 * 1024;

thread_local! {
    /// One encoder for each level, which serves all inputs.
    static ENCODERS: RefCell<Vec<Deflate>> = RefCell::new((1..=9).map(Deflate::new).collect());
}

fuzz_target!(|bytes: &[u8]| {
    let &[level, share, ref pieces @ ..] = bytes else { return };
    let level = level % 9;
    let input = joined(pieces);
    let (dictionary, block) = input.split_at(input.len() * usize::from(share) / 256);
    let dictionary = &dictionary[dictionary.len().saturating_sub(REACH)..];
    ENCODERS.with_borrow_mut(|encoders| {
        let encoder = &mut encoders[usize::from(level)];
        let encoded = encoder.encode(dictionary, block, true).to_vec();
        assert!(encoded.len() <= block.len() + block.len() / 500 + 16, "{} bytes", encoded.len());
        assert!(decoded(dictionary, &encoded) == block, "other bytes come out");
        // Some of what it holds by now is no part of the block.
        encoder.encode(block.get(..REACH).unwrap_or(block), dictionary, false);
        assert!(encoder.encode(dictionary, block, true) == encoded, "a second time it differs");
    });
});

/// The bytes that the pieces stand for.
fn joined(mut pieces: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    while let &[kind, length, ref rest @ ..] = pieces {
        if out.len() >= LONGEST {
            break;
        }
        // From a few bytes to some thousands.
        let length = usize::from(length) << (kind >> 5);
        pieces = match kind % 4 {
            0 => {
                let (bytes, rest) = rest.split_at(length.min(rest.len()));
                out.extend(bytes);
                rest
            }
            1 => {
                out.resize(out.len() + length, kind);
                rest
            }
            2 => {
                // What no encoder makes smaller.
                let mut state = u32::from(kind) << 16 | 0x9e37;
                out.extend((0..length).map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                }));
                rest
            }
            _ => {
                let &[low, high, ref rest @ ..] = rest else { break };
                let from = out.len().saturating_sub(usize::from(u16::from_le_bytes([low, high])));
                for at in from..from + length {
                    out.push(out.get(at).copied().unwrap_or(low));
                }
                rest
            }
        };
    }
    out.truncate(LONGEST);
    out
}

/// What a decoder makes of the block behind its dictionary.
fn decoded(dictionary: &[u8], encoded: &[u8]) -> Vec<u8> {
    let length = dictionary.len() as u16;
    let stored = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), dictionary].concat();
    let mut out = Vec::new();
    DeflateDecoder::new(stored.chain(encoded)).read_to_end(&mut out).expect("it can't be read");
    out.split_off(dictionary.len())
}
