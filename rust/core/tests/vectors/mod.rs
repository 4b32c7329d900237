//! Where the conformance vectors lie, for the tests that read them.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The file `name` of the vectors: in the folder that `FASTLAYER_VECTORS` names, or in
/// `shared/conformance` beside the repository. Says why when it is not there.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FASTLAYER_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no `{}`; set FASTLAYER_VECTORS", path.display());
    None
}

/// The JSON document `name`.
pub(crate) fn json(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(path(name)?).unwrap();
    Some(serde_json::from_str(&mark_bytes(&text)).unwrap())
}

/// The vectors write a byte that is no text as half a surrogate pair (`\udc80`), which is no JSON
/// string for strict parsers; here it becomes a character of a private plane.
fn mark_bytes(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\udc") {
        let (before, escape) = rest.split_at(at);
        let last = before.as_bytes().rchunks(6).next();
        let paired = last.is_some_and(|last| last.starts_with(b"\\ud8"));
        marked.push_str(before);
        marked.push_str(if paired { "\\udc" } else { "\\uf7" });
        rest = &escape[4..];
    }
    marked + rest
}

/// The bytes that a string of [`json`] stands for.
#[allow(dead_code, reason = "not every test has bytes")]
pub(crate) fn bytes(text: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    for character in text.as_str().unwrap().chars() {
        match u32::from(character) {
            code @ 0xf780..=0xf7ff => bytes.push((code & 0xff) as u8),
            _ => bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}
