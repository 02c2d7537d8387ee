//! A recorded task queue: what was submitted when, and how long it ran.
//!
//! Not here: what a queue's worker type is (the scenario joins them by name), recorded waits
//! (they belong to the fleet that was there, not to the work).

use provisioner_engine::units::{Duration, Time};
use provisioner_sim::input::Priority;

use super::error::{Problems, TraceError};
use super::findings::{Findings, LONG_DURATION, Log, NoteKind};
use super::names::Names;
use super::text::{self, BadCell};
use super::{Format, Imported, Options, Trace};

/// Tasks, oldest first; those of one instant in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskTrace {
    /// Names of queues, by the index that rows hold.
    pub queues: Vec<String>,
    /// The tasks.
    pub tasks: Vec<TaskRow>,
}

/// One task. Retries after a lost worker are recorded as tasks of their own by some sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskRow {
    /// When it entered the queue.
    pub submitted: Time,
    /// How long it ran.
    pub duration: Duration,
    /// When it was given up if not resolved; [`Time::MAX`] for never.
    pub deadline: Time,
    /// Index into [`TaskTrace::queues`].
    pub queue: u32,
    /// Who goes first.
    pub priority: Priority,
    /// How often it may be run again after its worker was lost.
    pub retries: u8,
}

const _: () = assert!(size_of::<TaskRow>() <= 32, "twelve million tasks fit 384 MB");

impl TaskTrace {
    /// The tasks submitted from `start` until before `end`.
    #[must_use]
    pub fn between(&self, start: Time, end: Time) -> &[TaskRow] {
        let from = self.tasks.partition_point(|task| task.submitted < start);
        let to = self.tasks.partition_point(|task| task.submitted < end);
        &self.tasks[from..to.max(from)]
    }

    /// The findings of an import that gave this trace.
    pub(super) fn findings(&self, mut log: Log, file: &str, format: Format) -> Findings {
        let (mut rows, mut equal) = (vec![0; self.queues.len()], 0);
        let mut sorted = Vec::new();
        for batch in self.tasks.chunk_by(|a, b| a.submitted == b.submitted) {
            for task in batch {
                rows[task.queue as usize] += 1;
            }
            if batch.len() > 1 {
                sorted.clear();
                sorted.extend_from_slice(batch);
                sorted.sort_unstable();
                equal += sorted.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
            }
        }
        log.note_many(NoteKind::EqualTask, equal);
        let queues = self.queues.iter().cloned().zip(rows).collect();
        log.finish(file, format, "queues", queues, self.tasks.iter().map(|task| task.submitted))
    }
}

/// Gathers the tasks of one file.
pub(super) struct TaskBuilder {
    trace: TaskTrace,
    queues: Names,
    pub(super) log: Log,
    pub(super) problems: Problems,
}

impl TaskBuilder {
    pub(super) fn new(file: &str, options: &Options) -> Self {
        Self {
            trace: TaskTrace::default(),
            queues: Names::default(),
            log: Log::new(options.now),
            problems: Problems::in_file(file),
        }
    }

    /// The id of a queue.
    #[inline]
    pub(super) fn queue(&mut self, name: &[u8]) -> Result<u32, BadCell> {
        let (id, new) = self.queues.intern(name);
        if new {
            text::name(name)?;
        }
        Ok(id)
    }

    #[inline]
    pub(super) fn push(&mut self, task: TaskRow, line: u64) {
        self.log.time(task.submitted, line);
        if task.duration == Duration::ZERO {
            self.log.note(NoteKind::ZeroDuration, line);
        } else if task.duration > LONG_DURATION {
            self.log.note(NoteKind::LongDuration, line);
        }
        if task.deadline <= task.submitted {
            self.log.note(NoteKind::DeadlinePassed, line);
        }
        self.trace.tasks.push(task);
    }

    pub(super) fn finish(self, file: &str, format: Format) -> Result<Imported, TraceError> {
        let Self { mut trace, queues, log, problems } = self;
        problems.or(())?;
        trace.queues = queues.into_strings();
        if log.is_unordered() {
            trace.tasks.sort_by_key(|task| task.submitted);
        }
        let findings = trace.findings(log, file, format);
        Ok(Imported { trace: Trace::Tasks(trace), findings })
    }
}
