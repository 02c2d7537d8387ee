//! What a journal saw in a span of time: counts, prices and the lives of launches, by name.
//!
//! Records come in order and are taken as they are: a fact may be missing, late or contradict
//! another, and of two answers about one launch the first holds. What was before the span is
//! followed and not counted, so that prices, counts and launches are known when it begins.
//!
//! Not here: what follows from it ([`figures`](super::figures), [`tasks`](super::tasks)).

use std::collections::BTreeMap;

use provisioner_engine::Engine;
use provisioner_engine::decision::{Action, Market};
use provisioner_engine::ids::{LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::{EndCause, Observation, Refusal};
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_engine::worker_type::EngineConfig;

/// All of it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// From when on records count.
    pub from: Time,
    /// The time of the last record that counts.
    pub until: Time,
    /// What the engine went by at the end.
    pub config: EngineConfig,
    /// How often it was changed.
    pub configured: u64,
    /// Facts by kind.
    pub facts: BTreeMap<&'static str, u64>,
    /// Decisions.
    pub decisions: u64,
    /// By the worker type's name.
    pub queues: BTreeMap<String, Queue>,
    /// By the pool's name.
    pub pools: BTreeMap<String, Pool>,
    /// Ordered, found, or known when the journal began.
    pub launches: BTreeMap<LaunchId, Life>,
    /// When all prices were read.
    pub price_readings: Vec<Time>,
}

/// What the queue of a worker type told.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// When it was read, and what it said; oldest first, no two of one moment. Of readings that
    /// say the same, the first and the last.
    pub readings: Vec<Reading>,
    /// How often it could not tell.
    pub unknown: u64,
    /// When idle workers asked whether to stop, as times between two questions of one.
    pub asked_after: Vec<Duration>,
}

/// Counts of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When the queue counted.
    pub at: Time,
    /// Tasks waiting.
    pub pending: u32,
    /// Tasks held by workers.
    pub claimed: u32,
}

impl Reading {
    /// Tasks that are not done.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.pending as u64 + self.claimed as u64
    }
}

/// A pool and its prices.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// `c5.large`.
    pub instance_type: String,
    /// `us-east-1a`.
    pub zone: String,
    /// `Linux/UNIX`.
    pub product: String,
    /// Market prices and from when on they held, oldest first.
    pub prices: Vec<(Time, UsdPerHour)>,
    /// On-demand prices likewise.
    pub on_demand: Vec<(Time, UsdPerHour)>,
}

/// What became of a launch, as far as it was told.
#[derive(Clone, Debug)]
pub struct Life {
    /// Whose it is.
    pub worker_type: String,
    /// From which pool.
    pub pool: String,
    /// Whether it is of the spot market.
    pub is_spot: bool,
    /// When it was ordered, if it was in this journal.
    pub ordered: Option<Time>,
    /// When EC2 gave an instance.
    pub given: Option<Time>,
    /// When EC2 refused, and why.
    pub refused: Option<(Time, Refusal)>,
    /// When it was running; for those that ran when the journal began, when they were given.
    pub running: Option<Time>,
    /// When its worker registered.
    pub registered: Option<Time>,
    /// Its steps were told as they came, not found out later.
    pub is_watched: bool,
    /// When it left `running`, and who ended it.
    pub stopped: Option<(Time, EndCause)>,
    /// EC2 took it back.
    pub is_interrupted: bool,
    asked: Option<Time>,
}

/// Reads records into a [`Seen`].
pub struct Reader {
    seen: Seen,
    last: Time,
    begun: bool,
    /// Names by id, of the configuration that holds.
    worker_types: Vec<String>,
    pools: Vec<String>,
}

impl Reader {
    /// For records from that time on, with the engine as it is before the first of all.
    #[must_use]
    pub fn new(engine: &Engine, from: Option<Time>) -> Self {
        let seen = Seen {
            from: from.unwrap_or(Time::MAX),
            until: Time::EPOCH,
            config: engine.config().clone(),
            configured: 0,
            facts: BTreeMap::new(),
            decisions: 0,
            queues: BTreeMap::new(),
            pools: BTreeMap::new(),
            launches: BTreeMap::new(),
            price_readings: Vec::new(),
        };
        let (worker_types, pools) = (Vec::new(), Vec::new());
        let begun = from.is_some();
        let mut reader = Self { seen, last: engine.now(), begun, worker_types, pools };
        reader.know(engine);
        reader
    }

