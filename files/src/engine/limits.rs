//! `[engine]`: what holds for all worker types together.

use provisioner_engine::units::Duration;
use provisioner_engine::worker_type::Limits;

use super::kinds::{SPAN_MAX, some_price};
use super::spend::spend;
use crate::file::{Section, kind};

/// The keys of `[engine]` but for its guards.
pub fn limits(s: &mut Section<'_>) -> Limits {
    let default = Limits::default();
    Limits {
        iteration_interval: s.defaulted(
            "iteration_interval",
            kind::duration().within(Duration::SECOND..=Duration::DAY),
            "Time from one iteration to the next.",
            default.iteration_interval,
            "both predecessors took about a minute",
        ),
        launches_per_decision_max: s.defaulted(
            "launches_per_decision_max",
            kind::integer().within(1..),
            "Most launches of one iteration; the rest follow in the next.",
            default.launches_per_decision_max,
            "keeps a spike from spending the whole allowance of EC2 calls at once",
        ),
        demand_stale_after: s.defaulted(
            "demand_stale_after",
            kind::duration().within(Duration::SECOND..=SPAN_MAX),
            "Counts of tasks older than this freeze scaling: unknown is never zero.",
            default.demand_stale_after,
            "ten iterations",
        ),
        max_price_cap: s.defaulted(
            "max_price_cap",
            some_price(),
            "No max price above this is ever offered, whatever a policy computes.",
            default.max_price_cap,
            "taskcluster/aws-provisioner, lib/worker-type.js, 2017-05",
        ),
        launches_per_call_max: s.defaulted(
            "launches_per_call_max",
            kind::integer().within(1..=1_000),
            "Most instances that one launch call asks for.",
            default.launches_per_call_max,
            "EC2 advises several calls of a hundred rather than one of five hundred",
        ),
        spend: spend(s),
        spend_ends_within: s.defaulted(
            "spend_ends_within",
            kind::duration().within(Duration::ZERO..=Duration::HOUR),
            "What is ended for a day's ceiling has ended this long after its order, calls that wait \
             for their turn apart: so long before the money would be spent the order is given.",
            default.spend_ends_within,
            "an iteration and a call; EC2 bills nothing from `shutting-down` on",
        ),
    }
}
