//! What is different between two trees, wherever they are: directories, archives, or layers on top
//! of each other.

mod difference;
mod tree;

pub use difference::{Change, Difference, Fact, differences};
pub use tree::Tree;

pub use crate::stack::{Stack, is_whiteout};
