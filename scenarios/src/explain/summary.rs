//! What is in a journal: how much of what, for whom, why, and what it came to as far as facts tell.
//!
//! A journal holds no bills. Cost is estimated: each instance from when EC2 gave it until it ended,
//! at its pool's market price, or on-demand price, of when it was given. Waiting is the sum over
//! counts of tasks × time until the next count, so it is as coarse as iterations and lacks what
//! waited between two of them.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use provisioner_engine::decision::{Action, Decision, Market, Reason};
use provisioner_engine::ids::{LaunchId, PoolId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::{Call, EndCause, Observation, Refusal};
use provisioner_engine::units::{Duration, Time, Usd, UsdPerHour};
use provisioner_engine::worker_type::EngineConfig;

use super::waiting::{Queue, Wait};
use super::{Open, Owners, Scene, Unanswered, Walk, Witness, walk};

/// What is in a journal.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Measures by worker type.
    pub worker_types: BTreeMap<String, Tally>,
    /// How often each kind of order was given.
    pub orders: BTreeMap<&'static str, u64>,
    /// How often each kind of reason was given.
    pub reasons: Reasons,
    /// The first launch that was refused, and the first whose instance EC2 took back.
    pub telling: [Option<LaunchId>; 2],
    /// How the journal was read.
    pub walk: Walk,
}

/// What a journal says of one worker type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Instances that were asked for, and for which calls were made.
    pub launches: u64,
    /// Instances that EC2 gave.
    pub given: u64,
    /// Workers that registered.
    pub working: u64,
    /// Launches that were refused, by why.
    pub refused: BTreeMap<Refusal, u64>,
    /// Launch calls that were throttled.
    pub throttled: u64,
    /// Launch calls that got no answer.
    pub unanswered: u64,
    /// Instances that ended, by who ended them.
    pub ended: BTreeMap<EndCause, u64>,
    /// Time that instances lived.
    pub instance_time: Duration,
    /// What they cost, estimated.
    pub cost: Usd,
    /// How long tasks waited, all added up, in milliseconds.
    pub waited_ms: i128,
    /// The wait in which that was most.
    pub worst: Option<Wait>,
}

/// A kind of reason.
#[derive(Clone, Debug)]
pub struct Said {
    /// How often it was given.
    pub times: u64,
    /// When it was first given.
    pub first: Time,
    /// How it was put then.
    pub example: Reason,
    /// What ids mean.
    pub config: Arc<EngineConfig>,
}

/// How often each kind of reason was given.
#[derive(Clone, Debug, Default)]
pub struct Reasons(BTreeMap<&'static str, Said>);

impl Reasons {
    /// A decision was made, whose ids mean what `config` says.
    pub fn note(&mut self, decision: &Decision, config: &Arc<EngineConfig>) {
        for reason in &decision.reasons {
            let said = self.0.entry(reason.into()).or_insert_with(|| Said {
                times: 0,
                first: decision.at,
                example: *reason,
                config: Arc::clone(config),
            });
            said.times += 1;
        }
    }

    /// By name.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Said)> {
        self.0.iter().map(|(name, said)| (*name, said))
    }

    /// The most frequent first; of equally frequent ones by name.
    #[must_use]
    pub fn ranked(&self) -> Vec<(&'static str, &Said)> {
        let mut ranked: Vec<_> = self.all().collect();
        ranked.sort_by_key(|(name, said)| (std::cmp::Reverse(said.times), *name));
        ranked
    }
}

impl Summary {
    /// Of all worker types together; the worst wait is the worst of one.
    #[must_use]
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.worker_types.values() {
            total.launches += tally.launches;
            total.given += tally.given;
            total.working += tally.working;
            tally.refused.iter().for_each(|(why, n)| *total.refused.entry(*why).or_default() += n);
            total.throttled += tally.throttled;
            total.unanswered += tally.unanswered;
            tally.ended.iter().for_each(|(who, n)| *total.ended.entry(*who).or_default() += n);
            total.instance_time += tally.instance_time;
            total.cost += tally.cost;
            total.waited_ms += tally.waited_ms;
            let task_ms = |wait: &Option<Wait>| wait.as_ref().map(|wait| wait.task_ms);
            if task_ms(&total.worst) < task_ms(&tally.worst) {
                total.worst.clone_from(&tally.worst);
            }
        }
        total
    }
}

/// What is in a journal.
///
/// # Errors
///
/// The journal cannot be read.
pub fn summary(open: impl Open) -> Result<Summary, Unanswered> {
    let mut accountant = Accountant::default();
    let walk = walk(open()?, &mut accountant)?;
    let Accountant { worker_types, orders, reasons, telling, .. } = accountant;
    Ok(Summary { worker_types, orders, reasons, telling, walk })
}

#[derive(Default)]
struct Accountant {
    worker_types: BTreeMap<String, Tally>,
    queues: BTreeMap<String, Queue>,
    orders: BTreeMap<&'static str, u64>,
    reasons: Reasons,
    telling: [Option<LaunchId>; 2],
    owners: Owners,
    /// The newest market price of each pool, and from when it holds.
    prices: BTreeMap<PoolId, (UsdPerHour, Time)>,
    /// Where launches are from, by the first of their call.
    calls: BTreeMap<LaunchId, (PoolId, Market)>,
    stays: BTreeMap<LaunchId, Stay>,
    now: Option<Time>,
}

/// An instance, from when it was given.
struct Stay {
    since: Time,
    price: UsdPerHour,
    works: bool,
    has_ended: bool,
}

impl Accountant {
    fn tally(&mut self, launch: LaunchId) -> Option<&mut Tally> {
        let name = self.owners.of(launch)?.to_owned();
        Some(self.worker_types.entry(name).or_default())
    }

