//! Orders and reasons: what one turn gives.
//!
//! A decision is a value: it can be printed, compared, journalled and replayed. Reasons are data
//! with the numbers in them; they are built only for those who ask
//! ([`Engine::explain`](crate::Engine::explain)) and change nothing.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use crate::ids::{ImageId, InstanceId, LaunchId, PoolId, RegionId, WorkerTypeId};
use crate::ledger::Supply;
use crate::observation::Call;
use crate::units::{Duration, Ratio, Time, Usd, UsdPerHour};
use crate::worker_type::EngineConfig;

/// Everything that is to be done now.
#[must_use = "a decision nobody carries out is lost work"]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// When it was made.
    pub at: Time,
    /// In the order to carry out.
    pub actions: Vec<Action>,
    /// Why, and why not; empty unless the engine explains. A worker type about which nothing
    /// changed is not looked at and says nothing again.
    pub reasons: Vec<Reason>,
    /// Ask to be called again at this time, even if nothing happens.
    pub wake_at: Time,
    /// The limits that kept anything from being launched now, each once, in the order met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
}

impl Decision {
    /// Whether both order the same and want to be called again at the same time, for whatever
    /// reasons.
    #[must_use]
    pub fn orders_as(&self, other: &Self) -> bool {
        (&self.actions, self.wake_at) == (&other.actions, other.wake_at)
    }
}

/// One order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(tag = "order", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Get instances, in one call. Ordered again, it is the same call with the same client token.
    Launch {
        /// The first intent's name, for ever; becomes the client token. The others follow it.
        launch: LaunchId,
        /// How many instances at most; any number of them is welcome.
        count: u32,
        /// For whom.
        worker_type: WorkerTypeId,
        /// From which pool.
        pool: PoolId,
        /// In which market, at what price.
        market: Market,
    },
    /// Withdraw a request that was not fulfilled.
    Cancel {
        /// Which launch.
        launch: LaunchId,
    },
    /// End an instance.
    Terminate {
        /// Which launch.
        launch: LaunchId,
        /// Ask the queue just before, and leave a worker that holds a task alone.
        unless_claimed: bool,
    },
    /// End an instance of ours that belongs to no launch.
    EndStray {
        /// Which instance.
        instance: InstanceId,
        /// Ask the queue of the worker type it is labelled with just before, and leave a worker
        /// that holds a task alone.
        unless_claimed: bool,
    },
    /// List all instances of ours in a region.
    ListInstances {
        /// Where.
        region: RegionId,
    },
    /// Ask the queue what a worker holds.
    CheckWorker {
        /// Which launch.
        launch: LaunchId,
    },
    /// Tell an idle worker that asked that it should stop. No answer means that it may go on.
    AdviseStop {
        /// Which launch.
        launch: LaunchId,
    },
}

/// Which market an instance is bought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Market {
    /// The spot market, at most at this price.
    Spot {
        /// The bid; `None` leaves it to EC2, which takes the on-demand price.
        max_price: Option<UsdPerHour>,
    },
    /// At the fixed price.
    OnDemand,
}

