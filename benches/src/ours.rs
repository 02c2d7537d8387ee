//! The real simulator under the same workloads: real engine, ledger and accounting; no series, no
//! journal.
//!
//! W runs with the `estimator` that credits requested capacity once, which is W's rule, on demand.
//! With more worker types the same stream of tasks is spread evenly over them. Each then has a task
//! so rarely that most need a launch, and an event of that mix costs more whatever the worker types
//! cost. Two variants have one mix at any number of worker types: patient instances, of which there
//! are as few launches as in W, and instances that run one task each. W3 is a year of CI:
//! 12 million tasks in a daily and weekly rhythm over 50 worker types (Zipf 1), each with six of
//! 300 spot pools whose prices change every hour; the cheapest pool wins, instances are taken back
//! once in 20 hours, and cost is the exact price integral.

use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::guards::Guards;
use provisioner_engine::ids::{ImageId, PoolId, WorkerTypeId};
use provisioner_engine::random::{Seed, Stream};
use provisioner_engine::units::{Duration, Ratio, Time, UsdPerHour};
use provisioner_engine::worker_type::{
    BiasRule, BidRule, Candidate, EngineConfig, IdleCredit, Limits, Overshoot, PlacementPolicy,
    RequestedCredit, ScalingPolicy, SpendLimits, WorkerType,
};
use provisioner_sim::billing::{BillingRule, Reread};
use provisioner_sim::config::process::ProcessModel;
use provisioner_sim::config::{ClaimOrder, CloudModel, QueueModel, Regime, SimConfig, WorkerModel};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::input::{PriceChange, Priority, RETRIES_DEFAULT, Task, TaskSource};
use provisioner_sim::market::Market;
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, run};
use rand::RngExt;
use rand_distr::{Exp1, StandardNormal};

use crate::subject::{Run, cpu_s};
use crate::w::{self, WResult};

const NOW: DurationDist = DurationDist::Constant(Duration::ZERO);
const NEVER: Duration = Duration::from_hours(1_000_000);

/// W with its tasks spread over that many worker types.
#[must_use]
pub fn w(n: u64, seed: u64, worker_types: usize) -> Run {
    spread(n, seed, worker_types, &w_config(seed, worker_types))
}

/// W with that many worker types, all but one of them without tasks.
#[must_use]
pub fn w_one_of(n: u64, seed: u64, worker_types: usize) -> Run {
    spread(n, seed, 1, &w_config(seed, worker_types))
}

/// W spread, with instances that idle for so long that launches are as rare as with one type.
#[must_use]
pub fn w_patient(n: u64, seed: u64, worker_types: usize) -> Run {
    let mut config = w_config(seed, worker_types);
    for worker_type in &mut config.engine.worker_types {
        worker_type.idle_timeout = Duration::from_hours(11);
    }
    spread(n, seed, worker_types, &config)
}

/// W spread, with instances that run one task each: as many launches as tasks, with one worker
/// type or many.
#[must_use]
pub fn w_one_task_each(n: u64, seed: u64, worker_types: usize) -> Run {
    let mut config = w_config(seed, worker_types);
    for worker in &mut config.workers {
        worker.uptime_max = Some(Duration::from_ms(1));
    }
    spread(n, seed, worker_types, &config)
}

/// W spread over worker types of which no two have the same idle timeout: 100 s, 101 s, …
#[must_use]
pub fn w_own_timeouts(n: u64, seed: u64, worker_types: usize) -> Run {
    let mut config = w_config(seed, worker_types);
    for (worker_type, s) in config.engine.worker_types.iter_mut().zip(100..) {
        worker_type.idle_timeout = Duration::from_secs(s);
    }
    spread(n, seed, worker_types, &config)
}

/// W with every guard of the engine on, in a cloud that needs none of them.
#[must_use]
pub fn w_guarded(n: u64, seed: u64) -> Run {
    Run { w: None, ..spread(n, seed, 1, &guarded(seed)) }
}

