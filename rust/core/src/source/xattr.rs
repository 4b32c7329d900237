//! Extended attributes of an entry of a tree.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;

use rustix::fs::{fgetxattr, flistxattr, lgetxattr, llistxattr};
use rustix::io::Errno;

use crate::error::display_path;
use crate::tar::Xattr;

/// The kernel allows no larger list and no larger value.
const MAX: usize = 64 * 1024;

/// Enough for nearly all. The kernel allocates as much as it is offered, at every call.
const USUAL: usize = 1024;

/// How the attributes of an entry are reached.
pub(super) enum Reached<'a> {
    /// Through an open handle: files and directories.
    Handle(BorrowedFd<'a>),
    /// Through its name in an open directory: what cannot be opened (links, devices, pipes).
    Name(PathBuf),
}

impl<'a> Reached<'a> {
    /// The entry `name` of `directory`, without opening or following it.
    ///
    /// Linux has no `lgetxattrat` before 6.13; a path through the directory's own handle is as
    /// safe from renames above it.
    pub(super) fn by_name(directory: BorrowedFd<'a>, name: &[u8]) -> Self {
        let mut path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        path.push(display_path(name));
        Self::Name(path)
    }

    /// All attributes, in the order of the file system. A file system without them has none.
    pub(super) fn read(&self, scratch: &mut Vec<u8>) -> Result<Box<[Xattr]>, Errno> {
        let names = match grown(scratch, |buffer| self.list(buffer)) {
            Ok([]) | Err(Errno::NOTSUP) => return Ok(Box::default()),
            Ok(names) => names.to_vec(),
            Err(error) => return Err(error),
        };
        names
            .split(|&byte| byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| {
                let value = grown(scratch, |buffer| self.get(name, buffer))?;
                Ok(Xattr { name: name.into(), value: value.into() })
            })
            .collect()
    }

    fn list(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Handle(handle) => flistxattr(handle, buffer),
            Self::Name(path) => llistxattr(path, buffer),
        }
    }

    fn get(&self, name: &[u8], buffer: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Handle(handle) => fgetxattr(handle, name, buffer),
            Self::Name(path) => lgetxattr(path, name, buffer),
        }
    }
}

/// What a call puts into the buffer, which is larger when it has to be.
fn grown(
    scratch: &mut Vec<u8>,
    call: impl Fn(&mut [u8]) -> Result<usize, Errno>,
) -> Result<&[u8], Errno> {
    scratch.resize(MAX, 0);
    let length = match call(&mut scratch[..USUAL]) {
        Err(Errno::RANGE) => call(scratch)?,
        other => other?,
    };
    Ok(&scratch[..length])
}
