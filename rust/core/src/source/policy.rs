//! What happens to an entry's metadata between its source and the tar.

use crate::error::{Error, Result};
use crate::source::Patterns;
use crate::tar::{Entry, Kind, Xattr, normalize_path};

/// Rules for owner, mode, time, place and attributes; the same for every kind of source.
///
/// The default keeps all that a layer can hold.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Where the source's root goes in the layer; empty for the layer's own root.
    pub prefix: Box<[u8]>,
    /// Owner and group of every entry; `None` keeps each one's own.
    pub owner: Option<(u32, u32)>,
    /// Permission bits of every file; directories get search permission wherever these give read
    /// permission. `None` keeps each one's own.
    pub mode: Option<u32>,
    /// Modification time of every entry in seconds; `None` keeps each one's own.
    pub mtime: Option<i64>,
    /// No modification time is later than this one (`SOURCE_DATE_EPOCH`).
    pub clamp_mtime: Option<i64>,
    /// Leaves every extended attribute out.
    pub drop_xattrs: bool,
    /// What is left out, relative to the source's root.
    pub exclude: Patterns,
}

/// Attributes that describe the host, or the mount that a tree lies on, not the tree.
const HOST_XATTRS: [&[u8]; 3] = [b"security.selinux", b"trusted.overlay.", b"user.overlay."];

impl Policy {
    /// Sets the prefix from a path as users write it (`/opt/app`, `opt/app/`).
    pub fn with_prefix(mut self, prefix: &[u8]) -> Result<Self> {
        self.prefix = normalize_path(prefix)
            .map_err(|error| Error::Argument(format!("invalid prefix: {error}")))?;
        Ok(self)
    }

    /// Where `path` of the source lies in the layer.
    #[must_use]
    pub fn place(&self, path: &[u8]) -> Box<[u8]> {
        match (&*self.prefix, path) {
            (b"", path) => path.into(),
            (prefix, b"") => prefix.into(),
            (prefix, path) => [prefix, b"/", path].concat().into(),
        }
    }

    /// Applies all rules but `exclude` to an entry whose paths are relative to the source's root.
    pub fn apply(&self, entry: &mut Entry) {
        entry.path = self.place(&entry.path);
        if let Kind::HardLink(target) = &mut entry.kind {
            *target = self.place(target);
        }
        if let Some((uid, gid)) = self.owner {
            (entry.uid, entry.gid) = (uid, gid);
        }
        if let Some(mode) = self.mode {
            entry.mode = match entry.kind {
                Kind::Directory => mode | (mode & 0o444) >> 2,
                // The kernel ignores a link's mode and shows this one.
                Kind::Symlink(_) => 0o777,
                _ => mode,
            };
        }
        entry.mtime = self.mtime_of(entry.mtime);
        self.filter_xattrs(&mut entry.xattrs);
    }

    /// The time that an entry with the time `mtime` gets.
    #[must_use]
    pub fn mtime_of(&self, mtime: i64) -> i64 {
        let mtime = self.mtime.unwrap_or(mtime);
        self.clamp_mtime.map_or(mtime, |latest| mtime.min(latest))
    }

    /// The time of what has none of its own: directories made as parents, content given as bytes.
    #[must_use]
    pub fn default_mtime(&self) -> i64 {
        self.mtime_of(self.clamp_mtime.unwrap_or(0))
    }

    fn filter_xattrs(&self, xattrs: &mut Box<[Xattr]>) {
        if xattrs.is_empty() {
            return;
        }
        let mut kept = std::mem::take(xattrs).into_vec();
        kept.retain(|xattr| !self.drop_xattrs && !is_host_xattr(&xattr.name));
        kept.sort();
        *xattrs = kept.into();
    }
}

fn is_host_xattr(name: &[u8]) -> bool {
    HOST_XATTRS.iter().any(|&host| match host {
        [.., b'.'] => name.starts_with(host),
        _ => name == host,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(path: &[u8]) -> Entry {
        Entry::implied_directory(path, 50)
    }

    #[test]
    fn a_prefix_moves_paths_and_hard_link_targets_but_not_symlink_targets() {
        let policy = Policy::default().with_prefix(b"/opt/app/").unwrap();
        let mut entry = Entry { kind: Kind::HardLink(b"a"[..].into()), ..directory(b"b") };
        policy.apply(&mut entry);
        assert_eq!(&*entry.path, b"opt/app/b");
        assert_eq!(entry.kind, Kind::HardLink(b"opt/app/a"[..].into()));

        let mut entry = Entry { kind: Kind::Symlink(b"a"[..].into()), ..directory(b"") };
        policy.apply(&mut entry);
        assert_eq!(&*entry.path, b"opt/app");
        assert_eq!(entry.kind, Kind::Symlink(b"a"[..].into()));
    }

    #[test]
    fn a_fixed_mode_leaves_directories_searchable() {
        let policy = Policy { mode: Some(0o640), ..Policy::default() };
        let mut entry = directory(b"d");
        policy.apply(&mut entry);
        assert_eq!(entry.mode, 0o750);
    }

    #[test]
    fn a_clamp_makes_no_time_later_and_none_earlier() {
        let policy = Policy { clamp_mtime: Some(40), ..Policy::default() };
        assert_eq!([policy.mtime_of(39), policy.mtime_of(41)], [39, 40]);
        assert_eq!(policy.default_mtime(), 40);
        assert_eq!(Policy::default().default_mtime(), 0);
    }

    #[test]
    fn attributes_of_the_host_are_left_out_and_the_rest_is_sorted() {
        let names: [&[u8]; 5] = [
            b"user.b",
            b"security.selinux",
            b"trusted.overlay.opaque",
            b"security.capability",
            b"user.overlay.x",
        ];
        let xattrs = names.map(|name| Xattr { name: name.into(), value: Box::default() });
        let mut entry = Entry { xattrs: xattrs.into(), ..directory(b"d") };
        Policy::default().apply(&mut entry);
        let kept: Vec<&[u8]> = entry.xattrs.iter().map(|xattr| &*xattr.name).collect();
        assert_eq!(kept, [&b"security.capability"[..], b"user.b"]);
    }
}
