//! What random trees and edits have found: few entries each, as an archive and as a tree.

use super::rewrite::MAX_REWRITTEN;
use super::tests::{Tree, more, plain, through_archive, through_plan, unpacked, written};
use super::*;
use crate::source::FileSource;
use crate::tar::{Entry, Kind, Xattr};

type Members = Vec<(Entry, Vec<u8>)>;

fn directory(path: &str, mode: u32) -> (Entry, Vec<u8>) {
    (plain(path.as_bytes(), Kind::Directory, mode), Vec::new())
}

fn file(path: &str) -> (Entry, Vec<u8>) {
    (plain(path.as_bytes(), Kind::Regular, 0o644), Vec::new())
}

fn link(path: &str, target: &str) -> (Entry, Vec<u8>) {
    (plain(path.as_bytes(), Kind::HardLink(target.as_bytes().into()), 0o777), Vec::new())
}

fn rules(lines: &[&str]) -> Edit {
    Edit::PathRules(PathRules::parse(lines).unwrap())
}

fn exclude(patterns: &[&str]) -> Edit {
    Edit::Exclude(Patterns::parse(patterns).unwrap())
}

fn chmod(patterns: &[&str], mode: u32) -> Edit {
    Edit::Mode(Patterns::parse(patterns).unwrap(), mode)
}

fn rename(from: &str, to: &str) -> Edit {
    Edit::rename(from.as_bytes(), to.as_bytes()).unwrap()
}

fn put(path: &str, what: What, mode: u32) -> Edit {
    Edit::Put(Put::new(path.as_bytes(), what, Some(mode), (0, 0)).unwrap())
}

fn put_file(path: &str) -> Edit {
    put(path, What::File(FileSource::Bytes([].into())), 0o600)
}

/// What the edits make of an archive.
fn archived(members: &Members, edits: &[Edit]) -> Result<Tree> {
    Ok(written(&through_archive(members, &Edits::new(edits.to_vec()))?).1)
}

/// The modes by path that the edits make of an archive and of the tree in it, which are the same.
fn modes(members: &Members, edits: &[Edit]) -> Vec<(String, u32)> {
    let tree = archived(members, edits).unwrap();
    let unpacked = unpacked(members).unwrap();
    let planned = through_plan(&unpacked, &Edits::new(edits.to_vec())).unwrap();
    assert_eq!(written(&planned).1, tree);
    let text = |path: &[u8]| String::from_utf8(path.to_vec()).unwrap();
    tree.iter().map(|(path, (entry, _))| (text(path), entry.mode)).collect()
}

fn expected(modes: &[(&str, u32)]) -> Vec<(String, u32)> {
    modes.iter().map(|&(path, mode)| (path.to_owned(), mode)).collect()
}

#[test]
fn a_rule_for_a_directory_alone_leaves_it_to_what_it_holds() {
    let members = vec![directory("a", 0o700), file("a/b"), directory("c", 0o700)];
    let found = modes(&members, &[rules(&["path-exclude=/a", "path-exclude=/c"])]);
    assert_eq!(found, expected(&[("a", 0o700), ("a/b", 0o644)]));
}

#[test]
fn a_directory_that_is_left_out_comes_back_for_what_is_put_into_it() {
    let members = vec![directory("a", 0o700), file("a/b")];
    let found = modes(&members, &[exclude(&["a", "!x"]), put_file("a/c")]);
    assert_eq!(found, expected(&[("a", 0o700), ("a/c", 0o600)]));
    // Or moved into it, from a place before it.
    let members = vec![file("b"), directory("z", 0o700)];
    let found = modes(&members, &[exclude(&["z", "!x"]), rename("b", "z/b")]);
    assert_eq!(found, expected(&[("z", 0o700), ("z/b", 0o644)]));
}

#[test]
fn a_directory_that_was_put_and_left_out_comes_back_for_what_the_source_has_in_it() {
    let members = vec![directory("a", 0o700), file("a/b")];
    let found = modes(&members, &[put("a", What::Directory, 0o711), exclude(&["a", "!a/b"])]);
    assert_eq!(found, expected(&[("a", 0o711), ("a/b", 0o644)]));
}

