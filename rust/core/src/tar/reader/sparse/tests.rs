use std::io::Cursor;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::super::field;
use super::super::tests::{raw, reason, record, seal};
use super::super::{BLOCK, Member, Reader};
use super::*;

/// Offset and length.
type Stretch = (i64, i64);

/// A file of 3000 bytes: `a` in two places, and zeroes before, between and behind.
const FILE: (i64, &[Stretch], &[u8]) = (3000, &[(512, 2), (1000, 600)], &[b'a'; 602]);

/// The file that a map and what is stored stand for.
fn expanded(size: i64, stretches: &[Stretch], stored: &[u8]) -> Vec<u8> {
    let at = |offset: i64| usize::try_from(offset).unwrap();
    let mut file = vec![0; at(size)];
    let mut stored = stored;
    for &(offset, length) in stretches {
        let (these, rest) = stored.split_at(at(length));
        file[at(offset)..at(offset + length)].copy_from_slice(these);
        stored = rest;
    }
    file
}

fn octal(number: i64) -> String {
    format!("{number:011o}\0")
}

/// Old GNU: four stretches in the header, 21 in each block behind it.
fn old(size: i64, stretches: &[Stretch], stored: &[u8]) -> Vec<u8> {
    let table: Vec<String> =
        stretches.iter().map(|(offset, length)| octal(*offset) + &octal(*length)).collect();
    let (first, more) = table.split_at(table.len().min(4));
    let mut bytes = raw(b'S', b"a", stored);
    bytes[field::MAGIC].copy_from_slice(b"ustar ");
    bytes[field::VERSION].copy_from_slice(b" \0");
    put(&mut bytes[field::GNU_SPARSE], &first.concat());
    put(&mut bytes[field::GNU_REAL_SIZE], &octal(size));
    bytes[field::GNU_IS_EXTENDED] = u8::from(!more.is_empty());
    seal(&mut bytes);
    let content = bytes.split_off(BLOCK);
    let blocks = more.chunks(21).count();
    for (index, stretches) in more.chunks(21).enumerate() {
        let mut block = [0; BLOCK];
        put(&mut block[field::EXTENSION_SPARSE], &stretches.concat());
        block[field::EXTENSION_IS_EXTENDED] = u8::from(index + 1 < blocks);
        bytes.extend(block);
    }
    bytes.extend(content);
    bytes
}

fn put(field: &mut [u8], text: &str) {
    field[..text.len()].copy_from_slice(text.as_bytes());
}

/// A member with records before it.
fn with(records: &[(&str, String)], content: &[u8]) -> Vec<u8> {
    let records: String =
        records.iter().map(|(key, value)| record(&format!("GNU.sparse.{key}"), value)).collect();
    [raw(b'x', b"p", records.as_bytes()), raw(b'0', b"a", content)].concat()
}

fn version_0_0(size: i64, stretches: &[Stretch], stored: &[u8]) -> Vec<u8> {
    let mut records = vec![("size", size.to_string()), ("numblocks", stretches.len().to_string())];
    for (offset, length) in stretches {
        records.extend([("offset", offset.to_string()), ("numbytes", length.to_string())]);
    }
    with(&records, stored)
}

fn version_0_1(size: i64, stretches: &[Stretch], stored: &[u8]) -> Vec<u8> {
    let map: Vec<_> =
        stretches.iter().map(|(offset, length)| format!("{offset},{length}")).collect();
    let records = [
        ("name", "a".to_owned()),
        ("size", size.to_string()),
        ("numblocks", stretches.len().to_string()),
        ("map", map.join(",")),
    ];
    with(&records, stored)
}

fn version_1_0(size: i64, stretches: &[Stretch], stored: &[u8]) -> Vec<u8> {
    let mut lines = vec![stretches.len().to_string()];
    for (offset, length) in stretches {
        lines.extend([offset.to_string(), length.to_string()]);
    }
    with_text(&size.to_string(), &(lines.join("\n") + "\n"), stored)
}

/// Version 1.0 with any text for its map.
fn with_text(size: &str, text: &str, stored: &[u8]) -> Vec<u8> {
    let mut content = text.as_bytes().to_vec();
    content.resize(content.len().next_multiple_of(BLOCK), 0);
    content.extend(stored);
    let records = [("major", "1"), ("minor", "0"), ("name", "a"), ("realsize", size)];
    with(&records.map(|(key, value)| (key, value.to_owned())), &content)
}

type Form = fn(i64, &[Stretch], &[u8]) -> Vec<u8>;
const FORMS: [(&str, Form); 4] =
    [("old", old), ("0.0", version_0_0), ("0.1", version_0_1), ("1.0", version_1_0)];

