use std::io::{self, Cursor, ErrorKind, Write};

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Kind, Xattr, append_header, padded};
use super::*;
use crate::error;

fn entry(path: &[u8], kind: Kind) -> Entry {
    Entry { kind, mode: 0o644, ..Entry::implied_directory(path, 7) }
}

fn file(path: &[u8], size: u64) -> Entry {
    Entry { size, ..entry(path, Kind::Regular) }
}

/// An archive of `entries`, each file filled with `x`, without a trailer.
fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        append_header(entry, &mut bytes).unwrap();
        let end = bytes.len() + usize::try_from(padded(entry.size)).unwrap();
        bytes.resize(bytes.len() + usize::try_from(entry.size).unwrap(), b'x');
        bytes.resize(end, 0);
    }
    bytes
}

/// A member with any type flag and content, its checksum right.
pub(super) fn raw(type_flag: u8, name: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = archive(&[file(b"x", content.len() as u64)]);
    bytes[..100].fill(0);
    bytes[..name.len()].copy_from_slice(name);
    bytes[156] = type_flag;
    bytes[BLOCK..BLOCK + content.len()].copy_from_slice(content);
    seal(&mut bytes);
    bytes
}

/// Puts the checksum of the first block right.
pub(super) fn seal(bytes: &mut [u8]) {
    bytes[148..156].fill(b' ');
    let sum: u32 = bytes[..BLOCK].iter().map(|&byte| u32::from(byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub(super) fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let length =
        (rest..rest + 9).find(|length| rest + length.to_string().len() == *length).unwrap();
    format!("{length} {key}={value}\n")
}

pub(super) fn read_all<R: Read>(mut reader: Reader<R>) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    while let Some(member) = reader.next_member()? {
        members.push(member);
    }
    Ok(members)
}

pub(super) fn names(bytes: &[u8]) -> Result<Vec<String>> {
    let members = read_all(Reader::new(bytes))?;
    Ok(members.iter().map(|member| String::from_utf8_lossy(&member.name).into_owned()).collect())
}

pub(super) fn reason(bytes: &[u8]) -> String {
    names(bytes).unwrap_err().to_string()
}

#[test]
fn an_archive_ends_where_go_lets_it_end() {
    let member = archive(&[file(b"a", 5)]);
    let zeroes = [0; 2 * BLOCK];
    for end in [&b""[..], &zeroes[..BLOCK], &zeroes, &[&zeroes[..], b"garbage"].concat()] {
        assert_eq!(names(&[&member, end].concat()).unwrap(), ["a"]);
    }
    // The padding of the last member may be missing, all of it or some.
    assert_eq!(names(&member[..BLOCK + 5]).unwrap(), ["a"]);
    assert_eq!(names(&member[..BLOCK + 6]).unwrap(), ["a"]);
    assert_eq!(names(b"").unwrap(), [""; 0]);
    // Go finds nothing wrong with an extended header that nothing follows.
    assert_eq!(names(&raw(b'x', b"p", record("path", "q").as_bytes())).unwrap(), [""; 0]);
}

#[test]
fn an_archive_that_breaks_off_is_an_error() {
    let member = archive(&[file(b"a", 5)]);
    assert!(reason(&member[..BLOCK + 4]).contains("ends 1 bytes before its content does"));
    assert!(reason(&member[..BLOCK]).contains("ends 5 bytes before its content does"));
    assert!(reason(&member[..BLOCK - 1]).contains("ends 511 bytes into a block"));
    assert!(reason(&[&member[..], &[0; 1]].concat()).contains("ends 1 bytes into a block"));
    let zeroes = [0; BLOCK];
    assert!(reason(&[&member[..], &zeroes, &[0; 5]].concat()).contains("ends 5 bytes into"));
    assert!(reason(&[&zeroes[..], &member].concat()).contains("another header follows"));
}

#[test]
fn a_reader_that_failed_does_not_go_on() {
    let mut reader = Reader::new(&b"no tar header"[..]);
    assert!(reader.next_member().is_err());
    assert!(reader.next_member().is_err());
    assert!(reader.read_content(&mut [0; 9]).is_err());
}

#[test]
fn the_checksum_may_be_of_signed_bytes() {
    let mut bytes = archive(&[file(b"a", 0)]);
    bytes[0] = 0xe4;
    assert!(reason(&bytes).contains("checksum field says"));
    seal(&mut bytes);
    assert_eq!(read_all(Reader::new(&bytes[..])).unwrap()[0].name[..], [0xe4]);
    let sum: i32 = bytes[..BLOCK]
        .iter()
        .enumerate()
        .map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { byte.cast_signed().into() })
        .sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(read_all(Reader::new(&bytes[..])).unwrap()[0].name[..], [0xe4]);
}

