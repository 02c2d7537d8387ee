//! Workers, queues and what goes wrong with them, from file to model.

use expect_test::expect;
use provisioner_engine::ids::WorkerTypeId;
use provisioner_sim::config::{FaultKind, QueueModel, SimConfig, WorkerModel};

use super::*;

fn config(more: &str) -> SimConfig {
    let loaded = load_text(&format!("{WEEK}\n{more}")).unwrap_or_else(|issues| panic!("{issues}"));
    loaded.scenario.config(Seed(1))
}

#[test]
fn queues_and_workers_are_sound_unless_everything_happens_that_happens() {
    let (plain, full) = (config(""), config("[cloud]\nbehaviour = \"full\""));
    assert_eq!((plain.queue, &plain.workers[0]), (QueueModel::default(), &WorkerModel::default()));
    assert_eq!((full.queue, &full.workers[0]), (QueueModel::full(), &WorkerModel::full()));
}

#[test]
fn each_fault_is_told_from_the_others() {
    let what = |what: &str| config(&format!("[faults.f]\nwhat = {what}")).faults[0].what.clone();
    let broken = |whose: &[usize], registers| FaultKind::BrokenImage {
        worker_types: whose.iter().copied().map(WorkerTypeId::new).collect(),
        registers,
    };
    assert_eq!(what("\"queue-down\""), FaultKind::QueueDown);
    assert_eq!(what("\"queue-zero\""), FaultKind::QueueSays { pending: 0, claimed: 0 });
    let says = FaultKind::QueueSays { pending: 3, claimed: 4 };
    assert_eq!(what("{ queue-says = { pending = 3, claimed = 4 } }"), says);
    assert_eq!(what("{ boot-slow = { factor = 5 } }"), FaultKind::BootSlow { factor: 5.0 });
    assert_eq!(what("\"broken-image\""), broken(&[0, 1], false));
    let named = "{ broken-image = { worker_types = [\"proj/tests\"], registers = true } }";
    assert_eq!(what(named), broken(&[1], true));
}

#[test]
fn a_broken_image_is_that_of_a_worker_type_there_is() {
    let fault = "[faults.f]\nwhat = { broken-image = { worker_types = [\"ci/none\"] } }";
    let issues = load_text(&format!("{WEEK}\n{fault}")).err().unwrap_or_default();
    expect![[r#"
        error: worker type `ci/none` is not known
          --> week.toml:23:42
           |
        23 | what = { broken-image = { worker_types = ["ci/none"] } }
           |                                          ^^^^^^^^^^^
        hint: there are proj/builds, proj/tests"#]]
    .assert_eq(&issues);
}

#[test]
fn who_does_not_ask_the_queue_ends_workers_that_hold_tasks() {
    let measures = |profile: Profile| {
        let path = shipped("incidents/idle-race.toml");
        let loaded = load(&path).unwrap_or_else(|issues| panic!("{issues}"));
        let scenario = loaded.scenario.run_by(profile);
        outcome(&scenario, scenario.seed().0).total.safety
    };
    assert_eq!(measures(Profile::Ours).claimed_ended, 0);
    assert!(measures(Profile::Ours).spared > 0);
    assert!(measures(Profile::WorkerManager).claimed_ended > 0);
}

#[test]
fn what_a_configuration_lacks_must_be_there_before() {
    let fault = "[faults.f]\nwhat = { configured = { worker_types_removed = [\"ci/none\"], \
                 instance_types_removed = [\"c9.huge\"] } }";
    let issues = load_text(&format!("{WEEK}\n{fault}")).err().unwrap_or_default();
    expect![[r#"
        error: worker type `ci/none` is not known
          --> week.toml:23:48
           |
        23 | what = { configured = { worker_types_removed = ["ci/none"], instance_types_removed = ["c9.huge"] } }
           |                                                ^^^^^^^^^^^
        hint: there are proj/builds, proj/tests

        error: instance type `c9.huge` is not known
          --> week.toml:23:86
           |
        23 | …= { configured = { worker_types_removed = ["ci/none"], instance_types_removed = ["c9.huge"] } }
           |                                                                                  ^^^^^^^^^^^
        hint: there are c5.large, m5.large"#]].assert_eq(&issues);
}
