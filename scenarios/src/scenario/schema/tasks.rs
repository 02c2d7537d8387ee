//! What a worker type's queue gets.

use std::path::PathBuf;

use provisioner_engine::units::{Duration, Time};
use provisioner_sim::generate::tasks::{Arrivals, Batches, Bursts, TaskModel};

use super::delay::{delay, delay_required, duration, some_time};
use super::{At, report_check};
use crate::file::{Section, Variant, kind};

/// Where tasks come from.
pub(crate) enum TasksDoc {
    Generated(TaskModel),
    Recorded(RecordedTasksDoc),
}

/// A recorded task queue.
pub(crate) struct RecordedTasksDoc {
    pub(crate) file: At<PathBuf>,
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
            "Mozilla's CI, from which the words of this program come",
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
    let recorded = |s: &mut Section<'_>| TasksDoc::Recorded(recorded(s));
    let variants = [
        Variant::new("generated", "Batches, days, bursts and long tasks.", &generated),
        Variant::new("poisson", "One at a time at a constant rate, for queueing theory.", &poisson),
        Variant::new("recorded", "A recorded queue.", &recorded),
    ];
    s.variant("tasks", "What the queue gets.", &variants, None, None)
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
        "Firefox CI records, SWF, a table with named columns, or what `provisioner import` wrote; \
         also as .gz and .zst.",
    );
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
        queue: queue.map(|value| At { value, place: s.place("queue") }),
        replay_from: replay_from.map(|value| At { value, place: s.place("replay_from") }),
        utc_offset: super::market::utc_offset(s),
    }
}
