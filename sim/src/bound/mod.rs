//! The least that a run's work can cost anybody, all-knowing or not.
//!
//! A relaxation. Each task that was done held a slot of some instance of its worker type for its
//! time, its duration ÷ the instance type's utility, and that lies in the instance's billed stay. It
//! began by its promise: no later after its submission than any task of its worker type did in the
//! run. A stay is cut into **pieces**, no shorter than the least that is billed (a minute, an hour),
//! and what a piece costs is shared out among the tasks in it by the time they take of it. Then a task
//! pays, for each moment of its own, the price of then ÷ the task time in the piece ÷ its length; and
//! in any piece that it may have a part in, there is no more task time than
//!
//! - the instance's capacity allows,
//! - tasks could be at work at once there, had each the promised time to choose from (`crowd`),
//! - all tasks that could be at work there have together: alone in its hour, a task pays all of it.
//!
//! The price of a moment is the least of the hour before it, which is when it was read. A task that
//! takes longer than it may wait is surely at work in between; the rest of its time it pays the least
//! price between its submission and its promised end. So each task costs at least the least, over the
//! candidates and markets of its worker type, of what that comes to; and all tasks together at least
//! the sum.
//!
//! And before its first task each instance boots, for as long as its distribution makes certain. A
//! boot is cut into pieces of its own; less than one piece of it may be in one with tasks. As many
//! instances as are needed for the tasks that are surely at work at one moment each boot once, at
//! the least price.
//!
//! Nothing else is asked for: no idle time between tasks, no capacity that lacks, no bid, no ceiling,
//! no boots but those. How much that leaves out is measured in `tests/bound.rs`, where every plan can
//! be tried, and in those of `scenarios`, beside a good plan.
//!
//! Of tasks that were not done nothing is known but their number; the dearest that many are left out.
//! What EC2 waives of stays that it interrupts is luck: it is added to what was paid before the two
//! are compared, `paid + waived ≥ bound`. All numbers are whole and rounded down.

mod crowd;
mod prices;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use provisioner_engine::decision::Market;
use provisioner_engine::units::{Duration, Ratio, Time, Usd};
use provisioner_engine::worker_type::{Candidate, WorkerType};

use self::crowd::{Crowd, Near};
use self::prices::Prices;
use crate::billing::{BillingRule, Reread};
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
/// `tasks` gives those of the run, from the first; it is asked twice.
pub fn enter(config: &SimConfig, tasks: impl Fn() -> Box<dyn TaskSource>, outcome: &mut Outcome) {
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
    tasks: impl Fn() -> Box<dyn TaskSource>,
    promises: &[Promise],
) -> Vec<Usd> {
    let worker_types = &config.engine.worker_types;
    assert_eq!(worker_types.len(), promises.len(), "each worker type has its promise");
    let pieces = Pieces::of(config);
    let mut crowds: Vec<Crowd> =
        worker_types.iter().map(|it| Crowd::new(config, pieces.longest(), it)).collect();
    each_task(config, &tasks, |task| {
        let index = task.worker_type.index();
        crowds[index].add(task, promises[index].wait);
    });
    let crowds: Vec<_> = crowds.into_iter().map(Crowd::counted).collect();
    let pools = 0..config.engine.catalog.pools().len();
    let markets: Vec<Prices> = pools.map(|pool| Prices::of(config, pool, pieces.spot)).collect();
    let mut sums: Vec<Sum> = promises.iter().map(|promise| Sum::new(promise.undone)).collect();
    each_task(config, &tasks, |task| {
        let index = task.worker_type.index();
        let near = crowds[index].near(task, promises[index].wait);
        let least =
            Need { worker_type: &worker_types[index], wait: promises[index].wait, near, task }
                .least_cost(&pieces, &markets);
        sums[index].add(least);
    });
    for (index, sum) in sums.iter_mut().enumerate() {
        let boot = config.workers[index].boot.least();
        sum.extra = boots(&worker_types[index], boot, &pieces, &markets)
            * i128::from(instances(&worker_types[index], crowds[index].sure, sum));
    }
    sums.into_iter().map(Sum::round_down).collect()
}

/// How many instances there are at least at some moment, if so many tasks are surely at work then.
fn instances(worker_type: &WorkerType, sure: u64, sum: &Sum) -> u64 {
    let capacity = worker_type.candidates.iter().map(|it| it.capacity).max().unwrap_or(1);
    let at_once = sure.saturating_sub(sum.left_out).div_ceil(capacity.into());
    at_once.max(u64::from(sum.tasks > sum.left_out))
}

/// What that part of a boot costs at least that is in no piece with tasks, in micro-dollars ×
/// milliseconds ÷ hour.
fn boots(worker_type: &WorkerType, boot: Duration, pieces: &Pieces, markets: &[Prices]) -> i128 {
    let (by_spot, by_demand) = markets_of(worker_type);
    let alone = |piece: Piece| i128::from((boot - piece.shortest).max(Duration::ZERO).ms());
    let each = worker_type.candidates.iter().flat_map(|candidate| {
        let Prices { least_spot, on_demand, .. } = markets[candidate.pool.index()];
        let spot = least_spot.filter(|_| by_spot).map(|it| i128::from(it) * alone(pieces.spot));
        let on_demand = on_demand.filter(|_| by_demand);
        spot.into_iter().chain(on_demand.map(|it| i128::from(it) * alone(pieces.on_demand)))
    });
    each.min().unwrap_or(0)
}

