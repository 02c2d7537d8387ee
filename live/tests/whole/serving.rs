//! Demand is served, and nothing stays.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::replaying::replayed;
use crate::world::{Kind, Plan, World, soon};

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-2"];

#[test]
fn both_launch_methods_serve_six_worker_types_in_three_regions_and_leave_nothing() {
    let methods = [("runs", "run-instances"), ("fleet", "create-fleet")];
    let kinds = methods.iter().flat_map(|(name, method)| {
        REGIONS.map(|region| Kind::new(&format!("{name}-{region}"), method, &[region]))
    });
    let world = World::new(Plan::new("serving", kinds.collect()));
    let daemon = world.daemon();
    let began = Instant::now();
    for kind in &world.plan.kinds {
        world.add(kind.name.trim_start_matches("proj/"), 50, 30);
    }
    soon("every task is done", 180, || world.left() == 0);
    let served = began.elapsed();
    soon("no machine is left", 60, || world.alive().is_empty());
    soon("the ledger knows it", 60, || world.ledger().is_empty());
    assert!(daemon.stop().success());
    let totals = world.queue.totals();
    assert_eq!((totals.completed, totals.run_twice, totals.lost), (300, 0, 0));
    world.nothing_is_double();
    let all = world.ours();
    let regions: BTreeSet<&str> = all.iter().map(|it| it.region.as_str()).collect();
    let methods: BTreeSet<&str> = all.iter().map(|it| it.tag("aws-provisioner:method")).collect();
    assert_eq!((regions.len(), methods.len()), (3, 2));
    assert!(all.len() >= 200, "{} instances", all.len());
    let (records, orders) = replayed(&world.path("journal-provisionerd.toml"));
    println!(
        "300 tasks by {} instances in {served:.1?}; {records} records, {orders} orders",
        all.len()
    );
}
