use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A skippable frame, which holds nothing for us.
const SKIPPABLE: &[u8] = b"\x5a\x2a\x4d\x18\x03\0\0\0abc";

/// Reads all through a buffer of `capacity`, so that everything straddles its edges.
fn decode(bytes: &[u8], capacity: usize) -> Result<(Vec<u8>, u64), String> {
    let input = io::BufReader::with_capacity(capacity, bytes);
    let mut decoder = Decoder::new(input).map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    decoder.read_to_end(&mut content).map_err(|error| error.to_string())?;
    Ok((content, decoder.parts()))
}

fn noise() -> Vec<u8> {
    (0..70_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect()
}

#[test]
fn all_members_and_frames_are_read() {
    let noise = noise();
    for capacity in [1, 7, 8192] {
        let members = [gzip(b"one"), gzip(b""), gzip(&noise)].concat();
        assert_eq!(decode(&members, capacity).unwrap(), ([b"one", &*noise].concat(), 3));
        let frames = [SKIPPABLE, &zstd(b"one"), SKIPPABLE, &zstd(b""), &zstd(&noise), SKIPPABLE];
        assert_eq!(decode(&frames.concat(), capacity).unwrap(), ([b"one", &*noise].concat(), 3));
        assert_eq!(decode(&noise, capacity).unwrap(), (noise.clone(), 0));
    }
    assert_eq!(decode(b"", 1).unwrap(), (Vec::new(), 0));
    assert_eq!(decode(b"\x1f", 1).unwrap(), (b"\x1f".to_vec(), 0));
}

#[test]
fn zeroes_after_the_last_gzip_member_are_padding_and_nothing_else_is() {
    let member = gzip(b"one");
    assert_eq!(decode(&[&*member, &[0; 9000]].concat(), 64).unwrap().0, b"one");
    for (tail, message) in [
        (&b"\0\0x"[..], "other bytes follow the zeroes"),
        (b"x", "something else follows"),
        (b"\x1f", "inside a member's header"),
        (b"\x1f\x8b\x08\xff\0\0\0\0\0\0", "flags 0xff"),
    ] {
        let error = decode(&[&*member, tail].concat(), 64).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    assert!(decode(&[&*zstd(b"one"), &[0; 9]].concat(), 64).is_err());
}

#[test]
fn a_stream_cut_anywhere_is_an_error() {
    let content = &noise()[..3000];
    for whole in [gzip(content), zstd(content), [zstd(b"x"), SKIPPABLE.to_vec()].concat()] {
        for length in 10..whole.len() {
            let cut_between = length == zstd(b"x").len() && whole.ends_with(SKIPPABLE);
            assert_eq!(decode(&whole[..length], 8192).is_ok(), cut_between, "{length}");
            assert_eq!(decode(&whole[..length], 1).is_ok(), cut_between, "{length}");
        }
    }
    let two = [gzip(b"x"), gzip(b"y")].concat();
    for length in gzip(b"x").len() + 1..two.len() {
        assert!(decode(&two[..length], 8192).is_err());
    }
}

#[test]
fn a_damaged_checksum_is_an_error() {
    let mut member = gzip(b"content");
    let crc = member.len() - 8;
    member[crc] ^= 1;
    assert!(decode(&member, 64).unwrap_err().contains("the CRC of the content is"));
    member[crc] ^= 1;
    member[crc + 4] ^= 1;
    assert!(decode(&member, 64).unwrap_err().contains("has 7 bytes (modulo 2^32)"));
    let mut frame = zstd(b"content");
    *frame.last_mut().unwrap() ^= 1;
    assert!(decode(&frame, 64).is_err());
}

#[test]
fn a_decoder_that_failed_does_not_go_on() {
    let mut member = gzip(b"content");
    *member.last_mut().unwrap() ^= 1;
    let mut decoder = Decoder::new(Cursor::new(&member)).unwrap();
    let mut content = Vec::new();
    assert!(decoder.read_to_end(&mut content).is_err());
    assert!(decoder.read(&mut [0; 9]).is_err());
}

#[test]
fn a_window_beyond_the_limit_is_refused() {
    // A frame that asks for 256 MiB before it says what for.
    let frame = b"\x28\xb5\x2f\xfd\0\x90\x01\0\0";
    assert!(decode(frame, 64).unwrap_err().contains("zstd"));
}

#[test]
fn other_compressions_are_refused_by_name_and_their_look_alikes_are_not() {
    assert!(decode(b"\xfd7zXZ\0...", 64).unwrap_err().contains("compressed with xz"));
    assert!(decode(b"BZh91AY&SY...", 64).unwrap_err().contains("compressed with bzip2"));
    for name in [&b"BZh9 notes.txt"[..], b"\x1f\x8b name", b"\xfd7z"] {
        assert_eq!(decode(name, 64).unwrap().0, name);
    }
}

#[test]
fn the_optional_parts_of_a_gzip_header_are_passed_over() {
    let plain = gzip(b"content");
    let mut header = plain[..10].to_vec();
    // Header CRC, extra field, name and comment.
    header[3] = 2 | 4 | 8 | 16;
    header.extend(b"\x05\0extraname\0comment\0");
    let mut crc = flate2::Crc::new();
    crc.update(&header);
    header.extend(&crc.sum().to_le_bytes()[..2]);
    assert_eq!(decode(&[&*header, &plain[10..]].concat(), 64).unwrap().0, b"content");
    *header.last_mut().unwrap() ^= 1;
    let error = decode(&[&*header, &plain[10..]].concat(), 64).unwrap_err();
    assert!(error.contains("CRC of a member's header"));
}

proptest! {
    #[test]
    fn damage_never_gives_more_than_an_error(
        content in vec(any::<u8>(), 0..2000),
        at: prop::sample::Index,
        value: u8,
        compressed_by_zstd: bool,
    ) {
        let mut bytes = if compressed_by_zstd { zstd(&content) } else { gzip(&content) };
        let at = at.index(bytes.len());
        bytes[at] = value;
        // zstd and gzip both check the content, so whatever is still read as such is right.
        if let Ok((read, parts)) = decode(&bytes, 64) && parts == 1 {
            prop_assert_eq!(read, content);
        }
    }

    #[test]
    fn noise_behind_a_magic_is_read_to_an_end(
        bytes in vec(any::<u8>(), 0..2000),
        compressed_by_zstd: bool,
    ) {
        let magic: &[u8] =
            if compressed_by_zstd { b"\x28\xb5\x2f\xfd" } else { b"\x1f\x8b\x08\0\0\0\0\0\0\0" };
        let _ = decode(&[magic, &bytes].concat(), 64);
    }
}
