//! What happens to an entry's metadata between its source and the tar.

mod mode;
mod owner;
mod values;
mod xattrs;

use crate::error::{Error, Result, display_path};
use crate::source::Patterns;
use crate::tar::{Entry, Kind, join, normalize_path};

pub use mode::Mode;
pub use owner::{Owner, OwnerMap};
pub use xattrs::XattrNames;

/// Rules for owner, mode, time, place and attributes; the same for every kind of source.
///
/// The default keeps all that a layer can hold.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Where the source's root goes in the layer; empty for the layer's own root.
    pub prefix: Box<[u8]>,
    /// Owner and group.
    pub owner: Owner,
    /// Permission bits; `None` keeps each entry's own.
    pub mode: Option<Mode>,
    /// Modification time of every entry in seconds; `None` keeps each one's own.
    pub mtime: Option<i64>,
    /// No modification time is later than this one, such as that of `SOURCE_DATE_EPOCH`.
    pub clamp_mtime: Option<i64>,
    /// Leaves every extended attribute out; none is even read.
    pub drop_xattrs: bool,
    /// Keeps extended attributes of these names only.
    pub only_xattrs: Option<XattrNames>,
    /// What is left out, relative to the source's root.
    pub exclude: Patterns,
}

impl Policy {
    /// Whether every entry stays as it is, but for attributes of the host.
    #[must_use]
    pub(crate) fn keeps_all(&self) -> bool {
        let Self { prefix, owner, mode, mtime, clamp_mtime, drop_xattrs, only_xattrs, exclude } =
            self;
        prefix.is_empty()
            && matches!(owner, Owner::Usual | Owner::Keep)
            && mode.is_none()
            && mtime.is_none()
            && clamp_mtime.is_none()
            && !drop_xattrs
            && only_xattrs.is_none()
            && exclude.is_empty()
    }

    /// Sets the prefix from a path as users write it (`/opt/app`, `opt/app/`).
    pub fn with_prefix(mut self, prefix: &[u8]) -> Result<Self> {
        self.prefix = normalize_path(prefix)
            .map_err(|error| Error::Argument(format!("invalid prefix: {error}")))?;
        Ok(self)
    }

    /// Where `path` of the source lies in the layer.
    #[must_use]
    pub(crate) fn place(&self, path: &[u8]) -> Box<[u8]> {
        join(&self.prefix, path)
    }

    /// Applies all rules but `exclude` to an entry as it was found, whose paths are relative to the
    /// source's root.
    ///
    /// Fails for an id that has no place in the image; then the paths are as they were.
    pub fn apply(&self, entry: &mut Entry) -> Result<()> {
        if let Owner::Mapped(map) = &self.owner {
            // Ids in attributes that are left out need no place.
            self.filter_xattrs(entry);
            map.apply(entry).map_err(|reason| {
                let path: &[u8] = if entry.path.is_empty() { b"." } else { &entry.path };
                Error::unsupported(display_path(path), reason)
            })?;
        }
        self.apply_to_made(entry);
        Ok(())
    }

    /// The same for an entry that no source owns, such as content given as bytes: it belongs to
    /// the image's root unless the owner is fixed.
    pub(crate) fn apply_to_made(&self, entry: &mut Entry) {
        entry.path = self.place(&entry.path);
        if let Kind::HardLink(target) = &mut entry.kind {
            *target = self.place(target);
        }
        if let Owner::Fixed(uid, gid) = self.owner {
            (entry.uid, entry.gid) = (uid, gid);
        }
        self.filter_xattrs(entry);
        if let Some(mode) = &self.mode {
            let mode = match entry.kind {
                // The kernel ignores a link's mode and shows this one.
                Kind::Symlink(_) => 0o777,
                _ => mode.of(entry.mode, entry.is_directory()),
            };
            set_mode(entry, mode);
        }
        entry.mtime = self.mtime_of(entry.mtime);
    }

    /// The time that an entry with the time `mtime` gets.
    #[must_use]
    pub(crate) fn mtime_of(&self, mtime: i64) -> i64 {
        let mtime = self.mtime.unwrap_or(mtime);
        self.clamp_mtime.map_or(mtime, |latest| mtime.min(latest))
    }

    /// The time of what has none of its own: directories made as parents, content given as bytes.
    #[must_use]
    pub(crate) fn default_mtime(&self) -> i64 {
        self.mtime_of(self.clamp_mtime.unwrap_or(0))
    }

    fn filter_xattrs(&self, entry: &mut Entry) {
        if self.drop_xattrs {
            entry.xattrs = Box::default();
        }
        xattrs::filter(&mut entry.xattrs, self.only_xattrs.as_ref());
    }
}

