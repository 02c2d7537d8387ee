//! What news means: answers in EC2's and the queue's names become facts in the engine's ids.

use std::collections::BTreeMap;

use provisioner_engine::catalog::Catalog;
use provisioner_engine::decision::Market;
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, RegionId, WorkerTypeId};
use provisioner_engine::inventory::Row;
use provisioner_engine::ledger::Stage;
use provisioner_engine::observation::{Call, EndCause, Observation, Refusal};
use provisioner_engine::units::{Time, UsdPerHour};
use tracing::{debug, error, info, warn};

use super::brain::Brain;
use super::instances::Place;
use super::news::{Done, News};
use crate::cloud::{
    CallError, CallErrorKind, Launched, Listed, Notice, NoticeKind, PriceRow, Terminated,
};
use crate::queue::{Counts, Holds, QueueError, Worker, WorkerPlace};
use crate::store::Store;

/// What the engine was told of queues and prices: the same is not told again while it holds.
#[derive(Debug, Default)]
pub(super) struct Told {
    counts: BTreeMap<WorkerTypeId, CountsTold>,
    /// Up to when all queues, and all prices, were told to be known.
    queues_read: Option<Time>,
    prices_read: Option<Time>,
    prices: BTreeMap<PoolId, (Time, UsdPerHour)>,
    /// When each region's prices were last read.
    regions_priced: BTreeMap<RegionId, Time>,
    /// Regions that were listed since the process began.
    pub(super) listed: BTreeMap<RegionId, Time>,
}

#[derive(Debug, Default)]
struct CountsTold {
    /// What was told, and of when; `None` if it is not known.
    told: Option<(u32, u32, Time)>,
    /// Of when the last answer was.
    known: Option<Time>,
    /// Why there was none the last time.
    error: Option<String>,
}

impl Told {
    pub(super) fn counts_of(&self, worker_type: WorkerTypeId) -> Result<(u32, u32, Time), String> {
        let unasked = || Err("it was not asked yet".to_owned());
        let Some(counts) = self.counts.get(&worker_type) else { return unasked() };
        match (&counts.error, counts.told, counts.known) {
            (Some(error), ..) => Err(error.clone()),
            (None, Some((pending, claimed, _)), Some(known)) => Ok((pending, claimed, known)),
            _ => unasked(),
        }
    }

    pub(super) fn price_of(&self, pool: PoolId) -> Option<(Time, UsdPerHour)> {
        self.prices.get(&pool).copied()
    }
}

impl<S: Store> Brain<S> {
    /// Folds news in; says whether a turn should follow soon: because it asks for one, or because now
    /// everything was read for the first time.
    pub(super) fn hear(&mut self, now: Time, news: News) -> bool {
        let was_informed = self.is_informed || !news.is_reading();
        let is_urgent = self.fold(now, news);
        self.release(now);
        let is_first = !was_informed && self.knows_all();
        self.is_informed |= is_first;
        is_urgent || is_first
    }

    fn fold(&mut self, now: Time, news: News) -> bool {
        match news {
            News::Counted { ref worker_type, .. } if let Some(withheld) = &mut self.withheld => {
                withheld.counts.insert(worker_type.clone(), news);
                false
            }
            News::Counted { worker_type, asked, answer } => {
                self.counted(now, &worker_type, asked, answer);
                false
            }
            News::Priced { region, asked, answer } => {
                self.priced(now, &region, asked, answer);
                false
            }
            News::Noticed { region, answer } => self.noticed(now, &region, answer),
            News::Done(done) => {
                self.done(now, *done);
                false
            }
            News::Configured(setup) if setup.config == self.setup.config => {
                // What launches are made with may be another all the same.
                self.setup = (*setup).into();
                false
            }
            News::Configured(setup) => {
                self.configure(now, (*setup).into());
                true
            }
            News::Nudged => true,
            News::Stop => false,
        }
    }

    /// Tells what was kept back, once all regions were listed or it was kept for long enough.
    pub(super) fn release(&mut self, now: Time) {
        let Some(until) = self.withheld.as_ref().map(|it| it.until) else { return };
        let (listed, regions) = self.regions_listed();
        if (listed == regions || until <= now)
            && let Some(withheld) = self.withheld.take()
        {
            for news in withheld.counts.into_values() {
                self.fold(now, news);
            }
        }
    }

    /// Whether all queues, prices and instances were read.
    fn knows_all(&self) -> bool {
        let Told { counts, regions_priced, listed, .. } = &self.told;
        let counted = |id| {
            let answer = counts.get(&WorkerTypeId::new(id));
            answer.is_some_and(|it| it.known.is_some() || it.error.is_some())
        };
        (0..self.setup.config.worker_types.len()).all(counted)
            && self
                .setup
                .regions()
                .iter()
                .all(|it| listed.contains_key(it) && regions_priced.contains_key(it))
    }

