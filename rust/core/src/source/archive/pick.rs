//! A look for a few members of an archive, with their content.

use std::collections::HashMap;
use std::io::BufReader;

use super::super::{Patterns, READ_BUFFER};
use super::ArchiveFile;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::tar::{Entry, Member, Reader};

/// Bytes that the headers of all that is found may have together.
const MAX_HEADERS: u64 = 16 << 20;

/// What to look for.
#[derive(Clone, Debug)]
pub struct Pick {
    /// The paths.
    pub patterns: Patterns,
    /// Bytes of content that all of them may have together.
    pub limit: u64,
    /// Whether the archive is read no further than to the first.
    pub first: bool,
}

impl Pick {
    /// The members of `archive` that are looked for, in the order in which their paths come first:
    /// the last one of each path. The content of what is no regular file is empty.
    pub fn of(&self, archive: &ArchiveFile, cancel: &Cancel) -> Result<Vec<(Member, Vec<u8>)>> {
        let picked = archive.decoded(1, cancel).and_then(|tar| {
            let mut reader = Reader::new(BufReader::with_capacity(READ_BUFFER, tar));
            let mut found = Found::default();
            while let Some(member) = reader.next_member()? {
                cancel.check()?;
                if !self.patterns.matches(&member.entry.path) {
                    continue;
                }
                found.make_room(&member.entry, self.limit)?;
                let mut content = vec![0; usize::try_from(member.entry.size).unwrap_or(0)];
                reader.fill_with_content(&mut content)?;
                found.put(member, content);
                if self.first {
                    return Ok(found.members);
                }
            }
            reader.drain()?;
            Ok(found.members)
        });
        picked.map_err(|error| error.in_archive(archive.path()))
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    members: Vec<(Member, Vec<u8>)>,
    places: HashMap<Box<[u8]>, usize>,
    content: u64,
    headers: u64,
}

impl Found {
    /// Drops the content that `entry` takes the place of, and counts its own.
    fn make_room(&mut self, entry: &Entry, limit: u64) -> Result<()> {
        if let Some(&place) = self.places.get(&entry.path) {
            let (old, content) = &mut self.members[place];
            self.content -= content.len() as u64;
            self.headers -= old.entry.header_size();
            *content = Vec::new();
        }
        self.content = self.content.saturating_add(entry.size);
        self.headers = self.headers.saturating_add(entry.header_size());
        let reason = if self.content > limit {
            format!("this and what goes with it has more than {limit} bytes")
        } else if self.headers > MAX_HEADERS {
            format!("this and what goes with it has headers of more than {MAX_HEADERS} bytes")
        } else {
            return Ok(());
        };
        Err(Error::malformed(&entry.path, reason))
    }

    fn put(&mut self, member: Member, content: Vec<u8>) {
        if let Some(&place) = self.places.get(&member.entry.path) {
            self.members[place] = (member, content);
        } else {
            self.places.insert(member.entry.path.clone(), self.members.len());
            self.members.push((member, content));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::tar::{Kind, append_header};

    /// An archive of three files, with something before and behind it.
    fn archive(junk: &[u8]) -> ArchiveFile {
        let mut tar = junk.to_vec();
        for (path, content) in [("a", "one"), ("b/a", "two"), ("a", "three")] {
            let entry = Entry::implied_directory(path.as_bytes(), 0);
            let size = content.len() as u64;
            append_header(&Entry { kind: Kind::Regular, size, ..entry }, &mut tar).unwrap();
            tar.extend(content.as_bytes());
            tar.resize(junk.len() + (tar.len() - junk.len()).next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1024, 0);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&tar).unwrap();
        file.write_all(junk).unwrap();
        let size = (tar.len() - junk.len()) as u64;
        ArchiveFile::open_part(file.path(), junk.len() as u64, size).unwrap()
    }

    fn pick(pattern: &str, limit: u64, first: bool) -> Result<Vec<String>> {
        let pick = Pick { patterns: Patterns::parse([pattern]).unwrap(), limit, first };
        let found = pick.of(&archive(b"junk"), &Cancel::default())?;
        Ok(found.into_iter().map(|(_, content)| String::from_utf8(content).unwrap()).collect())
    }

    #[test]
    fn what_matches_comes_with_its_content() {
        assert_eq!(pick("a", 5, false).unwrap(), ["three"]);
        assert_eq!(pick("**/a", 8, false).unwrap(), ["three", "two"]);
        assert_eq!(pick("a", 3, true).unwrap(), ["one"]);
        assert_eq!(pick("c", 0, false).unwrap(), [""; 0]);
    }

    #[test]
    fn more_than_was_allowed_is_an_error_that_names_the_archive() {
        let error = pick("**/a", 7, false).unwrap_err().to_string();
        assert!(error.starts_with("malformed archive `/"), "{error}");
        assert!(error.ends_with("has more than 7 bytes"), "{error}");
    }

    #[test]
    fn headers_have_a_limit_too() {
        let mut found = Found::default();
        let name = |number: u64| format!("{number:01024}");
        let mut put = |number| {
            let entry = Entry::implied_directory(name(number).as_bytes(), 0);
            found.make_room(&entry, 0)
        };
        let fit = MAX_HEADERS / (512 + 2 * 1024);
        for number in 0..fit {
            put(number).unwrap();
        }
        let error = put(fit).unwrap_err().to_string();
        assert!(error.ends_with("has headers of more than 16777216 bytes"), "{error}");
    }
}
