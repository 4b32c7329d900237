//! A look at a whole archive before any of it is written: what stays at each path in the end.

mod directories;
mod world;

use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read};

use self::world::{Slot, World};
use super::super::READ_BUFFER;
use super::Treatment;
use crate::cancel::Cancel;
use crate::edit::{Nature, Passed};
use crate::error::{Error, Result, display_path};
use crate::tar::{Entry, Kind, Reader, parents_of};

/// What differs from taking every member as it comes. Members are counted from 0.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Members that leave nothing.
    skipped: HashSet<u64>,
    /// Files by the member that has their content.
    files: HashMap<u64, File>,
    /// Directories that have several entries, or one after what is inside.
    directories: Vec<(Entry, Passed)>,
    /// Directories of the archive that hold something, while there was no such look.
    above: Option<HashSet<Box<[u8]>>>,
}

impl Default for Survey {
    /// Nothing is known: every member is taken as it comes.
    fn default() -> Self {
        let (skipped, files) = (HashSet::new(), HashMap::new());
        Self { skipped, files, directories: Vec::new(), above: Some(HashSet::new()) }
    }
}

/// The names that a file has in the end.
#[derive(Debug)]
struct File {
    /// Its first name, as if the archive had it, before any treatment.
    entry: Option<Entry>,
    /// The others, after treatment, and what edits did to them.
    links: Vec<(Entry, Passed)>,
}

impl Survey {
    /// Whether there was a look, and members are taken as it found them.
    pub(super) const fn knows(&self) -> bool {
        self.above.is_none()
    }

    /// Reads `input` to its end as an engine would unpack it.
    pub(crate) fn of(input: impl Read, treatment: &mut Treatment, cancel: &Cancel) -> Result<Self> {
        let reader = Reader::new(BufReader::with_capacity(READ_BUFFER, input));
        World::of(reader, |entry| treatment.admit(entry), cancel)?.survey(treatment)
    }

    /// The member `ordinal` under the name that it has in the end; none if it leaves nothing.
    pub(super) fn name(&mut self, ordinal: u64, entry: Entry) -> Option<Entry> {
        if let Some(entry) = self.files.get_mut(&ordinal).and_then(|file| file.entry.take()) {
            return Some(entry);
        }
        (!self.skipped.contains(&ordinal)).then_some(entry)
    }

    /// Refuses a member that takes the place of a directory with content. Edits may move one of
    /// them elsewhere, so that nothing else would notice.
    pub(super) fn check_place(&mut self, entry: &Entry) -> Result<()> {
        let Some(above) = &mut self.above else { return Ok(()) };
        if !entry.is_directory() && above.contains(&entry.path) {
            let reason = "it is no directory, but the archive holds an entry inside it".to_owned();
            return Err(Error::OutOfOrder { path: display_path(&entry.path).into(), reason });
        }
        // Whatever is known has its own parents.
        for parent in parents_of(&entry.path) {
            if above.contains(parent) {
                break;
            }
            above.insert(parent.into());
        }
        Ok(())
    }

    /// The further names of the file whose content the member `ordinal` has.
    pub(super) fn take_links(&mut self, ordinal: u64) -> Vec<(Entry, Passed)> {
        self.files.remove(&ordinal).map_or_else(Vec::new, |file| file.links)
    }

    pub(super) fn take_directories(&mut self) -> Vec<(Entry, Passed)> {
        std::mem::take(&mut self.directories)
    }
}

/// An entry that is there when an archive was unpacked. Hard links are what they link to.
pub(in crate::source) struct Unpacked {
    pub(in crate::source) entry: Entry,
    /// The member that has the content, counted from 0.
    pub(in crate::source) number: u64,
    /// The file has other names too, or had.
    pub(in crate::source) shared: bool,
}

/// Reads an archive to its end; returns what is there then, and the number of its members.
pub(in crate::source) fn unpacked(
    reader: Reader<impl Read>,
    cancel: &Cancel,
) -> Result<(Vec<Unpacked>, u64)> {
    World::of(reader, |entry| entry, cancel)?.into_unpacked()
}

/// One name of a file that has several.
struct Name {
    slot: Slot,
    treated: Entry,
    passed: Passed,
}

impl Survey {
    /// Takes note of a file whose names do not all come behind its content and lead to it.
    fn add_file(
        &mut self,
        inode: u64,
        file: Entry,
        mut names: Vec<Name>,
        treatment: &mut Treatment,
    ) -> Result<()> {
        // The member with the content comes first if it is still there.
        names.sort_by_key(|name| (name.slot.ordinal != inode, name.slot.ordinal));
        let (first, links) = names.split_at(1);
        let first = &first[0];
        let own = first.slot.ordinal == inode;
        let path = first.treated.path.clone();
        let plain = |link: &Name| {
            !link.passed.orphan
                && matches!(&link.treated.kind, Kind::HardLink(target) if *target == path)
                && link.slot.ordinal > inode
        };
        if own && links.iter().all(plain) {
            return Ok(());
        }
        let nature = Nature::of(&file);
        let mut entry = Entry { path: first.slot.entry.path.clone(), ..file };
        let untreated = entry.clone();
        let passed = treatment.treat(&mut entry, nature)?.unwrap_or_default();
        for link in links {
            link.passed.check_link(passed, &link.treated.path, &path)?;
        }
        let links = links.iter().map(|link| {
            let kind = Kind::HardLink(path.clone());
            let entry = Entry { kind, size: 0, ..link.treated.clone() };
            (link.slot.ordinal, (entry, link.passed.adopted()))
        });
        let (ordinals, links): (Vec<u64>, Vec<_>) = links.unzip();
        self.skipped.extend(ordinals.into_iter().chain([first.slot.ordinal]));
        self.files.insert(inode, File { entry: Some(untreated), links });
        Ok(())
    }
}
