//! The one error type of the core: what failed, on which path, and why.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::digest::Digest;

/// The core's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a layer was not made, or a blob not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a call on a path of the input.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// A verb: `open`, `read`, `list`, …
        action: &'static str,
        /// The path, as the user would type it.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },

    /// The machine is short of something that no file stands for: threads or memory.
    #[error("cannot {action}: {source}")]
    Short {
        /// What it was wanted for, such as `start a thread`.
        action: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },

    /// The output could not be written. The caller knows which one it gave.
    #[error("cannot write the blob: {0}")]
    Write(#[source] io::Error),

    /// A stream that the caller gave could not be read.
    #[error("cannot read the stream: {0}")]
    Read(#[source] io::Error),

    /// The input changed between the plan and the end of its reading.
    #[error("`{}` changed while it was read: {what}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        what: String,
    },

    /// The build would read a file that it writes.
    #[error(
        "the output `{}` is inside the tree that it is made of: write it elsewhere, or exclude \
         its folder", path.display()
    )]
    OutputInInput {
        /// The file as the walk met it; an output in the making may have a temporary name.
        path: PathBuf,
    },

    /// A layer cannot hold this entry.
    #[error("`{}` cannot be stored in a layer: {reason}", entry(.path))]
    Unsupported {
        /// The entry.
        path: PathBuf,
        /// Why not.
        reason: String,
    },

    /// An archive says something of this entry only after it was due. A second look at the archive
    /// would know.
    #[error(
        "`{}` cannot be stored in a layer: {reason}; this takes a second look at the archive, \
         which a stream or pipe does not allow: give files", entry(.path)
    )]
    OutOfOrder {
        /// The entry.
        path: PathBuf,
        /// What was met.
        reason: String,
    },

    /// An archive is not one that Go's `archive/tar` (docker, containerd, podman, crane) reads
    /// whole, or breaks a rule of its compression format.
    #[error("malformed archive{}{}: {reason}", named(.archive), at(.path))]
    Malformed {
        /// The archive, where it is a file; else empty.
        archive: PathBuf,
        /// The entry at which it was seen; empty before the first one.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },

    /// A layer of an image holds something else than the image's config says.
    #[error("the layer `{}` has the diff_id `{found}`, the config says `{stated}`", path.display())]
    OtherLayer {
        /// The blob.
        path: PathBuf,
        /// The digest of its tar.
        found: Digest,
        /// What the config says.
        stated: Digest,
    },

    /// A line of an mtree file cannot be read, or does not fit what it describes.
    #[error("{}:{line}: {reason}", file.display())]
    Mtree {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What was expected and what was found.
        reason: String,
    },

    /// A path of a tree leads in a circle, or farther than any kernel would follow it.
    #[error(
        "`{}` leads through more than 255 symbolic links, or through names of more bytes than a \
         path may have", entry(.path)
    )]
    Links {
        /// The path.
        path: PathBuf,
    },

    /// An argument is out of its range, or not of its form.
    #[error("{0}")]
    Argument(String),

    /// The cancel flag was raised.
    #[error("cancelled")]
    Cancelled,

    /// A defect of this crate.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// An operating-system error on `path`.
    pub(crate) fn io(
        action: &'static str,
        path: impl AsRef<Path>,
        source: impl Into<io::Error>,
    ) -> Self {
        let path = path.as_ref().to_path_buf();
        Self::Io { action, path, source: source.into() }
    }

    /// The same on a path that was found just before: if it is not there, somebody took it away.
    pub(crate) fn io_on_found(
        action: &'static str,
        path: impl AsRef<Path>,
        source: impl Into<io::Error>,
    ) -> Self {
        let source = source.into();
        if source.kind() == io::ErrorKind::NotFound {
            return Self::changed(path, "it is gone");
        }
        Self::io(action, path, source)
    }

    /// A thread that the operating system did not give.
    #[must_use]
    pub const fn no_thread(source: io::Error) -> Self {
        Self::Short { action: "start a thread", source }
    }

    pub(crate) fn changed(path: impl AsRef<Path>, what: impl Into<String>) -> Self {
        Self::Changed { path: path.as_ref().to_path_buf(), what: what.into() }
    }

    pub(crate) fn unsupported(path: impl AsRef<Path>, reason: impl Into<String>) -> Self {
        Self::Unsupported { path: path.as_ref().to_path_buf(), reason: reason.into() }
    }

    /// Names an entry that cannot be stored by a better path than the one it had.
    #[must_use]
    pub(crate) fn at(self, path: impl AsRef<Path>) -> Self {
        match self {
            Self::Unsupported { reason, .. } => Self::unsupported(path, reason),
            other => other,
        }
    }

    pub(crate) fn mtree(file: &Path, line: u64, reason: impl Into<String>) -> Self {
        Self::Mtree { file: file.to_path_buf(), line, reason: reason.into() }
    }

    /// A failed read. A stage below that knows a format passes its own error as the inner one.
    pub(crate) fn from_read(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Read)
    }

    pub(crate) fn malformed(path: &[u8], reason: impl Into<String>) -> Self {
        let path = display_path(path).to_path_buf();
        Self::Malformed { archive: PathBuf::new(), path, reason: reason.into() }
    }

    /// An archive of no bytes at all, which Go would read as one without members.
    pub(crate) fn empty_archive() -> Self {
        Self::malformed(b"", "it is empty: not even the end of an archive")
    }

    /// Names the archive that an error of reading it is about.
    #[must_use]
    pub fn in_archive(self, file: &Path) -> Self {
        match self {
            Self::Read(source) => Self::io("read", file, source),
            Self::Malformed { path, reason, .. } => {
                Self::Malformed { archive: file.to_path_buf(), path, reason }
            }
            Self::Unsupported { path, reason } => {
                Self::Unsupported { path, reason: format!("{reason} (in `{}`)", file.display()) }
            }
            other => other,
        }
    }
}

fn named(archive: &Path) -> String {
    if archive.as_os_str().is_empty() { String::new() } else { format!(" `{}`", archive.display()) }
}

fn at(path: &Path) -> String {
    if path.as_os_str().is_empty() { String::new() } else { format!(" at `{}`", entry(path)) }
}

/// The longest path that a message shows whole, as the kernel takes no longer one. An archive may
/// have names of 1 MiB.
const MAX_SHOWN: usize = 4096;

/// The path of an entry, for messages: never empty, and never so long that it hides the rest.
fn entry(path: &Path) -> String {
    let shown = path.display().to_string();
    if shown.is_empty() {
        return ".".to_owned();
    }
    match shown.char_indices().find(|&(at, character)| at + character.len_utf8() > MAX_SHOWN) {
        Some((at, _)) => format!("{}…", &shown[..at]),
        None => shown,
    }
}

/// The bytes of a tar name as a path, for messages.
pub(crate) fn display_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Why a layer cannot hold an entry: reasons that every kind of source has.
pub(crate) mod reason {
    use super::{display_path, entry};

    /// Two entries came to one path.
    pub(crate) const TWO_ENTRIES: &str =
        "two entries have this path: remove one, or rename it elsewhere";

    /// It lies in `leaf`.
    pub(crate) fn lies_in(leaf: &[u8]) -> String {
        format!("`{}`, in which it lies, is not a directory", entry(display_path(leaf)))
    }

    /// It is a hard link to `target`, of which `what` says the rest.
    pub(crate) fn links_to(target: &[u8], what: &str) -> String {
        format!("it is a hard link to `{}`, which {what}", entry(display_path(target)))
    }
}
