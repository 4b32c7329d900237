//! Layers unpacked into a directory, and such a directory removed.

use std::path::PathBuf;

use fastlayer_core::unpack::{Purpose, Unpack, remove_tree as remove};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::descriptor::{LayerStretch, layer_files};
use crate::interrupt;
use crate::layer::{Pairs, thread_count, to_pairs};

/// Makes what is there when the layers are applied, the lowest first, in the empty `directory`.
#[pyfunction]
#[pyo3(signature = (layers, directory, *, purpose, threads=None, progress=None))]
pub(crate) fn unpack_layers(
    py: Python<'_>,
    layers: Vec<LayerStretch>,
    directory: PathBuf,
    purpose: &str,
    threads: Option<i64>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Pairs> {
    let purpose = match purpose {
        "tree" => Purpose::Tree,
        "lowest" => Purpose::Lowest,
        "above" => Purpose::Above { user: false },
        "above-user" => Purpose::Above { user: true },
        _ => return Err(PyValueError::new_err(format!("unknown purpose `{purpose}`"))),
    };
    let layers = layer_files(py, layers)?;
    let warnings = interrupt::run(py, &directory, progress, |cancel, progress| {
        let threads = thread_count(threads)?;
        Unpack { purpose, threads, cancel, progress }.run(&layers, &directory)
    })?;
    Ok(to_pairs(warnings))
}

/// Removes a directory with all that is in it. Links are removed and never followed.
#[pyfunction]
#[pyo3(signature = (directory))]
pub(crate) fn remove_tree(py: Python<'_>, directory: PathBuf) -> PyResult<()> {
    interrupt::run(py, &directory, None, |cancel, _| remove(&directory, cancel))
}
