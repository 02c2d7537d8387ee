//! Tuning: which settings are cheapest while nobody waits too long?
//!
//! An experiment's `[tune]` says what may not be exceeded. Axes that are ours are searched; those
//! that are given are not: a setting's cost is the mean over all combinations of their levels, each
//! as a share of what the **reference**, the base as it is, costs there, so that each counts alike;
//! and limits hold in each.
//!
//! Settings are chosen by the first part of the time and some seeds ([`Problem::tune`]), then judged
//! by the rest of the time and other seeds ([`Tuned::judge`]). That nothing held out is looked at
//! before is a matter of types: what is held out can be had for a [`Choice`](search::Choice) only,
//! and only a search that has ended gives one.
//!
//! ```toml
//! [tune]
//! limits = { "wait_s.p95" = "15 min" }
//! ```
//!
//! Units: a cost is in dollars here, and a multiple of the reference's in [`search`](mod@search); a
//! measure is in its own unit here, and a multiple of its limit there (a strain). Not here: what a
//! measure is (`reports`), when and on how many threads runs are done (`cli`).

mod halton;
mod judged;
pub mod search;
mod setting;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use provisioner_sim::outcome::Outcome;

pub use self::judged::{Judged, PART, Part, Tuned};
use self::search::{Dim, Sample, Space, Trial, search};
use self::setting::Cut;
pub use self::setting::{Job, Setting};
use crate::experiment::{Axis, Plan, TuneDoc, Where};
use crate::file::quantity::{self, Amount};
use crate::file::{Issue, Issues, Place, Source};
use crate::paired::Interval;
use crate::scenario::{Bound, Check, Relation, Scenario, Window};

/// What is to be found.
#[derive(Debug)]
pub struct Problem {
    /// The file's name without extension.
    pub name: String,
    /// What is ours to choose.
    pub axes: Vec<Axis>,
    /// What is not.
    pub given: Vec<Axis>,
    /// The combinations of levels of what is not ours; at least one.
    pub cells: Vec<Vec<usize>>,
    /// What must hold, each with one bound.
    pub limits: Vec<Check>,
    /// Seeds that are tuned on.
    pub seeds: Vec<u64>,
    /// Seeds that are held out.
    pub held_out_seeds: Vec<u64>,
    /// By cell: the time that is tuned on, and the time that is held out.
    pub windows: Vec<[Window; 2]>,
    /// Most runs of the search.
    pub runs: usize,
    /// Remarks about inputs, each a line.
    pub remarks: Vec<String>,
    /// The base as it is.
    pub reference: Setting,
    choices: Choices,
    /// By cell: all of its time.
    times: Vec<Window>,
    plan: Plan,
}

/// Which combinations of levels make sense.
#[derive(Clone, Debug)]
struct Choices {
    axes: Vec<Axis>,
    cells: Vec<Vec<usize>>,
    drops: Vec<Where>,
}

impl Choices {
    /// Whether these are left out nowhere.
    fn allow(&self, levels: &[usize]) -> bool {
        self.cells.iter().all(|cell| {
            let all = joined(&self.axes, Some(levels), cell).into_iter().flatten();
            let all: Vec<usize> = all.collect();
            !self.drops.iter().any(|drop| drop.takes(&all))
        })
    }
}

/// What a run came to by what is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Dollars.
    pub cost: f64,
    /// Of each limit, what it is about; infinite if there is nothing to measure.
    pub values: Vec<f64>,
}

/// How runs are done and read.
pub struct Bench<'a> {
    /// Does all of these, in any order; tells them in theirs.
    pub run: &'a mut dyn FnMut(&[Job]) -> Vec<Outcome>,
    /// Reads one.
    pub read: &'a dyn Fn(&Outcome) -> Reading,
    /// How much each limit allows.
    pub limits: &'a [f64],
}

impl Problem {
    /// Reads an experiment file with `[tune]`, and everything that its reference names.
    ///
    /// # Errors
    ///
    /// All problems of the file; if it is right in itself, all that its reference has.
    pub fn load(path: &Path) -> Result<Self, Issues> {
        Self::read(&Source::read(path)?)
    }

    /// The same of a file's text that is at hand; paths in it are relative to the folder of `path`.
    ///
    /// # Errors
    ///
    /// As for [`Problem::load`].
    pub fn load_text(path: &Path, text: &str) -> Result<Self, Issues> {
        Self::read(&Source::new(path, text))
    }

