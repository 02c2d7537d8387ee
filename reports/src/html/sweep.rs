//! The report on a sweep, of any size: what is drawn and listed has a bound, and what is left out is
//! counted.

mod effects;
mod front;

use std::collections::BTreeMap;

use provisioner_scenarios::results::{ManifestPoint, Results};

use super::markup::Body;
use crate::Look;
use crate::measure::Unit;
use crate::sweep::{
    COLUMNS, Chosen, Comparison, Comparisons, Overview, Point, Reference, compare, few_seeds,
    overview, warnings,
};
use crate::table::Table;
use crate::text::{count, grouped};

/// Everything that the page tells.
pub struct Report<'a> {
    /// All runs.
    pub results: &'a Results,
    /// What points are compared with, if there is anything.
    pub reference: Option<Reference>,
    /// What was typed to get the page.
    pub commands: &'a [String],
}

/// No more points than this have rows of their own.
const ROWS_MAX: usize = 200;
/// No more comparisons than this.
const COMPARISONS_MAX: usize = 24;
/// More of them than this are put in words only for those who ask.
const WORDS_MAX: usize = 6;
/// No more remarks than this.
const REMARKS_MAX: usize = 20;

/// The page.
#[must_use]
pub fn page(report: &Report<'_>) -> String {
    let (results, overview) = (report.results, overview(report.results, Look::default()));
    let mut body = Body::default();
    front::section(&mut body, results, &overview);
    points(&mut body, results, &overview);
    effects::section(&mut body, results, &overview);
    differences(&mut body, report);
    again(&mut body, report);
    let headline = headline(&overview);
    body.page(&results.manifest.experiment, &about(results), &lede(report, &overview), &headline)
}

/// How many points and seeds there are.
pub(crate) fn about(results: &Results) -> String {
    let manifest = &results.manifest;
    let missing = match results.missing() {
        0 => String::new(),
        missing => format!("; {} are missing", count(missing as u64, "run")),
    };
    format!(
        "{}, each with {}{missing}",
        count(manifest.points.len() as u64, "point"),
        count(manifest.seeds.len() as u64, "seed"),
    )
}

/// No more sets of what is given than this are told of in the first sentences.
const GIVEN_MAX: usize = 3;

/// What it came to, in a paragraph for each set of what is given.
pub(crate) fn lede(report: &Report<'_>, overview: &Overview) -> Vec<String> {
    let groups = groups(overview);
    let told = |index: usize| {
        let point = &overview.points[index];
        format!(
            "{}, at {} and a p95 wait of {}",
            name(report.results, point.index, false),
            Unit::Dollars.show_short(point.cost.mean),
            Unit::Seconds.show(point.wait.mean),
        )
    };
    let mut says = Vec::new();
    for group in groups.values().take(GIVEN_MAX).filter(|group| group.len() > 1) {
        let best = || group.iter().copied().filter(|index| overview.best[*index]);
        let by = |of: fn(&Point) -> f64| {
            let of = |index: &usize| of(&overview.points[*index]);
            best().min_by(|a, b| of(a).total_cmp(&of(b)))
        };
        let Some((cheapest, quickest)) =
            by(|point| point.cost.mean).zip(by(|point| point.wait.mean))
        else {
            continue;
        };
        let begins = match name(report.results, overview.points[cheapest].index, true) {
            given if given.is_empty() => "Cheapest".to_owned(),
            given => format!("{given}: cheapest"),
        };
        let (cheap, quick) = (told(cheapest), told(quickest));
        says.push(if cheapest == quickest {
            format!("{begins} and quickest is {cheap}.")
        } else {
            format!("{begins} is {cheap}; quickest is {quick}.")
        });
    }
    let more = groups.len().saturating_sub(GIVEN_MAX);
    if more > 0 {
        says.push(format!("{} more sets of what is given follow.", grouped(more as u64)));
    }
    if let Some(compared) = compared(report).filter(|compared| compared.count() == 1) {
        let against = |it: Comparison| format!("Compared with {}: {}", it.headers[1], it.words);
        says.extend(compared.tables().map(against));
    }
    says
}

/// Points by what is given.
fn groups(overview: &Overview) -> BTreeMap<&[String], Vec<usize>> {
    let mut groups: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (index, point) in overview.points.iter().enumerate() {
        groups.entry(&point.given).or_default().push(index);
    }
    groups
}

