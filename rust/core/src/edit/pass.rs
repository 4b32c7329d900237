//! One entry goes through all edits.

use super::{Edit, Edits, Put};
use crate::error::{Error, Result, display_path};
use crate::tar::{Entry, Kind, is_within};

/// What edits did to an entry that they kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// A directory that is left out unless something below it is kept.
    pub(crate) optional: bool,
    /// Its path is another one now.
    pub(crate) moved: bool,
    /// A hard link, of whose target an edit has left nothing at its path.
    pub(crate) orphan: bool,
    /// Mode, owner or content were set: those of an inode, which all its names share.
    touched: Touched,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Touched {
    mode: Option<u16>,
    owner: Option<(u32, u32)>,
    content: bool,
}

impl Passed {
    /// Whether `path`, with this record, may be one more name of `first`, which has the record
    /// `other`.
    pub(crate) fn check_link(self, other: Self, path: &[u8], first: &[u8]) -> Result<()> {
        if self.touched == other.touched {
            return Ok(());
        }
        let reason = format!(
            "it is the same file as `{}`, and an edit changes only one of them: name both",
            display_path(first).display()
        );
        Err(Error::unsupported(display_path(path), reason))
    }
}

/// What one edit does with an entry.
enum Fate {
    Untouched,
    Changed,
    Optional,
    Dropped,
}

impl Edits {
    /// Applies all edits to an entry of a source. `None`: it is left out.
    pub(crate) fn pass(&mut self, entry: &mut Entry) -> Option<Passed> {
        self.pass_from(0, entry)
    }

    /// Applies the edits from the place `first` on.
    pub(super) fn pass_from(&mut self, first: usize, entry: &mut Entry) -> Option<Passed> {
        let mut passed = Passed::default();
        for step in &mut self.steps[first..] {
            if let Kind::HardLink(target) = &mut entry.kind
                && !passed.orphan
            {
                passed.orphan = !follow(&step.edit, target);
            }
            match apply(&step.edit, entry, &mut passed) {
                Fate::Untouched => continue,
                Fate::Changed => {}
                Fate::Optional => passed.optional = true,
                Fate::Dropped => {
                    step.met = true;
                    return None;
                }
            }
            step.met = true;
        }
        Some(passed)
    }
}

fn apply(edit: &Edit, entry: &mut Entry, passed: &mut Passed) -> Fate {
    match edit {
        Edit::Exclude(patterns) if !patterns.excludes(&entry.path) => Fate::Untouched,
        Edit::Exclude(patterns) if entry.is_directory() && patterns.has_negation() => {
            Fate::Optional
        }
        Edit::PathRules(rules) if !rules.excludes(&entry.path) => Fate::Untouched,
        Edit::PathRules(rules) if entry.is_directory() && rules.has_include() => Fate::Optional,
        Edit::Exclude(_) | Edit::PathRules(_) => Fate::Dropped,
        Edit::Remove(path) => dropped_if(covers(path, &entry.path)),
        Edit::Put(put) => dropped_if(replaces(put, &entry.path)),
        Edit::Rename { from, to } => rename(from, to, entry, passed),
        Edit::Mode(patterns, mode) => {
            if matches!(entry.kind, Kind::Symlink(_)) || !patterns.matches(&entry.path) {
                return Fate::Untouched;
            }
            entry.mode = *mode;
            passed.touched.mode = u16::try_from(*mode).ok();
            Fate::Changed
        }
        Edit::Owner(patterns, uid, gid) => {
            if !patterns.matches(&entry.path) {
                return Fate::Untouched;
            }
            (entry.uid, entry.gid) = (*uid, *gid);
            passed.touched.owner = Some((*uid, *gid));
            Fate::Changed
        }
        Edit::Truncate(patterns) => {
            let file = matches!(entry.kind, Kind::Regular | Kind::HardLink(_));
            if !file || !patterns.matches(&entry.path) {
                return Fate::Untouched;
            }
            entry.size = 0;
            passed.touched.content = true;
            Fate::Changed
        }
        Edit::ClampMtime(latest) => {
            entry.mtime = entry.mtime.min(*latest);
            Fate::Changed
        }
    }
}

fn rename(from: &[u8], to: &[u8], entry: &mut Entry, passed: &mut Passed) -> Fate {
    match renamed(from, to, &entry.path) {
        Some(path) => {
            entry.path = path;
            passed.moved = true;
            Fate::Changed
        }
        None => Fate::Untouched,
    }
}

/// Leads the target of a hard link through an edit, as if it were the entry at that path; says
/// whether it is still there.
fn follow(edit: &Edit, target: &mut Box<[u8]>) -> bool {
    match edit {
        Edit::Exclude(patterns) => !patterns.excludes(target),
        Edit::PathRules(rules) => !rules.excludes(target),
        Edit::Remove(path) => !covers(path, target),
        Edit::Put(put) => !replaces(put, target),
        Edit::Rename { from, to } => {
            if let Some(path) = renamed(from, to, target) {
                *target = path;
            }
            true
        }
        Edit::Mode(..) | Edit::Owner(..) | Edit::Truncate(_) | Edit::ClampMtime(_) => true,
    }
}

/// What is put takes the place of what has its path; unless it is a directory, nothing of what was
/// below can stay.
fn replaces(put: &Put, path: &[u8]) -> bool {
    *put.path == *path || !put.is_directory() && is_within(path, &put.path)
}

fn covers(path: &[u8], other: &[u8]) -> bool {
    path == other || is_within(other, path)
}

fn renamed(from: &[u8], to: &[u8], path: &[u8]) -> Option<Box<[u8]>> {
    covers(from, path).then(|| [to, &path[from.len()..]].concat().into())
}

const fn dropped_if(dropped: bool) -> Fate {
    if dropped { Fate::Dropped } else { Fate::Untouched }
}
