//! What is kept of an experiment's runs: a folder that can be gone on with, parts of it, and all
//! outcomes together.
//!
//! | file | holds |
//! |---|---|
//! | `experiment.json` | the [`Manifest`]: what is run, by which commit |
//! | `outcomes.jsonl` | a line for each finished run: `run`, its number from 0, and its `outcome` |
//!
//! A run is added whole, by one write; a line that was cut off is forgotten, and its run done
//! again. When all runs are there, the lines are put in order: the same experiment by the same
//! commit gives the same bytes, whatever the threads, the interruptions and the parts.
//!
//! Not here: tables of them (`reports`).

mod folder;
mod shard;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use provisioner_sim::outcome::{OUTCOME_VERSION, Outcome};
use serde::{Deserialize, Serialize};

pub use self::folder::Folder;
pub use self::shard::Shard;
use crate::experiment::{Axis, Experiment};

/// The version of the folder's files.
pub const RESULTS_FORMAT: u32 = 1;

/// What a folder holds results of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`RESULTS_FORMAT`] of the program that wrote it.
    pub format: u32,
    /// The version of the set of measures.
    pub outcome: u32,
    /// The experiment's name.
    pub experiment: String,
    /// The experiment's hash.
    pub hash: String,
    /// The program's commit.
    pub commit: String,
    /// What is varied.
    pub axes: Vec<Axis>,
    /// With what each point is run.
    pub seeds: Vec<u64>,
    /// What is run.
    pub points: Vec<ManifestPoint>,
    /// Which part this is, if not all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shard: Option<Shard>,
}

/// A point of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestPoint {
    /// The level of each axis.
    pub levels: Vec<String>,
    /// The hash of its scenario.
    pub scenario_hash: String,
}

impl Manifest {
    /// Of an experiment, or of a part of it, run by a program of that commit.
    #[must_use]
    pub fn new(experiment: &Experiment, commit: &str, shard: Option<Shard>) -> Self {
        let level = |(axis, level): (&Axis, &usize)| axis.levels[*level].clone();
        let points = experiment.points.iter().map(|point| ManifestPoint {
            levels: experiment.axes.iter().zip(&point.levels).map(level).collect(),
            scenario_hash: point.scenario.hash().to_owned(),
        });
        Self {
            format: RESULTS_FORMAT,
            outcome: OUTCOME_VERSION,
            experiment: experiment.name.clone(),
            hash: experiment.hash(),
            commit: commit.to_owned(),
            axes: experiment.axes.clone(),
            seeds: experiment.seeds.clone(),
            points: points.collect(),
            shard,
        }
    }

    /// The numbers of the runs that belong here, in order.
    pub fn runs(&self) -> impl Iterator<Item = usize> {
        let shard = self.shard;
        let mine = move |run: &usize| shard.is_none_or(|shard| shard.has(*run));
        (0..self.points.len() * self.seeds.len()).filter(mine)
    }

    /// What is run, and with which seed.
    ///
    /// Panics if there is no such run.
    #[must_use]
    pub fn run(&self, run: usize) -> (&ManifestPoint, u64) {
        (&self.points[run / self.seeds.len()], self.seeds[run % self.seeds.len()])
    }

    /// Why results of this cannot stand with results of `other`.
    fn differs(&self, other: &Self) -> Option<String> {
        if self.hash != other.hash {
            let (ours, theirs) = (&self.experiment, &other.experiment);
            return Some(format!(
                "of another experiment: {theirs} {}, not {ours} {}",
                other.hash, self.hash
            ));
        }
        if self.commit != other.commit {
            return Some(format!("by commit {}, not {}", other.commit, self.commit));
        }
        (self != other).then(|| {
            let shard = |it: &Self| match it.shard {
                Some(shard) => format!("part {shard}"),
                None => "the whole".to_owned(),
            };
            format!("of {}, not of {}", shard(other), shard(self))
        })
    }
}

/// One run by itself: what names it, and what it came to.
#[derive(Clone, Debug, PartialEq)]
pub struct SingleRun {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's hash.
    pub scenario_hash: String,
    /// The origin of all chance.
    pub seed: u64,
    /// The program's commit.
    pub commit: String,
    /// What was measured.
    pub outcome: Outcome,
}

/// Everything measured of an experiment, or of a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// What was run.
    pub manifest: Manifest,
    /// By the run's number.
    pub outcomes: BTreeMap<usize, Outcome>,
}

impl Results {
    /// Reads a folder.
    ///
    /// # Errors
    ///
    /// It holds no results, or damaged ones, or those of another version of the program.
    pub fn read(path: &Path) -> Result<Self, ResultsError> {
        folder::read(path)
    }

    /// Several results of equal points, beside one another: the new axis `results`, the first, says
    /// whose a point is.
    ///
    /// # Errors
    ///
    /// They are not of equal points and seeds.
    ///
    /// Panics if there is none.
    pub fn beside(all: Vec<(String, Self)>) -> Result<Self, ResultsError> {
        let levels =
            |it: &Self| it.manifest.points.iter().map(|point| point.levels.clone()).collect();
        let of = |it: &Self| (it.manifest.axes.clone(), it.manifest.seeds.clone(), levels(it));
        let (_, first) = all.first().expect("some results");
        let like: (Vec<Axis>, Vec<u64>, Vec<Vec<String>>) = of(first);
        if let Some((name, _)) = all.iter().find(|(_, it)| of(it) != like) {
            let what = format!("`{name}` has other points or seeds than `{}`", all[0].0);
            return Err(ResultsError::new(what, "compare sweeps with equal axes and seeds"));
        }
        let runs = first.manifest.points.len() * first.manifest.seeds.len();
        let mut manifest = Manifest { points: Vec::new(), shard: None, ..first.manifest.clone() };
        let names = all.iter().map(|(name, _)| name.clone()).collect();
        manifest.axes.insert(0, Axis { name: "results".to_owned(), given: false, levels: names });
        let mut outcomes = BTreeMap::new();
        for (index, (name, results)) in all.into_iter().enumerate() {
            manifest.points.extend(results.manifest.points.into_iter().map(|mut point| {
                point.levels.insert(0, name.clone());
                point
            }));
            let moved = results.outcomes.into_iter().map(|(run, it)| (index * runs + run, it));
            outcomes.extend(moved);
        }
        Ok(Self { manifest, outcomes })
    }

