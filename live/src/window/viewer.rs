//! The loop as the window shows it: a view made after each turn.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use provisioner_engine::catalog::Catalog;
use provisioner_engine::decision::{Action, Market};
use provisioner_engine::ids::{PoolId, WorkerTypeId};
use provisioner_engine::ledger::{Launch, Stage};
use provisioner_engine::orders;
use provisioner_engine::units::{Duration, Time, UsdPerHour};

use super::{
    CallsView, Capacity, DecisionView, LaunchView, Passes, PoolView, Publisher, Spend, View,
    WorkerTypeView,
};
use crate::cloud::CallErrorKind;
use crate::cloud::ec2::actions::CallMade;
use crate::daemon::Seen;

/// So many of the latest decisions that say anything are shown.
const DECISIONS_KEPT: usize = 500;

/// Makes views.
pub struct Viewer {
    publisher: Publisher,
    provisioner: String,
    shadow: bool,
    overdue_after: Duration,
    /// The store's files, if it is in files.
    store: Vec<PathBuf>,
    calls: CallTally,
    passes: u64,
    decisions: VecDeque<DecisionView>,
    launches: BTreeMap<String, u64>,
    pending_since: BTreeMap<String, Time>,
}

/// Calls made so far.
#[derive(Clone, Debug, Default)]
pub struct CallTally(Arc<Mutex<BTreeMap<(String, String), CallsView>>>);

impl CallTally {
    /// A call was made.
    pub fn note(&self, call: &CallMade<'_>) {
        let (region, action) = (call.region.to_owned(), call.action.name().to_owned());
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = calls.entry((region.clone(), action.clone())).or_insert_with(|| CallsView {
            region,
            action,
            ..CallsView::default()
        });
        calls.made += 1;
        match call.error.map(|error| error.kind) {
            Some(CallErrorKind::Throttled) => calls.throttled += 1,
            Some(_) => calls.failed += 1,
            None => {}
        }
    }

