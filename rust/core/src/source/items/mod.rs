//! A layer put together of items: things from several places, each with a place of its own.

mod archive;
mod host;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::layers::{Layers, Selection, Surveyed};
use super::names::check_name;
use super::{ArchiveFile, Patterns, Policy};
use crate::cancel::Cancel;
use crate::error::{Error, Result, display_path};
use crate::plan::{Content, PlanBuilder};
use crate::tar::{Entry, Kind, normalize_path};

/// What a layer is put together of.
#[derive(Debug)]
pub struct Items {
    /// Layer blobs that items are parts of.
    pub layers: Vec<ArchiveFile>,
    /// In their order: a later one takes the place of what an earlier one has at a path.
    pub items: Vec<Item>,
}

/// One thing in a layer. Its policy has its exact place as the prefix.
#[derive(Clone, Debug)]
pub enum Item {
    /// A file, link or directory of the host, with all that it holds. No link is followed.
    Host {
        /// A directory.
        root: PathBuf,
        /// The item below that, in normal form; empty for the directory itself.
        path: Box<[u8]>,
        /// Its patterns are relative to the item.
        policy: Policy,
        /// What is left out besides, relative to `root`.
        ignore: Patterns,
        /// Only what is in the directory, without an entry for itself.
        contents: bool,
    },
    /// A regular file.
    Bytes {
        /// Below the prefix of the policy, in normal form.
        path: Box<[u8]>,
        /// What it holds.
        content: Arc<[u8]>,
        /// Permission bits, before the policy.
        mode: u32,
        /// Owner, time and the like.
        policy: Policy,
    },
    /// A directory at this place.
    Directory {
        /// In normal form.
        path: Box<[u8]>,
        /// Permission bits.
        mode: u32,
        /// Owner and group.
        owner: (u32, u32),
        /// In seconds since 1970; `None` is the time of missing parents.
        mtime: Option<i64>,
    },
    /// What stays at a path when layers are applied.
    Layers {
        /// By their places among the blobs, the lowest first.
        layers: Vec<usize>,
        /// In normal form; empty for all.
        path: Box<[u8]>,
        /// Its patterns are relative to that.
        policy: Policy,
        /// Only what is in the directory, without an entry for itself.
        contents: bool,
    },
    /// All entries of a tar, plain or compressed, as they are when it is unpacked.
    Archive {
        /// The file.
        file: PathBuf,
        /// Its patterns are relative to the root of the archive.
        policy: Policy,
    },
}

/// A path of an item as users write it, in normal form.
pub fn item_path(path: &[u8]) -> Result<Box<[u8]>> {
    normalize_path(path).map_err(|error| Error::Argument(format!("invalid path: {error}")))
}

impl Items {
    /// The same items, if none of them has to be read as a stream.
    pub(crate) fn again(&self) -> Option<Self> {
        let streams = |item: &Item| matches!(item, Item::Layers { .. } | Item::Archive { .. });
        let none = !self.items.iter().any(streams);
        none.then(|| Self { layers: Vec::new(), items: self.items.clone() })
    }

    /// Opens the archives among them, in their order.
    pub(crate) fn archives(&self) -> Result<Vec<ArchiveFile>> {
        let file = |item: &_| match item {
            Item::Archive { file, .. } => Some(ArchiveFile::open(file)),
            _ => None,
        };
        self.items.iter().filter_map(file).collect()
    }

    /// Adds all items to `plan`, each as a part of its own; `archives` are those that are opened.
    /// Returns what gives the content that the plan does not have itself, unless there is none.
    pub(crate) fn add<'a>(
        &'a self,
        plan: &mut PlanBuilder,
        archives: &'a [ArchiveFile],
        made: &Policy,
        threads: usize,
        cancel: &'a Cancel,
    ) -> Result<Option<Layers<'a>>> {
        let layers = Layers::new(threads, cancel);
        let mut sources = Sources { items: self, layers, surveyed: HashMap::new() };
        let mut archives = archives.iter();
        for item in &self.items {
            cancel.check()?;
            plan.begin_part()?;
            match item {
                Item::Host { root, path, policy, ignore, contents } => {
                    let item = host::HostItem { root, path, policy, ignore, contents: *contents };
                    item.add(plan, threads, cancel)?;
                }
                Item::Bytes { path, content, mode, policy } => {
                    push_bytes(plan, path, content, *mode, policy)?;
                }
                Item::Directory { path, mode, owner, mtime } => {
                    let mtime = mtime.map_or(made.default_mtime(), |mtime| made.mtime_of(mtime));
                    let (uid, gid) = *owner;
                    let bare = Entry::implied_directory(path, mtime);
                    push(plan, Entry { mode: *mode, uid, gid, ..bare }, Content::None, false)?;
                }
                Item::Layers { layers, path, policy, contents } => {
                    let selection = Selection { path, policy, contents: *contents };
                    sources.add(plan, layers, selection)?;
                }
                Item::Archive { policy, .. } => {
                    let file = archives
                        .next()
                        .ok_or_else(|| Error::Internal("an archive was not opened".into()))?;
                    archive::add(plan, &mut sources.layers, file, policy)
                        .map_err(|error| error.in_archive(file.path()))?;
                }
            }
        }
        let Sources { layers, .. } = sources;
        Ok((!layers.is_empty()).then_some(layers))
    }
}

/// Layers, each list of them read once.
struct Sources<'a> {
    items: &'a Items,
    layers: Layers<'a>,
    surveyed: HashMap<&'a [usize], Surveyed<'a>>,
}

impl<'a> Sources<'a> {
    fn add(
        &mut self,
        plan: &mut PlanBuilder,
        places: &'a [usize],
        selection: Selection<'_>,
    ) -> Result<()> {
        let mut surveyed = match self.surveyed.remove(places) {
            Some(surveyed) => surveyed,
            None => self.layers.look_at(places.iter().map(|&place| &self.items.layers[place]))?,
        };
        let push = |entry, content, excluded| push(plan, entry, content, excluded);
        self.layers.select(&mut surveyed, selection, push)?;
        self.surveyed.insert(places, surveyed);
        Ok(())
    }
}

fn push_bytes(
    plan: &mut PlanBuilder,
    path: &[u8],
    content: &Arc<[u8]>,
    mode: u32,
    policy: &Policy,
) -> Result<()> {
    let bare = Entry::implied_directory(path, policy.default_mtime());
    let size = content.len() as u64;
    let mut entry = Entry { kind: Kind::Regular, mode, size, ..bare };
    policy.apply_to_made(&mut entry);
    push(plan, entry, Content::Bytes(Arc::clone(content)), false)
}

/// Adds an entry, unless that would turn a directory of the ground into something else, or the other
/// way round: who asks for that has mistaken a place.
fn push(plan: &mut PlanBuilder, entry: Entry, content: Content, excluded: bool) -> Result<()> {
    check_name(&entry.path)?;
    if !excluded && plan.ground().is_some_and(|ground| ground.is_turned_by(&entry)) {
        let reason = if entry.is_directory() {
            "it is a directory, and the layers below have something else there"
        } else {
            "it is no directory, and the layers below have one there"
        };
        return Err(Error::unsupported(display_path(&entry.path), reason));
    }
    plan.push(entry, content, excluded);
    Ok(())
}

#[cfg(test)]
mod tests;
