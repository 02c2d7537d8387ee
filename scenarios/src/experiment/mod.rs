//! Experiments: a base scenario, what is varied in it, and seeds.
//!
//! A **level** is one thing that an **axis** can be: a value of a key of the scenario, or several
//! keys that move together. A **point** is a scenario with one level of each axis; a **run** is a
//! point with a seed. All points are resolved before anything runs, so that what a scenario would
//! refuse is refused here, all at once, at its place in the experiment; points share the recorded
//! data that they have in common.
//!
//! ```toml
//! base = "week.toml"
//! seeds = 10
//!
//! [axes.patience]
//! key = "worker_type_defaults.on_demand_after"
//! values = ["10 min", "30 min"]
//!
//! [axes.policy.variants]
//! ours = { worker_type_defaults = { scaling = "target", placement = "spread" } }
//! old = { engine.guards = "off", worker_type_defaults = { scaling = "estimator" } }
//!
//! [[drop]]
//! where = { policy = "old", patience = "10 min" }
//! ```
//!
//! It may also say what it may come to, see [`suite`](crate::suite).
//!
//! Instead of `values` an axis may say `from`, `to`, and `step` or `factor`.
//!
//! `[tune]` says what the best of its points is, see [`tune`](crate::tune); a sweep does without.
//!
//! Not here: running it (`cli`), what is kept of runs (see [`results`](crate::results)).

mod plan;
mod points;
mod range;
mod schema;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provisioner_engine::journal::Record;
use provisioner_engine::random::Seed;
use provisioner_sim::Hooks;
use provisioner_sim::outcome::Outcome;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use self::plan::Plan;
pub(crate) use self::points::Where;
use self::range::Texts;
pub(crate) use self::schema::TuneDoc;
use crate::Scenario;
use crate::file::{Issues, KeyDoc, Place, Source, describe};
use crate::journal::{Header, JOURNAL_VERSION, JournalWriter};
use crate::suite::Terms;

/// Scenarios to compare under equal chance, resolved and complete.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The file's name without extension.
    pub name: String,
    /// What is varied; the first axis varies slowest.
    pub axes: Vec<Axis>,
    /// Where each axis stands in the file.
    places: Vec<Place>,
    /// With what each point is run.
    pub seeds: Vec<u64>,
    /// Where the file says how many.
    pub seeds_place: Place,
    /// Of how many of the seeds, from the first on, a baseline keeps journals.
    pub journals: usize,
    /// What is run, in the order of the axes' levels.
    pub points: Vec<Point>,
    /// Remarks about inputs, each a line.
    pub remarks: Vec<String>,
    /// All that was read: scenarios, what they are based on, and recordings.
    pub files: Vec<PathBuf>,
}

/// Something that is varied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// What it is called.
    pub name: String,
    /// Whether it is not ours to choose, like prices: points are compared where it is the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given: bool,
    /// What it can be.
    pub levels: Vec<String>,
}

/// A scenario with one level of each axis.
#[derive(Clone, Debug)]
pub struct Point {
    /// The level of each axis, by index.
    pub levels: Vec<usize>,
    /// What is run.
    pub scenario: Scenario,
    /// What it may come to.
    pub terms: Terms,
}

/// Every key of an experiment file.
#[must_use]
pub fn parameters() -> Vec<KeyDoc> {
    let texts = Texts::default();
    describe(|s| schema::document(s, &texts))
}

impl Experiment {
    /// Reads an experiment file and everything it names.
    ///
    /// # Errors
    ///
    /// All problems of the file; if it is right in itself, all that any of its points has.
    pub fn load(path: &Path) -> Result<Self, Issues> {
        Self::read(&Source::read(path)?)
    }

    /// The same of a file's text that is at hand; paths in it are relative to the folder of `path`.
    ///
    /// # Errors
    ///
    /// As for [`Experiment::load`].
    pub fn load_text(path: &Path, text: &str) -> Result<Self, Issues> {
        Self::read(&Source::new(path, text))
    }

    fn read(source: &Arc<Source>) -> Result<Self, Issues> {
        let mut plan = Plan::read(source)?;
        let (points, remarks) = plan.points()?;
        let (journals, files) = (plan.journals(), plan.files());
        let Plan { name, axes, places, seeds, seeds_place, .. } = plan;
        let seeds = seeds.collect();
        Ok(Self { name, axes, places, seeds, seeds_place, journals, points, remarks, files })
    }

    /// What is varied, and where in the file.
    pub fn places(&self) -> impl Iterator<Item = (&Axis, &Place)> {
        self.axes.iter().zip(&self.places)
    }

    /// How many runs there are: all seeds of the first point come first.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.points.len() * self.seeds.len()
    }

    /// What it is, in 16 hexadecimal digits: equal hashes mean the same runs in the same order.
    #[must_use]
    pub fn hash(&self) -> String {
        let hashes: Vec<_> =
            self.points.iter().map(|point| (&point.levels, point.scenario.hash())).collect();
        let text = format!("{:?} {:?} {hashes:?}", self.axes, self.seeds);
        format!("{:016x}", xxh3_64(text.as_bytes()))
    }

    /// What a point is called: by its level if there is one axis, by axes and levels if there are
    /// several.
    #[must_use]
    pub fn point_name(&self, point: usize) -> String {
        let levels = &self.points[point].levels;
        let level = |(axis, level): (&Axis, &usize)| match self.axes.len() {
            1 => axis.levels[*level].clone(),
            _ => format!("{} = {}", axis.name, axis.levels[*level]),
        };
        let levels: Vec<String> = self.axes.iter().zip(levels).map(level).collect();
        if levels.is_empty() { self.name.clone() } else { levels.join(", ") }
    }

    /// Does one of the runs.
    ///
    /// Panics if there is no such run.
    #[must_use]
    pub fn run(&self, run: usize) -> Outcome {
        let (scenario, seed) = self.of_run(run);
        scenario.run(&scenario.config(seed), Hooks::default())
    }

    /// Does one of the runs for its journal.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    ///
    /// Panics if there is no such run.
    pub fn journal<W: Write>(&self, run: usize, commit: &str, out: W) -> io::Result<W> {
        let (scenario, seed) = self.of_run(run);
        let config = scenario.config(seed);
        let header = Header {
            journal: JOURNAL_VERSION,
            scenario: self.point_name(run / self.seeds.len()),
            scenario_hash: scenario.hash().to_owned(),
            seed: seed.0,
            commit: commit.to_owned(),
            engine: config.engine.clone(),
        };
        let mut journal = JournalWriter::new(out, &header)?;
        let mut kept = Ok(());
        let mut keep = |record: Record| {
            if kept.is_ok() {
                kept = journal.record(&record);
            }
        };
        let hooks = Hooks { journal: Some(&mut keep), ..Hooks::default() };
        drop(provisioner_sim::run(&config, &mut *scenario.tasks(seed), hooks));
        kept.and_then(|()| journal.end())
    }

    fn of_run(&self, run: usize) -> (&Scenario, Seed) {
        let (point, seed) = (run / self.seeds.len(), run % self.seeds.len());
        (&self.points[point].scenario, Seed(self.seeds[seed]))
    }
}
