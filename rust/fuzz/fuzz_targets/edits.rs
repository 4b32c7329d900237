//! Any edits, and any archive that they are done to: what comes out is a layer that every engine
//! can apply, or an error.
//!
//! The input is text up to its first empty line, then the bytes of an archive. A line is an edit or
//! a member that stands before those bytes: one letter and what it takes, with blanks between.
//! What is no such line says nothing.
#![no_main]

use std::fs::{self, File};
use std::io::{self, Cursor, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::LazyLock;

use fastlayer_core::blob::{Build, LayerBlob, Sink, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::edit::{Edit, Edits, PathRules, Put, Rewrite, What};
use fastlayer_core::pipeline::Progress;
use fastlayer_core::source::{FileSource, Patterns, Policy};
use fastlayer_core::tar::{BLOCK, Entry, Kind, normalize_path};
use fastlayer_core::{Cancel, Error, Result};
use fastlayer_fuzz::{check_layer, seal, write};
use libfuzzer_sys::fuzz_target;

/// The text is short: each edit looks at each entry.
const MAX_TEXT: usize = 2048;

/// More is not written of one layer: a sparse file of a few bytes may say that it has 2^63.
const MAX_LAYER: usize = 1 << 21;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at(end.min(MAX_TEXT));
    let lines: Vec<_> = text.split(|&byte| byte == b'\n').collect();
    let edits = Edits::new(lines.iter().filter_map(|line| edit(line)).collect());
    let members: Vec<_> = lines.iter().filter_map(|line| member(line)).collect();
    let archive = join(&members, rest.strip_prefix(b"\n\n").unwrap_or_default());

    let stream = |tar: &[u8]| Source::Stream(Box::new(Cursor::new(tar.to_vec())));
    let mut made = build(stream(&archive), &edits);
    if let Err(Error::OutOfOrder { .. }) = made {
        made = build(file(&archive), &edits);
        let again = build(file(&archive), &edits);
        let tars = [&made, &again].map(|made| made.as_ref().ok().map(|(_, tar)| tar));
        assert_eq!(tars[0], tars[1], "the same input gives other bytes");
    }
    let (layer, tar) = match made {
        Ok(made) => made,
        Err(error @ (Error::Internal(_) | Error::Io { .. } | Error::OutOfOrder { .. })) => {
            panic!("{error}")
        }
        Err(_) => return,
    };
    assert_eq!(check_layer(&tar), layer.entries, "its entries are not as many as it says");
    let (_, again) = build(stream(&tar), &Edits::default()).unwrap();
    assert_eq!(again, tar, "a layer is not the layer of itself");
});

fn build(source: Source, edits: &Edits) -> Result<(LayerBlob, Vec<u8>)> {
    let build = Build {
        policy: Policy::default(),
        edits: edits.clone(),
        compression: Compression::None,
        verify: false,
        threads: 1,
        ground: None,
        outputs: Vec::new(),
        cancel: Cancel::default(),
        progress: Progress::default(),
    };
    let mut sink = Short(Vec::new());
    let layer = build.run(source, &mut sink)?;
    Ok((layer, sink.0))
}

/// A sink that is full early.
struct Short(Vec<u8>);

impl Write for Short {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_LAYER {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Short {
    fn restart(&mut self) -> io::Result<()> {
        self.0.restart()
    }
}

/// The archive as a file, which can be read twice. It has no name that would stay behind.
fn file(archive: &[u8]) -> Source {
    static FILE: LazyLock<(File, PathBuf)> = LazyLock::new(|| {
        let path = std::env::temp_dir().join(format!("fastlayer-fuzz-{}", std::process::id()));
        let file = File::create_new(&path).unwrap();
        fs::remove_file(path).unwrap();
        let reopened = format!("/proc/self/fd/{}", file.as_raw_fd());
        (file, reopened.into())
    });
    let (_, path) = &*FILE;
    fs::write(path, archive).unwrap();
    Source::Archive(path.clone())
}

fn words(line: &[u8]) -> Option<(u8, Vec<&[u8]>)> {
    let (&[letter], rest) = line.split_at_checked(1)? else { return None };
    Some((letter, rest.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).collect()))
}

fn edit(line: &[u8]) -> Option<Edit> {
    let put = |path, what| Put::new(path, what, None, (1, 2)).map(Edit::Put);
    let patterns = |words: &[&[u8]]| Patterns::parse(words);
    let edit = match words(line)? {
        (b'x', words) => patterns(&words).map(Edit::Exclude),
        (b'p', words) => PathRules::parse(words).map(Edit::PathRules),
        (b'r', words) => Edit::remove(words.first()?),
        (b'm', words) => Edit::rename(words.first()?, words.get(1)?),
        (b'd', words) => put(words.first()?, What::Directory),
        (b'l', words) => put(words.first()?, What::Symlink((*words.get(1)?).into())),
        (b'f', words) => {
            put(words.first()?, What::File(FileSource::Bytes((*words.get(1)?).into())))
        }
        (b'c', words) => patterns(&words).map(|patterns| Edit::Mode(patterns, 0o4711)),
        (b'o', words) => patterns(&words).map(|patterns| Edit::Owner(patterns, 3, 1 << 30)),
        (b't', words) => patterns(&words).map(Edit::Truncate),
        (b'w', words) => {
            let more = words.get(1)?.to_vec();
            Rewrite::new(words.first()?, move |content| Ok([content, &more].concat()))
                .map(Edit::Rewrite)
        }
        (b'k', words) => Ok(Edit::ClampMtime(-i64::from(*words.first()?.first()?))),
        _ => return None,
    };
    edit.ok()
}

/// A member of the archive, with its content.
fn member(line: &[u8]) -> Option<(Entry, Vec<u8>)> {
    let (letter, words) = words(line)?;
    let path = normalize_path(words.first()?).ok()?;
    let target = words.get(1).copied().unwrap_or_default();
    if target.contains(&0) {
        return None;
    }
    let (kind, content) = match letter {
        b'D' => (Kind::Directory, Vec::new()),
        b'F' => (Kind::Regular, target.to_vec()),
        b'L' => (Kind::Symlink(target.into()), Vec::new()),
        b'H' => (Kind::HardLink(normalize_path(target).ok()?), Vec::new()),
        b'P' => (Kind::Fifo, Vec::new()),
        _ => return None,
    };
    // Of two entries for one path it must be seen which one it is.
    let mode = 0o600 + u32::try_from(line.len() % 64).unwrap();
    let size = content.len() as u64;
    Some((Entry { kind, mode, size, mtime: 1, ..Entry::implied_directory(&path, 0) }, content))
}

/// The members and what follows them: an archive of its own, with the checksums of its headers
/// right, or the end.
fn join(members: &[(Entry, Vec<u8>)], rest: &[u8]) -> Vec<u8> {
    let mut archive = write(members);
    if rest.is_empty() {
        return archive;
    }
    archive.truncate(archive.len() - 2 * BLOCK);
    let mut rest = rest.to_vec();
    for block in rest.chunks_exact_mut(BLOCK).filter(|block| block[257..].starts_with(b"ustar")) {
        seal(block);
    }
    archive.extend(rest);
    archive
}
