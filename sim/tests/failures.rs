//! One test for each way in which EC2 fails, refuses, warns and takes back: what each parameter
//! does.
//!
//! Prices of $0.36 an hour make 100 micro-dollars a second. The engine iterates each minute.

mod support;

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::ids::{ImageId, PoolId, RegionId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::PlacementPolicy;
use provisioner_sim::config::{Fault, FaultKind, Regime, SimConfig};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::ec2::quota::QuotaClass;
use provisioner_sim::outcome::Outcome;
use support::{
    CHEAPEST, catalog_of, cloud, duration, market, outcome, story, tasks, time, watched,
    worker_type, world,
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

/// The same on demand.
fn on_demand(capacity_max: u32) -> SimConfig {
    world(vec![worker_type("t", capacity_max)])
}

fn constant(text: &str) -> DurationDist {
    DurationDist::Constant(duration(text))
}

fn fault(from: &str, until: &str, what: FaultKind) -> Fault {
    Fault { from: time(from), until: time(until), what }
}

fn check(config: &SimConfig, lines: &str, expected: Expect) {
    expected.assert_eq(&story(config, tasks(lines)));
}

// ---- launches ----

#[test]
fn a_launch_that_fails_early_is_bought_again() {
    let mut config = on_demand(1);
    config.cloud.launch.early_death = 0.5;
    config.cloud.launch.early_death_after = constant("20s");
    check(
        &config,
        "0s 1m\n 1h 1m\n 2h 1m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m20 #1 ended by LaunchFailed
        0h02m00 launch #2 in a on demand
        0h02m00 #2 works
        0h03m00 queue: 0 pending, 0 claimed
        0h13m00 #2 ended by Worker
        1h00m00 queue: 1 pending, 0 claimed
        1h00m00 launch #3 in a on demand
        1h00m20 #3 ended by LaunchFailed
        1h01m00 launch #4 in a on demand
        1h01m00 #4 works
        1h02m00 queue: 0 pending, 0 claimed
        1h12m00 #4 ended by Worker
        2h00m00 queue: 1 pending, 0 claimed
        2h00m00 launch #5 in a on demand
        2h00m20 #5 ended by LaunchFailed
        2h01m00 launch #6 in a on demand
        2h01m20 #6 ended by LaunchFailed
        2h02m00 launch #7 in a on demand
        2h02m00 #7 works
        2h03m00 end: 3 done, longest wait 2 min
        micro-dollars: on demand 138000, useful 18000, idle 120000
    "#]],
    );
}

#[test]
fn a_type_that_is_not_offered_is_refused_in_both_markets() {
    let mut config = spot(Regime::Capacity, 1, "0s a 0.18");
    config.cloud.launch.not_offered = vec![PoolId::new(0)];
    config.end = time("2m");
    check(
        &config,
        "0s 1m",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m00 #1 refused: Unsupported
        0h02m00 launch #2 in a for at most $0.36/h
        0h02m00 #2 refused: Unsupported
        0h02m00 end: 1 left, longest wait 0 s
        micro-dollars: nothing
    "#]],
    );
    config.engine.worker_types[0].placement = PlacementPolicy::OnDemand;
    assert_eq!(outcome(&config, tasks("0s 1m")).total.launches.unsupported, 2);
}

#[test]
fn a_limit_on_volumes_kills_each_instance_while_it_lasts() {
    let mut config = on_demand(1);
    config.cloud.launch.early_death_after = constant("10s");
    config.faults = vec![fault("0s", "150s", FaultKind::VolumeLimit { region: RegionId::new(0) })];
    check(
        &config,
        "0s 1m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m10 #1 ended by VolumeLimit
        0h02m00 launch #2 in a on demand
        0h02m10 #2 ended by VolumeLimit
        0h03m00 launch #3 in a on demand
        0h03m00 #3 works
        0h04m00 end: 1 done, longest wait 3 min
        micro-dollars: on demand 6000, useful 6000
    "#]],
    );
}

#[test]
fn an_unusable_image_is_refused_while_it_is_so() {
    let mut config = on_demand(1);
    let images = vec![ImageId::new(0)];
    config.faults = vec![fault("0s", "150s", FaultKind::ImageUnusable { images })];
    check(
        &config,
        "0s 1m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 refused: ImageUnusable
        0h02m00 launch #2 in a on demand
        0h02m00 #2 refused: ImageUnusable
        0h03m00 launch #3 in a on demand
        0h03m00 #3 works
        0h04m00 end: 1 done, longest wait 3 min
        micro-dollars: on demand 6000, useful 6000
    "#]],
    );
}

#[test]
fn a_dry_pool_gives_nothing_and_takes_nothing() {
    let mut config = spot(Regime::Capacity, 2, "0s a 0.36");
    let pools = vec![PoolId::new(0)];
    config.faults = vec![fault("90s", "4m", FaultKind::PoolDry { pools })];
    check(
        &config,
        "0s 10m\n 100s 1m",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.72/h
        0h01m00 #1 works
        0h02m00 queue: 1 pending, 1 claimed
        0h02m00 launch #2 in a for at most $0.72/h
        0h02m00 #2 refused: InsufficientCapacity
        0h03m00 launch #3 in a for at most $0.72/h
        0h03m00 #3 refused: InsufficientCapacity
        0h04m00 launch #4 in a for at most $0.72/h
        0h04m00 #4 works
        0h05m00 queue: 0 pending, 1 claimed
        0h11m00 end: 2 done, longest wait 2 min 20 s
        micro-dollars: spot 102000, useful 66000, idle 36000
    "#]],
    );
}

#[test]
fn a_request_to_a_dry_pool_waits_for_its_end() {
    let mut config = spot(Regime::Outbid, 1, "0s a 0.36");
    let pools = vec![PoolId::new(0)];
    config.faults = vec![fault("0s", "250s", FaultKind::PoolDry { pools })];
    check(
        &config,
        "0s 1m",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.72/h
        0h04m10 #1 works
        0h05m00 queue: 0 pending, 1 claimed
        0h05m10 end: 1 done, longest wait 4 min 10 s
        micro-dollars: spot 360000, useful 6000, wasted 354000
    "#]],
    );
}

#[test]
fn machines_take_as_long_to_end_as_their_kind_does() {
    let names = ["m3.large", "g4dn.xlarge", "c5.metal"];
    let ended = names.map(|name| {
        let mut config = on_demand(1);
        let mut catalog = Catalog::new();
        let (region, product) = (catalog.region("us-east-1"), catalog.product("Linux/UNIX"));
        let (zone, instance_type) =
            (catalog.zone("us-east-1", "us-east-1a"), catalog.instance_type(name, 2));
        catalog.pool(Pool { zone, instance_type, product });
        let price = support::ON_DEMAND;
        catalog.set_on_demand(region, instance_type, product, Time::EPOCH, price);
        config.engine.catalog = catalog;
        config.cloud.termination = constant("1m");
        config.cloud.termination_gpu = constant("5m");
        config.cloud.termination_metal = constant("20m");
        let at = |wanted: fn(&Observation) -> bool| {
            let (_, records, _) = watched(&config, tasks("0s 1m\n 1h 1m"));
            records.iter().find_map(|record| match record {
                Record::Observed { at, observation } if wanted(observation) => Some(*at),
                _ => None,
            })
        };
        let stopping = at(|fact| matches!(fact, Observation::InstanceStopping { .. }));
        let ended = at(|fact| matches!(fact, Observation::InstanceEnded { .. }));
        ended.zip(stopping).map(|(ended, stopping)| ended.since(stopping))
    });
    assert_eq!(ended, ["1m", "5m", "20m"].map(|time| Some(duration(time))));
}

// ---- quotas ----

#[test]
fn the_bid_era_had_a_quota_of_spot_instances_that_open_requests_count_for() {
    let mut config = spot(Regime::Outbid, 3, "0s a 0.18\n 61s a 0.50\n 10m a 0.18");
    config.cloud.quotas.spot_instances = Some(2);
    config.cloud.quotas.release_lag = constant("0s");
    config.cloud.answer = constant("5s");
    config.end = time("4m");
    check(
        &config,
        "0s 10m times 3",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 3 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m00 launch #2 in a for at most $0.36/h
        0h01m00 launch #3 in a for at most $0.36/h
        0h01m01 price: a $0.50/h
        0h01m05 #3 refused: QuotaReached
        0h02m00 launch #4 in a for at most $1.00/h
        0h02m05 #4 refused: QuotaReached
        0h03m00 launch #5 in a for at most $1.00/h
        0h03m05 #5 refused: QuotaReached
        0h04m00 launch #6 in a for at most $1.00/h
        0h04m00 end: 3 left, longest wait 0 s
        micro-dollars: nothing
    "#]],
    );
}

#[test]
fn virtual_cpus_are_counted_by_market() {
    let quota = || BTreeMap::from([(QuotaClass::Standard, 4)]);
    let refused = |config: &SimConfig| {
        let launches = outcome(config, tasks("0s 30m times 3")).total.launches;
        (launches.started, launches.quota_reached > 0)
    };
    let mut config = spot(Regime::Capacity, 3, "0s a 0.18");
    config.end = time("10m");
    config.cloud.quotas.on_demand_vcpus = quota();
    assert_eq!(refused(&config), (3, false), "spot instances do not count as on-demand ones");
    config.cloud.quotas.spot_vcpus = quota();
    assert_eq!(refused(&config), (2, true), "two of two virtual CPUs each");
    config.engine.worker_types[0].placement = PlacementPolicy::OnDemand;
    assert_eq!(refused(&config), (2, true));
    config.cloud.quotas.on_demand_vcpus = BTreeMap::from([(QuotaClass::G, 0)]);
    assert_eq!(refused(&config), (3, false), "another class");
}

#[test]
fn virtual_cpus_are_counted_however_many_an_instance_has() {
    let mut config = spot(Regime::Capacity, 3, "0s a 0.18");
    config.engine.catalog = catalog_of(1, u32::MAX);
    config.end = time("10m");
    config.cloud.quotas.on_demand_vcpus = BTreeMap::from([(QuotaClass::Standard, 4)]);
    let started =
        |config: &SimConfig| outcome(config, tasks("0s 30m times 3")).total.launches.started;
    assert_eq!(started(&config), 3, "they are not on demand");
    config.cloud.quotas.spot_vcpus = BTreeMap::from([(QuotaClass::Standard, u32::MAX)]);
    assert_eq!(started(&config), 1);
}

#[test]
fn an_ended_instance_counts_until_ec2_has_noticed() {
    let mut config = on_demand(1);
    config.cloud.quotas.on_demand_vcpus = BTreeMap::from([(QuotaClass::Standard, 2)]);
    config.cloud.quotas.release_lag = constant("5m");
    config.engine.worker_types[0].idle_timeout = duration("1m");
    check(
        &config,
        "0s 1m\n 5m 1m",
        expect![[r#"
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a on demand
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 0 claimed
        0h03m00 #1 ended by Worker
        0h05m00 queue: 1 pending, 0 claimed
        0h05m00 launch #2 in a on demand
        0h05m00 #2 refused: QuotaReached
        0h06m00 launch #3 in a on demand
        0h06m00 #3 refused: QuotaReached
        0h07m00 launch #4 in a on demand
        0h07m00 #4 refused: QuotaReached
        0h08m00 launch #5 in a on demand
        0h08m00 #5 works
        0h09m00 end: 2 done, longest wait 3 min
        micro-dollars: on demand 18000, useful 12000, idle 6000
    "#]],
    );
}

// ---- interruption ----

#[test]
fn at_a_price_that_equals_the_bid_an_instance_may_go() {
    let mut config = spot(Regime::Outbid, 1, "0s a 0.18\n 10m a 0.36\n 30m a 0.18");
    config.cloud.interruption.tie_kill = 1.0;
    check(
        &config,
        "0s 30m retries 0",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m00 price: a $0.36/h
        0h10m00 #1 is noticed, ends 0h12m00
        0h12m00 #1 ended by Interruption
        0h12m00 end: 1 exhausted, longest wait 1 min
        micro-dollars: nothing
    "#]],
    );
}

/// A worker type that keeps as many spot instances, without a task, at an hourly hazard of 2 %.
fn idle_fleet(capacity: u32, days: i64) -> SimConfig {
    let mut config = spot(Regime::Capacity, capacity, "0s a 0.36");
    config.engine.worker_types[0].capacity_min = capacity;
    config.engine.worker_types[0].idle_timeout = support::FOR_EVER;
    config.cloud.interruption_hazard = 0.02;
    config.end = Time::EPOCH + Duration::DAY * days;
    config
}

/// A run of an idle fleet to its end: one task comes last.
fn fleet_outcome(config: &SimConfig) -> Outcome {
    let end = config.end.ms() / 1_000;
    outcome(config, tasks(&format!("{}s 1s", end - 1)))
}

#[test]
fn a_pool_takes_back_most_of_what_it_gave_and_is_dry_for_a_while() {
    let mut config = idle_fleet(2, 8);
    config.cloud.interruption.burst = 1.0;
    config.cloud.interruption.burst_within = Duration::MINUTE;
    config.cloud.interruption.dry_after_burst = constant("7m");
    config.cloud.interruption_hazard = 0.2;
    config.end = time("5h");
    check(
        &config,
        "17900s 1s",
        expect![[r#"
            0h00m00 price: a $0.36/h
            0h01m00 queue: 0 pending, 0 claimed
            0h01m00 launch #1 in a for at most $0.72/h
            0h01m00 launch #2 in a for at most $0.72/h
            0h01m00 #1 works
            0h01m00 #2 works
            4h35m04.120 #1 is noticed, ends 4h37m04.120
            4h35m10.670 #2 is noticed, ends 4h37m10.670
            4h37m04.120 #1 ended by Interruption
            4h37m10.670 #2 ended by Interruption
            4h38m00 launch #3 in a for at most $0.72/h
            4h38m00 launch #4 in a for at most $0.72/h
            4h38m00 #3 refused: InsufficientCapacity
            4h38m00 #4 refused: InsufficientCapacity
            4h39m00 launch #5 in a for at most $0.72/h
            4h39m00 launch #6 in a for at most $0.72/h
            4h39m00 #5 refused: InsufficientCapacity
            4h39m00 #6 refused: InsufficientCapacity
            4h40m00 launch #7 in a for at most $0.72/h
            4h40m00 launch #8 in a for at most $0.72/h
            4h40m00 #7 refused: InsufficientCapacity
            4h40m00 #8 refused: InsufficientCapacity
            4h41m00 launch #9 in a for at most $0.72/h
            4h41m00 launch #10 in a for at most $0.72/h
            4h41m00 #9 refused: InsufficientCapacity
            4h41m00 #10 refused: InsufficientCapacity
            4h42m00 launch #11 in a for at most $0.72/h
            4h42m00 launch #12 in a for at most $0.72/h
            4h42m00 #11 works
            4h42m00 #12 works
            4h58m21 end: 1 done, longest wait 0 s
            micro-dollars: spot 3509800, useful 100, idle 3509579, wasted 121
        "#]],
    );
}

#[test]
fn bursts_leave_the_hazard_of_each_instance_as_it_was() {
    let interrupted = |burst| {
        let mut config = idle_fleet(20, 100);
        config.cloud.interruption.burst = burst;
        let total = fleet_outcome(&config).total;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let kills = total.launches.interrupted as f64;
        kills / total.instance_time.as_hours_f64()
    };
    let (alone, together) = (interrupted(0.0), interrupted(0.92));
    // About 960 kills alone, and 50 events together.
    assert!((alone / 0.02 - 1.0).abs() < 0.1, "{alone}");
    assert!((together / 0.02 - 1.0).abs() < 0.45, "{together}");
}

#[test]
fn a_notice_is_seen_once_it_was_polled() {
    let mut config = spot(Regime::Outbid, 1, "0s a 0.18\n 10m a 0.37\n 30m a 0.18");
    config.cloud.interruption.notice_seen_after = constant("15s");
    check(
        &config,
        "0s 30m retries 0",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m00 price: a $0.37/h
        0h10m15 #1 is noticed, ends 0h12m00
        0h12m00 #1 ended by Interruption
        0h12m00 end: 1 exhausted, longest wait 1 min
        micro-dollars: nothing
    "#]],
    );
}

#[test]
fn a_late_notice_leaves_less_time() {
    let mut config = spot(Regime::Outbid, 1, "0s a 0.18\n 10m a 0.37\n 30m a 0.18");
    config.cloud.interruption.notice_late = 1.0;
    config.cloud.interruption.notice_late_by = constant("90s");
    check(
        &config,
        "0s 30m retries 0",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m00 price: a $0.37/h
        0h11m30 #1 is noticed, ends 0h12m00
        0h12m00 #1 ended by Interruption
        0h12m00 end: 1 exhausted, longest wait 1 min
        micro-dollars: nothing
    "#]],
    );
}

#[test]
fn a_notice_may_come_twice_and_after_the_end() {
    let mut config = spot(Regime::Outbid, 1, "0s a 0.18\n 10m a 0.37\n 30m a 0.18");
    config.cloud.interruption.notice_duplicated = 1.0;
    config.cloud.interruption.notice_duplicated_after = constant("150s");
    let losses = |config: &SimConfig| outcome(config, tasks("0s 1h")).notices.losses_counted;
    assert_eq!(losses(&config), 1);
    check(
        &config,
        "0s 30m retries 1",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m00 price: a $0.37/h
        0h10m00 #1 is noticed, ends 0h12m00
        0h12m00 #1 ended by Interruption
        0h12m00 queue: 1 pending, 0 claimed
        0h12m00 launch #2 in a for at most $0.74/h
        0h12m00 #2 works
        0h12m30 #1 is noticed, ends 0h12m00
        0h13m00 queue: 0 pending, 1 claimed
        0h30m00 price: a $0.18/h
        0h42m00 end: 1 done, 1 rerun, longest wait 1 min
        micro-dollars: spot 370000, useful 185000, wasted 185000
    "#]],
    );
    config.cloud.interruption.notice_after_death = 1.0;
    config.cloud.interruption.notice_late_by = constant("30s");
    assert_eq!(losses(&config), 1);
    check(
        &config,
        "0s 30m retries 1",
        expect![[r#"
        0h00m00 price: a $0.18/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.36/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m00 price: a $0.37/h
        0h12m00 #1 ended by Interruption
        0h12m30 #1 is noticed, ends 0h12m00
        0h30m00 price: a $0.18/h
        0h32m00 queue: 1 pending, 0 claimed
        0h32m00 launch #2 in a for at most $0.74/h
        0h32m00 #2 works
        0h33m00 queue: 0 pending, 1 claimed
        1h02m00 end: 1 done, 1 rerun, longest wait 1 min
        micro-dollars: spot 180000, useful 90000, wasted 90000
    "#]],
    );
}

#[test]
fn recommendations_come_before_most_kills_and_mostly_for_nothing() {
    let mut config = idle_fleet(20, 150);
    config.workers[0].uptime_max = Some(duration("10h")); // most end before they are taken back
    config.cloud.interruption_hazard = 0.01;
    config.cloud.interruption.rebalance_before_kill = 0.6;
    let outcome = fleet_outcome(&config);
    let (kills, notices) = (outcome.total.launches.interrupted, outcome.notices);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let share = |part: u64, whole: u64| part as f64 / whole as f64;
    // An instance that had a false alarm gets no second one: some of those are taken back after all.
    let (before, followed) = (
        share(notices.recommended_taken, kills),
        share(notices.recommended_taken, notices.recommended),
    );
    println!("{kills} kills, {notices:?}");
    assert!((0.55..0.70).contains(&before), "{before}");
    assert!((0.25..0.35).contains(&followed), "{followed}");
}

#[test]
fn a_recommendation_leads_by_what_the_scenario_says() {
    let mut config = idle_fleet(1, 2);
    config.cloud.interruption_hazard = 0.1;
    config.cloud.interruption.rebalance_before_kill = 1.0;
    config.cloud.interruption.kill_after_rebalance = 1.0;
    config.cloud.interruption.rebalance_lead = constant("30m");
    config.end = time("20h");
    check(
        &config,
        "71900s 1s",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 0 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.72/h
        0h01m00 #1 works
        17h52m09.961 #1 is at risk
        18h22m09.961 #1 is noticed, ends 18h24m09.961
        18h24m09.961 #1 ended by Interruption
        18h25m00 launch #2 in a for at most $0.72/h
        18h25m00 #2 works
        19h58m21 end: 1 done, longest wait 0 s
        micro-dollars: spot 7179100, useful 100, idle 7178997, wasted 3
    "#]],
    );
}

#[test]
fn a_kill_that_nobody_foresaw_is_recommended_with_its_notice() {
    let mut config = spot(Regime::Capacity, 1, "0s a 0.36\n 10m a available 0\n 20m a available 1");
    config.cloud.interruption.rebalance_before_kill = 1.0;
    check(
        &config,
        "0s 30m retries 0",
        expect![[r#"
        0h00m00 price: a $0.36/h
        0h01m00 queue: 1 pending, 0 claimed
        0h01m00 launch #1 in a for at most $0.72/h
        0h01m00 #1 works
        0h02m00 queue: 0 pending, 1 claimed
        0h10m00 #1 is at risk
        0h10m00 #1 is noticed, ends 0h12m00
        0h12m00 #1 ended by Interruption
        0h12m00 end: 1 exhausted, longest wait 1 min
        micro-dollars: nothing
    "#]],
    );
}
