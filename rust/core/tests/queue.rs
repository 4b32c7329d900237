//! Several layers on the same threads: the bytes, the order and the errors of one after the other.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

use std::fs;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use fastlayer_core::blob::{Build, LayerBlob, Queue, Sink, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::pipeline::{BLOCK, Progress};
use fastlayer_core::source::{FileSource, Policy};
use fastlayer_core::{Cancel, Error, Result};
use layers::{build, plain};
use proptest::prelude::*;

mod layers;

/// Longer than anything here takes; who waits as long waits for ever.
const LONG: Duration = Duration::from_secs(60);

/// A moment in which layers that may go ahead do.
const MOMENT: Duration = Duration::from_millis(150);

/// A sink that can be looked at from outside.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Output {
    fn restart(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().clear();
        Ok(())
    }
}

/// Bytes that hardly get smaller.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

/// A layer of one file.
fn file(content: Vec<u8>) -> Source {
    Source::Files(vec![(b"file".to_vec(), FileSource::Bytes(content.into()))])
}

/// A layer that cannot be made.
fn missing(name: &str) -> Source {
    Source::Directory(format!("/no/such/{name}").into())
}

fn with_threads(threads: usize, compression: Compression) -> Build {
    Build { threads, compression, ..plain(&Cancel::default(), &Progress::default()) }
}

fn queue(threads: usize, sources: impl IntoIterator<Item = Source>) -> Queue<Output> {
    let build = || with_threads(threads, Compression::Gzip(1));
    Queue::new(sources.into_iter().map(|source| (build(), source)), &Cancel::default())
}

/// The next layer and its blob.
fn take(queue: &mut Queue<Output>) -> Result<(LayerBlob, Vec<u8>)> {
    let output = Output::default();
    queue.give_turn(output.clone())?;
    let layer = queue.wait(LONG).unwrap()?;
    Ok((layer, output.bytes()))
}

fn compressions() -> impl Strategy<Value = Compression> {
    prop_oneof![
        Just(Compression::Gzip(1)),
        Just(Compression::Gzip(4)),
        Just(Compression::Zstd(1)),
        Just(Compression::None),
    ]
}

/// Sizes of layers: most are small, some have a few blocks, or jobs of zstd.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![5 => 0..20_000_usize, 2 => 0..3 * BLOCK, 1 => 4 * BLOCK..6 * BLOCK]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn layers_are_those_that_are_made_one_after_the_other(
        threads in 1_usize..5,
        layers in prop::collection::vec((sizes(), compressions(), 1_usize..5, any::<u64>()), 1..16),
    ) {
        let content = |size, seed| if seed % 2 == 0 { noise(size, seed) } else { vec![7; size] };
        let described = layers.iter().map(|(size, compression, threads_of_one, seed)| {
            let threads = threads.min(*threads_of_one);
            (with_threads(threads, *compression), file(content(*size, *seed)))
        });
        let mut queue = Queue::new(described, &Cancel::default());
        for (size, compression, _, seed) in layers {
            let (layer, blob) = take(&mut queue).unwrap();
            let source = file(content(size, seed));
            let (alone, bytes) = build(source, Policy::default(), compression, 2).unwrap();
            prop_assert_eq!(layer.output, alone.output);
            prop_assert!(blob == bytes);
        }
    }
}

#[test]
fn a_hundred_layers_come_out_on_any_number_of_threads() {
    for threads in [1, 2, 3, 8, 200] {
        let mut queue = queue(threads, (0..100).map(|seed| file(noise(5000, seed))));
        for seed in 0..100 {
            let (layer, _) = take(&mut queue).unwrap();
            let source = file(noise(5000, seed));
            let alone = build(source, Policy::default(), Compression::Gzip(1), 1).unwrap().0;
            assert_eq!(layer.output, alone.output, "layer {seed} on {threads} threads");
        }
    }
}

#[test]
fn the_error_is_that_of_the_first_layer_that_fails() {
    for threads in [1, 2, 4] {
        // The small ones fail long before the first one is made.
        let sources = [file(noise(8 * BLOCK, 1)), missing("one"), missing("two")];
        let mut queue = queue(threads, sources);
        take(&mut queue).unwrap();
        let error = take(&mut queue).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot open `/no/such/one`: No such file or directory (os error 2)"
        );
        assert!(matches!(take(&mut queue), Err(Error::Cancelled)), "it went on after an error");
    }
}

#[test]
fn what_failed_ahead_of_its_turn_is_made_again_in_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let late = folder.path().join("late");
    let mut queue = queue(2, [file(Vec::new()), Source::Directory(late.clone())]);
    take(&mut queue).unwrap();
    thread::sleep(MOMENT);
    fs::create_dir(&late).unwrap();
    fs::write(late.join("file"), b"content").unwrap();
    assert_eq!(take(&mut queue).unwrap().0.entries, 2);
}

