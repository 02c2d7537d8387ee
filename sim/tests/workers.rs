//! Workers that do not work, and a queue that does not tell the truth, in small stories.

mod support;

use expect_test::{Expect, expect};
use provisioner_engine::guards::{Guards, ZombieRule};
use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::units::{Duration, Ratio};
use provisioner_engine::worker_type::{RequestedCounts, ScalingPolicy};
use provisioner_sim::config::{Fault, FaultKind, QueueModel, SimConfig, WorkerModel};
use provisioner_sim::dist::DurationDist;
use support::{duration, outcome, story, tasks, time, watched, worker, worker_type, world};

/// Workers like that, on demand, at most so many at once.
fn fleet(capacity_max: u32, model: WorkerModel) -> SimConfig {
    let mut config = world(vec![worker_type("t", capacity_max)]);
    config.workers[0] = model;
    config.queue.check_answer = DurationDist::Constant(Duration::SECOND);
    config
}

/// The engine asks after workers that hold nothing for forty minutes.
fn watchful(mut config: SimConfig) -> SimConfig {
    config.engine.guards =
        Guards { zombies: Some(ZombieRule::default()), recheck: true, ..Guards::off() };
    config
}

fn fault(config: &mut SimConfig, from: &str, until: &str, what: FaultKind) {
    config.faults.push(Fault { from: time(from), until: time(until), what });
}

fn check(config: &SimConfig, lines: &str, expected: Expect) {
    expected.assert_eq(&story(config, tasks(lines)));
}

/// How many of a thousand instances a fact is told of, within an hour of their tasks.
fn told_of(model: WorkerModel, which: fn(&Observation) -> bool) -> usize {
    let (_, records, _) = watched(&fleet(1_000, model), tasks("0s 1m times 1000\n 1h 1m"));
    let first_hour = records.into_iter().filter(|record| match record {
        Record::Observed { at, observation } => *at < time("1h") && which(observation),
        Record::Decided(_) | Record::Configured { .. } => false,
    });
    first_hour.count()
}

// ---- workers ----

#[test]
fn an_image_that_never_starts_its_worker_is_ended_when_it_should_have_registered() {
    let mut config = fleet(1, WorkerModel { never_registers: 1.0, ..worker() });
    config.engine.worker_types[0].registration_timeout = Some(duration("10m"));
    config.end = time("20m");
    check(
        &config,
        "0s 10m deadline 20m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h11m00 terminate #1
        0h11m00 #1 ended by Provisioner
        0h12m00 launch #2 in a on demand
        0h20m00 end: 1 expired, longest wait 0 s
        micro-dollars: on demand 108000, boot 108000
    "#]],
    );
    let outcome = outcome(&config, tasks("0s 10m deadline 20m"));
    assert_eq!(outcome.total.safety.zombie_time, outcome.total.instance_time);
}