fn headline(overview: &Overview) -> Vec<(&'static str, String)> {
    let best = overview.best.iter().filter(|best| **best).count();
    let range = |of: &dyn Fn(usize) -> f64| {
        let all = 0..overview.points.len();
        all.map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(it), b.max(it)))
    };
    let mut facts = vec![("points that none beats", grouped(best as u64))];
    if !overview.points.is_empty() {
        let dollars = |value: f64| Unit::Dollars.show_short(value);
        let waits = |value: f64| Unit::Seconds.show_short(value);
        let (least, most) = range(&|index| overview.points[index].cost.mean);
        facts.push(("cost", format!("{} to {}", dollars(least), dollars(most))));
        let (least, most) = range(&|index| overview.points[index].wait.mean);
        facts.push(("95 % waited at most", format!("{} to {}", waits(least), waits(most))));
    }
    facts
}

/// A point by its levels, of axes that have several; those that are given come apart.
fn name(results: &Results, index: usize, given: bool) -> String {
    let manifest = &results.manifest;
    let axes = manifest.axes.iter().zip(&manifest.points[index].levels);
    let of = axes.filter(|(axis, _)| axis.given == given && axis.levels.len() > 1);
    of.map(|(_, level)| level.as_str()).collect::<Vec<_>>().join("\u{a0}· ")
}

fn points(body: &mut Body, results: &Results, overview: &Overview) {
    let points = overview.points.len();
    let says = match points {
        0 => "No run is there yet".to_owned(),
        1 => "What the point came to".to_owned(),
        many => format!("What each of {} points came to", grouped(many as u64)),
    };
    body.section("points", "Points", &says);
    if points > ROWS_MAX {
        body.paragraph(&format!(
            "The points that none beats come first, then the cheapest; {} others are in runs.csv and \
             runs.parquet of the folder of results.",
            grouped((points - ROWS_MAX) as u64)
        ));
    }
    let axes = &results.manifest.axes;
    let names = axes.first().map_or("experiment", |axis| axis.name.as_str());
    let words = axes.len().saturating_sub(1);
    body.words(words, "Points", names, &points_table(results, overview, ROWS_MAX));
    body.list(&overview.notes());
}

/// All points in order, or the best and then the cheapest of many.
pub(crate) fn points_table<'a>(
    results: &'a Results,
    overview: &Overview,
    most: usize,
) -> Table<'a> {
    let mut order: Vec<usize> = (0..overview.points.len()).collect();
    if order.len() > most {
        let key = |index: &usize| (!overview.best[*index], overview.points[*index].cost.mean);
        order.sort_by(|a, b| key(a).0.cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
    }
    let axes = &results.manifest.axes;
    let cells = overview.cells();
    let row = |index: &usize| {
        let levels = &results.manifest.points[overview.points[*index].index].levels;
        let rest = levels.iter().skip(1).cloned().chain(cells[*index].iter().cloned());
        let first = levels.first().unwrap_or(&results.manifest.experiment).clone();
        (first, rest.chain([overview.mark(*index).to_owned()]).collect())
    };
    let levels = axes.iter().skip(1).map(|axis| (axis.name.as_str(), ""));
    let measures = COLUMNS.iter().map(|(header, unit, ..)| (*header, *unit));
    Table {
        title: "",
        columns: levels.chain(measures).chain([("best", "")]).collect(),
        rows: order.iter().take(most).map(row).collect(),
        sums: false,
    }
}

/// Points beside what they are compared with.
pub(crate) fn compared(report: &Report<'_>) -> Option<Comparisons> {
    let reference = report.reference?;
    let compared = compare(report.results, reference, &Chosen::main(), Look::default());
    (compared.count() > 0).then_some(compared)
}

fn differences(body: &mut Body, report: &Report<'_>) {
    let Some(all) = compared(report) else { return };
    body.section("differences", "Differences", "What differs measurably, seed by seed");
    body.paragraph(&format!(
        "Runs with equal seeds see equal tasks, prices, boot times and faults, so they are compared in \
         pairs. Intervals are of 95 % confidence, from {}.",
        count(report.results.manifest.seeds.len() as u64, "pair")
    ));
    if all.count() > COMPARISONS_MAX {
        body.paragraph(&format!(
            "The first {COMPARISONS_MAX} of {} comparisons; `provisioner compare` says all.",
            grouped(all.count() as u64)
        ));
    }
    let compared: Vec<Comparison> = all.tables().take(COMPARISONS_MAX).collect();
    let caption = "Differences of cost and wait, with 95 % intervals";
    body.table(caption, "compared", &differences_table(&compared));
    body.list(&all.too_few_seeds(MATTERS));
    let words: Vec<String> =
        compared.iter().map(|it| format!("{}: {}", it.title, it.words)).collect();
    if words.len() <= WORDS_MAX {
        body.list(&words);
    } else {
        body.folded("The same in words", |body| body.list(&words));
    }
    body.folded("All measures of each comparison", |body| {
        for Comparison { title, headers, rows, .. } in compared {
            let columns = headers.iter().map(|header| (header.as_str(), "")).collect();
            body.table(&title, "measure", &Table { title: "", columns, rows, sums: false });
        }
    });
}

