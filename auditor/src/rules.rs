//! What must hold, as plain numbers. What is `None` is not asked for.

use std::collections::BTreeMap;

use crate::{Call, Market, Micros, Ms, Pool, Region, WorkerType};

/// All that a run is judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Who buys; a worker type that is not here is not served.
    pub worker_types: BTreeMap<WorkerType, TypeRules>,
    /// What can be bought.
    pub pools: BTreeMap<Pool, PoolRules>,
    /// Longest time from one turn to the next.
    pub iteration_interval: Ms,
    /// Most launches of one turn.
    pub launches_per_decision_max: u32,
    /// Most launches of one call.
    pub launches_per_call_max: u32,
    /// Counts older than this are as good as none.
    pub demand_stale_after: Ms,
    /// The most that is ever bid.
    pub max_price_cap: Micros,
    /// Ceilings on what all worker types together may spend.
    pub spend: Spend,
    /// Prices older than this are not bought by.
    pub prices_stale_after: Option<Ms>,
    /// Nor are those above this times the on-demand price, in millionths, or those that are free.
    pub price_ratio_max: Option<u64>,
    /// How often may be called.
    pub api: Option<Api>,
    /// A launch call without an answer is made again under its own token, until it is settled.
    pub doubts_pursued: bool,
    /// How pools without machines are asked.
    pub ice: Option<Ice>,
    /// When buying what never boots must stop.
    pub breaker: Option<Breaker>,
    /// How long a region rests after its quota was reached.
    pub quota_rest: Option<Ms>,
    /// How long a pool rests after it was not offered.
    pub unsupported_rest: Option<Ms>,
    /// The largest share of a worker type in one spot pool.
    pub share: Option<Share>,
    /// When an instance is gone that listings lack.
    pub absence: Option<Absence>,
    /// When workers are ended that claim nothing.
    pub zombies: Option<Zombies>,
    /// Instances of no launch are ended or taken in after this long.
    pub stray_patience: Option<Ms>,
    /// A worker that holds a task is never ended but for its age or a spent day.
    pub spares_claimed: bool,
    /// A configuration without worker types is refused.
    pub refuses_empty: bool,
    /// What no configuration changes.
    pub world: WorldRules,
}

/// How the world is, whatever the provisioner goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorldRules {
    /// How spot stays are billed.
    pub spot_billing: BillingRule,
    /// How on-demand stays are billed.
    pub on_demand_billing: BillingRule,
    /// A task whose worker vanished is not run again sooner than this.
    pub claim_expiry: Ms,
}

impl Rules {
    /// Whether a provisioner goes over to these, or keeps those it had.
    pub(crate) fn is_served(&self) -> bool {
        !self.worker_types.is_empty() || !self.refuses_empty
    }

    /// The name of a worker type.
    pub(crate) fn name(&self, worker_type: WorkerType) -> String {
        let named = self.worker_types.get(&worker_type).map(|rules| rules.name.clone());
        named.unwrap_or_else(|| format!("worker type {worker_type}, which is not served"))
    }

    /// The name of a pool.
    pub(crate) fn pool_name(&self, pool: Pool) -> String {
        let named = self.pools.get(&pool).map(|rules| rules.name.clone());
        named.unwrap_or_else(|| format!("pool {pool}, which is not known"))
    }

    pub(crate) fn region_of(&self, pool: Pool) -> Option<Region> {
        self.pools.get(&pool).map(|rules| rules.region)
    }

    pub(crate) fn candidate(&self, worker_type: WorkerType, pool: Pool) -> Option<&Candidate> {
        self.worker_types.get(&worker_type)?.candidates.get(&pool)
    }

    /// What the pool's machines cost on demand then: the last price that had begun, or the first
    /// of all before it.
    pub(crate) fn on_demand_price(&self, pool: Pool, at: Ms) -> Option<Micros> {
        let prices = &self.pools.get(&pool)?.on_demand;
        let begun = prices.iter().rev().find(|(from, _)| *from <= at);
        begun.or(prices.first()).map(|(_, price)| *price)
    }

    /// The most that an instance may cost an hour: its bid, else the on-demand price, else the cap.
    pub(crate) fn price_most(&self, pool: Pool, market: Market, at: Ms) -> Micros {
        match market {
            Market::Spot { bid: Some(bid) } => bid,
            Market::Spot { bid: None } | Market::OnDemand => {
                self.on_demand_price(pool, at).unwrap_or(self.max_price_cap)
            }
        }
    }
}

