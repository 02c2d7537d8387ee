//! What protects: bounds and habits that keep a lying cloud, a broken image or a bad day from
//! costing money, each with its default, its reason and its off switch.
//!
//! [`Guards::default`] is what this engine does. [`Guards::off`] is an engine that believes what
//! it is told and buys what its policies ask for; the predecessors' habits are named variants, so
//! that comparisons are against known systems.
//!
//! Not here: bounds on worker types and money ([`Limits`](crate::worker_type::Limits)).

use serde::{Deserialize, Serialize};

use crate::units::{Duration, Ratio};

/// All guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guards {
    /// Look for our instances by listing them, besides being told of them; `None` trusts events.
    pub listing: Option<ListingRule>,
    /// What happens to machines whose worker type or instance type leaves the configuration.
    pub removed: Removed,
    /// What happens to a launch call that got no answer.
    pub unanswered: Unanswered,
    /// What a restart remembers.
    pub memory: Memory,
    /// What happens to instances that belong to no launch; `None` leaves them alone.
    pub strays: Option<StrayRule>,
    /// Our own allowance of EC2 calls; `None` calls as often as it likes.
    pub api: Option<ApiRule>,
    /// Budgets for pools that have no machine to give; `None` asks again at once.
    pub ice: Option<IceRule>,
    /// Penalty for pools that take back what they sold; `None` buys there again at once.
    pub losses: Option<LossRule>,
    /// Other pools are tried first where EC2 recommends to leave one; `None` does not care.
    pub rebalance: Option<RebalanceRule>,
    /// The largest share of a worker type in one pool; `None` has no limit.
    pub share: Option<ShareRule>,
    /// How long a region is left alone after its quota was reached; `None` asks again at once.
    pub quota_block: Option<Duration>,
    /// How long a pool is left alone after its zone did not offer the type.
    pub unsupported_block: Option<Duration>,
    /// Stops buying what never becomes a worker; `None` buys on.
    pub breaker: Option<BreakerRule>,
    /// The queue is asked just before an instance is ended, and whoever holds a task is left alone,
    /// but for the longest life and the ceilings on spending.
    pub recheck: bool,
    /// Ends workers that stopped claiming; `None` waits for their longest life.
    pub zombies: Option<ZombieRule>,
    /// Prices older than this are not bought by; `None` takes the last one for good.
    pub prices_stale_after: Option<Duration>,
    /// A market price of nothing, or above this times the on-demand price, is a mistake of the
    /// feed and not bought by; `None` believes every price. EC2 cut bids at ten times on-demand.
    pub price_ratio_max: Option<Ratio>,
}

/// How our instances are listed, and what their absence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingRule {
    /// Time from one listing of a region to the next.
    pub interval: Duration,
    /// An instance that was listed and is missing for so long, and …
    pub gone_after: Duration,
    /// … from more complete listings than this, is gone.
    pub gone_after_listings: u32,
    /// An instance that was given and never listed is given up after this long.
    pub unlisted_after: Duration,
    /// Listings older than this are no evidence.
    pub stale_after: Duration,
    /// What is done about an instance that is absent for so long.
    pub absence: Absence,
}

/// What is done about an instance that is absent from listings for long enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absence {
    /// Its end is ordered, or the queue is asked about its worker; if that gives no sign of life,
    /// it is gone.
    #[default]
    Doubted,
    /// It is gone at once, and removed if it was working (worker-manager, on
    /// `InvalidInstanceID.NotFound` and in taskcluster#6186).
    Believed,
}

/// What happens to machines whose worker type or instance type leaves the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removed {
    /// They count and live out their time; a configuration without worker types is refused.
    #[default]
    Kept,
    /// Those of a removed worker type are killed, all of them if the configuration is empty; those
    /// of a removed instance type stop their worker type from being served (v1, whose loop threw).
    Killed,
}

/// What happens to a launch call that got no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unanswered {
    /// It is repeated with the same client token until it is answered, and then, if it is never
    /// answered, looked for in the listings.
    #[default]
    Repeated,
    /// It counts as failed and is forgotten: a fresh token was used each time (v1), or none
    /// (worker-manager).
    Forgotten,
}

/// What a restart remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// Everything: snapshot and journal.
    #[default]
    Durable,
    /// What EC2 lists; what was under way is forgotten (v1 kept it in memory only).
    Listed,
}

/// What happens to instances that belong to no launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrayRule {
    /// They are ended after this long, unless they can be adopted.
    pub patience: Duration,
    /// Whether those whose worker type and pool are known are adopted.
    pub adopt: bool,
}

