//! Decompression against the streams that other projects keep as regressions.
#![allow(clippy::unwrap_used, missing_docs)]

mod vectors;

use std::fs::File;
use std::io::{self, BufReader, Read};

use fastlayer_core::Digest;
use fastlayer_core::source::Decoder;
use serde_json::Value;

/// The whole content with a buffer of `capacity`, or the error's text.
fn decode(name: &str, capacity: usize) -> Result<Vec<u8>, String> {
    let path = vectors::path(&format!("compress/{name}")).unwrap();
    let input = BufReader::with_capacity(capacity, File::open(path).unwrap());
    let mut decoder = Decoder::new(input).map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    let read: io::Result<_> = decoder.read_to_end(&mut content);
    read.map(|_| content).map_err(|error| error.to_string())
}

#[test]
fn valid_streams_give_their_content_and_others_an_error() {
    let Some(vectors) = vectors::json("compress/index.json") else {
        return;
    };
    for vector in vectors.as_array().unwrap() {
        // The plain ones are there to be compressed.
        let Some(valid) = vector["valid"].as_bool() else {
            continue;
        };
        let name = vector["file"].as_str().unwrap();
        for capacity in [1, 4096] {
            let result = decode(name, capacity);
            assert_eq!(result.is_ok(), valid, "{name}: {:?}", result.err());
            if let (Ok(content), Value::String(digest)) = (result, &vector["plain_sha256"]) {
                assert_eq!(Digest::of(&content).to_string(), format!("sha256:{digest}"), "{name}");
            }
        }
    }
}
