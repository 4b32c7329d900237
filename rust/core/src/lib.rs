//! The core of fastlayer: from a tree, files or an archive to a layer blob in one pass.
//!
//! A layer is never resident in memory, its input is read once and its compressed bytes are
//! written once:
//!
//! ```text
//! source ─► plan ─► tar blocks ─► diff_id ─► compress ─► digest ─► sink
//! ```
//!
//! The bytes of a layer depend on its input and options only: not on the number of threads, the
//! processor, the clock or the order in which a file system lists its entries.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod blob;
pub mod cancel;
pub mod compare;
pub mod compress;
pub mod deflate;
pub mod digest;
pub mod edit;
pub mod error;
pub mod mtree;
pub mod pipeline;
pub mod plan;
pub mod source;
mod stack;
pub mod tar;
pub mod unpack;

pub use cancel::Cancel;
pub use digest::Digest;
pub use error::{Error, Result};
pub use stack::Tree;
