//! Calls to EC2 that are throttled, lost, or answered twice, and what the engine makes of it.

mod support;

use expect_test::expect;
use proptest::prelude::*;
use provisioner_engine::guards::{ApiRule, Guards, ListingRule, Unanswered};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::{Call, Observation};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, Time};
use provisioner_sim::config::api::{ApiBuckets, Fulfilment, TokenBucket};
use provisioner_sim::config::{Fault, FaultKind, Regime, SimConfig};
use provisioner_sim::dist::DurationDist;
use support::{
    CHEAPEST, cloud, market, outcome, story, summary, tasks, time, watched, worker_type, world,
};

/// A world whose workers take ten minutes to boot, so that an answer matters.
fn slow_world(guards: Guards) -> SimConfig {
    let mut config = world(vec![worker_type("t", 1_000)]);
    config.engine.guards = guards;
    config.engine.limits.launches_per_call_max = 50;
    config.workers[0].boot = DurationDist::Constant(Duration::from_mins(10));
    config.cloud.api.error_answer = DurationDist::Constant(Duration::SECOND);
    config
}

/// Only what is about calls; nobody lists.
fn guarded() -> Guards {
    Guards { unanswered: Unanswered::Repeated, api: Some(ApiRule::default()), ..Guards::off() }
}

fn fault(until: &str, what: FaultKind) -> Vec<Fault> {
    vec![Fault { from: time("0s"), until: time(until), what }]
}