#[test]
fn a_file_that_changes_before_the_turn_of_its_layer_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    // More than may be held: it is begun ahead of its turn, and not ended.
    fs::write(&path, noise(8 * BLOCK, 1)).unwrap();
    let mut queue = queue(2, [file(Vec::new()), Source::Directory(folder.path().into())]);
    take(&mut queue).unwrap();
    thread::sleep(MOMENT);
    fs::write(&path, b"new").unwrap();
    let (layer, blob) = take(&mut queue).unwrap();
    let source = Source::Directory(folder.path().into());
    let (alone, bytes) = build(source, Policy::default(), Compression::Gzip(1), 1).unwrap();
    assert_eq!(layer.output, alone.output);
    assert!(blob == bytes);
}

#[test]
fn a_large_plan_is_made_in_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..5000 {
        fs::write(folder.path().join(number.to_string()), b"").unwrap();
    }
    let directory = || Source::Directory(folder.path().into());
    let progress = Progress::default();
    let build = || {
        let build = with_threads(3, Compression::Gzip(1));
        Build { progress: progress.clone(), ..build }
    };
    let sources = [file(Vec::new()), directory(), directory()];
    let mut queue = Queue::new(sources.map(|source| (build(), source)), &Cancel::default());
    take(&mut queue).unwrap();
    let done = progress.get();
    thread::sleep(4 * MOMENT);
    assert_eq!(progress.get(), done, "it was planned ahead");
    for _ in 0..2 {
        assert_eq!(take(&mut queue).unwrap().0.entries, 5001);
    }
}

#[test]
fn what_waits_for_its_turn_is_limited() {
    let threads = 3;
    let progress: Vec<Progress> = (0..20).map(|_| Progress::default()).collect();
    let layers = progress.iter().enumerate().map(|(number, progress)| {
        let progress = progress.clone();
        let build = with_threads(threads, Compression::None);
        // Files of a few blocks; the first one is done at once.
        let size = if number == 0 { 0 } else { 6 * BLOCK + number };
        (Build { progress, ..build }, file(noise(size, number as u64)))
    });
    let mut queue = Queue::new(layers, &Cancel::default());
    take(&mut queue).unwrap();
    let sum = || progress[1..].iter().map(|progress| progress.get().0).sum::<u64>();
    let mut ahead = u64::MAX;
    while ahead != sum() {
        ahead = sum();
        thread::sleep(2 * MOMENT);
    }
    // A block for each thread, and one more that was begun before the limit was reached.
    assert!(ahead >= (threads * BLOCK) as u64, "nothing was done ahead: {ahead}");
    assert!(ahead <= (2 * threads * BLOCK) as u64, "too much was done ahead: {ahead}");
    for _ in 1..20 {
        take(&mut queue).unwrap();
    }
}

/// A tar in memory that notes when it is read.
struct Noting(io::Cursor<Vec<u8>>, Arc<Mutex<Vec<usize>>>, usize);

impl Read for Noting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut notes = self.1.lock().unwrap();
        if notes.last() != Some(&self.2) {
            notes.push(self.2);
        }
        self.0.read(buffer)
    }
}

#[test]
fn streams_are_read_in_their_turn() {
    let tar = || build(file(vec![1; 100]), Policy::default(), Compression::None, 1).unwrap().1;
    let notes = Arc::default();
    let streams = (0..5).map(|number| {
        Source::Stream(Box::new(Noting(io::Cursor::new(tar()), Arc::clone(&notes), number)))
    });
    let mut queue = queue(4, streams);
    for number in 0..5 {
        take(&mut queue).unwrap();
        thread::sleep(Duration::from_millis(20));
        assert_eq!(*notes.lock().unwrap(), (0..=number).collect::<Vec<_>>());
    }
}

#[test]
fn a_raised_flag_ends_every_layer() {
    for threads in [1, 4] {
        let cancel = Cancel::default();
        let layers = (0..20).map(|seed| {
            (with_threads(threads, Compression::Gzip(9)), file(noise(8 * BLOCK, seed)))
        });
        let mut queue = Queue::new(layers, &cancel);
        queue.give_turn(Output::default()).unwrap();
        assert!(queue.wait(Duration::from_millis(10)).is_none());
        cancel.raise();
        assert!(matches!(queue.wait(LONG), Some(Err(Error::Cancelled))));
    }
}

#[test]
fn a_queue_that_is_dropped_leaves_no_thread() {
    let output = Output::default();
    let mut queue = queue(4, (0..20).map(|seed| file(noise(2 * BLOCK, seed))));
    queue.give_turn(output.clone()).unwrap();
    drop(queue);
    // Whoever had it has ended.
    assert_eq!(Arc::strong_count(&output.0), 1);
}

/// A disk that is full after some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Full {
    fn restart(&mut self) -> io::Result<()> {
        panic!("a layer is not made again for an output that is full")
    }
}

#[test]
fn an_output_that_is_full_ends_the_queue() {
    for size in [100, 3 * BLOCK] {
        let layers = [0, size, size]
            .map(|size| (with_threads(2, Compression::Gzip(1)), file(noise(size, 1))));
        let mut queue = Queue::new(layers, &Cancel::default());
        queue.give_turn(Full(1000)).unwrap();
        queue.wait(LONG).unwrap().unwrap();
        thread::sleep(MOMENT);
        queue.give_turn(Full(10)).unwrap();
        assert!(matches!(queue.wait(LONG), Some(Err(Error::Write(_)))));
    }
}
