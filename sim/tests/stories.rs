//! What happens to tasks, instances and money, told in small stories.
//!
//! Prices of $0.36 an hour make 100 micro-dollars a second. The engine iterates each minute.

mod support;

use expect_test::{Expect, expect};
use provisioner_engine::units::{Duration, Ratio};
use provisioner_engine::worker_type::PlacementPolicy;
use provisioner_sim::config::{IdleStop, Regime, SimConfig};
use provisioner_sim::dist::DurationDist;
use support::{
    CHEAPEST, candidate, cloud, duration, market, outcome, story, summary, tasks, worker_type,
    world,
};

/// One worker type that bids twice the market price, in zone `a`.
fn spot(regime: Regime, capacity_max: u32, prices: &str) -> SimConfig {
    let mut worker_type = worker_type("t", capacity_max);
    worker_type.placement = CHEAPEST;
    let mut config = world(vec![worker_type]);
    config.cloud = cloud(regime);
    config.market = market(&config, prices);
    config
}

fn check(config: &SimConfig, lines: &str, expected: Expect) {
    expected.assert_eq(&story(config, tasks(lines)));
}

// ---- prices ----

#[test]
fn an_instance_is_taken_back_when_the_price_exceeds_its_bid_but_not_when_it_equals_it() {
    let config = spot(Regime::Outbid, 1, "0s a 0.18\n 10m a 0.36\n 20m a 0.37\n 30m a 0.18");
    check(
        &config,
        "0s 1h",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m00 price: a $0.36/h
        0h20m00 price: a $0.37/h
        0h20m00 #1 is noticed, ends 0h22m00
        0h22m00 #1 ended by Interruption
        0h22m00 queue: 1 pending, 0 claimed
        0h22m00 launch #2 in a for at most $0.74/h
        0h22m00 #2 works
        0h23m00 queue: 0 pending, 1 claimed
        0h30m00 price: a $0.18/h
        1h22m00 end: 1 done, 1 rerun, longest wait 1 min
        micro-dollars: spot 370000, useful 370000
    "#]],
    );
}

