//! What can be bought, where, and at what price.

use std::path::PathBuf;

use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_files::engine::{At, report_check, some_price};
use provisioner_sim::config::Regime;
use provisioner_sim::config::feed::FeedModel;
use provisioner_sim::dist::DurationDist;
use provisioner_sim::generate::availability::AvailabilityModel;
use provisioner_sim::generate::prices::{CapacityPrices, OutbidPrices, Premium, PriceModel};

use super::delay::delay;
use super::feed::feed;
use crate::file::{Issue, Section, Variant, kind};

/// What can be bought.
pub(crate) struct MarketDoc {
    pub(crate) regime: Regime,
    pub(crate) product: String,
    pub(crate) zones: Option<At<Vec<String>>>,
    pub(crate) prices: At<PricesDoc>,
    /// How the engine learns them.
    pub(crate) feed: Option<FeedModel>,
    pub(crate) availability: At<AvailabilityDoc>,
    /// On-demand prices by instance type, in every region.
    pub(crate) on_demand: Vec<(String, At<UsdPerHour>)>,
    pub(crate) on_demand_files: At<Vec<PathBuf>>,
    /// Virtual CPUs by instance type.
    pub(crate) vcpus: Vec<(String, u32)>,
    pub(crate) instance_types_file: Option<At<PathBuf>>,
    pub(crate) offerings_file: Option<At<PathBuf>>,
}

/// Where market prices come from.
pub(crate) enum PricesDoc {
    Generated(PriceModel),
    Recorded(RecordedPricesDoc),
}

/// Recorded prices.
pub(crate) struct RecordedPricesDoc {
    pub(crate) files: At<Vec<PathBuf>>,
    pub(crate) replay_from: Option<Time>,
    pub(crate) utc_offset: Duration,
}

/// Where availability comes from.
pub(crate) enum AvailabilityDoc {
    Unlimited,
    Generated(AvailabilityModel),
    Recorded(RecordedAvailabilityDoc),
}

/// Recorded availability.
pub(crate) struct RecordedAvailabilityDoc {
    pub(crate) file: At<PathBuf>,
    pub(crate) replay_from: Option<Time>,
    /// Names of recorded pools, by our pool.
    pub(crate) pools: Vec<(String, At<String>)>,
}

const PRICES_2021: &str = "EC2 spot price history of us-east-1, 2021-03 and 2021-04";
const PRICES_2016: &str = "EC2 spot price history of us-east-1, 2015-03 to 2016-03";
const SPOT_TRACES: &str = "SkyPilot spot traces of 2022 and 2023 (Wu et al., NSDI 2024)";

pub(super) fn regime(s: &mut Section<'_>) -> Regime {
    let regimes = [("capacity", Regime::Capacity), ("outbid", Regime::Outbid)];
    s.defaulted(
        "regime",
        kind::choice(&regimes),
        "What interrupts spot instances: the pool's capacity (since 2017-11), or a market price \
         above their max price (before).",
        Regime::Capacity,
        "AWS's announcement of 2017-11: today's market",
    )
}

pub(super) fn market(s: &mut Section<'_>, regime: Regime) -> MarketDoc {
    let product = s.defaulted(
        "product",
        kind::text(),
        "The product of all pools, as EC2's price history names it.",
        "Linux/UNIX".to_owned(),
        "EC2 API, DescribeSpotPriceHistory",
    );
    let zones = s.optional(
        "zones",
        kind::list(kind::text()),
        "Availability zones there are. Needed for generated prices; of recorded prices, those of \
         other zones are left out.",
    );
    let zones = zones.map(|value| At { value, place: s.place("zones") });
    let prices = At { value: prices(s, regime), place: s.place("prices") };
    let feed = feed(s);
    let availability = At { value: availability(s), place: s.place("availability") };
    let on_demand = s.named_values(
        "on_demand",
        some_price(),
        "On-demand prices by instance type, in every region and for the whole run. They come \
         before those of `on_demand_files`.",
    );
    let on_demand_files = s.defaulted(
        "on_demand_files",
        kind::list(kind::path()),
        "Tables of dated on-demand prices. Before its first date, a price is what it was then.",
        Vec::new(),
        "prices under [market.on_demand] may be enough",
    );
    let on_demand_files = At { value: on_demand_files, place: s.place("on_demand_files") };
    let vcpus = s.named_values(
        "vcpus",
        kind::integer().within(1..),
        "Virtual CPUs by instance type, as quotas count them. They come before those of \
         `instance_types_file`.",
    );
    let instance_types_file = s.optional(
        "instance_types_file",
        kind::path(),
        "A table of all instance types: others are refused.",
    );
    let offerings_file = s.optional(
        "offerings_file",
        kind::path(),
        "A table of which instance type is offered in which zone: other pools are left out.",
    );
    MarketDoc {
        regime,
        product,
        zones,
        prices,
        feed,
        availability,
        on_demand: on_demand
            .into_iter()
            .map(|(name, value, place)| (name, At { value, place }))
            .collect(),
        on_demand_files,
        vcpus: vcpus.into_iter().map(|(name, count, _)| (name, count)).collect(),
        instance_types_file: instance_types_file
            .map(|value| At { value, place: s.place("instance_types_file") }),
        offerings_file: offerings_file.map(|value| At { value, place: s.place("offerings_file") }),
    }
}

