//! Layers of sources, and what is in them.
#![allow(dead_code)] // Each test takes what it needs.

use std::fs;
use std::path::Path;

use fastlayer_core::blob::{Build, LayerBlob, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::edit::Edits;
use fastlayer_core::pipeline::Progress;
use fastlayer_core::source::{Patterns, Policy};
use fastlayer_core::tar::{Entry, Reader};
use fastlayer_core::{Cancel, Digest, Result};

/// The members of a tar with their content.
pub(crate) type Members = Vec<(Entry, Vec<u8>)>;

/// A directory with these files, or directories where the name ends in a slash.
pub(crate) fn tree(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        if file.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("content of {file}")).unwrap();
        }
    }
    root
}

/// A build of an uncompressed layer that changes nothing.
pub(crate) fn plain(cancel: &Cancel, progress: &Progress) -> Build {
    Build {
        policy: Policy::default(),
        edits: Edits::default(),
        compression: Compression::None,
        verify: false,
        threads: 3,
        ground: None,
        outputs: Vec::new(),
        cancel: cancel.clone(),
        progress: progress.clone(),
    }
}

/// A layer, and its blob.
pub(crate) fn build(
    source: Source,
    policy: Policy,
    compression: Compression,
    threads: usize,
) -> Result<(LayerBlob, Vec<u8>)> {
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let build = Build { policy, compression, threads, ..plain(&cancel, &progress) };
    let mut blob = Vec::new();
    let layer = build.run(source, &mut blob)?;
    assert_eq!(layer.output.digest, Digest::of(&blob));
    assert_eq!(layer.output.size, blob.len() as u64);
    Ok((layer, blob))
}

/// The members of an uncompressed layer.
pub(crate) fn members(source: Source, policy: Policy) -> Result<Members> {
    let (layer, tar) = build(source, policy, Compression::None, 3)?;
    let members = read(&tar);
    assert_eq!(layer.entries, members.len() as u64);
    Ok(members)
}

/// The entries of an uncompressed layer of `root`, with their content.
pub(crate) fn entries(root: &Path, policy: Policy) -> Result<Members> {
    members(Source::Directory(root.into()), policy)
}

/// The policy that leaves out what matches.
pub(crate) fn patterns(lines: &[&str]) -> Policy {
    Policy { exclude: Patterns::parse(lines).unwrap(), ..Policy::default() }
}

/// The members of a tar.
pub(crate) fn read(tar: &[u8]) -> Members {
    let mut reader = Reader::new(tar);
    let mut members = Vec::new();
    while let Some(member) = reader.next_member().unwrap() {
        let mut content = vec![0; usize::try_from(member.entry.size).unwrap()];
        let mut filled = 0;
        while filled < content.len() {
            let count = reader.read_content(&mut content[filled..]).unwrap();
            assert!(count > 0, "the content of {:?} ends early", member.entry);
            filled += count;
        }
        members.push((member.entry, content));
    }
    members
}

/// The paths of members.
pub(crate) fn paths(members: &[(Entry, Vec<u8>)]) -> Vec<String> {
    members.iter().map(|(entry, _)| String::from_utf8_lossy(&entry.path).into_owned()).collect()
}
