//! After the choice: what was chosen is judged by what was held out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use provisioner_sim::outcome::{OUTCOME_VERSION, Outcome};
use xxhash_rust::xxh3::xxh3_64;

use super::search::Found;
use super::{Bench, Job, Problem, Reading, Setting, mean};
use crate::experiment::Axis;
use crate::results::{Manifest, ManifestPoint, RESULTS_FORMAT, Results};
use crate::scenario::Scenario;

/// A choice that was made.
#[derive(Debug)]
pub struct Tuned {
    pub(super) problem: Problem,
    pub(super) settings: Vec<Setting>,
    pub(super) part: Part,
    /// What was tried, and what was chosen.
    pub found: Found,
}

/// A choice, and what it is worth.
#[derive(Debug)]
pub struct Judged {
    /// What was asked for.
    pub problem: Problem,
    /// What was tried, by number; the reference is the first.
    pub settings: Vec<Setting>,
    /// What became of that, and what was chosen.
    pub found: Found,
    /// Settings that are not beaten in both cost and strain where they were tuned, by cost.
    pub front: Vec<usize>,
    /// What they came to where they were tuned …
    pub tuned: Part,
    /// … and what the choice, the reference and the front came to where nobody had looked.
    pub held_out: Part,
}

/// Runs of settings in one part of the time.
#[derive(Debug)]
pub struct Part {
    /// With which seeds; settings that were given up have the first of them only.
    pub seeds: Vec<u64>,
    /// By setting, cell and the number of the seed.
    runs: BTreeMap<(usize, usize, usize), (Reading, Outcome)>,
}

/// Most settings of the front that are judged.
const FRONT_MOST: usize = 8;

impl Tuned {
    /// What is judged: the choice or what comes nearest, the reference, and the front.
    #[must_use]
    pub fn judged(&self) -> BTreeSet<usize> {
        self.front().into_iter().chain([0, self.found.pick()]).collect()
    }

    /// How many runs that takes.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.judged().len() * self.problem.cells.len() * self.problem.held_out_seeds.len()
    }

    /// Runs what was chosen where nobody has looked.
    #[must_use]
    pub fn judge(self, bench: &mut Bench<'_>) -> Judged {
        let (front, judged) = (self.front(), self.judged());
        let Self { problem, settings, part, found } = self;
        let mut held_out = Part::new(problem.held_out_seeds.clone());
        let seeds = 0..held_out.seeds.len();
        let runs = judged.iter().flat_map(|setting| seeds.clone().map(|seed| (*setting, seed)));
        let runs: Vec<_> = runs.collect();
        held_out.run(bench, &runs, problem.cells.len(), |setting, cell| {
            settings[setting].held_out(cell, &found.choice)
        });
        Judged { problem, settings, found, front, tuned: part, held_out }
    }

    /// What nothing else beats in both cost and strain, by cost; some of it, if that is much.
    fn front(&self) -> Vec<usize> {
        let standing = |index| {
            let (cost, strain) = self.found.standing(index);
            (cost, strain, index)
        };
        let mut by_cost: Vec<(f64, f64, usize)> = (0..self.settings.len()).map(standing).collect();
        by_cost.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut least = f64::INFINITY;
        by_cost.retain(|(_, strain, _)| {
            let better = *strain < least;
            least = least.min(*strain);
            better
        });
        let last = by_cost.len() - 1;
        let kept = (0..FRONT_MOST).map(|place| last * place / (FRONT_MOST - 1));
        kept.collect::<BTreeSet<_>>().into_iter().map(|place| by_cost[place].2).collect()
    }
}

impl Part {
    pub(super) fn new(seeds: Vec<u64>) -> Self {
        Self { seeds, runs: BTreeMap::new() }
    }

