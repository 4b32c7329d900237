//! A directory removed with all that is in it, whatever modes and depths that has.

use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, chmodat, fchmod, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::source::{Cursor, Root, shown};
use crate::tar::split_path;

/// A directory that is being emptied.
struct Level {
    /// Bytes of the path above it.
    above: usize,
    /// Directories in it that are still there.
    inner: Vec<Box<[u8]>>,
}

/// Removes the directory `path`, which is not a link to one. Links in it are removed and never
/// followed.
///
/// It holds one path and the names of directories beside it, and few handles, however deep it is.
pub fn remove_tree(path: &Path, cancel: &Cancel) -> Result<()> {
    let mut removal =
        Removal { base: path, root: Root::open_itself(path)?, cursor: Cursor::default() };
    let mut current = Vec::new();
    let mut levels = vec![Level { above: 0, inner: removal.empty(&current)? }];
    while let Some(level) = levels.last_mut() {
        cancel.check()?;
        if let Some(name) = level.inner.pop() {
            let above = current.len();
            if above > 0 {
                current.push(b'/');
            }
            current.extend_from_slice(&name);
            levels.push(Level { above, inner: removal.empty(&current)? });
        } else {
            let above = level.above;
            removal.remove_directory(&current)?;
            current.truncate(above);
            levels.pop();
        }
    }
    Ok(())
}

struct Removal<'a> {
    base: &'a Path,
    root: Root,
    cursor: Cursor,
}

impl Removal<'_> {
    /// Removes all but directories from a directory, and returns the names of those.
    fn empty(&mut self, path: &[u8]) -> Result<Vec<Box<[u8]>>> {
        self.open_up(path)
            .and_then(|()| unlink_all(self.cursor.enter(&self.root, path)?))
            .map_err(|error| Error::io("empty", shown(self.base, path), error))
    }

    /// Makes sure that a directory can be entered and changed: who unpacked it is its owner, but may
    /// not be root.
    fn open_up(&mut self, path: &[u8]) -> Result<(), Errno> {
        match self.cursor.enter(&self.root, path).map(|handle| fchmod(handle, Mode::RWXU)) {
            Err(Errno::ACCESS) => {
                let (parent, name) = split_path(path);
                let parent = self.cursor.enter(&self.root, parent)?;
                chmodat(parent, name, Mode::RWXU, AtFlags::empty())
            }
            // Without the right to change modes there may still be the one to remove.
            entered => entered.map(drop),
        }
    }

    fn remove_directory(&mut self, path: &[u8]) -> Result<()> {
        let removed = if path.is_empty() {
            rustix::fs::rmdir(self.base)
        } else {
            let (parent, name) = split_path(path);
            let parent = self.cursor.enter(&self.root, parent);
            parent.and_then(|parent| unlinkat(parent, name, AtFlags::REMOVEDIR))
        };
        removed.map_err(|error| Error::io("remove", shown(self.base, path), error))
    }
}

fn unlink_all(directory: BorrowedFd<'_>) -> Result<Vec<Box<[u8]>>, Errno> {
    let mut inner = Vec::new();
    for entry in retry_on_intr(|| Dir::read_from(directory))? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match unlinkat(directory, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => inner.push(name.to_bytes().into()),
            Err(Errno::NOENT) => {}
            removed => removed?,
        }
    }
    Ok(inner)
}