    fn views(&self) -> Vec<CallsView> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Viewer {
    /// A viewer that has seen nothing.
    #[must_use]
    pub fn new(
        publisher: Publisher,
        provisioner: String,
        shadow: bool,
        overdue_after: Duration,
        store: Vec<PathBuf>,
        calls: CallTally,
    ) -> Self {
        Self {
            publisher,
            provisioner,
            shadow,
            overdue_after,
            store,
            calls,
            passes: 0,
            decisions: VecDeque::new(),
            launches: BTreeMap::new(),
            pending_since: BTreeMap::new(),
        }
    }

    /// Nothing is done for a while, and why.
    pub fn hindered(&self, hindrance: String) {
        self.publisher.publish(View {
            provisioner: self.provisioner.clone(),
            version: env!("PROVISIONER_COMMIT").to_owned(),
            shadow: self.shadow,
            hindrance: Some(hindrance),
            ..View::default()
        });
    }

    /// A turn was taken.
    pub fn see(&mut self, seen: &Seen<'_>) {
        self.passes += 1;
        self.note_decision(seen);
        let worker_types = (0..).map(WorkerTypeId::new).zip(spends(seen));
        let worker_types = worker_types.map(|(id, spend)| self.worker_type(seen, id, spend));
        let worker_types = worker_types.collect();
        let launches: Vec<LaunchView> =
            seen.engine.launches().map(|(id, it)| launch(seen, id.0, it)).collect();
        let unknown = seen.engine.launches().filter(|(_, it)| it.stage == Stage::Requested).count();
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        let took = i64::try_from(seen.took.as_millis()).unwrap_or(i64::MAX);
        self.publisher.publish(View {
            provisioner: self.provisioner.clone(),
            version: env!("PROVISIONER_COMMIT").to_owned(),
            shadow: self.shadow,
            hindrance: None,
            passes: Passes {
                completed: self.passes,
                last_completed: Some(seen.decision.at),
                last_took: Duration::from_ms(took),
                overdue_after: self.overdue_after,
            },
            worker_types,
            launches,
            pools: pools(seen),
            calls: self.calls.views(),
            ledger_unknown: unknown as u64,
            store_bytes: self.store.iter().map(size).sum(),
            journal_records: seen.records,
            decisions: self.decisions.iter().cloned().collect(),
        });
    }

    fn note_decision(&mut self, seen: &Seen<'_>) {
        let (config, decision) = (seen.engine.config(), seen.decision);
        for action in &decision.actions {
            if let Action::Launch { worker_type, count, .. } = *action {
                let name = config.worker_type_name(worker_type).to_owned();
                *self.launches.entry(name).or_default() += u64::from(count);
            }
        }
        let orders = orders::in_words(config, &decision.actions);
        let reasons = decision.reasons.iter().map(|reason| reason.describe(config).to_string());
        let reasons: Vec<String> = reasons.collect();
        if orders.is_empty() && reasons.is_empty() {
            return;
        }
        if self.decisions.len() == DECISIONS_KEPT {
            self.decisions.pop_front();
        }
        let number = self.passes;
        self.decisions.push_back(DecisionView { number, at: decision.at, orders, reasons });
    }

    fn worker_type(&mut self, seen: &Seen<'_>, id: WorkerTypeId, spend: Spend) -> WorkerTypeView {
        let known = &seen.engine.config().worker_types[id.index()];
        let supply = seen.engine.supply(id);
        let counts = seen.counts(id);
        match &counts {
            Ok((pending, ..)) if *pending > 0 => {
                self.pending_since.entry(known.name.clone()).or_insert(seen.decision.at);
            }
            Ok(_) => {
                self.pending_since.remove(&known.name);
            }
            Err(_) => {}
        }
        let refusals = seen.refusals.iter().filter(|((name, _), _)| *name == known.name);
        let (pending, claimed, counted) = match counts {
            Ok((pending, claimed, counted)) => (Some(pending), Some(claimed), Some(counted)),
            Err(_) => (None, None, None),
        };
        WorkerTypeView {
            name: known.name.clone(),
            pending,
            claimed,
            counted,
            pending_since: self.pending_since.get(&known.name).copied(),
            queue_error: seen.counts(id).err(),
            capacity_min: known.capacity_min,
            capacity_max: known.capacity_max,
            capacity: Capacity {
                requested: supply.requested,
                pending: supply.pending,
                running: supply.running + supply.working,
                stopping: supply.stopping,
            },
            spend,
            launches: self.launches.get(&known.name).copied().unwrap_or_default(),
            refusals: refusals.map(|((_, why), count)| ((*why).to_owned(), *count)).collect(),
        }
    }
}

/// What the instances of each worker type cost an hour now.
fn spends(seen: &Seen<'_>) -> Vec<Spend> {
    let config = seen.engine.config();
    let mut spends = vec![Spend::default(); config.worker_types.len()];
    let bills = |launch: &&Launch| launch.instance.is_some() && launch.stage != Stage::Stopping;
    for launch in seen.engine.launches().map(|(_, launch)| launch).filter(bills) {
        let Some(spend) = spends.get_mut(launch.worker_type.index()) else { continue };
        let (sum, price) = match launch.market {
            Market::Spot { .. } => {
                (&mut spend.spot, seen.price(launch.pool).map(|(_, price)| price))
            }
            Market::OnDemand => {
                let price = config.catalog.on_demand_price(launch.pool, seen.decision.at);
                (&mut spend.on_demand, price)
            }
        };
        let micros = price.map_or(0, UsdPerHour::micros);
        *sum = UsdPerHour::from_micros(sum.micros().saturating_add(micros));
    }
    spends
}

fn launch(seen: &Seen<'_>, id: u64, launch: &Launch) -> LaunchView {
    let config = seen.engine.config();
    LaunchView {
        launch: id,
        worker_type: config.worker_type_name(launch.worker_type).to_owned(),
        instance: launch.instance.and_then(|it| seen.name_of(it)).map(str::to_owned),
        state: match launch.stage {
            Stage::Requested => "requested",
            Stage::Pending => "pending",
            Stage::Running => "running",
            Stage::Working => "working",
            Stage::Stopping => "stopping",
        }
        .to_owned(),
        pool: pool_in_words(&config.catalog, launch.pool),
        lifecycle: match launch.market {
            Market::Spot { .. } => "spot",
            Market::OnDemand => "on-demand",
        }
        .to_owned(),
        capacity: launch.capacity,
        since: launch.requested,
    }
}

fn pool_in_words(catalog: &Catalog, pool: PoolId) -> String {
    let known = catalog.pools()[pool.index()];
    let (zone, product) = (catalog.zone_of(known.zone), catalog.product_name(known.product));
    format!("{} {} {product}", catalog.instance_type_of(known.instance_type).name, zone.name)
}

/// Pools, each as the first worker type that may use it finds it.
fn pools(seen: &Seen<'_>) -> Vec<PoolView> {
    let config = seen.engine.config();
    let mut closed = BTreeMap::new();
    for (id, known) in (0..).map(WorkerTypeId::new).zip(&config.worker_types) {
        if known.candidates.iter().all(|it| closed.contains_key(&it.pool)) {
            continue;
        }
        for it in seen.engine.alternatives(seen.decision.at, id, 1) {
            let why = it.closed.map(|reason| reason.describe(config).to_string());
            closed.entry(it.pool).or_insert(why);
        }
    }
    let catalog = &config.catalog;
    let view = |(pool, closed): (PoolId, Option<String>)| {
        let known = catalog.pools()[pool.index()];
        let zone = catalog.zone_of(known.zone);
        let price = seen.price(pool);
        PoolView {
            region: catalog.region_name(zone.region).to_owned(),
            zone: zone.name.clone(),
            instance_type: catalog.instance_type_of(known.instance_type).name.clone(),
            product: catalog.product_name(known.product).to_owned(),
            price: price.map(|(_, price)| price),
            price_since: price.map(|(since, _)| since),
            closed,
        }
    };
    closed.into_iter().map(view).collect()
}