/// Our own allowance of EC2 calls: token buckets for each region and kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiRule {
    /// `RunInstances`, calls.
    pub launch: Bucket,
    /// `RunInstances`, instances.
    pub launch_instances: Bucket,
    /// `TerminateInstances`, calls.
    pub terminate: Bucket,
    /// `CancelSpotInstanceRequests`, calls.
    pub cancel: Bucket,
    /// `DescribeInstances`, pages.
    pub list: Bucket,
    /// The first wait after a call was throttled or not answered; it doubles …
    pub backoff_min: Duration,
    /// … up to this.
    pub backoff_max: Duration,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Tokens it holds when full.
    pub capacity: u32,
    /// Tokens it gains a second.
    pub refill_per_second: Ratio,
}

/// Budgets for pools without capacity. A pool may have so many launches under way, ordered and not
/// answered; each answer moves the budget. Spot and on-demand are pools of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceRule {
    /// Launches that may be under way in a pool nothing is known of. Each instance that it gives
    /// adds one, so that a whole round of successes doubles it.
    pub budget_first: u32,
    /// Most it grows to.
    pub budget_max: u32,
    /// A pool that answers insufficient capacity is left alone this long, doubling …
    pub block_min: Duration,
    /// … up to this with each probe: one launch at a time, for ever. A probe that succeeds opens
    /// the pool again, and its budget grows from two.
    pub block_max: Duration,
}

/// Penalty for pools that take back what they sold. Where nothing else is left, the pool that is
/// forgiven first is used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossRule {
    /// So many losses of instances not older than `within`, within …
    pub losses: u32,
    /// … this long …
    pub within: Duration,
    /// … and at least this share of what the pool gave in that time …
    pub share: Ratio,
    /// … close it for this long, and after each further offence for twice as long …
    pub penalty: Duration,
    /// … up to this. Then one launch tries it: if that is lost within `within`, the pool offends
    /// again, and if not, counting starts anew.
    pub penalty_max: Duration,
    /// Offences that are followed by none for so long are forgotten.
    pub forgotten_after: Duration,
}

/// A preference for other pools where EC2 recommends to leave one. It ends nothing and keeps nothing
/// waiting: what the others do not give is bought there all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebalanceRule {
    /// So many instances of a pool with a recommendation …
    pub instances: u32,
    /// … within this long make it the last to be bought from.
    pub within: Duration,
}

/// The largest share of a worker type in one spot pool. With fewer usable pools than the share
/// needs, each may hold its part of everything: the cap never keeps tasks waiting by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareRule {
    /// At most this share of its live and wanted capacity, rounded up, …
    pub share_max: Ratio,
    /// … but always so many units: a small fleet may stand in one pool.
    pub floor: u32,
}

/// Stops buying what never becomes a worker. It counts for each worker type, image and region, and
/// blames the narrowest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerRule {
    /// So many failed boots without a success open it; a refusal that names its cause does at once.
    pub failures: u32,
    /// While open, one launch probes this long after the last probe, doubling …
    pub probe_min: Duration,
    /// … up to this. A probe that registers closes it.
    pub probe_max: Duration,
    /// While nothing of a worker type or an image ever registered, so many launches of it may be
    /// under way or booting at once.
    pub unproven_max: u32,
    /// An instance whose worker has not registered this long after its launch was accepted is a
    /// failed boot and ended, unless the worker type's own timeout is shorter.
    pub boot_max: Duration,
}

/// Ends workers that stopped claiming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZombieRule {
    /// A worker that held nothing for its idle timeout and this long is ended.
    pub patience: Duration,
    /// What the queue said of a worker is evidence for so long, and until the next decision.
    pub evidence_max: Duration,
    /// Where tasks wait for so long though working capacity is free, the queue is asked who does not
    /// claim, and that is not counted as supply; `None` counts it until it is a zombie.
    pub suspected_after: Option<Duration>,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            listing: Some(ListingRule::default()),
            removed: Removed::Kept,
            unanswered: Unanswered::Repeated,
            memory: Memory::Durable,
            strays: Some(StrayRule::default()),
            api: Some(ApiRule::default()),
            ice: Some(IceRule::default()),
            losses: Some(LossRule::default()),
            rebalance: Some(RebalanceRule::default()),
            share: Some(ShareRule::default()),
            quota_block: Some(Duration::from_mins(10)),
            unsupported_block: Some(Duration::DAY),
            breaker: Some(BreakerRule::default()),
            recheck: true,
            zombies: Some(ZombieRule::default()),
            prices_stale_after: Some(Duration::HOUR),
            price_ratio_max: Some(Ratio::from_millionths(10_000_000)),
        }
    }
}

