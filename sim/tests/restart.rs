//! The engine's process dies, anywhere, and comes back from what it wrote down.
//!
//! What a crash may cost is stated in [`SLOWER_MAX`] and [`MORE_MAX`]; that nothing is bought twice,
//! lost or left behind holds without bounds.

mod support;

use proptest::prelude::*;
use provisioner_engine::Engine;
use provisioner_engine::guards::{Guards, Memory, Unanswered};
use provisioner_engine::journal::{Record, replay};
use provisioner_engine::observation::Observation;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time, Usd};
use provisioner_engine::worker_type::SpendLimits;
use provisioner_sim::config::process::{CrashStep, ProcessModel};
use provisioner_sim::config::{CloudModel, Fault, FaultKind, Regime, SimConfig};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::outcome::Outcome;
use support::{CHEAPEST, market, outcome, tasks, time, watched, worker_type, world};

/// How long a process is down here.
const DOWNTIME: Duration = Duration::from_mins(3);

/// A crash delays the last task by no more than this: the time it was down, the iterations before
/// and after, and a second wait for machines whose launch was decided and never written down.
const SLOWER_MAX: Duration = Duration::from_mins(5);

/// A crash costs no more instance-time than this for each instance: they may wait for tasks, or for
/// their end, while nobody decides.
const MORE_MAX: Duration = Duration::from_mins(5);

/// Ten tasks in four waves on instances that take a while at each stage.
fn small() -> (SimConfig, &'static str) {
    let mut config = world(vec![worker_type("t", 6)]);
    config.engine.guards = Guards::default();
    config.engine.limits.launches_per_call_max = 2;
    config.engine.worker_types[0].idle_timeout = Duration::from_mins(4);
    config.engine.worker_types[0].registration_timeout = Some(Duration::from_mins(15));
    config.cloud.answer = DurationDist::Constant(Duration::from_secs(2));
    config.cloud.pending_to_running = DurationDist::Constant(Duration::from_secs(8));
    config.cloud.termination = DurationDist::Constant(Duration::from_secs(40));
    config.workers[0].boot = DurationDist::Constant(Duration::from_secs(80));
    config.end = Time::EPOCH + Duration::from_hours(1);
    config.drain = Duration::from_hours(6);
    (config, "30s 6m times 5\n4m 3m\n9m 5m times 3\n30m 1m")
}

fn crash(at: Time, step: CrashStep) -> Fault {
    Fault { from: at, until: at + DOWNTIME, what: FaultKind::Crash { step } }
}

/// A crash at each step of each iteration of the first 25 minutes, and a few between them.
fn crashes(records: &[Record]) -> Vec<Fault> {
    let mut crashes = Vec::new();
    for record in records {
        let Record::Decided(decision) = record else { continue };
        let at = decision.at;
        if at > time("25m") {
            break;
        }
        crashes.extend([1, 5, 20].map(|s| crash(at + Duration::from_secs(s), CrashStep::Between)));
        let steps = [CrashStep::BeforeFacts, CrashStep::AfterFacts, CrashStep::AfterDecision];
        let orders = 0..=u32::try_from(decision.actions.len()).expect("a few");
        let steps = steps.into_iter().chain(orders.map(CrashStep::AfterOrders));
        crashes.extend(steps.map(|step| crash(at, step)));
    }
    crashes
}

fn with(config: &SimConfig, fault: &Fault) -> SimConfig {
    SimConfig { faults: vec![fault.clone()], ..config.clone() }
}

#[test]
fn a_crash_at_every_step_of_every_iteration_ends_as_without_it() {
    let (config, lines) = small();
    let (calm, records, _) = watched(&config, tasks(lines));
    assert_eq!((calm.total.tasks.done, calm.restarts), (10, 0));
    let crashes = crashes(&records);
    assert!(crashes.len() > 180, "{} crashes", crashes.len());
    for fault in crashes {
        let (crashed, records, _) = watched(&with(&config, &fault), tasks(lines));
        let told = format!("{fault:?}: {crashed:#?}");
        let total = &crashed.total;
        assert_eq!(crashed.restarts, 1, "{told}");
        assert_eq!(total.tasks, calm.total.tasks, "{told}");
        assert_eq!(total.safety, calm.total.safety, "{told}");
        assert_eq!(total.launches.started, calm.total.launches.started, "{told}");
        assert_eq!((total.launches.unmade, crashed.ownership.orphan_time), NONE_LEFT, "{told}");
        assert!(total.capacity_peak <= calm.total.capacity_peak, "{told}");
        assert!(total.wait.max <= calm.total.wait.max + SLOWER_MAX, "{told}");
        let more = Duration::from_ms(MORE_MAX.ms() * i64::from(calm.total.capacity_peak));
        assert!(total.instance_time <= calm.total.instance_time + more, "{told}");
        assert_replays(&config, records);
    }
}

