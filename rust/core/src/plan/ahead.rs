//! Files that are not in memory yet are asked for before their turn.
//!
//! A small file that has to come from a disk is a wait, and one reader has one such wait at a time:
//! far less than a disk can do. So, once a reader would have to wait, the kernel is told which files
//! come next. This never fails and changes nothing but time: what is wrong with a file is found when
//! it is read.

use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Advice, fadvise};

use super::place::{Opener, Place};
use super::{Content, Plan, Planned};
use crate::source::would_wait;

/// How far beyond what is being read, in bytes of tar: enough to keep a disk busy, and little
/// against the memory of any machine.
const AHEAD: u64 = 16 << 20;

/// Bytes of tar that are asked for together, or not at all.
const STEP: u64 = 1 << 20;

/// Steps in memory, one after the other, from which on nothing more is asked for. One alone says
/// little: the kernel may have read more of a file than it was asked for.
const PATIENCE: u64 = AHEAD / STEP;

/// What the readers of one plan share. Nothing goes wrong when two of them change it at once.
#[derive(Debug, Default)]
pub(super) struct Frontier {
    /// Where the bytes of the tar begin that nobody has asked for yet.
    asked: AtomicU64,
    /// Steps to go on for, should all of them be in memory.
    patience: AtomicU64,
}

/// A reader would have to wait: asks for all of the stretch `reading` that it is at, and goes on.
pub(super) fn begin(plan: &Plan, reading: Range<u64>) {
    plan.frontier.patience.store(PATIENCE, Ordering::Relaxed);
    go_on(plan, reading);
}

/// Asks for what comes behind the stretch `reading`, if somebody had to wait not long ago.
pub(super) fn go_on(plan: &Plan, reading: Range<u64>) {
    let Frontier { asked, patience } = &plan.frontier;
    if patience.load(Ordering::Relaxed) == 0 {
        return;
    }
    let until = (reading.end + AHEAD).min(plan.size);
    let mut from = asked.fetch_max(until, Ordering::Relaxed).max(reading.start);
    while from < until {
        let to = (from + STEP).min(until);
        let left = if ask_step(plan, from..to) {
            PATIENCE
        } else {
            patience.load(Ordering::Relaxed).saturating_sub(1)
        };
        patience.store(left, Ordering::Relaxed);
        from = to;
    }
}

/// Asks for all files of a stretch, unless the first one that begins there is in memory. Returns
/// whether it did.
fn ask_step(plan: &Plan, stretch: Range<u64>) -> bool {
    let parts: Vec<_> = parts_in(plan, stretch).collect();
    let mut opener = Opener::default();
    let telling = parts.iter().position(|(_, part)| part.start == 0).unwrap_or_default();
    let Some((place, part)) = parts.get(telling) else { return false };
    if !opener.open(place).is_ok_and(|file| would_wait(&file, part.start)) {
        return false;
    }
    for (place, part) in &parts {
        if let Ok(file) = opener.open(place) {
            let length = NonZeroU64::new(part.end - part.start);
            let _ = fadvise(file, part.start, length, Advice::WillNeed);
        }
    }
    true
}

/// The files that have content in the stretch, and which part of each that is.
fn parts_in(plan: &Plan, stretch: Range<u64>) -> impl Iterator<Item = (Place<'_>, Range<u64>)> {
    let entries = plan.entries.get(plan.index_at(stretch.start)..).unwrap_or_default().iter();
    entries
        .take_while(move |planned| planned.offset < stretch.end)
        .filter_map(move |planned| part_of(plan, planned, &stretch))
}

fn part_of<'a>(
    plan: &'a Plan,
    planned: &'a Planned,
    stretch: &Range<u64>,
) -> Option<(Place<'a>, Range<u64>)> {
    let (origin, stamp) = match &planned.content {
        Content::File { origin, stamp } => (*origin, stamp),
        Content::Described(file) => (file.origin, &file.stamp),
        _ => return None,
    };
    let content = planned.content_offset();
    let from = stretch.start.saturating_sub(content);
    let to = stretch.end.saturating_sub(content).min(planned.entry.size);
    // Asked for, a hole would take memory.
    let any = from < to && !stamp.sparse;
    any.then(|| (Place::of(&plan.origins[origin], planned), from..to))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::super::PlanBuilder;
    use super::*;
    use crate::cancel::Cancel;
    use crate::source::{Policy, add_tree};

    /// A tree with empty, small and large files, and one of holes.
    fn planned() -> (tempfile::TempDir, Plan) {
        let root = tempfile::tempdir().unwrap();
        for (number, size) in
            [0, 1, 511, 512, 70_000, 3 << 20, 100, (5 << 20) + 7].iter().enumerate()
        {
            fs::write(root.path().join(format!("{number}")), vec![b'x'; *size]).unwrap();
        }
        fs::File::create(root.path().join("holes")).unwrap().set_len(3 << 20).unwrap();
        let mut plan = PlanBuilder::default();
        let (policy, cancel) = (Policy::default(), Cancel::default());
        add_tree(&mut plan, root.path(), &policy, 1, &cancel).unwrap();
        (root, plan.finish(0).unwrap().0)
    }

    #[test]
    fn the_parts_in_all_steps_are_all_content_but_holes() {
        let (root, plan) = planned();
        for step in [512, 4096, 1 << 20, 1 << 30] {
            let mut found = BTreeMap::new();
            for from in (0..plan.size + step).step_by(usize::try_from(step).unwrap()) {
                for (place, part) in parts_in(&plan, from..from + step) {
                    let end: &mut u64 = found.entry(place.shown()).or_default();
                    assert_eq!(*end, part.start);
                    *end = part.end;
                }
            }
            assert_eq!(found.len(), 7);
            for (path, end) in found {
                assert!(path.starts_with(root.path()));
                assert_eq!(end, fs::metadata(path).unwrap().len());
            }
        }
    }

    #[test]
    fn nothing_is_asked_for_unless_somebody_waits_and_then_up_to_the_reach() {
        let (_root, plan) = planned();
        let asked = || plan.frontier.asked.load(Ordering::Relaxed);
        go_on(&plan, 0..1000);
        assert_eq!(asked(), 0);
        plan.frontier.patience.store(2, Ordering::Relaxed);
        go_on(&plan, 0..1000);
        assert_eq!(asked(), plan.size.min(AHEAD + 1000));
        // All of it was in memory: that is the end of it.
        assert_eq!(plan.frontier.patience.load(Ordering::Relaxed), 0);
        begin(&plan, 5 << 20..6 << 20);
        assert_eq!(asked(), plan.size);
        assert_eq!(plan.frontier.patience.load(Ordering::Relaxed), PATIENCE);
    }

    #[test]
    fn what_is_gone_or_cannot_tell_is_not_asked_for() {
        let (root, plan) = planned();
        drop(root);
        assert!(!ask_step(&plan, 0..plan.size));
        let empty = PlanBuilder::default().finish(0).unwrap().0;
        begin(&empty, 0..empty.size);
    }
}