    /// Single runs as those of an experiment with one axis, `run`: runs of one scenario by one
    /// commit are a point, told apart by as much of their name as it takes.
    ///
    /// # Errors
    ///
    /// A run is there twice.
    pub fn of_runs(runs: Vec<SingleRun>) -> Result<Self, ResultsError> {
        type Key<'a> = (&'a str, &'a str, &'a str);
        fn key(run: &SingleRun) -> Key<'_> {
            (&run.scenario, &run.scenario_hash, &run.commit)
        }
        let mut keys: Vec<Key<'_>> = Vec::new();
        runs.iter().map(key).for_each(|key| {
            if !keys.contains(&key) {
                keys.push(key);
            }
        });
        let seeds: BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
        let seeds: Vec<u64> = seeds.into_iter().collect();
        let name = |(scenario, hash, commit): &Key<'_>| {
            let alike: Vec<_> = keys.iter().filter(|key| key.0 == *scenario).collect();
            let mut name = (*scenario).to_owned();
            if alike.iter().any(|key| key.1 != *hash) {
                name += &format!(" {hash}");
            }
            if alike.iter().any(|key| key.2 != *commit) {
                name += &format!(" {commit}");
            }
            name
        };
        let names: Vec<String> = keys.iter().map(name).collect();
        let point = |(name, key): (&String, &Key<'_>)| ManifestPoint {
            levels: vec![name.clone()],
            scenario_hash: key.1.to_owned(),
        };
        let manifest = Manifest {
            format: RESULTS_FORMAT,
            outcome: OUTCOME_VERSION,
            experiment: "runs".to_owned(),
            hash: String::new(),
            commit: keys.first().map_or_else(String::new, |key| key.2.to_owned()),
            points: names.iter().zip(&keys).map(point).collect(),
            axes: vec![Axis { name: "run".to_owned(), given: false, levels: names.clone() }],
            seeds: seeds.clone(),
            shard: None,
        };
        let mut outcomes = BTreeMap::new();
        for run in &runs {
            let point = keys.iter().position(|it| *it == key(run)).expect("it is one of them");
            let seed = seeds.partition_point(|seed| *seed < run.seed);
            if outcomes.insert(point * seeds.len() + seed, run.outcome.clone()).is_some() {
                let what = format!("{} is there twice with seed {}", names[point], run.seed);
                return Err(ResultsError::new(what, "name each run once"));
            }
        }
        Ok(Self { manifest, outcomes })
    }

    /// How many runs are not there.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.manifest.runs().filter(|run| !self.outcomes.contains_key(run)).count()
    }

    /// Joins all parts of an experiment.
    ///
    /// # Errors
    ///
    /// A part is missing, not finished, or of something else.
    ///
    /// Panics if there is none.
    pub fn merge(parts: &[PathBuf]) -> Result<Self, ResultsError> {
        let mut whole: Option<Self> = None;
        let mut seen = Vec::new();
        for path in parts {
            let part = Self::read(path)?;
            let (name, missing) = (path.display(), part.missing());
            if missing > 0 {
                let what =
                    format!("`{name}` lacks {missing} of {} runs", part.manifest.runs().count());
                return Err(ResultsError::new(
                    what,
                    "run its sweep again: it goes on where it stopped",
                ));
            }
            let shard = part.manifest.shard;
            seen.extend(shard);
            let manifest = Manifest { shard: None, ..part.manifest };
            let whole = whole.get_or_insert_with(|| Self {
                manifest: manifest.clone(),
                outcomes: BTreeMap::new(),
            });
            if let Some(differs) = whole.manifest.differs(&manifest) {
                let what = format!("`{name}` holds results {differs}");
                return Err(ResultsError::new(what, "join parts of one sweep"));
            }
            for (run, outcome) in part.outcomes {
                if whole.outcomes.get(&run).is_some_and(|known| *known != outcome) {
                    let what =
                        format!("`{name}` has another outcome of run {run} than a part before it");
                    let hint = "equal runs give equal outcomes: which of the two was changed?";
                    return Err(ResultsError::new(what, hint));
                }
                whole.outcomes.insert(run, outcome);
            }
        }
        let whole = whole.expect("at least one part");
        if whole.missing() > 0 {
            let lacks = seen.first().into_iter().flat_map(|shard| shard.all());
            let lacks: Vec<String> = lacks
                .filter(|shard| !seen.contains(shard))
                .map(|shard| shard.to_string())
                .collect();
            let what = format!("{} runs are missing", whole.missing());
            let hint = format!("name all parts; not there: {}", lacks.join(", "));
            return Err(ResultsError::new(what, hint));
        }
        Ok(whole)
    }
}

/// Why a folder of results is of no use here. Nothing in it was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultsError {
    what: String,
    hint: String,
}

impl ResultsError {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    fn io(path: &Path, error: &io::Error) -> Self {
        let what = format!("`{}` cannot be used: {error}", path.display());
        Self::new(what, "check that you may read and write there, and that space is left")
    }
}

impl fmt::Display for ResultsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\nhint: {}", self.what, self.hint)
    }
}

impl std::error::Error for ResultsError {}
