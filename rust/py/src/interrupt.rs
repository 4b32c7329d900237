//! Long work that Ctrl-C stops.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
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
    let (ended, wait) = channel();
    std::thread::scope(|scope| {
        let (cancel, progress) = (&cancel, &progress);
        // Dropped when the work ends, also when it panics.
        let thread = scope.spawn(move || {
            let _ended = ended;
            work(cancel, progress)
        });
        let mut wait = wait;
        let interrupted = loop {
            let received;
            (received, wait) = py.detach(move || (wait.recv_timeout(TICK), wait));
            let finished: bool = match received {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
                Err(RecvTimeoutError::Timeout) => false,
            };
            let outcome = py.check_signals().and_then(|()| tell(report, progress));
            if let Err(error) = outcome {
                cancel.raise();
                break Some(error);
            }
            if finished {
                break None;
            }
        };
        let result = py.detach(|| thread.join());
        if let Some(error) = interrupted {
            return Err(error);
        }
        result
            .unwrap_or_else(|_| Err(Error::Internal("a thread of the core panicked".into())))
            .map_err(|error| to_python(py, error, output))
    })
}

fn tell(report: Option<&Bound<'_, PyAny>>, progress: &Progress) -> PyResult<()> {
    if let Some(report) = report {
        let (done, total) = progress.get();
        report.call1((done, (total > 0).then_some(total)))?;
    }
    Ok(())
}
