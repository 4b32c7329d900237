//! Exclusion patterns against the tables of moby/patternmatcher.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod vectors;

use fastlayer_core::source::Patterns;
use serde_json::Value;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The rows of a table; none where the vectors are not there.
fn rows(table: &str) -> Vec<Value> {
    let vectors = vectors::json("dockerignore.json");
    vectors.map_or_else(Vec::new, |vectors| vectors[table].as_array().unwrap().clone())
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
    for row in rows("matches") {
        let (pattern, path, expected) = (text(&row[0]), text(&row[1]), row[2].as_bool().unwrap());
        // The root has no path here and is never left out.
        if path != "/" {
            assert_eq!(excludes(&[pattern], path), expected, "{row}");
        }
    }
}

#[test]
fn of_several_patterns_the_last_one_decides() {
    for row in rows("multi") {
        let patterns: Vec<_> = row[0].as_array().unwrap().iter().map(text).collect();
        assert_eq!(excludes(&patterns, text(&row[1])), row[2].as_bool().unwrap(), "{row}");
    }
}

#[test]
fn classes_and_escapes_follow_filepath_match() {
    for row in rows("filepath_match") {
        let (pattern, path, expected) = (text(&row[0]), text(&row[1]), row[2].as_bool().unwrap());
        if row[3].is_null() {
            assert_eq!(excludes(&[pattern], path), expected, "{row}");
        } else {
            assert!(Patterns::parse([pattern]).is_err(), "{row}");
        }
    }
}