/// Why something was done, or was not.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(tag = "reason", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reason {
    /// The scaling policy saw this and wants this change in capacity.
    Scaled {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Tasks waiting.
        pending: u32,
        /// Tasks held by workers.
        claimed: u32,
        /// Capacity by stage.
        supply: Supply,
        /// Units to add; negative if there are too many, which workers resolve by idling out.
        change: i64,
        /// What the policy would keep, where it has a target of its own for that.
        keep: Option<u32>,
    },
    /// The counts are too old, so nothing is scaled.
    DemandStale {
        /// Whose.
        worker_type: WorkerTypeId,
        /// When they were counted.
        as_of: Time,
        /// How old they may be.
        limit: Duration,
    },
    /// The counts are not known, so nothing is scaled.
    DemandMissing {
        /// Whose.
        worker_type: WorkerTypeId,
    },
    /// These launches go to the pool that the policy chose.
    PoolChosen {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// In which market.
        market: Market,
        /// The price it was compared by, before bias and utility; `None` if it is not known.
        price: Option<UsdPerHour>,
        /// How many pools it was chosen from.
        of: u32,
        /// The first launch.
        first: LaunchId,
        /// How many.
        count: u32,
    },
    /// The chosen pool's normalised price is above the worker type's limit; bidding stops.
    PriceAboveMax {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// Its price.
        price: UsdPerHour,
        /// Its utility.
        utility: Ratio,
        /// Its bias.
        bias: Ratio,
        /// The worker type's limit on price ÷ utility × bias.
        limit: UsdPerHour,
    },
    /// The bid exceeds the engine's cap; bidding stops.
    BidAboveCap {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// The bid.
        bid: UsdPerHour,
        /// The cap.
        cap: UsdPerHour,
    },
    /// No pool of the worker type has a known price.
    NoPrice {
        /// Whose.
        worker_type: WorkerTypeId,
    },
    /// No launch config has room left: each is at its own limit.
    NoWeight {
        /// Whose.
        worker_type: WorkerTypeId,
    },
    /// Capacity is at its limit, or no instance fits under it.
    CapacityMaxReached {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Capacity from requested to working.
        live: u32,
        /// The limit.
        capacity_max: u32,
        /// Units still wanted.
        wanted: u32,
    },
    /// The decision holds as many launches as it may; the rest follows.
    LaunchLimitReached {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Instances left for later.
        left: u32,
        /// The limit.
        limit: u32,
    },
    /// A pool is left alone: it had no machine to give.
    PoolDry {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// How often in a row it had none.
        failures: u32,
        /// When it is asked again.
        until: Time,
    },
    /// A pool has as many launches under way as it may have until it answers.
    PoolBusy {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// So many.
        budget: u32,
    },
    /// A pool is left alone: it took back too much of what it sold.
    PoolPenalised {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// Instances it took back lately.
        losses: u32,
        /// When it is forgiven.
        until: Time,
    },
    /// EC2 recommended to leave a pool to several instances there: others are tried first.
    PoolWarned {
        /// For whom.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// To how many.
        instances: u32,
        /// Until when.
        until: Time,
    },
    /// A pool already holds its largest share of the worker type.
    ShareReached {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// Live capacity there.
        live: u32,
        /// The most it may hold now.
        limit: u32,
    },
    /// A region is left alone: the account's quota there is used up. This is not a lack of
    /// machines; ask AWS for more.
    QuotaReached {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Where.
        region: RegionId,
        /// Whose quota: on-demand or spot.
        on_demand: bool,
        /// When it is asked again.
        until: Time,
    },
    /// A pool is left alone: its zone does not offer the instance type.
    NotOffered {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// When it is asked again.
        until: Time,
    },
    /// Too many launches failed: the worker type, its image or the region is degraded.
    BreakerOpen {
        /// Whose.
        worker_type: WorkerTypeId,
        /// What failed.
        what: Suspect,
        /// Failed launches since the last success.
        failures: u32,
        /// When the next launch probes it.
        until: Time,
    },
    /// Nothing of this worker type, image or region ever worked, and enough of it is booting.
    Unproven {
        /// Whose.
        worker_type: WorkerTypeId,
        /// What is unproven.
        what: Suspect,
        /// Instances under way.
        under_way: u32,
    },
    /// The price of a pool is too old to buy by.
    PriceStale {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// When the prices were last read.
        as_of: Time,
    },
    /// A price of a pool cannot be meant: it is nothing, or far above the on-demand price.
    PriceAbsurd {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Which pool.
        pool: PoolId,
        /// The price that is not believed.
        price: UsdPerHour,
        /// What the pool's machines cost on demand, if that is known.
        on_demand: Option<UsdPerHour>,
    },
    /// A ceiling on spending is reached.
    SpendReached {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Whether it is the one on all worker types together.
        overall: bool,
        /// Committed an hour, or spent today.
        spent: Spent,
    },
    /// The allowance of EC2 calls is used up; the rest follows.
    ApiBudgetSpent {
        /// Whose, if it is about one.
        worker_type: Option<WorkerTypeId>,
        /// Where.
        region: RegionId,
        /// Which kind of call.
        call: Call,
        /// When there is more.
        until: Time,
    },
    /// No spot machine for as long as the worker type is patient: it may buy on demand.
    OnDemandAllowed {
        /// Whose.
        worker_type: WorkerTypeId,
        /// Since when it waits for one.
        since: Time,
    },
    /// A launch call that was throttled or got no answer is repeated with the same token.
    CallRepeated {
        /// Its first launch.
        launch: LaunchId,
        /// How often it was made before.
        tries: u32,
    },
    /// A launch was never answered and never listed: there is no instance.
    NeverWas {
        /// Which launch.
        launch: LaunchId,
    },
    /// An instance is missing from the listings for so long that it is gone.
    Gone {
        /// Which launch.
        launch: LaunchId,
        /// Since when.
        since: Time,
    },
    /// An instance of ours belongs to no launch and is ended.
    StrayFound {
        /// Which instance.
        instance: InstanceId,
        /// Since when it is known.
        since: Time,
    },
    /// An instance of a launch that was not known is taken over.
    Adopted {
        /// Which launch.
        launch: LaunchId,
        /// Its instance.
        instance: InstanceId,
    },
    /// A worker claims nothing any more and its instance is ended.
    Zombie {
        /// Which launch.
        launch: LaunchId,
        /// When it last claimed, or registered.
        since: Time,
    },
    /// So many units of working capacity claim nothing although tasks wait, and do not count.
    Silent {
        /// Whose.
        worker_type: WorkerTypeId,
        /// How many.
        silent: u32,
    },
    /// There has been more capacity than wanted for long enough: an idle worker is told to stop.
    Surplus {
        /// Which launch.
        launch: LaunchId,
        /// Capacity wanted.
        wanted: u32,
        /// Capacity from requested to working.
        live: u32,
    },
    /// A configuration without worker types was refused: it is an accident, not a wish.
    ConfigurationEmpty {
        /// So many worker types are served on.
        kept: u32,
    },
    /// The request was not fulfilled in time and is cancelled.
    RequestTimedOut {
        /// Which launch.
        launch: LaunchId,
        /// When it was asked for.
        requested: Time,
    },
    /// The worker did not register in time and its instance is ended.
    RegistrationTimedOut {
        /// Which launch.
        launch: LaunchId,
        /// When the launch was accepted.
        accepted: Time,
    },
    /// The instance is older than it may get and is ended.
    LifetimeReached {
        /// Which launch.
        launch: LaunchId,
        /// When the launch was accepted.
        accepted: Time,
    },
}

