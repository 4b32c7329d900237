//! An entry → its line.

use std::io::Write as _;

use super::base64;
use super::escape::escape;
use super::keyword::Type;
use crate::digest::Digest;
use crate::tar::{Entry, Kind};

/// The first line of a file.
pub(crate) const SIGNATURE: &[u8] = b"#mtree\n";

/// What the names of one file have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// How many there are.
    pub(crate) count: u64,
    /// A number that no other file has.
    pub(crate) inode: u64,
}

/// Appends the line of `path`, which is a name of the file that `entry` describes: `names` when it
/// has others too.
pub(crate) fn write_line(
    path: &[u8],
    entry: &Entry,
    digest: Option<Digest>,
    names: Option<Names>,
    out: &mut Vec<u8>,
) {
    out.push(b'.');
    if !path.is_empty() {
        out.push(b'/');
        escape(path, out);
    }
    let kind = kind_of(&entry.kind).name();
    let Entry { mode, uid, gid, size, mtime, .. } = entry;
    // As C writes `%#o`; go-mtree compares modes and times as texts.
    let zero = if *mode == 0 { "" } else { "0" };
    append(out, format_args!(" type={kind} mode={zero}{mode:o} uid={uid} gid={gid}"));
    if entry.kind == Kind::Regular {
        append(out, format_args!(" size={size}"));
    }
    append(out, format_args!(" time={mtime}.000000000"));
    match &entry.kind {
        Kind::Symlink(target) => {
            out.extend_from_slice(b" link=");
            escape(target, out);
        }
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            append(out, format_args!(" device=native,{major},{minor}"));
        }
        _ => {}
    }
    if let Some(Names { count, inode }) = names {
        append(out, format_args!(" nlink={count} inode={inode}"));
    }
    if let Some(digest) = digest {
        append(out, format_args!(" sha256digest={digest:x}"));
    }
    for xattr in &entry.xattrs {
        out.extend_from_slice(b" xattr.");
        escape(&xattr.name, out);
        out.push(b'=');
        base64::encode(&xattr.value, out);
    }
    out.push(b'\n');
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector takes all that is written to it.
    _ = out.write_fmt(text);
}

/// A further name has the type of the file that it names, which is never a directory.
const fn kind_of(kind: &Kind) -> Type {
    match kind {
        Kind::Regular | Kind::HardLink(_) => Type::File,
        Kind::Directory => Type::Directory,
        Kind::Symlink(_) => Type::Link,
        Kind::Fifo => Type::Fifo,
        Kind::CharDevice { .. } => Type::Char,
        Kind::BlockDevice { .. } => Type::Block,
    }
}