#[test]
fn what_is_moved_takes_the_place_of_a_directory_that_is_left_out() {
    let members = vec![directory("a", 0o700), file("b")];
    let found = modes(&members, &[exclude(&["a", "!x"]), rename("b", "a")]);
    assert_eq!(found, expected(&[("a", 0o644)]));
}

#[test]
fn a_directory_that_is_left_out_may_be_moved_anywhere() {
    let members = vec![directory("a", 0o700), file("b")];
    let found = modes(&members, &[exclude(&["a", "!x"]), rename("a", "b/c")]);
    assert_eq!(found, expected(&[("b", 0o644)]));
}

#[test]
fn of_two_directories_one_that_is_left_out_does_not_count() {
    let members = vec![directory("a", 0o700), directory("b", 0o711), file("b/c")];
    let found = modes(&members, &[exclude(&["a", "!x"]), rename("b", "a")]);
    assert_eq!(found, expected(&[("a", 0o711), ("a/c", 0o644)]));
}

#[test]
fn of_two_directories_the_one_that_was_there_counts_though_both_were_moved() {
    let members = vec![directory("b", 0o700), directory("c", 0o711)];
    let twice = [rename("c", "b"), rename("b", "a")];
    assert_eq!(modes(&members, &twice), expected(&[("a", 0o700)]));
    let other = [rename("b", "c"), rename("c", "a")];
    assert_eq!(modes(&members, &other), expected(&[("a", 0o711)]));
    let put_there = [put("a", What::Directory, 0o750), rename("c", "a"), rename("a", "d")];
    assert_eq!(modes(&members, &put_there), expected(&[("b", 0o700), ("d", 0o750)]));
}

#[test]
fn a_directory_that_was_put_is_not_moved_over_a_file() {
    let members = vec![file("b")];
    let edits = [put("a", What::Directory, 0o700), rename("a", "b")];
    assert!(archived(&members, &edits).is_err());
}

#[test]
fn a_mode_is_also_that_of_the_access_control_list() {
    let list = |owner, others| {
        let item = |tag, permissions| [tag, 0, permissions, 0, 0xff, 0xff, 0xff, 0xff];
        let items = [item(1, owner), item(4, 7), item(0x10, others), item(0x20, others)].concat();
        let name = b"system.posix_acl_access"[..].into();
        [Xattr { name, value: [&[2, 0, 0, 0][..], &items].concat().into() }]
    };
    let (entry, content) = file("a");
    let members = vec![(Entry { xattrs: list(7, 7).into(), ..entry }, content)];
    let tree = archived(&members, &[chmod(&["a"], 0o600)]).unwrap();
    assert_eq!(*tree[&b"a"[..]].0.xattrs, list(6, 0));
}

#[test]
fn the_names_of_a_link_have_no_mode_and_those_of_a_pipe_no_content() {
    let symlink = (plain(b"a", Kind::Symlink(b"x"[..].into()), 0o777), Vec::new());
    let pipe = (plain(b"c", Kind::Fifo, 0o777), Vec::new());
    let members = vec![symlink, link("b", "a"), pipe, link("d", "c")];
    let edits = [chmod(&["b"], 0o600), Edit::Truncate(Patterns::parse(["d"]).unwrap())];
    let bytes = through_archive(&members, &Edits::new(edits.to_vec())).unwrap();
    assert_eq!(written(&bytes).0, members);
}

#[test]
fn names_that_are_left_of_a_file_may_be_changed_together() {
    let members = vec![file("a"), link("b", "a"), link("c", "a")];
    let edits = [Edit::remove(b"a").unwrap(), chmod(&["?"], 0o600)];
    let found = archived(&members, &edits).unwrap();
    assert!(found.values().all(|(entry, _)| entry.mode == 0o600));
}

