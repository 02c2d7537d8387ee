//! Reader of task tables: delimited text with a header.
//!
//! Which column is what is told by [`TaskColumns`], or known from the header for the tables in
//! [`known_columns`].

use provisioner_engine::units::{Duration, Time};

use super::availability::start_of;
use super::error::{Place, Problems, TraceError};
use super::findings::NoteKind;
use super::format::columns_of_tasks;
use super::read_tasks::{note_line_end, note_relative, plain_task, queue_id};
use super::source::{Record, Source, Table, is_whole};
use super::tasks::{TaskBuilder, TaskRow};
use super::text::{self, BadCell};
use super::{Format, Imported, Options};

/// Which column of a task table is what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskColumns {
    /// When the task entered the queue.
    pub submitted: String,
    /// How long it ran.
    pub run: Run,
    /// How times are written: submission, start, end, deadline.
    pub times: Unit,
    /// Whether times count from the start of the recording instead of 1970.
    pub relative: bool,
    /// Whether the first line says how the columns are called; if not, they are called 1, 2, 3, ….
    pub header: bool,
    /// The queue's name.
    pub queue: Option<String>,
    /// Taskcluster's name of the priority; empty for the lowest.
    pub priority: Option<String>,
    /// When the task is given up; empty for never.
    pub deadline: Option<String>,
    /// How often it may be run again; empty for Taskcluster's default.
    pub retries: Option<String>,
    /// A column and the values of it that mark finished tasks; others are left out.
    pub finished: Option<(String, Vec<String>)>,
    /// The id of a job; those with a dot, as in `17.batch`, are steps of a job that has a row of its
    /// own, and are left out.
    pub job: Option<String>,
    /// The state of a job: one that was `CANCELLED` and took no time never ran, and what one took that
    /// is not over is unknown.
    pub state: Option<String>,
}

impl TaskColumns {
    /// These, and no others.
    #[must_use]
    pub const fn of(submitted: String, run: Run, times: Unit) -> Self {
        Self {
            submitted,
            run,
            times,
            relative: false,
            header: true,
            queue: None,
            priority: None,
            deadline: None,
            retries: None,
            finished: None,
            job: None,
            state: None,
        }
    }
}

/// The columns that say how long a task ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// One column, in whole or decimal units.
    Duration(String, Unit),
    /// Two times; a task without either never ran.
    StartEnd(String, String),
}

/// How a time or a duration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, with or without decimals.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds, rounded to milliseconds.
    Micros,
    /// Times as `2024-11-15 16:57:50` and the like, durations as `00:10:05` and the like.
    Text,
}

impl Unit {
    /// A length of time in this unit as milliseconds, and whether it had to be rounded.
    #[inline]
    fn millis(self, cell: &[u8]) -> Result<(i64, bool), BadCell> {
        match self {
            Self::Millis => text::decimal(cell, 0),
            Self::Seconds => text::decimal(cell, 3),
            Self::Micros => micros_as_millis(cell),
            Self::Text => text::length(cell),
        }
    }
}

/// Apart, so that the usual units stay as fast as they are without it.
#[cold]
fn micros_as_millis(cell: &[u8]) -> Result<(i64, bool), BadCell> {
    let (micros, inexact) = text::decimal(cell, 0)?;
    let ms = micros.saturating_add(500).div_euclid(1_000);
    Ok((ms, inexact || micros % 1_000 != 0))
}

/// The columns of a table with this header, if it is one of the known ones: the canonical
/// `submitted_ms,duration_ms[,queue][,priority][,deadline_ms][,retries]`, SURF's `submit_ms`,
/// Firefox CI's `submit,start,end`, buildbot's `request,start,end`, Slurm's `Submit|Start|End` or
/// `Submit|Elapsed|State`,
/// Alibaba's `gmt_create` and `creation_time`.
pub(super) fn known_columns(header: &[String]) -> Option<TaskColumns> {
    let find = |name: &str| header.iter().any(|h| h == name).then(|| name.to_owned());
    let duration = |name: &str, unit| find(name).map(|name| Run::Duration(name, unit));
    let start_end = |start: &str, end: &str| Some(Run::StartEnd(find(start)?, find(end)?));
    let plain = |submitted: &str, run: Option<Run>, times: Unit, queue: &str| {
        Some(TaskColumns { queue: find(queue), ..TaskColumns::of(find(submitted)?, run?, times) })
    };
    let finished = |column: &str, values: &[&str]| {
        find(column).map(|column| (column, values.iter().map(|&v| v.to_owned()).collect()))
    };
    let ours = plain("submitted_ms", duration("duration_ms", Unit::Millis), Unit::Millis, "queue");
    let ours = ours.map(|ours| TaskColumns {
        priority: find("priority"),
        deadline: find("deadline_ms"),
        retries: find("retries"),
        ..ours
    });
    let surf = || plain("submit_ms", duration("duration_ms", Unit::Millis), Unit::Millis, "queue");
    let jobs = |submitted| plain(submitted, start_end("start", "end"), Unit::Seconds, "platform");
    let slurm = || {
        let elapsed = || find("State").and(duration("Elapsed", Unit::Text));
        let run = start_end("Start", "End").or_else(elapsed);
        let slurm = plain("Submit", run, Unit::Text, "Partition")?;
        Some(TaskColumns { job: find("JobID"), state: find("State"), ..slurm })
    };
    let lora = || {
        let run = duration("exec_time_seconds", Unit::Seconds);
        let finished = finished("predict_status", &["SUCCEED", "FAILED"]);
        let lora = plain("gmt_create", run, Unit::Text, "predict_type")?;
        Some(TaskColumns { finished, ..lora })
    };
    let openb = || {
        let run = start_end("scheduled_time", "deletion_time");
        let openb = plain("creation_time", run, Unit::Seconds, "qos")?;
        Some(TaskColumns { relative: true, ..openb })
    };
    ours.or_else(surf)
        .or_else(|| jobs("submit"))
        .or_else(|| jobs("request"))
        .or_else(slurm)
        .or_else(lora)
        .or_else(openb)
}

