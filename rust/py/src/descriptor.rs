//! The one door for open files: descriptors that Python holds.

use std::fs::File;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::PathBuf;

use fastlayer_core::source::ArchiveFile;
use fastlayer_core::{Digest, Result};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rustix::io::Errno;

use crate::error::{os_error, raised};

/// A duplicate of an open descriptor of the caller: it stays valid whatever the caller closes.
pub(crate) struct Descriptor(pub(crate) File);

impl<'py> FromPyObject<'_, 'py> for Descriptor {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let number: RawFd = object.extract()?;
        if number < 0 {
            return Err(os_error(object.py(), &Errno::BADF.into(), None));
        }
        // SAFETY: borrowed for this one call, which only asks the kernel to duplicate it; a number
        // that is not open makes the call fail. -1 was excluded.
        #[allow(unsafe_code, reason = "the one door for descriptors")]
        let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
        let cloned = borrowed.try_clone_to_owned();
        Ok(Self(cloned.map_err(|error| os_error(object.py(), &error, None))?.into()))
    }
}

/// A stretch of an open file: descriptor, offset, size and the file's name.
pub(crate) type Stretch = (Descriptor, u64, u64, PathBuf);

/// One that is a layer of an image: the same, and the hexadecimal digits of the SHA-256 that its
/// config says its tar has, if it says that.
pub(crate) type LayerStretch = (Descriptor, u64, u64, PathBuf, Option<DiffId>);

/// The layer of an image, for the core to read.
pub(crate) fn layer_file((file, offset, size, name, diff_id): LayerStretch) -> Result<ArchiveFile> {
    let stated = diff_id.map(|diff_id| diff_id.0);
    Ok(ArchiveFile::stretch(file.0, offset, size, name)?.stated(stated))
}

/// The layers of an image, for the core to read.
pub(crate) fn layer_files(
    py: Python<'_>,
    layers: impl IntoIterator<Item = LayerStretch>,
) -> PyResult<Vec<ArchiveFile>> {
    let files: Result<_> = layers.into_iter().map(layer_file).collect();
    files.map_err(|error| raised(py, error))
}

pub(crate) struct DiffId(Digest);

impl<'py> FromPyObject<'_, 'py> for DiffId {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let digits: String = object.extract()?;
        let wrong = || PyValueError::new_err(format!("no digits of a SHA-256: `{digits}`"));
        Digest::from_hex(digits.as_bytes()).map(Self).ok_or_else(wrong)
    }
}
