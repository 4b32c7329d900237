//! Core errors as the exceptions of `fastlayer.errors`.

use std::io;
use std::path::Path;

use fastlayer_core::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The exception for `error`; `output` is the name of what was being written.
pub(crate) fn to_python(py: Python<'_>, error: Error, output: &Path) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Io { path, source, .. } => os_error(py, &source, Some(&path)),
        Error::Short { source, .. } => short(&source, message),
        Error::Write(source) => os_error(py, &source, Some(output)),
        Error::Read(source) => os_error(py, &source, None),
        Error::Changed { path, .. } => raise(py, "SourceChangedError", message, Some(&path)),
        Error::Unsupported { path, .. } => raise(py, "UnsupportedEntryError", message, Some(&path)),
        Error::OutOfOrder { path, .. } => raise(py, "OutOfOrderError", message, Some(&path)),
        Error::OutputInInput { .. } => {
            // The walk met a temporary name, which the caller never heard of.
            let message = Error::OutputInInput { path: output.to_path_buf() }.to_string();
            raise(py, "UnsupportedEntryError", message, Some(output))
        }
        Error::Malformed { path, .. } => raise(py, "MalformedArchiveError", message, Some(&path)),
        Error::OtherLayer { .. } => raise(py, "InvalidImageError", message, None),
        Error::Links { path } => raise(py, "SourceError", message, Some(&path)),
        Error::Mtree { file, .. } => raise(py, "MtreeError", message, Some(&file)),
        Error::Argument(_) => raise(py, "InvalidArgumentError", message, None),
        // Raised only after a signal handler did not raise: what it asked for is to stop.
        Error::Cancelled => PyKeyboardInterrupt::new_err(()),
        _ => raise(py, "InternalError", message, None),
    }
}

/// The exception for `error` where nothing is written.
pub(crate) fn raised(py: Python<'_>, error: Error) -> PyErr {
    to_python(py, error, Path::new(""))
}

/// An `OSError` with `errno` and `filename`, of the subclass that Python has for the number; or
/// the exception itself, when the error is one that a Python stream raised.
pub(crate) fn os_error(py: Python<'_>, error: &io::Error, path: Option<&Path>) -> PyErr {
    if let Some(raised) = error.get_ref().and_then(|inner| inner.downcast_ref::<PyErr>()) {
        return raised.clone_ref(py);
    }
    let Some(number) = error.raw_os_error() else {
        return PyOSError::new_err(error.to_string());
    };
    let text = os_message(py, number).unwrap_or_else(|_| error.to_string());
    match path {
        Some(path) => PyOSError::new_err((number, text, path.as_os_str().to_owned())),
        None => PyOSError::new_err((number, text)),
    }
}

/// An `OSError` of no file: what the core wanted is in its text.
fn short(error: &io::Error, message: String) -> PyErr {
    match error.raw_os_error() {
        Some(number) => PyOSError::new_err((number, without_number(message, number))),
        None => PyOSError::new_err(message),
    }
}

/// Rust puts the number at the end of the system's words, and people have no use for it.
fn without_number(message: String, number: i32) -> String {
    message.strip_suffix(&format!(" (os error {number})")).map_or(message.clone(), str::to_owned)
}

/// The words that Python itself uses for an error number.
fn os_message(py: Python<'_>, number: i32) -> PyResult<String> {
    py.import("os")?.call_method1("strerror", (number,))?.extract()
}

/// An exception of `fastlayer.errors`. The classes are defined in Python, where people read them.
fn raise(py: Python<'_>, class: &str, message: String, path: Option<&Path>) -> PyErr {
    let class = py
        .import("fastlayer.errors")
        .and_then(|module| module.getattr(class))
        .and_then(|class| Ok(class.cast_into::<PyType>()?));
    match (class, path) {
        (Ok(class), Some(path)) => PyErr::from_type(class, (message, path.as_os_str().to_owned())),
        (Ok(class), None) => PyErr::from_type(class, (message,)),
        (Err(missing), _) => {
            let error = PyRuntimeError::new_err(message);
            error.set_cause(py, Some(missing));
            error
        }
    }
}
