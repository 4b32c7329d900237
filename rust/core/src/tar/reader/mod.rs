//! A strict streaming reader that takes what Go's `archive/tar` takes, and nothing else.
//!
//! What engines would read differently, or not at all, is an error here and never a partial
//! result: of two readers that disagree about an archive, one is being lied to. So some of what
//! Go takes is refused too:
//!
//! - what no layer holds: types other than `0` to `7` and sparse files, owners, groups and device
//!   numbers that are not of 32 bits, attributes without a name, names with `..` or a NUL, or with
//!   so many parts that the directories above would fill memory;
//! - times beyond 64 bits, which wrap around in Go;
//! - a sparse file of a version that is not known, whose stored bytes Go hands out for its
//!   content, or one of two kinds at once, of which Go passes over one;
//! - a sparse file that lacks bytes of its map or has others, which Go finds only when it reads
//!   the content.
//!
//! Global headers are passed over, where Go hands them out as members, and only an entry's
//! `0o7777` bits of mode are kept.
//!
//! Memory is bounded by [`MAX_SPECIAL`], whatever a header says: an extended header, a long name
//! or a sparse map is held, content never.

mod block;
mod content;
mod extended;
mod input;
mod member;
mod sparse;

use std::io::{Read, Seek};

use self::block::Header;
use self::content::Content;
use self::extended::Extended;
use self::input::Input;
use super::{BLOCK, Entry};
use crate::error::{Error, Result};

/// The most that an extended header, a long name or a sparse map may hold, as in Go and libarchive.
const MAX_SPECIAL: u64 = 1 << 20;

/// As much of a value as a message shows.
const MAX_SHOWN: usize = 40;

/// One member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its metadata. The path and the target of a hard link are in normal form.
    pub entry: Entry,
    /// Its name as the archive has it.
    pub name: Box<[u8]>,
    /// Where its content begins, counted from the start of the archive.
    pub offset: u64,
    /// Whether the archive leaves out some of its zeroes, so that other bytes than the content's
    /// stand at `offset` and after it.
    pub sparse: bool,
}

/// Reads an archive member by member.
///
/// Headers are read 512 bytes at a time, so a source that asks the operating system each time
/// belongs in a [`BufReader`](std::io::BufReader).
#[derive(Debug)]
pub struct Reader<R> {
    input: Input<R>,
    /// What was not read yet of the current member.
    content: Content,
    /// What stands before the next member for its sake, as far as it was read.
    extended: Extended,
    state: State,
}