/// What an owner sets, and what can keep wanted launches from being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// `price_max` of a worker type, or `max_price_cap`.
    Price,
    /// A ceiling on spending.
    Spend,
    /// The allowance of EC2 calls.
    Calls,
    /// The most launches of one decision.
    Launches,
}

/// What boots failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suspect {
    /// The worker type.
    WorkerType(WorkerTypeId),
    /// A machine image.
    Image(ImageId),
    /// A region.
    Region(RegionId),
}

/// What a ceiling on spending bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spent {
    /// Committed an hour.
    Hourly {
        /// So much.
        committed: UsdPerHour,
        /// Of so much.
        limit: UsdPerHour,
    },
    /// Spent today, and what live launches will cost in the next hour, or until they have ended.
    Daily {
        /// So much.
        committed: Usd,
        /// Of so much.
        limit: Usd,
    },
}

impl Reason {
    /// The limit that it tells of.
    pub(crate) const fn limit(&self) -> Option<Limit> {
        if matches!(self, Self::PriceAboveMax { .. } | Self::BidAboveCap { .. }) {
            Some(Limit::Price)
        } else if matches!(self, Self::SpendReached { .. }) {
            Some(Limit::Spend)
        } else if matches!(self, Self::ApiBudgetSpent { call: Call::Launch, .. }) {
            Some(Limit::Calls)
        } else if matches!(self, Self::LaunchLimitReached { .. }) {
            Some(Limit::Launches)
        } else {
            None
        }
    }

