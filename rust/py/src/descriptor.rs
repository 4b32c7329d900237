//! The one door for open files: descriptors that Python holds.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::fs::FileExt;

use pyo3::prelude::*;

/// A duplicate of an open descriptor of the caller: it stays valid whatever the caller closes.
pub(crate) struct Descriptor(pub(crate) File);

impl<'py> FromPyObject<'_, 'py> for Descriptor {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let number: RawFd = object.extract()?;
        if number < 0 {
            return Err(io::Error::from_raw_os_error(BAD_DESCRIPTOR).into());
        }
        // SAFETY: borrowed for this one call, which only asks the kernel to duplicate it; a number
        // that is not open makes the call fail. -1 was excluded.
        #[allow(unsafe_code, reason = "the one door for descriptors")]
        let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
        Ok(Self(borrowed.try_clone_to_owned()?.into()))
    }
}

/// `EBADF`.
const BAD_DESCRIPTOR: i32 = 9;

/// A stretch of a file, read by offset: the descriptor's own position is left alone.
pub(crate) struct Slice {
    file: File,
    start: u64,
    position: u64,
    size: u64,
}

impl Slice {
    pub(crate) fn new(file: File, start: u64, size: u64) -> Self {
        Self { file, start, position: 0, size }
    }
}

impl Read for Slice {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        let read = self.file.read_at(&mut buffer[..length], self.start + self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Slice {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::Current(offset) => (self.position, offset),
            SeekFrom::End(offset) => (self.size, offset),
        };
        self.position = base
            .checked_add_signed(offset)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