/// What one header is.
#[derive(Debug)]
pub(crate) enum Step {
    /// Something for the sake of a member that is still to come: 1 MiB at most was read.
    Record,
    /// A member.
    Member(Member),
    /// The end of the archive.
    End,
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
            input: Input::new(inner),
            content: Content::default(),
            extended: Extended::default(),
            state: State::Reading,
        }
    }

    /// Passes over what is left of the current member and reads the next one's headers; `None` at
    /// the end of the archive.
    ///
    /// Where an archive ends is as lax as in Go: two blocks of zeroes, one at the end of the
    /// input, none at all between two members, even with the last padding missing. Input after the
    /// two blocks is left unread.
    pub fn next_member(&mut self) -> Result<Option<Member>> {
        loop {
            match self.step()? {
                Step::Record => {}
                Step::Member(member) => return Ok(Some(member)),
                Step::End => return Ok(None),
            }
        }
    }

    /// The same for one header: what stands before a member may have any length.
    pub(crate) fn step(&mut self) -> Result<Step> {
        match self.state {
            State::Reading => {}
            State::Ended => return Ok(Step::End),
            State::Failed => return Err(self.failed_before()),
        }
        let result = self.advance();
        match &result {
            Ok(Step::Record | Step::Member(_)) => {}
            Ok(Step::End) => self.state = State::Ended,
            Err(_) => self.state = State::Failed,
        }
        result
    }

    /// Reads content of the current member, of a sparse file its zeroes too; 0 at its end.
    pub fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.with_content(|content, input| content.read(input, buffer))
    }

    /// Fills `buffer` with content of the current member, as far as there is some.
    pub(crate) fn fill_with_content(&mut self, buffer: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_content(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(())
    }

    /// Reads content of the current member as the archive has it, of a sparse file without its
    /// zeroes; 0 at its end.
    pub(crate) fn read_stored(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.with_content(|content, input| content.read_as_stored(input, buffer))
    }

    /// Reads what follows the end of the archive; 0 at the end of the input.
    pub(crate) fn read_rest(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.input.read(buffer)
    }

    fn with_content<T>(
        &mut self,
        read: impl FnOnce(&mut Content, &mut Input<R>) -> Result<T>,
    ) -> Result<T> {
        if self.state == State::Failed {
            return Err(self.failed_before());
        }
        let result = read(&mut self.content, &mut self.input);
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    /// Reads what follows the end of the archive, to the end of the input.
    pub(crate) fn drain(&mut self) -> Result<()> {
        self.input.skip(u64::MAX).map(drop)
    }

    /// How many bytes of the archive were read or skipped.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.input.position()
    }

    /// The source, which stands wherever reading stopped.
    pub(crate) const fn inner_mut(&mut self) -> &mut R {
        self.input.inner_mut()
    }

    /// Gives back the source, which stands wherever reading stopped.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.input.into_inner()
    }

    /// The next header, with all that belongs to it but content.
    fn advance(&mut self) -> Result<Step> {
        self.content.skip(&mut self.input)?;
        if !self.content.skip_padding(&mut self.input)? {
            return Ok(Step::End);
        }
        let Some(header) = self.read_header()? else {
            return Ok(Step::End);
        };
        self.expect_content(&header)?;
        match header.type_flag {
            b'x' => {
                let records = self.read_special()?;
                let set = self.extended.set_records(&records);
                set.map_err(|reason| self.malformed(reason))?;
            }
            // Go hands global records out as a member of their own and applies them to none;
            // what stood before them is lost.
            b'g' => {
                let mut global = Extended::default();
                let records = self.read_special()?;
                global.set_records(&records).map_err(|reason| self.malformed(reason))?;
                self.extended = Extended::default();
            }
            b'L' => {
                let name = self.read_special()?;
                self.extended.set_long_name(&name);
            }
            b'K' => {
                let link = self.read_special()?;
                self.extended.set_long_link(&link);
            }
            _ => {
                let extended = std::mem::take(&mut self.extended);
                return self.finish_member(header, extended).map(Step::Member);
            }
        }
        Ok(Step::Record)
    }

    fn finish_member(&mut self, mut header: Header, extended: Extended) -> Result<Member> {
        let (xattrs, records) = extended.apply(&mut header)?;
        member::resolve_old_type(&mut header);
        self.expect_content(&header)?;
        let map = sparse::map_of(&mut header, &records, &mut self.content, &mut self.input)?;
        self.input.set_name(&header.name);
        let (sparse, size) =
            map.as_ref().map_or((false, self.content.stored()), |map| (true, map.size()));
        if let Some(map) = map {
            self.content.expand(map);
        }
        let entry = member::entry(&header, size, xattrs)?;
        Ok(Member { entry, name: header.name.into(), offset: self.position(), sparse })
    }

    /// The next header block; `None` at the end of the archive.
    fn read_header(&mut self) -> Result<Option<Header>> {
        let start = self.position();
        let Some(block) = self.input.read_block()? else {
            return Ok(None);
        };
        if block != [0; BLOCK] {
            return Header::parse(&block)
                .map(Some)
                .map_err(|reason| self.malformed(format!("the header at byte {start}: {reason}")));
        }
        match self.input.read_block()? {
            Some(block) if block != [0; BLOCK] => Err(self.malformed(format!(
                "the block of zeroes at byte {start} does not end it: another header follows"
            ))),
            _ => Ok(None),
        }
    }

    /// Sets what follows the header. Kinds without content have none, whatever their size says.
    fn expect_content(&mut self, header: &Header) -> Result<()> {
        self.input.set_name(&header.name);
        let size = if member::has_content(header.type_flag) { header.size } else { 0 };
        let stored = u64::try_from(size)
            .map_err(|_| self.malformed(format!("its size is negative: {size}")))?;
        self.content = Content::new(stored);
        Ok(())
    }

    /// The content of an extended header or a long name.
    fn read_special(&mut self) -> Result<Vec<u8>> {
        let size = self.content.stored();
        if size > MAX_SPECIAL {
            let reason =
                format!("an extended header of {size} bytes; readers take {MAX_SPECIAL} at most");
            return Err(self.malformed(reason));
        }
        self.content.read_to_end(&mut self.input)
    }

    fn malformed(&self, reason: impl Into<String>) -> Error {
        self.input.malformed(reason)
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
        self.with_content(Content::seek)
    }
}

/// The start of a value that may be long, for messages.
fn shown(value: &[u8]) -> std::slice::EscapeAscii<'_> {
    value[..value.len().min(MAX_SHOWN)].escape_ascii()
}

#[cfg(test)]
mod tests;
