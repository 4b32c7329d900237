//! A few members of an archive with their content, for who has to know them before a build.

use std::path::PathBuf;

use fastlayer_core::source::{ArchiveFile, Patterns, Pick};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::error::to_python;
use crate::interrupt;
use crate::member::MemberRecord;

/// The members of the archive `path`, or of a part of that file, whose paths match `patterns`.
#[pyfunction]
#[pyo3(signature = (path, part, *, patterns, limit, first))]
pub(crate) fn pick_members(
    py: Python<'_>,
    path: PathBuf,
    part: Option<(u64, u64)>,
    patterns: Vec<PyBackedBytes>,
    limit: u64,
    first: bool,
) -> PyResult<Vec<(MemberRecord, Bound<'_, PyBytes>)>> {
    let patterns = Patterns::parse(patterns).map_err(|error| to_python(py, error, &path))?;
    let pick = Pick { patterns, limit, first };
    let found = interrupt::run(py, &path, None, |cancel, _| {
        let archive = match part {
            Some((offset, size)) => ArchiveFile::open_part(&path, offset, size)?,
            None => ArchiveFile::open(&path)?,
        };
        pick.of(&archive, cancel)
    })?;
    let pair =
        |(member, content): (_, Vec<u8>)| (MemberRecord::from(member), PyBytes::new(py, &content));
    Ok(found.into_iter().map(pair).collect())
}
