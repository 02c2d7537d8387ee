//! Tasks out of counts.
//!
//! A queue tells how many tasks wait and how many are held by workers, never which. Between two
//! readings, with `total` = waiting + held:
//!
//! | what changed | is taken for |
//! |---|---|
//! | `total` rose by n | n arrivals |
//! | `total` fell by n | n ends |
//! | held changed by d | d starts more than ends; if fewer than none, as many tasks lost their worker and wait again |
//!
//! Whoever came first starts first, and whoever started first ends first. All of it happens halfway
//! between the two readings; a task that starts and ends between them runs for half of the time.
//! Of running tasks, the middle one in the order of their starts loses its worker.
//!
//! So at every reading as many tasks wait and run as were counted, and the time that workers held
//! tasks is what was counted, to a reading interval. What is lost: a task that came and one that
//! ended between the same two readings cancel out, so that a busy queue has fewer and longer tasks
//! here than it had: of tasks that run for many readings in a small queue few are lost, of many
//! tasks of about an interval most. Nor is known who of several ran how long, nor waits and
//! durations below an interval. The work that a lost worker had done is not work here.

use std::collections::VecDeque;

use provisioner_engine::units::{Duration, Time};

use super::seen::Reading;

/// A task as it may have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// When it entered the queue.
    pub submitted: Time,
    /// When it started, for the last time.
    pub started: Option<Time>,
    /// When it ended.
    pub ended: Option<Time>,
}

/// The tasks of a queue, in the order of their submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconstructed {
    /// All of them.
    pub tasks: Vec<Task>,
    /// So many were there at the first reading.
    pub at_first: u64,
    /// How often tasks lost their worker and waited again.
    pub lost: u64,
    /// The mean time between two readings that differ.
    pub interval: Option<Duration>,
}

impl Reconstructed {
    /// The tasks that these counts allow.
    #[must_use]
    pub fn of(readings: &[Reading]) -> Self {
        let mut told = Self::default();
        let Some(first) = readings.first() else { return told };
        let mut waiting: VecDeque<usize> = VecDeque::new();
        let mut running: VecDeque<usize> = VecDeque::new();
        told.at_first = first.total();
        told.submit(first.at, first.total(), &mut waiting);
        told.start(first.at, u64::from(first.claimed), &mut waiting, &mut running);
        for pair in readings.windows(2) {
            let [before, after] = [pair[0], pair[1]];
            let length = after.at.since(before.at);
            let quarter = Duration::from_ms(length.ms() / 4);
            let middle = before.at + quarter * 2;
            told.submit(middle, after.total().saturating_sub(before.total()), &mut waiting);
            let ends = before.total().saturating_sub(after.total());
            let starts = i64::from(after.claimed) - i64::from(before.claimed)
                + i64::try_from(ends).unwrap_or(i64::MAX);
            told.start(middle, u64::try_from(starts).unwrap_or(0), &mut waiting, &mut running);
            for _ in 0..ends {
                let Some(task) = running.pop_front() else { break };
                let task = &mut told.tasks[task];
                if task.started == Some(middle) {
                    task.submitted = task.submitted.min(before.at + quarter);
                    task.started = Some(before.at + quarter);
                    task.ended = Some(after.at - quarter);
                } else {
                    task.ended = Some(middle);
                }
            }
            for _ in starts..0 {
                let Some(task) = running.remove(running.len() / 2) else { break };
                told.tasks[task].started = None;
                told.lost += 1;
                waiting.push_front(task);
            }
        }
        told.interval = mean(readings.windows(2).filter_map(|pair| {
            let is_same = pair[0].pending == pair[1].pending && pair[0].claimed == pair[1].claimed;
            (!is_same).then(|| pair[1].at.since(pair[0].at))
        }));
        told
    }

    /// Tasks that arrived after the first reading.
    #[must_use]
    pub fn arrivals(&self) -> u64 {
        self.tasks.len() as u64 - self.at_first
    }

    /// Tasks that ended.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.tasks.iter().filter(|task| task.ended.is_some()).count() as u64
    }

    /// How long tasks ran that started and ended, on average.
    #[must_use]
    pub fn mean_duration(&self) -> Option<Duration> {
        mean(self.tasks.iter().filter_map(|task| Some(task.ended?.since(task.started?))))
    }

    fn submit(&mut self, at: Time, number: u64, waiting: &mut VecDeque<usize>) {
        for _ in 0..number {
            waiting.push_back(self.tasks.len());
            self.tasks.push(Task { submitted: at, started: None, ended: None });
        }
    }

    fn start(
        &mut self,
        at: Time,
        number: u64,
        waiting: &mut VecDeque<usize>,
        running: &mut VecDeque<usize>,
    ) {
        for _ in 0..number {
            let Some(task) = waiting.pop_front() else { break };
            self.tasks[task].started = Some(at);
            running.push_back(task);
        }
    }
}

fn mean(durations: impl Iterator<Item = Duration>) -> Option<Duration> {
    let (sum, number) = durations.fold((0_i128, 0_i128), |(sum, number), duration| {
        (sum + i128::from(duration.ms()), number + 1)
    });
    (number > 0).then(|| Duration::from_ms(i64::try_from(sum / number).unwrap_or(i64::MAX)))
}
