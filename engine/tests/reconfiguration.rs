//! A configuration that calls everything by other ids is no other configuration.

#[path = "support/setup.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod setup;
#[path = "support/steps.rs"]
mod steps;

use proptest::prelude::*;
use proptest::sample::Index;
use provisioner_engine::Engine;
use provisioner_engine::decision::{Action, Decision};
use provisioner_engine::guards::Guards;
use provisioner_engine::ids::{PoolId, RegionId, WorkerTypeId};
use provisioner_engine::observation::Observation;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::EngineConfig;

use crate::steps::{Call, steps};

/// Two regions, three images, pools that several worker types share.
const SETUP: &str = "
    worker cheapest max=9 min=2 scaling=target:1 placement=cheapest registration_timeout=9m
    pool c5.large/us-east-1a image=one
    pool c5.xlarge/us-east-1b image=one capacity=4
    worker random max=11 scaling=target:1 placement=random request_timeout=3m
    pool c5.large/us-west-2a image=two capacity=2
    pool c5.xlarge/us-east-1b image=one capacity=3
    worker weighted max=10 min=1 scaling=estimator:0.7 placement=weighted lifetime=20m
    pool c5.large/us-east-1a image=two capacity=3
    pool c5.xlarge/us-west-2b image=two capacity=2
    worker drawn max=10 scaling=estimator:1 placement=drawn option=requested-once
    pool c5.large/us-west-2a image=three capacity=3
    pool c5.xlarge/us-west-2b image=three capacity=2 on_demand=0.2
    worker spread max=18 scaling=target:1 placement=spread on_demand_after=20m
    pool c5.large/us-west-2a image=one capacity=3 on_demand=0.085
    pool c5.xlarge/us-east-1b image=two capacity=2 on_demand=0.2
    pool c5.xlarge/us-west-2b image=three capacity=2 on_demand=0.2
    worker on-demand max=8 scaling=target:1 placement=on-demand
    pool c5.large/us-west-2a image=one
    pool c5.xlarge/us-east-1b image=two capacity=3 on_demand=0.2
";

/// Named before all of them, by a worker type that nobody wants anything of: names that come last
/// there, and new ones between.
const FIRST: &str = "
    worker nobody
    pool m5.large/eu-central-1a image=new
    pool c5.xlarge/us-west-2b image=three
    pool m5.large/us-west-2a image=newer
    pool c5.large/us-west-2a image=two
    pool c5.xlarge/us-east-1b image=one
";

fn config(text: &str) -> EngineConfig {
    let config = setup::config(text);
    let guards = Guards::default();
    EngineConfig { guards, ..config }
}

/// The same fact, in the other configuration's ids.
fn moved(fact: Observation, from: &EngineConfig, to: &EngineConfig) -> Observation {
    let worker = |id: WorkerTypeId| {
        let name = &from.worker_types[id.index()].name;
        let index = to.worker_types.iter().position(|known| known.name == *name);
        WorkerTypeId::new(index.expect("the worker type is there"))
    };
    let moved_pool = |id: PoolId| {
        let pools = (0..to.catalog.pools().len()).map(PoolId::new);
        let mut same =
            pools.filter(|pool| to.catalog.pool_name(*pool) == from.catalog.pool_name(id));
        same.next().expect("the pool is there")
    };
    let moved_region = |id: RegionId| to.catalog.clone().region(from.catalog.region_name(id));
    match fact {
        Observation::DemandCounted { worker_type, pending, claimed, as_of } => {
            let worker_type = worker(worker_type);
            Observation::DemandCounted { worker_type, pending, claimed, as_of }
        }
        Observation::DemandUnknown { worker_type } => {
            Observation::DemandUnknown { worker_type: worker(worker_type) }
        }
        Observation::PriceChanged { pool, price, since } => {
            Observation::PriceChanged { pool: moved_pool(pool), price, since }
        }
        Observation::CallThrottled { region, call, launch } => {
            Observation::CallThrottled { region: moved_region(region), call, launch }
        }
        Observation::InstancesListed { region, as_of } => {
            Observation::InstancesListed { region: moved_region(region), as_of }
        }
        other => other,
    }
}

/// What was decided, by names, without what is about the names that only one configuration has.
fn told(decision: &Decision, config: &EngineConfig) -> Vec<String> {
    let action = |action: &Action| match *action {
        Action::Launch { launch, count, worker_type, pool, market } => {
            let name = &config.worker_types[worker_type.index()].name;
            format!("{launch} {count} {name} {} {market:?}", config.catalog.pool_name(pool))
        }
        Action::ListInstances { region } => format!("list {}", config.catalog.region_name(region)),
        other => format!("{other:?}"),
    };
    let reasons = decision.reasons.iter().map(|reason| reason.describe(config).to_string());
    let lines = decision.actions.iter().map(action).chain(reasons);
    let is_new = |line: &String| line.starts_with("nobody") || line.contains("eu-central-1");
    let mut lines: Vec<String> = lines.filter(|line| !is_new(line)).collect();
    lines.sort();
    lines.push(format!("wakes at {}", decision.wake_at));
    lines
}

proptest! {
    /// Whatever was learnt before: budgets, penalties, breakers, quotas, histories, prices.
    #[test]
    fn other_ids_and_more_names_change_no_later_decision(steps in steps(), at in any::<Index>()) {
        let (old, new) = (config(SETUP), config(&format!("{FIRST}{SETUP}")));
        let mut kept = Engine::new(old.clone());
        kept.explain(true);
        let mut other = kept.clone();
        let (mut now, at) = (Time::EPOCH, at.index(steps.len()));
        for (index, (gap, call)) in steps.iter().enumerate() {
            now = now + *gap;
            if index == at {
                kept.configure(now, old.clone());
                other.configure(now, new.clone());
            }
            match *call {
                Call::Observe(fact) => {
                    kept.observe(now, fact);
                    let is_moved = index >= at;
                    other.observe(now, if is_moved { moved(fact, &old, &new) } else { fact });
                }
                Call::Decide => {
                    let (one, two) = (kept.decide(now), other.decide(now));
                    prop_assert_eq!(told(&one, kept.config()), told(&two, other.config()));
                }
            }
        }
    }
}
