//! Instances and spot requests walk EC2's own states, and only as EC2 walks them.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use expect_test::{Expect, expect};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use provisioner_engine::ids::{ImageId, LaunchId, PoolId, RegionId};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_engine::worker_type::PlacementPolicy;
use provisioner_sim::config::{CloudModel, Fault, FaultKind, Regime, SimConfig};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::ec2::instance_state::{InstanceState, StateReason};
use provisioner_sim::ec2::interruption::InterruptionModel;
use provisioner_sim::ec2::launch::LaunchModel;
use provisioner_sim::ec2::quota::{QuotaClass, QuotaModel};
use provisioner_sim::ec2::spot_request::StatusCode;
use provisioner_sim::generate::sources::RecordedTasks;
use provisioner_sim::input::{AvailabilityChange, PriceChange};
use provisioner_sim::market::Market;
use provisioner_sim::{Step, Transition};
use support::{
    CHEAPEST, candidate, cloud, duration, market, tasks, time, walk, walked, worker_type, world,
};

/// One worker type that bids twice the market price, in zone `a`, with calls of 10 s.
fn spot(regime: Regime, prices: &str) -> SimConfig {
    let mut worker_type = worker_type("t", 1);
    worker_type.placement = CHEAPEST;
    let mut config = world(vec![worker_type]);
    config.cloud = cloud(regime);
    config.cloud.answer = DurationDist::Constant(duration("10s"));
    config.cloud.pending_to_running = DurationDist::Constant(duration("5s"));
    config.cloud.termination = DurationDist::Constant(duration("40s"));
    config.market = market(&config, prices);
    config
}

fn check(config: &SimConfig, lines: &str, expected: Expect) {
    expected.assert_eq(&walk(config, tasks(lines)));
}

