//! The bytes of an archive: counted, read in blocks, and told apart from failures to read them.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use super::super::BLOCK;
use crate::error::{Error, Result};

/// How much unwanted content is read at once.
const SKIP_BUFFER: usize = 64 << 10;

/// A source with a position, and the name that its errors carry.
#[derive(Debug)]
pub(super) struct Input<R> {
    inner: R,
    /// Bytes read or skipped so far.
    position: u64,
    /// The member last read.
    name: Box<[u8]>,
    skipped: Box<[u8]>,
}

impl<R> Input<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, position: 0, name: Box::default(), skipped: Box::default() }
    }

    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    pub(super) const fn inner_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }

    /// Errors are about the member `name` from now on.
    pub(super) fn set_name(&mut self, name: &[u8]) {
        self.name = name.into();
    }

    pub(super) fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::malformed(&self.name, reason)
    }
}

impl<R: Read> Input<R> {
    /// Reads some bytes; 0 at the end of the input.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Ok(count) => {
                    self.position += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.read_error(error)),
            }
        }
    }

    /// Fills `buffer` as far as the input goes.
    pub(super) fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    /// A whole block; `None` when the input ends before its first byte.
    pub(super) fn read_block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        match self.read_full(&mut block)? {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            count => Err(self.malformed(format!(
                "the input ends {count} bytes into a block of {BLOCK}, at byte {}",
                self.position
            ))),
        }
    }

    /// Reads `count` bytes, or as many as there are, and forgets them. Returns how many.
    pub(super) fn skip(&mut self, count: u64) -> Result<u64> {
        let mut buffer = std::mem::take(&mut self.skipped);
        if buffer.is_empty() {
            buffer = vec![0; SKIP_BUFFER].into();
        }
        let mut left = count;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            match self.read(&mut buffer[..wanted])? {
                0 => break,
                read => left -= read as u64,
            }
        }
        self.skipped = buffer;
        Ok(count - left)
    }

    /// A failed read of the source. Stages below that read a format themselves pass their own
    /// error through as the inner one.
    fn read_error(&self, error: io::Error) -> Error {
        match Error::from_read(error) {
            Error::Read(error)
                if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
            {
                self.malformed(error.to_string())
            }
            error => error,
        }
    }
}

impl<R: Read + Seek> Input<R> {
    /// Goes on `count` bytes further, whether they are there or not.
    pub(super) fn seek(&mut self, count: u64) -> Result<()> {
        let past =
            |input: &Self| input.malformed(format!("it says that {count} bytes and more follow"));
        let distance = i64::try_from(count).map_err(|_| past(self))?;
        let position = self.position.checked_add(count).ok_or_else(|| past(self))?;
        self.inner.seek_relative(distance).map_err(|error| match error.kind() {
            // No file of this file system is so long.
            ErrorKind::InvalidInput => past(self),
            _ => self.read_error(error),
        })?;
        self.position = position;
        Ok(())
    }

    /// How many bytes there are in all.
    pub(super) fn length(&mut self) -> Result<u64> {
        self.inner.seek(SeekFrom::End(0)).map_err(|error| self.read_error(error))
    }
}
