//! Directory trees that no layer can be made of, or not in peace.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod layers;

use std::fs;
use std::path::Path;

use fastlayer_core::blob::{Build, Sink, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::pipeline::Progress;
use fastlayer_core::source::Policy;
use fastlayer_core::tar::compare_paths;
use fastlayer_core::{Cancel, Error};

use self::layers::{entries, paths, patterns, plain, tree};

#[test]
fn a_tree_in_motion_gives_a_layer_or_names_what_moved() {
    let root = tree(&["a/x", "b/y", "z"]);
    let shake = || {
        for _ in 0..300 {
            for directory in ["a/new", "b/new"].map(|path| root.path().join(path)) {
                fs::create_dir(&directory).unwrap();
                fs::write(directory.join("f"), "new").unwrap();
                fs::remove_dir_all(directory).unwrap();
            }
        }
    };
    std::thread::scope(|scope| {
        let shaking = scope.spawn(shake);
        while !shaking.is_finished() {
            match entries(root.path(), Policy::default()) {
                Ok(entries) => {
                    let found = paths(&entries);
                    assert!(found.is_sorted_by(|left, right| {
                        compare_paths(left.as_bytes(), right.as_bytes()).is_lt()
                    }));
                    assert!(["a/x", "b/y", "z"].iter().all(|path| found.contains(&(*path).into())));
                }
                Err(Error::Changed { path, .. }) => {
                    assert!(path.components().any(|part| part.as_os_str() == "new"), "{path:?}");
                }
                Err(error) => panic!("{error}"),
            }
        }
    });
}

#[test]
fn a_whiteout_name_is_refused() {
    let root = tree(&["d/.wh.x"]);
    let error = entries(root.path(), Policy::default()).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("d/.wh.x"));
    assert_eq!(entries(root.path(), patterns(&["**/.wh.*"])).unwrap().len(), 2);
}

#[test]
fn a_missing_source_is_named() {
    let error = entries(Path::new("/no/such/tree"), Policy::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot open `/no/such/tree`: No such file or directory (os error 2)"
    );
}

#[test]
fn a_failing_sink_ends_the_build_with_its_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl Sink for Full {
        fn restart(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let root = tree(&["f"]);
    for compression in [Compression::None, Compression::Gzip(6), Compression::Zstd(3)] {
        let (cancel, progress) = (Cancel::default(), Progress::default());
        let build = Build { compression, ..plain(&cancel, &progress) };
        let error = build.run(Source::Directory(root.path().into()), &mut Full).unwrap_err();
        assert!(matches!(error, Error::Write(_)), "{error}");
    }
}
