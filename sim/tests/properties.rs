//! What holds in every world, on random small ones: several worker types in shared pools, prices
//! and availability that jump, interruptions, delays, late facts, deadlines and retries.
//!
//! In debug builds each turn of each run is also audited from inside: tasks and instances are
//! counted one by one, and the engine's view is compared to the world where facts are not late.

mod support;

use std::thread;

use proptest::prelude::*;
use provisioner_engine::Engine;
use provisioner_engine::guards::ZombieRule;
use provisioner_engine::ids::{PoolId, WorkerTypeId};
use provisioner_engine::journal::replay;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, Time, Usd, UsdPerHour};
use provisioner_engine::worker_type::{
    BidRule, Candidate, IdleCredit, Overshoot, PlacementPolicy, RequestedCounts, RequestedCredit,
    ScalingPolicy, WorkerType,
};
use provisioner_sim::bound;
use provisioner_sim::config::{
    ClaimOrder, CloudModel, Fault, FaultKind, IdleStop, QueueModel, Regime, SimConfig, WorkerModel,
};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::generate::sources::RecordedTasks;
use provisioner_sim::input::{AvailabilityChange, PriceChange, Priority, Task};
use provisioner_sim::market::Market;
use provisioner_sim::outcome::{Cost, LaunchMeasures, TaskMeasures};
use support::{CHEAPEST, NO_DELAY, candidate, cloud, outcome, watched, world};

const POOLS: usize = 3;
const TYPES: usize = 3;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_made_up((config, tasks) in small_world()) {
        let (outcome, records, samples) = watched(&config, tasks);
        let mut cost = Cost::default();
        let mut counted = TaskMeasures::default();
        let mut launches = LaunchMeasures::default();
        for measures in &outcome.worker_types {
            prop_assert_eq!(measures.cost.total(), measures.cost.by_use());
            prop_assert!(measures.useful_time <= measures.capacity_time);
            cost += measures.cost;
            counted += measures.tasks;
            launches += measures.launches;
        }
        let total = &outcome.total;
        prop_assert_eq!((total.cost, total.tasks, total.launches), (cost, counted, launches));
        let TaskMeasures { submitted, done, rerun: _, expired, exhausted, left } = counted;
        prop_assert_eq!(submitted, done + expired + exhausted + left);
        prop_assert!(outcome.finished <= config.end + config.drain);
        // Whatever the queue's counts say, and however late the facts are.
        prop_assert!(config.engine.guards.zombies.is_none() || total.safety.claimed_ended == 0);
        for sample in samples {
            let worker_type = &config.engine.worker_types[sample.worker_type.index()];
            let capacity = sample.requested + sample.booting + sample.working;
            let hard = worker_type.overshoot == Overshoot::Never;
            prop_assert!(!hard || capacity <= worker_type.capacity_max, "{:?}", sample);
        }

        // A journal replays to the same decisions.
        let mut engine = Engine::new(config.engine);
        for record in records {
            prop_assert_eq!(replay(&mut engine, record), Ok(()));
        }
    }

    #[test]
    fn nobody_beats_the_bound((config, tasks) in small_world()) {
        let mut outcome = outcome(&config, tasks.clone());
        bound::enter(&config, || Box::new(tasks.clone()), &mut outcome);
        for measures in outcome.worker_types {
            prop_assert!(measures.regret() >= Some(Usd::ZERO), "{measures:?}");
        }
    }

    #[test]
    fn a_run_is_named_by_its_configuration_whoever_watches((config, tasks) in small_world()) {
        let first = watched(&config, tasks.clone());
        let threads = [(); 2].map(|()| {
            let (config, tasks) = (config.clone(), tasks.clone());
            thread::spawn(move || watched(&config, tasks))
        });
        for thread in threads {
            prop_assert_eq!(&thread.join().expect("the run ends"), &first);
        }
        prop_assert_eq!(outcome(&config, tasks), first.0);
    }

    #[test]
    fn late_facts_lose_no_task(
        (mut config, tasks) in small_world(),
        lag in delay(1_200),
    ) {
        for worker_type in &mut config.engine.worker_types {
            worker_type.placement = PlacementPolicy::OnDemand;
            worker_type.capacity_max = worker_type.capacity_max.max(4);
            worker_type.scaling = SCALING[2];
            worker_type.registration_timeout = None;
            worker_type.lifetime_max = support::FOR_EVER;
        }
        for worker in &mut config.workers {
            let WorkerModel { boot, claim_order, idle_stop, .. } = worker.clone();
            *worker = WorkerModel { boot, claim_order, idle_stop, ..WorkerModel::default() };
        }
        (config.queue, config.faults) = (QueueModel::default(), Vec::new());
        config.observation_lag = lag;
        config.drain = Duration::from_hours(500);
        let TaskMeasures { submitted, done, expired, .. } = outcome(&config, tasks).total.tasks;
        prop_assert_eq!(submitted, done + expired);
    }
}

