//! Any archives as the layers of an image: flattened they are the same tree as before, and so is
//! what they are unpacked to, and what a layer above them may ask. Nothing outside of the directory
//! is touched.
//!
//! The input is text up to its first empty line, then the bytes of an archive. A line is a member
//! of a layer, or `=`: then the next layer begins. The bytes belong to the last one.
#![no_main]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use fastlayer_core::blob::{Source, apply_blob};
use fastlayer_core::compare::{Change, Difference, Tree, differences};
use fastlayer_core::edit::Edits;
use fastlayer_core::pipeline::Progress;
use fastlayer_core::source::ArchiveFile;
use fastlayer_core::tar::{Kind, Reader};
use fastlayer_core::unpack::{Purpose, Unpack, remove_tree};
use fastlayer_core::{Cancel, Error};
use fastlayer_fuzz::{build, check_layer, check_refusal, file, join, member};
use libfuzzer_sys::fuzz_target;

/// The text is short: each entry is made on disk.
const MAX_TEXT: usize = 2048;

/// So many layers have a file.
const MAX_LAYERS: usize = 3;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at(end.min(MAX_TEXT));
    let lines: Vec<_> = text.split(|&byte| byte == b'\n').collect();
    let parts: Vec<_> = lines.split(|line| line.starts_with(b"=")).take(MAX_LAYERS).collect();
    let layers: Vec<_> = parts
        .iter()
        .enumerate()
        .map(|(number, lines)| {
            let members: Vec<_> = lines.iter().filter_map(|line| member(line)).collect();
            let is_last = number + 1 == parts.len();
            let rest = rest.strip_prefix(b"\n\n").filter(|_| is_last).unwrap_or_default();
            join(&members, rest)
        })
        .collect();
    check(&layers);
});

fn check(layers: &[Vec<u8>]) {
    let files = || -> Vec<_> {
        let paths = layers.iter().enumerate().map(|(number, layer)| file(number, layer));
        paths.map(|path| ArchiveFile::open(&path).unwrap()).collect()
    };
    let asked = paths_asked(&files());
    let (layer, flat) = match build(Source::Flatten(files()), &Edits::default()) {
        Ok(made) => made,
        Err(error) => {
            check_refusal(&error);
            // Others may be too large for this.
            if matches!(error, Error::Malformed { .. } | Error::Unsupported { .. }) {
                drop(unpacked(&files()));
            }
            return;
        }
    };
    assert_eq!(check_layer(&flat), layer.entries, "its entries are not as many as it says");
    let one = ArchiveFile::open(&file(MAX_LAYERS, &flat)).unwrap();
    let (_, again) = build(Source::Flatten(vec![one]), &Edits::default()).unwrap();
    assert_eq!(again, flat, "flattened twice it is another layer");

    assert_eq!(asked.expect("what can be flattened cannot be asked"), paths_in(&flat));

    let (tree, applied) = (applied([&*flat]), applied(layers.iter().map(Vec::as_slice)));
    let mut found = differences(&applied, &tree);
    // Directories that no layer has an entry for.
    found.retain(|difference| difference.change != Change::Added);
    assert_eq!(found, [], "flattened it is another tree");
    if let Some(on_disk) = unpacked(&files()) {
        let mut found = differences(&tree, &on_disk);
        found.retain(|difference| !is_of_disk(difference));
        assert_eq!(found, [], "unpacked it is another tree");
    }
}

/// All paths of the tree that a layer above these would ask, each of which leads somewhere or
/// nowhere, but not to a link. Nothing where they cannot be applied.
fn paths_asked(layers: &[ArchiveFile]) -> Option<BTreeSet<Vec<u8>>> {
    let mut tree = fastlayer_core::Tree::default();
    for layer in layers {
        if let Err(error) = apply_blob(&mut tree, layer, 1, &Cancel::default()) {
            check_refusal(&error);
            return None;
        }
    }
    let mut paths = BTreeSet::new();
    let mut waiting = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        for name in tree.children(&path).unwrap() {
            let below =
                if path.is_empty() { name.to_vec() } else { [&path, &b"/"[..], name].concat() };
            match tree.resolve(&below, true) {
                Ok(end) => {
                    let kind = tree.entry(&end).unwrap().map(|entry| &entry.kind);
                    assert!(!matches!(kind, Some(Kind::Symlink(target)) if !target.contains(&0)));
                }
                Err(error) => assert!(matches!(error, Error::Links { .. }), "{error}"),
            }
            waiting.push(below);
        }
        if !path.is_empty() {
            paths.insert(path);
        }
    }
    Some(paths)
}

fn paths_in(layer: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut reader = Reader::new(layer);
    let mut paths = BTreeSet::new();
    while let Some(member) = reader.next_member().unwrap() {
        paths.insert(member.entry.path.into_vec());
    }
    paths.remove(&b""[..]);
    paths
}

fn applied<'a>(layers: impl IntoIterator<Item = &'a [u8]>) -> Tree {
    let mut tree = Tree::default();
    for layer in layers {
        tree.apply_layer(layer, &Cancel::default()).unwrap();
    }
    tree
}

/// Whether it is only that a file system has one mode for all symbolic links.
fn is_of_disk(difference: &Difference) -> bool {
    let Change::Modified(facts) = &difference.change else { return false };
    facts.iter().all(|fact| &*fact.name == b"mode" && &*fact.after == b"0777")
}

/// The layers as a tree on disk; nothing where an error or a warning says that it is not all there.
fn unpacked(layers: &[ArchiveFile]) -> Option<Tree> {
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let root = BASE.join("root");
    fs::create_dir(&root).unwrap();
    let unpack =
        Unpack { purpose: Purpose::Tree, threads: 1, cancel: &cancel, progress: &progress };
    let result = unpack.run(layers, &root);
    check_outside(&BASE);
    let tree = match result {
        Ok(warnings) if warnings.is_empty() => {
            let mut tree = Tree::default();
            let left_out = tree.add_directory(&root, 1, &cancel).unwrap();
            left_out.is_empty().then_some(tree)
        }
        Ok(_) => None,
        // What a file system has no room or no name for.
        Err(Error::Io { .. }) => None,
        Err(error) => {
            check_refusal(&error);
            None
        }
    };
    remove_tree(&root, &cancel).unwrap();
    assert!(!root.exists());
    check_outside(&BASE);
    tree
}

/// A directory with a file that nothing may touch, and the one that is unpacked to.
static BASE: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("fastlayer-fuzz-layers-{}", std::process::id());
    let base = std::env::temp_dir().join(name);
    fs::create_dir_all(&base).unwrap();
    fs::write(base.join("outside"), "untouched").unwrap();
    base
});

fn check_outside(base: &Path) {
    let names = fs::read_dir(base).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| name == "outside" || name == "root"), "a file outside");
    let outside = File::open(base.join("outside")).and_then(std::io::read_to_string).unwrap();
    assert_eq!(outside, "untouched", "a file outside is another one");
}
