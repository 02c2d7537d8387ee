//! The shipped scenarios load, and mean what they say.

use std::collections::BTreeSet;
use std::path::PathBuf;

use provisioner_engine::worker_type::{PlacementPolicy, ScalingPolicy};

use provisioner_sim::outcome::Measures;

use super::*;

fn all() -> Vec<PathBuf> {
    let files = std::fs::read_dir(shipped("")).expect("the folder of this crate");
    let paths = files.map(|file| file.expect("a file").path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| path.file_name().is_some_and(|name| name != "Cargo.toml"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_shipped_scenario_loads_and_has_a_description() {
    let mut hashes = BTreeSet::new();
    for path in all() {
        let Loaded { scenario, .. } = load(&path).unwrap_or_else(|issues| panic!("{issues}"));
        assert!(!scenario.description().is_empty(), "{}", path.display());
        assert!(path.ends_with(format!("{}.toml", scenario.name())));
        assert!(hashes.insert(scenario.hash().to_owned()), "{} is shipped twice", path.display());
    }
    assert_eq!(hashes.len(), 15);
}

#[test]
fn every_policy_pair_is_shipped_under_its_name() {
    let predecessors = ["cheapest", "random", "weighted", "on-demand"];
    let shipped_pairs = [
        ("scaling-ratio", &predecessors[..]),
        ("estimator", &predecessors),
        ("target", &["spread"]),
    ];
    for (scaling, placements) in shipped_pairs {
        for &placement in placements {
            let path = shipped(&format!("firefox-ci-2021-{scaling}-{placement}.toml"));
            let config = load(&path).expect("it is shipped").scenario.config(Seed(1));
            assert_eq!(config.engine.worker_types.len(), 5);
            for worker_type in &config.engine.worker_types {
                let scaled_by = match worker_type.scaling {
                    ScalingPolicy::ScalingRatio { .. } => "scaling-ratio",
                    ScalingPolicy::Estimator { .. } => "estimator",
                    ScalingPolicy::Target { .. } => "target",
                };
                let placed_by = match worker_type.placement {
                    PlacementPolicy::Cheapest { .. } => "cheapest",
                    PlacementPolicy::Random { .. } => "random",
                    PlacementPolicy::Weighted { .. } => "weighted",
                    PlacementPolicy::Spread(_) => "spread",
                    PlacementPolicy::OnDemand => "on-demand",
                };
                assert_eq!((scaled_by, placed_by), (scaling, placement));
            }
        }
    }
}

#[test]
fn the_quickstart_needs_no_file_and_conserves_tasks_and_money() {
    let Loaded { scenario, remarks, .. } =
        load(&shipped("quickstart.toml")).expect("it is shipped");
    assert_eq!(remarks, Vec::<String>::new());
    let outcome = outcome(&scenario, scenario.seed().0);
    let tasks = outcome.total.tasks;
    assert!(tasks.submitted > 5_000);
    assert_eq!(tasks.done + tasks.expired + tasks.exhausted + tasks.left, tasks.submitted);
    assert_eq!(tasks.left, 0);
    assert_eq!(outcome.total.cost.by_use(), outcome.total.cost.total());
    assert!(outcome.total.launches.insufficient_capacity > 0, "pools run dry");
}

#[test]
fn a_shipped_scenario_is_the_same_in_another_folder() {
    let text = std::fs::read_to_string(shipped("quickstart.toml")).expect("it is shipped");
    let here = load(&shipped("quickstart.toml")).expect("it is shipped").scenario;
    let there = load_text(&text).expect("it needs no file").scenario;
    assert_eq!(here.hash(), there.hash());
    assert_eq!(outcome(&here, 2), outcome(&there, 2));
}

#[test]
fn a_worker_type_more_changes_nothing_for_the_others() {
    let text = std::fs::read_to_string(shipped("quickstart.toml")).expect("it is shipped");
    let alone = load_text(&text).expect("a good file").scenario;
    let prices = "[market.on_demand]";
    let more = text.replace(prices, &format!("{prices}\n\"a1.large\" = \"$0.051/h\""))
        + r#"
[worker_types."aaa/first"]
capacity_max = 50
tasks = { generated = { preset = "firefox-tests", tasks_per_hour = 20 } }
instance_types."a1.large" = {}
"#;
    let more = load_text(&more).expect("a good file").scenario;
    let (alone, more) = (outcome(&alone, 1), outcome(&more, 1));
    assert_eq!(more.worker_types[0].name, "aaa/first");
    assert!(more.worker_types[0].launches.started > 0);
    // Not the bills: what still runs at the end is billed until then, and the end may be another.
    let same = |measures: &Measures| (measures.wait, measures.tasks, measures.launches.ordered);
    assert!(more.worker_types[1..].iter().map(same).eq(alone.worker_types.iter().map(same)));
}