#[test]
fn a_lost_answer_is_asked_for_again_and_each_task_has_one_instance() {
    let mut config = slow_world(guarded());
    config.faults = fault("90s", FaultKind::ResponsesLost { share: 1.0 });
    expect![[r#"
        0h01m00 queue: 2 pending, 0 claimed
        0h01m00 launch #1 and more in a
        0h02m00 #1 is not answered
        0h02m01 launch #1 and more in a
        0h11m00 #1 works
        0h11m00 #2 works
        0h11m01 queue: 0 pending, 2 claimed
        0h16m00 end: 2 done, longest wait 11 min
        micro-dollars: on demand 180000, useful 60000, boot 120000
    "#]]
    .assert_eq(&story(&config, tasks("0s 5m times 2")));
    let outcome = outcome(&config, tasks("0s 5m times 2"));
    assert_eq!((outcome.total.launches.started, outcome.total.safety.double_launches), (2, 0));
}

#[test]
fn an_answer_that_is_forgotten_is_bought_twice() {
    let mut config = slow_world(Guards::off());
    config.faults = fault("90s", FaultKind::ResponsesLost { share: 1.0 });
    let outcome = outcome(&config, tasks("0s 5m times 2"));
    assert_eq!((outcome.total.launches.started, outcome.total.safety.double_launches), (4, 2));
    assert_eq!(outcome.api_calls.launch_unanswered, 1);
}

#[test]
fn a_lost_request_is_made_again_under_the_same_token() {
    let mut config = slow_world(guarded());
    config.faults = fault("90s", FaultKind::RequestsLost { share: 1.0 });
    let outcome = outcome(&config, tasks("0s 5m times 2"));
    assert_eq!((outcome.total.launches.ordered, outcome.total.launches.started), (2, 2));
    assert_eq!((outcome.api_calls.launch, outcome.api_calls.launch_repeated), (2, 1));
    assert_eq!(outcome.total.launches.unmade, 0);
}

#[test]
fn internal_errors_are_told_at_once_and_carried_out_as_often_as_configured() {
    let run = |done| {
        let mut config = slow_world(Guards::off());
        config.cloud.api.internal_error_done = done;
        config.faults = fault("90s", FaultKind::InternalErrors { share: 1.0 });
        outcome(&config, tasks("0s 5m times 2")).total.launches
    };
    assert_eq!((run(0.0).started, run(0.0).unmade), (2, 2));
    assert_eq!((run(1.0).started, run(1.0).unmade), (4, 0));
}

#[test]
fn an_answer_that_arrives_twice_changes_nothing() {
    let mut config = slow_world(guarded());
    let plain = outcome(&config, tasks("0s 5m times 2"));
    config.cloud.api.duplicated_response = 1.0;
    let (twice, records, _) = watched(&config, tasks("0s 5m times 2"));
    assert_eq!(summary(&twice), summary(&plain));
    assert_eq!(twice.decision_digest, plain.decision_digest);
    let given = |record: &&Record| {
        let given = |fact: &Observation| matches!(fact, Observation::InstancePending { .. });
        matches!(record, Record::Observed { observation, .. } if given(observation))
    };
    assert_eq!(records.iter().filter(given).count(), 4);
}

#[test]
fn the_timeout_is_when_a_lost_answer_is_noticed() {
    let unanswered_at = |timeout| {
        let mut config = slow_world(guarded());
        config.cloud.api.lost_response = 1.0;
        config.cloud.api.call_timeout = timeout;
        let (_, records, _) = watched(&config, tasks("0s 5m"));
        records.into_iter().find_map(|record| match record {
            Record::Observed { at, observation: Observation::CallUnanswered { .. } } => Some(at),
            _ => None,
        })
    };
    assert_eq!(unanswered_at(Duration::MINUTE), Some(time("2m")));
    assert_eq!(unanswered_at(Duration::from_secs(7)), Some(Time::EPOCH + Duration::from_secs(67)));
}

/// Five spot instances wanted, room for three.
fn scarce(fulfilment: Fulfilment) -> String {
    let mut worker_type = worker_type("t", 5);
    worker_type.placement = CHEAPEST;
    let mut config = world(vec![worker_type]);
    config.engine.limits.launches_per_call_max = 50;
    config.end = time("3m");
    config.cloud = cloud(Regime::Capacity);
    config.cloud.api.fulfilment = fulfilment;
    config.market = market(&config, "0s a 0.36\n 0s a available 3\n 90s a available 5");
    story(&config, tasks("0s 90s times 5"))
}

#[test]
fn a_call_gets_as_many_instances_as_there_are() {
    expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 5 pending, 0 claimed
        0h01m00 launch #1 and more in a
        0h01m00 #1 works
        0h01m00 #2 works
        0h01m00 #3 works
        0h01m00 #4 refused: InsufficientCapacity
        0h01m00 #5 refused: InsufficientCapacity
        0h02m00 queue: 2 pending, 3 claimed
        0h02m00 launch #6 and more in a
        0h02m00 #6 works
        0h02m00 #7 works
        0h03m00 queue: 0 pending, 2 claimed
        0h03m00 end: 3 done, 2 left, longest wait 2 min
        micro-dollars: spot 48000, useful 39000, idle 9000
    "#]]
    .assert_eq(&scarce(Fulfilment::Partial));
}

#[test]
fn or_none_where_all_or_nothing_is_asked_for() {
    expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 5 pending, 0 claimed
        0h01m00 launch #1 and more in a
        0h01m00 #1 refused: InsufficientCapacity
        0h01m00 #2 refused: InsufficientCapacity
        0h01m00 #3 refused: InsufficientCapacity
        0h01m00 #4 refused: InsufficientCapacity
        0h01m00 #5 refused: InsufficientCapacity
        0h02m00 launch #6 and more in a
        0h02m00 #6 works
        0h02m00 #7 works
        0h02m00 #8 works
        0h02m00 #9 works
        0h02m00 #10 works
        0h03m00 queue: 0 pending, 5 claimed
        0h03m00 end: 5 left, longest wait 2 min
        micro-dollars: spot 30000, useful 30000
    "#]]
    .assert_eq(&scarce(Fulfilment::AllOrNothing));
}

/// 600 tasks at once, one instance a call, as the predecessors called.
fn burst(guards: Guards) -> SimConfig {
    let mut config = slow_world(guards);
    config.engine.limits.launches_per_call_max = 1;
    config.cloud.api.buckets = Some(ApiBuckets::default());
    config
}

#[test]
fn who_keeps_an_allowance_is_never_throttled_and_late_by_no_more_than_the_rate() {
    let outcome = outcome(&burst(guarded()), tasks("0s 30m times 600"));
    assert_eq!(outcome.api_calls.launch_throttled, 0);
    assert_eq!((outcome.api_calls.launch, outcome.total.tasks.done), (600, 600));
    assert_eq!(outcome.total.capacity_peak, outcome.total.demand_peak);
    // A minute to the first iteration, 4 at once, then 1.6 a second, then ten minutes of boot.
    let longest = outcome.total.wait.max.as_secs_f64() - 600.0;
    assert!((432.0..=440.0).contains(&longest), "{longest} s");
}

#[test]
fn who_keeps_none_is_throttled_again_and_again_and_loses_no_demand() {
    let outcome = outcome(&burst(Guards::off()), tasks("0s 30m times 600"));
    assert_eq!(outcome.total.tasks.done, 600);
    assert!(outcome.api_calls.launch_throttled > 10_000, "{:?}", outcome.api_calls);
}

#[test]
fn a_storm_of_throttles_is_not_amplified_and_ends_within_a_bound() {
    let mut config = slow_world(guarded());
    config.faults = fault("10m", FaultKind::CallsThrottled { share: 1.0 });
    let outcome = outcome(&config, tasks("0s 5m times 100"));
    assert_eq!((outcome.total.tasks.done, outcome.total.launches.started), (100, 100));
    // Two calls; the waits double from a second to a minute.
    assert!(outcome.api_calls.launch_throttled <= 2 * 16, "{:?}", outcome.api_calls);
    let late = outcome.total.wait.max - Duration::from_mins(20);
    assert!(late <= Duration::from_secs(75), "{late}");
}

#[test]
fn an_order_to_end_that_is_lost_is_given_again() {
    let run = |lost: Option<FaultKind>| {
        let mut config = slow_world(guarded());
        config.engine.worker_types[0].registration_timeout = Some(Duration::from_mins(5));
        config.end = time("4m");
        config.drain = Duration::from_mins(30);
        config.workers[0].boot = DurationDist::Constant(Duration::from_mins(14));
        let fault = |what| Fault { from: time("5m"), until: time("7m"), what };
        config.faults = lost.map(fault).into_iter().collect();
        let outcome = outcome(&config, tasks("0s 1m"));
        (outcome.api_calls.terminate, outcome.total.launches.terminated)
    };
    let (ordered, terminated) = run(None);
    assert_eq!(ordered, terminated);
    let (ordered, terminated) = run(Some(FaultKind::RequestsLost { share: 1.0 }));
    assert_eq!(ordered, terminated + 1, "the first was lost");
}

#[test]
fn each_kind_of_call_has_its_bucket() {
    let throttled = |buckets: ApiBuckets| {
        let mut config = slow_world(Guards::off());
        config.engine.limits.launches_per_call_max = 5;
        config.engine.worker_types[0].registration_timeout = Some(Duration::from_mins(5));
        config.drain = Duration::from_mins(1);
        config.end = time("20m");
        config.cloud.api.buckets = Some(buckets);
        let (_, records, _) = watched(&config, tasks("0s 1m times 20"));
        let mut calls: Vec<Call> = records
            .iter()
            .filter_map(|record| match record {
                Record::Observed {
                    observation: Observation::CallThrottled { call, .. }, ..
                } => Some(*call),
                _ => None,
            })
            .collect();
        calls.sort_unstable();
        calls.dedup();
        calls
    };
    let tight = TokenBucket { capacity: 3, refill_per_second: Ratio::ZERO };
    let plenty = ApiBuckets::default();
    assert_eq!(throttled(plenty), []);
    assert_eq!(throttled(ApiBuckets { launch: tight, ..plenty }), [Call::Launch]);
    assert_eq!(throttled(ApiBuckets { launch_instances: tight, ..plenty }), [Call::Launch]);
    assert_eq!(throttled(ApiBuckets { terminate: tight, ..plenty }), [Call::Terminate]);
    assert_eq!(throttled(ApiBuckets { terminate_instances: tight, ..plenty }), [Call::Terminate]);
}

fn storms() -> impl Strategy<Value = SimConfig> {
    // Almost all calls may fail, some of them for the whole time of their request: then the listings
    // have to tell what became of them.
    let chance = || prop_oneof![Just(0.0), 0.0..0.4];
    let counts = (1..60_u32, any::<bool>(), any::<bool>());
    (chance(), chance(), chance(), chance(), counts, any::<u64>()).prop_map(
        |(lost_request, lost_response, internal_error, duplicated_response, counts, seed)| {
            let (per_call, throttles, outbid) = counts;
            let listing = Some(ListingRule::default());
            let mut config = slow_world(Guards { listing, ..guarded() });
            config.seed = Seed(seed);
            config.engine.limits.launches_per_call_max = per_call;
            if outbid {
                config.cloud.regime = Regime::Outbid;
                config.engine.worker_types[0].placement = CHEAPEST;
                config.market = market(&config, "0s a 0.1");
            }
            config.cloud.pending_to_running = DurationDist::Constant(Duration::MINUTE);
            let api = &mut config.cloud.api;
            api.buckets = throttles.then(ApiBuckets::default);
            (api.lost_request, api.lost_response) = (lost_request, lost_response);
            (api.internal_error, api.duplicated_response) = (internal_error, duplicated_response);
            config
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_loss_of_calls_or_answers_buys_twice_or_loses_demand(config in storms()) {
        let outcome = outcome(&config, tasks("0s 5m times 40\n 30m 5m times 20"));
        prop_assert_eq!(outcome.total.safety.double_launches, 0);
        prop_assert_eq!(outcome.total.tasks.done, 60);
        prop_assert!(outcome.total.capacity_peak <= outcome.total.demand_peak, "{:?}", outcome.total);
    }
}
