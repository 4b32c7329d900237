//! Which task on which block is due. Blocks are numbers here; their bytes are elsewhere.
//!
//! A block has a slot from its filling until hashing and emitting, which go in order, have both
//! passed it. There are two slots for each worker: no free slot, no read. That is all the
//! back-pressure there is.

use std::collections::VecDeque;

/// One block to work on and one to wait. More would be filled too early, and gone from the cache
/// when their turn comes.
const SLOTS_PER_WORKER: usize = 2;

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

impl Task {
    fn block(self) -> u64 {
        let (Self::Fill(block)
        | Self::Hash(block)
        | Self::Compress { block, .. }
        | Self::Emit { block, .. }) = self;
        block
    }
}

/// A task, and where its block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) task: Task,
    pub(super) slot: usize,
    /// Whether there is work for one more worker, who may be hired.
    pub(super) more: bool,
}

/// What is done, under way and due of all blocks.
#[derive(Debug)]
pub(super) struct Order {
    /// Those who ask for tasks, and how many they may become.
    workers: usize,
    most_workers: usize,
    /// Whether blocks are compressed one by one before they are emitted.
    compressing: bool,
    /// Whether any number of threads may fill blocks at once.
    parallel_fill: bool,
    /// Number of blocks, once known.
    blocks: Option<u64>,

    /// The blocks that have a slot, from the first one on that was not hashed and emitted.
    flight: VecDeque<Block>,
    first: u64,
    /// Slots that no block has. The one used last is used next, so that only as many ever have
    /// memory as are used at once.
    free: Vec<usize>,
    filling: u64,
    next_compress: u64,
    hashed: Serial,
    emitted: Serial,
}

/// A block that has a slot.
#[derive(Debug)]
struct Block {
    slot: usize,
    filled: bool,
    compressed: bool,
}

/// A step that one thread at a time does, block by block.
#[derive(Debug, Default)]
struct Serial {
    /// Blocks done.
    done: u64,
    busy: bool,
}

/// The number of slots for `workers` workers.
pub(super) fn slots_of(workers: usize) -> usize {
    SLOTS_PER_WORKER * workers
}

impl Order {
    /// The order for one worker, who may become `workers`, and for `blocks` blocks (`None`: until a
    /// fill was the last one, and one fill at a time).
    pub(super) fn new(workers: usize, blocks: Option<u64>, compressing: bool) -> Self {
        Self {
            workers: 1,
            most_workers: workers,
            compressing,
            parallel_fill: blocks.is_some(),
            blocks,
            flight: VecDeque::new(),
            first: 0,
            free: (0..slots_of(workers)).rev().collect(),
            filling: 0,
            next_compress: 0,
            hashed: Serial::default(),
            emitted: Serial::default(),
        }
    }

    /// Makes room for one more worker, if there may be one.
    pub(super) fn hire(&mut self) -> bool {
        let room = self.workers < self.most_workers;
        self.workers += usize::from(room);
        room
    }

    /// Takes the most urgent task.
    pub(super) fn claim(&mut self) -> Option<Due> {
        let task = self.due(self.workers)?;
        let slot = self.start(task)?;
        let more = self.workers < self.most_workers && self.due(self.workers + 1).is_some();
        Some(Due { task, slot, more })
    }

    /// The most urgent task: first what frees slots, and of that the serial steps, which nobody
    /// else can speed up; then compression; then new blocks, as far as `workers` have slots.
    fn due(&self, workers: usize) -> Option<Task> {
        self.due_emit()
            .or_else(|| self.due_hash())
            .or_else(|| self.due_compress())
            .or_else(|| self.due_fill(workers))
    }

    fn due_emit(&self) -> Option<Task> {
        let block = self.emitted.done;
        let ready = self
            .get(block)
            .is_some_and(|it| if self.compressing { it.compressed } else { it.filled });
        (ready && !self.emitted.busy).then(|| Task::Emit { block, last: self.is_last(block) })
    }

    fn due_hash(&self) -> Option<Task> {
        let block = self.hashed.done;
        let ready = self.get(block).is_some_and(|it| it.filled);
        (ready && !self.hashed.busy).then_some(Task::Hash(block))
    }

    fn due_compress(&self) -> Option<Task> {
        let block = self.next_compress;
        // The block before gives the dictionary. Whether this one is the last must be known too.
        let ready = self.compressing
            && self.get(block).is_some_and(|it| it.filled)
            && block.checked_sub(1).is_none_or(|before| self.is_filled(before));
        ready.then(|| Task::Compress { block, last: self.is_last(block) })
    }

    fn due_fill(&self, workers: usize) -> Option<Task> {
        let block = self.next_fill();
        let room = self.flight.len() < slots_of(workers);
        let turn = self.parallel_fill || self.filling == 0;
        let exists = self.blocks.is_none_or(|blocks| block < blocks);
        (room && turn && exists).then_some(Task::Fill(block))
    }

