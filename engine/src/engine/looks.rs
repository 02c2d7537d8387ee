//! When to look whether launches are to be given up.
//!
//! Entries are kept by the minute in which they fall due, the near minutes in a ring, so that adding
//! one and taking those that are due cost next to nothing however many launches there are.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize};

use crate::ids::LaunchId;
use crate::units::{Duration, Time};

/// A calendar of looks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Looks {
    /// The minute of the last look around: those before it have none left.
    this: i64,
    /// The looks of so many minutes from this one on, each in the place of its minute in the ring.
    near: Vec<Vec<(Time, LaunchId)>>,
    /// All others, by minute.
    far: BTreeMap<i64, Vec<(Time, LaunchId)>>,
    /// Room for those that are due next, so that taking them allocates nothing.
    #[serde(skip)]
    spare: Vec<(Time, LaunchId)>,
}

/// How many minutes are near.
const NEAR: i64 = 256;

impl Looks {
    /// Enters a look.
    pub(super) fn enter(&mut self, at: Time, launch: LaunchId) {
        let minute = minute(at);
        let looks = if (self.this..self.this + NEAR).contains(&minute) {
            let place = place(minute);
            if self.near.len() <= place {
                self.near.resize(place + 1, Vec::new());
            }
            &mut self.near[place]
        } else {
            self.far.entry(minute).or_default()
        };
        looks.push((at, launch));
    }

    /// Takes out all that are due by `now`, in the order of their times, then of their launches.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<(Time, LaunchId)> {
        let (mut due, now_minute) = (mem::take(&mut self.spare), minute(now));
        let mut take = |looks: &mut Vec<(Time, LaunchId)>| {
            looks.retain(|look| {
                let is_due = look.0 <= now;
                if is_due {
                    due.push(*look);
                }
                !is_due
            });
        };
        for minute in self.this..=now_minute.min(self.this + NEAR - 1) {
            self.near.get_mut(place(minute)).into_iter().for_each(&mut take);
        }
        self.this = now_minute.max(self.this);
        while let Some(mut first) = self.far.first_entry()
            && *first.key() <= now_minute
        {
            take(first.get_mut());
            if !first.get().is_empty() {
                break;
            }
            first.remove();
        }
        due.sort_unstable();
        due
    }

    /// Keeps the room that taken ones had.
    pub(super) fn give_back(&mut self, mut taken: Vec<(Time, LaunchId)>) {
        taken.clear();
        self.spare = taken;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "below the ring's size")]
const fn place(minute: i64) -> usize {
    minute.rem_euclid(NEAR) as usize
}

const fn minute(at: Time) -> i64 {
    at.ms().div_euclid(Duration::MINUTE.ms())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn looks_come_when_they_are_due_and_not_before() {
        let mut looks = Looks::default();
        let look = |ms, id| (Time::from_ms(ms), LaunchId(id));
        for (at, launch) in
            [look(61_000, 1), look(60_500, 2), look(200_000, 3), look(5, 5), look(5, 4)]
        {
            looks.enter(at, launch);
        }
        assert_eq!(looks.take_due(Time::from_ms(4)), vec![]);
        assert_eq!(
            looks.take_due(Time::from_ms(60_999)),
            vec![look(5, 4), look(5, 5), look(60_500, 2)]
        );
        assert_eq!(looks.take_due(Time::from_ms(61_000)), vec![look(61_000, 1)]);
        assert_eq!(looks.take_due(Time::from_ms(900_000)), vec![look(200_000, 3)]);
    }

    #[test]
    fn far_looks_and_those_of_a_minute_that_has_begun_are_not_lost() {
        let mut looks = Looks::default();
        let far = Time::EPOCH + Duration::MINUTE * (NEAR + 3);
        let at = |ms| far + Duration::from_ms(ms);
        looks.enter(at(100), LaunchId(1));
        assert_eq!(looks.take_due(at(0)), vec![]);
        for (launch, ms) in [(2, 200), (3, 100), (4, -60_000)] {
            looks.enter(at(ms), LaunchId(launch));
        }
        assert_eq!(
            looks.take_due(at(100)),
            vec![(at(-60_000), LaunchId(4)), (at(100), LaunchId(1)), (at(100), LaunchId(3))]
        );
        assert_eq!(looks.take_due(at(i64::from(u32::MAX))), vec![(at(200), LaunchId(2))]);
        assert_eq!(looks.take_due(Time::MAX), vec![]);
    }
}