    fn read(source: &Arc<Source>) -> Result<Self, Issues> {
        let mut plan = Plan::read(source)?;
        let Some(doc) = plan.tune.clone() else {
            let issue = Issue::new("the experiment does not say what to tune for", plan.place());
            let hint = "add for example [tune] with limits = { \"wait_s.p95\" = \"15 min\" }";
            return Err(issue.hint(hint).into());
        };
        let issues = misfits(&plan, &doc);
        if !issues.is_empty() {
            return Err(issues.into());
        }
        let axes = |given: bool| plan.axes.iter().filter(move |it| it.given == given).cloned();
        let (axes, given): (Vec<Axis>, Vec<Axis>) = (axes(false).collect(), axes(true).collect());
        let cells = combinations(&given);
        let bare: Vec<_> = cells.iter().map(|cell| joined(&plan.axes, None, cell)).collect();
        let (scenarios, remarks) = plan.make(&bare)?;
        let cut = Cut::new(&doc);
        let windows = scenarios.iter().map(|scenario| {
            let wrong = |(what, hint)| Issue::new(what, doc.place.clone()).hint(hint);
            cut.windows(scenario.window()).map_err(wrong)
        });
        let windows = windows.collect::<Result<Vec<_>, Issue>>()?;
        let last = *plan.seeds.end();
        let drops = plan.drops().to_vec();
        let choices = Choices { axes: plan.axes.clone(), cells: cells.clone(), drops };
        for levels in samples(&axes).filter(|levels| choices.allow(levels)) {
            plan.make(&[joined(&plan.axes, Some(&levels), &cells[0])])?;
        }
        Ok(Self {
            name: plan.name.clone(),
            choices,
            axes,
            given,
            cells,
            limits: limits(&doc),
            seeds: plan.seeds.clone().collect(),
            held_out_seeds: (last + 1..=last + doc.held_out_seeds).collect(),
            times: scenarios.iter().map(Scenario::window).collect(),
            reference: Setting::new(None, scenarios, &windows),
            windows,
            runs: doc.runs,
            remarks,
            plan,
        })
    }

    /// All axes, and where each stands.
    pub fn places(&self) -> impl Iterator<Item = (&Axis, &Place)> {
        self.plan.axes.iter().zip(&self.plan.places)
    }

