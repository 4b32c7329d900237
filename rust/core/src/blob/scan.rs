//! One pass over a layer blob: its digests, its sizes and its entries.

use std::collections::HashSet;
use std::io::{self, BufReader, Read};

use crate::cancel::Cancel;
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};
use crate::source::{Decoder, Encoding};
use crate::tar::{Member, Reader};

/// How much is read at once of the blob and of the tar; the cancel flag is looked at in between.
const BUFFER: usize = 128 << 10;

/// So many paths that occur twice are named.
const MAX_DUPLICATES: usize = 100;

/// What a blob turned out to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scan {
    /// Digest of the blob's bytes, all of them.
    pub digest: Digest,
    /// How many those are.
    pub size: u64,
    /// Digest of the tar.
    pub diff_id: Digest,
    /// Size of the tar, with whatever follows its end.
    pub uncompressed_size: u64,
    /// How the blob is compressed.
    pub encoding: Encoding,
    /// gzip members or zstd frames; some consumers read only the first. 0 for a plain tar.
    pub parts: u64,
    /// Members of the tar.
    pub entries: u64,
    /// The first 100 paths that occur more than once.
    pub duplicates: Vec<Box<[u8]>>,
}

/// Reads a layer blob, compressed or not, to its end. `on_member` sees every member; an error of
/// its ends the scan.
///
/// Nothing is held but the paths, to find those that occur twice.
pub fn scan(
    input: impl Read,
    cancel: &Cancel,
    mut on_member: impl FnMut(&Member) -> Result<()>,
) -> Result<Scan> {
    let mut blob = Counted { inner: input, cancel, count: 0, hasher: Some(Hasher::new()) };
    let mut decoder = Decoder::new(BufReader::with_capacity(BUFFER, &mut blob))?;
    let encoding = decoder.encoding();
    if !matches!(encoding, Encoding::Plain | Encoding::Gzip | Encoding::Zstd) {
        let name = encoding.name();
        let reason = format!("it is compressed with {name}: a layer is plain, gzip or zstd");
        return Err(Error::malformed(b"", reason));
    }
    // A plain tar is the blob itself, so one hash tells both.
    let hasher = (encoding != Encoding::Plain).then(Hasher::new);
    let mut tar = Counted { inner: &mut decoder, cancel, count: 0, hasher };
    let mut paths = Paths::default();
    let entries = read_members(&mut tar, |member| {
        paths.add(&member.entry.path);
        on_member(member)
    })?;
    let (uncompressed_size, tar_digest) = (tar.count, tar.hasher.map(Hasher::finish));
    let parts = decoder.parts();
    drop(decoder);
    let digest = blob.hasher.unwrap_or_default().finish();
    Ok(Scan {
        digest,
        size: blob.count,
        diff_id: tar_digest.unwrap_or(digest),
        uncompressed_size,
        encoding,
        parts,
        entries,
        duplicates: paths.duplicates,
    })
}

/// Reads `tar` to the end of its input, content included; returns the number of members.
fn read_members(tar: impl Read, mut on_member: impl FnMut(&Member) -> Result<()>) -> Result<u64> {
    let mut reader = Reader::new(BufReader::with_capacity(BUFFER, tar));
    let mut entries = 0;
    while let Some(member) = reader.next_member()? {
        entries += 1;
        on_member(&member)?;
    }
    reader.drain()?;
    Ok(entries)
}

/// The paths seen so far, and those seen again.
#[derive(Default)]
struct Paths {
    seen: HashSet<Box<[u8]>>,
    duplicates: Vec<Box<[u8]>>,
}

impl Paths {
    fn add(&mut self, path: &[u8]) {
        if self.seen.insert(path.into()) {
            return;
        }
        let known = self.duplicates.iter().any(|duplicate| **duplicate == *path);
        if !known && self.duplicates.len() < MAX_DUPLICATES {
            self.duplicates.push(path.into());
        }
    }
}

/// A stream whose bytes are counted and hashed on their way, until the flag is raised.
struct Counted<'a, R> {
    inner: R,
    cancel: &'a Cancel,
    count: u64,
    hasher: Option<Hasher>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.cancel.check().map_err(io::Error::other)?;
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::tar::{Entry, append_header};

    /// A tar with these directories, and bytes after its end.
    fn tar(paths: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for path in paths {
            let entry = Entry::implied_directory(path.as_bytes(), 0);
            append_header(&entry, &mut bytes).unwrap();
        }
        bytes.resize(bytes.len() + 1024, 0);
        bytes.resize(bytes.len() + 300_000, 1);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn scan_all(blob: &[u8]) -> Result<(Scan, Vec<Box<[u8]>>)> {
        let mut names = Vec::new();
        let scan = scan(blob, &Cancel::default(), |member| {
            names.push(member.name.clone());
            Ok(())
        })?;
        Ok((scan, names))
    }

    #[test]
    fn digests_are_of_all_bytes_in_every_encoding() {
        let tar = tar(&["a", "b"]);
        let gzip = [gzip(&tar[..700]), gzip(&tar[700..]), vec![0; 600]].concat();
        let zstd = zstd::encode_all(&tar[..], 1).unwrap();
        for (blob, encoding, parts) in
            [(&tar, Encoding::Plain, 0), (&gzip, Encoding::Gzip, 2), (&zstd, Encoding::Zstd, 1)]
        {
            let (scan, names) = scan_all(blob).unwrap();
            assert_eq!((scan.encoding, scan.parts), (encoding, parts));
            assert_eq!((scan.digest, scan.size), (Digest::of(blob), blob.len() as u64));
            assert_eq!(scan.diff_id, Digest::of(&tar));
            assert_eq!(scan.uncompressed_size, tar.len() as u64);
            assert_eq!((scan.entries, names.len()), (2, 2));
        }
    }

    #[test]
    fn a_compression_that_no_layer_has_is_refused() {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
        encoder.write_all(&tar(&["a"])).unwrap();
        let error = scan_all(&encoder.finish().unwrap()).unwrap_err().to_string();
        assert!(error.contains("compressed with xz: a layer is plain, gzip or zstd"), "{error}");
    }

    #[test]
    fn paths_that_occur_again_are_named_once() {
        let (scan, _) = scan_all(&tar(&["a", "b", "a", "a"])).unwrap();
        assert_eq!(scan.duplicates, [Box::from(&b"a"[..])]);
        assert_eq!(scan.entries, 4);
    }

    #[test]
    fn damage_after_the_end_of_the_tar_is_found() {
        let blob = gzip(&tar(&["a"]));
        assert!(matches!(scan_all(&blob[..blob.len() - 1]), Err(Error::Malformed { .. })));
        assert!(scan_all(&[&*blob, b"x"].concat()).is_err());
    }

    #[test]
    fn a_raised_flag_and_the_callers_error_end_the_scan() {
        let blob = gzip(&tar(&["a"]));
        let cancel = Cancel::default();
        let result = scan(&blob[..], &cancel, |_| {
            cancel.raise();
            Ok(())
        });
        assert!(matches!(result, Err(Error::Cancelled)));
        let result = scan(&blob[..], &Cancel::default(), |_| Err(Error::Cancelled));
        assert!(matches!(result, Err(Error::Cancelled)));
    }
}