#[test]
fn the_last_record_of_a_key_counts_and_an_empty_one_gives_way() {
    let records = [record("path", "b"), record("path", "c"), record("uid", "")].concat();
    let bytes = [raw(b'x', b"p", records.as_bytes()), raw(b'0', b"a", b"xy")].concat();
    let members = read_all(Reader::new(&bytes[..])).unwrap();
    assert_eq!(&*members[0].entry.path, b"c");
    assert_eq!(members[0].offset, 3 * BLOCK as u64);
    let bytes = [raw(b'x', b"p", record("path", "").as_bytes()), raw(b'0', b"a", b"")].concat();
    assert_eq!(names(&bytes).unwrap(), ["a"]);
}

#[test]
fn a_later_extended_header_replaces_an_earlier_one_and_gnu_names_beat_both() {
    let first = raw(b'x', b"p", record("path", "b").as_bytes());
    let second = raw(b'x', b"p", record("mtime", "-1.5").as_bytes());
    let main = raw(b'0', b"a", b"");
    let members = read_all(Reader::new(Cursor::new([&*first, &second, &main].concat()))).unwrap();
    assert_eq!((&*members[0].name, members[0].entry.mtime), (&b"a"[..], -2));
    let long = raw(b'L', b"././@LongLink", b"long\0ignored");
    assert_eq!(names(&[&*long, &first, &main].concat()).unwrap(), ["long"]);
    assert_eq!(names(&[&*first, &long, &main, &main].concat()).unwrap(), ["long", "a"]);
}

#[test]
fn global_records_apply_to_nothing_and_end_what_stood_before_them() {
    let local = raw(b'x', b"p", record("path", "b").as_bytes());
    let global = raw(b'g', b"p", record("path", "c").as_bytes());
    let main = raw(b'0', b"a", b"");
    assert_eq!(names(&[&*global, &main, &local, &main].concat()).unwrap(), ["a", "b"]);
    assert_eq!(names(&[&*local, &global, &main].concat()).unwrap(), ["a"]);
    assert!(reason(&raw(b'g', b"p", b"5 path\n")).contains("no valid record"));
    // Even a size that is none.
    let sparse =
        raw(b'g', b"p", [record("size", "x"), record("GNU.sparse.map", "0")].concat().as_bytes());
    assert_eq!(names(&[sparse, main].concat()).unwrap(), ["a"]);
}

#[test]
fn what_is_no_size_or_too_much_is_refused() {
    let negative = raw(b'x', b"p", record("size", "-1").as_bytes());
    let main = raw(b'0', b"a", b"");
    assert!(reason(&[negative, main.clone()].concat()).contains("size is negative: -1"));
    let none = raw(b'x', b"p", record("size", "1k").as_bytes());
    assert!(reason(&[none, main].concat()).contains("the size `1k`, which is none"));
    for type_flag in *b"xgLK" {
        let bytes = raw(type_flag, b"p", &vec![b'a'; (1 << 20) + 1]);
        assert!(reason(&bytes).contains("readers take 1048576 at most"));
    }
}

#[test]
fn links_and_directories_have_no_content_whatever_their_size() {
    for type_flag in *b"123456" {
        let mut bytes = raw(type_flag, b"a", b"");
        bytes[124..136].copy_from_slice(b"00000001000\0");
        seal(&mut bytes);
        bytes.extend(raw(b'0', b"b", b""));
        let members = read_all(Reader::new(&bytes[..])).unwrap();
        assert_eq!(members.len(), 2);
        assert_eq!(members[0].entry.size, 0);
    }
}