    /// Tells up to when everything that is not told anew still holds.
    pub(super) fn tell_readings(&mut self, now: Time) {
        let served = 0..self.setup.config.worker_types.len();
        let known = |id| self.told.counts.get(&WorkerTypeId::new(id)).and_then(|it| it.known);
        let as_of = served.map(known).min().flatten();
        if as_of > self.told.queues_read
            && let Some(as_of) = as_of
        {
            self.told.queues_read = Some(as_of);
            self.observe(now, Observation::QueuesRead { as_of });
        }
        let regions = self.setup.regions().into_iter();
        let priced = regions.map(|region| self.told.regions_priced.get(&region).copied());
        let as_of = priced.min().flatten();
        if as_of > self.told.prices_read
            && let Some(as_of) = as_of
        {
            self.told.prices_read = Some(as_of);
            self.observe(now, Observation::PricesRead { as_of });
        }
    }

    fn counted(
        &mut self,
        now: Time,
        worker_type: &str,
        asked: Time,
        answer: Result<Counts, QueueError>,
    ) {
        let Some(id) = self.served(worker_type) else { return };
        let limit = self.setup.config.limits.demand_stale_after.ms() / 3;
        let vouched = self.told.queues_read;
        let before = self.told.counts.entry(id).or_default();
        match answer {
            Ok(Counts { pending, claimed, as_of }) => {
                let as_of = as_of.unwrap_or(asked).min(now);
                (before.known, before.error) = (Some(as_of), None);
                let is_told = before.told.is_some_and(|(p, c, told)| {
                    let age = as_of.since(vouched.map_or(told, |vouched| vouched.max(told)));
                    (p, c) == (pending, claimed) && age.ms() <= limit
                });
                if !is_told {
                    before.told = Some((pending, claimed, as_of));
                    let worker_type = id;
                    let fact = Observation::DemandCounted { worker_type, pending, claimed, as_of };
                    self.observe(now, fact);
                }
            }
            Err(error) => {
                (before.known, before.error) = (None, Some(error.to_string()));
                if before.told.take().is_some() {
                    warn!(worker_type, %error, "the queue does not tell its counts");
                    self.observe(now, Observation::DemandUnknown { worker_type: id });
                }
            }
        }
    }

    fn priced(
        &mut self,
        now: Time,
        region: &str,
        asked: Time,
        answer: Result<Vec<PriceRow>, CallError>,
    ) {
        let rows = match answer {
            Ok(rows) => rows,
            Err(error) => {
                warn!(region, %error, "prices cannot be read");
                return;
            }
        };
        let pools = pools(&self.setup.config.catalog);
        let stale = self.setup.config.guards.prices_stale_after;
        let mut current = BTreeMap::new();
        for PriceRow { zone, instance_type, product, price, since } in rows {
            let Some(&pool) = pools.get(&(zone, instance_type, product)) else { continue };
            current.insert(pool, price);
            let last = self.told.prices.get(&pool).map(|(since, _)| *since);
            if last.is_none_or(|last| last < since) {
                self.told.prices.insert(pool, (since, price));
                self.observe(now, Observation::PriceChanged { pool, price, since });
            }
        }
        // While other regions are not read, these hold all the same.
        for (pool, price) in current {
            let (told, _) = self.told.prices[&pool];
            let vouched = self.told.prices_read.map_or(told, |read| read.max(told));
            if stale.is_some_and(|stale| asked.since(vouched).ms() > stale.ms() / 3) {
                self.told.prices.insert(pool, (asked, price));
                self.observe(now, Observation::PriceChanged { pool, price, since: asked });
            }
        }
        let catalog = &self.setup.config.catalog;
        if let Some(region) = region_id(catalog, region) {
            self.told.regions_priced.insert(region, asked);
        }
    }

    fn noticed(&mut self, now: Time, region: &str, answer: Result<Vec<Notice>, CallError>) -> bool {
        let notices = match answer {
            Ok(notices) => notices,
            Err(error) => {
                warn!(region, %error, "notices cannot be read");
                return false;
            }
        };
        let mut is_news = false;
        for Notice { instance, what } in notices {
            let Some(number) = self.instances.find(&instance) else { continue };
            let Some(launch) = self.engine.owner(number, None) else { continue };
            info!(instance, ?what, %launch, "EC2 announced");
            is_news = true;
            let fact = match what {
                NoticeKind::Interruption { ends_at } => {
                    Observation::InterruptionNoticed { launch, ends_at }
                }
                NoticeKind::Rebalance => Observation::RebalanceRecommended { launch },
                NoticeKind::StateChanged => continue, // a listing shows which state it is in
            };
            self.observe(now, fact);
        }
        is_news
    }

