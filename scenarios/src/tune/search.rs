//! The search itself, in plain numbers: which settings are tried with how many seeds, which are
//! given up, and which is chosen.
//!
//! Successive halving over paired seeds: many settings are tried with a few seeds, the better ones
//! with more, the rest with all. What **measurably** breaks a limit is given up, and what is
//! measurably dearer than a setting that surely keeps all limits or uses no more of any; what is
//! merely in the way of the budget is counted apart. First come points that are spread evenly over the grid, then neighbours of the best, at a
//! distance of a quarter of each axis, then an eighth, and so on.
//!
//! Nothing here is drawn by chance: equal samples lead to equal searches. Not here: what a setting
//! is, and how a sample is taken (see [`tune`](super)).

use std::collections::{BTreeMap, BTreeSet};

use super::halton::Spread;
use crate::paired::{Interval, difference};

/// Something that can be set to one of several levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim {
    /// How many there are, at least one.
    pub levels: usize,
    /// Whether levels beside one another are alike.
    pub ordered: bool,
}

/// What can be tried.
pub struct Space<'a> {
    /// What is set.
    pub dims: &'a [Dim],
    /// Whether a combination of levels makes sense.
    pub allows: &'a dyn Fn(&[usize]) -> bool,
}

/// What a setting came to with one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What is to be small; below infinity.
    pub cost: f64,
    /// What is to be at most 1 in the mean, each; below infinity.
    pub strains: Vec<f64>,
}

/// A sample to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Its number.
    pub candidate: usize,
    /// What it is set to.
    pub levels: Vec<usize>,
    /// With which seed, by number.
    pub seed: usize,
}

/// Settings that were tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What they are; nothing of the reference.
    pub levels: Option<Vec<usize>>,
    /// What they came to, by seed from the first on.
    pub samples: Vec<Sample>,
    /// What became of them.
    pub fate: Fate,
}

/// What becomes of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They stay in the race.
    Racing,
    /// They are measurably dearer than others, and no better for it.
    Dearer,
    /// They measurably break a limit.
    BeyondLimit,
    /// There were no runs left for them.
    Unfunded,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// All that was tried; the reference is the first.
    pub candidates: Vec<Candidate>,
    /// The cheapest that keeps the limits, if one does.
    pub chosen: Option<Chosen>,
    /// The one that comes nearest to keeping them.
    pub nearest: usize,
    /// How many samples it took, without the reference's.
    pub spent: usize,
    /// That the choice is made.
    pub choice: Choice,
}

impl Found {
    /// What was chosen, or what comes nearest to keeping the limits.
    #[must_use]
    pub fn pick(&self) -> usize {
        self.chosen.map_or(self.nearest, |chosen| chosen.candidate)
    }

    /// The cost and the largest strain of settings, as they would be with all seeds.
    #[must_use]
    pub fn standing(&self, candidate: usize) -> (f64, f64) {
        standing(&self.candidates, candidate)
    }
}

/// The settings that were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Their number.
    pub candidate: usize,
    /// Whether they keep the limits for sure, rather than on average.
    pub surely: bool,
}

/// The proof that a search has ended: nothing that is held out can be run without it, and nobody
/// else can make one.
///
/// ```compile_fail
/// let choice = provisioner_scenarios::tune::search::Choice(());
/// ```
#[derive(Debug)]
pub struct Choice(());

/// With how many seeds settings are tried at first, if there are so many.
const SEEDS_FIRST: usize = 3;

/// Searches with `budget` samples at most; `run` takes them.
///
/// # Errors
///
/// Whatever `run` says.
pub fn search<E>(
    space: &Space<'_>,
    reference: Vec<Sample>,
    budget: usize,
    run: impl FnMut(&[Trial]) -> Result<Vec<Sample>, E>,
) -> Result<Found, E> {
    let seeds = reference.len();
    let reference = Candidate { levels: None, samples: reference, fate: Fate::Racing };
    let known = BTreeMap::new();
    let mut race = Race { space, run, candidates: vec![reference], known, left: budget };
    let rungs = rungs(seeds);
    for (index, seeds) in rungs.iter().enumerate() {
        race.climb(*seeds, race.left / (rungs.len() - index), index == 0)?;
    }
    let Race { candidates, left, .. } = race;
    let nearest = (0..candidates.len()).min_by(|a, b| ranked(&candidates, *a, *b));
    Ok(Found {
        chosen: choose(&candidates, seeds),
        nearest: nearest.expect("there is the reference"),
        spent: budget - left,
        candidates,
        choice: Choice(()),
    })
}

