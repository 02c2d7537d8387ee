//! Scaling and placement policies with all their options.
//!
//! The faithful form is every policy's default, known defects included; options name the repaired
//! ones.

use provisioner_engine::units::{Duration, Ratio};
use provisioner_engine::worker_type::{
    BiasRule, BidRule, ErrorAttribution, IdleCredit, OverCap, PlacementPolicy, PriceMinRule,
    RequestedCounts, RequestedCredit, ScalingPolicy, Selection, SpreadRule, WeightedMarket,
};

use super::kinds::{duration, some_time};
use crate::file::{Section, Variant, kind};

const V1: &str = "taskcluster/aws-provisioner, lib/worker-type.js, 2017-05";
const V1_BIASER: &str = "taskcluster/aws-provisioner, Biaser, 2017-05";
const OURS: &str = "every pending task wants a slot of its own";
const WORKER_MANAGER: &str = "taskcluster/taskcluster, services/worker-manager, 2026-08";

pub(super) fn scaling(s: &mut Section<'_>) -> ScalingPolicy {
    let by_ratio = |s: &mut Section<'_>| {
        let counts =
            [("one-each", RequestedCounts::OneEach), ("capacity", RequestedCounts::Capacity)];
        ScalingPolicy::ScalingRatio {
            scaling_ratio: s.defaulted(
                "scaling_ratio",
                kind::ratio().within(..=Ratio::from_millionths(1_000_000_000)),
                "Pending tasks that are tolerated, as a share of running capacity.",
                Ratio::ZERO,
                "taskcluster/aws-provisioner, template of a new worker type",
            ),
            requested_counts: s.defaulted(
                "requested_counts",
                kind::choice(&counts),
                "What an open request counts for: one unit, as v1 had it, or its capacity.",
                RequestedCounts::default(),
                V1,
            ),
        }
    };
    let estimator = |s: &mut Section<'_>| {
        let idle = [
            ("existing", IdleCredit::Existing),
            ("registered", IdleCredit::Registered),
            ("ignored", IdleCredit::Ignored),
        ];
        let requested = [("twice", RequestedCredit::Twice), ("once", RequestedCredit::Once)];
        ScalingPolicy::Estimator {
            scaling_ratio: s.defaulted(
                "scaling_ratio",
                kind::ratio().within(..=Ratio::ONE),
                "Units of capacity for each pending task.",
                Ratio::ONE,
                WORKER_MANAGER,
            ),
            idle: s.defaulted(
                "idle",
                kind::choice(&idle),
                "What is taken for idle and subtracted from pending tasks: existing capacity less \
                 claimed tasks (since 2024-09), registered capacity less claimed tasks, or nothing \
                 (before 2024-09).",
                IdleCredit::default(),
                WORKER_MANAGER,
            ),
            requested: s.defaulted(
                "requested",
                kind::choice(&requested),
                "How often capacity that has not registered is subtracted: twice, as \
                 worker-manager has it, or once.",
                RequestedCredit::default(),
                WORKER_MANAGER,
            ),
        }
    };
    let target = |s: &mut Section<'_>| ScalingPolicy::Target {
        scaling_ratio: s.defaulted(
            "scaling_ratio",
            kind::ratio().within(..=Ratio::ONE),
            "Units of capacity for each pending task.",
            Ratio::ONE,
            OURS,
        ),
        settle: s.defaulted(
            "settle",
            duration(),
            "A surplus must last this long before an idle worker that asks is told to stop.",
            Duration::from_mins(10),
            "longer than most starts: whoever is told to stop will not be missed at once",
        ),
        band: s.defaulted(
            "band",
            kind::ratio().within(..=Ratio::ONE),
            "What is wanted and this share more, rounded up, is no surplus.",
            Ratio::from_millionths(100_000),
            "assumed: load goes up and down by as much within minutes",
        ),
    };
    let variants = [
        Variant::new("target", "Our own: one target for growing and for shrinking.", &target),
        Variant::new("scaling-ratio", "v1's change determination, 2015-2019.", &by_ratio),
        Variant::new("estimator", "worker-manager's estimator, since 2019.", &estimator),
    ];
    let default = Some(("\"target\"", "our own; the predecessors' stand beside it"));
    s.variant("scaling", "How much capacity is wanted.", &variants, None, default)
}

