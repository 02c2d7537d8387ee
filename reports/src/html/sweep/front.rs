//! Cost against wait: which points none beats, and how far they are from what nobody can beat.

use std::collections::BTreeSet;

use provisioner_engine::units::Usd;
use provisioner_scenarios::results::Results;

use super::{groups, name};
use crate::html::axis::Axis;
use crate::html::chart::{Mark, Picture, Plot, Side, Tone};
use crate::html::markup::Body;
use crate::measure::Unit;
use crate::sweep::{Overview, Point};
use crate::text::{grouped, shortened};

/// No more pictures than this, one for each combination of what is given.
const PICTURES_MAX: usize = 9;

pub(super) fn section(body: &mut Body, results: &Results, overview: &Overview) {
    let groups = groups(overview);
    let says = says(results, overview);
    body.section("front", "Cost and wait", &says);
    if groups.is_empty() {
        return;
    }
    body.paragraph(
        "Each dot is a point: down is cheaper, left is quicker. The line is the least that was paid \
         for waits of at most so long. Nobody could have done the work of any of them for less than the \
         dashed line without longer waits.",
    );
    let mut key = vec![
        (Tone::Blue, "no other point is both cheaper and quicker"),
        (Tone::Sky, "another is, but by no more than chance explains"),
        (Tone::Muted, "another is"),
    ];
    key.retain(|(tone, _)| *tone != Tone::Sky || overview.near.contains(&true));
    body.key(&key);
    let more = groups.len().saturating_sub(PICTURES_MAX);
    let (class, size) =
        if groups.len() == 1 { ("wide", (620, 380)) } else { ("pairs", (440, 330)) };
    let pictures: Vec<_> = groups
        .values()
        .take(PICTURES_MAX)
        .map(|group| {
            let unit = "cost in dollars, by the wait that 95 % of tasks did not exceed".to_owned();
            (picture(results, overview, group, size), unit)
        })
        .collect();
    body.pictures(&pictures, class);
    if more > 0 {
        body.paragraph(&format!(
            "{} more pictures would be alike; see the points.",
            grouped(more as u64)
        ));
    }
}

fn says(results: &Results, overview: &Overview) -> String {
    let best: Vec<&Point> = overview
        .points
        .iter()
        .zip(&overview.best)
        .filter(|(_, best)| **best)
        .map(|(point, _)| point)
        .collect();
    match best.as_slice() {
        [] => "No run is there yet".to_owned(),
        [one] if overview.points.len() > 1 => {
            format!("{} is both cheapest and quickest", name(results, one.index, false))
        }
        [_] => "There is one point".to_owned(),
        some => format!(
            "{} of {} points are a choice: the rest cost more without being quicker",
            grouped(some.len() as u64),
            grouped(overview.points.len() as u64)
        ),
    }
}

/// Above this many, points at the same place are one dot.
const FEW: usize = 60;
/// Up to so many, each has its name beside it.
const ALL_NAMED: usize = 8;

fn picture(results: &Results, overview: &Overview, group: &[usize], size: (i32, i32)) -> Picture {
    let point = |index: &usize| &overview.points[*index];
    let mut front: Vec<usize> = group.iter().copied().filter(|it| overview.best[*it]).collect();
    front.sort_by(|a, b| point(a).wait.mean.total_cmp(&point(b).wait.mean));
    let bounds = group.iter().filter_map(|it| bound(results, point(it)));
    let bound = bounds.reduce(f64::min);
    let place = |index: &usize| (point(index).wait.mean.max(1.0), point(index).cost.mean);
    let costs = group.iter().map(|it| point(it).cost.mean).chain(bound);
    let (x, y) =
        (axis(group.iter().map(|it| place(it).0), Unit::Seconds), axis(costs, Unit::Dollars));
    let mut plot = Plot::new(x, y);
    plot.margins = [60, 20, 12, 22];
    let mut marks = Vec::new();
    if let Some(bound) = bound {
        let (from, to) = (plot.x.start(), plot.x.end());
        marks.push(Mark::Dashed(Tone::Ink, vec![(from, bound), (to, bound)]));
        let words = format!("least possible {}", Unit::Dollars.show_short(bound));
        let (at, shift) = ((from, bound), (6, 9));
        marks.push(Mark::Text { tone: Tone::Ink, at, shift, side: Side::Right, words });
    }
    let few = group.len() <= FEW;
    for (tone, near) in [(Tone::Muted, false), (Tone::Sky, true)] {
        let of = |it: &&usize| !overview.best[**it] && overview.near[**it] == near;
        let dim = group.iter().filter(of).map(place);
        let dim: Vec<(f64, f64)> = if few { dim.collect() } else { thinned(&plot, size, dim) };
        marks.push(Mark::Dots(tone, if few { 32 } else { 15 }, dim));
    }
    marks.push(Mark::Line(Tone::Blue, 5, stairs(front.iter().map(place))));
    marks.push(Mark::Dots(Tone::Blue, 42, front.iter().map(place).collect()));
    marks.extend(labels(results, overview, (&plot, size), group, &front));
    plot.marks = marks;
    let cheapest = front.last().map(point);
    let quickest = front.first().map(point);
    let told = |point: &Point| {
        format!(
            "{} at {} and {}",
            name(results, point.index, false),
            Unit::Dollars.show(point.cost.mean),
            Unit::Seconds.show(point.wait.mean)
        )
    };
    let says = match (cheapest, quickest) {
        (Some(cheapest), Some(quickest)) => format!(
            "{} points by cost and wait. Of those that none beats the cheapest is {}, the quickest {}.",
            grouped(group.len() as u64),
            told(cheapest),
            told(quickest)
        ),
        _ => String::new(),
    };
    let title = group.first().map_or_else(String::new, |it| name(results, point(it).index, true));
    let title = if title.is_empty() { "Cost and wait".to_owned() } else { title };
    Picture { title, says, width: size.0, plots: vec![(size.1, plot)] }
}

