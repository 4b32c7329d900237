//! What holds for every format; what one of them has alone is tested in its own file.

use std::io::{BufReader, Cursor, Write};

use flate2::write::GzEncoder;
use liblzma::stream::{Check, MtStreamBuilder, Stream};
use liblzma::write::XzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn xz(content: &[u8]) -> Vec<u8> {
    xz_with(Stream::new_easy_encoder(0, Check::Crc64).unwrap(), content)
}

pub(super) fn xz_with(stream: Stream, content: &[u8]) -> Vec<u8> {
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// As parallel writers make it: blocks of 64 KiB, each with its sizes in front.
pub(super) fn xz_of_blocks(content: &[u8]) -> Vec<u8> {
    let mut builder = MtStreamBuilder::new();
    builder.threads(2).block_size(64 << 10).preset(0).check(Check::Crc64);
    xz_with(builder.encoder().unwrap(), content)
}

pub(super) fn zstd(content: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A skippable zstd frame, which holds nothing for us.
pub(super) const SKIPPABLE: &[u8] = b"\x5a\x2a\x4d\x18\x03\0\0\0abc";

type Encode = fn(&[u8]) -> Vec<u8>;

pub(super) const FORMATS: [(Encoding, Encode); 4] =
    [(Encoding::Gzip, gzip), (Encoding::Bzip2, bzip2), (Encoding::Xz, xz), (Encoding::Zstd, zstd)];

/// Reads all through a buffer of `capacity`, so that everything straddles its edges.
pub(super) fn decode(bytes: &[u8], capacity: usize) -> Result<(Vec<u8>, u64), String> {
    decode_on(1, bytes, capacity)
}

pub(super) fn decode_on(
    threads: usize,
    bytes: &[u8],
    capacity: usize,
) -> Result<(Vec<u8>, u64), String> {
    let input = BufReader::with_capacity(capacity, bytes);
    let mut decoder = Decoder::with_threads(input, threads).map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    decoder.read_to_end(&mut content).map_err(|error| error.to_string())?;
    Ok((content, decoder.parts()))
}

/// Bytes that no format makes much smaller.
pub(super) fn noise(length: u32) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect()
}

#[test]
fn all_parts_of_a_stream_are_read() {
    let noise = noise(70_000);
    let expected = [b"one", &*noise].concat();
    for capacity in [1, 7, 8192] {
        for (encoding, encode) in FORMATS {
            let parts = [encode(b"one"), encode(b""), encode(&noise)].concat();
            assert_eq!(Decoder::new(&*parts).unwrap().encoding(), encoding);
            assert_eq!(decode(&parts, capacity).unwrap(), (expected.clone(), 3));
            assert_eq!(decode(&encode(b""), capacity).unwrap(), (Vec::new(), 1));
        }
        assert_eq!(decode(&noise, capacity).unwrap(), (noise.clone(), 0));
    }
    assert_eq!(decode(b"", 1).unwrap(), (Vec::new(), 0));
    assert_eq!(decode(b"\x1f", 1).unwrap(), (b"\x1f".to_vec(), 0));
}

#[test]
fn skippable_zstd_frames_are_no_parts() {
    let frames = [SKIPPABLE, &zstd(b"one"), SKIPPABLE, &zstd(b""), &zstd(b"two"), SKIPPABLE];
    for capacity in [1, 8192] {
        assert_eq!(decode(&frames.concat(), capacity).unwrap(), (b"onetwo".to_vec(), 3));
    }
}

#[test]
fn only_zeroes_may_follow_and_only_where_the_tool_of_the_format_takes_them() {
    for (encoding, encode) in FORMATS {
        let part = encode(b"one");
        for (zeroes, allowed) in [
            (1, matches!(encoding, Encoding::Gzip | Encoding::Bzip2)),
            (9000, encoding != Encoding::Zstd),
            (9002, matches!(encoding, Encoding::Gzip | Encoding::Bzip2)),
        ] {
            let result = decode(&[&*part, &vec![0; zeroes]].concat(), 64);
            assert_eq!(result.is_ok(), allowed, "{encoding:?}, {zeroes}: {result:?}");
        }
        for tail in [&b"x"[..], b"no part at all", &part[..3], b"\0\0\0\0x", &part[1..]] {
            let error = decode(&[&*part, tail].concat(), 64).unwrap_err();
            assert!(error.contains(encoding.name()), "{error}");
        }
    }
}

#[test]
fn a_stream_cut_anywhere_is_an_error() {
    let content = &noise(3000);
    for (_, encode) in FORMATS {
        let first = encode(b"x").len();
        let whole = [encode(b"x"), encode(content)].concat();
        // With less than its magic it is taken for a tar.
        for length in 10..whole.len() {
            for capacity in [1, 8192] {
                let result = decode(&whole[..length], capacity);
                assert_eq!(result.is_ok(), length == first, "{length}: {result:?}");
            }
        }
    }
    let frames = [zstd(b"x"), SKIPPABLE.to_vec()].concat();
    for length in zstd(b"x").len() + 1..frames.len() {
        assert!(decode(&frames[..length], 64).is_err());
    }
}

#[test]
fn a_decoder_that_failed_does_not_go_on() {
    for (_, encode) in FORMATS {
        let mut damaged = encode(&noise(3000));
        let middle = damaged.len() / 2;
        damaged[middle..].fill(0xee);
        let mut decoder = Decoder::new(Cursor::new(&damaged)).unwrap();
        assert!(decoder.read_to_end(&mut Vec::new()).is_err());
        assert!(decoder.read(&mut [0; 9]).is_err());
    }
}

#[test]
fn interrupted_reads_are_repeated_and_the_end_is_asked_for_once() {
    /// Is interrupted before each byte and before the end, after which it may not be read.
    struct Nervous<'a>(&'a [u8], bool, bool);
    impl Read for Nervous<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.2, "read after its end");
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            self.2 = self.0.is_empty();
            self.0.read(&mut buffer[..1])
        }
    }
    for (_, encode) in FORMATS {
        let bytes = encode(b"content");
        let input = BufReader::new(Nervous(&bytes, false, false));
        let mut decoder = Decoder::new(input).unwrap();
        let mut content = [0; 7];
        let mut filled = 0;
        while filled < content.len() {
            filled += decoder.read(&mut content[filled..]).unwrap();
        }
        assert_eq!(&content, b"content");
        assert_eq!(decoder.read(&mut [0; 9]).unwrap(), 0);
    }
}

#[test]
fn a_window_beyond_the_limit_is_refused() {
    // A frame that asks for 256 MiB before it says what for.
    let frame = b"\x28\xb5\x2f\xfd\0\x90\x01\0\0";
    assert!(decode(frame, 64).unwrap_err().contains("zstd"));
}

proptest! {
    #[test]
    fn damage_never_gives_more_than_an_error(
        content in vec(any::<u8>(), 0..2000),
        at: prop::sample::Index,
        value: u8,
        format in 0..FORMATS.len(),
    ) {
        let mut bytes = FORMATS[format].1(&content);
        let at = at.index(bytes.len());
        bytes[at] = value;
        // Each format checks the content, so whatever is still read as such is right.
        if let Ok((read, parts)) = decode(&bytes, 64) && parts == 1 {
            prop_assert_eq!(read, content);
        }
    }

    #[test]
    fn noise_behind_a_magic_is_read_to_an_end(
        bytes in vec(any::<u8>(), 0..2000),
        kept in 0..40_usize,
        format in 0..FORMATS.len(),
    ) {
        let start = FORMATS[format].1(b"some content");
        let _ = decode(&[&start[..kept.min(start.len())], &bytes].concat(), 64);
    }
}
