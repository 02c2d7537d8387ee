//! A worker type: what it may buy, and by which policy.

use std::ops::Bound;

use provisioner_engine::units::{Duration, Ratio, UsdPerHour};
use provisioner_engine::worker_type::{
    Candidate, Floor, Overshoot, PlacementPolicy, ScalingPolicy, SpendLimits, WeightedMarket,
    WorkerType,
};

use super::floors::{FloorDoc, floor};
use super::kinds::{At, duration, price, some_price, some_time};
use super::policy::{placement, scaling};
use super::spend::spend;
use crate::file::{Issue, Place, Section, kind};

/// A worker type as it is written.
#[derive(Clone, Debug)]
pub struct WorkerTypeDoc {
    /// Where its section stands.
    pub here: Place,
    /// See the engine's [`WorkerType`], here and below.
    pub capacity_min: u32,
    /// The most tasks that run at once.
    pub capacity_max: u32,
    /// Below it the max price is this over utility.
    pub price_min: UsdPerHour,
    /// The highest normalised market price.
    pub price_max: UsdPerHour,
    /// Regions it may use; all if it does not say.
    pub regions: Option<At<Vec<String>>>,
    /// Zones it may use; all of its regions if it does not say.
    pub zones: Option<At<Vec<String>>>,
    /// By name.
    pub instance_types: Vec<(String, InstanceTypeDoc)>,
    /// What its instances boot, by a name that worker types can share.
    pub image: Option<String>,
    /// How much is wanted.
    pub scaling: ScalingPolicy,
    /// Where it is bought.
    pub placement: PlacementPolicy,
    /// Whether the last instance may exceed `capacity_max`.
    pub overshoot: Overshoot,
    /// How long a spot request may stay open.
    pub request_timeout: Duration,
    /// How long an instance may take to register.
    pub registration_timeout: Option<Duration>,
    /// How long an instance may live.
    pub lifetime_max: Duration,
    /// How long a worker stays idle.
    pub idle_timeout: Duration,
    /// Capacity that is kept at some hours.
    pub floors: Vec<FloorDoc>,
    /// When what is still wanted is bought on demand.
    pub on_demand_after: Option<Duration>,
    /// What it may spend.
    pub spend: SpendLimits,
}

/// An instance type that a worker type may use.
#[derive(Clone, Debug)]
pub struct InstanceTypeDoc {
    /// Where its section stands.
    pub here: Place,
    /// Tasks that run at once on one.
    pub capacity: u32,
    /// Its useful work an hour, relative to others.
    pub utility: Ratio,
    /// Factor on its normalised price.
    pub bias: Ratio,
    /// Weight of its launch configs.
    pub initial_weight: Ratio,
    /// Most capacity in each zone.
    pub capacity_max: Option<u32>,
}

impl WorkerTypeDoc {
    /// What is bought, and in which market prices must be known for it.
    #[must_use]
    pub fn need(&self) -> Need {
        let (on_demand, spot) = match self.placement {
            PlacementPolicy::OnDemand
            | PlacementPolicy::Weighted { market: WeightedMarket::OnDemand, .. } => (true, false),
            PlacementPolicy::Weighted { market: WeightedMarket::Spot, .. } => (true, true),
            PlacementPolicy::Cheapest { .. }
            | PlacementPolicy::Random { .. }
            | PlacementPolicy::Spread(_) => (false, true),
        };
        Need { on_demand, spot }
    }

    /// The engine's worker type of that name, with those candidates and floors.
    #[must_use]
    pub fn into_worker_type(
        self,
        name: String,
        candidates: Vec<Candidate>,
        floors: Vec<Floor>,
    ) -> WorkerType {
        WorkerType {
            name,
            capacity_min: self.capacity_min,
            capacity_max: self.capacity_max,
            price_min: self.price_min,
            price_max: self.price_max,
            candidates,
            scaling: self.scaling,
            placement: self.placement,
            overshoot: self.overshoot,
            request_timeout: self.request_timeout,
            registration_timeout: self.registration_timeout,
            lifetime_max: self.lifetime_max,
            idle_timeout: self.idle_timeout,
            floors,
            on_demand_after: self.on_demand_after,
            spend: self.spend,
        }
    }
}

/// In which markets a policy buys, or by whose prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// On-demand prices must be known.
    pub on_demand: bool,
    /// Spot prices must be known.
    pub spot: bool,
}

/// Capacity of one worker type; Mozilla's largest had 2,500.
pub const CAPACITY_MAX: u32 = 1_000_000;

const V1: &str = "taskcluster/aws-provisioner, 2017-05";
const V1_TEMPLATE: &str = "taskcluster/aws-provisioner, template of a new worker type";

/// The keys of a worker type. What lies between them is for [`cross_check`], once all others of the
/// section are read.
pub fn worker_type(s: &mut Section<'_>) -> WorkerTypeDoc {
    WorkerTypeDoc {
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
    }
}

/// Reports what of a worker type does not fit together, if each of its keys is right in itself.
pub fn cross_check(s: &mut Section<'_>, doc: &WorkerTypeDoc) {
    if !s.is_sound() {
        return;
    }
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