/// What is paid for a wait is paid for each longer one, until a point is cheaper.
fn stairs(front: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut stairs: Vec<(f64, f64)> = Vec::new();
    for (wait, cost) in front {
        stairs.extend(stairs.last().map(|(_, before)| (wait, *before)));
        stairs.push((wait, cost));
    }
    stairs
}

/// The least that anybody could have paid at a point, in the mean over its seeds.
fn bound(results: &Results, point: &Point) -> Option<f64> {
    let seeds = results.manifest.seeds.len();
    let runs = results.outcomes.range(point.index * seeds..(point.index + 1) * seeds);
    let bounds: Option<Vec<f64>> =
        runs.map(|(_, outcome)| outcome.total.bound.map(Usd::as_f64)).collect();
    let bounds = bounds.filter(|bounds| !bounds.is_empty())?;
    let count = crate::html::axis::number(i64::try_from(bounds.len()).unwrap_or(i64::MAX));
    let mean = bounds.iter().sum::<f64>() / count;
    (mean > 0.0).then_some(mean)
}

/// Logarithmic where the numbers are far apart, with some room around them.
fn axis(values: impl Iterator<Item = f64>, unit: Unit) -> Axis {
    let (least, most) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(it), b.max(it)));
    if most > least * 6.0 && least > 0.0 {
        Axis::log(least * 0.8..most * 1.25, unit)
    } else {
        Axis::linear((least - (most - least) * 0.25).max(0.0)..most * 1.02, unit, 4)
    }
}

/// One of the points that would be drawn at the same place.
fn thinned(
    plot: &Plot,
    size: (i32, i32),
    points: impl Iterator<Item = (f64, f64)>,
) -> Vec<(f64, f64)> {
    let mut taken = BTreeSet::new();
    points.filter(|point| taken.insert(plot.pixel(size, *point, 3))).collect()
}

/// Names of the best points, where they hide nothing.
fn labels(
    results: &Results,
    overview: &Overview,
    (plot, size): (&Plot, (i32, i32)),
    group: &[usize],
    front: &[usize],
) -> Vec<Mark> {
    let at = |index: &usize| {
        let point = &overview.points[*index];
        (point.wait.mean.max(1.0), point.cost.mean)
    };
    let mut taken: Vec<[i32; 4]> = Vec::new();
    let dots = if group.len() <= FEW { group } else { front };
    for index in dots {
        let (x, y) = plot.pixel(size, at(index), 1);
        taken.push([x - 4, y - 4, x + 4, y + 4]);
    }
    // Of few points all are named, of some the best, of many the ends: the others have their rows.
    let rest = group.iter().filter(|index| !overview.best[**index]);
    let told: Vec<&usize> = match group.len() {
        many if many > FEW => [front.first(), front.last()].into_iter().flatten().collect(),
        some if some > ALL_NAMED => front.iter().collect(),
        _ => front.iter().chain(rest).collect(),
    };
    let mut labels = Vec::new();
    for index in told {
        let words = shortened(&name(results, overview.points[*index].index, false), 44);
        let (x, y) = plot.pixel(size, at(index), 1);
        let width = i32::try_from(words.chars().count()).unwrap_or(0) * 13 / 2;
        let places = [
            (Side::Right, (8, -1), [x + 6, y - 8, x + 8 + width, y + 7]),
            (Side::Left, (-8, -1), [x - 8 - width, y - 8, x - 6, y + 7]),
            (Side::Above, (0, -5), [x - width / 2, y - 20, x + width / 2, y - 6]),
            (Side::Below, (0, 6), [x - width / 2, y + 6, x + width / 2, y + 20]),
            (Side::Right, (8, -13), [x + 6, y - 20, x + 8 + width, y - 6]),
            (Side::Right, (8, 12), [x + 6, y + 5, x + 8 + width, y + 19]),
        ];
        let inside = |it: &[i32; 4]| {
            it[0] >= plot.margins[0] && it[2] <= size.0 - 2 && it[1] >= 0 && it[3] <= size.1 - 22
        };
        let clear = |it: &[i32; 4]| {
            taken.iter().all(|o| it[2] <= o[0] || o[2] <= it[0] || it[3] <= o[1] || o[3] <= it[1])
        };
        let free = places.into_iter().find(|(.., area)| inside(area) && clear(area));
        if let Some((side, shift, area)) = free {
            taken.push(area);
            let at = at(index);
            let tone = if overview.best[*index] { Tone::Ink } else { Tone::Muted };
            labels.push(Mark::Text { tone, at, shift, side, words });
        }
    }
    labels
}
