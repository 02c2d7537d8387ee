//! One run over time: what a report draws, gathered while it runs.
//!
//! Time is cut into steps of equal length from the run's start on. Tasks and capacity are counted as
//! they come and go, so that no peak between two steps is lost; money is what was spent within a step:
//! each bill is spread over its stay as it is split by use. The steps add up to the
//! [outcome](provisioner_sim::outcome), to the millisecond and the micro-dollar.
//!
//! | file | holds |
//! |---|---|
//! | `watch` | the listener: what happened, by whom and for whom |
//! | `level` | how many of something there were in each step |
//! | `spread` | a bill over the steps of its stay |
//! | `waits` | how many tasks waited how long |
//!
//! All of it is told by the hooks of [`provisioner_sim`]; a run that nobody watches pays nothing.
//! Not here: drawing (the `reports` crate).

mod level;
mod spread;
#[cfg(test)]
mod tests;
mod waits;
mod watch;

use std::ops::Range;

use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time, Usd};
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::{Cost, Outcome};

pub use self::level::{Held, Level};
pub use self::waits::WaitCounts;
use crate::Scenario;
use crate::explain::summary::Reasons;

/// A run over time.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// When it began.
    pub start: Time,
    /// When it was over.
    pub end: Time,
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
    /// Tasks that wait to be claimed.
    pub waiting: Level,
    /// Capacity of registered workers.
    pub working: Level,
    /// Tasks that run.
    pub busy: Level,
    /// Capacity of running instances whose worker has not registered. With that of the registered it
    /// is what is paid for.
    pub booting: Level,
    /// Capacity that was asked for and does not run yet.
    pub requested: Level,
    /// All of it together.
    pub capacity: Level,
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

impl TypeLine {
    /// Both together.
    pub fn add(&mut self, other: &Self) {
        let Self { waiting, working, busy, booting, requested, capacity, spent, waits } = self;
        waiting.add(&other.waiting);
        working.add(&other.working);
        busy.add(&other.busy);
        booting.add(&other.booting);
        requested.add(&other.requested);
        capacity.add(&other.capacity);
        if spent.len() < other.spent.len() {
            spent.resize(other.spent.len(), Cost::default());
        }
        spent.iter_mut().zip(&other.spent).for_each(|(spent, cost)| *spent += *cost);
        waits.add(&other.waits);
    }
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
        let config = scenario.config(seed);
        let planned = step(config.end - config.start, steps);
        let (outcome, timeline) = watch::watch(scenario, &config, planned, progress);
        // A run that is over long before its end, or long after, is seen again in steps that fit it.
        let fits = step(outcome.finished - outcome.started, steps);
        let timeline = if planned >= fits * 2 || fits >= planned * 4 {
            watch::watch(scenario, &config, fits, None).1
        } else {
            timeline
        };
        (config, outcome, timeline)
    }

    /// When a step begins; those after the run's end begin there.
    #[must_use]
    pub fn at(&self, step: usize) -> Time {
        let steps = i64::try_from(step).expect("a run has a few hundred steps");
        self.start.saturating_add(self.step * steps).min(self.end.max(self.start))
    }

    /// When half of a step is over.
    #[must_use]
    pub fn middle(&self, step: usize) -> Time {
        let begins = self.at(step);
        begins + Duration::from_ms(self.at(step + 1).since(begins).ms() / 2)
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        let of_type = |line: &TypeLine| {
            let levels = [&line.waiting, &line.capacity].map(Level::steps);
            levels.into_iter().chain([line.spent.len()]).max().unwrap_or(0)
        };
        let types = self.worker_types.iter().map(of_type);
        types.chain(self.pools.iter().map(|line| line.steps.len())).max().unwrap_or(0)
    }

    /// How many of something there were within steps, in the mean over the time that they lasted.
    #[must_use]
    pub fn mean(&self, level: &Level, steps: Range<usize>) -> f64 {
        let lasted = self.at(steps.end).since(self.at(steps.start));
        let time: Duration = steps.map(|step| level.held(step).time).sum();
        time.as_secs_f64() / lasted.max(Duration::from_ms(1)).as_secs_f64()
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