    /// How many settings there are, and with them how many runs a sweep of all would take.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let count = |axes: &[Axis]| {
            axes.iter().fold(1_usize, |count, axis| count.saturating_mul(axis.levels.len()))
        };
        let settings = count(&self.axes);
        (settings, settings.saturating_mul(self.cells.len()).saturating_mul(self.seeds.len()))
    }

    /// What each axis is set to, in words.
    #[must_use]
    pub fn names(&self, levels: Option<&[usize]>) -> Vec<String> {
        let level = |(index, axis): (usize, &Axis)| match levels {
            Some(levels) => axis.levels[levels[index]].clone(),
            None => "base".to_owned(),
        };
        self.axes.iter().enumerate().map(level).collect()
    }

    /// The levels of a cell, in words.
    #[must_use]
    pub fn cell_names(&self, cell: usize) -> Vec<String> {
        let levels = self.given.iter().zip(&self.cells[cell]);
        levels.map(|(axis, level)| axis.levels[*level].clone()).collect()
    }

    /// Settings as a scenario file in that folder.
    ///
    /// Panics if there is no such level.
    #[must_use]
    pub fn text(&self, levels: Option<&[usize]>, folder: &Path) -> String {
        let levels = joined(&self.plan.axes, levels, &[]);
        self.plan.text(&levels, folder).expect("it was read before")
    }

    /// What is searched on each axis.
    #[must_use]
    pub fn dims(&self) -> Vec<Dim> {
        let dim =
            |axis: &Axis| Dim { levels: axis.levels.len(), ordered: is_ordered(&axis.levels) };
        self.axes.iter().map(dim).collect()
    }

    /// Searches, on the seeds and the time that are for it.
    ///
    /// # Errors
    ///
    /// There are too few runs, the reference costs nothing, or a setting makes no scenario.
    pub fn tune(mut self, bench: &mut Bench<'_>) -> Result<Tuned, Issues> {
        let place = self.plan.tune.as_ref().map_or(self.plan.place(), |doc| doc.place.clone());
        let (cells, seeds) = (self.cells.len(), self.seeds.len());
        let least = (RACERS_LEAST + 1) * cells * seeds;
        if self.runs < least {
            let what = format!("{} runs are too few for a search", self.runs);
            let hint = format!("{cells} × {seeds} for each setting: allow at least {least}");
            return Err(Issue::new(what, place).hint(hint).into());
        }
        let mut tried = vec![self.reference.clone()];
        let mut part = Part::new(self.seeds.clone());
        let all: Vec<_> = (0..seeds).map(|seed| (0, seed)).collect();
        part.run(bench, &all, cells, |_, cell| self.reference.tuning(cell));
        let bases: Vec<f64> = (0..cells).map(|cell| mean(&part.costs(0, cell))).collect();
        if bases.iter().any(|base| *base <= 0.0) {
            let what = "the reference costs nothing in the time that is tuned on";
            let hint = "is any task submitted in it? shorten `held_out_time`";
            return Err(Issue::new(what, place).hint(hint).into());
        }
        let limits = bench.limits;
        let sample = |part: &Part, (setting, seed): (usize, usize)| {
            let cells = (0..cells).map(|cell| part.reading(setting, cell, seed));
            sample(cells.zip(&bases), limits)
        };
        let reference = all.iter().map(|run| sample(&part, *run)).collect();
        let (dims, choices) = (self.dims(), self.choices.clone());
        let allows = |levels: &[usize]| choices.allow(levels);
        let space = Space { dims: &dims, allows: &allows };
        let found = search(&space, reference, self.runs / cells - seeds, |trials| {
            self.enter(trials, &mut tried)?;
            let runs: Vec<_> = trials.iter().map(|it| (it.candidate, it.seed)).collect();
            part.run(bench, &runs, cells, |setting, cell| tried[setting].tuning(cell));
            Ok::<_, Issues>(runs.into_iter().map(|run| sample(&part, run)).collect())
        })?;
        Ok(Tuned { problem: self, settings: tried, part, found })
    }

    /// Makes scenarios of settings that are tried for the first time.
    fn enter(&mut self, trials: &[Trial], settings: &mut Vec<Setting>) -> Result<(), Issues> {
        let mut new: Vec<&Trial> =
            trials.iter().filter(|trial| trial.candidate >= settings.len()).collect();
        new.dedup_by_key(|trial| trial.candidate);
        let levels = |trial: &&Trial| {
            let cells = self.cells.iter();
            cells.map(|cell| joined(&self.plan.axes, Some(&trial.levels), cell)).collect::<Vec<_>>()
        };
        let all: Vec<_> = new.iter().flat_map(levels).collect();
        let (scenarios, _) = self.plan.make(&all)?;
        let mut scenarios = scenarios.into_iter();
        for trial in new {
            let cells: Vec<Scenario> = scenarios.by_ref().take(self.cells.len()).collect();
            let levels = Some(trial.levels.clone());
            if !cells.iter().map(Scenario::window).eq(self.times.iter().copied()) {
                let names = self.names(levels.as_deref()).join(", ");
                let what = format!("the settings {names} change the time of the run");
                let hint = "write `given = true` on the axis that brings another `base`";
                return Err(Issue::new(what, self.plan.place()).hint(hint).into());
            }
            settings.push(Setting::new(levels, cells, &self.windows));
        }
        Ok(())
    }
}

/// With how many settings a search begins to be one.
const RACERS_LEAST: usize = 2;

/// What does not fit together in an experiment that is to be tuned.
fn misfits(plan: &Plan, doc: &TuneDoc) -> Vec<Issue> {
    let mut issues = Vec::new();
    let own = (0..plan.axes.len()).filter(|axis| !plan.axes[*axis].given);
    for (path, place) in own.clone().filter_map(|axis| plan.sets(axis, "time")) {
        let issue = Issue::new(format!("`{path}` is not a setting: it changes the work"), place);
        issues.push(issue.hint("write `given = true` on its axis, or leave it out"));
    }
    if own.count() == 0 {
        let issue = Issue::new("there is no axis to choose on", doc.place.clone());
        issues.push(issue.hint("add for example [axes.idle] with `key` and `values`"));
    }
    issues
}

