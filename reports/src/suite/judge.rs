//! Whether a scenario got worse: each measure's mean over the seeds against what it was, with the 95 %
//! interval of the paired difference.

use std::collections::BTreeMap;

use provisioner_scenarios::experiment::Experiment;
use provisioner_scenarios::file::quantity::Amount;
use provisioner_scenarios::file::{Issue, Issues, Place, nearest};
use provisioner_scenarios::suite::{Accepted, Baseline, DEFAULTS, Tolerance};
use provisioner_sim::outcome::Outcome;

use crate::Page;
use crate::checks::nothing_happened;
use crate::diff::Brief;
use crate::json::numbers;
use crate::measure::{Unit, Worse};
use provisioner_scenarios::paired::{Interval, difference};

/// What is judged of each scenario of a suite.
#[derive(Clone, Debug)]
pub struct Rules {
    /// By point, by measure.
    points: Vec<BTreeMap<String, Tolerance>>,
}

/// Finds what the tolerances of a suite are about.
///
/// # Errors
///
/// Measures that no scenario has, tolerances in another unit than their measure's, and such that
/// nothing could exceed as one seed says nothing about chance.
pub fn bind(suite: &Experiment) -> Result<Rules, Issues> {
    let mut issues = Vec::new();
    let mut unknown: BTreeMap<&str, (&Place, bool, String)> = BTreeMap::new();
    let mut points = Vec::new();
    for point in &suite.points {
        let known = numbers(&nothing_happened(point.scenario.worker_types()));
        let parse = |text| Tolerance::parse(text).expect("defaults are tolerances");
        let defaults = DEFAULTS.map(|(path, text)| (path.to_owned(), parse(text)));
        let mut rules: BTreeMap<String, Tolerance> = defaults.into_iter().collect();
        for (path, tolerance, place) in &point.terms.tolerances {
            let is_known = known.contains_key(path);
            let hint = || match nearest(path, known.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "measures are the numbers of `simulate --json`, for example \
                         total.cost_usd.total or worker_types.\"proj/builds\".wait_s.p95"
                    .to_owned(),
            };
            unknown.entry(path).or_insert_with(|| (place, false, hint())).1 |= is_known;
            let unit = Unit::of(path);
            if is_known && bound(path, *tolerance, 0.0).is_none() {
                let what = format!("the tolerance has another unit than `{path}`");
                let hint = format!("write a share such as \"2 %\", or {}", unit.example());
                issues.push(Issue::new(what, place.clone()).hint(hint));
            }
            if is_known {
                rules.insert(path.clone(), *tolerance);
            }
        }
        points.push(rules);
    }
    let unknown = unknown.into_iter().filter(|(_, (_, is_known, _))| !is_known);
    issues.extend(unknown.map(|(path, (place, _, hint))| {
        Issue::new(format!("there is no measure `{path}`"), place.clone()).hint(hint)
    }));
    let by_chance = |rules: &BTreeMap<String, Tolerance>| {
        rules.values().any(|it| matches!(it, Tolerance::UnlessByChance(_)))
    };
    if suite.seeds.len() == 1 && points.iter().any(by_chance) {
        let what = "one seed says nothing about chance, so nothing would be measurably worse";
        let hint = "run more, for example seeds = 6; or give each measure that is judged a \
                    tolerance that does not ask for chance, or \"any\"";
        issues.push(Issue::new(what, suite.seeds_place.clone()).hint(hint));
    }
    if issues.is_empty() { Ok(Rules { points }) } else { Err(issues.into()) }
}

/// How much worse than `base` a measure may be, and whether chance excuses more; nothing if the
/// tolerance is in another unit than the measure.
fn bound(path: &str, tolerance: Tolerance, base: f64) -> Option<(f64, bool)> {
    let (amount, by_chance) = match tolerance {
        Tolerance::Any => return Some((f64::INFINITY, false)),
        Tolerance::UpTo(amount) => (amount, false),
        Tolerance::UnlessByChance(amount) => (amount, true),
    };
    let by = match amount {
        Amount::Share(share) => share.as_f64() * base.abs(),
        amount => Unit::of(path).number(amount)?,
    };
    Some((by, by_chance))
}

/// What a scenario came to now.
#[derive(Clone, Debug, Default)]
pub struct Now {
    outcomes: Vec<(String, BTreeMap<String, Option<f64>>)>,
}

