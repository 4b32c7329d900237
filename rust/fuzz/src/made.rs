//! Layers made in memory, and files for what is read twice.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::LazyLock;

use fastlayer_core::blob::{Build, LayerBlob, Sink, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::edit::Edits;
use fastlayer_core::pipeline::Progress;
use fastlayer_core::source::Policy;
use fastlayer_core::{Cancel, Error, Result};

/// More is not written of one layer: a sparse file of a few bytes may say that it has 2^63.
const MAX_LAYER: usize = 1 << 21;

/// Makes the layer of `source`: what the core says of it, and its bytes.
///
/// # Errors
///
/// Those of a build, also for one that is larger than this has room for.
pub fn build(source: Source, edits: &Edits) -> Result<(LayerBlob, Vec<u8>)> {
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

/// Passes an error over that says something of the input.
///
/// # Panics
///
/// When it says something else: that is a finding.
pub fn check_refusal(error: &Error) {
    let of_input =
        !matches!(error, Error::Internal(_) | Error::Io { .. } | Error::OutOfOrder { .. });
    assert!(of_input, "{error}");
}

/// The path of a file with these bytes, one of a few by its `number`. It has no name that would
/// stay behind.
///
/// # Panics
///
/// When it cannot be written, or if there is none with this number.
#[must_use]
pub fn file(number: usize, bytes: &[u8]) -> PathBuf {
    static FILES: LazyLock<[(File, PathBuf); 4]> = LazyLock::new(|| {
        [0, 1, 2, 3].map(|number| {
            let name = format!("fastlayer-fuzz-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let file = File::create_new(&path).unwrap();
            fs::remove_file(path).unwrap();
            let reopened = format!("/proc/self/fd/{}", file.as_raw_fd());
            (file, reopened.into())
        })
    });
    let (_, path) = &FILES[number];
    fs::write(path, bytes).unwrap();
    path.clone()
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
