//! Sparse files in GNU's four forms: files whose zeroes were left out of the archive.
//!
//! Each form is a size and a list of the stretches that are stored, in different places:
//!
//! | form | the list stands in |
//! |---|---|
//! | old GNU, type flag `S` | the header block, and blocks that follow it |
//! | PAX 0.0 | a record per number, the same two keys over and over |
//! | PAX 0.1 | one record |
//! | PAX 1.0 | the first blocks of the content |
//!
//! In all of them it is shorter than [`MAX_SPECIAL`](super::MAX_SPECIAL), and so is what is held
//! of it, to a factor of four: a stretch takes four bytes at least in an archive and 16 here.
//! <https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html>

mod old;
mod pax;

use std::collections::VecDeque;
use std::io::Read;
use std::ops::Range;

pub(super) use self::pax::Records;
use super::block::Header;
use super::content::Content;
use super::input::Input;
use super::member;
use crate::error::{Error, Result, display_path};

/// The map of the member with this header, if it is a sparse file. The name and the size that
/// come with the map are put into the header, and `content` is what the map speaks of.
pub(super) fn map_of<R: Read>(
    header: &mut Header,
    records: &Records,
    content: &mut Content,
    input: &mut Input<R>,
) -> Result<Option<Map>> {
    let map = if header.type_flag == b'S' {
        if records.any() {
            return Err(disputed(header, "it is a sparse file of two kinds at once"));
        }
        old::read_map(header, input)?
    } else if !records.any() {
        return Ok(None);
    } else if records.is_readable() {
        if !member::has_content(header.type_flag) {
            return Err(input.malformed("it is described as a sparse file, but is no file"));
        }
        records.apply(header).map_err(|reason| input.malformed(reason))?;
        records.read_map(header, content, input)?
    } else {
        return Err(disputed(header, "it is a sparse file of a version that is not known"));
    };
    map.check_stored(content.stored()).map_err(|reason| input.malformed(reason))?;
    Ok(Some(map))
}

/// Go would hand out the bytes as they are stored, GNU tar would not.
fn disputed(header: &Header, reason: &str) -> Error {
    Error::unsupported(display_path(&header.name), reason)
}

/// Where the stored bytes of a sparse file belong. Everywhere else are zeroes.
#[derive(Debug)]
pub(super) struct Map {
    /// Bytes of the file with its zeroes.
    size: u64,
    /// Stretches that are stored and were not read yet: in order, none empty.
    stretches: VecDeque<Range<u64>>,
    /// Where the last one ends that was added, empty or not.
    end: u64,
    /// How much of the file was read.
    position: u64,
}

/// What comes next in a sparse file, and how many bytes of it.
pub(super) enum Run {
    Stored(u64),
    Zeroes(u64),
}

impl Map {
    fn new(size: i64) -> Result<Self, String> {
        let size = u64::try_from(size)
            .map_err(|_| format!("its size as a sparse file is negative: {size}"))?;
        Ok(Self { size, stretches: VecDeque::new(), end: 0, position: 0 })
    }

    /// Adds a stretch. The rules are those of Go and libarchive: in order, none over another, all
    /// inside the file.
    fn push(&mut self, offset: i64, length: i64) -> Result<(), String> {
        let refuse = |why| Err(format!("its sparse map has {length} bytes at {offset}, {why}"));
        let (Ok(start), Ok(count)) = (u64::try_from(offset), u64::try_from(length)) else {
            return refuse("and one of these is negative".to_owned());
        };
        // Neither is above 2^63, nor is this.
        let end = start + count;
        if end > self.size {
            return refuse(format!("but the file ends at {}", self.size));
        }
        if start < self.end {
            return refuse(format!("but comes to it from {}", self.end));
        }
        self.end = end;
        if count > 0 {
            self.stretches.push_back(start..end);
        }
        Ok(())
    }

    /// A map that speaks of other bytes than there are would put them in wrong places.
    fn check_stored(&self, stored: u64) -> Result<(), String> {
        let mapped: u64 = self.stretches.iter().map(|stretch| stretch.end - stretch.start).sum();
        if mapped == stored {
            Ok(())
        } else {
            Err(format!("its sparse map has places for {mapped} bytes, {stored} are stored"))
        }
    }

    /// Bytes of the file with its zeroes.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// What comes next; no zeroes at the end of the file.
    pub(super) fn next_run(&self) -> Run {
        match self.stretches.front() {
            Some(stretch) if stretch.start <= self.position => {
                Run::Stored(stretch.end - self.position)
            }
            Some(stretch) => Run::Zeroes(stretch.start - self.position),
            None => Run::Zeroes(self.size - self.position),
        }
    }

    /// Goes on by `count` bytes of the run that [`Self::next_run`] told.
    pub(super) fn advance(&mut self, count: u64) {
        self.position += count;
        if self.stretches.front().is_some_and(|stretch| stretch.end == self.position) {
            self.stretches.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
