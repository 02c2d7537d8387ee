//! Small worlds in a few lines, for the tests of the whole simulator.
//!
//! Unless a test says otherwise nothing takes time, nothing is interrupted, an on-demand instance
//! costs $0.36 an hour (100 micro-dollars a second), and a run lasts a day from time zero.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::fmt::Write as _;

use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::decision::{Action, Decision, Market as BoughtIn};
use provisioner_engine::guards::Guards;
use provisioner_engine::ids::{ImageId, PoolId, WorkerTypeId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, Time, UsdPerHour};
use provisioner_engine::worker_type::{
    BiasRule, BidRule, Candidate, EngineConfig, IdleCredit, Limits, Overshoot, PlacementPolicy,
    RequestedCredit, ScalingPolicy, SpendLimits, WorkerType,
};
use provisioner_sim::config::process::ProcessModel;
use provisioner_sim::config::{
    ClaimOrder, CloudModel, IdleStop, QueueModel, Regime, SimConfig, WorkerModel,
};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::generate::sources::RecordedTasks;
use provisioner_sim::input::{AvailabilityChange, PriceChange, Priority, RETRIES_DEFAULT, Task};
use provisioner_sim::market::Market;
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, Sample, Step, Transition, run};

pub const NO_DELAY: DurationDist = DurationDist::Constant(Duration::ZERO);
pub const FOR_EVER: Duration = Duration::from_hours(10_000 * 366 * 24);

/// What the first pool, zone `a`, costs on demand.
pub const ON_DEMAND: UsdPerHour = UsdPerHour::from_micros(360_000);

/// The 2017 placement without its memory: bid twice the market price.
pub const CHEAPEST: PlacementPolicy = PlacementPolicy::Cheapest {
    bid: BidRule {
        price_window: Duration::from_mins(30),
        multiplier: Ratio::from_millionths(2_000_000),
        price_min: provisioner_engine::worker_type::PriceMinRule::Divided,
        over_cap: provisioner_engine::worker_type::OverCap::Refused,
    },
    bias: BiasRule::Off,
};

/// A world of these worker types; the catalog has as many pools as they name.
pub fn world(worker_types: Vec<WorkerType>) -> SimConfig {
    let candidates = worker_types.iter().flat_map(|worker_type| &worker_type.candidates);
    let pools = candidates.map(|candidate| candidate.pool.index() + 1).max().unwrap_or(0);
    let workers = worker_types.iter().map(|_| worker()).collect();
    SimConfig {
        seed: Seed(1),
        engine: EngineConfig {
            seed: Seed(2),
            catalog: catalog(pools),
            worker_types,
            limits: Limits { launches_per_call_max: 1, ..Limits::default() },
            guards: Guards::off(),
        },
        start: Time::EPOCH,
        end: Time::EPOCH + Duration::DAY,
        drain: Duration::ZERO,
        warmup: Duration::ZERO,
        market: Market::new(pools, Vec::new(), Vec::new()),
        feed: None,
        cloud: cloud(Regime::Capacity),
        queue: QueueModel::default(),
        process: ProcessModel::default(),
        faults: Vec::new(),
        calm: None,
        workers,
        observation_lag: NO_DELAY,
        series_step: None,
    }
}

/// Zones `us-east-1a`, `b`, … of one instance type.
pub fn catalog(pools: usize) -> Catalog {
    catalog_of(pools, 2)
}

/// The same of instances with that many virtual CPUs.
pub fn catalog_of(pools: usize, vcpus: u32) -> Catalog {
    let mut catalog = Catalog::new();
    let (region, product) = (catalog.region("us-east-1"), catalog.product("Linux/UNIX"));
    catalog.image("image");
    let instance_type = catalog.instance_type("m3.large", vcpus);
    for letter in ('a'..='z').take(pools) {
        let zone = catalog.zone("us-east-1", &format!("us-east-1{letter}"));
        catalog.pool(Pool { zone, instance_type, product });
    }
    catalog.set_on_demand(region, instance_type, product, Time::EPOCH, ON_DEMAND);
    catalog
}