/// Cost and wait of each comparison.
pub(crate) fn differences_table(compared: &[Comparison]) -> Table<'static> {
    let row = |it: &Comparison| {
        let of = |measure: &str| it.rows.iter().find(|(name, _)| name == measure);
        let cells = [of(COLUMNS[0].0), of(COLUMNS[2].0)].into_iter().flatten();
        let cells = cells.flat_map(|(_, cells)| cells[DIFFERENCE..].iter().cloned());
        (it.title.clone(), cells.collect())
    };
    let [cost, wait] = [COLUMNS[0], COLUMNS[2]].map(|(name, unit, ..)| (name, unit));
    let columns =
        vec![cost, ("ratio", ""), ("measurably", ""), wait, ("ratio", ""), ("measurably", "")];
    Table { title: "", columns, rows: compared.iter().map(row).collect(), sums: false }
}

/// Differences below this share do not matter.
const MATTERS: f64 = 0.02;

/// The cell of a comparison from which on it says what differs.
const DIFFERENCE: usize = 3;

/// What is worth knowing about the figures.
pub(crate) fn remarks(results: &Results) -> Vec<String> {
    let mut remarks: Vec<String> =
        few_seeds(results).into_iter().chain(warnings(results)).collect();
    let missing = results.missing();
    if missing > 0 {
        remarks.insert(0, format!("{} runs are missing", grouped(missing as u64)));
    }
    let more = remarks.len().saturating_sub(REMARKS_MAX);
    remarks.truncate(REMARKS_MAX);
    if more > 0 {
        remarks.push(format!("{} more of the same kinds", grouped(more as u64)));
    }
    remarks
}

fn again(body: &mut Body, report: &Report<'_>) {
    let manifest = &report.results.manifest;
    let remarks = remarks(report.results);
    if !remarks.is_empty() {
        body.section("mind", "What to mind", "What to mind about these figures");
        body.list(&remarks);
    }
    body.section("again", "To get it again", "Equal names give equal figures");
    body.commands(report.commands);
    let axes = manifest.axes.iter().map(|axis| {
        let given = if axis.given { " (given)" } else { "" };
        format!("{}{given}: {}", axis.name, axis.levels.join(", "))
    });
    let seeds: Vec<String> = manifest.seeds.iter().map(u64::to_string).collect();
    body.facts(
        "facts",
        &[
            ("experiment", manifest.experiment.clone()),
            ("experiment hash", manifest.hash.clone()),
            ("axes", axes.collect::<Vec<_>>().join("; ")),
            ("seeds", seeds.join(", ")),
            ("commit", manifest.commit.clone()),
            ("runs", grouped(report.results.outcomes.len() as u64)),
        ],
    );
    let row = |index: usize, point: &ManifestPoint| {
        let levels = point.levels.iter().skip(1).cloned();
        let first = point.levels.first().unwrap_or(&manifest.experiment).clone();
        let seeds = manifest.seeds.len();
        let runs = report.results.outcomes.range(index * seeds..(index + 1) * seeds).count();
        let cells = [point.scenario_hash.clone(), grouped(runs as u64)];
        (first, levels.chain(cells).collect())
    };
    let levels = manifest.axes.iter().skip(1).map(|axis| (axis.name.as_str(), ""));
    let points = manifest.points.iter().take(ROWS_MAX).enumerate();
    let table = Table {
        title: "",
        columns: levels.chain([("scenario hash", ""), ("runs", "")]).collect(),
        rows: points.map(|(index, point)| row(index, point)).collect(),
        sums: false,
    };
    let first = manifest.axes.first().map_or("experiment", |axis| axis.name.as_str());
    let caption = match manifest.points.len().saturating_sub(ROWS_MAX) {
        0 => "Scenario hashes of the points".to_owned(),
        more => format!(
            "Scenario hashes of the first {ROWS_MAX} points; {} more are in runs.csv",
            grouped(more as u64)
        ),
    };
    body.folded("The scenario of each point", |body| {
        body.words(manifest.axes.len(), &caption, first, &table);
    });
}
