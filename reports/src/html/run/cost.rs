//! What it cost, over time and by use.

use provisioner_engine::units::{Duration, Usd};
use provisioner_scenarios::timeline::Timeline;
use provisioner_sim::outcome::{Cost, Outcome};

use super::{percent, places, spans, time_axis};
use crate::html::axis::{Axis, number};
use crate::html::chart::{Mark, Picture, Plot, Side, Tone};
use crate::html::markup::Body;
use crate::measure::Unit;
use crate::summary::{dollar_decimals, total_dollars};
use crate::table::Table;
use crate::text::{day_and_time, decimal, decimals_for, to_the_minute};

/// A use of money: how it is called and coloured, and how much of a cost it is.
type Use = (&'static str, Tone, fn(&Cost) -> Usd);

const USES: [Use; 5] = [
    ("useful", Tone::Blue, |cost| cost.useful),
    ("idle", Tone::Sky, |cost| cost.idle),
    ("boot", Tone::Orange, |cost| cost.boot),
    ("redone", Tone::Purple, |cost| cost.redone),
    ("wasted", Tone::Red, |cost| cost.wasted),
];

pub(super) fn section(
    body: &mut Body,
    outcome: &Outcome,
    timeline: &Timeline,
    by_worker_type: Option<&Table<'_>>,
) {
    let total = &outcome.total;
    let cost = total.cost;
    let (most, _, amount) = USES[1..].iter().max_by_key(|(.., of)| of(&cost)).expect("four uses");
    if cost.total() == Usd::ZERO {
        body.section("cost", "Cost", "Nothing was spent");
        return;
    }
    let mut says = format!("${} was spent", total_dollars(total));
    let (useful, lost) = (percent(cost.useful, cost.total()), percent(amount(&cost), cost.total()));
    says += &format!(": {useful} on tasks that were done, {lost} was {most}");
    body.section("cost", "Cost", &says);
    body.paragraph("Each bill is spread over the time of its instance, by what that did then.");
    let shown: Vec<&Use> = USES.iter().filter(|(.., of)| of(&cost) > Usd::ZERO).collect();
    body.key(&shown.iter().map(|(name, tone, _)| (*tone, *name)).collect::<Vec<_>>());
    let spent = timeline.spent();
    body.pictures(
        &[
            (rate(timeline, &spent, &shown), "dollars an hour, by use".to_owned()),
            (so_far(timeline, &spent, &shown, total.bound), "dollars so far, by use".to_owned()),
        ],
        "wide",
    );
    body.folded("These pictures as a table", |body| over_time(body, timeline, &spent));
    split(body, outcome);
    if let Some(table) = by_worker_type {
        body.table("Cost by worker type", "worker type", table);
    }
}

const WIDTH: i32 = 520;
const HEIGHT: i32 = 280;

fn rate(timeline: &Timeline, spent: &[Cost], shown: &[&Use]) -> Picture {
    // The last step may be cut short by the run's end.
    let hours = |step: usize| {
        let length = timeline.at(step + 1).since(timeline.at(step));
        length.max(Duration::SECOND).as_hours_f64()
    };
    let rate = |step: usize, of: &dyn Fn(&Cost) -> Usd| of(&spent[step]).as_f64() / hours(step);
    let total = |step: usize| rate(step, &Cost::total);
    let highest = (0..spent.len()).max_by(|a, b| total(*a).total_cmp(&total(*b))).unwrap_or(0);
    let most = if spent.is_empty() { 0.0 } else { total(highest) };
    let axis = Axis::linear(0.0..most, Unit::DollarsPerHour, 4).until(most.max(1e-6) * 1.05);
    let mut plot = Plot::new(time_axis(timeline, 6), axis);
    plot.margins[0] = 64;
    let mut below: Vec<f64> = Vec::new();
    for (_, tone, of) in shown {
        let layer = places(timeline, |step| rate(step, of));
        below.resize(layer.len(), 0.0);
        let area = layer.into_iter().zip(&mut below).map(|((at, value), below)| {
            let from = std::mem::replace(below, *below + value);
            (at, from, *below)
        });
        plot.marks.push(Mark::Area(*tone, area.collect()));
    }
    let says = format!(
        "Money spent an hour over time, stacked by use. The most was {} in the {} from {} UTC.",
        Unit::DollarsPerHour.show_short(most),
        timeline.step,
        day_and_time(timeline.at(highest)),
    );
    Picture {
        title: "Rate of spending".to_owned(),
        says,
        width: WIDTH,
        plots: vec![(HEIGHT, plot)],
    }
}

fn so_far(timeline: &Timeline, spent: &[Cost], shown: &[&Use], bound: Option<Usd>) -> Picture {
    let mut sums = vec![(timeline.start, Cost::default())];
    for (index, cost) in spent.iter().enumerate() {
        let mut sum = sums[index].1;
        sum += *cost;
        sums.push((timeline.at(index + 1), sum));
    }
    let total = sums[spent.len()].1;
    let dollars = total.total();
    let decimals = dollar_decimals(dollars);
    let mut plot = Plot::new(
        time_axis(timeline, 5),
        Axis::linear(0.0..dollars.as_f64().max(bound.map_or(0.0, Usd::as_f64)), Unit::Dollars, 4),
    );
    plot.margins = [56, 122, 10, 22];
    let mut below = vec![0.0; sums.len()];
    let mut labels = Vec::new();
    for (name, tone, of) in shown {
        let mut area = Vec::with_capacity(sums.len());
        for (index, (at, cost)) in sums.iter().enumerate() {
            let above = below[index] + of(cost).as_f64();
            area.push((number(at.ms()), below[index], above));
            below[index] = above;
        }
        let (_, low, high) = area[area.len() - 1];
        let words = format!("{name} ${}", decimal(of(&total).as_f64(), decimals));
        labels.push((f64::midpoint(low, high), words));
        plot.marks.push(Mark::Area(*tone, area));
    }
    let (from, to) = (plot.x.start(), plot.x.end());
    if let Some(bound) = bound.filter(|bound| *bound > Usd::ZERO) {
        let at = bound.as_f64();
        let least = match at {
            small if small < 1.0 => format!("${}", decimal(at, decimals_for(at))),
            _ => Unit::Dollars.show_short(at),
        };
        let words = format!("least possible {least}");
        plot.marks.push(Mark::Dashed(Tone::Ink, vec![(from, at), (to, at)]));
        let (tone, at, shift, side) = (Tone::Ink, (from, at), (6, -9), Side::Right);
        plot.marks.push(Mark::Text { tone, at, shift, side, words });
    }
    plot.marks.extend(beside(&plot, labels));
    let says = format!(
        "Money spent since the beginning, stacked by use, ${} in the end.",
        decimal(dollars.as_f64(), decimals)
    );
    Picture { title: "Spent so far".to_owned(), says, width: WIDTH, plots: vec![(HEIGHT, plot)] }
}

/// Labels at the right edge, each at its height or as near as others leave room.
fn beside(plot: &Plot, labels: Vec<(f64, String)>) -> Vec<Mark> {
    const APART: f64 = 15.0;
    let height = f64::from(HEIGHT - plot.margins[2] - plot.margins[3]);
    let down = |value: f64| height - (value / plot.y.end()).clamp(0.0, 1.0) * height;
    // From the bottom up, as they are stacked.
    let mut places: Vec<f64> = Vec::new();
    for (value, _) in &labels {
        let highest = places.last().map_or(height - 4.0, |last| last - APART);
        places.push(down(*value).min(highest));
    }
    let text = |((value, words), place): ((f64, String), f64)| {
        #[expect(clippy::cast_possible_truncation, reason = "places on a page")]
        let shift = (6, (place - down(value)).round() as i32);
        let at = (plot.x.end(), value);
        Mark::Text { tone: Tone::Ink, at, shift, side: Side::Right, words }
    };
    labels.into_iter().zip(places).map(text).collect()
}

fn over_time(body: &mut Body, timeline: &Timeline, spent: &[Cost]) {
    let mut so_far = Usd::ZERO;
    let rows = spans(timeline).into_iter().map(|span| {
        let mut sum = Cost::default();
        spent[span.clone()].iter().for_each(|cost| sum += *cost);
        so_far += sum.total();
        let parts = USES.iter().map(|(.., of)| of(&sum)).chain([sum.total(), so_far]);
        let cells = parts.map(|part| decimal(part.as_f64(), 2)).collect();
        (to_the_minute(timeline.at(span.start)), cells)
    });
    let names = USES.iter().map(|(name, ..)| (*name, "$"));
    let columns = names.chain([("total", "$"), ("so far", "$")]).collect();
    let table = Table { title: "", columns, rows: rows.collect(), sums: false };
    body.table("Money spent over time", "from (UTC)", &table);
}

/// Both splits of the cost, each adding up to the total.
fn split(body: &mut Body, outcome: &Outcome) {
    let [by_use, by_market] = splits(outcome);
    body.beside(|body| {
        body.table("Cost by use", "use", &by_use);
        body.table("Cost by market", "market", &by_market);
    });
}

/// The cost by use and by market.
pub(crate) fn splits(outcome: &Outcome) -> [Table<'static>; 2] {
    let cost = outcome.total.cost;
    let decimals = dollar_decimals(cost.total());
    let row = |(name, part): (&str, Usd)| {
        let dollars = decimal(part.as_f64(), decimals);
        (name.to_owned(), vec![dollars, crate::summary::share(part, cost.total())])
    };
    let table = |parts: Vec<(&str, Usd)>| Table {
        title: "",
        columns: vec![("cost", "$"), ("share", "%")],
        rows: parts.into_iter().chain([("total", cost.total())]).map(row).collect(),
        sums: true,
    };
    let used = USES.iter().map(|(name, _, of)| (*name, of(&cost)));
    let bought = vec![("spot", cost.spot), ("on demand", cost.on_demand)];
    [table(used.collect()), table(bought)]
}
