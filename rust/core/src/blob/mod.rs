//! Layers as blobs: made from a source in one pass, read back in one pass.

mod build;
mod scan;

pub use build::{Build, LayerBlob, Sink, Source};
pub use scan::{Scan, scan};