/// Columns by index.
struct Indices {
    submitted: usize,
    run: RunIndices,
    queue: Option<usize>,
    priority: Option<usize>,
    deadline: Option<usize>,
    retries: Option<usize>,
    finished: Option<usize>,
    job: Option<usize>,
    state: Option<usize>,
}

enum RunIndices {
    Duration(usize, Unit),
    StartEnd(usize, usize),
}

impl Indices {
    fn find(columns: &TaskColumns, table: &Table<'_>, problems: &mut Problems) -> Option<Self> {
        let mut find = |name: &String| table.column(name, problems);
        let run = match &columns.run {
            Run::Duration(duration, unit) => RunIndices::Duration(find(duration)?, *unit),
            Run::StartEnd(start, end) => RunIndices::StartEnd(find(start)?, find(end)?),
        };
        let mut optional = |name: &Option<String>| match name {
            Some(name) => find(name).map(Some),
            None => Some(None),
        };
        let (queue, priority) = (optional(&columns.queue)?, optional(&columns.priority)?);
        let (deadline, retries) = (optional(&columns.deadline)?, optional(&columns.retries)?);
        let finished = optional(&columns.finished.as_ref().map(|(name, _)| name.clone()))?;
        let (job, state) = (optional(&columns.job)?, optional(&columns.state)?);
        let submitted = find(&columns.submitted)?;
        Some(Self { submitted, run, queue, priority, deadline, retries, finished, job, state })
    }
}

/// A cell that cannot be read: its column, and why.
type Refused = (usize, BadCell);

/// Slurm's states of jobs that are not over.
const JOB_GOES_ON: [&[u8]; 6] =
    [b"PENDING", b"RUNNING", b"SUSPENDED", b"REQUEUED", b"RESIZING", b"COMPLETING"];

/// How the cells of one table are read.
struct Cells<'a> {
    columns: &'a TaskColumns,
    indices: Indices,
    start: Time,
    options: &'a Options,
    unnamed: u32,
}

impl Cells<'_> {
    /// A time; notes what is odd about it. Times before 1970 and offsets before the start are
    /// refused as negative.
    #[inline(always)]
    fn time(
        &self,
        record: &Record<'_>,
        column: usize,
        tasks: &mut TaskBuilder,
    ) -> Result<Time, Refused> {
        let cell = record.field(column);
        let refused = |why| (column, why);
        if self.columns.times == Unit::Text {
            let (time, guessed) = self.options.utc(text::date_time(cell).map_err(refused)?);
            if guessed {
                tasks.log.note(NoteKind::LocalTime, record.line);
            }
            return Ok(time);
        }
        let (ms, rounded) = self.columns.times.millis(cell).map_err(refused)?;
        if rounded {
            tasks.log.note(NoteKind::RoundedTime, record.line);
        }
        text::after(self.start, ms).map_err(refused)
    }

    /// The task in a record. An empty cell is refused only where the task cannot be without.
    #[inline]
    fn task(&self, record: &Record<'_>, tasks: &mut TaskBuilder) -> Result<TaskRow, Refused> {
        let line = record.line;
        let submitted = self.time(record, self.indices.submitted, tasks)?;
        let duration = match self.indices.run {
            RunIndices::Duration(column, unit) => {
                let read = unit.millis(record.field(column));
                let (ms, rounded) = read.map_err(|why| (column, why))?;
                if rounded {
                    tasks.log.note(NoteKind::RoundedTime, line);
                }
                text::duration(ms).map_err(|why| (column, why))?
            }
            RunIndices::StartEnd(start, end) => {
                let (started, ended) =
                    (self.time(record, start, tasks)?, self.time(record, end, tasks)?);
                if ended < started {
                    return Err((end, BadCell::EndsBeforeStart));
                }
                if started < submitted {
                    tasks.log.note(NoteKind::StartedEarly, line);
                }
                text::duration(ended.since(started).ms()).map_err(|why| (end, why))?
            }
        };
        let mut task = plain_task(submitted, duration, self.unnamed);
        if let Some(column) = self.indices.queue {
            let named = record.field(column);
            let unnamed = self.options.queue.as_deref().filter(|_| named.is_empty());
            let queue = tasks.queue(unnamed.map_or(named, str::as_bytes));
            task.queue = queue.map_err(|why| (column, why))?;
        }
        if let Some(column) = self.indices.priority {
            task.priority = text::priority(record.field(column)).map_err(|why| (column, why))?;
        }
        let filled =
            |column: Option<usize>| column.filter(|column| !record.field(*column).is_empty());
        if let Some(column) = filled(self.indices.deadline) {
            task.deadline = self.time(record, column, tasks)?;
        }
        if let Some(column) = filled(self.indices.retries) {
            let retries = text::whole(record.field(column)).map_err(|why| (column, why))?;
            task.retries = u8::try_from(retries).map_err(|_| (column, BadCell::TooLarge))?;
        }
        Ok(task)
    }

    /// Whether the record says that its task had finished, or nothing about it.
    #[inline]
    fn is_finished(&self, record: &Record<'_>) -> bool {
        if let (RunIndices::Duration(..), Some(state)) = (&self.indices.run, self.indices.state) {
            return !JOB_GOES_ON.contains(&record.field(state));
        }
        match (self.indices.finished, &self.columns.finished) {
            (Some(column), Some((_, values))) => {
                let found = record.field(column);
                values.iter().any(|value| value.as_bytes() == found)
            }
            _ => true,
        }
    }

    /// What to state if numbers of that column are too large.
    fn finer(&self, column: usize) -> &'static str {
        let unit = match self.indices.run {
            RunIndices::Duration(duration, unit) if duration == column => unit,
            _ if Some(column) == self.indices.retries => Unit::Text, // no time at all
            _ => self.columns.times,
        };
        match unit {
            Unit::Seconds => "for milliseconds state `unit=ms`",
            Unit::Millis => "for microseconds state `unit=us`",
            Unit::Micros => "for nanoseconds leave out the last three digits",
            Unit::Text => "",
        }
    }

    #[inline]
    fn is_step(&self, record: &Record<'_>) -> bool {
        self.indices.job.is_some_and(|job| record.field(job).contains(&b'.'))
    }

    fn was_cancelled(&self, record: &Record<'_>) -> bool {
        self.indices.state.is_some_and(|state| record.field(state).starts_with(b"CANCELLED"))
    }
}

