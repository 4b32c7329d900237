//! An archive that the user named, to be read as often as it takes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use super::stated::{Stated, check_diff_id};
use crate::cancel::Cancel;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::source::{Decoder, Slice, Stamp, decode_ahead};
use crate::tar::Reader;

/// Bytes that archives are read by.
const READ: usize = 256 * 1024;

/// An open archive. What is read from it twice is the same file, whatever has its name by then.
#[derive(Debug)]
pub struct ArchiveFile {
    path: PathBuf,
    file: File,
    /// Where it begins in the file, and how long it is; if not said, it is the whole file.
    stretch: Option<(u64, u64)>,
    /// The digest that a config says its tar has.
    diff_id: Option<Digest>,
    /// What it was when it was opened; nothing is known of a pipe.
    stamp: Option<Stamp>,
}

impl ArchiveFile {
    /// Opens it; a pipe will do.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        Self::new(file, None, path.to_path_buf())
    }

    /// Opens the one that is `size` bytes of a file, from `offset` on.
    pub fn open_part(path: &Path, offset: u64, size: u64) -> Result<Self> {
        Ok(Self { stretch: Some((offset, size)), ..Self::open(path)? })
    }

    /// The one that is `size` bytes of an open file, from `offset` on; errors call it `name`.
    pub fn stretch(file: File, offset: u64, size: u64, name: PathBuf) -> Result<Self> {
        Self::new(file, Some((offset, size)), name)
    }

    fn new(file: File, stretch: Option<(u64, u64)>, path: PathBuf) -> Result<Self> {
        match Stamp::of_file(&file) {
            Ok(stamp) => Ok(Self { path, file, stretch, diff_id: None, stamp }),
            Err(error) => Err(Error::io("read", &path, error)),
        }
    }

    /// The same, of an image whose config says what digest its tar has.
    #[must_use]
    pub fn stated(self, diff_id: Option<Digest>) -> Self {
        Self { diff_id, ..self }
    }

    /// The name that errors call it by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A reader from the start, or of what a pipe gives. Its end is an error if the file is not what
    /// it was: some of what was read may be of one state, and some of another.
    pub fn reader(&self) -> Result<Box<dyn Read + Send>> {
        let error = |error| Error::io("read", &self.path, error);
        let mut file = self.file.try_clone().map_err(error)?;
        if self.rereadable() && self.stretch.is_none() {
            file.rewind().map_err(error)?;
        }
        let watch = self.file.try_clone().map_err(error)?;
        let read: Box<dyn Read + Send> = match self.stretch {
            Some((offset, size)) => Box::new(Slice::new(file, offset, size)),
            None => Box::new(file),
        };
        let Some(stamp) = self.stamp else { return Ok(read) };
        Ok(Box::new(Unchanged { read, file: watch, stamp, path: self.path.clone() }))
    }

    /// The same of what was compressed. See [`decode_ahead`].
    ///
    /// What a config says of it is not looked at: this is for who has [`verified`](Self::verified)
    /// it, or does so now.
    pub(crate) fn decoded(&self, threads: usize, cancel: &Cancel) -> Result<Box<dyn Read + Send>> {
        decoded(self.reader()?, threads, cancel)
    }

    /// The same, whose end is an error if it is not the tar that a config says.
    pub fn verified(&self, threads: usize, cancel: &Cancel) -> Result<Box<dyn Read + Send>> {
        let tar = self.decoded(threads, cancel)?;
        let Some(diff_id) = self.diff_id else { return Ok(tar) };
        Ok(Box::new(Stated::new(tar, diff_id, &self.path)))
    }

    /// Refuses it if its tar, which turned out to have the digest `found`, is not the one that a
    /// config says.
    pub(crate) fn check(&self, found: Digest) -> Result<()> {
        self.diff_id.map_or(Ok(()), |stated| check_diff_id(&self.path, found, stated))
    }

    /// Whether there can be a second look.
    #[must_use]
    pub(crate) const fn rereadable(&self) -> bool {
        self.stretch.is_some() || self.stamp.is_some()
    }

    /// Bytes of it; of a pipe, 0.
    #[must_use]
    pub fn size(&self) -> u64 {
        let whole = || self.stamp.map_or(0, |stamp| stamp.size());
        self.stretch.map_or_else(whole, |(_, size)| size)
    }
}

/// Reads a file that has to be the same at its end.
struct Unchanged {
    read: Box<dyn Read + Send>,
    file: File,
    stamp: Stamp,
    path: PathBuf,
}

impl Read for Unchanged {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read.read(buffer)?;
        if read == 0
            && !buffer.is_empty()
            && let Some(what) = self.stamp.other_content(&rustix::fs::fstat(&self.file)?)
        {
            return Err(io::Error::other(Error::changed(&self.path, what)));
        }
        Ok(read)
    }
}

/// Whether a file is a tar, plain or compressed, by its first header and not by its name: an empty
/// one is none. No more of it is decoded.
pub fn is_archive(path: &Path) -> Result<bool> {
    let first = || {
        let tar = Decoder::new(BufReader::new(ArchiveFile::open(path)?.reader()?))?;
        Reader::new(BufReader::new(tar)).next_member()
    };
    match first() {
        Ok(member) => Ok(member.is_some()),
        // What cannot be in a layer is in an archive still.
        Err(Error::Unsupported { .. }) => Ok(true),
        Err(Error::Malformed { .. }) => Ok(false),
        Err(error) => Err(error.in_archive(path)),
    }
}

/// An archive that is read as it comes, without its compression. See [`decode_ahead`].
pub(crate) fn decoded(
    stream: impl Read + Send + 'static,
    threads: usize,
    cancel: &Cancel,
) -> Result<Box<dyn Read + Send>> {
    decode_ahead(BufReader::with_capacity(READ, stream), threads, cancel)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_file_whose_content_changes_before_its_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.tar");
        let read = |change: &dyn Fn()| {
            fs::write(&path, [1; 2000]).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(UNIX_EPOCH).unwrap();
            let mut reader = ArchiveFile::open(&path).unwrap().reader().unwrap();
            reader.read_exact(&mut [0; 1000]).unwrap();
            change();
            let read = reader.read_to_end(&mut Vec::new());
            read.map_err(|error| Error::from_read(error).to_string())
        };
        assert_eq!(read(&|| ()), Ok(1000));
        assert_eq!(read(&|| fs::remove_file(&path).unwrap()), Ok(1000));
        let what =
            |what: &str| Err(format!("`{}` changed while it was read: {what}", path.display()));
        let same_size = || fs::write(&path, [2; 2000]).unwrap();
        assert_eq!(read(&same_size), what("its modification or change time moved"));
        let shorter = || fs::write(&path, [1; 1500]).unwrap();
        assert_eq!(read(&shorter), what("it had 2000 bytes and now has 1500"));
    }
}
