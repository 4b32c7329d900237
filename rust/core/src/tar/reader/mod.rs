//! A strict streaming reader that takes what Go's `archive/tar` takes, and nothing else.
//!
//! What engines would read differently, or not at all, is an error here and never a partial
//! result: of two readers that disagree about an archive, one is being lied to.

mod block;
mod extended;
mod member;

use std::io::{self, ErrorKind, Read, Seek};

use self::block::Header;
use self::extended::Extended;
use super::{BLOCK, Entry, padded};
use crate::error::{Error, Result, display_path};

/// The most that an extended header or a long name may hold, as in Go and libarchive.
const MAX_SPECIAL: u64 = 1 << 20;

/// How much unwanted content is read at once.
const SKIP_BUFFER: usize = 64 << 10;

/// One member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its metadata. The path and the target of a hard link are in normal form.
    pub entry: Entry,
    /// Its name as the archive has it.
    pub name: Box<[u8]>,
    /// Where its content begins, counted from the start of the archive.
    pub offset: u64,
}

/// Reads an archive member by member.
///
/// Headers are read 512 bytes at a time, so a source that asks the operating system each time
/// belongs in a [`BufReader`](std::io::BufReader).
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    /// Bytes read or skipped so far.
    position: u64,
    /// Content of the current member that was not read yet, and the padding after it.
    remaining: u64,
    padding: u64,
    /// The name last read, for messages.
    name: Box<[u8]>,
    state: State,
    skipped: Box<[u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    Ended,
    Failed,
}

