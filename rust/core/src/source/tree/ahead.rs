//! Directories are described before the walk comes to them, on other threads.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::look::{Child, Listing, Look, Tree};
use crate::error::{Error, Result};
use crate::tar::order_key;

/// Listings that may wait for the walk: enough that a large directory holds nobody up, and so few
/// that the walk's memory is the plan's.
const READY: usize = 64;

/// What the threads of one walk share.
#[derive(Default)]
struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Directories that nobody has described yet, by their place in the order of the layer.
    waiting: BTreeMap<Box<[u8]>, Box<[u8]>>,
    ready: HashMap<Box<[u8]>, Result<Listing>>,
    /// The walk has no more use for directories that come before this place.
    floor: Box<[u8]>,
    /// The walk is over, or one of its threads has panicked.
    ended: bool,
}

impl State {
    /// The directory that the walk will come to first; none while enough of them are ready.
    fn claim(&mut self) -> Option<Box<[u8]>> {
        if self.ready.len() < READY { Some(self.waiting.pop_first()?.1) } else { None }
    }

    /// Takes the listing of `path`, and note of the directories that it has found.
    fn found(&mut self, path: Box<[u8]>, listing: Result<Listing>) {
        if *order_key(&path) < *self.floor {
            return;
        }
        for child in listing.iter().flat_map(|listing| &listing.children) {
            if let Child::Directory(path) = child {
                self.waiting.insert(order_key(path), path.clone());
            }
        }
        self.ready.insert(path, listing);
    }

    /// Forgets the directory `path`, all below it, and all before it.
    fn skip(&mut self, path: &[u8]) {
        // No byte of a name sorts before this one, and what is below has a smaller one here.
        self.floor = [&*order_key(path), &[1]].concat().into();
        self.waiting = self.waiting.split_off(&self.floor);
        self.ready.retain(|path, _| *order_key(path) >= *self.floor);
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread beside the walk does.
    fn help(&self, tree: &Tree<'_>) {
        let _end = End(self);
        let mut look = Look::new(tree);
        let mut state = self.lock();
        while !state.ended {
            let Some(path) = state.claim() else {
                state = self.wait(state);
                continue;
            };
            drop(state);
            let listing = look.directory(&path);
            state = self.lock();
            state.found(path, listing);
            self.changed.notify_all();
        }
    }
}

/// Ends the walk for all threads when one of them leaves it, also by a panic.
struct End<'a>(&'a Board);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

/// The walk's own side: gives the listings that it asks for.
pub(in crate::source) struct Ahead<'a> {
    board: &'a Board,
    look: Look<'a>,
}

impl Ahead<'_> {
    /// Calls `walk` while other threads, so that there are `threads` of them in all, look ahead.
    pub(in crate::source) fn with_threads(
        tree: &Tree<'_>,
        threads: usize,
        walk: impl FnOnce(&mut Ahead<'_>) -> Result<()>,
    ) -> Result<()> {
        let board = Board::default();
        std::thread::scope(|scope| {
            let _end = End(&board);
            for number in 1..threads {
                std::thread::Builder::new()
                    .name(format!("fastlayer-ahead-{number}"))
                    .spawn_scoped(scope, || board.help(tree))
                    .map_err(Error::no_thread)?;
            }
            walk(&mut Ahead { board: &board, look: Look::new(tree) })
        })
    }

    /// Leaves out the directory `path`, which the walk has come to, and all that it holds.
    pub(in crate::source) fn skip(&mut self, path: &[u8]) {
        self.board.lock().skip(path);
        self.board.changed.notify_all();
    }

    /// Describes the directory `path`, unless that was done already; while another thread is at it,
    /// goes on with the one after it.
    pub(in crate::source) fn listing(&mut self, path: &[u8]) -> Result<Listing> {
        let key = order_key(path);
        let mut state = self.board.lock();
        let mut mine = path.is_empty() || state.waiting.remove(&key).is_some();
        loop {
            if let Some(listing) = state.ready.remove(path) {
                self.board.changed.notify_all();
                return listing;
            }
            if state.ended {
                return Err(Error::Internal("a thread of the walk panicked".into()));
            }
            let next: Box<[u8]> = if std::mem::take(&mut mine) {
                path.into()
            } else if let Some(next) = state.claim() {
                next
            } else {
                state = self.board.wait(state);
                continue;
            };
            drop(state);
            let listing = self.look.directory(&next);
            state = self.board.lock();
            state.found(next, listing);
            self.board.changed.notify_all();
        }
    }
}
