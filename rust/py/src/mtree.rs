//! A tree or an archive in, its description out.

use std::path::PathBuf;

use fastlayer_core::blob::Describe;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::interrupt;
use crate::layer::{Pairs, thread_count, to_pairs};

/// A text, and what was left out of it.
type Described<'py> = (Bound<'py, PyBytes>, Pairs);

/// The text of mtree(5) about all that a layer of the directory or tar `path` holds.
#[pyfunction]
#[pyo3(signature = (path, *, digests, drop_xattrs, progress=None))]
pub(crate) fn describe_tree<'py>(
    py: Python<'py>,
    path: PathBuf,
    digests: bool,
    drop_xattrs: bool,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Described<'py>> {
    let (text, warnings) = interrupt::run(py, &path, progress, |cancel, progress| {
        let threads = thread_count(None)?;
        Describe { digests, drop_xattrs, threads, cancel, progress }.run(&path)
    })?;
    Ok((PyBytes::new(py, &text), to_pairs(warnings)))
}
