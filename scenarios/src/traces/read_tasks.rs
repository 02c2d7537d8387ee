//! Readers of recorded task queues.
//!
//! - *Firefox CI* (`firefox-ci.<queue>.dat`): records of 8 bytes, big-endian u32 creation offset
//!   and u32 duration, both ms. Offsets count from [`Options::start`].
//! - *SWF*: 18 columns of whole numbers, −1 for unknown; `;` comments, of which `UnixStartTime`
//!   and `Queue` are used. Jobs without submission or run time, jobs cancelled before they ran and
//!   partial records (status 2 to 4) are left out and counted; failed jobs ran, and stay.
//!   Source: D. Feitelson, "The Standard Workload Format", Parallel Workloads Archive.
//! - *Tables*: which column is what is told by [`TaskColumns`], or known from the header for the
//!   tables in [`known_columns`].
//!
//! A task without a queue of its own is in the queue [`Options::queue`], or named like the file.

use std::collections::BTreeMap;

use provisioner_engine::units::{Duration, Time};
use provisioner_sim::input::{Priority, RETRIES_DEFAULT};

use super::availability::start_of;
use super::error::{Place, Problems, TraceError};
use super::findings::NoteKind;
use super::format::stem;
use super::source::{Record, Records, Source, Table, is_whole};
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
    /// `2024-11-15 16:57:50` and the like; only for times.
    Text,
}

/// The columns of a table with this header, if it is one of the known ones: the canonical
/// `submitted_ms,duration_ms[,queue][,priority][,deadline_ms][,retries]`, SURF's `submit_ms`,
/// Firefox CI's `submit,start,end`, buildbot's `request,start,end`, Alibaba's `gmt_create` and
/// `creation_time`.
pub(super) fn known_columns(header: &[String]) -> Option<TaskColumns> {
    let find = |name: &str| header.iter().any(|h| h == name).then(|| name.to_owned());
    let duration = |name: &str, unit| find(name).map(|name| Run::Duration(name, unit));
    let start_end = |start: &str, end: &str| Some(Run::StartEnd(find(start)?, find(end)?));
    let plain = |submitted: &str, run: Option<Run>, times: Unit, queue: &str| {
        Some(TaskColumns {
            submitted: find(submitted)?,
            run: run?,
            times,
            relative: false,
            queue: find(queue),
            priority: None,
            deadline: None,
            retries: None,
            finished: None,
        })
    };
    let finished = |column: &str, values: &[&str]| {
        find(column).map(|column| (column, values.iter().map(|&v| v.to_owned()).collect()))
    };
    let ours = plain(
        "submitted_ms",
        duration("duration_ms", Unit::Millis),
        Unit::Millis,
        "queue",
    );
    let ours = ours.map(|ours| TaskColumns {
        priority: find("priority"),
        deadline: find("deadline_ms"),
        retries: find("retries"),
        ..ours
    });
    let surf = || {
        plain(
            "submit_ms",
            duration("duration_ms", Unit::Millis),
            Unit::Millis,
            "queue",
        )
    };
    let treeherder = || {
        plain(
            "submit",
            start_end("start", "end"),
            Unit::Seconds,
            "platform",
        )
    };
    let buildbot = || {
        plain(
            "request",
            start_end("start", "end"),
            Unit::Seconds,
            "platform",
        )
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
        Some(TaskColumns {
            relative: true,
            ..openb
        })
    };
    ours.or_else(surf)
        .or_else(treeherder)
        .or_else(buildbot)
        .or_else(lora)
        .or_else(openb)
}

fn queue_of(name: &str, options: &Options) -> String {
    let stem = stem(name);
    let short = stem.strip_prefix("firefox-ci.").unwrap_or(stem);
    let short = short.rsplit_once('.').map_or(short, |(short, _)| short);
    let known = if short.is_empty() { "tasks" } else { short };
    options.queue.clone().unwrap_or_else(|| known.to_owned())
}

