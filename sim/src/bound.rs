//! The least that a run's work can cost anybody, all-knowing or not.
//!
//! A relaxation. Each task that was done held a slot of some instance of its worker type for its
//! time, its duration ÷ the instance type's utility. It began by its promise: no later after its
//! submission than any task of its worker type did in the run. At most `capacity` tasks share an
//! instance, whose stay costs, each moment, the price at the start of that hour of the stay, which
//! is at most an hour ago. So a task costs at least
//!
//! ```text
//! least over the candidates of: time × least price (from an hour before submission
//!                               until the promised end) ÷ capacity
//! ```
//!
//! and all tasks together at least the sum. Nothing else is asked for: no boot, no idle time, no
//! minute or hour begun, no capacity that lacks, no bid, no ceiling. How much that leaves out is
//! measured in `tests/bound.rs`.
//!
//! Of tasks that were not done nothing is known but their number; the dearest that many are left out.
//! What EC2 waives of stays that it interrupts is luck: it is added to what was paid before the two
//! are compared, `paid + waived ≥ bound`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use provisioner_engine::decision::Market;
use provisioner_engine::ids::PoolId;
use provisioner_engine::units::{Duration, Time, Usd};
use provisioner_engine::worker_type::{Candidate, WorkerType};

use crate::config::SimConfig;
use crate::input::{Task, TaskSource};
use crate::outcome::{Measures, Outcome};
use crate::world::run_time;

/// What is promised to the tasks of a worker type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The last run of each task begins within this time of its submission.
    pub wait: Duration,
    /// So many of the tasks need not be done.
    pub undone: u64,
}

impl Promise {
    /// What a run kept.
    #[must_use]
    pub fn kept(measures: &Measures) -> Self {
        let undone = measures.tasks.submitted - measures.tasks.done;
        Self { wait: measures.delay_max, undone }
    }
}

/// Enters the bound of each worker type in an outcome, if each keeps the promise that it kept there.
///
/// `tasks` are those of the run, from the first.
pub fn enter(config: &SimConfig, tasks: &mut dyn TaskSource, outcome: &mut Outcome) {
    let promises: Vec<Promise> = outcome.worker_types.iter().map(Promise::kept).collect();
    let bounds = least_costs(config, tasks, &promises);
    outcome.total.bound = Some(bounds.iter().copied().sum());
    for (measures, bound) in outcome.worker_types.iter_mut().zip(bounds) {
        measures.bound = Some(bound);
    }
}

/// The bound for each worker type, if each keeps its promise.
///
/// Panics if there is not a promise for each.
pub fn least_costs(
    config: &SimConfig,
    tasks: &mut dyn TaskSource,
    promises: &[Promise],
) -> Vec<Usd> {
    let worker_types = &config.engine.worker_types;
    assert_eq!(worker_types.len(), promises.len(), "each worker type has its promise");
    let pools = 0..config.engine.catalog.pools().len();
    let markets: Vec<LeastPrices> = pools.map(|pool| LeastPrices::of(config, pool)).collect();
    let mut sums: Vec<Sum> = promises.iter().map(|promise| Sum::new(promise.undone)).collect();
    while let Some(task) = tasks.next_task() {
        if task.submitted < config.start {
            continue;
        }
        if task.submitted >= config.end {
            break;
        }
        let index = task.worker_type.index();
        let least = least_cost(&worker_types[index], &markets, &task, promises[index].wait);
        sums[index].add(least);
    }
    sums.into_iter().map(Sum::round_down).collect()
}

/// What a task costs at least, in micro-dollars × milliseconds ÷ hour.
fn least_cost(
    worker_type: &WorkerType,
    markets: &[LeastPrices],
    task: &Task,
    wait: Duration,
) -> i128 {
    let cost = |candidate: &Candidate| {
        let takes = run_time(task.duration, candidate.utility);
        let ends = task.submitted.saturating_add(wait).saturating_add(takes).min(task.deadline);
        let from = Time::from_ms(task.submitted.ms().saturating_sub(Duration::HOUR.ms()));
        let price = markets[candidate.pool.index()].least(worker_type, from, ends)?;
        Some(i128::from(price) * i128::from(takes.ms()) / i128::from(candidate.capacity))
    };
    worker_type.candidates.iter().filter_map(cost).min().unwrap_or(0)
}

/// A sum of costs but for the dearest.
struct Sum {
    all: i128,
    dearest: BinaryHeap<Reverse<i128>>,
    left_out: u64,
}

