//! An outcome that looks like a real one, and a configuration that it could have come from.

use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::guards::Guards;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time, Usd, UsdPerHour};
use provisioner_engine::worker_type::{
    EngineConfig, Limits, Overshoot, PlacementPolicy, RequestedCounts, ScalingPolicy, SpendLimits,
    WorkerType,
};
use provisioner_scenarios::experiment::Axis;
use provisioner_scenarios::results::{Manifest, ManifestPoint, RESULTS_FORMAT, Results};
use provisioner_sim::config::process::ProcessModel;
use provisioner_sim::config::{CloudModel, QueueModel, SimConfig, WorkerModel};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::market::Market;
use provisioner_sim::outcome::{
    ApiCalls, Cost, HabitMeasures, LaunchMeasures, LimitMeasures, Measures, NoticeMeasures,
    OUTCOME_VERSION, Outcome, Ownership, SafetyMeasures, SpendMeasures, TaskMeasures, Wait,
};

use crate::Run;

pub(crate) fn run() -> Run {
    Run {
        scenario: "firefox-ci".to_owned(),
        scenario_hash: "9f3c2b7a11d04e58".to_owned(),
        seed: 7,
        commit: "1c798b7aa012".to_owned(),
    }
}

/// A configuration with the worker types of `outcome` and one pool.
pub(crate) fn config(outcome: &Outcome) -> SimConfig {
    let mut catalog = Catalog::new();
    let pool = Pool {
        zone: catalog.zone("us-east-1", "us-east-1b"),
        instance_type: catalog.instance_type("m3.medium", 1),
        product: catalog.product("Linux/UNIX"),
    };
    catalog.pool(pool);
    let worker_type = |measures: &Measures| WorkerType {
        name: measures.name.clone(),
        capacity_min: 0,
        capacity_max: 1_000,
        price_min: UsdPerHour::ZERO,
        price_max: UsdPerHour::ZERO,
        candidates: Vec::new(),
        scaling: ScalingPolicy::ScalingRatio {
            scaling_ratio: provisioner_engine::units::Ratio::ZERO,
            requested_counts: RequestedCounts::OneEach,
        },
        placement: PlacementPolicy::OnDemand,
        overshoot: Overshoot::Never,
        request_timeout: Duration::from_mins(20),
        registration_timeout: None,
        lifetime_max: Duration::from_hours(96),
        idle_timeout: Duration::from_mins(15),
        floors: Vec::new(),
        on_demand_after: None,
        spend: SpendLimits::default(),
    };
    let worker_types: Vec<_> = outcome.worker_types.iter().map(worker_type).collect();
    SimConfig {
        seed: Seed(7),
        start: outcome.started,
        end: outcome.finished,
        drain: Duration::DAY,
        warmup: Duration::HOUR,
        market: Market::default(),
        feed: None,
        cloud: CloudModel::capacity(),
        queue: QueueModel::default(),
        faults: Vec::new(),
        process: ProcessModel::default(),
        calm: None,
        workers: vec![WorkerModel::default(); worker_types.len()],
        observation_lag: DurationDist::Constant(Duration::ZERO),
        series_step: None,
        engine: EngineConfig {
            seed: Seed(7),
            catalog,
            worker_types,
            limits: Limits { launches_per_call_max: 1, ..Limits::default() },
            guards: Guards::off(),
        },
    }
}