pub(super) fn firefox_ci(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let bytes = source.read_all()?;
    let mut tasks = TaskBuilder::new(&file, options);
    tasks.log.relative = true;
    if bytes
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
    {
        let what = "this is text; records of 8 binary bytes are expected";
        tasks.problems.add(
            Place::Byte(0),
            what,
            "state another format, or fetch the file again",
        );
    }
    let (records, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        let what = format_args!("the last record has {} of 8 bytes", rest.len());
        let at = Place::Byte((bytes.len() - rest.len()) as u64);
        tasks
            .problems
            .add(at, what, "the file is truncated; fetch it again");
    }
    let start = start_of(options);
    let queue = queue_id(&mut tasks, &file, options);
    for record in records {
        let [offset, duration] = [[0, 1, 2, 3], [4, 5, 6, 7]]
            .map(|at| i64::from(u32::from_be_bytes(at.map(|byte: usize| record[byte]))));
        tasks.log.rows += 1;
        tasks.push(
            plain_task(start + Duration::from_ms(offset), duration, queue),
            tasks.log.rows,
        );
    }
    note_relative(&mut tasks, options);
    tasks.finish(&file, Format::FirefoxCi)
}

fn plain_task(submitted: Time, duration_ms: i64, queue: u32) -> TaskRow {
    TaskRow {
        submitted,
        duration: Duration::from_ms(duration_ms),
        deadline: Time::MAX,
        queue,
        priority: Priority::default(),
        retries: RETRIES_DEFAULT,
    }
}

/// The id of the queue of tasks that name none.
fn queue_id(tasks: &mut TaskBuilder, file: &str, options: &Options) -> u32 {
    let queue = queue_of(file, options);
    tasks.queue(queue.as_bytes()).unwrap_or_else(|why| {
        tasks.problems.add(
            Place::File,
            format_args!("{why}: {queue:?}"),
            "state the queue's name",
        );
        0
    })
}

fn note_relative(tasks: &mut TaskBuilder, options: &Options) {
    if options.start.is_none() {
        tasks.log.note_many(NoteKind::RelativeTime, tasks.log.rows);
    }
}

const SWF_COLUMNS: [&str; 18] = [
    "job",
    "submit",
    "wait",
    "run",
    "procs",
    "cpu",
    "memory",
    "procs wanted",
    "time wanted",
    "memory wanted",
    "status",
    "user",
    "group",
    "application",
    "queue",
    "partition",
    "preceding job",
    "think time",
];

pub(super) fn swf(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let mut lines = source.records(0);
    let mut tasks = TaskBuilder::new(&file, options);
    let mut header = SwfHeader {
        start: options.start,
        queues: BTreeMap::new(),
    };
    let unnamed = queue_of(&file, options);
    while let Some(record) = lines.next()? {
        let (line, text) = (record.line, record.field(0).trim_ascii());
        if let Some(comment) = text.strip_prefix(b";") {
            header.read(&String::from_utf8_lossy(comment));
            continue;
        }
        tasks.log.rows += 1;
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        let fields: Vec<_> = text
            .split(is_space)
            .filter(|field| !field.is_empty())
            .collect();
        if fields.len() != SWF_COLUMNS.len() || record.len() != 1 {
            let what = format_args!("the line has {} of 18 columns", fields.len());
            tasks
                .problems
                .add(Place::Line(line), what, "it may be cut, or this is no SWF");
            continue;
        }
        // In thousandths, as some logs have fractions of seconds.
        let mut number = |column: usize| {
            let why = match text::decimal(fields[column], 3) {
                Ok((-1_000, _)) => return Some(None),
                Ok((value @ 0.., _)) => return Some(Some(value)),
                Ok(_) => BadCell::Negative,
                Err(why) => why,
            };
            let hint = "SWF has numbers that are not negative, and -1 for unknown";
            tasks
                .problems
                .cell(line, SWF_COLUMNS[column], fields[column], why, hint);
            None
        };
        let numbers = (number(1), number(3), number(10), number(14));
        let (Some(submit), Some(run), Some(status), Some(queue)) = numbers else {
            continue;
        };
        let (submit, run) = match (submit, run, status) {
            (_, _, Some(2_000..=4_000)) => {
                tasks.log.note(NoteKind::PartialRecord, line);
                continue;
            }
            (None, _, _) => {
                tasks.log.note(NoteKind::NotSubmitted, line);
                continue;
            }
            (_, None | Some(0), Some(5_000)) => {
                tasks.log.note(NoteKind::Cancelled, line);
                continue;
            }
            (_, None, _) => {
                tasks.log.note(NoteKind::NeverRan, line);
                continue;
            }
            (Some(submit), Some(run), _) => (submit, run),
        };
        let Some(start) = header.start else {
            return Err(tasks.problems.fatal(
                Place::Line(line),
                "the header does not say when the log starts",
                "add `; UnixStartTime: SECONDS` before the first job, or state the start",
            ));
        };
        let name = queue.map_or_else(|| unnamed.clone(), |queue| header.queue_name(queue / 1_000));
        match tasks.queue(name.as_bytes()) {
            Ok(queue) => {
                let submitted = start.saturating_add(Duration::from_ms(submit));
                tasks.push(plain_task(submitted, run, queue), line);
            }
            Err(why) => tasks.problems.cell(line, "queue", name.as_bytes(), why, ""),
        }
    }
    note_line_end(&mut tasks, &lines);
    tasks.finish(&file, Format::Swf)
}

