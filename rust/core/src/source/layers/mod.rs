//! Layers on top of each other as a source: what is there when all of them are applied.
//!
//! They are read twice. The first time nothing is held but headers, about 500 bytes for an entry
//! with a short name: then it is known what stays, and a plan has a place for it. The second time
//! the content of that comes by, layer after layer.

mod stream;

pub use self::stream::LayersStream;
use super::archive::ArchiveFile;
use super::names::{check_form, check_name};
use super::{Policy, READ_BUFFER, TarReader};
use crate::cancel::Cancel;
use crate::error::{Error, Result, display_path, reason};
use crate::plan::{Content, Plan, PlanBuilder};
use crate::stack::{Merged, is_whiteout};
use crate::tar::{Entry, Kind, Reader, is_within, parents_of};

/// What stays of some layers, each file with the number of the member that has its content. A
/// directory that no layer has an entry for has none.
type Kept = Merged<Option<u64>>;

/// Layer blobs, the lowest first, whose headers were read.
#[derive(Debug)]
pub struct Layers<'a> {
    files: &'a [ArchiveFile],
    threads: usize,
    cancel: &'a Cancel,
    /// The number of each layer's first member: all of them are counted through.
    starts: Vec<u64>,
}

impl<'a> Layers<'a> {
    /// Adds to `plan` what is there when `files` were applied, the lowest first. Decoding takes
    /// up to half of `threads`.
    pub fn add(
        plan: &mut PlanBuilder,
        files: &'a [ArchiveFile],
        policy: &Policy,
        threads: usize,
        cancel: &'a Cancel,
    ) -> Result<Self> {
        let mut layers = Self { files, threads, cancel, starts: Vec::with_capacity(files.len()) };
        push(plan, layers.survey()?, policy)?;
        Ok(layers)
    }

    /// The tar of `plan`, which has nothing but these layers and what edits put.
    #[must_use]
    pub fn stream(self, plan: &'a Plan) -> LayersStream<'a> {
        LayersStream::new(self, plan)
    }

    fn survey(&mut self) -> Result<Kept> {
        let mut kept = Kept::default();
        let mut members = 0;
        for file in self.files {
            self.starts.push(members);
            let applied = self.entries(file).and_then(|entries| {
                let count = entries.len() as u64;
                apply(&mut kept, entries, members).map(|()| count)
            });
            members += applied.map_err(|error| error.in_archive(file.path()))?;
        }
        Ok(kept)
    }

    fn entries(&self, file: &ArchiveFile) -> Result<Vec<Entry>> {
        let mut reader = self.open(file)?;
        let mut entries = Vec::new();
        while let Some(member) = reader.next_member()? {
            self.cancel.check()?;
            entries.push(member.entry);
        }
        if reader.position() == 0 {
            return Err(Error::malformed(b"", "it is empty: not even the end of an archive"));
        }
        reader.drain()?;
        Ok(entries)
    }

    fn open(&self, file: &ArchiveFile) -> Result<TarReader> {
        let tar = file.decoded(self.threads, self.cancel)?;
        Ok(Reader::new(std::io::BufReader::with_capacity(READ_BUFFER, tar)))
    }
}

/// Applies a layer, whose first member has the number `first`.
fn apply(kept: &mut Kept, entries: Vec<Entry>, first: u64) -> Result<()> {
    kept.remove_for(entries.iter().map(|entry| &*entry.path));
    for (entry, number) in entries.into_iter().zip(first..) {
        if is_whiteout(&entry.path) {
            continue;
        }
        check(kept, &entry)?;
        let missing: Vec<_> = parents_of(&entry.path)
            .take_while(|parent| !parent.is_empty() && kept.get(parent).is_none())
            .map(|parent| Entry::implied_directory(parent, 0))
            .collect();
        kept.put(entry, Some(number))?;
        for parent in missing {
            kept.put(parent, None)?;
        }
    }
    Ok(())
}

/// Refuses what engines make different things of, or nothing. Of an entry below a symbolic link
/// some follow the link, others put a directory in its place.
fn check(kept: &Kept, entry: &Entry) -> Result<()> {
    check_name(&entry.path)?;
    check_form(entry)?;
    let is_directory = |path: &[u8]| Some(kept.get(path)?.entry.is_directory());
    // What is there has its own parents.
    let parent = parents_of(&entry.path).find_map(|path| Some((path, is_directory(path)?)));
    let reason = if let Some((leaf, false)) = parent {
        reason::lies_in(leaf)
    } else {
        let Kind::HardLink(target) = &entry.kind else { return Ok(()) };
        if *target == entry.path || is_within(target, &entry.path) {
            reason::links_to(target, "it takes the place of")
        } else if is_directory(target) == Some(true) {
            reason::links_to(target, "is a directory")
        } else {
            return Ok(());
        }
    };
    Err(Error::unsupported(display_path(&entry.path), reason))
}

fn push(plan: &mut PlanBuilder, kept: Kept, policy: &Policy) -> Result<()> {
    let mut names = vec![0_u8; kept.inodes() + 1];
    for (_, node) in kept.iter() {
        names[node.inode] = names[node.inode].saturating_add(1);
    }
    for node in kept.into_nodes() {
        let mut entry = node.entry;
        let excluded = policy.exclude.excludes(&entry.path);
        if excluded && !(entry.is_directory() && policy.exclude.has_negation()) {
            continue;
        }
        let content = if let Some(number) = node.content {
            policy.apply(&mut entry)?;
            Content::Member { number, shared: names[node.inode] > 1 }
        } else {
            // As a parent that is missing anywhere else.
            entry.path = policy.place(&entry.path);
            entry.mtime = policy.default_mtime();
            Content::None
        };
        plan.push(entry, content, excluded);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
