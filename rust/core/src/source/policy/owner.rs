//! Owners: kept, fixed, or seen from inside a user namespace.

use std::fmt;

use super::values;
use crate::error::{Error, Result};
use crate::tar::Entry;

/// Who owns the entries of a layer.
#[derive(Clone, Debug, Default)]
pub enum Owner {
    /// As usual: each entry's own in trees and archives; root for single files, since who owns a
    /// file on the host says nothing about the image.
    #[default]
    Usual,
    /// Each entry's own, that of single files too.
    Keep,
    /// This user and group.
    Fixed(u32, u32),
    /// Each entry's own, mapped from the host into the image, that of single files too.
    Mapped(OwnerMap),
}

impl Owner {
    /// The owner of a single file before the policy is applied.
    pub(crate) fn of_single_file(&self, host: (u32, u32)) -> (u32, u32) {
        if matches!(self, Self::Usual) { (0, 0) } else { host }
    }
}

/// The two maps of a user namespace.
#[derive(Clone, Debug)]
pub struct OwnerMap {
    pub(super) users: IdMap,
    pub(super) groups: IdMap,
}

impl OwnerMap {
    /// Reads the options `uid_map` and `gid_map`, of which one stands for both, as it does for
    /// podman and buildah. Without either there is no map.
    pub fn new(
        uid_map: Option<Vec<(u32, u32, u32)>>,
        gid_map: Option<Vec<(u32, u32, u32)>>,
    ) -> Result<Option<Self>> {
        let users = uid_map.map(|ranges| IdMap::new("uid_map", ranges)).transpose()?;
        let groups = gid_map.map(|ranges| IdMap::new("gid_map", ranges)).transpose()?;
        Ok(match (users, groups) {
            (None, None) => None,
            (Some(both), None) | (None, Some(both)) => {
                Some(Self { users: both.clone(), groups: both })
            }
            (Some(users), Some(groups)) => Some(Self { users, groups }),
        })
    }

    /// Maps every id in `entry`, those in the values of its attributes too. The error says which
    /// id has no place in the image.
    pub(super) fn apply(&self, entry: &mut Entry) -> Result<(), String> {
        self.users.apply(&mut entry.uid, "its owner")?;
        self.groups.apply(&mut entry.gid, "its group")?;
        entry.xattrs.iter_mut().try_for_each(|xattr| values::map_ids(xattr, self))
    }
}

/// Ranges of ids that go by other numbers on the host than in the image.
///
/// They mean what they mean to user_namespaces(7), newuidmap(1) and podman's `--uidmap`.
#[derive(Clone, Debug)]
pub(super) struct IdMap {
    option: &'static str,
    /// Sorted by the ids on the host.
    ranges: Box<[Range]>,
}

/// `count` ids from `inside` on in the image are those from `outside` on on the host.
#[derive(Clone, Copy, Debug)]
struct Range {
    inside: u32,
    outside: u32,
    count: u32,
}

/// The kernel reads the number above as "leave it as it is".
const MAX_ID: u32 = u32::MAX - 1;

impl IdMap {
    /// Reads `(inside, outside, count)`, as many as there are. As for the kernel, no id may be in
    /// two ranges, on neither side. Errors name `option`.
    fn new(option: &'static str, ranges: Vec<(u32, u32, u32)>) -> Result<Self> {
        let mut ranges: Vec<Range> = ranges
            .into_iter()
            .map(|(inside, outside, count)| Range { inside, outside, count })
            .collect();
        let refuse = |reason: String| Err(Error::Argument(format!("`{option}` {reason}")));
        if ranges.is_empty() {
            return refuse("is empty: expected ranges such as `0:100000:65536`".to_owned());
        }
        if let Some(range) = ranges.iter().find(|range| !range.is_within_bounds()) {
            return refuse(format!("has `{range}`: expected ids from 0 to {MAX_ID}, at least one"));
        }
        let inside = overlap(&mut ranges, |range| range.inside);
        if let Some((one, next)) = inside {
            return refuse(format!("has `{one}` and `{next}`, which overlap in the image"));
        }
        let outside = overlap(&mut ranges, |range| range.outside);
        if let Some((one, next)) = outside {
            return refuse(format!("has `{one}` and `{next}`, which overlap on the host"));
        }
        Ok(Self { option, ranges: ranges.into() })
    }

    /// The number in the image of what is `outside` on the host, if a range covers it.
    fn inside(&self, outside: u32) -> Option<u32> {
        let after = self.ranges.partition_point(|range| range.outside <= outside);
        let range = self.ranges[..after].last()?;
        let distance = outside - range.outside;
        (distance < range.count).then(|| range.inside + distance)
    }

    /// Replaces an id on the host by the one in the image; `what` names it if there is none.
    pub(super) fn apply(&self, id: &mut u32, what: &str) -> Result<(), String> {
        *id = self
            .inside(*id)
            .ok_or_else(|| format!("{what} {id} is in no range of `{}`", self.option))?;
        Ok(())
    }
}

