//! Layers whose whiteouts stay.

use super::*;

fn rewritten(entries: &[Entry], policy: &Policy) -> Result<Vec<Entry>> {
    entries_in(&convert_file_of(Form::Layer, &archive(entries), policy)?)
}

/// A whiteout as fastlayer makes it.
fn whiteout(path: &str, mtime: i64) -> Entry {
    Entry { mtime, mode: 0o644, ..of_kind(path, Kind::Regular) }
}

#[test]
fn whiteouts_of_a_layer_stay_and_no_parents_come() {
    let entries = [
        file("a/b/f"),
        of_kind("a/b/.wh..wh..opq", Kind::Regular),
        // As a file with content, a link and a directory: only the name counts.
        file("a/.wh.g"),
        file("a/g"),
        hard_link(".wh.x", ".wh..wh.aufs"),
        directory("d/.wh.y"),
    ];
    let expected = [
        file("a/b/f"),
        whiteout("a/b/.wh..wh..opq", 0),
        whiteout("a/.wh.g", 0),
        file("a/g"),
        whiteout(".wh.x", 0),
        whiteout("d/.wh.y", 0),
    ];
    assert_eq!(rewritten(&entries, &Policy::default()).unwrap(), expected);
    let policy = Policy { mtime: Some(5), ..Policy::default() };
    for entry in rewritten(&entries, &policy).unwrap() {
        assert_eq!(entry.mtime, 5);
    }
    let policy = Policy::default().with_prefix(b"p").unwrap();
    let found = rewritten(&entries, &policy).unwrap();
    assert_eq!(paths(&found)[..3], ["p/a/b/f", "p/a/b/.wh..wh..opq", "p/a/.wh.g"]);
}

#[test]
fn a_whiteout_is_left_out_with_what_it_is_about() {
    let exclude = Patterns::parse(["a/x", "d"]).unwrap();
    let policy = Policy { exclude, ..Policy::default() };
    let marker = |path| of_kind(path, Kind::Regular);
    let entries = ["a/.wh.x", "a/.wh.y", "d/.wh..wh..opq", "d/.wh.x", ".wh.d"].map(marker);
    assert_eq!(paths(&rewritten(&entries, &policy).unwrap()), ["a/.wh.y"]);
}

#[test]
fn a_layer_out_of_order_is_rewritten_with_a_second_look() {
    let entries =
        [file("a/f"), whiteout(".wh.x", 9), directory("a"), whiteout(".wh.x", 7), file("x")];
    let expected = [directory("a"), file("a/f"), whiteout(".wh.x", 0), file("x")];
    assert_eq!(rewritten(&entries, &Policy::default()).unwrap(), expected);
}

#[test]
fn whiteouts_that_engines_do_not_understand_are_refused() {
    for (entries, message) in [
        (vec![file("a/.wh.")], "`a/.wh.` cannot be stored in a layer: it is a whiteout that names"),
        (vec![directory(".wh.d"), file(".wh.d/f")], "begins with `.wh.`"),
        (vec![hard_link("b", "lower")], "`lower`, which the archive does not hold"),
    ] {
        let error = rewritten(&entries, &Policy::default()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