impl<R: Read> Reader<R> {
    /// Reads from `inner`, which stands at the archive's first byte.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            position: 0,
            remaining: 0,
            padding: 0,
            name: Box::default(),
            state: State::Reading,
            skipped: Box::default(),
        }
    }

    /// Passes over what is left of the current member and reads the next one's headers; `None` at
    /// the end of the archive.
    ///
    /// Where an archive ends is as lax as in Go: two blocks of zeroes, one at the end of the
    /// input, none at all between two members, even with the last padding missing. Input after the
    /// two blocks is left unread.
    pub fn next_member(&mut self) -> Result<Option<Member>> {
        match self.state {
            State::Reading => {}
            State::Ended => return Ok(None),
            State::Failed => return Err(self.failed_before()),
        }
        let result = self.advance();
        match &result {
            Ok(Some(_)) => {}
            Ok(None) => self.state = State::Ended,
            Err(_) => self.state = State::Failed,
        }
        result
    }

    /// Reads content of the current member; 0 at its end.
    pub fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.state == State::Failed {
            return Err(self.failed_before());
        }
        let wanted = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        match self.read_some(&mut buffer[..wanted]) {
            Ok(0) => {
                self.state = State::Failed;
                let reason = format!("the input ends {} bytes before its content", self.remaining);
                Err(Error::malformed(&self.name, reason))
            }
            Ok(count) => {
                self.remaining -= count as u64;
                Ok(count)
            }
            Err(error) => {
                self.state = State::Failed;
                Err(error)
            }
        }
    }

    /// Reads what follows the end of the archive, to the end of the input.
    pub fn drain(&mut self) -> Result<()> {
        let mut buffer = vec![0; SKIP_BUFFER];
        while self.read_some(&mut buffer)? > 0 {}
        Ok(())
    }

    /// How many bytes of the archive were read or skipped.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Gives back the source, which stands wherever reading stopped.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// The member after the current one, with all that stands before it for its sake.
    fn advance(&mut self) -> Result<Option<Member>> {
        let mut extended = Extended::default();
        loop {
            self.skip_remaining()?;
            if !self.skip_padding()? {
                return Ok(None);
            }
            let Some(header) = self.read_header()? else {
                return Ok(None);
            };
            self.expect_content(&header)?;
            match header.type_flag {
                b'x' => {
                    let records = self.read_special()?;
                    extended.set_records(&records).map_err(|reason| self.malformed(reason))?;
                }
                // Go hands global records out as a member of their own and applies them to none;
                // what stood before them is lost.
                b'g' => {
                    let records = self.read_special()?;
                    Extended::check_global(&records).map_err(|reason| self.malformed(reason))?;
                    extended = Extended::default();
                }
                b'L' => extended.set_long_name(&self.read_special()?),
                b'K' => extended.set_long_link(&self.read_special()?),
                _ => return self.finish_member(header, extended).map(Some),
            }
        }
    }

    fn finish_member(&mut self, mut header: Header, extended: Extended) -> Result<Member> {
        let xattrs = extended.apply(&mut header)?;
        member::resolve_old_type(&mut header);
        self.expect_content(&header)?;
        let entry = member::entry(&header, self.remaining, xattrs)?;
        Ok(Member { entry, name: header.name.into(), offset: self.position })
    }

    /// The next header block; `None` at the end of the archive.
    fn read_header(&mut self) -> Result<Option<Header>> {
        let start = self.position;
        let Some(block) = self.read_block()? else {
            return Ok(None);
        };
        if block != [0; BLOCK] {
            return Header::parse(&block)
                .map(Some)
                .map_err(|reason| self.malformed(format!("the header at byte {start}: {reason}")));
        }
        match self.read_block()? {
            Some(block) if block != [0; BLOCK] => Err(self.malformed(format!(
                "the block of zeroes at byte {start} does not end it: another header follows"
            ))),
            _ => Ok(None),
        }
    }

    /// A whole block; `None` when the input ends before its first byte.
    fn read_block(&mut self) -> Result<Option<[u8; BLOCK]>> {
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

    /// Sets what follows the header. Kinds without content have none, whatever their size says.
    fn expect_content(&mut self, header: &Header) -> Result<()> {
        self.name = header.name.as_slice().into();
        let size = if member::has_content(header.type_flag) { header.size } else { 0 };
        self.remaining = u64::try_from(size)
            .map_err(|_| self.malformed(format!("its size is negative: {size}")))?;
        self.padding = padded(self.remaining) - self.remaining;
        Ok(())
    }

    /// The content of an extended header or a long name.
    fn read_special(&mut self) -> Result<Vec<u8>> {
        let size = self.remaining;
        if size > MAX_SPECIAL {
            let reason =
                format!("an extended header of {size} bytes; readers take {MAX_SPECIAL} at most");
            return Err(self.malformed(reason));
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += self.read_content(&mut bytes[filled..])?;
        }
        Ok(bytes)
    }

    fn skip_remaining(&mut self) -> Result<()> {
        if self.remaining == 0 {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.skipped);
        if buffer.is_empty() {
            buffer = vec![0; SKIP_BUFFER].into();
        }
        while self.remaining > 0 {
            self.read_content(&mut buffer)?;
        }
        self.skipped = buffer;
        Ok(())
    }

    /// Whether there was as much padding as there has to be.
    fn skip_padding(&mut self) -> Result<bool> {
        let padding = usize::try_from(self.padding).unwrap_or(0);
        self.padding = 0;
        Ok(self.read_full(&mut [0; BLOCK][..padding])? == padding)
    }

    /// Fills `buffer` as far as the input goes.
    fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_some(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Ok(count) => {
                    self.position += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(read_error(&self.name, error)),
            }
        }
    }

    fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::malformed(&self.name, reason)
    }

    /// Reading on after an error would make a partial result of it.
    fn failed_before(&self) -> Error {
        self.malformed("it could not be read further, and was asked for more")
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Passes over what is left of the current member's content without reading it, and makes sure
    /// that it is there.
    pub fn skip_content(&mut self) -> Result<()> {
        // Seeking past the end of a file is no error, reading the last byte there is.
        if self.remaining > 1 && self.state == State::Reading {
            let distance = (self.remaining - 1).cast_signed();
            if let Err(error) = self.inner.seek_relative(distance) {
                self.state = State::Failed;
                return Err(read_error(&self.name, error));
            }
            self.position += distance.cast_unsigned();
            self.remaining -= distance.cast_unsigned();
        }
        self.skip_remaining()
    }
}

/// A failed read of the source. Stages below that read a format themselves pass their own error
/// through as the inner one.
fn read_error(name: &[u8], error: io::Error) -> Error {
    match Error::from_read(error) {
        Error::Read(error)
            if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            Error::malformed(name, error.to_string())
        }
        error => error,
    }
}

/// GNU's ways to leave zeroes out of a file.
fn sparse_refused(name: &[u8]) -> Error {
    Error::unsupported(
        display_path(name),
        "it is a sparse file in the archive's own form, which this version does not expand",
    )
}

#[cfg(test)]
mod tests;
