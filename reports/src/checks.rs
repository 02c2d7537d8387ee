//! Whether an outcome is what its scenario says it must be.
//!
//! A check names a number of the outcome's JSON by its path and bounds it. [`bind`] finds the
//! numbers before the run: which there are depends on the worker types alone.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use provisioner_scenarios::file::{Issue, Issues, nearest};
use provisioner_scenarios::scenario::{Check, Relation, Scenario};
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::{Measures, Outcome};
use serde::Serialize;

use crate::json::numbers;
use crate::measure::Unit;
use crate::{Look, text};

/// The checks of a scenario, their bounds in the units of what they measure.
#[derive(Clone, Debug)]
pub struct Checks<'a> {
    scenario: &'a Scenario,
    bounds: Vec<Vec<(Relation, f64)>>,
}

/// A check and what it found.
#[derive(Clone, Debug)]
pub struct Checked<'a> {
    /// What was claimed.
    pub check: &'a Check,
    /// Its bounds in the measure's unit.
    pub bounds: Vec<(Relation, f64)>,
    /// What was measured; there may be nothing to measure, such as the cost of a task if none was
    /// done.
    pub value: Option<f64>,
    /// Whether the claim holds.
    pub verdict: Verdict,
}

/// Whether a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It does.
    Passed,
    /// It does not, or there was nothing to measure.
    Failed,
    /// The measure says nothing of the provisioner that ran.
    SaysNothing,
}

/// Finds what the checks of a scenario measure.
///
/// # Errors
///
/// Measures that there are not, and bounds in another unit than their measure's.
pub fn bind<'a>(scenario: &'a Scenario, config: &SimConfig) -> Result<Checks<'a>, Issues> {
    if scenario.checks().is_empty() {
        return Ok(Checks { scenario, bounds: Vec::new() });
    }
    let names = config.engine.worker_types.iter().map(|worker_type| worker_type.name.as_str());
    let known = numbers(&nothing_happened(names));
    let mut issues = Vec::new();
    let bounds = scenario.checks().iter().map(|check| bounds(check, &known, &mut issues)).collect();
    if issues.is_empty() { Ok(Checks { scenario, bounds }) } else { Err(issues.into()) }
}

impl<'a> Checks<'a> {
    /// Judges the outcome of a run of the scenario.
    #[must_use]
    pub fn judge(&self, outcome: &Outcome) -> Vec<Checked<'a>> {
        if self.bounds.is_empty() {
            return Vec::new();
        }
        let numbers = numbers(outcome);
        let judge = |(check, bounds): (&'a Check, &Vec<(Relation, f64)>)| {
            let value = numbers.get(&check.measure).copied().flatten();
            let holds = |value: f64| {
                bounds.iter().all(|(relation, bound)| match relation {
                    Relation::AtMost => value <= *bound,
                    Relation::AtLeast => value >= *bound,
                    Relation::Equals => value.total_cmp(bound).is_eq(),
                })
            };
            let excepted = self.scenario.profile().is_some_and(|by| check.except.contains(&by));
            let verdict = match (excepted, value.is_some_and(holds)) {
                (true, _) => Verdict::SaysNothing,
                (false, true) => Verdict::Passed,
                (false, false) => Verdict::Failed,
            };
            Checked { check, bounds: bounds.clone(), value, verdict }
        };
        self.scenario.checks().iter().zip(&self.bounds).map(judge).collect()
    }
}

