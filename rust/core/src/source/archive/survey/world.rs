//! What an engine makes of an archive that it unpacks.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use super::directories::Directories;
use super::{Name, Survey};
use crate::error::{Error, Result, display_path};
use crate::source::Treatment;
use crate::tar::{Entry, Kind, order_key, parent_of};

/// The tree that unpacking the members so far makes.
#[derive(Default)]
pub(super) struct World {
    /// By their place in the order of a layer, so that what is in a directory comes behind it.
    slots: BTreeMap<Box<[u8]>, Slot>,
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
    /// Unpacks the next member.
    pub(super) fn unpack(&mut self, entry: Entry) -> Result<()> {
        let ordinal = self.members;
        self.members += 1;
        self.check_parent(&entry)?;
        let key = order_key(&entry.path);
        let known = self.slots.get(&key).is_some_and(|slot| slot.entry.is_directory());
        if entry.is_directory() && known {
            let earlier = self.slots.insert(key, Slot { ordinal, entry, inode: None, late: true });
            self.replaced.extend(earlier.map(|slot| slot.ordinal));
            return Ok(());
        }
        let inode = match &entry.kind {
            Kind::HardLink(target) => self.target(&order_key(target), &entry)?,
            _ => Some(ordinal),
        };
        if !entry.is_directory() {
            self.remove(&key);
        }
        // What a directory takes the place of has nothing inside.
        let replaced = self.slots.insert(key, Slot { ordinal, entry, inode, late: false });
        self.replaced.extend(replaced.map(|slot| slot.ordinal));
        Ok(())
    }

    fn check_parent(&self, entry: &Entry) -> Result<()> {
        let mut parents = std::iter::successors(parent_of(&entry.path), |path| parent_of(path));
        let nearest = parents.find_map(|path| self.slots.get(&order_key(path)));
        match nearest {
            Some(slot) if !slot.entry.is_directory() => {
                let parent = display_path(&slot.entry.path).display();
                let reason = format!("`{parent}`, in which it lies, is not a directory");
                Err(Error::unsupported(display_path(&entry.path), reason))
            }
            _ => Ok(()),
        }
    }

    /// The member with the content of what a hard link leads to; none if that is still to come.
    fn target(&mut self, key: &[u8], link: &Entry) -> Result<Option<u64>> {
        let Some(slot) = self.slots.get(key) else { return Ok(None) };
        if slot.entry.is_directory() {
            let target = display_path(&slot.entry.path).display();
            let reason = format!("it is a hard link to `{target}`, which is a directory");
            return Err(Error::unsupported(display_path(&link.path), reason));
        }
        if let Some(inode) = slot.inode {
            self.linked.entry(inode).or_insert_with(|| slot.entry.clone());
        }
        Ok(slot.inode)
    }

    /// The keys of what is in the directory with the key `key`.
    fn inside(&self, key: &[u8]) -> impl Iterator<Item = &Box<[u8]>> {
        let prefix = if key.is_empty() { Vec::new() } else { [key, b"\0"].concat() };
        let behind = (Bound::Excluded(key), Bound::Unbounded);
        let keys = self.slots.range::<[u8], _>(behind).map(|(key, _)| key);
        keys.take_while(move |key| key.starts_with(&prefix))
    }

    /// Removes what has a path, with all that is in it.
    fn remove(&mut self, key: &[u8]) {
        let keys: Vec<Box<[u8]>> = self.inside(key).cloned().chain([key.into()]).collect();
        let removed = keys.iter().filter_map(|key| self.slots.remove(key));
        self.replaced.extend(removed.map(|slot| slot.ordinal));
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
            let Some(passed) = treatment.treat(&mut treated)? else { continue };
            let Some(inode) = slot.inode.filter(|_| !treated.is_directory()) else {
                directories.add(treated, passed.moved, &slot);
                continue;
            };
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
        let early = self.slots.iter().filter(|(_, slot)| slot.inode.is_none());
        let early = early.filter(|(_, slot)| !slot.entry.is_directory());
        let keys: Vec<Box<[u8]>> = early.map(|(key, _)| key.clone()).collect();
        for key in keys {
            let inode = self.follow(&key)?;
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.inode = Some(inode);
            }
        }
        Ok(())
    }

    /// The member at the end of a chain of hard links.
    fn follow(&mut self, key: &[u8]) -> Result<u64> {
        let mut key: Box<[u8]> = key.into();
        let link = self.slots[&key].entry.clone();
        for _ in 0..self.slots.len() {
            let Some(Kind::HardLink(target)) = self.slots.get(&key).map(|slot| &slot.entry.kind)
            else {
                break;
            };
            key = order_key(target);
            if let Some(inode) = self.target(&key, &link)? {
                return Ok(inode);
            }
        }
        let reason = match &link.kind {
            Kind::HardLink(target) => display_path(target).display().to_string(),
            _ => String::new(),
        };
        let reason = format!("it is a hard link to `{reason}`, which the archive does not hold");
        Err(Error::unsupported(display_path(&link.path), reason))
    }
}
