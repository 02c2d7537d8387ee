//! The outcome as JSON.
//!
//! ```text
//! {
//!   "version": 1,                       the version of this set of measures
//!   "run": {"scenario", "scenario_hash", "seed", "commit"},
//!   "started", "finished",              RFC 3339, UTC
//!   "total": {…},                       all worker types together
//!   "worker_types": [{"name", …}],      in the order of the scenario
//!   "largest_pool", "largest_pool_share",
//!   "api_calls": {"launch", "launch_repeated", "launch_throttled", "launch_unanswered",
//!                 "cancel", "cancel_throttled", "terminate", "terminate_throttled", "list"},
//!   "ownership": {                      whether the engine knew what was its own
//!     "orphan_h", "orphan_longest_s",   instances that were up without its knowing
//!     "orphans_left",                   … and still were at the end
//!     "strays_ended", "others_touched"  instances ended as nobody's, and orders about others'
//!   },
//!   "notices": {"seen", "late", "missed", "after_death", "duplicated",
//!               "recommended", "recommended_taken",
//!               "losses", "losses_counted", "losses_miscounted"},
//!   "spend": {"price_max_usd_per_h", "committed_peak_usd_per_h", "committed_day_max_usd"},
//!   "restarts", "iterations", "events", "decision_digest",
//!   "limits": {"price", "spend", "calls", "launches"}, iterations in which a limit was in the way
//!   "checks": [{…}]                     only if the scenario has any, see below
//! }
//! ```
//!
//! `total` and each worker type have `cost_usd` (`total`; by market `spot`, `on_demand`; by use
//! `useful`, `idle`, `boot`, `redone`, `wasted`; both splits add up), `cost_per_task_usd` (null if
//! none was done), `waived_usd` (what EC2 did not bill of stays that it interrupted), `bound_usd` (the
//! least that this work can cost anybody, each task begun within `delay_max_s`, the longest time from
//! submission to the beginning of the last run), `regret_usd` (paid and waived beyond that; null, as
//! the bound, if nobody worked it out), `wait_s` (`count` tasks measured; `mean`, `p50`, `p95`, `p99`, `max`), `waits_cold` (so many of these tasks waited
//! for the first workers), `tasks`
//! (`submitted`, `done`, `rerun` runs, `expired`, `exhausted`, `left`), `launches` (`ordered`,
//! `insufficient_capacity`, `price_too_low`, `cancelled`, `quota_reached`, `unsupported`,
//! `image_unusable`, `volume_limit`, `rejected`, `launch_failed`, `unmade`, `on_demand`,
//! `by_stale_price`, `started`, `interrupted`, `terminated`, `stopped`), `safety` (`claimed_ended` instances ended by the provisioner while they
//! ran a task, `spared` ones left alone as they did, `zombie_h` of instances whose worker never
//! came, never claims or hangs, `double_launches`: instances that ran for launches that were given
//! up), `habits` (`moves` launches in another pool than the one before, `reversals` launches within
//! five minutes of ending an instance, or the other way round), `instance_h`, `capacity_h`,
//! `useful_h`, `over_provisioned_h`, `utilisation`, `churn_per_task_h`, `capacity_max_h` (with all of `capacity_max` there or
//! asked for, while tasks waited for more), `capacity_peak` (the most capacity that was asked for and had not ended),
//! `demand_peak` (the most tasks pending and claimed), `on_demand_after_s` (from the first refusal of
//! a spot launch to the first launch on demand; null if there was none).
//!
//! `spend` is what launches could have cost: each its max price, or the on-demand price, from its
//! order to its end; the dearest, the most an hour, the most in a day (UTC).
//!
//! Each of `checks` has `name`, `because`, `measure` (the path of a number in this document, a
//! worker type standing under its name), `value`, those of the bounds `at_most`, `at_least`,
//! `equals` that it has, in the measure's unit, and `verdict`: `passed`, `failed` or
//! `says-nothing` (of the provisioner that ran).
//!
//! Units end the names: `_usd` dollars, exact to the micro-dollar; `_s` seconds, exact to the
//! millisecond; `_h` hours. Shares and utilisation are from 0 to 1. Keys are only ever added under
//! one version.

mod document;

use std::collections::BTreeMap;
use std::io::{self, Write};

use provisioner_scenarios::file::path_key;
use provisioner_sim::outcome::{Measures, OUTCOME_VERSION, Outcome};
use serde::Serialize;
use serde_json::Value;

use self::document::{Document, MeasuresDocument};
use crate::Run;
use crate::checks::Checked;

/// Writes an outcome as one indented document with a line end.
///
/// # Errors
///
/// Whatever `out` says.
pub fn write(
    run: &Run,
    outcome: &Outcome,
    checks: &[Checked<'_>],
    out: &mut impl Write,
) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document::of(run, outcome, checks))?;
    out.write_all(b"\n")
}