/// What is written, and that no work may be left.
fn limits(doc: &TuneDoc) -> Vec<Check> {
    let mut limits = doc.limits.clone();
    if !limits.iter().any(|limit| [LEFT, ALL_LEFT].contains(&limit.measure.as_str())) {
        let amount = Amount::Number(0.0);
        let bound = Bound { relation: Relation::AtMost, amount, place: doc.place.clone() };
        limits.push(Check {
            name: LEFT.to_owned(),
            because: String::new(),
            measure: LEFT.to_owned(),
            place: doc.place.clone(),
            bounds: vec![bound],
            headline: false,
            except: Vec::new(),
        });
    }
    limits
}

/// Tasks that were given up: what is not done is cheap.
const LEFT: &str = "tasks.left";
/// The same in full.
const ALL_LEFT: &str = "total.tasks.left";

/// Combinations in which each level of each axis comes up, so that bad ones are told before the
/// first run.
fn samples(axes: &[Axis]) -> impl Iterator<Item = Vec<usize>> {
    let most = axes.iter().map(|axis| axis.levels.len()).max().unwrap_or(0);
    (0..most).map(|level| axes.iter().map(|axis| level % axis.levels.len()).collect())
}

/// All combinations of levels, the last axis varying fastest.
fn combinations(axes: &[Axis]) -> Vec<Vec<usize>> {
    axes.iter().fold(vec![Vec::new()], |all, axis| {
        let with_each = |levels: Vec<usize>| {
            (0..axis.levels.len()).map(move |level| [levels.as_slice(), &[level]].concat())
        };
        all.into_iter().flat_map(with_each).collect()
    })
}

/// The levels of all axes, in the order of the file: of ours, and of a cell.
fn joined(axes: &[Axis], own: Option<&[usize]>, cell: &[usize]) -> Vec<Option<usize>> {
    let (mut own, mut cell) = (own.map(|own| own.iter()), cell.iter());
    let level = |axis: &Axis| match axis.given {
        true => cell.next().copied(),
        false => own.as_mut().and_then(|own| own.next().copied()),
    };
    axes.iter().map(level).collect()
}

/// The readings of all cells with one seed, each beside what the reference costs there.
fn sample<'a>(cells: impl Iterator<Item = (&'a Reading, &'a f64)>, limits: &[f64]) -> Sample {
    let (mut costs, mut strains) = (Vec::new(), Vec::new());
    for (Reading { cost, values }, base) in cells {
        costs.push(cost / base);
        strains.extend(values.iter().zip(limits).map(|(value, limit)| strain(*value, *limit)));
    }
    Sample { cost: mean(&costs), strains }
}

/// How much of a limit is used, 1 being all of it. Where nothing is allowed, all is too much.
#[must_use]
pub fn strain(value: f64, limit: f64) -> f64 {
    let strain = match (limit > 0.0, value > limit) {
        (true, _) => value / limit,
        (false, true) => 1.0 + value - limit,
        (false, false) => 0.0,
    };
    strain.min(STRAIN_MOST)
}

/// So that means stay numbers where there is nothing to measure.
const STRAIN_MOST: f64 = 1e6;

/// Whether levels are numbers or quantities that rise or fall.
fn is_ordered(levels: &[String]) -> bool {
    let number = |level: &String| match level.parse::<f64>() {
        Ok(number) => Some((0, number)),
        Err(_) => quantity::amount(level).ok().map(|amount| match amount {
            Amount::Number(number) => (0, number),
            Amount::Duration(duration) => (1, duration.as_secs_f64()),
            Amount::Usd(usd) => (2, usd.as_f64()),
            Amount::UsdPerHour(price) => (3, price.as_f64()),
            Amount::Share(share) => (4, share.as_f64()),
        }),
    };
    let Some(numbers) = levels.iter().map(number).collect::<Option<Vec<_>>>() else { return false };
    let unit = |pair: &[(u8, f64)]| pair[0].0 == pair[1].0;
    let rises = |pair: &[(u8, f64)]| unit(pair) && pair[0].1 < pair[1].1;
    let falls = |pair: &[(u8, f64)]| unit(pair) && pair[0].1 > pair[1].1;
    numbers.windows(2).all(rises) || numbers.windows(2).all(falls)
}

fn mean(numbers: &[f64]) -> f64 {
    Interval::of_mean(numbers).middle
}
