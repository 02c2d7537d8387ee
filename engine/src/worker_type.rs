//! What the engine is told once: worker types, their policies, and the limits.
//!
//! Everything here is resolved and complete; reading and checking files is the edge's work.
//! Defaults are the predecessors' (Taskcluster aws-provisioner "v1", 2014–2019, and
//! worker-manager, since 2019), so that comparisons are against known systems.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::decision::Market;
use crate::guards::Guards;
use crate::ids::{ImageId, PoolId, WorkerTypeId};
use crate::random::Seed;
use crate::units::{Duration, Ratio, Time, Usd, UsdPerHour};

/// Everything an engine is built from. Equal configuration and equal calls give equal decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// Where the engine's own random draws come from.
    pub seed: Seed,
    /// What can be bought.
    pub catalog: Catalog,
    /// Who wants it; the index is the [`WorkerTypeId`].
    pub worker_types: Vec<WorkerType>,
    /// What must hold for all worker types together.
    pub limits: Limits,
    /// What protects from a lying cloud.
    pub guards: Guards,
}

impl EngineConfig {
    /// The name of a worker type; a word for those that left, of which nothing is kept.
    #[must_use]
    pub fn worker_type_name(&self, id: WorkerTypeId) -> &str {
        self.worker_types.get(id.index()).map_or("a worker type that left", |known| &known.name)
    }
}

/// Bounds on the engine as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Time from one iteration to the next.
    pub iteration_interval: Duration,
    /// Most launches one decision may hold. Keeps a demand spike from spending the whole API
    /// allowance in one turn; the rest follow at the next wake.
    pub launches_per_decision_max: u32,
    /// Demand older than this freezes scaling: unknown is never zero.
    pub demand_stale_after: Duration,
    /// No max price above this is ever offered, whatever a policy computes (v1: $10).
    pub max_price_cap: UsdPerHour,
    /// Most instances one launch call asks for. EC2 advises several calls of a hundred rather than
    /// one of five hundred.
    pub launches_per_call_max: u32,
    /// Ceilings on what all worker types together may spend.
    pub spend: SpendLimits,
    /// What is ended because a day's ceiling is near has ended this long after its order at the
    /// latest: so long before the money would be spent the order is given.
    pub spend_ends_within: Duration,
}

/// Ceilings on spending, hard: launches count with the most that may be paid for them, from the
/// moment they are decided until they have ended. That is at least what EC2 bills by the second;
/// rounding to whole hours, where the market does that, comes on top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpendLimits {
    /// The most that live launches together may cost an hour: what would exceed it is not launched.
    pub hourly_max: Option<UsdPerHour>,
    /// The most that may be spent in a day (UTC). Nothing is launched that could not run for an
    /// hour, or until midnight, within it; before it is spent, everything is ended, claimed or not,
    /// so early that it is never exceeded.
    pub daily_max: Option<Usd>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            iteration_interval: Duration::MINUTE,
            launches_per_decision_max: 1_000,
            demand_stale_after: Duration::from_mins(10),
            max_price_cap: UsdPerHour::from_micros(10_000_000),
            launches_per_call_max: 50,
            spend: SpendLimits::default(),
            spend_ends_within: Duration::from_mins(2),
        }
    }
}

/// A kind of worker with its own queue (Taskcluster's `taskQueueId`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerType {
    /// `provisionerId/workerType`.
    pub name: String,
    /// Capacity that is kept even without tasks.
    pub capacity_min: u32,
    /// Capacity that is never exceeded.
    pub capacity_max: u32,
    /// v1's normalised floor price: below it the bid is `price_min` over utility.
    pub price_min: UsdPerHour,
    /// v1's normalised ceiling: no pool whose normalised price is above it is used for spot.
    pub price_max: UsdPerHour,
    /// The pools it may use, in the order of its definition: ties go to the first.
    pub candidates: Vec<Candidate>,
    /// How much capacity is wanted.
    pub scaling: ScalingPolicy,
    /// Where it is bought.
    pub placement: PlacementPolicy,
    /// Whether the last instance may exceed `capacity_max`, as it did in the predecessors.
    pub overshoot: Overshoot,
    /// A request not fulfilled for this long is cancelled (v1: 20 minutes).
    pub request_timeout: Duration,
    /// An instance whose worker has not registered this long after its launch was accepted is
    /// ended (worker-manager's `registrationTimeout`); v1 had none.
    pub registration_timeout: Option<Duration>,
    /// An instance older than this is ended (v1: 96 h).
    pub lifetime_max: Duration,
    /// How long a worker is expected to stay idle before it stops itself.
    pub idle_timeout: Duration,
    /// Capacity that is kept from a time on, oldest first; `capacity_min` before the first and
    /// where it is more. Schedules and time zones are resolved at the edge.
    pub floors: Vec<Floor>,
    /// Buy on demand after so long without a spot machine; `None` waits for one for ever.
    pub on_demand_after: Option<Duration>,
    /// Ceilings on what it may spend.
    pub spend: SpendLimits,
}

