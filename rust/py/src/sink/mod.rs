//! Where a blob goes: an open file, or memory that Python gives and takes.

mod file;
mod room;

use std::io::{self, Write};

use fastlayer_core::{Cancel, blob};
use pyo3::prelude::*;
use pyo3::types::PyInt;

use crate::descriptor::Descriptor;
use file::FileSink;
use room::RoomSink;

/// A descriptor, or an object such as `fastlayer.store.Room`.
pub(crate) enum SinkArgument {
    File(Descriptor),
    Room(Py<PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for SinkArgument {
    type Error = PyErr;

    /// A number is a descriptor and nothing else: one that cannot be duplicated is an error.
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyInt>() {
            return object.extract().map(Self::File);
        }
        Ok(Self::Room(object.to_owned().unbind()))
    }
}

impl SinkArgument {
    /// The sink for it; one that waits for who takes the bytes ends waiting by `cancel`.
    pub(crate) fn into_sink(self, cancel: &Cancel) -> io::Result<Sink> {
        Ok(match self {
            Self::File(Descriptor(file)) => Sink::File(FileSink::new(file, cancel.clone())?),
            Self::Room(object) => Sink::Room(RoomSink::new(object, cancel.clone())),
        })
    }
}

/// One of the places.
pub(crate) enum Sink {
    File(FileSink),
    Room(RoomSink),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(sink) => sink.write(bytes),
            Self::Room(sink) => sink.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(sink) => sink.flush(),
            Self::Room(sink) => sink.flush(),
        }
    }
}

impl blob::Sink for Sink {
    fn restart(&mut self) -> io::Result<()> {
        match self {
            Self::File(sink) => sink.restart(),
            // What was taken may be on its way.
            Self::Room(_) => Err(io::ErrorKind::NotSeekable.into()),
        }
    }

    fn identity(&self) -> Option<(u64, u64)> {
        match self {
            Self::File(sink) => sink.identity(),
            Self::Room(_) => None,
        }
    }
}
