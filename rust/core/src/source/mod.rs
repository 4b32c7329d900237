//! What goes into a layer: directory trees, files and bytes, archives, layers.

mod archive;
mod checked;
mod decode;
mod diff;
mod directory;
mod file;
mod items;
mod layers;
mod mtree;
mod names;
mod overlay;
mod pattern;
mod policy;
mod slice;
mod stamp;
mod transcode;
mod tree;
mod whiteout;
mod xattr;

use std::io::{BufReader, Read};

use crate::tar::Reader;

pub use archive::{ArchiveFile, Pick, is_archive};
pub use decode::{Decoder, Encoding, decode_ahead};
pub use file::{FileSource, check_destinations};
pub use items::{Item, Items, item_path};
pub use layers::{Layers, LayersStream};
pub use pattern::Patterns;
pub use policy::{Mode, Owner, OwnerMap, Policy, XattrNames};
pub use slice::Slice;
pub use transcode::TarStream;
pub use tree::add_tree;

pub(crate) use archive::{ArchiveStream, Form, Survey, Treatment, decoded};
pub(crate) use checked::{CheckedFile, would_wait};
pub(crate) use diff::add_diff;
pub(crate) use directory::{Cursor, Root};
pub(crate) use file::{add_files, file_entry, open_host_file};
pub(crate) use layers::Contents;
pub(crate) use mtree::add_mtree;
pub(crate) use names::refuse_whiteout_name;
pub(crate) use overlay::add_overlay;
pub(crate) use policy::set_mode;
pub(crate) use stamp::Stamp;
pub(crate) use tree::shown;

/// Headers are read a block at a time, so they come out of a buffer; content goes past it.
const READ_BUFFER: usize = 64 << 10;

/// Reads the members of an archive, of which nobody knows any more how it was compressed.
type TarReader = Reader<BufReader<Box<dyn Read + Send>>>;
