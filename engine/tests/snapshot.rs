//! What a snapshot refuses.

#[path = "support/setup.rs"]
mod setup;

use provisioner_engine::Engine;
use provisioner_engine::decision::Action;
use provisioner_engine::ids::LaunchId;
use provisioner_engine::journal::Record;
use provisioner_engine::snapshot::Snapshot;
use provisioner_engine::units::Time;

fn engine() -> Engine {
    Engine::new(setup::config("worker build\npool c5.large/us-east-1a\n"))
}

#[test]
fn a_snapshot_of_another_version_is_refused_by_its_version() {
    let text = serde_json::to_string(&Snapshot::of(&engine())).unwrap();
    let other = text.replacen("{\"version\":2,", "{\"version\":3,", 1).replace("engine", "motor");
    let error = serde_json::from_str::<Snapshot>(&other).unwrap_err().to_string();
    assert!(error.contains("a snapshot of version 3; this engine reads version 2"), "{error}");
}

#[test]
fn records_that_do_not_follow_the_snapshot_are_refused() {
    let mut engine = engine();
    let snapshot = Snapshot::of(&engine);
    let mut other = engine.decide(Time::EPOCH);
    assert!(snapshot.clone().restore([Record::Decided(other.clone())]).is_ok());
    other.actions.push(Action::Cancel { launch: LaunchId(1) });
    let orders = other.actions.len();
    let error = snapshot.restore([Record::Decided(other)]).unwrap_err();
    assert_eq!(error.record, 0);
    assert!(error.to_string().contains(&format!("has {orders} orders")), "{error}");
}