    /// Takes over what an engine knows: at the beginning, and after a gap.
    pub fn know(&mut self, engine: &Engine) {
        let (before, now) = (self.last, engine.now());
        self.configure(engine.config());
        for (id, pool) in (0..).map(PoolId::new).zip(self.pools.clone()) {
            if let Some(price) = engine.price(id) {
                self.price(&pool, now, price);
            }
        }
        for (id, name) in (0..).map(WorkerTypeId::new).zip(self.worker_types.clone()) {
            if let Some((pending, claimed, as_of)) = engine.counts(id) {
                self.count(&name, Reading { at: as_of, pending, claimed });
            }
        }
        // Whoever is not known any more ended in the gap: what is not known of is not counted.
        for (id, life) in &mut self.seen.launches {
            if engine.launch(*id).is_none() && !life.is_over() {
                life.stopped = Some((before, EndCause::Vanished));
            }
        }
        for (id, launch) in engine.launches() {
            let is_up = launch.accepted.is_some();
            let (worker_type, pool) = (launch.worker_type, launch.pool);
            let (Some(worker_type), Some(pool)) = (self.name(worker_type), self.pool(pool)) else {
                continue;
            };
            let is_spot = launch.market != Market::OnDemand;
            let life = || Life { running: launch.accepted, ..Life::of(worker_type, pool, is_spot) };
            let life = self.seen.launches.entry(id).or_insert_with(life);
            if is_up && life.given.is_none() {
                life.given = launch.accepted;
            }
        }
        self.last = now;
    }

    /// Takes in a record.
    pub fn read(&mut self, record: &Record) {
        let at = record.at();
        if !self.begun {
            (self.seen.from, self.begun) = (at, true);
        }
        let counts = at >= self.seen.from;
        self.last = at;
        if counts {
            self.seen.until = at;
        }
        match record {
            Record::Observed { observation, .. } => {
                if counts {
                    *self.seen.facts.entry(observation.into()).or_default() += 1;
                }
                self.observe(at, *observation);
            }
            Record::Configured { config, .. } => {
                self.seen.configured += u64::from(counts);
                if !config.worker_types.is_empty() {
                    self.configure(config);
                }
            }
            Record::Decided(decision) => {
                self.seen.decisions += u64::from(counts);
                decision.actions.iter().for_each(|action| self.order(at, *action));
            }
        }
    }

    /// What was seen, up to that time or the last record.
    #[must_use]
    pub fn finish(mut self, until: Option<Time>) -> Seen {
        self.seen.until = until.unwrap_or(self.seen.until).max(self.seen.from);
        self.seen
    }

    fn configure(&mut self, config: &EngineConfig) {
        let catalog = &config.catalog;
        self.worker_types = config.worker_types.iter().map(|known| known.name.clone()).collect();
        let ids = (0..catalog.pools().len()).map(PoolId::new);
        self.pools = ids.clone().map(|id| catalog.pool_name(id)).collect();
        for (id, name) in ids.zip(&self.pools) {
            let pool = catalog.pools()[id.index()];
            let known = self.seen.pools.entry(name.clone()).or_default();
            known.instance_type.clone_from(&catalog.instance_type_of(pool.instance_type).name);
            known.zone.clone_from(&catalog.zone_of(pool.zone).name);
            catalog.product_name(pool.product).clone_into(&mut known.product);
            known.on_demand = catalog.on_demand_changes(id).unwrap_or_default().to_vec();
        }
        self.seen.config = config.clone();
    }

    fn order(&mut self, at: Time, action: Action) {
        let Action::Launch { launch, count, worker_type, pool, market } = action else { return };
        let (Some(name), Some(pool)) = (self.name(worker_type), self.pool(pool)) else { return };
        let is_spot = market != Market::OnDemand;
        for id in (launch.0..).take(count as usize).map(LaunchId) {
            let life = || Life {
                ordered: Some(at),
                is_watched: true,
                ..Life::of(name.clone(), pool.clone(), is_spot)
            };
            self.seen.launches.entry(id).or_insert_with(life);
        }
    }

