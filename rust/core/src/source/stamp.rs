//! Which file it was, and in which state: taken at plan time, compared whenever it is read.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{FileType, Stat, fstat};

const TIME_MOVED: &str = "its modification or change time moved";

/// The identity and state of a regular file. A difference means that the header that was planned
/// and the content that is read do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: i64,
    changed: i64,
    /// Fewer blocks than bytes: it has holes that need not be read.
    pub(crate) sparse: bool,
    /// The inode has other names too.
    shared: bool,
}

impl Stamp {
    pub(crate) fn of(stat: &Stat) -> Self {
        // Only ever compared, so that years beyond 2262 may wrap.
        let nanoseconds = |seconds: i64, fraction: u64| {
            seconds.wrapping_mul(1_000_000_000).wrapping_add_unsigned(fraction)
        };
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: size_of(stat),
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
            shared: stat.st_nlink > 1,
            sparse: (stat.st_blocks.unsigned_abs() * 512) < size_of(stat),
        }
    }

    /// Of an open file; of a pipe or device, `None`.
    pub(crate) fn of_file(file: impl AsFd) -> io::Result<Option<Self>> {
        let stat = fstat(file)?;
        Ok(FileType::from_raw_mode(stat.st_mode).is_file().then(|| Self::of(&stat)))
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Device and number of an inode that has several names.
    pub(crate) fn shared_identity(&self) -> Option<(u64, u64)> {
        self.shared.then_some((self.device, self.inode))
    }

    /// The same file, whose other names don't matter.
    pub(crate) const fn alone(self) -> Self {
        Self { shared: false, ..self }
    }

    /// What is different in `now`, in words; `None` when it is the same file in the same state.
    pub(crate) fn difference(&self, now: &Stat) -> Option<String> {
        if !FileType::from_raw_mode(now.st_mode).is_file() {
            return Some("it is no longer a regular file".into());
        }
        let seen = Self::of(now);
        if (self.device, self.inode) != (seen.device, seen.inode) {
            return Some("another file took its place".into());
        }
        let moved = || (self.changed != seen.changed).then(|| TIME_MOVED.into());
        self.other_content(now).or_else(moved)
    }

    /// The same of a file that is open, whose names and mode don't matter.
    pub(crate) fn other_content(&self, now: &Stat) -> Option<String> {
        let now = Self::of(now);
        if self.size != now.size {
            Some(format!("it had {} bytes and now has {}", self.size, now.size))
        } else if self.modified != now.modified {
            Some(TIME_MOVED.into())
        } else {
            None
        }
    }
}

/// The size as the unsigned number that it is.
pub(crate) fn size_of(stat: &Stat) -> u64 {
    stat.st_size.unsigned_abs()
}
