//! Inodes with several names: which names a layer must hold so that in the end those are one file
//! that are one in the upper tree, and no others.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use super::{State, Undecided};
use crate::plan::Content;

/// An inode of one of the trees.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Inode {
    /// One with several names, by device and number.
    Shared(u64, u64),
    /// One with a single name, by the place of that in the list.
    Alone(usize),
}

impl Inode {
    fn of(content: &Content, place: usize) -> Self {
        content.identity().map_or(Self::Alone(place), |(device, inode)| Self::Shared(device, inode))
    }
}

/// An inode of the upper tree.
struct Names {
    /// The one of the lower tree that its first name has there.
    lower: Inode,
    changed: bool,
}

/// The entries that belong into the layer, of `files` in the order of the layer.
///
/// If one name of an inode is in the layer, all are: a link to a file of a lower layer can't be
/// told. That is also so if its names were several inodes before. Names that were one inode and
/// are several now leave the first of these where it is.
pub(super) fn changed(files: Vec<Undecided>) -> impl Iterator<Item = Undecided> {
    let inodes: Vec<(Inode, Inode)> = (0..)
        .zip(&files)
        .map(|(place, file)| (Inode::of(&file.content, place), Inode::of(&file.lower, place)))
        .collect();
    let mut all: HashMap<Inode, Names> = HashMap::new();
    for (&(upper, lower), file) in inodes.iter().zip(&files) {
        let names = all.entry(upper).or_insert(Names { lower, changed: false });
        names.changed |= file.state == State::Changed || names.lower != lower;
    }
    let mut kept: HashMap<Inode, Inode> = HashMap::new();
    for &(upper, lower) in &inodes {
        if let Some(names) = all.get_mut(&upper)
            && !names.changed
        {
            match kept.entry(lower) {
                Slot::Vacant(slot) => {
                    slot.insert(upper);
                }
                Slot::Occupied(slot) => names.changed = *slot.get() != upper,
            }
        }
    }
    let files = files.into_iter().zip(inodes);
    files.filter(move |(_, (upper, _))| all[upper].changed).map(|(file, _)| file)
}
