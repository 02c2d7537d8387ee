//! What a worker type's queue gets.

use std::path::PathBuf;

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::units::{Duration, Time};
use provisioner_files::engine::{At, duration, report_check, some_time};
use provisioner_sim::generate::tasks::{Arrivals, Batches, Bursts, TaskModel};
use provisioner_sim::input::{Priority, RETRIES_DEFAULT, Task};

use super::delay::{delay, delay_required};
use crate::file::{Issue, Section, Variant, kind};
use crate::traces::{Format, Run, TaskColumns, Unit};

/// Where tasks come from.
pub(crate) enum TasksDoc {
    Generated(TaskModel),
    Recorded(Box<RecordedTasksDoc>),
    Listed(Vec<BatchDoc>),
}

/// Equal tasks at stated times.
pub(crate) struct BatchDoc {
    at: Duration,
    number: u32,
    spacing: Duration,
    duration: Duration,
    retries: u8,
}

impl BatchDoc {
    /// The tasks of that worker type in a run that starts then.
    pub(crate) fn tasks(
        &self,
        worker_type: WorkerTypeId,
        start: Time,
    ) -> impl Iterator<Item = Task> + use<> {
        let Self { at, number, spacing, duration, retries } = *self;
        let first = start.saturating_add(at);
        (0..i64::from(number)).map(move |nth| Task {
            submitted: first.saturating_add(spacing * nth),
            duration,
            deadline: Time::MAX,
            worker_type,
            priority: Priority::default(),
            retries,
        })
    }
}

/// A recorded task queue.
pub(crate) struct RecordedTasksDoc {
    pub(crate) file: At<PathBuf>,
    pub(crate) format: Option<Format>,
    pub(crate) columns: Option<TaskColumns>,
    pub(crate) queue: Option<At<String>>,
    pub(crate) replay_from: Option<At<Time>>,
    pub(crate) utc_offset: Duration,
}

const PRESET: &str = "that of the preset";

pub(super) fn tasks(s: &mut Section<'_>) -> TasksDoc {
    let generated = |s: &mut Section<'_>| {
        let presets = [
            ("firefox-builds", TaskModel::firefox_builds()),
            ("firefox-tests", TaskModel::firefox_tests()),
            ("research-cluster", TaskModel::research_cluster()),
        ];
        let preset = s.defaulted(
            "preset",
            kind::choice(&presets),
            "What the other keys are when they are left out: builds or tests of Firefox CI (2020), \
             or jobs of a research cluster (SURF, 2022).",
            TaskModel::default(),
            "builds: the liveliest of the recorded queues",
        );
        let model = TaskModel {
            arrivals: arrivals(s, &preset.arrivals),
            durations: delay(
                s,
                "durations",
                "How long tasks run on a worker of utility 1.",
                &preset.durations,
                PRESET,
            ),
            ..fate(s, preset)
        };
        report_check(s, None, model.check());
        TasksDoc::Generated(model)
    };
    let poisson = |s: &mut Section<'_>| {
        let rate = s.required("tasks_per_hour", kind::float(), "Mean rate.");
        let durations = delay_required(s, "durations", "How long tasks run.");
        let model = fate(s, TaskModel::poisson(rate, durations));
        report_check(s, None, model.check());
        TasksDoc::Generated(model)
    };
    let recorded = |s: &mut Section<'_>| TasksDoc::Recorded(Box::new(recorded(s)));
    let listed = |s: &mut Section<'_>| {
        let doc = "Equal tasks that come together, or one after the other.";
        TasksDoc::Listed(s.sections("batches", doc, batch))
    };
    let variants = [
        Variant::new("generated", "Batches, days, bursts and long tasks.", &generated),
        Variant::new("listed", "Tasks at stated times.", &listed),
        Variant::new("poisson", "One at a time at a constant rate, for queueing theory.", &poisson),
        Variant::new("recorded", "A recorded queue.", &recorded),
    ];
    s.variant("tasks", "What the queue gets.", &variants, None, None)
}

