//! How the process in which the engine runs dies and comes back.

use provisioner_files::engine::some_time;
use provisioner_sim::config::process::{CrashStep, ProcessModel};

use crate::file::{Section, Variant, kind};

const NEVER: &str = "never; a daemon that is deployed once a week restarts 0.006 times an hour";
const SUPERVISED: &str = "assumed: a supervisor starts it again, and it reads its store";
const STORE: &str = "assumed: replaying a hundred decisions takes less than a second";

pub(super) fn process(s: &mut Section<'_>) -> ProcessModel {
    let base = ProcessModel::default();
    ProcessModel {
        crash_rate: s.defaulted(
            "crash_rate",
            kind::float().within(0.0..=1_000.0),
            "Deaths of the engine's process per hour that it is up, each at a random step: between \
             iterations or in one, up to in the middle of its calls.",
            base.crash_rate,
            NEVER,
        ),
        downtime: s.defaulted(
            "downtime",
            some_time(),
            "From such a death to the restart, from snapshot and journal; what happens meanwhile \
             is not heard.",
            base.downtime,
            SUPERVISED,
        ),
        snapshot_every: s.defaulted(
            "snapshot_every",
            kind::integer().within(1..=1_000_000),
            "Decisions from one snapshot of the engine to the next.",
            base.snapshot_every,
            STORE,
        ),
    }
}

/// Where a process dies that dies at a stated time.
pub(super) fn crash_step(s: &mut Section<'_>) -> CrashStep {
    let between = |_: &mut Section<'_>| CrashStep::Between;
    let before_facts = |_: &mut Section<'_>| CrashStep::BeforeFacts;
    let after_facts = |_: &mut Section<'_>| CrashStep::AfterFacts;
    let after_decision = |_: &mut Section<'_>| CrashStep::AfterDecision;
    let after_orders = |s: &mut Section<'_>| {
        let orders = s.required("orders", kind::integer(), "So many; of all if there are fewer.");
        CrashStep::AfterOrders(orders)
    };
    let variants = [
        Variant::new("between", "At once, between iterations.", &between),
        Variant::new("before-facts", "As the next iteration begins.", &before_facts),
        Variant::new("after-facts", "When all facts are folded in.", &after_facts),
        Variant::new(
            "after-decision",
            "When it has decided and not written it down: the decision never was.",
            &after_decision,
        ),
        Variant::new(
            "after-orders",
            "When the decision is written down and so many of its orders are carried out, before \
             any answer.",
            &after_orders,
        ),
    ];
    s.variant("step", "Where in its work it dies.", &variants, None, None)
}