    fn done(&mut self, now: Time, done: Done) {
        match done {
            Done::Launch { first, count, region, answer } => {
                self.launched(now, first, count, &region, answer);
            }
            Done::End { launch, instance, region, answer } => {
                self.ended(now, launch, instance, &region, answer);
            }
            Done::Cancel { launch, region, answer } => {
                if let Err(error) = answer {
                    self.failed(now, &region, Call::Cancel, Some(launch), &error);
                }
            }
            Done::List { region, began, answer } => {
                self.listing.remove(&region);
                match answer {
                    Ok(rows) => self.listed(now, &region, began, rows),
                    Err(error) => self.failed(now, &region, Call::List, None, &error),
                }
            }
            Done::Check { launch, asked, answer } => match (launch, answer) {
                (Some(launch), Ok(Some(Holds { claimed, last_claim }))) => {
                    let as_of = asked;
                    let fact = Observation::WorkerChecked { launch, claimed, last_claim, as_of };
                    self.observe(now, fact);
                }
                (_, Ok(_)) => {}
                (launch, Err(error)) => {
                    debug!(?launch, %error, "the queue does not tell what a worker holds");
                }
            },
            Done::Workers { worker_type, answer } => match answer {
                Ok(Some(workers)) => self.registered(now, &workers),
                Ok(None) => self.take_for_registered(now, &worker_type),
                Err(error) => warn!(worker_type, %error, "the queue does not tell its workers"),
            },
        }
    }

    fn launched(
        &mut self,
        now: Time,
        first: LaunchId,
        count: u32,
        region: &str,
        answer: Result<Launched, CallError>,
    ) {
        let launches = (first.0..first.0 + u64::from(count)).map(LaunchId);
        match answer {
            Ok(Launched { instances, short }) => {
                let of = self.engine.launch(first).map(|known| known.worker_type);
                let worker_type = of.map(|of| self.engine.config().worker_type_name(of));
                let said = short.as_ref().map(|(_, said)| said.as_str());
                let given = instances.len();
                info!(worker_type, region, launch = %first, asked = count, given, said, "launched");
                let refusal = short.map_or(Refusal::InsufficientCapacity, |(refusal, _)| refusal);
                let mut given = instances.into_iter();
                for launch in launches {
                    match given.next() {
                        Some(name) => {
                            let instance = self.number(&name, now);
                            self.observe(now, Observation::InstancePending { launch, instance });
                        }
                        None => self.refuse(now, launch, refusal),
                    }
                }
                // More than was asked for is in the listings, and settled there.
            }
            Err(error) => match error.kind {
                CallErrorKind::Refused(refusal) => {
                    warn!(launch = %first, count, region, %error, "a launch was refused");
                    launches.for_each(|launch| self.refuse(now, launch, refusal));
                }
                CallErrorKind::Throttled => {
                    self.failed(now, region, Call::Launch, Some(first), &error);
                }
                CallErrorKind::Unanswered => {
                    warn!(launch = %first, count, region, %error, "a launch was not answered");
                    self.observe(now, Observation::CallUnanswered { launch: first });
                }
            },
        }
    }

    fn ended(
        &mut self,
        now: Time,
        launch: Option<LaunchId>,
        instance: InstanceId,
        region: &str,
        answer: Result<Terminated, CallError>,
    ) {
        let name = self.instances.name_of(instance).unwrap_or_default().to_owned();
        match answer {
            Ok(Terminated::Ordered) => {
                info!(instance = name, "ended");
                if let Some(launch) = launch {
                    let cause = EndCause::Provisioner;
                    self.observe(now, Observation::InstanceStopping { launch, cause });
                }
            }
            // What it is and where is for the listings to tell.
            Ok(Terminated::Already | Terminated::Missing) => {}
            Ok(Terminated::NotOurs) => {
                error!(instance = name, "it lacks our tags, so it was not ended");
            }
            Err(error) => self.failed(now, region, Call::Terminate, launch, &error),
        }
    }

    fn failed(
        &mut self,
        now: Time,
        region: &str,
        call: Call,
        launch: Option<LaunchId>,
        error: &CallError,
    ) {
        warn!(region, ?call, ?launch, %error, "a call failed");
        let region = region_id(&self.engine.config().catalog, region);
        if let (CallErrorKind::Throttled, Some(region)) = (error.kind, region) {
            self.observe(now, Observation::CallThrottled { region, call, launch });
        }
    }

