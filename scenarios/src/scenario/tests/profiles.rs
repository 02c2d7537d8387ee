//! One scenario, run by whole provisioners.

use provisioner_engine::guards::{Guards, Memory};
use provisioner_engine::worker_type::{
    EngineConfig, Overshoot, PlacementPolicy, RequestedCredit, ScalingPolicy,
};

use super::*;

/// What the file says of everything that a profile may decide.
const DECIDED: &str = r#"
[engine]
guards = "off"
launches_per_call_max = 7
[worker_type_defaults]
scaling = { scaling-ratio = { scaling_ratio = 0.25 } }
placement = { weighted = { market = "on-demand" } }
request_timeout = "7 min"
registration_timeout = "9 min"
lifetime_max = "5 h"
price_max = "$3/h"
"#;

fn engine(scenario: &Scenario, profile: Option<Profile>) -> EngineConfig {
    let scenario = scenario.clone();
    let scenario = profile.map_or(scenario.clone(), |profile| scenario.run_by(profile));
    scenario.config(Seed(1)).engine
}

fn decided() -> Scenario {
    let text = format!("{DECIDED}{}", WEEK.replace("placement = \"on-demand\"", ""));
    load_text(&text.replacen("seed = 7", "", 1)).expect("a good file").scenario
}

#[test]
fn a_profile_decides_what_a_provisioner_is() {
    let scenario = decided();
    let v1 = engine(&scenario, Some(Profile::V1));
    assert_eq!((v1.limits.launches_per_call_max, v1.guards.memory), (1, Memory::Listed));
    assert!(v1.worker_types.iter().all(|worker_type| {
        matches!(worker_type.placement, PlacementPolicy::Cheapest { .. })
            && worker_type.overshoot == Overshoot::Historical
            && worker_type.registration_timeout.is_none()
    }));
    let manager = engine(&scenario, Some(Profile::WorkerManager));
    assert_eq!((manager.guards.memory, manager.guards.breaker), (Memory::Durable, None));
    let twice = RequestedCredit::Twice;
    assert!(manager.worker_types.iter().all(|worker_type| {
        matches!(worker_type.scaling, ScalingPolicy::Estimator { requested, .. } if requested == twice)
    }));
    let ours = engine(&scenario, Some(Profile::Ours));
    assert_eq!(ours.guards, Guards::default());
    assert!(ours.worker_types.iter().all(|worker_type| {
        matches!(worker_type.scaling, ScalingPolicy::Target { .. })
            && matches!(worker_type.placement, PlacementPolicy::Spread(_))
            && worker_type.overshoot == Overshoot::Never
    }));
    assert_eq!(ours.limits.launches_per_call_max, 7, "what its owner configures stays");
}

#[test]
fn what_its_owner_configures_stays() {
    let scenario = decided();
    let said = engine(&scenario, None);
    for profile in Profile::ALL {
        let run_by = engine(&scenario, Some(profile));
        assert_eq!((&run_by.seed, &run_by.catalog), (&said.seed, &said.catalog));
        for (run_by, said) in run_by.worker_types.iter().zip(&said.worker_types) {
            assert_eq!(
                (run_by.capacity_max, run_by.price_max),
                (said.capacity_max, said.price_max)
            );
            assert_eq!(run_by.candidates, said.candidates);
            assert_eq!(
                (run_by.request_timeout, run_by.lifetime_max, run_by.idle_timeout),
                (said.request_timeout, said.lifetime_max, said.idle_timeout)
            );
        }
    }
}

#[test]
fn options_of_its_own_policies_are_kept() {
    let scenario = decided();
    let said = &engine(&scenario, None).worker_types[0];
    assert_eq!(engine(&scenario, Some(Profile::V1)).worker_types[0].scaling, said.scaling);
    let manager = &engine(&scenario, Some(Profile::WorkerManager)).worker_types[0];
    assert_eq!(manager.placement, said.placement);
    assert_ne!(manager.scaling, said.scaling);
}

#[test]
fn another_provisioner_is_another_run_of_the_same_load() {
    let scenario = load_text(WEEK).expect("a good file").scenario;
    let mut hashes = BTreeSet::from([scenario.hash().to_owned()]);
    for profile in [Profile::V1, Profile::WorkerManager, Profile::Ours] {
        let run_by = scenario.clone().run_by(profile);
        assert!(
            hashes.insert(run_by.hash().to_owned()),
            "{} has a hash of its own",
            profile.name()
        );
        let (run_by, said) = (outcome(&run_by, 1), outcome(&scenario, 1));
        assert_eq!(run_by.total.tasks.submitted, said.total.tasks.submitted);
        assert_ne!(run_by.decision_digest, said.decision_digest);
    }
}

#[test]
fn a_file_that_says_what_we_do_is_run_as_ours() {
    let ours = "[worker_type_defaults]\nscaling = \"target\"\nplacement = \"spread\"\n";
    let text = WEEK.replace("placement = \"on-demand\"\n", "");
    let scenario = load_text(&format!("{text}{ours}")).expect("a good file").scenario;
    assert_eq!(engine(&scenario, Some(Profile::Ours)), engine(&scenario, None));
}

#[test]
fn unguarded_is_the_file_without_what_its_accident_is_about() {
    let with = |lines: &str| load_text(&format!("{WEEK}{lines}"));
    let unguarded = |lines: &str| {
        let scenario = with(lines).expect("a good file").scenario;
        (scenario.has_unguarded(), engine(&scenario, Some(Profile::Unguarded)))
    };
    let said = engine(&with("").expect("a good file").scenario, None);
    assert_eq!(unguarded(""), (false, said.clone()));
    let guards = Guards { ice: None, memory: Memory::Listed, ..said.guards };
    let lacks = EngineConfig { guards, ..said };
    assert_eq!(unguarded("[incident]\nwithout = [\"ice\", \"memory\"]"), (true, lacks));
    let issues = with("[incident]\nwithout = [\"icy\"]").expect_err("nothing is called so");
    assert!(issues.contains("did you mean \"ice\"?"), "{issues}");
}