fn batch(s: &mut Section<'_>) -> BatchDoc {
    BatchDoc {
        at: s.defaulted(
            "at",
            duration(),
            "When the first one comes, counted from the start of the run.",
            Duration::ZERO,
            "at the start",
        ),
        number: s.defaulted(
            "number",
            kind::integer().within(1..=1_000_000),
            "How many there are.",
            1,
            "a single task",
        ),
        spacing: s.defaulted(
            "spacing",
            duration(),
            "Time from one to the next.",
            Duration::ZERO,
            "all at once",
        ),
        duration: s.required("duration", some_time(), "How long each runs."),
        retries: s.defaulted(
            "retries",
            kind::integer(),
            "How often a task may be run again after its worker was lost.",
            RETRIES_DEFAULT,
            "Taskcluster's default",
        ),
    }
}

fn arrivals(s: &mut Section<'_>, preset: &Arrivals) -> Arrivals {
    let mut number = |key, doc, default| s.defaulted(key, kind::float(), doc, default, PRESET);
    Arrivals {
        tasks_per_hour: number("tasks_per_hour", "Mean over a whole week.", preset.tasks_per_hour),
        diurnal_factor: number(
            "diurnal_factor",
            "Rate at the busiest time of day over that at the quietest, half a day later.",
            preset.diurnal_factor,
        ),
        peak_hour: number(
            "peak_hour",
            "The busiest time of day, in hours after midnight UTC.",
            preset.peak_hour,
        ),
        weekend_factor: number(
            "weekend_factor",
            "Rate on Saturdays and Sundays over that on other days.",
            preset.weekend_factor,
        ),
        bursts: s.section("bursts", "How the rate varies beyond that.", |s| Bursts {
            sigma: s.defaulted(
                "sigma",
                kind::float(),
                "Standard deviation of the logarithm of the burst level; 0 for none.",
                preset.bursts.sigma,
                PRESET,
            ),
            hold: s.defaulted(
                "hold",
                some_time(),
                "How long a level holds on average.",
                preset.bursts.hold,
                PRESET,
            ),
        }),
        batches: s
            .section("batches", "How many tasks come together.", |s| batches(s, &preset.batches)),
    }
}

fn batches(s: &mut Section<'_>, preset: &Batches) -> Batches {
    let mut number = |key, doc, default| s.defaulted(key, kind::float(), doc, default, PRESET);
    Batches {
        alone: number("alone", "Share of the batches that are of a single task.", preset.alone),
        median: number("median", "Median of the number of others in a batch.", preset.median),
        sigma: number("sigma", "Standard deviation of its logarithm.", preset.sigma),
        max: s.defaulted("max", kind::integer(), "The largest batch.", preset.max, PRESET),
        spacing: s.defaulted(
            "spacing",
            duration(),
            "Mean time between two tasks of a batch.",
            preset.spacing,
            PRESET,
        ),
    }
}

/// What becomes of tasks that wait or fail.
fn fate(s: &mut Section<'_>, preset: TaskModel) -> TaskModel {
    let deadline = s.optional(
        "deadline",
        some_time(),
        "How long after its submission a task is given up; never if left out.",
    );
    let retries = s.defaulted(
        "retries",
        kind::integer(),
        "How often a task may be run again after its worker was lost.",
        preset.retries,
        "Taskcluster's default",
    );
    TaskModel { deadline, retries, ..preset }
}

