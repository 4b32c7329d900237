//! One layer that is kept apart, for an overlay to put it on top of others.

use super::super::names::check_whiteout;
use super::{ArchiveFile, Kept, Layers, Policy, apply, push};
use crate::cancel::Cancel;
use crate::error::{Error, Result, display_path};
use crate::plan::{Content, PlanBuilder};
use crate::stack::{Whiteout, is_whiteout, whiteout};
use crate::tar::{Entry, parent_of};

impl<'a> Layers<'a> {
    /// Adds to `plan` all that the layer `file` has, its whiteouts by their names.
    ///
    /// A layer that leaves something to those below it cannot stand alone, which is an error: a
    /// directory that has no entry would hide what they say of it, a hard link needs its target,
    /// and the root of an overlay is never opaque.
    pub(crate) fn add_alone(
        plan: &mut PlanBuilder,
        file: &'a ArchiveFile,
        threads: usize,
        cancel: &'a Cancel,
    ) -> Result<Self> {
        let mut layers = Self::new(threads, cancel);
        let added = layers.entries(file).and_then(|entries| {
            layers.number(file, entries.len() as u64);
            add(plan, entries)
        });
        added.map_err(|error| error.in_archive(file.path())).map(|()| layers)
    }
}

fn add(plan: &mut PlanBuilder, entries: Vec<Entry>) -> Result<()> {
    let marked = |entry: &&Entry| is_whiteout(&entry.path);
    let whiteouts: Vec<_> = entries.iter().filter(marked).cloned().collect();
    let mut kept = Kept::default();
    apply(&mut kept, entries, 0)?;
    if let Some((path, _)) = kept.iter().find(|(_, node)| node.content.is_none()) {
        return Err(lacks(path));
    }
    for entry in &whiteouts {
        check_whiteout(entry)?;
        let parent = parent_of(&entry.path).unwrap_or_default();
        let of_root = whiteout(&entry.path) == Some(Whiteout::Below(b""));
        if of_root || !parent.is_empty() && !is_directory(&kept, parent) {
            return Err(lacks(parent));
        }
    }
    push(plan, kept, &Policy::default())?;
    for entry in whiteouts {
        plan.push(entry, Content::None, false);
    }
    Ok(())
}

fn is_directory(kept: &Kept, path: &[u8]) -> bool {
    kept.get(path).is_some_and(|node| node.entry.is_directory())
}

fn lacks(directory: &[u8]) -> Error {
    Error::unsupported(display_path(directory), "the layer leaves this directory to those below it")
}
