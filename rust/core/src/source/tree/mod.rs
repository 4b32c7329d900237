//! A directory tree as a source: every entry in the order of the layer, without reading a file's
//! content.
//!
//! [`look`] describes one directory and all it holds. [`ahead`] does so on several threads, for the
//! directories that come next. What is here puts the descriptions in order.

mod ahead;
mod look;

use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use super::Policy;
use crate::cancel::Cancel;
use crate::error::{Result, display_path};
use crate::plan::{Content, PlanBuilder};
use crate::tar::Entry;

use self::look::Look;

pub(super) use self::ahead::Ahead;
pub(super) use self::look::{Child, Listing, Tree};

/// More gain nothing: they only wait for each other in the kernel.
pub(super) const MAX_THREADS: usize = 8;

/// Adds everything below the directory `path` to `plan`, the root itself included.
///
/// Directories come directly before what they hold, names in bytewise order. No link is followed.
/// A socket is left out with a warning; whatever cannot be read or stored is an error.
pub fn add_tree(
    plan: &mut PlanBuilder,
    path: &Path,
    policy: &Policy,
    threads: usize,
    cancel: &Cancel,
) -> Result<()> {
    let tree = Tree::open(plan, path, policy, cancel)?;
    walk(&tree, threads, |met| {
        match met {
            Met::Entry(mut entry, content, excluded) => {
                tree.apply_policy(&mut entry)?;
                plan.push(entry, content, excluded);
            }
            Met::Socket(path) => tree.warn_of_socket(plan, &path),
        }
        Ok(())
    })
}

/// What a walk comes to; paths are relative to the root.
pub(super) enum Met {
    /// An entry, and whether it is a directory that is there only for the sake of what may be kept
    /// below it.
    Entry(Entry, Content, bool),
    Socket(Box<[u8]>),
}

/// Calls `meet` for all of `tree`, depth first without recursion: a deep tree costs memory, not
/// stack or handles.
pub(super) fn walk(
    tree: &Tree<'_>,
    threads: usize,
    mut meet: impl FnMut(Met) -> Result<()>,
) -> Result<()> {
    Ahead::with_threads(tree, threads.min(MAX_THREADS), |ahead| {
        let mut stack = vec![enter(ahead, b"", &mut meet)?];
        while let Some(children) = stack.last_mut() {
            tree.cancel.check()?;
            match children.next() {
                None => {
                    stack.pop();
                }
                Some(Child::Entry(entry, content)) => meet(Met::Entry(entry, content, false))?,
                Some(Child::Directory(path)) => stack.push(enter(ahead, &path, &mut meet)?),
                Some(Child::Socket(path)) => meet(Met::Socket(path))?,
            }
        }
        Ok(())
    })
}

/// Describes the one file of `tree`, called `name`, which is no directory.
pub(super) fn look_at_one(tree: &Tree<'_>, name: &CStr) -> Result<Child> {
    Look::new(tree).one(name)
}

/// Meets the directory `path` and returns what it holds.
fn enter(
    ahead: &mut Ahead<'_>,
    path: &[u8],
    meet: &mut impl FnMut(Met) -> Result<()>,
) -> Result<IntoIter<Child>> {
    let listing = ahead.listing(path)?;
    meet(Met::Entry(listing.entry, Content::None, listing.excluded))?;
    Ok(listing.children.into_iter())
}

/// A path of the tree as the user would type it.
pub(crate) fn shown(root: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() { root.to_path_buf() } else { root.join(display_path(path)) }
}