    fn observe(&mut self, at: Time, observation: Observation) {
        match observation {
            Observation::DemandCounted { worker_type, pending, claimed, as_of } => {
                if let Some(name) = self.name(worker_type) {
                    self.count(&name, Reading { at: as_of.min(at), pending, claimed });
                }
            }
            Observation::DemandUnknown { worker_type } => {
                if let Some(name) = self.name(worker_type) {
                    self.seen.queues.entry(name).or_default().unknown += 1;
                }
            }
            Observation::QueuesRead { as_of } => {
                for queue in self.seen.queues.values_mut() {
                    if let Some(last) = queue.readings.last().copied() {
                        queue.add(Reading { at: as_of.min(at), ..last });
                    }
                }
            }
            Observation::PriceChanged { pool, price, since } => {
                if let Some(pool) = self.pool(pool) {
                    self.price(&pool, since, price);
                }
            }
            Observation::PricesRead { as_of } => self.seen.price_readings.push(as_of),
            Observation::InstanceFound { launch, worker_type, pool, market, launched, .. } => {
                let (Some(launch), Some(worker_type), Some(pool)) = (launch, worker_type, pool)
                else {
                    return;
                };
                let (Some(name), Some(pool)) = (self.name(worker_type), self.pool(pool)) else {
                    return;
                };
                let is_spot = market != Market::OnDemand;
                let life = self.seen.launches.entry(launch);
                let life = life.or_insert_with(|| Life::of(name, pool, is_spot));
                life.given.get_or_insert(launched.min(at));
                if !life.is_watched {
                    life.running.get_or_insert(launched.min(at));
                }
            }
            Observation::WorkerIdled { launch } => {
                let Some(life) = self.seen.launches.get_mut(&launch) else { return };
                let before = life.asked.replace(at);
                let queue = self.seen.queues.entry(life.worker_type.clone()).or_default();
                queue.asked_after.extend(before.map(|before| at.since(before)));
            }
            Observation::InstancePending { launch, .. } => self.live(launch, |life| {
                life.given.get_or_insert(at);
            }),
            Observation::LaunchRefused { launch, refusal } => self.live(launch, |life| {
                if life.given.is_none() {
                    life.refused.get_or_insert((at, refusal));
                }
            }),
            Observation::InstanceRunning { launch } => self.live(launch, |life| {
                life.running.get_or_insert(at);
            }),
            Observation::WorkerRegistered { launch } => self.live(launch, |life| {
                life.registered.get_or_insert(at);
            }),
            Observation::InterruptionNoticed { .. }
            | Observation::RebalanceRecommended { .. }
            | Observation::CallUnanswered { .. }
            | Observation::CallThrottled { .. }
            | Observation::Restarted
            | Observation::WorkerChecked { .. }
            | Observation::InstanceMissed { .. }
            | Observation::StrayEnded { .. }
            | Observation::InstancesListed { .. } => {}
            Observation::InstanceStopping { launch, cause }
            | Observation::InstanceEnded { launch, cause } => self.live(launch, |life| {
                life.stopped.get_or_insert((at, cause));
                life.is_interrupted |= cause == EndCause::Interruption;
            }),
        }
    }

    fn live(&mut self, launch: LaunchId, then: impl FnOnce(&mut Life)) {
        self.seen.launches.get_mut(&launch).map(then);
    }

    fn count(&mut self, name: &str, reading: Reading) {
        self.seen.queues.entry(name.to_owned()).or_default().add(reading);
    }

    fn price(&mut self, pool: &str, since: Time, price: UsdPerHour) {
        let prices = &mut self.seen.pools.entry(pool.to_owned()).or_default().prices;
        let place = prices.partition_point(|(known, _)| *known <= since);
        if place.checked_sub(1).is_none_or(|before| prices[before].1 != price) {
            prices.insert(place, (since, price));
        }
    }

    fn name(&self, id: WorkerTypeId) -> Option<String> {
        self.worker_types.get(id.index()).cloned()
    }

    fn pool(&self, id: PoolId) -> Option<String> {
        self.pools.get(id.index()).cloned()
    }
}

impl Queue {
    /// Late counts are not news; of one moment, the last hold.
    fn add(&mut self, reading: Reading) {
        let says_as =
            |other: &Reading| (other.pending, other.claimed) == (reading.pending, reading.claimed);
        match self.readings.as_mut_slice() {
            [.., last] if last.at > reading.at => {}
            [.., last] if last.at == reading.at => *last = reading,
            [.., first, last] if says_as(first) && says_as(last) => last.at = reading.at,
            _ => self.readings.push(reading),
        }
    }

    /// The readings of a span; the last one before it stands at its beginning.
    #[must_use]
    pub fn within(&self, from: Time, until: Time) -> Vec<Reading> {
        let first = self.readings.partition_point(|reading| reading.at <= from).saturating_sub(1);
        let readings = self.readings[first..].iter().take_while(|reading| reading.at <= until);
        readings.map(|reading| Reading { at: reading.at.max(from), ..*reading }).collect()
    }
}

impl Life {
    fn of(worker_type: String, pool: String, is_spot: bool) -> Self {
        Self {
            worker_type,
            pool,
            is_spot,
            ordered: None,
            given: None,
            refused: None,
            running: None,
            registered: None,
            is_watched: false,
            stopped: None,
            is_interrupted: false,
            asked: None,
        }
    }

    const fn is_over(&self) -> bool {
        self.stopped.is_some() || self.refused.is_some()
    }

    /// The part of its time in `running` that lies in a span.
    #[must_use]
    pub fn stay(&self, from: Time, until: Time) -> Option<(Time, Time)> {
        let begin = self.running?.max(from);
        let end = self.stopped.map_or(until, |(end, _)| end).min(until);
        (begin < end).then_some((begin, end))
    }
}
