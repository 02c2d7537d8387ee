//! An engine's configuration from a few lines of words.
//!
//! ```text
//! limits launches=2 cap=10 stale=10m seed=7
//! worker linux-build max=100 scaling=ratio:0.2 placement=cheapest
//! pool c5.large/us-east-1a capacity=4 utility=2 on_demand=0.085
//! ```
//!
//! A pool belongs to the worker type above it. What is not said is the predecessors' default: one
//! launch a call and no guards (`limits guards=on per_call=50` turns them on, `guards=ice,share`
//! these two only). An unknown word panics.

use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::guards::{Guards, ListingRule, Memory, Removed};
use provisioner_engine::ids::PoolId;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, Time, Usd, UsdPerHour};
use provisioner_engine::worker_type::{
    BiasRule, BidRule, Candidate, EngineConfig, ErrorAttribution, Floor, IdleCredit, Limits,
    OverCap, Overshoot, PlacementPolicy, PriceMinRule, RequestedCounts, RequestedCredit,
    ScalingPolicy, Selection, SpendLimits, SpreadRule, WeightedMarket, WorkerType,
};

/// The configuration that the text says.
pub(crate) fn config(text: &str) -> EngineConfig {
    let mut config = EngineConfig {
        seed: Seed(0),
        catalog: Catalog::new(),
        worker_types: Vec::new(),
        limits: Limits { launches_per_call_max: 1, ..Limits::default() },
        guards: Guards::off(),
    };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        match words.next().expect("a word") {
            "limits" => words.for_each(|word| limit(&mut config, word)),
            "worker" => {
                let mut worker_type = plain_worker_type(words.next().expect("a name"));
                words.for_each(|word| describe(&mut worker_type, word));
                config.worker_types.push(worker_type);
            }
            "pool" => {
                let name = words.next().expect("a pool");
                let pool = pool(&mut config.catalog, name);
                let mut candidate = Candidate {
                    pool,
                    image: config.catalog.image("image"),
                    capacity: 1,
                    utility: Ratio::ONE,
                    bias: Ratio::ONE,
                    initial_weight: Ratio::ONE,
                    capacity_max: None,
                };
                words.for_each(|word| offer(&mut config.catalog, &mut candidate, word));
                let worker_type = config.worker_types.last_mut().expect("a worker type first");
                worker_type.candidates.push(candidate);
            }
            other => panic!("`{other}` begins no line: limits, worker, pool"),
        }
    }
    config
}

/// `1h30m`, `90s`, `500ms`.
pub(crate) fn duration(text: &str) -> Duration {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).expect("a unit");
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let unit = match unit {
            "ms" => Duration::from_ms(1),
            "s" => Duration::SECOND,
            "m" => Duration::MINUTE,
            "h" => Duration::HOUR,
            other => panic!("`{other}` is no unit of time"),
        };
        total += unit * number.parse().expect("a number");
        rest = after;
    }
    total
}

/// `0.034`, in dollars an hour.
pub(crate) fn price(text: &str) -> UsdPerHour {
    UsdPerHour::from_micros(i64::try_from(ratio(text).millionths()).expect("a price"))
}

fn money(text: &str) -> Usd {
    Usd::from_micros(price(text).micros())
}

fn ratio(text: &str) -> Ratio {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    Ratio::from_millionths(format!("{whole}{decimals:0<6}").parse().expect("a decimal"))
}

fn pool(catalog: &mut Catalog, name: &str) -> PoolId {
    let (instance_type, zone) = name.split_once('/').expect("type/zone");
    let zone = catalog.zone(&zone[..zone.len() - 1], zone);
    let instance_type = catalog.instance_type(instance_type, 0);
    let product = catalog.product("Linux/UNIX");
    catalog.pool(Pool { zone, instance_type, product })
}