/// Whether a worker type may buy on the spot market, and whether on demand.
fn markets_of(worker_type: &WorkerType) -> (bool, bool) {
    let never_spot = worker_type.placement.market() == Market::OnDemand;
    (!never_spot, never_spot || worker_type.on_demand_after.is_some())
}

fn each_task(
    config: &SimConfig,
    tasks: impl Fn() -> Box<dyn TaskSource>,
    mut look: impl FnMut(&Task),
) {
    let mut tasks = tasks();
    while let Some(task) = tasks.next_task().filter(|task| task.submitted < config.end) {
        if task.submitted >= config.start {
            look(&task);
        }
    }
}

/// How long the pieces are that stays are cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    shortest: Duration,
    longest: Duration,
    /// Each is an hour with a price of its own, read when it begins.
    is_priced: bool,
}

impl Piece {
    fn of(rule: BillingRule) -> Self {
        let shortest = rule.minimum.max(rule.quantum);
        // Whole quanta can be cut as they are; else what is over belongs to the last piece.
        let longest = if rule.quantum >= rule.minimum { shortest } else { shortest * 2 };
        let is_priced = longest == Duration::HOUR && rule.reread == Reread::EachHour;
        Self { shortest, longest, is_priced }
    }

    /// How far from a moment the price of its piece can have been read: before and after.
    fn price_reach(self) -> (Duration, Duration) {
        let longest = if self.is_priced { Duration::ZERO } else { self.longest };
        (Duration::HOUR + longest, longest)
    }
}

/// The pieces of both markets.
struct Pieces {
    spot: Piece,
    on_demand: Piece,
}

impl Pieces {
    fn of(config: &SimConfig) -> Self {
        let cloud = &config.cloud;
        Self { spot: Piece::of(cloud.spot_billing), on_demand: Piece::of(cloud.on_demand_billing) }
    }

    fn longest(&self) -> Duration {
        self.spot.longest.max(self.on_demand.longest)
    }
}

/// A task and what it asks for.
struct Need<'a> {
    worker_type: &'a WorkerType,
    wait: Duration,
    near: Near,
    task: &'a Task,
}

impl Need<'_> {
    /// What it costs at least, in micro-dollars × milliseconds ÷ hour.
    fn least_cost(&self, pieces: &Pieces, markets: &[Prices]) -> i128 {
        let (by_spot, by_demand) = markets_of(self.worker_type);
        let cost = |best: Option<i128>, candidate: &Candidate| {
            let takes = run_time(self.task.duration, candidate.utility);
            let prices = &markets[candidate.pool.index()];
            // Most are too dear at any time.
            let ever = prices.ever(takes) / i64::from(candidate.capacity);
            if best.is_some_and(|best| best <= i128::from(ever)) {
                return best;
            }
            let spot = by_spot
                .then(|| prices.spot(self.task.submitted, self.ends(takes), takes, self.wait));
            let on_demand = by_demand.then(|| prices.on_demand(takes));
            let spot = spot.flatten().map(|paid| self.share(paid, pieces.spot, candidate));
            let on_demand =
                on_demand.flatten().map(|paid| self.share(paid, pieces.on_demand, candidate));
            spot.into_iter().chain(on_demand).chain(best).min()
        };
        self.worker_type.candidates.iter().fold(None, cost).unwrap_or(0)
    }

    /// When it ends at the latest, if it takes so long.
    fn ends(&self, takes: Duration) -> Time {
        let Task { submitted, deadline, .. } = *self.task;
        submitted.saturating_add(self.wait).saturating_add(takes).min(deadline)
    }

    /// Its share in what its moments cost.
    fn share(&self, paid: i128, piece: Piece, candidate: &Candidate) -> i128 {
        let at_once = i128::from(candidate.capacity.min(self.near.tasks));
        let utility = i128::from(candidate.utility.millionths());
        let alone = paid * i128::from(piece.shortest.ms()) * utility
            / (i128::from(self.near.work.ms()) * i128::from(Ratio::ONE.millionths()));
        (paid / at_once).max(alone)
    }
}

/// A sum of costs but for the dearest, and what comes on top.
struct Sum {
    all: i128,
    extra: i128,
    /// How many costs these are.
    tasks: u64,
    dearest: BinaryHeap<Reverse<i128>>,
    left_out: u64,
}

impl Sum {
    fn new(left_out: u64) -> Self {
        Self { all: 0, extra: 0, tasks: 0, dearest: BinaryHeap::new(), left_out }
    }

    fn add(&mut self, cost: i128) {
        self.all += cost;
        self.tasks += 1;
        if self.left_out > 0 {
            self.dearest.push(Reverse(cost));
            if self.dearest.len() as u64 > self.left_out {
                self.dearest.pop();
            }
        }
    }

    fn round_down(self) -> Usd {
        let dearest: i128 = self.dearest.into_iter().map(|Reverse(cost)| cost).sum();
        let micros = (self.all - dearest + self.extra) / i128::from(Duration::HOUR.ms());
        Usd::from_micros(i64::try_from(micros).expect("less than what was paid"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
