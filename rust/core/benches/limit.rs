//! What each stage of the one pass takes alone, on one thread, over a tree of yours:
//!
//!     cargo bench --bench limit -- TREE OUTPUT COMPRESSION[:LEVEL]…
//!
//! For each compression a line of JSON tells the bytes of tar and blob, and the seconds of processor
//! time for reading, both hashes, compressing and writing. Reading is the walk, the plan, the headers
//! and the content. `benches/limit` makes the tables of it.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use fastlayer_core::compress::{
    BlockEncoder, Compression, DICTIONARY, EncodedBlock, FrameEncoder, GzipTrailer, gzip_header,
};
use fastlayer_core::digest::Hasher;
use fastlayer_core::pipeline::BLOCK;
use fastlayer_core::plan::{Plan, PlanBuilder};
use fastlayer_core::source::{Policy, add_tree};
use fastlayer_core::{Cancel, Result};
use rustix::time::{ClockId, clock_gettime};

/// Seconds of processor time.
fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    #[allow(clippy::cast_precision_loss, reason = "nanoseconds of some hours")]
    let nanoseconds = (time.tv_sec * 1_000_000_000 + time.tv_nsec) as f64;
    nanoseconds / 1e9
}

/// Adds what `work` takes on this thread to `spent`.
fn timed<T>(spent: &mut f64, work: impl FnOnce() -> T) -> T {
    let before = seconds(ClockId::ThreadCPUTime);
    let result = work();
    *spent += seconds(ClockId::ThreadCPUTime) - before;
    result
}

/// The blob on its way to a file.
struct Blob {
    file: File,
    hasher: Option<Hasher>,
    size: u64,
    hash: f64,
    write: f64,
}

impl Blob {
    fn new(output: &Path, compression: Compression) -> Self {
        // The digest of a plain tar is its diff_id.
        let hasher = (compression != Compression::None).then(Hasher::new);
        Self { file: File::create(output).unwrap(), hasher, size: 0, hash: 0.0, write: 0.0 }
    }
}

impl Write for Blob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(hasher) = &mut self.hasher {
            timed(&mut self.hash, || hasher.update(bytes));
        }
        timed(&mut self.write, || self.file.write_all(bytes))?;
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Encoder {
    None,
    Gzip(Box<BlockEncoder>, EncodedBlock, GzipTrailer),
    Zstd(Box<FrameEncoder>),
}

impl Encoder {
    fn new(compression: Compression, blob: &mut Blob) -> Result<Self> {
        Ok(match compression {
            Compression::None => Self::None,
            Compression::Gzip(level) => {
                blob.write_all(&gzip_header(level)).unwrap();
                let encoder = Box::new(BlockEncoder::new(level));
                Self::Gzip(encoder, EncodedBlock::default(), GzipTrailer::default())
            }
            Compression::Zstd(level) => Self::Zstd(Box::new(FrameEncoder::new(level, 1)?)),
        })
    }

    fn encode(&mut self, before: &[u8], block: &[u8], last: bool, blob: &mut Blob) -> Result<()> {
        match self {
            Self::None => blob.write_all(block).unwrap(),
            Self::Gzip(encoder, out, trailer) => {
                encoder.encode(before, block, last, out);
                blob.write_all(&out.bytes).unwrap();
                trailer.add(out);
                if last {
                    blob.write_all(&trailer.finish()).unwrap();
                }
            }
            Self::Zstd(frame) => {
                frame.write(block, blob, &Cancel::default())?;
                if last {
                    frame.finish(blob)?;
                }
            }
        }
        Ok(())
    }
}

fn plan(tree: &Path) -> Plan {
    let mut plan = PlanBuilder::default();
    add_tree(&mut plan, tree, &Policy::default(), 1, &Cancel::default()).unwrap();
    plan.finish(0).unwrap().0
}

fn measure(tree: &Path, output: &Path, name: &str, compression: Compression) -> Result<()> {
    let (mut read, mut diff_id, mut compress) = (0.0, 0.0, 0.0);
    let plan = timed(&mut read, || plan(tree));
    let (mut reader, mut hasher) = (plan.reader(), Hasher::new());
    let mut blob = Blob::new(output, compression);
    let mut encoder = Encoder::new(compression, &mut blob)?;
    // The block, behind what stands before it.
    let mut window = vec![0; DICTIONARY + BLOCK];
    // libzstd compresses on a thread of its own.
    let elsewhere = seconds(ClockId::ProcessCPUTime) - seconds(ClockId::ThreadCPUTime);
    let mut offset = 0;
    loop {
        let length = usize::try_from(plan.size() - offset).unwrap().min(BLOCK);
        let (before, block) = window.split_at_mut(DICTIONARY);
        let block = &mut block[..length];
        timed(&mut read, || reader.fill(offset, block))?;
        timed(&mut diff_id, || hasher.update(block));
        let before = if offset == 0 { &[][..] } else { before };
        let last = length < BLOCK;
        timed(&mut compress, || encoder.encode(before, block, last, &mut blob))?;
        window.copy_within(BLOCK.., 0);
        offset += length as u64;
        if last {
            break;
        }
    }
    drop(encoder);
    compress += seconds(ClockId::ProcessCPUTime) - seconds(ClockId::ThreadCPUTime) - elsewhere;
    compress -= blob.hash + blob.write;
    println!(
        "{{\"compression\": \"{name}\", \"tar\": {}, \"blob\": {}, \"read\": {read:.4}, \"diff_id\": \
         {diff_id:.4}, \"compress\": {compress:.4}, \"digest\": {:.4}, \"write\": {:.4}}}",
        plan.size(),
        blob.size,
        blob.hash,
        blob.write
    );
    Ok(())
}

fn main() {
    // `cargo bench` adds a word of its own.
    let arguments: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [tree, output, compressions @ ..] = &arguments[..] else {
        return eprintln!("limit: give TREE OUTPUT COMPRESSION[:LEVEL]…");
    };
    for name in compressions {
        let (engine, level) = name
            .split_once(':')
            .map_or((&**name, None), |(engine, level)| (engine, Some(level.parse().unwrap())));
        let compression = Compression::new(engine, level).unwrap();
        measure(tree.as_ref(), output.as_ref(), name, compression).unwrap();
    }
}
