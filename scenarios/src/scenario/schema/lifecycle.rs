//! How EC2 fails, refuses, warns and takes back, with the defaults of the market's regime and of the
//! cloud's behaviour.

use provisioner_engine::ids::PoolId;
use provisioner_files::engine::duration;
use provisioner_sim::ec2::interruption::InterruptionModel;
use provisioner_sim::ec2::launch::LaunchModel;
use provisioner_sim::ec2::quota::{QuotaClass, QuotaModel};
use std::collections::BTreeMap;

use super::At;
use super::delay::delay;
use crate::file::{Kind, Section, kind};

const NOTICE: &str = "EC2 User Guide, \"Spot Instance interruption notices\": metadata is polled every \
                      five seconds; runs-on/runs-on#277 first read one 108 s before the end";
const BEST_EFFORT: &str = "assumed: notices are best effort; aws/aws-node-termination-handler#141";
const REBALANCE: &str = "aws/aws-node-termination-handler#141: of 15 notices 9 had a recommendation \
                         before, of 30 recommendations 9 had a notice after";
const BURST: &str = "Spot-and-Scoot 2026 (68 types, 15 regions, 2,635 kills): of two kills in a pool \
                     92 % fall within three minutes; in the bid era the price decides";

fn probability() -> Kind<f64> {
    kind::float().within(0.0..=1.0)
}

pub(super) fn interruption(s: &mut Section<'_>, base: &InterruptionModel) -> InterruptionModel {
    InterruptionModel {
        tie_kill: s.defaulted(
            "tie_kill",
            probability(),
            "Chance that an instance is taken back when the market price comes to equal its max \
             price.",
            base.tie_kill,
            "EC2 User Guide, 2018-02: at equality any may end, with \
             `instance-terminated-capacity-oversubscribed`; how many is assumed",
        ),
        burst: s.defaulted(
            "burst",
            probability(),
            "Chance that another instance of the pool goes with one that is taken back by chance. \
             The hazard of each stays what `interruption_hazard` says; 0 makes each end its own.",
            base.burst,
            BURST,
        ),
        burst_within: s.defaulted(
            "burst_within",
            duration(),
            "Within how long they go.",
            base.burst_within,
            BURST,
        ),
        dry_after_burst: delay(
            s,
            "dry_after_burst",
            "How long the pool has no spot instance to give after such an event.",
            &base.dry_after_burst,
            "SkyPilot spot traces of 2022 and 2023: gaps have medians of 0.4 to 0.7 h; the spread \
             is assumed",
        ),
        notice_seen_after: delay(
            s,
            "notice_seen_after",
            "From the notice until the worker sees it, and the provisioner hears of it.",
            &base.notice_seen_after,
            NOTICE,
        ),
        notice_late: s.defaulted(
            "notice_late",
            probability(),
            "Chance that a notice is late, by `notice_late_by`.",
            base.notice_late,
            BEST_EFFORT,
        ),
        notice_late_by: delay(
            s,
            "notice_late_by",
            "How late it is then. One that is later than the end counts as `notice_after_death`.",
            &base.notice_late_by,
            "assumed: anything within the two minutes",
        ),
        notice_duplicated: s.defaulted(
            "notice_duplicated",
            probability(),
            "Chance that the provisioner hears of a notice twice.",
            base.notice_duplicated,
            "assumed: EventBridge delivers at least once",
        ),
        notice_duplicated_after: delay(
            s,
            "notice_duplicated_after",
            "How much later it hears of it again, even after the end.",
            &base.notice_duplicated_after,
            "assumed: within minutes",
        ),
        notice_after_death: s.defaulted(
            "notice_after_death",
            probability(),
            "Chance that the worker never sees the notice and the provisioner hears of it after \
             the end.",
            base.notice_after_death,
            BEST_EFFORT,
        ),
        rebalance_before_kill: s.defaulted(
            "rebalance_before_kill",
            probability(),
            "Chance that a rebalance recommendation precedes an interruption that is not by price.",
            base.rebalance_before_kill,
            REBALANCE,
        ),
        kill_after_rebalance: s.defaulted(
            "kill_after_rebalance",
            kind::float().within(0.01..=1.0),
            "Share of the recommendations that an interruption follows. The others come at random, \
             in proportion to `interruption_hazard`.",
            base.kill_after_rebalance,
            REBALANCE,
        ),
        rebalance_lead: delay(
            s,
            "rebalance_lead",
            "From the recommendation to the interruption, where that is by chance; otherwise they \
             come together.",
            &base.rebalance_lead,
            "aws/aws-node-termination-handler#141: 17 min to 8 h 42 min; the form is assumed",
        ),
    }
}

