//! What each axis does: cost and wait by level, all else being equal.

use std::collections::BTreeMap;

use provisioner_scenarios::results::Results;

use crate::html::axis::{Axis, number};
use crate::html::chart::{Mark, Picture, Plot, Tone};
use crate::html::markup::Body;
use crate::measure::Unit;
use crate::sweep::{Overview, Point};
use crate::table::Table;
use crate::text::{decimal, grouped, shortened};

/// No more axes than this are drawn, and no more levels of one.
const AXES_MAX: usize = 6;
const LEVELS_MAX: usize = 12;
/// Above this many, families of points are not drawn each, but as what most of them do.
const LINES_MAX: usize = 40;

pub(super) fn section(body: &mut Body, results: &Results, overview: &Overview) {
    let axes = results.manifest.axes.iter().enumerate();
    let varied: Vec<usize> =
        axes.filter(|(_, axis)| axis.levels.len() > 1).map(|(index, _)| index).collect();
    if varied.is_empty() || overview.points.is_empty() {
        return;
    }
    let says = match varied.as_slice() {
        [one] => format!("What {} does", results.manifest.axes[*one].name),
        _ => "What each axis does, all else being equal".to_owned(),
    };
    body.section("effects", "Axes", &says);
    body.paragraph(
        "Each grey line joins points that differ in this axis alone; where they are too many, a grey \
         band holds the middle 80 %. The blue line is their median, of those that have every level.",
    );
    let mut pictures = Vec::new();
    for axis in varied.iter().take(AXES_MAX) {
        for (what, unit, of) in MEASURES {
            let (picture, is_log) = picture(results, overview, *axis, (what, unit, of));
            let scale = if is_log { "; logarithmic" } else { "" };
            pictures.push((picture, format!("{what}, by level{scale}")));
        }
    }
    body.pictures(&pictures, "pairs");
    if varied.len() > AXES_MAX {
        body.paragraph(&format!(
            "{} more axes are not drawn.",
            grouped((varied.len() - AXES_MAX) as u64)
        ));
    }
    body.folded("The medians as a table", |body| table(body, results, overview, &varied));
}

