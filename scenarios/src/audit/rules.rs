//! What a run is judged by, from its configuration.

use provisioner_auditor::{
    Absence, Api, BillingRule, Breaker, Bucket, Candidate, Ice, Keeps, OnDemand, PoolRules, Refund,
    Reread, Rules, Share, Spend, TypeRules, WorldRules, Zombies,
};
use provisioner_engine::catalog::Catalog;
use provisioner_engine::decision::Market;
use provisioner_engine::guards::{
    ApiRule, Bucket as EngineBucket, Guards, Memory, Removed, Unanswered,
};
use provisioner_engine::ids::PoolId;
use provisioner_engine::units::Duration;
use provisioner_engine::worker_type::{
    Candidate as EngineCandidate, EngineConfig, Limits, OverCap, Overshoot, PlacementPolicy,
    ScalingPolicy, SpendLimits, WorkerType,
};
use provisioner_sim::billing;
use provisioner_sim::config::SimConfig;

use super::plain;

/// All that a run with this configuration is judged by.
#[must_use]
pub fn rules(config: &SimConfig) -> Rules {
    let engine = &config.engine;
    let ids: Vec<u32> = (0..).take(engine.worker_types.len()).collect();
    Rules {
        world: WorldRules {
            spot_billing: billing_rule(config.cloud.spot_billing),
            on_demand_billing: billing_rule(config.cloud.on_demand_billing),
            claim_expiry: ms(config.queue.claim_expiry),
        },
        ..of_engine(engine, &ids)
    }
}

/// What an engine is judged by, whose worker types have these ids.
pub(super) fn of_engine(engine: &EngineConfig, ids: &[u32]) -> Rules {
    let EngineConfig { catalog, worker_types, limits, guards, .. } = engine;
    let Limits { iteration_interval, launches_per_decision_max, .. } = *limits;
    let pools = (0..catalog.pools().len()).map(|index| (plain(index), pool(catalog, index)));
    Rules {
        worker_types: ids.iter().copied().zip(worker_types.iter().map(type_rules)).collect(),
        pools: pools.collect(),
        iteration_interval: ms(iteration_interval),
        launches_per_decision_max,
        launches_per_call_max: limits.launches_per_call_max,
        demand_stale_after: ms(limits.demand_stale_after),
        max_price_cap: limits.max_price_cap.micros(),
        spend: spend(limits.spend),
        ..of_guards(guards)
    }
}

/// In milliseconds. No run lasts a century: longer spans mean the same, and sums stay in range.
fn ms(span: Duration) -> i64 {
    const CENTURY: Duration = Duration::from_hours(100 * 366 * 24);
    span.clamp(CENTURY * -1, CENTURY).ms()
}

fn of_guards(guards: &Guards) -> Rules {
    Rules {
        prices_stale_after: guards.prices_stale_after.map(ms),
        price_ratio_max: guards.price_ratio_max.map(|ratio| ratio.millionths()),
        api: guards.api.map(api),
        doubts_pursued: guards.unanswered == Unanswered::Repeated
            && guards.memory == Memory::Durable,
        ice: guards.ice.map(|rule| Ice {
            budget_first: rule.budget_first,
            budget_max: rule.budget_max,
            block_min: ms(rule.block_min),
            block_max: ms(rule.block_max),
        }),
        breaker: guards.breaker.map(|rule| Breaker {
            failures: rule.failures,
            probe_min: ms(rule.probe_min),
            unproven_max: rule.unproven_max,
            boot_max: ms(rule.boot_max),
        }),
        quota_rest: guards.quota_block.map(ms),
        unsupported_rest: guards.unsupported_block.map(ms),
        share: guards
            .share
            .map(|rule| Share { share_max: rule.share_max.millionths(), floor: rule.floor }),
        absence: guards.listing.map(|rule| Absence {
            after: ms(rule.gone_after),
            listings: rule.gone_after_listings,
            unlisted_after: ms(rule.unlisted_after),
        }),
        zombies: guards.zombies.map(|rule| Zombies {
            patience: ms(rule.patience),
            evidence_max: ms(rule.evidence_max),
        }),
        stray_patience: guards.strays.map(|rule| ms(rule.patience)),
        spares_claimed: guards.recheck,
        refuses_empty: guards.removed == Removed::Kept,
        ..Rules::default()
    }
}