/// A worker type that buys on demand what it needs, at once, up to `capacity_max`.
pub fn worker_type(name: &str, capacity_max: u32) -> WorkerType {
    WorkerType {
        name: name.to_owned(),
        capacity_min: 0,
        capacity_max,
        price_min: UsdPerHour::ZERO,
        price_max: UsdPerHour::from_micros(10_000_000),
        candidates: vec![candidate(0)],
        scaling: ScalingPolicy::Estimator {
            scaling_ratio: Ratio::ONE,
            idle: IdleCredit::Existing,
            requested: RequestedCredit::Once,
        },
        placement: PlacementPolicy::OnDemand,
        overshoot: Overshoot::Never,
        request_timeout: Duration::from_mins(20),
        registration_timeout: None,
        lifetime_max: FOR_EVER,
        idle_timeout: Duration::from_mins(10),
        floors: Vec::new(),
        on_demand_after: None,
        spend: SpendLimits::default(),
    }
}

/// One task at a time, as fast as any, in the pool with this number.
pub fn candidate(pool: usize) -> Candidate {
    Candidate {
        image: ImageId::new(0),
        pool: PoolId::new(pool),
        capacity: 1,
        utility: Ratio::ONE,
        bias: Ratio::ONE,
        initial_weight: Ratio::ONE,
        capacity_max: None,
    }
}

/// An EC2 that does everything at once and takes nothing back.
pub fn cloud(regime: Regime) -> CloudModel {
    let model = match regime {
        Regime::Outbid => CloudModel::outbid(),
        Regime::Capacity => CloudModel::capacity(),
    };
    CloudModel {
        answer: NO_DELAY,
        pending_to_running: NO_DELAY,
        termination: NO_DELAY,
        termination_gpu: NO_DELAY,
        termination_metal: NO_DELAY,
        notice_missing: 0.0,
        interruption_hazard: 0.0,
        ..model
    }
}

/// A worker that boots at once; the last to become idle claims first.
pub fn worker() -> WorkerModel {
    WorkerModel {
        boot: NO_DELAY,
        claim_order: ClaimOrder::LastIdled,
        idle_stop: IdleStop::AfterTimeout,
        ..WorkerModel::default()
    }
}

/// A market of as many pools as `config` knows, from lines of `time zone price` and
/// `time zone available N`.
pub fn market(config: &SimConfig, lines: &str) -> Market {
    let (mut prices, mut availability) = (Vec::new(), Vec::new());
    for words in lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
        match words[..] {
            [] => {}
            [at, zone, price] => prices.push(PriceChange {
                at: time(at),
                pool: pool(zone),
                price: UsdPerHour::from_micros(micros(price)),
            }),
            [at, zone, "available", number] => availability.push(AvailabilityChange {
                at: time(at),
                pool: pool(zone),
                available: number.parse().expect("a number of instances"),
            }),
            _ => panic!("a market line is `time zone price` or `time zone available N`: {words:?}"),
        }
    }
    Market::new(config.engine.catalog.pools().len(), prices, availability)
}

/// Tasks of the first worker type, from lines of `submitted duration [number ×] [words]`, where
/// words are a priority, `deadline TIME` and `retries N`.
pub fn tasks(lines: &str) -> RecordedTasks {
    let mut tasks = Vec::new();
    for line in lines.lines() {
        let mut words = line.split_whitespace();
        let Some(submitted) = words.next() else { continue };
        let mut task = Task {
            submitted: time(submitted),
            duration: duration(words.next().expect("a task has a duration")),
            deadline: Time::MAX,
            worker_type: WorkerTypeId::new(0),
            priority: Priority::default(),
            retries: RETRIES_DEFAULT,
        };
        let mut number = 1;
        while let Some(word) = words.next() {
            let mut value = || words.next().expect("a word with a value");
            match word {
                "deadline" => task.deadline = time(value()),
                "retries" => task.retries = value().parse().expect("a number of retries"),
                "times" => number = value().parse().expect("a number of tasks"),
                priority => {
                    let named = Priority::ALL.into_iter().find(|known| known.name() == priority);
                    task.priority = named.expect("a priority");
                }
            }
        }
        tasks.extend(std::iter::repeat_n(task, number));
    }
    RecordedTasks::new(tasks.into())
}

/// A run without onlookers.
pub fn outcome(config: &SimConfig, mut tasks: RecordedTasks) -> Outcome {
    run(config, &mut tasks, Hooks::default())
}