#[test]
fn old_and_odd_types_are_what_go_takes_them_for() {
    let kind = |type_flag, name| {
        read_all(Reader::new(&raw(type_flag, name, b"")[..])).map(|mut read| read.remove(0).entry)
    };
    assert_eq!(kind(0, b"a").unwrap().kind, Kind::Regular);
    assert_eq!(kind(0, b"a/").unwrap().kind, Kind::Directory);
    assert_eq!(kind(b'0', b"a/").unwrap().kind, Kind::Regular);
    assert_eq!(kind(b'7', b"a").unwrap().kind, Kind::Regular);
    for (type_flag, message) in [(b'V', "`V`"), (b'D', "`D`"), (9, r"`\t`")] {
        let error = kind(type_flag, b"a").unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }));
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn messages_show_the_start_of_long_values_only() {
    let long = "9".repeat(1000);
    for records in [record("uid", &long), record("SCHILY.xattr.", &long), long.clone()] {
        let records = raw(b'x', b"p", records.as_bytes());
        assert!(reason(&[records, raw(b'0', b"a", b"")].concat()).len() < 200);
    }
}

#[test]
fn owners_that_no_kernel_has_are_refused() {
    for value in ["-1", "4294967296"] {
        let records = raw(b'x', b"p", record("uid", value).as_bytes());
        let bytes = [records, raw(b'0', b"a", b"")].concat();
        assert!(reason(&bytes).contains(&format!("its owner {value} is not one from 0")));
    }
}

#[test]
fn names_that_leave_the_root_are_refused() {
    assert!(reason(&raw(b'0', b"../a", b"")).contains("`..`"));
    let records = raw(b'x', b"p", record("linkpath", "../a").as_bytes());
    let link = reason(&[records.clone(), raw(b'1', b"l", b"")].concat());
    assert!(
        link.starts_with("`l` cannot be stored in a layer: it is a hard link to `../a`"),
        "{link}"
    );
    assert_eq!(names(&[records, raw(b'2', b"a", b"")].concat()).unwrap(), ["a"]);
}

#[test]
fn a_name_whose_directories_would_fill_memory_is_refused() {
    let within = b"d/".repeat(4096);
    assert_eq!(names(&archive(&[file(&[&*within, b"f"].concat(), 0)])).unwrap().len(), 1);
    let reason = reason(&archive(&[file(&[&*within, b"d/f"].concat(), 0)]));
    assert!(reason.contains("are 16785409 bytes of paths") && reason.len() < 200, "{reason}");
}

#[test]
fn a_message_shows_the_start_of_a_long_name() {
    let name = [b"../".as_slice(), "é".repeat(5000).as_bytes()].concat();
    let records = raw(b'x', b"p", record("path", std::str::from_utf8(&name).unwrap()).as_bytes());
    let reason = reason(&[records, raw(b'0', b"a", b"")].concat());
    assert!(reason.starts_with("`../é") && reason.contains("é…` cannot be stored"), "{reason}");
    assert!(reason.len() < 5000, "{} bytes", reason.len());
}

#[test]
fn a_message_shows_the_start_of_a_long_target() {
    for reason in [error::reason::lies_in, |leaf: &[u8]| error::reason::links_to(leaf, "is not")] {
        let reason = reason("é".repeat(500_000).as_bytes());
        assert!(reason.contains("é…`, ") && reason.len() < 4200, "{} bytes", reason.len());
    }
}

#[test]
fn content_beyond_what_any_file_has_is_missing() {
    let bytes = [
        &*raw(b'x', b"p", record("size", &i64::MAX.to_string()).as_bytes()),
        &raw(b'0', b"a", b""),
    ]
    .concat();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    file.rewind().unwrap();
    let mut reader = Reader::new(file);
    reader.next_member().unwrap();
    let reason = reader.skip_content().unwrap_err().to_string();
    assert!(reason.starts_with("malformed archive at `a`: it says that "), "{reason}");
}

