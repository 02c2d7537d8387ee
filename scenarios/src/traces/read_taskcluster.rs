//! Reader of what Taskcluster's queue says about tasks: any number of JSON documents in one file.
//!
//! - Pages of `listTaskGroup`: `{"taskGroupId", "tasks": [{"status", "task"}], "continuationToken"}`.
//! - Answers of `status`, and messages of Pulse's task exchanges: `{"status": …}`.
//!
//! A task that comes again (a message for each of its steps, pages that overlap) counts once, by
//! its latest state. Each run is a row. A run that replaces one whose worker was lost (`retry`)
//! is the same task: it was submitted when the first run was scheduled, and took as long as the
//! last one ran; the simulator has losses of its own. Runs that somebody or the task itself asked
//! for (`rerun`, `task-retry`) are tasks of their own. What ended as an exception while it ran,
//! such as by cancellation, kept its worker so long, and stays.
//!
//! Source: Taskcluster's `services/queue/schemas/v1`: `task-status`, `list-task-group-response`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use provisioner_engine::units::{Duration, Time};
use serde::Deserialize;

use super::error::{Place, TraceError};
use super::findings::NoteKind;
use super::json::{Lines, documents, json_text};
use super::read_tasks::plain_task;
use super::source::Source;
use super::tasks::TaskBuilder;
use super::text::{self, BadCell};
use super::{Format, Imported, Options};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow, default)]
    tasks: Option<Vec<Entry<'a>>>,
    #[serde(borrow, default)]
    status: Option<Status<'a>>,
    #[serde(default)]
    continuation_token: Option<String>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    status: Status<'a>,
    #[serde(borrow, default)]
    task: Definition<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    task_id: Cow<'a, str>,
    #[serde(borrow)]
    provisioner_id: Cow<'a, str>,
    #[serde(borrow)]
    worker_type: Cow<'a, str>,
    #[serde(borrow)]
    deadline: Cow<'a, str>,
    #[serde(borrow)]
    runs: Vec<Run<'a>>,
}

/// What is used of a task's definition.
#[derive(Default, Deserialize)]
struct Definition<'a> {
    #[serde(borrow, default)]
    priority: Cow<'a, str>,
    #[serde(default)]
    retries: Option<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    #[serde(borrow)]
    state: Cow<'a, str>,
    #[serde(borrow)]
    reason_created: Cow<'a, str>,
    #[serde(borrow, default)]
    reason_resolved: Cow<'a, str>,
    #[serde(borrow)]
    scheduled: Cow<'a, str>,
    #[serde(borrow, default)]
    started: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resolved: Option<Cow<'a, str>>,
}

/// A task as it was last told.
struct Told<'a> {
    status: Status<'a>,
    definition: Definition<'a>,
    line: u64,
}

impl Told<'_> {
    /// How far the task has come.
    fn progress(&self) -> (usize, bool, bool) {
        let last = self.status.runs.last();
        let has = |time: fn(&Run<'_>) -> bool| last.is_some_and(time);
        (
            self.status.runs.len(),
            has(|run| run.resolved.is_some()),
            has(|run| run.started.is_some()),
        )
    }
}

