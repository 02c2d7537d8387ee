//! Everything measured about one run.
//!
//! Money is in whole micro-dollars and adds up exactly: spot + on-demand = the sum of all bills =
//! useful + idle + boot + redone + wasted. Waits are from submission to the first claim; their
//! quantiles are exact to 0.1 %, or to 1 % with more than 64 worker types.

use hdrhistogram::Histogram;
use provisioner_engine::decision::Limit;
use provisioner_engine::units::{Duration, Time, Usd, UsdPerHour};
use serde::{Deserialize, Serialize};

/// The version of this set of measures.
pub const OUTCOME_VERSION: u32 = 1;

/// Everything measured about one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// [`OUTCOME_VERSION`] of the program that measured.
    pub version: u32,
    /// When the run began.
    pub started: Time,
    /// When its last task was resolved, or waiting for that was given up.
    pub finished: Time,
    /// All worker types together; `name` is empty.
    pub total: Measures,
    /// By worker type, in the order of the scenario.
    pub worker_types: Vec<Measures>,
    /// Largest share of instance time that one pool had.
    pub largest_pool_share: f64,
    /// The pool that had it.
    pub largest_pool: String,
    /// Calls that a provisioner would have made, by kind.
    pub api_calls: ApiCalls,
    /// What all launches could have cost.
    #[serde(default)]
    pub spend: SpendMeasures,
    /// Whether the engine knew what was its own, as the modelled world sees it.
    #[serde(default)]
    pub ownership: Ownership,
    /// What was said about interruptions.
    pub notices: NoticeMeasures,
    /// How often the engine's process died and came back.
    pub restarts: u64,
    /// Iterations of the engine.
    pub iterations: u64,
    /// In how many of them a limit kept it from launching what it wanted.
    #[serde(default)]
    pub limits: LimitMeasures,
    /// Events that changed the modelled world: arrivals, ends of tasks, starts of workers, ends of
    /// instances, and iterations.
    pub events: u64,
    /// Fingerprint of all orders, in order.
    pub decision_digest: String,
}

/// Whether the engine knew what was its own, as the modelled world sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// Time that instances were up without being known to the engine, to an iteration.
    pub orphan_time: Duration,
    /// The longest such time of one instance.
    pub orphan_longest: Duration,
    /// Instances that were up without being known to the engine when the run ended.
    #[serde(default)]
    pub orphans_left: u64,
    /// Instances that were ended as nobody's.
    pub strays_ended: u64,
    /// Orders to end an instance of somebody else.
    pub others_touched: u64,
}

/// In how many iterations a limit kept the engine from launching what it wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitMeasures {
    /// `price_max` of a worker type, or `max_price_cap`.
    pub price: u64,
    /// A ceiling on spending.
    pub spend: u64,
    /// The allowance of EC2 calls.
    pub calls: u64,
    /// The most launches of one decision.
    pub launches: u64,
}

impl LimitMeasures {
    pub(crate) const fn count(&mut self, limit: Limit) {
        *match limit {
            Limit::Price => &mut self.price,
            Limit::Spend => &mut self.spend,
            Limit::Calls => &mut self.calls,
            Limit::Launches => &mut self.launches,
        } += 1;
    }
}

/// The measures of one worker type, or of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// `provisionerId/workerType`.
    pub name: String,
    /// What it cost.
    pub cost: Cost,
    /// What stays that EC2 interrupted would have cost beyond that, had somebody else ended them.
    #[serde(default)]
    pub waived: Usd,
    /// The least that this work can cost anybody, each task begun within `delay_max`
    /// ([`bound`](crate::bound)); unless nobody worked it out.
    #[serde(default)]
    pub bound: Option<Usd>,
    /// How long tasks waited for their first claim.
    pub wait: Wait,
    /// Those of them that were for the first workers: until then, no claim had left the queue empty.
    #[serde(default)]
    pub waits_cold: u64,
    /// The longest time from submission to the beginning of the last run, of tasks that were done.
    #[serde(default)]
    pub delay_max: Duration,
    /// What became of the tasks.
    pub tasks: TaskMeasures,
    /// What became of the launches.
    pub launches: LaunchMeasures,
    /// What should not happen.
    pub safety: SafetyMeasures,
    /// How steady the orders were.
    pub habits: HabitMeasures,
    /// Time from `running` to the end, over all instances.
    pub instance_time: Duration,
    /// The same × capacity.
    pub capacity_time: Duration,
    /// Slot-time spent on tasks that were done.
    pub useful_time: Duration,
    /// Slot-time of registered workers without a task.
    pub over_provisioned_time: Duration,
    /// Time with all of `capacity_max` there or asked for, while the queue told of more tasks.
    #[serde(default)]
    pub capacity_max_time: Duration,
    /// The most capacity that was asked for and had not ended.
    #[serde(default)]
    pub capacity_peak: u32,
    /// The most tasks pending and claimed that the queue told.
    #[serde(default)]
    pub demand_peak: u32,
    /// From the first refusal of a spot launch to the first launch on demand, with no spot launch
    /// given between; none if there was no such launch.
    #[serde(default)]
    pub on_demand_after: Option<Duration>,
}