    fn hear(&mut self, scene: &Scene<'_>, at: Time, observation: Observation) {
        match observation {
            Observation::DemandCounted { worker_type, pending, .. } => {
                let name = scene.name(worker_type);
                let queue = self.queues.entry(name.to_owned()).or_default();
                if let Some(wait) = queue.count(at, pending) {
                    self.waited(name, wait);
                }
            }
            Observation::PriceChanged { pool, price, since } => {
                let newest = self.prices.entry(pool).or_insert((price, since));
                if newest.1 <= since {
                    *newest = (price, since);
                }
            }
            Observation::InstancePending { launch, .. } => self.begin(scene, at, launch),
            Observation::InstanceFound { launch: Some(launch), launched, .. } => {
                self.begin(scene, launched.min(at), launch);
            }
            Observation::InstanceRunning { launch } => self.begin(scene, at, launch),
            Observation::WorkerRegistered { launch } => {
                self.begin(scene, at, launch);
                let stay = self.stays.get_mut(&launch);
                let is_news = stay.is_some_and(|stay| !mem::replace(&mut stay.works, true));
                if let Some(tally) = self.tally(launch).filter(|_| is_news) {
                    tally.working += 1;
                }
            }
            Observation::LaunchRefused { launch, refusal } => {
                if let Some(tally) = self.tally(launch) {
                    *tally.refused.entry(refusal).or_default() += 1;
                }
                self.telling[0] = self.telling[0].or(Some(launch));
            }
            Observation::CallThrottled { call: Call::Launch, launch: Some(launch), .. } => {
                if let Some(tally) = self.tally(launch) {
                    tally.throttled += 1;
                }
            }
            Observation::CallUnanswered { launch } => {
                if let Some(tally) = self.tally(launch) {
                    tally.unanswered += 1;
                }
            }
            Observation::InstanceEnded { launch, cause } => {
                self.finish(launch, at, Some(cause));
                if cause == EndCause::Interruption {
                    self.telling[1] = self.telling[1].or(Some(launch));
                }
            }
            _ => {}
        }
    }

    fn waited(&mut self, name: &str, wait: Wait) {
        let tally = self.worker_types.entry(name.to_owned()).or_default();
        tally.waited_ms += wait.task_ms;
        if tally.worst.as_ref().is_none_or(|worst| worst.task_ms < wait.task_ms) {
            tally.worst = Some(wait);
        }
    }

    /// An instance is there, once.
    fn begin(&mut self, scene: &Scene<'_>, at: Time, launch: LaunchId) {
        let Some((first, _)) = self.owners.call_of(launch) else { return };
        let Some(&(pool, market)) = self.calls.get(&first) else { return };
        if self.stays.contains_key(&launch) {
            return;
        }
        let price = match market {
            Market::OnDemand => scene.config.catalog.on_demand_price(pool, at),
            Market::Spot { .. } => self.prices.get(&pool).map(|(price, _)| *price),
        };
        let price = price.unwrap_or(UsdPerHour::ZERO);
        self.stays.insert(launch, Stay { since: at, price, works: false, has_ended: false });
        if let Some(tally) = self.tally(launch) {
            tally.given += 1;
        }
    }

    /// An instance is not there any more, if it was; or the journal does not tell further.
    fn finish(&mut self, launch: LaunchId, at: Time, cause: Option<EndCause>) {
        let Some(stay) = self.stays.get_mut(&launch).filter(|stay| !stay.has_ended) else {
            return;
        };
        stay.has_ended = true;
        let (length, price) = (at.since(stay.since), stay.price);
        if let Some(tally) = self.tally(launch) {
            tally.instance_time += length;
            tally.cost += price.charge_for(length).round_up();
            if let Some(cause) = cause {
                *tally.ended.entry(cause).or_default() += 1;
            }
        }
    }
}

impl Witness for Accountant {
    fn begin(&mut self, scene: &Scene<'_>) {
        self.owners.begin(scene);
    }

    fn before(&mut self, scene: &Scene<'_>, record: &Record) {
        if self.now.is_none() || matches!(record, Record::Configured { .. }) {
            for known in &scene.config.worker_types {
                self.worker_types.entry(known.name.clone()).or_default();
            }
        }
        self.now = Some(record.at());
    }

    fn see(&mut self, scene: &Scene<'_>, record: &Record) {
        self.owners.note(scene, record);
        match record {
            Record::Observed { at, observation } => self.hear(scene, *at, *observation),
            // Pools have other numbers from now on, and prices are told anew.
            Record::Configured { .. } => self.prices.clear(),
            Record::Decided(decision) => {
                for action in &decision.actions {
                    *self.orders.entry(<&'static str>::from(action)).or_default() += 1;
                    if let Action::Launch { launch, count, pool, market, .. } = *action
                        && self.calls.insert(launch, (pool, market)).is_none()
                        && let Some(tally) = self.tally(launch)
                    {
                        tally.launches += u64::from(count);
                    }
                }
                for reason in &decision.reasons {
                    if let Reason::Gone { launch, since } = *reason {
                        self.finish(launch, since, Some(EndCause::Vanished));
                    }
                }
                self.reasons.note(decision, scene.config);
            }
        }
    }

    fn end(&mut self, _scene: &Scene<'_>) {
        let Some(now) = self.now else { return };
        let launches: Vec<LaunchId> = self.stays.keys().copied().collect();
        launches.into_iter().for_each(|launch| self.finish(launch, now, None));
        for (name, mut queue) in mem::take(&mut self.queues) {
            if let Some(wait) = queue.under_way(now).cloned() {
                self.waited(&name, wait);
            }
        }
    }
}
