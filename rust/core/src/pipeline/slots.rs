//! The buffers of a build: allocated once, reused for every block.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::compress::{DICTIONARY, EncodedBlock};

/// What belongs to one block while it is on its way.
///
/// The schedule keeps two threads from wanting the same buffer in ways that conflict; the locks
/// are the proof, and never waited for.
#[derive(Debug, Default)]
struct Slot {
    input: RwLock<Vec<u8>>,
    output: Mutex<EncodedBlock>,
}

#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    /// The end of each block: the dictionary of the next one. It is needed until that one is
    /// compressed, which is one block longer than the slot is.
    tails: Vec<RwLock<Vec<u8>>>,
}

impl Slots {
    pub(super) fn new(number: usize) -> Self {
        Self {
            slots: std::iter::repeat_with(Slot::default).take(number).collect(),
            tails: std::iter::repeat_with(RwLock::default).take(number + 1).collect(),
        }
    }

    /// The input of `block`, to be filled.
    pub(super) fn fill(&self, block: u64) -> RwLockWriteGuard<'_, Vec<u8>> {
        self.slot(block).input.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The input of `block`.
    pub(super) fn input(&self, block: u64) -> RwLockReadGuard<'_, Vec<u8>> {
        self.slot(block).input.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The compressed form of `block`.
    pub(super) fn output(&self, block: u64) -> MutexGuard<'_, EncodedBlock> {
        self.slot(block).output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the end of `input`, which is `block`, for the block after it.
    pub(super) fn keep_tail(&self, block: u64, input: &[u8]) {
        let mut tail = self.tail(block).write().unwrap_or_else(PoisonError::into_inner);
        tail.clear();
        tail.extend_from_slice(&input[input.len().saturating_sub(DICTIONARY)..]);
    }

    /// What stands directly before `block`, as far as a compressor looks back.
    pub(super) fn dictionary(&self, block: u64) -> Option<RwLockReadGuard<'_, Vec<u8>>> {
        let before = block.checked_sub(1)?;
        Some(self.tail(before).read().unwrap_or_else(PoisonError::into_inner))
    }

    fn slot(&self, block: u64) -> &Slot {
        &self.slots[ring_index(block, self.slots.len())]
    }

    fn tail(&self, block: u64) -> &RwLock<Vec<u8>> {
        &self.tails[ring_index(block, self.tails.len())]
    }
}

pub(super) fn ring_index(block: u64, length: usize) -> usize {
    usize::try_from(block % length as u64).unwrap_or_default()
}
