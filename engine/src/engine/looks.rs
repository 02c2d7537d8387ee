//! When to look whether launches are to be given up.
//!
//! Entries are kept by the minute in which they fall due, so that adding one and taking those
//! that are due cost next to nothing however many launches there are.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::LaunchId;
use crate::units::{Duration, Time};

/// A calendar of looks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Looks {
    /// Each minute that has any, in order.
    minutes: VecDeque<(i64, Vec<(Time, LaunchId)>)>,
    /// Room that past minutes had, for those to come.
    #[serde(skip)]
    spare: Vec<Vec<(Time, LaunchId)>>,
}

impl Looks {
    /// Enters a look.
    pub(super) fn enter(&mut self, at: Time, launch: LaunchId) {
        let minute = minute(at);
        let known = self.minutes.binary_search_by_key(&minute, |(minute, _)| *minute);
        let place = known.unwrap_or_else(|place| {
            self.minutes.insert(place, (minute, self.spare.pop().unwrap_or_default()));
            place
        });
        self.minutes[place].1.push((at, launch));
    }

    /// Takes out all that are due by `now`, in the order of their times, then of their launches.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<(Time, LaunchId)> {
        let mut due = Vec::new();
        while self.minutes.front().is_some_and(|(first, _)| *first <= minute(now))
            && let Some((minute, mut looks)) = self.minutes.pop_front()
        {
            due.extend(looks.iter().filter(|(at, _)| *at <= now));
            looks.retain(|(at, _)| *at > now);
            if !looks.is_empty() {
                self.minutes.push_front((minute, looks));
                break;
            }
            self.spare.push(looks);
        }
        due.sort_unstable();
        due
    }
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
}
