//! What is different between two trees, wherever they are: directories, archives, or layers on top
//! of each other.

mod difference;
mod stack;
mod tree;

pub use difference::{Change, Difference, Fact, differences};
pub use stack::{Stack, is_whiteout};
pub use tree::{Tree, TreeNode};
