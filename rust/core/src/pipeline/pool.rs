//! Threads that several builds share, so that there are never more at work than were asked for.
//!
//! Builds have numbers, and get their turn one after the other: then the blob goes to its output.
//! The one in turn takes as many threads as it has work for and as are free. Those after it go
//! ahead on one thread each, as long as what they hold of their blobs stays below a limit; then
//! they give their threads to the one in turn. It always gets one: who goes ahead makes way
//! between two blocks, and who waits for anything has no thread.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::BLOCK;
use super::stock::Stock;
use crate::cancel::{Cancel, wait_for_change};
use crate::error::Result;

/// Bytes of blobs that wait for their turn, for each thread: as much as it has in a block that it
/// works on. One block may come to it.
const HELD: usize = BLOCK;

/// A number of threads, and their memory, for builds that share them.
#[derive(Debug)]
pub(crate) struct Pool {
    size: usize,
    stock: Stock,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Threads that nobody uses.
    free: usize,
    /// Builds that wait for one.
    waiting: BTreeSet<usize>,
    /// Builds below this number have their turn, or had it.
    turns: usize,
    /// The build in turn has threads of its own, for which all others stop.
    exclusive: bool,
    /// Bytes of blobs that wait for their turn.
    held: usize,
}

impl State {
    fn in_turn(&self, number: usize) -> bool {
        number < self.turns
    }

    /// Whether a build may work, if there is a thread for it.
    fn may_work(&self, number: usize, limit: usize) -> bool {
        self.in_turn(number) || !self.exclusive && self.held < limit
    }
}

impl Pool {
    /// A pool of `size` threads, of which none is used and no build has its turn.
    #[must_use]
    pub(crate) fn new(size: usize) -> Arc<Self> {
        let size = size.max(1);
        let (waiting, turns, exclusive, held) = (BTreeSet::new(), 0, false, 0);
        let state = Mutex::new(State { free: size, waiting, turns, exclusive, held });
        Arc::new(Self { size, stock: Stock::default(), state, changed: Condvar::new() })
    }

    /// How many threads there are.
    #[must_use]
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Gives the next build its turn; the one before has ended.
    pub(crate) fn give_turn(&self) {
        self.change(|state| state.turns += 1);
    }

    /// The place of the build `number`, which has no thread yet and wants at most `threads`.
    #[must_use]
    pub(crate) fn seat(self: &Arc<Self>, number: usize, threads: usize) -> Seat {
        let threads = threads.clamp(1, self.size);
        Seat { pool: Arc::clone(self), number, threads, seated: AtomicBool::new(false) }
    }

    fn most_held(&self) -> usize {
        HELD * self.size
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `ready`, or for the flag.
    fn wait(
        &self,
        cancel: &Cancel,
        ready: impl Fn(&State) -> bool,
    ) -> Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        while !ready(&state) {
            cancel.check()?;
            state = wait_for_change(&self.changed, state);
        }
        Ok(state)
    }
}

/// A build's place in a [`Pool`].
#[derive(Debug)]
pub struct Seat {
    pool: Arc<Pool>,
    number: usize,
    threads: usize,
    /// Whether it has its first thread.
    seated: AtomicBool,
}

impl Seat {
    /// The place of a build that has `threads` threads for itself, and its turn.
    #[must_use]
    pub fn alone(threads: usize) -> Self {
        let pool = Pool::new(threads);
        pool.change(|state| (state.turns, state.free) = (1, state.free - 1));
        let seat = pool.seat(0, threads);
        seat.seated.store(true, Ordering::Relaxed);
        seat
    }

