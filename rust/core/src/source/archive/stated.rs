//! A tar that is said to have a digest, read on its way.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};

/// The tar of a layer whose `diff_id` a config states (OCI image-spec, config.md, "Layer DiffID").
/// Who reads it to its end has what the config says: the end is an error if it is something else.
pub(super) struct Stated<R> {
    tar: R,
    hasher: Hasher,
    diff_id: Digest,
    /// The blob that it came in.
    path: PathBuf,
}

impl<R> Stated<R> {
    pub(super) fn new(tar: R, diff_id: Digest, path: &Path) -> Self {
        Self { tar, hasher: Hasher::new(), diff_id, path: path.to_path_buf() }
    }
}

impl<R: Read> Read for Stated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.tar.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() {
            // The end may be asked for again, and stays what it is.
            let found = self.hasher.clone().finish();
            check_diff_id(&self.path, found, self.diff_id).map_err(io::Error::other)?;
        }
        Ok(read)
    }
}

/// Refuses the layer `path`, whose tar has the digest `found`, if its config says another one.
pub(super) fn check_diff_id(path: &Path, found: Digest, stated: Digest) -> Result<()> {
    if found == stated {
        return Ok(());
    }
    Err(Error::OtherLayer { path: path.to_path_buf(), found, stated })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_tells_whether_it_is_what_was_said() {
        let path = Path::new("layer");
        let mut read = Vec::new();
        let mut tar = Stated::new(&b"content"[..], Digest::of(b"content"), path);
        assert_eq!(tar.read_to_end(&mut read).unwrap(), 7);
        assert_eq!(tar.read(&mut [0; 9]).unwrap(), 0);
        assert_eq!(read, b"content");

        let mut tar = Stated::new(&b"content"[..], Digest::of(b"other"), path);
        assert_eq!(tar.read(&mut []).unwrap(), 0);
        assert_eq!(tar.read(&mut [0; 7]).unwrap(), 7);
        for _ in 0..2 {
            let error = Error::from_read(tar.read(&mut [0; 9]).unwrap_err());
            let (found, stated) = (Digest::of(b"content"), Digest::of(b"other"));
            let expected =
                format!("the layer `layer` has the diff_id `{found}`, the config says `{stated}`");
            assert_eq!(error.in_archive(Path::new("x")).to_string(), expected);
        }
    }
}
