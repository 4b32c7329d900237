//! What a blob is made of, and where it goes.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::error::Error;
use crate::source::{ArchiveFile, FileSource, Items};

/// What a layer is made of.
pub enum Source {
    /// A directory tree.
    Directory(PathBuf),
    /// What is different in one directory tree from another, with whiteouts for what is gone.
    Diff {
        /// The tree that lower layers hold.
        lower: PathBuf,
        /// The tree that they hold together with this layer.
        upper: PathBuf,
    },
    /// The upper directory of an overlayfs.
    Overlay(PathBuf),
    /// Files and bytes, each with its destination.
    Files(Vec<(Vec<u8>, FileSource)>),
    /// Things from several places.
    Items(Items),
    /// A description in the form of mtree(5), and the directory with the content, if that is not
    /// the one that the description is in.
    Mtree(PathBuf, Option<PathBuf>),
    /// A tar in a file, plain or compressed.
    Archive(PathBuf),
    /// A tar in a part of a file, plain or compressed: its offset and size in bytes.
    ArchivePart(PathBuf, u64, u64),
    /// A tar that is read as it comes, plain or compressed.
    Stream(Box<dyn Read + Send>),
    /// A layer whose tar stays as it is, byte for byte: only its compression is another.
    Transcode(Blob),
    /// A layer whose entries go through policy and edits, and whose whiteouts stay.
    Rewrite(Blob),
    /// Layers, the lowest first, of which comes one: what is there when all are applied.
    Flatten(Vec<ArchiveFile>),
}

/// A layer that was made before, plain or compressed.
pub enum Blob {
    /// A stretch of a file.
    File(ArchiveFile),
    /// What is read as it comes.
    Stream(Box<dyn Read + Send>),
}

impl Source {
    /// The same source, if it is one that can be read ahead of its turn, and once more: this takes
    /// no more memory and threads than the pipeline does, and nothing is gone when it is read.
    pub(super) fn again(&self) -> Option<Self> {
        match self {
            Self::Directory(path) => Some(Self::Directory(path.clone())),
            Self::Overlay(path) => Some(Self::Overlay(path.clone())),
            Self::Files(files) => Some(Self::Files(files.clone())),
            Self::Items(items) => items.again().map(Self::Items),
            Self::Mtree(file, base) if file.is_file() => {
                Some(Self::Mtree(file.clone(), base.clone()))
            }
            Self::Diff { .. }
            | Self::Mtree(..)
            | Self::Archive(_)
            | Self::ArchivePart(..)
            | Self::Stream(_)
            | Self::Transcode(_)
            | Self::Rewrite(_)
            | Self::Flatten(_) => None,
        }
    }
}

/// Where a blob goes.
pub trait Sink: Write + Send {
    /// Takes back all that was written.
    fn restart(&mut self) -> io::Result<()>;

    /// Device and inode of the file that it writes to, if it is one.
    fn identity(&self) -> Option<(u64, u64)> {
        None
    }
}

/// Why a blob is not made again after `error`: that of a sink which failed at it counts more, unless
/// it is a pipe, whose bytes are gone.
pub(super) fn not_again(error: Error, failed: io::Error) -> Error {
    if failed.kind() == io::ErrorKind::NotSeekable { error } else { Error::Write(failed) }
}

impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

impl Sink for io::Sink {
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }
}
