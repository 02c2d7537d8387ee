//! Readers of recorded task queues.
//!
//! - *Firefox CI* (`firefox-ci.<queue>.dat`): records of 8 bytes, big-endian u32 creation offset
//!   and u32 duration, both ms. Offsets count from [`Options::start`].
//! - *SWF*: 18 columns of whole numbers, −1 for unknown; `;` comments, of which `UnixStartTime`
//!   and `Queue` are used. Jobs without submission or run time, jobs cancelled before they ran and
//!   partial records (status 2 to 4) are left out and counted; failed jobs ran, and stay.
//!   Source: D. Feitelson, "The Standard Workload Format", Parallel Workloads Archive.
//! - Tables: see [`read_task_table`](super::read_task_table).
//!
//! A task without a queue of its own is in the queue [`Options::queue`], or named like the file.

use std::collections::BTreeMap;

use provisioner_engine::units::{Duration, Time};
use provisioner_sim::input::{Priority, RETRIES_DEFAULT};

use super::availability::start_of;
use super::error::{Place, TraceError};
use super::findings::NoteKind;
use super::format::{is_text, stem};
use super::source::{Records, Source};
use super::tasks::{TaskBuilder, TaskRow};
use super::text::{self, BadCell};
use super::{Format, Imported, Options};

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
    if is_text(&bytes) {
        let what = "this is text; records of 8 binary bytes are expected";
        tasks.problems.add(Place::Byte(0), what, "state another format, or fetch the file again");
    }
    let (records, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        let what = format_args!("the last record has {} of 8 bytes", rest.len());
        let at = Place::Byte((bytes.len() - rest.len()) as u64);
        tasks.problems.add(at, what, "the file is truncated; fetch it again");
    }
    let start = start_of(options);
    let queue = queue_id(&mut tasks, &file, options);
    for record in records {
        let [offset, duration] = [[0, 1, 2, 3], [4, 5, 6, 7]]
            .map(|at| i64::from(u32::from_be_bytes(at.map(|byte: usize| record[byte]))));
        tasks.log.rows += 1;
        tasks.push(
            plain_task(
                start.saturating_add(Duration::from_ms(offset)),
                Duration::from_ms(duration),
                queue,
            ),
            tasks.log.rows,
        );
    }
    note_relative(&mut tasks, options);
    tasks.finish(&file, Format::FirefoxCi)
}

pub(super) fn plain_task(submitted: Time, duration: Duration, queue: u32) -> TaskRow {
    TaskRow {
        submitted,
        duration,
        deadline: Time::MAX,
        queue,
        priority: Priority::default(),
        retries: RETRIES_DEFAULT,
    }
}

/// The id of the queue of tasks that name none.
pub(super) fn queue_id(tasks: &mut TaskBuilder, file: &str, options: &Options) -> u32 {
    let queue = queue_of(file, options);
    tasks.queue(queue.as_bytes()).unwrap_or_else(|why| {
        tasks.problems.add(Place::File, format_args!("{why}: {queue:?}"), "state the queue's name");
        0
    })
}

pub(super) fn note_relative(tasks: &mut TaskBuilder, options: &Options) {
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
    let mut lines = source.records(0)?;
    let mut tasks = TaskBuilder::new(&file, options);
    let mut header = SwfHeader { stated: options.start, said: None, queues: BTreeMap::new() };
    let unnamed = queue_of(&file, options);
    while let Some(record) = lines.next()? {
        let (line, text) = (record.line, record.field(0).trim_ascii());
        if let Some(comment) = text.strip_prefix(b";") {
            if let Err((what, hint)) = header.read(&String::from_utf8_lossy(comment)) {
                return Err(tasks.problems.fatal(Place::Line(line), what, hint));
            }
            continue;
        }
        tasks.log.rows += 1;
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        let fields: Vec<_> = text.split(is_space).filter(|field| !field.is_empty()).collect();
        if fields.len() != SWF_COLUMNS.len() || record.len() != 1 {
            let what = format_args!("the line has {} of 18 columns", fields.len());
            tasks.problems.add(Place::Line(line), what, "it may be cut, or this is no SWF");
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
            tasks.problems.cell(line, SWF_COLUMNS[column], fields[column], why, hint);
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
        let Some(start) = header.stated.or(header.said) else {
            return Err(tasks.problems.fatal(
                Place::Line(line),
                "the header does not say when the log starts",
                "add `; UnixStartTime: SECONDS` before the first job, or state the start",
            ));
        };
        let name = queue.map_or_else(|| unnamed.clone(), |queue| header.queue_name(queue / 1_000));
        let (submitted, run) = (text::after(start, submit), text::duration(run));
        match (submitted, run, tasks.queue(name.as_bytes())) {
            (Ok(at), Ok(run), Ok(queue)) => tasks.push(plain_task(at, run, queue), line),
            (Err(why), ..) => tasks.problems.cell(line, "submit", fields[1], why, ""),
            (_, Err(why), _) => tasks.problems.cell(line, "run", fields[3], why, ""),
            (.., Err(why)) => tasks.problems.cell(line, "queue", name.as_bytes(), why, ""),
        }
    }
    note_line_end(&mut tasks, &lines);
    tasks.finish(&file, Format::Swf)
}

/// What the comments of an SWF file say.
struct SwfHeader {
    /// As it was stated; that goes before what the file says.
    stated: Option<Time>,
    /// As the file says.
    said: Option<Time>,
    queues: BTreeMap<i64, String>,
}

impl SwfHeader {
    /// Takes a comment in; what is wrong with it, and what to do.
    fn read(&mut self, comment: &str) -> Result<(), (String, &'static str)> {
        let Some((key, value)) = comment.split_once(':') else {
            return Ok(());
        };
        match key.trim() {
            key if key.eq_ignore_ascii_case("UnixStartTime") => self.begin(value.trim())?,
            "Queue" => {
                let (number, name) =
                    value.trim().split_once(char::is_whitespace).unwrap_or_default();
                if let Ok(number) = number.parse() {
                    self.queues.insert(number, name.trim().to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, value: &str) -> Result<(), (String, &'static str)> {
        let seconds = value.split_whitespace().next().unwrap_or_default(); // a date may follow
        let read = match text::decimal(seconds.as_bytes(), 3) {
            Err(BadCell::Empty) | Ok((-1_000, _)) => return Ok(()), // not known
            Ok((ms, _)) => text::after(Time::EPOCH, ms).ok(),
            Err(_) => None,
        };
        let Some(start) = read else {
            let what = format!("`UnixStartTime` is `{value}`, not seconds since 1970");
            return Err((
                what,
                "mend it; -1 stands for unknown, and then the start has to be stated",
            ));
        };
        match self.said.replace(start) {
            Some(before) if before != start => {
                let (before, start) = (text::show_time(before), text::show_time(start));
                let what = format!("the log starts at {before}, and here again at {start}");
                Err((what, "these are several logs: import each from a file of its own"))
            }
            _ => Ok(()),
        }
    }

    fn queue_name(&self, number: i64) -> String {
        let named = self.queues.get(&number).filter(|name| !name.is_empty());
        named.cloned().unwrap_or_else(|| format!("queue-{number}"))
    }
}

pub(super) fn note_line_end(tasks: &mut TaskBuilder, records: &Records<'_>) {
    if !records.ends_with_line_end() {
        tasks.log.note(NoteKind::NoLineEnd, records.lines_read());
    }
}
