//! What is due next. Blocks are numbers here; their bytes are elsewhere.
//!
//! Block *i* lives in slot *i mod n*. Hashing and emitting go in order, so that a slot is free
//! for block *i + n* when both have passed block *i*: no free slot, no read. That is all the
//! back-pressure there is.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// A waiting thread looks at the cancel flag this often.
const WAIT: Duration = Duration::from_millis(20);

/// One piece of work on one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Fill the block from the source.
    Fill(u64),
    /// Add the block to the `diff_id`.
    Hash(u64),
    /// Compress the block; `last` ends the compressed stream.
    Compress { block: u64, last: bool },
    /// Write the block; `last` ends the blob.
    Emit { block: u64, last: bool },
}

/// Hands out tasks to threads.
#[derive(Debug)]
pub(super) struct Schedule {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    slots: u64,
    /// Whether blocks are compressed one by one before they are emitted.
    compressing: bool,
    /// Whether any number of threads may fill blocks at once.
    parallel_fill: bool,
    /// Number of blocks, once known.
    blocks: Option<u64>,

    next_fill: u64,
    filling: u64,
    /// By slot: the block in it is filled, compressed.
    filled: Vec<bool>,
    compressed: Vec<bool>,
    next_compress: u64,
    hashed: Serial,
    emitted: Serial,
    failure: Option<Error>,
}

/// A step that one thread at a time does, block by block.
#[derive(Debug, Default)]
struct Serial {
    /// Blocks done.
    done: u64,
    busy: bool,
}

