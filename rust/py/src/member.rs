//! Members of a tar: listed from an open file, and written as headers of an image archive.

use std::io::BufReader;
use std::path::PathBuf;

use fastlayer_core::source::{Slice, is_archive};
use fastlayer_core::tar::{Entry, Kind, Member, Reader, archive_member_header};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::descriptor::Descriptor;
use crate::error::{os_error, to_python};
use crate::interrupt;

/// One member of a tar, as its header describes it.
#[pyclass(frozen, module = "fastlayer._core")]
pub(crate) struct MemberRecord {
    entry: Entry,
    #[pyo3(get)]
    offset: u64,
    #[pyo3(get)]
    sparse: bool,
}

impl From<Member> for MemberRecord {
    fn from(member: Member) -> Self {
        Self { entry: member.entry, offset: member.offset, sparse: member.sparse }
    }
}

#[pymethods]
impl MemberRecord {
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.entry.path)
    }

    #[getter]
    const fn kind(&self) -> &'static str {
        kind_name(&self.entry.kind)
    }

    #[getter]
    const fn mode(&self) -> u32 {
        self.entry.mode
    }

    #[getter]
    const fn uid(&self) -> u32 {
        self.entry.uid
    }

    #[getter]
    const fn gid(&self) -> u32 {
        self.entry.gid
    }

    #[getter]
    const fn mtime(&self) -> i64 {
        self.entry.mtime
    }

    #[getter]
    const fn size(&self) -> u64 {
        self.entry.size
    }

    #[getter]
    fn link<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        match &self.entry.kind {
            Kind::Symlink(target) | Kind::HardLink(target) => Some(PyBytes::new(py, target)),
            _ => None,
        }
    }

    #[getter]
    const fn device(&self) -> Option<(u32, u32)> {
        match self.entry.kind {
            Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
                Some((major, minor))
            }
            _ => None,
        }
    }

    #[getter]
    fn xattrs<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.entry.xattrs.iter().map(|xattr| PyBytes::new(py, &xattr.name)).collect()
    }
}

/// What a kind of entry is called in Python.
pub(crate) const fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Regular => "file",
        Kind::Directory => "directory",
        Kind::Symlink(_) => "symlink",
        Kind::HardLink(_) => "hardlink",
        Kind::Fifo => "fifo",
        Kind::CharDevice { .. } => "char",
        Kind::BlockDevice { .. } => "block",
    }
}

/// The members of the plain tar in an open file, without reading their content.
#[pyfunction]
#[pyo3(signature = (descriptor, *, name))]
pub(crate) fn list_members(
    py: Python<'_>,
    descriptor: Descriptor,
    name: PathBuf,
) -> PyResult<Vec<MemberRecord>> {
    let status = descriptor.0.metadata();
    let size = status.map_err(|error| os_error(py, &error, Some(&name)))?.len();
    interrupt::run(py, &name, None, |cancel, _| {
        let list = || {
            let mut reader = Reader::new(BufReader::new(Slice::new(descriptor.0, 0, size)));
            let mut members = Vec::new();
            while let Some(member) = reader.next_member()? {
                cancel.check()?;
                members.push(member.into());
                reader.skip_content()?;
            }
            Ok(members)
        };
        list().map_err(|error: fastlayer_core::Error| error.in_archive(&name))
    })
}

/// Whether a file is a tar, plain or compressed, by its first header.
#[pyfunction]
pub(crate) fn holds_tar(py: Python<'_>, path: PathBuf) -> PyResult<bool> {
    let found = py.detach(|| is_archive(&path));
    found.map_err(|error| to_python(py, error, &path))
}

/// The 512 bytes in front of a member of an image archive.
#[pyfunction]
pub(crate) fn member_header<'py>(
    py: Python<'py>,
    name: &str,
    size: u64,
) -> PyResult<Bound<'py, PyBytes>> {
    let header = archive_member_header(name, size).ok_or_else(|| {
        PyValueError::new_err(format!("the member name `{name}` is longer than 100 bytes"))
    })?;
    Ok(PyBytes::new(py, &header))
}