    /// The most threads that it may have.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn stock(&self) -> &Stock {
        &self.pool.stock
    }

    /// Whether its blob goes to its output.
    pub(crate) fn in_turn(&self) -> bool {
        self.pool.lock().in_turn(self.number)
    }

    /// Waits for its first thread, which goes to the lowest number that waits.
    pub(crate) fn enter(&self, cancel: &Cancel) -> Result<()> {
        if self.seated.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (pool, number, most) = (&*self.pool, self.number, self.pool.most_held());
        pool.change(|state| state.waiting.extend([number]));
        let entered = pool.wait(cancel, |state| {
            let first = state.waiting.first() == Some(&number);
            first && state.free > 0 && state.may_work(number, most)
        });
        let entered = entered.map(|mut state| state.free -= 1);
        self.seated.store(entered.is_ok(), Ordering::Relaxed);
        pool.change(|state| state.waiting.retain(|waiting| *waiting != number));
        entered
    }

    /// Gives its first thread back.
    pub(crate) fn leave(&self) {
        if self.seated.swap(false, Ordering::Relaxed) {
            self.pool.change(|state| state.free += 1);
        }
    }

    /// Waits for its turn, without a thread.
    pub(crate) fn wait_for_turn(&self, cancel: &Cancel) -> Result<()> {
        if !self.in_turn() {
            self.leave();
            drop(self.pool.wait(cancel, |state| state.in_turn(self.number))?);
        }
        Ok(())
    }

    /// Comes between two blocks of its first thread: makes way for others if it must, having called
    /// `rest` to give back its memory too.
    pub(super) fn pace(&self, cancel: &Cancel, rest: impl FnOnce()) -> Result<()> {
        let goes_on = {
            let state = self.pool.lock();
            let preceded = state.waiting.first().is_some_and(|first| *first < self.number);
            state.in_turn(self.number)
                || !preceded && state.may_work(self.number, self.pool.most_held())
        };
        if goes_on {
            return Ok(());
        }
        rest();
        self.leave();
        self.enter(cancel)
    }

    /// One more thread, if it has its turn and there is one that nobody waits for.
    pub(super) fn another(&self) -> Option<Token<'_>> {
        let mut state = self.pool.lock();
        let wanted = state
            .waiting
            .first()
            .is_some_and(|first| state.may_work(*first, self.pool.most_held()));
        if state.free == 0 || wanted || !state.in_turn(self.number) {
            return None;
        }
        state.free -= 1;
        Some(Token(&self.pool))
    }

    /// Waits for its turn; then nobody else gets a thread until the value is dropped.
    pub(super) fn exclude_others(&self, cancel: &Cancel) -> Result<Exclusion<'_>> {
        self.wait_for_turn(cancel)?;
        self.enter(cancel)?;
        self.pool.change(|state| state.exclusive = true);
        Ok(Exclusion(&self.pool))
    }

    /// Takes note of `bytes` of its blob that wait for its turn.
    pub(crate) fn hold(&self, bytes: usize) {
        self.pool.lock().held += bytes;
    }

    /// Takes note that as many bytes wait no more.
    pub(crate) fn let_go(&self, bytes: usize) {
        self.pool.change(|state| state.held = state.held.saturating_sub(bytes));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A further thread of a build; given back when dropped.
#[derive(Debug)]
pub(super) struct Token<'a>(&'a Pool);

impl Drop for Token<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.free += 1);
    }
}

/// See [`Seat::exclude_others`].
#[derive(Debug)]
pub(super) struct Exclusion<'a>(&'a Pool);

impl Drop for Exclusion<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.exclusive = false);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Seats of a pool of `threads` for builds that want all of them.
    fn seats<const N: usize>(threads: usize) -> (Arc<Pool>, [Seat; N]) {
        let pool = Pool::new(threads);
        let seats = std::array::from_fn(|number| pool.seat(number, threads));
        (pool, seats)
    }

    /// A flag that is raised in a moment: who waits until then would wait for ever.
    fn soon() -> Cancel {
        let cancel = Cancel::default();
        let flag = cancel.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            flag.raise();
        });
        cancel
    }

    #[test]
    fn the_one_in_turn_gets_what_nobody_waits_for() {
        let (pool, [first, second]) = seats(3);
        pool.give_turn();
        first.enter(&soon()).unwrap();
        second.enter(&soon()).unwrap();
        let more = first.another().unwrap();
        assert!(first.another().is_none());
        drop(more);
        assert!(second.another().is_none(), "it has not its turn");
        second.leave();
        let all = [first.another(), first.another()];
        assert!(all.iter().all(Option::is_some));
        assert!(second.enter(&soon()).is_err(), "there is none left");
        drop(all);
        second.enter(&soon()).unwrap();
    }

    #[test]
    fn who_goes_ahead_makes_way_for_the_one_in_turn() {
        let (pool, [first, second]) = seats(1);
        second.enter(&soon()).unwrap();
        pool.give_turn();
        let rested = AtomicBool::new(false);
        thread::scope(|scope| {
            let entered = scope.spawn(|| {
                first.enter(&soon()).unwrap();
                // Else the other one would never get it back.
                first.leave();
            });
            while !entered.is_finished() {
                second.pace(&soon(), || rested.store(true, Ordering::Relaxed)).unwrap();
            }
        });
        assert!(rested.into_inner());
    }

    #[test]
    fn what_is_held_is_limited_and_the_one_in_turn_is_not() {
        let (pool, [first, second, third]) = seats(3);
        pool.give_turn();
        second.enter(&soon()).unwrap();
        second.hold(3 * HELD);
        assert!(second.pace(&soon(), || ()).is_err());
        assert!(third.enter(&soon()).is_err());
        first.enter(&soon()).unwrap();
        first.pace(&soon(), || panic!("it need not wait")).unwrap();
        second.let_go(1);
        third.enter(&soon()).unwrap();
    }

    #[test]
    fn a_build_with_threads_of_its_own_has_no_other_beside_it() {
        let (pool, [first, second]) = seats(2);
        assert!(first.exclude_others(&soon()).is_err(), "it has not its turn");
        pool.give_turn();
        let exclusion = first.exclude_others(&soon()).unwrap();
        assert!(second.enter(&soon()).is_err());
        drop(exclusion);
        second.enter(&soon()).unwrap();
    }

    #[test]
    fn a_wait_for_the_turn_takes_no_thread() {
        let (pool, [first, second]) = seats(1);
        second.enter(&soon()).unwrap();
        assert!(second.wait_for_turn(&soon()).is_err());
        first.enter(&soon()).unwrap();
        pool.give_turn();
        first.wait_for_turn(&soon()).unwrap();
        drop(first);
        second.enter(&soon()).unwrap();
    }
}
