//! What is compared: the main measures of the page, or any number of the outcome's JSON by its path.

use std::collections::BTreeMap;

use provisioner_scenarios::file::nearest;
use provisioner_scenarios::results::Results;
use provisioner_sim::outcome::Outcome;

use super::summary::{COLUMNS, COST, Column, LARGE, WAIT};
use crate::json::numbers;
use crate::measure::Unit;
use crate::text::{decimal, decimals_for};

/// Which measures are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Those of the page that `sweep` prints.
    Main,
    /// Every number of the outcome, but those of single worker types.
    All,
    /// The numbers at these paths, and those in the groups at them.
    Paths(Vec<String>),
}

/// Measures that there are.
#[derive(Clone, Debug)]
pub struct Chosen(Vec<Source>);

#[derive(Clone, Debug)]
enum Source {
    Main(Column),
    Path(String),
}

impl Selection {
    /// Finds the measures among those of the results.
    ///
    /// # Errors
    ///
    /// Paths at which there is nothing.
    pub fn find(&self, results: &Results) -> Result<Chosen, String> {
        let known = || {
            // Points may have worker types of their own.
            let seeds = results.manifest.seeds.len();
            let firsts = (0..results.manifest.points.len()).filter_map(|point| {
                results.outcomes.range(point * seeds..(point + 1) * seeds).next()
            });
            firsts.flat_map(|(_, outcome)| numbers(outcome)).collect::<BTreeMap<_, _>>()
        };
        let paths = |paths: Vec<String>| Chosen(paths.into_iter().map(Source::Path).collect());
        match self {
            Self::Main => Ok(Chosen::main()),
            Self::All => {
                let of_all = |path: &String| !path.starts_with("worker_types.");
                Ok(paths(known().into_keys().filter(of_all).collect()))
            }
            Self::Paths(wanted) => {
                let (known, mut found) = (known(), Vec::new());
                for path in wanted {
                    let group = format!("{path}.");
                    let before = found.len();
                    let here = known.keys().filter(|it| *it == path || it.starts_with(&group));
                    found.extend(here.cloned());
                    if found.len() == before {
                        let near = nearest(path, known.keys().map(String::as_str));
                        let near =
                            near.map_or_else(String::new, |near| format!("; near is `{near}`"));
                        return Err(format!("there is no measure `{path}`{near}"));
                    }
                }
                Ok(paths(found))
            }
        }
    }
}

impl Chosen {
    /// The measures of the page that `sweep` prints.
    #[must_use]
    pub fn main() -> Self {
        Self(COLUMNS.map(Source::Main).to_vec())
    }

    /// Cost and p95 wait, which are told in words, and then these.
    pub(super) fn with_main(&self) -> Vec<Measure> {
        let main = [COST, WAIT].map(Source::Main);
        main.iter().chain(&self.0).map(Measure::of).collect()
    }
}

/// A number of each outcome, and how it is shown.
pub(super) struct Measure {
    pub(super) name: String,
    pub(super) unit: &'static str,
    source: Source,
    factor: f64,
    decimals: usize,
}

impl Measure {
    fn of(source: &Source) -> Self {
        let (name, unit, factor, decimals) = match source {
            Source::Main((name, unit, decimals, _)) => (*name, *unit, 1.0, *decimals),
            Source::Path(path) => {
                let (unit, factor, decimals) = match Unit::of(path) {
                    Unit::Seconds => ("s", 1.0, 1),
                    Unit::Hours => ("h", 1.0, 1),
                    Unit::Dollars => ("$", 1.0, 2),
                    Unit::DollarsPerHour => ("$/h", 1.0, 2),
                    Unit::Share => ("%", 100.0, 1),
                    Unit::Plain => ("", 1.0, 0),
                };
                (path.strip_prefix("total.").unwrap_or(path), unit, factor, decimals)
            }
        };
        Self { name: name.to_owned(), unit, source: source.clone(), factor, decimals }
    }

    /// What an outcome has of it, of which all numbers are `numbers`.
    fn value(&self, outcome: &Outcome, numbers: &BTreeMap<String, Option<f64>>) -> Option<f64> {
        match &self.source {
            Source::Main((.., measure)) => Some(measure(outcome)),
            Source::Path(path) => Some(numbers.get(path).copied()?? * self.factor),
        }
    }

    /// Whether it is one of the page's.
    pub(super) const fn is_main(&self) -> bool {
        matches!(self.source, Source::Main(_))
    }

    /// A figure with as many decimals as those beside it need.
    pub(super) fn show(&self, number: f64, largest: f64, further: usize) -> String {
        let decimals = match self.decimals {
            _ if largest >= LARGE => 0,
            2 if largest > 0.0 => decimals_for(largest),
            decimals => decimals,
        };
        decimal(number, decimals.max(further))
    }
}

/// The measures of every run: by run, and then by measure.
pub(super) fn values(results: &Results, measures: &[Measure]) -> BTreeMap<usize, Vec<Option<f64>>> {
    let by_path = measures.iter().any(|measure| matches!(measure.source, Source::Path(_)));
    let of = |outcome: &Outcome| {
        let numbers = if by_path { numbers(outcome) } else { BTreeMap::new() };
        measures.iter().map(|measure| measure.value(outcome, &numbers)).collect()
    };
    results.outcomes.iter().map(|(run, outcome)| (*run, of(outcome))).collect()
}
