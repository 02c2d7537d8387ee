//! The document's groups, from measures and back.
//!
//! Money is exact to the micro-dollar and time to the millisecond, so what is read is what was
//! measured; what follows from other measures is not read.

use std::collections::BTreeMap;

use provisioner_engine::units::{Duration, Usd, UsdPerHour};
use provisioner_scenarios::file::quantity;
use provisioner_scenarios::scenario::{Check, Relation};
use provisioner_sim::outcome::{
    ApiCalls, Cost, HabitMeasures, LaunchMeasures, LimitMeasures, Measures, NoticeMeasures,
    Outcome, Ownership, SafetyMeasures, SpendMeasures, TaskMeasures, Wait,
};
use serde::{Deserialize, Serialize};

use crate::checks::{Checked, Verdict};
use crate::summary::cost_per_task;
use crate::{Run, show_time};

#[derive(Serialize, Deserialize)]
pub(super) struct Document<'a> {
    version: u32,
    run: Run,
    started: String,
    finished: String,
    total: MeasuresDocument,
    worker_types: Vec<MeasuresDocument>,
    largest_pool: String,
    largest_pool_share: f64,
    api_calls: ApiCalls,
    ownership: OwnershipDocument,
    notices: NoticeMeasures,
    spend: SpendDocument,
    restarts: u64,
    iterations: u64,
    #[serde(default)]
    limits: LimitMeasures,
    events: u64,
    decision_digest: String,
    #[serde(skip_serializing_if = "Vec::is_empty", skip_deserializing)]
    checks: Vec<CheckDocument<'a>>,
}