#[test]
fn content_is_skipped_by_seeking_and_found_missing() {
    let bytes = archive(&[file(b"a", 700), file(b"b", 1), file(b"c", 513)]);
    let cut = bytes.len() - 612;
    let mut reader = Reader::new(Cursor::new(&bytes));
    for expected in [b"a", b"b", b"c"] {
        assert_eq!(&*reader.next_member().unwrap().unwrap().name, expected);
        reader.skip_content().unwrap();
        assert_eq!(reader.read_content(&mut [0; 9]).unwrap(), 0);
    }
    assert!(reader.next_member().unwrap().is_none());
    let mut reader = Reader::new(Cursor::new(&bytes[..cut]));
    for _ in 0..2 {
        reader.next_member().unwrap();
        reader.skip_content().unwrap();
    }
    reader.next_member().unwrap();
    let reason = reader.skip_content().unwrap_err().to_string();
    assert!(reason.contains("ends 101 bytes before its content does"), "{reason}");
}

/// Gives one byte at a time, after an interruption each.
struct Trickle<'a>(&'a [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(ErrorKind::Interrupted.into());
        }
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn short_and_interrupted_reads_change_nothing() {
    let bytes = archive(&[file(&[b'n'; 300], 513), entry(b"d", Kind::Directory)]);
    let whole = read_all(Reader::new(&bytes[..])).unwrap();
    assert_eq!(read_all(Reader::new(Trickle(&bytes, false))).unwrap(), whole);
}

fn name() -> impl Strategy<Value = Box<[u8]>> {
    let part = vec(prop_oneof![b'a'..=b'z', 1..=255_u8], 1..130);
    vec(part, 1..4)
        .prop_map(|parts| super::super::normalize_path(&parts.join(&b'/')))
        .prop_filter_map("not empty", |path| path.ok().filter(|path| !path.is_empty()))
}

fn kind() -> impl Strategy<Value = Kind> {
    let device = 0..=0o7_777_777_u32;
    prop_oneof![
        Just(Kind::Regular),
        Just(Kind::Directory),
        Just(Kind::Fifo),
        vec(1..=255_u8, 0..200).prop_map(|target| Kind::Symlink(target.into())),
        name().prop_map(Kind::HardLink),
        (device.clone(), device.clone())
            .prop_map(|(major, minor)| Kind::CharDevice { major, minor }),
        (device.clone(), device).prop_map(|(major, minor)| Kind::BlockDevice { major, minor }),
    ]
}

prop_compose! {
    fn any_entry()(
        path in name(),
        kind in kind(),
        mode in 0..=0o7777_u32,
        uid: u32,
        gid in prop_oneof![0..70_000_u32, any::<u32>()],
        mtime in prop_oneof![0..=0o77_777_777_777_i64, any::<i64>()],
        size in prop_oneof![0..2000_u64, 0..1_u64 << 40],
        names in proptest::collection::btree_set("[a-z.]{1,20}", 0..4),
        value in vec(any::<u8>(), 0..50),
    ) -> Entry {
        let size = if kind == Kind::Regular { size } else { 0 };
        let xattr = |name: String| Xattr {
            name: name.into_bytes().into(),
            value: value.clone().into(),
        };
        let xattrs = names.into_iter().map(xattr).collect();
        Entry { path, kind, mode, uid, gid, mtime, size, xattrs }
    }
}

proptest! {
    #[test]
    fn what_the_writer_writes_is_read_back_equal(entry in any_entry()) {
        let mut header = Vec::new();
        append_header(&entry, &mut header).unwrap();
        let member = Reader::new(&header[..]).next_member().unwrap().unwrap();
        prop_assert_eq!(&member.entry, &entry);
        prop_assert_eq!(member.offset, header.len() as u64);
    }

    /// Every member takes a block at least, so going on for longer is going in circles.
    #[test]
    fn damaged_archives_are_read_to_an_end(
        entries in vec(any_entry(), 0..4),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        resealed: bool,
    ) {
        let small: Vec<_> =
            entries.into_iter().map(|entry| Entry { size: entry.size % 2000, ..entry }).collect();
        let mut bytes = archive(&small);
        for (at, value) in damage {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = value;
                if resealed {
                    let header = at / BLOCK * BLOCK;
                    seal(&mut bytes[header..]);
                }
            }
        }
        if let Ok(members) = read_all(Reader::new(&bytes[..])) {
            prop_assert!(members.len() <= bytes.len() / BLOCK);
        }
    }

    #[test]
    fn noise_is_refused(bytes in vec(any::<u8>(), 1..3000)) {
        prop_assert!(names(&bytes).is_err());
    }
}
