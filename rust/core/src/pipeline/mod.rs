//! The one pass: tar blocks are filled, hashed, compressed, hashed again and written, by a few
//! threads that take whatever is due next.
//!
//! ```text
//! fill (any order) ─► hash: diff_id (in order)
//!                  └► compress (any order) ─► emit: digest and sink (in order)
//! ```
//!
//! [`schedule`] knows the order and nothing of bytes; [`worker`] does the work and knows nothing
//! of order; [`emit`] is the last step of each compression. Bytes depend on block edges, which
//! are constants, never on who did what when.

mod emit;
mod schedule;
mod slots;
mod worker;

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cancel::Cancel;
use crate::compress::{Compression, Encoding};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::plan::Plan;
use emit::Emitter;
use schedule::Schedule;
use worker::{Shared, Supply};

/// Bytes of tar in a block. Large enough that joining blocks costs under 0.1 % of size, small
/// enough that a block stays in the second-level cache from its hash to its compression.
pub const BLOCK: usize = 1 << 20;

/// One block to work on and one to wait. More would be filled too early, and gone from the cache
/// when their turn comes.
const SLOTS_PER_THREAD: usize = 2;

/// Where the tar comes from.
pub enum Input<'a> {
    /// A plan: any thread reads any block.
    Plan(&'a Plan),
    /// A stream: one thread at a time reads the next block.
    Stream(&'a mut (dyn Stream + 'a)),
}

/// A tar that can only be read in order.
pub trait Stream: Send {
    /// Fills `buffer`; fewer bytes than its length mean that the tar ends there.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize>;
}

/// How far the work is; may be read from another thread at any time.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes done so far: of a build, those of the tar that went into the `diff_id`.
    done: AtomicU64,
    /// Bytes in all; 0 while they are not known.
    total: AtomicU64,
}

impl Progress {
    /// Bytes done, and in all (0 when not known).
    pub fn get(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// Sets what there is to do in all.
    pub fn set_total(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }

    /// Adds to what is done.
    pub fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Begins again with nothing done.
    pub fn restart(&self) {
        self.done.store(0, Ordering::Relaxed);
    }

    /// A reader whose bytes count as done when they are read.
    pub const fn count<R: Read>(&self, inner: R) -> Counted<'_, R> {
        Counted { inner, progress: self }
    }
}

/// See [`Progress::count`].
#[derive(Debug)]
pub struct Counted<'a, R> {
    inner: R,
    progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.advance(read as u64);
        Ok(read)
    }
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// SHA-256 of the tar.
    pub diff_id: Digest,
    /// Bytes of the tar.
    pub uncompressed_size: u64,
    /// SHA-256 of the blob.
    pub digest: Digest,
    /// Bytes of the blob.
    pub size: u64,
}

/// Runs the tar of `input` through to `sink` on `threads` threads, the calling one included; zstd
/// has as many workers of its own, and a third as many threads that feed them.
///
/// The first error wins; every thread has ended when this returns.
pub fn run<'a>(
    input: Input<'a>,
    encoding: Encoding,
    threads: usize,
    sink: &'a mut (dyn Write + Send),
    cancel: &'a Cancel,
    progress: &'a Progress,
) -> Result<Output> {
    let threads = threads.max(1);
    let (supply, blocks) = match input {
        Input::Plan(plan) => {
            progress.set_total(plan.size());
            // The last block is the first that is not full: an empty one at an exact multiple.
            (Supply::Plan(plan), Some(plan.size() / BLOCK as u64 + 1))
        }
        Input::Stream(stream) => (Supply::Stream(stream.into()), None),
    };
    let compression = encoding.compression;
    let own = own_threads(compression, threads);
    let slots = SLOTS_PER_THREAD * own;
    let schedule = Schedule::new(slots, blocks, matches!(compression, Compression::Gzip(_)));
    let emitter = Emitter::new(encoding, threads, sink, cancel)?;
    let shared = Shared::new(supply, slots, schedule, emitter, encoding, cancel, progress);
    std::thread::scope(|scope| {
        for number in 1..own {
            let spawned = std::thread::Builder::new()
                .name(format!("fastlayer-{number}"))
                .spawn_scoped(scope, || worker::run(&shared));
            if let Err(error) = spawned {
                shared.schedule.fail(Error::io("start a thread for", "fastlayer", error));
            }
        }
        worker::run(&shared);
    });
    shared.finish()
}

/// How many threads of ours serve a build. libzstd compresses on threads of its own; reading and
/// hashing for three of those is the work of one, and more would only take their caches and cores.
fn own_threads(compression: Compression, threads: usize) -> usize {
    match compression {
        Compression::Zstd(_) => threads.div_ceil(3),
        Compression::Gzip(_) | Compression::None => threads,
    }
}

#[cfg(test)]
mod tests;
