//! Chance in whole runs: rates come out as configured, and policies compared on one seed see the
//! same world.

mod support;

use std::collections::BTreeMap;

use provisioner_engine::decision::Action;
use provisioner_engine::ids::{LaunchId, PoolId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, Time};
use provisioner_engine::worker_type::{
    IdleCredit, PlacementPolicy, RequestedCredit, ScalingPolicy, WorkerType,
};
use provisioner_sim::config::{Regime, SimConfig};
use provisioner_sim::dist::DurationDist;
use support::{
    CHEAPEST, candidate, cloud, market, outcome, tasks, time, watched, worker_type, world,
};

#[test]
fn interruptions_come_at_the_hazard_s_rate() {
    let rate = 0.1;
    let mut worker_type = worker_type("t", 200);
    worker_type.capacity_min = 200;
    worker_type.placement = CHEAPEST;
    worker_type.idle_timeout = support::FOR_EVER;
    let mut config = world(vec![worker_type]);
    (config.end, config.drain) = (time("1000h"), Duration::ZERO);
    config.market = market(&config, "0s a 0.36");
    config.cloud.interruption_hazard = rate;
    // One task keeps the run going to its end.
    let total = outcome(&config, tasks("0s 2000h retries 255")).total;
    let interrupted = total.launches.interrupted as f64;
    let expected = total.instance_time.as_hours_f64() / (1.0 / rate + 2.0 / 60.0);
    // A Poisson count: 3.29 standard deviations are 99.9 %.
    let off = (interrupted - expected) / expected.sqrt();
    println!("interruptions: expected {expected:.0}, measured {interrupted} ({off:+.2} sd)");
    assert!(expected > 15_000.0 && off.abs() < 3.29, "{interrupted} is {off:+.2} sd off");
}

#[test]
fn notices_are_missed_as_often_as_configured() {
    let mut worker_type = worker_type("t", 5_000);
    worker_type.placement = CHEAPEST;
    let mut config = world(vec![worker_type]);
    config.engine.limits.launches_per_decision_max = 5_000;
    config.cloud.notice_missing = 0.2;
    config.market = market(&config, "0s a 0.36\n 10m a available 0");
    let (_, records, _) = watched(&config, tasks("0s 20m times 5000 retries 0"));
    let seen = |record: &&Record| {
        let fact = |fact: &Observation| matches!(fact, Observation::InterruptionNoticed { .. });
        matches!(record, Record::Observed { observation, .. } if fact(observation))
    };
    let seen = records.iter().filter(seen).count();
    // 4,000 ± 3.29 × √(5,000 × 0.2 × 0.8).
    assert!((3_907..4_093).contains(&seen), "{seen} of 5000 saw the notice");
}

// ---- common random numbers ----

/// What an instance drew, by pool and number in that pool: from its launch to EC2's answer, to
/// `running`, to the first claim, and to the notice.
type Draws = BTreeMap<(PoolId, u64), [Option<Duration>; 4]>;

#[test]
fn the_nth_instance_of_a_pool_meets_the_same_fate_under_every_policy() {
    let eager = fates(CHEAPEST, Ratio::ONE, Seed(5));
    let frugal = fates(PlacementPolicy::Random { bid: Default::default() }, HALF, Seed(5));
    let elsewhere = fates(CHEAPEST, Ratio::ONE, Seed(6));
    let shared = |a: &Draws, b: &Draws| {
        let both = a.iter().filter_map(|(name, fate)| Some((fate, b.get(name)?)));
        // A fate is compared as far as both runs saw it.
        let pairs = both.flat_map(|(a, b)| a.iter().zip(b)).filter_map(|(a, b)| a.zip(*b));
        let equal = pairs.clone().filter(|(a, b)| a == b).count();
        (equal, pairs.count())
    };
    let (equal, compared) = shared(&eager, &frugal);
    assert!(compared > 300, "only {compared} draws to compare");
    assert_eq!(equal, compared);
    let (equal, compared) = shared(&eager, &elsewhere);
    assert!(equal * 50 < compared, "{equal} of {compared} draws do not depend on the seed");
}

const HALF: Ratio = Ratio::from_millionths(500_000);

fn fates(placement: PlacementPolicy, scaling_ratio: Ratio, seed: Seed) -> Draws {
    let scaling = ScalingPolicy::Estimator {
        scaling_ratio,
        idle: IdleCredit::Existing,
        requested: RequestedCredit::Once,
    };
    let candidates = vec![candidate(0), candidate(1)];
    let worker_type = WorkerType { placement, scaling, candidates, ..worker_type("t", 100) };
    let mut config = world(vec![worker_type]);
    config.seed = seed;
    let minutes = |minutes| DurationDist::Exponential { mean: Duration::from_mins(minutes) };
    config.cloud = cloud(Regime::Capacity);
    (config.cloud.answer, config.cloud.pending_to_running) = (minutes(1), minutes(2));
    config.workers[0].boot = minutes(3);
    config.cloud.interruption_hazard = 1.0;
    config.market = market(&config, "0s a 0.10\n 0s b 0.11\n 2h a 0.20");
    let lines: String = (0..120).map(|n| format!("{n}m 40m times 2 retries 99\n")).collect();
    let (_, records, _) = watched(&config, tasks(&lines));
    draws(&records)
}

