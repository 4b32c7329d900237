//! Any bytes as a compressed stream: what comes out must not depend on how it is read.
#![no_main]

use std::io::{BufReader, Read};

use fastlayer_core::source::Decoder;
use libfuzzer_sys::fuzz_target;

/// How much is read of one stream: a few bytes may say that they are gigabytes.
const LIMIT: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let whole = decode(BufReader::new(bytes));
    // Three bytes at a time end inside every header and trailer.
    let pieces = decode(BufReader::with_capacity(3, bytes));
    // What stands behind the limit may have been looked at, or not.
    let cut = [&whole, &pieces].into_iter().flatten().any(|(content, _)| content.len() >= LIMIT);
    assert!(cut || whole == pieces, "reading it in pieces gives something else");
});

/// What comes out, and how many members or frames that were; `None` after an error.
fn decode(input: BufReader<&[u8]>) -> Option<(Vec<u8>, u64)> {
    let mut decoder = Decoder::new(input).ok()?;
    let mut content = Vec::new();
    decoder.by_ref().take(LIMIT as u64).read_to_end(&mut content).ok()?;
    Some((content, decoder.parts()))
}
