//! A stretch of a file as a stream.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use crate::error::Error;

/// A stretch of a file, read by offset: the descriptor's own position is left alone. A file that
/// ends inside it is malformed.
#[derive(Debug)]
pub struct Slice {
    file: File,
    start: u64,
    position: u64,
    size: u64,
}

impl Slice {
    /// The `size` bytes from `start` on.
    #[must_use]
    pub const fn new(file: File, start: u64, size: u64) -> Self {
        Self { file, start, position: 0, size }
    }
}

impl Read for Slice {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.position);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let from = self.start.checked_add(self.position);
        let from = from.ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
        let read = self.file.read_at(&mut buffer[..length], from)?;
        if read == 0 && length > 0 {
            let reason = format!("the file ends {left} bytes before it does");
            return Err(io::Error::new(ErrorKind::InvalidData, Error::malformed(b"", reason)));
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Slice {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::Current(offset) => (self.position, offset),
            SeekFrom::End(offset) => (self.size, offset),
        };
        self.position = base
            .checked_add_signed(offset)
            .ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_stretch_is_read_from_its_start_to_its_end_whatever_the_position() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before content after").unwrap();
        let mut slice = Slice::new(file.try_clone().unwrap(), 7, 7);
        let mut read = String::new();
        slice.read_to_string(&mut read).unwrap();
        assert_eq!(read, "content");
        slice.seek(SeekFrom::End(-3)).unwrap();
        slice.read_to_string(&mut read).unwrap();
        assert_eq!(read, "contentent");
        slice.seek(SeekFrom::Start(9)).unwrap();
        assert_eq!(slice.read(&mut [0; 9]).unwrap(), 0);
    }

    #[test]
    fn a_file_that_is_shorter_is_told() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"content").unwrap();
        let error = Slice::new(file, 4, 5).read_to_end(&mut Vec::new()).unwrap_err();
        let error = Error::from_read(error).to_string();
        assert!(error.ends_with("the file ends 2 bytes before it does"), "{error}");
    }
}
