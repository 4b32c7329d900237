use super::*;
use crate::compress::fault;
use crate::deflate::tests::noise;
use crate::error::Error;

const ENGINES: [Compression; 4] =
    [Compression::Gzip(1), Compression::Gzip(4), Compression::Zstd(1), Compression::Zstd(3)];

/// Bytes as a tar that is read in order.
struct Bytes<'a>(&'a [u8]);

impl Stream for Bytes<'_> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.read(buffer).map_err(Error::Read)
    }
}

/// What came out, and what was written.
fn blob(
    tar: &[u8],
    compression: Compression,
    verify: bool,
    threads: usize,
) -> (Result<Output>, Vec<u8>) {
    let (cancel, progress, mut sink) = (Cancel::default(), Progress::default(), Vec::new());
    let (encoding, mut stream) = (Encoding { compression, verify }, Bytes(tar));
    let input = Input::Stream(&mut stream);
    let output = run(input, encoding, &Seat::alone(threads), &mut sink, &cancel, &progress);
    (output, sink)
}

/// Two parts of nothing to one of noise: quick, and of some size when it is compressed.
fn content(length: usize) -> Vec<u8> {
    noise(length).into_iter().enumerate().map(|(at, byte)| byte * u8::from(at % 3 == 0)).collect()
}

#[test]
fn verification_changes_no_byte() {
    for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1] {
        let tar = content(length);
        for compression in ENGINES.into_iter().chain([Compression::None]) {
            let (output, plain) = blob(&tar, compression, false, 1);
            let (verified, again) = blob(&tar, compression, true, 2);
            assert!(again == plain, "{length} bytes, {compression:?}");
            assert_eq!(verified.unwrap(), output.unwrap());
        }
    }
}

#[test]
fn a_wrong_block_of_gzip_is_named_and_none_of_it_written() {
    let tar = content(3 * BLOCK + 1);
    for compression in [Compression::Gzip(1), Compression::Gzip(4)] {
        let (_, right) = blob(&tar, compression, false, 1);
        let first = blob(&tar[..BLOCK], compression, false, 1).1.len();
        fault::strike_after(first + 50_000);
        let (output, written) = blob(&tar, compression, true, 1);
        let error = output.unwrap_err().to_string();
        let begin = format!("internal error: gzip: the block from byte {BLOCK} of the tar on is ");
        assert!(error.starts_with(&begin), "{error}");
        assert!(!error.contains('\n'));
        assert!(written.len() <= first && right.starts_with(&written));
    }
}

#[test]
fn a_wrong_frame_of_zstd_is_no_layer() {
    let tar = content(3 * BLOCK + 1);
    for after in [0, 3, 50_000, 1_000_000] {
        fault::strike_after(after);
        let (output, _) = blob(&tar, Compression::Zstd(1), true, 1);
        let error = output.unwrap_err().to_string();
        assert!(error.starts_with("internal error: zstd: the frame is wrong"), "{error}");
        assert!(!error.contains('\n'));
    }
}

#[test]
fn without_verification_nobody_looks() {
    let tar = content(3 * BLOCK);
    for compression in ENGINES {
        let (_, right) = blob(&tar, compression, false, 1);
        fault::strike_after(50_000);
        let (output, written) = blob(&tar, compression, false, 1);
        assert!(output.is_ok() && written != right && written.len() == right.len());
    }
}
