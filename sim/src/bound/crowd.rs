//! How many tasks of a worker type could be at work at once, and how much work there could be.
//!
//! A task could be at work from its submission to its promised end on the slowest machine. Time is
//! cut into steps: what could be at some moment of a step counts for all of it.

use provisioner_engine::units::{Duration, Ratio, Time};
use provisioner_engine::worker_type::WorkerType;

use super::prices::{Minima, earlier};
use crate::config::SimConfig;
use crate::input::Task;
use crate::world::run_time;

/// Steps are no shorter than this.
const STEP_MIN: Duration = Duration::MINUTE;
/// Steps of all worker types together.
const STEPS_MAX: i64 = 1 << 16;

/// The tasks of a worker type, being counted.
pub(super) struct Crowd {
    steps: Steps,
    /// Changes from step to step: in tasks that could be at work, …
    tasks: Vec<i64>,
    /// … in the work that could be done in a piece that begins then, at utility 1, …
    work: Vec<i64>,
    /// … and in tasks that are surely at work when the step begins.
    sure: Vec<i64>,
}

/// How time is cut, and what is true of all tasks.
struct Steps {
    start: Time,
    length: Duration,
    count: usize,
    /// How long the longest piece is.
    piece: Duration,
    /// The most work of a millisecond, in milliseconds at utility 1.
    rounded: i64,
    /// The most work that a task can have done in it.
    work_max: Duration,
    slowest: Ratio,
    fastest: Ratio,
}

/// The crowd, counted.
pub(super) struct Counted {
    steps: Steps,
    tasks: Minima,
    work: Minima,
    /// So many tasks are all at work at some moment.
    pub(super) sure: u64,
}

/// The most around a task, itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Near {
    /// At work at any moment of any piece that it may have a part in.
    pub(super) tasks: u32,
    /// Done in all of such a piece, at utility 1.
    pub(super) work: Duration,
}

impl Crowd {
    pub(super) fn new(config: &SimConfig, piece: Duration, worker_type: &WorkerType) -> Self {
        let worker_types = i64::try_from(config.engine.worker_types.len()).unwrap_or(STEPS_MAX);
        let span = config.end.since(config.start) + Duration::DAY;
        let count_max = (STEPS_MAX / worker_types).max(1);
        let length = Duration::from_ms(span.ms() / count_max + 1).max(STEP_MIN);
        let count = usize::try_from(span.ms() / length.ms() + 1).expect("few steps");
        let utilities = worker_type.candidates.iter().map(|candidate| candidate.utility);
        let fastest = utilities.clone().max().unwrap_or(Ratio::ONE);
        let slowest = utilities.min().unwrap_or(Ratio::ONE);
        let one = Ratio::ONE.millionths();
        let rounded = i64::try_from(fastest.millionths().div_ceil(one)).unwrap_or(i64::MAX);
        let work_max = Duration::from_ms(piece.ms().saturating_mul(rounded));
        let start = config.start;
        let steps = Steps { start, length, count, piece, rounded, work_max, slowest, fastest };
        let none = vec![0; count + 1];
        Self { steps, tasks: none.clone(), work: none.clone(), sure: none }
    }

    pub(super) fn add(&mut self, task: &Task, wait: Duration) {
        let Steps { piece, work_max, rounded, .. } = self.steps;
        let (from, to) = self.steps.possible(task, wait);
        // A run is rounded up to a millisecond.
        let work = (task.duration.ms() + rounded).min(work_max.ms());
        let add = |changes: &mut Vec<i64>, from: Time, more: i64| {
            changes[self.steps.step(from)] += more;
            changes[self.steps.step(to) + 1] -= more;
        };
        add(&mut self.tasks, from, 1);
        add(&mut self.work, earlier(from, piece), work);
        if let Some((from, to)) = self.steps.sure(task, wait) {
            self.sure[self.steps.next_step(from)] += 1;
            self.sure[self.steps.next_step(to)] -= 1;
        }
    }

    pub(super) fn counted(self) -> Counted {
        let steps = &self.steps;
        // The most is the least of the negated.
        let sums = |changes: Vec<i64>| {
            let mut sum = 0;
            let at = |step: usize| steps.begin(step);
            let negated = changes.into_iter().enumerate().map(|(step, change)| {
                sum -= change;
                (at(step), sum)
            });
            Minima::new(negated.take(steps.count).collect())
        };
        let (tasks, work) = (sums(self.tasks), sums(self.work));
        let sure = self.sure.iter().scan(0, |sum, change| {
            *sum += change;
            u64::try_from(*sum).ok()
        });
        let sure = sure.max().unwrap_or(0);
        Counted { steps: self.steps, tasks, work, sure }
    }
}

impl Counted {
    pub(super) fn near(&self, task: &Task, wait: Duration) -> Near {
        let Steps { piece, .. } = self.steps;
        let (from, to) = self.steps.possible(task, wait);
        let most = |of: &Minima, from: Time, to: Time| {
            let (from, to) = (self.steps.step(from), self.steps.step(to));
            let least = of.least(self.steps.begin(from), self.steps.begin(to));
            -least.expect("there is a step")
        };
        let from_piece = earlier(from, piece);
        let tasks = most(&self.tasks, from_piece, to.saturating_add(piece));
        let work = most(&self.work, from_piece, to);
        Near {
            tasks: u32::try_from(tasks).unwrap_or(u32::MAX).max(1),
            work: Duration::from_ms(work.max(1)),
        }
    }
}

impl Steps {
    /// From when until when a task could be at work.
    fn possible(&self, task: &Task, wait: Duration) -> (Time, Time) {
        let longest = run_time(task.duration, self.slowest);
        let ends = task.submitted.saturating_add(wait).saturating_add(longest);
        (task.submitted, ends.min(task.deadline).max(task.submitted))
    }

    /// From when until when a task is at work whatever happens, if there is such a time.
    fn sure(&self, task: &Task, wait: Duration) -> Option<(Time, Time)> {
        let from = task.submitted.saturating_add(wait);
        let to = task.submitted.saturating_add(run_time(task.duration, self.fastest));
        (from < to).then_some((from, to))
    }

    /// The first step that begins then or later; what comes after the last step is one more.
    fn next_step(&self, at: Time) -> usize {
        let into = at.ms().saturating_sub(self.start.ms()).max(0);
        let steps = into / self.length.ms() + i64::from(into % self.length.ms() > 0);
        usize::try_from(steps).unwrap_or(usize::MAX).min(self.count)
    }

    /// The first begins at any earlier time too, and the last never ends.
    fn step(&self, at: Time) -> usize {
        let into = at.ms().saturating_sub(self.start.ms()).max(0);
        usize::try_from(into / self.length.ms()).unwrap_or(usize::MAX).min(self.count - 1)
    }

    fn begin(&self, step: usize) -> Time {
        self.start + self.length * i64::try_from(step).expect("few steps")
    }
}