/// Sorts ranges by where they start, and returns two that have an id in common.
fn overlap(ranges: &mut [Range], start: fn(&Range) -> u32) -> Option<(Range, Range)> {
    ranges.sort_by_key(start);
    let mut pairs = ranges.windows(2).map(|pair| (pair[0], pair[1]));
    pairs.find(|(one, next)| start(next) - start(one) < one.count)
}

impl Range {
    fn is_within_bounds(self) -> bool {
        let last = |start: u32| start.checked_add(self.count.checked_sub(1)?);
        let fits = |start| last(start).is_some_and(|last| last <= MAX_ID);
        fits(self.inside) && fits(self.outside)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.inside, self.outside, self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn map(ranges: &[(u32, u32, u32)]) -> IdMap {
        IdMap::new("uid_map", ranges.to_vec()).unwrap()
    }

    fn refusal(ranges: &[(u32, u32, u32)]) -> String {
        IdMap::new("uid_map", ranges.to_vec()).unwrap_err().to_string()
    }

    #[test]
    fn the_map_of_a_rootless_engine_leads_back_into_the_image() {
        let map = map(&[(0, 1000, 1), (1, 100_000, 65_536)]);
        for (outside, inside) in [
            (999, None),
            (1000, Some(0)),
            (1001, None),
            (99_999, None),
            (100_000, Some(1)),
            (100_032, Some(33)),
            (165_535, Some(65_536)),
            (165_536, None),
            (0, None),
            (u32::MAX, None),
        ] {
            assert_eq!(map.inside(outside), inside, "{outside}");
        }
    }

    #[test]
    fn the_whole_space_of_ids_maps_to_itself() {
        let map = map(&[(0, 0, u32::MAX)]);
        assert_eq!([0, 7, MAX_ID].map(|id| map.inside(id)), [0, 7, MAX_ID].map(Some));
        assert_eq!(map.inside(u32::MAX), None);
    }

    #[test]
    fn ranges_that_mean_nothing_are_refused_by_their_numbers() {
        for (ranges, message) in [
            (&[][..], "`uid_map` is empty: expected ranges such as `0:100000:65536`"),
            (&[(0, 5, 0)], "`uid_map` has `0:5:0`: expected ids from 0 to 4294967294, at "),
            (&[(0, MAX_ID, 2)], "`uid_map` has `0:4294967294:2`: expected ids from "),
            (&[(1, 0, u32::MAX)], "`uid_map` has `1:0:4294967295`: expected ids from "),
            (&[(u32::MAX, 0, u32::MAX)], "`uid_map` has `4294967295:0:4294967295`: expected "),
            (
                &[(3, 500, 9), (0, 0, 4)],
                "`uid_map` has `0:0:4` and `3:500:9`, which overlap in the image",
            ),
            (
                &[(0, 503, 1), (9, 500, 4)],
                "`uid_map` has `9:500:4` and `0:503:1`, which overlap on the host",
            ),
        ] {
            let refusal = refusal(ranges);
            assert!(refusal.starts_with(message), "{refusal}");
        }
    }

    /// Ranges that don't overlap, those of the image in another order than those of the host.
    fn ranges() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
        let sizes = vec((1..50u32, 0..50u32, 0..50u32), 1..8);
        (sizes, any::<u64>()).prop_map(|(sizes, seed)| {
            let count = sizes.len();
            let mut order: Vec<usize> = (0..count).collect();
            order.sort_by_key(|&index| seed.rotate_left(7 * u32::try_from(index).unwrap()) % 97);
            let mut ranges = vec![(0, 0, 0); count];
            let (mut inside, mut outside) = (0, 0);
            for (range, &(count, _, gap)) in ranges.iter_mut().zip(&sizes) {
                *range = (0, outside + gap, count);
                outside = range.1 + count;
            }
            for index in order {
                ranges[index].0 = inside + sizes[index].1;
                inside = ranges[index].0 + ranges[index].2;
            }
            ranges
        })
    }

    proptest! {
        #[test]
        fn a_map_is_the_inverse_of_the_one_with_its_sides_exchanged(ranges in ranges()) {
            let there = map(&ranges);
            let back: Vec<_> = ranges.iter().map(|&(inside, out, n)| (out, inside, n)).collect();
            let back = map(&back);
            for outside in 0..1000 {
                let model = ranges
                    .iter()
                    .find(|&&(_, start, count)| (start..start + count).contains(&outside))
                    .map(|&(inside, start, _)| inside + (outside - start));
                prop_assert_eq!(there.inside(outside), model);
                if let Some(inside) = model {
                    prop_assert_eq!(back.inside(inside), Some(outside));
                }
            }
        }
    }
}
