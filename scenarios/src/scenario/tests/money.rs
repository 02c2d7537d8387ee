//! Keys about money, and what they come to.

use provisioner_engine::units::{Duration, Ratio, Usd, UsdPerHour};
use provisioner_engine::worker_type::SpendLimits;
use provisioner_sim::config::FaultKind;
use provisioner_sim::config::feed::{FeedModel, RowOrder};

use super::*;

const FILE: &str = r#"
    [time]
    start = 2021-03-01
    length = "1 d"
    [engine]
    spend = { hourly_max = "$5/h", daily_max = "$40" }
    guard_rules = { prices_stale_after = "30 min", price_ratio_max = 4 }
    [market]
    zones = ["us-east-1a"]
    feed = { polled = { interval = "7 min", page_rows = 9, order = "shuffled", duplicates = 0.5 } }
    on_demand = { "c5.xlarge" = "$0.17/h" }
    [faults]
    gap = { what = "feed-down" }
    page = { what = "feed-first-page" }
    unit = { what = { feed-scaled = { factor = 1000 } } }
    [worker_types."proj/builds"]
    capacity_max = 5
    on_demand_after = "10 min"
    spend = { hourly_max = "$1/h" }
    instance_types."c5.xlarge" = {}
    tasks = { generated = { preset = "firefox-builds", tasks_per_hour = 6 } }
"#;

#[test]
fn ceilings_patience_feed_and_its_faults_are_as_written() {
    let scenario = load_text(FILE).expect("a good file").scenario;
    let config = scenario.config(scenario.seed());
    let overall = SpendLimits {
        hourly_max: Some(UsdPerHour::from_micros(5_000_000)),
        daily_max: Some(Usd::from_micros(40_000_000)),
    };
    assert_eq!(config.engine.limits.spend, overall);
    let builds = &config.engine.worker_types[0];
    assert_eq!(builds.on_demand_after, Some(Duration::from_mins(10)));
    let own = SpendLimits { hourly_max: Some(UsdPerHour::from_micros(1_000_000)), daily_max: None };
    assert_eq!(builds.spend, own);
    assert_eq!(config.engine.guards.prices_stale_after, Some(Duration::from_mins(30)));
    assert_eq!(config.engine.guards.price_ratio_max, Some(Ratio::from_millionths(4_000_000)));
    let feed = FeedModel {
        interval: Duration::from_mins(7),
        page_rows: 9,
        order: RowOrder::Shuffled,
        duplicates: 0.5,
    };
    assert_eq!(config.feed, Some(feed));
    let faults: Vec<FaultKind> = config.faults.into_iter().map(|fault| fault.what).collect();
    let factor = Ratio::from_millionths(1_000_000_000);
    let scaled = FaultKind::FeedScaled { factor };
    assert_eq!(faults, [FaultKind::FeedDown, FaultKind::FeedFirstPage, scaled]);
}

#[test]
fn without_a_word_there_is_no_ceiling_and_prices_are_pushed() {
    let scenario = load_text(WEEK).expect("a good file").scenario;
    let config = scenario.config(scenario.seed());
    assert_eq!(config.engine.limits.spend, SpendLimits::default());
    assert_eq!(config.feed, None);
    assert!(config.engine.worker_types.iter().all(|known| known.on_demand_after.is_none()));
}