#[test]
fn content_is_rewritten_where_it_is_and_is_gone_when_it_is_cut() {
    let with = |path: &str, content: &[u8]| {
        let (entry, _) = file(path);
        (Entry { size: content.len() as u64, ..entry }, content.to_vec())
    };
    let members = vec![with("a", &[b'x'; 511]), with("b", b"yes"), with("c", b"z")];
    let truncate = || Edit::Truncate(Patterns::parse(["b"]).unwrap());
    let rewrite = |path| Edit::Rewrite(more(path));
    let edits = [rewrite("a"), rewrite("a"), truncate(), rewrite("b"), rewrite("d"), rewrite("c")];
    let found = archived(&members, &edits).unwrap();
    let contents: Vec<_> = found.values().map(|(_, content)| &content[..]).collect();
    assert_eq!(contents, [&[&[b'x'; 511][..], b"++"].concat(), &b"+"[..], b"z+"]);
    let planned = through_plan(&unpacked(&members).unwrap(), &Edits::new(edits.to_vec())).unwrap();
    assert_eq!(written(&planned).1, found);
    let found = archived(&members, &[rewrite("b"), truncate()]).unwrap();
    assert_eq!(found[&b"b"[..]].1, b"");
}

#[test]
fn a_file_that_is_too_large_to_be_rewritten_is_named() {
    let size = MAX_REWRITTEN + 1;
    let members = vec![(Entry { size, ..file("a").0 }, vec![0; usize::try_from(size).unwrap()])];
    let error = archived(&members, &[Edit::Rewrite(more("a"))]).unwrap_err().to_string();
    assert!(error.starts_with("`a` cannot be") && error.ends_with("before and after"), "{error}");
    let grown = Rewrite::new(b"a", |content| Ok(vec![0; content.len() << 23])).unwrap();
    let members = vec![(Entry { size: 1, ..file("a").0 }, vec![0])];
    assert!(archived(&members, &[Edit::Rewrite(grown)]).is_err());
}

#[test]
fn of_a_file_with_two_names_one_cannot_be_rewritten() {
    let members = vec![file("a"), link("b", "a")];
    for path in ["a", "b"] {
        assert!(archived(&members, &[Edit::Rewrite(more(path))]).is_err(), "{path}");
    }
    let both = [Edit::Rewrite(more("a")), Edit::Rewrite(more("b"))];
    assert!(archived(&members, &both).is_err());
    let one = [Edit::remove(b"a").unwrap(), Edit::Rewrite(more("b"))];
    assert_eq!(archived(&members, &one).unwrap()[&b"b"[..]].1, b"+");
}

#[test]
fn an_edit_that_leaves_content_as_it_is_has_met_nothing() {
    let same = Rewrite::new(b"a", |content| Ok(content.to_vec())).unwrap();
    let mut edits = Edits::new(vec![Edit::Rewrite(same), Edit::Rewrite(more("a"))]);
    let (mut entry, _) = file("a");
    edits.pass(&mut entry).unwrap();
    let due = edits.take_due();
    assert_eq!(edits.rewrite(&due, &mut entry, Vec::new()).unwrap(), b"+");
    assert_eq!((entry.size, edits.unmatched()), (1, vec![0]));
}

#[test]
fn rules_leave_links_that_may_lead_to_what_they_take_back() {
    let symlink =
        |path: &str| (plain(path.as_bytes(), Kind::Symlink(b"a"[..].into()), 0o777), Vec::new());
    let members = vec![symlink("doc/b"), link("doc/c", "doc/b"), symlink("docs"), symlink("man")];
    let found = |include| {
        let rules = rules(&["path-exclude=/*", include]);
        let tree = archived(&members, &[rules]).unwrap();
        tree.keys().map(|path| String::from_utf8_lossy(path).into_owned()).collect::<Vec<_>>()
    };
    // As dpkg does, which compares what stands before the first special character as text.
    assert_eq!(found("path-include=/doc/*/copyright"), ["doc", "doc/b", "doc/c", "docs"]);
    assert_eq!(found("path-include=/doc/b/copyright"), [""; 0]);
    assert_eq!(found("path-include=/?oc"), ["doc", "doc/b", "doc/c", "docs", "man"]);
}
