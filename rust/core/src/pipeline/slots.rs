//! The buffers of a build: as many as are used at once, reused for every block.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::stock::Stock;
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
pub(super) struct Slots<'a> {
    stock: &'a Stock,
    places: Vec<Slot>,
    /// The end of each block: the dictionary of the next one. It is needed until that one is
    /// compressed, which is one block longer than the slot is.
    tails: Vec<RwLock<Vec<u8>>>,
}

impl<'a> Slots<'a> {
    /// `number` slots, which get their memory from `stock` when they are filled.
    pub(super) fn new(number: usize, stock: &'a Stock) -> Self {
        Self {
            stock,
            places: std::iter::repeat_with(Slot::default).take(number).collect(),
            tails: std::iter::repeat_with(RwLock::default).take(number + 1).collect(),
        }
    }

    /// The input of the block in `slot`, to be filled.
    pub(super) fn fill(&self, slot: usize) -> RwLockWriteGuard<'_, Vec<u8>> {
        let mut input = self.places[slot].input.write().unwrap_or_else(PoisonError::into_inner);
        if input.capacity() == 0 {
            (*input, *self.output(slot)) = self.stock.take_block();
        }
        input
    }

    /// The input of the block in `slot`.
    pub(super) fn input(&self, slot: usize) -> RwLockReadGuard<'_, Vec<u8>> {
        self.places[slot].input.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The compressed form of the block in `slot`.
    pub(super) fn output(&self, slot: usize) -> MutexGuard<'_, EncodedBlock> {
        self.places[slot].output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back the memory of a slot that no block has.
    pub(super) fn clear(&self, slot: usize) {
        let mut input = self.places[slot].input.write().unwrap_or_else(PoisonError::into_inner);
        if input.capacity() > 0 {
            let (input, output) = (std::mem::take(&mut *input), &mut *self.output(slot));
            self.stock.return_block(input, std::mem::take(output));
        }
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

    fn tail(&self, block: u64) -> &RwLock<Vec<u8>> {
        let length = self.tails.len() as u64;
        &self.tails[usize::try_from(block % length).unwrap_or_default()]
    }
}

impl Drop for Slots<'_> {
    fn drop(&mut self) {
        for slot in 0..self.places.len() {
            self.clear(slot);
        }
    }
}
