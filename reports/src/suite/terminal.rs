//! The report for people at a terminal, or reading a log.

use std::fmt::{self, Display};

use provisioner_scenarios::suite::Baseline;

use super::judge::{Judged, Report, Row, Verdict, comings_and_goings};
use super::words::{HEADERS, cause, cells, conclusion, notes, title};
use crate::Look;
use crate::table::Table;
use crate::text::count;
use crate::text::printable;

/// So many scenarios that got worse are explained in full; of the others a few lines are shown.
const PAGES_MAX: usize = 3;

/// What a suite came to: measures that changed, of all or of those that are judged, what decision was
/// the first, and a conclusion. A few lines if nothing changed.
pub fn terminal(report: &Report, all: bool, look: Look) -> impl Display + '_ {
    Terminal { report, all, look }
}

struct Terminal<'a> {
    report: &'a Report,
    all: bool,
    look: Look,
}

impl Display for Terminal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, all, look } = *self;
        let (bold, _, off) = look.codes();
        writeln!(f, "{}\n", printable(&title(report)))?;
        for judged in &report.scenarios {
            let rows: Vec<&Row> = shown(judged, all).collect();
            let cause = cause(judged).into_iter().map(|(word, says)| format!("{word}: {says}"));
            let notes: Vec<String> = notes(judged).into_iter().chain(cause).collect();
            if !rows.is_empty() {
                Table::render_all(&[table(&judged.name, &rows)], look, f)?;
            } else if !notes.is_empty() {
                writeln!(f, "{bold}{}{off}", printable(&judged.name))?;
            }
            notes.iter().try_for_each(|note| writeln!(f, "  {}", printable(note)))?;
            if !notes.is_empty() {
                writeln!(f)?;
            }
        }
        for judged in report.scenarios.iter().filter(|it| it.is_worse()).take(PAGES_MAX) {
            if let Some(cause) = judged.known_cause() {
                writeln!(f, "{bold}Why {} changed{off}\n", printable(&judged.name))?;
                writeln!(f, "{}", cause.page.show(look))?;
            }
        }
        writeln!(f, "{bold}{}{off}", printable(&conclusion(report)))
    }
}

/// What changes when a report is accepted, before and after: measures that are judged, and others of a
/// scenario as a whole that chance does not explain, or all; scenarios that come and go.
pub fn accepted<'a>(
    report: &'a Report,
    baselines: [&'a Baseline; 2],
    all: bool,
    look: Look,
) -> impl Display + 'a {
    Acceptance { report, baselines, all, look }
}

struct Acceptance<'a> {
    report: &'a Report,
    baselines: [&'a Baseline; 2],
    all: bool,
    look: Look,
}

impl Display for Acceptance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, baselines, all, look } = *self;
        for judged in report.scenarios.iter().filter(|it| !it.is_same() || it.is_another()) {
            let changed: Vec<&Row> = shown(judged, true).collect();
            let tells = |row: &&Row| {
                row.tolerance.is_some()
                    || (row.is_measurable() && !row.measure.starts_with("worker_types."))
            };
            let rows: Vec<&Row> = changed.iter().copied().filter(|row| all || tells(row)).collect();
            Table::render_all(&[table(&judged.name, &rows)], look, f)?;
            let notes = notes(judged);
            notes.iter().try_for_each(|note| writeln!(f, "  {}", printable(note)))?;
            if rows.len() < changed.len() {
                let more = count((changed.len() - rows.len()) as u64, "other measure");
                writeln!(f, "  {more} changed, by worker type or as chance may explain (--all)")?;
            }
            writeln!(f)?;
        }
        for (names, what) in comings_and_goings(baselines).into_iter().zip(["new", "gone"]) {
            if !names.is_empty() {
                let count = count(names.len() as u64, "scenario");
                writeln!(f, "{count} {what}: {}", printable(&names.join(", ")))?;
            }
        }
        Ok(())
    }
}

/// Rows that changed: those that are judged, or all.
fn shown(judged: &Judged, all: bool) -> impl Iterator<Item = &Row> {
    judged.rows.iter().filter(move |row| match row.verdict {
        Verdict::Same => false,
        Verdict::Unjudged => all,
        Verdict::Unknown => all || row.tolerance.is_some(),
        _ => true,
    })
}

fn table<'a>(name: &'a str, rows: &[&Row]) -> Table<'a> {
    let rows = rows.iter().map(|row| (row.measure.clone(), cells(row).to_vec()));
    let columns = HEADERS.map(|header| (header, "")).to_vec();
    Table { title: name, columns, rows: rows.collect(), sums: false }
}
