//! What is on the host: a walk, or one look.

use std::ffi::CString;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, statat};

use super::super::directory::Root;
use super::super::tree::{Child, Met, Tree, look_at_one, shown, walk};
use super::super::{Patterns, Policy};
use super::push;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::plan::{Content, PlanBuilder};
use crate::tar::{Entry, split_path};

/// See [`Item::Host`](super::Item::Host).
pub(super) struct HostItem<'a> {
    pub(super) root: &'a Path,
    pub(super) path: &'a [u8],
    pub(super) policy: &'a Policy,
    pub(super) ignore: &'a Patterns,
    pub(super) contents: bool,
}

impl HostItem<'_> {
    pub(super) fn add(
        &self,
        plan: &mut PlanBuilder,
        threads: usize,
        cancel: &Cancel,
    ) -> Result<()> {
        let path = shown(self.root, self.path);
        let io = |error| Error::io("open", &path, error);
        let root = Root::open(self.root)?;
        let (parent, name) = split_path(self.path);
        if name.is_empty() {
            return self.add_directory(plan, root, &path, threads, cancel);
        }
        let parent = root.below(parent).map_err(io)?;
        let name = CString::new(name)
            .map_err(|_| Error::unsupported(&path, "its name holds a NUL byte"))?;
        let stat = statat(parent.handle(), &name, AtFlags::SYMLINK_NOFOLLOW).map_err(io)?;
        if self.contents || FileType::from_raw_mode(stat.st_mode).is_dir() {
            let directory = parent.below(name.to_bytes()).map_err(io)?;
            return self.add_directory(plan, directory, &path, threads, cancel);
        }
        if self.ignore.excludes(self.path) {
            return Ok(());
        }
        let tree = Tree::one(plan, parent, name.to_bytes(), &path, self.policy, cancel);
        match look_at_one(&tree, &name)? {
            Child::Entry(entry, content) => push_found(plan, &tree, entry, content.alone(), false),
            Child::Socket(path) => {
                tree.warn_of_socket(plan, &path);
                Ok(())
            }
            Child::Directory(_) => Err(Error::changed(&path, "it is a directory now")),
        }
    }

    fn add_directory(
        &self,
        plan: &mut PlanBuilder,
        root: Root,
        path: &Path,
        threads: usize,
        cancel: &Cancel,
    ) -> Result<()> {
        if self.ignore.excludes(self.path) && !self.ignore.has_negation() {
            return Ok(());
        }
        let mut tree = Tree::of(plan, root, path, self.policy, cancel);
        tree.ignore = (!self.ignore.is_empty()).then_some((self.ignore, self.path));
        walk(&tree, threads, |met| match met {
            Met::Entry(entry, ..) if self.contents && entry.path.is_empty() => Ok(()),
            Met::Entry(entry, content, excluded) => {
                push_found(plan, &tree, entry, content, excluded)
            }
            Met::Socket(path) => {
                tree.warn_of_socket(plan, &path);
                Ok(())
            }
        })
    }
}

fn push_found(
    plan: &mut PlanBuilder,
    tree: &Tree<'_>,
    mut entry: Entry,
    content: Content,
    excluded: bool,
) -> Result<()> {
    tree.apply_policy(&mut entry)?;
    push(plan, entry, content, excluded)
}