#[test]
fn a_worker_that_registers_and_never_claims_is_ended_on_what_the_queue_says() {
    let config = fleet(1, WorkerModel { never_claims: 1.0, ..worker() });
    check(
        &watchful(config.clone()),
        "0s 10m deadline 50m",
        expect![[r#"
            0h01m00 queue: 1 pending, 0 claimed
            0h01m00 launch #1 in a on demand
            0h01m00 #1 works
            0h07m00 check #1
            0h07m01 #1 holds 0
            0h13m00 check #1
            0h13m01 #1 holds 0
            0h19m00 check #1
            0h19m01 #1 holds 0
            0h25m00 check #1
            0h25m01 #1 holds 0
            0h31m00 check #1
            0h31m01 #1 holds 0
            0h37m00 check #1
            0h37m01 #1 holds 0
            0h41m00 check #1
            0h41m01 #1 holds 0
            0h42m00 terminate #1 unless it holds a task
            0h42m00 #1 ended by Provisioner
            0h43m00 launch #2 in a on demand
            0h43m00 #2 works
            0h49m00 check #2
            0h49m01 #2 holds 0
            0h50m00 end: 1 expired, longest wait 0 s
            micro-dollars: on demand 288000, idle 288000
        "#]],
    );
    let unwatched = outcome(&config, tasks("0s 10m deadline 50m"));
    assert_eq!(unwatched.total.launches.terminated, 0);
}

#[test]
fn as_many_are_ill_as_the_chance_says() {
    let registered = |fact: &Observation| matches!(fact, Observation::WorkerRegistered { .. });
    let stopped = |fact: &Observation| matches!(fact, Observation::InstanceEnded { .. });
    let some = |told: usize| assert!((700..800).contains(&told), "{told} of 1000");
    assert_eq!((told_of(worker(), registered), told_of(worker(), stopped)), (1_000, 1_000));
    some(told_of(WorkerModel { never_registers: 0.25, ..worker() }, registered));
    some(told_of(WorkerModel { never_claims: 0.25, ..worker() }, stopped));
    some(told_of(WorkerModel { ignores_idle: 0.25, ..worker() }, stopped));
}

#[test]
fn a_worker_that_hangs_loses_its_task_when_its_claim_expires_and_is_ended_later() {
    let mut config = watchful(fleet(2, WorkerModel { hang_hazard: 3.0, ..worker() }));
    config.seed.0 = 3;
    check(
        &config,
        "0s 30m",
        expect![[r#"
            0h01m00 queue: 1 pending, 0 claimed
            0h01m00 launch #1 in a on demand
            0h01m00 #1 works
            0h02m00 queue: 0 pending, 1 claimed
            0h29m00 queue: 1 pending, 0 claimed
            0h34m00 check #1
            0h34m01 #1 holds 0
            0h40m00 check #1
            0h40m01 #1 holds 0
            0h41m00 launch #2 in a on demand
            0h41m00 #2 works
            0h42m00 queue: 0 pending, 1 claimed
            1h11m00 end: 1 done, 1 rerun, longest wait 1 min
            micro-dollars: on demand 600000, useful 180000, idle 375840, redone 44160
        "#]],
    );
}

#[test]
fn a_worker_that_dies_takes_its_task_with_it_and_nobody_is_told() {
    let config = fleet(1, WorkerModel { death_hazard: 3.0, ..worker() });
    check(
        &config,
        "0s 30m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m21.113 #1 ended by Worker
        0h31m00 queue: 1 pending, 0 claimed
        0h31m00 launch #2 in a on demand
        0h31m00 #2 works
        0h32m00 queue: 0 pending, 1 claimed
        0h49m24.108 #2 ended by Worker
        1h10m00 queue: 1 pending, 0 claimed
        1h10m00 launch #3 in a on demand
        1h10m00 #3 works
        1h11m00 queue: 0 pending, 1 claimed
        1h31m57.632 #3 ended by Worker
        1h52m00 queue: 1 pending, 0 claimed
        1h52m00 launch #4 in a on demand
        1h52m00 #4 works
        1h53m00 queue: 0 pending, 1 claimed
        2h01m38.791 #4 ended by Worker
        2h22m00 queue: 1 pending, 0 claimed
        2h22m00 launch #5 in a on demand
        2h22m00 #5 works
        2h23m00 queue: 0 pending, 1 claimed
        2h30m39.278 #5 ended by Worker
        2h51m00 queue: 1 pending, 0 claimed
        2h51m00 launch #6 in a on demand
        2h51m00 #6 works
        2h52m00 queue: 0 pending, 1 claimed
        2h59m57.903 #6 ended by Worker
        3h19m57.903 end: 5 rerun, 1 exhausted, longest wait 1 min
        micro-dollars: on demand 462200, idle 5, redone 408090, wasted 54105
    "#]],
    );
}

#[test]
fn a_worker_that_ignores_its_idle_timeout_stays_until_it_is_ended() {
    let model = WorkerModel { ignores_idle: 1.0, ..worker() };
    let lines = "0s 5m\n 60m 5m";
    check(
        &fleet(1, worker()),
        lines,
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h06m00 queue: 0 pending, 0 claimed
        0h16m00 #1 ended by Worker
        1h00m00 queue: 1 pending, 0 claimed
        1h00m00 launch #2 in a on demand
        1h00m00 #2 works
        1h01m00 queue: 0 pending, 1 claimed
        1h05m00 end: 2 done, longest wait 1 min
        micro-dollars: on demand 120000, useful 60000, idle 60000
    "#]],
    );
    check(
        &fleet(1, model.clone()),
        lines,
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h06m00 queue: 0 pending, 0 claimed
        1h00m00 queue: 0 pending, 1 claimed
        1h05m00 end: 2 done, longest wait 1 min
        micro-dollars: on demand 384000, useful 60000, idle 324000
    "#]],
    );
    check(
        &watchful(fleet(1, model)),
        "0s 5m\n 100m 5m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h06m00 queue: 0 pending, 0 claimed
        0h41m00 check #1
        0h41m01 #1 holds 0
        1h21m00 check #1
        1h21m01 #1 holds 0
        1h22m00 terminate #1 unless it holds a task
        1h22m00 #1 ended by Provisioner
        1h40m00 queue: 1 pending, 0 claimed
        1h40m00 launch #2 in a on demand
        1h40m00 #2 works
        1h41m00 queue: 0 pending, 1 claimed
        1h45m00 end: 2 done, longest wait 1 min
        micro-dollars: on demand 516000, useful 60000, idle 456000
    "#]],
    );
}

#[test]
fn an_idle_worker_asks_whether_to_stop_as_long_as_it_is_idle() {
    let mut config = fleet(1, WorkerModel { asks: Some(duration("3m")), ..worker() });
    config.engine.worker_types[0].scaling = ScalingPolicy::ScalingRatio {
        scaling_ratio: Ratio::ZERO,
        requested_counts: RequestedCounts::Capacity,
    };
    check(
        &config,
        "0s 5m\n 14m 5m\n 40m 1m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h06m00 queue: 0 pending, 0 claimed
        0h09m00 #1 asks whether to stop
        0h12m00 #1 asks whether to stop
        0h14m00 queue: 0 pending, 1 claimed
        0h19m00 queue: 0 pending, 0 claimed
        0h22m00 #1 asks whether to stop
        0h25m00 #1 asks whether to stop
        0h28m00 #1 asks whether to stop
        0h29m00 #1 ended by Worker
        0h40m00 queue: 1 pending, 0 claimed
        0h40m00 launch #2 in a on demand
        0h40m00 #2 works
        0h41m00 end: 3 done, longest wait 1 min
        micro-dollars: on demand 174000, useful 66000, idle 108000
    "#]],
    );
}

#[test]
fn an_idle_worker_that_is_told_to_stop_stops() {
    let config = fleet(1, WorkerModel { asks: Some(duration("3m")), ..worker() });
    check(
        &config,
        "0s 5m\n 14m 5m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h06m00 queue: 0 pending, 0 claimed
        0h09m00 #1 asks whether to stop
        0h09m00 advise #1 to stop
        0h09m00 #1 ended by Worker
        0h14m00 queue: 1 pending, 0 claimed
        0h14m00 launch #2 in a on demand
        0h14m00 #2 works
        0h15m00 queue: 0 pending, 1 claimed
        0h19m00 end: 2 done, longest wait 1 min
        micro-dollars: on demand 78000, useful 60000, idle 18000
    "#]],
    );
}

#[test]
fn a_busy_worker_is_asked_after_and_left_alone() {
    let config = watchful(fleet(1, worker()));
    check(
        &config,
        "0s 100m\n 5m 1m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h05m00 queue: 1 pending, 1 claimed
        0h41m00 check #1
        0h41m01 #1 holds 1
        1h21m00 check #1
        1h21m01 #1 holds 1
        1h41m00 queue: 0 pending, 1 claimed
        1h42m00 end: 2 done, longest wait 1 h 36 min
        micro-dollars: on demand 606000, useful 606000
    "#]],
    );
}

#[test]
fn no_answer_ends_nobody() {
    let mut config = watchful(fleet(1, WorkerModel { never_claims: 1.0, ..worker() }));
    fault(&mut config, "30m", "90m", FaultKind::QueueDown);
    check(
        &config,
        "0s 10m deadline 100m",
        expect![[r#"
            0h01m00 queue: 1 pending, 0 claimed
            0h01m00 launch #1 in a on demand
            0h01m00 #1 works
            0h07m00 check #1
            0h07m01 #1 holds 0
            0h13m00 check #1
            0h13m01 #1 holds 0
            0h19m00 check #1
            0h19m01 #1 holds 0
            0h25m00 check #1
            0h25m01 #1 holds 0
            0h31m00 check #1
            0h37m00 check #1
            0h41m00 check #1
            0h46m00 check #1
            0h51m00 check #1
            0h56m00 check #1
            1h01m00 check #1
            1h06m00 check #1
            1h11m00 check #1
            1h16m00 check #1
            1h21m00 check #1
            1h26m00 check #1
            1h31m00 check #1
            1h31m01 #1 holds 0
            1h32m00 terminate #1 unless it holds a task
            1h32m00 #1 ended by Provisioner
            1h33m00 launch #2 in a on demand
            1h33m00 #2 works
            1h39m00 check #2
            1h39m01 #2 holds 0
            1h40m00 end: 1 expired, longest wait 0 s
            micro-dollars: on demand 588000, idle 588000
        "#]],
    );
}

#[test]
fn a_queue_that_forgets_what_a_worker_holds_ends_it_only_if_it_insists() {
    let ended = |until: &str| {
        let mut config = watchful(fleet(1, worker()));
        let idle = FaultKind::QueueSaysOfWorkers { claimed: 0 };
        fault(&mut config, "30m", until, idle);
        let safety = outcome(&config, tasks("0s 100m retries 0\n 5m 1m")).total.safety;
        (safety.claimed_ended, safety.spared)
    };
    assert_eq!(ended("75m"), (0, 0), "told once that it holds nothing, the engine asks again");
    assert_eq!(ended("82m"), (0, 1), "the truth of the last look spares it");
    assert_eq!(ended("3h"), (1, 0), "who is lied to each time ends what works");
}

#[test]
fn a_queue_that_invents_tasks_keeps_a_zombie_until_it_tells_the_truth() {
    let mut config = watchful(fleet(1, WorkerModel { never_claims: 1.0, ..worker() }));
    fault(&mut config, "30m", "5h", FaultKind::QueueSaysOfWorkers { claimed: 1 });
    let zombie_time = outcome(&config, tasks("0s 10m deadline 6h")).total.safety.zombie_time;
    assert!(zombie_time > duration("5h"));
}

#[test]
fn a_worker_that_claims_after_the_last_look_is_ended_at_its_task() {
    let ended = |terminate_call: &str| {
        let mut config = watchful(fleet(1, WorkerModel { ignores_idle: 1.0, ..worker() }));
        config.cloud.terminate_call = DurationDist::Constant(duration(terminate_call));
        // Idle since 0h02, asked after at 0h41 and at 1h21, given up at 1h22m00.
        let total = outcome(&config, tasks("0s 1m\n 4921s 10m")).total;
        (total.safety.claimed_ended, total.tasks.rerun)
    };
    assert_eq!(ended("0s"), (0, 0));
    assert_eq!(ended("2s"), (1, 1));
}

#[test]
fn a_late_answer_is_no_evidence() {
    let mut config = watchful(fleet(1, WorkerModel { never_claims: 1.0, ..worker() }));
    config.queue.check_answer = DurationDist::Constant(duration("3m"));
    let outcome = outcome(&config, tasks("0s 10m deadline 5h"));
    assert_eq!(outcome.total.launches.terminated, 0);
}

#[test]
fn a_worker_whose_registration_was_missed_is_spared_while_it_works() {
    let mut config = watchful(fleet(1, worker()));
    config.engine.worker_types[0].registration_timeout = Some(duration("10m"));
    config.observation_lag = DurationDist::Uniform { min: Duration::ZERO, max: duration("50m") };
    let mut spared = 0;
    for seed in 0..20 {
        config.seed.0 = seed;
        let safety = outcome(&config, tasks("0s 1h")).total.safety;
        assert_eq!(safety.claimed_ended, 0);
        spared += safety.spared;
    }
    assert!(spared > 0);
    config.engine.guards = Guards::off();
    let ended = outcome(&config, tasks("0s 1h")).total.safety.claimed_ended;
    assert!(ended > 0, "who believes what it is told ends it");
}

#[test]
fn a_worker_past_its_longest_life_is_ended_whatever_it_holds() {
    let mut config = watchful(fleet(1, worker()));
    config.engine.worker_types[0].lifetime_max = duration("1h");
    let outcome = outcome(&config, tasks("0s 2h retries 0"));
    let total = outcome.total;
    assert_eq!((total.launches.terminated, total.tasks.exhausted), (1, 1));
    assert_eq!((total.safety.claimed_ended, total.safety.spared), (0, 0));
}

// ---- windows of trouble ----

#[test]
fn a_broken_image_breaks_what_boots_while_it_lasts() {
    for registers in [false, true] {
        let mut config = fleet(10, worker());
        let worker_types = vec![WorkerTypeId::new(0)];
        let broken = FaultKind::BrokenImage { worker_types, registers };
        fault(&mut config, "20m", "30m", broken);
        let (outcome, records, _) = watched(&config, tasks("0s 5m\n 20m 5m\n 35m 5m times 2"));
        let registered = records.iter().filter(|record| {
            matches!(
                record,
                Record::Observed { observation: Observation::WorkerRegistered { .. }, .. }
            )
        });
        assert_eq!((outcome.total.tasks.done, outcome.total.launches.started), (4, 4));
        assert_eq!(registered.count(), if registers { 4 } else { 3 });
        assert!(outcome.total.safety.zombie_time > Duration::ZERO);
    }
}

#[test]
fn boots_take_longer_while_they_are_slow() {
    let boot = DurationDist::Constant(duration("60s"));
    let mut config = fleet(1, WorkerModel { boot, ..worker() });
    fault(&mut config, "10m", "20m", FaultKind::BootSlow { factor: 5.0 });
    let wait = |lines| outcome(&config, tasks(lines)).total.wait.max;
    assert_eq!((wait("0s 1m"), wait("10m 1m")), (duration("2m"), duration("5m")));
}

#[test]
fn counts_may_lie_as_much_as_they_like() {
    let mut config = fleet(5, worker());
    let lie = FaultKind::QueueSays { pending: 300, claimed: u32::MAX };
    fault(&mut config, "90s", "210s", lie);
    let total = outcome(&config, tasks("0s 10m")).total;
    assert_eq!((total.tasks.done, total.demand_peak), (1, u32::MAX));
}

#[test]
fn counts_that_lie_are_believed_and_the_truth_is_told_after_them() {
    let mut config = fleet(5, worker());
    fault(&mut config, "90s", "210s", FaultKind::QueueSays { pending: 9, claimed: 2 });
    check(
        &config,
        "0s 10m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 9 pending, 2 claimed
        0h02m00 launch #2 in a on demand
        0h02m00 launch #3 in a on demand
        0h02m00 launch #4 in a on demand
        0h02m00 launch #5 in a on demand
        0h02m00 #2 works
        0h02m00 #3 works
        0h02m00 #4 works
        0h02m00 #5 works
        0h03m00 queue: 9 pending, 2 claimed
        0h04m00 queue: 0 pending, 1 claimed
        0h11m00 end: 1 done, longest wait 1 min
        micro-dollars: on demand 276000, useful 60000, idle 216000
    "#]],
    );
}

#[test]
fn counts_are_told_as_they_were() {
    let mut config = fleet(2, worker());
    config.queue.count_lag = duration("150s");
    check(
        &config,
        "30s 2m",
        expect![[r#"
        0h01m00 queue: 0 pending, 0 claimed
        0h02m00 queue: 0 pending, 0 claimed
        0h03m00 queue: 1 pending, 0 claimed
        0h03m00 launch #1 in a on demand
        0h03m00 #1 works
        0h04m00 queue: 1 pending, 0 claimed
        0h05m00 end: 1 done, longest wait 2 min 30 s
        micro-dollars: on demand 12000, useful 12000
    "#]],
    );
}

#[test]
fn counts_are_off_by_no_more_than_their_error() {
    let mut config = fleet(0, worker());
    config.queue.count_error = 0.1;
    let (_, records, _) = watched(&config, tasks("0s 1m times 1000 deadline 10h"));
    let counts = records.iter().filter_map(|record| match record {
        Record::Observed { observation: Observation::DemandCounted { pending, .. }, .. } => {
            Some(*pending)
        }
        Record::Observed { .. } | Record::Decided(_) | Record::Configured { .. } => None,
    });
    let counts: Vec<u32> = counts.collect();
    let (least, most) = (counts.iter().min(), counts.iter().max());
    assert!(least < Some(&920) && least >= Some(&900), "{least:?}");
    assert!(most > Some(&1_080) && most <= Some(&1_100), "{most:?}");
}

#[test]
fn some_reads_of_counts_fail() {
    let mut config = fleet(0, worker());
    config.queue = QueueModel { count_failure: 0.2, ..config.queue };
    let (outcome, records, _) = watched(&config, tasks("0s 1m deadline 20h"));
    let failed = records.iter().filter(|record| {
        matches!(record, Record::Observed { observation: Observation::DemandUnknown { .. }, .. })
    });
    let (failed, reads) = (failed.count(), outcome.iterations);
    assert!(reads > 1_000 && (0.17..0.23).contains(&(failed as f64 / reads as f64)), "{failed}");
}
