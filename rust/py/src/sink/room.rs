//! Memory of Python's, which is given, filled and taken.

use std::io::{self, Write};

use fastlayer_core::Cancel;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

/// Writes into what `room` of an object gives, and says by `filled` how much it was.
pub(crate) struct RoomSink {
    object: Py<PyAny>,
    cancel: Cancel,
}

impl RoomSink {
    pub(crate) fn new(object: Py<PyAny>, cancel: Cancel) -> Self {
        Self { object, cancel }
    }

    /// Writes what there is room for: nothing, if there was none for a moment.
    fn write_some(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<usize> {
        let object = self.object.bind(py);
        let room = object.call_method1("room", (bytes.len(),))?;
        if room.is_none() {
            return Ok(0);
        }
        let buffer = PyBuffer::<u8>::get(&room)?;
        let count = buffer.item_count().min(bytes.len());
        buffer.copy_from_slice(py, &bytes[..count])?;
        object.call_method1("filled", (count,))?;
        Ok(count)
    }
}

impl Write for RoomSink {
    /// Waits for room in short steps, so that a cancelled build ends.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        while !bytes.is_empty() {
            // The exception travels through the core unharmed; see `error::to_python`.
            let written = Python::attach(|py| self.write_some(py, bytes));
            match written.map_err(|error: PyErr| io::Error::other(error))? {
                0 if self.cancel.check().is_err() => return Err(io::ErrorKind::WouldBlock.into()),
                0 => {}
                count => return Ok(count),
            }
        }
        Ok(0)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