#[test]
fn another_seed_is_another_run() {
    let mut config = world(vec![support::worker_type("t", 10)]);
    config.workers[0].boot = DurationDist::Exponential { mean: Duration::from_secs(600) };
    let tasks = || support::tasks("0s 10m times 20");
    let other = SimConfig { seed: Seed(config.seed.0 + 1), ..config.clone() };
    assert_eq!(outcome(&config, tasks()), outcome(&config, tasks()));
    assert_ne!(outcome(&config, tasks()), outcome(&other, tasks()));
}

// ---- random worlds ----

const SCALING: [ScalingPolicy; 4] = [
    ScalingPolicy::ScalingRatio {
        scaling_ratio: Ratio::from_millionths(200_000),
        requested_counts: RequestedCounts::OneEach,
    },
    ScalingPolicy::Estimator {
        scaling_ratio: Ratio::ONE,
        idle: IdleCredit::Existing,
        requested: RequestedCredit::Twice,
    },
    ScalingPolicy::Estimator {
        scaling_ratio: Ratio::ONE,
        idle: IdleCredit::Existing,
        requested: RequestedCredit::Once,
    },
    ScalingPolicy::Estimator {
        scaling_ratio: Ratio::from_millionths(500_000),
        idle: IdleCredit::Ignored,
        requested: RequestedCredit::Twice,
    },
];

fn placement() -> impl Strategy<Value = PlacementPolicy> {
    let weighted = |market| PlacementPolicy::Weighted {
        market,
        selection: Default::default(),
        errors: Default::default(),
    };
    prop::sample::select(vec![
        CHEAPEST,
        PlacementPolicy::Random { bid: BidRule::default() },
        weighted(provisioner_engine::worker_type::WeightedMarket::Spot),
        weighted(provisioner_engine::worker_type::WeightedMarket::OnDemand),
        PlacementPolicy::OnDemand,
    ])
}

fn secs(range: std::ops::Range<i64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_secs)
}

/// Mostly none, else constant or random, of whole seconds or not.
fn delay(mean_max: i64) -> impl Strategy<Value = DurationDist> {
    let mean = move || secs(0..mean_max);
    prop_oneof![
        2 => Just(NO_DELAY),
        1 => mean().prop_map(DurationDist::Constant),
        1 => mean().prop_map(|mean| DurationDist::Exponential { mean }),
    ]
}

prop_compose! {
    fn candidates()(
        pools in prop::sample::subsequence(vec![0, 1, 2], 1..=POOLS),
        capacities in prop::array::uniform3(1_u32..4),
        utilities in prop::array::uniform3(1_u64..4),
    ) -> Vec<Candidate> {
        pools.into_iter().map(|pool| Candidate {
            capacity: capacities[pool],
            utility: Ratio::from_millionths(utilities[pool] * 700_000),
            ..candidate(pool)
        }).collect()
    }
}

prop_compose! {
    fn random_worker_type()(
        (capacity_min, more) in (0_u32..3, 0_u32..12),
        candidates in candidates(),
        scaling in prop::sample::select(SCALING.to_vec()),
        placement in placement(),
        overshoot in prop::sample::select(vec![Overshoot::Never, Overshoot::Historical]),
        (request_timeout, idle_timeout) in (secs(60..1_800), secs(0..1_200)),
        registration_timeout in prop::option::of(secs(60..1_800)),
        lifetime_max in secs(1_800..20_000),
    ) -> WorkerType {
        WorkerType {
            capacity_min,
            candidates,
            scaling,
            placement,
            overshoot,
            request_timeout,
            idle_timeout,
            registration_timeout,
            lifetime_max,
            ..support::worker_type("t", capacity_min + more)
        }
    }
}

prop_compose! {
    fn random_worker()(
        boot in delay(600),
        claim_order in prop::sample::select(vec![
            ClaimOrder::LastIdled,
            ClaimOrder::LongestIdle,
            ClaimOrder::RandomPoll,
        ]),
        margin in prop::option::of(secs(0..600)),
        between_tasks in prop_oneof![Just(Duration::ZERO), secs(0..300)],
        uptime_max in prop::option::of(secs(0..7_200)),
        asks in prop::option::of(secs(1..600)),
        (never_registers, never_claims, ignores_idle) in (ill(), ill(), ill()),
        (hang_hazard, death_hazard) in (ill(), ill()),
    ) -> WorkerModel {
        let idle_stop = margin.map_or(IdleStop::AfterTimeout, IdleStop::BeforeHourEnds);
        WorkerModel {
            boot,
            claim_order,
            idle_stop,
            between_tasks,
            uptime_max,
            asks,
            never_registers,
            never_claims,
            ignores_idle,
            hang_hazard: hang_hazard * 3.0,
            death_hazard: death_hazard * 3.0,
        }
    }
}

