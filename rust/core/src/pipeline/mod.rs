//! The one pass: tar blocks are filled, hashed, compressed, hashed again and written, by a few
//! threads that take whatever is due next.
//!
//! ```text
//! fill (any order) ─► hash: diff_id (in order)
//!                  └► compress (any order) ─► emit: digest and sink (in order)
//! ```
//!
//! [`order`] knows what is due and nothing of bytes, and [`schedule`] hands that out; [`worker`] does
//! the work and knows nothing of order; [`emit`] is the last step of each compression; [`pool`] has
//! the threads, which several builds may share. Bytes depend on block edges, which are constants,
//! never on who did what when.

mod emit;
mod order;
mod pool;
mod schedule;
mod slots;
mod stock;
mod worker;

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cancel::Cancel;
use crate::compress::{Compression, Encoding, FrameEncoder};
use crate::digest::Digest;
use crate::error::Result;
use crate::plan::Plan;
use emit::Emitter;
use worker::{Shared, Supply};

pub(crate) use pool::Pool;
pub use pool::Seat;

/// Bytes of tar in a block. Large enough that joining blocks costs under 0.1 % of size, small
/// enough that a block stays in the second-level cache from its hash to its compression.
pub const BLOCK: usize = 1 << 20;

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

/// How far the work is; clones tell of the same work, at any time and on any thread.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    /// Bytes done so far: of a build, those of the tar that went into the `diff_id`.
    done: AtomicU64,
    /// Bytes in all; 0 while they are not known.
    total: AtomicU64,
}

impl Progress {
    /// Bytes done, and in all (0 when not known).
    #[must_use]
    pub fn get(&self) -> (u64, u64) {
        (self.0.done.load(Ordering::Relaxed), self.0.total.load(Ordering::Relaxed))
    }

    /// Sets what there is to do in all.
    pub fn set_total(&self, bytes: u64) {
        self.0.total.store(bytes, Ordering::Relaxed);
    }

    /// Adds to what is done.
    pub(crate) fn advance(&self, bytes: u64) {
        self.0.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Begins again with nothing done.
    pub fn restart(&self) {
        self.0.done.store(0, Ordering::Relaxed);
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

/// Runs the tar of `input` through to `sink` on the calling thread, which has the first one of
/// `seat`, and on as many more as it may have and there is work for; zstd has as many workers of its
/// own as it has work for, and a few threads that feed them.
///
/// The first error wins; every thread has ended when this returns.
pub fn run<'a>(
    input: Input<'a>,
    encoding: Encoding,
    seat: &'a Seat,
    sink: &'a mut (dyn Write + Send),
    cancel: &'a Cancel,
    progress: &'a Progress,
) -> Result<Output> {
    let (supply, size) = match input {
        Input::Plan(plan) => {
            progress.set_total(plan.size());
            (Supply::Plan(plan), Some(plan.size()))
        }
        Input::Stream(stream) => (Supply::Stream(stream.into()), None),
    };
    let compression = encoding.compression;
    let workers = frame_workers(compression, seat.threads(), size);
    // They are started at once and cannot be paused.
    let exclusion = (workers > 1).then(|| seat.exclude_others(cancel)).transpose()?;
    let emitter = Emitter::new(encoding, workers, seat.stock(), sink, cancel)?;
    // The last block is the first that is not full: an empty one at an exact multiple.
    let blocks = size.map(|size| size / BLOCK as u64 + 1);
    let extent = (own_threads(compression, seat.threads()), blocks);
    let shared = Shared::new(supply, extent, emitter, encoding, seat, cancel, progress);
    std::thread::scope(|scope| worker::run(&shared, scope, false));
    drop(exclusion);
    shared.finish()
}

/// How many workers of its own libzstd gets for a tar of `size` bytes.
fn frame_workers(compression: Compression, threads: usize, size: Option<u64>) -> usize {
    match compression {
        Compression::Zstd(level) => {
            let useful = size.map(|size| FrameEncoder::useful_workers(level, size));
            useful.unwrap_or(threads).min(threads)
        }
        Compression::Gzip(_) | Compression::None => 1,
    }
}

/// How many threads of ours serve a build. libzstd compresses on threads of its own; reading and
/// hashing for three of those is the work of one, and more would only take their caches and cores.
/// But there are two: while one of them waits in libzstd, the other has the next blocks ready.
fn own_threads(compression: Compression, threads: usize) -> usize {
    match compression {
        Compression::Zstd(_) => threads.div_ceil(3).max(2).min(threads),
        Compression::Gzip(_) | Compression::None => threads,
    }
}

#[cfg(test)]
mod tests;
