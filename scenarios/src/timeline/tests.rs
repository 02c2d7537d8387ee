use std::cell::RefCell;
use std::path::Path;

use provisioner_engine::units::Duration;
use provisioner_sim::outcome::Cost;
use provisioner_sim::{Hooks, Sample, Truth};

use super::watch::Listener;
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
        let paid = line.working.time() + line.booting.time();
        assert_eq!(paid, measures.capacity_time, "{}", measures.name);
        assert_eq!(line.capacity.time(), paid + line.requested.time(), "{}", measures.name);
        assert!(line.capacity.most().0 <= measures.capacity_peak, "{}", measures.name);
        let busy = line.busy.time();
        assert!(busy >= measures.useful_time && busy <= line.working.time(), "{}", measures.name);
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
fn what_is_counted_between_the_steps_is_what_the_world_says_each_minute() {
    for name in ["quickstart.toml", "incidents/notice-chaos.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let scenario = crate::load(&path).unwrap().scenario.with_series_step(Duration::MINUTE);
        let config = scenario.config(scenario.seed());
        let listener = RefCell::new(Listener::new(&config, Duration::HOUR));
        let (mut seen, mut most) = (0_u32, vec![0; config.engine.worker_types.len()]);
        let mut on_truth = |at: Time, what: Truth| listener.borrow_mut().hear(at, what);
        let mut on_sample = |sample: Sample| {
            let of = sample.worker_type.index();
            let line = &listener.borrow().worker_types[of];
            let Sample { pending, claimed, requested, booting, working, .. } = sample;
            assert_eq!(line.waiting.now, pending, "{sample:?}");
            assert!(line.busy.now <= claimed, "{sample:?}");
            // Those that wait for their end are counted here until they stop.
            let coming = requested + booting;
            assert!(line.requested.now + line.booting.now >= coming, "{sample:?}");
            assert!(line.capacity.now >= coming + working, "{sample:?}");
            (seen, most[of]) = (seen + pending, most[of].max(pending));
        };
        let hooks =
            Hooks { truth: Some(&mut on_truth), sample: Some(&mut on_sample), ..Hooks::default() };
        scenario.run(&config, hooks);
        assert!(seen > 0, "nobody ever waited in {name}");
        for (line, most) in listener.borrow().worker_types.iter().zip(most) {
            assert!(line.waiting.most().0 >= most);
        }
    }
}

#[test]
fn reasons_are_ranked_by_how_often_they_were_given() {
    let (_, timeline) = watched("incidents/type-removed.toml");
    let ranked = timeline.reasons.ranked();
    assert!(!ranked.is_empty() && ranked.is_sorted_by(|a, b| a.1.times >= b.1.times));
}

#[test]
fn a_run_that_ends_early_is_not_one_step() {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/incidents/one-task.toml");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("year.toml");
    std::fs::write(&file, format!("base = \"{base}\"\n[time]\nlength = \"365 d\"\n")).unwrap();
    let scenario = crate::load(&file).unwrap().scenario;
    let (_, outcome, timeline) = Timeline::watch(&scenario, scenario.seed(), 300, None);
    assert!(outcome.finished.since(outcome.started) < Duration::DAY);
    assert!((100..=300).contains(&timeline.steps()), "{} steps", timeline.steps());
}

#[test]
fn a_step_is_the_shortest_that_leaves_few_enough() {
    assert_eq!(step(Duration::from_hours(48), 400), Duration::from_mins(10));
    assert_eq!(step(Duration::from_secs(1), 400), Duration::SECOND);
    assert_eq!(step(Duration::from_hours(24 * 4_000), 400), Duration::from_hours(24 * 11));
}
