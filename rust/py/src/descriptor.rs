//! The one door for open files: descriptors that Python holds.

use std::fs::File;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::PathBuf;

use pyo3::prelude::*;
use rustix::io::Errno;

use crate::error::os_error;

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
