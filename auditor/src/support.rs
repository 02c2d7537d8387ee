//! A small world for tests: two worker types, three pools in two regions.

use std::collections::BTreeMap;

use crate::*;

pub(crate) use crate::event::{DAY, HOUR};
pub(crate) const SECOND: Ms = 1_000;
pub(crate) const MINUTE: Ms = 60 * SECOND;

/// Worker type 0 may buy in pools 0 and 1, at most 10; worker type 1 in pool 2, on demand too. A
/// machine of pool 1 runs two tasks at once. On demand, each costs $1 an hour.
pub(crate) fn rules() -> Rules {
    let pool = |name: &str, region| PoolRules {
        name: name.into(),
        region,
        on_demand: vec![(0, 1_000_000)],
    };
    let candidate =
        |pool, capacity| (pool, Candidate { capacity, image: 7, price_most: 1_000_000 });
    let worker_type = |name: &str, candidates, on_demand| TypeRules {
        name: name.into(),
        capacity_min: 0,
        floors: Vec::new(),
        capacity_max: Some(10),
        candidates,
        on_demand,
        buys_by_price: true,
        may_exceed_cap: false,
        request_timeout: 20 * MINUTE,
        registration_timeout: None,
        lifetime_max: 96 * HOUR,
        idle_timeout: 10 * MINUTE,
        keeps: Some(Keeps { pending: 1_000_000, claimed: 1_000_000 }),
        spend: Spend::default(),
    };
    let first = BTreeMap::from([candidate(0, 1), candidate(1, 2)]);
    let second = BTreeMap::from([candidate(2, 1)]);
    Rules {
        worker_types: BTreeMap::from([
            (0, worker_type("one", first, OnDemand::Never)),
            (1, worker_type("two", second, OnDemand::After(10 * MINUTE))),
        ]),
        pools: BTreeMap::from([(0, pool("a", 0)), (1, pool("b", 0)), (2, pool("c", 1))]),
        iteration_interval: MINUTE,
        launches_per_decision_max: 100,
        launches_per_call_max: 50,
        demand_stale_after: 10 * MINUTE,
        max_price_cap: 10_000_000,
        spares_claimed: true,
        refuses_empty: true,
        world: WorldRules { claim_expiry: 20 * MINUTE, ..WorldRules::default() },
        ..Rules::default()
    }
}

/// The notes of one rule, by when they were taken.
pub(crate) fn notes(
    rule: Rule,
    rules: Rules,
    story: impl IntoIterator<Item = (Ms, Event)>,
) -> Vec<Ms> {
    let mut auditor = Auditor::new(rules);
    let mut last = 0;
    for (at, event) in story {
        auditor.event(at, event);
        last = at;
    }
    auditor.close(last);
    let of_rule = auditor.notes().iter().filter(|note| note.rule == rule);
    of_rule.map(|note| note.at).collect()
}

pub(crate) fn told(at: Ms, told: Told) -> (Ms, Event) {
    (at, Event::Told(told))
}

pub(crate) fn truth(at: Ms, truth: Truth) -> (Ms, Event) {
    (at, Event::Truth(truth))
}

/// A decision that wakes a minute later.
pub(crate) fn decided(at: Ms, orders: impl IntoIterator<Item = Order>) -> (Ms, Event) {
    let orders = orders.into_iter().collect();
    (at, Event::Decided(Decided { orders, wake_at: at + MINUTE, ..Decided::default() }))
}

/// Spot for worker type 0 in pool 0 at $1.
pub(crate) fn launch(first: Launch, count: u32) -> Order {
    launch_in(first, count, 0)
}

/// The same in another pool.
pub(crate) fn launch_in(first: Launch, count: u32, pool: Pool) -> Order {
    let market = Market::Spot { bid: Some(1_000_000) };
    Order::Launch { first, count, worker_type: u32::from(pool == 2), pool, market }
}

pub(crate) fn terminate(launch: Launch) -> Order {
    Order::Terminate { launch, unless_claimed: true }
}

/// What is known at the beginning: demand and prices.
pub(crate) fn known(at: Ms) -> Vec<(Ms, Event)> {
    let demand = |worker_type| told(at, demand(worker_type, 5, at));
    let price = |pool| told(at, Told::Price { pool, price: 300_000, since: at });
    vec![demand(0), demand(1), price(0), price(1), price(2)]
}

pub(crate) const fn demand(worker_type: WorkerType, pending: u32, as_of: Ms) -> Told {
    Told::Demand { worker_type, pending, claimed: 0, as_of }
}

/// What is known, and then that story.
pub(crate) fn with_known(story: impl IntoIterator<Item = (Ms, Event)>) -> Vec<(Ms, Event)> {
    known(0).into_iter().chain(story).collect()
}

/// Launch 1 is asked for, given and runs, and its worker registers at once, in truth.
pub(crate) fn machine_up(at: Ms, launch: Launch) -> Vec<(Ms, Event)> {
    let market = Market::Spot { bid: Some(1_000_000) };
    let called =
        Truth::Called { token: launch, count: 1, worker_type: 0, pool: 0, market, capacity: 1 };
    let steps = [
        called,
        Truth::Given { launch, instance: launch },
        Truth::Ran { launch },
        Truth::Registered { launch },
    ];
    steps.into_iter().map(|step| truth(at, step)).collect()
}
