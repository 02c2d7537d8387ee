//! A region that does not answer delays no other: not while the daemon runs, and not when it starts.

use std::fs;

use provisioner_stand_in::ec2::{Done, Fault, What};

use crate::world::{Kind, Plan, World, soon};

const HERE: &str = "us-east-1";
const THERE: &str = "eu-west-1";

#[test]
fn after_a_start_without_one_region_the_others_are_used_and_it_is_when_it_is_back() {
    goes_on("silent", Fault::new(What::Reset(Done::No)));
}

#[test]
fn a_region_that_lets_nobody_in_any_more_stops_no_other() {
    goes_on("shut", Fault::refused(401, "AuthFailure", "You may not."));
}

#[track_caller]
fn goes_on(provisioner: &'static str, fault: Fault) {
    let kinds =
        [Kind::new("here", "run-instances", &[HERE]), Kind::new("there", "create-fleet", &[THERE])];
    let world = World::new(Plan::new(provisioner, kinds.into()));
    let alive = |region: &str| world.alive().iter().filter(|(where_, _)| where_ == region).count();
    let daemon = world.daemon();
    world.add("here", 3, 3_000);
    world.add("there", 3, 3_000);
    soon("three machines in each", 60, || alive(HERE) == 3 && alive(THERE) == 3);
    assert!(daemon.stop().success());

    world.proxy.misbehave(vec![fault.in_regions(&[THERE])]);
    world.add("here", 4, 3_000);
    world.add("there", 4, 3_000);
    let daemon = world.daemon();
    soon("the one that answers is used", 60, || alive(HERE) == 7);
    // What is written is read anew all the same.
    let path = world.path("worker-types/proj-here.toml");
    let text = fs::read_to_string(&path).expect("it is there");
    fs::write(&path, text.replace("capacity_max = 60", "capacity_max = 9")).expect("it is written");
    world.add("here", 10, 3_000);
    let log = || fs::read_to_string(world.path("daemon.log")).unwrap_or_default();
    soon("it goes by the new text", 60, || alive(HERE) >= 9);
    assert!(log().contains("taken to have what it had"), "it says so");
    assert_eq!(alive(THERE), 3, "what runs there is left alone");

    world.proxy.misbehave(Vec::new());
    soon("the other one is used too", 90, || alive(THERE) == 7);
    soon("the ledger has what is there", 60, || world.ledger() == world.alive());
    assert!(daemon.stop().success());
    world.nothing_is_double();
}
