//! Patterns of a `.dockerignore`, as Python asks them.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::error::raised;

/// Patterns in order, as docker's walk of a build context asks them.
#[pyclass(frozen, module = "fastlayer._core")]
pub(crate) struct Patterns(fastlayer_core::source::Patterns);

#[pymethods]
impl Patterns {
    #[new]
    fn new(py: Python<'_>, lines: Vec<PyBackedBytes>) -> PyResult<Self> {
        let patterns = fastlayer_core::source::Patterns::parse(lines);
        patterns.map(|patterns| Self(patterns.by_level())).map_err(|error| raised(py, error))
    }

    /// Whether a path, relative and in normal form, is left out.
    fn excludes(&self, path: &[u8]) -> bool {
        self.0.excludes(path)
    }

    /// Whether a path itself is matched.
    fn matches(&self, path: &[u8]) -> bool {
        self.0.matches(path)
    }

    /// Whether one of them takes back what others left out.
    #[getter]
    fn has_negation(&self) -> bool {
        self.0.has_negation()
    }
}
