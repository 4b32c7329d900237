//! A look for a few members of an archive, with their content.

use std::io::BufReader;

use super::super::{Patterns, READ_BUFFER};
use super::ArchiveFile;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::tar::{Member, Reader};

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
    /// The members of `archive` that are looked for, in its order, those that come twice too. The
    /// content of what is no regular file is empty.
    pub fn of(&self, archive: &ArchiveFile, cancel: &Cancel) -> Result<Vec<(Member, Vec<u8>)>> {
        let picked = archive.decoded(1, cancel).and_then(|tar| {
            let mut reader = Reader::new(BufReader::with_capacity(READ_BUFFER, tar));
            let (mut found, mut size) = (Vec::new(), 0);
            while let Some(member) = reader.next_member()? {
                cancel.check()?;
                if !self.patterns.matches(&member.entry.path) {
                    continue;
                }
                size += member.entry.size;
                if size > self.limit {
                    let reason =
                        format!("this and what goes with it has more than {} bytes", self.limit);
                    return Err(Error::malformed(&member.entry.path, reason));
                }
                let mut content = vec![0; usize::try_from(member.entry.size).unwrap_or(0)];
                let mut filled = 0;
                while filled < content.len() {
                    match reader.read_content(&mut content[filled..])? {
                        0 => break,
                        count => filled += count,
                    }
                }
                found.push((member, content));
                if self.first {
                    return Ok(found);
                }
            }
            reader.drain()?;
            Ok(found)
        });
        picked.map_err(|error| error.in_archive(archive.path()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::tar::{Entry, Kind, append_header};

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
        assert_eq!(pick("a", 8, false).unwrap(), ["one", "three"]);
        assert_eq!(pick("**/a", 99, false).unwrap(), ["one", "two", "three"]);
        assert_eq!(pick("a", 3, true).unwrap(), ["one"]);
        assert_eq!(pick("c", 0, false).unwrap(), [""; 0]);
    }

    #[test]
    fn more_than_was_allowed_is_an_error_that_names_the_archive() {
        let error = pick("a", 7, false).unwrap_err().to_string();
        assert!(error.starts_with("malformed archive `/"), "{error}");
        assert!(error.ends_with("has more than 7 bytes"), "{error}");
    }
}