/// The first member and its content, read in pieces of `piece` bytes.
fn first(bytes: &[u8], piece: usize) -> Result<(Member, Vec<u8>)> {
    let mut reader = Reader::new(bytes);
    let member = reader.next_member()?.unwrap();
    let (mut content, mut buffer) = (Vec::new(), vec![1; piece]);
    loop {
        match reader.read_content(&mut buffer)? {
            0 => return Ok((member, content)),
            count => content.extend_from_slice(&buffer[..count]),
        }
    }
}

#[test]
fn every_form_is_expanded() {
    let (size, stretches, stored) = FILE;
    for (form, write) in FORMS {
        let bytes = write(size, stretches, stored);
        for piece in [1, 511, 4096] {
            let (member, content) = first(&bytes, piece).unwrap();
            assert_eq!((&*member.name, member.entry.size), (&b"a"[..], 3000), "{form}");
            assert!(member.sparse, "{form}");
            assert_eq!(content, expanded(size, stretches, stored), "{form}");
        }
    }
}

#[test]
fn the_first_two_versions_may_say_which_they_are() {
    let numbers = [("offset", "1".to_owned()), ("numbytes", "1".to_owned())];
    for (minor, map) in [("0", &numbers[..]), ("1", &[("map", "1,1".to_owned())])] {
        let mut records = vec![
            ("major", "0".to_owned()),
            ("minor", minor.to_owned()),
            ("size", "3".to_owned()),
            // Of no account beside the other.
            ("realsize", "9".to_owned()),
            ("numblocks", "1".to_owned()),
        ];
        records.extend_from_slice(map);
        assert_eq!(first(&with(&records, b"a"), 9).unwrap().1, b"\0a\0");
    }
}

#[test]
fn maps_may_be_long_empty_dense_or_have_empty_stretches() {
    let many: Vec<Stretch> = (0..100).map(|index| (index * 10, 3)).collect();
    let touching: Vec<Stretch> = (0..30).map(|index| (index * 10, 10)).collect();
    for (size, stretches, stored) in [
        (1000, &many[..], 300),
        (300, &touching[..], 300),
        (700, &[][..], 0),
        (0, &[][..], 0),
        (700, &[(700, 0)][..], 0),
        (700, &[(0, 0), (0, 5), (5, 0), (100, 0), (600, 0), (600, 9)][..], 14),
    ] {
        let stored = vec![b'a'; stored];
        for (form, write) in FORMS {
            // Without any number the first two versions are not told from a plain file.
            if stretches.is_empty() && form.starts_with('0') {
                continue;
            }
            let (member, content) = first(&write(size, stretches, &stored), 64).unwrap();
            assert!(member.sparse, "{form}");
            assert_eq!(content, expanded(size, stretches, &stored), "{form}: {stretches:?}");
        }
    }
}

#[test]
fn the_member_behind_is_found_whether_content_is_read_or_not() {
    let (size, stretches, stored) = FILE;
    for (form, write) in FORMS {
        let bytes = [write(size, stretches, stored), raw(b'0', b"b", b"next")].concat();
        for read in [0, 1, 600, 5000] {
            let mut reader = Reader::new(Cursor::new(&bytes));
            reader.next_member().unwrap();
            reader.read_content(&mut vec![0; read]).unwrap();
            if read % 2 == 0 {
                reader.skip_content().unwrap();
                assert_eq!(reader.read_content(&mut [0; 9]).unwrap(), 0, "{form}");
            }
            let member = reader.next_member().unwrap().unwrap();
            assert_eq!((&*member.name, member.sparse), (&b"b"[..], false), "{form}");
            assert_eq!(reader.read_content(&mut [0; 9]).unwrap(), 4, "{form}");
        }
    }
}

#[test]
fn maps_that_go_refuses_are_refused() {
    for (size, stretches, stored, message) in [
        (100, &[(90, 11)][..], 11, "but the file ends at 100"),
        (100, &[(10, 5), (14, 5)], 10, "but comes to it from 15"),
        (100, &[(10, 5), (0, 5)], 10, "but comes to it from 15"),
        (100, &[(10, 0), (9, 1)], 1, "but comes to it from 10"),
        (i64::MAX, &[(i64::MAX, i64::MAX)], 0, "but the file ends at"),
        (100, &[(0, 10)], 9, "has places for 10 bytes, 9 are stored"),
        (100, &[(0, 10)], 11, "has places for 10 bytes, 11 are stored"),
    ] {
        for (form, write) in FORMS {
            // Octal fields end below such numbers.
            if form == "old" && size == i64::MAX {
                continue;
            }
            let reason = reason(&write(size, stretches, &vec![b'a'; stored]));
            assert!(reason.contains(message), "{form}: {reason}");
        }
    }
    for (_, write) in &FORMS[1..] {
        assert!(reason(&write(-1, &[(0, 1)], b"a")).contains("sparse file is negative: -1"));
        assert!(reason(&write(9, &[(-1, 1)], b"a")).contains("one of these is negative"));
        assert!(reason(&write(9, &[(1, -1)], b"a")).contains("one of these is negative"));
    }
}

