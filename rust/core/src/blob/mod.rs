//! Layers as blobs: made from a source in one pass, alone or several at a time, read back in one
//! pass, described in text.

mod build;
mod describe;
mod queue;
mod scan;
mod source;
mod streams;

pub use build::{Build, LayerBlob};
pub use describe::Describe;
pub use queue::Queue;
pub use scan::{Scan, scan};
pub use source::{Blob, Sink, Source};
