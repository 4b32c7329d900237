//! Any bytes as what stands before a file and overrides its header: extended records, long names,
//! and the map of a sparse file in its first blocks.
#![no_main]

use fastlayer_core::tar::{BLOCK, archive_member_header};
use fastlayer_fuzz::{check_archive, seal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says of what kind the rest is, and whether its last block is the content.
    let Some((&kind, rest)) = bytes.split_first() else {
        return;
    };
    let blocks = rest.len() / BLOCK;
    let content = if kind & 0x80 == 0 { 0 } else { blocks.min(2) * BLOCK };
    let (records, content) = rest.split_at(rest.len() - content);
    let special = [b'x', b'x', b'g', b'L', b'K'][usize::from(kind & 0x7f) % 5];
    let file = [b'0', 0, b'2', b'1', b'5'][usize::from(kind & 0x7f) / 5 % 5];
    check_archive(&[member(special, records), member(file, content)].concat());
});

fn member(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = archive_member_header("name", content.len() as u64).unwrap().to_vec();
    bytes[156] = kind;
    seal(&mut bytes);
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}