/// The same, in a cloud, with workers and a queue where everything happens that happens.
#[must_use]
pub fn w_full(n: u64, seed: u64) -> Run {
    let mut config = guarded(seed);
    config.cloud = CloudModel::full(Regime::Capacity);
    config.queue = QueueModel::full();
    config.workers = vec![WorkerModel::full()];
    Run { w: None, ..spread(n, seed, 1, &config) }
}

fn guarded(seed: u64) -> SimConfig {
    let mut config = w_config(seed, 1);
    config.engine.guards = Guards::default();
    config.engine.limits.launches_per_call_max = Limits::default().launches_per_call_max;
    config
}

/// W's tasks over the first `busy` worker types.
fn spread(n: u64, seed: u64, busy: usize, config: &SimConfig) -> Run {
    let mut tasks = Elastic {
        arrivals: w::Arrivals::new(seed),
        choice: Seed(seed).purpose("worker type").stream(),
        worker_types: busy,
        now_ns: 0,
        left: n,
    };
    let outcome = run(config, &mut tasks, Hooks::default());
    let launches = f64::from(u32::try_from(outcome.total.launches.started).unwrap_or(u32::MAX));
    let is_w = busy == 1 && config.workers.iter().all(|worker| worker.uptime_max.is_none());
    let w = is_w.then(|| WResult {
        mean_wait_s: outcome.total.wait.mean_ms / 1e3,
        p95_wait_s: outcome.total.wait.p95.as_secs_f64(),
        launches,
        instance_hours: outcome.total.instance_time.as_hours_f64(),
        events: outcome.events,
    });
    Run { events: outcome.events, launches: Some(launches), w, setup_s: 0.0 }
}

/// W3 with that many tasks in its year. Price changes are useful events too.
#[must_use]
pub fn w3(n: u64, seed: u64) -> Run {
    let start = cpu_s();
    let config = w3_config(seed);
    let setup_s = cpu_s() - start;
    let mut tasks = Year::new(seed, n);
    let Outcome { events, .. } = run(&config, &mut tasks, Hooks::default());
    let events = events + config.market.prices().len() as u64;
    Run { setup_s, ..Run::of(events) }
}

/// What W says, given to the real simulator.
#[must_use]
pub fn w_config(seed: u64, worker_types: usize) -> SimConfig {
    let (mut catalog, pools) = catalog(1);
    let Pool { instance_type, product, .. } = catalog.pools()[0];
    let (region, price) = (catalog.region_of(pools[0]), UsdPerHour::from_micros(96_000));
    catalog.set_on_demand(region, instance_type, product, Time::EPOCH, price);
    let worker_type =
        |_| WorkerType { placement: PlacementPolicy::OnDemand, ..worker_type(&pools) };
    config(
        seed,
        catalog,
        (0..worker_types).map(worker_type).collect(),
        Market::new(1, vec![], vec![]),
    )
}

/// What W3 says, given to the real simulator.
#[must_use]
pub fn w3_config(seed: u64) -> SimConfig {
    const PER_TYPE: usize = POOLS / WORKER_TYPES;
    let (catalog, pools) = catalog(POOLS);
    let worker_types = pools.chunks(PER_TYPE).map(worker_type).collect();
    let mut config =
        config(seed, catalog, worker_types, Market::new(POOLS, hourly_prices(seed), vec![]));
    config.cloud.interruption_hazard = 1.0 / 20.0;
    config.cloud.spot_billing =
        BillingRule { reread: Reread::Continuous, ..BillingRule::SPOT_CAPACITY };
    config
}

const POOLS: usize = 300;
const WORKER_TYPES: usize = 50;
const YEAR: Duration = Duration::from_hours(365 * 24);

