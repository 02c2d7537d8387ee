//! A scenario with its inputs: what runs are made of.

use std::sync::Arc;

use provisioner_engine::catalog::Catalog;
use provisioner_engine::ids::{PoolId, WorkerTypeId};
use provisioner_engine::random::Seed;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::EngineConfig;
use provisioner_files::engine::floors;
use provisioner_sim::config::feed::FeedModel;
use provisioner_sim::config::process::ProcessModel;
use provisioner_sim::config::{CloudModel, Fault, QueueModel, WorkerModel};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::generate::availability::AvailabilityModel;
use provisioner_sim::generate::prices::{PriceModel, PricedPool};
use provisioner_sim::generate::tasks::TaskModel;
use provisioner_sim::input::{AvailabilityChange, PriceChange, Task};
use provisioner_sim::market::Market;

use super::checks::Check;
use super::inputs::Inputs;
use super::names::Names;
use super::pools::Pools;
use super::protection::Protection;
use super::schema::{AvailabilityDoc, Document, PricesDoc, Span, TasksDoc};
use crate::traces::TaskList;

/// Everything a file describes.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) seed: Seed,
    pub(super) span: Span,
    pub(super) engine: EngineConfig,
    /// The same without what its accident is about, if it says so.
    pub(super) unguarded: Option<EngineConfig>,
    pub(super) feed: Option<FeedModel>,
    pub(super) cloud: CloudModel,
    pub(super) observation_lag: DurationDist,
    pub(super) queue: QueueModel,
    pub(super) process: ProcessModel,
    pub(super) faults: Vec<Fault>,
    pub(super) workers: Vec<WorkerModel>,
    /// By worker type.
    tasks: Vec<Tasks>,
    market: MarketSource,
    pub(super) checks: Vec<Check>,
}

/// Where a worker type's tasks come from.
#[derive(Debug)]
pub(super) enum Tasks {
    Generated(TaskModel),
    Recorded(Arc<TaskList>),
    Listed(Arc<[Task]>),
}

/// Where the market comes from.
#[derive(Debug)]
enum MarketSource {
    /// The same for every seed.
    Recorded(Market),
    Generated(Box<(Prices, Availability)>),
}

#[derive(Debug)]
enum Prices {
    Generated(PriceModel, Vec<PricedPool>),
    Recorded(Vec<PriceChange>),
}

#[derive(Debug)]
enum Availability {
    Generated(AvailabilityModel, Vec<PoolId>),
    Recorded(Vec<AvailabilityChange>),
}

impl Resolved {
    /// Each worker type's tasks.
    pub(super) fn tasks(&self) -> impl Iterator<Item = (WorkerTypeId, &Tasks)> {
        (0..).map(WorkerTypeId::new).zip(&self.tasks)
    }

    /// What the market does in a run with this seed.
    pub(super) fn market(&self, seed: Seed) -> Market {
        let (prices, availability) = match &self.market {
            MarketSource::Recorded(market) => return market.clone(),
            MarketSource::Generated(laws) => (&laws.0, &laws.1),
        };
        let span = (self.span.start, self.span.last());
        let prices = match prices {
            Prices::Generated(model, pools) => model.generate(pools, seed, span),
            Prices::Recorded(changes) => changes.clone(),
        };
        let availability = match availability {
            Availability::Generated(model, pools) => {
                let catalog = &self.engine.catalog;
                let keyed: Vec<_> =
                    pools.iter().map(|pool| (*pool, catalog.pool_key(*pool))).collect();
                model.generate(&keyed, seed, span)
            }
            Availability::Recorded(changes) => changes.clone(),
        };
        Market::new(self.engine.catalog.pools().len(), prices, availability)
    }
}

