//! What is there when layers are applied, as Python asks for it.

use fastlayer_core::blob::{Build, apply_blob};
use fastlayer_core::compress::Compression;
use fastlayer_core::edit::{Edit, Edits};
use fastlayer_core::pipeline::Progress;
use fastlayer_core::tar::Kind;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::descriptor::{LayerStretch, layer_file};
use crate::edit::EditArgument;
use crate::error::raised;
use crate::interrupt;
use crate::layer::{self, PolicyArgument, thread_count};
use crate::member::kind_name;

/// What is there when layers are applied.
#[pyclass(module = "fastlayer._core")]
pub(crate) struct Tree {
    tree: fastlayer_core::Tree,
}

impl Tree {
    /// What is there now.
    pub(crate) fn shared(&self) -> fastlayer_core::Tree {
        self.tree.clone()
    }
}

type Bytes<'py> = Bound<'py, PyBytes>;

/// Path, kind, mode, uid, gid, mtime, size, and the target of a symbolic link.
type Facts<'py> = (Bytes<'py>, &'static str, u32, u32, u32, i64, u64, Option<Bytes<'py>>);

#[pymethods]
impl Tree {
    #[new]
    fn new() -> Self {
        Self { tree: fastlayer_core::Tree::default() }
    }

    /// A tree that goes on from here by itself.
    fn copy(&self) -> Self {
        Self { tree: self.shared() }
    }

    /// Applies a layer that was made before.
    fn apply_blob(&mut self, py: Python<'_>, blob: LayerStretch) -> PyResult<()> {
        let threads = thread_count(None).map_err(|error| raised(py, error))?;
        interrupt::run(py, "".as_ref(), None, |cancel, _| {
            apply_blob(&mut self.tree, &layer_file(blob)?, threads, cancel)
        })
    }

    /// Applies a layer as `LayerQueue.add` takes it.
    #[pyo3(signature = (kind, source, policy, edits, ground=None))]
    fn apply_layer(
        &mut self,
        py: Python<'_>,
        kind: &str,
        source: &Bound<'_, PyAny>,
        policy: PolicyArgument,
        edits: Vec<EditArgument>,
        ground: Option<PyRef<'_, Self>>,
    ) -> PyResult<()> {
        let source = layer::source(kind, source)?;
        let ground = ground.map(|ground| ground.shared());
        interrupt::run(py, "".as_ref(), None, |cancel, _| {
            let build = Build {
                policy: policy.into_policy()?,
                edits: Edits::new(edits.into_iter().map(Edit::from).collect()),
                compression: Compression::new("none", None)?,
                verify: false,
                threads: thread_count(None)?,
                ground,
                outputs: Vec::new(),
                cancel: cancel.clone(),
                progress: Progress::default(),
            };
            build.apply_to(&mut self.tree, source)
        })
    }

    /// What is at this path.
    fn entry<'py>(&self, py: Python<'py>, path: &[u8]) -> PyResult<Option<Facts<'py>>> {
        let found = self.tree.entry(path).map_err(|error| raised(py, error))?;
        Ok(found.map(|entry| {
            let link = match &entry.kind {
                Kind::Symlink(target) => Some(PyBytes::new(py, target)),
                _ => None,
            };
            let path = PyBytes::new(py, &entry.path);
            let kind = kind_name(&entry.kind);
            (path, kind, entry.mode, entry.uid, entry.gid, entry.mtime, entry.size, link)
        }))
    }

    /// The path without links.
    #[pyo3(signature = (path, *, follow_last))]
    fn resolve<'py>(
        &self,
        py: Python<'py>,
        path: &[u8],
        follow_last: bool,
    ) -> PyResult<Bytes<'py>> {
        let resolved = py.detach(|| self.tree.resolve(path, follow_last));
        resolved.map(|path| PyBytes::new(py, &path)).map_err(|error| raised(py, error))
    }

    /// The names in a directory.
    fn children<'py>(&self, py: Python<'py>, directory: &[u8]) -> PyResult<Vec<Bytes<'py>>> {
        let names = self.tree.children(directory).map_err(|error| raised(py, error))?;
        Ok(names.into_iter().map(|name| PyBytes::new(py, name)).collect())
    }

    /// The content of one of the few files whose content is kept.
    fn content<'py>(&self, py: Python<'py>, path: &[u8]) -> PyResult<Option<Bytes<'py>>> {
        let content = self.tree.content(path).map_err(|error| raised(py, error))?;
        Ok(content.map(|content| PyBytes::new(py, content)))
    }
}
