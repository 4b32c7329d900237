//! Header fields → [`Entry`], once everything that overrides them was applied.

use super::super::{Entry, Kind, Xattr, check_depth, normalize_path};
use super::block::Header;
use super::shown;
use crate::error::{Error, Result, display_path};

/// Whether content can follow a header of this type; links, devices and directories have none.
pub(super) const fn has_content(type_flag: u8) -> bool {
    !matches!(type_flag, b'1'..=b'6')
}

/// Before POSIX a directory was a file whose name ends in a slash.
pub(super) fn resolve_old_type(header: &mut Header) {
    if header.type_flag == 0 {
        header.type_flag = if header.name.ends_with(b"/") { b'5' } else { b'0' };
    }
}

/// The entry that `header` describes, with `size` bytes of content.
pub(super) fn entry(header: &Header, size: u64, xattrs: Box<[Xattr]>) -> Result<Entry> {
    let kind = kind(header)?;
    if let Some(xattr) = xattrs.iter().find(|xattr| xattr.name.is_empty()) {
        let value = shown(&xattr.value);
        return Err(unsupported(header, format!("an attribute has no name, only `{value}`")));
    }
    let path = normalize_path(&header.name)?;
    check_depth(&path)?;
    Ok(Entry {
        path,
        kind,
        mode: permissions(header.mode),
        uid: number(header, header.uid, "owner")?,
        gid: number(header, header.gid, "group")?,
        mtime: header.mtime,
        size,
        xattrs,
    })
}

fn kind(header: &Header) -> Result<Kind> {
    Ok(match header.type_flag {
        // Contiguous files are plain ones everywhere, sparse ones once they are expanded.
        b'0' | b'7' | b'S' => Kind::Regular,
        b'1' => Kind::HardLink(link_target(header)?),
        b'2' => Kind::Symlink(header.link.as_slice().into()),
        b'3' => Kind::CharDevice { major: major(header)?, minor: minor(header)? },
        b'4' => Kind::BlockDevice { major: major(header)?, minor: minor(header)? },
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        other => {
            let reason =
                format!("its type flag `{}` is not one of `0` to `7`", other.escape_ascii());
            return Err(unsupported(header, reason));
        }
    })
}

fn link_target(header: &Header) -> Result<Box<[u8]>> {
    normalize_path(&header.link).map_err(|_| {
        let target = shown(&header.link);
        let reason = format!("it is a hard link to `{target}`, a name with a `..` part or a NUL");
        unsupported(header, reason)
    })
}

/// The bits that an entry keeps; some writers put the file type above them.
fn permissions(mode: i64) -> u32 {
    u32::try_from(mode & 0o7777).unwrap_or(0)
}

fn major(header: &Header) -> Result<u32> {
    number(header, header.major, "major device number")
}

fn minor(header: &Header) -> Result<u32> {
    number(header, header.minor, "minor device number")
}

fn number(header: &Header, value: i64, what: &str) -> Result<u32> {
    u32::try_from(value).map_err(|_| {
        unsupported(header, format!("its {what} {value} is not one from 0 to {}", u32::MAX))
    })
}

fn unsupported(header: &Header, reason: String) -> Error {
    Error::unsupported(display_path(&header.name), reason)
}