/// The measures of a worker type that cost `size` × $1.234567.
pub(crate) fn worker_type(name: &str, size: i64) -> Measures {
    let count = size.unsigned_abs();
    let part = |micros: i64| Usd::from_micros(size * micros);
    Measures {
        name: name.to_owned(),
        cost: Cost {
            spot: part(1_200_000),
            on_demand: part(34_567),
            useful: part(1_000_000),
            idle: part(134_567),
            boot: part(60_000),
            redone: part(30_000),
            wasted: part(10_000),
        },
        wait: Wait {
            count: count * 330,
            mean_ms: 61_234.5,
            p50: Duration::from_ms(8_200),
            p95: Duration::from_ms(243_000),
            p99: Duration::from_ms(3_725_000),
            max: Duration::from_ms(97_380_000),
        },
        tasks: TaskMeasures {
            submitted: count * 340,
            done: count * 337,
            rerun: count * 4,
            expired: count,
            exhausted: 0,
            left: count * 2,
        },
        launches: LaunchMeasures {
            ordered: count * 21,
            insufficient_capacity: count * 3,
            price_too_low: 0,
            cancelled: count * 2,
            unmade: 0,
            started: count * 16,
            interrupted: count,
            terminated: 0,
            stopped: count * 15,
            ..LaunchMeasures::default()
        },
        habits: HabitMeasures { moves: count / 4, reversals: 0 },
        safety: SafetyMeasures {
            claimed_ended: 0,
            spared: count,
            zombie_time: Duration::from_mins(size * 3),
            double_launches: 0,
        },
        instance_time: Duration::from_mins(size * 770),
        capacity_time: Duration::from_mins(size * 770),
        useful_time: Duration::from_mins(size * 620),
        over_provisioned_time: Duration::from_mins(size * 90),
        ..Measures::default()
    }
}

/// Three worker types and their total.
pub(crate) fn outcome() -> Outcome {
    let names =
        ["gecko-3/b-linux", "gecko-t/t-linux-large", "proj-autophone/gecko-t-bitbar-gw-perf"];
    let sizes = [100, 480, 12];
    let worker_types: Vec<_> =
        names.into_iter().zip(sizes).map(|(name, size)| worker_type(name, size)).collect();
    Outcome {
        version: OUTCOME_VERSION,
        started: Time::from_ms(1_454_284_800_000),
        finished: Time::from_ms(1_454_684_823_000),
        total: worker_type("", sizes.iter().sum()),
        worker_types,
        largest_pool_share: 0.34,
        largest_pool: "m3.medium/us-east-1b".to_owned(),
        api_calls: ApiCalls { launch: 12_432, cancel: 1_184, terminate: 3, ..ApiCalls::default() },
        spend: SpendMeasures {
            price_max: UsdPerHour::from_micros(170_000),
            committed_peak: UsdPerHour::from_micros(4_930_000),
            committed_day_max: Usd::from_micros(40_100_000),
        },
        ownership: Ownership::default(),
        notices: NoticeMeasures {
            seen: 11,
            missed: 1,
            losses: 12,
            losses_counted: 12,
            ..Default::default()
        },
        restarts: 0,
        iterations: 6_667,
        limits: LimitMeasures::default(),
        events: 1_234_567,
        decision_digest: "9c44e01f3a5b7d20".to_owned(),
    }
}

/// Results of two points with two seeds each; each run costs $200 more than the one before it.
pub(crate) fn results() -> Results {
    let axis = |name: &str, levels: &[&str]| Axis {
        name: name.to_owned(),
        given: false,
        levels: levels.iter().map(|level| (*level).to_owned()).collect(),
    };
    let point = |policy: &str| ManifestPoint {
        levels: vec![policy.to_owned(), "2".to_owned()],
        scenario_hash: format!("{policy:0>16}"),
    };
    let manifest = Manifest {
        format: RESULTS_FORMAT,
        outcome: OUTCOME_VERSION,
        experiment: "bids".to_owned(),
        hash: "00aa11bb22cc33dd".to_owned(),
        commit: run().commit,
        axes: vec![axis("policy", &["ours", "old"]), axis("bid", &["2"])],
        seeds: vec![7, 8],
        points: vec![point("ours"), point("old")],
        shard: None,
    };
    let nth = |run: usize| {
        let mut outcome = outcome();
        let more = Usd::from_micros(200_000_000 * i64::try_from(run).expect("one of four"));
        outcome.total.cost.spot += more;
        outcome.total.cost.useful += more;
        (run, outcome)
    };
    Results { manifest, outcomes: (0..4).map(nth).collect() }
}