impl Schedule {
    /// A schedule for `blocks` blocks (`None`: until a fill says that it was the last one, and
    /// one fill at a time) in `slots` slots.
    pub(super) fn new(slots: usize, blocks: Option<u64>, compressing: bool) -> Self {
        let state = State {
            slots: slots as u64,
            compressing,
            parallel_fill: blocks.is_some(),
            blocks,
            next_fill: 0,
            filling: 0,
            filled: vec![false; slots],
            compressed: vec![false; slots],
            next_compress: 0,
            hashed: Serial::default(),
            emitted: Serial::default(),
            failure: None,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The next task, as soon as there is one; `None` when all is done or something failed.
    pub(super) fn next(&self, cancel: &Cancel) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if state.failure.is_none()
                && let Err(error) = cancel.check()
            {
                state.failure = Some(error);
                self.changed.notify_all();
            }
            if state.failure.is_some() || state.is_done() {
                return None;
            }
            if let Some(task) = state.claim() {
                return Some(task);
            }
            state = self
                .changed
                .wait_timeout(state, WAIT)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }

    /// Reports a task as done. `ended`: the filled block is the last one.
    pub(super) fn done(&self, task: Task, ended: bool) {
        self.lock().complete(task, ended);
        self.changed.notify_all();
    }

    /// Stops the work. The first failure is the one that is told.
    pub(super) fn fail(&self, error: Error) {
        self.lock().failure.get_or_insert(error);
        self.changed.notify_all();
    }

    /// The failure, if there was one.
    pub(super) fn into_result(self) -> Result<()> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.failure.map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the most urgent task: first what frees slots, and of that the serial steps, which
    /// nobody else can speed up; then compression; then new blocks.
    fn claim(&mut self) -> Option<Task> {
        self.claim_emit()
            .or_else(|| self.claim_hash())
            .or_else(|| self.claim_compress())
            .or_else(|| self.claim_fill())
    }

    fn claim_emit(&mut self) -> Option<Task> {
        let block = self.emitted.done;
        let ready = if self.compressing { &self.compressed } else { &self.filled };
        if self.emitted.busy || !self.exists(block) || !ready[self.slot(block)] {
            return None;
        }
        self.emitted.busy = true;
        Some(Task::Emit { block, last: self.is_last(block) })
    }

    fn claim_hash(&mut self) -> Option<Task> {
        let block = self.hashed.done;
        if self.hashed.busy || !self.exists(block) || !self.filled[self.slot(block)] {
            return None;
        }
        self.hashed.busy = true;
        Some(Task::Hash(block))
    }

    fn claim_compress(&mut self) -> Option<Task> {
        let block = self.next_compress;
        // The block before gives the dictionary. Whether this one is the last must be known too.
        let ready = self.compressing
            && self.exists(block)
            && self.filled[self.slot(block)]
            && block.checked_sub(1).is_none_or(|before| self.is_filled(before));
        ready.then(|| {
            self.next_compress += 1;
            Task::Compress { block, last: self.is_last(block) }
        })
    }

    fn claim_fill(&mut self) -> Option<Task> {
        let block = self.next_fill;
        let room = block < self.hashed.done.min(self.emitted.done) + self.slots;
        let turn = self.parallel_fill || self.filling == 0;
        if !room || !turn || self.blocks.is_some_and(|blocks| block >= blocks) {
            return None;
        }
        self.next_fill += 1;
        self.filling += 1;
        let slot = self.slot(block);
        (self.filled[slot], self.compressed[slot]) = (false, false);
        Some(Task::Fill(block))
    }

    fn complete(&mut self, task: Task, ended: bool) {
        match task {
            Task::Fill(block) => {
                self.filling -= 1;
                let slot = self.slot(block);
                self.filled[slot] = true;
                if ended {
                    self.blocks = Some(block + 1);
                }
            }
            Task::Hash(_) => self.hashed = Serial { done: self.hashed.done + 1, busy: false },
            Task::Compress { block, .. } => {
                let slot = self.slot(block);
                self.compressed[slot] = true;
            }
            Task::Emit { .. } => {
                self.emitted = Serial { done: self.emitted.done + 1, busy: false };
            }
        }
    }

    /// Whether `block` was handed out for filling: its slot speaks of it and of no other block.
    fn exists(&self, block: u64) -> bool {
        block < self.next_fill
    }

    /// Whether a block was filled, also when its slot has gone to a later one since.
    fn is_filled(&self, block: u64) -> bool {
        block < self.hashed.done || self.exists(block) && self.filled[self.slot(block)]
    }

    fn is_last(&self, block: u64) -> bool {
        self.blocks == Some(block + 1)
    }

    fn is_done(&self) -> bool {
        self.blocks.is_some_and(|blocks| self.hashed.done == blocks && self.emitted.done == blocks)
    }

    fn slot(&self, block: u64) -> usize {
        usize::try_from(block % self.slots).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Hands out all tasks that can be had, then completes one of them, chosen by `choices`, until
    /// all is done; checks on the way what the buffers rely on.
    fn simulate(slots: usize, blocks: u64, known: bool, compressing: bool, choices: &[u8]) {
        let schedule = Schedule::new(slots, known.then_some(blocks), compressing);
        let mut state = schedule.lock();
        let mut running: Vec<Task> = Vec::new();
        let (mut filled, mut compressed) = (BTreeSet::new(), BTreeSet::new());
        let (mut hashed, mut emitted) = (0, 0);
        let mut choices = choices.iter().cycle();
        while !state.is_done() {
            while let Some(task) = state.claim() {
                match task {
                    Task::Fill(block) => {
                        assert!(block < hashed.min(emitted) + slots as u64, "a slot in use");
                        let alone = !running.iter().any(|task| matches!(task, Task::Fill(_)));
                        assert!(known || alone, "a stream read by two");
                    }
                    Task::Hash(block) => assert!(block == hashed && filled.contains(&block)),
                    Task::Compress { block, last } => {
                        assert!(filled.contains(&block));
                        assert!(block == 0 || filled.contains(&(block - 1)), "no dictionary");
                        assert_eq!(last, block + 1 == blocks);
                    }
                    Task::Emit { block, last } => {
                        assert_eq!(block, emitted);
                        assert!(if compressing { &compressed } else { &filled }.contains(&block));
                        assert_eq!(last, block + 1 == blocks);
                    }
                }
                running.push(task);
            }
            assert!(!running.is_empty(), "nothing to do and nothing under way");
            let choice = usize::from(*choices.next().unwrap()) % running.len();
            let task = running.swap_remove(choice);
            match task {
                Task::Fill(block) => assert!(filled.insert(block)),
                Task::Hash(_) => hashed += 1,
                Task::Compress { block, .. } => assert!(compressed.insert(block)),
                Task::Emit { .. } => emitted += 1,
            }
            state.complete(task, task == Task::Fill(blocks - 1));
        }
        assert!(running.is_empty());
        assert_eq!((filled.len() as u64, hashed, emitted), (blocks, blocks, blocks));
        assert_eq!(compressed.len() as u64, if compressing { blocks } else { 0 });
    }

    proptest! {
        #[test]
        fn every_order_of_completion_does_each_task_once_and_in_turn(
            slots in 1_usize..9,
            blocks in 1_u64..40,
            known: bool,
            compressing: bool,
            choices in prop::collection::vec(any::<u8>(), 1..64),
        ) {
            simulate(slots, blocks, known, compressing, &choices);
        }
    }

    #[test]
    fn the_first_failure_is_told_and_ends_the_work() {
        let schedule = Schedule::new(2, Some(3), false);
        schedule.fail(Error::Argument("first".into()));
        schedule.fail(Error::Argument("second".into()));
        assert_eq!(schedule.next(&Cancel::default()), None);
        assert_eq!(schedule.into_result().unwrap_err().to_string(), "first");
    }

    #[test]
    fn a_raised_flag_ends_a_wait() {
        let schedule = Schedule::new(1, None, false);
        let cancel = Cancel::default();
        assert_eq!(schedule.next(&cancel), Some(Task::Fill(0)));
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| schedule.next(&cancel));
            cancel.raise();
            waiting.join().unwrap()
        });
        assert_eq!(waiting, None);
        assert!(matches!(schedule.into_result(), Err(Error::Cancelled)));
    }
}