fn plain_worker_type(name: &str) -> WorkerType {
    WorkerType {
        name: name.to_owned(),
        capacity_min: 0,
        capacity_max: 100,
        price_min: UsdPerHour::ZERO,
        price_max: price("100"),
        candidates: Vec::new(),
        scaling: scaling("ratio:0"),
        placement: placement("cheapest"),
        overshoot: Overshoot::default(),
        request_timeout: Duration::from_mins(20),
        registration_timeout: None,
        lifetime_max: Duration::from_hours(96),
        idle_timeout: Duration::from_mins(10),
        floors: Vec::new(),
        on_demand_after: None,
        spend: SpendLimits::default(),
    }
}

fn scaling(text: &str) -> ScalingPolicy {
    let (policy, scaling_ratio) = text.split_once(':').expect("policy:ratio");
    let scaling_ratio = ratio(scaling_ratio);
    match policy {
        "ratio" => ScalingPolicy::ScalingRatio {
            scaling_ratio,
            requested_counts: RequestedCounts::default(),
        },
        "estimator" => ScalingPolicy::Estimator {
            scaling_ratio,
            idle: IdleCredit::default(),
            requested: RequestedCredit::default(),
        },
        "target" => ScalingPolicy::Target {
            scaling_ratio,
            settle: Duration::from_mins(10),
            band: Ratio::ZERO,
        },
        other => panic!("`{other}` is no scaling policy"),
    }
}

fn placement(text: &str) -> PlacementPolicy {
    let bid = BidRule::default();
    let weighted = |selection| PlacementPolicy::Weighted {
        market: WeightedMarket::default(),
        selection,
        errors: ErrorAttribution::default(),
    };
    match text {
        "cheapest" => PlacementPolicy::Cheapest { bid, bias: BiasRule::default() },
        "random" => PlacementPolicy::Random { bid },
        "weighted" => weighted(Selection::EvenSplit),
        "drawn" => weighted(Selection::Drawn),
        "spread" => PlacementPolicy::Spread(SpreadRule::default()),
        "on-demand" => PlacementPolicy::OnDemand,
        other => panic!("`{other}` is no placement policy"),
    }
}

fn limit(config: &mut EngineConfig, word: &str) {
    match word.split_once('=').expect("key=value") {
        ("seed", value) => config.seed = Seed(value.parse().expect("a number")),
        ("launches", value) => {
            config.limits.launches_per_decision_max = value.parse().expect("a number");
        }
        ("cap", value) => config.limits.max_price_cap = price(value),
        ("per_call", value) => {
            config.limits.launches_per_call_max = value.parse().expect("a number");
        }
        ("guards", "on") => config.guards = Guards::default(),
        ("guards", "v1") => {
            let listing = Some(ListingRule::believed(Duration::from_mins(20)));
            let (removed, memory) = (Removed::Killed, Memory::Listed);
            config.guards = Guards { listing, removed, memory, ..Guards::off() };
        }
        ("guards", names) => names.split(',').for_each(|name| guard(&mut config.guards, name)),
        ("prices_stale", value) => config.guards.prices_stale_after = Some(duration(value)),
        ("price_ratio", value) => config.guards.price_ratio_max = Some(ratio(value)),
        ("spend_hour", value) => config.limits.spend.hourly_max = Some(price(value)),
        ("spend_day", value) => config.limits.spend.daily_max = Some(money(value)),
        ("stale", value) => config.limits.demand_stale_after = duration(value),
        (other, _) => panic!("`{other}` is no limit"),
    }
}

/// Turns one guard on.
fn guard(guards: &mut Guards, name: &str) {
    let on = Guards::default();
    match name {
        "listing" => {
            (guards.listing, guards.strays, guards.recheck) = (on.listing, on.strays, on.recheck);
        }
        "ice" => guards.ice = on.ice,
        "losses" => guards.losses = on.losses,
        "rebalance" => guards.rebalance = on.rebalance,
        "share" => guards.share = on.share,
        "quota" => guards.quota_block = on.quota_block,
        "unsupported" => guards.unsupported_block = on.unsupported_block,
        "breaker" => guards.breaker = on.breaker,
        "zombies" => (guards.zombies, guards.recheck) = (on.zombies, on.recheck),
        "calls" => {
            (guards.unanswered, guards.api, guards.listing) = (on.unanswered, on.api, on.listing);
        }
        other => panic!("`{other}` is no guard"),
    }
}

