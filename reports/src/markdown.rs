//! A run or a sweep in short, as GitHub-flavoured Markdown: for a pull request or a job's summary.
//!
//! Figures and words are those of the [page](crate::html). What is left out for its length is counted.

use std::fmt::Write;

use crate::Look;
use crate::html::{run, sweep};
use crate::summary::tables;
use crate::sweep::{Comparison, overview};
use crate::table::Table;
use crate::text::{grouped, printable};

/// No more rows of a table than this: GitHub takes a comment of 65,536 characters.
const ROWS_MAX: usize = 40;

/// What a scenario came to.
#[must_use]
pub fn run(report: &run::Report<'_>) -> String {
    let mut text = Text::titled(&report.run.scenario, report.description, &run::lede(report));
    let [by_use, _] = run::splits(report.outcome);
    text.table("use", &by_use);
    for table in tables(report.outcome).iter().filter(|it| ["Cost", "Wait"].contains(&it.title)) {
        text.heading(&format!("{} by worker type", table.title));
        text.table("worker type", table);
    }
    if report.seeds.outcomes.len() > 1 {
        text.heading(&format!("{} seeds", report.seeds.outcomes.len()));
        text.table("measure", &run::chance_table(report));
    }
    text.rest(&run::remarks(report), report.commands);
    let crate::Run { scenario_hash, seed, commit, .. } = report.run;
    let names = format!("Scenario {scenario_hash}, seed {seed}, commit {commit}.");
    text.paragraph(&names);
    text.0
}

/// What a sweep came to.
#[must_use]
pub fn sweep(report: &sweep::Report<'_>) -> String {
    let (results, overview) = (report.results, overview(report.results, Look::default()));
    let manifest = &results.manifest;
    let about = sweep::about(results);
    let mut text = Text::titled(&manifest.experiment, &about, &sweep::lede(report, &overview));
    let names = manifest.axes.first().map_or("experiment", |axis| axis.name.as_str());
    text.table(names, &sweep::points_table(results, &overview, ROWS_MAX));
    text.left_out(overview.points.len(), "points");
    text.list(&overview.notes());
    if let Some(compared) = sweep::compared(report) {
        let all: Vec<Comparison> = compared.tables().take(ROWS_MAX).collect();
        text.heading("Differences of cost and wait, with 95 % intervals");
        text.table("compared", &sweep::differences_table(&all));
        text.left_out(compared.count(), "comparisons");
    }
    text.rest(&sweep::remarks(results), report.commands);
    text.paragraph(&format!("Experiment {}, commit {}.", manifest.hash, manifest.commit));
    text.0
}

/// Markdown, as it is written.
struct Text(String);

impl Text {
    fn titled(title: &str, about: &str, lede: &[String]) -> Self {
        let mut text = Self(format!("### {}\n", escaped(title)));
        text.paragraph(about);
        lede.iter().for_each(|words| text.paragraph(words));
        text
    }

    fn heading(&mut self, words: &str) {
        self.line(format_args!("\n#### {}", escaped(words)));
    }

    fn paragraph(&mut self, words: &str) {
        if !words.is_empty() {
            self.line(format_args!("\n{}", escaped(words)));
        }
    }

    fn list(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            self.line(format_args!(""));
        }
        lines.iter().for_each(|line| self.line(format_args!("- {}", escaped(line))));
    }

    fn table(&mut self, names: &str, table: &Table<'_>) {
        let header = |(header, unit): &(&str, &str)| match *unit {
            "" => escaped(header),
            unit => format!("{}, {}", escaped(header), escaped(unit)),
        };
        let headers: Vec<String> = table.columns.iter().map(header).collect();
        self.line(format_args!("\n| {} | {} |", escaped(names), headers.join(" | ")));
        self.line(format_args!("|---|{}", "---:|".repeat(headers.len())));
        for (name, cells) in table.rows.iter().take(ROWS_MAX) {
            let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
            self.line(format_args!("| {} | {} |", escaped(name), cells.join(" | ")));
        }
    }

    /// Says how many did not fit.
    fn left_out(&mut self, count: usize, what: &str) {
        if let Some(more) = count.checked_sub(ROWS_MAX).filter(|more| *more > 0) {
            self.paragraph(&format!("{} more {what} are left out.", grouped(more as u64)));
        }
    }

    /// What to mind, and how to get it again.
    fn rest(&mut self, remarks: &[String], commands: &[String]) {
        if !remarks.is_empty() {
            self.heading("What to mind");
            self.list(remarks);
        }
        let commands = commands.join("\n");
        let fence = fence(&commands);
        self.heading("To get it again");
        self.line(format_args!("\n{fence}sh\n{}\n{fence}", lines(&commands)));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a text");
    }
}

