//! Any edits, and any archive that they are done to: what comes out is a layer that every engine
//! can apply, or an error.
//!
//! The input is text up to its first empty line, then the bytes of an archive. A line is an edit or
//! a member that stands before those bytes: one letter and what it takes, with blanks between.
//! What is no such line says nothing.
#![no_main]

use std::io::Cursor;

use fastlayer_core::Error;
use fastlayer_core::blob::Source;
use fastlayer_core::edit::{Edit, Edits, PathRules, Put, Rewrite, What};
use fastlayer_core::source::{FileSource, Patterns};
use fastlayer_fuzz::{build, check_layer, check_refusal, file, join, member, words};
use libfuzzer_sys::fuzz_target;

/// The text is short: each edit looks at each entry.
const MAX_TEXT: usize = 2048;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at(end.min(MAX_TEXT));
    let lines: Vec<_> = text.split(|&byte| byte == b'\n').collect();
    let edits = Edits::new(lines.iter().filter_map(|line| edit(line)).collect());
    let members: Vec<_> = lines.iter().filter_map(|line| member(line)).collect();
    let archive = join(&members, rest.strip_prefix(b"\n\n").unwrap_or_default());

    let stream = |tar: &[u8]| Source::Stream(Box::new(Cursor::new(tar.to_vec())));
    let mut made = build(stream(&archive), &edits);
    if let Err(Error::OutOfOrder { .. }) = made {
        made = build(Source::Archive(file(0, &archive)), &edits);
        let again = build(Source::Archive(file(0, &archive)), &edits);
        let tars = [&made, &again].map(|made| made.as_ref().ok().map(|(_, tar)| tar));
        assert_eq!(tars[0], tars[1], "the same input gives other bytes");
    }
    let (layer, tar) = match made {
        Ok(made) => made,
        Err(error) => return check_refusal(&error),
    };
    assert_eq!(check_layer(&tar), layer.entries, "its entries are not as many as it says");
    let (_, again) = build(stream(&tar), &Edits::default()).unwrap();
    assert_eq!(again, tar, "a layer is not the layer of itself");
});

fn edit(line: &[u8]) -> Option<Edit> {
    let put = |path, what| Put::new(path, what, None, (1, 2)).map(Edit::Put);
    let patterns = |words: &[&[u8]]| Patterns::parse(words);
    let edit = match words(line)? {
        (b'x', words) => patterns(&words).map(Edit::Exclude),
        (b'p', words) => PathRules::parse(words).map(Edit::PathRules),
        (b'r', words) => Edit::remove(words.first()?),
        (b'm', words) => Edit::rename(words.first()?, words.get(1)?),
        (b'd', words) => put(words.first()?, What::Directory),
        (b'l', words) => put(words.first()?, What::Symlink((*words.get(1)?).into())),
        (b'f', words) => {
            put(words.first()?, What::File(FileSource::Bytes((*words.get(1)?).into())))
        }
        (b'c', words) => patterns(&words).map(|patterns| Edit::Mode(patterns, 0o4711)),
        (b'o', words) => patterns(&words).map(|patterns| Edit::Owner(patterns, 3, 1 << 30)),
        (b't', words) => patterns(&words).map(Edit::Truncate),
        (b'w', words) => {
            let more = words.get(1)?.to_vec();
            Rewrite::new(words.first()?, move |content| Ok([content, &more].concat()))
                .map(Edit::Rewrite)
        }
        (b'k', words) => Ok(Edit::ClampMtime(-i64::from(*words.first()?.first()?))),
        _ => return None,
    };
    edit.ok()
}
