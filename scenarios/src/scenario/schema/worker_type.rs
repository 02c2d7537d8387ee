//! A worker type: what it may buy, by which policy, and how its workers behave.

use std::ops::Bound;

use provisioner_engine::units::{Duration, Ratio, UsdPerHour};
use provisioner_engine::worker_type::{Overshoot, PlacementPolicy, ScalingPolicy, SpendLimits};
use provisioner_sim::config::{ClaimOrder, IdleStop, WorkerModel};

use super::delay::{delay, duration, some_time};
use super::floors::{FloorDoc, floor};
use super::money::spend;
use super::policy::{placement, scaling};
use super::tasks::{TasksDoc, tasks};
use super::{At, price, some_price};
use crate::file::{Issue, Place, Section, Variant, kind};

/// A worker type as it is written.
pub(crate) struct WorkerTypeDoc {
    pub(crate) here: Place,
    pub(crate) capacity_min: u32,
    pub(crate) capacity_max: u32,
    pub(crate) price_min: UsdPerHour,
    pub(crate) price_max: UsdPerHour,
    pub(crate) regions: Option<At<Vec<String>>>,
    pub(crate) zones: Option<At<Vec<String>>>,
    pub(crate) instance_types: Vec<(String, InstanceTypeDoc)>,
    pub(crate) image: Option<String>,
    pub(crate) scaling: ScalingPolicy,
    pub(crate) placement: PlacementPolicy,
    pub(crate) overshoot: Overshoot,
    pub(crate) request_timeout: Duration,
    pub(crate) registration_timeout: Option<Duration>,
    pub(crate) lifetime_max: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) floors: Vec<FloorDoc>,
    pub(crate) on_demand_after: Option<Duration>,
    pub(crate) spend: SpendLimits,
    pub(crate) workers: WorkerModel,
    pub(crate) tasks: TasksDoc,
}

/// An instance type that a worker type may use.
pub(crate) struct InstanceTypeDoc {
    pub(crate) here: Place,
    pub(crate) capacity: u32,
    pub(crate) utility: Ratio,
    pub(crate) bias: Ratio,
    pub(crate) initial_weight: Ratio,
    pub(crate) capacity_max: Option<u32>,
}

/// Capacity of one worker type; Mozilla's largest had 2,500.
pub(super) const CAPACITY_MAX: u32 = 1_000_000;

const ILL: &str =
    "assumed: none, or rare as in a healthy pool where everything happens that happens";
const V1: &str = "taskcluster/aws-provisioner, 2017-05";
const V1_TEMPLATE: &str = "taskcluster/aws-provisioner, template of a new worker type";

