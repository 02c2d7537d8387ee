//! One run over time: what a report draws, gathered while it runs.
//!
//! Time is cut into steps of equal length from the run's start on. States are those at the beginning
//! of each step; money is what was spent within it: each bill is spread over its stay as it is split
//! by use, so that the steps add up to the [outcome](provisioner_sim::outcome) to the micro-dollar.
//!
//! | file | holds |
//! |---|---|
//! | `watch` | the listener: what happened, by whom and for whom |
//! | `spread` | a bill over the steps of its stay |
//! | `waits` | how many tasks waited how long |
//!
//! All of it is told by the hooks of [`provisioner_sim`]; a run that nobody watches pays nothing.
//! Not here: drawing (the `reports` crate).

mod spread;
#[cfg(test)]
mod tests;
mod waits;
mod watch;

use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time, Usd};
use provisioner_sim::Sample;
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::{Cost, Outcome};

pub use self::waits::WaitCounts;
use crate::Scenario;
use crate::explain::summary::Reasons;

/// A run over time.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// When it began.
    pub start: Time,
    /// From one step to the next.
    pub step: Duration,
    /// By worker type, by id.
    pub worker_types: Vec<TypeLine>,
    /// By pool, by id.
    pub pools: Vec<PoolLine>,
    /// Why the engine did what it did, and did not do what it did not.
    pub reasons: Reasons,
}

/// What one worker type's run was over time.
#[derive(Clone, Debug, Default)]
pub struct TypeLine {
    /// The state at the beginning of each step, as long as the run went on.
    pub states: Vec<Sample>,
    /// What was spent in each step. Steps after the last expense are missing.
    pub spent: Vec<Cost>,
    /// How long tasks waited for their first claim, if submitted after the warm-up.
    pub waits: WaitCounts,
}

/// What was bought from one pool over time.
#[derive(Clone, Debug, Default)]
pub struct PoolLine {
    /// What happened in each step; those after the last event are missing.
    pub steps: Vec<PoolStep>,
    /// Launches that were refused.
    pub refused: u64,
    /// Time that its instances ran.
    pub instance_time: Duration,
    /// What they cost.
    pub cost: Usd,
}

/// What happened in one pool within a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStep {
    /// Instances that began to run.
    pub started: u32,
    /// Instances that EC2 took back.
    pub interrupted: u32,
}

impl Timeline {
    /// Runs a scenario and keeps what it was over time, in about `steps` steps; `progress` gets the
    /// time at each iteration.
    #[must_use]
    pub fn watch(
        scenario: &Scenario,
        seed: Seed,
        steps: i64,
        progress: Option<&mut dyn FnMut(Time)>,
    ) -> (SimConfig, Outcome, Self) {
        let mut config = scenario.config(seed);
        config.series_step = Some(step(config.end - config.start, steps));
        let (outcome, timeline) = watch::watch(scenario, &config, progress);
        (config, outcome, timeline)
    }

    /// When a step begins.
    #[must_use]
    pub fn at(&self, step: usize) -> Time {
        let steps = i64::try_from(step).expect("a run has a few hundred steps");
        self.start.saturating_add(self.step * steps)
    }

    /// When half of a step is over.
    #[must_use]
    pub fn middle(&self, step: usize) -> Time {
        self.at(step) + Duration::from_ms(self.step.ms() / 2)
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        let of_type = |line: &TypeLine| line.states.len().max(line.spent.len());
        let types = self.worker_types.iter().map(of_type);
        types.chain(self.pools.iter().map(|line| line.steps.len())).max().unwrap_or(0)
    }

    /// What all worker types together spent in each step.
    #[must_use]
    pub fn spent(&self) -> Vec<Cost> {
        let mut all = vec![Cost::default(); self.steps()];
        for line in &self.worker_types {
            all.iter_mut().zip(&line.spent).for_each(|(all, cost)| *all += *cost);
        }
        all
    }
}

/// Lengths of a step that divide days, or are whole days.
const STEPS: [Duration; 12] = [
    Duration::SECOND,
    Duration::from_secs(10),
    Duration::MINUTE,
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(15),
    Duration::from_mins(30),
    Duration::HOUR,
    Duration::from_hours(2),
    Duration::from_hours(4),
    Duration::from_hours(8),
    Duration::DAY,
];

/// The shortest length of which no more than `most` make up the span.
fn step(span: Duration, most: i64) -> Duration {
    let fits = |step: &Duration| span.ms() <= step.ms().saturating_mul(most);
    STEPS.into_iter().find(fits).unwrap_or_else(|| {
        let least = Duration::from_ms(span.ms() / most.max(1) + 1);
        least.round_up_to(Duration::DAY)
    })
}