    /// The reason in words, with names from the configuration.
    #[must_use]
    pub fn describe<'a>(&'a self, config: &'a EngineConfig) -> impl fmt::Display + 'a {
        Described { reason: self, config }
    }
}

struct Described<'a> {
    reason: &'a Reason,
    config: &'a EngineConfig,
}

impl Described<'_> {
    fn name(&self, id: WorkerTypeId) -> &str {
        self.config.worker_type_name(id)
    }

    fn pool(&self, id: PoolId) -> String {
        self.config.catalog.pool_name(id)
    }

    fn region(&self, id: RegionId) -> &str {
        self.config.catalog.region_name(id)
    }

    fn suspect(&self, suspect: Suspect) -> String {
        match suspect {
            Suspect::WorkerType(_) => String::from("the worker type"),
            Suspect::Image(id) => format!("image {}", self.config.catalog.image_name(id)),
            Suspect::Region(id) => format!("region {}", self.region(id)),
        }
    }
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.reason {
            Reason::Scaled { worker_type, pending, claimed, supply, change, keep } => {
                let name = self.name(worker_type);
                write!(f, "{name}: {pending} pending, {claimed} claimed, {supply} → {change:+}")?;
                match keep {
                    Some(keep) => write!(f, " (would keep {keep})"),
                    None => Ok(()),
                }
            }
            Reason::DemandStale { worker_type, as_of, limit } => {
                let name = self.name(worker_type);
                write!(f, "{name}: frozen, counts of {as_of} are older than {limit}")
            }
            Reason::DemandMissing { worker_type } => {
                write!(f, "{}: frozen, counts are not known", self.name(worker_type))
            }
            Reason::PoolChosen { worker_type, pool, market, price, of, first, count } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: {count} × {pool} from {first}, ")?;
                match market {
                    Market::Spot { max_price: Some(bid) } => write!(f, "spot at most {bid}")?,
                    Market::Spot { max_price: None } => f.write_str("spot without a max price")?,
                    Market::OnDemand => f.write_str("on demand")?,
                }
                match price {
                    Some(price) => write!(f, ", price {price}, chosen from {of}"),
                    None => write!(f, ", chosen from {of}"),
                }
            }
            Reason::PriceAboveMax { worker_type, pool, price, utility, bias, limit } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: refusing {pool}, {price} ÷ {utility} × {bias} is above {limit}")
            }
            Reason::BidAboveCap { worker_type, pool, bid, cap } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: refusing {pool}, a bid of {bid} is above the cap of {cap}")
            }
            Reason::NoPrice { worker_type } => {
                write!(f, "{}: no pool has a known price", self.name(worker_type))
            }
            Reason::NoWeight { worker_type } => {
                write!(f, "{}: no launch config has room", self.name(worker_type))
            }
            Reason::CapacityMaxReached { worker_type, live, capacity_max, wanted } => {
                let name = self.name(worker_type);
                write!(
                    f,
                    "{name}: {wanted} more wanted, none fits, {live} of {capacity_max} in use"
                )
            }
            Reason::LaunchLimitReached { worker_type, left, limit } => {
                let name = self.name(worker_type);
                write!(f, "{name}: {left} instances left for later, {limit} a decision")
            }
            Reason::PoolDry { worker_type, pool, failures, until } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: {pool} has no machine ({failures} × in a row), next try {until}")
            }
            Reason::PoolBusy { worker_type, pool, budget } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: {pool} has its {budget} launches under way")
            }
            Reason::PoolPenalised { worker_type, pool, losses, until } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: {pool} took back {losses} lately, avoided until {until}")
            }
            Reason::PoolWarned { worker_type, pool, instances, until } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(
                    f,
                    "{name}: {pool} comes last, {instances} there were to be moved, until {until}"
                )
            }
            Reason::ShareReached { worker_type, pool, live, limit } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: {pool} holds {live}, and may hold {limit} at most")
            }
            Reason::QuotaReached { worker_type, region, on_demand, until } => {
                let (name, region) = (self.name(worker_type), self.region(region));
                let market = if on_demand { "on-demand" } else { "spot" };
                write!(f, "{name}: the {market} quota of {region} is used up, next try {until}")
            }
            Reason::NotOffered { worker_type, pool, until } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: {pool} is not offered, next try {until}")
            }
            Reason::BreakerOpen { worker_type, what, failures, until } => {
                let (name, what) = (self.name(worker_type), self.suspect(what));
                write!(f, "{name}: {what} is degraded ({failures} × failed), next try {until}")
            }
            Reason::Unproven { worker_type, what, under_way } => {
                let (name, what) = (self.name(worker_type), self.suspect(what));
                write!(f, "{name}: {what} is unproven, {under_way} are under way")
            }
            Reason::PriceStale { worker_type, pool, as_of } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: the price of {pool} is of {as_of}, too old to buy by")
            }
            Reason::PriceAbsurd { worker_type, pool, price, on_demand } => {
                let (name, pool) = (self.name(worker_type), self.pool(pool));
                write!(f, "{name}: {price} cannot be the price of {pool}")?;
                match on_demand {
                    Some(on_demand) => write!(f, ", on demand it is {on_demand}"),
                    None => Ok(()),
                }
            }
            Reason::SpendReached { worker_type, overall, spent } => {
                let (name, whose) = (self.name(worker_type), if overall { "all" } else { "its" });
                match spent {
                    Spent::Hourly { committed, limit } => {
                        write!(f, "{name}: {committed} of {whose} {limit} committed")
                    }
                    Spent::Daily { committed, limit } => {
                        write!(f, "{name}: {committed} of {whose} {limit} a day committed")
                    }
                }
            }
            Reason::ApiBudgetSpent { worker_type, region, call, until } => {
                let region = self.region(region);
                if let Some(worker_type) = worker_type {
                    write!(f, "{}: ", self.name(worker_type))?;
                }
                let call = match call {
                    Call::Launch => "launch",
                    Call::Terminate => "terminate",
                    Call::Cancel => "cancel",
                    Call::List => "list",
                };
                write!(f, "no {call} call to {region} left, next {until}")
            }
            Reason::OnDemandAllowed { worker_type, since } => {
                write!(
                    f,
                    "{}: no spot machine since {since}, on demand now",
                    self.name(worker_type)
                )
            }
            Reason::CallRepeated { launch, tries } => {
                write!(
                    f,
                    "{launch}: called again with the same token, in doubt after {tries} × before"
                )
            }
            Reason::NeverWas { launch } => {
                write!(f, "{launch}: never answered, never listed, so it never was")
            }
            Reason::Gone { launch, since } => {
                write!(f, "{launch}: missing from the listings since {since}, so it is gone")
            }
            Reason::StrayFound { instance, since } => {
                write!(f, "{instance}: ended, belongs to no launch, known since {since}")
            }
            Reason::Adopted { launch, instance } => write!(f, "{launch}: adopted, {instance}"),
            Reason::Zombie { launch, since } => {
                write!(f, "{launch}: ended, has claimed nothing since {since}")
            }
            Reason::Silent { worker_type, silent } => {
                let name = self.name(worker_type);
                write!(f, "{name}: {silent} working that claim nothing do not count")
            }
            Reason::Surplus { launch, wanted, live } => {
                write!(f, "{launch}: told to stop, {live} live and {wanted} wanted")
            }
            Reason::ConfigurationEmpty { kept } => {
                write!(f, "refused a configuration without worker types, still serving {kept}")
            }
            Reason::RequestTimedOut { launch, requested } => {
                write!(f, "{launch}: cancelled, not fulfilled since {requested}")
            }
            Reason::RegistrationTimedOut { launch, accepted } => {
                write!(f, "{launch}: ended, worker not registered since {accepted}")
            }
            Reason::LifetimeReached { launch, accepted } => {
                write!(f, "{launch}: ended, has lived since {accepted}")
            }
        }
    }
}
