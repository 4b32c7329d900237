//! A Python object with `read` as a Rust reader.

use std::io::{self, Read};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Attaches to the interpreter for each piece; pieces are as large as the reader in front of it
/// asks for.
pub(crate) struct PyReader(pub(crate) Py<PyAny>);

impl Read for PyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let piece = self.0.bind(py).call_method1("read", (buffer.len(),))?;
            let bytes = piece.cast::<PyBytes>()?.as_bytes();
            let target = buffer.get_mut(..bytes.len()).ok_or_else(|| {
                pyo3::exceptions::PyValueError::new_err("`read` returned more than was asked for")
            })?;
            target.copy_from_slice(bytes);
            Ok(bytes.len())
        })
        // The exception travels through the core unharmed; see `error::to_python`.
        .map_err(|error: PyErr| io::Error::other(error))
    }
}