fn recorded(s: &mut Section<'_>) -> RecordedTasksDoc {
    let file = s.required(
        "file",
        kind::path(),
        "What Taskcluster's queue says, a table with named columns, SWF, Firefox CI records, or what \
         `provisioner import` wrote; also as .gz and .zst.",
    );
    let format = s.optional(
        "format",
        kind::choice(&Format::TASKS.map(|format| (format.id(), format))),
        "What the file is, if its name and content do not tell.",
    );
    let doc = "Which column of a table is what, if it is none of the known tables.";
    let columns = s.optional_section("columns", doc, columns);
    let queue = s.optional("queue", kind::text(), "Only the tasks of this queue in the file.");
    let replay_from = s.optional(
        "replay_from",
        kind::time(),
        "The time in the recording that is taken for the start of the run; without it, times are \
         taken as they were recorded. Recordings that count from their own beginning begin with \
         the run.",
    );
    RecordedTasksDoc {
        file: At { value: file, place: s.place("file") },
        format,
        columns,
        queue: queue.map(|value| At { value, place: s.place("queue") }),
        replay_from: replay_from.map(|value| At { value, place: s.place("replay_from") }),
        utc_offset: super::market::utc_offset(s),
    }
}

fn columns(s: &mut Section<'_>) -> TaskColumns {
    let units =
        [("s", Unit::Seconds), ("ms", Unit::Millis), ("us", Unit::Micros), ("text", Unit::Text)];
    let doc = "The column that says when a task entered the queue.";
    let submitted = s.required("submitted", kind::text(), doc);
    let doc = "The column that says how long it ran; or `start` and `end`.";
    let duration = s.optional("duration", kind::text(), doc);
    let doc = "How durations are written: seconds, milliseconds, microseconds, or text as `00:10:05` \
               or `1-02:03:04`.";
    let unit = s.defaulted("duration_unit", kind::choice(&units), doc, Unit::Seconds, "usual");
    let start = s.optional("start", kind::text(), "The column that says when it began to run.");
    let end = s.optional("end", kind::text(), "The column that says when it ended.");
    let run = match (duration, start, end) {
        (Some(duration), None, None) => Run::Duration(duration, unit),
        (None, Some(start), Some(end)) => Run::StartEnd(start, end),
        (duration, ..) => {
            if s.is_sound() {
                let what = "[columns] does not say in one way how long tasks ran";
                let issue = Issue::new(what, s.here());
                s.report(issue.hint("name either `duration`, or both `start` and `end`"));
            }
            Run::Duration(duration.unwrap_or_default(), unit)
        }
    };
    let doc = "How times are written: seconds, milliseconds or microseconds since 1970, or a date \
               and time.";
    let times = s.defaulted("times", kind::choice(&units), doc, Unit::Seconds, "usual");
    let doc = "Whether times count from the beginning of the recording.";
    let relative = s.defaulted("relative", kind::boolean(), doc, false, "usual");
    if relative && times == Unit::Text {
        let what = "[columns] has dates as times, which count from nothing else";
        let issue = Issue::new(what, s.place("relative"));
        s.report(issue.hint("leave out `relative`, or say in `times` which numbers they are"));
    }
    TaskColumns {
        submitted,
        run,
        times,
        relative,
        header: s.defaulted(
            "header",
            kind::boolean(),
            "Whether the first line says how the columns are called; if not, they are called `\"1\"`, \
             `\"2\"` and so on.",
            true,
            "usual",
        ),
        queue: s.optional("queue", kind::text(), "The column with the queue's name."),
        priority: s.optional(
            "priority",
            kind::text(),
            "The column with Taskcluster's name of the priority; empty for the lowest.",
        ),
        deadline: s.optional(
            "deadline",
            kind::text(),
            "The column that says when it is given up; empty for never.",
        ),
        retries: s.optional(
            "retries",
            kind::text(),
            "The column that says how often it may be run again; empty for Taskcluster's default.",
        ),
        finished: s.optional_section(
            "finished",
            "Which tasks finished; others are left out.",
            |s| {
                let column =
                    s.required("column", kind::text(), "The column with the task's state.");
                let doc = "The states that mean finished.";
                (column, s.required("values", kind::list(kind::text()), doc))
            },
        ),
        job: None,
        state: None,
    }
}
