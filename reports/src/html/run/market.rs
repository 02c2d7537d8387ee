//! Market prices, and what we bought at them.

use provisioner_engine::ids::PoolId;
use provisioner_engine::units::{Time, Usd, UsdPerHour};
use provisioner_scenarios::timeline::{PoolLine, PoolStep, Timeline};
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::Outcome;

use super::{percent, time_axis};
use crate::html::axis::{Axis, number};
use crate::html::chart::{Mark, Picture, Plot, Side, Tone};
use crate::html::markup::Body;
use crate::measure::Unit;
use crate::table::Table;
use crate::text::{decimal, grouped, shortened};

/// No more pools than this have a picture; and no more than that a row or a bar.
const DRAWN_MAX: usize = 9;
const ROWS_MAX: usize = 20;

pub(super) fn section<'t>(
    body: &mut Body,
    config: &SimConfig,
    outcome: &Outcome,
    timeline: &Timeline,
    bought: impl Iterator<Item = &'t Table<'static>>,
) {
    let cost = outcome.total.cost;
    let launches = outcome.total.launches;
    let says = if cost.total() > Usd::ZERO {
        let spot = match () {
            () if cost.on_demand == Usd::ZERO => "All of the money".to_owned(),
            () if cost.spot == Usd::ZERO => "None of the money".to_owned(),
            () => format!("{} of the money", percent(cost.spot, cost.total())),
        };
        format!(
            "{spot} went to the spot market; EC2 took {} of {} instances back",
            grouped(launches.interrupted),
            grouped(launches.started)
        )
    } else {
        "Nothing was bought".to_owned()
    };
    body.section("market", "Market", &says);
    let mut pools: Vec<(PoolId, &PoolLine)> =
        (0..).map(PoolId::new).zip(&timeline.pools).filter(|(_, it)| it.cost > Usd::ZERO).collect();
    pools.sort_by_key(|(id, line)| (std::cmp::Reverse(line.cost), *id));
    if !pools.is_empty() {
        body.paragraph(
            "Market prices of the pools that most money went to, and what we did there. A larger dot is \
             more launches at about the same time.",
        );
        body.key(&[
            (Tone::Blue, "market price, and our launches on it"),
            (Tone::Red, "instances that EC2 took back"),
        ]);
        let drawn = pools.iter().take(DRAWN_MAX);
        let pictures = drawn.map(|(id, line)| {
            let on_demand = config.engine.catalog.on_demand_price(*id, timeline.start);
            let on_demand = on_demand.map_or_else(String::new, |price| {
                format!("; on demand {}", Unit::DollarsPerHour.show(price.as_f64()))
            });
            let of = |of: fn(&PoolStep) -> u32| grouped(sum(line, of));
            let [started, taken] = [of(|step| step.started), of(|step| step.interrupted)];
            let unit =
                format!("dollars an hour{on_demand}; {started} launches, {taken} taken back");
            (prices(config, timeline, *id, line), unit)
        });
        body.pictures(&pictures.collect::<Vec<_>>(), "");
        let unit = "share of all time that instances ran".to_owned();
        body.pictures(&[(shares(config, outcome, &pools), unit)], "wide");
        table(body, config, outcome, &pools);
    }
    for table in bought {
        body.table(table.title, "worker type", table);
    }
}

/// How often something happened in a pool.
fn sum(line: &PoolLine, of: fn(&PoolStep) -> u32) -> u64 {
    line.steps.iter().map(|step| u64::from(of(step))).sum()
}

/// The price in force.
fn price_at(history: &[(Time, UsdPerHour)], at: Time) -> Option<UsdPerHour> {
    let after = history.partition_point(|(since, _)| *since <= at);
    Some(history[after.checked_sub(1)?].1)
}

