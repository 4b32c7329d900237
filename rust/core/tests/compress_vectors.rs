//! Streams that other projects keep as regressions are decompressed, and their plain inputs
//! compressed and read back.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod vectors;

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};

use fastlayer_core::compress::{Compression, Encoding};
use fastlayer_core::pipeline::{self, Input, Progress, Seat, Stream};
use fastlayer_core::source::{Decoder, decode_ahead};
use fastlayer_core::{Cancel, Digest, Result};
use serde_json::Value;

/// The vectors whose member `valid` is a truth value (or not), by name.
fn rows(streams: bool) -> Vec<(String, Value)> {
    let rows = vectors::json("compress/index.json");
    let rows = rows.iter().flat_map(|rows| rows.as_array().unwrap());
    rows.filter(|row| row["valid"].is_boolean() == streams)
        .map(|row| (row["file"].as_str().unwrap().to_owned(), row.clone()))
        .collect()
}

fn open(name: &str) -> File {
    File::open(vectors::path(&format!("compress/{name}")).unwrap()).unwrap()
}

/// The whole content, or the error's text.
fn read(mut decoder: impl Read) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    decoder.read_to_end(&mut content).map_err(|error| error.to_string())?;
    Ok(content)
}

fn decode(input: impl Read) -> Result<Vec<u8>, String> {
    read(Decoder::new(BufReader::new(input)).map_err(|error| error.to_string())?)
}

#[test]
fn valid_streams_give_their_content_and_others_an_error() {
    for (name, row) in rows(true) {
        let valid = row["valid"].as_bool().unwrap();
        let in_bytes = BufReader::with_capacity(1, open(&name));
        let ahead = decode_ahead(BufReader::new(open(&name)), 2, &Cancel::default()).unwrap();
        for result in [read(Decoder::new(in_bytes).unwrap()), decode(open(&name)), read(ahead)] {
            assert_eq!(result.is_ok(), valid, "{name}: {:?}", result.err());
            if let (Ok(content), Value::String(digest)) = (result, &row["plain_sha256"]) {
                assert_eq!(Digest::of(&content).to_string(), format!("sha256:{digest}"), "{name}");
            }
        }
    }
}

/// What the encoders of other libraries make of `content`.
fn encoded(content: &[u8]) -> [Vec<u8>; 4] {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    gzip.write_all(content).unwrap();
    bzip2.write_all(content).unwrap();
    xz.write_all(content).unwrap();
    let zstd = zstd::encode_all(content, 19).unwrap();
    [gzip.finish().unwrap(), bzip2.finish().unwrap(), xz.finish().unwrap(), zstd]
}

/// Bytes as a tar that is read in order.
struct Bytes<'a>(&'a [u8]);

impl Stream for Bytes<'_> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        Ok(self.0.read(buffer).unwrap())
    }
}

#[test]
fn plain_inputs_come_back_from_every_format() {
    for (name, _) in rows(false) {
        let content = fs::read(vectors::path(&format!("compress/{name}")).unwrap()).unwrap();
        for blob in encoded(&content) {
            assert!(decode(&*blob).unwrap() == content, "{name}");
        }
        let (cancel, progress) = (Cancel::default(), Progress::default());
        for compression in ["gzip", "zstd"] {
            for level in 1..=9 {
                let (mut blob, mut tar) = (Vec::new(), Bytes(&content));
                let compression = Compression::new(compression, Some(level)).unwrap();
                let encoding = Encoding { compression, verify: true };
                let input = Input::Stream(&mut tar);
                pipeline::run(input, encoding, &Seat::alone(2), &mut blob, &cancel, &progress)
                    .unwrap();
                assert!(decode(&*blob).unwrap() == content, "{name}, {compression:?}");
            }
        }
    }
}
