//! What goes into a layer: directory trees, files and bytes, archives.

use std::path::Path;

use crate::error::{Error, Result};

mod archive;
mod decode;
mod directory;
mod file;
mod mtree;
mod pattern;
mod policy;
mod stamp;
mod tree;
mod xattr;

pub use archive::{ArchiveStream, Survey, Treatment};
pub use decode::{Decoder, Encoding, decode_ahead};
pub use file::{FileSource, add_files, check_destinations};
pub use mtree::add_mtree;
pub use pattern::Patterns;
pub use policy::{Mode, Owner, OwnerMap, Policy, XattrNames};
pub use tree::add_tree;

pub(crate) use directory::{Cursor, Root, open_file};
pub(crate) use file::{file_entry, open_host_file};
pub(crate) use stamp::Stamp;
pub(crate) use tree::shown;

/// A file whose name begins with `.wh.` cannot be stored: in a layer that name deletes another
/// file (image-spec, "Whiteouts").
pub(crate) fn refuse_whiteout_name(name: &[u8], shown: &Path) -> Result<()> {
    if name.starts_with(b".wh.") {
        let reason = "a name that begins with `.wh.` would delete files when the layer is applied";
        return Err(Error::unsupported(shown, reason));
    }
    Ok(())
}
