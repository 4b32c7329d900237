//! A directory tree as a source: every entry in the order of the layer, without reading a file's
//! content.
//!
//! [`look`] describes one directory and all it holds. [`ahead`] does so on several threads, for the
//! directories that come next. What is here puts the descriptions in order.

mod ahead;
mod look;

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::ahead::Ahead;
use self::look::{Child, Found, Tree};
use super::Policy;
use super::directory::Root;
use crate::cancel::Cancel;
use crate::error::{Result, display_path};
use crate::plan::{Content, Origin, PlanBuilder};
use crate::tar::{Entry, Kind};

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
    plan.push_parents(&policy.prefix, policy.default_mtime())?;
    let root = Arc::new(Root::open(path)?);
    let origin = plan.add_origin(Origin::tree(Arc::clone(&root), path, &policy.prefix));
    let outputs = plan.outputs().to_vec();
    let tree = Tree { root: &root, path, origin, policy, outputs, cancel };
    let walk = Walk { plan, policy, tree: &tree, links: HashMap::new(), waiting: Vec::new() };
    Ahead::with_threads(&tree, threads.min(MAX_THREADS), |ahead| walk.run(ahead))
}

struct Walk<'a> {
    plan: &'a mut PlanBuilder,
    policy: &'a Policy,
    tree: &'a Tree<'a>,
    /// The first path, relative to the root, of every inode that has several names.
    links: HashMap<(u64, u64), Box<[u8]>>,
    /// Directories that are themselves excluded and wait for an entry below them that is not.
    waiting: Vec<Entry>,
}

impl Walk<'_> {
    /// Depth first without recursion: a deep tree costs memory, not stack or handles.
    fn run(mut self, ahead: &mut Ahead<'_>) -> Result<()> {
        let mut stack = vec![self.enter(ahead, b"")?];
        while let Some(children) = stack.last_mut() {
            self.tree.cancel.check()?;
            match children.next() {
                None => {
                    stack.pop();
                }
                Some(Child::Entry(found)) => self.push(found)?,
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
    fn enter(&mut self, ahead: &mut Ahead<'_>, path: &[u8]) -> Result<std::vec::IntoIter<Child>> {
        let listing = ahead.listing(path)?;
        if listing.excluded {
            self.waiting.retain(|above| is_within(path, &above.path));
            self.waiting.push(listing.entry);
        } else {
            self.push(Found { entry: listing.entry, content: Content::None, shared: None })?;
        }
        Ok(listing.children.into_iter())
    }

    /// Adds an entry under the policy, after the excluded directories that it turns out to need.
    fn push(&mut self, mut found: Found) -> Result<()> {
        for above in std::mem::take(&mut self.waiting) {
            if is_within(&found.entry.path, &above.path) {
                self.push_one(above, Content::None)?;
            }
        }
        if let Some(identity) = found.shared {
            match self.links.entry(identity) {
                Slot::Vacant(slot) => {
                    slot.insert(found.entry.path.clone());
                }
                Slot::Occupied(first) => {
                    found.entry.kind = Kind::HardLink(first.get().clone());
                    found.entry.size = 0;
                    found.content = Content::None;
                }
            }
        }
        self.push_one(found.entry, found.content)
    }

    fn push_one(&mut self, mut entry: Entry, content: Content) -> Result<()> {
        self.policy.apply(&mut entry);
        self.plan.push(entry, content)
    }
}

/// A path of the tree as the user would type it.
pub(crate) fn shown(root: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() { root.to_path_buf() } else { root.join(display_path(path)) }
}

fn is_within(path: &[u8], directory: &[u8]) -> bool {
    match path.strip_prefix(directory) {
        Some([b'/', ..]) => true,
        Some(_) => directory.is_empty(),
        None => false,
    }
}