impl WorkerType {
    /// Its candidate from that pool, and which one that is.
    pub(crate) fn candidate_of(&self, pool: PoolId) -> Option<(u32, &Candidate)> {
        (0..).zip(&self.candidates).find(|(_, candidate)| candidate.pool == pool)
    }
}

/// Capacity that is kept from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// From when.
    pub from: Time,
    /// How much.
    pub capacity_min: u32,
}

/// A pool that a worker type may use, and what an instance of it is worth there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Which pool.
    pub pool: PoolId,
    /// What boots there.
    pub image: ImageId,
    /// Tasks that run at once on one instance.
    pub capacity: u32,
    /// Useful work per hour, relative to other instance types.
    pub utility: Ratio,
    /// Constant factor on the normalised price (v1 had ×1.4 for us-west-2 in 2017).
    pub bias: Ratio,
    /// worker-manager's `initialWeight`, 0 to 1; used by `weighted`.
    pub initial_weight: Ratio,
    /// worker-manager's `maxCapacity` of a launch config; used by `weighted`.
    pub capacity_max: Option<u32>,
}

/// May the last instance exceed `capacity_max`?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overshoot {
    /// `capacity_max` is hard, rounding included.
    #[default]
    Never,
    /// Instances are added while units are wanted, so the last may exceed by its capacity − 1,
    /// and capacity the policy does not see is not counted (v1 and worker-manager).
    Historical,
}

/// How much capacity is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ScalingPolicy {
    /// v1's change determination.
    ScalingRatio {
        /// Pending tasks tolerated as a share of running capacity.
        scaling_ratio: Ratio,
        /// What an open request counts for.
        requested_counts: RequestedCounts,
    },
    /// worker-manager's estimator.
    Estimator {
        /// Units of capacity per pending task, 0 to 1.
        scaling_ratio: Ratio,
        /// Whether idle capacity is subtracted from pending tasks (since 2024-09).
        idle: IdleCredit,
        /// How often capacity that has not registered is subtracted.
        requested: RequestedCredit,
    },
    /// Our own: one target for growing and for shrinking.
    Target {
        /// Units of capacity per pending task, 0 to 1.
        scaling_ratio: Ratio,
        /// A surplus must last this long before an idle worker is told to stop.
        settle: Duration,
        /// What is wanted and this share more is no surplus.
        band: Ratio,
    },
}

/// What an open request counts for in `scaling-ratio`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestedCounts {
    /// One, whatever the instance type: v1 read the type from the wrong level of the request.
    #[default]
    OneEach,
    /// The capacity of its instance type.
    Capacity,
}

/// What the `estimator` takes for idle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdleCredit {
    /// Existing capacity, requested included, less claimed tasks (since 2024-09).
    #[default]
    Existing,
    /// Registered capacity less claimed tasks, as Taskcluster's own simulator has it.
    Registered,
    /// Nothing: every pending task wants new capacity (before 2024-09).
    Ignored,
}

/// How often the `estimator` subtracts capacity that has not registered yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestedCredit {
    /// Inside the existing capacity and once more at the end, as worker-manager does.
    #[default]
    Twice,
    /// Inside the existing capacity only.
    Once,
}

/// Where capacity is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PlacementPolicy {
    /// v1 of 2017: the cheapest pool by normalised, biased 30-minute maximum.
    Cheapest {
        /// How the bid follows from the price.
        bid: BidRule,
        /// What past interruptions do to a pool's price.
        bias: BiasRule,
    },
    /// v1 of 2019: a pool drawn uniformly for every bid.
    Random {
        /// How the bid follows from the price.
        bid: BidRule,
    },
    /// worker-manager's launch configs on AWS.
    Weighted {
        /// Which market the launch configs ask for.
        market: WeightedMarket,
        /// What the weights decide.
        selection: Selection,
        /// Which launch config's weight a refused launch lowers.
        errors: ErrorAttribution,
    },
    /// Our own: the pool whose work is expected to cost least, with a favourite that is not left
    /// for a small difference, and instances that fit the demand.
    Spread(SpreadRule),
    /// The cheapest on-demand price over utility. The price limits of the worker type are about
    /// spot and do not apply.
    OnDemand,
}