/// Gives an entry this mode as chmod(2) does: its access control list says the same afterwards.
pub(crate) fn set_mode(entry: &mut Entry, mode: u32) {
    entry.mode = mode;
    values::set_mode(&mut entry.xattrs, mode);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::Xattr;

    fn directory(path: &[u8]) -> Entry {
        Entry::implied_directory(path, 50)
    }

    #[test]
    fn a_prefix_moves_paths_and_hard_link_targets_but_not_symlink_targets() {
        let policy = Policy::default().with_prefix(b"/opt/app/").unwrap();
        let mut entry = Entry { kind: Kind::HardLink(b"a"[..].into()), ..directory(b"b") };
        policy.apply(&mut entry).unwrap();
        assert_eq!(&*entry.path, b"opt/app/b");
        assert_eq!(entry.kind, Kind::HardLink(b"opt/app/a"[..].into()));

        let mut entry = Entry { kind: Kind::Symlink(b"a"[..].into()), ..directory(b"") };
        policy.apply(&mut entry).unwrap();
        assert_eq!(&*entry.path, b"opt/app");
        assert_eq!(entry.kind, Kind::Symlink(b"a"[..].into()));
    }

    #[test]
    fn a_mode_is_for_files_and_directories_and_links_keep_theirs() {
        let policy = Policy { mode: Some(Mode::fixed(0o640).unwrap()), ..Policy::default() };
        for (kind, mode) in [
            (Kind::Regular, 0o640),
            (Kind::Directory, 0o750),
            (Kind::Fifo, 0o640),
            (Kind::HardLink(b"a"[..].into()), 0o640),
            (Kind::Symlink(b"a"[..].into()), 0o777),
        ] {
            let mut entry = Entry { kind, mode: 0o777, ..directory(b"d") };
            policy.apply(&mut entry).unwrap();
            assert_eq!(entry.mode, mode, "{:?}", entry.kind);
        }
    }

    #[test]
    fn a_clamp_makes_no_time_later_and_none_earlier() {
        let policy = Policy { clamp_mtime: Some(40), ..Policy::default() };
        assert_eq!([policy.mtime_of(39), policy.mtime_of(41)], [39, 40]);
        assert_eq!(policy.default_mtime(), 40);
        assert_eq!(Policy::default().default_mtime(), 0);
    }

    #[test]
    fn a_mapped_owner_is_another_number_in_the_image_or_an_error() {
        let map = OwnerMap::new(Some(vec![(0, 1000, 100)]), Some(vec![(0, 2000, 100)])).unwrap();
        let policy = Policy { owner: Owner::Mapped(map.unwrap()), ..Policy::default() };
        let policy = policy.with_prefix(b"opt").unwrap();
        let mut entry = Entry { uid: 1033, gid: 2004, ..directory(b"d") };
        policy.apply(&mut entry).unwrap();
        assert_eq!((&*entry.path, entry.uid, entry.gid), (&b"opt/d"[..], 33, 4));

        for (path, uid, gid, message) in [
            (&b"a/b"[..], 999, 2000, "`a/b` cannot be stored in a layer: its owner 999 is in no "),
            (
                b"",
                1000,
                2100,
                "`.` cannot be stored in a layer: its group 2100 is in no range of `g",
            ),
        ] {
            let mut entry = Entry { uid, gid, ..directory(path) };
            let error = policy.apply(&mut entry).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
            assert_eq!(*entry.path, *path);
        }

        let mut made = directory(b"made");
        policy.apply_to_made(&mut made);
        assert_eq!((made.uid, made.gid), (0, 0));
    }

    #[test]
    fn ids_in_attributes_that_are_left_out_need_no_place_in_the_image() {
        let map = OwnerMap::new(Some(vec![(0, 0, 1)]), None).unwrap();
        let capability = [&[0, 0, 0, 3][..], &[0; 16], &5000_u32.to_le_bytes()].concat();
        let name = b"security.capability"[..].into();
        let xattrs: Box<[Xattr]> = [Xattr { name, value: capability.into() }].into();
        let apply = |policy: Policy| {
            let mut entry = Entry { xattrs: xattrs.clone(), ..directory(b"d") };
            policy.apply(&mut entry).map(|()| entry.xattrs.len())
        };
        let policy = Policy { owner: Owner::Mapped(map.unwrap()), ..Policy::default() };
        assert!(apply(policy.clone()).unwrap_err().to_string().contains("root user of its "));
        let only_xattrs = Some(XattrNames::parse(["user.*"]).unwrap());
        assert_eq!(apply(Policy { only_xattrs, ..policy.clone() }).unwrap(), 0);
        assert_eq!(apply(Policy { drop_xattrs: true, ..policy }).unwrap(), 0);
    }

    #[test]
    fn a_list_of_rights_says_the_same_as_the_mode() {
        let access = |group, others| {
            let item = |tag, permissions| [tag, 0, permissions, 0, 0xff, 0xff, 0xff, 0xff];
            let items = [item(1, 7), item(4, group), item(0x20, others)].concat();
            let name = b"system.posix_acl_access"[..].into();
            Xattr { name, value: [&[2, 0, 0, 0][..], &items].concat().into() }
        };
        let mut entry = Entry { xattrs: [access(7, 7)].into(), mode: 0o777, ..directory(b"d") };
        let policy = Policy { mode: Some(Mode::parse("go-w").unwrap()), ..Policy::default() };
        policy.apply(&mut entry).unwrap();
        assert_eq!((entry.mode, &entry.xattrs[0]), (0o755, &access(5, 5)));
    }
}