/// Reads an outcome that [`write()`] has written; its checks are left out, and a mean may differ in
/// its last digit.
///
/// # Errors
///
/// What is wrong with the text, in words.
pub fn read(text: &[u8]) -> Result<(Run, Outcome), String> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version } = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if version != OUTCOME_VERSION {
        return Err(format!("it is of version {version}; this program's is {OUTCOME_VERSION}"));
    }
    let document: Document<'_> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    document.outcome()
}

/// Every number of the document by its path; `None` where there is none for this outcome.
#[must_use]
pub fn numbers(outcome: &Outcome) -> BTreeMap<String, Option<f64>> {
    let run = Run::default();
    let mut document = to_value(&Document::of(&run, outcome, &[]));
    let mut numbers = BTreeMap::new();
    if let Some(sections) = document.as_object_mut() {
        sections.retain(|name, _| !["run", "version"].contains(&name.as_str()));
    }
    gather(String::new(), &document, &mut numbers);
    numbers
}

/// The measures of a run, or of a worker type, by name; what has no value is null.
pub(crate) type Fields = BTreeMap<String, Value>;

/// What is measured of a run as a whole, and of all its worker types together.
pub(crate) fn fields(outcome: &Outcome) -> Fields {
    let run = Run::default();
    let mut all = BTreeMap::new();
    flatten(String::new(), to_value(&Document::of(&run, outcome, &[])), &mut all);
    all.retain(|name, _| name != "version" && !name.starts_with("run_"));
    all.into_iter()
        .map(|(name, value)| (name.trim_start_matches("total_").to_owned(), value))
        .collect()
}

/// What is measured of a worker type.
pub(crate) fn fields_of(measures: &Measures) -> Fields {
    let mut all = BTreeMap::new();
    flatten(String::new(), to_value(&MeasuresDocument::of(measures)), &mut all);
    all.remove("name");
    all
}

fn to_value(document: &impl Serialize) -> Value {
    serde_json::to_value(document).expect("a document of numbers, texts and lists")
}

/// Everything that is in no list.
fn flatten(name: String, value: Value, fields: &mut Fields) {
    match value {
        Value::Object(inner) => {
            for (key, value) in inner {
                let name = if name.is_empty() { key } else { format!("{name}_{key}") };
                flatten(name, value, fields);
            }
        }
        Value::Array(_) => {}
        value => drop(fields.insert(name, value)),
    }
}

