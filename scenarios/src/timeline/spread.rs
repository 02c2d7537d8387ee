//! A bill over the steps of its stay.

use std::collections::BTreeMap;

use provisioner_engine::units::{Duration, Time, Usd};
use provisioner_sim::outcome::Cost;

/// Steps of equal length from a time on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) start: Time,
    pub(super) length: Duration,
}

impl Steps {
    /// The step that a time lies in; what lies before the first counts as in it.
    pub(super) fn of(self, at: Time) -> usize {
        let steps = at.since(self.start).ms().div_euclid(self.length.ms());
        usize::try_from(steps).unwrap_or(0)
    }

    /// How long a span lies in each step, in milliseconds.
    pub(super) fn cut(self, from: Time, to: Time) -> impl Iterator<Item = (usize, i64)> {
        let last = if from < to { self.of(Time::from_ms(to.ms() - 1)) } else { self.of(from) };
        (self.of(from)..=last).map(move |step| {
            let nth = i64::try_from(step).expect("a run has a few hundred steps");
            let begins = self.start.ms() + nth * self.length.ms();
            let within = to.ms().min(begins + self.length.ms()) - from.ms().max(begins);
            (step, within.max(0))
        })
    }
}

/// Slot-time of an instance by step, for each use that it can be told for.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    /// Useful, and lost to be redone or wasted.
    by_step: BTreeMap<usize, [i64; 2]>,
}

impl Slots {
    pub(super) fn note(&mut self, steps: Steps, from: Time, to: Time, useful: bool) {
        for (step, ms) in steps.cut(from, to) {
            self.by_step.entry(step).or_default()[usize::from(!useful)] += ms;
        }
    }
}

/// A stay that was billed.
pub(super) struct Billed {
    pub(super) from: Time,
    pub(super) booted: Time,
    pub(super) to: Time,
    pub(super) capacity: u32,
    pub(super) cost: Cost,
    pub(super) slots: Slots,
}

impl Billed {
    /// Adds what it cost to the steps in which it cost that.
    pub(super) fn spread(&self, steps: Steps, into: &mut Vec<Cost>) {
        let Self { from, booted, to, capacity, cost, slots } = self;
        let (first, last) = (steps.of(*from), steps.of(*to));
        if into.len() <= last {
            into.resize(last + 1, Cost::default());
        }
        let into = &mut into[first..=last];
        let mut weights = vec![[0_i64; 4]; into.len()];
        for (step, ms) in steps.cut(*from, *booted) {
            weights[step - first][BOOT] += ms;
        }
        for (step, ms) in steps.cut(*booted, *to) {
            weights[step - first][IDLE] += ms * i64::from(*capacity);
        }
        for (step, [useful, lost]) in &slots.by_step {
            if let Some(weights) = weights.get_mut(step - first) {
                (weights[USEFUL], weights[LOST]) = (*useful, *lost);
                weights[IDLE] = (weights[IDLE] - useful - lost).max(0);
            }
        }
        let mut add = |weight: usize, amount: Usd, part: fn(&mut Cost) -> &mut Usd| {
            let shares = shares(amount.micros(), weights.iter().map(|weights| weights[weight]));
            for (into, share) in into.iter_mut().zip(shares) {
                let share = Usd::from_micros(share);
                *part(into) += share;
                let on_demand = cost.on_demand > Usd::ZERO;
                *(if on_demand { &mut into.on_demand } else { &mut into.spot }) += share;
            }
        };
        add(USEFUL, cost.useful, |cost| &mut cost.useful);
        add(IDLE, cost.idle, |cost| &mut cost.idle);
        add(BOOT, cost.boot, |cost| &mut cost.boot);
        add(LOST, cost.redone, |cost| &mut cost.redone);
        add(LOST, cost.wasted, |cost| &mut cost.wasted);
    }
}

const USEFUL: usize = 0;
const LOST: usize = 1;
const IDLE: usize = 2;
const BOOT: usize = 3;

/// An amount in proportion to weights, to the unit; all of it in the last place if nothing weighs.
fn shares(amount: i64, weights: impl Iterator<Item = i64> + Clone) -> impl Iterator<Item = i64> {
    let whole: i128 = weights.clone().map(i128::from).sum();
    let places = weights.clone().count();
    let (mut so_far, mut given) = (0_i128, 0_i64);
    weights.enumerate().map(move |(place, weight)| {
        so_far += i128::from(weight);
        let due = match whole {
            0 if place + 1 == places => amount,
            0 => 0,
            whole => i64::try_from(i128::from(amount) * so_far / whole)
                .expect("a part is not more than the whole"),
        };
        due - std::mem::replace(&mut given, due)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_unit() {
        let all = |amount, weights: &[i64]| -> Vec<i64> {
            shares(amount, weights.iter().copied()).collect()
        };
        assert_eq!(all(100, &[1, 1, 1]), [33, 33, 34]);
        assert_eq!(all(7, &[0, 0]), [0, 7]);
        assert_eq!(all(0, &[5, 5]), [0, 0]);
    }

    #[test]
    fn a_span_is_cut_at_the_steps() {
        let steps = Steps { start: Time::from_ms(1_000), length: Duration::from_ms(100) };
        let cut = |from, to| steps.cut(Time::from_ms(from), Time::from_ms(to)).collect::<Vec<_>>();
        assert_eq!(cut(1_050, 1_250), [(0, 50), (1, 100), (2, 50)]);
        assert_eq!(cut(1_100, 1_200), [(1, 100)]);
        assert_eq!(cut(1_100, 1_100), [(1, 0)]);
    }
}
