//! A recorded task queue: what was submitted when, and how long it ran.
//!
//! Not here: what a queue's worker type is (the scenario joins them by name), recorded waits
//! (they belong to the fleet that was there, not to the work).

use provisioner_engine::units::{Duration, Time};
use provisioner_sim::input::Priority;

use super::error::{Problems, TraceError};
use super::findings::{Findings, LONG_DURATION, Log, NoteKind, Times};
use super::names::Names;
use super::packed::{CHUNK_ROWS, Chunk};
use super::task_list::{TaskList, TaskPacker};
use super::text::{self, BadCell};
use super::{Format, Imported, Options, Trace};

/// Tasks, oldest first; those of one instant in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskTrace {
    /// Names of queues, by the index that rows hold.
    pub queues: Vec<String>,
    /// The tasks.
    pub tasks: TaskList,
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

impl TaskTrace {
    /// The findings of an import that gave this trace.
    pub(super) fn findings(
        &self,
        mut log: Log,
        mut tally: TaskTally,
        file: &str,
        format: Format,
    ) -> Findings {
        tally.end_batch();
        tally.rows.resize(self.queues.len(), 0);
        log.note_many(NoteKind::EqualTask, tally.equal);
        let queues = self.queues.iter().cloned().zip(tally.rows).collect();
        let times = self.tasks.iter().map(|task| task.submitted);
        log.finish(file, format, "queues", queues, (tally.times, times))
    }
}

/// What is counted of tasks as they come, oldest first.
#[derive(Default)]
pub(super) struct TaskTally {
    /// By queue.
    rows: Vec<u64>,
    times: Times,
    /// The tasks of the last instant that has several, as they are packed.
    batch: Vec<[i64; 6]>,
    equal: u64,
}

impl TaskTally {
    pub(super) fn add(&mut self, tasks: &Chunk<6>) {
        let [submitted, durations, queues] = [0, 1, 3].map(|of| tasks.column(of));
        self.times.add_all(submitted);
        for queue in queues {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a u32")]
            let queue = *queue as usize;
            if queue >= self.rows.len() {
                self.rows.resize(queue + 1, 0);
            }
            self.rows[queue] += 1;
        }
        // Rows that may equal another, found without a branch, as it could not be foretold: alone in
        // an instant none does, and of two only those of one duration. What is before and after
        // the chunk is not known.
        let (mut found, mut count, mut before) = ([0; CHUNK_ROWS], 0, true);
        let ties = |row: usize| submitted[row - 1] == submitted[row];
        for row in 1..submitted.len() {
            let (tie, after) = (ties(row), row + 1 == submitted.len() || ties(row + 1));
            found[count] = row;
            count += usize::from(tie & (before | after | (durations[row - 1] == durations[row])));
            before = tie;
        }
        let mut next = 0;
        let mut take = |row| {
            if row >= next {
                self.take(tasks.row(row));
                next = row + 1;
            }
        };
        take(0);
        for row in &found[..count] {
            take(row - 1);
            take(*row);
        }
        take(submitted.len() - 1);
    }

    #[inline]
    fn take(&mut self, task: [i64; 6]) {
        if self.batch.first().is_some_and(|first| first[0] != task[0]) {
            self.end_batch();
        }
        self.batch.push(task);
    }

    /// Counts the tasks that equal another of their instant.
    #[inline]
    fn end_batch(&mut self) {
        if self.batch.len() > 2 {
            self.batch.sort_unstable();
        }
        let equal = |pair: &&[[i64; 6]]| pair[0].iter().eq(&pair[1]);
        self.equal += self.batch.windows(2).filter(equal).count() as u64;
        self.batch.clear();
    }
}

/// Gathers the tasks of one file.
pub(super) struct TaskBuilder {
    tasks: TaskPacker,
    queues: Names,
    pub(super) log: Log,
    pub(super) problems: Problems,
}

impl TaskBuilder {
    pub(super) fn new(file: &str, options: &Options) -> Self {
        Self {
            tasks: TaskPacker::default(),
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
            self.log.note_many(NoteKind::BlankAround, u64::from(name != name.trim_ascii()));
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
        self.tasks.push(task);
    }

    pub(super) fn finish(self, file: &str, format: Format) -> Result<Imported, TraceError> {
        let Self { tasks, queues, log, problems } = self;
        problems.or(())?;
        let mut tasks = tasks.finish();
        if log.is_unordered() {
            let mut sorted: Vec<_> = tasks.iter().collect();
            sorted.sort_by_key(|task| task.submitted);
            tasks = sorted.into_iter().collect();
        }
        let mut tally = TaskTally::default();
        tasks.each_chunk(|chunk| tally.add(chunk));
        let trace = TaskTrace { queues: queues.into_strings(), tasks };
        let findings = trace.findings(log, tally, file, format);
        Ok(Imported { trace: Trace::Tasks(trace), findings })
    }
}
