//! Layers as blobs: made from a source in one pass, read back in one pass, described in text.

mod build;
mod describe;
mod scan;

pub use build::{Build, LayerBlob, Sink, Source};
pub use describe::Describe;
pub use scan::{Scan, scan};
