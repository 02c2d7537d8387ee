//! What limits are about: numbers of `--json`, found before anything runs.

use std::collections::BTreeMap;

use provisioner_scenarios::file::{Issue, Issues, nearest};
use provisioner_scenarios::scenario::Check;
use provisioner_scenarios::tune::{Problem, Reading};
use provisioner_sim::outcome::Outcome;

use crate::checks::{bounds, nothing_happened};
use crate::json::numbers;
use crate::measure::Unit;

/// Reads outcomes by the limits of a problem.
#[derive(Clone, Debug)]
pub struct Gauge {
    /// Paths of numbers.
    paths: Vec<String>,
    limits: Vec<f64>,
}

/// What measures of all worker types together may be called without.
const TOTAL: &str = "total.";

impl Gauge {
    /// Finds what the limits of a problem measure.
    ///
    /// # Errors
    ///
    /// Measures that there are not, and limits in another unit than their measure's.
    pub fn bind(problem: &Problem) -> Result<Self, Issues> {
        let known =
            |cell| numbers(&nothing_happened(problem.reference.tuning(cell).worker_types()));
        // What is not ours may bring other worker types: a limit holds wherever there is its measure.
        let known: BTreeMap<String, Option<f64>> =
            (0..problem.cells.len()).flat_map(known).collect();
        let (mut paths, mut limits, mut issues) = (Vec::new(), Vec::new(), Vec::new());
        for limit in &problem.limits {
            let whole = format!("{TOTAL}{}", limit.measure);
            let measure = [&limit.measure, &whole].into_iter().find(|it| known.contains_key(*it));
            let Some(measure) = measure else {
                issues.push(unknown(limit, &known));
                continue;
            };
            let limit = Check { measure: measure.clone(), ..limit.clone() };
            let bounds = bounds(&limit, &known, &mut issues);
            limits.extend(bounds.into_iter().map(|(_, bound)| bound));
            paths.push(limit.measure);
        }
        if issues.is_empty() { Ok(Self { paths, limits }) } else { Err(issues.into()) }
    }

    /// How much each limit allows, in its measure's unit.
    #[must_use]
    pub fn limits(&self) -> &[f64] {
        &self.limits
    }

    /// What a run came to.
    #[must_use]
    pub fn read(&self, outcome: &Outcome) -> Reading {
        let numbers = numbers(outcome);
        let value = |path| numbers.get(path).copied().flatten().unwrap_or(f64::INFINITY);
        let values = self.paths.iter().map(value).collect();
        Reading { cost: outcome.total.cost.total().as_f64(), values }
    }

    /// What a limit is called.
    pub(super) fn name(&self, limit: usize) -> &str {
        let path = self.paths[limit].as_str();
        path.strip_prefix(TOTAL).unwrap_or(path)
    }

    /// A figure of a limit's measure, in few characters.
    pub(super) fn show(&self, limit: usize, value: f64) -> String {
        if value.is_finite() {
            Unit::of(&self.paths[limit]).show_short(value)
        } else {
            "nothing".to_owned()
        }
    }
}

fn unknown(limit: &Check, known: &BTreeMap<String, Option<f64>>) -> Issue {
    let names = known.keys().flat_map(|path| [Some(path.as_str()), path.strip_prefix(TOTAL)]);
    let issue = Issue::new(format!("there is no measure `{}`", limit.measure), limit.place.clone());
    issue.hint(match nearest(&limit.measure, names.flatten()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "measures are the numbers of `--json`, for example wait_s.p95, \
                 worker_types.\"proj/builds\".wait_s.p95"
            .to_owned(),
    })
}
