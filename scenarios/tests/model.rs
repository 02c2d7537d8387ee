//! How far generated input is from recorded input: the tables of `docs/model.md`.
//!
//! Recorded and generated are measured by the same code, over the same pools and the same time.
//! `UPDATE_EXPECT=1` rewrites the tables on the page.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "statistics of small counts; a test that cannot go on has failed"
)]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use expect_test::expect_file;
use provisioner_engine::ids::{PoolId, WorkerTypeId};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_scenarios::traces::{AvailabilityTrace, OnDemandTable, Options, Trace, import};
use provisioner_sim::generate::availability::AvailabilityModel;
use provisioner_sim::generate::prices::{CapacityPrices, OutbidPrices, PriceModel, PricedPool};
use provisioner_sim::generate::tasks::{GeneratedTasks, TaskModel};
use provisioner_sim::input::TaskSource;

/// One test at a time reads and rewrites the page.
static TURN: Mutex<()> = Mutex::new(());
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/model.md");

fn recorded(name: &str) -> Trace {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces");
    import(&folder.join(name), &Options::default()).unwrap_or_else(|error| panic!("{error}")).trace
}

/// A figure of recorded and of generated input.
type Row = (&'static str, f64, f64);

/// Compares a table with the block of this name on the page, ```` ```text NAME ````.
fn check(name: &str, rows: &[Row]) {
    let mut table =
        format!("{:44} {:>10} {:>10} {:>11}\n", "", "recorded", "generated", "difference");
    for (figure, recorded, generated) in rows {
        let difference = match recorded.abs() > 1e-9 {
            true => format!("{:+.0} %", (generated / recorded - 1.0) * 100.0),
            false => "–".to_owned(),
        };
        let [recorded, generated] = [*recorded, *generated].map(three_digits);
        writeln!(table, "{figure:44} {recorded:>10} {generated:>10} {difference:>11}").unwrap();
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let page = fs::read_to_string(PAGE).unwrap();
    let (before, rest) =
        page.split_once(&format!("```text {name}\n")).expect("the table has a place");
    let (_, after) = rest.split_once("```\n").unwrap();
    expect_file![PAGE].assert_eq(&format!("{before}```text {name}\n{table}```\n{after}"));
}

/// Three significant digits.
fn three_digits(value: f64) -> String {
    let places = match value.abs() {
        value if value < 1e-9 => 0,
        value => (2 - value.log10().floor() as i32).clamp(0, 5) as usize,
    };
    format!("{:.places$}", value + 0.0) // never −0
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn quantile(values: &[f64], p: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[((p * values.len() as f64) as usize).min(values.len() - 1)]
}

/// Of each market: its prices as shares of on demand, each with the hours for which it held.
type Markets = Vec<Vec<(f64, f64)>>;

/// The markets of Linux in a recording whose on-demand price is known, and as many generated ones
/// of the same on-demand prices for the same time.
fn markets(prices: &str, on_demand: &str, model: &PriceModel) -> (Markets, Markets, f64) {
    let Trace::Prices(trace) = recorded(prices) else { panic!("prices") };
    let Trace::OnDemand(table) = recorded(on_demand) else { panic!("on-demand prices") };
    let trace = trace.without_repeats();
    let (start, end) = (trace.changes[0].at, trace.changes.last().unwrap().at);
    let mut pools = Vec::new();
    let on_demand_of: Vec<_> =
        trace.markets.iter().map(|market| on_demand_price(&table, market, end)).collect();
    for price in on_demand_of.iter().flatten() {
        let index = pools.len();
        pools.push(PricedPool { pool: PoolId::new(index), key: index as u64, on_demand: *price });
    }
    let mut real = vec![Vec::new(); trace.markets.len()];
    for row in &trace.changes {
        real[row.market as usize].push((row.at, row.price));
    }
    let mut made = vec![Vec::new(); pools.len()];
    for change in model.generate(&pools, Seed(1), (start, end)) {
        made[change.pool.index()].push((change.at, change.price));
    }
    let held = |changes: &[(Time, UsdPerHour)], on_demand: UsdPerHour| -> Vec<(f64, f64)> {
        let ends = changes.iter().skip(1).map(|change| change.0).chain([end]);
        let ratio = |price: UsdPerHour| price.as_f64() / on_demand.as_f64();
        let held = changes.iter().zip(ends);
        held.map(|((at, price), until)| (ratio(*price), until.since(*at).as_hours_f64())).collect()
    };
    let real =
        real.iter().zip(&on_demand_of).filter_map(|(changes, od)| Some(held(changes, (*od)?)));
    let made = made.iter().zip(&pools).map(|(changes, pool)| held(changes, pool.on_demand));
    (real.collect(), made.collect(), end.since(start).as_hours_f64() / 24.0)
}

fn on_demand_price(
    table: &OnDemandTable,
    market: &provisioner_scenarios::traces::Market,
    at: Time,
) -> Option<UsdPerHour> {
    let product = "Linux/UNIX";
    let prices = table.prices(market.region()?, &market.instance_type, product);
    let known = prices.iter().rfind(|(since, _)| *since <= at).or(prices.first())?;
    (market.product == product).then_some(known.1)
}

/// The median over time of each market's share of on demand.
fn medians(markets: &Markets) -> Vec<f64> {
    let median = |market: &Vec<(f64, f64)>| {
        let mut prices = market.clone();
        prices.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = prices.iter().map(|price| price.1).sum::<f64>() / 2.0;
        let mut seen = 0.0;
        let reached = |price: &&(f64, f64)| {
            seen += price.1;
            seen >= half
        };
        prices.iter().find(reached).unwrap().0
    };
    markets.iter().map(median).collect()
}

#[test]
fn prices_since_2017() {
    let model = PriceModel::Capacity(CapacityPrices::default());
    let prices = "spot-price.us-east-1.2021-03_04.all-products.tsv.zst";
    let (real, made, _) = markets(prices, "on-demand.us-east-1.2022-06_2026-07.tsv.zst", &model);
    let figures = |markets: &Markets| {
        let gaps: Vec<f64> =
            markets.iter().filter(|m| m.len() > 1).flatten().map(|price| price.1).collect();
        let steps: Vec<Vec<f64>> = markets
            .iter()
            .map(|market| market.windows(2).map(|pair| (pair[1].0 / pair[0].0).ln()).collect())
            .collect();
        let sizes: Vec<f64> = steps.iter().flatten().map(|step: &f64| step.abs() * 100.0).collect();
        let pairs: Vec<f64> = steps
            .iter()
            .flat_map(|steps| {
                steps.windows(2).map(|pair| f64::from(u8::from(pair[0] * pair[1] > 0.0)))
            })
            .collect();
        let range = |market: &Vec<(f64, f64)>| {
            let ratios = || market.iter().map(|price| price.0);
            ratios().fold(0.0, f64::max) / ratios().fold(f64::INFINITY, f64::min)
        };
        let medians = medians(markets);
        let constant = markets.iter().filter(|market| market.len() == 1).count() as f64;
        vec![
            ("markets that never change, %", constant / markets.len() as f64 * 100.0),
            ("price, % of on demand: p10 of markets", quantile(&medians, 0.1) * 100.0),
            ("  median market", quantile(&medians, 0.5) * 100.0),
            ("  p90 of markets", quantile(&medians, 0.9) * 100.0),
            ("hours between changes: p10", quantile(&gaps, 0.1)),
            ("  median", quantile(&gaps, 0.5)),
            ("  p90", quantile(&gaps, 0.9)),
            ("size of a change, %: median", quantile(&sizes, 0.5)),
            ("  p99", quantile(&sizes, 0.99)),
            ("  largest", quantile(&sizes, 1.0)),
            ("changes that go on in their direction, %", mean(&pairs) * 100.0),
            (
                "highest over lowest price: median market",
                quantile(&markets.iter().map(range).collect::<Vec<_>>(), 0.5),
            ),
            ("  p90 of markets", quantile(&markets.iter().map(range).collect::<Vec<_>>(), 0.9)),
        ]
    };
    check("prices-since-2017", &rows(&figures(&real), &figures(&made)));
}

fn rows(recorded: &[(&'static str, f64)], generated: &[(&'static str, f64)]) -> Vec<Row> {
    recorded.iter().zip(generated).map(|(a, b)| (a.0, a.1, b.1)).collect()
}

#[test]
fn prices_until_2017() {
    let model = PriceModel::Outbid(OutbidPrices::default());
    let prices = "spot-price.us-east-1.2016-02_03.linux.tsv.zst";
    let (real, made, days) = markets(prices, "on-demand.all-regions.2014_2017.tsv.zst", &model);
    let figures = |markets: &Markets| {
        let changes: Vec<f64> = markets.iter().map(|market| market.len() as f64 / days).collect();
        let total = |market: &Vec<(f64, f64)>| market.iter().map(|price| price.1).sum::<f64>();
        let above = |market: &Vec<(f64, f64)>| {
            market.iter().filter(|price| price.0 > 1.0).map(|price| price.1).sum::<f64>()
                / total(market)
                * 100.0
        };
        let above: Vec<f64> = markets.iter().map(above).collect();
        let excursions: Vec<f64> = markets
            .iter()
            .flat_map(|market| {
                market
                    .chunk_by(|a, b| (a.0 > 1.0) == (b.0 > 1.0))
                    .filter(|run| run[0].0 > 1.0)
                    .map(|run| run.iter().map(|price| price.1 * 60.0).sum())
            })
            .collect();
        let medians = medians(markets);
        let highest = markets.iter().flatten().map(|price| price.0).fold(0.0, f64::max);
        vec![
            ("price, % of on demand: p10 of markets", quantile(&medians, 0.1) * 100.0),
            ("  median market", quantile(&medians, 0.5) * 100.0),
            ("  p90 of markets", quantile(&medians, 0.9) * 100.0),
            ("changes a day: mean of markets", mean(&changes)),
            ("  median market", quantile(&changes, 0.5)),
            ("time above on demand, %: mean of markets", mean(&above)),
            ("  median market", quantile(&above, 0.5)),
            (
                "times above on demand, a day and market",
                excursions.len() as f64 / days / markets.len() as f64,
            ),
            ("how long, minutes: median", quantile(&excursions, 0.5)),
            ("  mean", mean(&excursions)),
            ("  p99", quantile(&excursions, 0.99)),
            ("highest price, × on demand", highest),
        ]
    };
    check("prices-until-2017", &rows(&figures(&real), &figures(&made)));
}

/// Submissions and durations in seconds, over a whole number of hours.
fn task_figures(tasks: &[(f64, f64)]) -> Vec<(&'static str, f64)> {
    let first = tasks[0].0;
    let hours = ((tasks[tasks.len() - 1].0 - first) / 3600.0) as usize;
    let mut counts = vec![0.0; hours];
    for (at, _) in tasks {
        if let Some(count) = counts.get_mut(((at - first) / 3600.0) as usize) {
            *count += 1.0;
        }
    }
    let average = mean(&counts);
    let squares: Vec<f64> = counts.iter().map(|x| (x - average).powi(2)).collect();
    let same = tasks.windows(2).filter(|pair| pair[0].0 as u64 == pair[1].0 as u64).count() as f64;
    let durations: Vec<f64> = tasks.iter().map(|task| task.1).collect();
    let mut by_hour = [0.0; 24];
    for (hour, count) in counts.iter().enumerate() {
        by_hour[hour % 24] += count;
    }
    let busiest = quantile(&by_hour, 1.0) / by_hour.iter().copied().fold(f64::INFINITY, f64::min);
    // How alike an hour is to the one after it: bursts that last.
    let next: Vec<f64> = counts.windows(2).map(|p| (p[0] - average) * (p[1] - average)).collect();
    vec![
        ("tasks an hour", average),
        ("come in the second of the one before, %", same / tasks.len() as f64 * 100.0),
        ("variance over mean of hourly counts", mean(&squares) / average),
        ("busiest hour over the mean hour", quantile(&counts, 1.0) / average),
        ("busiest over quietest hour of the day", busiest),
        ("correlation of an hour with the next", mean(&next) / mean(&squares)),
        ("duration, s: p10", quantile(&durations, 0.1)),
        ("  median", quantile(&durations, 0.5)),
        ("  mean", mean(&durations)),
        ("  p90", quantile(&durations, 0.9)),
        ("  p99", quantile(&durations, 0.99)),
        ("  longest", quantile(&durations, 1.0)),
    ]
}

/// The recorded queue, and the median of each figure over nine generated ones of equal length.
fn tasks(name: &str, file: &str, model: &TaskModel) {
    let Trace::Tasks(trace) = recorded(file) else { panic!("tasks") };
    let seconds = |at: Time| at.ms() as f64 / 1e3;
    let real: Vec<(f64, f64)> = trace
        .tasks
        .iter()
        .map(|task| (seconds(task.submitted), task.duration.as_secs_f64()))
        .collect();
    let start = Time::from_ms(1_596_412_800_000); // Monday, 2020-08-03
    let length = Duration::from_secs((real[real.len() - 1].0 - real[0].0) as i64);
    let generated = |seed| {
        let span = (start, start + length);
        let mut source = GeneratedTasks::new(model, WorkerTypeId::new(0), Seed(seed), span);
        let all = std::iter::from_fn(|| source.next_task());
        let all = all.map(|task| (seconds(task.submitted), task.duration.as_secs_f64()));
        task_figures(&all.collect::<Vec<_>>())
    };
    let all: Vec<_> = (1..=9).map(generated).collect();
    let real = task_figures(&real);
    let median =
        |figure: usize| quantile(&all.iter().map(|it| it[figure].1).collect::<Vec<_>>(), 0.5);
    let made: Vec<_> = real.iter().enumerate().map(|(at, row)| (row.0, median(at))).collect();
    check(name, &rows(&real, &made));
}

#[test]
fn builds() {
    tasks("builds", "firefox-ci.gecko-3-b-linux.dat", &TaskModel::firefox_builds());
}

#[test]
fn tests() {
    tasks("tests", "firefox-ci.gecko-t-t-linux-large.dat", &TaskModel::firefox_tests());
}

/// Of each pool: hours for which it had an instance, and hours for which it had none.
type Stays = Vec<[Vec<f64>; 2]>;

fn stays(pools: &[Vec<(Time, u32)>]) -> Stays {
    let of = |changes: &Vec<(Time, u32)>| {
        let mut stays = [Vec::new(), Vec::new()];
        let runs: Vec<_> =
            changes.chunk_by(|a, b| (a.1 > 0) == (b.1 > 0)).map(|run| run[0]).collect();
        for pair in runs.windows(2) {
            stays[usize::from(pair[0].1 == 0)].push(pair[1].0.since(pair[0].0).as_hours_f64());
        }
        stays
    };
    pools.iter().map(of).collect()
}

fn availability_figures(stays: &Stays) -> Vec<(&'static str, f64)> {
    let of = |which: usize, figure: fn(&[f64]) -> f64| -> Vec<f64> {
        stays
            .iter()
            .filter(|s| s[0].len() > 2 && s[1].len() > 2)
            .map(|s| figure(&s[which]))
            .collect()
    };
    let spread: fn(&[f64]) -> f64 = |values| {
        let mean = mean(values);
        let squares: Vec<f64> = values.iter().map(|x| (x - mean).powi(2)).collect();
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt() / mean
    };
    let median: fn(&[f64]) -> f64 = |values| quantile(values, 0.5);
    let all: fn(&[f64]) -> f64 = |values| values.iter().sum();
    let share: Vec<f64> =
        of(0, all).iter().zip(of(1, all)).map(|(up, down)| up / (up + down) * 100.0).collect();
    let middle = |values: Vec<f64>| quantile(&values, 0.5);
    vec![
        ("time with instances, %: lowest pool", quantile(&share, 0.0)),
        ("  median pool", quantile(&share, 0.5)),
        ("  highest pool", quantile(&share, 1.0)),
        ("up, hours: mean of the median pool", middle(of(0, mean))),
        ("  median of the median pool", middle(of(0, median))),
        ("  coefficient of variation", middle(of(0, spread))),
        ("down, hours: mean of the median pool", middle(of(1, mean))),
        ("  median of the median pool", middle(of(1, median))),
        ("  coefficient of variation", middle(of(1, spread))),
        (
            "losses per hour with instances",
            of(0, |ups| ups.len() as f64).iter().sum::<f64>() / of(0, all).iter().sum::<f64>(),
        ),
    ]
}

#[test]
fn availability() {
    let Trace::Availability(trace) = recorded("availability.spot-traces.tar.zst") else {
        panic!("availability")
    };
    let real = availability_figures(&stays(&recorded_pools(&trace)));
    let ids: Vec<_> = (0..180).map(|id| (PoolId::new(id), id as u64)).collect();
    let span = (Time::EPOCH, Time::EPOCH + Duration::DAY * 40);
    let mut made = vec![Vec::new(); ids.len()];
    for change in AvailabilityModel::default().generate(&ids, Seed(1), span) {
        made[change.pool.index()].push((change.at, change.available));
    }
    check("availability", &rows(&real, &availability_figures(&stays(&made))));
}

/// The pools of AWS of one node, which were watched for weeks.
fn recorded_pools(trace: &AvailabilityTrace) -> Vec<Vec<(Time, u32)>> {
    let mut pools = vec![Vec::new(); trace.pools.len()];
    for row in &trace.changes {
        pools[row.pool as usize].push((row.at, row.available));
    }
    let names = trace.pools.iter().map(|pool| pool.name.contains("availability/1-node/aws"));
    pools.into_iter().zip(names).filter_map(|(pool, wanted)| wanted.then_some(pool)).collect()
}
