//! Layers as blobs: made from a source in one pass, alone or several at a time, read back in one
//! pass, described in text, applied to a tree.

mod build;
mod describe;
mod planned;
mod queue;
mod scan;
mod source;
mod streams;
mod tree;

pub use build::{Build, LayerBlob};
pub use describe::Describe;
pub use queue::Queue;
pub use scan::{Scan, scan};
pub use source::{Blob, Sink, Source};
pub use tree::apply_blob;
