//! `fastlayer._core`: two calls per layer into the core. Python describes, Rust makes.
#![deny(unsafe_code)]
#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]

use pyo3::prelude::*;

mod compare;
mod descriptor;
mod edit;
mod error;
mod interrupt;
mod items;
mod layer;
mod member;
mod mtree;
mod patterns;
mod pick;
mod queue;
mod scan;
mod sink;
mod stream;
mod tree;
mod unpack;

/// The core of fastlayer; see `fastlayer` for the public face.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use crate::compare::compare_trees;
    #[pymodule_export]
    use crate::items::check_items;
    #[pymodule_export]
    use crate::layer::{LayerRecord, check_edit, check_layer};
    #[pymodule_export]
    use crate::member::{MemberRecord, holds_tar, list_members, member_header};
    #[pymodule_export]
    use crate::mtree::describe_tree;
    #[pymodule_export]
    use crate::patterns::Patterns;
    #[pymodule_export]
    use crate::pick::pick_members;
    #[pymodule_export]
    use crate::queue::LayerQueue;
    #[pymodule_export]
    use crate::scan::{ScanRecord, scan_layer};
    #[pymodule_export]
    use crate::tree::Tree;
    #[pymodule_export]
    use crate::unpack::{remove_tree, unpack_layers};
}
