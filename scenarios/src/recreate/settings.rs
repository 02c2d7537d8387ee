//! An engine's configuration in the keys of a scenario: what differs from the defaults.
//!
//! Each struct of the engine is taken apart by name, so that a setting that is added to one and not
//! written here does not compile. That the scenario gives the same engine is checked by loading it
//! ([`differences`](super::differences)).

use std::collections::BTreeMap;
use std::fmt::Display;

use provisioner_engine::guards::{
    ApiRule, BreakerRule, Bucket, Guards, IceRule, ListingRule, LossRule, RebalanceRule, ShareRule,
    StrayRule, ZombieRule,
};
use provisioner_engine::units::{Duration, Ratio, Time};
use provisioner_engine::worker_type::{
    BidRule, Floor, Limits, Overshoot, PlacementPolicy, ScalingPolicy, SpendLimits, SpreadRule,
    WorkerType,
};
use serde::Serialize;

use crate::file::quantity::write_duration;

/// Keys and their values, as TOML writes them.
pub(super) type Keys = Vec<(&'static str, String)>;

pub(super) fn quoted(text: impl Display) -> String {
    toml::Value::String(text.to_string()).to_string()
}

/// A name as a key.
pub(super) fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

pub(super) fn lines(keys: &Keys) -> String {
    keys.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

pub(super) fn inline(keys: &Keys) -> String {
    let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    if keys.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", keys.join(", ")) }
}

pub(super) fn time(duration: Duration) -> String {
    quoted(write_duration(duration))
}

/// A variant's name, as journals and scenarios both write it.
fn name(variant: impl Serialize) -> String {
    serde_json::to_string(&variant).expect("a variant without fields")
}

/// Adds a key unless it has its default.
fn put<T: PartialEq>(
    keys: &mut Keys,
    key: &'static str,
    (value, default): (T, T),
    show: impl Fn(T) -> String,
) {
    if value != default {
        keys.push((key, show(value)));
    }
}

/// `[engine]` without its guards.
pub(super) fn limits(limits: &Limits) -> Keys {
    let mut keys = Keys::new();
    let default = Limits::default();
    let Limits {
        iteration_interval,
        launches_per_decision_max,
        demand_stale_after,
        max_price_cap,
        launches_per_call_max,
        spend,
        spend_ends_within,
    } = *limits;
    let k = &mut keys;
    put(k, "iteration_interval", (iteration_interval, default.iteration_interval), time);
    let most = (launches_per_decision_max, default.launches_per_decision_max);
    put(k, "launches_per_decision_max", most, |it| it.to_string());
    put(k, "demand_stale_after", (demand_stale_after, default.demand_stale_after), time);
    put(k, "max_price_cap", (max_price_cap, default.max_price_cap), quoted);
    let most = (launches_per_call_max, default.launches_per_call_max);
    put(k, "launches_per_call_max", most, |it| it.to_string());
    put(k, "spend", (spend, default.spend), spend_limits);
    put(k, "spend_ends_within", (spend_ends_within, default.spend_ends_within), time);
    keys
}

fn spend_limits(SpendLimits { hourly_max, daily_max }: SpendLimits) -> String {
    let mut keys = Keys::new();
    keys.extend(hourly_max.map(|it| ("hourly_max", quoted(it))));
    keys.extend(daily_max.map(|it| ("daily_max", quoted(it))));
    inline(&keys)
}

/// `[engine.guard_rules]`.
pub(super) fn guards(guards: &Guards) -> Keys {
    let mut keys = Keys::new();
    let default = Guards::default();
    let Guards {
        listing,
        removed,
        unanswered,
        memory,
        strays,
        api,
        ice,
        losses,
        rebalance,
        share,
        quota_block,
        unsupported_block,
        breaker,
        recheck,
        zombies,
        prices_stale_after,
        price_ratio_max,
    } = *guards;
    let k = &mut keys;
    put(k, "listing", (listing, default.listing), |it| rule(it, listing_rule));
    put(k, "removed", (removed, default.removed), name);
    put(k, "unanswered", (unanswered, default.unanswered), name);
    put(k, "memory", (memory, default.memory), name);
    put(k, "strays", (strays, default.strays), |it| rule(it, stray_rule));
    put(k, "api", (api, default.api), |it| rule(it, api_rule));
    put(k, "ice", (ice, default.ice), |it| rule(it, ice_rule));
    put(k, "losses", (losses, default.losses), |it| rule(it, loss_rule));
    put(k, "rebalance", (rebalance, default.rebalance), |it| rule(it, rebalance_rule));
    put(k, "share", (share, default.share), |it| rule(it, share_rule));
    put(k, "quota_block", (quota_block, default.quota_block), or_off);
    put(k, "unsupported_block", (unsupported_block, default.unsupported_block), or_off);
    put(k, "breaker", (breaker, default.breaker), |it| rule(it, breaker_rule));
    put(k, "recheck", (recheck, default.recheck), |it| it.to_string());
    put(k, "zombies", (zombies, default.zombies), |it| rule(it, zombie_rule));
    put(k, "prices_stale_after", (prices_stale_after, default.prices_stale_after), or_off);
    let ratio = (price_ratio_max, default.price_ratio_max);
    put(k, "price_ratio_max", ratio, |it| it.map_or_else(|| quoted("off"), |it| it.to_string()));
    keys
}

fn rule<T>(rule: Option<T>, keys: impl Fn(T) -> Keys) -> String {
    rule.map_or_else(|| quoted("off"), |rule| format!("{{ on = {} }}", inline(&keys(rule))))
}

fn or_off(duration: Option<Duration>) -> String {
    duration.map_or_else(|| quoted("off"), time)
}

fn listing_rule(rule: ListingRule) -> Keys {
    let ListingRule {
        interval,
        gone_after,
        gone_after_listings,
        unlisted_after,
        stale_after,
        absence,
    } = rule;
    vec![
        ("interval", time(interval)),
        ("gone_after", time(gone_after)),
        ("gone_after_listings", gone_after_listings.to_string()),
        ("unlisted_after", time(unlisted_after)),
        ("stale_after", time(stale_after)),
        ("absence", name(absence)),
    ]
}

fn stray_rule(StrayRule { patience, adopt }: StrayRule) -> Keys {
    vec![("patience", time(patience)), ("adopt", adopt.to_string())]
}

fn api_rule(rule: ApiRule) -> Keys {
    let ApiRule { launch, launch_instances, terminate, cancel, list, backoff_min, backoff_max } =
        rule;
    let bucket = |Bucket { capacity, refill_per_second }: Bucket| {
        format!("{{ capacity = {capacity}, refill_per_second = {refill_per_second} }}")
    };
    vec![
        ("launch", bucket(launch)),
        ("launch_instances", bucket(launch_instances)),
        ("terminate", bucket(terminate)),
        ("cancel", bucket(cancel)),
        ("list", bucket(list)),
        ("backoff_min", time(backoff_min)),
        ("backoff_max", time(backoff_max)),
    ]
}

fn ice_rule(IceRule { budget_first, budget_max, block_min, block_max }: IceRule) -> Keys {
    vec![
        ("budget_first", budget_first.to_string()),
        ("budget_max", budget_max.to_string()),
        ("block_min", time(block_min)),
        ("block_max", time(block_max)),
    ]
}

fn loss_rule(rule: LossRule) -> Keys {
    let LossRule { losses, within, share, penalty, penalty_max, forgotten_after } = rule;
    vec![
        ("losses", losses.to_string()),
        ("within", time(within)),
        ("share", share.to_string()),
        ("penalty", time(penalty)),
        ("penalty_max", time(penalty_max)),
        ("forgotten_after", time(forgotten_after)),
    ]
}

fn rebalance_rule(RebalanceRule { instances, within }: RebalanceRule) -> Keys {
    vec![("instances", instances.to_string()), ("within", time(within))]
}

fn share_rule(ShareRule { share_max, floor }: ShareRule) -> Keys {
    vec![("share_max", share_max.to_string()), ("floor", floor.to_string())]
}

fn breaker_rule(rule: BreakerRule) -> Keys {
    let BreakerRule { failures, probe_min, probe_max, unproven_max, boot_max } = rule;
    vec![
        ("failures", failures.to_string()),
        ("probe_min", time(probe_min)),
        ("probe_max", time(probe_max)),
        ("unproven_max", unproven_max.to_string()),
        ("boot_max", time(boot_max)),
    ]
}

fn zombie_rule(ZombieRule { patience, evidence_max, suspected_after }: ZombieRule) -> Keys {
    vec![
        ("patience", time(patience)),
        ("evidence_max", time(evidence_max)),
        ("suspected_after", or_off(suspected_after)),
    ]
}

/// The keys of a worker type but for what it buys: zones, instance types and its image.
pub(super) fn worker_type(known: &WorkerType) -> Keys {
    let WorkerType {
        name: _,
        capacity_min,
        capacity_max,
        price_min,
        price_max,
        candidates: _,
        scaling,
        placement,
        overshoot,
        request_timeout,
        registration_timeout,
        lifetime_max,
        idle_timeout,
        floors: _,
        on_demand_after,
        spend,
    } = known;
    let mut keys = Keys::new();
    put(&mut keys, "capacity_min", (*capacity_min, 0), |it| it.to_string());
    keys.push(("capacity_max", capacity_max.to_string()));
    if price_min.micros() != 0 {
        keys.push(("price_min", quoted(price_min)));
    }
    keys.push(("price_max", quoted(price_max)));
    keys.push(("scaling", self::scaling(*scaling)));
    keys.push(("placement", self::placement(*placement)));
    put(&mut keys, "overshoot", (*overshoot, Overshoot::default()), name);
    keys.push(("request_timeout", time(*request_timeout)));
    keys.extend(registration_timeout.map(|it| ("registration_timeout", time(it))));
    keys.push(("lifetime_max", time(*lifetime_max)));
    keys.push(("idle_timeout", time(*idle_timeout)));
    keys.extend(on_demand_after.map(|it| ("on_demand_after", time(it))));
    put(&mut keys, "spend", (*spend, SpendLimits::default()), spend_limits);
    keys
}

/// A policy with its keys.
fn policy(name: &str, keys: &Keys) -> String {
    if keys.is_empty() { quoted(name) } else { format!("{{ {name} = {} }}", inline(keys)) }
}

fn scaling(scaling: ScalingPolicy) -> String {
    match scaling {
        ScalingPolicy::ScalingRatio { scaling_ratio, requested_counts } => {
            let keys = vec![
                ("scaling_ratio", scaling_ratio.to_string()),
                ("requested_counts", name(requested_counts)),
            ];
            policy("scaling-ratio", &keys)
        }
        ScalingPolicy::Estimator { scaling_ratio, idle, requested } => {
            let keys = vec![
                ("scaling_ratio", scaling_ratio.to_string()),
                ("idle", name(idle)),
                ("requested", name(requested)),
            ];
            policy("estimator", &keys)
        }
        ScalingPolicy::Target { scaling_ratio, settle, band } => {
            let keys = vec![
                ("scaling_ratio", scaling_ratio.to_string()),
                ("settle", time(settle)),
                ("band", band.to_string()),
            ];
            policy("target", &keys)
        }
    }
}

fn placement(placement: PlacementPolicy) -> String {
    match placement {
        PlacementPolicy::Cheapest { bid, bias } => {
            let mut keys = bid_rule(bid);
            keys.push(("bias", name(bias)));
            policy("cheapest", &keys)
        }
        PlacementPolicy::Random { bid } => policy("random", &bid_rule(bid)),
        PlacementPolicy::Weighted { market, selection, errors } => {
            let keys = vec![
                ("market", name(market)),
                ("selection", name(selection)),
                ("errors", name(errors)),
            ];
            policy("weighted", &keys)
        }
        PlacementPolicy::Spread(rule) => {
            let SpreadRule { price_window, loss_weight, prior, margin, hold, bid_multiplier } =
                rule;
            let keys = vec![
                ("price_window", time(price_window)),
                ("loss_weight", loss_weight.to_string()),
                ("prior", prior.to_string()),
                ("margin", margin.to_string()),
                ("hold", time(hold)),
                ("bid_multiplier", bid_multiplier.to_string()),
            ];
            policy("spread", &if rule == SpreadRule::default() { Keys::new() } else { keys })
        }
        PlacementPolicy::OnDemand => policy("on-demand", &Keys::new()),
    }
}

fn bid_rule(BidRule { price_window, multiplier, price_min, over_cap }: BidRule) -> Keys {
    vec![
        ("price_window", time(price_window)),
        ("bid_multiplier", multiplier.to_string()),
        ("price_min_rule", name(price_min)),
        ("over_cap", name(over_cap)),
    ]
}

/// What the instance types of a worker type are worth, by name; of several pools of one, the first.
pub(super) fn instance_types(
    known: &WorkerType,
    name_of: impl Fn(provisioner_engine::ids::PoolId) -> String,
) -> BTreeMap<String, Keys> {
    let mut types = BTreeMap::new();
    for candidate in &known.candidates {
        let mut keys = vec![
            ("capacity", candidate.capacity.to_string()),
            ("utility", candidate.utility.to_string()),
        ];
        put(&mut keys, "bias", (candidate.bias, Ratio::ONE), |it| it.to_string());
        put(&mut keys, "initial_weight", (candidate.initial_weight, Ratio::ONE), |it| {
            it.to_string()
        });
        keys.extend(candidate.capacity_max.map(|it| ("capacity_max", it.to_string())));
        types.entry(name_of(candidate.pool)).or_insert(keys);
    }
    types
}

/// Floors as hours of days of the week in UTC: days, from, until, capacity. Where clocks change
/// within the span, both hours are there.
pub(super) fn floors(floors: &[Floor], (from, until): (Time, Time)) -> Vec<Keys> {
    let mut hours: BTreeMap<(i64, i64, u32), Vec<usize>> = BTreeMap::new();
    let midnight = |at: Time| at.ms().div_euclid(Duration::DAY.ms()) * Duration::DAY.ms();
    let from = Time::from_ms(midnight(from));
    let until = Time::from_ms(midnight(until)) + Duration::DAY;
    for (index, floor) in floors.iter().enumerate().filter(|(_, floor)| floor.capacity_min > 0) {
        let end = floors.get(index + 1).map_or(until, |next| next.from).min(until);
        let mut begin = floor.from.max(from);
        while begin < end {
            let day = begin.ms().div_euclid(Duration::DAY.ms());
            let midnight = day * Duration::DAY.ms();
            let stop = end.ms().min(midnight + Duration::DAY.ms());
            let key = (begin.ms() - midnight, stop - midnight, floor.capacity_min);
            // 1970-01-01 was a Thursday.
            let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
            let days = hours.entry(key).or_default();
            if !days.contains(&weekday) {
                days.push(weekday);
            }
            begin = Time::from_ms(stop);
        }
    }
    let clock = |ms: i64| {
        let s = ms % Duration::DAY.ms() / 1_000;
        quoted(format_args!("{:02}:{:02}", s / 3_600, s / 60 % 60))
    };
    let keys = |((begin, stop, capacity), mut days): ((i64, i64, u32), Vec<usize>)| {
        days.sort_unstable();
        let days: Vec<String> = days.into_iter().map(|day| quoted(DAYS[day])).collect();
        vec![
            ("days", format!("[{}]", days.join(", "))),
            ("from", clock(begin)),
            ("until", clock(stop)),
            ("capacity_min", capacity.to_string()),
        ]
    };
    hours.into_iter().map(keys).collect()
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
