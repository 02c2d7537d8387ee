//! All runs as tables for other tools.

use std::collections::BTreeMap;

use provisioner_engine::units::Time;
use provisioner_scenarios::experiment::Axis;
use provisioner_scenarios::file::{Issue, Issues, Place, quantity};
use provisioner_scenarios::results::Results;
use provisioner_scenarios::tune::PART;
use provisioner_sim::outcome::{Measures, Outcome};
use serde_json::Value;

use crate::frame::{Frame, Values};
use crate::json::{Fields, fields, fields_of};

/// What names a run.
const NAMES: [&str; 4] = ["run", "seed", "scenario_hash", "commit"];
const WORKER_TYPE: &str = "worker_type";
/// Measures that are instants.
const TIMES: [&str; 2] = ["started", "finished"];

/// Checks that no axis is called as a column.
///
/// # Errors
///
/// The axes that are.
pub fn bind<'a>(axes: impl IntoIterator<Item = (&'a Axis, &'a Place)>) -> Result<(), Issues> {
    let measures = fields(&Outcome::default());
    let taken = |name: &str| {
        NAMES.contains(&name) || [WORKER_TYPE, PART].contains(&name) || measures.contains_key(name)
    };
    let issue = |(axis, place): (&Axis, &Place)| {
        let what = format!("axis `{}` is called as a column of the results", axis.name);
        let hint = format!("call it for example `{}_set`", axis.name);
        taken(&axis.name).then(|| Issue::new(what, place.clone()).hint(hint))
    };
    let issues: Vec<Issue> = axes.into_iter().filter_map(issue).collect();
    if issues.is_empty() { Ok(()) } else { Err(issues.into()) }
}

impl Frame {
    /// A row for each run.
    #[must_use]
    pub fn runs(results: &Results) -> Self {
        let mut frame = Self::names(results, |_| 1);
        let rows = results.outcomes.values().map(fields);
        frame.measures(&fields(&Outcome::default()), rows.collect());
        frame
    }

    /// A row for each run and worker type.
    #[must_use]
    pub fn worker_types(results: &Results) -> Self {
        let mut frame = Self::names(results, |outcome| outcome.worker_types.len());
        let all = || results.outcomes.values().flat_map(|outcome| &outcome.worker_types);
        let names = all().map(|measures| measures.name.clone());
        frame.columns.push((WORKER_TYPE.to_owned(), Values::Text(names.collect())));
        frame.measures(&fields_of(&Measures::default()), all().map(fields_of).collect());
        frame
    }

    /// The columns that name a run, each run in several rows.
    fn names(results: &Results, rows: impl Fn(&Outcome) -> usize) -> Self {
        let manifest = &results.manifest;
        let repeated = results.outcomes.iter().map(|(run, outcome)| (*run, rows(outcome)));
        let runs = repeated.flat_map(|(run, rows)| std::iter::repeat_n(run, rows));
        let runs: Vec<usize> = runs.collect();
        let text =
            |of: &dyn Fn(usize) -> String| Values::Text(runs.iter().map(|run| of(*run)).collect());
        let whole = |of: &dyn Fn(usize) -> u64| {
            let of = |run: &usize| i64::try_from(of(*run)).unwrap_or(i64::MAX);
            Values::Whole(runs.iter().map(of).collect())
        };
        let axes = manifest.axes.iter().enumerate().map(|(index, axis)| {
            (axis.name.clone(), text(&|run| manifest.run(run).0.levels[index].clone()))
        });
        let names = [
            whole(&|run| run as u64),
            whole(&|run| manifest.run(run).1),
            text(&|run| manifest.run(run).0.scenario_hash.clone()),
            text(&|_| manifest.commit.clone()),
        ];
        let names = NAMES.map(str::to_owned).into_iter().zip(names);
        Self { columns: axes.chain(names).collect() }
    }

    /// Adds the measures, whose names and types are those of `like`.
    fn measures(&mut self, like: &Fields, mut rows: Vec<Fields>) {
        for (name, like) in like {
            let values = rows.iter_mut().map(|row| row.remove(name).unwrap_or_default());
            let values = if TIMES.contains(&name.as_str()) {
                Values::Time(values.map(|it| time_of(&it)).collect())
            } else {
                Values::of(like, values)
            };
            self.columns.push((name.clone(), values));
        }
        debug_assert!(rows.iter().all(BTreeMap::is_empty), "measures that the default lacks");
    }
}

impl Values {
    /// Values of the type of `like`; what is null by default is a number.
    fn of(like: &Value, values: impl Iterator<Item = Value>) -> Self {
        match like {
            Value::String(_) => {
                Self::Text(values.map(|it| it.as_str().unwrap_or_default().to_owned()).collect())
            }
            Value::Number(number) if number.is_u64() => {
                Self::Whole(values.map(|it| it.as_i64().unwrap_or(i64::MAX)).collect())
            }
            _ => Self::Number(values.map(|it| it.as_f64()).collect()),
        }
    }
}

/// The instant that was written down.
fn time_of(text: &Value) -> Time {
    let time = text.as_str().and_then(|text| quantity::time(text).ok());
    time.expect("an outcome says when it began and ended")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use expect_test::expect;
    use provisioner_scenarios::experiment::Experiment;

    use super::*;
    use crate::testing::results;

    fn csv(frame: &Frame) -> String {
        let mut bytes = Vec::new();
        frame.csv(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn rows_name_their_run_and_are_in_order() {
        let (runs, worker_types) = (Frame::runs(&results()), Frame::worker_types(&results()));
        let narrow = |frame: &Frame| {
            let names = ["policy", "bid", "run", "seed", "worker_type", "cost_usd_total"];
            let kept = frame.columns.iter().filter(|(name, _)| names.contains(&name.as_str()));
            csv(&Frame { columns: kept.cloned().collect() })
        };
        expect![[r#"
            policy,bid,run,seed,cost_usd_total
            ours,2,0,7,730.863664
            ours,2,1,8,930.863664
            old,2,2,7,1130.863664
            old,2,3,8,1330.863664
        "#]]
        .assert_eq(&narrow(&runs));
        assert_eq!(worker_types.rows(), runs.rows() * results().outcomes[&0].worker_types.len());
        assert!(narrow(&worker_types).contains("ours,2,0,7,gecko-3/b-linux,"));
    }

    #[test]
    fn each_worker_type_has_columns_that_all_have_together() {
        let columns = |frame: Frame| -> Vec<(String, std::mem::Discriminant<Values>)> {
            let kind = |(name, values): (String, Values)| (name, std::mem::discriminant(&values));
            frame.columns.into_iter().map(kind).collect()
        };
        let (runs, only) =
            (columns(Frame::runs(&results())), columns(Frame::worker_types(&results())));
        let only: Vec<_> = only.iter().filter(|column| !runs.contains(column)).collect();
        assert!(matches!(only.as_slice(), [(name, _)] if name == "worker_type"), "{only:?}");
    }

    #[test]
    fn an_axis_is_not_called_as_a_measure() {
        let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/quickstart.toml");
        let text = format!(
            "base = \"{base}\"\nseeds = 2\n[axes.events]\nkey = \"queue.claim_expiry\"\n\
             values = [\"20 min\"]\n"
        );
        let experiment = Experiment::load_text(Path::new("small.toml"), &text).unwrap();
        let issues = bind(experiment.places()).unwrap_err().to_string();
        assert!(issues.contains("axis `events` is called as a column"), "{issues}");
    }
}
