//! Several layers on the same threads: made side by side, given out in order.
//!
//! Each layer has a turn, in which its blob goes to its output. Before that, as much of it as may be
//! waits in memory. A few threads, the *lanes*, take layers in order; most of the time nearly all of
//! them wait, since only as many work as the [`Pool`] has threads.
//!
//! What fails ahead of its turn is made again in its turn, and only that counts: errors are those
//! of layers that are made one after the other.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::build::{Build, LayerBlob};
use super::source::{Sink, Source, not_again};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::pipeline::{Pool, Seat};

/// How many layers may be under way beside those that are worked on: small ones are done before
/// their turn comes, and the threads shall not wait for it.
const WAITING: usize = 8;

/// Layers in the making.
pub struct Queue<S> {
    cancel: Cancel,
    shared: Arc<Shared<S>>,
    lanes: Vec<JoinHandle<()>>,
}

/// What the lanes share.
struct Shared<S> {
    pool: Arc<Pool>,
    layers: Vec<Mutex<Option<(Build, Source)>>>,
    /// The layer that the next lane takes.
    next: AtomicUsize,
    desk: Mutex<Desk<S>>,
    changed: Condvar,
}

/// Where the layer in turn meets who asks for it.
struct Desk<S> {
    sink: Option<S>,
    made: Option<Result<LayerBlob>>,
    /// A lane has panicked, so that a turn may have no end.
    broken: bool,
}

impl<S> Shared<S> {
    fn desk(&self) -> MutexGuard<'_, Desk<S>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Sink + 'static> Queue<S> {
    /// A queue of `layers`, all of which `cancel` stops. There are as many threads as the layer has
    /// that has most.
    #[must_use]
    pub fn new(layers: impl IntoIterator<Item = (Build, Source)>, cancel: &Cancel) -> Self {
        let with_flag = |(build, source)| (Build { cancel: cancel.clone(), ..build }, source);
        let layers: Vec<_> = layers.into_iter().map(with_flag).collect();
        let threads = layers.iter().map(|(build, _)| build.threads).max().unwrap_or(1);
        let shared = Shared {
            pool: Pool::new(threads),
            layers: layers.into_iter().map(|layer| Mutex::new(Some(layer))).collect(),
            next: AtomicUsize::new(0),
            desk: Mutex::new(Desk { sink: None, made: None, broken: false }),
            changed: Condvar::new(),
        };
        Self { cancel: cancel.clone(), shared: Arc::new(shared), lanes: Vec::new() }
    }

    /// Gives the next layer its output, and its turn, which ends when [`wait`](Self::wait) has
    /// returned the layer. Work begins with the first turn.
    pub fn give_turn(&mut self, sink: S) -> Result<()> {
        self.cancel.check()?;
        self.shared.desk().sink = Some(sink);
        self.shared.pool.give_turn();
        if self.lanes.is_empty() {
            self.start()?;
        }
        Ok(())
    }

    /// The layer in turn, if it is made within `timeout`. An error ends the whole queue.
    pub fn wait(&mut self, timeout: Duration) -> Option<Result<LayerBlob>> {
        let waiting = |desk: &mut Desk<S>| desk.made.is_none() && !desk.broken;
        let desk = self.shared.desk();
        let mut desk = match self.shared.changed.wait_timeout_while(desk, timeout, waiting) {
            Ok((desk, _)) => desk,
            Err(poisoned) => poisoned.into_inner().0,
        };
        let broken = || Err(Error::Internal("a thread of the core panicked".into()));
        let made = desk.made.take().or_else(|| desk.broken.then(broken));
        drop(desk);
        if let Some(Err(_)) = &made {
            self.close();
        }
        made
    }

    fn start(&mut self) -> Result<()> {
        let size = self.shared.pool.size();
        // One thread has nothing to do beside the layer in turn.
        let most = if size > 1 { size + WAITING } else { 1 };
        for number in 1..=most.min(self.shared.layers.len()) {
            let (shared, cancel) = (Arc::clone(&self.shared), self.cancel.clone());
            let lane = Builder::new()
                .name(format!("fastlayer-lane-{number}"))
                .spawn(move || run_lane(&shared, &cancel))
                .map_err(Error::no_thread)?;
            self.lanes.push(lane);
        }
        Ok(())
    }
}

impl<S> Queue<S> {
    /// Stops what is under way, and waits until every thread has ended.
    fn close(&mut self) {
        self.cancel.raise();
        for lane in self.lanes.drain(..) {
            // If it has panicked, `broken` says so.
            let _ = lane.join();
        }
    }
}

impl<S> Drop for Queue<S> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Makes one layer after the other, until none is left or one has failed.
fn run_lane<S: Sink>(shared: &Shared<S>, cancel: &Cancel) {
    let _alarm = Alarm(shared);
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(layer) = shared.layers.get(number) else { return };
        let layer = layer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((build, source)) = layer else { return };
        let seat = shared.pool.seat(number, build.threads);
        let made = Lane { shared, seat: &seat, cancel }.make(build, source);
        let failed = made.is_err();
        // Only what was cancelled ends before its turn, and nobody waits for it.
        let awaited = seat.in_turn();
        drop(seat);
        if awaited {
            shared.desk().made = Some(made);
            shared.changed.notify_all();
        }
        if failed {
            return;
        }
    }
}

