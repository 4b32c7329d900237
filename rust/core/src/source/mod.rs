//! What goes into a layer: directory trees, files and bytes, archives.

use std::path::Path;

use crate::error::{Error, Result};
use crate::tar::WHITEOUT_PREFIX;

mod archive;
mod checked;
mod decode;
mod diff;
mod directory;
mod file;
mod mtree;
mod overlay;
mod pattern;
mod policy;
mod stamp;
mod tree;
mod whiteout;
mod xattr;

pub use archive::{ArchiveFile, ArchiveStream, Survey, Treatment};
pub use decode::{Decoder, Encoding, decode_ahead};
pub use diff::add_diff;
pub use file::{FileSource, add_files, check_destinations};
pub use mtree::add_mtree;
pub use overlay::add_overlay;
pub use pattern::Patterns;
pub use policy::{Mode, Owner, OwnerMap, Policy, XattrNames};
pub use tree::add_tree;

pub(crate) use checked::{CheckedFile, would_wait};
pub(crate) use directory::{Cursor, Root};
pub(crate) use file::{file_entry, open_host_file};
pub(crate) use policy::set_mode;
pub(crate) use stamp::Stamp;
pub(crate) use tree::shown;

/// A file whose name begins with `.wh.` cannot be stored: in a layer that name deletes another
/// file (image-spec, "Whiteouts").
pub(crate) fn refuse_whiteout_name<P: AsRef<Path>>(
    name: &[u8],
    shown: impl FnOnce() -> P,
) -> Result<()> {
    if name.starts_with(WHITEOUT_PREFIX) {
        let reason = "a name that begins with `.wh.` would delete files when the layer is applied";
        return Err(Error::unsupported(shown(), reason));
    }
    Ok(())
}
