//! A count that rises and falls, exactly: how much of it there was in each step, and the most.

use provisioner_engine::units::{Duration, Time};

use super::spread::Steps;

/// How many of something there were over time.
///
/// What lasts no time at all is not seen: a task that is claimed when it is submitted never waited.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// By step; those after the last of them are missing.
    steps: Vec<Held>,
    most: u32,
    most_from: Time,
    /// How many there are, and since when.
    pub(super) now: u32,
    since: Time,
}

/// How many there were within a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Their number times how long: three for a second are three seconds.
    pub time: Duration,
    /// The most at once.
    pub most: u32,
}

impl Level {
    /// How many there were within a step.
    #[must_use]
    pub fn held(&self, step: usize) -> Held {
        self.steps.get(step).copied().unwrap_or_default()
    }

    /// The most at once, and since when there were so many for the first time.
    #[must_use]
    pub const fn most(&self) -> (u32, Time) {
        (self.most, self.most_from)
    }

    /// Their number times how long, of the whole run.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.steps.iter().map(|held| held.time).sum()
    }

    /// After how many steps there were none any more.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.steps.len()
    }

    /// So many more, or fewer, from then on.
    pub(super) fn moves(&mut self, steps: Steps, at: Time, change: i64) {
        self.settle(steps, at);
        let now = i64::from(self.now) + change;
        self.now = u32::try_from(now).expect("what ends has begun");
    }

    /// Nothing changed until then.
    pub(super) fn settle(&mut self, steps: Steps, at: Time) {
        let since = std::mem::replace(&mut self.since, at);
        if self.now == 0 || since >= at {
            return;
        }
        if self.now > self.most {
            (self.most, self.most_from) = (self.now, since);
        }
        for (step, ms) in steps.cut(since, at) {
            if self.steps.len() <= step {
                self.steps.resize(step + 1, Held::default());
            }
            let held = &mut self.steps[step];
            held.time += Duration::from_ms(ms * i64::from(self.now));
            held.most = held.most.max(self.now);
        }
    }

    /// Both together, step by step: of the most at once it is the larger that is known, not the sum.
    pub fn add(&mut self, other: &Self) {
        if self.steps.len() < other.steps.len() {
            self.steps.resize(other.steps.len(), Held::default());
        }
        for (held, other) in self.steps.iter_mut().zip(&other.steps) {
            held.time += other.time;
            held.most = held.most.max(other.most);
        }
        if other.most > self.most {
            (self.most, self.most_from) = (other.most, other.most_from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_between_two_steps_is_kept_and_one_of_no_time_is_not() {
        let steps = Steps { start: Time::from_ms(0), length: Duration::from_ms(100) };
        let mut level = Level::default();
        for (at, change) in [(40, 1), (50, 6), (55, -6), (70, 90), (70, -90), (120, -1)] {
            level.moves(steps, Time::from_ms(at), change);
        }
        level.settle(steps, Time::from_ms(1_000));
        let held = [0, 1, 2].map(|step| (level.held(step).time.ms(), level.held(step).most));
        assert_eq!(held, [(60 + 6 * 5, 7), (20, 1), (0, 0)]);
        assert_eq!((level.most(), level.time().ms()), ((7, Time::from_ms(50)), 110));
    }
}
