//! Files that are alike, compared byte by byte.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::fstat;

use super::super::tree::Tree;
use super::super::{Cursor, Stamp};
use super::{State, Undecided};
use crate::error::{Error, Result};
use crate::plan::{Content, read_part};

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
                .map_err(|error| Error::io("start a thread for", "fastlayer", error))?;
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
    lower.open(&file.path, *below)?;
    upper.open(&file.path, *above)?;
    let mut from = 0;
    let mut same = true;
    while same && from < file.entry.size {
        lower.tree.cancel.check()?;
        same = lower.read(from)? == upper.read(from)?;
        from += PART as u64;
    }
    lower.close()?;
    upper.close()?;
    Ok(same)
}

/// A file of one of the trees that is being read; each thread has its own.
struct Side<'a> {
    tree: &'a Tree<'a>,
    cursor: Cursor,
    buffer: Vec<u8>,
    opened: Option<Opened>,
}

struct Opened {
    path: Box<[u8]>,
    file: File,
    stamp: Stamp,
}

impl<'a> Side<'a> {
    fn new(tree: &'a Tree<'a>) -> Self {
        Self { tree, cursor: Cursor::default(), buffer: vec![0; PART], opened: None }
    }

    fn open(&mut self, path: &[u8], stamp: Stamp) -> Result<()> {
        let file = self
            .cursor
            .open_file(&self.tree.root, path)
            .map_err(|error| self.tree.io("open", path, error))?;
        let opened = Opened { path: path.into(), file: file.into(), stamp };
        self.check(&opened)?;
        self.opened = Some(opened);
        Ok(())
    }

    /// The bytes from `from` on, as many as the file has and the buffer holds.
    fn read(&mut self, from: u64) -> Result<&[u8]> {
        let Some(opened) = &self.opened else {
            return Err(Error::Internal("no file is open".into()));
        };
        let rest = opened.stamp.size.saturating_sub(from);
        let length = usize::try_from(rest).unwrap_or(PART).min(PART);
        let part = &mut self.buffer[..length];
        match read_part(&opened.file, &opened.stamp, from, part) {
            Ok(()) => Ok(&self.buffer[..length]),
            Err(error) => {
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    self.check(opened)?;
                }
                Err(Error::io("read", self.tree.shown(&opened.path), error))
            }
        }
    }

    fn close(&mut self) -> Result<()> {
        self.opened.take().map_or(Ok(()), |opened| self.check(&opened))
    }

    fn check(&self, opened: &Opened) -> Result<()> {
        let path = &opened.path;
        let now = fstat(&opened.file).map_err(|error| self.tree.io("stat", path, error))?;
        match opened.stamp.difference(&now) {
            Some(what) => Err(Error::changed(self.tree.shown(path), what)),
            None => Ok(()),
        }
    }
}
