//! A layer blob read back.

use std::path::PathBuf;

use fastlayer_core::blob::{Scan, scan};
use fastlayer_core::source::Slice;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::descriptor::Descriptor;
use crate::interrupt;
use crate::member::MemberRecord;

/// What a layer blob turned out to be when it was read.
#[pyclass(frozen, module = "fastlayer._core")]
pub(crate) struct ScanRecord {
    scan: Scan,
    #[pyo3(get)]
    members: Vec<Py<MemberRecord>>,
}

#[pymethods]
impl ScanRecord {
    #[getter]
    fn digest(&self) -> String {
        self.scan.digest.to_string()
    }

    #[getter]
    const fn size(&self) -> u64 {
        self.scan.size
    }

    #[getter]
    fn diff_id(&self) -> String {
        self.scan.diff_id.to_string()
    }

    #[getter]
    const fn uncompressed_size(&self) -> u64 {
        self.scan.uncompressed_size
    }

    #[getter]
    const fn compression(&self) -> &'static str {
        self.scan.encoding.name()
    }

    #[getter]
    const fn parts(&self) -> u64 {
        self.scan.parts
    }

    #[getter]
    const fn entries(&self) -> u64 {
        self.scan.entries
    }

    #[getter]
    fn duplicates<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.scan.duplicates.iter().map(|path| PyBytes::new(py, path)).collect()
    }
}

/// Reads a layer blob of `size` bytes at `offset` of an open file to its end.
#[pyfunction]
#[pyo3(signature = (descriptor, offset, size, *, name, members, progress=None))]
pub(crate) fn scan_layer(
    py: Python<'_>,
    descriptor: Descriptor,
    offset: u64,
    size: u64,
    name: PathBuf,
    members: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<ScanRecord> {
    let (scan, found) = interrupt::run(py, &name, progress, |cancel, progress| {
        let mut found = Vec::new();
        progress.set_total(size);
        let blob = progress.count(Slice::new(descriptor.0, offset, size));
        let scan = scan(blob, cancel, |member| {
            if members {
                found.push(MemberRecord::from(member.clone()));
            }
            Ok(())
        })
        .map_err(|error| error.in_archive(&name))?;
        Ok((scan, found))
    })?;
    let members = found.into_iter().map(|member| Py::new(py, member)).collect::<PyResult<_>>()?;
    Ok(ScanRecord { scan, members })
}