/// Recordings are made at one time and replayed at another.
fn replay_from(s: &mut Section<'_>) -> Option<Time> {
    s.optional(
        "replay_from",
        kind::time(),
        "The time in the recording that is taken for the start of the run; without it, times are \
         taken as they were recorded.",
    )
}

fn prices(s: &mut Section<'_>, regime: Regime) -> PricesDoc {
    let modern = |s: &mut Section<'_>| {
        let default = CapacityPrices::default();
        let mut number =
            |key, doc, default| s.defaulted(key, kind::float(), doc, default, PRICES_2021);
        let model = CapacityPrices {
            constant_share: number(
                "constant_share",
                "Share of the pools whose price never changes.",
                default.constant_share,
            ),
            ratio_median: number(
                "ratio_median",
                "Median over pools of the first price, over on-demand.",
                default.ratio_median,
            ),
            ratio_sigma: number(
                "ratio_sigma",
                "Standard deviation of its logarithm.",
                default.ratio_sigma,
            ),
            ratio_min: number(
                "ratio_min",
                "No price is lower, over on-demand; none is higher than on-demand.",
                default.ratio_min,
            ),
            step_median: number(
                "step_median",
                "Median of the relative change.",
                default.step_median,
            ),
            step_sigma: number(
                "step_sigma",
                "Standard deviation of its logarithm.",
                default.step_sigma,
            ),
            step_max: number("step_max", "The largest relative change.", default.step_max),
            persistence: number(
                "persistence",
                "Probability that a price goes on in the direction of its last change.",
                default.persistence,
            ),
            gap: delay(s, "gap", "Time between changes.", &default.gap, PRICES_2021),
        };
        not_restless(s, "gap", &model.gap);
        generated(s, PriceModel::Capacity(model))
    };
    let bid_era = |s: &mut Section<'_>| {
        let default = OutbidPrices::default();
        let mut number =
            |key, doc, default| s.defaulted(key, kind::float(), doc, default, PRICES_2016);
        let model = OutbidPrices {
            floor_min: number(
                "floor_min",
                "The lowest floor of a pool, over on-demand.",
                default.floor_min,
            ),
            floor_max: number("floor_max", "The highest.", default.floor_max),
            gap_sigma: number(
                "gap_sigma",
                "How much pools differ in the time between changes: standard deviation of the \
                 logarithm.",
                default.gap_sigma,
            ),
            excursions_per_day: number(
                "excursions_per_day",
                "Excursions above on-demand a day, while it is quiet; mean over pools.",
                default.excursions_per_day,
            ),
            excursions_sigma: number(
                "excursions_sigma",
                "How much pools differ in that: standard deviation of the logarithm.",
                default.excursions_sigma,
            ),
            ratio_max: number("ratio_max", "The highest price, over on-demand.", default.ratio_max),
            gap: delay(s, "gap", "Time between changes.", &default.gap, PRICES_2016),
            excursion: delay(
                s,
                "excursion",
                "How long an excursion lasts.",
                &default.excursion,
                PRICES_2016,
            ),
            quiet: s.section(
                "quiet",
                "How far above its floor a quiet price is, in floors.",
                |s| premium(s, &default.quiet),
            ),
            height: s.section(
                "height",
                "How far above on-demand an excursion is, in on-demand prices.",
                |s| premium(s, &default.height),
            ),
        };
        not_restless(s, "gap", &model.gap);
        generated(s, PriceModel::Outbid(model))
    };
    let recorded = |s: &mut Section<'_>| {
        PricesDoc::Recorded(RecordedPricesDoc {
        files: At {
            value: s.required(
                "files",
                kind::list(kind::path()),
                "What `aws ec2 describe-spot-price-history` printed, tables `az type product price \
                 ts`, or what `provisioner import` wrote; also as .gz and .zst.",
            ),
            place: s.place("files"),
        },
        replay_from: replay_from(s),
        utc_offset: utc_offset(s),
    })
    };
    let variants = [
        Variant::new("modern", "Smooth generated prices, as since late 2017.", &modern),
        Variant::new("bid-era", "Restless generated prices, as until then.", &bid_era),
        Variant::new("recorded", "Recorded prices.", &recorded),
    ];
    let default = match regime {
        Regime::Capacity => "\"modern\"",
        Regime::Outbid => "\"bid-era\"",
    };
    let doc = "Market prices.";
    s.variant("prices", doc, &variants, None, Some((default, "what the regime had")))
}