/// Money, split two ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Bills of spot instances.
    pub spot: Usd,
    /// Bills of on-demand instances.
    pub on_demand: Usd,
    /// For runs of tasks that were done.
    pub useful: Usd,
    /// For slots without a task.
    pub idle: Usd,
    /// From `running` to the first claim.
    pub boot: Usd,
    /// For runs that were lost and had to be done again.
    pub redone: Usd,
    /// For runs of tasks that were given up, and billed time after the instance had ended.
    pub wasted: Usd,
}

impl Cost {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Usd {
        self.spot + self.on_demand
    }

    /// The sum of the other split; equal to [`Cost::total`].
    #[must_use]
    pub fn by_use(&self) -> Usd {
        self.useful + self.idle + self.boot + self.redone + self.wasted
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, rhs: Self) {
        self.spot += rhs.spot;
        self.on_demand += rhs.on_demand;
        self.useful += rhs.useful;
        self.idle += rhs.idle;
        self.boot += rhs.boot;
        self.redone += rhs.redone;
        self.wasted += rhs.wasted;
    }
}

/// Waits from submission to the first claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Tasks measured: claimed at least once and submitted after the warm-up.
    pub count: u64,
    /// Their mean wait in milliseconds.
    pub mean_ms: f64,
    /// Half waited no longer.
    pub p50: Duration,
    /// 95 % waited no longer.
    pub p95: Duration,
    /// 99 % waited no longer.
    pub p99: Duration,
    /// The longest wait.
    pub max: Duration,
}

/// What became of the tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskMeasures {
    /// Entered the queue.
    pub submitted: u64,
    /// Ran to their end.
    pub done: u64,
    /// Runs lost with their instance and repeated.
    pub rerun: u64,
    /// Given up at their deadline.
    pub expired: u64,
    /// Given up after their last allowed run.
    pub exhausted: u64,
    /// Not resolved when waiting was given up.
    pub left: u64,
}

impl std::ops::AddAssign for TaskMeasures {
    fn add_assign(&mut self, rhs: Self) {
        self.submitted += rhs.submitted;
        self.done += rhs.done;
        self.rerun += rhs.rerun;
        self.expired += rhs.expired;
        self.exhausted += rhs.exhausted;
        self.left += rhs.left;
    }
}

/// What became of the launches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchMeasures {
    /// Ordered by the engine.
    pub ordered: u64,
    /// Refused for lack of capacity.
    pub insufficient_capacity: u64,
    /// Refused because the max price was below the market price.
    pub price_too_low: u64,
    /// Cancelled before they were fulfilled.
    pub cancelled: u64,
    /// No call for them was carried out.
    #[serde(default)]
    pub unmade: u64,
    /// Ordered on demand.
    #[serde(default)]
    pub on_demand: u64,
    /// Ordered on the spot market with a max price, where neither a complete reading of the feed
    /// nor the pool's last change that it told is less than an hour old.
    #[serde(default)]
    pub by_stale_price: u64,
    /// Refused because the account's quota was reached.
    pub quota_reached: u64,
    /// Refused because the zone does not offer the instance type.
    pub unsupported: u64,
    /// Refused because the image could not be used.
    pub image_unusable: u64,
    /// Refused, or ended before they ran, because of the region's limit on volumes.
    pub volume_limit: u64,
    /// Refused for another mistake of ours.
    pub rejected: u64,
    /// Given an instance that ended before it ran.
    pub launch_failed: u64,
    /// Became `running`.
    pub started: u64,
    /// Taken back by EC2.
    pub interrupted: u64,
    /// Ended by the provisioner.
    pub terminated: u64,
    /// Stopped themselves.
    pub stopped: u64,
}

impl LaunchMeasures {
    /// All that never became an instance, and those that the limit on volumes ended.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.insufficient_capacity
            + self.price_too_low
            + self.cancelled
            + self.quota_reached
            + self.unsupported
            + self.image_unusable
            + self.volume_limit
            + self.rejected
    }
}

