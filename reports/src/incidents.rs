//! One number a scenario, by provisioner: what hurt others, and whether it hurts us.

use std::fmt::{self, Display};

use crate::checks::{Checked, Verdict};

/// A scenario run by several provisioners.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The scenario.
    pub name: String,
    /// The number that matters most, by the end of its path.
    pub measure: String,
    /// What it must be.
    pub bounds: String,
    /// What it was, by provisioner; ours stands last.
    pub cells: Vec<Cell>,
}

impl Row {
    /// Adds what one more provisioner came to, in a run for each seed: the worst is shown.
    ///
    /// Panics if there is no run, or none of the checks is the headline.
    pub fn push(&mut self, runs: &[Vec<Checked<'_>>]) {
        let headlines = runs.iter().map(|checked| {
            let headline = checked.iter().find(|checked| checked.check.headline);
            headline.expect("a scenario with a headline")
        });
        let worst = headlines.min_by(|a, b| a.slack().total_cmp(&b.slack())).expect("a run");
        self.measure = short_name(&worst.check.measure);
        self.bounds = worst.short_bounds();
        let failed = |checked: &Checked<'_>| checked.verdict == Verdict::Failed;
        let mut others = runs.iter().flatten().filter(|checked| !checked.check.headline);
        self.cells.push(Cell {
            value: (worst.verdict != Verdict::SaysNothing).then(|| worst.short_value()),
            holds: !failed(worst),
            others_fail: others.any(failed),
        });
    }

    /// Whether somebody suffers the accident: only then does surviving it say something.
    #[must_use]
    pub fn bites(&self) -> bool {
        self.cells.iter().rev().skip(1).any(|cell| !cell.holds)
    }
}

/// What is measured, without where: most measures are of all worker types together.
fn short_name(path: &str) -> String {
    match path.rsplit_once('"') {
        Some((_, end)) => end.trim_start_matches('.').to_owned(),
        None => path.strip_prefix("total.").unwrap_or(path).to_owned(),
    }
}

/// What a provisioner came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The number that matters; `None` if it says nothing of that provisioner.
    pub value: Option<String>,
    /// Whether it is what it must be.
    pub holds: bool,
    /// Whether other checks fail.
    pub others_fail: bool,
}

impl Cell {
    /// Of a provisioner that the scenario says nothing about.
    #[must_use]
    pub const fn none() -> Self {
        Self { value: None, holds: true, others_fail: false }
    }
}

impl Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = &self.value else { return f.pad("–  ") };
        let mark = match (self.holds, self.others_fail) {
            (false, _) => "✗",
            (true, true) => "~",
            (true, false) => " ",
        };
        f.pad(&format!("{value} {mark}"))
    }
}

/// The table, its columns named by `provisioners`, and what its marks mean.
pub fn table<'a>(provisioners: &'a [&'a str], rows: &'a [Row]) -> impl Display + 'a {
    Table { provisioners, rows }
}

struct Table<'a> {
    provisioners: &'a [&'a str],
    rows: &'a [Row],
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines =
            vec![["scenario", "the number that matters", "must be"].map(str::to_owned).to_vec()];
        lines[0].extend(self.provisioners.iter().map(|name| format!("{name}  ")));
        for Row { name, measure, bounds, cells } in self.rows {
            let mut line = vec![name.clone(), measure.clone(), bounds.clone()];
            line.extend(cells.iter().map(ToString::to_string));
            lines.push(line);
        }
        let columns = self.provisioners.len() + 3;
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for line in &lines {
            let mut text = String::new();
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                let gap = ["", "  ", "  ", " "][column.min(3)];
                text += &if column < 3 {
                    format!("{gap}{cell:width$}")
                } else {
                    format!("{gap}{cell:>width$}")
                };
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        writeln!(
            f,
            "\n✗ not what it must be; ~ it is, but another check fails; – says nothing here"
        )
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn cell(value: &str, holds: bool, others_fail: bool) -> Cell {
        Cell { value: Some(value.to_owned()), holds, others_fail }
    }

    #[test]
    fn a_table_shows_who_suffers() {
        let row = |name: &str, cells| Row {
            name: name.to_owned(),
            measure: short_name("total.launches.started"),
            bounds: "≤ 12".to_owned(),
            cells,
        };
        let bites = vec![Cell::none(), cell("2,700", false, false), cell("12", true, false)];
        let dull = vec![cell("12", true, true), cell("9", true, false), cell("12", false, false)];
        let rows = [row("one-task", bites), row("lost-response", dull)];
        assert_eq!(rows.each_ref().map(Row::bites), [true, false]);
        expect![[r#"
            scenario       the number that matters  must be v1   worker-manager   ours
            one-task       launches.started         ≤ 12     –            2,700 ✗   12
            lost-response  launches.started         ≤ 12    12 ~              9     12 ✗

            ✗ not what it must be; ~ it is, but another check fails; – says nothing here
        "#]]
        .assert_eq(&table(&["v1", "worker-manager", "ours"], &rows).to_string());
    }

    #[test]
    fn a_measure_is_called_by_its_end() {
        let names =
            ["total.wait_s.max", "spend.price_max_usd_per_h", "worker_types.\"a/b\".tasks.rerun"];
        let short = ["wait_s.max", "spend.price_max_usd_per_h", "tasks.rerun"];
        assert_eq!(names.map(short_name), short);
    }
}