/// The model, and the names of the pools that are not offered.
pub(super) fn launch(s: &mut Section<'_>, base: &LaunchModel) -> (LaunchModel, At<Vec<String>>) {
    let model = LaunchModel {
        early_death: s.defaulted(
            "early_death",
            probability(),
            "Chance that an instance goes from `pending` to `terminated`, with \
             `Server.InternalError`, after its id was given.",
            base.early_death,
            "assumed; EC2 User Guide, \"Troubleshoot instance launch issues\"",
        ),
        early_death_after: delay(
            s,
            "early_death_after",
            "How long that takes, and how long an instance lives that a limit on volumes kills.",
            &base.early_death_after,
            "assumed: seconds to a minute",
        ),
        not_offered: Vec::<PoolId>::new(),
    };
    let not_offered = s.defaulted(
        "not_offered",
        kind::list(kind::text()),
        "Pools, as \"c5.large/us-east-1e\", whose zone does not offer the instance type although \
         the catalogue lists it: launches are refused with `Unsupported`.",
        Vec::new(),
        "what is listed is offered",
    );
    (model, At { value: not_offered, place: s.place("not_offered") })
}

pub(super) fn quotas(s: &mut Section<'_>, base: QuotaModel) -> QuotaModel {
    let spot_instances = s.optional(
        "spot_instances",
        kind::integer(),
        "Spot instances and open requests in a region. If left out: no quota; 20 if the behaviour \
         is \"full\" and the regime \"outbid\" (EC2 User Guide of 2014 and 2018-02).",
    );
    let spot = "Virtual CPUs of running spot instances and open requests in a region, by class of \
                family (EC2 User Guide, \"Spot Instance quotas\").";
    let on_demand = "Virtual CPUs of on-demand instances in a region, by class of family.";
    QuotaModel {
        spot_instances: spot_instances.or(base.spot_instances),
        spot_vcpus: s.section("spot_vcpus", spot, |s| classes(s, base.spot_vcpus)),
        on_demand_vcpus: s
            .section("on_demand_vcpus", on_demand, |s| classes(s, base.on_demand_vcpus)),
        release_lag: delay(
            s,
            "release_lag",
            "From `terminated` until an instance no longer counts.",
            &base.release_lag,
            "assumed; EC2 Developer Guide, \"Eventual consistency\": they count for a while",
        ),
    }
}

fn classes(s: &mut Section<'_>, mut base: BTreeMap<QuotaClass, u32>) -> BTreeMap<QuotaClass, u32> {
    for class in QuotaClass::ALL {
        let doc = match class {
            QuotaClass::Standard => {
                "Families A, C, D, H, I, M, R, T and Z. If left out, here as for the others: no \
                 quota; 10,000 if the behaviour is \"full\" and the regime \"capacity\" (assumed: an \
                 account in normal use; new ones may have 5)."
            }
            QuotaClass::Dl => "Family DL.",
            QuotaClass::F => "Family F.",
            QuotaClass::G => "Families G and VT.",
            QuotaClass::Inf => "Family Inf.",
            QuotaClass::P => "Family P.",
            QuotaClass::Trn => "Family Trn.",
            QuotaClass::X => "Family X.",
        };
        base.extend(s.optional(class.name(), kind::integer(), doc).map(|quota| (class, quota)));
    }
    base
}
