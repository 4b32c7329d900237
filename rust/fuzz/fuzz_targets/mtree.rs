//! Any text as a description in the form of mtree(5): the layer that it describes is one that every
//! engine can apply, and its own description describes the same layer.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use fastlayer_core::Error;
use fastlayer_core::blob::{Describe, Source};
use fastlayer_core::edit::Edits;
use fastlayer_core::pipeline::Progress;
use fastlayer_core::{Cancel, Digest};
use fastlayer_fuzz::{build, check_layer, check_refusal, file};
use libfuzzer_sys::fuzz_target;

/// The files that a description may have content from; there is a directory and a link, too.
const FILES: [(&str, &[u8]); 4] = [("a", b"abc"), ("b", b""), ("d/c", b"c\n"), ("d/x y", b"abc")];

fuzz_target!(|bytes: &[u8]| {
    let base = &*BASE;
    let described = |text: &[u8]| Source::Mtree(file(0, text), Some(base.clone()));
    let (layer, tar) = match build(described(bytes), &Edits::default()) {
        Ok(made) => made,
        // A name that is too long for the file system, or of what is not there.
        Err(Error::Io { .. }) => return,
        Err(error) => return check_refusal(&error),
    };
    assert_eq!(check_layer(&tar), layer.entries, "its entries are not as many as it says");
    if layer.entries == 0 {
        // What describes nothing is refused as a file that was cut.
        return;
    }
    let text = description(&tar);
    let (_, again) = build(described(&with_contents(&text)), &Edits::default())
        .unwrap_or_else(|error| panic!("{error} in {}", text.escape_ascii()));
    assert!(again == tar, "another layer: {}", text.escape_ascii());
});

static BASE: LazyLock<PathBuf> = LazyLock::new(|| {
    let base = std::env::temp_dir().join("fastlayer-fuzz-mtree");
    fs::create_dir_all(base.join("d")).unwrap();
    for (name, content) in FILES {
        fs::write(base.join(name), content).unwrap();
    }
    _ = std::os::unix::fs::symlink("a", base.join("l"));
    base
});

fn description(tar: &[u8]) -> Vec<u8> {
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let describe = Describe {
        digests: true,
        drop_xattrs: false,
        threads: 1,
        cancel: &cancel,
        progress: &progress,
    };
    describe.run(&file(1, tar)).unwrap().0
}

/// Says where the content is of every line that has the digest of some.
fn with_contents(text: &[u8]) -> Vec<u8> {
    let mut named = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        named.extend_from_slice(line.trim_ascii_end());
        let stated = |content| format!(" sha256digest={:x}", Digest::of(content)).into_bytes();
        let found = FILES.iter().find(|(_, content)| {
            let stated = stated(content);
            line.windows(stated.len()).any(|part| part == stated)
        });
        if let Some((name, _)) = found {
            named.extend_from_slice(b" contents=./");
            named.extend_from_slice(name.replace(' ', "\\040").as_bytes());
        }
        named.push(b'\n');
    }
    named
}
