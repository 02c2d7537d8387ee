//! A worker type of a scenario: the engine's keys, how its workers behave, and its tasks.

use provisioner_engine::units::Duration;
use provisioner_files::engine::{self, duration, some_time};
use provisioner_sim::config::{ClaimOrder, IdleStop, WorkerModel};

use super::delay::delay;
use super::tasks::{TasksDoc, tasks};
use crate::file::{Section, Variant, kind};

/// A worker type as it is written.
pub(crate) struct WorkerTypeDoc {
    pub(crate) engine: engine::WorkerTypeDoc,
    pub(crate) workers: WorkerModel,
    pub(crate) tasks: TasksDoc,
}

const ILL: &str =
    "assumed: none, or rare as in a healthy pool where everything happens that happens";

pub(super) fn worker_type(s: &mut Section<'_>, base: &WorkerModel) -> WorkerTypeDoc {
    let engine = engine::worker_type(s);
    let workers = s.section("workers", "How its workers behave.", |s| workers(s, base));
    let tasks = tasks(s);
    engine::cross_check(s, &engine);
    WorkerTypeDoc { engine, workers, tasks }
}

fn workers(s: &mut Section<'_>, base: &WorkerModel) -> WorkerModel {
    let probability = || kind::float().within(0.0..=1.0);
    let hazard = || kind::float().within(0.0..=100.0);
    let orders = [
        ("random-poll", ClaimOrder::RandomPoll),
        ("last-idled", ClaimOrder::LastIdled),
        ("longest-idle", ClaimOrder::LongestIdle),
    ];
    let after_timeout = |_: &mut Section<'_>| IdleStop::AfterTimeout;
    let before_hour_ends = |s: &mut Section<'_>| {
        let margin = kind::duration().within(Duration::SECOND..=Duration::from_mins(59));
        let doc = "How long before the end of the hour it stops.";
        let source = "assumed; cf. docker-worker's `shutdown.minimumCycleSeconds`";
        IdleStop::BeforeHourEnds(s.defaulted("margin", margin, doc, Duration::from_mins(2), source))
    };
    let idle_stops = [
        Variant::new("after-timeout", "At once.", &after_timeout),
        Variant::new(
            "before-hour-ends",
            "Shortly before the next instance-hour begins, which is paid for anyway.",
            &before_hour_ends,
        ),
    ];
    WorkerModel {
        boot: delay(
            s,
            "boot",
            "From EC2's state `running` to the first claim.",
            &base.boot,
            "assumed: a Linux image on today's hosts claims within a minute",
        ),
        claim_order: s.defaulted(
            "claim_order",
            kind::choice(&orders),
            "Which idle worker claims next; it can halve or double the launches.",
            base.claim_order,
            "Taskcluster's workers poll the queue independently",
        ),
        idle_stop: s.variant(
            "idle_stop",
            "When a worker that was idle for `idle_timeout` stops.",
            &idle_stops,
            None,
            Some(("\"after-timeout\"", "billing by the second, since 2017-10")),
        ),
        between_tasks: s.defaulted(
            "between_tasks",
            duration(),
            "From the end of a task to the next claim.",
            base.between_tasks,
            "part of the recorded durations",
        ),
        uptime_max: s.optional(
            "uptime_max",
            some_time(),
            "A worker claims nothing more after this time and stops when it is done.",
        ),
        asks: s.optional(
            "asks",
            some_time(),
            "An idle worker asks this often whether it should stop; it never does if left out.",
        ),
        never_registers: s.defaulted(
            "never_registers",
            probability(),
            "Chance that an instance boots and its worker never registers.",
            base.never_registers,
            ILL,
        ),
        never_claims: s.defaulted(
            "never_claims",
            probability(),
            "Chance that a worker registers and never claims a task.",
            base.never_claims,
            "assumed; `failureRate` of Taskcluster's own simulator",
        ),
        ignores_idle: s.defaulted(
            "ignores_idle",
            probability(),
            "Chance that a worker ignores its idle timeout.",
            base.ignores_idle,
            ILL,
        ),
        hang_hazard: s.defaulted(
            "hang_hazard",
            hazard(),
            "Workers that hang, an hour of being up: they neither finish nor claim, and stay.",
            base.hang_hazard,
            ILL,
        ),
        death_hazard: s.defaulted(
            "death_hazard",
            hazard(),
            "Workers that die, an hour of being up: their instance shuts down, and nobody is told \
             of the tasks.",
            base.death_hazard,
            ILL,
        ),
    }
}
