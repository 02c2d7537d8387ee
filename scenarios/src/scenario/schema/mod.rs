//! What a scenario file can say: every key, its default and where that comes from.
//!
//! The result is what was written, with the places of what can only be checked against inputs.
//! Not here: files named in it and how its parts fit together (see `resolve`).

mod api;
mod checks;
mod cloud;
pub(super) mod delay;
mod faults;
mod feed;
mod lifecycle;
mod listing;
mod market;
mod process;
mod queue;
mod tasks;
mod worker_type;

use provisioner_engine::guards::Guards;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::Limits;
use provisioner_files::engine;
pub(super) use provisioner_files::engine::At;
use provisioner_sim::config::process::ProcessModel;
use provisioner_sim::config::{QueueModel, Regime, WorkerModel};

pub(super) use self::cloud::{Behaviour, CloudDoc};
pub(super) use self::faults::{FaultDoc, WhatDoc};
pub(super) use self::market::{
    AvailabilityDoc, MarketDoc, PricesDoc, RecordedAvailabilityDoc, RecordedPricesDoc,
};
pub(super) use self::tasks::{RecordedTasksDoc, TasksDoc};
pub(super) use self::worker_type::WorkerTypeDoc;
use super::checks::Check;
use super::protection::Protection;
use crate::file::{Issue, Section, kind};

/// A scenario file as it is written.
pub(super) struct Document {
    pub(super) name: Option<String>,
    pub(super) description: String,
    pub(super) seed: Seed,
    pub(super) span: Span,
    pub(super) limits: Limits,
    pub(super) guards: Guards,
    pub(super) market: MarketDoc,
    pub(super) cloud: CloudDoc,
    pub(super) queue: QueueModel,
    pub(super) process: ProcessModel,
    /// By name.
    pub(super) faults: Vec<(String, FaultDoc)>,
    /// By name.
    pub(super) worker_types: Vec<(String, WorkerTypeDoc)>,
    pub(super) checks: Vec<Check>,
    /// What its accident is about.
    pub(super) without: Vec<Protection>,
}

/// When a run happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: Time,
    pub(super) end: Time,
    pub(super) warmup: Duration,
    pub(super) drain: Duration,
    pub(super) calm_from: Option<Time>,
}

impl Span {
    /// When the last unfinished task is given up.
    pub(super) fn last(&self) -> Time {
        self.end.saturating_add(self.drain)
    }
}

/// Keys that name a run, say where it starts from, or judge it; the scenario is the same whatever
/// they say.
pub(super) const KEYS_BESIDE_THE_SCENARIO: [&str; 5] =
    ["base", "name", "description", "seed", "checks"];

/// The key by which a file takes over what another says.
pub(crate) const BASE: &str = "base";

/// The longest run.
const LENGTH_MAX: Duration = Duration::from_hours(20 * 366 * 24);

/// What many defaults depend on.
pub(super) type Setting = (Regime, Behaviour);

