//! The page that `sweep` prints: a row for each point, its seeds taken together.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use provisioner_scenarios::paired::difference;
use provisioner_scenarios::results::{ManifestPoint, Results};
use provisioner_sim::outcome::Outcome;

use crate::Look;
use crate::table::Table;
use crate::text::decimal;

/// What each point cost and how long tasks waited, in the mean over its seeds. Points without a
/// run are left out.
pub fn summary(results: &Results, look: Look) -> impl Display {
    overview(results, look)
}

/// The points of a sweep, and which of them none beats.
pub(crate) fn overview(results: &Results, look: Look) -> Overview {
    let given = results.manifest.axes.iter().filter(|axis| axis.given);
    let points = points(results);
    let best = best(&points);
    Overview {
        near: near(&points, &best),
        best,
        points,
        axes: axes(results),
        given: given.map(|axis| axis.name.clone()).collect(),
        seeds: results.manifest.seeds.len(),
        look,
    }
}

/// A column: header, unit, decimals of small figures, and what it shows.
pub(crate) type Column = (&'static str, &'static str, usize, fn(&Outcome) -> f64);

pub(crate) const COST: Column = ("cost", "$", 2, |outcome| outcome.total.cost.total().as_f64());
pub(crate) const WAIT: Column =
    ("wait p95", "s", 1, |outcome| outcome.total.wait.p95.as_secs_f64());

pub(crate) const COLUMNS: [Column; 7] = [
    COST,
    ("wait mean", "s", 1, |outcome| outcome.total.wait.mean_ms / 1_000.0),
    WAIT,
    ("useful", "%", 1, |outcome| outcome.total.utilisation() * 100.0),
    ("launches", "", 0, |outcome| count(outcome.total.launches.started)),
    ("interrupted", "%", 1, |outcome| {
        let launches = &outcome.total.launches;
        count(launches.interrupted) / count(launches.started).max(1.0) * 100.0
    }),
    ("undone", "", 0, |outcome| {
        let tasks = &outcome.total.tasks;
        count(tasks.submitted - tasks.done)
    }),
];

/// Figures above this are shown without decimals.
pub(crate) const LARGE: f64 = 1_000.0;

/// The page, and what it is made of.
pub(crate) struct Overview {
    pub(crate) points: Vec<Point>,
    /// Of each, whether no other is both cheaper and quicker.
    pub(crate) best: Vec<bool>,
    /// Of each, whether another is, but by no more than chance explains.
    pub(crate) near: Vec<bool>,
    /// The names of the axes over their levels.
    pub(super) axes: String,
    /// Names of axes that are not ours to choose.
    given: Vec<String>,
    seeds: usize,
    pub(super) look: Look,
}

/// The runs of a point, taken together.
pub(crate) struct Point {
    /// Its number in the manifest.
    pub(crate) index: usize,
    pub(super) name: String,
    /// What is not ours to choose about it.
    pub(crate) given: Vec<String>,
    /// By measure of [`COLUMNS`].
    figures: Vec<Figure>,
    pub(crate) cost: Figure,
    pub(crate) wait: Figure,
    /// Both by the number of the seed.
    pub(super) by_seed: BTreeMap<usize, [f64; 2]>,
}

/// Mean and standard deviation.
#[derive(Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) mean: f64,
    pub(crate) spread: f64,
}