impl std::ops::AddAssign for LaunchMeasures {
    fn add_assign(&mut self, rhs: Self) {
        self.ordered += rhs.ordered;
        self.insufficient_capacity += rhs.insufficient_capacity;
        self.price_too_low += rhs.price_too_low;
        self.cancelled += rhs.cancelled;
        self.unmade += rhs.unmade;
        self.on_demand += rhs.on_demand;
        self.by_stale_price += rhs.by_stale_price;
        self.quota_reached += rhs.quota_reached;
        self.unsupported += rhs.unsupported;
        self.image_unusable += rhs.image_unusable;
        self.volume_limit += rhs.volume_limit;
        self.rejected += rhs.rejected;
        self.launch_failed += rhs.launch_failed;
        self.started += rhs.started;
        self.interrupted += rhs.interrupted;
        self.terminated += rhs.terminated;
        self.stopped += rhs.stopped;
    }
}

/// What all launches that had not ended could have cost: each its max price, or the on-demand price,
/// from the order to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpendMeasures {
    /// The most that a single one could have cost.
    pub price_max: UsdPerHour,
    /// The most an hour at any time.
    pub committed_peak: UsdPerHour,
    /// The most in any day (UTC).
    pub committed_day_max: Usd,
}

/// What was said about interruptions, and what the engine made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeMeasures {
    /// Notices that the worker saw in time.
    pub seen: u64,
    /// Those among them that were late.
    pub late: u64,
    /// Interruptions without a notice.
    pub missed: u64,
    /// Interruptions whose notice came after the end.
    pub after_death: u64,
    /// Notices that were told twice.
    pub duplicated: u64,
    /// Rebalance recommendations.
    pub recommended: u64,
    /// Interruptions that one preceded.
    pub recommended_taken: u64,
    /// Spot instances that the engine could know to be lost, each once: noticed, or taken back.
    pub losses: u64,
    /// The same as the engine counted them.
    pub losses_counted: u64,
    /// By how many the two differ.
    pub losses_miscounted: u64,
}

/// What should not happen, as the modelled world knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafetyMeasures {
    /// Instances that the provisioner ended while they ran a task, but for those past their
    /// longest life.
    pub claimed_ended: u64,
    /// Orders to end an instance that were not carried out, as its worker held a task or the queue
    /// could not tell.
    pub spared: u64,
    /// Time that instances were up whose worker never came, never claims or hangs.
    pub zombie_time: Duration,
    /// Instances that ran for launches that the engine had given up, though nobody told it that
    /// they ended: their capacity was bought twice, or could have been.
    #[serde(default)]
    pub double_launches: u64,
}

impl std::ops::AddAssign for SafetyMeasures {
    fn add_assign(&mut self, rhs: Self) {
        self.claimed_ended += rhs.claimed_ended;
        self.spared += rhs.spared;
        self.zombie_time += rhs.zombie_time;
        self.double_launches += rhs.double_launches;
    }
}

/// How steady the provisioner's orders were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HabitMeasures {
    /// Launches in another pool than the launch before.
    pub moves: u64,
    /// Launches soon after an instance was ended or told to stop, and the other way round: within
    /// [`REVERSAL_WITHIN`].
    pub reversals: u64,
}

/// Launching and ending capacity of one worker type within this time undo one another.
pub const REVERSAL_WITHIN: Duration = Duration::from_mins(5);

impl std::ops::AddAssign for HabitMeasures {
    fn add_assign(&mut self, rhs: Self) {
        self.moves += rhs.moves;
        self.reversals += rhs.reversals;
    }
}

/// Calls that a provisioner would have made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiCalls {
    /// `RunInstances` or `RequestSpotInstances`.
    pub launch: u64,
    /// Those of them that were made before.
    pub launch_repeated: u64,
    /// Those that were throttled.
    pub launch_throttled: u64,
    /// Those that got no answer, or an internal error.
    pub launch_unanswered: u64,
    /// `CancelSpotInstanceRequests`.
    pub cancel: u64,
    /// Those of them that were throttled.
    pub cancel_throttled: u64,
    /// `TerminateInstances`.
    pub terminate: u64,
    /// Those of them that were throttled.
    pub terminate_throttled: u64,
    /// `DescribeInstances`, one a page.
    pub list: u64,
}

impl Measures {
    /// Share of capacity time that was useful, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a report rounds far more")]
    pub fn utilisation(&self) -> f64 {
        let capacity = self.capacity_time.ms();
        if capacity == 0 { 0.0 } else { self.useful_time.ms() as f64 / capacity as f64 }
    }

    /// What was paid beyond the least that anybody can pay; `None` if nobody worked that out.
    ///
    /// What EC2 waived counts as paid: that it interrupts is nobody's merit.
    #[must_use]
    pub fn regret(&self) -> Option<Usd> {
        self.bound.map(|bound| self.cost.total() + self.waived - bound)
    }