/// Tells who waits when a lane panics.
struct Alarm<'a, S>(&'a Shared<S>);

impl<S> Drop for Alarm<'_, S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.desk().broken = true;
            self.0.changed.notify_all();
        }
    }
}

/// A thread while it makes a layer.
struct Lane<'a, S> {
    shared: &'a Shared<S>,
    seat: &'a Seat,
    cancel: &'a Cancel,
}

impl<S: Sink> Lane<'_, S> {
    fn make(&self, mut build: Build, source: Source) -> Result<LayerBlob> {
        let mut blob = HeldBlob { lane: self, held: Vec::new(), sink: None };
        if let Some(ahead) = source.again()
            && self.shared.pool.size() > 1
            && !self.seat.in_turn()
        {
            match self.make_ahead(&build, ahead, &mut blob) {
                Err(error) => {
                    self.seat.leave();
                    self.seat.wait_for_turn(self.cancel)?;
                    if matches!(error, Error::Write(_) | Error::Internal(_)) {
                        // It says nothing of the source.
                        return Err(error);
                    }
                    blob.restart().map_err(|failed| not_again(error, failed))?;
                    build.progress.restart();
                }
                made => return made,
            }
        }
        self.seat.wait_for_turn(self.cancel)?;
        self.seat.enter(self.cancel)?;
        blob.open().map_err(Error::Write)?;
        build.outputs.extend(blob.sink.as_ref().and_then(Sink::identity));
        build.run_on(self.seat, source, &mut blob)
    }

    /// Makes a layer, of which all that comes before its turn is held.
    fn make_ahead(
        &self,
        build: &Build,
        source: Source,
        blob: &mut HeldBlob<'_, S>,
    ) -> Result<LayerBlob> {
        self.seat.enter(self.cancel)?;
        let build = Build { cancel: self.cancel.part(), ..build.clone() };
        let made = build.run_on(self.seat, source, blob)?;
        self.seat.leave();
        self.seat.wait_for_turn(self.cancel)?;
        blob.open().and_then(|()| blob.flush()).map_err(Error::Write)?;
        Ok(made)
    }
}

/// The blob of a layer: in memory until its turn comes, then in its output.
struct HeldBlob<'a, S> {
    lane: &'a Lane<'a, S>,
    held: Vec<Vec<u8>>,
    sink: Option<S>,
}

impl<S: Sink> HeldBlob<'_, S> {
    /// Takes the output, in its turn, and writes to it what was held.
    fn open(&mut self) -> io::Result<()> {
        if self.sink.is_some() {
            return Ok(());
        }
        self.sink = self.lane.shared.desk().sink.take();
        let Some(sink) = &mut self.sink else {
            return Err(io::Error::other("a layer has no output"));
        };
        let written = self.held.iter().try_for_each(|piece| sink.write_all(piece));
        self.forget();
        written
    }

    fn forget(&mut self) {
        let seat = self.lane.seat;
        seat.let_go(self.held.iter().map(Vec::len).sum());
        self.held.drain(..).for_each(|piece| seat.stock().return_piece(piece));
    }
}

impl<S: Sink> Write for HeldBlob<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.lane.seat.in_turn() {
            self.open()?;
        }
        if let Some(sink) = &mut self.sink {
            return sink.write(bytes);
        }
        self.lane.seat.stock().append(&mut self.held, bytes);
        self.lane.seat.hold(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl<S: Sink> Sink for HeldBlob<'_, S> {
    fn restart(&mut self) -> io::Result<()> {
        self.forget();
        self.sink.as_mut().map_or(Ok(()), Sink::restart)
    }
}