/// Printable lines.
fn lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// Words as they are: what Markdown and HTML would take for a mark is escaped.
pub(crate) fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for c in printable(words).chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' | '@' => {
                text.push('\\');
                text.push(c);
            }
            c => text.push(c),
        }
    }
    text
}

/// Words as code, each letter as it is.
pub(crate) fn code(words: &str) -> String {
    let words = printable(words);
    let fence = fence_of(&words, 1);
    // A blank keeps a backtick at the edge from joining the fence, and is not shown.
    if words.contains('`') { format!("{fence} {words} {fence}") } else { format!("`{words}`") }
}

/// Backticks that do not occur in the text.
pub(crate) fn fence(text: &str) -> String {
    fence_of(text, 3)
}

fn fence_of(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(least.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Reference;
    use crate::testing;

    #[test]
    fn a_sweep_says_its_answer_first_and_has_rows_and_differences() {
        let results = testing::results();
        let reference = Reference::first(&results);
        let commands = ["provisioner report bids.results".to_owned()];
        let report = sweep::Report { results: &results, reference, commands: &commands };
        expect_test::expect![[r#"
            ### bids

            2 points, each with 2 seeds

            Cheapest and quickest is ours, at \$831 and a p95 wait of 4 min 3 s.

            Compared with ours: the cost of old is not measurably different, and its p95 wait is not measurably different.

            | policy | bid | cost, \$ | wait mean, s | wait p95, s | useful, % | launches | interrupted, % | undone | best |
            |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
            | ours | 2 | 831 ± 141 | 61.2 ± 0.0 | 243.0 ± 0.0 | 80.5 ± 0.0 | 9,472 ± 0 | 6.2 ± 0.0 | 1,776 ± 0 | \* |
            | old | 2 | 1,231 ± 141 | 61.2 ± 0.0 | 243.0 ± 0.0 | 80.5 ± 0.0 | 9,472 ± 0 | 6.2 ± 0.0 | 1,776 ± 0 |  |

            - Means over 2 seeds ± their standard deviation.
            - \* no other point is both cheaper and quicker (wait p95).

            #### Differences of cost and wait, with 95 % intervals

            | compared | cost, \$ | ratio | measurably | wait p95, s | ratio | measurably |
            |---|---:|---:|---:|---:|---:|---:|
            | policy = old, with bid = 2 | +400.0 ± 0.0 | × 1.481 ± 0.736 |  | +0.0 ± 0.0 | × 1.000 ± 0.000 |  |

            #### What to mind

            - 2 seeds say little about chance: run 10 or so
            - policy = ours, bid = 2: 2368 tasks were left when waiting for them was given up, so it is not the cost of all work; lengthen \`time.drain\`
            - policy = old, bid = 2: 2368 tasks were left when waiting for them was given up, so it is not the cost of all work; lengthen \`time.drain\`
            - policy = old, bid = 2 came to the same as policy = ours, bid = 2 with every seed

            #### To get it again

            ```sh
            provisioner report bids.results
            ```

            Experiment 00aa11bb22cc33dd, commit 1c798b7aa012.
        "#]].assert_eq(&sweep(&report));
    }

    #[test]
    fn names_are_words_and_tables_stay_tables() {
        let mut results = testing::results();
        let hostile = "<b>|`x`\n# y";
        results.manifest.experiment = hostile.to_owned();
        results.manifest.axes[0].levels[0] = hostile.to_owned();
        results.manifest.points[0].levels[0] = hostile.to_owned();
        let reference = Reference::first(&results);
        let commands = ["echo ```\nrm".to_owned()];
        let text = sweep(&sweep::Report { results: &results, reference, commands: &commands });
        assert!(!text.contains("<b>") && text.contains("````sh\necho ```"), "{text}");
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        let rows: Vec<usize> =
            text.lines().filter(|line| line.starts_with('|')).map(columns).collect();
        assert_eq!(rows, [[11; 4].as_slice(), &[8; 3]].concat(), "{text}");
    }
}
