//! What a layer made from a stream holds so far, so that every engine can apply it in order.

use std::collections::HashMap;

use super::Form;
use crate::edit::Passed;
use crate::error::{Error, Result, display_path, reason};
use crate::source::names::{check_name, check_whiteout};
use crate::stack::{Ground, check_form, is_whiteout};
use crate::tar::{Entry, Kind, append_header, parents_of};

const LATE: &str = "its entry comes after an entry inside it";

/// The entries written so far.
#[derive(Debug)]
pub(super) struct Ledger {
    form: Form,
    written: HashMap<Box<[u8]>, Written>,
    /// What edits did to entries that may be the target of a hard link.
    passed: HashMap<Box<[u8]>, Passed>,
    /// Directories that are written when something in them is, or their own entry comes.
    passed_over: HashMap<Box<[u8]>, Entry>,
    /// What edits did to the directories of which later entries say nothing new.
    given: HashMap<Box<[u8]>, Passed>,
    ground: Option<Ground>,
    entries: u64,
}

/// As much of an entry as later ones ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Directory,
    /// A directory that had to stand before its content came; its own entry did not come first.
    Parent,
    /// Anything that holds no entries.
    Leaf,
}

impl Ledger {
    /// Parents that a layer lacks lie in the ground as they should; those of a tree are put in as
    /// they are there.
    pub(super) fn new(form: Form, ground: Option<Ground>) -> Self {
        Self {
            form,
            written: HashMap::new(),
            passed: HashMap::new(),
            passed_over: HashMap::new(),
            given: HashMap::new(),
            ground: ground.filter(|_| form == Form::Tree),
            entries: 0,
        }
    }

    pub(super) const fn entries(&self) -> u64 {
        self.entries
    }

    /// Keeps a directory that was left out, for the case that something in it is not. Where that
    /// came before, and edits moved it there, is an error.
    pub(super) fn pass_over(&mut self, directory: Entry, passed: Passed) -> Result<()> {
        if self.is_given(&directory.path, passed) {
            return Ok(());
        }
        if self.written.get(&directory.path) == Some(&Written::Parent) {
            return Err(out_of_order(&directory, LATE));
        }
        self.passed_over.insert(directory.path.clone(), directory);
        Ok(())
    }

    /// Keeps a directory of which later entries say nothing new.
    pub(super) fn give(&mut self, directory: Entry, passed: Passed) {
        if !self.is_given(&directory.path, passed) {
            self.given.insert(directory.path.clone(), passed);
            self.passed_over.insert(directory.path.clone(), directory);
        }
    }

    /// Whether a directory that was given counts more than one that edits did this to.
    fn is_given(&self, path: &[u8], passed: Passed) -> bool {
        self.given.get(path).is_some_and(|given| !given.gives_way_to(passed))
    }

    /// Appends the headers of `entry` to `out`, after those of the parents that it lacks; says
    /// whether it is new. Parents that the archive does not describe get the time `mtime`.
    pub(super) fn append(
        &mut self,
        entry: &Entry,
        passed: Passed,
        mtime: i64,
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        self.check_names(entry)?;
        let landed = self.landed(entry);
        let entry = landed.as_ref().unwrap_or(entry);
        if !self.is_new(entry, passed)? {
            return Ok(false);
        }
        if let Kind::HardLink(target) = &entry.kind {
            self.check_target(entry, passed, target)?;
        }
        for parent in self.missing_parents(entry)? {
            match self.passed_over.remove(parent) {
                Some(directory) => self.write(&directory, Written::Parent, out)?,
                // A layer has no entry for its root unless the source has one.
                None if parent.is_empty() || self.form == Form::Layer => {
                    self.written.insert(parent.into(), Written::Parent);
                }
                None => {
                    let known = self.ground.as_ref().and_then(|ground| ground.directory(parent));
                    let directory =
                        known.unwrap_or_else(|| Entry::implied_directory(parent, mtime));
                    self.write(&directory, Written::Parent, out)?;
                }
            }
        }
        let is_given = entry.is_directory() && self.is_given(&entry.path, passed);
        let given = is_given.then(|| self.passed_over.remove(&entry.path)).flatten();
        let entry = given.as_ref().unwrap_or(entry);
        let written = if entry.is_directory() { Written::Directory } else { Written::Leaf };
        if passed != Passed::default() {
            self.passed.insert(entry.path.clone(), passed);
        }
        self.write(entry, written, out)?;
        Ok(true)
    }

