//! What protects the engine from a lying cloud: a preset, and each rule for itself.

use provisioner_engine::guards::{
    Absence, ApiRule, BreakerRule, Bucket, Guards, IceRule, ListingRule, LossRule, Memory,
    RebalanceRule, Removed, ShareRule, StrayRule, Unanswered, ZombieRule,
};
use provisioner_engine::units::{Duration, Ratio};

use super::kinds::some_time;
use crate::file::{Kind, Section, ShortForm, Variant, kind};

const CHOSEN: &str = "chosen; see the incidents it is for";
const PRESET: &str = "as `guards` says";

/// The keys `guards` and `guard_rules` of `[engine]`.
pub fn guards(s: &mut Section<'_>) -> Guards {
    let presets = [("on", Guards::default()), ("off", Guards::off())];
    let preset = s.defaulted(
        "guards",
        kind::choice(&presets),
        "What protects from a lying cloud, a broken image or a bad day: everything, or nothing, as \
         in the predecessors. Single rules are set in [engine.guard_rules].",
        Guards::default(),
        "what others lacked is on",
    );
    s.section(
        "guard_rules",
        "Single rules of those: each `\"on\"`, `\"off\"`, or on with keys of its own.",
        |s| rules(s, preset),
    )
}

fn rules(s: &mut Section<'_>, preset: Guards) -> Guards {
    let unanswered = [("repeated", Unanswered::Repeated), ("forgotten", Unanswered::Forgotten)];
    let memory = [("durable", Memory::Durable), ("listed", Memory::Listed)];
    Guards {
        listing: rule(
            s,
            "listing",
            "Our instances are looked for by listing them, besides being told of them.",
            preset.listing.is_some(),
            &listing,
        ),
        removed: s.defaulted(
            "removed",
            kind::choice(&[("kept", Removed::Kept), ("killed", Removed::Killed)]),
            "Machines of a worker type that leaves the configuration live out their time, or are \
             killed.",
            preset.removed,
            PRESET,
        ),
        unanswered: s.defaulted(
            "unanswered",
            kind::choice(&unanswered),
            "A launch call that got no answer is repeated with the same client token, or counts \
             as failed and is forgotten.",
            preset.unanswered,
            PRESET,
        ),
        memory: s.defaulted(
            "memory",
            kind::choice(&memory),
            "A restart remembers everything, or what EC2 lists.",
            preset.memory,
            PRESET,
        ),
        strays: rule(
            s,
            "strays",
            "Instances that belong to no launch are adopted or ended.",
            preset.strays.is_some(),
            &strays,
        ),
        api: rule(
            s,
            "api",
            "EC2 calls are made within an allowance of our own, for each region and kind of call.",
            preset.api.is_some(),
            &api,
        ),
        ice: rule(
            s,
            "ice",
            "A pool has a budget of launches under way: it grows with each success, and a pool \
             that has no machine to give is left alone and probed.",
            preset.ice.is_some(),
            &ice,
        ),
        losses: rule(
            s,
            "losses",
            "A pool that takes back what it sold is avoided for a while.",
            preset.losses.is_some(),
            &losses,
        ),
        rebalance: rule(
            s,
            "rebalance",
            "Where EC2 recommends to leave a pool, others are tried first; nothing is ended.",
            preset.rebalance.is_some(),
            &rebalance,
        ),
        share: rule(
            s,
            "share",
            "One spot pool holds only a share of a worker type.",
            preset.share.is_some(),
            &share,
        ),
        quota_block: block(
            s,
            "quota_block",
            "How long a region is left alone after its quota was reached; then one launch probes \
             it.",
            preset.quota_block,
        ),
        unsupported_block: block(
            s,
            "unsupported_block",
            "How long a pool is left alone after its zone did not offer the instance type.",
            preset.unsupported_block,
        ),
        breaker: rule(
            s,
            "breaker",
            "What never becomes a worker is not bought again and again.",
            preset.breaker.is_some(),
            &breaker,
        ),
        recheck: s.defaulted(
            "recheck",
            kind::boolean(),
            "The queue is asked just before an instance is ended, and whoever holds a task is left \
             alone, but for the longest life and the ceilings on spending.",
            preset.recheck,
            PRESET,
        ),
        zombies: rule(
            s,
            "zombies",
            "Workers that stopped claiming are ended.",
            preset.zombies.is_some(),
            &zombies,
        ),
        prices_stale_after: block(
            s,
            "prices_stale_after",
            "Prices older than this are not bought by.",
            preset.prices_stale_after,
        ),
        price_ratio_max: price_ratio(s, preset.price_ratio_max),
    }
}

