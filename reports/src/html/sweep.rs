//! The report on a sweep, of any size: what is drawn and listed has a bound, and what is left out is
//! counted.

mod effects;
mod front;

use provisioner_scenarios::results::Results;

use super::markup::Body;
use crate::Look;
use crate::sweep::{
    COLUMNS, Chosen, Comparison, Overview, Reference, compare, few_seeds, overview, warnings,
};
use crate::table::Table;
use crate::text::{decimal, grouped};

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
    let manifest = &results.manifest;
    let missing = match results.missing() {
        0 => String::new(),
        missing => format!("; {} are missing", count(missing, "run")),
    };
    let about = format!(
        "{}, each with {}{missing}",
        count(manifest.points.len(), "point"),
        count(manifest.seeds.len(), "seed"),
    );
    body.page(&manifest.experiment, &about, &headline(&overview))
}

fn headline(overview: &Overview) -> Vec<(&'static str, String)> {
    let best = overview.best.iter().filter(|best| **best).count();
    let range = |of: &dyn Fn(usize) -> f64| {
        let all = 0..overview.points.len();
        all.map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(it), b.max(it)))
    };
    let mut facts = vec![("points that none beats", grouped(best as u64))];
    if !overview.points.is_empty() {
        let dollars = |value: f64| crate::measure::Unit::Dollars.show_short(value);
        let waits = |value: f64| crate::measure::Unit::Seconds.show_short(value);
        let (least, most) = range(&|index| overview.points[index].cost.mean);
        facts.push(("cost", format!("{} to {}", dollars(least), dollars(most))));
        let (least, most) = range(&|index| overview.points[index].wait.mean);
        facts.push(("wait p95", format!("{} to {}", waits(least), waits(most))));
    }
    facts
}

/// A point by its levels, of axes that have several; those that are given come apart.
fn name(results: &Results, index: usize, given: bool) -> String {
    let manifest = &results.manifest;
    let axes = manifest.axes.iter().zip(&manifest.points[index].levels);
    let of = axes.filter(|(axis, _)| axis.given == given && axis.levels.len() > 1);
    of.map(|(_, level)| level.as_str()).collect::<Vec<_>>().join(" · ")
}

fn points(body: &mut Body, results: &Results, overview: &Overview) {
    let count = overview.points.len();
    let says = match count {
        0 => "No run is there yet".to_owned(),
        1 => "What the point came to".to_owned(),
        many => format!("What each of {} points came to", whole(many)),
    };
    body.section("points", "Points", &says);
    // All of them in order, or the best and then the cheapest.
    let mut order: Vec<usize> = (0..count).collect();
    if count > ROWS_MAX {
        let key = |index: &usize| (!overview.best[*index], overview.points[*index].cost.mean);
        order.sort_by(|a, b| key(a).0.cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
        body.paragraph(&format!(
            "The points that none beats come first, then the cheapest; {} others are in runs.csv and \
             runs.parquet of the folder of results.",
            grouped((count - ROWS_MAX) as u64)
        ));
    }
    let axes = &results.manifest.axes;
    let cells = overview.cells();
    let row = |index: &usize| {
        let levels = &results.manifest.points[overview.points[*index].index].levels;
        let mark = if overview.best[*index] { "*" } else { "" };
        let rest = levels.iter().skip(1).cloned().chain(cells[*index].iter().cloned());
        let first = levels.first().unwrap_or(&results.manifest.experiment).clone();
        (first, rest.chain([mark.to_owned()]).collect())
    };
    let levels = axes.iter().skip(1).map(|axis| (axis.name.as_str(), ""));
    let measures = COLUMNS.iter().map(|(header, unit, ..)| (*header, *unit));
    let table = Table {
        title: "",
        columns: levels.chain(measures).chain([("best", "")]).collect(),
        rows: order.iter().take(ROWS_MAX).map(row).collect(),
        sums: false,
    };
    let names = axes.first().map_or("experiment", |axis| axis.name.as_str());
    body.words(axes.len().saturating_sub(1), "Points", names, &table);
    body.list(&overview.notes());
}

fn differences(body: &mut Body, report: &Report<'_>) {
    let Some(reference) = report.reference else { return };
    let compared = compare(report.results, reference, &Chosen::main(), Look::default());
    let all = compared.count();
    let compared: Vec<Comparison> = compared.tables().take(COMPARISONS_MAX).collect();
    if compared.is_empty() {
        return;
    }
    body.section("differences", "Differences", "What differs measurably, seed by seed");
    body.paragraph(&format!(
        "Runs with equal seeds see equal tasks, prices, boot times and faults, so they are compared in \
         pairs. Intervals are of 95 % confidence, from {} pairs.",
        report.results.manifest.seeds.len()
    ));
    if all > compared.len() {
        body.paragraph(&format!(
            "The first {} of {} comparisons; `provisioner compare` says all.",
            compared.len(),
            grouped(all as u64)
        ));
    }
    let row = |it: &Comparison| {
        let of = |measure: &str| it.rows.iter().find(|(name, _)| name == measure);
        let cells = [of(COLUMNS[0].0), of(COLUMNS[2].0)].into_iter().flatten();
        let cells = cells.flat_map(|(_, cells)| cells[DIFFERENCE..].iter().cloned());
        (it.title.clone(), cells.collect())
    };
    let [cost, wait] = [COLUMNS[0], COLUMNS[2]].map(|(name, unit, ..)| (name, unit));
    let columns =
        vec![cost, ("ratio", ""), ("measurably", ""), wait, ("ratio", ""), ("measurably", "")];
    let rows = compared.iter().map(row).collect();
    body.table(
        "Differences of cost and wait, with 95 % intervals",
        "compared",
        &Table { title: "", columns, rows, sums: false },
    );
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

/// The cell of a comparison from which on it says what differs.
const DIFFERENCE: usize = 3;

fn again(body: &mut Body, report: &Report<'_>) {
    let manifest = &report.results.manifest;
    let mut remarks: Vec<String> =
        few_seeds(report.results).into_iter().chain(warnings(report.results)).collect();
    let missing = report.results.missing();
    if missing > 0 {
        remarks.insert(0, format!("{} runs are missing", grouped(missing as u64)));
    }
    let more = remarks.len().saturating_sub(REMARKS_MAX);
    remarks.truncate(REMARKS_MAX);
    if more > 0 {
        remarks.push(format!("{} more of the same kinds", grouped(more as u64)));
    }
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
}

/// So many of something.
fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", whole(number))
}

/// A number with its thousands apart.
fn whole(count: usize) -> String {
    decimal(super::axis::number(i64::try_from(count).unwrap_or(i64::MAX)), 0)
}
