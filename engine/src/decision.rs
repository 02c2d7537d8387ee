//! Orders and reasons: what one turn gives.
//!
//! A decision is a value: it can be printed, compared, journalled and replayed. Reasons are data
//! with the numbers in them; they are built only for those who ask
//! ([`Engine::explain`](crate::Engine::explain)) and change nothing.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{LaunchId, PoolId, WorkerTypeId};
use crate::ledger::Supply;
use crate::units::{Duration, Ratio, Time, UsdPerHour};
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
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Get one instance.
    Launch {
        /// The intent's name, for ever; becomes the client token.
        launch: LaunchId,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Reason {
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
        &self.config.worker_types[id.index()].name
    }

    fn pool(&self, id: PoolId) -> String {
        self.config.catalog.pool_name(id)
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
