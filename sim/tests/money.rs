//! How prices reach the engine, and what its ceilings and patience come to in the modelled world.

mod support;

use provisioner_engine::guards::Guards;
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::units::{Duration, Ratio, Time, Usd, UsdPerHour};
use provisioner_engine::worker_type::SpendLimits;
use provisioner_sim::config::feed::{FeedModel, RowOrder};
use provisioner_sim::config::{Fault, FaultKind, Regime, SimConfig};
use provisioner_sim::dist::DurationDist;
use support::{
    CHEAPEST, candidate, cloud, duration, market, outcome, tasks, time, watched, worker_type, world,
};

const PRICES: &str = "
    0s a 0.10
    0s b 0.20
    7m a 0.11
    8m a 0.12
    23m b 0.21
    34m a 0.13";

/// Two pools, a reading every ten minutes, and an hour of it.
fn polled(model: FeedModel, faults: &[(&str, &str, FaultKind)]) -> SimConfig {
    let mut worker_type = worker_type("t", 1);
    worker_type.candidates = vec![candidate(0), candidate(1)];
    worker_type.placement = CHEAPEST;
    let mut config = world(vec![worker_type]);
    config.feed = Some(FeedModel { interval: Duration::from_mins(10), ..model });
    config.market = market(&config, PRICES);
    let fault = |(from, until, what): &(&str, &str, FaultKind)| Fault {
        from: time(from),
        until: time(until),
        what: what.clone(),
    };
    config.faults = faults.iter().map(fault).collect();
    config
}

/// What the engine was told of prices: minute, zone, cents; `all` where a reading was complete.
fn told(config: &SimConfig) -> String {
    let (_, records, _) = watched(config, tasks("55m 1m"));
    let mut told: Vec<String> = Vec::new();
    let minute = |at: Time| at.ms() / 60_000;
    for record in records {
        let Record::Observed { at, observation } = record else { continue };
        match observation {
            Observation::PriceChanged { pool, price, .. } => {
                let zone = ["a", "b"][pool.index()];
                told.push(format!("{}{zone}{}", minute(at), price.micros() / 10_000));
            }
            Observation::PricesRead { .. } => told.push(format!("{}all", minute(at))),
            _ => {}
        }
    }
    told.join(" ")
}

#[test]
fn a_polled_feed_tells_what_changed_and_what_was_in_force_newest_first() {
    let told = told(&polled(FeedModel::default(), &[]));
    let expected = "1a10 1b20 1all \
        11a12 11a11 11a10 11b20 11all \
        21a12 21b20 21all \
        31b21 31a12 31b20 31all \
        41a13 41b21 41a12 41all \
        51a13 51b21 51all";
    assert_eq!(told, expected);
}

#[test]
fn the_interval_and_the_order_are_as_said() {
    let model = FeedModel { order: RowOrder::OldestFirst, ..FeedModel::default() };
    let mut config = polled(model, &[]);
    config.feed = config.feed.map(|feed| FeedModel { interval: Duration::from_mins(25), ..feed });
    let expected = "1a10 1b20 1all 26a10 26b20 26a11 26a12 26b21 26all 51a12 51b21 51a13 51all";
    assert_eq!(told(&config), expected);
    let shuffled = FeedModel { order: RowOrder::Shuffled, ..FeedModel::default() };
    let shuffled = told(&polled(shuffled, &[]));
    let ordered = told(&polled(FeedModel::default(), &[]));
    assert_ne!(shuffled, ordered);
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        words.sort();
        words
    };
    assert_eq!(sorted(&shuffled), sorted(&ordered));
}

#[test]
fn rows_may_come_twice() {
    let twice = told(&polled(FeedModel { duplicates: 1.0, ..FeedModel::default() }, &[]));
    assert!(twice.starts_with("1a10 1a10 1b20 1b20 1all"), "{twice}");
}

#[test]
fn a_feed_that_is_down_tells_nothing_and_then_everything() {
    let told = told(&polled(FeedModel::default(), &[("2m", "30m", FaultKind::FeedDown)]));
    assert!(told.starts_with("1a10 1b20 1all 31b21 31a12 31a11 31a10 31b20 31all 41"), "{told}");
}

