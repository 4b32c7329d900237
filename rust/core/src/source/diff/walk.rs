//! Two trees, walked side by side.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::super::tree::{Ahead, Child, Listing, Tree};
use super::super::whiteout::whiteout;
use super::{State, Undecided};
use crate::error::Result;
use crate::plan::{Content, PlanBuilder};
use crate::tar::{Entry, Kind};

pub(super) struct Walk<'a> {
    plan: &'a mut PlanBuilder,
    lower: &'a Tree<'a>,
    upper: &'a Tree<'a>,
    undecided: Vec<Undecided>,
}

/// What one directory holds in both trees, as far as it has not been met.
struct Level {
    lower: Peekable<IntoIter<Child>>,
    upper: Peekable<IntoIter<Child>>,
}

impl Level {
    fn new(lower: Vec<Child>, upper: Vec<Child>) -> Self {
        Self { lower: lower.into_iter().peekable(), upper: upper.into_iter().peekable() }
    }

    /// What the next name is in the lower and in the upper tree.
    fn next(&mut self) -> (Option<Child>, Option<Child>) {
        let order = match (self.lower.peek(), self.upper.peek()) {
            (Some(lower), Some(upper)) => lower.path().cmp(upper.path()),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let lower = if order.is_le() { self.lower.next() } else { None };
        let upper = if order.is_ge() { self.upper.next() } else { None };
        (lower, upper)
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(plan: &'a mut PlanBuilder, lower: &'a Tree<'a>, upper: &'a Tree<'a>) -> Self {
        Self { plan, lower, upper, undecided: Vec::new() }
    }

    /// The entries that are left to decide on, in the order of the layer.
    pub(super) fn into_undecided(self) -> Vec<Undecided> {
        self.undecided
    }

    pub(super) fn run(&mut self, lower: &mut Ahead<'_>, upper: &mut Ahead<'_>) -> Result<()> {
        let mut stack = vec![self.enter(Some(lower.listing(b"")?), upper.listing(b"")?)?];
        while let Some(level) = stack.last_mut() {
            self.upper.cancel.check()?;
            let (below, above) = level.next();
            // No layer holds a socket, so that none is there.
            let below = below.filter(|below| !matches!(below, Child::Socket(_)));
            match above {
                Some(Child::Directory(path)) => {
                    let listing = match below {
                        Some(Child::Directory(path)) => Some(lower.listing(&path)?),
                        _ => None,
                    };
                    stack.push(self.enter(listing, upper.listing(&path)?)?);
                }
                Some(Child::Entry(entry, content)) => {
                    let below = match below {
                        Some(Child::Entry(entry, content)) => Some((entry, content)),
                        below => {
                            skip(lower, below.as_ref());
                            None
                        }
                    };
                    self.compare(below, entry, content)?;
                }
                Some(Child::Socket(path)) => {
                    self.upper.warn_of_socket(self.plan, &path);
                    self.remove(lower, below.as_ref());
                }
                None if below.is_some() => self.remove(lower, below.as_ref()),
                None if level.lower.peek().is_none() && level.upper.peek().is_none() => {
                    stack.pop();
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Compares a directory with the one in the lower tree; one that is unchanged is in the layer
    /// only if something in it is.
    fn enter(&mut self, lower: Option<Listing>, mut upper: Listing) -> Result<Level> {
        self.upper.apply_policy(&mut upper.entry)?;
        let (mut same, mut children) = (false, Vec::new());
        if let Some(mut lower) = lower {
            self.lower.apply_policy(&mut lower.entry)?;
            same = lower.entry == upper.entry;
            children = lower.children;
        }
        self.plan.push(upper.entry, Content::None, upper.excluded || same);
        Ok(Level::new(children, upper.children))
    }

    fn compare(
        &mut self,
        lower: Option<(Entry, Content)>,
        mut entry: Entry,
        content: Content,
    ) -> Result<()> {
        let path = entry.path.clone();
        self.upper.apply_policy(&mut entry)?;
        let (mut state, mut below) = (State::Changed, Content::None);
        if let Some((mut lower, content_below)) = lower {
            self.lower.apply_policy(&mut lower)?;
            if lower == entry {
                state = by_stamp(&entry, &content_below, &content);
                below = content_below;
            }
        }
        let shared = content.identity().is_some() || below.identity().is_some();
        match state {
            State::Changed if !shared => self.plan.push(entry, content, false),
            State::Same if !shared => {}
            _ => self.undecided.push(Undecided { path, entry, content, lower: below, state }),
        }
        Ok(())
    }

    /// Removes what only the lower tree has.
    fn remove(&mut self, lower: &mut Ahead<'_>, child: Option<&Child>) {
        let Some(child) = child else { return };
        skip(lower, Some(child));
        // A directory may have been listed only for the sake of what a pattern takes back in.
        if !self.lower.policy.exclude.excludes(child.path()) {
            let entry = whiteout(child.path(), self.upper.policy);
            self.plan.push(entry, Content::None, false);
        }
    }
}

/// Goes past a directory of the lower tree and all that it holds.
fn skip(lower: &mut Ahead<'_>, child: Option<&Child>) {
    if let Some(Child::Directory(path)) = child {
        lower.skip(path);
    }
}

/// What is known of two entries with the same metadata.
fn by_stamp(entry: &Entry, lower: &Content, upper: &Content) -> State {
    match (lower, upper) {
        (Content::File { stamp: lower, .. }, Content::File { stamp: upper, .. })
            if entry.kind == Kind::Regular && entry.size > 0 && lower != upper =>
        {
            State::Alike
        }
        _ => State::Same,
    }
}
