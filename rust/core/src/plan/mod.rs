//! The plan of a layer: every entry with its exact place in the tar, before a byte is read.
//!
//! An entry costs about 200 bytes and its path, so that a million files plan in some 300 MB.

mod fill;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::source::{Root, Stamp};
use crate::tar::{Entry, Kind, TRAILER, append_header, padded, parent_of};

pub use fill::PlanReader;

/// Where an entry's bytes come from.
#[derive(Debug)]
pub(crate) enum Content {
    /// There are none.
    None,
    /// Memory.
    Bytes(Arc<[u8]>),
    /// A file of one of the plan's origins, in the state that the plan saw.
    File { origin: usize, stamp: Stamp },
}

/// A place on the host that entries were found at.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A tree; `strip` is the length of what its paths have in the layer before their own part.
    Tree { root: Arc<Root>, path: PathBuf, strip: usize },
    /// A single file.
    File(PathBuf),
}

impl Origin {
    pub(crate) fn tree(root: Arc<Root>, path: &Path, prefix: &[u8]) -> Self {
        let strip = if prefix.is_empty() { 0 } else { prefix.len() + 1 };
        Self::Tree { root, path: path.to_path_buf(), strip }
    }
}

/// An entry and its place.
#[derive(Debug)]
struct Planned {
    /// Where its header begins in the tar.
    offset: u64,
    /// Bytes of header, PAX records included.
    header: u32,
    entry: Entry,
    content: Content,
}

impl Planned {
    /// Where its content begins in the tar.
    fn content_offset(&self) -> u64 {
        self.offset + u64::from(self.header)
    }
}

/// Something that was left out or that the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The path that it is about.
    pub path: PathBuf,
    /// The rest of the sentence.
    pub message: &'static str,
}

/// All entries of a layer in their order; the tar is a pure function of it and the files' content.
#[derive(Debug)]
pub struct Plan {
    entries: Vec<Planned>,
    origins: Vec<Origin>,
    warnings: Vec<Warning>,
    size: u64,
}

impl Plan {
    /// Bytes of the whole tar.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Number of entries.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries.len() as u64
    }

    /// What was left out.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// A reader of the tar's bytes; each thread has its own.
    #[must_use]
    pub fn reader(&self) -> PlanReader<'_> {
        PlanReader::new(self)
    }

    /// The entry that holds the byte at `offset`; none in the trailer of an empty plan.
    fn index_at(&self, offset: u64) -> usize {
        self.entries.partition_point(|planned| planned.offset <= offset).saturating_sub(1)
    }
}

/// A plan in the making. Entries are pushed in the order of the layer.
#[derive(Debug, Default)]
pub struct PlanBuilder {
    entries: Vec<Planned>,
    origins: Vec<Origin>,
    warnings: Vec<Warning>,
    outputs: Vec<(u64, u64)>,
    implied: HashSet<Box<[u8]>>,
    header: Vec<u8>,
    size: u64,
}

impl PlanBuilder {
    /// An empty plan for a build that writes to files with these device and inode numbers: none
    /// of them may be read as input.
    #[must_use]
    pub fn new(outputs: Vec<(u64, u64)>) -> Self {
        Self { outputs, ..Self::default() }
    }

    /// The finished plan.
    #[must_use]
    pub fn finish(mut self) -> Plan {
        self.entries.shrink_to_fit();
        Plan {
            entries: self.entries,
            origins: self.origins,
            warnings: self.warnings,
            size: self.size + TRAILER,
        }
    }

    /// Device and inode of every file that the build writes.
    pub(crate) fn outputs(&self) -> &[(u64, u64)] {
        &self.outputs
    }

    pub(crate) fn warn(&mut self, path: PathBuf, message: &'static str) {
        self.warnings.push(Warning { path, message });
    }

    pub(crate) fn add_origin(&mut self, origin: Origin) -> usize {
        self.origins.push(origin);
        self.origins.len() - 1
    }

    /// Adds the directories above `path` that are not there yet.
    pub(crate) fn push_parents(&mut self, path: &[u8], mtime: i64) -> Result<()> {
        let mut missing = Vec::new();
        let mut above = parent_of(path);
        while let Some(directory) = above.filter(|directory| !directory.is_empty()) {
            if self.implied.contains(directory) {
                break;
            }
            missing.push(directory);
            above = parent_of(directory);
        }
        for directory in missing.into_iter().rev() {
            self.implied.insert(directory.into());
            self.push(Entry::implied_directory(directory, mtime), Content::None)?;
        }
        Ok(())
    }

    /// Adds an entry behind all others.
    pub(crate) fn push(&mut self, entry: Entry, content: Content) -> Result<()> {
        debug_assert!(entry.kind == Kind::Regular || entry.size == 0);
        self.header.clear();
        append_header(&entry, &mut self.header)?;
        let header = u32::try_from(self.header.len())
            .map_err(|_| Error::Internal("a header of 4 GiB".into()))?;
        let offset = self.size;
        self.size += u64::from(header) + padded(entry.size);
        self.entries.push(Planned { offset, header, entry, content });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