/// No launch that was decided and not made, no time in which an instance was nobody's.
const NONE_LEFT: (u64, Duration) = (0, Duration::ZERO);

#[test]
fn whoever_forgets_what_was_under_way_buys_it_again() {
    let (mut config, lines) = small();
    config.workers[0].boot = DurationDist::Constant(Duration::from_mins(10));
    let (_, records, _) = watched(&config, tasks(lines));
    let Guards { memory, unanswered, .. } = &mut config.engine.guards;
    (*memory, *unanswered) = (Memory::Listed, Unanswered::Forgotten);
    let calm = outcome(&config, tasks(lines)).total.launches.started;
    let bought = crashes(&records).into_iter().map(|fault| {
        let crashed = outcome(&with(&config, &fault), tasks(lines));
        crashed.total.launches.started - calm
    });
    assert!(bought.max() >= Some(4), "a call of two instances and more");
}

#[test]
fn a_decision_that_was_not_written_down_was_never_taken() {
    let (config, lines) = small();
    let orders = |step| {
        let (outcome, records, _) = watched(&with(&config, &crash(time("1m"), step)), tasks(lines));
        let decided = records.iter().filter(|record| matches!(record, Record::Decided(_)));
        let first = decided.map(|record| record.at()).next();
        (first, outcome.api_calls.launch, outcome.api_calls.launch_repeated)
    };
    // Three calls for the five instances of minute 1, and two more for later tasks; what was not
    // decided in minute 1 is decided together with what minute 4 needs.
    assert_eq!(orders(CrashStep::AfterDecision), (Some(time("4m")), 4, 0));
    assert_eq!(orders(CrashStep::AfterOrders(0)), (Some(time("1m")), 5, 3));
    // The first listing shows what was launched: nothing is called again.
    assert_eq!(orders(CrashStep::AfterOrders(u32::MAX)), (Some(time("1m")), 5, 0));
}

#[test]
fn how_often_a_snapshot_is_taken_changes_nothing() {
    let (mut config, lines) = small();
    config.process = ProcessModel { crash_rate: 12.0, ..ProcessModel::default() };
    let runs = [1, 2, 7, u32::MAX].map(|snapshot_every| {
        config.process.snapshot_every = snapshot_every;
        watched(&config, tasks(lines))
    });
    assert!(runs[0].0.restarts > 1, "{} restarts", runs[0].0.restarts);
    for run in &runs[1..] {
        assert_eq!(run, &runs[0]);
    }
}

#[test]
fn a_process_dies_as_often_as_configured_and_is_down_for_so_long() {
    let mut config = world(vec![worker_type("t", 2)]);
    config.engine.guards = Guards::default();
    config.process.crash_rate = 2.0;
    config.process.downtime = Duration::from_mins(4);
    config.end = Time::EPOCH + Duration::from_hours(100);
    let (outcome, records, _) = watched(&config, tasks("0s 99h"));
    // Two in an hour that it is up, and it is up for 88 of 100.
    assert!((140..210).contains(&outcome.restarts), "{} restarts", outcome.restarts);
    let mut last = Time::EPOCH;
    for record in records {
        if let Record::Observed { at, observation: Observation::Restarted } = record {
            assert!(at.since(last) >= Duration::from_mins(3), "silent from {last} to {at}");
        }
        last = record.at();
    }
}