pub(super) fn placement(s: &mut Section<'_>) -> PlacementPolicy {
    let cheapest = |s: &mut Section<'_>| {
        let bias = [("kill-rate", BiasRule::KillRate), ("off", BiasRule::Off)];
        PlacementPolicy::Cheapest {
            bid: bid(s),
            bias: s.defaulted(
                "bias",
                kind::choice(&bias),
                "What a day of interruptions does to a pool's price.",
                BiasRule::default(),
                V1_BIASER,
            ),
        }
    };
    let random = |s: &mut Section<'_>| PlacementPolicy::Random { bid: bid(s) };
    let weighted = |s: &mut Section<'_>| {
        let markets = [("spot", WeightedMarket::Spot), ("on-demand", WeightedMarket::OnDemand)];
        let selections = [("even-split", Selection::EvenSplit), ("drawn", Selection::Drawn)];
        let errors = [
            ("unattributed", ErrorAttribution::Unattributed),
            ("attributed", ErrorAttribution::Attributed),
        ];
        PlacementPolicy::Weighted {
            market: s.defaulted(
                "market",
                kind::choice(&markets),
                "Which market is asked; spot has no max price, so EC2 takes the on-demand price.",
                WeightedMarket::default(),
                WORKER_MANAGER,
            ),
            selection: s.defaulted(
                "selection",
                kind::choice(&selections),
                "What weights decide: who takes part and shares evenly (AWS), or the share (Azure, \
                 Google).",
                Selection::default(),
                WORKER_MANAGER,
            ),
            errors: s.defaulted(
                "errors",
                kind::choice(&errors),
                "Which launch config's weight a refused launch lowers: none, as on AWS, or its own.",
                ErrorAttribution::default(),
                WORKER_MANAGER,
            ),
        }
    };
    let spread = |s: &mut Section<'_>| PlacementPolicy::Spread(spread(s));
    let on_demand = |_: &mut Section<'_>| PlacementPolicy::OnDemand;
    let variants = [
        Variant::new("spread", "Our own: where work is expected to cost least.", &spread),
        Variant::new("cheapest", "v1 of 2017: the cheapest pool by normalised price.", &cheapest),
        Variant::new("random", "v1 of 2019: any pool, drawn anew for each bid.", &random),
        Variant::new("weighted", "worker-manager's launch configs.", &weighted),
        Variant::new("on-demand", "The cheapest on-demand price over utility.", &on_demand),
    ];
    let default = Some(("\"spread\"", "our own; the predecessors' stand beside it"));
    s.variant("placement", "Where capacity is bought.", &variants, None, default)
}

fn spread(s: &mut Section<'_>) -> SpreadRule {
    let default = SpreadRule::default();
    let share = || kind::ratio().within(..=Ratio::ONE);
    let factor = || kind::ratio().within(..=Ratio::from_millionths(1_000_000_000));
    SpreadRule {
        price_window: s.defaulted(
            "price_window",
            some_time(),
            "How far back the highest market price is looked for.",
            default.price_window,
            V1,
        ),
        loss_weight: s.defaulted(
            "loss_weight",
            factor(),
            "One interruption per launch, over a day, makes a pool dearer by this factor.",
            default.loss_weight,
            V1_BIASER,
        ),
        prior: s.defaulted(
            "prior",
            kind::integer().within(..=1_000_000),
            "Launches without interruption that are assumed of every pool.",
            default.prior,
            "assumed: two losses of two launches are not yet a verdict",
        ),
        margin: s.defaulted(
            "margin",
            share(),
            "Another pool becomes the favourite only if it is cheaper by this share.",
            default.margin,
            "assumed: more than prices drift in an hour since 2017",
        ),
        hold: s.defaulted(
            "hold",
            duration(),
            "The favourite is not changed sooner than this after the last change.",
            default.hold,
            "two changes an hour at most",
        ),
        bid_multiplier: s.defaulted(
            "bid_multiplier",
            factor(),
            "Max price over the on-demand price.",
            default.bid_multiplier,
            "EC2 API, SpotMarketOptions: the on-demand price is its default",
        ),
    }
}

fn bid(s: &mut Section<'_>) -> BidRule {
    let default = BidRule::default();
    let price_min = [("divided", PriceMinRule::Divided), ("multiplied", PriceMinRule::Multiplied)];
    let over_cap = [("refused", OverCap::Refused), ("historical-once", OverCap::HistoricalOnce)];
    BidRule {
        price_window: s.defaulted(
            "price_window",
            some_time(),
            "How far back the highest market price is looked for.",
            default.price_window,
            V1,
        ),
        multiplier: s.defaulted(
            "bid_multiplier",
            kind::ratio().within(..=Ratio::from_millionths(1_000_000_000)),
            "Max price over that market price.",
            default.multiplier,
            V1,
        ),
        price_min: s.defaulted(
            "price_min_rule",
            kind::choice(&price_min),
            "How `price_min` becomes a max price: divided by utility, as v1 had it, or multiplied, \
             as the units ask.",
            default.price_min,
            V1,
        ),
        over_cap: s.defaulted(
            "over_cap",
            kind::choice(&over_cap),
            "What happens to a max price above `max_price_cap`: it is never made, or made once (v1).",
            default.over_cap,
            "the cap is hard; taskcluster/aws-provisioner let one slip through",
        ),
    }
}