#[test]
fn numbers_of_a_map_that_are_none_are_refused() {
    for value in ["", "x", "1 ", "0x1", "9223372036854775808"] {
        let size = ("size", "9".to_owned());
        let count = |count: &str| ("numblocks", count.to_owned());
        let map = |map: String| ("map", map);
        for records in [
            [size.clone(), count("1"), map(format!("{value},1"))],
            [size.clone(), count("1"), map(format!("1,{value}"))],
            [size, count(value), map("0,1".to_owned())],
        ] {
            assert!(reason(&with(&records, b"a")).contains("for a number"), "{records:?}");
        }
        for text in [format!("{value}\n0\n1\n"), format!("1\n{value}\n1\n")] {
            assert!(reason(&with_text("9", &text, b"a")).contains("for a number"), "{text}");
        }
    }
    let mut bytes = old(9, &[(0, 1)], b"a");
    bytes[field::GNU_REAL_SIZE.start] = b'x';
    seal(&mut bytes);
    assert!(reason(&bytes).contains("its size as a sparse file holds no number"));
}

#[test]
fn maps_in_records_have_as_many_stretches_as_they_say() {
    let size = ("size", "9".to_owned());
    for (count, map, message) in [
        ("2", "0,1", "should have 2 stretches, it has 1"),
        ("1", "0,1,5", "ends with an offset"),
        ("-1", "0,1", "should have -1 stretches"),
    ] {
        let records = [size.clone(), ("numblocks", count.to_owned()), ("map", map.to_owned())];
        assert!(reason(&with(&records, b"a")).contains(message), "{map}");
    }
    for keys in [["numbytes", "offset"], ["offset", "offset"]] {
        let records = keys.map(|key| (key, "0".to_owned()));
        assert!(reason(&with(&records, b"")).contains("in place of its next"), "{keys:?}");
    }
    // Two numbers in the place of one would shift all that follow.
    let comma = [("offset", "0,1".to_owned())];
    assert!(reason(&with(&comma, b"")).contains("the offset `0,1` in place of its next offset"));
}

#[test]
fn a_map_in_the_content_is_read_in_whole_blocks() {
    // Signs and leading zeroes are numbers to Go; a line may begin in one block and end in the next.
    let long = format!("+{}1\n+3\n02\n", "0".repeat(600));
    assert_eq!(first(&with_text("9", &long, b"ab"), 9).unwrap().1, b"\0\0\0ab\0\0\0\0");
    // What follows the last number in its block is passed over.
    assert_eq!(first(&with_text("2", "1\n0\n2\nrest\n", b"ab"), 9).unwrap().1, b"ab");
    assert_eq!(first(&with_text("2", "0\n", b""), 9).unwrap().1, b"\0\0");
    assert!(reason(&with_text("9", "-1\n", b"")).contains("should have -1 stretches"));
    assert!(reason(&with_text("9", "2\n0\n1\n", b"a")).contains("ends inside its sparse map"));
    assert!(reason(&with_text("9", "1\n0\n1", b"a")).contains("ends inside its sparse map"));
}

#[test]
fn maps_that_would_fill_memory_are_refused() {
    let endless = with_text("9", &format!("9999999\n{}", "0\n".repeat(1 << 20)), b"");
    assert!(reason(&endless).contains("more than 2048 blocks"));
    for (blocks, refused) in [(2047, false), (2048, true)] {
        let stretches: Vec<Stretch> = (0..4 + 21 * blocks).map(|index| (index, 1)).collect();
        let size = i64::try_from(stretches.len()).unwrap();
        let bytes = old(size, &stretches, &vec![b'a'; stretches.len()]);
        let read = first(&bytes, 4096);
        assert_eq!(read.is_err(), refused, "{blocks}");
    }
}

#[test]
fn an_input_that_ends_inside_a_map_or_the_content_is_an_error() {
    let stretches: Vec<Stretch> = (0..50).map(|index| (index * 10, 3)).collect();
    for (form, write) in FORMS {
        let bytes = write(1000, &stretches, &[b'a'; 150]);
        let header = bytes.chunks(BLOCK).position(|block| block.starts_with(b"a\0")).unwrap();
        let end = bytes.len() - (BLOCK - 150);
        assert!(first(&bytes[..end], 4096).is_ok(), "{form}");
        for cut in (header * BLOCK + 1..end).step_by(97).chain([end - 1]) {
            assert!(first(&bytes[..cut], 4096).is_err(), "{form}: {cut}");
        }
    }
}