fn draws(records: &[Record]) -> Draws {
    let mut asked: BTreeMap<PoolId, u64> = BTreeMap::new();
    let mut names: BTreeMap<LaunchId, (PoolId, u64)> = BTreeMap::new();
    let mut times: BTreeMap<LaunchId, [Option<Time>; 5]> = BTreeMap::new();
    for record in records {
        match record {
            Record::Decided(decision) => {
                for action in &decision.actions {
                    if let Action::Launch { launch, pool, .. } = action {
                        let ordinal = asked.entry(*pool).or_default();
                        *ordinal += 1;
                        names.insert(*launch, (*pool, *ordinal));
                        times.insert(*launch, [Some(decision.at), None, None, None, None]);
                    }
                }
            }
            Record::Observed { at, observation } => {
                let (launch, step) = match observation {
                    Observation::InstancePending { launch, .. } => (launch, 1),
                    Observation::InstanceRunning { launch } => (launch, 2),
                    Observation::WorkerRegistered { launch } => (launch, 3),
                    Observation::InterruptionNoticed { launch, .. } => (launch, 4),
                    _ => continue,
                };
                times.get_mut(launch).expect("it was launched")[step] = Some(*at);
            }
            Record::Configured { .. } => {}
        }
    }
    let between = |from: Option<Time>, to: Option<Time>| Some(to? - from?);
    let fate = |times: [Option<Time>; 5]| {
        let [launched, pending, running, working, noticed] = times;
        [
            between(launched, pending),
            between(pending, running),
            between(running, working),
            between(running, noticed),
        ]
    };
    times.into_iter().map(|(launch, times)| (names[&launch], fate(times))).collect()
}

#[test]
fn facts_overtake_one_another_without_harm() {
    let mut config = world(vec![worker_type("t", 20)]);
    config.observation_lag = DurationDist::Exponential { mean: Duration::from_mins(5) };
    config.workers[0].boot = DurationDist::Constant(Duration::MINUTE);
    config.series_step = Some(Duration::SECOND * 10);
    let (outcome, records, samples) = watched(&config, tasks("0s 10m times 30\n 1h 10m times 30"));
    assert_eq!(outcome.total.tasks.done, 60);
    let most = samples.iter().map(|s| s.requested + s.booting + s.working).max();
    assert_eq!(most, Some(20), "the limit is reached and hard");
    assert!(overtaken(&records) > 10, "facts did overtake one another");
}

/// How many launches were known to work before they were known to be pending.
fn overtaken(records: &[Record]) -> usize {
    let mut pending = std::collections::BTreeSet::new();
    let mut early = 0;
    for record in records {
        match record {
            Record::Observed {
                observation: Observation::InstancePending { launch, .. }, ..
            } => {
                pending.insert(*launch);
            }
            Record::Observed { observation: Observation::WorkerRegistered { launch }, .. } => {
                early += usize::from(!pending.contains(launch));
            }
            _ => {}
        }
    }
    early
}

#[test]
fn tasks_do_not_depend_on_what_is_decided_about_them() {
    use provisioner_engine::ids::WorkerTypeId;
    use provisioner_sim::generate::tasks::{GeneratedTasks, TaskModel};
    use provisioner_sim::input::{Task, TaskSource};
    use provisioner_sim::{Hooks, run};

    /// Writes down what is taken from another source.
    struct Recorder(GeneratedTasks, Vec<Task>);
    impl TaskSource for Recorder {
        fn next_task(&mut self) -> Option<Task> {
            let task = self.0.next_task()?;
            self.1.push(task);
            Some(task)
        }
    }
    let taken = |capacity_max| {
        let config: SimConfig = world(vec![worker_type("t", capacity_max)]);
        let span = (config.start, config.end);
        let model = TaskModel::firefox_builds();
        let source = GeneratedTasks::new(&model, WorkerTypeId::new(0), config.seed, span);
        let mut recorder = Recorder(source, Vec::new());
        let outcome = run(&config, &mut recorder, Hooks::default());
        (recorder.1, outcome.total.wait.max)
    };
    let (few, many) = (taken(2), taken(1_000));
    assert_eq!(few.0, many.0);
    assert!(few.0.len() > 100 && few.1 > many.1, "the two runs differ in what was decided");
}