fn prices(config: &SimConfig, timeline: &Timeline, pool: PoolId, line: &PoolLine) -> Picture {
    let history = config.market.history(pool);
    let x = time_axis(timeline, 5);
    let steps = timeline.steps();
    // The ends of what the price did in each step: nothing of a spike is lost.
    let mut path = Vec::new();
    for step in 0..steps {
        let (from, to) = (timeline.at(step), timeline.at(step + 1));
        let begins = history.partition_point(|(since, _)| *since <= from);
        let changes = &history[begins..history.partition_point(|(since, _)| *since < to)];
        let first = price_at(history, from).map(|price| (from, price));
        let low = changes.iter().min_by_key(|(_, price)| *price).copied();
        let high = changes.iter().max_by_key(|(_, price)| *price).copied();
        let mut points: Vec<_> =
            [first, low, high, changes.last().copied()].into_iter().flatten().collect();
        points.sort_unstable();
        points.dedup();
        path.extend(points.into_iter().map(|(at, price)| (number(at.ms()), price.as_f64())));
    }
    let stairs = stairs(&path, x.end());
    let on_demand = config.engine.catalog.on_demand_price(pool, timeline.start);
    let highest = path.iter().map(|(_, price)| *price).fold(0.0, f64::max);
    // The on-demand price is drawn where it is near enough to leave room for the market's.
    let on_demand = on_demand.map(UsdPerHour::as_f64);
    let near = on_demand.filter(|price| *price <= highest * 2.5 || path.is_empty());
    let usual = near.unwrap_or(0.0).max(median(&path));
    let lowest = path.iter().map(|(_, price)| *price).fold(f64::INFINITY, f64::min);
    // A spike to many times the usual price would leave nothing to be seen of it.
    let y = if highest > usual * 4.0 {
        Axis::log(lowest..highest, Unit::DollarsPerHour)
    } else {
        Axis::linear(0.0..highest.max(usual), Unit::DollarsPerHour, 3)
    };
    let mut plot = Plot::new(x, y);
    plot.margins = [64, 12, 14, 22];
    if let Some(at) = near {
        let (from, to) = (plot.x.start(), plot.x.end());
        plot.marks.push(Mark::Dashed(Tone::Muted, vec![(from, at), (to, at)]));
        let (at, shift, words) = ((from, at), (6, -8), "on demand".to_owned());
        plot.marks.push(Mark::Text { tone: Tone::Muted, at, shift, side: Side::Right, words });
    }
    plot.marks.push(Mark::Line(Tone::Blue, 5, stairs));
    let most = line.steps.iter().map(|step| step.started).max().unwrap_or(1).max(1);
    let place = |at: Time| {
        let price = price_at(history, at).map(UsdPerHour::as_f64).or(on_demand);
        (number(at.ms()), price.unwrap_or_default())
    };
    for (index, step) in line.steps.iter().enumerate() {
        let at = timeline.middle(index);
        let place = place(at);
        if step.started > 0 {
            // As much ink as launches.
            let share = f64::from(step.started) / f64::from(most);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "9 to 36")]
            let radius = (9.0 + 27.0 * share.sqrt()).round() as u32;
            plot.marks.push(Mark::Dots(Tone::Blue, radius, vec![place]));
        }
    }
    let crosses = line.steps.iter().enumerate().filter(|(_, step)| step.interrupted > 0);
    let crosses = crosses.map(|(index, _)| place(timeline.middle(index)));
    plot.marks.push(Mark::Crosses(Tone::Red, crosses.collect()));
    let says = format!(
        "The market price over time, from {} to {}; {} instances started there and EC2 took {} back.",
        Unit::DollarsPerHour.show(if lowest.is_finite() { lowest } else { 0.0 }),
        Unit::DollarsPerHour.show(highest),
        grouped(sum(line, |step| step.started)),
        grouped(sum(line, |step| step.interrupted)),
    );
    let title = config.engine.catalog.pool_name(pool);
    Picture { title, says, width: 400, plots: vec![(190, plot)] }
}

/// A price holds until the next.
fn stairs(path: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut stairs: Vec<(f64, f64)> = Vec::with_capacity(path.len() * 2);
    for (at, price) in path {
        if let Some((_, before)) = stairs.last().copied() {
            if before.total_cmp(price).is_eq() {
                continue;
            }
            stairs.push((*at, before));
        }
        stairs.push((*at, *price));
    }
    if let Some((_, last)) = stairs.last().copied() {
        stairs.push((end, last));
    }
    stairs
}