fn gather(path: String, value: &Value, numbers: &mut BTreeMap<String, Option<f64>>) {
    let inner = |name: &str| {
        let name = path_key(name);
        if path.is_empty() { name } else { format!("{path}.{name}") }
    };
    match value {
        Value::Null => drop(numbers.insert(path, None)),
        Value::Number(number) => drop(numbers.insert(path, number.as_f64())),
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| gather(inner(name), value, numbers));
        }
        Value::Array(items) => {
            let named = |item| Some((Value::get(item, "name")?.as_str()?, item));
            let named = items.iter().filter_map(named);
            named.for_each(|(name, item)| gather(inner(name), item, numbers));
        }
        Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::testing::{outcome, run};

    #[test]
    fn what_was_written_is_read_back_exactly() {
        let outcome = outcome();
        let mut bytes = Vec::new();
        write(&run(), &outcome, &[], &mut bytes).unwrap();
        assert_eq!(read(&bytes), Ok((run(), outcome)));
        let old = String::from_utf8(bytes).unwrap().replacen("1", "0", 1);
        let said = "it is of version 0; this program's is 1".to_owned();
        assert_eq!(read(old.as_bytes()), Err(said));
        assert!(read(b"{\"version\": 1}").unwrap_err().contains("missing field `run`"));
    }

    #[test]
    fn the_keys_are_as_documented() {
        let mut outcome = outcome();
        outcome.worker_types.truncate(1);
        let mut bytes = Vec::new();
        write(&run(), &outcome, &[], &mut bytes).unwrap();
        expect![[r#"
            {
              "version": 1,
              "run": {
                "scenario": "firefox-ci",
                "scenario_hash": "9f3c2b7a11d04e58",
                "seed": 7,
                "commit": "1c798b7aa012"
              },
              "started": "2016-02-01T00:00:00Z",
              "finished": "2016-02-05T15:07:03Z",
              "total": {
                "cost_usd": {
                  "total": 730.863664,
                  "spot": 710.4,
                  "on_demand": 20.463664,
                  "useful": 592.0,
                  "idle": 79.663664,
                  "boot": 35.52,
                  "redone": 17.76,
                  "wasted": 5.92
                },
                "cost_per_task_usd": 0.0036634035608308605,
                "waived_usd": 0.0,
                "bound_usd": null,
                "regret_usd": null,
                "wait_s": {
                  "count": 195360,
                  "mean": 61.2345,
                  "p50": 8.2,
                  "p95": 243.0,
                  "p99": 3725.0,
                  "max": 97380.0
                },
                "waits_cold": 0,
                "delay_max_s": 0.0,
                "tasks": {
                  "submitted": 201280,
                  "done": 199504,
                  "rerun": 2368,
                  "expired": 592,
                  "exhausted": 0,
                  "left": 1184
                },
                "launches": {
                  "ordered": 12432,
                  "insufficient_capacity": 1776,
                  "price_too_low": 0,
                  "cancelled": 1184,
                  "unmade": 0,
                  "on_demand": 0,
                  "by_stale_price": 0,
                  "quota_reached": 0,
                  "unsupported": 0,
                  "image_unusable": 0,
                  "volume_limit": 0,
                  "rejected": 0,
                  "launch_failed": 0,
                  "started": 9472,
                  "interrupted": 592,
                  "terminated": 0,
                  "stopped": 8880
                },
                "safety": {
                  "claimed_ended": 0,
                  "spared": 592,
                  "zombie_h": 29.6,
                  "double_launches": 0
                },
                "habits": {
                  "moves": 148,
                  "reversals": 0
                },
                "instance_h": 7597.333333333333,
                "capacity_h": 7597.333333333333,
                "useful_h": 6117.333333333333,
                "over_provisioned_h": 888.0,
                "utilisation": 0.8051948051948052,
                "churn_per_task_h": 1.5483870967741937,
                "capacity_max_h": 0.0,
                "capacity_peak": 0,
                "demand_peak": 0,
                "on_demand_after_s": null
              },
              "worker_types": [
                {
                  "name": "gecko-3/b-linux",
                  "cost_usd": {
                    "total": 123.4567,
                    "spot": 120.0,
                    "on_demand": 3.4567,
                    "useful": 100.0,
                    "idle": 13.4567,
                    "boot": 6.0,
                    "redone": 3.0,
                    "wasted": 1.0
                  },
                  "cost_per_task_usd": 0.0036634035608308605,
                  "waived_usd": 0.0,
                  "bound_usd": null,
                  "regret_usd": null,
                  "wait_s": {
                    "count": 33000,
                    "mean": 61.2345,
                    "p50": 8.2,
                    "p95": 243.0,
                    "p99": 3725.0,
                    "max": 97380.0
                  },
                  "waits_cold": 0,
                  "delay_max_s": 0.0,
                  "tasks": {
                    "submitted": 34000,
                    "done": 33700,
                    "rerun": 400,
                    "expired": 100,
                    "exhausted": 0,
                    "left": 200
                  },
                  "launches": {
                    "ordered": 2100,
                    "insufficient_capacity": 300,
                    "price_too_low": 0,
                    "cancelled": 200,
                    "unmade": 0,
                    "on_demand": 0,
                    "by_stale_price": 0,
                    "quota_reached": 0,
                    "unsupported": 0,
                    "image_unusable": 0,
                    "volume_limit": 0,
                    "rejected": 0,
                    "launch_failed": 0,
                    "started": 1600,
                    "interrupted": 100,
                    "terminated": 0,
                    "stopped": 1500
                  },
                  "safety": {
                    "claimed_ended": 0,
                    "spared": 100,
                    "zombie_h": 5.0,
                    "double_launches": 0
                  },
                  "habits": {
                    "moves": 25,
                    "reversals": 0
                  },
                  "instance_h": 1283.3333333333333,
                  "capacity_h": 1283.3333333333333,
                  "useful_h": 1033.3333333333333,
                  "over_provisioned_h": 150.0,
                  "utilisation": 0.8051948051948052,
                  "churn_per_task_h": 1.5483870967741937,
                  "capacity_max_h": 0.0,
                  "capacity_peak": 0,
                  "demand_peak": 0,
                  "on_demand_after_s": null
                }
              ],
              "largest_pool": "m3.medium/us-east-1b",
              "largest_pool_share": 0.34,
              "api_calls": {
                "launch": 12432,
                "launch_repeated": 0,
                "launch_throttled": 0,
                "launch_unanswered": 0,
                "cancel": 1184,
                "cancel_throttled": 0,
                "terminate": 3,
                "terminate_throttled": 0,
                "list": 0
              },
              "ownership": {
                "orphan_h": 0.0,
                "orphan_longest_s": 0.0,
                "orphans_left": 0,
                "strays_ended": 0,
                "others_touched": 0
              },
              "notices": {
                "seen": 11,
                "late": 0,
                "missed": 1,
                "after_death": 0,
                "duplicated": 0,
                "recommended": 0,
                "recommended_taken": 0,
                "losses": 12,
                "losses_counted": 12,
                "losses_miscounted": 0
              },
              "spend": {
                "price_max_usd_per_h": 0.17,
                "committed_peak_usd_per_h": 4.93,
                "committed_day_max_usd": 40.1
              },
              "restarts": 0,
              "iterations": 6667,
              "limits": {
                "price": 0,
                "spend": 0,
                "calls": 0,
                "launches": 0
              },
              "events": 1234567,
              "decision_digest": "9c44e01f3a5b7d20"
            }
        "#]]
        .assert_eq(&String::from_utf8(bytes).unwrap());
    }
}