pub(super) fn table(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let mut tasks = TaskBuilder::new(&file, options);
    let mut table = match &options.columns {
        Some(columns) if !columns.header => Table::open_without_header(source)?,
        _ => Table::open(source)?,
    };
    let Some(columns) = options.columns.clone().or_else(|| known_columns(&table.header)) else {
        return Err(tasks.problems.fatal(
            Place::Line(1),
            "no known table of tasks has these columns",
            columns_of_tasks(&table.header).unwrap_or_default(),
        ));
    };
    let Some(indices) = Indices::find(&columns, &table, &mut tasks.problems) else {
        return tasks.finish(&file, Format::TaskTable);
    };
    tasks.log.relative = columns.relative;
    let cells = Cells {
        columns: &columns,
        indices,
        start: if columns.relative { start_of(options) } else { Time::EPOCH },
        options,
        unnamed: if columns.queue.is_some() { 0 } else { queue_id(&mut tasks, &file, options) },
    };
    let header = std::mem::take(&mut table.header);
    while let Some(record) = table.records.next()? {
        tasks.log.rows += 1;
        if !is_whole(&record, header.len(), &mut tasks.problems) {
            continue;
        }
        if !cells.is_finished(&record) {
            tasks.log.note(NoteKind::Unfinished, record.line);
            continue;
        }
        if cells.is_step(&record) {
            tasks.log.note(NoteKind::PartialRecord, record.line);
            continue;
        }
        match cells.task(&record, &mut tasks) {
            Ok(task) if task.duration == Duration::ZERO && cells.was_cancelled(&record) => {
                tasks.log.note(NoteKind::Cancelled, record.line);
            }
            Ok(task) => tasks.push(task, record.line),
            Err((column, BadCell::Empty)) => {
                let submitted = column == cells.indices.submitted;
                let kind = if submitted { NoteKind::NotSubmitted } else { NoteKind::NeverRan };
                tasks.log.note(kind, record.line);
            }
            Err((column, why)) => {
                let found = record.field(column);
                let hint = match why {
                    BadCell::NotANumber if text::date_time(found).is_ok() => {
                        "for such times state `unit=text`, in a scenario `times = \"text\"`"
                    }
                    BadCell::NotANumber if text::length(found).is_ok() => {
                        "for such durations state `duration_unit=text`"
                    }
                    BadCell::NotALength if text::decimal(found, 0).is_ok() => {
                        "for numbers state `duration_unit` as s, ms or us"
                    }
                    BadCell::TooLarge => cells.finer(column),
                    BadCell::NotAName if found.is_empty() => {
                        "`import --queue` says which queue such tasks are of"
                    }
                    _ => "",
                };
                tasks.problems.cell(record.line, &header[column], found, why, hint);
            }
        }
    }
    note_line_end(&mut tasks, &table.records);
    if columns.relative {
        note_relative(&mut tasks, options);
    }
    tasks.finish(&file, Format::TaskTable)
}