fn config(seed: u64, catalog: Catalog, worker_types: Vec<WorkerType>, market: Market) -> SimConfig {
    let boot = DurationDist::log_normal_of_mean(Duration::from_mins(2), 0.5);
    let worker = WorkerModel { boot, claim_order: ClaimOrder::LastIdled, ..WorkerModel::default() };
    let limits =
        Limits { launches_per_decision_max: 5_000, launches_per_call_max: 1, ..Limits::default() };
    SimConfig {
        seed: Seed(seed),
        start: Time::EPOCH,
        end: Time::EPOCH + YEAR * 30,
        drain: Duration::from_hours(24 * 30),
        warmup: Duration::ZERO,
        market,
        feed: None,
        cloud: CloudModel {
            answer: NOW,
            pending_to_running: NOW,
            termination: NOW,
            interruption_hazard: 0.0,
            ..CloudModel::capacity()
        },
        queue: QueueModel::default(),
        process: ProcessModel::default(),
        faults: Vec::new(),
        calm: None,
        workers: vec![worker; worker_types.len()],
        engine: EngineConfig {
            seed: Seed(seed),
            catalog,
            worker_types,
            limits,
            guards: Guards::off(),
        },
        observation_lag: NOW,
        series_step: None,
    }
}

fn worker_type(pools: &[PoolId]) -> WorkerType {
    let candidate = |pool: &PoolId| Candidate {
        image: ImageId::new(0),
        pool: *pool,
        capacity: 1,
        utility: Ratio::ONE,
        bias: Ratio::ONE,
        initial_weight: Ratio::ONE,
        capacity_max: None,
    };
    WorkerType {
        name: "bench/elastic".into(),
        capacity_min: 0,
        capacity_max: 5_000,
        price_min: UsdPerHour::ZERO,
        price_max: UsdPerHour::from_micros(10_000_000),
        candidates: pools.iter().map(candidate).collect(),
        scaling: ScalingPolicy::Estimator {
            scaling_ratio: Ratio::ONE,
            idle: IdleCredit::Existing,
            requested: RequestedCredit::Once,
        },
        placement: PlacementPolicy::Cheapest { bid: BidRule::default(), bias: BiasRule::Off },
        overshoot: Overshoot::Never,
        request_timeout: Duration::from_mins(20),
        registration_timeout: None,
        lifetime_max: NEVER,
        idle_timeout: Duration::from_mins(10),
        floors: Vec::new(),
        on_demand_after: None,
        spend: SpendLimits::default(),
    }
}

fn catalog(pools: usize) -> (Catalog, Vec<PoolId>) {
    let mut catalog = Catalog::new();
    let product = catalog.product("Linux/UNIX");
    catalog.image("image");
    let zones: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .map(|letter| catalog.zone("us-east-1", &format!("us-east-1{letter}")))
        .into();
    let ids = (0..pools).map(|index| {
        let instance_type = catalog.instance_type(&format!("m5.size{}", index / zones.len()), 2);
        catalog.pool(Pool { zone: zones[index % zones.len()], instance_type, product })
    });
    let ids = ids.collect();
    (catalog, ids)
}

/// A year of prices that change every hour, each pool at its own minute.
fn hourly_prices(seed: u64) -> Vec<PriceChange> {
    let mut random = Seed(seed).purpose("price").stream();
    let mut change = |at, index| PriceChange {
        at: Time::EPOCH + at,
        pool: PoolId::new(index),
        price: UsdPerHour::from_micros(random.random_range(20_000..60_000)),
    };
    let mut prices = Vec::with_capacity(POOLS * (365 * 24 + 1));
    prices.extend((0..POOLS).map(|index| change(Duration::ZERO, index)));
    for minute in 60..365 * 24 * 60 {
        let of_minute = (usize::try_from(minute % 60).unwrap_or(0)..POOLS).step_by(60);
        prices.extend(of_minute.map(|index| change(Duration::from_mins(minute), index)));
    }
    prices
}

/// W's tasks.
struct Elastic {
    arrivals: w::Arrivals,
    choice: Stream,
    worker_types: usize,
    now_ns: u64,
    left: u64,
}

