use std::io::Read;

use flate2::bufread::DeflateDecoder;

use super::super::{BlockEncoder, Compression, DICTIONARY, FrameEncoder};
use super::*;
use crate::cancel::Cancel;
use crate::deflate::tests::noise;

/// Some of all: what has matches, zeroes, and what no encoder makes smaller.
fn mixed(length: usize) -> Vec<u8> {
    let text = b"not all those who wander are lost; ".repeat(length / 70 + 1);
    let mut bytes = [&text[..], &vec![0; length / 4], &noise(length / 2 + 1)].concat();
    bytes.truncate(length);
    bytes
}

fn encoded(level: u32, dictionary: &[u8], block: &[u8], last: bool) -> EncodedBlock {
    let mut encoded = EncodedBlock::default();
    BlockEncoder::new(level).encode(dictionary, block, last, &mut encoded);
    encoded
}

#[test]
fn a_right_block_passes_whatever_was_checked_before() {
    let mut check = BlockCheck::new();
    for level in Compression::GZIP_LEVELS {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let block = mixed(length);
            for (dictionary, last) in [(0, true), (1, false), (DICTIONARY, false)] {
                let dictionary = mixed(dictionary);
                let encoded = encoded(level, &dictionary, &block, last);
                check.compare(&dictionary, &block, last, &encoded).unwrap();
                assert!(check.compare(&dictionary, b"other", last, &encoded).is_err());
                let mut cut = EncodedBlock { crc: encoded.crc, bytes: encoded.bytes };
                cut.bytes.pop();
                assert!(check.compare(&dictionary, &block, last, &cut).is_err());
            }
        }
    }
}

/// Whether another reader gets `block` of `encoded` and what follows it, and stops at its end.
fn is_read(dictionary: &[u8], block: &[u8], last: bool, encoded: &[u8]) -> bool {
    let length = u16::try_from(dictionary.len()).unwrap();
    let header = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
    let next: &[u8] = if last { &[] } else { &[1, 1, 0, 254, 255, 7] };
    let stream = [&header[..], dictionary, encoded, next].concat();
    let mut decoder = DeflateDecoder::new(&stream[..]);
    let mut out = Vec::new();
    let whole = decoder.read_to_end(&mut out).is_ok() && decoder.into_inner().is_empty();
    whole && out == [dictionary, block, if last { &[] } else { &[7] }].concat()
}

#[test]
fn any_wrong_bit_of_a_block_is_seen_unless_readers_do_not_care() {
    let (dictionary, block) = (mixed(300), mixed(600));
    let mut check = BlockCheck::new();
    for level in [1, 4, 9] {
        for last in [false, true] {
            let mut encoded = encoded(level, &dictionary, &block, last);
            let mut seen = 0;
            for bit in 0..8 * encoded.bytes.len() {
                encoded.bytes[bit / 8] ^= 1 << (bit % 8);
                let passes = check.compare(&dictionary, &block, last, &encoded).is_ok();
                assert_eq!(passes, is_read(&dictionary, &block, last, &encoded.bytes), "bit {bit}");
                seen += usize::from(!passes);
                encoded.bytes[bit / 8] ^= 1 << (bit % 8);
            }
            assert!(seen > 7 * encoded.bytes.len(), "{seen} wrong bits seen");
        }
    }
}

#[test]
fn a_block_that_ends_elsewhere_or_has_another_crc_is_refused() {
    let (block, mut check) = (mixed(600), BlockCheck::new());
    let mut said = |last, encoded: &EncodedBlock| check.compare(b"", &block, last, encoded);
    for last in [false, true] {
        let right = encoded(4, b"", &block, last);
        assert_eq!(said(!last, &right).unwrap_err(), "it ends elsewhere");
        let mut long = encoded(4, b"", &block, last);
        long.bytes.push(0);
        assert_eq!(said(last, &long).unwrap_err(), "it ends elsewhere");
        let mut other = encoded(4, b"", &block, last);
        other.crc.update(b"x");
        assert_eq!(said(last, &other).unwrap_err(), "its CRC-32 is another");
    }
    let short = encoded(4, b"", &block[..599], true);
    assert_eq!(said(true, &short).unwrap_err(), "the last 1 bytes are missing");
    assert_eq!(
        said(true, &encoded(4, b"", &noise(600), true)).unwrap_err(),
        "it gives other bytes"
    );
}

fn frame(level: u32, input: &[u8]) -> Vec<u8> {
    let (mut encoder, mut frame) = (FrameEncoder::new(level, 1).unwrap(), Vec::new());
    encoder.write(input, &mut frame, &Cancel::default()).unwrap();
    encoder.finish(&mut frame).unwrap();
    frame
}

/// What is said of a frame that comes in pieces.
fn said(frame: &[u8], piece: usize, input: &[u8]) -> Result<()> {
    let mut check = FrameCheck::new().unwrap();
    frame.chunks(piece).try_for_each(|piece| check.add(piece))?;
    check.add(b"")?;
    check.finish(Digest::of(input))
}

#[test]
fn a_right_frame_passes_in_any_pieces() {
    for level in [1, 3, 22] {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let input = mixed(length);
            let frame = frame(level, &input);
            for piece in [1000, 100_000, usize::MAX] {
                said(&frame, piece, &input).unwrap();
            }
        }
    }
}

#[test]
fn any_wrong_bit_of_a_frame_is_seen_unless_readers_do_not_care() {
    let input = mixed(600);
    let mut frame = frame(3, &input);
    let mut seen = 0;
    for bit in 0..8 * frame.len() {
        frame[bit / 8] ^= 1 << (bit % 8);
        match said(&frame, 100, &input) {
            Ok(()) => assert!(zstd::decode_all(&frame[..]).unwrap() == input, "bit {bit}"),
            Err(error) => {
                assert!(error.to_string().starts_with("internal error: zstd: the frame is wrong"));
                seen += 1;
            }
        }
        frame[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(seen > 7 * frame.len(), "{seen} wrong bits seen");
}

#[test]
fn a_frame_that_is_cut_goes_on_or_holds_something_else_is_refused() {
    let input = mixed(600);
    let right = frame(3, &input);
    let message = |frame: &[u8], piece| said(frame, piece, &input).unwrap_err().to_string();
    let begin = "internal error: zstd: the frame is wrong";
    for piece in [1, usize::MAX] {
        let cut = message(&right[..right.len() - 1], piece);
        assert_eq!(cut, format!("{begin}, at byte 600 of the tar: it has no end"));
        let long = message(&[&right[..], &right].concat(), piece);
        assert_eq!(long, format!("{begin}, at byte 600 of the tar: it goes on after its end"));
    }
    let other = noise(600);
    let digests = format!("it gives {}, not {}", Digest::of(&other), Digest::of(&input));
    assert_eq!(message(&frame(3, &other), usize::MAX), format!("{begin}: {digests}"));
}