    /// Takes note that somebody does `task`, and says in which slot.
    fn start(&mut self, task: Task) -> Option<usize> {
        match task {
            Task::Fill(_) => {
                let slot = self.free.pop()?;
                self.flight.push_back(Block { slot, filled: false, compressed: false });
                self.filling += 1;
                return Some(slot);
            }
            Task::Hash(_) => self.hashed.busy = true,
            Task::Compress { .. } => self.next_compress += 1,
            Task::Emit { .. } => self.emitted.busy = true,
        }
        self.get(task.block()).map(|block| block.slot)
    }

    /// Takes note that `task` is done. `ended`: the filled block is the last one.
    pub(super) fn complete(&mut self, task: Task, ended: bool) {
        match task {
            Task::Fill(block) => {
                self.filling -= 1;
                if let Some(it) = self.get_mut(block) {
                    it.filled = true;
                }
                if ended {
                    self.blocks = Some(block + 1);
                }
            }
            Task::Hash(_) => self.hashed = Serial { done: self.hashed.done + 1, busy: false },
            Task::Compress { block, .. } => {
                if let Some(it) = self.get_mut(block) {
                    it.compressed = true;
                }
            }
            Task::Emit { .. } => {
                self.emitted = Serial { done: self.emitted.done + 1, busy: false };
            }
        }
        while self.first < self.hashed.done.min(self.emitted.done) {
            self.first += 1;
            self.free.extend(self.flight.pop_front().map(|block| block.slot));
        }
    }

    fn next_fill(&self) -> u64 {
        self.first + self.flight.len() as u64
    }

    /// A block that has a slot.
    fn get(&self, block: u64) -> Option<&Block> {
        self.flight.get(usize::try_from(block.checked_sub(self.first)?).ok()?)
    }

    fn get_mut(&mut self, block: u64) -> Option<&mut Block> {
        self.flight.get_mut(usize::try_from(block.checked_sub(self.first)?).ok()?)
    }

    /// Whether a block was filled, also when its slot has gone to a later one since.
    fn is_filled(&self, block: u64) -> bool {
        block < self.first || self.get(block).is_some_and(|it| it.filled)
    }

    fn is_last(&self, block: u64) -> bool {
        self.blocks == Some(block + 1)
    }

    /// Whether nothing is left that could be done side by side.
    pub(super) fn is_serial(&self) -> bool {
        let blocks = self.next_fill();
        let filled = self.blocks == Some(blocks) && self.filling == 0;
        filled && (!self.compressing || self.next_compress == blocks)
    }

    /// Whether every block is hashed and emitted.
    pub(super) fn is_done(&self) -> bool {
        self.blocks.is_some_and(|blocks| self.hashed.done == blocks && self.emitted.done == blocks)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// Hands out all tasks that can be had, hires where `choices` say so, then completes one task,
    /// which they choose too, until all is done; checks on the way what the buffers rely on.
    fn simulate(most: usize, blocks: u64, known: bool, compressing: bool, choices: &[u8]) {
        let mut order = Order::new(most, known.then_some(blocks), compressing);
        let mut running: Vec<Task> = Vec::new();
        let (mut filled, mut compressed) = (BTreeSet::new(), BTreeSet::new());
        let (mut hashed, mut emitted) = (0, 0);
        let mut slots = BTreeMap::new();
        let mut workers = 1;
        let mut choices = choices.iter().map(|choice| usize::from(*choice)).cycle();
        while !order.is_done() {
            while let Some(Due { task, slot, more }) = order.claim() {
                assert!(slot < slots_of(most));
                match task {
                    Task::Fill(block) => {
                        slots.retain(|_, block| *block >= hashed.min(emitted));
                        assert!(slots.insert(slot, block).is_none(), "a slot in use");
                        assert!(slots.len() <= slots_of(workers), "more slots than there may be");
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
                assert_eq!(slots[&slot], task.block());
                running.push(task);
                if more && choices.next().unwrap() % 2 == 1 {
                    assert!(order.hire(), "no room for one who was wanted");
                    workers += 1;
                }
            }
            assert!(workers <= most);
            assert!(!running.is_empty(), "nothing to do and nothing under way");
            let task = running.swap_remove(choices.next().unwrap() % running.len());
            match task {
                Task::Fill(block) => assert!(filled.insert(block)),
                Task::Hash(_) => hashed += 1,
                Task::Compress { block, .. } => assert!(compressed.insert(block)),
                Task::Emit { .. } => emitted += 1,
            }
            order.complete(task, task == Task::Fill(blocks - 1));
        }
        assert!(running.is_empty());
        assert_eq!((filled.len() as u64, hashed, emitted), (blocks, blocks, blocks));
        assert_eq!(compressed.len() as u64, if compressing { blocks } else { 0 });
    }

    proptest! {
        #[test]
        fn every_order_of_completion_does_each_task_once_and_in_turn(
            workers in 1_usize..5,
            blocks in 1_u64..40,
            known: bool,
            compressing: bool,
            choices in prop::collection::vec(any::<u8>(), 1..64),
        ) {
            simulate(workers, blocks, known, compressing, &choices);
        }
    }
}