/// Numbers of seeds, each about twice the one before.
fn rungs(seeds: usize) -> Vec<usize> {
    let doubled = std::iter::successors(Some(SEEDS_FIRST), |it| Some(it * 2));
    let mut rungs: Vec<usize> = doubled.take_while(|it| *it < seeds).collect();
    rungs.push(seeds);
    rungs
}

struct Race<'a, F> {
    space: &'a Space<'a>,
    run: F,
    candidates: Vec<Candidate>,
    /// By their levels.
    known: BTreeMap<Vec<usize>, usize>,
    /// How many samples may still be taken.
    left: usize,
}

impl<E, F: FnMut(&[Trial]) -> Result<Vec<Sample>, E>> Race<'_, F> {
    /// Tries what is in the race, or at `first` what is spread over the grid, with so many seeds,
    /// then neighbours of the best, all with a share of the budget.
    fn climb(&mut self, seeds: usize, share: usize, first: bool) -> Result<(), E> {
        let rest = self.left - share;
        if first {
            let all = self.space.dims.iter().fold(1_usize, |all, it| all.saturating_mul(it.levels));
            let most = share / seeds;
            // Two thirds look everywhere, one third looks closer.
            let most = if all <= most { all } else { (most * 2 / 3).max(1).min(most) };
            let spread = Spread::new(self.space.dims).filter(|levels| (self.space.allows)(levels));
            let spread = spread.take(most).collect();
            self.enter(spread, seeds)?;
        } else {
            self.promote(seeds, share * 3 / 4)?;
        }
        self.give_up(seeds);
        let mut closeness = if first { 0 } else { CLOSEST };
        while self.left - rest >= seeds {
            let mut neighbours = self.neighbours(seeds, closeness);
            neighbours.truncate((self.left - rest) / seeds);
            match (neighbours.is_empty(), closeness) {
                (true, DIAGONAL) => break,
                (true, _) => closeness += 1,
                (false, _) => {
                    self.enter(neighbours, seeds)?;
                    self.give_up(seeds);
                }
            }
        }
        Ok(())
    }

    /// New settings join the race.
    fn enter(&mut self, all: Vec<Vec<usize>>, seeds: usize) -> Result<(), E> {
        let first = self.candidates.len();
        for levels in all {
            self.known.insert(levels.clone(), self.candidates.len());
            let (levels, samples, fate) = (Some(levels), Vec::new(), Fate::Racing);
            self.candidates.push(Candidate { levels, samples, fate });
        }
        self.sample(&(first..self.candidates.len()).collect::<Vec<_>>(), seeds)
    }

    /// What is in the race goes on with more seeds, the best first, as far as the samples reach.
    fn promote(&mut self, seeds: usize, mut most: usize) -> Result<(), E> {
        let mut promoted = Vec::new();
        for index in self.racing() {
            let more = seeds - self.candidates[index].samples.len();
            if more <= most {
                most -= more;
                promoted.push(index);
            } else {
                self.candidates[index].fate = Fate::Unfunded;
                most = 0;
            }
        }
        self.sample(&promoted, seeds)
    }

    fn sample(&mut self, all: &[usize], seeds: usize) -> Result<(), E> {
        let trials = |candidate: &usize| {
            let (candidate, of) = (*candidate, &self.candidates[*candidate]);
            let levels = of.levels.clone().unwrap_or_default();
            let seeds = of.samples.len()..seeds;
            seeds.map(move |seed| Trial { candidate, levels: levels.clone(), seed })
        };
        let trials: Vec<Trial> = all.iter().flat_map(trials).collect();
        let samples = (self.run)(&trials)?;
        assert_eq!(samples.len(), trials.len(), "a sample for each trial");
        self.left -= trials.len();
        for (trial, sample) in trials.iter().zip(samples) {
            self.candidates[trial.candidate].samples.push(sample);
        }
        Ok(())
    }

    /// Settings in the race but the reference, the best first.
    fn racing(&self) -> Vec<usize> {
        let racing = |index: &usize| self.candidates[*index].fate == Fate::Racing;
        let mut racing: Vec<usize> = (1..self.candidates.len()).filter(racing).collect();
        racing.sort_by(|a, b| ranked(&self.candidates, *a, *b));
        racing
    }

    /// Who surely breaks a limit is out, and who is measurably dearer than one that surely keeps
    /// them all, or that uses no more of any.
    fn give_up(&mut self, seeds: usize) {
        let rivals: Vec<Rival> = self
            .candidates
            .iter()
            .filter(|candidate| candidate.samples.len() >= seeds)
            .filter(|candidate| candidate.keeps(|strain| strain.low() <= 1.0))
            .map(Rival::new)
            .collect();
        for candidate in self.candidates.iter_mut().skip(1) {
            if candidate.fate != Fate::Racing {
                continue;
            }
            let it = Rival::new(candidate);
            if !candidate.keeps(|strain| strain.low() <= 1.0) {
                candidate.fate = Fate::BeyondLimit;
            } else if rivals.iter().any(|rival| rival.beats(&it)) {
                candidate.fate = Fate::Dearer;
            }
        }
    }

    /// What is beside the best and was not tried, that of the very best first.
    fn neighbours(&self, seeds: usize, closeness: u32) -> Vec<Vec<usize>> {
        let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
        for (place, leader) in self.leaders(seeds).into_iter().enumerate() {
            let Some(levels) = &self.candidates[leader].levels else { continue };
            let dims = self.space.dims;
            let mut moves = beside(dims, levels, closeness);
            if place == 0 && closeness == DIAGONAL {
                let each = moves.clone();
                moves.extend(each.iter().flat_map(|levels| beside(dims, levels, closeness)));
            }
            for levels in moves {
                let is_new = !self.known.contains_key(&levels) && (self.space.allows)(&levels);
                if is_new && seen.insert(levels.clone()) {
                    all.push(levels);
                }
            }
        }
        all
    }

    /// The two best, and the cheapest that is beyond a limit by little: the way along a limit leads
    /// over both of its sides.
    fn leaders(&self, seeds: usize) -> Vec<usize> {
        let mut leaders = self.racing();
        leaders.retain(|index| self.candidates[*index].samples.len() >= seeds);
        leaders.truncate(2);
        let best =
            leaders.first().map_or(f64::INFINITY, |best| standing(&self.candidates, *best).0);
        let beyond = (1..self.candidates.len())
            .map(|index| (standing(&self.candidates, index), index))
            .filter(|((cost, strain), _)| (1.0..LITTLE).contains(strain) && *cost < best)
            .filter(|(_, index)| !leaders.contains(index))
            .min_by(|((a, _), _), ((b, _), _)| a.total_cmp(b));
        let beyond = beyond.map(|(_, index)| index);
        leaders.extend(beyond);
        leaders
    }
}

