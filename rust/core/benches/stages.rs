//! Each stage of the one pass alone, on one thread, and all of them together.
//!
//! The input is made here: text-like, code-like and incompressible data in equal parts, in large
//! files, and a tree of small ones.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::fs;
use std::hint::black_box;
use std::io;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fastlayer_core::blob::{Build, Source};
use fastlayer_core::compress::{BlockEncoder, Compression, DICTIONARY, EncodedBlock, FrameEncoder};
use fastlayer_core::edit::Edits;
use fastlayer_core::pipeline::{BLOCK, Progress};
use fastlayer_core::plan::{Plan, PlanBuilder};
use fastlayer_core::source::{Policy, add_tree};
use fastlayer_core::{Cancel, Digest};

/// A generator that is the same on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next().to_le_bytes()[0]).take(length).collect()
    }

    /// Words of a small vocabulary, the short ones more often.
    fn text(&mut self, length: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(length + 16);
        while out.len() < length {
            let word = (self.next() % 2048) & self.next();
            out.extend_from_slice(format!("{word:x}").as_bytes());
            out.push(b" \n"[usize::from(word.is_multiple_of(9))]);
        }
        out.truncate(length);
        out
    }
}

/// One block of the pipeline with a bit of everything in it, and the dictionary before it.
fn block() -> Vec<u8> {
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let third = (BLOCK + DICTIONARY) / 3 + 1;
    let code: Vec<u8> =
        (0..third / 8).flat_map(|_| (noise.next() & 0x3f_ff03).to_le_bytes()).collect();
    let mut block = [noise.text(third), code, noise.bytes(third)].concat();
    block.resize(BLOCK + DICTIONARY, 0);
    block
}

fn tree(files: usize, size: usize) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut noise = Noise(42);
    for number in 0..files {
        let directory = root.path().join(format!("{:03}", number / 100));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(format!("{number}")), noise.text(size)).unwrap();
    }
    root
}

fn plan(root: &Path) -> Plan {
    let mut plan = PlanBuilder::default();
    add_tree(&mut plan, root, &Policy::default(), 2, &Cancel::default()).unwrap();
    plan.finish(0).unwrap().0
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    for (name, files, size) in [("small files", 10_000, 100), ("large files", 16, 4 << 20)] {
        let root = tree(files, size);
        let planned = plan(root.path());
        group.throughput(Throughput::Elements(files as u64));
        group.bench_function(BenchmarkId::new("plan", name), |bencher| {
            bencher.iter(|| plan(black_box(root.path())));
        });
        group.throughput(Throughput::Bytes(planned.size()));
        let mut buffer = vec![0; BLOCK];
        group.bench_function(BenchmarkId::new("fill", name), |bencher| {
            bencher.iter(|| {
                let mut reader = planned.reader();
                for offset in (0..planned.size()).step_by(BLOCK) {
                    let length = BLOCK.min(usize::try_from(planned.size() - offset).unwrap());
                    reader.fill(offset, &mut buffer[..length]).unwrap();
                }
            });
        });
    }
}

fn hashing(criterion: &mut Criterion) {
    let block = block();
    let mut group = criterion.benchmark_group("sha256");
    group.throughput(Throughput::Bytes(block.len() as u64));
    group.bench_function("one stream", |bencher| {
        bencher.iter(|| Digest::of(black_box(&block)));
    });
}

fn compressing(criterion: &mut Criterion) {
    let cancel = Cancel::default();
    let input = block();
    let (dictionary, block) = input.split_at(DICTIONARY);
    let mut group = criterion.benchmark_group("compress");
    group.throughput(Throughput::Bytes(block.len() as u64));
    for level in [1, 2, 4, 6, 9] {
        let mut encoder = BlockEncoder::new(level);
        let mut out = EncodedBlock::default();
        group.bench_function(BenchmarkId::new("gzip", level), |bencher| {
            bencher.iter(|| {
                encoder.encode(dictionary, black_box(block), false, &mut out);
            });
        });
    }
    for level in [1, 3, 9] {
        group.bench_function(BenchmarkId::new("zstd", level), |bencher| {
            bencher.iter(|| {
                let mut frame = FrameEncoder::new(level, 1).unwrap();
                frame.write(black_box(block), &mut io::sink(), &cancel).unwrap();
                frame.finish(&mut io::sink()).unwrap();
            });
        });
    }
}

fn building(criterion: &mut Criterion) {
    let root = tree(64, 1 << 20);
    let size = plan(root.path()).size();
    let mut group = criterion.benchmark_group("build");
    group.throughput(Throughput::Bytes(size)).sample_size(10);
    for (name, compression) in [
        ("none", Compression::None),
        ("gzip 1", Compression::Gzip(1)),
        ("gzip 6", Compression::Gzip(6)),
        ("zstd 3", Compression::Zstd(3)),
    ] {
        for threads in [1, 2] {
            group.bench_function(BenchmarkId::new(name, threads), |bencher| {
                bencher.iter(|| {
                    let build = Build {
                        policy: Policy::default(),
                        edits: Edits::default(),
                        compression,
                        verify: false,
                        threads,
                        ground: None,
                        outputs: Vec::new(),
                        cancel: Cancel::default(),
                        progress: Progress::default(),
                    };
                    build.run(Source::Directory(root.path().into()), &mut io::sink()).unwrap()
                });
            });
        }
    }
}

criterion_group!(benches, reading, hashing, compressing, building);
criterion_main!(benches);
