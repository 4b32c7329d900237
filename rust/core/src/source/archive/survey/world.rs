//! What an engine makes of an archive that it unpacks.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::directories::Directories;
use super::{Name, Survey, Unpacked};
use crate::cancel::Cancel;
use crate::edit::Nature;
use crate::error::{Error, Result, display_path, reason};
use crate::source::Treatment;
use crate::tar::{Entry, Kind, PathMap, Reader, parents_of};

/// The tree that unpacking the members so far makes.
#[derive(Default)]
pub(super) struct World {
    slots: PathMap<Slot>,
    /// The entries of files that have several names, by member.
    linked: HashMap<u64, Entry>,
    members: u64,
    /// Members that something else has taken the place of.
    replaced: HashSet<u64>,
}

/// What stands at a path.
pub(super) struct Slot {
    pub(super) ordinal: u64,
    pub(super) entry: Entry,
    /// The member that has the content; of a hard link before its target, none yet.
    inode: Option<u64>,
    /// A directory with several entries.
    pub(super) late: bool,
}

impl World {
    /// Unpacks all that `reader` reads, to its end; entries are what `admit` makes of them.
    pub(super) fn of(
        mut reader: Reader<impl Read>,
        mut admit: impl FnMut(Entry) -> Entry,
        cancel: &Cancel,
    ) -> Result<Self> {
        let mut world = Self::default();
        while let Some(member) = reader.next_member()? {
            cancel.check()?;
            world.unpack(admit(member.entry))?;
        }
        if reader.position() == 0 {
            return Err(Error::empty_archive());
        }
        reader.drain()?;
        Ok(world)
    }

    /// Unpacks the next member.
    fn unpack(&mut self, entry: Entry) -> Result<()> {
        let ordinal = self.members;
        self.members += 1;
        self.check_parent(&entry)?;
        let known = self.slots.get(&entry.path).is_some_and(|slot| slot.entry.is_directory());
        let late = entry.is_directory() && known;
        let inode = match &entry.kind {
            Kind::HardLink(target) => self.target(target, &entry)?,
            _ => Some(ordinal),
        };
        let path = entry.path.clone();
        if !entry.is_directory() {
            let below = self.slots.remove_below(&path);
            self.replaced.extend(below.iter().map(|slot| slot.ordinal));
        }
        let replaced = self.slots.insert(&path, Slot { ordinal, entry, inode, late });
        self.replaced.extend(replaced.map(|slot| slot.ordinal));
        Ok(())
    }

    fn check_parent(&self, entry: &Entry) -> Result<()> {
        match parents_of(&entry.path).find_map(|path| self.slots.get(path)) {
            Some(slot) if !slot.entry.is_directory() => {
                let reason = reason::lies_in(&slot.entry.path);
                Err(Error::unsupported(display_path(&entry.path), reason))
            }
            _ => Ok(()),
        }
    }

    /// The member with the content of what a hard link leads to; none if that is still to come.
    fn target(&mut self, path: &[u8], link: &Entry) -> Result<Option<u64>> {
        let Some(slot) = self.slots.get(path) else { return Ok(None) };
        if slot.entry.is_directory() {
            let reason = reason::links_to(path, "is a directory");
            return Err(Error::unsupported(display_path(&link.path), reason));
        }
        if let Some(inode) = slot.inode {
            self.linked.entry(inode).or_insert_with(|| slot.entry.clone());
        }
        Ok(slot.inode)
    }

    /// What is there, and the number of members.
    pub(super) fn into_unpacked(mut self) -> Result<(Vec<Unpacked>, u64)> {
        self.resolve_early_links()?;
        let Self { slots, linked, members, .. } = self;
        let unpacked = slots.into_values().map(|slot| {
            let number = slot.inode.unwrap_or(slot.ordinal);
            let file = linked.get(&number);
            let path = slot.entry.path.clone();
            let entry = file.map_or(slot.entry, |file| Entry { path, ..file.clone() });
            Unpacked { entry, number, shared: file.is_some() }
        });
        Ok((unpacked.collect(), members))
    }

    /// Compares the tree with what a stream would make of the members.
    pub(super) fn survey(mut self, treatment: &mut Treatment) -> Result<Survey> {
        self.resolve_early_links()?;
        let skipped = self.replaced;
        let mut survey = Survey { skipped, above: None, ..Survey::default() };
        let mut directories = Directories::default();
        let mut names: HashMap<u64, Vec<Name>> = HashMap::new();
        for slot in self.slots.into_values() {
            let mut treated = slot.entry.clone();
            let file = slot.inode.and_then(|inode| self.linked.get(&inode)).unwrap_or(&treated);
            let nature = Nature::of(file);
            let Some(passed) = treatment.treat(&mut treated, nature)? else { continue };
            if treated.is_directory() {
                directories.add(treated, passed, &slot);
                continue;
            }
            let Some(inode) = slot.inode else { continue };
            directories.need(&treated.path, slot.ordinal.min(inode));
            if self.linked.contains_key(&inode) {
                names.entry(inode).or_default().push(Name { slot, treated, passed });
            }
        }
        survey.directories = directories.into_late();
        for (inode, names) in names {
            if let Some(file) = self.linked.remove(&inode) {
                survey.add_file(inode, file, names, treatment)?;
            }
        }
        Ok(survey)
    }

    /// Finds the targets of hard links that stand before them.
    fn resolve_early_links(&mut self) -> Result<()> {
        let early: Vec<Entry> = self
            .slots
            .values()
            .filter(|slot| slot.inode.is_none())
            .map(|slot| slot.entry.clone())
            .collect();
        for link in early {
            if self.slots.get(&link.path).is_some_and(|slot| slot.inode.is_none()) {
                let inode = self.follow(&link)?;
                self.settle(link.path, inode);
            }
        }
        Ok(())
    }

    /// Has the hard link `path`, and those that it leads through, be names of a member: each is come
    /// to once, however long a chain they are.
    fn settle(&mut self, mut path: Box<[u8]>, inode: u64) {
        while let Some(slot) = self.slots.get_mut(&path).filter(|slot| slot.inode.is_none()) {
            slot.inode = Some(inode);
            let Kind::HardLink(next) = &slot.entry.kind else { break };
            path.clone_from(next);
        }
    }

    /// The member at the end of a chain of hard links.
    fn follow(&mut self, link: &Entry) -> Result<u64> {
        let Kind::HardLink(first) = &link.kind else {
            return Err(Error::Internal("only a hard link has no content of its own".into()));
        };
        let mut target = first.clone();
        for _ in 0..self.slots.len() {
            if let Some(inode) = self.target(&target, link)? {
                return Ok(inode);
            }
            match self.slots.get(&target).map(|slot| &slot.entry.kind) {
                Some(Kind::HardLink(next)) => target.clone_from(next),
                _ => break,
            }
        }
        let reason = reason::links_to(first, "the archive does not hold");
        Err(Error::unsupported(display_path(&link.path), reason))
    }
}
