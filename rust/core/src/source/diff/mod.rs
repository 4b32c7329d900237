//! What is different in one directory tree from another, as a source: entries that were added or
//! changed, and whiteouts for those that are gone (image-spec, layer.md, "Representing Changes").
//!
//! Both trees are [walked](walk) side by side, and all that metadata can decide is decided then.
//! What is left is decided by [content], and for inodes with several names by their [links].

mod content;
mod links;
mod walk;

use std::path::Path;

use self::walk::Walk;
use super::Policy;
use super::tree::{Ahead, MAX_THREADS, Tree};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::plan::{Content, PlanBuilder};
use crate::tar::Entry;

/// Adds to `plan` what makes `lower`, in a layer below, to `upper`.
///
/// Entries are compared as a layer would hold them: after `policy`, times in whole seconds. Files
/// that are alike in this are equal if they are one and the same file in one state (device, inode,
/// size and times to the nanosecond), or else if their content is. What the policy excludes is not
/// compared.
///
/// Directories above an entry are there as `upper` has them. What took the place of something of
/// another type has no whiteout: applying a layer replaces it. Names that are one inode in `upper`
/// are one in the end: where one of them is in the layer, all are.
pub(crate) fn add_diff(
    plan: &mut PlanBuilder,
    lower: &Path,
    upper: &Path,
    policy: &Policy,
    threads: usize,
    cancel: &Cancel,
) -> Result<()> {
    let lower = Tree::open(plan, lower, policy, cancel)?;
    let upper = Tree::open(plan, upper, policy, cancel)?;
    // The walk itself is a thread of both.
    let ahead = threads.min(MAX_THREADS).saturating_sub(1);
    let mut walk = Walk::new(plan, &lower, &upper);
    Ahead::with_threads(&lower, 1 + ahead / 2, |lower| {
        Ahead::with_threads(&upper, 1 + ahead.div_ceil(2), |upper| walk.run(lower, upper))
    })?;
    let mut undecided = walk.into_undecided();
    content::compare(&mut undecided, &lower, &upper, threads)?;
    for file in links::changed(undecided) {
        plan.push(file.entry, file.content, false);
    }
    Ok(())
}

/// An entry of the upper tree that the walk alone could not decide on.
struct Undecided {
    /// Its path in both trees.
    path: Box<[u8]>,
    /// What the layer holds of it, if anything.
    entry: Entry,
    content: Content,
    /// What the lower tree has at its path: of another kind or not there at all, and it is `None`.
    lower: Content,
    state: State,
}

/// What is known of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is nothing like it in the lower tree.
    Changed,
    /// It is like the one in the lower tree.
    Same,
    /// It is like the one in the lower tree, but for the content that nobody has looked at.
    Alike,
}
