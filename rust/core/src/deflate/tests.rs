use std::io::Read;

use flate2::read::DeflateDecoder;
use proptest::prelude::*;

use super::window::CAPACITY;
use super::*;

const LEVELS: std::ops::RangeInclusive<u32> = 1..=9;

/// What a block decodes to behind its dictionary.
fn decoded(encoded: &[u8], dictionary: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for part in dictionary.chunks(65535) {
        let length = part.len() as u16;
        stream.push(0);
        stream.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        stream.extend(part);
    }
    stream.extend(encoded);
    let mut out = Vec::new();
    DeflateDecoder::new(&stream[..]).read_to_end(&mut out).unwrap();
    out.split_off(dictionary.len())
}

/// Encodes and decodes a block, and checks that it is never much larger than stored.
fn check(deflate: &mut Deflate, dictionary: &[u8], block: &[u8]) -> usize {
    let encoded = deflate.encode(dictionary, block, true);
    // Where a literal takes a byte, a block that is cut at a bad place costs a few more.
    let stored = block.len() + 6 * block.len().div_ceil(65535) + block.len() / 1000 + 8;
    assert!(encoded.len() <= stored, "{} bytes of {}", encoded.len(), block.len());
    assert!(decoded(encoded, dictionary) == block, "{} bytes are others", block.len());
    encoded.len()
}

/// Bytes that no encoder makes smaller.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    })
    .take(length)
    .collect()
}

/// Words of a small dictionary in no order.
fn text(length: usize) -> Vec<u8> {
    let words =
        ["layer ", "image ", "of ", "the ", "a ", "digest", ", ", "tar\n", "blob ", "sha256:"];
    noise(length)
        .iter()
        .flat_map(|&byte| words[usize::from(byte) % 10].bytes())
        .take(length)
        .collect()
}

/// Numbers of four bytes that grow, as tables in programs do.
fn table(length: usize) -> Vec<u8> {
    let step = |(at, noise): (usize, u8)| (at as u32 * 48 + u32::from(noise % 4)).to_le_bytes();
    noise(length / 4 + 1).into_iter().enumerate().flat_map(step).take(length).collect()
}

#[test]
fn blocks_of_every_length_are_read_back() {
    for level in LEVELS {
        let mut encoder = Deflate::new(level);
        for length in [0, 1, 2, 3, 4, 7, 8, 9, 257, 258, 259, CHUNK - 1, CHUNK, CHUNK + 1] {
            check(&mut encoder, b"", &text(length));
            check(&mut encoder, &text(1000), &text(length));
            check(&mut encoder, b"", &vec![7; length]);
        }
        check(&mut encoder, b"", &vec![0; CAPACITY]);
        check(&mut encoder, &text(REACH), &[text(CAPACITY - 5000), noise(5000)].concat());
    }
}

#[test]
fn every_kind_of_content_is_read_back_and_made_smaller() {
    let kinds = [
        ("text", text(300_000), 4),
        ("table", table(300_000), 1),
        ("zeros", vec![0; 300_000], 500),
    ];
    for (kind, block, factor) in &kinds {
        let sizes: Vec<_> =
            LEVELS.map(|level| check(&mut Deflate::new(level), &block[..REACH], block)).collect();
        assert!(sizes[0] < block.len() / factor, "{kind}: {sizes:?}");
        assert!(sizes.iter().all(|&size| size <= sizes[0] + sizes[0] / 20), "{kind}: {sizes:?}");
        assert!(sizes[8] <= sizes[5] + 8, "{kind}: {sizes:?}");
    }
    for level in LEVELS {
        let mixed =
            [noise(70_000), text(70_000), vec![0; 70_000], table(70_000), noise(1)].concat();
        check(&mut Deflate::new(level), b"", &mixed);
    }
}

#[test]
fn what_cannot_be_made_smaller_is_stored() {
    for level in LEVELS {
        let size = check(&mut Deflate::new(level), &noise(REACH), &text(600)[..500]);
        assert!(size < 500);
        let block: Vec<u8> = noise(CAPACITY + 100_000).split_off(100_000);
        let size = check(&mut Deflate::new(level), b"", &block);
        assert!(size <= CAPACITY + CAPACITY / 2000, "level {level}: {size}");
    }
}

#[test]
fn the_dictionary_is_used() {
    let block = noise(REACH - 300);
    for level in LEVELS {
        let size = check(&mut Deflate::new(level), &[&block[..], &[1; 200]].concat(), &block);
        assert!(size < block.len() / 50, "level {level}: {size}");
    }
}

#[test]
fn a_block_does_not_depend_on_those_before_it() {
    let others = [text(200_000), noise(CAPACITY), vec![0; 100], table(CAPACITY)];
    let block = [text(100_000), table(100_000)].concat();
    for level in LEVELS {
        let mut encoder = Deflate::new(level);
        let fresh = encoder.encode(&text(500), &block, false).to_vec();
        for other in &others {
            encoder.encode(&noise(REACH), other, false);
            assert!(encoder.encode(&text(500), &block, false) == fresh, "level {level}");
        }
    }
}

#[test]
fn blocks_are_joined_and_ended() {
    let (one, other) = (text(10_000), table(10_000));
    for level in LEVELS {
        let mut encoder = Deflate::new(level);
        let mut stream = encoder.encode(b"", &one, false).to_vec();
        assert_eq!(stream[stream.len() - 4..], [0, 0, 0xff, 0xff]);
        stream.extend(encoder.encode(&one, &other, false));
        stream.extend(encoder.encode(&other, b"", true));
        assert_eq!(stream[stream.len() - 2..], [3, 0]);
        assert!(decoded(&stream, b"") == [&one[..], &other].concat());
    }
}

/// A piece of a block: some bytes, or what stood before, by how far back and how long.
#[derive(Clone, Debug)]
enum Piece {
    Bytes(Vec<u8>),
    Run(u8, usize),
    Copy(usize, usize),
}

fn piece() -> impl Strategy<Value = Piece> {
    let length = prop_oneof![1..12_usize, 250..270_usize, 1..3000_usize];
    let distance = prop_oneof![
        1..5_usize,
        4090..4100_usize,
        8190..8196_usize,
        32_700..32_800_usize,
        1..40_000_usize
    ];
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Piece::Bytes),
        prop::collection::vec(0_u8..3, 0..300).prop_map(Piece::Bytes),
        (any::<u8>(), length.clone()).prop_map(|(byte, length)| Piece::Run(byte, length)),
        (distance, length).prop_map(|(distance, length)| Piece::Copy(distance, length)),
    ]
}

fn joined(pieces: &[Piece]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(more) => bytes.extend(more),
            Piece::Run(byte, length) => bytes.resize(bytes.len() + length, *byte),
            Piece::Copy(distance, length) => {
                let from = bytes.len().saturating_sub(*distance);
                (from..from + length)
                    .for_each(|at| bytes.push(bytes.get(at).copied().unwrap_or(1)));
            }
        }
    }
    bytes.truncate(CAPACITY);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_block_is_read_back(
        pieces in prop::collection::vec(piece(), 0..60),
        cut in 0_usize..50_000,
        level in LEVELS,
    ) {
        let bytes = joined(&pieces);
        let (dictionary, block) = bytes.split_at(cut.min(bytes.len()));
        check(&mut Deflate::new(level), &dictionary[dictionary.len().saturating_sub(REACH)..], block);
    }
}