/// A factor that can be `"off"`.
fn price_ratio(s: &mut Section<'_>, preset: Option<Ratio>) -> Option<Ratio> {
    let off = |_: &mut Section<'_>| None;
    let variants = [Variant::new("off", "Every price is believed.", &off)];
    let factor = ShortForm::new(kind::ratio().within(Ratio::ONE..), Some);
    let doc = "A market price of nothing, or above this times the on-demand price, is a mistake of \
               the feed and not bought by. EC2 cut bids at ten times on-demand.";
    let default = preset.map_or("\"off\"".to_owned(), |preset| preset.to_string());
    s.variant("price_ratio_max", doc, &variants, Some(&factor), Some((&default, PRESET)))
}

/// A rule that can be off, or on with keys of its own.
fn rule<T>(
    s: &mut Section<'_>,
    key: &'static str,
    doc: &'static str,
    is_on: bool,
    keys: &dyn Fn(&mut Section<'_>) -> T,
) -> Option<T> {
    let on = |s: &mut Section<'_>| Some(keys(s));
    let off = |_: &mut Section<'_>| None;
    let variants =
        [Variant::new("on", "It holds.", &on), Variant::new("off", "It does not.", &off)];
    let default = if is_on { "\"on\"" } else { "\"off\"" };
    s.variant(key, doc, &variants, None, Some((default, PRESET)))
}

/// A duration that can be `"off"`.
fn block(
    s: &mut Section<'_>,
    key: &'static str,
    doc: &'static str,
    default: Option<Duration>,
) -> Option<Duration> {
    sourced_block(s, key, doc, default, PRESET)
}

/// The same, with a source of its own.
fn sourced_block(
    s: &mut Section<'_>,
    key: &'static str,
    doc: &'static str,
    default: Option<Duration>,
    source: &'static str,
) -> Option<Duration> {
    let off = |_: &mut Section<'_>| None;
    let variants = [Variant::new("off", "Never.", &off)];
    let duration = ShortForm::new(some_time(), Some);
    let default = default.map_or("off".to_owned(), |default| some_time().show(&default));
    let default = default.trim_matches('"');
    s.variant(key, doc, &variants, Some(&duration), Some((&format!("\"{default}\""), source)))
}

/// A duration of a rule.
fn time(
    s: &mut Section<'_>,
    key: &'static str,
    doc: &'static str,
    default: Duration,
    source: &'static str,
) -> Duration {
    s.defaulted(key, some_time(), doc, default, source)
}

/// A number of a rule, at least 1.
fn count(
    s: &mut Section<'_>,
    key: &'static str,
    doc: &'static str,
    default: u32,
    source: &'static str,
) -> u32 {
    s.defaulted(key, kind::integer().within(1..), doc, default, source)
}

fn share_of_one() -> Kind<Ratio> {
    kind::ratio().within(..=Ratio::ONE)
}

fn ice(s: &mut Section<'_>) -> IceRule {
    const KARPENTER: &str = "Karpenter leaves a pool alone for three minutes";
    let default = IceRule::default();
    let doc = "Launches that may be under way in a pool that nothing is known of; each instance \
               that it gives adds one.";
    IceRule {
        budget_first: count(s, "budget_first", doc, default.budget_first, CHOSEN),
        budget_max: count(s, "budget_max", "Most it grows to.", default.budget_max, CHOSEN),
        block_min: time(
            s,
            "block_min",
            "A pool that answers insufficient capacity is left alone this long, then probed by one \
             launch, then twice as long.",
            default.block_min,
            KARPENTER,
        ),
        block_max: time(
            s,
            "block_max",
            "The longest time between probes.",
            default.block_max,
            CHOSEN,
        ),
    }
}

fn losses(s: &mut Section<'_>) -> LossRule {
    let default = LossRule::default();
    LossRule {
        losses: count(
            s,
            "losses",
            "A pool is avoided after so many interruptions of instances not older than `within`.",
            default.losses,
            CHOSEN,
        ),
        within: time(s, "within", "How far back interruptions count.", default.within, CHOSEN),
        share: s.defaulted(
            "share",
            share_of_one(),
            "And only if they are at least this share of what the pool gave in that time.",
            default.share,
            CHOSEN,
        ),
        penalty: time(
            s,
            "penalty",
            "How long it is avoided; after each further offence twice as long. Then one launch tries \
             it: an instance that is lost within `within` is the next offence.",
            default.penalty,
            CHOSEN,
        ),
        penalty_max: time(
            s,
            "penalty_max",
            "The longest that it is avoided.",
            default.penalty_max,
            "what makes a pool scarce lasts for hours",
        ),
        forgotten_after: time(
            s,
            "forgotten_after",
            "Offences that are followed by none for so long are forgotten.",
            default.forgotten_after,
            "scarcity follows the hours of the day",
        ),
    }
}

fn rebalance(s: &mut Section<'_>) -> RebalanceRule {
    const NOISE: &str = "aws-node-termination-handler#141: nothing follows 7 of 10";
    let default = RebalanceRule::default();
    RebalanceRule {
        instances: count(
            s,
            "instances",
            "So many instances of a pool with a recommendation make it the last to be bought from.",
            default.instances,
            NOISE,
        ),
        within: time(s, "within", "How far back they count.", default.within, CHOSEN),
    }
}

fn share(s: &mut Section<'_>) -> ShareRule {
    let default = ShareRule::default();
    ShareRule {
        share_max: s.defaulted(
            "share_max",
            share_of_one(),
            "The largest share of live and wanted capacity in one pool; with fewer usable pools \
             than that needs, each may hold its part of everything.",
            default.share_max,
            "an outage of one pool leaves half of the fleet",
        ),
        floor: s.defaulted(
            "floor",
            kind::integer(),
            "So many units may always stand in one pool.",
            default.floor,
            CHOSEN,
        ),
    }
}

fn breaker(s: &mut Section<'_>) -> BreakerRule {
    let default = BreakerRule::default();
    BreakerRule {
        failures: count(
            s,
            "failures",
            "So many failed boots without a success stop the launches of a worker type, an image \
             or a region.",
            default.failures,
            "AWS ParallelCluster's protected mode: ten failures in a row",
        ),
        probe_min: time(
            s,
            "probe_min",
            "Then one launch probes it after this long, and after twice as long each time.",
            default.probe_min,
            CHOSEN,
        ),
        probe_max: time(s, "probe_max", "Most between two probes.", default.probe_max, CHOSEN),
        unproven_max: count(
            s,
            "unproven_max",
            "While nothing of a worker type or an image ever registered, so many launches of it \
             may be under way or booting.",
            default.unproven_max,
            "one launch call",
        ),
        boot_max: time(
            s,
            "boot_max",
            "An instance whose worker has not registered this long after it was given is a failed \
             boot and ended, unless `registration_timeout` is shorter.",
            default.boot_max,
            "30 minutes to run, and 12 for a Windows image to boot, were the slowest known",
        ),
    }
}

fn listing(s: &mut Section<'_>) -> ListingRule {
    const VISIBLE: &str = "EC2 Developer Guide, \"Eventual consistency\": minutes; aws-provisioner \
                           saw more than twenty in 2015";
    let default = ListingRule::default();
    ListingRule {
        interval: time(
            s,
            "interval",
            "Time from one listing of a region to the next.",
            default.interval,
            "each iteration",
        ),
        gone_after: time(
            s,
            "gone_after",
            "An instance that was listed is gone when it was missing for so long.",
            default.gone_after,
            VISIBLE,
        ),
        gone_after_listings: count(
            s,
            "gone_after_listings",
            "It is gone only if it was missing from more complete listings than this.",
            default.gone_after_listings,
            VISIBLE,
        ),
        unlisted_after: time(
            s,
            "unlisted_after",
            "An instance that was given and never listed is given up after this long.",
            default.unlisted_after,
            VISIBLE,
        ),
        stale_after: time(
            s,
            "stale_after",
            "Listings older than this are no evidence.",
            default.stale_after,
            CHOSEN,
        ),
        absence: s.defaulted(
            "absence",
            kind::choice(&[("doubted", Absence::Doubted), ("believed", Absence::Believed)]),
            "What is absent for so long is asked after first, or is gone at once.",
            default.absence,
            "worker-manager believes `InvalidInstanceID.NotFound`",
        ),
    }
}

fn strays(s: &mut Section<'_>) -> StrayRule {
    let default = StrayRule::default();
    StrayRule {
        patience: time(
            s,
            "patience",
            "They are ended after this long, unless they are adopted.",
            default.patience,
            CHOSEN,
        ),
        adopt: s.defaulted(
            "adopt",
            kind::boolean(),
            "Those whose worker type and pool are known are adopted.",
            default.adopt,
            CHOSEN,
        ),
    }
}

fn api(s: &mut Section<'_>) -> ApiRule {
    let default = ApiRule::default();
    let mut bucket = |key, doc, default: Bucket| s.section(key, doc, |s| bucket(s, default));
    ApiRule {
        launch: bucket("launch", "`RunInstances`, calls.", default.launch),
        launch_instances: bucket(
            "launch_instances",
            "`RunInstances`, instances.",
            default.launch_instances,
        ),
        terminate: bucket("terminate", "`TerminateInstances`, calls.", default.terminate),
        cancel: bucket("cancel", "`CancelSpotInstanceRequests`, calls.", default.cancel),
        list: bucket("list", "`DescribeInstances`, pages.", default.list),
        backoff_min: time(
            s,
            "backoff_min",
            "The first wait after a call was throttled or not answered; it doubles each time.",
            default.backoff_min,
            "the AWS SDKs' exponential backoff",
        ),
        backoff_max: time(
            s,
            "backoff_max",
            "The longest of these waits.",
            default.backoff_max,
            CHOSEN,
        ),
    }
}

fn bucket(s: &mut Section<'_>, default: Bucket) -> Bucket {
    const FOUR_FIFTHS: &str = "four fifths of EC2's: EC2 Developer Guide, \"Request throttling\"";
    Bucket {
        capacity: count(s, "capacity", "Tokens it holds when full.", default.capacity, FOUR_FIFTHS),
        refill_per_second: s.defaulted(
            "refill_per_second",
            kind::ratio(),
            "Tokens it gains a second.",
            default.refill_per_second,
            FOUR_FIFTHS,
        ),
    }
}

fn zombies(s: &mut Section<'_>) -> ZombieRule {
    let default = ZombieRule::default();
    ZombieRule {
        patience: time(
            s,
            "patience",
            "A worker that has not claimed for its idle timeout and this long is ended.",
            default.patience,
            CHOSEN,
        ),
        evidence_max: time(
            s,
            "evidence_max",
            "What the queue said of a worker is evidence for so long.",
            default.evidence_max,
            CHOSEN,
        ),
        suspected_after: sourced_block(
            s,
            "suspected_after",
            "Where tasks wait for so long though working capacity is free, the queue is asked who \
             does not claim, and that is not counted as supply.",
            default.suspected_after,
            "a Taskcluster worker asks for work every 20 seconds",
        ),
    }
}