    /// The entry as it is if links of the ground lead elsewhere.
    fn landed(&self, entry: &Entry) -> Option<Entry> {
        let ground = self.ground.as_ref()?;
        let is_own = |path: &[u8]| {
            let passed_over =
                || self.passed_over.contains_key(path) && !self.given.contains_key(path);
            self.written.contains_key(path) || passed_over()
        };
        let landing = |path: &[u8]| ground.landing(path, is_own);
        let link = match &entry.kind {
            Kind::HardLink(target) => landing(target).map(Kind::HardLink),
            _ => None,
        };
        let path = landing(&entry.path);
        if path.is_none() && link.is_none() {
            return None;
        }
        let mut landed = entry.clone();
        landed.path = path.unwrap_or(landed.path);
        landed.kind = link.unwrap_or(landed.kind);
        Some(landed)
    }

    fn write(&mut self, entry: &Entry, written: Written, out: &mut Vec<u8>) -> Result<()> {
        append_header(entry, out)?;
        self.written.insert(entry.path.clone(), written);
        self.entries += 1;
        Ok(())
    }

    /// Names that mean something else in a layer, or nothing at all.
    fn check_names(&self, entry: &Entry) -> Result<()> {
        if self.form == Form::Layer && is_whiteout(&entry.path) {
            return check_whiteout(entry);
        }
        check_name(&entry.path)?;
        check_form(entry)
    }

    /// The directories above `entry` that are not written yet, from the root down.
    fn missing_parents<'a>(&self, entry: &'a Entry) -> Result<Vec<&'a [u8]>> {
        let mut missing = Vec::new();
        for parent in parents_of(&entry.path) {
            match self.written.get(parent) {
                // Whatever is written has its own parents.
                Some(Written::Directory | Written::Parent) => break,
                Some(Written::Leaf) => return Err(out_of_order(entry, reason::lies_in(parent))),
                None => missing.push(parent),
            }
        }
        missing.reverse();
        Ok(missing)
    }

    /// Whether nothing was written at this path. What was, and cannot be taken back, is an error.
    fn is_new(&self, entry: &Entry, passed: Passed) -> Result<bool> {
        let Some(written) = self.written.get(&entry.path) else { return Ok(true) };
        let was_moved = self.passed.get(&entry.path).map_or(0, |passed| passed.moved);
        // Of two directories, the one that was there counts more than one that was moved there.
        let settled = passed.moved > was_moved && *written == Written::Directory;
        let given = *written != Written::Leaf && self.is_given(&entry.path, passed);
        if entry.is_directory() && (settled || given) {
            return Ok(false);
        }
        let reason = match written {
            _ if passed.moved > 0 || was_moved > 0 => reason::TWO_ENTRIES,
            Written::Parent if entry.is_directory() => LATE,
            _ => "the archive holds it twice",
        };
        Err(out_of_order(entry, reason))
    }

    /// Engines make a hard link when they come to it, so its target must be there by then.
    fn check_target(&self, entry: &Entry, passed: Passed, target: &[u8]) -> Result<()> {
        if passed.orphan {
            return Err(out_of_order(entry, reason::links_to(target, "is left out")));
        }
        match self.written.get(target) {
            Some(Written::Leaf) => {
                let other = self.passed.get(target).copied().unwrap_or_default();
                passed.check_link(other, &entry.path, target)
            }
            Some(_) => Err(refused(entry, reason::links_to(target, "is a directory"))),
            None => Err(out_of_order(entry, reason::links_to(target, "does not stand before it"))),
        }
    }
}

fn refused(entry: &Entry, reason: impl Into<String>) -> Error {
    Error::unsupported(display_path(&entry.path), reason)
}

fn out_of_order(entry: &Entry, reason: impl Into<String>) -> Error {
    let path = display_path(&entry.path).to_path_buf();
    Error::OutOfOrder { path, reason: reason.into() }
}
