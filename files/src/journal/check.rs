//! What the engine takes for granted of its configuration, of facts and of decisions.

use std::collections::BTreeSet;
use std::mem;

use provisioner_engine::decision::{Action, Reason, Suspect};
use provisioner_engine::ids::{ImageId, PoolId, RegionId, WorkerTypeId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::{EngineConfig, PlacementPolicy, WorkerType};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Times lie within these many milliseconds of 1970, the year 9999: sums of a few stay in range.
const TIME_MS_MAX: i64 = 253_402_300_800_000;
/// Spans that are added to times are not longer than a century, for the same reason.
const SPAN_MAX: Duration = Duration::from_hours(100 * 366 * 24);

/// How many of each an id may name.
#[derive(Debug)]
pub(super) struct Tables {
    worker_types: usize,
    /// All that were ever configured. The engine keeps worker types that left for as long as
    /// something of them is left: facts do not name those, decisions may.
    ever: BTreeSet<String>,
    pools: usize,
    regions: usize,
    images: usize,
}

/// The catalog's tables, as far as ids point from one into another.
#[derive(Deserialize)]
struct CatalogTables {
    regions: Vec<IgnoredAny>,
    zones: Vec<ZoneIds>,
    instance_types: Vec<IgnoredAny>,
    products: Vec<IgnoredAny>,
    pools: Vec<PoolIds>,
    on_demand: Vec<OnDemandIds>,
}

#[derive(Deserialize)]
struct ZoneIds {
    region: usize,
}

#[derive(Deserialize)]
struct PoolIds {
    zone: usize,
    instance_type: usize,
    product: usize,
}

#[derive(Deserialize)]
struct OnDemandIds {
    region: usize,
    instance_type: usize,
    product: usize,
}

impl CatalogTables {
    fn check(&self) -> Result<(), String> {
        let below = |what: &str, id: usize, of: usize| match id < of {
            true => Ok(()),
            false => Err(unknown(what, id, of)),
        };
        for zone in &self.zones {
            below("region", zone.region, self.regions.len())?;
        }
        for pool in &self.pools {
            below("zone", pool.zone, self.zones.len())?;
            below("instance type", pool.instance_type, self.instance_types.len())?;
            below("product", pool.product, self.products.len())?;
        }
        for price in &self.on_demand {
            below("region", price.region, self.regions.len())?;
            below("instance type", price.instance_type, self.instance_types.len())?;
            below("product", price.product, self.products.len())?;
        }
        Ok(())
    }
}

impl Tables {
    /// The tables of a configuration that an engine can be built from.
    pub(super) fn of(config: &EngineConfig) -> Result<Self, String> {
        // The catalog keeps its tables to itself; as JSON they can be counted.
        let catalog = serde_json::to_value(&config.catalog).map_err(|error| error.to_string())?;
        let catalog: CatalogTables =
            serde_json::from_value(catalog).map_err(|error| error.to_string())?;
        catalog.check()?;
        let tables = Self {
            worker_types: config.worker_types.len(),
            ever: config.worker_types.iter().map(|known| known.name.clone()).collect(),
            pools: config.catalog.pools().len(),
            regions: config.catalog.regions_len(),
            images: config.catalog.images_len(),
        };
        span("iteration_interval", config.limits.iteration_interval)?;
        span("demand_stale_after", config.limits.demand_stale_after)?;
        if let Some(rule) = config.guards.listing {
            span("interval", rule.interval)?;
            span("gone_after", rule.gone_after)?;
            span("unlisted_after", rule.unlisted_after)?;
            span("stale_after", rule.stale_after)?;
        }
        if let Some(rule) = config.guards.strays {
            span("patience", rule.patience)?;
        }
        for worker_type in &config.worker_types {
            let told = |what| format!("worker type `{}`: {what}", worker_type.name);
            tables.check_worker_type(worker_type).map_err(told)?;
        }
        Ok(tables)
    }

    fn check_worker_type(&self, worker_type: &WorkerType) -> Result<(), String> {
        for candidate in &worker_type.candidates {
            self.pool(candidate.pool)?;
            self.image(candidate.image)?;
            if candidate.capacity == 0 || candidate.utility.millionths() == 0 {
                return Err("a candidate without capacity or utility".to_owned());
            }
        }
        span("request_timeout", worker_type.request_timeout)?;
        match worker_type.placement {
            PlacementPolicy::Cheapest { bid, .. } | PlacementPolicy::Random { bid } => {
                span("price_window", bid.price_window)
            }
            PlacementPolicy::Spread(rule) => span("price_window", rule.price_window),
            PlacementPolicy::Weighted { .. } | PlacementPolicy::OnDemand => Ok(()),
        }
    }

    /// Goes over to the tables that hold after a record.
    pub(super) fn follow(&mut self, record: &Record) -> Result<(), String> {
        match record {
            Record::Configured { config, .. } if !config.worker_types.is_empty() => {
                let mut ever = mem::take(&mut self.ever);
                *self = Self::of(config)?;
                ever.append(&mut self.ever);
                self.ever = ever;
            }
            Record::Configured { .. } | Record::Observed { .. } | Record::Decided(_) => {}
        }
        Ok(())
    }

    /// Whether a record can be given to the engine, and printed.
    pub(super) fn check(&self, record: &Record) -> Result<(), String> {
        match record {
            Record::Observed { at, observation } => {
                time("at", *at)?;
                self.check_fact(observation)
            }
            Record::Configured { at, config } => {
                time("at", *at)?;
                Self::of(config).map(drop)
            }
            Record::Decided(decision) => {
                time("at", decision.at)?;
                time("wake_at", decision.wake_at)?;
                decision.actions.iter().try_for_each(|action| match *action {
                    Action::Launch { worker_type, pool, .. } => {
                        self.worker_type_ever(worker_type)?;
                        self.pool(pool)
                    }
                    Action::ListInstances { region } => self.region(region),
                    Action::Cancel { .. }
                    | Action::Terminate { .. }
                    | Action::EndStray { .. }
                    | Action::CheckWorker { .. }
                    | Action::AdviseStop { .. } => Ok(()),
                })?;
                decision.reasons.iter().try_for_each(|reason| self.check_reason(reason))
            }
        }
    }

    fn check_fact(&self, observation: &Observation) -> Result<(), String> {
        match *observation {
            Observation::DemandCounted { worker_type, as_of, .. } => {
                self.worker_type(worker_type)?;
                time("as_of", as_of)
            }
            Observation::DemandUnknown { worker_type } => self.worker_type(worker_type),
            Observation::QueuesRead { as_of }
            | Observation::PricesRead { as_of }
            | Observation::InstanceMissed { launch: _, as_of } => time("as_of", as_of),
            Observation::WorkerChecked { last_claim, as_of, .. } => {
                last_claim.map_or(Ok(()), |at| time("last_claim", at))?;
                time("as_of", as_of)
            }
            Observation::InstanceFound {
                instance, launch, worker_type, pool, launched, ..
            } => {
                id(instance.0)?;
                launch.map_or(Ok(()), |launch| id(launch.0))?;
                worker_type.map_or(Ok(()), |id| self.worker_type(id))?;
                pool.map_or(Ok(()), |id| self.pool(id))?;
                time("launched", launched)
            }
            Observation::CallThrottled { region, .. } => self.region(region),
            Observation::InstancesListed { region, as_of } => {
                self.region(region)?;
                time("as_of", as_of)
            }
            Observation::PriceChanged { pool, price, since } => {
                self.pool(pool)?;
                if price.micros() < 0 {
                    return Err(format!("a price of {price}"));
                }
                time("since", since)
            }
            Observation::InstancePending { instance, .. }
            | Observation::StrayEnded { instance } => id(instance.0),
            Observation::LaunchRefused { .. }
            | Observation::InstanceRunning { .. }
            | Observation::WorkerRegistered { .. }
            | Observation::CallUnanswered { .. }
            | Observation::Restarted
            | Observation::WorkerIdled { .. }
            | Observation::RebalanceRecommended { .. }
            | Observation::InterruptionNoticed { .. }
            | Observation::InstanceStopping { .. }
            | Observation::InstanceEnded { .. } => Ok(()),
        }
    }

    fn check_reason(&self, reason: &Reason) -> Result<(), String> {
        match *reason {
            Reason::Scaled { worker_type, .. }
            | Reason::DemandStale { worker_type, .. }
            | Reason::DemandMissing { worker_type }
            | Reason::NoPrice { worker_type }
            | Reason::NoWeight { worker_type }
            | Reason::CapacityMaxReached { worker_type, .. }
            | Reason::LaunchLimitReached { worker_type, .. }
            | Reason::SpendReached { worker_type, .. }
            | Reason::OnDemandAllowed { worker_type, .. } => self.worker_type_ever(worker_type),
            Reason::BreakerOpen { worker_type, what, .. }
            | Reason::Unproven { worker_type, what, .. } => {
                self.worker_type_ever(worker_type)?;
                match what {
                    Suspect::WorkerType(id) => self.worker_type_ever(id),
                    Suspect::Image(id) => self.image(id),
                    Suspect::Region(id) => self.region(id),
                }
            }
            Reason::QuotaReached { worker_type, region, .. } => {
                self.worker_type_ever(worker_type)?;
                self.region(region)
            }
            Reason::ApiBudgetSpent { worker_type, region, .. } => {
                worker_type.map_or(Ok(()), |id| self.worker_type_ever(id))?;
                self.region(region)
            }
            Reason::PoolChosen { worker_type, pool, .. }
            | Reason::PriceAboveMax { worker_type, pool, .. }
            | Reason::BidAboveCap { worker_type, pool, .. }
            | Reason::PoolDry { worker_type, pool, .. }
            | Reason::PoolBusy { worker_type, pool, .. }
            | Reason::PoolPenalised { worker_type, pool, .. }
            | Reason::PoolWarned { worker_type, pool, .. }
            | Reason::ShareReached { worker_type, pool, .. }
            | Reason::NotOffered { worker_type, pool, .. }
            | Reason::PriceStale { worker_type, pool, .. }
            | Reason::PriceAbsurd { worker_type, pool, .. } => {
                self.worker_type_ever(worker_type)?;
                self.pool(pool)
            }
            Reason::Silent { worker_type, .. } => self.worker_type_ever(worker_type),
            Reason::ConfigurationEmpty { .. }
            | Reason::RequestTimedOut { .. }
            | Reason::RegistrationTimedOut { .. }
            | Reason::LifetimeReached { .. }
            | Reason::CallRepeated { .. }
            | Reason::NeverWas { .. }
            | Reason::Gone { .. }
            | Reason::StrayFound { .. }
            | Reason::Adopted { .. }
            | Reason::Zombie { .. }
            | Reason::Surplus { .. } => Ok(()),
        }
    }

    /// Whether it may be one of those that left.
    fn worker_type_ever(&self, id: WorkerTypeId) -> Result<(), String> {
        let (index, count) = (id.index(), self.ever.len());
        if index < count { Ok(()) } else { Err(unknown("worker type", index, count)) }
    }

    fn worker_type(&self, id: WorkerTypeId) -> Result<(), String> {
        let (index, count) = (id.index(), self.worker_types);
        if index < count { Ok(()) } else { Err(unknown("worker type", index, count)) }
    }

    fn region(&self, id: RegionId) -> Result<(), String> {
        let (index, count) = (id.index(), self.regions);
        if index < count { Ok(()) } else { Err(unknown("region", index, count)) }
    }

    fn image(&self, id: ImageId) -> Result<(), String> {
        let (index, count) = (id.index(), self.images);
        if index < count { Ok(()) } else { Err(unknown("image", index, count)) }
    }

    fn pool(&self, id: PoolId) -> Result<(), String> {
        let (index, count) = (id.index(), self.pools);
        if index < count { Ok(()) } else { Err(unknown("pool", index, count)) }
    }
}

fn unknown(what: &str, id: usize, count: usize) -> String {
    format!("{what} {id} is not known: there are {count}, counted from 0")
}

/// One more must be there for the next.
fn id(id: u64) -> Result<(), String> {
    if id < u64::MAX { Ok(()) } else { Err(format!("{id} names no launch and no instance")) }
}

fn time(name: &str, time: Time) -> Result<(), String> {
    let ms = time.ms();
    let within = (-TIME_MS_MAX..=TIME_MS_MAX).contains(&ms);
    if within { Ok(()) } else { Err(format!("`{name}` is {ms} ms, beyond the year 9999")) }
}

fn span(name: &str, span: Duration) -> Result<(), String> {
    let within = (Duration::ZERO..=SPAN_MAX).contains(&span);
    if within { Ok(()) } else { Err(format!("`{name}` is {span}, not within a century")) }
}