#[test]
fn prices_that_moved_while_nobody_listened_are_read_again() {
    let mut config = world(vec![worker_type("t", 2)]);
    config.engine.worker_types[0].placement = CHEAPEST;
    config.market = market(&config, "0s a 0.1\n270s a 0.2\n330s a 0.3\n9m a 0.4");
    config.faults = vec![crash(time("4m"), CrashStep::Between)];
    let (_, records, _) = watched(&config, tasks("8m 1m"));
    let prices = |from, to| {
        let seen = records.iter().filter(|it| from <= it.at() && it.at() <= to);
        let price = |it: &Record| match it {
            Record::Observed { observation: Observation::PriceChanged { price, .. }, .. } => {
                Some(price.micros())
            }
            _ => None,
        };
        seen.filter_map(price).collect::<Vec<_>>()
    };
    assert!(prices(time("1s"), time("419s")).is_empty(), "nobody listens");
    assert_eq!(prices(time("7m"), time("7m")), [100_000, 200_000, 300_000]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    /// Calls are throttled and lost, listings lag and fail, instances are taken back, and the
    /// process dies every twenty minutes; then all of it stops.
    #[test]
    fn whatever_else_goes_wrong_nothing_is_bought_twice_or_left_behind(
        seed in any::<u64>(),
        snapshot_every in 1..40_u32,
        outbid in any::<bool>(),
    ) {
        let config = storm(seed, snapshot_every, outbid);
        let lines = "5m 8m times 12\n50m 20m times 6\n2h 3m times 9\n9h 1m";
        let (outcome, records, samples) = watched(&config, tasks(lines));
        prop_assert_eq!(&watched(&config, tasks(lines)), &(outcome.clone(), records.clone(), samples));
        let Outcome { total, restarts, ownership, .. } = outcome;
        prop_assert!(restarts > 2, "{} restarts", restarts);
        prop_assert_eq!(total.tasks.done, total.tasks.submitted);
        prop_assert_eq!(total.safety.double_launches, 0);
        prop_assert_eq!(total.safety.claimed_ended, 0);
        prop_assert!(total.capacity_peak <= 14);
        prop_assert!(ownership.orphan_longest <= Duration::from_mins(30), "{:?}", ownership);
        assert_replays(&config, records);
    }
}

/// Four hours in which everything happens, and a process that lives for about twenty minutes.
fn storm(seed: u64, snapshot_every: u32, outbid: bool) -> SimConfig {
    let regime = if outbid { Regime::Outbid } else { Regime::Capacity };
    let mut config = world(vec![worker_type("t", 14)]);
    config.seed = Seed(seed);
    config.engine.guards = Guards::default();
    config.engine.limits.launches_per_call_max = 3;
    let daily_max = Some(Usd::from_micros(1_000_000_000)); // it is kept account of
    config.engine.limits.spend = SpendLimits { daily_max, ..SpendLimits::default() };
    let worker_type = &mut config.engine.worker_types[0];
    worker_type.registration_timeout = Some(Duration::from_mins(40));
    worker_type.idle_timeout = Duration::from_mins(6);
    config.cloud = CloudModel::full(regime);
    config.workers[0].boot = DurationDist::Constant(Duration::from_secs(80));
    config.process = ProcessModel { crash_rate: 0.0, snapshot_every, ..ProcessModel::default() };
    let steps = [
        CrashStep::Between,
        CrashStep::AfterOrders(0),
        CrashStep::AfterFacts,
        CrashStep::AfterOrders(1),
        CrashStep::AfterDecision,
        CrashStep::AfterOrders(u32::MAX),
        CrashStep::BeforeFacts,
    ];
    let mut at = Time::EPOCH;
    for (nth, step) in steps.iter().cycle().take(11).enumerate() {
        let mut chance = Seed(seed).entity(nth as u64).stream();
        let life = DurationDist::Exponential { mean: Duration::from_mins(20) };
        at = at + life.sample(&mut chance) + Duration::MINUTE;
        config.faults.push(Fault { until: at + Duration::MINUTE, ..crash(at, *step) });
    }
    config.end = Time::EPOCH + Duration::from_hours(10);
    config.drain = Duration::from_hours(20);
    config
}

fn assert_replays(config: &SimConfig, records: Vec<Record>) {
    let mut engine = Engine::new(config.engine.clone());
    engine.explain(true);
    for record in records {
        assert_eq!(replay(&mut engine, record), Ok(()));
    }
}