/// What the comments of an SWF file say.
struct SwfHeader {
    start: Option<Time>,
    queues: BTreeMap<i64, String>,
}

impl SwfHeader {
    fn read(&mut self, comment: &str) {
        let Some((key, value)) = comment.split_once(':') else {
            return;
        };
        match key.trim() {
            "UnixStartTime" => {
                let seconds = text::decimal(value.trim().as_bytes(), 3).ok();
                let stated = seconds.map(|(ms, _)| Time::from_ms(ms));
                self.start = self.start.or(stated);
            }
            "Queue" => {
                let (number, name) = value
                    .trim()
                    .split_once(char::is_whitespace)
                    .unwrap_or_default();
                if let Ok(number) = number.parse() {
                    self.queues.insert(number, name.trim().to_owned());
                }
            }
            _ => {}
        }
    }

    fn queue_name(&self, number: i64) -> String {
        let named = self.queues.get(&number).filter(|name| !name.is_empty());
        named.cloned().unwrap_or_else(|| format!("queue-{number}"))
    }
}

fn note_line_end(tasks: &mut TaskBuilder, records: &Records<'_>) {
    if !records.ends_with_line_end() {
        tasks.log.note(NoteKind::NoLineEnd, records.lines_read());
    }
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
        let submitted = find(&columns.submitted)?;
        Some(Self {
            submitted,
            run,
            queue,
            priority,
            deadline,
            retries,
            finished,
        })
    }
}

/// A cell that cannot be read: its column, and why.
type Refused = (usize, BadCell);

/// How the cells of one table are read.
struct Cells<'a> {
    columns: &'a TaskColumns,
    indices: Indices,
    start: Time,
    utc_offset: Option<Duration>,
    unnamed: u32,
}

