//! Any stretch of the planned tar, on demand: headers are rendered, files are read in place.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::{Content, Origin, Plan, Planned};
use crate::error::Result;
use crate::source::{CheckedFile, Cursor, Root, Stamp, open_host_file, shown};
use crate::tar::append_header;

/// Reads the bytes of a planned tar from any offset.
///
/// Every file is checked before and after each read of it to be the planned one in its planned
/// state, so that a header never stands before other content than its own.
#[derive(Debug)]
pub struct PlanReader<'a> {
    plan: &'a Plan,
    /// The directory opened last, and the root that it is below.
    cursor: (Option<&'a Root>, Cursor),
    header: Vec<u8>,
}

impl<'a> PlanReader<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self { plan, cursor: (None, Cursor::default()), header: Vec::new() }
    }

    /// Fills `buffer` with the tar's bytes from `offset` on. The stretch must lie inside the tar.
    pub fn fill(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        debug_assert!(offset + buffer.len() as u64 <= self.plan.size);
        let mut index = self.plan.index_at(offset);
        let mut position = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            // Behind the last entry there are only the two zero blocks.
            let Some(planned) = self.plan.entries.get(index) else {
                rest.fill(0);
                break;
            };
            let end = self.plan.entries.get(index + 1).map_or(self.plan.size, |next| next.offset);
            let length = usize::try_from(end - position).unwrap_or(usize::MAX).min(rest.len());
            let (part, behind) = rest.split_at_mut(length);
            self.fill_entry(planned, position, part)?;
            position += length as u64;
            rest = behind;
            index += 1;
        }
        Ok(())
    }

    /// Fills a stretch that begins inside `planned` and holds no other entry: header, content,
    /// padding, and after the last entry the trailer.
    fn fill_entry(&mut self, planned: &'a Planned, position: u64, buffer: &mut [u8]) -> Result<()> {
        let content_offset = planned.content_offset();
        let header = buffer.len().min(usize_of(content_offset.saturating_sub(position)));
        let (header_part, rest) = buffer.split_at_mut(header);
        if !header_part.is_empty() {
            self.header.clear();
            append_header(&planned.entry, &mut self.header)?;
            let start = usize_of(position - planned.offset);
            header_part.copy_from_slice(&self.header[start..start + header]);
        }
        let from = (position + header as u64).saturating_sub(content_offset);
        let content = rest.len().min(usize_of(planned.entry.size.saturating_sub(from)));
        let (content_part, padding) = rest.split_at_mut(content);
        padding.fill(0);
        if content_part.is_empty() {
            return Ok(());
        }
        match &planned.content {
            Content::None | Content::Shared(..) => Ok(()),
            Content::Bytes(bytes) => {
                let from = usize_of(from);
                content_part.copy_from_slice(&bytes[from..from + content]);
                Ok(())
            }
            Content::File { origin, stamp } => {
                self.read_file(planned, *origin, stamp, from, content_part)
            }
            Content::Described(file) => {
                self.read_file(planned, file.origin, &file.stamp, from, content_part)
            }
        }
    }

    fn read_file(
        &mut self,
        planned: &'a Planned,
        origin: usize,
        stamp: &Stamp,
        from: u64,
        buffer: &mut [u8],
    ) -> Result<()> {
        let place = Place::of(&self.plan.origins[origin], planned);
        let file = CheckedFile::new(place.open(&mut self.cursor), stamp, || place.shown())?;
        file.read(from, buffer)?;
        file.finish()
    }
}

/// Where a planned file lies on the host.
enum Place<'a> {
    File(&'a Path),
    /// Below a root that is called `base`.
    Below {
        root: &'a Root,
        base: &'a Path,
        path: &'a [u8],
    },
}

impl<'a> Place<'a> {
    fn of(origin: &'a Origin, planned: &'a Planned) -> Self {
        match origin {
            Origin::File(path) => Self::File(path),
            Origin::Tree { root, path: base, strip } => {
                Self::Below { root, base, path: &planned.entry.path[*strip..] }
            }
            Origin::Moved { root, path: base, inner } => Self::Below { root, base, path: inner },
        }
    }

    fn open(&self, (last, cursor): &mut (Option<&'a Root>, Cursor)) -> Result<OwnedFd, Errno> {
        match *self {
            Self::File(path) => open_host_file(path),
            Self::Below { root, path, .. } => {
                if !last.is_some_and(|last| std::ptr::eq(last, root)) {
                    (*last, *cursor) = (Some(root), Cursor::default());
                }
                cursor.open_file(root, path)
            }
        }
    }

    fn shown(&self) -> PathBuf {
        match *self {
            Self::File(path) => path.to_path_buf(),
            Self::Below { base, path, .. } => shown(base, path),
        }
    }
}

/// Lengths here are bounded by a buffer's, so that they fit; on 32 bits a larger one saturates.
pub(super) fn usize_of(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
