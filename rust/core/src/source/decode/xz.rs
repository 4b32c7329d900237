//! xz streams one after another, with padding between them (the .xz file format, version 1.2).

use std::io::{self, BufRead, ErrorKind};

use liblzma::stream::{Action, Error, MtStreamBuilder, Status, Stream};

use super::{Format, Step, cut_off, fill_buffer, malformed, skip_zeroes};

/// Bytes that decoding may take: four times what the largest dictionary of xz(1)'s presets needs.
/// Blocks that are decoded side by side are held whole, and fewer at once if this is not enough.
const MEMORY: u64 = 256 << 20;

/// Checks that liblzma verifies: none, CRC32, CRC64 and SHA-256. It would pass over others.
const CHECKS: [u8; 4] = [0, 1, 4, 10];

/// The length of stream padding is a multiple of this.
const PADDING: u64 = 4;

/// The state inside a stream.
pub(super) struct Xz {
    threads: u32,
    stream: Stream,
}

impl Xz {
    pub(super) fn new(threads: usize) -> io::Result<Self> {
        let threads = u32::try_from(threads).unwrap_or(u32::MAX).max(1);
        Ok(Self { threads, stream: decoder(threads)? })
    }

    fn counters(&self) -> (u64, u64) {
        (self.stream.total_in(), self.stream.total_out())
    }
}

/// A decoder of one stream. More than one thread is used for blocks whose headers state their sizes,
/// as parallel writers make them.
fn decoder(threads: u32) -> io::Result<Stream> {
    MtStreamBuilder::new()
        .threads(threads)
        // With a limit of 1, a single thread is the one that calls.
        .memlimit_threading(if threads > 1 { MEMORY } else { 1 })
        .memlimit_stop(MEMORY)
        .decoder()
        .map_err(explain)
}

impl Format for Xz {
    fn start(&mut self, input: &mut dyn BufRead) -> io::Result<bool> {
        let padding = skip_zeroes(input)?;
        if !padding.is_multiple_of(PADDING) {
            let reason =
                format!("xz: {padding} zeroes follow a stream, not a multiple of {PADDING}");
            return Err(malformed(reason));
        }
        if fill_buffer(input)?.is_empty() {
            return Ok(false);
        }
        let mut header = [0; 12];
        input
            .read_exact(&mut header)
            .map_err(cut_off("xz: the input ends inside a stream's header"))?;
        self.stream = decoder(self.threads)?;
        self.decode(&header, &mut [])?;
        let check = header[7];
        if !CHECKS.contains(&check) {
            return Err(malformed(format!("xz: a stream has a check of the unknown type {check}")));
        }
        Ok(true)
    }

    fn decode(&mut self, compressed: &[u8], output: &mut [u8]) -> io::Result<Step> {
        let before = self.counters();
        // Only with the second one does liblzma wait for its threads in every case.
        let action = if compressed.is_empty() { Action::Finish } else { Action::Run };
        let status = self.stream.process(compressed, output, action).map_err(explain)?;
        Ok(Step::between(before, self.counters(), status == Status::StreamEnd))
    }
}

fn explain(error: Error) -> io::Error {
    let reason = match error {
        Error::Data => "xz: the compressed data is damaged",
        Error::Format => "xz: something else follows the last stream",
        Error::Options => "xz: a stream has a filter or a field that is not known",
        Error::MemLimit => "xz: to decompress it takes more than 256 MiB of memory",
        Error::Mem => return ErrorKind::OutOfMemory.into(),
        // Checks that liblzma doesn't tell of unless asked to, and errors of its caller.
        other => return io::Error::other(other),
    };
    malformed(reason)
}

#[cfg(test)]
mod tests {
    use liblzma::stream::Check;

    use super::super::tests::{decode, decode_on, noise, xz, xz_of_blocks, xz_with};
    use super::*;

    /// Puts the CRC32 of all that stands before it at the end of a header.
    fn seal(header: &mut [u8]) {
        let (fields, crc) = header.split_at_mut(header.len() - 4);
        let mut sum = flate2::Crc::new();
        sum.update(fields);
        crc.copy_from_slice(&sum.sum().to_le_bytes());
    }

    #[test]
    fn every_check_is_verified() {
        for check in [Check::None, Check::Crc32, Check::Crc64, Check::Sha256] {
            let stream = Stream::new_easy_encoder(0, check).unwrap();
            let whole = xz_with(stream, b"content");
            assert_eq!(decode(&whole, 64).unwrap().0, b"content");
            // After header, block header and LZMA2 chunk; before index and footer.
            let end = whole.len() - 12 - 8;
            let mut damaged = whole.clone();
            damaged[end - 1] ^= 1;
            assert!(matches!(check, Check::None) || decode(&damaged, 64).is_err());
        }
    }

    #[test]
    fn a_check_that_nobody_can_verify_is_refused() {
        let mut whole = xz(b"content");
        whole[7] = 2;
        seal(&mut whole[6..12]);
        let error = decode(&whole, 64).unwrap_err();
        assert!(error.contains("a check of the unknown type 2"), "{error}");
    }

    #[test]
    fn a_dictionary_beyond_the_limit_is_refused() {
        let mut whole = xz(b"content");
        let header = &mut whole[12..24];
        // LZMA2 with one byte of properties: the size of the dictionary.
        assert_eq!(header[..4], [2, 0, 0x21, 1]);
        // 1 GiB.
        header[4] = 36;
        seal(header);
        let error = decode(&whole, 64).unwrap_err();
        assert!(error.contains("more than 256 MiB"), "{error}");
        whole[16] = 28;
        seal(&mut whole[12..24]);
        // 64 MiB, as `xz -9` has it.
        assert_eq!(decode(&whole, 64).unwrap().0, b"content");
    }

    #[test]
    fn an_unknown_filter_is_told_from_damage() {
        let mut whole = xz(b"content");
        whole[14] = 0x20;
        seal(&mut whole[12..24]);
        assert!(decode(&whole, 64).unwrap_err().contains("a filter or a field that is not known"));
        whole[14] = 0x21;
        assert!(decode(&whole, 64).unwrap_err().contains("is damaged"));
    }

    #[test]
    fn padding_between_streams_is_a_multiple_of_four() {
        let streams = |zeroes: usize| [xz(b"one"), vec![0; zeroes], xz(b"two")].concat();
        assert_eq!(decode(&streams(8), 7).unwrap(), (b"onetwo".to_vec(), 2));
        assert!(decode(&streams(7), 7).unwrap_err().contains("7 zeroes follow a stream"));
    }

    #[test]
    fn blocks_are_the_same_on_any_number_of_threads() {
        let content = noise(1_000_000);
        let streams = [xz_of_blocks(&content), xz(b"one"), xz_of_blocks(&content)].concat();
        let expected = ([&*content, b"one", &content].concat(), 3);
        for threads in [1, 2, 5] {
            for capacity in [100, 1 << 20] {
                assert!(decode_on(threads, &streams, capacity).unwrap() == expected);
            }
        }
    }

    #[test]
    fn blocks_that_are_cut_or_damaged_are_an_error_on_any_number_of_threads() {
        let whole = xz_of_blocks(&noise(300_000));
        for at in (20..whole.len()).step_by(whole.len() / 30) {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            for threads in [1, 3] {
                assert!(decode_on(threads, &whole[..at], 4096).is_err(), "{at}");
                assert!(decode_on(threads, &damaged, 4096).is_err(), "{at}");
            }
        }
    }
}