#[test]
fn an_outbid_instance_is_marked_and_then_terminated_by_price() {
    let config = spot(Regime::Outbid, "0s a 0.18\n 10m a 0.37\n 30m a 0.18");
    check(
        &config,
        "0s 1h retries 0",
        expect![[r#"
        0h01m00 #1 request open: pending-evaluation
        0h01m10 #1 request open: pending-fulfillment
        0h01m10 #1 request active: fulfilled
        0h01m10 #1 instance pending
        0h01m15 #1 instance running
        0h10m00 #1 request active: marked-for-termination
        0h12m00 #1 instance shutting-down: Server.SpotInstanceTermination
        0h12m00 #1 instance terminated: Server.SpotInstanceTermination
        0h12m00 #1 request closed: instance-terminated-by-price
    "#]],
    );
}

#[test]
fn a_request_waits_for_its_price_and_for_capacity() {
    let prices =
        "0s a 0.18\n 65s a 0.50\n 80s a available 0\n 5m a 0.36\n 6m a 0.30\n 7m a available 1";
    check(
        &spot(Regime::Outbid, prices),
        "0s 10m",
        expect![[r#"
        0h01m00 #1 request open: pending-evaluation
        0h01m10 #1 request open: price-too-low
        0h05m00 #1 request open: capacity-oversubscribed
        0h06m00 #1 request open: capacity-not-available
        0h07m00 #1 request open: pending-fulfillment
        0h07m00 #1 request active: fulfilled
        0h07m00 #1 instance pending
        0h07m05 #1 instance running
    "#]],
    );
}

#[test]
fn a_request_that_is_cancelled_in_time_never_has_an_instance() {
    check(
        &spot(Regime::Outbid, "0s a 0.18\n 65s a 0.50\n 22m a 0.01"),
        "0s 10m",
        expect![[r#"
            0h01m00 #1 request open: pending-evaluation
            0h01m10 #1 request open: price-too-low
            0h21m00 #1 request cancelled: canceled-before-fulfillment
            0h22m00 #2 request open: pending-evaluation
            0h22m10 #2 request open: pending-fulfillment
            0h22m10 #2 request active: fulfilled
            0h22m10 #2 instance pending
            0h22m15 #2 instance running
        "#]],
    );
}

#[test]
fn a_request_that_is_cancelled_too_late_leaves_an_instance_that_runs_and_costs() {
    let mut config = spot(Regime::Outbid, "0s a 0.18");
    config.observation_lag = DurationDist::Constant(duration("25m"));
    config.end = time("1h");
    check(
        &config,
        "0s 2h",
        expect![[r#"
        0h25m00 #1 request open: pending-evaluation
        0h25m10 #1 request open: pending-fulfillment
        0h25m10 #1 request active: fulfilled
        0h25m10 #1 instance pending
        0h25m15 #1 instance running
        0h45m00 #1 request cancelled: request-canceled-and-instance-running
    "#]],
    );
}

#[test]
fn today_a_reclaimed_instance_runs_on_after_its_request_has_ended() {
    let config = spot(Regime::Capacity, "0s a 0.18\n 10m a available 0\n 30m a available 1");
    check(
        &config,
        "0s 1h retries 0",
        expect![[r#"
        0h01m10 #1 request open: pending-evaluation
        0h01m10 #1 request open: pending-fulfillment
        0h01m10 #1 request active: fulfilled
        0h01m10 #1 instance pending
        0h01m15 #1 instance running
        0h10m00 #1 request closed: instance-terminated-no-capacity
        0h12m00 #1 instance shutting-down: Server.SpotInstanceTermination
        0h12m00 #1 instance terminated: Server.SpotInstanceTermination
    "#]],
    );
}

#[test]
fn an_instance_that_ends_itself_ends_its_request_as_by_its_user() {
    check(
        &spot(Regime::Capacity, "0s a 0.18"),
        "0s 10m\n 2h 1m",
        expect![[r#"
        0h01m10 #1 request open: pending-evaluation
        0h01m10 #1 request open: pending-fulfillment
        0h01m10 #1 request active: fulfilled
        0h01m10 #1 instance pending
        0h01m15 #1 instance running
        0h21m15 #1 instance shutting-down: Client.InstanceInitiatedShutdown
        0h21m55 #1 instance terminated: Client.InstanceInitiatedShutdown
        0h21m55 #1 request closed: instance-terminated-by-user
        2h00m10 #2 request open: pending-evaluation
        2h00m10 #2 request open: pending-fulfillment
        2h00m10 #2 request active: fulfilled
        2h00m10 #2 instance pending
        2h00m15 #2 instance running
    "#]],
    );
}

#[test]
fn a_launch_that_fails_never_runs() {
    let mut config = spot(Regime::Capacity, "0s a 0.18");
    config.cloud.launch.early_death = 1.0;
    config.cloud.launch.early_death_after = DurationDist::Constant(duration("20s"));
    config.end = time("90s");
    check(
        &config,
        "0s 10m",
        expect![[r#"
        0h01m10 #1 request open: pending-evaluation
        0h01m10 #1 request open: pending-fulfillment
        0h01m10 #1 request active: fulfilled
        0h01m10 #1 instance pending
        0h01m30 #1 instance terminated: Server.InternalError
        0h01m30 #1 request closed: system-error
    "#]],
    );
}

#[test]
fn on_demand_there_is_no_request() {
    let mut config = spot(Regime::Outbid, "0s a 0.18");
    config.engine.worker_types[0].placement = PlacementPolicy::OnDemand;
    check(
        &config,
        "0s 10m",
        expect![[r#"
        0h01m10 #1 instance pending
        0h01m15 #1 instance running
    "#]],
    );
}

#[test]
fn a_request_that_waits_past_its_end_has_expired() {
    let mut config = spot(Regime::Outbid, "0s a 0.18\n 65s a 0.50\n 5m a 0.60\n 15m a 0.01");
    config.cloud.request_valid_for = Some(duration("10m"));
    check(
        &config,
        "0s 10m",
        expect![[r#"
        0h01m00 #1 request open: pending-evaluation
        0h01m10 #1 request open: price-too-low
        0h11m00 #1 request cancelled: schedule-expired
        0h11m00 #2 request open: pending-evaluation
        0h11m10 #2 request open: pending-fulfillment
        0h11m10 #2 request active: fulfilled
        0h11m10 #2 instance pending
        0h11m15 #2 instance running
    "#]],
    );
}

#[test]
fn every_state_code_and_reason_is_walked() {
    let mut runner = TestRunner::deterministic();
    let mut walked_to = BTreeSet::new();
    for lag in ["0s", "25m"].repeat(256) {
        let (mut config, tasks) = stormy_world().new_tree(&mut runner).expect("a world").current();
        config.observation_lag = DurationDist::Constant(duration(lag));
        for Transition { step, .. } in walked(&config, tasks).1 {
            match step {
                Step::Instance { to, reason, .. } => {
                    walked_to.insert(to.name());
                    walked_to.extend(reason.map(StateReason::code));
                }
                Step::Request { to, .. } => drop(walked_to.insert(to.code())),
            }
        }
    }
    let states = InstanceState::ALL.map(InstanceState::name);
    let reasons = StateReason::ALL.map(StateReason::code);
    let codes = StatusCode::ALL.iter().map(|code| code.code());
    let all = states.into_iter().chain(reasons).chain(codes);
    let never: Vec<_> = all.filter(|name| !walked_to.contains(name)).collect();
    assert!(never.is_empty(), "nothing ever comes to {never:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn only_steps_that_ec2_takes_and_each_stay_begins_and_ends_once(
        (config, tasks) in stormy_world()
    ) {
        let (outcome, steps) = walked(&config, tasks);
        let mut walks: BTreeMap<LaunchId, Walk> = BTreeMap::new();
        let mut last = config.start;
        for Transition { at, launch, step } in steps {
            prop_assert!(last <= at, "steps are told in order");
            last = at;
            walks.entry(launch).or_default().go(step)?;
        }
        let entered = |state| walks.values().filter(|walk| walk.states.contains(&state)).count();
        let launches = outcome.total.launches;
        prop_assert_eq!(entered(InstanceState::Running) as u64, launches.started);
        for (launch, walk) in &walks {
            let times = |state| walk.states.iter().filter(|entered| **entered == state).count();
            prop_assert!(times(InstanceState::Running) <= 1, "{} runs twice", launch);
            prop_assert!(times(InstanceState::Terminated) <= 1, "{} ends twice", launch);
            let ended = walk.states.last() == Some(&InstanceState::Terminated);
            if let (true, Some(request)) = (ended, walk.request) {
                prop_assert!(request.is_final(), "{launch} is gone, its request {request}");
            }
        }
        // However often and late the engine hears of a loss, it counts once.
        let losses = (outcome.notices.losses, outcome.notices.losses_miscounted);
        prop_assert!(launches.interrupted <= losses.0 && losses.1 == 0, "{:?}", outcome.notices);
    }
}

/// The steps of one launch so far.
#[derive(Default)]
struct Walk {
    states: Vec<InstanceState>,
    request: Option<StatusCode>,
}

impl Walk {
    fn go(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Instance { from, to, reason } => {
                prop_assert_eq!(from, self.states.last().copied());
                let legal = from.map_or(to == InstanceState::Pending, |from| from.may_become(to));
                prop_assert!(legal, "{:?} to {}", from, to);
                let ends = matches!(to, InstanceState::ShuttingDown | InstanceState::Terminated);
                prop_assert_eq!(ends, reason.is_some(), "an end has a reason");
                self.states.push(to);
            }
            Step::Request { from, to } => {
                prop_assert_eq!(from, self.request);
                let first = StatusCode::PendingEvaluation;
                let legal = from.map_or(to == first, |from| from.may_become(to));
                prop_assert!(legal, "{:?} to {}", from, to);
                self.request = Some(to);
            }
        }
        Ok(())
    }
}

const POOLS: usize = 3;

fn secs(range: std::ops::Range<i64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_secs)
}

fn delay() -> impl Strategy<Value = DurationDist> {
    prop_oneof![
        Just(support::NO_DELAY),
        secs(1..300).prop_map(|mean| DurationDist::Exponential { mean }),
    ]
}

/// Often never, sometimes now and then.
fn chance() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.0, 0.0, 0.3, 0.9])
}

prop_compose! {
    fn news()(
        (tie_kill, burst, late, twice) in (chance(), chance(), chance(), chance()),
        (after_death, rebalance) in (chance(), chance()),
        (seen_after, dry_after_burst, lead) in (delay(), delay(), delay()),
    ) -> InterruptionModel {
        InterruptionModel {
            tie_kill,
            burst,
            dry_after_burst,
            notice_seen_after: seen_after,
            notice_late: late,
            notice_duplicated: twice,
            notice_after_death: after_death,
            rebalance_before_kill: rebalance,
            rebalance_lead: lead,
            ..InterruptionModel::plain()
        }
    }
}

prop_compose! {
    fn stormy_cloud()(
        regime in prop::sample::select(vec![Regime::Outbid, Regime::Capacity]),
        (answer, pending_to_running, termination) in (delay(), delay(), delay()),
        terminate_call in delay(),
        request_valid_for in prop::option::of(secs(60..3_600)),
        (notice_missing, early_death) in (chance(), chance()),
        interruption_hazard in prop::sample::select(vec![0.0, 0.5, 3.0]),
        interruption in news(),
        dry in prop::sample::subsequence(vec![0, 1, 2], 0..=2),
        (instances, vcpus) in (prop::option::of(1_u32..8), prop::option::of(2_u32..16)),
        release_lag in delay(),
    ) -> CloudModel {
        CloudModel {
            answer,
            terminate_call,
            request_valid_for,
            pending_to_running,
            termination,
            notice_missing,
            interruption_hazard,
            interruption,
            launch: LaunchModel {
                early_death,
                not_offered: dry.into_iter().map(PoolId::new).collect(),
                ..LaunchModel::plain()
            },
            quotas: QuotaModel {
                spot_instances: instances,
                spot_vcpus: vcpus.map(|vcpus| (QuotaClass::Standard, vcpus)).into_iter().collect(),
                on_demand_vcpus: BTreeMap::new(),
                release_lag,
            },
            ..cloud(regime)
        }
    }
}

prop_compose! {
    fn fault()(kind in 0..3, from in secs(0..14_400), length in secs(60..4_000)) -> Fault {
        let from = Time::EPOCH + from;
        let what = match kind {
            0 => FaultKind::PoolDry { pools: vec![PoolId::new(0), PoolId::new(2)] },
            1 => FaultKind::VolumeLimit { region: RegionId::new(0) },
            _ => FaultKind::ImageUnusable { images: vec![ImageId::new(0)] },
        };
        Fault { from, until: from + length, what }
    }
}

prop_compose! {
    fn stormy_world()(
        seed in any::<u64>(),
        cloud in stormy_cloud(),
        faults in prop::collection::vec(fault(), 0..3),
        prices in prop::collection::vec((secs(0..20_000), 0..POOLS, 1_i64..12), 1..24),
        available in prop::collection::vec((secs(0..20_000), 0..POOLS, 0_u32..6), 0..12),
        spot in any::<bool>(),
        timeout in secs(60..1_800),
        mut arrivals in prop::collection::vec((0_i64..14_400, 1_i64..4_000), 0..40),
    ) -> (SimConfig, RecordedTasks) {
        let mut worker_type = worker_type("t", 12);
        worker_type.candidates = (0..POOLS).map(candidate).collect();
        worker_type.request_timeout = timeout;
        worker_type.lifetime_max = timeout * 3;
        if spot {
            worker_type.placement = CHEAPEST;
        }
        let mut config = world(vec![worker_type]);
        (config.seed, config.cloud, config.faults) = (Seed(seed), cloud, faults);
        let prices = prices.into_iter().map(|(at, pool, price)| PriceChange {
            at: Time::EPOCH + at,
            pool: PoolId::new(pool),
            price: UsdPerHour::from_micros(price * 60_000),
        });
        let available = available.into_iter().map(|(at, pool, available)| AvailabilityChange {
            at: Time::EPOCH + at,
            pool: PoolId::new(pool),
            available,
        });
        config.market = Market::new(POOLS, prices.collect(), available.collect());
        (config.end, config.drain) = (time("4h"), duration("2h"));
        arrivals.sort_unstable();
        let lines: Vec<String> =
            arrivals.iter().map(|(at, length)| format!("{at}s {length}s")).collect();
        (config, tasks(&lines.join("\n")))
    }
}
