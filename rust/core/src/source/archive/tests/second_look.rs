//! What a stream cannot know in time, and a survey does.

use super::*;

fn second_look(entries: &[Entry]) -> Result<Vec<Entry>> {
    entries_in(&convert_file(&archive(entries), &Policy::default())?)
}

#[test]
fn a_second_look_leaves_one_entry_per_path_and_targets_before_links() {
    let other = |path| Entry { mode: 0o611, ..file(path) };
    let newer = |path| Entry { mode: 0o711, ..directory(path) };
    for (entries, expected) in [
        // The last one wins, where it stands.
        (vec![file("a"), file("b"), other("a")], vec![file("b"), other("a")]),
        (vec![directory("a"), file("a/f"), newer("a")], vec![newer("a"), file("a/f")]),
        (vec![file("a/f"), newer("a")], vec![newer("a"), file("a/f")]),
        (vec![directory("a"), file("a/f"), file("a")], vec![file("a")]),
        (vec![file("a"), newer("")], vec![newer(""), file("a")]),
        (vec![file("a"), directory("a"), file("a/f")], vec![directory("a"), file("a/f")]),
        // A link stays with the content that its target had.
        (
            vec![file("a"), hard_link("b", "a"), other("a")],
            vec![Entry { path: b"b"[..].into(), ..file("a") }, other("a")],
        ),
        (vec![hard_link("b", "a"), file("a")], vec![file("a"), hard_link("b", "a")]),
        (
            vec![hard_link("c", "b"), hard_link("b", "a"), file("a"), file("d")],
            vec![file("a"), hard_link("c", "a"), hard_link("b", "a"), file("d")],
        ),
    ] {
        assert_eq!(second_look(&entries).unwrap(), expected, "{entries:?}");
    }
    for (entries, message) in [
        (vec![hard_link("b", "a")], "`a`, which the archive does not hold"),
        (vec![hard_link("b", "a"), hard_link("a", "b")], "which the archive does not hold"),
        (vec![file("c"), file("c"), directory("a"), hard_link("b", "a")], "is a directory"),
        (vec![file("c"), file("c"), file("a"), file("a/b")], "is not a directory"),
    ] {
        let error = second_look(&entries).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_long_chain_of_hard_links_before_their_targets_takes_no_long_time() {
    let links = 20_000;
    let name = |number: usize| format!("{number:05}");
    let mut entries: Vec<_> =
        (0..links).map(|number| hard_link(&name(number), &name(number + 1))).collect();
    entries.push(file(&name(links)));
    let tar = convert_file(&archive(&entries), &Policy::default()).unwrap();
    let (mut reader, mut names) = (Reader::new(&tar[..]), 0);
    while let Some(member) = reader.next_member().unwrap() {
        let is_link = matches!(&member.entry.kind, Kind::HardLink(target) if **target == *b"20000");
        assert!(is_link || names == 0);
        names += 1;
    }
    assert_eq!(names, links + 1);
}