pub(super) fn worker_type(s: &mut Section<'_>, base: &WorkerModel) -> WorkerTypeDoc {
    let doc = WorkerTypeDoc {
        here: s.here(),
        capacity_min: s.defaulted(
            "capacity_min",
            kind::integer().within(..=CAPACITY_MAX),
            "Capacity that is kept even without tasks.",
            0,
            V1_TEMPLATE,
        ),
        capacity_max: s.required(
            "capacity_max",
            kind::integer().within(1..=CAPACITY_MAX),
            "Capacity that is never exceeded: the most tasks that run at once.",
        ),
        price_min: s.defaulted(
            "price_min",
            price(),
            "Normalised market price below which the max price is `price_min` over utility.",
            UsdPerHour::ZERO,
            V1_TEMPLATE,
        ),
        price_max: s.defaulted(
            "price_max",
            some_price(),
            "Highest normalised market price at which spot instances are asked for; the max price \
             may be higher.",
            UsdPerHour::from_micros(10_000_000),
            "no limit of its own: as high as the default of `engine.max_price_cap`",
        ),
        regions: names(s, "regions", "Regions it may use; all if left out."),
        zones: names(s, "zones", "Zones it may use; all those of its regions if left out."),
        instance_types: s
            .named("instance_types", "Instance types it may use.", |_, s| instance_type(s)),
        image: s.optional(
            "image",
            kind::text(),
            "What its instances boot; worker types that name the same one share its fate. One of \
             its own if left out.",
        ),
        scaling: scaling(s),
        placement: placement(s),
        overshoot: s.defaulted(
            "overshoot",
            kind::choice(&[("never", Overshoot::Never), ("historical", Overshoot::Historical)]),
            "Whether the last instance may exceed `capacity_max` by its capacity less one.",
            Overshoot::default(),
            "`capacity_max` is hard; both predecessors overshot",
        ),
        request_timeout: s.defaulted(
            "request_timeout",
            some_time(),
            "A spot request that is not fulfilled for this long is cancelled.",
            Duration::from_mins(20),
            V1,
        ),
        registration_timeout: s.optional(
            "registration_timeout",
            some_time(),
            "An instance whose worker has not registered this long after its launch was accepted \
             is ended; never if left out (worker-manager's `registrationTimeout`).",
        ),
        lifetime_max: s.defaulted(
            "lifetime_max",
            some_time(),
            "An instance older than this is ended.",
            Duration::from_hours(96),
            "taskcluster/aws-provisioner, Mozilla bug 1145685",
        ),
        idle_timeout: s.defaulted(
            "idle_timeout",
            some_time(),
            "How long a worker stays idle before it stops itself.",
            Duration::from_mins(15),
            "assumed; Taskcluster leaves it to each worker's configuration",
        ),
        on_demand_after: s.optional(
            "on_demand_after",
            duration(),
            "After so long without a spot machine, what is still wanted is bought on demand; never \
             if left out.",
        ),
        spend: spend(s),
        floors: s
            .named("floors", "Capacity that is kept at some hours, each under a name.", |_, s| {
                floor(s)
            })
            .into_iter()
            .map(|(_, floor)| floor)
            .collect(),
        workers: s.section("workers", "How its workers behave.", |s| workers(s, base)),
        tasks: tasks(s),
    };
    if s.is_sound() {
        cross_check(s, &doc);
    }
    doc
}

fn cross_check(s: &mut Section<'_>, doc: &WorkerTypeDoc) {
    let WorkerTypeDoc { capacity_min, capacity_max, price_min, price_max, .. } = doc;
    if capacity_min > capacity_max {
        let issue = Issue::new("`capacity_min` is above `capacity_max`", s.place("capacity_min"));
        let issue = issue.label(format!("`capacity_max` is {capacity_max}"));
        s.report(issue.hint(format!("write at most {capacity_max}, or raise `capacity_max`")));
    }
    if price_min > price_max {
        let issue = Issue::new("`price_min` is above `price_max`", s.place("price_min"));
        let issue = issue.label(format!("`price_max` is {price_max}"));
        s.report(issue.hint("no market price lies between the two: lower `price_min`"));
    }
    if doc.instance_types.is_empty() {
        let issue = Issue::new("the worker type has no instance type", s.here());
        s.report(issue.hint("add for example instance_types.\"c5.xlarge\" = { capacity = 1 }"));
    }
    for (name, kind) in &doc.instance_types {
        if kind.capacity > *capacity_max && doc.overshoot == Overshoot::Never {
            let what = format!("one `{name}` has more capacity than `capacity_max`");
            let issue = Issue::new(what, kind.here.clone());
            let issue = issue.label(format!("{} of {capacity_max}", kind.capacity));
            s.report(issue.hint("it would never be bought: raise `capacity_max` or leave it out"));
        }
    }
}

fn names(s: &mut Section<'_>, key: &'static str, doc: &'static str) -> Option<At<Vec<String>>> {
    let value = s.optional(key, kind::list(kind::text()), doc)?;
    Some(At { value, place: s.place(key) })
}

