//! Exclusion patterns against the tables of moby/patternmatcher.
#![allow(clippy::unwrap_used, missing_docs)]

mod vectors;

use fastlayer_core::source::Patterns;
use serde_json::Value;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The tables hold for both ways to ask.
fn excludes(patterns: &[&str], path: &str) -> bool {
    let parsed = Patterns::parse(patterns).unwrap();
    let path = path.trim_end_matches('/').as_bytes();
    let excluded = parsed.excludes(path);
    assert_eq!(parsed.by_level().excludes(path), excluded, "{patterns:?}");
    excluded
}

#[test]
fn single_patterns_match_what_moby_matches() {
    let Some(vectors) = vectors::json("dockerignore.json") else {
        return;
    };
    for row in vectors["matches"].as_array().unwrap() {
        let (pattern, path, expected) = (text(&row[0]), text(&row[1]), row[2].as_bool().unwrap());
        // The root has no path here and is never left out.
        if path != "/" {
            assert_eq!(excludes(&[pattern], path), expected, "{row}");
        }
    }
}

#[test]
fn of_several_patterns_the_last_one_decides() {
    let Some(vectors) = vectors::json("dockerignore.json") else {
        return;
    };
    for row in vectors["multi"].as_array().unwrap() {
        let patterns: Vec<_> = row[0].as_array().unwrap().iter().map(text).collect();
        assert_eq!(excludes(&patterns, text(&row[1])), row[2].as_bool().unwrap(), "{row}");
    }
}

#[test]
fn classes_and_escapes_follow_filepath_match() {
    let Some(vectors) = vectors::json("dockerignore.json") else {
        return;
    };
    for row in vectors["filepath_match"].as_array().unwrap() {
        let (pattern, path, expected) = (text(&row[0]), text(&row[1]), row[2].as_bool().unwrap());
        if row[3].is_null() {
            assert_eq!(excludes(&[pattern], path), expected, "{row}");
        } else {
            assert!(Patterns::parse([pattern]).is_err(), "{row}");
        }
    }
}
