//! Edits as Python describes them: a name and its arguments.

use std::io;

use fastlayer_core::edit::{Edit, PathRules, Put, Rewrite, What};
use fastlayer_core::source::Patterns;
use fastlayer_core::{Error, Result};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::error::raised;
use crate::layer::FileArgument;

/// One `fastlayer.edit.Edit`, by its terms.
pub(crate) struct EditArgument(Edit);

impl From<EditArgument> for Edit {
    fn from(argument: EditArgument) -> Self {
        argument.0
    }
}

impl<'py> FromPyObject<'_, 'py> for EditArgument {
    type Error = PyErr;

    fn extract(terms: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let name: String = terms.get_item(0)?.extract()?;
        let edit = match &*name {
            "exclude" => patterns(&terms.get_item(1)?)?.map(Edit::Exclude),
            "path_rules" => {
                let lines: Vec<PyBackedBytes> = terms.get_item(1)?.extract()?;
                PathRules::parse(lines).map(Edit::PathRules)
            }
            "remove" => Edit::remove(&bytes(&terms, 1)?),
            "rename" => Edit::rename(&bytes(&terms, 1)?, &bytes(&terms, 2)?),
            "put" => {
                let file: FileArgument = terms.get_item(2)?.extract()?;
                put(&terms, What::File(file.into()))?
            }
            "directory" => put(&terms, What::Directory)?,
            "symlink" => put(&terms, What::Symlink((*bytes(&terms, 2)?).into()))?,
            "chmod" => {
                let mode: u32 = terms.get_item(2)?.extract()?;
                patterns(&terms.get_item(1)?)?.map(|patterns| Edit::Mode(patterns, mode))
            }
            "chown" => {
                let (uid, gid): (u32, u32) = terms.get_item(2)?.extract()?;
                patterns(&terms.get_item(1)?)?.map(|patterns| Edit::Owner(patterns, uid, gid))
            }
            "truncate" => patterns(&terms.get_item(1)?)?.map(Edit::Truncate),
            "rewrite" => rewrite(&terms)?.map(Edit::Rewrite),
            "clamp_mtime" => Ok(Edit::ClampMtime(terms.get_item(1)?.extract()?)),
            _ => return Err(PyValueError::new_err(format!("unknown edit `{name}`"))),
        };
        edit.map(Self).map_err(|error| raised(terms.py(), error))
    }
}

fn bytes(terms: &Bound<'_, PyAny>, place: usize) -> PyResult<PyBackedBytes> {
    Ok(terms.get_item(place)?.extract()?)
}

fn patterns(lines: &Bound<'_, PyAny>) -> PyResult<Result<Patterns>> {
    let lines: Vec<PyBackedBytes> = lines.extract()?;
    Ok(Patterns::parse(lines))
}

/// `(name, path, content, mode, owner)`.
fn put(terms: &Bound<'_, PyAny>, what: What) -> PyResult<Result<Edit>> {
    let mode: Option<u32> = terms.get_item(3)?.extract()?;
    let owner: (u32, u32) = terms.get_item(4)?.extract()?;
    Ok(Put::new(&bytes(terms, 1)?, what, mode, owner).map(Edit::Put))
}

/// `(name, path, function)`. The function is called on a thread of the build; what it raises is
/// what the build raises.
fn rewrite(terms: &Bound<'_, PyAny>) -> PyResult<Result<Rewrite>> {
    let (path, function) = (bytes(terms, 1)?, terms.get_item(2)?.unbind());
    let shown = String::from_utf8_lossy(&path).into_owned();
    Ok(Rewrite::new(&path, move |content| {
        Python::attach(|py| {
            let rewritten = function.bind(py).call1((PyBytes::new(py, content),))?;
            let rewritten =
                rewritten.cast::<PyBytes>().map_err(|_| no_bytes(&shown, &rewritten))?;
            Ok(rewritten.as_bytes().to_vec())
        })
        .map_err(|error: PyErr| io::Error::other(error))
    }))
}

/// The error for a function that gave something else than content for the file at `path`.
fn no_bytes(path: &str, given: &Bound<'_, PyAny>) -> PyErr {
    let class =
        given.get_type().name().map_or_else(|error| error.to_string(), |name| name.to_string());
    let message = format!("the function that rewrites `{path}` gave a `{class}`: expected bytes");
    raised(given.py(), Error::Argument(message))
}
