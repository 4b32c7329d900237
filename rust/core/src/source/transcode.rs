//! The tar of a layer as it is, byte for byte, read on its way: what comes out of here is one that
//! engines read whole.

use std::io::{self, BufReader, Read};

use super::READ_BUFFER;
use crate::error::{Error, Result};
use crate::tar::{Reader, Step};

/// A tar without compression, to be pulled piece by piece. What follows its end belongs to it.
/// Content is copied as it comes; of headers, little more than 1 MiB is held.
#[derive(Debug)]
pub struct TarStream<R> {
    reader: Reader<Tapped<BufReader<R>>>,
    place: Place,
    entries: u64,
}

/// What the reader stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Content,
    /// What follows the end of the archive.
    Rest,
    End,
}

impl<R: Read> TarStream<R> {
    /// Reads `input`, a tar without compression; a [`Decoder`](super::Decoder) gives one.
    pub fn new(input: R) -> Self {
        let input = BufReader::with_capacity(READ_BUFFER, input);
        Self { reader: Reader::new(Tapped::new(input)), place: Place::Header, entries: 0 }
    }

    /// How many entries went by.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Fills `buffer` as far as the input goes; fewer bytes than its length only at the end.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let rest = &mut buffer[filled..];
            filled += match self.reader.inner_mut().take(rest) {
                0 => match self.place {
                    Place::Header => self.step()?,
                    Place::Content => {
                        self.pass(Place::Header, |reader| reader.read_stored(rest))?
                    }
                    Place::Rest => self.pass(Place::End, |reader| reader.read_rest(rest))?,
                    Place::End => break,
                },
                taken => taken,
            };
        }
        Ok(filled)
    }

    /// Reads a header, which is kept to be taken.
    fn step(&mut self) -> Result<usize> {
        match self.reader.step()? {
            Step::Record => {}
            Step::Member(_) => {
                self.entries += 1;
                self.place = Place::Content;
            }
            Step::End if self.reader.position() == 0 => {
                return Err(Error::empty_archive());
            }
            Step::End => self.place = Place::Rest,
        }
        Ok(0)
    }

    /// Reads what needs not be kept; at its end comes `after`.
    fn pass(
        &mut self,
        after: Place,
        read: impl FnOnce(&mut Reader<Tapped<BufReader<R>>>) -> Result<usize>,
    ) -> Result<usize> {
        self.reader.inner_mut().keeps = false;
        let count = read(&mut self.reader)?;
        self.reader.inner_mut().keeps = true;
        if count == 0 {
            self.place = after;
        }
        Ok(count)
    }
}

/// A stream that keeps what is read of it.
#[derive(Debug)]
struct Tapped<R> {
    inner: R,
    keeps: bool,
    kept: Vec<u8>,
    /// How much of it was taken.
    taken: usize,
}

impl<R> Tapped<R> {
    const fn new(inner: R) -> Self {
        Self { inner, keeps: true, kept: Vec::new(), taken: 0 }
    }

    /// Moves some of what was kept into `buffer`.
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let kept = &self.kept[self.taken..];
        let count = kept.len().min(buffer.len());
        buffer[..count].copy_from_slice(&kept[..count]);
        self.taken += count;
        if self.taken == self.kept.len() {
            self.kept.clear();
            self.taken = 0;
        }
        count
    }
}

impl<R: Read> Read for Tapped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if self.keeps {
            self.kept.extend_from_slice(&buffer[..count]);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::{Entry, Kind, append_header};

    fn tar() -> Vec<u8> {
        let bare = Entry { kind: Kind::Regular, ..Entry::implied_directory(b"file", 0) };
        let mut bytes = Vec::new();
        for (path, size) in [(vec![b'n'; 300], 700), (b"empty".to_vec(), 0), (b"b".to_vec(), 512)] {
            append_header(&Entry { path: path.into(), size, ..bare.clone() }, &mut bytes).unwrap();
            let content = usize::try_from(size).unwrap();
            bytes.resize(bytes.len() + content, b'x');
            // Padding is no more than read past.
            bytes.resize(bytes.len().next_multiple_of(512), b'p');
        }
        bytes
    }

    fn pull(tar: &[u8], piece: usize) -> Result<(Vec<u8>, u64)> {
        let mut stream = TarStream::new(tar);
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; piece]);
        loop {
            let count = stream.fill(&mut buffer)?;
            bytes.extend(&buffer[..count]);
            if count < piece {
                assert_eq!(stream.fill(&mut buffer)?, 0);
                return Ok((bytes, stream.entries()));
            }
        }
    }

    #[test]
    fn every_byte_stays_with_every_end_that_readers_take() {
        let tar = tar();
        let zeroes = [0; 1024];
        let whole = [&tar[..], &zeroes, b"what follows"].concat();
        for end in [&tar[..], &[&tar[..], &zeroes[..512]].concat(), &whole] {
            for piece in [1, 511, 512, 1000, 1 << 20] {
                let (bytes, entries) = pull(end, piece).unwrap();
                assert!(bytes == end, "in pieces of {piece}");
                assert_eq!(entries, 3);
            }
        }
    }

    #[test]
    fn what_is_no_tar_is_refused() {
        assert!(pull(b"", 512).unwrap_err().to_string().contains("it is empty"));
        assert!(pull(&[b'x'; 1024], 512).is_err());
        let tar = tar();
        let error = pull(&tar[..tar.len() - 512], 512).unwrap_err().to_string();
        assert!(error.contains("512 bytes before its content"), "{error}");
    }

    #[test]
    fn a_sparse_file_stays_as_it_is_stored() {
        // Size 1 TiB, of which a byte is stored, as GNU tar writes it in the form PAX 1.0.
        let text = |key: &str, value: &str| {
            let rest = key.len() + value.len() + 3;
            let fits = |length: &usize| rest + length.to_string().len() == *length;
            let length = (rest..rest + 9).find(fits).unwrap();
            format!("{length} {key}={value}\n")
        };
        let records = [
            text("GNU.sparse.major", "1"),
            text("GNU.sparse.minor", "0"),
            text("GNU.sparse.name", "holes"),
            text("GNU.sparse.realsize", "1099511627776"),
        ]
        .concat();
        let bare = Entry { kind: Kind::Regular, ..Entry::implied_directory(b"file", 0) };
        let mut bytes = Vec::new();
        let size = records.len() as u64;
        append_header(&Entry { size, ..bare.clone() }, &mut bytes).unwrap();
        bytes[156] = b'x';
        seal(&mut bytes);
        bytes.extend(records.as_bytes());
        bytes.resize(1024, 0);
        append_header(&Entry { size: 513, ..bare }, &mut bytes).unwrap();
        bytes.extend(b"1\n1099511627775\n1\n");
        bytes.resize(2048, 0);
        bytes.push(b'x');
        bytes.resize(2560 + 1024, 0);
        assert_eq!(pull(&bytes, 700).unwrap(), (bytes, 1));
    }

    /// Puts the checksum of the first block right.
    fn seal(bytes: &mut [u8]) {
        bytes[148..156].fill(b' ');
        let sum: u32 = bytes[..512].iter().map(|&byte| u32::from(byte)).sum();
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}
