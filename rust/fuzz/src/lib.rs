//! What the fuzz targets share: archives are read to a limit, and what must hold for any is checked.

mod made;
mod text;

use std::collections::HashMap;
use std::io::Cursor;

use fastlayer_core::source::TarStream;
use fastlayer_core::tar::{
    BLOCK, Entry, Kind, Member, Reader, TRAILER, WHITEOUT_PREFIX, append_header, padded, parent_of,
};
use fastlayer_core::{Error, Result};

pub use made::{build, check_refusal, file};
pub use text::{join, member, words};

/// How much content is read of one archive: a sparse file of a few bytes may say that it has 2^63.
const MAX_CONTENT: u64 = 1 << 18;

/// An entry with its content.
pub type File = (Entry, Vec<u8>);

/// An archive up to its end or its first error.
#[derive(Default)]
struct Archive {
    names: Vec<Box<[u8]>>,
    /// Members whose content was read.
    whole: Vec<File>,
    /// Members with more content than is read here.
    large: Vec<Entry>,
}

/// Reads `bytes` as an archive, whatever they are. What is read must be the same when its content
/// is passed over, and when it was written and read again.
///
/// # Panics
///
/// When it is not: that is a finding.
pub fn check_archive(bytes: &[u8]) {
    let mut archive = Archive::default();
    let failed = archive.read(bytes).is_err();
    let entries = (!failed && !bytes.is_empty()).then_some(archive.names.len() as u64);
    assert_eq!(pass_on(bytes), entries, "passing it on differs from reading");
    assert_eq!(seek(bytes), (archive.names, failed), "seeking differs from reading");

    let headers = archive.large.into_iter().filter_map(|entry| Some((header(&entry)?, entry)));
    for (header, entry) in headers {
        let member = Reader::new(&header[..]).next_member().unwrap().unwrap();
        assert_eq!(member.entry, entry, "it is read otherwise than it was written");
    }
    let files: Vec<_> =
        archive.whole.into_iter().filter(|(entry, _)| header(entry).is_some()).collect();
    let mut again = Archive::default();
    again.read(&write(&files)).unwrap();
    assert_eq!(again.whole, files, "it is read otherwise than it was written");
}

impl Archive {
    fn read(&mut self, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::new(bytes);
        let mut left = MAX_CONTENT;
        while let Some(member) = reader.next_member()? {
            self.names.push(member.name);
            let Some(rest) = left.checked_sub(member.entry.size) else {
                self.large.push(member.entry);
                continue;
            };
            let mut content = vec![0; usize::try_from(member.entry.size).unwrap()];
            let mut filled = 0;
            while filled < content.len() {
                match reader.read_content(&mut content[filled..])? {
                    0 => panic!("the content ends before its size"),
                    count => filled += count,
                }
            }
            assert_eq!(reader.read_content(&mut [0])?, 0, "the content goes on after its size");
            self.whole.push((member.entry, content));
            left = rest;
        }
        assert!(reader.position() <= bytes.len() as u64);
        Ok(())
    }
}

/// How many members there are when every byte is passed on; `None` for an error.
fn pass_on(bytes: &[u8]) -> Option<u64> {
    let mut stream = TarStream::new(bytes);
    let mut passed = vec![0; bytes.len() + 1];
    let count = stream.fill(&mut passed).ok()?;
    assert!(passed[..count] == *bytes, "what is passed on is not what it was");
    Some(stream.entries())
}

/// The names of the members, and whether it ended with an error, when content is passed over.
fn seek(bytes: &[u8]) -> (Vec<Box<[u8]>>, bool) {
    let mut reader = Reader::new(Cursor::new(bytes));
    let mut names = Vec::new();
    loop {
        match reader.next_member() {
            Ok(Some(member)) => names.push(member.name),
            Ok(None) => return (names, false),
            Err(_) => return (names, true),
        }
        if reader.skip_content().is_err() {
            return (names, true);
        }
    }
}

/// The header blocks of `entry`; `None` for one that no header can say.
fn header(entry: &Entry) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match append_header(entry, &mut bytes) {
        Ok(()) => Some(bytes),
        Err(Error::Unsupported { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// The archive of these files.
///
/// # Panics
///
/// When one has no header that says what it is.
#[must_use]
pub fn write(files: &[File]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (entry, content) in files {
        append_header(entry, &mut bytes).unwrap();
        let end = bytes.len() as u64 + padded(entry.size);
        bytes.extend_from_slice(content);
        bytes.resize(usize::try_from(end).unwrap(), 0);
    }
    bytes.resize(bytes.len() + usize::try_from(TRAILER).unwrap(), 0);
    bytes
}

/// Reads a layer, and says how many entries it has. Each must come when an engine can apply it, with
/// a name that leads nowhere else.
///
/// # Panics
///
/// When one does not: that is a finding.
#[must_use]
pub fn check_layer(tar: &[u8]) -> u64 {
    assert_eq!(tar.len() % BLOCK, 0);
    let mut reader = Reader::new(tar);
    let mut kinds: HashMap<Box<[u8]>, Kind> = HashMap::new();
    while let Some(Member { name, entry, .. }) = reader.next_member().unwrap() {
        check_name(&name, &entry);
        if let Some(parent) = parent_of(&entry.path).filter(|parent| !parent.is_empty()) {
            assert_eq!(kinds.get(parent), Some(&Kind::Directory), "its parent is not there");
        }
        if let Kind::HardLink(target) = &entry.kind {
            let found = kinds.get(target).expect("the target of a hard link is not there");
            assert_ne!(*found, Kind::Directory, "a hard link leads to a directory");
        }
        let other = kinds.insert(entry.path, entry.kind);
        assert_eq!(other, None, "a path has two entries");
    }
    assert_eq!(reader.position(), tar.len() as u64, "it goes on after its end");
    kinds.len() as u64
}

/// The name must be the path in its one form, and no part of it one that deletes something.
fn check_name(name: &[u8], entry: &Entry) {
    let slash: &[u8] = if entry.is_directory() { b"/" } else { b"" };
    let path: &[u8] = if entry.path.is_empty() { b"." } else { &entry.path };
    assert_eq!(name, [path, slash].concat(), "a name is not in its normal form");
    for part in path.split(|&byte| byte == b'/') {
        assert!(!part.is_empty() && part != b"..", "a name leads out of the layer");
        assert!(!part.starts_with(WHITEOUT_PREFIX), "a name deletes another");
    }
}

/// Puts the checksums of all blocks right that look like headers.
pub fn seal_headers(archive: &mut [u8]) {
    let blocks = archive.chunks_exact_mut(BLOCK);
    blocks.filter(|block| block[257..].starts_with(b"ustar")).for_each(seal);
}

/// Puts the checksum of a header block right.
pub fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..BLOCK].iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