fn median(path: &[(f64, f64)]) -> f64 {
    let mut prices: Vec<f64> = path.iter().map(|(_, price)| *price).collect();
    prices.sort_by(f64::total_cmp);
    prices.get(prices.len() / 2).copied().unwrap_or(0.0)
}

fn shares(config: &SimConfig, outcome: &Outcome, pools: &[(PoolId, &PoolLine)]) -> Picture {
    let all = outcome.total.instance_time.as_hours_f64().max(1e-9);
    let mut bars: Vec<(String, f64)> = pools
        .iter()
        .take(ROWS_MAX)
        .map(|(id, line)| {
            let name = shortened(&config.engine.catalog.pool_name(*id), 40);
            (name, line.instance_time.as_hours_f64() / all)
        })
        .collect();
    bars.sort_by(|a, b| b.1.total_cmp(&a.1));
    let others = pools.len().saturating_sub(ROWS_MAX);
    if others > 0 {
        let rest = 1.0 - bars.iter().map(|(_, share)| share).sum::<f64>();
        bars.push((format!("{others} others"), rest.max(0.0)));
    }
    let largest = bars.first().map_or(0.0, |(_, share)| *share);
    let names: Vec<String> = bars.iter().map(|_| String::new()).collect();
    let x = Axis::linear(0.0..largest * 1.8, Unit::Share, 4).bare();
    let mut plot = Plot::new(x, Axis::names(&names).bare());
    plot.margins = [0, 0, 2, 2];
    for (index, (name, share)) in bars.iter().rev().enumerate() {
        let at = number(i64::try_from(index).unwrap_or(i64::MAX));
        plot.marks.push(Mark::Area(
            Tone::Blue,
            vec![(0.0, at - 0.36, at + 0.36), (*share, at - 0.36, at + 0.36)],
        ));
        let words = format!("{name}  {} %", decimal(share * 100.0, 1));
        let (at, shift) = ((*share, at), (6, 0));
        plot.marks.push(Mark::Text { tone: Tone::Ink, at, shift, side: Side::Right, words });
    }
    let says = match bars.first() {
        Some((name, share)) => format!(
            "Shares of instance time by pool; the largest is {name} with {} %.",
            decimal(share * 100.0, 1)
        ),
        None => String::new(),
    };
    let height = 6 + 20 * i32::try_from(bars.len()).unwrap_or(1);
    Picture { title: "Shares of pools".to_owned(), says, width: 520, plots: vec![(height, plot)] }
}

fn table(body: &mut Body, config: &SimConfig, outcome: &Outcome, pools: &[(PoolId, &PoolLine)]) {
    let all = outcome.total.instance_time.as_hours_f64();
    let decimals = crate::summary::dollar_decimals(outcome.total.cost.total());
    let row = |(id, line): &(PoolId, &PoolLine)| {
        let sum = |of: fn(&PoolStep) -> u32| grouped(sum(line, of));
        let hours = line.instance_time.as_hours_f64();
        let cells = vec![
            sum(|step| step.started),
            grouped(line.refused),
            sum(|step| step.interrupted),
            decimal(hours, 1),
            decimal(hours / all * 100.0, 1),
            decimal(line.cost.as_f64(), decimals),
        ];
        (config.engine.catalog.pool_name(*id), cells)
    };
    let columns = [
        ("started", ""),
        ("refused", ""),
        ("interrupted", ""),
        ("alive", "instance h"),
        ("share", "%"),
        ("cost", "$"),
    ];
    let rows = pools.iter().take(ROWS_MAX).map(row).collect();
    let table = Table { title: "", columns: columns.into(), rows, sums: false };
    let caption = match pools.len().saturating_sub(ROWS_MAX) {
        0 => "Pools".to_owned(),
        more => format!("The {ROWS_MAX} pools that cost most; {more} more cost less"),
    };
    body.table(&caption, "pool", &table);
}
