//! A table by columns, each of one type.

use std::collections::BTreeMap;
use std::io::{self, Write};

use provisioner_scenarios::experiment::Axis;
use provisioner_scenarios::file::{Issue, Issues, Place};
use provisioner_scenarios::results::Results;
use provisioner_scenarios::tune::PART;
use provisioner_sim::outcome::{Measures, Outcome};
use serde_json::Value;

use crate::json::{Fields, fields, fields_of};
use crate::series::io_error;

/// A table of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub(super) columns: Vec<(String, Values)>,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    Text(Vec<String>),
    Whole(Vec<i64>),
    /// Some may have no value.
    Number(Vec<Option<f64>>),
}

/// What names a run.
const NAMES: [&str; 4] = ["run", "seed", "scenario_hash", "commit"];
const WORKER_TYPE: &str = "worker_type";

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

    /// Writes it as CSV; what has no value is empty.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn csv(&self, out: &mut impl Write) -> io::Result<()> {
        let mut rows = csv::Writer::from_writer(out);
        rows.write_record(self.columns.iter().map(|(name, _)| name)).map_err(io_error)?;
        for row in 0..self.rows() {
            let cells = self.columns.iter().map(|(_, values)| values.cell(row));
            rows.write_record(cells).map_err(io_error)?;
        }
        rows.flush()
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.len())
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
            self.columns.push((name.clone(), Values::of(like, values)));
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

    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Number(values) => values.len(),
        }
    }

    fn cell(&self, row: usize) -> String {
        match self {
            Self::Text(values) => values[row].clone(),
            Self::Whole(values) => values[row].to_string(),
            Self::Number(values) => values[row].map_or_else(String::new, |it| it.to_string()),
        }
    }
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
    fn the_columns_are_as_documented() {
        let names = |frame: Frame| {
            let kind = |values: &Values| match values {
                Values::Text(_) => "text",
                Values::Whole(_) => "whole",
                Values::Number(_) => "number",
            };
            let line = |(name, values): &(String, Values)| format!("{name} {}\n", kind(values));
            frame.columns.iter().map(line).collect::<String>()
        };
        expect![[r#"
            policy text
            bid text
            run whole
            seed whole
            scenario_hash text
            commit text
            api_calls_cancel whole
            api_calls_cancel_throttled whole
            api_calls_launch whole
            api_calls_launch_repeated whole
            api_calls_launch_throttled whole
            api_calls_launch_unanswered whole
            api_calls_list whole
            api_calls_terminate whole
            api_calls_terminate_throttled whole
            bound_usd number
            capacity_h number
            capacity_max_h number
            capacity_peak whole
            churn_per_task_h number
            cost_per_task_usd number
            cost_usd_boot number
            cost_usd_idle number
            cost_usd_on_demand number
            cost_usd_redone number
            cost_usd_spot number
            cost_usd_total number
            cost_usd_useful number
            cost_usd_wasted number
            decision_digest text
            delay_max_s number
            demand_peak whole
            events whole
            finished text
            habits_moves whole
            habits_reversals whole
            instance_h number
            iterations whole
            largest_pool text
            largest_pool_share number
            launches_by_stale_price whole
            launches_cancelled whole
            launches_image_unusable whole
            launches_insufficient_capacity whole
            launches_interrupted whole
            launches_launch_failed whole
            launches_on_demand whole
            launches_ordered whole
            launches_price_too_low whole
            launches_quota_reached whole
            launches_rejected whole
            launches_started whole
            launches_stopped whole
            launches_terminated whole
            launches_unmade whole
            launches_unsupported whole
            launches_volume_limit whole
            limits_calls whole
            limits_launches whole
            limits_price whole
            limits_spend whole
            notices_after_death whole
            notices_duplicated whole
            notices_late whole
            notices_losses whole
            notices_losses_counted whole
            notices_losses_miscounted whole
            notices_missed whole
            notices_recommended whole
            notices_recommended_taken whole
            notices_seen whole
            on_demand_after_s number
            over_provisioned_h number
            ownership_orphan_h number
            ownership_orphan_longest_s number
            ownership_orphans_left whole
            ownership_others_touched whole
            ownership_strays_ended whole
            regret_usd number
            restarts whole
            safety_claimed_ended whole
            safety_double_launches whole
            safety_spared whole
            safety_zombie_h number
            spend_committed_day_max_usd number
            spend_committed_peak_usd_per_h number
            spend_price_max_usd_per_h number
            started text
            tasks_done whole
            tasks_exhausted whole
            tasks_expired whole
            tasks_left whole
            tasks_rerun whole
            tasks_submitted whole
            useful_h number
            utilisation number
            wait_s_count whole
            wait_s_max number
            wait_s_mean number
            wait_s_p50 number
            wait_s_p95 number
            wait_s_p99 number
            waits_cold whole
            waived_usd number
        "#]]
        .assert_eq(&names(Frame::runs(&results())));
        let (runs, worker_types) = (Frame::runs(&results()), Frame::worker_types(&results()));
        let (runs, only) = (names(runs), names(worker_types));
        let only: Vec<&str> =
            only.lines().filter(|line| !runs.lines().any(|it| it == *line)).collect();
        assert_eq!(only, ["worker_type text"], "each worker type has what all have together");
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