impl Figure {
    pub(crate) fn of(values: &[f64]) -> Self {
        let count = count(values.len() as u64);
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, spread: (squares / (count - 1.0).max(1.0)).sqrt() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn count(number: u64) -> f64 {
    number as f64
}

fn points(results: &Results) -> Vec<Point> {
    let manifest = &results.manifest;
    let seeds = manifest.seeds.len();
    let widths = widths(results);
    let mut points = Vec::new();
    for (index, point) in manifest.points.iter().enumerate() {
        let runs = || results.outcomes.range(index * seeds..(index + 1) * seeds);
        if runs().next().is_none() {
            continue;
        }
        let figure = |(.., measure): &Column| {
            Figure::of(&runs().map(|(_, outcome)| measure(outcome)).collect::<Vec<_>>())
        };
        let both =
            runs().map(|(run, it)| (run % seeds, [COST, WAIT].map(|(.., measure)| measure(it))));
        points.push(Point {
            index,
            name: aligned(&point.levels, &widths),
            given: given(results, point),
            figures: COLUMNS.iter().map(figure).collect(),
            cost: figure(&COST),
            wait: figure(&WAIT),
            by_seed: both.collect(),
        });
    }
    points
}

fn given(results: &Results, point: &ManifestPoint) -> Vec<String> {
    let axes = results.manifest.axes.iter().zip(&point.levels);
    axes.filter(|(axis, _)| axis.given).map(|(_, level)| level.clone()).collect()
}

/// The names of the axes over their levels.
fn axes(results: &Results) -> String {
    let names: Vec<String> = results.manifest.axes.iter().map(|axis| axis.name.clone()).collect();
    aligned(&names, &widths(results))
}

fn widths(results: &Results) -> Vec<usize> {
    let width = |text: &String| text.chars().count();
    let axes = results.manifest.axes.iter();
    axes.map(|axis| axis.levels.iter().chain([&axis.name]).map(width).max().unwrap_or(0)).collect()
}

fn aligned(words: &[String], widths: &[usize]) -> String {
    let padded = words.iter().zip(widths).map(|(word, width)| format!("{word:width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// Of each point, whether no other is cheaper and no slower, or quicker and no dearer, all that is
/// given being equal.
fn best(points: &[Point]) -> Vec<bool> {
    let key = |index: &usize| (&points[*index].given, points[*index].cost.mean);
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        a.0.cmp(b.0).then(a.1.total_cmp(&b.1))
    });
    let mut best = vec![false; points.len()];
    for rivals in order.chunk_by(|a, b| points[*a].given == points[*b].given) {
        let mut quickest = f64::INFINITY;
        for equal in rivals.chunk_by(|a, b| key(a).1.total_cmp(&key(b).1).is_eq()) {
            let waits = equal.iter().map(|index| points[*index].wait.mean);
            let least = waits.fold(f64::INFINITY, f64::min);
            for index in equal {
                best[*index] = points[*index].wait.mean <= least && least < quickest;
            }
            quickest = quickest.min(least);
        }
    }
    best
}

/// Of each point that is not one of the best, whether none of those that beat it in the means does so
/// measurably. One seed says nothing about that.
///
/// The best in their order get dearer as they get quicker, so those that beat a point stand side by
/// side: from the first that is quick enough to the last that is cheap enough.
fn near(points: &[Point], best: &[bool]) -> Vec<bool> {
    let mut fronts: BTreeMap<&[String], Vec<&Point>> = BTreeMap::new();
    for (point, _) in points.iter().zip(best).filter(|(_, best)| **best) {
        fronts.entry(&point.given).or_default().push(point);
    }
    for front in fronts.values_mut() {
        front.sort_by(|a, b| a.cost.mean.total_cmp(&b.cost.mean));
    }
    let is_near = |point: &Point| {
        let front = fronts.get(point.given.as_slice()).map_or(&[][..], Vec::as_slice);
        let from = front.partition_point(|rival| rival.wait.mean > point.wait.mean);
        let to = front.partition_point(|rival| rival.cost.mean <= point.cost.mean);
        let rivals = front.get(from..to).unwrap_or_default();
        let every = rivals.len().div_ceil(RIVALS_MAX).max(1);
        let mut rivals = rivals.iter().step_by(every).map(|rival| Rivalry::of(rival, point));
        rivals.all(|rivalry| rivalry == Rivalry::Open)
    };
    points.iter().zip(best).map(|(point, best)| !best && is_near(point)).collect()
}

/// A point is held against no more than so many of those that beat it, from end to end.
const RIVALS_MAX: usize = 16;

/// Whether one point beats another measurably.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rivalry {
    Decided,
    /// Chance may explain it.
    Open,
    /// Too few seeds to say.
    Unknown,
}

impl Rivalry {
    fn of(rival: &Point, point: &Point) -> Self {
        let apart = |of: usize| {
            let both = rival.by_seed.iter();
            let both = both.filter_map(|(seed, a)| Some((point.by_seed.get(seed)?[of], a[of])));
            let (point, rival): (Vec<f64>, Vec<f64>) = both.unzip();
            (point.len() > 1).then(|| difference(&point, &rival))
        };
        let (Some(cost), Some(wait)) = (apart(0), apart(1)) else { return Self::Unknown };
        let (cheaper, dearer) = (cost.high() < 0.0, cost.low() > 0.0);
        let (quicker, slower) = (wait.high() < 0.0, wait.low() > 0.0);
        if (cheaper && !slower) || (quicker && !dearer) { Self::Decided } else { Self::Open }
    }
}

impl Overview {
    /// A column's figures, with as many decimals as its largest allows.
    fn column(&self, index: usize) -> Vec<String> {
        let figures = || self.points.iter().map(|point| point.figures[index]);
        let large = figures().any(|figure| figure.mean >= LARGE);
        let decimals = if large { 0 } else { COLUMNS[index].2 };
        if self.seeds == 1 {
            return figures().map(|figure| decimal(figure.mean, decimals)).collect();
        }
        let spreads: Vec<String> =
            figures().map(|figure| decimal(figure.spread, decimals)).collect();
        let width = spreads.iter().map(String::len).max().unwrap_or(0);
        let show = |(figure, spread): (Figure, String)| {
            format!("{} ± {spread:>width$}", decimal(figure.mean, decimals))
        };
        figures().zip(spreads).map(show).collect()
    }

    /// The measures of all points in order, as cells.
    pub(crate) fn cells(&self) -> Vec<Vec<String>> {
        let columns: Vec<Vec<String>> =
            (0..COLUMNS.len()).map(|index| self.column(index)).collect();
        let row = |index: usize| columns.iter().map(|column| column[index].clone()).collect();
        (0..self.points.len()).map(row).collect()
    }

    /// What the figures and the marks are.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.seeds > 1 {
            notes.push(format!("Means over {} seeds ± their standard deviation.", self.seeds));
        }
        notes.extend(self.marks());
        notes
    }