type Measure = (&'static str, Unit, fn(&Point) -> f64);

const MEASURES: [Measure; 2] = [
    ("cost in dollars", Unit::Dollars, |point| point.cost.mean),
    ("wait that 95 % did not exceed", Unit::Seconds, |point| point.wait.mean.max(1.0)),
];

/// Points that differ in one axis alone, and what they come to by level.
struct Families {
    /// Levels and measures of each.
    all: Vec<Vec<(usize, f64)>>,
    /// The measures of each level, of those families that have every level: all else is equal. Of
    /// all, if none has.
    by_level: Vec<Vec<f64>>,
}

impl Families {
    fn of(results: &Results, overview: &Overview, axis: usize, of: fn(&Point) -> f64) -> Self {
        let levels = &results.manifest.axes[axis].levels;
        let index: BTreeMap<&str, usize> =
            levels.iter().enumerate().map(|(index, level)| (level.as_str(), index)).collect();
        let mut families: BTreeMap<Vec<&str>, Vec<(usize, f64)>> = BTreeMap::new();
        for point in &overview.points {
            let mut rest: Vec<&str> =
                results.manifest.points[point.index].levels.iter().map(String::as_str).collect();
            let level = index[rest.remove(axis)];
            families.entry(rest).or_default().push((level, of(point)));
        }
        let all: Vec<Vec<(usize, f64)>> = families.into_values().collect();
        let is_whole = |family: &&Vec<(usize, f64)>| family.len() == levels.len();
        let some = all.iter().any(|family| is_whole(&family));
        let mut by_level = vec![Vec::new(); levels.len()];
        for (level, value) in all.iter().filter(|it| !some || is_whole(it)).flatten() {
            by_level[*level].push(*value);
        }
        Self { all, by_level }
    }
}

fn picture(
    results: &Results,
    overview: &Overview,
    axis: usize,
    (what, unit, of): Measure,
) -> (Picture, bool) {
    let known = &results.manifest.axes[axis];
    let shown = known.levels.len().min(LEVELS_MAX);
    let (least, most) = overview
        .points
        .iter()
        .map(of)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(it), b.max(it)));
    let is_log = most > least * 6.0 && least > 0.0;
    let y = if is_log {
        Axis::log(least * 0.9..most * 1.1, unit)
    } else {
        Axis::linear(0.0..most, unit, 4)
    };
    let names = names(&known.levels[..shown]);
    let mut plot = Plot::new(Axis::names(&names), y);
    plot.margins = [60, 12, 10, 24];
    let at = |level: usize| number(i64::try_from(level).unwrap_or(i64::MAX));
    let Families { all, by_level } = Families::of(results, overview, axis, of);
    if all.len() <= LINES_MAX {
        for family in all {
            let shown = family.into_iter().filter(|(level, _)| *level < shown);
            let mut points: Vec<(f64, f64)> = shown.map(|(level, it)| (at(level), it)).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            plot.marks.push(Mark::Dots(Tone::Muted, 16, points.clone()));
            plot.marks.push(Mark::Line(Tone::Muted, 2, points));
        }
    } else {
        let band = by_level.iter().take(shown).enumerate().filter(|(_, it)| !it.is_empty());
        let band = band.map(|(level, it)| (at(level), quantile(it, 0.1), quantile(it, 0.9)));
        plot.marks.push(Mark::Area(Tone::Grid, band.collect()));
    }
    let medians = by_level.iter().take(shown).enumerate().filter(|(_, it)| !it.is_empty());
    let medians: Vec<(f64, f64)> =
        medians.map(|(level, it)| (at(level), quantile(it, 0.5))).collect();
    plot.marks.push(Mark::Line(Tone::Blue, 8, medians.clone()));
    plot.marks.push(Mark::Dots(Tone::Blue, 36, medians.clone()));
    let told: Vec<String> = medians
        .iter()
        .zip(&known.levels)
        .map(|((_, median), level)| format!("{level} {}", unit.show(*median)))
        .collect();
    let says = format!("Medians of {what} by {}: {}.", known.name, told.join(", "));
    let title = known.name.clone();
    (Picture { title, says, width: 400, plots: vec![(210, plot)] }, is_log)
}

/// What is written below the levels: as many of their names as there is room for.
fn names(levels: &[String]) -> Vec<String> {
    const ROOM: usize = 320;
    const LETTER: usize = 7;
    let names: Vec<String> = levels.iter().map(|it| shortened(it, 16)).collect();
    let longest = names.iter().map(|name| name.chars().count() + 1).max().unwrap_or(0);
    let every = (longest * LETTER * levels.len()).div_ceil(ROOM).max(1);
    let shown =
        |(index, name): (usize, String)| if index % every == 0 { name } else { String::new() };
    names.into_iter().enumerate().map(shown).collect()
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let place = number(i64::try_from(last).unwrap_or(i64::MAX)) * share;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    match values.get(low..=high) {
        Some(between) => f64::midpoint(between[0], between[between.len() - 1]),
        None => 0.0,
    }
}

fn table(body: &mut Body, results: &Results, overview: &Overview, varied: &[usize]) {
    for axis in varied.iter().take(AXES_MAX) {
        let known = &results.manifest.axes[*axis];
        let measures = MEASURES.map(|(.., of)| Families::of(results, overview, *axis, of).by_level);
        let row = |(index, level): (usize, &String)| {
            let median = |values: &Vec<f64>| match values.as_slice() {
                [] => "-".to_owned(),
                values => decimal(quantile(values, 0.5), 2),
            };
            let cells = vec![
                grouped(measures[0][index].len() as u64),
                median(&measures[0][index]),
                median(&measures[1][index]),
            ];
            (level.clone(), cells)
        };
        let table = Table {
            title: "",
            columns: vec![("points", ""), ("cost, median", "$"), ("wait p95, median", "s")],
            rows: known.levels.iter().take(LEVELS_MAX).enumerate().map(row).collect(),
            sums: false,
        };
        body.table(&format!("Medians by {}", known.name), &known.name, &table);
    }
}
