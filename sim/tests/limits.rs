//! What an outcome says of limits that were in the way, and of the start with an empty fleet.

mod support;

use provisioner_engine::units::{Duration, UsdPerHour};
use provisioner_engine::worker_type::SpendLimits;
use provisioner_sim::config::SimConfig;
use provisioner_sim::dist::DurationDist;
use provisioner_sim::outcome::LimitMeasures;
use support::{CHEAPEST, market, outcome, tasks, worker_type, world};

fn limits(config: &SimConfig, lines: &str) -> LimitMeasures {
    outcome(config, tasks(lines)).limits
}

#[test]
fn the_time_that_capacity_max_was_too_little_is_measured() {
    let full = |capacity_max| {
        let outcome =
            outcome(&world(vec![worker_type("t", capacity_max)]), tasks("0s 10m times 2"));
        outcome.total.capacity_max_time
    };
    // The second task waits until the first is done, which is told within a minute.
    let minutes = [1, 2].map(|capacity_max| full(capacity_max).ms() / 60_000);
    assert!((10..=11).contains(&minutes[0]) && minutes[1] == 0, "{minutes:?}");
}

#[test]
fn each_turn_in_which_a_limit_was_in_the_way_counts() {
    let config = world(vec![worker_type("t", 10)]);
    assert_eq!(limits(&config, "0s 10m times 5"), LimitMeasures::default());

    let mut few = config.clone();
    few.engine.limits.launches_per_decision_max = 1;
    assert_eq!(limits(&few, "0s 10m times 5"), LimitMeasures { launches: 4, ..Default::default() });

    // $0.36 an hour each.
    let mut poor = config.clone();
    poor.engine.limits.spend = SpendLimits {
        hourly_max: Some(UsdPerHour::from_micros(800_000)),
        ..SpendLimits::default()
    };
    let LimitMeasures { spend, price, calls, launches } = limits(&poor, "0s 10m times 5");
    assert!((20..=25).contains(&spend) && (price, calls, launches) == (0, 0, 0), "{spend}");

    let mut dear = config;
    dear.engine.worker_types[0].placement = CHEAPEST;
    dear.engine.worker_types[0].price_max = UsdPerHour::from_micros(100_000);
    dear.market = market(&dear, "0s a 0.20\n 30m a 0.05");
    let LimitMeasures { spend, price, calls, launches } = limits(&dear, "0s 10m");
    assert!((28..=62).contains(&price) && (spend, calls, launches) == (0, 0, 0), "{price}");
}

#[test]
fn who_waited_for_the_first_workers_is_counted_unless_the_warm_up_leaves_them_out() {
    let mut config = world(vec![worker_type("t", 3)]);
    config.workers[0].boot = DurationDist::Constant(Duration::from_mins(10));
    let cold = |config: &SimConfig| {
        let total = outcome(config, tasks("0s 1m times 3\n 2h 1m")).total;
        (total.waits_cold, total.wait.count)
    };
    assert_eq!(cold(&config), (3, 4));
    config.warmup = Duration::MINUTE;
    assert_eq!(cold(&config), (0, 1));
}
