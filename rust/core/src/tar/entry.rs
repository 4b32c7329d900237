//! One member of an archive, without its content.

/// What a member is. Links carry their target, devices their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file; its content follows the header.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link with its target, byte for byte.
    Symlink(Box<[u8]>),
    /// A further name of a file that stands earlier in the archive under the given path.
    HardLink(Box<[u8]>),
    /// A named pipe.
    Fifo,
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
}

/// An extended attribute: its full name (`security.capability`) and its raw value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    /// Name with its namespace.
    pub name: Box<[u8]>,
    /// Value; may be empty.
    pub value: Box<[u8]>,
}

/// The metadata of one member.
///
/// User and group names, access and change times are left out by intent: they describe the host
/// that the archive was made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative path without `.` or `..` parts and without a slash at the end; the root is empty.
    pub path: Box<[u8]>,
    /// What it is.
    pub kind: Kind,
    /// Permission, set-id and sticky bits (`0o7777`).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time in whole seconds since 1970.
    pub mtime: i64,
    /// Bytes of content; zero for everything but regular files.
    pub size: u64,
    /// Extended attributes, sorted by name.
    pub xattrs: Box<[Xattr]>,
}

impl Entry {
    /// Bytes of its headers as they are in memory, about.
    pub(crate) fn header_size(&self) -> u64 {
        let target = match &self.kind {
            Kind::Symlink(target) | Kind::HardLink(target) => target.len(),
            _ => 0,
        };
        let attributes = self.xattrs.iter().map(|xattr| xattr.name.len() + xattr.value.len());
        (512 + 2 * self.path.len() + target + attributes.sum::<usize>()) as u64
    }

    /// A directory that no source names but that others need as their parent.
    ///
    /// The three directories that every base image has with other permissions keep those, so that
    /// a layer with `tmp/x` in it does not lock everybody else out of `/tmp`.
    #[must_use]
    pub fn implied_directory(path: &[u8], mtime: i64) -> Self {
        let mode = match path {
            b"tmp" | b"var/tmp" => 0o1777,
            b"root" => 0o700,
            _ => 0o755,
        };
        Self {
            path: path.into(),
            kind: Kind::Directory,
            mode,
            uid: 0,
            gid: 0,
            mtime,
            size: 0,
            xattrs: Box::default(),
        }
    }

    /// Whether this is a directory.
    #[must_use]
    pub const fn is_directory(&self) -> bool {
        matches!(self.kind, Kind::Directory)
    }
}
