//! What a thread does with a task.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use super::emit::Emitter;
use super::order::{Due, Task, slots_of};
use super::pool::Seat;
use super::schedule::Schedule;
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
    slots: Slots<'a>,
    tar: Mutex<Tar<'a>>,
    emitter: Mutex<Emitter<'a>>,
    /// Level of the encoder that each thread has, when blocks are compressed one by one.
    gzip_level: Option<u32>,
    verify: bool,
    /// Whether a pause between two blocks gives memory back: libzstd keeps what it was given.
    pausing: bool,
    seat: &'a Seat,
    cancel: &'a Cancel,
    progress: &'a Progress,
}

impl<'a> Shared<'a> {
    pub(super) fn new(
        supply: Supply<'a>,
        (workers, blocks): (usize, Option<u64>),
        emitter: Emitter<'a>,
        encoding: Encoding,
        seat: &'a Seat,
        cancel: &'a Cancel,
        progress: &'a Progress,
    ) -> Self {
        let gzip_level = match encoding.compression {
            Compression::Gzip(level) => Some(level),
            Compression::Zstd(_) | Compression::None => None,
        };
        Self {
            schedule: Schedule::new(workers, blocks, gzip_level.is_some()),
            tar: Mutex::new(Tar::new(&supply)),
            supply,
            slots: Slots::new(slots_of(workers), seat.stock()),
            emitter: Mutex::new(emitter),
            gzip_level,
            verify: encoding.verify,
            pausing: !matches!(encoding.compression, Compression::Zstd(_)),
            seat,
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
        let (digest, size) = emitter.finish(diff_id, self.seat.stock())?;
        Ok(Output { diff_id, uncompressed_size: tar.size, digest, size })
    }
}

/// Works until nothing is left to do, and hires others of `scope` for what they could do at once.
/// One who was `hired` leaves the end to the others.
pub(super) fn run<'scope>(
    shared: &'scope Shared<'_>,
    scope: &'scope Scope<'scope, '_>,
    hired: bool,
) {
    let alarm = Alarm(&shared.schedule);
    let mut worker = Worker {
        shared,
        reader: match shared.supply {
            Supply::Plan(plan) => Some(plan.reader()),
            Supply::Stream(_) => None,
        },
        encoder: None,
        check: None,
    };
    while let Some(due) = shared.schedule.next(hired, shared.cancel) {
        if due.more {
            hire(shared, scope);
        }
        match worker.perform(due) {
            Ok(ended) => shared.schedule.done(due.task, ended),
            Err(error) => shared.schedule.fail(error),
        }
    }
    drop(alarm);
}

/// Starts another worker if there is a thread for it.
fn hire<'scope>(shared: &'scope Shared<'_>, scope: &'scope Scope<'scope, '_>) {
    let Some(token) = shared.seat.another() else { return };
    if !shared.schedule.hire() {
        return;
    }
    let spawned = std::thread::Builder::new().name("fastlayer-worker".to_owned()).spawn_scoped(
        scope,
        move || {
            let _token = token;
            run(shared, scope, true);
        },
    );
    if let Err(error) = spawned {
        shared.schedule.fail(Error::no_thread(error));
    }
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
    fn perform(&mut self, due: Due) -> Result<bool> {
        let (slots, slot) = (&self.shared.slots, due.slot);
        match due.task {
            Task::Fill(block) => return self.fill(block, slot),
            Task::Hash(_) => {
                let input = slots.input(slot);
                lock(&self.shared.tar).update(&input)?;
                self.shared.progress.advance(input.len() as u64);
            }
            Task::Compress { block, last } => self.compress(block, last, slot)?,
            Task::Emit { last, .. } => {
                let (input, output) = (slots.input(slot), slots.output(slot));
                lock(&self.shared.emitter).emit(&input, &output, last)?;
            }
        }
        Ok(false)
    }

    fn compress(&mut self, block: u64, last: bool, slot: usize) -> Result<()> {
        let Shared { slots, seat, .. } = self.shared;
        let Some(level) = self.shared.gzip_level else { return Ok(()) };
        let dictionary = slots.dictionary(block);
        let dictionary = dictionary.as_ref().map_or(&[][..], |tail| tail);
        let (input, mut output) = (slots.input(slot), slots.output(slot));
        let encoder = self.encoder.get_or_insert_with(|| seat.stock().take_encoder(level));
        encoder.encode(dictionary, &input, last, &mut output);
        if !self.shared.verify {
            return Ok(());
        }
        let check = self.check.get_or_insert_with(BlockCheck::new);
        check.compare(dictionary, &input, last, &output).map_err(|reason| {
            let offset = block * BLOCK as u64;
            let what = format!("the block from byte {offset} of the tar on is wrong: {reason}");
            Error::Internal(format!("gzip: {what}"))
        })
    }

    fn fill(&mut self, block: u64, slot: usize) -> Result<bool> {
        self.pace(block, slot)?;
        let mut input = self.shared.slots.fill(slot);
        let length = match (&self.shared.supply, &mut self.reader) {
            (Supply::Stream(stream), _) => {
                input.resize(BLOCK, 0);
                lock(stream).fill(&mut input)?
            }
            (Supply::Plan(plan), Some(reader)) => {
                let offset = block * BLOCK as u64;
                let length = usize::try_from(plan.size() - offset).unwrap_or(BLOCK).min(BLOCK);
                input.resize(length, 0);
                reader.fill(offset, &mut input)?;
                length
            }
            (Supply::Plan(_), None) => {
                return Err(Error::Internal("a plan without a reader".into()));
            }
        };
        input.truncate(length);
        if self.shared.gzip_level.is_some() {
            self.shared.slots.keep_tail(block, &input);
        }
        Ok(length < BLOCK)
    }

    /// Makes way for builds that come before this one. Who must is its only worker, and all blocks
    /// before this one are done.
    fn pace(&mut self, block: u64, slot: usize) -> Result<()> {
        let shared = self.shared;
        if block > 0 && !shared.pausing {
            return Ok(());
        }
        shared.seat.pace(shared.cancel, || {
            shared.slots.clear(slot);
            self.rest();
        })
    }

    /// Gives back its encoder.
    fn rest(&mut self) {
        self.check = None;
        if let (Some(level), Some(encoder)) = (self.shared.gzip_level, self.encoder.take()) {
            self.shared.seat.stock().return_encoder(level, encoder);
        }
    }
}

impl Drop for Worker<'_, '_> {
    fn drop(&mut self) {
        self.rest();
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
