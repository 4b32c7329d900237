//! Descriptions in, layer blobs out: several layers on the same threads.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use fastlayer_core::blob::{Build, Queue, Source};
use fastlayer_core::compress::Compression;
use fastlayer_core::edit::{Edit, Edits};
use fastlayer_core::pipeline::Progress;
use fastlayer_core::{Cancel, Error, Result};
use pyo3::prelude::*;

use crate::edit::EditArgument;
use crate::error::{os_error, raised, to_python};
use crate::interrupt;
use crate::layer::{self, LayerRecord, PolicyArgument, thread_count};
use crate::sink::{Sink, SinkArgument};
use crate::tree::Tree;

/// Layers that are made on the same threads and come out in the order in which they were added.
#[pyclass(module = "fastlayer._core")]
pub(crate) struct LayerQueue {
    outputs: Vec<(u64, u64)>,
    /// What was added, until the first layer is asked for. Streams are for one thread at a time.
    added: Mutex<Vec<(Build, Source)>>,
    queue: Option<Queue<Sink>>,
    cancel: Cancel,
    /// Of each layer.
    progress: Vec<Progress>,
    /// How many were asked for.
    taken: usize,
}

#[pymethods]
impl LayerQueue {
    #[new]
    fn new(outputs: Vec<(u64, u64)>) -> Self {
        Self {
            outputs,
            added: Mutex::default(),
            queue: None,
            cancel: Cancel::default(),
            progress: Vec::new(),
            taken: 0,
        }
    }

    /// Adds a layer; nothing of it is read yet.
    #[pyo3(signature = (
        kind, source, policy, edits, *, compression, level, threads, verify, ground=None
    ))]
    #[allow(clippy::too_many_arguments, reason = "one crossing takes the whole description")]
    fn add(
        &mut self,
        py: Python<'_>,
        kind: &str,
        source: &Bound<'_, PyAny>,
        policy: PolicyArgument,
        edits: Vec<EditArgument>,
        compression: &str,
        level: Option<i64>,
        threads: Option<i64>,
        verify: bool,
        ground: Option<PyRef<'_, Tree>>,
    ) -> PyResult<()> {
        let progress = Progress::default();
        let source = layer::source(kind, source)?;
        let describe = || -> Result<Build> {
            let build = Build {
                policy: policy.into_policy()?,
                edits: Edits::new(edits.into_iter().map(Edit::from).collect()),
                compression: Compression::new(compression, level)?,
                verify,
                threads: thread_count(threads)?,
                ground: ground.map(|ground| ground.shared()),
                outputs: self.outputs.clone(),
                cancel: self.cancel.clone(),
                progress: progress.clone(),
            };
            build.check(&source)?;
            Ok(build)
        };
        let build = describe().map_err(|error| raised(py, error))?;
        self.added().push((build, source));
        self.progress.push(progress);
        Ok(())
    }

    /// Makes the next layer and writes its blob to `sink`: an open file, from its position on, or
    /// memory. Those after it may be made meanwhile, and go on after the call; an error ends them all.
    #[pyo3(signature = (sink, *, sink_name, progress=None))]
    fn make(
        &mut self,
        py: Python<'_>,
        sink: SinkArgument,
        sink_name: PathBuf,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<LayerRecord> {
        let sink =
            sink.into_sink(&self.cancel).map_err(|error| os_error(py, &error, Some(&sink_name)))?;
        let Some(done) = self.progress.get(self.taken).cloned() else {
            let error = Error::Internal("no layer was added, or one has failed".into());
            return Err(to_python(py, error, &sink_name));
        };
        self.taken += 1;
        let added = std::mem::take(self.added());
        let cancel = &self.cancel;
        let queue = self.queue.get_or_insert_with(|| Queue::new(added, cancel));
        let made = queue
            .give_turn(sink)
            .map_err(|error| to_python(py, error, &sink_name))
            .and_then(|()| interrupt::watch(py, progress, &done, |tick| queue.wait(tick)))
            .and_then(|made| made.map_err(|error| to_python(py, error, &sink_name)));
        if made.is_err() {
            self.close(py);
        }
        Ok(made?.into())
    }

    /// Stops what is still under way; every thread has ended when this returns.
    fn close(&mut self, py: Python<'_>) {
        self.progress.clear();
        self.added().clear();
        if let Some(queue) = self.queue.take() {
            py.detach(|| drop(queue));
        }
    }
}

impl LayerQueue {
    fn added(&mut self) -> &mut Vec<(Build, Source)> {
        self.added.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}
