//! The report as JUnit XML, as GitHub's actions, GitLab and Jenkins read it: a test suite for each
//! scenario, a test case for each measure that is judged, and one for its decisions.
//!
//! Source: testmoapp/junitxml, "JUnit XML format", read 2026-11-22. `time` is 0 everywhere: some readers
//! ask for it, and equal runs give equal bytes.

use std::fmt::{self, Display};

use provisioner_scenarios::suite::Tolerance;

use super::judge::{Judged, Report, Row, Verdict};
use super::words::{cause, notes, sentence};
use crate::Look;

/// What a suite came to, as JUnit XML.
pub fn junit(report: &Report) -> impl Display + '_ {
    Junit { report }
}

struct Junit<'a> {
    report: &'a Report,
}

/// A test case.
struct Case {
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed(String),
    Skipped(String),
    Failed { message: String, text: String },
}

impl Display for Junit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { suite, scenarios, .. } = self.report;
        let all: Vec<(&Judged, Vec<Case>)> = scenarios.iter().map(|it| (it, cases(it))).collect();
        let every = || all.iter().flat_map(|(_, cases)| cases);
        writeln!(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(f, "<testsuites name=\"{}\" {}>", attribute(suite), counts(every()))?;
        for (judged, cases) in &all {
            let name = format!("{suite}.{}", judged.name);
            let name = attribute(&name);
            writeln!(f, "  <testsuite name=\"{name}\" {}>", counts(cases.iter()))?;
            for Case { name: case, outcome } in cases {
                let case = attribute(case);
                write!(f, "    <testcase classname=\"{name}\" name=\"{case}\" time=\"0\">")?;
                match outcome {
                    Outcome::Passed(said) if said.is_empty() => {}
                    Outcome::Passed(said) => {
                        write!(f, "<system-out>{}</system-out>", escaped(said))?;
                    }
                    Outcome::Skipped(why) => {
                        write!(f, "<skipped message=\"{}\"/>", attribute(why))?;
                    }
                    Outcome::Failed { message, text } => {
                        let (message, text) = (attribute(message), escaped(text));
                        write!(
                            f,
                            "<failure type=\"worse\" message=\"{message}\">{text}</failure>"
                        )?;
                    }
                }
                writeln!(f, "</testcase>")?;
            }
            writeln!(f, "  </testsuite>")?;
        }
        writeln!(f, "</testsuites>")
    }
}

fn counts<'c>(cases: impl Iterator<Item = &'c Case>) -> String {
    let (mut tests, mut failures, mut skipped) = (0, 0, 0);
    for case in cases {
        tests += 1;
        failures += usize::from(matches!(case.outcome, Outcome::Failed { .. }));
        skipped += usize::from(matches!(case.outcome, Outcome::Skipped(_)));
    }
    format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"0\""
    )
}

fn cases(judged: &Judged) -> Vec<Case> {
    let because = || {
        let lines = cause(judged).into_iter().map(|(word, says)| format!("{word}: {says}"));
        let mut text = notes(judged).into_iter().chain(lines).collect::<Vec<_>>().join("\n");
        if let Some(cause) = judged.known_cause() {
            text += &format!("\n\n{}", cause.page.show(Look::default()));
        }
        text
    };
    let measure = |row: &Row| {
        let outcome = match row.verdict {
            Verdict::Same | Verdict::Unjudged => Outcome::Passed(String::new()),
            Verdict::Unknown => Outcome::Skipped("there is no number on one side".to_owned()),
            Verdict::Better | Verdict::Chance | Verdict::Allowed => Outcome::Passed(sentence(row)),
            Verdict::Worse => Outcome::Failed { message: sentence(row), text: because() },
        };
        Case { name: row.measure.clone(), outcome }
    };
    let decisions = match judged.broke_exactness() {
        true => {
            let message = "decisions are not exactly as they were".to_owned();
            Outcome::Failed { message, text: because() }
        }
        false => Outcome::Passed(notes(judged).join("\n")),
    };
    let decisions = Case { name: "decisions".to_owned(), outcome: decisions };
    let is_judged = |row: &&Row| row.tolerance.is_some_and(|it| it != Tolerance::Any);
    judged.rows.iter().filter(is_judged).map(measure).chain([decisions]).collect()
}

/// Text between tags. What XML 1.0 cannot say at all becomes `�`.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\n' | '\t' => xml.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => xml.push('\u{fffd}'),
            c => xml.push(c),
        }
    }
    xml
}

/// The value of an attribute, between double quotes, in which a bare line end would be read as a blank.
fn attribute(text: &str) -> String {
    escaped(text).replace('\n', "&#10;").replace('\t', "&#9;")
}
