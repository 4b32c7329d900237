//! Entries in the order of the layer → entries in their place, with parents before children and
//! targets before their hard links.

use std::collections::HashMap;

use super::{Boxed, Content, Planned};
use crate::edit::Passed;
use crate::error::{Error, Result, display_path, reason};
use crate::stack::Ground;
use crate::tar::{Entry, Kind, header_size, is_within, padded, parents_of};

/// The state between two entries.
pub(super) struct Arrange {
    pub(super) placed: Vec<Boxed>,
    /// Directories that are left out, as nothing is in them.
    pub(super) left_out: Vec<Boxed>,
    /// Bytes that the placed entries take.
    pub(super) offset: u64,
    /// The directories that the next entry may lie in, from the root down.
    above: Vec<Above>,
    /// By part, device and inode, those that have several names.
    links: HashMap<(u32, (u64, u64)), First>,
    /// The paths that the next entry may lie in, at which something else than a directory has
    /// stood, with its part: all that earlier parts had there is gone.
    cleared: Vec<(Box<[u8]>, u32)>,
    missing: Missing,
}

/// What directories are like that no source names.
pub(super) struct Missing {
    pub(super) ground: Option<Ground>,
    pub(super) mtime: i64,
}

impl Missing {
    fn directory(&self, path: &[u8]) -> Entry {
        let known = self.ground.as_ref().and_then(|ground| ground.directory(path));
        known.unwrap_or_else(|| Entry::implied_directory(path, self.mtime))
    }
}

/// The first name of an inode, and what edits did to it.
struct First {
    path: Box<[u8]>,
    passed: Passed,
}

/// A directory, placed, or waiting for an entry that needs it.
struct Above {
    path: Box<[u8]>,
    waiting: Option<Boxed>,
}

impl Arrange {
    pub(super) fn new(missing: Missing, entries: usize) -> Self {
        Self {
            placed: Vec::with_capacity(entries),
            left_out: Vec::new(),
            offset: 0,
            above: Vec::new(),
            links: HashMap::new(),
            cleared: Vec::new(),
            missing,
        }
    }

    /// Arranges all entries.
    pub(super) fn run(mut self, entries: Vec<Boxed>) -> Result<Self> {
        let mut entries = entries.into_iter().peekable();
        while let Some(mut planned) = entries.next() {
            if self.is_gone(&planned) {
                continue;
            }
            let mut leaf = planned.leaf_part();
            while let Some(twin) = entries.next_if(|next| next.entry.path == planned.entry.path) {
                leaf = leaf.max(twin.leaf_part());
                planned = merged(planned, twin)?;
            }
            if leaf > 0 {
                self.cleared.push((planned.entry.path.clone(), leaf));
            }
            self.add(planned)?;
        }
        self.leave(0);
        Ok(self)
    }

    /// Whether a later part has put something else in the place of a directory that this is in.
    fn is_gone(&mut self, planned: &Planned) -> bool {
        let path = &planned.entry.path;
        while self.cleared.last().is_some_and(|(above, _)| !is_within(path, above)) {
            self.cleared.pop();
        }
        self.cleared.last().is_some_and(|(_, part)| planned.part < *part)
    }

    /// Leaves the directories behind the first `depth` ones.
    fn leave(&mut self, depth: usize) {
        self.left_out.extend(self.above.drain(depth..).filter_map(|above| above.waiting));
    }

    fn add(&mut self, planned: Boxed) -> Result<()> {
        let path = &*planned.entry.path;
        // What is in an entry comes directly behind it.
        if !planned.passed.optional
            && let Some(last) = self.placed.last().map(|last| &last.entry)
            && !last.is_directory()
            && is_within(path, &last.path)
        {
            return Err(Error::unsupported(display_path(path), reason::lies_in(&last.path)));
        }
        self.leave(self.above.partition_point(|above| is_within(path, &above.path)));
        self.await_parents(path);
        if planned.passed.optional {
            self.above.push(Above { path: path.into(), waiting: Some(planned) });
            return Ok(());
        }
        for index in 0..self.above.len() {
            if let Some(directory) = self.above[index].waiting.take() {
                self.place(directory)?;
            }
        }
        if planned.entry.is_directory() {
            self.above.push(Above { path: path.into(), waiting: None });
        }
        self.place(planned)
    }

    /// Lets the directories that lie between the last known one and `path` wait. The root is not
    /// among them: a layer has an entry for it only if its source has one.
    fn await_parents(&mut self, path: &[u8]) {
        let known = self.above.last().map_or(0, |above| above.path.len());
        let missing: Vec<_> =
            parents_of(path).take_while(|directory| directory.len() > known).collect();
        for directory in missing.into_iter().rev() {
            let entry = self.missing.directory(directory);
            let waiting = Some(Box::new(Planned::new(entry, Content::None, Passed::implied())));
            self.above.push(Above { path: directory.into(), waiting });
        }
    }

    /// Gives an entry its place behind all others.
    fn place(&mut self, mut planned: Boxed) -> Result<()> {
        if let Some(identity) = planned.content.identity() {
            self.link(&mut planned, identity)?;
        }
        planned.header = u32::try_from(header_size(&planned.entry)?)
            .map_err(|_| Error::Internal("a header of 4 GiB".into()))?;
        planned.offset = self.offset;
        self.offset += u64::from(planned.header) + padded(planned.entry.size);
        self.placed.push(planned);
        Ok(())
    }

    /// Makes a further name of an inode a hard link to the first one.
    fn link(&mut self, planned: &mut Planned, identity: (u64, u64)) -> Result<()> {
        let identity = (planned.part, identity);
        match self.links.get(&identity) {
            None => {
                let path = planned.entry.path.clone();
                self.links.insert(identity, First { path, passed: planned.passed });
            }
            Some(First { path, passed }) => {
                planned.passed.check_link(*passed, &planned.entry.path, path)?;
                planned.entry.kind = Kind::HardLink(path.clone());
                planned.entry.size = 0;
                // What is in a stream keeps its place there.
                if !matches!(planned.content, Content::Member { .. }) {
                    planned.content = Content::None;
                }
            }
        }
        Ok(())
    }
}

impl Planned {
    /// The part of what is no directory, if there are several parts, or else 0.
    const fn leaf_part(&self) -> u32 {
        if self.entry.is_directory() { 0 } else { self.part }
    }
}

/// What stands at a path that two entries have: that of the later part, or else a directory that
/// was there, over one that an edit moved there; and anything over a directory that is left out.
/// For all else there is no right answer.
fn merged(one: Boxed, other: Boxed) -> Result<Boxed> {
    if one.part < other.part {
        let takes_over = one.passed.optional || !other.passed.optional;
        return Ok(if takes_over { other } else { one });
    }
    let (kept, lost) =
        if one.passed.gives_way_to(other.passed) { (other, one) } else { (one, other) };
    if lost.passed.optional || kept.entry.is_directory() && lost.entry.is_directory() {
        return Ok(kept);
    }
    let path = display_path(&kept.entry.path);
    Err(Error::unsupported(path, reason::TWO_ENTRIES))
}