impl Sum {
    fn new(left_out: u64) -> Self {
        Self { all: 0, dearest: BinaryHeap::new(), left_out }
    }

    fn add(&mut self, cost: i128) {
        self.all += cost;
        if self.left_out > 0 {
            self.dearest.push(Reverse(cost));
            if self.dearest.len() as u64 > self.left_out {
                self.dearest.pop();
            }
        }
    }

    fn round_down(self) -> Usd {
        let dearest: i128 = self.dearest.into_iter().map(|Reverse(cost)| cost).sum();
        let micros = (self.all - dearest) / i128::from(Duration::HOUR.ms());
        Usd::from_micros(i64::try_from(micros).expect("less than what was paid"))
    }
}

/// The least price of a pool in any span of time.
struct LeastPrices {
    spot: Minima,
    on_demand: Option<i64>,
}

impl LeastPrices {
    fn of(config: &SimConfig, pool: usize) -> Self {
        let pool = PoolId::new(pool);
        let history = config.market.history(pool);
        let prices = history.iter().map(|(since, price)| (*since, price.micros()));
        let changes = config.engine.catalog.on_demand_changes(pool).unwrap_or_default();
        Self {
            spot: Minima::new(prices.collect()),
            on_demand: changes.iter().map(|(_, price)| price.micros()).min(),
        }
    }

    /// What a worker type may have to pay in that span, in micro-dollars an hour.
    fn least(&self, worker_type: &WorkerType, from: Time, to: Time) -> Option<i64> {
        let is_on_demand = worker_type.placement.market() == Market::OnDemand;
        let on_demand = is_on_demand || worker_type.on_demand_after.is_some();
        let on_demand = self.on_demand.filter(|_| on_demand);
        let spot = if is_on_demand { None } else { self.spot.least(from, to) };
        spot.into_iter().chain(on_demand).min()
    }
}

/// Minima over spans of a step function: row k holds those over 2ᵏ steps.
struct Minima {
    since: Vec<Time>,
    rows: Vec<Vec<i64>>,
}

impl Minima {
    fn new(steps: Vec<(Time, i64)>) -> Self {
        let (since, values): (Vec<Time>, Vec<i64>) = steps.into_iter().unzip();
        let mut rows = vec![values];
        let mut width = 1;
        while width * 2 <= since.len() {
            let last = rows.last().expect("the first is there");
            let pairs = last.iter().zip(&last[width..]);
            rows.push(pairs.map(|(left, right)| *left.min(right)).collect());
            width *= 2;
        }
        Self { since, rows }
    }

    /// The least value in force between, both ends included; `None` before the first.
    fn least(&self, from: Time, to: Time) -> Option<i64> {
        let first = self.since.partition_point(|since| *since <= from).saturating_sub(1);
        let end = self.since.partition_point(|since| *since <= to);
        let row = end.checked_sub(first)?.checked_ilog2()?;
        let values = &self.rows[row as usize];
        Some(values[first].min(values[end - (1 << row)]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_ms(seconds * 1_000)
    }

    proptest! {
        #[test]
        fn the_least_value_is_that_of_looking_at_each(
            steps in prop::collection::vec((0..9_i64, 0..100_i64), 0..40),
            from in -5..200_i64,
            length in 0..200_i64,
        ) {
            let mut now = 0;
            let steps: Vec<(Time, i64)> = steps
                .into_iter()
                .map(|(later, value)| {
                    now += later;
                    (at(now), value)
                })
                .collect();
            let (from, to) = (at(from), at(from + length));
            let in_force = |index: usize, since: Time| {
                let next = steps.get(index + 1).map(|(since, _)| *since);
                since <= to && next.is_none_or(|next| next > from)
            };
            let slow = steps.iter().enumerate().filter(|(index, it)| in_force(*index, it.0));
            let slow = slow.map(|(_, (_, value))| *value).min();
            let fast = Minima::new(steps.clone()).least(from, to);
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn the_dearest_tasks_are_left_out() {
        let hour = i128::from(Duration::HOUR.ms());
        let sum = |left_out| {
            let mut sum = Sum::new(left_out);
            [3, 9, 1, 5].into_iter().for_each(|cost| sum.add(cost * hour));
            sum.round_down().micros()
        };
        assert_eq!([sum(0), sum(1), sum(2), sum(9)], [18, 9, 4, 0]);
    }
}
