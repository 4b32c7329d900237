//! Hands out what is due to threads, which wait here until something is.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::order::{Due, Order, Task};
use crate::cancel::{Cancel, wait_for_change};
use crate::error::{Error, Result};

/// Hands out tasks to threads.
#[derive(Debug)]
pub(super) struct Schedule {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    order: Order,
    failure: Option<Error>,
}

impl Schedule {
    /// A schedule for one worker, who may become `workers`, and for `blocks` blocks (`None`: until
    /// a fill says that it was the last one, and one fill at a time).
    pub(super) fn new(workers: usize, blocks: Option<u64>, compressing: bool) -> Self {
        let order = Order::new(workers, blocks, compressing);
        Self { state: Mutex::new(State { order, failure: None }), changed: Condvar::new() }
    }

    /// The next task, as soon as there is one; `None` when all is done or something failed. For one
    /// who was `hired`, also when all that is left is done in order.
    pub(super) fn next(&self, hired: bool, cancel: &Cancel) -> Option<Due> {
        let mut state = self.lock();
        loop {
            if state.failure.is_none()
                && let Err(error) = cancel.check()
            {
                state.failure = Some(error);
                self.changed.notify_all();
            }
            if state.failure.is_some() || state.order.is_done() {
                return None;
            }
            if let Some(due) = state.order.claim() {
                return Some(due);
            }
            if hired && state.order.is_serial() {
                return None;
            }
            state = wait_for_change(&self.changed, state);
        }
    }

    /// Makes room for one more worker, if there may be one.
    pub(super) fn hire(&self) -> bool {
        self.lock().order.hire()
    }

    /// Reports a task as done. `ended`: the filled block is the last one.
    pub(super) fn done(&self, task: Task, ended: bool) {
        self.lock().order.complete(task, ended);
        self.changed.notify_all();
    }

    /// Stops the work. The first failure is the one that is told.
    pub(super) fn fail(&self, error: Error) {
        self.lock().failure.get_or_insert(error);
        self.changed.notify_all();
    }

    /// The failure, if there was one.
    pub(super) fn into_result(self) -> Result<()> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.failure.map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_uses_one_slot() {
        let schedule = Schedule::new(4, Some(20), true);
        while let Some(due) = schedule.next(false, &Cancel::default()) {
            assert_eq!(due.slot, 0);
            schedule.done(due.task, false);
        }
        schedule.into_result().unwrap();
    }

    #[test]
    fn who_was_hired_leaves_the_end_to_the_others() {
        let schedule = Schedule::new(2, Some(1), true);
        let next = |hired| schedule.next(hired, &Cancel::default()).map(|due| due.task);
        for task in [Task::Fill(0), Task::Hash(0), Task::Compress { block: 0, last: true }] {
            assert_eq!(next(false), Some(task));
            if let Task::Fill(_) = task {
                schedule.done(task, false);
            }
        }
        assert_eq!(next(true), None);
    }

    #[test]
    fn the_first_failure_is_told_and_ends_the_work() {
        let schedule = Schedule::new(2, Some(3), false);
        schedule.fail(Error::Argument("first".into()));
        schedule.fail(Error::Argument("second".into()));
        assert_eq!(schedule.next(false, &Cancel::default()), None);
        assert_eq!(schedule.into_result().unwrap_err().to_string(), "first");
    }

    #[test]
    fn a_raised_flag_ends_a_wait() {
        let schedule = Schedule::new(1, None, false);
        let cancel = Cancel::default();
        assert_eq!(schedule.next(false, &cancel).map(|due| due.task), Some(Task::Fill(0)));
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| schedule.next(false, &cancel));
            cancel.raise();
            waiting.join().unwrap()
        });
        assert_eq!(waiting, None);
        assert!(matches!(schedule.into_result(), Err(Error::Cancelled)));
    }
}