impl Now {
    /// With each seed, in order.
    #[must_use]
    pub fn of<'o>(outcomes: impl IntoIterator<Item = &'o Outcome>) -> Self {
        let read = |outcome: &Outcome| (outcome.decision_digest.clone(), numbers(outcome));
        Self { outcomes: outcomes.into_iter().map(read).collect() }
    }

    /// As it would be accepted.
    #[must_use]
    pub fn accepted(&self, scenario_hash: &str, commit: &str) -> Accepted {
        let mut measures: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
        for (_, numbers) in &self.outcomes {
            for (path, number) in numbers {
                measures.entry(path.clone()).or_default().push(*number);
            }
        }
        Accepted {
            scenario_hash: scenario_hash.to_owned(),
            commit: commit.to_owned(),
            decisions: self.outcomes.iter().map(|(digest, _)| digest.clone()).collect(),
            measures,
            journals: BTreeMap::new(),
        }
    }
}

/// What a suite came to.
pub struct Report {
    /// The suite's name.
    pub suite: String,
    /// How many seeds.
    pub seeds: usize,
    /// The commit of this program.
    pub commit: String,
    /// By scenario, in the suite's order.
    pub scenarios: Vec<Judged>,
}

/// What a scenario came to.
pub struct Judged {
    /// Its name.
    pub name: String,
    /// Its hash and its commit, before and now.
    pub before: [String; 2],
    /// The same now.
    pub now: [String; 2],
    /// The seeds with which decisions are not as they were.
    pub decided_otherwise: Vec<u64>,
    /// Whether they have to be.
    pub exact: bool,
    /// Measures that are judged, by path, then those that are not.
    pub rows: Vec<Row>,
    /// The first decision that changed, or why that is not known.
    pub cause: Option<Result<Cause, String>>,
}

/// The first decision that changed.
pub struct Cause {
    /// With which seed.
    pub seed: u64,
    /// In a few lines.
    pub brief: Brief,
    /// Everything about it.
    pub page: Page,
}

/// A measure, before and now.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its path.
    pub measure: String,
    /// Means over the seeds that have a number on both sides.
    pub means: Option<[f64; 2]>,
    pub(super) difference: Option<Interval>,
    /// How much worse it may be; nothing if it is not judged.
    pub tolerance: Option<Tolerance>,
    /// What is made of that.
    pub verdict: Verdict,
}

/// What is made of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it was with each seed.
    Same,
    /// It is measurably better.
    Better,
    /// It is not measurably worse.
    Chance,
    /// It is worse, but by no more than it may be.
    Allowed,
    /// It is worse than it may be.
    Worse,
    /// It was not measured before, or is not now.
    Unknown,
    /// It changed, and nobody judges it.
    Unjudged,
}

impl Rules {
    /// Judges a scenario of the suite, which is in the baseline.
    ///
    /// Panics if there is no such point.
    #[must_use]
    pub fn judge(
        &self,
        suite: &Experiment,
        point: usize,
        before: &Accepted,
        now: &Now,
        commit: &str,
    ) -> Judged {
        let hash = suite.points[point].scenario.hash();
        let accepted = now.accepted(hash, commit);
        let digests = before.decisions.iter().zip(&accepted.decisions);
        let otherwise = suite.seeds.iter().zip(digests).filter(|(_, (was, is))| was != is);
        let judged = &self.points[point];
        let row = |path: &String| {
            let of = |side: &Accepted| side.measures.get(path).cloned();
            row(path, [of(before), of(&accepted)], judged.get(path).copied())
        };
        let all = before.measures.keys().chain(accepted.measures.keys());
        let mut others: Vec<&String> = all.filter(|path| !judged.contains_key(*path)).collect();
        others.sort();
        others.dedup();
        Judged {
            name: suite.point_name(point),
            before: [before.scenario_hash.clone(), before.commit.clone()],
            now: [hash.to_owned(), commit.to_owned()],
            decided_otherwise: otherwise.map(|(seed, _)| *seed).collect(),
            exact: suite.points[point].terms.exact,
            rows: judged.keys().chain(others).map(row).collect(),
            cause: None,
        }
    }
}

impl Report {
    /// An empty report of a suite.
    #[must_use]
    pub fn new(suite: &Experiment, commit: &str, scenarios: Vec<Judged>) -> Self {
        let (name, seeds) = (suite.name.clone(), suite.seeds.len());
        Self { suite: name, seeds, commit: commit.to_owned(), scenarios }
    }

