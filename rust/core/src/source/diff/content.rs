//! Files that are alike, compared byte by byte.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::super::tree::Tree;
use super::super::{CheckedFile, Cursor, Stamp};
use super::{State, Undecided};
use crate::error::{Error, Result};
use crate::plan::Content;

/// Bytes that are read at once of each file.
const PART: usize = 256 * 1024;

/// Decides on all entries that are alike, on several threads. Each file is read at most once, to
/// the first byte that differs, and checked before and after to be in the state that the walk saw.
pub(super) fn compare(
    files: &mut [Undecided],
    lower: &Tree<'_>,
    upper: &Tree<'_>,
    threads: usize,
) -> Result<()> {
    let alike: Vec<usize> =
        (0..files.len()).filter(|&index| files[index].state == State::Alike).collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::with_capacity(alike.len()));
    let work = || {
        let (mut below, mut above) = (Side::new(lower), Side::new(upper));
        while let Some(&index) = alike.get(next.fetch_add(1, Ordering::Relaxed)) {
            let same = is_same(&files[index], &mut below, &mut above);
            if same.is_err() {
                // Nobody needs to begin another one.
                next.store(alike.len(), Ordering::Relaxed);
            }
            found.lock().unwrap_or_else(PoisonError::into_inner).push((index, same));
        }
    };
    std::thread::scope(|scope| {
        for number in 1..threads.min(alike.len()) {
            std::thread::Builder::new()
                .name(format!("fastlayer-diff-{number}"))
                .spawn_scoped(scope, work)
                .map_err(Error::no_thread)?;
        }
        work();
        Ok::<_, Error>(())
    })?;
    for (index, same) in found.into_inner().unwrap_or_else(PoisonError::into_inner) {
        files[index].state = if same? { State::Same } else { State::Changed };
    }
    Ok(())
}

fn is_same(file: &Undecided, lower: &mut Side<'_>, upper: &mut Side<'_>) -> Result<bool> {
    let (Content::File { stamp: below, .. }, Content::File { stamp: above, .. }) =
        (&file.lower, &file.content)
    else {
        return Err(Error::Internal("a file without content".into()));
    };
    let below = lower.open(&file.path, below)?;
    let above = upper.open(&file.path, above)?;
    let mut same = true;
    let mut from = 0;
    while same && from < file.entry.size {
        lower.tree.cancel.check()?;
        // Alike files have one size.
        let length = usize::try_from(file.entry.size - from).map_or(PART, |rest| rest.min(PART));
        let (one, other) = (&mut lower.buffer[..length], &mut upper.buffer[..length]);
        below.read(from, one)?;
        above.read(from, other)?;
        same = one == other;
        from += length as u64;
    }
    below.finish()?;
    above.finish()?;
    Ok(same)
}

/// What a thread needs to read the files of one of the trees.
struct Side<'a> {
    tree: &'a Tree<'a>,
    cursor: Cursor,
    buffer: Vec<u8>,
}

impl<'a> Side<'a> {
    fn new(tree: &'a Tree<'a>) -> Self {
        Self { tree, cursor: Cursor::default(), buffer: vec![0; PART] }
    }

    fn open<'f>(
        &mut self,
        path: &'f [u8],
        stamp: &'f Stamp,
    ) -> Result<CheckedFile<'f, impl Fn() -> PathBuf + use<'a, 'f>>> {
        let tree = self.tree;
        let opened = self.cursor.open_file(&tree.root, path);
        CheckedFile::new(opened, stamp, move || tree.shown(path))
    }
}
