//! Plans of what comes by in a stream: everything is known of it beforehand but the content.

use std::ops::Range;

use super::{Boxed, Content, Plan, Planned};
use crate::tar::{Entry, TRAILER, is_within, padded};

/// A member whose content a plan needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedMember {
    pub(crate) number: u64,
    /// Where its content belongs in the tar.
    pub(crate) content: Range<u64>,
    /// The place of its entry.
    index: usize,
}

impl Plan {
    /// The same entries in the order of the stream's members: each behind the directories above
    /// it, names of one inode together, and what is in no stream at the end.
    pub(crate) fn in_order_of_members(mut self) -> Self {
        let parents = parents(&self.entries);
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        // The first name of an inode stays before the others.
        order.sort_by_key(|&index| number(&self.entries[index]));
        let mut entries: Vec<Option<Boxed>> = self.entries.into_iter().map(Some).collect();
        let mut arranged = Vec::with_capacity(entries.len());
        let mut above = Vec::new();
        for index in order {
            let mut next = Some(index);
            // Whatever is arranged has its own parents.
            while let Some(index) = next
                && let Some(planned) = entries[index].take()
            {
                above.push(planned);
                next = parents[index];
            }
            arranged.extend(above.drain(..).rev());
        }
        let mut offset = 0;
        for planned in &mut arranged {
            planned.offset = offset;
            offset += u64::from(planned.header) + padded(planned.entry.size);
        }
        debug_assert_eq!(offset + TRAILER, self.size);
        self.entries = arranged;
        self
    }

    /// Whether the content of an entry comes in a stream.
    pub(crate) fn is_streamed(&self, index: usize) -> bool {
        let planned = &self.entries[index];
        matches!(planned.content, Content::Member { .. }) && planned.entry.size > 0
    }

    /// The entries in their order, each with the number of its member, if it has one.
    pub(crate) fn members(&self) -> impl DoubleEndedIterator<Item = (&Entry, Option<u64>)> {
        self.entries.iter().map(|planned| match planned.content {
            Content::Member { number, .. } => (&planned.entry, Some(number)),
            _ => (&planned.entry, None),
        })
    }

    /// The first member that the plan needs content of, behind `last`.
    pub(crate) fn next_member(&self, last: Option<&PlannedMember>) -> Option<PlannedMember> {
        let first = last.map_or(0, |last| last.index + 1);
        let mut entries = self.entries.iter().enumerate().skip(first);
        entries.find_map(|(index, planned)| match planned.content {
            Content::Member { number, .. } if planned.entry.size > 0 => {
                let start = planned.content_offset();
                let content = start..start + planned.entry.size;
                Some(PlannedMember { number, content, index })
            }
            _ => None,
        })
    }
}

/// The member that an entry comes with.
fn number(planned: &Planned) -> u64 {
    match planned.content {
        Content::Member { number, .. } => number,
        _ => u64::MAX,
    }
}

/// For each entry, in the order of a layer, the place of the directory that holds it.
fn parents(entries: &[Boxed]) -> Vec<Option<usize>> {
    let mut above: Vec<usize> = Vec::new();
    let parent = |(index, planned): (usize, &Boxed)| {
        let within = |&last: &usize| is_within(&planned.entry.path, &entries[last].entry.path);
        above.truncate(above.partition_point(within));
        let parent = above.last().copied();
        above.push(index);
        parent
    };
    entries.iter().enumerate().map(parent).collect()
}

#[cfg(test)]
mod tests {
    use super::super::PlanBuilder;
    use super::*;
    use crate::tar::Kind;

    fn pushed(members: &[(&str, u64, u64)]) -> Plan {
        let mut plan = PlanBuilder::default();
        for &(path, number, size) in members {
            let directory = Entry::implied_directory(path.trim_end_matches('/').as_bytes(), 0);
            let kind = if path.ends_with('/') { Kind::Directory } else { Kind::Regular };
            let shared = number % 2 == 1;
            let content = Content::Member { number, shared };
            plan.push(Entry { kind, size, ..directory }, content, false);
        }
        plan.finish(0).unwrap().0.in_order_of_members()
    }

    fn paths(plan: &Plan) -> Vec<&str> {
        plan.list_entries().map(|entry| std::str::from_utf8(&entry.path).unwrap()).collect()
    }

    #[test]
    fn entries_come_with_their_members_and_directories_before_what_they_hold() {
        let plan = pushed(&[
            ("a/", 8, 0),
            ("a/x", 6, 700),
            ("b/c/y", 2, 5),
            ("b/", 4, 0),
            ("d/", 0, 0),
            ("z", 9, 1),
            ("e/z", 9, 1),
        ]);
        assert_eq!(paths(&plan), ["d", "b", "b/c", "b/c/y", "a", "a/x", "e", "e/z", "z"]);
        let last = plan.list_entries().last().unwrap();
        assert_eq!(last.kind, Kind::HardLink(b"e/z"[..].into()));
        let headers: u64 = 9 * 512;
        assert_eq!(plan.size(), headers + 512 + 1024 + 512 + 1024);
    }

    #[test]
    fn content_is_asked_for_where_it_belongs() {
        let plan = pushed(&[("a", 2, 0), ("b", 0, 700), ("c", 4, 1)]);
        let first = plan.next_member(None).unwrap();
        assert_eq!((first.number, first.content.clone()), (0, 512..1212));
        let second = plan.next_member(Some(&first)).unwrap();
        // Behind the padding, the empty file and the header.
        assert_eq!((second.number, second.content.clone()), (4, 2560..2561));
        assert_eq!(plan.next_member(Some(&second)), None);
    }
}
