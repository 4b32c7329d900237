//! The tar format, in the dialect of Go's `archive/tar`: the reader inside docker, containerd,
//! podman and crane. Pure functions on bytes; nothing here opens a file.

mod entry;
mod field;
mod header;
mod listing;
mod number;
mod path;
mod path_map;
mod pax;
mod reader;

pub use entry::{Entry, Kind, Xattr};
pub(crate) use header::header_size;
pub use header::{append_header, archive_member_header};
pub(crate) use listing::{Listed, list};
pub(crate) use path::{
    OPAQUE_WHITEOUT, check_depth, is_within, join, order_key, sibling, split_path,
};
pub use path::{WHITEOUT_PREFIX, compare_paths, normalize_path, parent_of, parents_of};
pub(crate) use path_map::PathMap;
pub(crate) use reader::Step;
pub use reader::{Member, Reader};

/// Everything in a tar starts at a multiple of this many bytes.
pub const BLOCK: usize = 512;

/// The two zero blocks that end an archive.
pub const TRAILER: u64 = 2 * BLOCK as u64;

/// `size` rounded up to whole blocks.
#[must_use]
pub const fn padded(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64)
}