#[test]
fn errors_name_the_file_that_the_archive_means() {
    let map = [("name", "real"), ("size", "9"), ("numblocks", "1"), ("map", "0,4")];
    let bytes = with(&map.map(|(key, value)| (key, value.to_owned())), b"abcd");
    let error = first(&bytes[..bytes.len() - BLOCK + 3], 9).unwrap_err();
    assert!(error.to_string().contains("at `real`: the input ends 1 bytes before"), "{error}");
}

#[test]
fn what_readers_disagree_about_is_refused() {
    for keys in [&["major"][..], &["name"], &["realsize"], &["major", "minor"], &["other"]] {
        let records: Vec<_> = keys.iter().map(|&key| (key, "2".to_owned())).collect();
        assert!(reason(&with(&records, b"content")).contains("a version that is not known"));
    }
    let records = raw(b'x', b"p", record("GNU.sparse.name", "b").as_bytes());
    let (size, stretches, stored) = FILE;
    let both = [records, old(size, stretches, stored)].concat();
    assert!(reason(&both).contains("two kinds at once"));
}

#[test]
fn only_files_of_gnu_archives_are_sparse() {
    assert!(reason(&raw(b'S', b"a", b"")).contains("its header is not GNU's"));
    let (size, stretches, stored) = FILE;
    for type_flag in *b"123456" {
        let mut bytes = version_0_1(size, stretches, stored);
        let main = bytes.len() - 3 * BLOCK;
        bytes[main + field::TYPE] = type_flag;
        seal(&mut bytes[main..]);
        assert!(reason(&bytes).contains("but is no file"));
    }
}

#[test]
fn a_later_header_replaces_what_an_earlier_one_said() {
    let (size, stretches, stored) = FILE;
    let sparse = version_0_1(size, stretches, stored);
    let other = raw(b'x', b"p", record("path", "b").as_bytes());
    let main = sparse.len() - 3 * BLOCK;
    let bytes = [&sparse[..main], &other, &sparse[main..]].concat();
    let (member, content) = first(&bytes, 4096).unwrap();
    assert_eq!((&*member.name, member.sparse, content), (&b"b"[..], false, stored.to_vec()));
    // The real name of a sparse file beats all others.
    let long = raw(b'L', b"p", b"long");
    let (member, _) = first(&[&sparse[..main], &long, &sparse[main..]].concat(), 9).unwrap();
    assert_eq!(&*member.entry.path, b"a");
}

#[test]
fn holes_are_made_as_they_are_read() {
    const SIZE: i64 = 100 << 30;
    let bytes = version_1_0(SIZE, &[(SIZE - 1, 1)], b"z");
    let mut reader = Reader::new(&bytes[..]);
    assert_eq!(reader.next_member().unwrap().unwrap().entry.size, 100 << 30);
    let read = reader.position();
    let mut buffer = vec![1; 1 << 20];
    for _ in 0..64 {
        buffer.fill(1);
        assert_eq!(reader.read_content(&mut buffer).unwrap(), buffer.len());
        assert!(buffer.iter().all(|&byte| byte == 0));
    }
    assert_eq!(reader.position(), read);
    assert!(reader.next_member().unwrap().is_none());
}

proptest! {
    #[test]
    fn any_file_is_expanded_from_any_form(
        runs in vec((0..700_i64, 0..700_i64), 0..60),
        behind in 0..700_i64,
        seed in vec(any::<u8>(), 1..300),
        piece in 1..2000_usize,
    ) {
        let mut end = 0;
        let mut stretches = Vec::new();
        for (zeroes, length) in runs {
            stretches.push((end + zeroes, length));
            end += zeroes + length;
        }
        let stored = usize::try_from(stretches.iter().map(|stretch| stretch.1).sum::<i64>()).unwrap();
        let stored: Vec<u8> = seed.into_iter().cycle().take(stored).collect();
        let expected = expanded(end + behind, &stretches, &stored);
        for (form, write) in FORMS {
            if stretches.is_empty() && form.starts_with('0') {
                continue;
            }
            let (member, content) = first(&write(end + behind, &stretches, &stored), piece).unwrap();
            prop_assert_eq!(member.entry.size, expected.len() as u64, "{}", form);
            prop_assert_eq!(&content, &expected, "{}", form);
        }
    }
}