fn generated(s: &mut Section<'_>, model: PriceModel) -> PricesDoc {
    report_check(s, None, model.check());
    PricesDoc::Generated(model)
}

/// Refuses changes of each pool that would fill the memory, not the market.
fn not_restless(s: &mut Section<'_>, key: &str, delay: &DurationDist) {
    if s.is_sound() && delay.mean() < Duration::MINUTE {
        let issue =
            Issue::new(format!("`{key}` is shorter than a minute on average"), s.place(key));
        let issue = issue.label(format!("{} on average", delay.mean()));
        s.report(issue.hint("write for example \"10 min\""));
    }
}

fn premium(s: &mut Section<'_>, default: &Premium) -> Premium {
    let mut number = |key, doc, default| s.defaulted(key, kind::float(), doc, default, PRICES_2016);
    Premium {
        median: number("median", "Its median.", default.median),
        sigma: number("sigma", "Standard deviation of its logarithm.", default.sigma),
        redraw: number(
            "redraw",
            "Probability that a change draws it anew instead of moving it a little.",
            default.redraw,
        ),
        nudge: number(
            "nudge",
            "Standard deviation of a small move of its logarithm.",
            default.nudge,
        ),
    }
}

/// How far local times of a recording are ahead of UTC.
pub(super) fn utc_offset(s: &mut Section<'_>) -> Duration {
    s.defaulted(
        "utc_offset",
        kind::duration().within(..=Duration::from_hours(14)),
        "How far times without an offset are ahead of UTC.",
        Duration::ZERO,
        "times are UTC",
    )
}

fn availability(s: &mut Section<'_>) -> AvailabilityDoc {
    let unlimited = |_: &mut Section<'_>| AvailabilityDoc::Unlimited;
    let generated = |s: &mut Section<'_>| {
        let default = AvailabilityModel::default();
        let up = "How long a typical pool has machines to give.";
        let down = "How long it has none.";
        let model = AvailabilityModel {
            up: delay(s, "up", up, &default.up, SPOT_TRACES),
            down: delay(s, "down", down, &default.down, SPOT_TRACES),
            pool_sigma: s.defaulted(
                "pool_sigma",
                kind::float(),
                "How much pools differ in both: standard deviation of the logarithm.",
                default.pool_sigma,
                SPOT_TRACES,
            ),
            available: s
                .optional(
                    "available",
                    kind::integer().within(1..),
                    "How many instances a pool serves when it is up; no limit if left out.",
                )
                .unwrap_or(default.available),
            partial_share: s.defaulted(
                "partial_share",
                kind::float(),
                "Share of the ups in which it serves fewer.",
                default.partial_share,
                SPOT_TRACES,
            ),
            partial_max: s.defaulted(
                "partial_max",
                kind::integer().within(1..),
                "How many it serves then: from 1 to this.",
                default.partial_max,
                SPOT_TRACES,
            ),
        };
        not_restless(s, "up", &model.up);
        not_restless(s, "down", &model.down);
        report_check(s, None, model.check());
        AvailabilityDoc::Generated(model)
    };
    let recorded = |s: &mut Section<'_>| {
        AvailabilityDoc::Recorded(RecordedAvailabilityDoc {
        file: At {
            value: s.required(
                "file",
                kind::path(),
                "A grid, a tar of grids, or what `provisioner import` wrote of them.",
            ),
            place: s.place("file"),
        },
        replay_from: replay_from(s),
        pools: s
            .named_values(
                "pools",
                kind::text(),
                "By our pool, `c5.large/us-east-1a`: the name of the recorded one. Pools that are \
                 not listed have no limit.",
            )
            .into_iter()
            .map(|(name, value, place)| (name, At { value, place }))
            .collect(),
    })
    };
    let variants = [
        Variant::new("unlimited", "Always as much as is asked for.", &unlimited),
        Variant::new("generated", "Pools go up and down by themselves.", &generated),
        Variant::new("recorded", "Recorded availability.", &recorded),
    ];
    let default =
        Some(("\"unlimited\"", "price says little about it, and most recordings have none"));
    s.variant("availability", "How many spot instances pools can give.", &variants, None, default)
}