/// What settings came to, for comparisons.
struct Rival {
    costs: Vec<f64>,
    /// Each strain's mean.
    strains: Vec<f64>,
    /// Whether it surely keeps the limits.
    safe: bool,
}

impl Rival {
    fn new(candidate: &Candidate) -> Self {
        Self {
            costs: candidate.costs(),
            strains: candidate.strains().map(|strain| strain.middle).collect(),
            safe: candidate.keeps(|strain| strain.high() <= 1.0),
        }
    }

    /// Whether the other is measurably dearer, and no better for it.
    fn beats(&self, other: &Self) -> bool {
        let uses_no_more = || self.strains.iter().zip(&other.strains).all(|(a, b)| a <= b);
        let dearer = || difference(&self.costs, &other.costs).low() > 0.0;
        (self.safe || uses_no_more()) && dearer()
    }
}

/// Up to which strain a limit is broken by little.
const LITTLE: f64 = 1.5;

/// From here on, neighbours are a level apart on any axis of a thousand levels.
const CLOSEST: u32 = 8;

/// After that two steps are taken at once: along a limit, one alone leads beyond it or is dearer.
const DIAGONAL: u32 = CLOSEST + 1;

/// What differs from these levels on one axis.
fn beside(dims: &[Dim], levels: &[usize], closeness: u32) -> Vec<Vec<usize>> {
    let on_axis = |(axis, dim): (usize, &Dim)| {
        dim.beside(levels[axis], closeness).into_iter().map(move |level| {
            let mut beside = levels.to_vec();
            beside[axis] = level;
            beside
        })
    };
    dims.iter().enumerate().flat_map(on_axis).collect()
}

