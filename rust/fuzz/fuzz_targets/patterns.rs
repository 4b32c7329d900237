//! Any lines as a `.dockerignore`, asked about any paths: what is said of a path agrees with what is
//! said of its directories, and with the same lines asked in another way.
//!
//! The input is lines of patterns up to its first empty line, then lines that are paths.
#![no_main]

use fastlayer_core::source::Patterns;
use fastlayer_core::tar::{normalize_path, parents_of};
use libfuzzer_sys::fuzz_target;

/// Time goes with the length of the text and of the paths.
const MAX_TEXT: usize = 2048;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (text, paths) = bytes.split_at(end);
    let lines: Vec<_> = text[..end.min(MAX_TEXT)].split(|&byte| byte == b'\n').collect();
    let paths: Vec<_> = paths[..paths.len().min(MAX_TEXT)]
        .split(|&byte| byte == b'\n')
        .filter_map(|path| normalize_path(path).ok())
        .collect();
    for path in &paths {
        check_literal(path);
    }
    let Ok(patterns) = Patterns::parse(&lines) else { return };
    let by_level = patterns.clone().by_level();
    assert_eq!(patterns.has_negation(), by_level.has_negation());
    for path in &paths {
        let excluded = patterns.excludes(path);
        assert!(!(excluded && (path.is_empty() || patterns.is_empty())), "nothing leaves it out");
        if !patterns.has_negation() {
            let above = parents_of(path).any(|parent| patterns.excludes(parent));
            let itself = !path.is_empty() && patterns.matches(path);
            assert_eq!(excluded, above || itself, "it is not what directories and itself say");
            assert_eq!(excluded, by_level.excludes(path), "nothing is taken back, by level it is");
        }
    }
});

/// A pattern that means one path leaves out that path, what is in it, and nothing beside it.
fn check_literal(path: &[u8]) {
    // Lines are read without the blanks around them.
    let blank = std::str::from_utf8(path).is_ok_and(|text| text.trim_end() != text);
    if path.is_empty() || blank || path.trim_ascii_end() != path {
        return;
    }
    let escaped: Vec<_> = path
        .iter()
        .flat_map(|&byte| {
            let special = b"*?[]\\!#-^".contains(&byte);
            special.then_some(b'\\').into_iter().chain([byte])
        })
        .collect();
    let patterns = Patterns::parse([[b"/", &*escaped].concat()]).expect("its pattern is refused");
    assert!(patterns.matches(path) && patterns.excludes(path), "it does not match itself");
    assert!(patterns.excludes(&[path, b"/x"].concat()), "what is in it stays");
    assert!(!patterns.excludes(&[path, b"x"].concat()), "what is beside it is left out");
}