pub(super) fn read(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let text = json_text(source)?;
    let mut tasks = TaskBuilder::new(&file, options);
    let mut lines = Lines::of(&text);
    let (mut told, mut by_id) = (Vec::<Told<'_>>::new(), BTreeMap::new());
    let mut more = false;
    for document in documents::<Document<'_>>(&text, "what Taskcluster's queue answers") {
        let (start, document) = match document {
            Ok(document) => document,
            Err((place, what, hint)) => return Err(tasks.problems.fatal(place, what, hint)),
        };
        more = document.continuation_token.is_some_and(|token| !token.is_empty());
        let single = document.status.map(|status| Entry { status, task: Definition::default() });
        let entries = match (document.tasks, single) {
            (None, None) => {
                let hint = "answers of `listTaskGroup` and `status` and Pulse's messages have one";
                tasks.problems.add(
                    Place::Line(lines.at(start)),
                    "there is neither `tasks` nor `status`",
                    hint,
                );
                continue;
            }
            (Some(entries), _) => entries,
            (None, Some(entry)) => vec![entry],
        };
        if entries.is_empty() {
            tasks.log.note(NoteKind::EmptyList, lines.at(start));
        }
        for Entry { status, task } in entries {
            let line = lines.line_of(&status.task_id);
            let now = Told { status, definition: task, line };
            match by_id.get(now.status.task_id.as_ref()) {
                None => {
                    by_id.insert(now.status.task_id.to_string(), told.len());
                    told.push(now);
                }
                Some(&index) => {
                    tasks.log.note(NoteKind::ToldAgain, line);
                    let before: &mut Told<'_> = &mut told[index];
                    if now.progress() >= before.progress() {
                        *before = now;
                    }
                }
            }
        }
    }
    if more {
        tasks.log.note(NoteKind::MorePages, lines.at(text.len()));
    }
    for task in &told {
        add(&mut tasks, task);
    }
    tasks.finish(&file, Format::Taskcluster)
}

/// Adds the tasks that a task's runs are.
fn add(tasks: &mut TaskBuilder, told: &Told<'_>) {
    let Told { status, definition, line } = told;
    tasks.log.rows += status.runs.len().max(1) as u64;
    if status.runs.is_empty() {
        tasks.log.note(NoteKind::NotSubmitted, *line);
    }
    for chain in status.runs.chunk_by(|_, next| next.reason_created == "retry") {
        let (first, last) = (&chain[0], &chain[chain.len() - 1]);
        tasks.log.note_many(NoteKind::LostRun, chain.len() as u64 - 1);
        match (&last.started, &last.resolved) {
            (Some(started), Some(resolved)) => {
                if last.state == "exception" {
                    tasks.log.note(NoteKind::EndedAsException, *line);
                }
                let ran = (first.scheduled.as_ref(), started.as_ref(), resolved.as_ref());
                if let Err((column, found, why)) = push(tasks, status, definition, ran, *line) {
                    tasks.problems.cell(*line, column, found.as_bytes(), why, "");
                }
            }
            (None, Some(_)) if last.reason_resolved == "canceled" => {
                tasks.log.note(NoteKind::Cancelled, *line);
            }
            (None, Some(_)) => tasks.log.note(NoteKind::NeverRan, *line),
            (_, None) => tasks.log.note(NoteKind::Unfinished, *line),
        }
    }
}

/// A field that cannot be read: its name, what it says, and why.
type Refused = (&'static str, String, BadCell);

fn push(
    tasks: &mut TaskBuilder,
    status: &Status<'_>,
    definition: &Definition<'_>,
    (scheduled, started, resolved): (&str, &str, &str),
    line: u64,
) -> Result<(), Refused> {
    let time = |name, found: &str| match text::date_time(found.as_bytes()) {
        Ok((time, _)) => Ok::<Time, Refused>(time),
        Err(why) => Err((name, found.to_owned(), why)),
    };
    let submitted = time("scheduled", scheduled)?;
    let (started, ended) = (time("started", started)?, time("resolved", resolved)?);
    if ended < started {
        return Err(("resolved", resolved.to_owned(), BadCell::EndsBeforeStart));
    }
    let duration: Duration = text::duration(ended.since(started).ms())
        .map_err(|why| ("resolved", resolved.to_owned(), why))?;
    let queue = format!("{}/{}", status.provisioner_id, status.worker_type);
    let queue = tasks.queue(queue.as_bytes()).map_err(|why| ("workerType", queue, why))?;
    let mut task = plain_task(submitted, duration, queue);
    task.deadline = time("deadline", &status.deadline)?;
    task.priority = text::priority(definition.priority.as_bytes())
        .map_err(|why| ("priority", definition.priority.to_string(), why))?;
    task.retries = definition.retries.unwrap_or(task.retries);
    tasks.push(task, line);
    Ok(())
}