#[test]
fn of_a_reading_that_breaks_off_only_the_first_page_is_known_until_the_next() {
    let model = FeedModel { page_rows: 2, ..FeedModel::default() };
    let told = told(&polled(model, &[("2m", "30m", FaultKind::FeedFirstPage)]));
    let expected = "1a10 1b20 1all 11a12 11a11 21a12 21a11 31b21 31a12 31a11 31a10 31b20 31all";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn a_feed_in_another_unit_tells_other_prices_and_changes_none() {
    let factor = Ratio::from_millionths(1_000_000_000);
    let faults = [("2m", "12m", FaultKind::FeedScaled { factor })];
    let mut config = polled(FeedModel::default(), &faults);
    let polled = told(&config);
    assert!(polled.starts_with("1a10 1b20 1all 11a12000 11a11000 11a10000 11b20000 11all 21a12 "));
    config.feed = None;
    assert_eq!(told(&config), "0a10 0b20 7a11000 8a12000 23b21 34a13");
    config.faults[0].what = FaultKind::FeedDown;
    assert_eq!(told(&config), "0a10 0b20 23b21 34a13", "what is not told is not told later");
}

#[test]
fn launches_by_prices_that_nobody_read_for_an_hour_are_counted() {
    let faults = [("2m", "5h", FaultKind::FeedDown)];
    let mut config = polled(FeedModel::default(), &faults);
    let trusting = outcome(&config, tasks("30m 1m\n 3h 1m\n 6h 1m")).total;
    assert_eq!((trusting.tasks.done, trusting.launches.by_stale_price), (3, 1));
    config.engine.guards.prices_stale_after = Guards::default().prices_stale_after;
    let guarded = outcome(&config, tasks("30m 1m\n 3h 1m\n 6h 1m")).total;
    assert_eq!((guarded.tasks.done, guarded.launches.by_stale_price), (3, 0));
    assert!(guarded.wait.max > duration("2h"), "it waits for the feed: {}", guarded.wait.max);
}

/// A pool that has nothing to give from the fifth minute on.
fn dry(on_demand_after: Option<&str>) -> SimConfig {
    let mut worker_type = worker_type("t", 4);
    worker_type.placement = CHEAPEST;
    worker_type.on_demand_after = on_demand_after.map(duration);
    let mut config = world(vec![worker_type]);
    config.cloud = cloud(Regime::Capacity);
    config.cloud.answer = DurationDist::Constant(Duration::from_ms(1_234));
    config.market = market(&config, "0s a 0.10\n 5m a available 0");
    config
}

#[test]
fn on_demand_is_bought_to_the_millisecond_after_the_first_refusal() {
    let patient = outcome(&dry(Some("10m")), tasks("6m 1h times 3")).total;
    assert_eq!(patient.on_demand_after, Some(duration("10m")));
    assert_eq!((patient.launches.on_demand, patient.tasks.done), (3, 3));
    let waiting = outcome(&dry(None), tasks("6m 1h times 3")).total;
    assert_eq!((waiting.on_demand_after, waiting.launches.on_demand), (None, 0));
    assert_eq!(waiting.tasks.done, 0);
}

#[test]
fn what_all_launches_could_have_cost_is_measured_by_the_hour_and_by_the_day() {
    let mut config = world(vec![worker_type("t", 4)]);
    let spend = outcome(&config, tasks("0s 30m times 3")).spend;
    // Three at $0.36 an hour, for half an hour, when the run is over.
    assert_eq!(spend.committed_peak, UsdPerHour::from_micros(1_080_000));
    assert_eq!(spend.committed_day_max, Usd::from_micros(540_000));
    config.engine.limits.spend =
        SpendLimits { hourly_max: Some(UsdPerHour::from_micros(800_000)), daily_max: None };
    let limited = outcome(&config, tasks("0s 30m times 3")).spend;
    assert_eq!(limited.committed_peak, UsdPerHour::from_micros(720_000));
}

#[test]
fn a_day_s_money_is_not_exceeded_and_work_goes_on_the_next_day() {
    let mut config = world(vec![worker_type("t", 4)]);
    config.end = time("47h");
    config.engine.worker_types[0].spend =
        SpendLimits { hourly_max: None, daily_max: Some(Usd::from_micros(3_600_000)) };
    let mut work = tasks("0s 6h times 4");
    let outcome = provisioner_sim::run(&config, &mut work, provisioner_sim::Hooks::default());
    assert_eq!(outcome.spend.committed_day_max, Usd::from_micros(3_600_000));
    assert!(outcome.total.cost.on_demand <= Usd::from_micros(7_200_000));
    assert!(outcome.total.launches.terminated >= 4, "all is ended");
}
