//! The upper directory of an overlayfs as a source: what was changed, in the kernel's own notation
//! (Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories").
//!
//! The attributes lie below `trusted.overlay.`, which only root can read, or `user.overlay.` for
//! mounts with the option `userxattr`. Here both mean the same.

use std::path::Path;

use super::Policy;
use super::tree::{Met, Tree, walk};
use super::whiteout::{opaque, whiteout};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::plan::{Content, PlanBuilder};
use crate::tar::{Entry, Kind, is_within, parent_of};

/// Adds everything in the upper directory `path` to `plan`: whiteouts and opaque directories in the
/// notation of layers, all else as [`add_tree`](super::add_tree) does.
///
/// What points at a lower directory is an error, for those are not known here: what has no content of
/// its own (`redirect`, `metacopy`), and a file that has other names there (`nlink`).
pub(crate) fn add_overlay(
    plan: &mut PlanBuilder,
    path: &Path,
    policy: &Policy,
    threads: usize,
    cancel: &Cancel,
) -> Result<()> {
    let mut tree = Tree::open(plan, path, policy, cancel)?;
    tree.with_xattrs = true;
    let mut upper = Upper { plan, tree: &tree, marked: Vec::new() };
    walk(&tree, threads, |met| match met {
        Met::Entry(entry, content, excluded) => upper.add(entry, content, excluded),
        Met::Socket(path) => {
            tree.warn_of_socket(upper.plan, &path);
            Ok(())
        }
    })
}

struct Upper<'a> {
    plan: &'a mut PlanBuilder,
    tree: &'a Tree<'a>,
    /// The directory entered last that is marked to hold whiteouts that are regular files, and
    /// those above it.
    marked: Vec<Box<[u8]>>,
}

impl Upper<'_> {
    fn add(&mut self, mut entry: Entry, content: Content, excluded: bool) -> Result<()> {
        if let Some(name) = points_below(&entry) {
            return Err(self.refuse(
                &entry,
                &format!(
                    "its attribute `overlay.{name}` says that a part of it is in a lower \
                     directory: mount the overlay and take the difference of the directories"
                ),
            ));
        }
        while self.marked.last().is_some_and(|above| !is_within(&entry.path, above)) {
            self.marked.pop();
        }
        if self.is_whiteout(&entry)? {
            let entry = whiteout(&entry.path, self.tree.policy);
            self.plan.push(entry, Content::None, false);
            return Ok(());
        }
        let is_opaque = entry.is_directory() && self.is_opaque(&entry)?;
        let marker = is_opaque.then(|| opaque(&entry.path, self.tree.policy));
        self.tree.apply_policy(&mut entry)?;
        self.plan.push(entry, content, excluded);
        if let Some(marker) = marker {
            self.plan.push(marker, Content::None, false);
        }
        Ok(())
    }

    /// Whether a directory hides what is below it; takes note of one that holds whiteouts.
    fn is_opaque(&mut self, entry: &Entry) -> Result<bool> {
        match attribute(entry, "opaque") {
            None => Ok(false),
            Some(b"y") => Ok(true),
            Some(b"x") => {
                self.marked.push(entry.path.clone());
                Ok(false)
            }
            Some(_) => Err(self.refuse(entry, "its attribute `overlay.opaque` is neither y nor x")),
        }
    }

    fn is_whiteout(&self, entry: &Entry) -> Result<bool> {
        if entry.kind == (Kind::CharDevice { major: 0, minor: 0 }) {
            return Ok(true);
        }
        let empty = entry.kind == Kind::Regular && entry.size == 0;
        if !empty || attribute(entry, "whiteout").is_none() {
            return Ok(false);
        }
        if self.marked.last().map(|marked| &**marked) != parent_of(&entry.path) {
            // The kernel would show an empty file, which nobody can have meant.
            return Err(self.refuse(
                entry,
                "it has the attribute `overlay.whiteout`, but its directory is not marked with \
                 `overlay.opaque` = x",
            ));
        }
        Ok(true)
    }

    fn refuse(&self, entry: &Entry, reason: &str) -> Error {
        Error::unsupported(self.tree.shown(&entry.path), reason)
    }
}

/// The attribute that says that an entry is not whole without a lower directory.
///
/// With `index=on` all names of a lower file are one file still when it is changed by one of them,
/// but the others stay where they are. `nlink` is the number of all names, relative to the links of
/// the upper inode, of which one is the index's own: `U-1` when every name is in the upper directory
/// (`ovl_nlink_start` in the kernel's fs/overlayfs/util.c).
fn points_below(entry: &Entry) -> Option<&'static str> {
    let has = |name: &&str| match attribute(entry, name) {
        Some(value) => *name != "nlink" || value != b"U-1",
        None => false,
    };
    ["redirect", "metacopy", "nlink"].into_iter().find(has)
}

/// The value of an attribute of the overlay, in either of its name spaces.
fn attribute<'a>(entry: &'a Entry, name: &str) -> Option<&'a [u8]> {
    ["trusted.overlay.", "user.overlay."].iter().find_map(|space| {
        let named = |full: &[u8]| full.strip_prefix(space.as_bytes()) == Some(name.as_bytes());
        entry.xattrs.iter().find(|xattr| named(&xattr.name)).map(|xattr| &*xattr.value)
    })
}