/// A chance that something goes wrong: mostly none.
fn ill() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.0, 0.0, 0.0, 0.3, 1.0])
}

prop_compose! {
    fn random_queue()(
        claim_expiry in secs(0..1_800),
        count_lag in prop_oneof![Just(Duration::ZERO), secs(0..1_200)],
        (count_error, count_failure) in (ill(), ill()),
        check_answer in delay(600),
    ) -> QueueModel {
        QueueModel { claim_expiry, count_lag, count_error, count_failure, check_answer }
    }
}

prop_compose! {
    fn random_fault()(
        (from, length) in (secs(0..14_400), secs(0..7_200)),
        what in prop_oneof![
            Just(FaultKind::QueueDown),
            (0..50_u32, 0..50_u32)
                .prop_map(|(pending, claimed)| FaultKind::QueueSays { pending, claimed }),
            any::<bool>().prop_map(|registers| FaultKind::BrokenImage {
                worker_types: vec![WorkerTypeId::new(1)],
                registers,
            }),
            Just(FaultKind::BootSlow { factor: 7.5 }),
        ],
    ) -> Fault {
        let from = Time::EPOCH + from;
        Fault { from, until: from + length, what }
    }
}

prop_compose! {
    fn random_cloud()(
        regime in prop::sample::select(vec![Regime::Outbid, Regime::Capacity]),
        (answer, pending_to_running, termination) in (delay(300), delay(300), delay(300)),
        notice_lead in secs(0..300),
        notice_missing in prop::sample::select(vec![0.0, 0.3, 1.0]),
        interruption_hazard in prop::sample::select(vec![0.0, 0.5, 3.0]),
    ) -> CloudModel {
        CloudModel {
            answer,
            pending_to_running,
            termination,
            notice_lead,
            notice_missing,
            interruption_hazard,
            ..cloud(regime)
        }
    }
}

fn pool() -> impl Strategy<Value = PoolId> {
    (0..POOLS).prop_map(PoolId::new)
}

prop_compose! {
    fn random_market()(
        prices in prop::collection::vec((secs(0..20_000), pool(), 1_i64..12), 0..24),
        availability in prop::collection::vec((secs(0..20_000), pool(), 0_u32..6), 0..12),
    ) -> Market {
        let prices = prices.into_iter().map(|(at, pool, price)| PriceChange {
            at: Time::EPOCH + at,
            pool,
            price: UsdPerHour::from_micros(price * 60_000),
        });
        let availability = availability.into_iter().map(|(at, pool, available)| {
            AvailabilityChange { at: Time::EPOCH + at, pool, available }
        });
        Market::new(POOLS, prices.collect(), availability.collect())
    }
}

prop_compose! {
    fn random_task()(
        submitted in secs(0..14_400),
        duration in secs(0..4_000),
        deadline in prop::option::of(secs(-60..9_000)),
        worker_type in 0..TYPES,
        priority in prop::sample::select(Priority::ALL.to_vec()),
        retries in 0_u8..4,
    ) -> Task {
        let submitted = Time::EPOCH + submitted;
        Task {
            submitted,
            duration,
            deadline: deadline.map_or(Time::MAX, |deadline| submitted + deadline),
            worker_type: WorkerTypeId::new(worker_type),
            priority,
            retries,
        }
    }
}

prop_compose! {
    fn small_world()(
        (seed, worker_types) in (any::<u64>(), prop::collection::vec(random_worker_type(), TYPES)),
        workers in prop::collection::vec(random_worker(), TYPES),
        cloud in random_cloud(),
        market in random_market(),
        observation_lag in delay(600),
        interval in prop::sample::select(vec![1_i64, 10, 60, 77]),
        (queue, faults) in (random_queue(), prop::collection::vec(random_fault(), 0..4)),
        zombies in any::<bool>(),
        drain in secs(0..20_000),
        mut tasks in prop::collection::vec(random_task(), 0..60),
    ) -> (SimConfig, RecordedTasks) {
        let mut config = world(worker_types);
        config.engine.limits.iteration_interval = Duration::from_secs(interval);
        config.engine.catalog = support::catalog(POOLS);
        (config.seed, config.engine.seed) = (Seed(seed), Seed(!seed));
        (config.workers, config.cloud, config.market) = (workers, cloud, market);
        config.observation_lag = observation_lag;
        (config.queue, config.faults) = (queue, faults);
        config.engine.guards.zombies = zombies.then(ZombieRule::default);
        config.engine.guards.recheck = zombies;
        config.series_step = Some(Duration::from_secs(100));
        (config.end, config.drain) = (Time::EPOCH + Duration::from_hours(4), drain);
        tasks.sort_by_key(|task| task.submitted);
        (config, RecordedTasks::new(tasks.into()))
    }
}
