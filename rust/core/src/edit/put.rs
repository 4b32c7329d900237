//! Entries that edits bring about.

use super::{Edit, Edits, Nature, inner_path};
use crate::error::{Error, Result, display_path};
use crate::plan::{Content, PlanBuilder};
use crate::source::{FileSource, Policy, file_entry};
use crate::tar::{Entry, Kind};

/// An entry to be put into a layer, in the place of what has its path. It has no extended
/// attributes.
#[derive(Clone, Debug)]
pub struct Put {
    pub(super) path: Box<[u8]>,
    what: What,
    mode: Option<u32>,
    owner: (u32, u32),
}

/// What is put.
#[derive(Clone, Debug)]
pub enum What {
    /// A regular file.
    File(FileSource),
    /// A directory; what is in the one it replaces stays.
    Directory,
    /// A symbolic link to this target.
    Symlink(Box<[u8]>),
}

impl Put {
    /// Something for `path`, as users write it. Without a mode a file of the host keeps its own,
    /// bytes get 0644 and a directory 0755. `owner`: its user and group.
    pub fn new(path: &[u8], what: What, mode: Option<u32>, owner: (u32, u32)) -> Result<Self> {
        if let What::Symlink(target) = &what
            && (target.is_empty() || target.contains(&0))
        {
            let path = display_path(path).display();
            return Err(Error::Argument(format!("the target of the link `{path}` is no path")));
        }
        Ok(Self { path: inner_path(path)?, what, mode, owner })
    }

    pub(super) const fn is_directory(&self) -> bool {
        matches!(self.what, What::Directory)
    }

    fn entry(&self, plan: &mut PlanBuilder, policy: &Policy) -> Result<(Entry, Content)> {
        let bare = |kind, mode| Entry {
            kind,
            mode,
            ..Entry::implied_directory(&self.path, policy.default_mtime())
        };
        let (entry, content) = match &self.what {
            What::File(source) => file_entry(plan, &self.path, source, policy)?,
            What::Directory => (bare(Kind::Directory, 0o755), Content::None),
            What::Symlink(target) => (bare(Kind::Symlink(target.clone()), 0o777), Content::None),
        };
        let mode = self.mode.unwrap_or(entry.mode);
        let (uid, gid) = self.owner;
        let mtime = policy.mtime_of(entry.mtime);
        Ok((Entry { mode, uid, gid, mtime, xattrs: Box::default(), ..entry }, content))
    }
}

impl Edits {
    /// Adds to `plan` all that its edits put, each after the edits behind it.
    pub(crate) fn put_all(plan: &mut PlanBuilder, policy: &Policy) -> Result<()> {
        for (place, put) in plan.edits().puts() {
            let (mut entry, content) = put.entry(plan, policy)?;
            if let Some(passed) = plan.edits().pass_from(place + 1, Nature::of(&entry), &mut entry)
            {
                plan.push_edited(entry, content, passed);
            }
        }
        Ok(())
    }

    /// What is put, with its place in the list. It takes effect, whatever it meets.
    fn puts(&mut self) -> Vec<(usize, Put)> {
        let mut puts = Vec::new();
        for (place, step) in self.steps.iter_mut().enumerate() {
            if let Edit::Put(put) = &step.edit {
                puts.push((place, put.clone()));
                step.met = true;
            }
        }
        puts
    }
}
