//! What the first bytes of a stream say about its compression.

use super::Encoding;
use crate::error::{Error, Result};

/// Enough of a stream to tell how it is compressed.
pub(super) const MAGIC_SIZE: usize = 13;

/// Tells the compression. Whatever is neither compressed nor known is taken for a tar, whose first
/// bytes are the name of its first member; so a magic of letters must not be one of a name's.
pub(super) fn sniff(magic: &[u8]) -> Result<Encoding> {
    match magic {
        [0x1f, 0x8b, 8, ..] => Ok(Encoding::Gzip),
        // `BZh9 notes` is a name. What follows here is the start of a block, or of the end.
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y', ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => {
            Ok(Encoding::Bzip2)
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Encoding::Xz),
        // A frame, or a skippable one before it.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Encoding::Zstd),
        _ => unsupported(magic).map_or(Ok(Encoding::Plain), |name| {
            Err(Error::malformed(
                b"",
                format!(
                    "unsupported compression `{name}`: expected a tar, plain or compressed with \
                     gzip, bzip2, xz or zstd"
                ),
            ))
        }),
    }
}

/// The name of a compression, or of an archive that is no tar, that is known and not read.
fn unsupported(magic: &[u8]) -> Option<&'static str> {
    Some(match magic {
        // A frame, and the older form that the Linux kernel uses.
        [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => "lz4",
        [b'L', b'Z', b'I', b'P', 1, ..] => "lzip",
        [0x89, b'L', b'Z', b'O', 0, ..] => "lzop",
        // Two bits of the third byte are reserved, five are a number of bits.
        [0x1f, 0x9d, flags, ..] if flags & 0x60 == 0 && matches!(flags & 0x1f, 9..=16) => {
            "compress"
        }
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => "zip",
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => "7z",
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => "rar",
        [0xff, 6, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y', ..] => "snappy",
        _ if is_lzma(magic) => "lzma",
        _ => return None,
    })
}

/// Whether this is what the format before xz begins with, which has no magic. As xz(1) tells it:
/// by the properties, a usual size of the dictionary, and a size that is unknown or below 256 GiB.
fn is_lzma(magic: &[u8]) -> bool {
    let Ok([properties, header @ ..]) = <[u8; MAGIC_SIZE]>::try_from(magic) else {
        return false;
    };
    let [dictionary @ .., _, _, _, _, _, _, _, _] = header;
    let [_, _, _, _, size @ ..] = header;
    let (dictionary, size) = (u32::from_le_bytes(dictionary), u64::from_le_bytes(size));
    // A smaller one could be the name of a tar's first member.
    properties < 225
        && dictionary >= 4096
        && (dictionary.is_power_of_two() || is_three_times_a_power_of_two(dictionary))
        && (size < 1 << 38 || size == u64::MAX)
}

fn is_three_times_a_power_of_two(number: u32) -> bool {
    number.is_multiple_of(3) && (number / 3).is_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::super::tests::FORMATS;
    use super::*;

    #[test]
    fn each_format_is_known_by_its_first_bytes() {
        for (encoding, encode) in FORMATS {
            for content in [&b""[..], b"content"] {
                assert_eq!(sniff(&encode(content)[..MAGIC_SIZE]).unwrap(), encoding);
            }
        }
        assert_eq!(sniff(b"\x5f\x2a\x4d\x18\0\0\0\0").unwrap(), Encoding::Zstd);
    }

    #[test]
    fn other_compressions_are_refused_by_name() {
        for (magic, name) in [
            (&b"\x04\x22\x4d\x18\x64\x40\xa7"[..], "lz4"),
            (b"\x02\x21\x4c\x18", "lz4"),
            (b"LZIP\x01\x0c", "lzip"),
            (b"\x89LZO\0\r\n\x1a\n", "lzop"),
            (b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff", "lzma"),
            (b"\x5d\0\0\0\x04\x12\x34\0\0\0\0\0\0", "lzma"),
            (b"\x5e\0\0\x18\0\x12\x34\0\0\0\0\0\0", "lzma"),
            (b"\x1f\x9d\x90", "compress"),
            (b"\x1f\x9d\x0c", "compress"),
            (b"PK\x03\x04", "zip"),
            (b"PK\x05\x06", "zip"),
            (b"7z\xbc\xaf\x27\x1c", "7z"),
            (b"Rar!\x1a\x07\x01\0", "rar"),
            (b"\xff\x06\0\0sNaPpY", "snappy"),
        ] {
            let error = sniff(magic).unwrap_err().to_string();
            let start = format!("malformed archive: unsupported compression `{name}`: expected");
            assert!(error.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn names_that_look_like_a_magic_are_names() {
        for name in [
            &b"BZh9 notes.txt"[..],
            b"\x1f\x8b name",
            b"\x1f\x9d name",
            b"\xfd7z",
            b"LZIP",
            b"LZIP\0\0\0\0\0\0\0\0\0",
            b"PKG/",
            b"7z.txt",
            b"Rar!",
            // Names of one and two characters, and what a dictionary of 4 KiB is no less than.
            b"]\0\0\0\0\0\0\0\0\0\0\0\0",
            b"a0\0\0\0\0\0\0\0\0\0\0\0",
            b"]\0\x08\0\0\0\0\0\0\0\0\0\0",
            b"",
        ] {
            assert_eq!(sniff(name).unwrap(), Encoding::Plain, "{name:?}");
        }
    }
}
