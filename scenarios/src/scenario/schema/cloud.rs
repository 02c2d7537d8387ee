//! How EC2 behaves, with the defaults of the market's regime.

use provisioner_engine::units::Duration;
use provisioner_files::engine::{duration, some_time};
use provisioner_sim::billing::{BillingRule, Refund, Reread};
use provisioner_sim::config::{CloudModel, Regime};
use provisioner_sim::dist::DurationDist;

use super::api::api;
use super::delay::delay;
use super::{At, lifecycle};
use crate::file::{Section, kind};

const ANSWER: &str = "fitted: RunInstances answers in seconds; a spot request of 2011-2017 was \
                      evaluated about every minute, and some took half an hour";
const PENDING: &str = "fitted to public notes of 2011-2019, with tails of twenty minutes";
const BILLED: &str = "EC2 User Guide, \"Billing for interrupted Spot Instances\"; AWS What's New, \
                      2017-10-02";

/// How much of EC2's own behaviour a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Plain,
    Full,
}

pub(super) fn behaviour(s: &mut Section<'_>) -> Behaviour {
    s.defaulted(
        "behaviour",
        kind::choice(&[("plain", Behaviour::Plain), ("full", Behaviour::Full)]),
        "Whether the other defaults are those of an EC2 that does what it is asked (\"plain\"), or \
         of one that also fails, forgets and refuses as the real one does (\"full\").",
        Behaviour::Plain,
        "what one measures about a policy should first be about the policy",
    )
}

/// EC2 as it is written.
pub(crate) struct CloudDoc {
    /// Its `launch.not_offered` is empty still.
    pub(crate) model: CloudModel,
    pub(crate) not_offered: At<Vec<String>>,
    pub(crate) observation_lag: DurationDist,
}

pub(super) fn cloud(s: &mut Section<'_>, regime: Regime, behaviour: Behaviour) -> CloudDoc {
    let base = match behaviour {
        Behaviour::Plain => CloudModel::plain(regime),
        Behaviour::Full => CloudModel::full(regime),
    };
    let probability = || kind::float().within(0.0..=1.0);
    let (launch, not_offered) =
        s.section("launch", "How launches fail.", |s| lifecycle::launch(s, &base.launch));
    let model = CloudModel {
        regime,
        api: s.section("api", "How EC2 answers calls.", |s| api(s, &base.api)),
        answer: delay(
            s,
            "answer",
            "From the launch call, or the spot request, to an instance or a refusal.",
            &base.answer,
            ANSWER,
        ),
        request_valid_for: s.optional(
            "request_valid_for",
            some_time(),
            "From a spot request to its `ValidUntil`: one that still waits then has expired \
             (`schedule-expired`; only in the bid era do requests wait). If left out, none expires: \
             `request_timeout` is shorter than EC2's own end (EC2 API, RequestSpotInstances: none \
             until 2017, seven days since).",
        ),
        pending_to_running: delay(
            s,
            "pending_to_running",
            "From EC2's state `pending` to `running`.",
            &base.pending_to_running,
            PENDING,
        ),
        terminate_call: delay(
            s,
            "terminate_call",
            "From the order to end an instance, and the last look at its worker, until EC2 carries \
             it out: the worker may claim meanwhile.",
            &base.terminate_call,
            "none if plain; assumed to take as long as a launch call (daemonology ec2-boot-bench, \
             2021: 1.5 s)",
        ),
        termination: delay(
            s,
            "termination",
            "From then to `terminated`; billing stops at the beginning.",
            &base.termination,
            "assumed: Linux images shut down within a minute or two",
        ),
        termination_gpu: delay(
            s,
            "termination_gpu",
            "The same for machines with GPUs, families G and P.",
            &base.termination_gpu,
            "bottlerocket-os/bottlerocket-test-system#337, aws/karpenter-provider-aws#7019: more \
             than five minutes",
        ),
        termination_metal: delay(
            s,
            "termination_metal",
            "The same for bare metal.",
            &base.termination_metal,
            "hashicorp/packer-plugin-amazon#682: c5.metal took more than 19 minutes",
        ),
        notice_lead: s.defaulted(
            "notice_lead",
            duration(),
            "From the interruption notice to the end.",
            base.notice_lead,
            "EC2 User Guide, \"Spot Instance interruption notices\": two minutes since 2015-01",
        ),
        notice_missing: s.defaulted(
            "notice_missing",
            probability(),
            "Chance that a worker never sees the notice.",
            base.notice_missing,
            "assumed: notices are best effort, and polled for",
        ),
        interruption_hazard: s.defaulted(
            "interruption_hazard",
            kind::float().within(0.0..=10.0),
            "Interruptions per instance-hour, besides those by price and by availability.",
            base.interruption_hazard,
            "AWS Spot Instance Advisor, the class of 10-15 % a month; none by chance in the bid era",
        ),
        listing: s.section("listing", "How it tells of instances.", |s| {
            super::listing::listing(s, &base.listing)
        }),
        interruption: s.section(
            "interruption",
            "How EC2 takes spot instances back, and says so.",
            |s| lifecycle::interruption(s, &base.interruption),
        ),
        launch,
        quotas: s.section("quotas", "What the account may have at once, in each region.", |s| {
            lifecycle::quotas(s, base.quotas)
        }),
        spot_billing: s.section("spot_billing", "How spot instances are billed.", |s| {
            let units = units(s, base.spot_billing);
            spot_billing(s, units)
        }),
        on_demand_billing: s.section(
            "on_demand_billing",
            "How on-demand instances are billed, at the price of their start.",
            |s| units(s, base.on_demand_billing),
        ),
    };
    let observation_lag = delay(
        s,
        "observation_lag",
        "How long facts about instances and prices take to reach the engine.",
        &DurationDist::Constant(Duration::ZERO),
        "a provisioner that hears at once; EC2's describe calls lag by seconds",
    );
    CloudDoc { model, not_offered, observation_lag }
}

/// For which time a stay is billed.
fn units(s: &mut Section<'_>, rule: BillingRule) -> BillingRule {
    let quantum = kind::duration().within(Duration::SECOND..=Duration::DAY);
    let minimum = kind::duration().within(..=Duration::DAY);
    BillingRule {
        quantum: s.defaulted(
            "quantum",
            quantum,
            "Stays are rounded up to a multiple of this.",
            rule.quantum,
            BILLED,
        ),
        minimum: s.defaulted(
            "minimum",
            minimum,
            "Stays are billed at least this long.",
            rule.minimum,
            BILLED,
        ),
        ..rule
    }
}

/// What only spot instances know: prices that change, and ends that are not ours.
fn spot_billing(s: &mut Section<'_>, rule: BillingRule) -> BillingRule {
    let rereads = [("each-hour", Reread::EachHour), ("continuous", Reread::Continuous)];
    let refunds = [
        ("last-partial-hour", Refund::LastPartialHour),
        ("first-hour", Refund::FirstHour),
        ("nothing", Refund::Nothing),
    ];
    BillingRule {
        reread: s.defaulted(
            "reread",
            kind::choice(&rereads),
            "When the price of a running instance is read again.",
            rule.reread,
            BILLED,
        ),
        refund: s.defaulted(
            "refund",
            kind::choice(&refunds),
            "What EC2 refunds when it ends the stay.",
            rule.refund,
            BILLED,
        ),
        ..rule
    }
}
