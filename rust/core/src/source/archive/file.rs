//! An archive that the user named, to be read as often as it takes.

use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// An open archive. What is read from it twice is the same file, whatever has its name by then.
#[derive(Debug)]
pub struct ArchiveFile {
    path: PathBuf,
    file: File,
}

impl ArchiveFile {
    /// Opens it; a pipe will do.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// A reader from the start, or of what a pipe gives.
    pub fn reader(&self) -> Result<File> {
        let file = self.file.try_clone().and_then(|mut file| {
            if self.rereadable() {
                file.rewind()?;
            }
            Ok(file)
        });
        file.map_err(|error| Error::io("read", &self.path, error))
    }

    /// Whether there can be a second look.
    #[must_use]
    pub fn rereadable(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.is_file())
    }

    /// Bytes of the file; of a pipe, 0.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }
}