impl TaskSource for Elastic {
    fn next_task(&mut self) -> Option<Task> {
        self.left = self.left.checked_sub(1)?;
        self.now_ns += self.arrivals.gap();
        let worker_type = match self.worker_types {
            1 => 0,
            n => self.choice.random_range(..n),
        };
        Some(task(self.now_ns / 1_000_000, self.arrivals.service() / 1_000_000, worker_type))
    }
}

/// W3's tasks: a Poisson stream whose rate changes by the hour.
struct Year {
    random: Stream,
    /// Tasks per millisecond in each hour of the week.
    rates: Vec<f64>,
    /// A worker type for each of equally likely chances: a small table, so that the measured
    /// simulator keeps its caches.
    zipf: Vec<u8>,
    now_ms: f64,
    hour_ends_ms: f64,
    rate: f64,
    left: u64,
}

/// How finely the worker types' chances are told apart.
const CHANCES: usize = 1 << 14;

impl Year {
    fn new(seed: u64, n: u64) -> Self {
        let weight = |rank: usize| 1.0 / f64::from(u32::try_from(rank).unwrap_or(u32::MAX));
        let all: f64 = (1..=WORKER_TYPES).map(weight).sum();
        let (mut zipf, mut sum) = (Vec::with_capacity(CHANCES), 0.0);
        for (index, rank) in (0..).zip(1..=WORKER_TYPES) {
            sum += weight(rank) / all;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "below 2^14"
            )]
            zipf.resize((sum * CHANCES as f64) as usize, index);
        }
        zipf.resize(CHANCES, zipf.last().copied().unwrap_or(0));
        let rhythm: Vec<f64> = (0..7 * 24).map(rhythm).collect();
        let mean = rhythm.iter().sum::<f64>() / rhythm.len() as f64;
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more")]
        let rates = rhythm.iter().map(|share| share / mean * n as f64 / YEAR.ms() as f64).collect();
        let random = Seed(seed).purpose("year").stream();
        Self { random, rates, zipf, now_ms: 0.0, hour_ends_ms: 0.0, rate: 0.0, left: n }
    }
}

/// The share of tasks in each hour of the week: a sine over the day, 0.3 of it on two days.
fn rhythm(hour: u32) -> f64 {
    let week = if hour < 5 * 24 { 1.0 } else { 0.3 };
    week * (1.0 + 0.9 * (f64::from(hour) / 24.0 * std::f64::consts::TAU).sin())
}

impl TaskSource for Year {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a year fits")]
    fn next_task(&mut self) -> Option<Task> {
        self.left = self.left.checked_sub(1)?;
        loop {
            let gap: f64 = self.random.sample(Exp1);
            let at_ms = self.now_ms + gap / self.rate;
            if at_ms < self.hour_ends_ms {
                self.now_ms = at_ms;
                break;
            }
            // Nothing more in this hour; the next begins anew, as the stream has no memory.
            self.now_ms = self.hour_ends_ms;
            self.rate = self.rates[(self.now_ms / 3_600_000.0) as usize % self.rates.len()];
            self.hour_ends_ms += 3_600_000.0;
        }
        let worker_type = usize::from(self.zipf[self.random.random_range(..CHANCES)]);
        let normal: f64 = self.random.sample(StandardNormal);
        let service_s = 900.0 * (normal - 0.5).exp();
        Some(task(self.now_ms as u64, (service_s * 1e3) as u64, worker_type))
    }
}

fn task(submitted_ms: u64, duration_ms: u64, worker_type: usize) -> Task {
    Task {
        submitted: Time::from_ms(submitted_ms.cast_signed()),
        duration: Duration::from_ms(duration_ms.cast_signed().max(1)),
        deadline: Time::MAX,
        worker_type: WorkerTypeId::new(worker_type),
        priority: Priority::default(),
        retries: RETRIES_DEFAULT,
    }
}