    /// Runs settings with seeds, each in all cells.
    pub(super) fn run<'s>(
        &mut self,
        bench: &mut Bench<'_>,
        runs: &[(usize, usize)],
        cells: usize,
        scenario: impl Fn(usize, usize) -> &'s Scenario,
    ) {
        let each = |(setting, seed): &(usize, usize)| {
            let (setting, seed) = (*setting, *seed);
            (0..cells).map(move |cell| (setting, cell, seed))
        };
        let keys: Vec<_> = runs.iter().flat_map(each).collect();
        let job = |(setting, cell, seed): &(usize, usize, usize)| {
            Job::new(scenario(*setting, *cell), self.seeds[*seed])
        };
        let outcomes = (bench.run)(&keys.iter().map(job).collect::<Vec<_>>());
        assert_eq!(outcomes.len(), keys.len(), "an outcome for each run");
        let read = outcomes.into_iter().map(|outcome| ((bench.read)(&outcome), outcome));
        self.runs.extend(keys.into_iter().zip(read));
    }

    /// How many runs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// What a setting came to in a cell with a seed, by number.
    ///
    /// Panics if that was not run.
    #[must_use]
    pub fn reading(&self, setting: usize, cell: usize, seed: usize) -> &Reading {
        &self.runs[&(setting, cell, seed)].0
    }

    /// What a setting came to in a cell, by seed.
    pub fn readings(&self, setting: usize, cell: usize) -> impl Iterator<Item = &Reading> {
        let all: RangeInclusive<_> = (setting, cell, 0)..=(setting, cell, usize::MAX);
        self.runs.range(all).map(|(_, (reading, _))| reading)
    }

    /// What it cost, by seed.
    #[must_use]
    pub fn costs(&self, setting: usize, cell: usize) -> Vec<f64> {
        self.readings(setting, cell).map(|reading| reading.cost).collect()
    }

    /// What a limit is about, by seed.
    #[must_use]
    pub fn values(&self, setting: usize, cell: usize, limit: usize) -> Vec<f64> {
        self.readings(setting, cell).map(|reading| reading.values[limit]).collect()
    }

    /// What it cost as a share of what the reference did on average, the mean over all cells, by
    /// seed.
    #[must_use]
    pub fn shares(&self, setting: usize, cells: usize) -> Vec<f64> {
        let base = |cell| mean(&self.costs(0, cell));
        let bases: Vec<f64> = (0..cells).map(base).collect();
        let seeds = self.readings(setting, 0).count();
        let share = |seed| {
            let cells = bases.iter().enumerate();
            let shares: Vec<f64> =
                cells.map(|(cell, base)| self.reading(setting, cell, seed).cost / base).collect();
            mean(&shares)
        };
        (0..seeds).map(share).collect()
    }
}

impl Judged {
    /// All runs, as those of a sweep with one more axis: `part`.
    #[must_use]
    pub fn results(&self, commit: &str) -> Results {
        let problem = &self.problem;
        let seeds: Vec<u64> = [&self.tuned.seeds[..], &self.held_out.seeds].concat();
        let (mut points, mut outcomes) = (Vec::new(), BTreeMap::new());
        let parts =
            [("tuned", &self.tuned, 0), ("held out", &self.held_out, self.tuned.seeds.len())];
        for (part, Part { runs, .. }, first) in parts {
            let keys: BTreeSet<_> =
                runs.keys().map(|(setting, cell, _)| (*setting, *cell)).collect();
            for (setting, cell) in keys {
                let it = &self.settings[setting];
                let names = problem.names(it.levels.as_deref());
                let scenario = match first {
                    0 => it.tuning(cell),
                    _ => it.held_out(cell, &self.found.choice),
                };
                let levels = [vec![part.to_owned()], names, problem.cell_names(cell)].concat();
                let all = (setting, cell, 0)..=(setting, cell, usize::MAX);
                let runs = runs.range(all).map(|((_, _, seed), (_, outcome))| {
                    (points.len() * seeds.len() + first + seed, outcome.clone())
                });
                outcomes.extend(runs);
                points.push(ManifestPoint { levels, scenario_hash: scenario.hash().to_owned() });
            }
        }
        let part = ["tuned", "held out"].map(str::to_owned).to_vec();
        let part = Axis { name: PART.to_owned(), given: true, levels: part };
        let axes = [vec![part], problem.axes.clone(), problem.given.clone()].concat();
        let hashes: Vec<&str> = points.iter().map(|point| point.scenario_hash.as_str()).collect();
        let hash = format!("{:016x}", xxh3_64(format!("{axes:?} {seeds:?} {hashes:?}").as_bytes()));
        let manifest = Manifest {
            format: RESULTS_FORMAT,
            outcome: OUTCOME_VERSION,
            experiment: problem.name.clone(),
            hash,
            commit: commit.to_owned(),
            axes,
            seeds,
            points,
            shard: None,
        };
        Results { manifest, outcomes }
    }
}

/// The column that says whether a run was tuned on.
pub const PART: &str = "part";