impl Dim {
    /// The levels beside one: a quarter of all away, and half as far for each step closer.
    fn beside(self, level: usize, closeness: u32) -> Vec<usize> {
        if !self.ordered {
            return (0..self.levels).filter(|other| *other != level).collect();
        }
        let far = (self.levels >> (2 + closeness)).max(1);
        let (down, up) = (level.saturating_sub(far), (level + far).min(self.levels - 1));
        [down, up].into_iter().filter(|other| *other != level).collect()
    }
}

impl Candidate {
    /// The mean of its costs.
    fn cost(&self) -> f64 {
        Interval::of_mean(&self.costs()).middle
    }

    fn costs(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.cost).collect()
    }

    /// Each strain's mean.
    fn strains(&self) -> impl Iterator<Item = Interval> {
        let count = self.samples.first().map_or(0, |sample| sample.strains.len());
        let of = |index: usize| -> Vec<f64> {
            self.samples.iter().map(|sample| sample.strains[index]).collect()
        };
        (0..count).map(move |index| Interval::of_mean(&of(index)))
    }

    fn keeps(&self, holds: impl FnMut(Interval) -> bool) -> bool {
        self.strains().all(holds)
    }
}

/// The cost and the largest strain that settings would come to with all seeds. Some had the first
/// seeds only; what these made of the reference says how they differ from all.
fn standing(candidates: &[Candidate], index: usize) -> (f64, f64) {
    let (it, reference) = (&candidates[index], &candidates[0]);
    let luck = |number: &dyn Fn(&Sample) -> f64| {
        let all: Vec<f64> = reference.samples.iter().map(number).collect();
        let first = &all[..it.samples.len().min(all.len())];
        Interval::of_mean(first).middle - Interval::of_mean(&all).middle
    };
    let strains = it.strains().enumerate();
    let strains = strains.map(|(at, strain)| strain.middle - luck(&|sample| sample.strains[at]));
    (it.cost() - luck(&|sample| sample.cost), strains.fold(0.0, f64::max))
}

/// Those that keep the limits by their cost, then the others by how far they break them.
fn ranked(candidates: &[Candidate], a: usize, b: usize) -> std::cmp::Ordering {
    let rank = |index: usize| {
        let (cost, strain) = standing(candidates, index);
        ((strain - 1.0).max(0.0), cost)
    };
    let ((a_beyond, a_cost), (b_beyond, b_cost)) = (rank(a), rank(b));
    a_beyond.total_cmp(&b_beyond).then(a_cost.total_cmp(&b_cost)).then(a.cmp(&b))
}

/// The cheapest, tried with all seeds, that surely keeps the limits, or else does so on average.
fn choose(candidates: &[Candidate], seeds: usize) -> Option<Chosen> {
    let cheapest = |keeps: fn(Interval) -> bool| {
        (0..candidates.len())
            .filter(|index| candidates[*index].samples.len() == seeds)
            .filter(|index| candidates[*index].keeps(keeps))
            .min_by(|a, b| ranked(candidates, *a, *b))
    };
    let chosen = |surely| move |candidate| Chosen { candidate, surely };
    let surely = cheapest(|strain| strain.high() <= 1.0).map(chosen(true));
    surely.or_else(|| cheapest(|strain| strain.middle <= 1.0).map(chosen(false)))
}