/// Reads a scenario file. `described` is for documentation: the setting whose defaults are told.
pub(super) fn document(s: &mut Section<'_>, described: Option<Setting>) -> Document {
    let doc = "A scenario file that holds where this one says nothing: sections are joined key by \
               key; lists, and values with several forms, are replaced as a whole.";
    s.optional(BASE, kind::path(), doc);
    let name =
        s.optional("name", kind::words(), "What reports call it; the file's name if left out.");
    let description = s.optional("description", kind::words(), "What it is about.");
    let seed = s.defaulted("seed", kind::integer(), "The origin of all chance.", 1, "any will do");
    let span = s.section("time", "When the run happens.", span);
    let (limits, guards) = s.section("engine", "What holds for all worker types together.", |s| {
        (engine::limits(s), engine::guards(s))
    });
    let market = s.section("market", "What can be bought, where, and at what price.", |s| {
        let regime = market::regime(s);
        market::market(s, described.map_or(regime, |(regime, _)| regime))
    });
    let (cloud, behaviour) = s.section("cloud", "How EC2 behaves.", |s| {
        let behaviour = cloud::behaviour(s);
        let (regime, behaviour) = described.unwrap_or((market.regime, behaviour));
        (cloud::cloud(s, regime, behaviour), behaviour)
    });
    let (queue, workers) = match behaviour {
        Behaviour::Plain => (QueueModel::default(), WorkerModel::default()),
        Behaviour::Full => (QueueModel::full(), WorkerModel::full()),
    };
    let queue = s.section("queue", "How the task queue behaves.", |s| queue::queue(s, &queue));
    let doc = "The process in which the engine runs: how it dies and comes back.";
    let process = s.section("engine_process", doc, process::process);
    let faults = s.named(
        "faults",
        "What goes wrong at stated times, each under a name of its own.",
        |_, s| faults::fault(s),
    );
    let worker_types = s.named_with_defaults(
        ("worker_types", "worker_type_defaults"),
        (
            "Kinds of workers, each with its own queue, named `provisionerId/workerType`.",
            "Keys for all worker types that leave them out, joined like those of `base`.",
        ),
        |_, s| worker_type::worker_type(s, &workers),
    );
    let checks = checks::checks(s);
    let doc = "What happened to others that the scenario tells.";
    let without = s.section("incident", doc, |s| {
        let doc = "What protects us from it: `--as unguarded` lacks that. Names of guard rules, and \
                   `absence` (doubts about what listings lack), `settle` (of scaling `target`), `hold` \
                   (of placement `spread`), `spend` (ceilings), `clock_changes` (of floors).";
        let without = kind::list(kind::choice(Protection::ALL));
        s.defaulted("without", without, doc, Vec::new(), "it is about nothing that can be off")
    });
    if !s.says("worker_types") || (s.is_sound() && worker_types.is_empty()) {
        let issue = Issue::new("the scenario has no worker type", s.here());
        s.report(issue.hint("add a section [worker_types.\"proj/builds\"]"));
    }
    let description = description.unwrap_or_default();
    Document {
        name,
        description,
        seed: Seed(seed),
        span,
        limits,
        guards,
        market,
        cloud,
        queue,
        process,
        faults,
        worker_types,
        checks,
        without,
    }
}

fn span(s: &mut Section<'_>) -> Span {
    let start =
        s.required("start", kind::time(), "When the run begins; earlier tasks are left out.");
    let end = s.optional("end", kind::time(), "From when on tasks are left out.");
    let length = s.optional(
        "length",
        kind::duration().within(Duration::MINUTE..=LENGTH_MAX),
        "The same as a duration from `start`; either is needed.",
    );
    let warmup = s.defaulted(
        "warmup",
        engine::duration(),
        "Waits of tasks submitted this soon after `start` are not measured.",
        Duration::ZERO,
        "all are",
    );
    let drain = s.defaulted(
        "drain",
        engine::duration(),
        "How long after `end` unfinished work is waited for.",
        Duration::DAY,
        "longer than any backlog of a fleet that keeps up",
    );
    let calm_from = s.optional(
        "calm_from",
        engine::duration(),
        "From so long after `start` on nothing goes wrong any more, neither by chance nor as one of \
         [faults], pools have machines, and prices are as low as they ever were before: so one sees \
         how the fleet recovers.",
    );
    let calm_from = calm_from.map(|after| start.saturating_add(after));
    let given = match (end, length) {
        (None, Some(length)) => Some(start.saturating_add(length)),
        (end, None) => end,
        (Some(_), Some(_)) => {
            let issue = Issue::new("`end` and `length` say the same", s.place("length"));
            s.report(issue.hint("leave one of them out"));
            return Span { start, end: start, warmup, drain, calm_from };
        }
    };
    if !s.says("end") && !s.says("length") {
        let issue = Issue::new("missing key `end` or `length` in [time]", s.here());
        s.report(issue.hint("add for example length = \"7 d\""));
    }
    let end = given.unwrap_or(start);
    if s.is_sound() {
        let issue = if end <= start {
            let issue = Issue::new("`end` is not after `start`", s.place("end"));
            Some(issue.hint("write a later time, or for example length = \"7 d\""))
        } else if end.since(start) > LENGTH_MAX {
            let issue = Issue::new("the run is longer than 20 years", s.place("end"));
            Some(issue.hint("write an earlier time"))
        } else if end.since(start) <= warmup {
            let issue = Issue::new("`warmup` is as long as the run", s.place("warmup"));
            Some(issue.hint("no wait would be measured: shorten it"))
        } else {
            None
        };
        issue.into_iter().for_each(|issue| s.report(issue));
    }
    Span { start, end, warmup, drain, calm_from }
}