    /// Instances launched per hour of useful work.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a report rounds far more")]
    pub fn churn_per_task_hour(&self) -> f64 {
        let hours = self.useful_time.as_hours_f64();
        if hours > 0.0 { self.launches.started as f64 / hours } else { 0.0 }
    }
}

impl Measures {
    pub(crate) fn set_peaks(&mut self, capacity: i64, demand: i64) {
        self.capacity_peak = u32::try_from(capacity).unwrap_or(u32::MAX);
        self.demand_peak = u32::try_from(demand).unwrap_or(u32::MAX);
    }

    /// Adds another worker type's, but for the waits and peaks, which do not add up.
    pub(crate) fn add(&mut self, other: &Self) {
        self.cost += other.cost;
        self.waived += other.waived;
        self.delay_max = self.delay_max.max(other.delay_max);
        self.waits_cold += other.waits_cold;
        self.tasks += other.tasks;
        self.launches += other.launches;
        self.safety += other.safety;
        self.habits += other.habits;
        self.instance_time += other.instance_time;
        self.capacity_time += other.capacity_time;
        self.useful_time += other.useful_time;
        self.over_provisioned_time += other.over_provisioned_time;
        self.capacity_max_time += other.capacity_max_time;
        self.on_demand_after = self.on_demand_after.into_iter().chain(other.on_demand_after).min();
    }
}

/// Gathers waits in constant space.
#[derive(Clone, Debug)]
pub(crate) struct Waits {
    histogram: Histogram<u32>,
    /// Waits of zero are only counted.
    zeros: u64,
    sum_ms: i128,
    max: Duration,
}

impl Waits {
    pub(crate) fn new(digits: u8) -> Self {
        let histogram = Histogram::new(digits).expect("so many significant digits are allowed");
        Self { histogram, zeros: 0, sum_ms: 0, max: Duration::ZERO }
    }

    /// That many tasks did not wait.
    pub(crate) const fn note_zeros(&mut self, count: u64) {
        self.zeros += count;
    }

    /// One task waited that long.
    pub(crate) fn note(&mut self, wait: Duration) {
        let ms = wait.ms().cast_unsigned();
        self.histogram.record(ms).expect("the histogram grows as needed");
        self.sum_ms += i128::from(wait.ms());
        self.max = self.max.max(wait);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("the histogram grows as needed");
        self.zeros += other.zeros;
        self.sum_ms += other.sum_ms;
        self.max = self.max.max(other.max);
    }

    #[expect(clippy::cast_precision_loss, reason = "a report rounds far more")]
    pub(crate) fn measure(&self) -> Wait {
        let count = self.zeros + self.histogram.len();
        let mean_ms = if count == 0 { 0.0 } else { self.sum_ms as f64 / count as f64 };
        let [p50, p95, p99] = self.quantiles([50, 95, 99], count);
        Wait { count, mean_ms, p50, p95, p99, max: self.max }
    }

    /// The waits that these percentages of all, in rising order, did not exceed.
    fn quantiles<const N: usize>(&self, percents: [u64; N], count: u64) -> [Duration; N] {
        let mut buckets = self.histogram.iter_recorded();
        let (mut seen, mut reached) = (self.zeros, None);
        percents.map(|percent| {
            let rank = (count * percent).div_ceil(100);
            while seen < rank {
                let Some(bucket) = buckets.next() else { return self.max };
                seen += u64::from(bucket.count_at_value());
                reached = Some(bucket.value_iterated_to());
            }
            reached.map_or(Duration::ZERO, |value| {
                let ms = self.histogram.median_equivalent(value);
                Duration::from_ms(ms.cast_signed()).min(self.max)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth() {
        let mut waits = Waits::new(3);
        for ms in 0..100_000 {
            waits.note(Duration::from_ms(ms));
        }
        let wait = waits.measure();
        assert_eq!((wait.count, wait.max.ms()), (100_000, 99_999));
        assert!((wait.mean_ms - 49_999.5).abs() < 1e-9);
        for (found, exact) in [(wait.p50, 49_999), (wait.p95, 94_999), (wait.p99, 98_999)] {
            assert!((found.ms() - exact).abs() * 1_000 <= exact, "{found} is not {exact} ms");
        }
    }

    #[test]
    fn no_wait_at_all_has_no_quantiles() {
        let mut waits = Waits::new(3);
        assert_eq!(waits.measure(), Wait::default());
        waits.note_zeros(1);
        assert_eq!(waits.measure(), Wait { count: 1, ..Wait::default() });
    }
}
