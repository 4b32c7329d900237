//! Members of archives as lines of text, which a fuzzer changes with more luck than blocks.

use fastlayer_core::tar::{BLOCK, Entry, Kind, normalize_path};

use crate::{File, seal_headers, write};

/// The letter that a line begins with, and the words behind it.
#[must_use]
pub fn words(line: &[u8]) -> Option<(u8, Vec<&[u8]>)> {
    let (&[letter], rest) = line.split_at_checked(1)? else { return None };
    Some((letter, rest.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).collect()))
}

/// A member, if a line is one: `D path`, `F path content`, `L path target`, `H path target` or
/// `P path`.
#[must_use]
pub fn member(line: &[u8]) -> Option<File> {
    let (letter, words) = words(line)?;
    let path = normalize_path(words.first()?).ok()?;
    let target = words.get(1).copied().unwrap_or_default();
    if target.contains(&0) {
        return None;
    }
    let (kind, content) = match letter {
        b'D' => (Kind::Directory, Vec::new()),
        b'F' => (Kind::Regular, target.to_vec()),
        b'L' => (Kind::Symlink(target.into()), Vec::new()),
        b'H' => (Kind::HardLink(normalize_path(target).ok()?), Vec::new()),
        b'P' => (Kind::Fifo, Vec::new()),
        _ => return None,
    };
    // Of two entries for one path it must be seen which one it is.
    let mode = 0o600 + line.len() as u32 % 64;
    let size = content.len() as u64;
    Some((Entry { kind, mode, size, mtime: 1, ..Entry::implied_directory(&path, 0) }, content))
}

/// The members and what follows them: an archive of its own, with the checksums of its headers
/// right, or the end.
#[must_use]
pub fn join(members: &[File], rest: &[u8]) -> Vec<u8> {
    let mut archive = write(members);
    if rest.is_empty() {
        return archive;
    }
    archive.truncate(archive.len() - 2 * BLOCK);
    let mut rest = rest.to_vec();
    seal_headers(&mut rest);
    archive.extend(rest);
    archive
}