impl<'a> Document<'a> {
    pub(super) fn of(run: &Run, outcome: &Outcome, checks: &'a [Checked<'a>]) -> Self {
        Self {
            version: outcome.version,
            run: run.clone(),
            started: show_time(outcome.started),
            finished: show_time(outcome.finished),
            total: MeasuresDocument::of(&outcome.total),
            worker_types: outcome.worker_types.iter().map(MeasuresDocument::of).collect(),
            largest_pool: outcome.largest_pool.clone(),
            largest_pool_share: outcome.largest_pool_share,
            api_calls: outcome.api_calls,
            ownership: OwnershipDocument::of(outcome.ownership),
            notices: outcome.notices,
            spend: SpendDocument::of(outcome.spend),
            restarts: outcome.restarts,
            iterations: outcome.iterations,
            limits: outcome.limits,
            events: outcome.events,
            decision_digest: outcome.decision_digest.clone(),
            checks: checks.iter().map(CheckDocument::of).collect(),
        }
    }

    pub(super) fn outcome(self) -> Result<(Run, Outcome), String> {
        let time = |text: &str| quantity::time(text).map_err(|fault| format!("`{text}` {fault}"));
        let outcome = Outcome {
            version: self.version,
            started: time(&self.started)?,
            finished: time(&self.finished)?,
            total: self.total.measures(),
            worker_types: self.worker_types.into_iter().map(MeasuresDocument::measures).collect(),
            largest_pool_share: self.largest_pool_share,
            largest_pool: self.largest_pool,
            api_calls: self.api_calls,
            spend: self.spend.measures(),
            ownership: self.ownership.measures(),
            notices: self.notices,
            restarts: self.restarts,
            iterations: self.iterations,
            limits: self.limits,
            events: self.events,
            decision_digest: self.decision_digest,
        };
        Ok((self.run, outcome))
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct MeasuresDocument {
    #[serde(skip_serializing_if = "String::is_empty", default)]
    name: String,
    cost_usd: CostDocument,
    cost_per_task_usd: Option<f64>,
    waived_usd: f64,
    bound_usd: Option<f64>,
    regret_usd: Option<f64>,
    wait_s: WaitDocument,
    #[serde(default)]
    waits_cold: u64,
    delay_max_s: f64,
    tasks: TaskMeasures,
    launches: LaunchMeasures,
    safety: SafetyDocument,
    habits: HabitMeasures,
    instance_h: f64,
    capacity_h: f64,
    useful_h: f64,
    over_provisioned_h: f64,
    utilisation: f64,
    churn_per_task_h: f64,
    #[serde(default)]
    capacity_max_h: f64,
    capacity_peak: u32,
    demand_peak: u32,
    on_demand_after_s: Option<f64>,
}

impl MeasuresDocument {
    pub(super) fn of(measures: &Measures) -> Self {
        Self {
            name: measures.name.clone(),
            cost_usd: CostDocument::of(measures.cost),
            cost_per_task_usd: cost_per_task(measures),
            waived_usd: measures.waived.as_f64(),
            bound_usd: measures.bound.map(Usd::as_f64),
            regret_usd: measures.regret().map(Usd::as_f64),
            wait_s: WaitDocument::of(measures.wait),
            waits_cold: measures.waits_cold,
            delay_max_s: measures.delay_max.as_secs_f64(),
            tasks: measures.tasks,
            launches: measures.launches,
            safety: SafetyDocument::of(measures.safety),
            habits: measures.habits,
            instance_h: measures.instance_time.as_hours_f64(),
            capacity_h: measures.capacity_time.as_hours_f64(),
            useful_h: measures.useful_time.as_hours_f64(),
            over_provisioned_h: measures.over_provisioned_time.as_hours_f64(),
            utilisation: measures.utilisation(),
            churn_per_task_h: measures.churn_per_task_hour(),
            capacity_max_h: measures.capacity_max_time.as_hours_f64(),
            capacity_peak: measures.capacity_peak,
            demand_peak: measures.demand_peak,
            on_demand_after_s: measures.on_demand_after.map(Duration::as_secs_f64),
        }
    }

    fn measures(self) -> Measures {
        Measures {
            name: self.name,
            cost: self.cost_usd.measures(),
            waived: usd(self.waived_usd),
            bound: self.bound_usd.map(usd),
            wait: self.wait_s.measures(),
            waits_cold: self.waits_cold,
            delay_max: seconds(self.delay_max_s),
            tasks: self.tasks,
            launches: self.launches,
            safety: self.safety.measures(),
            habits: self.habits,
            instance_time: hours(self.instance_h),
            capacity_time: hours(self.capacity_h),
            useful_time: hours(self.useful_h),
            over_provisioned_time: hours(self.over_provisioned_h),
            capacity_max_time: hours(self.capacity_max_h),
            capacity_peak: self.capacity_peak,
            demand_peak: self.demand_peak,
            on_demand_after: self.on_demand_after_s.map(seconds),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct OwnershipDocument {
    orphan_h: f64,
    orphan_longest_s: f64,
    orphans_left: u64,
    strays_ended: u64,
    others_touched: u64,
}

impl OwnershipDocument {
    fn of(ownership: Ownership) -> Self {
        let Ownership { orphan_time, orphan_longest, orphans_left, strays_ended, others_touched } =
            ownership;
        Self {
            orphan_h: orphan_time.as_hours_f64(),
            orphan_longest_s: orphan_longest.as_secs_f64(),
            orphans_left,
            strays_ended,
            others_touched,
        }
    }

    fn measures(self) -> Ownership {
        let Self { orphan_h, orphan_longest_s, orphans_left, strays_ended, others_touched } = self;
        let (orphan_time, orphan_longest) = (hours(orphan_h), seconds(orphan_longest_s));
        Ownership { orphan_time, orphan_longest, orphans_left, strays_ended, others_touched }
    }
}

#[derive(Serialize, Deserialize)]
struct SpendDocument {
    price_max_usd_per_h: f64,
    committed_peak_usd_per_h: f64,
    committed_day_max_usd: f64,
}

impl SpendDocument {
    fn of(spend: SpendMeasures) -> Self {
        let SpendMeasures { price_max, committed_peak, committed_day_max } = spend;
        Self {
            price_max_usd_per_h: price_max.as_f64(),
            committed_peak_usd_per_h: committed_peak.as_f64(),
            committed_day_max_usd: committed_day_max.as_f64(),
        }
    }

    fn measures(self) -> SpendMeasures {
        let price = |number: f64| UsdPerHour::from_micros(usd(number).micros());
        SpendMeasures {
            price_max: price(self.price_max_usd_per_h),
            committed_peak: price(self.committed_peak_usd_per_h),
            committed_day_max: usd(self.committed_day_max_usd),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct CostDocument {
    total: f64,
    spot: f64,
    on_demand: f64,
    useful: f64,
    idle: f64,
    boot: f64,
    redone: f64,
    wasted: f64,
}

impl CostDocument {
    fn of(cost: Cost) -> Self {
        let Cost { spot, on_demand, useful, idle, boot, redone, wasted } = cost;
        Self {
            total: cost.total().as_f64(),
            spot: spot.as_f64(),
            on_demand: on_demand.as_f64(),
            useful: useful.as_f64(),
            idle: idle.as_f64(),
            boot: boot.as_f64(),
            redone: redone.as_f64(),
            wasted: wasted.as_f64(),
        }
    }

    fn measures(self) -> Cost {
        let Self { total: _, spot, on_demand, useful, idle, boot, redone, wasted } = self;
        let [spot, on_demand] = [spot, on_demand].map(usd);
        let [useful, idle, boot, redone, wasted] = [useful, idle, boot, redone, wasted].map(usd);
        Cost { spot, on_demand, useful, idle, boot, redone, wasted }
    }
}

#[derive(Serialize, Deserialize)]
struct SafetyDocument {
    claimed_ended: u64,
    spared: u64,
    zombie_h: f64,
    double_launches: u64,
}

impl SafetyDocument {
    fn of(safety: SafetyMeasures) -> Self {
        let SafetyMeasures { claimed_ended, spared, zombie_time, double_launches } = safety;
        Self { claimed_ended, spared, zombie_h: zombie_time.as_hours_f64(), double_launches }
    }

    fn measures(self) -> SafetyMeasures {
        let Self { claimed_ended, spared, zombie_h, double_launches } = self;
        SafetyMeasures { claimed_ended, spared, zombie_time: hours(zombie_h), double_launches }
    }
}

#[derive(Serialize, Deserialize)]
struct WaitDocument {
    count: u64,
    mean: f64,
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl WaitDocument {
    fn of(wait: Wait) -> Self {
        let Wait { count, mean_ms, p50, p95, p99, max } = wait;
        let [p50, p95, p99, max] = [p50, p95, p99, max].map(Duration::as_secs_f64);
        Self { count, mean: mean_ms / 1_000.0, p50, p95, p99, max }
    }

    fn measures(self) -> Wait {
        let Self { count, mean, p50, p95, p99, max } = self;
        let [p50, p95, p99, max] = [p50, p95, p99, max].map(seconds);
        Wait { count, mean_ms: mean * 1_000.0, p50, p95, p99, max }
    }
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    name: &'a str,
    because: &'a str,
    measure: &'a str,
    value: Option<f64>,
    #[serde(flatten)]
    bounds: BTreeMap<&'static str, f64>,
    verdict: Verdict,
}

impl<'a> CheckDocument<'a> {
    fn of(checked: &'a Checked<'_>) -> Self {
        let Check { name, because, measure, .. } = checked.check;
        let (value, verdict) = (checked.value, checked.verdict);
        let key = |relation| match relation {
            Relation::AtMost => "at_most",
            Relation::AtLeast => "at_least",
            Relation::Equals => "equals",
        };
        let bounds = checked.bounds.iter().map(|(relation, bound)| (key(*relation), *bound));
        Self { name, because, measure, value, bounds: bounds.collect(), verdict }
    }
}

fn usd(dollars: f64) -> Usd {
    Usd::from_micros(whole(dollars * 1e6))
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_ms(whole(seconds * 1e3))
}

fn hours(hours: f64) -> Duration {
    Duration::from_ms(whole(hours * 3.6e6))
}

#[expect(clippy::cast_possible_truncation, reason = "saturates, far beyond what is measured")]
fn whole(number: f64) -> i64 {
    number.round() as i64
}
