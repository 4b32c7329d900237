//! Single files and bytes as a source: each with a place of its own in the layer.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, stat};
use rustix::io::{Errno, retry_on_intr};

use super::stamp::{Stamp, size_of};
use super::xattr::Reached;
use super::{Policy, refuse_whiteout_name};
use crate::error::{Error, Result, display_path};
use crate::plan::{Content, Origin, PlanBuilder};
use crate::tar::{Entry, Kind, normalize_path, order_key, parents_of, split_path};

/// Where the content of a file in the layer comes from.
#[derive(Clone, Debug)]
pub enum FileSource {
    /// A regular file of the host. A link that the user names is followed.
    Path(PathBuf),
    /// The content itself, with mode 0644.
    Bytes(Arc<[u8]>),
}

/// Adds every `(destination, source)` to `plan`, sorted, with the directories above them.
///
/// Files keep their mode and time and belong to root unless the policy says otherwise: who owns
/// a file on the host says nothing about the image.
pub(crate) fn add_files(
    plan: &mut PlanBuilder,
    files: impl IntoIterator<Item = (Vec<u8>, FileSource)>,
    policy: &Policy,
) -> Result<()> {
    let found = arrange(files, policy)?;
    for (path, source) in found.into_values() {
        let (mut entry, content) = file_entry(plan, &path, &source, policy)?;
        match &source {
            FileSource::Path(file) => {
                policy.apply(&mut entry).map_err(|error| error.at(file))?;
            }
            FileSource::Bytes(_) => policy.apply_to_made(&mut entry),
        }
        plan.push(entry, content, false);
    }
    Ok(())
}

/// An entry for `source`, owned by root, with the file's other metadata as it is.
pub(crate) fn file_entry(
    plan: &mut PlanBuilder,
    path: &[u8],
    source: &FileSource,
    policy: &Policy,
) -> Result<(Entry, Content)> {
    match source {
        FileSource::Path(file) => from_host(plan, path, file, policy),
        FileSource::Bytes(bytes) => Ok(from_bytes(path, Arc::clone(bytes), policy)),
    }
}

/// The files by their place in the order of the layer.
type Arranged<T> = BTreeMap<Box<[u8]>, (Box<[u8]>, T)>;

/// Checks the destinations of files before any of them is looked at.
pub fn check_destinations(
    destinations: impl IntoIterator<Item = Vec<u8>>,
    policy: &Policy,
) -> Result<()> {
    arrange(destinations.into_iter().map(|destination| (destination, ())), policy).map(|_| ())
}

fn arrange<T>(
    files: impl IntoIterator<Item = (Vec<u8>, T)>,
    policy: &Policy,
) -> Result<Arranged<T>> {
    let invalid = |error: Error| Error::Argument(format!("invalid destination: {error}"));
    let mut arranged = Arranged::new();
    for (destination, source) in files {
        let path = normalize_path(&destination).map_err(invalid)?;
        let (_, name) = split_path(&path);
        if name.is_empty() {
            return Err(refuse(&destination, "names no file: a destination ends in a file's name"));
        }
        refuse_whiteout_name(name, || display_path(&destination)).map_err(invalid)?;
        if policy.exclude.excludes(&path) {
            continue;
        }
        if arranged.insert(order_key(&path), (path, source)).is_some() {
            return Err(refuse(&destination, "is the destination of two files"));
        }
    }
    for (path, _) in arranged.values() {
        if let Some(directory) =
            parents_of(path).find(|path| arranged.contains_key(&order_key(path)))
        {
            return Err(refuse(directory, "is the destination of a file and of a directory"));
        }
    }
    Ok(arranged)
}

fn refuse(destination: &[u8], reason: &str) -> Error {
    Error::Argument(format!("`{}` {reason}", display_path(destination).display()))
}

fn from_host(
    plan: &mut PlanBuilder,
    path: &[u8],
    file: &Path,
    policy: &Policy,
) -> Result<(Entry, Content)> {
    let io = |action| move |error| Error::io(action, file, error);
    // Looked at before it is opened: opening a pipe or a device could wait or do something.
    require_regular(&stat(file).map_err(io("open"))?, file)?;
    let handle = open_host_file(file).map_err(io("open"))?;
    let stat = fstat(&handle).map_err(io("stat"))?;
    require_regular(&stat, file)?;
    let xattrs = if policy.drop_xattrs {
        Box::default()
    } else {
        let reached = Reached::Handle(handle.as_fd());
        reached.read(&mut Vec::new()).map_err(io("read the attributes of"))?
    };
    let (uid, gid) = policy.owner.of_single_file((stat.st_uid, stat.st_gid));
    let entry = Entry {
        path: path.into(),
        kind: Kind::Regular,
        mode: stat.st_mode & 0o7777,
        uid,
        gid,
        mtime: stat.st_mtime,
        size: size_of(&stat),
        xattrs,
    };
    let origin = plan.add_origin(Origin::File(file.to_path_buf()));
    // Names that the user gave: two of one inode are two files.
    Ok((entry, Content::File { origin, stamp: Stamp::of(&stat).alone() }))
}

fn from_bytes(path: &[u8], bytes: Arc<[u8]>, policy: &Policy) -> (Entry, Content) {
    let entry = Entry {
        path: path.into(),
        kind: Kind::Regular,
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: policy.default_mtime(),
        size: bytes.len() as u64,
        xattrs: Box::default(),
    };
    (entry, Content::Bytes(bytes))
}

fn require_regular(stat: &Stat, file: &Path) -> Result<()> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Error::unsupported(
            file,
            "it is a directory where a file is expected: add it as a directory with a prefix",
        )),
        _ => Err(Error::unsupported(file, "it is not a regular file")),
    }
}

/// Opens a file that the user named, through links.
pub(crate) fn open_host_file(file: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    retry_on_intr(|| open(file, flags, Mode::empty()))
}