impl Cells<'_> {
    /// A time, and the note it deserves. Times before 1970 and offsets before the start are
    /// refused as negative.
    #[inline]
    fn time(&self, cell: &[u8]) -> Result<(Time, Option<NoteKind>), BadCell> {
        let (ms, rounded) = match self.columns.times {
            Unit::Millis => text::decimal(cell, 0)?,
            Unit::Seconds => text::decimal(cell, 3)?,
            Unit::Text => {
                let (time, says_offset) = text::date_time(cell)?;
                let local = if says_offset {
                    Duration::ZERO
                } else {
                    self.utc_offset.unwrap_or_default()
                };
                let unstated = !says_offset && self.utc_offset.is_none();
                return Ok((time - local, unstated.then_some(NoteKind::LocalTime)));
            }
        };
        if ms < 0 {
            return Err(BadCell::Negative);
        }
        let time = self.start.saturating_add(Duration::from_ms(ms));
        Ok((time, rounded.then_some(NoteKind::RoundedTime)))
    }

    /// The task in a record; `None` where it is left out, which is noted.
    #[inline]
    fn task(
        &self,
        record: &Record<'_>,
        tasks: &mut TaskBuilder,
    ) -> Result<Option<TaskRow>, Refused> {
        let line = record.line;
        let read_time = |tasks: &mut TaskBuilder, column: usize| {
            let (time, note) = self
                .time(record.field(column))
                .map_err(|why| (column, why))?;
            if let Some(kind) = note {
                tasks.log.note(kind, line);
            }
            Ok(time)
        };
        let left_out = self.left_out(record);
        if let Some(kind) = left_out {
            tasks.log.note(kind, line);
            return Ok(None);
        }
        let submitted = read_time(tasks, self.indices.submitted)?;
        let duration = match self.indices.run {
            RunIndices::Duration(column, unit) => {
                let places = if unit == Unit::Millis { 0 } else { 3 };
                match text::decimal(record.field(column), places).map_err(|why| (column, why))? {
                    (ms, _) if ms < 0 => return Err((column, BadCell::Negative)),
                    (ms, rounded) => {
                        if rounded {
                            tasks.log.note(NoteKind::RoundedTime, line);
                        }
                        Duration::from_ms(ms)
                    }
                }
            }
            RunIndices::StartEnd(start, end) => {
                let (started, ended) = (read_time(tasks, start)?, read_time(tasks, end)?);
                if ended < started {
                    return Err((end, BadCell::EndsBeforeStart));
                }
                if started < submitted {
                    tasks.log.note(NoteKind::StartedEarly, line);
                }
                ended - started
            }
        };
        let mut task = plain_task(submitted, duration.ms(), self.unnamed);
        if let Some(column) = self.indices.queue {
            task.queue = tasks
                .queue(record.field(column))
                .map_err(|why| (column, why))?;
        }
        if let Some(column) = self.indices.priority {
            task.priority = text::priority(record.field(column)).map_err(|why| (column, why))?;
        }
        let filled =
            |column: Option<usize>| column.filter(|column| !record.field(*column).is_empty());
        if let Some(column) = filled(self.indices.deadline) {
            task.deadline = read_time(tasks, column)?;
        }
        if let Some(column) = filled(self.indices.retries) {
            let retries = text::whole(record.field(column)).map_err(|why| (column, why))?;
            task.retries = u8::try_from(retries).map_err(|_| (column, BadCell::TooLarge))?;
        }
        Ok(Some(task))
    }

    /// Why a whole record gives no task, if it does not.
    #[inline]
    fn left_out(&self, record: &Record<'_>) -> Option<NoteKind> {
        if let (Some(column), Some((_, values))) = (self.indices.finished, &self.columns.finished)
            && !values
                .iter()
                .any(|value| value.as_bytes() == record.field(column))
        {
            return Some(NoteKind::Unfinished);
        }
        if record.field(self.indices.submitted).is_empty() {
            return Some(NoteKind::NotSubmitted);
        }
        let never_ran = match self.indices.run {
            RunIndices::Duration(column, _) => record.field(column).is_empty(),
            RunIndices::StartEnd(start, end) => {
                record.field(start).is_empty() || record.field(end).is_empty()
            }
        };
        never_ran.then_some(NoteKind::NeverRan)
    }
}

pub(super) fn table(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let mut tasks = TaskBuilder::new(&file, options);
    let mut table = Table::open(source)?;
    let Some(columns) = options
        .columns
        .clone()
        .or_else(|| known_columns(&table.header))
    else {
        return Err(tasks.problems.fatal(
            Place::Line(1),
            format_args!(
                "no known task table has the columns {}",
                table.header.join(", ")
            ),
            "say which column is the submission, the duration and so on",
        ));
    };
    let Some(indices) = Indices::find(&columns, &table, &mut tasks.problems) else {
        return tasks.finish(&file, Format::TaskTable);
    };
    tasks.log.relative = columns.relative;
    let cells = Cells {
        columns: &columns,
        indices,
        start: if columns.relative {
            start_of(options)
        } else {
            Time::EPOCH
        },
        utc_offset: options.utc_offset,
        unnamed: if columns.queue.is_some() {
            0
        } else {
            queue_id(&mut tasks, &file, options)
        },
    };
    let header = std::mem::take(&mut table.header);
    while let Some(record) = table.records.next()? {
        tasks.log.rows += 1;
        if !is_whole(&record, header.len(), &mut tasks.problems) {
            continue;
        }
        match cells.task(&record, &mut tasks) {
            Ok(Some(task)) => tasks.push(task, record.line),
            Ok(None) => {}
            Err((column, why)) => {
                let found = record.field(column);
                tasks
                    .problems
                    .cell(record.line, &header[column], found, why, "");
            }
        }
    }
    note_line_end(&mut tasks, &table.records);
    if columns.relative {
        note_relative(&mut tasks, options);
    }
    tasks.finish(&file, Format::TaskTable)
}
