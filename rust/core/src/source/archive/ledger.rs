//! What a layer made from a stream holds so far, so that every engine can apply it in order.

use std::collections::HashMap;

use crate::error::{Error, Result, display_path};
use crate::source::refuse_whiteout_name;
use crate::tar::{Entry, Kind, append_header, parent_of};

/// The entries written so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    written: HashMap<Box<[u8]>, Written>,
    passed_over: HashMap<Box<[u8]>, Entry>,
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
    pub(super) const fn entries(&self) -> u64 {
        self.entries
    }

    /// Keeps a directory that was left out, for the case that something in it is not.
    pub(super) fn pass_over(&mut self, directory: Entry) {
        self.passed_over.insert(directory.path.clone(), directory);
    }

    /// Appends the headers of `entry` to `out`, after those of the parents that it lacks. Parents
    /// that the archive does not describe get the time `mtime`.
    pub(super) fn append(&mut self, entry: &Entry, mtime: i64, out: &mut Vec<u8>) -> Result<()> {
        check_names(entry)?;
        self.check_new(entry)?;
        if let Kind::HardLink(target) = &entry.kind {
            self.check_target(entry, target)?;
        }
        for parent in self.missing_parents(entry)? {
            // A layer has no entry for its root unless the source has one.
            if parent.is_empty() {
                self.written.insert(Box::default(), Written::Parent);
                continue;
            }
            let directory = self
                .passed_over
                .remove(parent)
                .unwrap_or_else(|| Entry::implied_directory(parent, mtime));
            self.write(&directory, Written::Parent, out)?;
        }
        let written = if entry.is_directory() { Written::Directory } else { Written::Leaf };
        self.write(entry, written, out)
    }

    fn write(&mut self, entry: &Entry, written: Written, out: &mut Vec<u8>) -> Result<()> {
        append_header(entry, out)?;
        self.written.insert(entry.path.clone(), written);
        self.entries += 1;
        Ok(())
    }

    /// The directories above `entry` that are not written yet, from the root down.
    fn missing_parents<'a>(&self, entry: &'a Entry) -> Result<Vec<&'a [u8]>> {
        let mut missing = Vec::new();
        let mut path = &*entry.path;
        while let Some(parent) = parent_of(path) {
            match self.written.get(parent) {
                // Whatever is written has its own parents.
                Some(Written::Directory | Written::Parent) => break,
                Some(Written::Leaf) => {
                    let parent = display_path(parent).display();
                    let reason = format!("`{parent}`, in which it lies, is not a directory");
                    return Err(refused(entry, reason));
                }
                None => missing.push(parent),
            }
            path = parent;
        }
        missing.reverse();
        Ok(missing)
    }

    fn check_new(&self, entry: &Entry) -> Result<()> {
        let reason = match self.written.get(&entry.path) {
            None => return Ok(()),
            Some(Written::Parent) if entry.is_directory() => {
                "its entry comes after an entry inside it"
            }
            Some(Written::Parent) => "it is no directory, but the archive holds an entry inside it",
            Some(_) => "the archive holds it twice",
        };
        Err(refused(entry, reason))
    }

    /// Engines make a hard link when they come to it, so its target must be there by then.
    fn check_target(&self, entry: &Entry, target: &[u8]) -> Result<()> {
        let shown = display_path(target).display();
        match self.written.get(target) {
            Some(Written::Leaf) => Ok(()),
            Some(_) => {
                Err(refused(entry, format!("it is a hard link to `{shown}`, which is a directory")))
            }
            None => Err(refused(
                entry,
                format!("it is a hard link to `{shown}`, which does not stand before it"),
            )),
        }
    }
}

/// Names that mean something else in a layer, or nothing at all.
fn check_names(entry: &Entry) -> Result<()> {
    for part in entry.path.split(|&byte| byte == b'/') {
        refuse_whiteout_name(part, display_path(&entry.path))?;
    }
    match &entry.kind {
        Kind::Directory => Ok(()),
        _ if entry.path.is_empty() => {
            Err(refused(entry, "its path is the root's, but it is no directory"))
        }
        Kind::Symlink(target) if target.is_empty() => {
            Err(refused(entry, "it is a symbolic link without a target"))
        }
        _ => Ok(()),
    }
}

fn refused(entry: &Entry, reason: impl Into<String>) -> Error {
    Error::unsupported(display_path(&entry.path), reason)
}
