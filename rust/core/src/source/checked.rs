//! Files that are read in the state that they were planned in, or not at all.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use rustix::fs::{SeekFrom, fstat, seek};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::Stamp;
use crate::error::{Error, Result};

/// An open file with its planned state, and how to name it in an error.
pub(crate) struct CheckedFile<'a, N> {
    file: File,
    stamp: &'a Stamp,
    name: N,
}

impl<'a, N: Fn() -> PathBuf> CheckedFile<'a, N> {
    /// Takes what opening a file gave, if that is the planned file in the planned state.
    pub(crate) fn new(opened: Result<OwnedFd, Errno>, stamp: &'a Stamp, name: N) -> Result<Self> {
        let opened = opened.map_err(|error| Error::io_on_found("open", name(), error))?;
        let file = Self { file: opened.into(), stamp, name };
        file.check()?;
        Ok(file)
    }

    /// Whether the content from the byte `at` on would have to be waited for.
    pub(crate) fn would_wait(&self, at: u64) -> bool {
        !self.stamp.sparse && would_wait(&self.file, at)
    }

    /// Fills `buffer` with what the file has from the byte `from` on.
    pub(crate) fn read(&self, from: u64, buffer: &mut [u8]) -> Result<()> {
        let filled = if self.stamp.sparse {
            read_sparse(&self.file, from, buffer)
        } else {
            self.file.read_exact_at(buffer, from)
        };
        filled.or_else(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                // Shorter than planned: the check knows what happened to it.
                self.check()?;
            }
            Err(Error::io("read", (self.name)(), error))
        })
    }

    /// All that was read is good only if the file is in the planned state afterwards too.
    pub(crate) fn finish(self) -> Result<()> {
        self.check()
    }

    fn check(&self) -> Result<()> {
        let now = fstat(&self.file).map_err(|error| Error::io("stat", (self.name)(), error))?;
        self.stamp.difference(&now).map_or(Ok(()), |what| Err(Error::changed((self.name)(), what)))
    }
}

/// Whether a read of the byte `at` would have to wait for a disk or a network. A file system that
/// cannot tell is taken for one that never waits.
pub(crate) fn would_wait(file: impl AsFd, at: u64) -> bool {
    let mut byte = [0];
    let read = preadv2(file, &mut [IoSliceMut::new(&mut byte)], at, ReadWriteFlags::NOWAIT);
    read == Err(Errno::AGAIN)
}

/// Reads data where the file has some and writes zeros where it has holes.
fn read_sparse(file: &File, from: u64, buffer: &mut [u8]) -> io::Result<()> {
    let end = from + buffer.len() as u64;
    let mut position = from;
    while position < end {
        let data = match seek(file, SeekFrom::Data(position)) {
            Ok(data) => data.min(end),
            // No data from here to the end of the file.
            Err(Errno::NXIO) => end,
            Err(error) => return Err(error.into()),
        };
        buffer[within(from, position)..within(from, data)].fill(0);
        if data == end {
            break;
        }
        let hole = seek(file, SeekFrom::Hole(data))?.min(end);
        file.read_exact_at(&mut buffer[within(from, data)..within(from, hole)], data)?;
        position = hole;
    }
    Ok(())
}

/// The place in a buffer, which begins at the byte `from`, of the byte `at` of the file.
fn within(from: u64, at: u64) -> usize {
    usize::try_from(at - from).unwrap_or(usize::MAX)
}
