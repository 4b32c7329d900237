//! A directory tree as a source: every entry in the order of the layer, without reading a file's
//! content.
//!
//! [`look`] describes one directory and all it holds. [`ahead`] does so on several threads, for the
//! directories that come next. What is here puts the descriptions in order.

mod ahead;
mod look;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec::IntoIter;

use self::ahead::Ahead;
use self::look::{Child, Tree};
use super::Policy;
use super::directory::Root;
use crate::cancel::Cancel;
use crate::error::{Result, display_path};
use crate::plan::{Content, Origin, PlanBuilder};
use crate::tar::Entry;

/// More gain nothing: they only wait for each other in the kernel.
const MAX_THREADS: usize = 8;

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
    let root = Arc::new(Root::open(path)?);
    let origin = plan.add_origin(Origin::tree(Arc::clone(&root), path, &policy.prefix));
    let outputs = plan.outputs().to_vec();
    let tree = Tree { root: &root, path, origin, policy, outputs, cancel };
    let mut walk = Walk { plan, tree: &tree };
    Ahead::with_threads(&tree, threads.min(MAX_THREADS), |ahead| walk.run(ahead))
}

struct Walk<'a> {
    plan: &'a mut PlanBuilder,
    tree: &'a Tree<'a>,
}

impl Walk<'_> {
    /// Depth first without recursion: a deep tree costs memory, not stack or handles.
    fn run(&mut self, ahead: &mut Ahead<'_>) -> Result<()> {
        let mut stack = vec![self.enter(ahead, b"")?];
        while let Some(children) = stack.last_mut() {
            self.tree.cancel.check()?;
            match children.next() {
                None => {
                    stack.pop();
                }
                Some(Child::Entry(entry, content)) => self.push(entry, content, false)?,
                Some(Child::Directory(path)) => stack.push(self.enter(ahead, &path)?),
                Some(Child::Socket(path)) => {
                    let what = "is a socket, which no layer can hold: left out";
                    self.plan.warn(self.tree.shown(&path), what);
                }
            }
        }
        Ok(())
    }

    /// Adds the directory `path` and returns what it holds.
    fn enter(&mut self, ahead: &mut Ahead<'_>, path: &[u8]) -> Result<IntoIter<Child>> {
        let listing = ahead.listing(path)?;
        self.push(listing.entry, Content::None, listing.excluded)?;
        Ok(listing.children.into_iter())
    }

    fn push(&mut self, mut entry: Entry, content: Content, optional: bool) -> Result<()> {
        let applied = self.tree.policy.apply(&mut entry);
        applied.map_err(|error| error.at(self.tree.shown(&entry.path)))?;
        self.plan.push(entry, content, optional);
        Ok(())
    }
}

/// A path of the tree as the user would type it.
pub(crate) fn shown(root: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() { root.to_path_buf() } else { root.join(display_path(path)) }
}
