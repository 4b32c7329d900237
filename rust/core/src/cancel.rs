//! One flag that stops a build from outside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, MutexGuard};
use std::time::Duration;

use crate::error::{Error, Result};

/// A thread that waits looks at the flag this often.
const WAIT: Duration = Duration::from_millis(20);

/// A shared flag: whoever holds a clone may raise it, every stage looks at it between pieces of
/// work of at most a few tens of milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    /// The flag of the work that this is a part of.
    whole: Option<Arc<AtomicBool>>,
}

impl Cancel {
    /// A flag for a part of the work, which is raised for itself, or with that of the whole: this
    /// one. There are no parts of parts.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { flag: Arc::default(), whole: Some(Arc::clone(&self.flag)) }
    }

    /// Asks the work to stop.
    pub fn raise(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    fn is_raised(&self) -> bool {
        let raised = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        raised(&self.flag) || self.whole.as_deref().is_some_and(raised)
    }

    /// [`Error::Cancelled`] once the flag is raised.
    pub fn check(&self) -> Result<()> {
        if self.is_raised() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// Waits until `changed` tells of a change, or it is time to look at a flag again.
pub(crate) fn wait_for_change<'a, T>(
    changed: &Condvar,
    guard: MutexGuard<'a, T>,
) -> MutexGuard<'a, T> {
    changed
        .wait_timeout(guard, WAIT)
        .map_or_else(|poisoned| poisoned.into_inner().0, |(guard, _)| guard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_stopped_alone_or_with_the_whole() {
        let whole = Cancel::default();
        let (one, two) = (whole.part(), whole.part());
        one.raise();
        assert_eq!([&whole, &one, &two].map(Cancel::is_raised), [false, true, false]);
        whole.clone().raise();
        assert!(two.clone().check().is_err());
    }
}