/// A run, everything it journalled, and its samples.
pub fn watched(
    config: &SimConfig,
    mut tasks: RecordedTasks,
) -> (Outcome, Vec<Record>, Vec<Sample>) {
    let (mut records, mut samples) = (Vec::new(), Vec::new());
    let hooks = Hooks {
        journal: Some(&mut |record| records.push(record)),
        sample: Some(&mut |sample| samples.push(sample)),
        ..Hooks::default()
    };
    let outcome = run(config, &mut tasks, hooks);
    (outcome, records, samples)
}

/// A run, and each step of its instances and requests through EC2's states.
pub fn walked(config: &SimConfig, mut tasks: RecordedTasks) -> (Outcome, Vec<Transition>) {
    let mut steps = Vec::new();
    let hooks = Hooks { transition: Some(&mut |step| steps.push(step)), ..Hooks::default() };
    let outcome = run(config, &mut tasks, hooks);
    (outcome, steps)
}

/// The same in words, a line each.
pub fn walk(config: &SimConfig, tasks: RecordedTasks) -> String {
    let mut told = String::new();
    for Transition { at, launch, step } in walked(config, tasks).1 {
        let line = match step {
            Step::Instance { to, reason: None, .. } => format!("instance {to}"),
            Step::Instance { to, reason: Some(reason), .. } => {
                format!("instance {to}: {}", reason.code())
            }
            Step::Request { to, .. } => format!("request {:?}: {to}", to.state()).to_lowercase(),
        };
        writeln!(told, "{} {launch} {line}", clock(at)).expect("a string takes all");
    }
    told
}

/// What happened, line by line, and what became of it.
pub fn story(config: &SimConfig, tasks: RecordedTasks) -> String {
    let (outcome, records, _) = watched(config, tasks);
    let mut told = String::new();
    for record in records {
        match record {
            Record::Observed { at, observation } => fact(&mut told, at, observation),
            Record::Configured { at, config } => {
                let types = config.worker_types.len();
                writeln!(told, "{} {types} worker types", clock(at)).expect("a string takes all");
            }
            Record::Decided(decision) => orders(&mut told, config, &decision),
        }
    }
    told + &summary(&outcome)
}

/// What became of it, in two lines.
pub fn summary(outcome: &Outcome) -> String {
    let mut told = String::new();
    let (tasks, cost) = (outcome.total.tasks, outcome.total.cost);
    let counts = [
        ("done", tasks.done),
        ("rerun", tasks.rerun),
        ("expired", tasks.expired),
        ("exhausted", tasks.exhausted),
        ("left", tasks.left),
    ];
    let counts = counts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}"));
    let counts: Vec<String> = counts.collect();
    let wait = outcome.total.wait;
    writeln!(
        told,
        "{} end: {}, longest wait {}",
        clock(outcome.finished),
        counts.join(", "),
        wait.max
    )
    .expect("a string takes all");
    let costs = [
        ("spot", cost.spot),
        ("on demand", cost.on_demand),
        ("useful", cost.useful),
        ("idle", cost.idle),
        ("boot", cost.boot),
        ("redone", cost.redone),
        ("wasted", cost.wasted),
    ];
    let costs = costs.iter().filter(|(_, usd)| usd.micros() != 0);
    let costs: Vec<String> = costs.map(|(what, usd)| format!("{what} {}", usd.micros())).collect();
    let costs = if costs.is_empty() { "nothing".to_owned() } else { costs.join(", ") };
    writeln!(told, "micro-dollars: {costs}").expect("a string takes all");
    told
}