    /// Whether anything is worse than it may be.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.scenarios.iter().any(Judged::is_worse)
    }

    /// The commits by which the baseline was measured.
    pub(super) fn baseline_commits(&self) -> String {
        let mut commits: Vec<&str> =
            self.scenarios.iter().map(|judged| judged.before[1].as_str()).collect();
        commits.sort_unstable();
        commits.dedup();
        commits.join(", ")
    }
}

impl Judged {
    /// Whether it got worse than it may.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let is_worse = |row: &Row| row.verdict == Verdict::Worse;
        self.broke_exactness() || self.rows.iter().any(is_worse)
    }

    /// Whether decisions changed that must not.
    #[must_use]
    pub fn broke_exactness(&self) -> bool {
        self.exact && !self.decided_otherwise.is_empty()
    }

    /// Whether everything decided and measured is as it was, so far as it was measured then.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let is_same = |row: &Row| match row.verdict {
            Verdict::Same => true,
            Verdict::Unknown => row.tolerance.is_none(),
            _ => false,
        };
        self.decided_otherwise.is_empty() && self.rows.iter().all(is_same)
    }

    /// The first decision that changed, if it is known.
    #[must_use]
    pub fn known_cause(&self) -> Option<&Cause> {
        self.cause.as_ref().and_then(|cause| cause.as_ref().ok())
    }

    /// The rows that are judged.
    pub fn judged(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.tolerance.is_some_and(|it| it != Tolerance::Any))
    }

    /// Whether the scenario itself is another.
    #[must_use]
    pub fn is_another(&self) -> bool {
        self.before[0] != self.now[0]
    }
}

impl Row {
    /// Whether chance does not explain how it changed.
    pub(super) fn is_measurable(&self) -> bool {
        self.difference.is_some_and(|difference| difference.excludes(0.0))
    }

    /// Whether nothing can be said about chance.
    pub(super) fn is_of_one_seed(&self) -> bool {
        self.difference.is_some_and(|difference| !difference.half.is_finite())
    }
}

type Values = Option<Vec<Option<f64>>>;

fn row(path: &str, values: [Values; 2], tolerance: Option<Tolerance>) -> Row {
    let bare = |verdict| Row {
        measure: path.to_owned(),
        means: None,
        difference: None,
        tolerance,
        verdict,
    };
    let [Some(before), Some(now)] = values else { return bare(Verdict::Unknown) };
    let pairs = || before.iter().zip(&now);
    let (theirs, ours): (Vec<f64>, Vec<f64>) =
        pairs().filter_map(|(before, now)| Some(((*before)?, (*now)?))).unzip();
    let is_same = before == now;
    if theirs.is_empty() {
        return bare(if is_same { Verdict::Same } else { Verdict::Unknown });
    }
    let mean = |values: &[f64]| difference(&vec![0.0; values.len()], values).middle;
    let means = [mean(&theirs), mean(&ours)];
    let difference = difference(&theirs, &ours);
    let verdict = if is_same { Verdict::Same } else { verdict(path, means, difference, tolerance) };
    Row { means: Some(means), difference: Some(difference), ..bare(verdict) }
}

fn verdict(
    path: &str,
    [before, now]: [f64; 2],
    difference: Interval,
    tolerance: Option<Tolerance>,
) -> Verdict {
    let Some(tolerance) = tolerance.filter(|it| *it != Tolerance::Any) else {
        return Verdict::Unjudged;
    };
    let worse_by = match Worse::of(path) {
        Worse::Higher => now - before,
        Worse::Lower => before - now,
        Worse::Changed => (now - before).abs(),
    };
    let (most, by_chance) = bound(path, tolerance, before).expect("a tolerance that was bound");
    let is_measurable = difference.excludes(0.0);
    // Means of equal sums in another order may differ in their last digit.
    let exceeds = worse_by > most + 1e-9 * before.abs();
    match (exceeds, is_measurable) {
        (true, _) if is_measurable || !by_chance => Verdict::Worse,
        (false, true) if worse_by < 0.0 => Verdict::Better,
        (false, _) if worse_by > 0.0 && (is_measurable || !by_chance) => Verdict::Allowed,
        _ => Verdict::Chance,
    }
}

/// What changes if this is accepted: the scenarios that come, and those that go.
pub(super) fn comings_and_goings([before, now]: [&Baseline; 2]) -> [Vec<String>; 2] {
    let but = |some: &Baseline, others: &Baseline| {
        let is_new = |name: &&String| !others.scenarios.contains_key(*name);
        some.scenarios.keys().filter(is_new).cloned().collect()
    };
    [but(now, before), but(before, now)]
}
