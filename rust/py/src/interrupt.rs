//! Long work that Ctrl-C stops.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use fastlayer_core::pipeline::Progress;
use fastlayer_core::{Cancel, Error};
use pyo3::prelude::*;

use crate::error::to_python;

/// How often the calling thread looks at signals and reports progress: often enough that most of
/// the 0.2 s that Ctrl-C may take are left for a compressor's running job.
const TICK: Duration = Duration::from_millis(20);

/// Runs `work` on a thread of its own while the calling thread keeps looking at signals.
///
/// A signal handler or a progress callback that raises stops the work; its exception is what the
/// caller gets, after the work has ended. `output` names what is being written, for errors.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    output: &Path,
    report: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Cancel, &Progress) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let (cancel, progress) = (Cancel::default(), Progress::default());
    let (ended, wait) = channel::<()>();
    std::thread::scope(|scope| {
        let (cancel, progress) = (&cancel, &progress);
        // Dropped when the work ends, also when it panics.
        let spawned = Builder::new().spawn_scoped(scope, move || {
            let _ended = ended;
            work(cancel, progress)
        });
        let thread = spawned.map_err(|error| to_python(py, Error::no_thread(error), output))?;
        let wait = Mutex::new(wait);
        let watched = watch(py, report, progress, |tick| {
            let wait = wait.lock().unwrap_or_else(PoisonError::into_inner);
            (wait.recv_timeout(tick) != Err(RecvTimeoutError::Timeout)).then_some(())
        });
        if watched.is_err() {
            cancel.raise();
        }
        let result = py.detach(|| thread.join());
        watched?;
        result
            .unwrap_or_else(|_| Err(Error::Internal("a thread of the core panicked".into())))
            .map_err(|error| to_python(py, error, output))
    })
}

/// Calls `poll`, which waits for no longer than it is told, until it has a value. Looks at signals
/// and reports progress after each call; what one of those raises is the result.
pub(crate) fn watch<T: Send>(
    py: Python<'_>,
    report: Option<&Bound<'_, PyAny>>,
    progress: &Progress,
    mut poll: impl FnMut(Duration) -> Option<T> + Send,
) -> PyResult<T> {
    loop {
        let polled = py.detach(|| poll(TICK));
        py.check_signals()?;
        tell(report, progress)?;
        if let Some(value) = polled {
            return Ok(value);
        }
    }
}

fn tell(report: Option<&Bound<'_, PyAny>>, progress: &Progress) -> PyResult<()> {
    if let Some(report) = report {
        let (done, total) = progress.get();
        report.call1((done, (total > 0).then_some(total)))?;
    }
    Ok(())
}