fn fact(told: &mut String, at: Time, observation: Observation) {
    let at = clock(at);
    let line = match observation {
        Observation::DemandCounted { pending, claimed, .. } => {
            format!("queue: {pending} pending, {claimed} claimed")
        }
        Observation::PriceChanged { pool, price, .. } => {
            format!("price: {} {price}", zone(pool))
        }
        Observation::LaunchRefused { launch, refusal } => format!("{launch} refused: {refusal:?}"),
        Observation::WorkerRegistered { launch } => format!("{launch} works"),
        Observation::InterruptionNoticed { launch, ends_at } => {
            format!("{launch} is noticed, ends {}", clock(ends_at))
        }
        Observation::InstanceEnded { launch, cause } => format!("{launch} ended by {cause:?}"),
        Observation::DemandUnknown { .. } => "queue: unknown".to_owned(),
        Observation::CallUnanswered { launch } => format!("{launch} is not answered"),
        Observation::CallThrottled { call, launch, .. } => {
            format!("throttled: {call:?} {launch:?}")
        }
        Observation::Restarted => "restarted".to_owned(),
        Observation::WorkerChecked { launch, claimed, .. } => format!("{launch} holds {claimed}"),
        Observation::WorkerIdled { launch } => format!("{launch} asks whether to stop"),
        Observation::RebalanceRecommended { launch } => format!("{launch} is at risk"),
        Observation::InstanceFound { instance, launch, .. } => {
            format!("{instance} is found, of {launch:?}")
        }
        Observation::InstanceMissed { launch, .. } => format!("{launch} is missing"),
        Observation::StrayEnded { instance } => format!("{instance} ended"),
        Observation::InstancePending { .. }
        | Observation::InstanceRunning { .. }
        | Observation::InstanceStopping { .. }
        | Observation::QueuesRead { .. }
        | Observation::PricesRead { .. }
        | Observation::InstancesListed { .. } => return,
    };
    writeln!(told, "{at} {line}").expect("a string takes all");
}

fn orders(told: &mut String, _config: &SimConfig, decision: &Decision) {
    for action in &decision.actions {
        let line = match action {
            Action::Launch { launch, count: 2.., pool, .. } => {
                format!("launch {launch} and more in {}", zone(*pool))
            }
            Action::Launch { launch, pool, market, .. } => match market {
                BoughtIn::OnDemand => format!("launch {launch} in {} on demand", zone(*pool)),
                BoughtIn::Spot { max_price: Some(bid) } => {
                    format!("launch {launch} in {} for at most {bid}", zone(*pool))
                }
                BoughtIn::Spot { max_price: None } => format!("launch {launch} in {}", zone(*pool)),
            },
            Action::Cancel { launch } => format!("cancel {launch}"),
            Action::Terminate { launch, unless_claimed: false } => format!("terminate {launch}"),
            Action::Terminate { launch, unless_claimed: true } => {
                format!("terminate {launch} unless it holds a task")
            }
            Action::EndStray { instance, .. } => format!("end {instance}"),
            Action::ListInstances { .. } => "list".to_owned(),
            Action::CheckWorker { launch } => format!("check {launch}"),
            Action::AdviseStop { launch } => format!("advise {launch} to stop"),
        };
        writeln!(told, "{} {line}", clock(decision.at)).expect("a string takes all");
    }
}

/// A time of day as `1h02m03`, with milliseconds where there are any.
fn clock(at: Time) -> String {
    let (secs, ms) = (at.ms() / 1_000, at.ms() % 1_000);
    let (h, m, s) = (secs / 3_600, secs / 60 % 60, secs % 60);
    let fraction = if ms > 0 { format!(".{ms:03}") } else { String::new() };
    format!("{h}h{m:02}m{s:02}{fraction}")
}

fn zone(pool: PoolId) -> char {
    ('a'..='z').nth(pool.index()).expect("tests have few pools")
}

fn pool(zone: &str) -> PoolId {
    PoolId::new(usize::from(zone.as_bytes()[0] - b'a'))
}

/// `90s`, `5m` or `2h` after zero.
pub fn time(text: &str) -> Time {
    Time::EPOCH + duration(text)
}

/// `90s`, `5m` or `2h`.
pub fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => Duration::SECOND,
        "m" => Duration::MINUTE,
        "h" => Duration::HOUR,
        _ => panic!("a duration ends in s, m or h: {text}"),
    };
    unit * number.parse::<i64>().expect("a duration starts with a number")
}

/// `$0.25` in micro-dollars.
fn micros(text: &str) -> i64 {
    let (whole, part) = text.trim_start_matches('$').split_once('.').unwrap_or((text, "0"));
    let whole: i64 = whole.parse().expect("whole dollars");
    let part: i64 = format!("{part:0<6}").parse().expect("parts of a dollar");
    whole * 1_000_000 + part
}