fn type_rules(worker_type: &WorkerType) -> TypeRules {
    let may_exceed_cap = match worker_type.placement {
        PlacementPolicy::Cheapest { bid, .. } | PlacementPolicy::Random { bid } => {
            bid.over_cap == OverCap::HistoricalOnce
        }
        PlacementPolicy::Weighted { .. }
        | PlacementPolicy::Spread(_)
        | PlacementPolicy::OnDemand => false,
    };
    let on_demand = match (worker_type.placement.market(), worker_type.on_demand_after) {
        (Market::OnDemand, _) => OnDemand::Always,
        (Market::Spot { .. }, Some(patience)) => OnDemand::After(ms(patience)),
        (Market::Spot { .. }, None) => OnDemand::Never,
    };
    let floors = worker_type.floors.iter().map(|floor| (floor.from.ms(), floor.capacity_min));
    let hard = worker_type.overshoot == Overshoot::Never;
    let candidates = worker_type.candidates.iter().map(|it| candidate(worker_type, it));
    TypeRules {
        name: worker_type.name.clone(),
        capacity_min: worker_type.capacity_min,
        floors: floors.collect(),
        capacity_max: hard.then_some(worker_type.capacity_max),
        candidates: candidates.collect(),
        on_demand,
        buys_by_price: worker_type.placement.buys_by_price(),
        may_exceed_cap,
        request_timeout: ms(worker_type.request_timeout),
        registration_timeout: worker_type.registration_timeout.map(ms),
        lifetime_max: ms(worker_type.lifetime_max),
        idle_timeout: ms(worker_type.idle_timeout),
        keeps: keeps(worker_type.scaling),
        spend: spend(worker_type.spend),
    }
}

fn keeps(scaling: ScalingPolicy) -> Option<Keeps> {
    match scaling {
        ScalingPolicy::Target { scaling_ratio, .. } => {
            Some(Keeps { pending: scaling_ratio.millionths(), claimed: 1_000_000 })
        }
        ScalingPolicy::Estimator { scaling_ratio, .. } => {
            let each = scaling_ratio.millionths();
            Some(Keeps { pending: each, claimed: each })
        }
        ScalingPolicy::ScalingRatio { .. } => None,
    }
}

fn candidate(worker_type: &WorkerType, candidate: &EngineCandidate) -> (u32, Candidate) {
    let EngineCandidate { pool, image, capacity, utility, bias, .. } = *candidate;
    let most = i128::from(worker_type.price_max.micros()) * i128::from(utility.millionths());
    let most = most / i128::from(bias.millionths().max(1));
    let price_most = i64::try_from(most).unwrap_or(i64::MAX);
    let image = plain(image.index());
    (plain(pool.index()), Candidate { capacity, image, price_most })
}

fn pool(catalog: &Catalog, index: usize) -> PoolRules {
    let pool = PoolId::new(index);
    let changes = catalog.on_demand_changes(pool).unwrap_or_default();
    PoolRules {
        name: catalog.pool_name(pool),
        region: plain(catalog.region_of(pool).index()),
        on_demand: changes.iter().map(|(from, price)| (from.ms(), price.micros())).collect(),
    }
}

fn spend(limits: SpendLimits) -> Spend {
    Spend {
        hourly_max: limits.hourly_max.map(|most| most.micros()),
        daily_max: limits.daily_max.map(|most| most.micros()),
    }
}

fn api(rule: ApiRule) -> Api {
    let bucket = |bucket: EngineBucket| Bucket {
        capacity: bucket.capacity,
        refill: bucket.refill_per_second.millionths(),
    };
    Api {
        launch: bucket(rule.launch),
        launch_instances: bucket(rule.launch_instances),
        terminate: bucket(rule.terminate),
        cancel: bucket(rule.cancel),
        list: bucket(rule.list),
        backoff_min: ms(rule.backoff_min),
        backoff_max: ms(rule.backoff_max),
    }
}

fn billing_rule(rule: billing::BillingRule) -> BillingRule {
    BillingRule {
        quantum: ms(rule.quantum),
        minimum: ms(rule.minimum),
        reread: match rule.reread {
            billing::Reread::EachHour => Reread::EachHour,
            billing::Reread::Continuous => Reread::Continuous,
        },
        refund: match rule.refund {
            billing::Refund::LastPartialHour => Refund::LastPartialHour,
            billing::Refund::FirstHour => Refund::FirstHour,
            billing::Refund::Nothing => Refund::Nothing,
        },
    }
}
