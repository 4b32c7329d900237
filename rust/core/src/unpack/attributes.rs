//! The metadata of an entry, set on what was made for it.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{
    AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags, chmod, chownat, fchmod, fchown,
    fremovexattr, fsetxattr, futimens, lsetxattr, utimensat,
};
use rustix::io::Errno;

use crate::tar::{Entry, Xattr};

/// What was made, and how it is reached.
pub(super) enum Reached<'a> {
    /// A file or directory, open.
    Handle(BorrowedFd<'a>),
    /// A device or pipe by a handle that opens nothing (`O_PATH`).
    Node(BorrowedFd<'a>),
    /// A symbolic link by its name in a directory.
    Link(BorrowedFd<'a>, &'a [u8]),
}

/// The number that is nobody's: to the kernel it means that the owner stays (chown(2)).
const NOBODY: u32 = u32::MAX;

/// What an entry has besides its kind and content. Attributes that describe a host, as those of an
/// overlay do, were left out by the policy before.
pub(super) struct Attributes<'a>(pub(super) &'a Entry);

impl Attributes<'_> {
    /// Sets all of it; returns whether there were extended attributes that the file system does not
    /// keep, or only the host's root may set. An error comes with what failed.
    pub(super) fn set(&self, reached: &Reached<'_>) -> Result<bool, (&'static str, Errno)> {
        // A change of the owner takes away set-id bits and capabilities, so that it comes first.
        self.set_owner(reached).map_err(|error| ("set the owner of", error))?;
        self.set_mode(reached).map_err(|error| ("set the mode of", error))?;
        let lost = self.set_xattrs(reached).map_err(|error| ("set an attribute of", error))?;
        self.set_times(reached).map_err(|error| ("set the time of", error))?;
        Ok(lost)
    }

    fn set_owner(&self, reached: &Reached<'_>) -> Result<(), Errno> {
        let Entry { uid, gid, .. } = *self.0;
        if uid == NOBODY || gid == NOBODY {
            return Err(Errno::INVAL);
        }
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        match *reached {
            Reached::Handle(handle) => fchown(handle, uid, gid),
            Reached::Node(node) => chownat(node, c"", uid, gid, AtFlags::EMPTY_PATH),
            Reached::Link(parent, name) => {
                chownat(parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            }
        }
    }

    fn set_mode(&self, reached: &Reached<'_>) -> Result<(), Errno> {
        let mode = Mode::from_raw_mode(self.0.mode);
        match *reached {
            Reached::Handle(handle) => fchmod(handle, mode),
            Reached::Node(node) => chmod(by_handle(node), mode),
            Reached::Link(..) => Ok(()),
        }
    }

    fn set_xattrs(&self, reached: &Reached<'_>) -> Result<bool, Errno> {
        let mut lost = false;
        for Xattr { name, value } in &self.0.xattrs {
            let (name, flags) = (&**name, XattrFlags::empty());
            let set = match *reached {
                Reached::Handle(handle) => fsetxattr(handle, name, value, flags),
                Reached::Node(node) => rustix::fs::setxattr(by_handle(node), name, value, flags),
                Reached::Link(parent, link) => {
                    let mut path = by_handle(parent);
                    path.push(OsString::from_vec(link.to_vec()));
                    lsetxattr(path, name, value, flags)
                }
            };
            match set {
                Err(Errno::NOTSUP | Errno::PERM) => lost = true,
                set => set?,
            }
        }
        Ok(lost)
    }

    fn set_times(&self, reached: &Reached<'_>) -> Result<(), Errno> {
        let time = Timespec { tv_sec: self.0.mtime, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        match *reached {
            Reached::Handle(handle) => futimens(handle, &times),
            Reached::Node(node) => {
                utimensat(rustix::fs::CWD, by_handle(node), &times, AtFlags::empty())
            }
            Reached::Link(parent, name) => {
                utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)
            }
        }
    }
}

/// Takes the access control list from a directory that all made in it would inherit.
pub(super) fn drop_default_list(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    match fremovexattr(directory, c"system.posix_acl_default") {
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(()),
        removed => removed,
    }
}

/// A path to what a handle stands for, whatever its names are by now.
fn by_handle(handle: BorrowedFd<'_>) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()))
}
