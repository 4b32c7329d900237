//! Which paths are names of one file.
//!
//! No keyword says "hard link". A number of names above one does (`nlink=2`), and the inode tells
//! whose: the one that is stated, as libarchive does on demand and fastlayer always, else that of
//! the file below the base, as libarchive finds it.

use std::collections::HashMap;

use super::content::Found;
use crate::digest::Digest;
use crate::error::display_path;
use crate::mtree::{Record, Type};
use crate::plan::{Content, NO_DEVICE};
use crate::tar::Entry;

/// Device and number of an inode.
pub(super) type Identity = (u64, u64);

/// Whether the record describes a file that has other names too.
pub(super) fn has_others(record: &Record) -> bool {
    // Directories have links for other reasons.
    record.keywords.kind != Some(Type::Directory) && record.keywords.nlink > Some(1)
}

/// The first name of a file, with all that its other names must have, too.
struct First {
    entry: Entry,
    content: Content,
    digest: Option<Digest>,
    line: u64,
}

/// The files that may have other names still to come.
#[derive(Default)]
pub(super) struct Names {
    firsts: HashMap<Identity, First>,
    /// The stated inodes and their devices, numbered as they come.
    stated: HashMap<(u64, Option<(u32, u32)>), u64>,
}

impl Names {
    /// The identity that the record states.
    pub(super) fn stated(&mut self, record: &Record) -> Option<Identity> {
        let inode = record.keywords.inode.filter(|_| has_others(record))?;
        let next = self.stated.len() as u64;
        let number = self.stated.entry((inode, record.keywords.resdevice)).or_insert(next);
        Some((NO_DEVICE, *number))
    }

    /// What is known of a file from the first one that stated its identity: all its names have the
    /// content that was found for that one.
    pub(super) fn found(&self, identity: Identity, record: &Record) -> Option<Found> {
        let First { entry, content, .. } = self.firsts.get(&identity)?;
        Some(Found {
            mode: entry.mode,
            mtime: entry.mtime,
            size: record.keywords.size.unwrap_or(entry.size),
            content: content.clone(),
        })
    }

    /// Notes a name of a file. Fails if it is described in another way than the first one.
    pub(super) fn add(
        &mut self,
        identity: Identity,
        entry: &Entry,
        content: &Content,
        digest: Option<Digest>,
        line: u64,
    ) -> Result<(), String> {
        let Some(first) = self.firsts.get(&identity) else {
            let first = First { entry: entry.clone(), content: content.clone(), digest, line };
            self.firsts.insert(identity, first);
            return Ok(());
        };
        difference(first, entry, digest).map_or(Ok(()), |what| {
            Err(format!(
                "`{}` is another name of `{}` on line {}, but its {what} is another one",
                display_path(&entry.path).display(),
                display_path(&first.entry.path).display(),
                first.line,
            ))
        })
    }
}

/// The first thing in which two names are described differently.
fn difference(first: &First, entry: &Entry, digest: Option<Digest>) -> Option<&'static str> {
    let before = &first.entry;
    [
        ("`type`", before.kind == entry.kind),
        ("`mode`", before.mode == entry.mode),
        ("`uid`", before.uid == entry.uid),
        ("`gid`", before.gid == entry.gid),
        ("`time`", before.mtime == entry.mtime),
        ("`size`", before.size == entry.size),
        ("`sha256digest`", first.digest == digest),
        ("`xattr`", before.xattrs == entry.xattrs),
    ]
    .into_iter()
    .find_map(|(what, same)| (!same).then_some(what))
}