impl Checked<'_> {
    /// The measure, for people: `4 min 3 s`, `12`, `-`.
    #[must_use]
    pub fn shown_value(&self) -> String {
        let unit = Unit::of(&self.check.measure);
        self.value.map_or_else(|| "-".to_owned(), |value| unit.show(value))
    }

    /// The same in few characters: `4.05 min`.
    pub(crate) fn short_value(&self) -> String {
        let unit = Unit::of(&self.check.measure);
        self.value.map_or_else(|| "-".to_owned(), |value| unit.show_short(value))
    }

    /// The bounds in few characters: `≤ 12`.
    pub(crate) fn short_bounds(&self) -> String {
        let unit = Unit::of(&self.check.measure);
        let shown = |(relation, bound): &(Relation, f64)| {
            let relation = match relation {
                Relation::AtMost => "≤",
                Relation::AtLeast => "≥",
                Relation::Equals => "=",
            };
            format!("{relation} {}", unit.show_short(*bound))
        };
        self.bounds.iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    /// How far the measure is within its bounds, less than nothing if it is not.
    pub(crate) fn slack(&self) -> f64 {
        let Some(value) = self.value else { return f64::NEG_INFINITY };
        let slack = |(relation, bound): &(Relation, f64)| match relation {
            Relation::AtMost => bound - value,
            Relation::AtLeast => value - bound,
            Relation::Equals => -(value - bound).abs(),
        };
        self.bounds.iter().map(slack).fold(f64::INFINITY, f64::min)
    }

    /// The bounds, for people: `at most 12`.
    #[must_use]
    pub fn shown_bounds(&self) -> String {
        let unit = Unit::of(&self.check.measure);
        let shown = |(relation, bound): &(Relation, f64)| {
            let relation = match relation {
                Relation::AtMost => "at most",
                Relation::AtLeast => "at least",
                Relation::Equals => "exactly",
            };
            format!("{relation} {}", unit.show(*bound))
        };
        self.bounds.iter().map(shown).collect::<Vec<_>>().join(", ")
    }
}

/// A table of what was checked; what failed says why it matters.
pub fn table<'a>(checked: &'a [Checked<'a>], look: Look) -> impl Display + 'a {
    Table { checked, look }
}

struct Table<'a> {
    checked: &'a [Checked<'a>],
    look: Look,
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |checked: &Checked<'_>| {
            let Check { name, measure, .. } = checked.check;
            [
                text::printable(name),
                text::printable(measure),
                checked.shown_value(),
                checked.shown_bounds(),
            ]
        };
        let header = ["Checks", "measure", "value", "must be"].map(str::to_owned);
        let rows: Vec<_> = [header].into_iter().chain(self.checked.iter().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let [names, measures, values, bounds] =
            [0, 1, 2, 3].map(|column| width(column).unwrap_or(0));
        let (bold, dim, off) = self.look.codes();
        for (index, [name, measure, value, bound]) in rows.iter().enumerate() {
            let line =
                format!("{name:names$}  {measure:measures$}  {value:>values$}  {bound:bounds$}");
            let Some(checked) = index.checked_sub(1).map(|index| &self.checked[index]) else {
                writeln!(f, "{bold}{}{off}", line.trim_end())?;
                continue;
            };
            match checked.verdict {
                Verdict::Passed => writeln!(f, "{line}  passed")?,
                Verdict::SaysNothing => writeln!(f, "{dim}{line}  says nothing here{off}")?,
                Verdict::Failed => {
                    writeln!(f, "{bold}{line}  FAILED{off}")?;
                    writeln!(f, "  because {}", text::printable(&checked.check.because))?;
                }
            }
        }
        Ok(())
    }
}

/// The bounds of a check in its measure's unit; what is wrong is added to `issues`.
pub(crate) fn bounds(
    check: &Check,
    known: &BTreeMap<String, Option<f64>>,
    issues: &mut Vec<Issue>,
) -> Vec<(Relation, f64)> {
    let measure = &check.measure;
    if !known.contains_key(measure) {
        let issue = Issue::new(format!("there is no measure `{measure}`"), check.place.clone());
        issues.push(
            issue.hint(match nearest(measure, known.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "measures are the numbers of `--json`, for example total.wait_s.p95, \
                     worker_types.\"proj/builds\".launches.started"
                    .to_owned(),
            }),
        );
        return Vec::new();
    }
    let unit = Unit::of(measure);
    let mut bounds = Vec::new();
    for bound in &check.bounds {
        match unit.number(bound.amount) {
            Some(number) => bounds.push((bound.relation, number)),
            None => {
                let what = format!("the bound has another unit than `{measure}`");
                let issue = Issue::new(what, bound.place.clone());
                issues.push(issue.hint(format!("write {}", unit.example())));
            }
        }
    }
    bounds
}

