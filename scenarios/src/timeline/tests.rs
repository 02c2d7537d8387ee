use std::path::Path;

use provisioner_engine::units::Duration;
use provisioner_sim::outcome::Cost;

use super::*;

fn watched(name: &str) -> (Outcome, Timeline) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let scenario = crate::load(&path).unwrap().scenario;
    let (_, outcome, timeline) = Timeline::watch(&scenario, scenario.seed(), 400, None);
    assert_eq!(outcome, scenario.run(&scenario.config(scenario.seed()), Default::default()));
    (outcome, timeline)
}

/// What must hold of any run: its steps come to its outcome.
fn adds_up((outcome, timeline): (Outcome, Timeline)) {
    let sum = |costs: &[Cost]| {
        costs.iter().fold(Cost::default(), |mut sum, cost| {
            sum += *cost;
            sum
        })
    };
    for (line, measures) in timeline.worker_types.iter().zip(&outcome.worker_types) {
        assert_eq!(sum(&line.spent), measures.cost, "{}", measures.name);
        assert_eq!(line.waits.count(), measures.wait.count, "{}", measures.name);
    }
    assert_eq!(sum(&timeline.spent()), outcome.total.cost);
    let pools = &timeline.pools;
    let cost: Usd = pools.iter().map(|pool| pool.cost).sum();
    let alive: Duration = pools.iter().map(|pool| pool.instance_time).sum();
    assert_eq!((cost, alive), (outcome.total.cost.total(), outcome.total.instance_time));
    let steps = || pools.iter().flat_map(|pool| &pool.steps);
    let launches = outcome.total.launches;
    assert_eq!(steps().map(|step| u64::from(step.started)).sum::<u64>(), launches.started);
    assert_eq!(steps().map(|step| u64::from(step.interrupted)).sum::<u64>(), launches.interrupted);
}

#[test]
fn the_steps_add_up_to_the_outcome() {
    adds_up(watched("quickstart.toml"));
    adds_up(watched("incidents/notice-chaos.toml"));
    adds_up(watched("incidents/type-removed.toml"));
}

#[test]
fn reasons_are_ranked_by_how_often_they_were_given() {
    let (_, timeline) = watched("incidents/type-removed.toml");
    let ranked = timeline.reasons.ranked();
    assert!(!ranked.is_empty() && ranked.is_sorted_by(|a, b| a.1.times >= b.1.times));
}

#[test]
fn a_step_is_the_shortest_that_leaves_few_enough() {
    assert_eq!(step(Duration::from_hours(48), 400), Duration::from_mins(10));
    assert_eq!(step(Duration::from_secs(1), 400), Duration::SECOND);
    assert_eq!(step(Duration::from_hours(24 * 4_000), 400), Duration::from_hours(24 * 11));
}
