//! A layer as Python describes it, and what comes out.

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;

use fastlayer_core::blob::{Blob, LayerBlob, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::plan::Warning;
use fastlayer_core::source::{
    FileSource, Mode, Owner, OwnerMap, Patterns, Policy, XattrNames, check_destinations,
};
use fastlayer_core::{Error, Result};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyTuple;

use crate::descriptor::{LayerStretch, layer_file, layer_files};
use crate::edit::EditArgument;
use crate::error::raised;
use crate::items::items;
use crate::stream::PyReader;

/// Ranges of ids: `(inside, outside, count)`.
type Ranges = Vec<(u32, u32, u32)>;

/// `fastlayer.options.Policy`, by its attributes.
#[derive(FromPyObject)]
pub(crate) struct PolicyArgument {
    prefix: PyBackedBytes,
    owner: Option<(u32, u32)>,
    keep_owner: bool,
    uid_map: Option<Ranges>,
    gid_map: Option<Ranges>,
    mode: Option<ModeArgument>,
    mtime: Option<i64>,
    clamp_mtime: Option<i64>,
    drop_xattrs: bool,
    only_xattrs: Option<Vec<PyBackedBytes>>,
    exclude: Vec<PyBackedBytes>,
}

/// Permission bits, or octal digits or clauses of chmod.
#[derive(FromPyObject)]
enum ModeArgument {
    Bits(u32),
    Text(PyBackedBytes),
}

impl PolicyArgument {
    pub(crate) fn into_policy(self) -> Result<Policy> {
        let owner = match self.owner {
            Some((uid, gid)) => Owner::Fixed(uid, gid),
            None => match OwnerMap::new(self.uid_map, self.gid_map)? {
                Some(map) => Owner::Mapped(map),
                None if self.keep_owner => Owner::Keep,
                None => Owner::Usual,
            },
        };
        let mode = self.mode.map(|mode| match mode {
            ModeArgument::Bits(bits) => Mode::fixed(bits),
            ModeArgument::Text(text) => Mode::parse(&String::from_utf8_lossy(&text)),
        });
        let policy = Policy {
            prefix: Box::default(),
            owner,
            mode: mode.transpose()?,
            mtime: self.mtime,
            clamp_mtime: self.clamp_mtime,
            drop_xattrs: self.drop_xattrs,
            only_xattrs: self.only_xattrs.map(|names| XattrNames::parse(&names)).transpose()?,
            exclude: Patterns::parse(self.exclude.iter().map(|pattern| &**pattern))?,
        };
        policy.with_prefix(&self.prefix)
    }
}

/// What a file of a layer is made of: bytes, or the path of a file.
#[derive(FromPyObject)]
pub(crate) enum FileArgument {
    Bytes(PyBackedBytes),
    Path(PathBuf),
}

impl From<FileArgument> for FileSource {
    fn from(file: FileArgument) -> Self {
        match file {
            FileArgument::Bytes(bytes) => Self::Bytes((*bytes).into()),
            FileArgument::Path(path) => Self::Path(path),
        }
    }
}

/// A layer that was made.
#[pyclass(frozen, get_all, module = "fastlayer._core")]
pub(crate) struct LayerRecord {
    digest: String,
    size: u64,
    diff_id: String,
    uncompressed_size: u64,
    entries: u64,
    warnings: Pairs,
    unmatched: Vec<usize>,
}

impl From<LayerBlob> for LayerRecord {
    fn from(layer: LayerBlob) -> Self {
        Self {
            digest: layer.output.digest.to_string(),
            size: layer.output.size,
            diff_id: layer.output.diff_id.to_string(),
            uncompressed_size: layer.output.uncompressed_size,
            entries: layer.entries,
            warnings: to_pairs(layer.warnings),
            unmatched: layer.unmatched,
        }
    }
}

/// Warnings as Python gets them: a path, and the rest of the sentence.
pub(crate) type Pairs = Vec<(OsString, String)>;

pub(crate) fn to_pairs(warnings: Vec<Warning>) -> Pairs {
    let pairs = |warning: Warning| (warning.path.into(), warning.message.into());
    warnings.into_iter().map(pairs).collect()
}

/// Raises for an edit that `LayerQueue.add` would refuse.
#[pyfunction]
pub(crate) fn check_edit(edit: EditArgument) {
    drop(edit);
}

/// Raises for options, and destinations of files, that `LayerQueue.add` would refuse.
#[pyfunction]
#[pyo3(signature = (policy, *, compression, level, threads, destinations))]
pub(crate) fn check_layer(
    py: Python<'_>,
    policy: PolicyArgument,
    compression: &str,
    level: Option<i64>,
    threads: Option<i64>,
    destinations: Vec<Vec<u8>>,
) -> PyResult<()> {
    let check = || -> Result<()> {
        Compression::new(compression, level)?;
        thread_count(threads)?;
        check_destinations(destinations, &policy.into_policy()?)
    };
    check().map_err(|error| raised(py, error))
}

/// The number of threads asked for, or as many as this process may use.
pub(crate) fn thread_count(threads: Option<i64>) -> Result<usize> {
    let Some(threads) = threads else {
        return Ok(std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS));
    };
    usize::try_from(threads).ok().filter(|threads| (1..=MAX_THREADS).contains(threads)).ok_or_else(
        || Error::Argument(format!("threads is {threads}: expected 1 to {MAX_THREADS}")),
    )
}

/// More gain nothing: hashing is serial and bounds a build from about ten threads up.
const MAX_THREADS: usize = 256;

/// A source as Python describes it; files that it names by their paths are not opened yet.
pub(crate) fn source(kind: &str, source: &Bound<'_, PyAny>) -> PyResult<Source> {
    match kind {
        "directory" => Ok(Source::Directory(source.extract()?)),
        "diff" => {
            let (lower, upper) = source.extract()?;
            Ok(Source::Diff { lower, upper })
        }
        "overlay" => Ok(Source::Overlay(source.extract()?)),
        "files" => {
            let files: Vec<(PyBackedBytes, FileArgument)> = source.extract()?;
            let files = files.into_iter().map(|(path, file)| (path.to_vec(), file.into()));
            Ok(Source::Files(files.collect()))
        }
        "copy" => Ok(Source::Items(items(source)?)),
        "mtree" => {
            let (file, base) = source.extract()?;
            Ok(Source::Mtree(file, base))
        }
        "archive" => Ok(Source::Archive(source.extract()?)),
        "part" => {
            let (path, offset, size) = source.extract()?;
            Ok(Source::ArchivePart(path, offset, size))
        }
        "stream" => Ok(Source::Stream(stream(source))),
        "transcode" => Ok(Source::Transcode(blob(source)?)),
        "rewrite" => Ok(Source::Rewrite(blob(source)?)),
        "flatten" => {
            let layers: Vec<LayerStretch> = source.extract()?;
            Ok(Source::Flatten(layer_files(source.py(), layers)?))
        }
        _ => Err(PyValueError::new_err(format!("unknown kind of source `{kind}`"))),
    }
}

/// A layer that was made before: a stretch of an open file, or a stream.
fn blob(source: &Bound<'_, PyAny>) -> PyResult<Blob> {
    if source.is_instance_of::<PyTuple>() {
        let file = layer_file(source.extract()?);
        return Ok(Blob::File(file.map_err(|error| raised(source.py(), error))?));
    }
    Ok(Blob::Stream(stream(source)))
}

fn stream(source: &Bound<'_, PyAny>) -> Box<dyn Read + Send> {
    Box::new(PyReader(source.clone().unbind()))
}