/// Joins what was written with its inputs. What is wrong is added to the issues of `inputs`; the
/// result is of use only if there are none.
pub(super) fn resolve(doc: Document, stem: &str, inputs: &mut Inputs<'_>) -> Resolved {
    let supply = inputs.supply(&doc);
    let mut pools = Pools::new(&supply);
    let (mut worker_types, mut workers, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
    let mut unchanged_floors = Vec::new();
    let lasts = (doc.span.start, doc.span.last());
    for (name, worker_type) in doc.worker_types {
        let candidates = pools.candidates(&name, &worker_type.engine, &mut inputs.issues);
        tasks.push(match worker_type.tasks {
            TasksDoc::Generated(model) => Tasks::Generated(model),
            TasksDoc::Recorded(recorded) => Tasks::Recorded(inputs.tasks(&recorded, doc.span)),
            TasksDoc::Listed(batches) => {
                let worker_type = WorkerTypeId::new(tasks.len());
                let all = batches.iter().flat_map(|it| it.tasks(worker_type, doc.span.start));
                let mut listed: Vec<Task> = all.collect();
                listed.sort_by_key(|task| task.submitted);
                Tasks::Listed(listed.into())
            }
        });
        workers.push(worker_type.workers);
        let floors = &worker_type.engine.floors;
        unchanged_floors.push(floors::unchanged(floors, lasts));
        let floors = floors::resolve(floors, lasts);
        worker_types.push(worker_type.engine.into_worker_type(name, candidates, floors));
    }
    let catalog = pools.finish(doc.span.start, &mut inputs.remarks);
    let prices = match doc.market.prices.value {
        PricesDoc::Generated(model) => Prices::Generated(model, priced(&catalog, doc.span.start)),
        PricesDoc::Recorded(_) => Prices::Recorded(supply.price_changes(&catalog)),
    };
    let availability = match doc.market.availability.value {
        AvailabilityDoc::Unlimited => Availability::Recorded(Vec::new()),
        AvailabilityDoc::Generated(model) => {
            Availability::Generated(model, (0..catalog.pools().len()).map(PoolId::new).collect())
        }
        AvailabilityDoc::Recorded(recorded) => {
            Availability::Recorded(inputs.availability(&recorded, &catalog, doc.span))
        }
    };
    let market = match (prices, availability) {
        (Prices::Recorded(prices), Availability::Recorded(availability)) => {
            let market = Market::new(catalog.pools().len(), prices, availability);
            MarketSource::Recorded(inputs.library.market(market))
        }
        laws => MarketSource::Generated(Box::new(laws)),
    };
    let names = Names::new(&catalog, &worker_types);
    let mut cloud = doc.cloud.model;
    cloud.launch.not_offered = names.pools(&doc.cloud.not_offered, &mut inputs.issues);
    names.uncounted(&cloud, &mut inputs.remarks);
    let never = doc.faults.iter().filter(|(_, fault)| doc.span.start + fault.from >= doc.span.end);
    inputs.remarks.extend(never.map(|(name, _)| {
        format!("fault `{name}` begins after the end: it matters at most to the last tasks")
    }));
    let faults = doc.faults.into_iter();
    let faults =
        faults.map(|(_, fault)| names.fault(fault, doc.span.start, &mut inputs.issues)).collect();
    let engine = EngineConfig {
        seed: doc.seed,
        catalog,
        worker_types,
        limits: doc.limits,
        guards: doc.guards,
    };
    let mut unguarded = (!doc.without.is_empty()).then(|| engine.clone());
    for protection in doc.without {
        let Some(engine) = &mut unguarded else { continue };
        protection.take_from(engine);
        if protection == Protection::ClockChanges {
            let worker_types = engine.worker_types.iter_mut().zip(&unchanged_floors);
            worker_types.for_each(|(it, floors)| it.floors.clone_from(floors));
        }
    }
    Resolved {
        name: doc.name.unwrap_or_else(|| stem.to_owned()),
        description: doc.description,
        seed: doc.seed,
        span: doc.span,
        engine,
        unguarded,
        feed: doc.market.feed,
        cloud,
        observation_lag: doc.cloud.observation_lag,
        queue: doc.queue,
        process: doc.process,
        faults,
        workers,
        tasks,
        market,
        checks: doc.checks,
    }
}

/// All pools, with what their instance type costs on demand when the run begins.
fn priced(catalog: &Catalog, start: Time) -> Vec<PricedPool> {
    let priced = |pool| {
        let on_demand = catalog.on_demand_price(pool, start)?;
        Some(PricedPool { pool, key: catalog.pool_key(pool), on_demand })
    };
    (0..catalog.pools().len()).map(PoolId::new).filter_map(priced).collect()
}