/// What one worker type is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRules {
    /// What it is called.
    pub name: String,
    /// Capacity that is always kept.
    pub capacity_min: u32,
    /// Capacity that is kept from a time on, oldest first.
    pub floors: Vec<(Ms, u32)>,
    /// Capacity that is never exceeded; `None` if it may be.
    pub capacity_max: Option<u32>,
    /// Where it may buy.
    pub candidates: BTreeMap<Pool, Candidate>,
    /// When it may buy on demand.
    pub on_demand: OnDemand,
    /// Whether it buys by the market price, which must then be known, recent and sane.
    pub buys_by_price: bool,
    /// Whether it may once bid above the cap.
    pub may_exceed_cap: bool,
    /// A request that is not fulfilled for so long is withdrawn.
    pub request_timeout: Ms,
    /// An instance without a worker for so long is ended.
    pub registration_timeout: Option<Ms>,
    /// An instance this old is ended.
    pub lifetime_max: Ms,
    /// A worker that holds nothing for so long stops by itself.
    pub idle_timeout: Ms,
    /// Below what capacity nobody is told to stop; `None` if nobody ever is.
    pub keeps: Option<Keeps>,
    /// Ceilings on what it may spend.
    pub spend: Spend,
}

impl TypeRules {
    /// Capacity that is kept then, tasks or not.
    pub(crate) fn floor(&self, at: Ms) -> u32 {
        let begun = self.floors.iter().rev().find(|(from, _)| *from <= at);
        begun.map_or(0, |(_, floor)| *floor).max(self.capacity_min)
    }
}

/// Capacity that tasks ask for, in millionths of a unit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeps {
    /// For a task that waits.
    pub pending: u64,
    /// For a task that is held.
    pub claimed: u64,
}

/// What an instance of a pool is for a worker type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Tasks that run at once on it.
    pub capacity: u32,
    /// What boots on it.
    pub image: u32,
    /// The highest market price at which it may be bought.
    pub price_most: Micros,
}

/// What can be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRules {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub region: Region,
    /// What its machines cost on demand, and from when, oldest first.
    pub on_demand: Vec<(Ms, Micros)>,
}

/// When a worker type may buy on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDemand {
    /// Never.
    Never,
    /// After so long without a spot machine.
    After(Ms),
    /// Always: its policy does nothing else.
    Always,
}

/// Ceilings on spending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    /// Committed an hour.
    pub hourly_max: Option<Micros>,
    /// Spent in a day (UTC).
    pub daily_max: Option<Micros>,
}

/// How often may be called, in each region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Api {
    /// Launch calls.
    pub launch: Bucket,
    /// Instances of launch calls.
    pub launch_instances: Bucket,
    /// Calls to end.
    pub terminate: Bucket,
    /// Calls to withdraw.
    pub cancel: Bucket,
    /// Calls to list.
    pub list: Bucket,
    /// How long a kind of call rests after it was throttled; it doubles each time …
    pub backoff_min: Ms,
    /// … up to this.
    pub backoff_max: Ms,
}

impl Api {
    pub(crate) const fn bucket(&self, call: Call) -> Bucket {
        match call {
            Call::Launch => self.launch,
            Call::Terminate => self.terminate,
            Call::Cancel => self.cancel,
            Call::List => self.list,
        }
    }
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What it holds when full.
    pub capacity: u32,
    /// What it gains a second, in millionths.
    pub refill: u64,
}

/// How pools without machines are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ice {
    /// Launches that may be under way where nothing is known.
    pub budget_first: u32,
    /// The most that may ever be.
    pub budget_max: u32,
    /// The first rest; it doubles with each probe that fails …
    pub block_min: Ms,
    /// … up to this.
    pub block_max: Ms,
}

/// When buying what never boots must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// After so many failed boots without a success.
    pub failures: u32,
    /// Then one launch may probe this long after the one before.
    pub probe_min: Ms,
    /// Launches under way of what never booted.
    pub unproven_max: u32,
    /// An instance without a worker for so long is a failed boot, and ended.
    pub boot_max: Ms,
}

/// The largest share of a worker type in one spot pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// In millionths.
    pub share_max: u64,
    /// So much capacity is always fine.
    pub floor: u32,
}

/// When an instance is gone that listings lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// When it was listed once and is missing for so long …
    pub after: Ms,
    /// … from more listings than this.
    pub listings: u32,
    /// When it was given and is not listed for so long.
    pub unlisted_after: Ms,
}

/// When workers are ended that claim nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zombies {
    /// When it holds nothing for so long after it should have stopped.
    pub patience: Ms,
    /// What the queue says of a worker is evidence for so long.
    pub evidence_max: Ms,
}

/// How stays are billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillingRule {
    /// Rounded up to a multiple of this.
    pub quantum: Ms,
    /// At least so long.
    pub minimum: Ms,
    /// When the price is read again.
    pub reread: Reread,
    /// What is given back if the cloud ends the stay.
    pub refund: Refund,
}

impl Default for BillingRule {
    fn default() -> Self {
        Self { quantum: 1_000, minimum: 60_000, reread: Reread::EachHour, refund: Refund::Nothing }
    }
}

/// When the price of a stay is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reread {
    /// At the start of each of its hours.
    EachHour,
    /// Whenever it changes.
    Continuous,
}

/// What is given back if the cloud ends a stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refund {
    /// The last hour, if it was not a whole one.
    LastPartialHour,
    /// All of it, if it was less than an hour.
    FirstHour,
    /// Nothing.
    Nothing,
}
