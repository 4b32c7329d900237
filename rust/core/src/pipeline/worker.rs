//! What a thread does with a task.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::emit::Emitter;
use super::schedule::{Schedule, Task};
use super::slots::Slots;
use super::{BLOCK, Output, Progress, Stream};
use crate::cancel::Cancel;
use crate::compress::{BlockCheck, BlockEncoder, Compression, Encoding};
use crate::digest::Hasher;
use crate::error::{Error, Result};
use crate::plan::{Plan, PlanReader, Verifier};

/// Where blocks come from.
pub(super) enum Supply<'a> {
    Plan(&'a Plan),
    Stream(Mutex<&'a mut dyn Stream>),
}

/// The `diff_id` in progress, and digests of content that a plan promises.
struct Tar<'a> {
    hasher: Hasher,
    size: u64,
    verifier: Option<Verifier<'a>>,
}

impl<'a> Tar<'a> {
    fn new(supply: &Supply<'a>) -> Self {
        let verifier = match supply {
            Supply::Plan(plan) => Verifier::of(plan),
            Supply::Stream(_) => None,
        };
        Self { hasher: Hasher::new(), size: 0, verifier }
    }

    fn update(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        self.verifier.as_mut().map_or(Ok(()), |verifier| verifier.update(bytes))
    }
}

/// All that the threads of one build share.
pub(super) struct Shared<'a> {
    pub(super) schedule: Schedule,
    supply: Supply<'a>,
    slots: Slots,
    tar: Mutex<Tar<'a>>,
    emitter: Mutex<Emitter<'a>>,
    /// Level of the encoder that each thread has, when blocks are compressed one by one.
    gzip_level: Option<u32>,
    verify: bool,
    cancel: &'a Cancel,
    progress: &'a Progress,
}

impl<'a> Shared<'a> {
    pub(super) fn new(
        supply: Supply<'a>,
        slots: usize,
        schedule: Schedule,
        emitter: Emitter<'a>,
        encoding: Encoding,
        cancel: &'a Cancel,
        progress: &'a Progress,
    ) -> Self {
        let gzip_level = match encoding.compression {
            Compression::Gzip(level) => Some(level),
            Compression::Zstd(_) | Compression::None => None,
        };
        Self {
            schedule,
            tar: Mutex::new(Tar::new(&supply)),
            supply,
            slots: Slots::new(slots),
            emitter: Mutex::new(emitter),
            gzip_level,
            verify: encoding.verify,
            cancel,
            progress,
        }
    }

    /// The result, after all threads have ended.
    pub(super) fn finish(self) -> Result<Output> {
        self.schedule.into_result()?;
        let tar = self.tar.into_inner().unwrap_or_else(PoisonError::into_inner);
        let emitter = self.emitter.into_inner().unwrap_or_else(PoisonError::into_inner);
        let diff_id = tar.hasher.finish();
        let (digest, size) = emitter.finish(diff_id)?;
        Ok(Output { diff_id, uncompressed_size: tar.size, digest, size })
    }
}

/// Works until nothing is left to do.
pub(super) fn run(shared: &Shared<'_>) {
    let alarm = Alarm(&shared.schedule);
    let mut worker = Worker {
        shared,
        reader: match shared.supply {
            Supply::Plan(plan) => Some(plan.reader()),
            Supply::Stream(_) => None,
        },
        encoder: shared.gzip_level.map(BlockEncoder::new),
        check: shared.gzip_level.filter(|_| shared.verify).map(|_| BlockCheck::new()),
    };
    while let Some(task) = shared.schedule.next(shared.cancel) {
        match worker.perform(task) {
            Ok(ended) => shared.schedule.done(task, ended),
            Err(error) => shared.schedule.fail(error),
        }
    }
    drop(alarm);
}

/// Stops the other threads when this one panics: they would wait for its task for ever.
struct Alarm<'a>(&'a Schedule);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Error::Internal("a thread of the build panicked".into()));
        }
    }
}

struct Worker<'w, 'a> {
    shared: &'w Shared<'a>,
    reader: Option<PlanReader<'a>>,
    encoder: Option<BlockEncoder>,
    check: Option<BlockCheck>,
}

impl Worker<'_, '_> {
    /// Does the task; says whether it filled the last block.
    fn perform(&mut self, task: Task) -> Result<bool> {
        let slots = &self.shared.slots;
        match task {
            Task::Fill(block) => return self.fill(block),
            Task::Hash(block) => {
                let input = slots.input(block);
                lock(&self.shared.tar).update(&input)?;
                self.shared.progress.advance(input.len() as u64);
            }
            Task::Compress { block, last } => self.compress(block, last)?,
            Task::Emit { block, last } => {
                let (input, output) = (slots.input(block), slots.output(block));
                lock(&self.shared.emitter).emit(&input, &output, last)?;
            }
        }
        Ok(false)
    }

    fn compress(&mut self, block: u64, last: bool) -> Result<()> {
        let slots = &self.shared.slots;
        let dictionary = slots.dictionary(block);
        let dictionary = dictionary.as_ref().map_or(&[][..], |tail| tail);
        let (input, mut output) = (slots.input(block), slots.output(block));
        if let Some(encoder) = &mut self.encoder {
            encoder.encode(dictionary, &input, last, &mut output);
        }
        let Some(check) = &mut self.check else { return Ok(()) };
        check.compare(dictionary, &input, last, &output).map_err(|reason| {
            let offset = block * BLOCK as u64;
            let what = format!("the block from byte {offset} of the tar on is wrong: {reason}");
            Error::Internal(format!("gzip: {what}"))
        })
    }

    fn fill(&mut self, block: u64) -> Result<bool> {
        let mut input = self.shared.slots.fill(block);
        input.resize(BLOCK, 0);
        let length = match (&self.shared.supply, &mut self.reader) {
            (Supply::Stream(stream), _) => lock(stream).fill(&mut input)?,
            (Supply::Plan(plan), Some(reader)) => {
                let offset = block * BLOCK as u64;
                let length = usize::try_from(plan.size() - offset).unwrap_or(BLOCK).min(BLOCK);
                reader.fill(offset, &mut input[..length])?;
                length
            }
            (Supply::Plan(_), None) => {
                return Err(Error::Internal("a plan without a reader".into()));
            }
        };
        input.truncate(length);
        if self.encoder.is_some() {
            self.shared.slots.keep_tail(block, &input);
        }
        Ok(length < BLOCK)
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