fn describe(worker_type: &mut WorkerType, word: &str) {
    let (key, value) = word.split_once('=').expect("key=value");
    match key {
        "min" => worker_type.capacity_min = value.parse().expect("a number"),
        "max" => worker_type.capacity_max = value.parse().expect("a number"),
        "price_min" => worker_type.price_min = price(value),
        "price_max" => worker_type.price_max = price(value),
        "scaling" => worker_type.scaling = scaling(value),
        "placement" => worker_type.placement = placement(value),
        "request_timeout" => worker_type.request_timeout = duration(value),
        "registration_timeout" => worker_type.registration_timeout = Some(duration(value)),
        "lifetime" => worker_type.lifetime_max = duration(value),
        "floor" => {
            let (from, capacity_min) = value.split_once(':').expect("time:capacity");
            let from = Time::EPOCH + duration(from);
            let capacity_min = capacity_min.parse().expect("a number");
            worker_type.floors.push(Floor { from, capacity_min });
        }
        "on_demand_after" => worker_type.on_demand_after = Some(duration(value)),
        "spend_hour" => worker_type.spend.hourly_max = Some(price(value)),
        "spend_day" => worker_type.spend.daily_max = Some(money(value)),
        "option" => choose(worker_type, value),
        other => panic!("`{other}` is nothing a worker type has"),
    }
}

/// Turns a named alternative on; the policy it belongs to comes before it.
fn choose(worker_type: &mut WorkerType, option: &str) {
    if option == "overshoot-historical" {
        worker_type.overshoot = Overshoot::Historical;
        return;
    }
    match (&mut worker_type.scaling, &mut worker_type.placement, option) {
        (ScalingPolicy::ScalingRatio { requested_counts, .. }, _, "requests-by-capacity") => {
            *requested_counts = RequestedCounts::Capacity;
        }
        (ScalingPolicy::Estimator { requested, .. }, _, "requested-once") => {
            *requested = RequestedCredit::Once;
        }
        (ScalingPolicy::Estimator { idle, .. }, _, "idle-registered") => {
            *idle = IdleCredit::Registered;
        }
        (ScalingPolicy::Estimator { idle, .. }, _, "idle-ignored") => *idle = IdleCredit::Ignored,
        (_, PlacementPolicy::Cheapest { bias, .. }, "bias-off") => *bias = BiasRule::Off,
        (
            _,
            PlacementPolicy::Cheapest { bid, .. } | PlacementPolicy::Random { bid },
            "price-min-multiplied",
        ) => bid.price_min = PriceMinRule::Multiplied,
        (
            _,
            PlacementPolicy::Cheapest { bid, .. } | PlacementPolicy::Random { bid },
            "over-cap-once",
        ) => bid.over_cap = OverCap::HistoricalOnce,
        (_, PlacementPolicy::Weighted { market, .. }, "market-on-demand") => {
            *market = WeightedMarket::OnDemand;
        }
        (_, PlacementPolicy::Weighted { errors, .. }, "errors-attributed") => {
            *errors = ErrorAttribution::Attributed;
        }
        (_, _, other) => panic!("`{other}` is no option of these policies"),
    }
}

fn offer(catalog: &mut Catalog, candidate: &mut Candidate, word: &str) {
    let (key, value) = word.split_once('=').expect("key=value");
    match key {
        "capacity" => candidate.capacity = value.parse().expect("a number"),
        "utility" => candidate.utility = ratio(value),
        "bias" => candidate.bias = ratio(value),
        "weight" => candidate.initial_weight = ratio(value),
        "image" => candidate.image = catalog.image(value),
        "max" => candidate.capacity_max = Some(value.parse().expect("a number")),
        "on_demand" => {
            let Pool { instance_type, product, .. } = catalog.pools()[candidate.pool.index()];
            let region = catalog.region_of(candidate.pool);
            catalog.set_on_demand(region, instance_type, product, Time::EPOCH, price(value));
        }
        other => panic!("`{other}` is nothing a pool has"),
    }
}