#[test]
fn of_several_instances_only_those_outbid_are_taken_back() {
    let prices = "0s a 0.18\n 90s a 0.20\n 10m a 0.40\n 20m a 0.41\n 21m a 0.18";
    let config = spot(Regime::Outbid, 2, prices);
    check(
        &config,
        "0s 1h retries 0\n 2m 1h retries 0",
        expect![[r#"
            0h00m00 price: a $0.18/h
            0h01m00 queue: 1 pending, 0 claimed
            0h01m00 launch #1 in a for at most $0.36/h
            0h01m00 #1 works
            0h01m30 price: a $0.20/h
            0h02m00 queue: 1 pending, 1 claimed
            0h02m00 launch #2 in a for at most $0.40/h
            0h02m00 #2 works
            0h03m00 queue: 0 pending, 2 claimed
            0h10m00 price: a $0.40/h
            0h10m00 #1 is noticed, ends 0h12m00
            0h12m00 #1 ended by Interruption
            0h12m00 queue: 0 pending, 1 claimed
            0h20m00 price: a $0.41/h
            0h20m00 #2 is noticed, ends 0h22m00
            0h21m00 price: a $0.18/h
            0h22m00 #2 ended by Interruption
            0h22m00 end: 2 exhausted, longest wait 1 min
            micro-dollars: nothing
        "#]],
    );
}

#[test]
fn a_request_waits_while_the_price_is_above_its_bid_and_is_served_when_it_falls() {
    let mut config = spot(Regime::Outbid, 1, "0s a 0.18\n 70s a 0.50\n 5m a 0.36");
    config.cloud.answer = DurationDist::Constant(duration("30s"));
    check(
        &config,
        "0s 10m",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m10 price: a $0.50/h
        0h05m00 price: a $0.36/h
        0h05m00 #1 works
        0h05m00 queue: 0 pending, 1 claimed
        0h15m00 end: 1 done, longest wait 5 min
        micro-dollars: spot 360000, useful 60000, wasted 300000
    "#]],
    );
}

#[test]
fn a_request_that_is_not_fulfilled_in_twenty_minutes_is_cancelled() {
    let mut config = spot(Regime::Outbid, 1, "0s a 0.18\n 70s a 0.50");
    config.cloud.answer = DurationDist::Constant(duration("30s"));
    check(
        &config,
        "0s 10m",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m10 price: a $0.50/h
        0h21m00 cancel #1
        0h21m00 #1 refused: Cancelled
        0h22m00 launch #2 in a for at most $1.00/h
        0h22m30 #2 works
        0h23m00 queue: 0 pending, 1 claimed
        0h32m30 end: 1 done, longest wait 22 min 30 s
        micro-dollars: spot 500000, useful 83333, idle 1, wasted 416666
    "#]],
    );
}

#[test]
fn an_on_demand_launch_under_way_cannot_be_cancelled() {
    let mut config = world(vec![worker_type("t", 1)]);
    config.cloud = cloud(Regime::Outbid);
    config.cloud.answer = DurationDist::Constant(duration("30m"));
    check(
        &config,
        "0s 10m",
        expect![[r#"
            0h01m00 queue: 1 pending, 0 claimed
            0h01m00 launch #1 in a on demand
            0h21m00 cancel #1
            0h26m00 cancel #1
            0h31m00 #1 works
            0h31m00 queue: 0 pending, 1 claimed
            0h41m00 end: 1 done, longest wait 31 min
            micro-dollars: on demand 360000, useful 60000, wasted 300000
        "#]],
    );
}

#[test]
fn today_a_launch_below_the_market_price_is_refused() {
    let mut config = spot(Regime::Capacity, 1, "0s a 0.18\n 70s a 0.50");
    config.cloud.answer = DurationDist::Constant(duration("30s"));
    check(
        &config,
        "0s 10m",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m10 price: a $0.50/h
        0h01m30 #1 refused: MaxPriceTooLow
        0h02m00 launch #2 in a for at most $1.00/h
        0h02m30 #2 works
        0h03m00 queue: 0 pending, 1 claimed
        0h12m30 end: 1 done, longest wait 2 min 30 s
        micro-dollars: spot 83334, useful 83334
    "#]],
    );
}

#[test]
fn today_a_launch_from_an_empty_pool_is_refused() {
    let config = spot(Regime::Capacity, 2, "0s a 0.36\n 0s a available 1\n 150s a available 2");
    check(
        &config,
        "0s 10m times 2",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 2 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.72/h
        0h01m00 launch #2 in a for at most $0.72/h
        0h01m00 #1 works
        0h01m00 #2 refused: InsufficientCapacity
        0h02m00 queue: 1 pending, 1 claimed
        0h02m00 launch #3 in a for at most $0.72/h
        0h02m00 #3 refused: InsufficientCapacity
        0h03m00 launch #4 in a for at most $0.72/h
        0h03m00 #4 works
        0h04m00 queue: 0 pending, 2 claimed
        0h11m00 queue: 0 pending, 1 claimed
        0h13m00 end: 2 done, longest wait 3 min
        micro-dollars: spot 132000, useful 120000, idle 12000
    "#]],
    );
}

#[test]
fn without_a_bid_the_most_that_is_paid_is_the_on_demand_price() {
    let mut config = spot(Regime::Capacity, 1, "0s a 0.36\n 10m a 0.37\n 14m a 0.36");
    config.engine.worker_types[0].placement = PlacementPolicy::Weighted {
        market: Default::default(),
        selection: Default::default(),
        errors: Default::default(),
    };
    check(
        &config,
        "0s 9m\n 5m 10m retries 0",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h05m00 queue: 1 pending, 1 claimed
        0h10m00 price: a $0.37/h
        0h10m00 #1 is noticed, ends 0h12m00
        0h10m00 queue: 1 pending, 0 claimed
        0h12m00 #1 ended by Interruption
        0h12m00 launch #2 in a
        0h12m00 #2 refused: MaxPriceTooLow
        0h13m00 launch #3 in a
        0h13m00 #3 refused: MaxPriceTooLow
        0h14m00 price: a $0.36/h
        0h14m00 launch #4 in a
        0h14m00 #4 works
        0h15m00 queue: 0 pending, 1 claimed
        0h24m00 end: 2 done, longest wait 9 min
        micro-dollars: spot 60000, useful 60000
    "#]],
    );
}

// ---- interruptions ----

#[test]
fn a_drop_in_availability_takes_exactly_the_excess() {
    let config = spot(Regime::Capacity, 5, "0s a 0.36\n 10m a available 3\n 11m a available 2");
    check(
        &config,
        "0s 14m times 5 retries 0",
        expect![[r#"
            0h00m00 price: a $0.36/h
            0h01m00 queue: 5 pending, 0 claimed
            0h01m00 launch #1 in a for at most $0.72/h
            0h01m00 launch #2 in a for at most $0.72/h
            0h01m00 launch #3 in a for at most $0.72/h
            0h01m00 launch #4 in a for at most $0.72/h
            0h01m00 launch #5 in a for at most $0.72/h
            0h01m00 #1 works
            0h01m00 #2 works
            0h01m00 #3 works
            0h01m00 #4 works
            0h01m00 #5 works
            0h02m00 queue: 0 pending, 5 claimed
            0h10m00 #3 is noticed, ends 0h12m00
            0h10m00 #2 is noticed, ends 0h12m00
            0h11m00 #4 is noticed, ends 0h13m00
            0h12m00 #3 ended by Interruption
            0h12m00 #2 ended by Interruption
            0h12m00 queue: 0 pending, 3 claimed
            0h13m00 #4 ended by Interruption
            0h13m00 queue: 0 pending, 2 claimed
            0h15m00 end: 2 done, 3 exhausted, longest wait 1 min
            micro-dollars: spot 168000, useful 168000
        "#]],
    );
}

#[test]
fn tasks_run_again_at_once_when_the_notice_was_seen() {
    let config = spot(Regime::Capacity, 1, "0s a 0.36\n 10m a available 0\n 11m a available 1");
    check(
        &config,
        "0s 20m",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.72/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m00 #1 is noticed, ends 0h12m00
        0h12m00 #1 ended by Interruption
        0h12m00 queue: 1 pending, 0 claimed
        0h12m00 launch #2 in a for at most $0.72/h
        0h12m00 #2 works
        0h13m00 queue: 0 pending, 1 claimed
        0h32m00 end: 1 done, 1 rerun, longest wait 1 min
        micro-dollars: spot 120000, useful 120000
    "#]],
    );
}

#[test]
fn tasks_run_again_when_their_claims_expire_if_the_notice_was_missed() {
    let mut config = spot(Regime::Capacity, 1, "0s a 0.36\n 10m a available 0\n 11m a available 1");
    config.cloud.notice_missing = 1.0;
    check(
        &config,
        "0s 20m",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.72/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h12m00 #1 ended by Interruption
        0h32m00 queue: 1 pending, 0 claimed
        0h32m00 launch #2 in a for at most $0.72/h
        0h32m00 #2 works
        0h33m00 queue: 0 pending, 1 claimed
        0h52m00 end: 1 done, 1 rerun, longest wait 1 min
        micro-dollars: spot 120000, useful 120000
    "#]],
    );
}

#[test]
fn a_noticed_worker_claims_no_more_and_waits_for_its_end() {
    let mut config = spot(Regime::Capacity, 1, "0s a 0.36\n 10m a available 0\n 11m a available 1");
    config.engine.worker_types[0].idle_timeout = duration("1m");
    check(
        &config,
        "0s 510s\n 630s 1m",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.72/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m00 #1 is noticed, ends 0h12m00
        0h10m00 queue: 0 pending, 0 claimed
        0h11m00 queue: 1 pending, 0 claimed
        0h12m00 #1 ended by Interruption
        0h12m00 launch #2 in a for at most $0.72/h
        0h12m00 #2 works
        0h13m00 end: 2 done, longest wait 1 min 30 s
        micro-dollars: spot 6000, useful 6000
    "#]],
    );
}

#[test]
fn a_task_is_given_up_after_its_last_allowed_run() {
    let config = spot(
        Regime::Capacity,
        1,
        "0s a 0.36\n 10m a available 0\n 13m a available 1\n 20m a available 0\n 23m a available 1",
    );
    let lost_twice = outcome(&config, tasks("0s 30m retries 1"));
    expect![[r#"
        0h22m00 end: 1 rerun, 1 exhausted, longest wait 1 min
        micro-dollars: nothing
    "#]]
    .assert_eq(&summary(&lost_twice));
    let once_more = outcome(&config, tasks("0s 30m retries 2"));
    expect![[r#"
        0h53m00 end: 1 done, 2 rerun, longest wait 1 min
        micro-dollars: spot 180000, useful 180000
    "#]]
    .assert_eq(&summary(&once_more));
}

#[test]
fn a_stay_taken_back_is_free_in_its_first_hour_and_paid_for_after_it() {
    for (at, expected) in [
        (
            "57m",
            expect![[r#"
            0h59m00 end: 1 exhausted, longest wait 1 min
            micro-dollars: nothing
        "#]],
        ),
        (
            "58m",
            expect![[r#"
            1h00m00 end: 1 exhausted, longest wait 1 min
            micro-dollars: nothing
        "#]],
        ),
        (
            "59m",
            expect![[r#"
            1h01m00 end: 1 exhausted, longest wait 1 min
            micro-dollars: spot 360000, wasted 360000
        "#]],
        ),
    ] {
        let prices = format!("0s a 0.36\n {at} a available 0");
        let config = spot(Regime::Capacity, 1, &prices);
        expected.assert_eq(&summary(&outcome(&config, tasks("0s 2h retries 0"))));
    }
}

#[test]
fn an_outbid_stay_pays_its_full_hours_and_a_stopped_one_its_last_begun() {
    let outbid = spot(Regime::Outbid, 1, "0s a 0.18\n 90m a 0.72");
    expect![[r#"
        1h32m00 end: 1 exhausted, longest wait 1 min
        micro-dollars: spot 180000, wasted 180000
    "#]]
    .assert_eq(&summary(&outcome(&outbid, tasks("0s 5h retries 0"))));
    let stopped = spot(Regime::Outbid, 1, "0s a 0.18\n 90m a 0.36");
    expect![[r#"
        3h01m00 end: 2 done, longest wait 1 min
        micro-dollars: spot 720000, useful 279000, idle 30000, wasted 411000
    "#]]
    .assert_eq(&summary(&outcome(&stopped, tasks("0s 91m\n 3h 60s"))));
}

// ---- deadlines and priorities ----

#[test]
fn a_deadline_ends_a_task_that_waits() {
    check(
        &world(vec![worker_type("t", 1)]),
        "0s 10m\n 0s 10m deadline 5m",
        expect![[r#"
            0h01m00 queue: 2 pending, 0 claimed
            0h01m00 launch #1 in a on demand
            0h01m00 #1 works
            0h02m00 queue: 1 pending, 1 claimed
            0h05m00 queue: 0 pending, 1 claimed
            0h11m00 end: 1 done, 1 expired, longest wait 1 min
            micro-dollars: on demand 60000, useful 60000
        "#]],
    );
}

#[test]
fn a_deadline_ends_a_task_that_runs_and_frees_its_worker() {
    check(
        &world(vec![worker_type("t", 1)]),
        "0s 1h deadline 5m\n 2m 2m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 1 pending, 1 claimed
        0h05m00 queue: 0 pending, 1 claimed
        0h07m00 end: 1 done, 1 expired, longest wait 3 min
        micro-dollars: on demand 36000, useful 12000, wasted 24000
    "#]],
    );
}

#[test]
fn a_deadline_ends_a_task_whose_worker_vanished() {
    let mut config = spot(Regime::Capacity, 1, "0s a 0.36\n 10m a available 0");
    config.cloud.notice_missing = 1.0;
    check(
        &config,
        "0s 1h deadline 15m",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.72/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h12m00 #1 ended by Interruption
        0h15m00 end: 1 expired, longest wait 1 min
        micro-dollars: nothing
    "#]],
    );
}

#[test]
fn a_deadline_that_passed_before_the_task_came_ends_it_at_once() {
    check(
        &world(vec![worker_type("t", 1)]),
        "2m 1h deadline 1m",
        expect![[r#"
        0h01m00 queue: 0 pending, 0 claimed
        0h02m00 end: 1 expired, longest wait 0 s
        micro-dollars: nothing
    "#]],
    );
}

#[test]
fn a_deadline_after_the_end_of_time_is_none() {
    let config = world(vec![worker_type("t", 1)]);
    let lines = "0s 10m deadline 99999999h";
    expect![[r#"
        0h11m00 end: 1 done, longest wait 1 min
        micro-dollars: on demand 60000, useful 60000
    "#]]
    .assert_eq(&summary(&outcome(&config, tasks(lines))));
}

#[test]
fn a_higher_priority_goes_first_and_equals_in_the_order_of_submission() {
    let config = world(vec![worker_type("t", 1)]);
    let ordered = "0s 10m deadline 45m\n 1s 10m deadline 55m\n 2s 10m low deadline 35m
                   3s 10m highest deadline 15m\n 4s 10m medium deadline 25m";
    expect![[r#"
        0h51m00 end: 5 done, longest wait 40 min 59 s
        micro-dollars: on demand 300000, useful 300000
    "#]]
    .assert_eq(&summary(&outcome(&config, tasks(ordered))));
}

// ---- workers ----

#[test]
fn an_instance_runs_as_many_tasks_at_once_as_its_capacity() {
    let mut config = world(vec![worker_type("t", 100)]);
    config.engine.worker_types[0].candidates[0].capacity = 4;
    check(
        &config,
        "0s 10m times 5",
        expect![[r#"
        0h01m00 queue: 5 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 launch #2 in a on demand
        0h01m00 #1 works
        0h01m00 #2 works
        0h02m00 queue: 0 pending, 5 claimed
        0h11m00 end: 5 done, longest wait 1 min
        micro-dollars: on demand 120000, useful 75000, idle 45000
    "#]],
    );
}

#[test]
fn a_worker_of_twice_the_utility_takes_half_the_time() {
    let mut config = world(vec![worker_type("t", 1)]);
    config.engine.worker_types[0].candidates[0].utility = Ratio::from_millionths(2_000_000);
    expect![[r#"
        0h06m00 end: 1 done, longest wait 1 min
        micro-dollars: on demand 30000, useful 30000
    "#]]
    .assert_eq(&summary(&outcome(&config, tasks("0s 10m"))));
}

#[test]
fn an_idle_worker_stops_after_its_timeout_or_just_before_its_hour_ends() {
    let mut config = world(vec![worker_type("t", 1)]);
    check(
        &config,
        "0s 10m\n 3h 1m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h11m00 queue: 0 pending, 0 claimed
        0h21m00 #1 ended by Worker
        3h00m00 queue: 1 pending, 0 claimed
        3h00m00 launch #2 in a on demand
        3h00m00 #2 works
        3h01m00 end: 2 done, longest wait 1 min
        micro-dollars: on demand 126000, useful 66000, idle 60000
    "#]],
    );
    config.workers[0].idle_stop = IdleStop::BeforeHourEnds(duration("2m"));
    check(
        &config,
        "0s 10m\n 3h 1m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h11m00 queue: 0 pending, 0 claimed
        0h59m00 #1 ended by Worker
        3h00m00 queue: 1 pending, 0 claimed
        3h00m00 launch #2 in a on demand
        3h00m00 #2 works
        3h01m00 end: 2 done, longest wait 1 min
        micro-dollars: on demand 354000, useful 66000, idle 288000
    "#]],
    );
}

#[test]
fn an_idle_worker_that_claims_is_idle_anew_after_it() {
    check(
        &world(vec![worker_type("t", 1)]),
        "0s 10m\n 15m 2m\n 1h 1m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h11m00 queue: 0 pending, 0 claimed
        0h15m00 queue: 0 pending, 1 claimed
        0h17m00 queue: 0 pending, 0 claimed
        0h27m00 #1 ended by Worker
        1h00m00 queue: 1 pending, 0 claimed
        1h00m00 launch #2 in a on demand
        1h00m00 #2 works
        1h01m00 end: 3 done, longest wait 1 min
        micro-dollars: on demand 162000, useful 78000, idle 84000
    "#]],
    );
}

#[test]
fn a_worker_past_its_longest_uptime_finishes_its_task_and_stops() {
    let mut config = world(vec![worker_type("t", 1)]);
    config.workers[0].uptime_max = Some(duration("15m"));
    check(
        &config,
        "0s 10m times 3",
        expect![[r#"
        0h01m00 queue: 3 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 2 pending, 1 claimed
        0h11m00 queue: 1 pending, 1 claimed
        0h21m00 #1 ended by Worker
        0h21m00 queue: 1 pending, 0 claimed
        0h21m00 launch #2 in a on demand
        0h21m00 #2 works
        0h22m00 queue: 0 pending, 1 claimed
        0h31m00 end: 3 done, longest wait 21 min
        micro-dollars: on demand 180000, useful 180000
    "#]],
    );
}

#[test]
fn a_slot_rests_between_two_tasks_and_its_worker_is_not_idle_meanwhile() {
    let mut config = world(vec![worker_type("t", 2)]);
    config.engine.worker_types[0].candidates[0].capacity = 2;
    config.engine.worker_types[0].idle_timeout = duration("5m");
    config.workers[0].between_tasks = duration("10m");
    // From 2 to 12 min one slot rests, so of two tasks that come at 2 min 30 s one waits.
    check(
        &config,
        "0s 60s\n 150s 60s\n 150s 60s",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 0 claimed
        0h03m00 queue: 1 pending, 1 claimed
        0h04m00 queue: 1 pending, 0 claimed
        0h12m00 queue: 0 pending, 1 claimed
        0h13m00 end: 3 done, longest wait 9 min 30 s
        micro-dollars: on demand 72000, useful 9000, idle 63000
    "#]],
    );
}

#[test]
fn a_stay_costs_what_its_market_charges() {
    let spot = spot(Regime::Capacity, 1, "0s a 0.18");
    expect![[r#"
        0h11m00 end: 1 done, longest wait 1 min
        micro-dollars: spot 30000, useful 30000
    "#]]
    .assert_eq(&summary(&outcome(&spot, tasks("0s 10m"))));
    let on_demand = world(vec![worker_type("t", 1)]);
    expect![[r#"
        0h11m00 end: 1 done, longest wait 1 min
        micro-dollars: on demand 60000, useful 60000
    "#]]
    .assert_eq(&summary(&outcome(&on_demand, tasks("0s 10m"))));
}

#[test]
fn a_launch_takes_its_delays_and_the_meter_runs_from_running() {
    let mut config = world(vec![worker_type("t", 1)]);
    config.cloud.answer = DurationDist::Constant(duration("10s"));
    config.cloud.pending_to_running = DurationDist::Constant(duration("20s"));
    config.workers[0].boot = DurationDist::Constant(duration("100s"));
    check(
        &config,
        "0s 10m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h03m10 #1 works
        0h04m00 queue: 0 pending, 1 claimed
        0h13m10 end: 1 done, longest wait 3 min 10 s
        micro-dollars: on demand 70000, useful 60000, boot 10000
    "#]],
    );
}

// ---- the end of a run ----

#[test]
fn nothing_happens_after_the_run_was_given_up() {
    // The boot would end, and so would the task, between the end of the run and the next turn.
    let mut config = world(vec![worker_type("t", 2)]);
    config.cloud.pending_to_running = DurationDist::Constant(duration("70s"));
    (config.end, config.drain) = (support::time("1m"), duration("65s"));
    check(
        &config,
        "0s 1s times 2",
        expect![[r#"
        0h01m00 queue: 2 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 launch #2 in a on demand
        0h02m05 end: 2 left, longest wait 0 s
        micro-dollars: nothing
    "#]],
    );
}

#[test]
fn what_still_runs_at_the_end_is_billed_until_then() {
    let mut config = world(vec![worker_type("t", 2)]);
    (config.end, config.drain) = (support::time("10m"), Duration::MINUTE);
    check(
        &config,
        "0s 1h\n 30s 1m",
        expect![[r#"
        0h01m00 queue: 2 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 launch #2 in a on demand
        0h01m00 #1 works
        0h01m00 #2 works
        0h02m00 queue: 0 pending, 1 claimed
        0h11m00 end: 1 done, 1 left, longest wait 1 min
        micro-dollars: on demand 120000, useful 66000, idle 54000
    "#]],
    );
}

#[test]
fn no_deadline_or_timeout_is_too_far_away_to_be_never() {
    let mut config = world(vec![worker_type("t", 1)]);
    config.engine.worker_types[0].idle_timeout = Duration::MAX;
    config.engine.worker_types[0].lifetime_max = Duration::MAX;
    config.engine.worker_types[0].request_timeout = Duration::MAX;
    config.workers[0].uptime_max = Some(Duration::MAX);
    config.queue.claim_expiry = Duration::MAX;
    expect![[r#"
        1h10m00 end: 2 done, longest wait 1 min
        micro-dollars: on demand 414000, useful 120000, idle 294000
    "#]]
    .assert_eq(&summary(&outcome(&config, tasks("0s 10m\n 1h 10m"))));
}

#[test]
fn a_larger_candidate_is_used_where_it_is_cheaper_for_its_worth() {
    let mut worker_type = worker_type("t", 100);
    worker_type.placement = CHEAPEST;
    worker_type.candidates = vec![candidate(0), candidate(1)];
    worker_type.candidates[1].utility = Ratio::from_millionths(3_000_000);
    let mut config = world(vec![worker_type]);
    config.market = market(&config, "0s a 0.10\n 0s b 0.27");
    check(
        &config,
        "0s 30m",
        expect![[r#"
        0h00m00 price: a $0.10/h
        0h00m00 price: b $0.27/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in b for at most $0.54/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h11m00 end: 1 done, longest wait 1 min
        micro-dollars: spot 45000, useful 45000
    "#]],
    );
}