    /// The mark of a point.
    pub(crate) fn mark(&self, point: usize) -> &'static str {
        match (self.best[point], self.near[point]) {
            (true, _) => "*",
            (false, true) => "~",
            (false, false) => "",
        }
    }

    /// What the marks are.
    pub(super) fn marks(&self) -> Vec<String> {
        let being = self.being_equal();
        let mut marks =
            vec![format!("* no other point is both cheaper and quicker (wait p95){being}.")];
        if self.near.contains(&true) {
            marks.push("~ another is, but by no more than chance explains.".to_owned());
        }
        marks
    }

    /// Among which points is compared, if not among all.
    pub(super) fn being_equal(&self) -> String {
        match self.given.as_slice() {
            [] => String::new(),
            given => format!(", {} being equal", given.join(" and ")),
        }
    }
}

impl Display for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.cells().into_iter().enumerate();
        let marked = |(index, row): (usize, Vec<String>)| {
            row.into_iter().chain([self.mark(index).to_owned()]).collect()
        };
        let cells = cells.map(marked);
        let names = self.points.iter().map(|point| point.name.clone());
        let headers = COLUMNS.iter().map(|(header, unit, ..)| (*header, *unit));
        let table = Table {
            title: &self.axes,
            columns: headers.chain([("best", "")]).collect(),
            rows: names.zip(cells).collect(),
            sums: false,
        };
        Table::render_all(&[table], self.look, f)?;
        self.notes().iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::testing::results;

    #[test]
    fn a_point_is_a_row() {
        expect![[r#"
            policy  bid         cost   wait mean     wait p95      useful   launches  interrupted     undone  best
                                   $           s            s           %                       %
            ours    2      831 ± 141  61.2 ± 0.0  243.0 ± 0.0  80.5 ± 0.0  9,472 ± 0    6.2 ± 0.0  1,776 ± 0     *
            old     2    1,231 ± 141  61.2 ± 0.0  243.0 ± 0.0  80.5 ± 0.0  9,472 ± 0    6.2 ± 0.0  1,776 ± 0

            Means over 2 seeds ± their standard deviation.
            * no other point is both cheaper and quicker (wait p95).
        "#]].assert_eq(&summary(&results(), Look::default()).to_string());
    }

    #[test]
    fn points_compete_only_where_what_is_given_is_equal() {
        let mut results = results();
        results.manifest.axes[0].given = true;
        let page = summary(&results, Look::default()).to_string();
        assert_eq!(page.matches("*\n").count(), 2, "{page}");
        assert!(page.contains("quicker (wait p95), policy being equal."), "{page}");
    }

    #[test]
    fn with_one_seed_there_is_no_spread() {
        let mut results = results();
        results.manifest.seeds.truncate(1);
        results.outcomes.retain(|run, _| *run < 2);
        let page = summary(&results, Look::default()).to_string();
        assert!(!page.contains('±') && page.contains("730.86"), "{page}");
    }
}