fn instance_type(s: &mut Section<'_>) -> InstanceTypeDoc {
    let factor = || {
        let most = Ratio::from_millionths(1_000_000_000);
        kind::ratio().within((Bound::Excluded(Ratio::ZERO), Bound::Included(most)))
    };
    InstanceTypeDoc {
        here: s.here(),
        capacity: s.defaulted(
            "capacity",
            kind::integer().within(1..=10_000),
            "Tasks that run at once on one instance.",
            1,
            V1_TEMPLATE,
        ),
        utility: s.defaulted(
            "utility",
            factor(),
            "Useful work per hour, relative to other instance types: tasks run so much faster.",
            Ratio::ONE,
            V1_TEMPLATE,
        ),
        bias: s.defaulted(
            "bias",
            factor(),
            "Factor on the normalised price: above 1, the type is avoided.",
            Ratio::ONE,
            "none; taskcluster/aws-provisioner had 1.4 for us-west-2 in 2017",
        ),
        initial_weight: s.defaulted(
            "initial_weight",
            kind::ratio().within(..=Ratio::ONE),
            "Weight of its launch configs, for `weighted`.",
            Ratio::ONE,
            "taskcluster/taskcluster, worker-manager's launch configs",
        ),
        capacity_max: s.optional(
            "capacity_max",
            kind::integer().within(1..=CAPACITY_MAX),
            "Most capacity in each of its zones, for `weighted`; as much as the worker type's if \
             left out.",
        ),
    }
}

fn workers(s: &mut Section<'_>, base: &WorkerModel) -> WorkerModel {
    let probability = || kind::float().within(0.0..=1.0);
    let hazard = || kind::float().within(0.0..=100.0);
    let orders = [
        ("random-poll", ClaimOrder::RandomPoll),
        ("last-idled", ClaimOrder::LastIdled),
        ("longest-idle", ClaimOrder::LongestIdle),
    ];
    let after_timeout = |_: &mut Section<'_>| IdleStop::AfterTimeout;
    let before_hour_ends = |s: &mut Section<'_>| {
        let margin = kind::duration().within(Duration::SECOND..=Duration::from_mins(59));
        let doc = "How long before the end of the hour it stops.";
        let source = "assumed; cf. docker-worker's `shutdown.minimumCycleSeconds`";
        IdleStop::BeforeHourEnds(s.defaulted("margin", margin, doc, Duration::from_mins(2), source))
    };
    let idle_stops = [
        Variant::new("after-timeout", "At once.", &after_timeout),
        Variant::new(
            "before-hour-ends",
            "Shortly before the next instance-hour begins, which is paid for anyway.",
            &before_hour_ends,
        ),
    ];
    WorkerModel {
        boot: delay(
            s,
            "boot",
            "From EC2's state `running` to the first claim.",
            &base.boot,
            "assumed: a Linux image on today's hosts claims within a minute",
        ),
        claim_order: s.defaulted(
            "claim_order",
            kind::choice(&orders),
            "Which idle worker claims next; it can halve or double the launches.",
            base.claim_order,
            "Taskcluster's workers poll the queue independently",
        ),
        idle_stop: s.variant(
            "idle_stop",
            "When a worker that was idle for `idle_timeout` stops.",
            &idle_stops,
            None,
            Some(("\"after-timeout\"", "billing by the second, since 2017-10")),
        ),
        between_tasks: s.defaulted(
            "between_tasks",
            duration(),
            "From the end of a task to the next claim.",
            base.between_tasks,
            "part of the recorded durations",
        ),
        uptime_max: s.optional(
            "uptime_max",
            some_time(),
            "A worker claims nothing more after this time and stops when it is done.",
        ),
        asks: s.optional(
            "asks",
            some_time(),
            "An idle worker asks this often whether it should stop; it never does if left out.",
        ),
        never_registers: s.defaulted(
            "never_registers",
            probability(),
            "Chance that an instance boots and its worker never registers.",
            base.never_registers,
            ILL,
        ),
        never_claims: s.defaulted(
            "never_claims",
            probability(),
            "Chance that a worker registers and never claims a task.",
            base.never_claims,
            "assumed; `failureRate` of Taskcluster's own simulator",
        ),
        ignores_idle: s.defaulted(
            "ignores_idle",
            probability(),
            "Chance that a worker ignores its idle timeout.",
            base.ignores_idle,
            ILL,
        ),
        hang_hazard: s.defaulted(
            "hang_hazard",
            hazard(),
            "Workers that hang, an hour of being up: they neither finish nor claim, and stay.",
            base.hang_hazard,
            ILL,
        ),
        death_hazard: s.defaulted(
            "death_hazard",
            hazard(),
            "Workers that die, an hour of being up: their instance shuts down, and nobody is told \
             of the tasks.",
            base.death_hazard,
            ILL,
        ),
    }
}
