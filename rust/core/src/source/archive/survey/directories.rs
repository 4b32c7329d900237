//! Which directories a stream would write too early.

use std::collections::HashMap;

use super::world::Slot;
use crate::edit::Passed;
use crate::tar::{Entry, parents_of};

/// Directories by the path that they have in the end.
#[derive(Default)]
pub(super) struct Directories {
    known: HashMap<Box<[u8]>, Directory>,
    /// The first member that lies in a directory.
    needed: HashMap<Box<[u8]>, u64>,
}

struct Directory {
    entry: Entry,
    passed: Passed,
    ordinal: u64,
    /// One entry is not all that is said of it.
    late: bool,
}

impl Directories {
    /// Of two with one path, the one that was there counts more than one that was moved there.
    pub(super) fn add(&mut self, entry: Entry, passed: Passed, slot: &Slot) {
        let ordinal = slot.ordinal;
        self.need(&entry.path, ordinal);
        match self.known.get_mut(&entry.path) {
            Some(known) if !known.passed.gives_way_to(passed) => known.late = true,
            known => {
                let late = slot.late || known.is_some();
                let directory = Directory { entry, passed, ordinal, late };
                self.known.insert(directory.entry.path.clone(), directory);
            }
        }
    }

    /// Takes note that the directories above `path` are needed at the member `ordinal`.
    pub(super) fn need(&mut self, path: &[u8], ordinal: u64) {
        for parent in parents_of(path) {
            match self.needed.get_mut(parent) {
                Some(first) if *first <= ordinal => return,
                Some(first) => *first = ordinal,
                None => _ = self.needed.insert(parent.into(), ordinal),
            }
        }
    }

    /// Those whose entry does not come in time.
    pub(super) fn into_late(self) -> Vec<(Entry, Passed)> {
        let Self { known, needed } = self;
        let late = known.into_values().filter(|directory| {
            let first = needed.get(&directory.entry.path);
            directory.late || first.is_some_and(|first| *first < directory.ordinal)
        });
        late.map(|directory| (directory.entry, directory.passed)).collect()
    }
}
