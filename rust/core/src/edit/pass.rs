//! One entry goes through all edits.

use super::{Edit, Edits, PathRules, Put};
use crate::error::{Error, Result, display_path};
use crate::source::set_mode;
use crate::tar::{Entry, Kind, is_within};

/// What edits did to an entry that they kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// A directory that is left out unless something below it is kept.
    pub(crate) optional: bool,
    /// The renames that gave it another path, a bit for each; those from the 64th on share one.
    pub(crate) moved: u64,
    /// No source has it: it is there as a parent of what one has.
    pub(crate) implied: bool,
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
    /// The place of the last edit that rewrites it, which is for one name.
    rewritten: Option<u16>,
}

impl Passed {
    /// The record of a directory that is only there as a parent.
    pub(crate) fn implied() -> Self {
        Self { implied: true, ..Self::default() }
    }

    /// Whether the directory with this record counts less than another at its path.
    ///
    /// One that is left out does. Otherwise the last rename that moved only one of them brought it
    /// to the other, which was there: that is the one with the smaller number.
    pub(crate) fn gives_way_to(self, other: Self) -> bool {
        (self.optional, self.moved) > (other.optional, other.moved)
    }

    /// The record of a hard link that was given another target.
    pub(crate) const fn adopted(self) -> Self {
        Self { orphan: false, ..self }
    }

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

/// What edits of modes and content ask of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// A file with content.
    Regular,
    /// A symbolic link, which has no mode.
    Symlink,
    /// Anything else.
    Other,
}

impl Nature {
    /// That of `entry`; of a hard link, that of what it leads to in all but rare archives.
    pub(crate) const fn of(entry: &Entry) -> Self {
        match entry.kind {
            Kind::Regular | Kind::HardLink(_) => Self::Regular,
            Kind::Symlink(_) => Self::Symlink,
            _ => Self::Other,
        }
    }
}

/// What one edit does with an entry.
enum Fate {
    Untouched,
    Changed,
    Optional,
    Rewritten,
    Dropped,
}

impl Edits {
    /// Applies all edits to an entry of a source. `None`: it is left out.
    pub(crate) fn pass(&mut self, entry: &mut Entry) -> Option<Passed> {
        self.pass_as(Nature::of(entry), entry)
    }

    /// The same for a hard link, whose target is of this nature.
    pub(crate) fn pass_as(&mut self, nature: Nature, entry: &mut Entry) -> Option<Passed> {
        self.pass_from(0, nature, entry)
    }

    /// Applies the edits from the place `first` on.
    pub(super) fn pass_from(
        &mut self,
        first: usize,
        nature: Nature,
        entry: &mut Entry,
    ) -> Option<Passed> {
        let mut passed = Passed::default();
        let renames = self.steps[..first].iter().filter(|step| step.edit.is_rename()).count();
        let mut rename = 1 << renames.min(63);
        self.due.clear();
        for (place, step) in self.steps.iter_mut().enumerate().skip(first) {
            if let Kind::HardLink(target) = &mut entry.kind
                && !passed.orphan
            {
                passed.orphan = !follow(&step.edit, nature, target);
            }
            let fate = apply(&step.edit, nature, entry, &mut passed);
            if step.edit.is_rename() {
                if matches!(fate, Fate::Changed) {
                    passed.moved |= rename;
                }
                rename = rename.max(rename << 1);
            }
            match fate {
                Fate::Untouched => continue,
                Fate::Changed => {
                    if matches!(step.edit, Edit::Truncate(_)) {
                        self.due.clear();
                    }
                }
                // Whether it is met shows when the content is there.
                Fate::Rewritten => {
                    self.due.push(place);
                    passed.touched.rewritten = u16::try_from(place).ok();
                    continue;
                }
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

fn apply(edit: &Edit, nature: Nature, entry: &mut Entry, passed: &mut Passed) -> Fate {
    match edit {
        Edit::Exclude(patterns) if !patterns.excludes(&entry.path) => Fate::Untouched,
        Edit::Exclude(patterns) if entry.is_directory() && patterns.has_negation() => {
            Fate::Optional
        }
        Edit::PathRules(rules) if !leaves_out(rules, nature, &entry.path) => Fate::Untouched,
        // Rules that match a directory say nothing of what it holds.
        Edit::PathRules(_) if entry.is_directory() => Fate::Optional,
        Edit::Exclude(_) | Edit::PathRules(_) => Fate::Dropped,
        Edit::Remove(path) => dropped_if(covers(path, &entry.path)),
        Edit::Put(put) => dropped_if(replaces(put, &entry.path)),
        Edit::Rename { from, to } => rename(from, to, entry),
        Edit::Mode(patterns, mode) => {
            if nature == Nature::Symlink || !patterns.matches(&entry.path) {
                return Fate::Untouched;
            }
            set_mode(entry, *mode);
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
            if nature != Nature::Regular || !patterns.matches(&entry.path) {
                return Fate::Untouched;
            }
            entry.size = 0;
            passed.touched.content = true;
            Fate::Changed
        }
        Edit::Rewrite(edit) if nature == Nature::Regular && edit.path == entry.path => {
            Fate::Rewritten
        }
        Edit::Rewrite(_) => Fate::Untouched,
        Edit::ClampMtime(latest) => {
            entry.mtime = entry.mtime.min(*latest);
            Fate::Changed
        }
    }
}

fn rename(from: &[u8], to: &[u8], entry: &mut Entry) -> Fate {
    match renamed(from, to, &entry.path) {
        Some(path) => {
            entry.path = path;
            Fate::Changed
        }
        None => Fate::Untouched,
    }
}

/// Leads the target of a hard link through an edit, as if it were the entry at that path; says
/// whether it is still there.
fn follow(edit: &Edit, nature: Nature, target: &mut Box<[u8]>) -> bool {
    match edit {
        Edit::Exclude(patterns) => !patterns.excludes(target),
        Edit::PathRules(rules) => !leaves_out(rules, nature, target),
        Edit::Remove(path) => !covers(path, target),
        Edit::Put(put) => !replaces(put, target),
        Edit::Rename { from, to } => {
            if let Some(path) = renamed(from, to, target) {
                *target = path;
            }
            true
        }
        Edit::Mode(..)
        | Edit::Owner(..)
        | Edit::Truncate(_)
        | Edit::Rewrite(_)
        | Edit::ClampMtime(_) => true,
    }
}

/// What is put takes the place of what has its path; unless it is a directory, nothing of what was
/// below can stay.
fn replaces(put: &Put, path: &[u8]) -> bool {
    *put.path == *path || !put.is_directory() && is_within(path, &put.path)
}

fn leaves_out(rules: &PathRules, nature: Nature, path: &[u8]) -> bool {
    rules.excludes(path) && !(nature == Nature::Symlink && rules.keeps_link(path))
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
