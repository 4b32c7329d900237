//! The tar reader and writer against the tables of Go's `archive/tar` tests, through whole
//! archives: what a table says of a field or record must hold for a member that has it.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod vectors;

use fastlayer_core::Error;
use fastlayer_core::tar::{Entry, Kind, Member, Reader, append_header, archive_member_header};
use serde_json::Value;

const BLOCK: usize = 512;

fn file(path: &[u8]) -> Entry {
    Entry { kind: Kind::Regular, ..Entry::implied_directory(path, 0) }
}

fn header(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    append_header(entry, &mut bytes).unwrap();
    bytes
}

fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..BLOCK].iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A member named `a` whose extended header holds exactly `records`.
fn with_records(records: &[u8]) -> Vec<u8> {
    let mut bytes = header(&Entry { size: records.len() as u64, ..file(b"p") });
    bytes[156] = b'x';
    seal(&mut bytes);
    bytes.extend(records);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes.extend(header(&file(b"a")));
    bytes
}

fn first(bytes: &[u8]) -> Result<Member, Error> {
    Reader::new(bytes).next_member().map(Option::unwrap)
}

fn rows(name: &str) -> Vec<Value> {
    let vectors = vectors::json("tar_primitives.json");
    vectors.map_or_else(Vec::new, |vectors| vectors[name].as_array().unwrap().clone())
}

/// A value of the tables: text, or Go's expression for a long one.
fn evaluate(value: &Value) -> Vec<u8> {
    let part = |key: &str| evaluate(&value[key]);
    match value {
        Value::String(name) if name == "longName" => vec![b'x'; 200],
        Value::String(name) if name == "medName" => vec![b'x'; 100],
        Value::String(_) => vectors::bytes(value),
        _ if value["$op"] == "+" => [part("l"), part("r")].concat(),
        _ => evaluate(&value["args"][0]).repeat(number(&value["args"][1])),
    }
}

fn number(value: &Value) -> usize {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64().unwrap()).unwrap(),
        Value::String(name) if name == "nameSize" => 100,
        Value::String(name) if name == "prefixSize" => 155,
        _ if value["$op"] == "+" => number(&value["l"]) + number(&value["r"]),
        _ => number(&value["l"]) - number(&value["r"]),
    }
}

#[test]
fn numeric_fields_are_read_as_go_reads_them() {
    for row in rows("parse_numeric") {
        let text = vectors::bytes(&row["in"]);
        let binary = text.first().is_some_and(|byte| byte & 0x80 != 0);
        // The time field is 12 bytes. Octal may be filled up with NULs, base-256 may not.
        if text.len() > 12 || binary && text.len() != 12 {
            continue;
        }
        let mut bytes = header(&file(b"a"));
        bytes[136..148].fill(0);
        bytes[136..136 + text.len()].copy_from_slice(&text);
        seal(&mut bytes);
        let read = first(&bytes).ok().map(|member| member.entry.mtime);
        let expected = row["ok"].as_bool().unwrap().then(|| row["want"].as_i64().unwrap());
        assert_eq!(read, expected, "{row}");
    }
}

#[test]
fn times_are_read_as_go_reads_them_to_the_second_below() {
    for row in rows("parse_pax_time") {
        let text = vectors::bytes(&row["in"]);
        if text.is_empty() {
            // An empty record leaves the header's own time and is never looked at.
            continue;
        }
        let rest = text.len() + " mtime=\n".len();
        let length =
            (rest..rest + 9).find(|length| rest + length.to_string().len() == *length).unwrap();
        let record = [format!("{length} mtime=").as_bytes(), &text, b"\n"].concat();
        let read = first(&with_records(&record)).ok().map(|member| member.entry.mtime);
        let expected = row["ok"].as_bool().unwrap().then(|| {
            let args = &row["want"]["args"];
            args[0].as_i64().unwrap() - i64::from(args[1].as_f64().unwrap() < 0.0)
        });
        assert_eq!(read, expected, "{row}");
    }
}

#[test]
fn records_are_read_as_go_reads_them() {
    for row in rows("parse_pax_record") {
        let mut records = evaluate(&row["in"]);
        // What Go leaves for the next record would be read as one here.
        records.truncate(
            records.len() - if row["ok"] == true { evaluate(&row["wantRes"]).len() } else { 0 },
        );
        let read = first(&with_records(&records));
        assert_eq!(read.is_ok(), row["ok"].as_bool().unwrap(), "{row}");
        if let Ok(member) = read
            && row["wantKey"] == "path"
        {
            assert_eq!(*member.name, evaluate(&row["wantVal"]), "{row}");
        }
    }
}

#[test]
fn attribute_records_are_written_as_go_writes_them() {
    for row in rows("format_pax_record") {
        let (key, value) = (evaluate(&row["inKey"]), evaluate(&row["inVal"]));
        if key != b"path" || row["ok"] == false {
            continue;
        }
        // A name gets a record of its own only where it must.
        let bytes = header(&file(&value));
        if bytes.len() > BLOCK {
            assert!(bytes[BLOCK..].starts_with(&evaluate(&row["want"])), "{row}");
        }
    }
}

#[test]
fn long_names_are_split_where_go_splits_them() {
    for row in rows("split_ustar_path") {
        let name = evaluate(&row["input"]);
        if name.is_empty() || name.ends_with(b"/") {
            continue;
        }
        let bytes = header(&file(&name));
        let field = |range: std::ops::Range<usize>| {
            bytes[range].split(|&byte| byte == 0).next().unwrap().to_vec()
        };
        if row["ok"] == true {
            assert_eq!(bytes.len(), BLOCK, "{row}");
            assert_eq!(field(345..500), evaluate(&row["prefix"]), "{row}");
            assert_eq!(field(0..100), evaluate(&row["suffix"]), "{row}");
        } else {
            assert!(bytes.len() > BLOCK || name.len() <= 100, "{row}");
        }
        assert_eq!(*first(&bytes).unwrap().name, name, "{row}");
    }
}

#[test]
fn sizes_are_written_as_go_writes_numbers() {
    for row in rows("format_numeric") {
        let expected = vectors::bytes(&row["want"]);
        // The size is the one number here that may need base-256, and its field has 12 bytes.
        if let Some(size) = row["in"].as_u64()
            && expected.len() == 12
        {
            let bytes = archive_member_header("a", size).unwrap();
            assert_eq!(bytes[124..136], expected, "{row}");
        }
    }
}

#[test]
fn times_before_1970_are_written_as_go_writes_them() {
    for row in rows("format_pax_time") {
        let seconds = row["sec"].as_i64().unwrap();
        if seconds >= 0 || row["nsec"].as_f64() != Some(0.0) {
            continue;
        }
        let bytes = header(&Entry { mtime: seconds, ..file(b"a") });
        let record = format!(" mtime={}\n", row["want"].as_str().unwrap());
        let written = bytes[BLOCK..2 * BLOCK].split(|&byte| byte == 0).next().unwrap();
        assert!(written.ends_with(record.as_bytes()), "{row}");
    }
}

#[test]
fn names_that_go_once_wrote_into_gnu_headers_are_read_back() {
    for row in rows("issue12594_names") {
        let name = vectors::bytes(&row);
        let bytes = header(&file(&name));
        assert_eq!(*first(&bytes).unwrap().name, name, "{row}");
    }
}