/// The outcome of a run of these worker types in which nothing happened: it has all the measures.
pub(crate) fn nothing_happened<'n>(names: impl Iterator<Item = &'n str>) -> Outcome {
    let measures = |name: &str| Measures { name: name.to_owned(), ..Measures::default() };
    Outcome { worker_types: names.map(measures).collect(), ..Outcome::default() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use expect_test::{Expect, expect};
    use provisioner_scenarios::{Profile, load};
    use provisioner_sim::Hooks;

    use super::*;

    const SCENARIO: &str = r#"
[time]
start = 2021-03-01
length = "1 h"
[market]
zones = ["us-east-1a"]
[market.on_demand]
"c5.large" = "$0.085/h"
[worker_types."ci/a_s"]
capacity_max = 4
tasks.poisson = { tasks_per_hour = 6, durations = "10 min" }
instance_types."c5.large" = {}
"#;

    fn scenario(checks: &str) -> Scenario {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let path = folder.path().join("week.toml");
        fs::write(&path, format!("{SCENARIO}{checks}")).expect("a temporary file");
        let loaded = load(&path);
        loaded.unwrap_or_else(|issues| panic!("{issues}")).scenario
    }

    #[track_caller]
    fn judged(scenario: &Scenario, expected: Expect) {
        let seed = scenario.seed();
        let config = scenario.config(seed);
        let checks = bind(scenario, &config).unwrap_or_else(|issues| panic!("{issues}"));
        let outcome = scenario.run(&config, Hooks::default());
        expected.assert_eq(&table(&checks.judge(&outcome), Look::default()).to_string());
    }

    #[test]
    fn a_table_says_what_failed_and_why_it_matters() {
        let checks = r#"
[checks.all-done]
because = "nothing may get lost"
measure = "worker_types.\"ci/a_s\".tasks.left"
equals = 0
[checks.cheap]
because = "it is not worth more"
measure = "total.cost_usd.total"
at_most = "$0.01"
[checks.quick]
because = "people wait"
measure = "total.wait_s.p95"
at_least = 0
at_most = "10 min"
[checks.used]
because = "idle machines cost as much"
measure = "total.utilisation"
at_least = "90 %"
except = ["v1"]
"#;
        let scenario = scenario(checks);
        judged(
            &scenario,
            expect![[r#"
            Checks    measure                                value  must be
            all-done  worker_types."ci/a_s".tasks.left           0  exactly 0                     passed
            cheap     total.cost_usd.total                 $0.0666  at most $0.0100               FAILED
              because it is not worth more
            quick     total.wait_s.p95                  1 min 34 s  at most 10 min, at least 0 s  passed
            used      total.utilisation                     61.3 %  at least 90.0 %               FAILED
              because idle machines cost as much
        "#]],
        );
        judged(
            &scenario.run_by(Profile::V1),
            expect![[r#"
            Checks    measure                                value  must be
            all-done  worker_types."ci/a_s".tasks.left           0  exactly 0                     passed
            cheap     total.cost_usd.total                 $0.0680  at most $0.0100               FAILED
              because it is not worth more
            quick     total.wait_s.p95                  1 min 34 s  at most 10 min, at least 0 s  passed
            used      total.utilisation                     60.0 %  at least 90.0 %               says nothing here
        "#]],
        );
    }

    #[test]
    fn measures_that_are_not_there_and_other_units_are_told_before_the_run() {
        let checks = r#"
[checks.misspelt]
because = "it is not there"
measure = "total.wait.p95_s"
equals = 0
[checks.nonsense]
because = "it is not there"
measure = "beauty"
equals = 0
[checks.quick]
because = "money is not time"
measure = "total.wait_s.p95"
at_most = "$3"
"#;
        let scenario = scenario(checks);
        let issues = bind(&scenario, &scenario.config(scenario.seed())).expect_err("bad checks");
        let said: Vec<String> = issues
            .iter()
            .map(|issue| {
                let said = issue.to_string();
                let lines = said.lines();
                lines.filter(|line| line.starts_with(['e', 'h'])).collect::<Vec<_>>().join("\n")
            })
            .collect();
        expect![[r#"
            error: there is no measure `total.wait.p95_s`
            hint: did you mean `total.wait_s.p95`?
            error: there is no measure `beauty`
            hint: measures are the numbers of `--json`, for example total.wait_s.p95, worker_types."proj/builds".launches.started
            error: the bound has another unit than `total.wait_s.p95`
            hint: write a duration such as "10 min""#]].assert_eq(&said.join("\n"));
    }
}