    fn listed(&mut self, now: Time, region: &str, began: Time, listed: Vec<Listed>) {
        let Some(id) = region_id(&self.engine.config().catalog, region) else { return };
        let pools = pools(&self.engine.config().catalog);
        let rows: Vec<Row> =
            listed.into_iter().map(|it| self.row(now, (id, region), &pools, it)).collect();
        for fact in self.inventory.found(id, &rows) {
            self.observe(now, fact);
        }
        let engine = &self.engine;
        let owner = |instance, label| engine.owner(instance, label);
        for fact in self.inventory.changed(id, began, &rows, owner) {
            self.observe(now, fact);
        }
        self.told.listed.insert(id, began);
    }

    fn row(
        &mut self,
        now: Time,
        (region_id, region): (RegionId, &str),
        pools: &BTreeMap<(String, String, String), PoolId>,
        listed: Listed,
    ) -> Row {
        let Listed {
            instance: name,
            label,
            index,
            worker_type,
            zone,
            instance_type,
            product,
            spot,
            state,
            launched,
        } = listed;
        let instance = self.number(&name, now);
        let launch = match label {
            Some(label) if label.era == self.era() => {
                // Without an index only the answer tells which of its call's launches it is.
                index.map(|index| LaunchId(label.first + u64::from(index)))
            }
            Some(_) => Some(inherited(instance)),
            None => None,
        };
        let launch = self.engine.owner(instance, None).or(launch);
        let pool = zone.as_ref().and_then(|zone| {
            let product = product.as_deref().unwrap_or("Linux/UNIX");
            let key = (zone.clone(), instance_type.clone(), product.to_owned());
            pools.get(&key).copied()
        });
        let known = launch.and_then(|launch| self.engine.launch(launch));
        let market = match spot {
            true => known.map_or(Market::Spot { max_price: None }, |known| known.market),
            false => Market::OnDemand,
        };
        let at = WorkerPlace { region: region.to_owned(), zone, instance: name };
        let place = Place { region: region_id, at, worker_type: worker_type.clone() };
        self.instances.place(instance, place);
        let worker_type = worker_type.and_then(|name| self.served(&name));
        Row { instance, launch, worker_type, pool, market, state, launched }
    }

    fn registered(&mut self, now: Time, workers: &[Worker]) {
        for worker in workers {
            let Some(number) = self.instances.find(&worker.instance) else { continue };
            let Some(launch) = self.engine.owner(number, None) else { continue };
            let stage = self.engine.launch(launch).map(|known| known.stage);
            if matches!(stage, Some(Stage::Pending | Stage::Running)) {
                self.observe(now, Observation::WorkerRegistered { launch });
            }
        }
    }

    /// A queue that does not know its workers: whoever runs is taken to be able to claim.
    fn take_for_registered(&mut self, now: Time, worker_type: &str) {
        let Some(id) = self.served(worker_type) else { return };
        let running = self
            .engine
            .launches()
            .filter(|(_, launch)| launch.worker_type == id && launch.stage == Stage::Running);
        let running: Vec<LaunchId> = running.map(|(launch, _)| launch).collect();
        for launch in running {
            self.observe(now, Observation::WorkerRegistered { launch });
        }
    }

    fn served(&self, worker_type: &str) -> Option<WorkerTypeId> {
        let worker_types = &self.setup.config.worker_types;
        worker_types.iter().position(|known| known.name == worker_type).map(WorkerTypeId::new)
    }
}

/// The launch of an instance whose own launch stands in a store that is lost: it is taken over under a
/// number that no launch of this store has. Those issued after it lie between two of them.
const fn inherited(instance: InstanceId) -> LaunchId {
    LaunchId((1_u64 << 62).saturating_sub(instance.0 << 20))
}

fn region_id(catalog: &Catalog, name: &str) -> Option<RegionId> {
    (0..catalog.regions_len()).map(RegionId::new).find(|id| catalog.region_name(*id) == name)
}

/// Pools by zone, instance type and product.
fn pools(catalog: &Catalog) -> BTreeMap<(String, String, String), PoolId> {
    let pools = catalog.pools().iter().zip((0..).map(PoolId::new));
    let key = |pool: &provisioner_engine::catalog::Pool| {
        (
            catalog.zone_of(pool.zone).name.clone(),
            catalog.instance_type_of(pool.instance_type).name.clone(),
            catalog.product_name(pool.product).to_owned(),
        )
    };
    pools.map(|(pool, id)| (key(pool), id)).collect()
}