impl Guards {
    /// An engine that trusts everybody.
    #[must_use]
    pub const fn off() -> Self {
        Self {
            listing: None,
            removed: Removed::Kept,
            unanswered: Unanswered::Forgotten,
            memory: Memory::Durable,
            strays: None,
            api: None,
            ice: None,
            losses: None,
            rebalance: None,
            share: None,
            quota_block: None,
            unsupported_block: None,
            breaker: None,
            recheck: false,
            zombies: None,
            prices_stale_after: None,
            price_ratio_max: None,
        }
    }
}

impl Default for ListingRule {
    /// An id returned by a launch is alive until it is seen `terminated`, or missing for ten
    /// minutes and from five listings; spot requests of 2015 took more than twenty minutes to
    /// show up at all.
    fn default() -> Self {
        Self {
            interval: Duration::MINUTE,
            gone_after: Duration::from_mins(10),
            gone_after_listings: 5,
            unlisted_after: Duration::from_mins(40),
            stale_after: Duration::from_mins(5),
            absence: Absence::Doubted,
        }
    }
}

impl ListingRule {
    /// The predecessors' habit: an instance that was listed and is not is gone, and one that was
    /// never listed after so long.
    #[must_use]
    pub const fn believed(unlisted_after: Duration) -> Self {
        Self {
            interval: Duration::MINUTE,
            gone_after: Duration::ZERO,
            gone_after_listings: 0,
            unlisted_after,
            stale_after: Duration::DAY,
            absence: Absence::Believed,
        }
    }
}

impl Default for StrayRule {
    fn default() -> Self {
        Self { patience: Duration::from_mins(20), adopt: true }
    }
}

impl Default for ApiRule {
    /// Four fifths of EC2's published buckets (EC2 Developer Guide, "Request throttling"): the
    /// account has other users.
    fn default() -> Self {
        let bucket = |capacity, refill: u64| Bucket {
            capacity,
            refill_per_second: Ratio::from_millionths(refill * 800_000),
        };
        Self {
            launch: bucket(4, 2),
            launch_instances: bucket(800, 2),
            terminate: bucket(80, 5),
            cancel: bucket(40, 5),
            list: bucket(80, 20),
            backoff_min: Duration::SECOND,
            backoff_max: Duration::MINUTE,
        }
    }
}

impl Default for IceRule {
    /// Karpenter leaves a pool alone for three minutes; the rest is chosen.
    fn default() -> Self {
        Self {
            budget_first: 8,
            budget_max: 1_000,
            block_min: Duration::from_mins(3),
            block_max: Duration::from_mins(30),
        }
    }
}

impl Default for LossRule {
    /// What makes a pool take back what it sold, a demand that is larger than what is spare, lasts
    /// for hours, and follows the hours of the day: by the next day it may be another pool.
    fn default() -> Self {
        Self {
            losses: 3,
            within: Duration::HOUR,
            share: Ratio::from_millionths(500_000),
            penalty: Duration::HOUR,
            penalty_max: Duration::from_hours(8),
            forgotten_after: Duration::DAY,
        }
    }
}

impl Default for RebalanceRule {
    /// Seven of ten recommendations are followed by no interruption (aws-node-termination-handler
    /// #141): one says little, two of one pool within an hour say that it is short of machines.
    fn default() -> Self {
        Self { instances: 2, within: Duration::HOUR }
    }
}

impl Default for ShareRule {
    /// The loss of one pool leaves half of the fleet.
    fn default() -> Self {
        Self { share_max: Ratio::from_millionths(500_000), floor: 8 }
    }
}

impl Default for BreakerRule {
    /// The slowest launches known took 30 minutes to run, and a Windows image of that time 12 more
    /// to boot: 45 minutes is not taken for a failure by mistake.
    fn default() -> Self {
        Self {
            failures: 10,
            probe_min: Duration::from_mins(10),
            probe_max: Duration::HOUR,
            unproven_max: 50,
            boot_max: Duration::from_mins(45),
        }
    }
}

impl Default for ZombieRule {
    /// A worker polls its queue every 20 seconds (Taskcluster's long poll), and counts are up to an
    /// iteration old: in five minutes a healthy one has asked for work ten times.
    fn default() -> Self {
        Self {
            patience: Duration::from_mins(30),
            evidence_max: Duration::from_mins(2),
            suspected_after: Some(Duration::from_mins(5)),
        }
    }
}