impl PlacementPolicy {
    /// Whether it chooses by market price; the others need not know it.
    #[must_use]
    pub const fn buys_by_price(&self) -> bool {
        match self {
            Self::Cheapest { .. } | Self::Random { .. } | Self::Spread(_) => true,
            Self::Weighted { .. } | Self::OnDemand => false,
        }
    }

    /// The market it buys in, whatever the price.
    #[must_use]
    pub const fn market(&self) -> Market {
        match self {
            Self::OnDemand | Self::Weighted { market: WeightedMarket::OnDemand, .. } => {
                Market::OnDemand
            }
            Self::Cheapest { .. }
            | Self::Random { .. }
            | Self::Weighted { .. }
            | Self::Spread(_) => Market::Spot { max_price: None },
        }
    }
}

/// How `spread` compares pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpreadRule {
    /// A pool is compared by its highest price of so long.
    pub price_window: Duration,
    /// Each interruption per launch of the last day makes a pool so much dearer.
    pub loss_weight: Ratio,
    /// Launches without interruption that are assumed of every pool.
    pub prior: u32,
    /// Another pool becomes the favourite only if it is cheaper by this share, …
    pub margin: Ratio,
    /// … and not sooner than this after the last change.
    pub hold: Duration,
    /// Max price over the on-demand price.
    pub bid_multiplier: Ratio,
}

impl Default for SpreadRule {
    fn default() -> Self {
        Self {
            price_window: Duration::from_mins(30),
            loss_weight: Ratio::from_millionths(4_000_000),
            prior: 8,
            margin: Ratio::from_millionths(100_000),
            hold: Duration::from_mins(30),
            bid_multiplier: Ratio::ONE,
        }
    }
}

/// v1's rule from market price to max price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BidRule {
    /// How far back the maximum price is taken (v1: 30 minutes).
    pub price_window: Duration,
    /// Bid over market price (v1: 2 since 2015-04-30).
    pub multiplier: Ratio,
    /// How `price_min` becomes a bid.
    pub price_min: PriceMinRule,
    /// What happens when the bid exceeds the engine's cap.
    pub over_cap: OverCap,
}

impl Default for BidRule {
    fn default() -> Self {
        Self {
            price_window: Duration::from_mins(30),
            multiplier: Ratio::from_millionths(2_000_000),
            price_min: PriceMinRule::default(),
            over_cap: OverCap::default(),
        }
    }
}

/// How v1's `minPrice` becomes a bid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceMinRule {
    /// `price_min ÷ utility`: what v1 did and documented.
    #[default]
    Divided,
    /// `price_min × utility`: what the units ask for.
    Multiplied,
}

/// What happens when a bid exceeds the engine's `max_price_cap`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverCap {
    /// It is not made and bidding stops for this worker type: the cap is hard.
    #[default]
    Refused,
    /// It is made once, then bidding stops: v1's slip of 2017. `random`, of 2019, had it no more.
    HistoricalOnce,
}

/// What past interruptions do to a pool's price in `cheapest`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BiasRule {
    /// Over 24 h: unknown pool 0.95; no kill 1; kills without spawn, their number;
    /// else 1 + 4 × kills ÷ spawns.
    #[default]
    KillRate,
    /// Always 1: what was left of it in 2017-05, when its data source was gone.
    Off,
}

/// Which market a `weighted` launch config asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightedMarket {
    /// Spot without a max price: EC2 then takes the on-demand price.
    #[default]
    Spot,
    /// On demand.
    OnDemand,
}

/// What worker-manager's weights decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// Only who takes part: all of positive weight are shuffled and share evenly (its AWS form).
    #[default]
    EvenSplit,
    /// The share: repeated weighted draws within remaining capacity (its Azure and Google form).
    Drawn,
}

/// Which launch config's weight a refused launch lowers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorAttribution {
    /// None: AWS creation errors are stored without their launch config and only raise the total.
    #[default]
    Unattributed,
    /// The one that was refused.
    Attributed,
}
