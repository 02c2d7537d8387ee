//! Faults on the wire: no launch is made twice, none is lost, and demand is served all the same.

use std::thread;
use std::time::Duration as Span;

use provisioner_stand_in::ec2::{Done, Fault, Lag, What};

use crate::replaying::judged;
use crate::world::{Plan, World, soon};

/// Forty tasks by both launch methods, with that going wrong all the time.
#[track_caller]
fn survives(provisioner: &'static str, faults: Vec<Fault>, lag: Lag) {
    let world = World::new(Plan::of_both_methods(provisioner));
    served(&world, 1, |is_wrong| {
        world.proxy.misbehave(if is_wrong { faults.clone() } else { Vec::new() });
        world.proxy.lag(if is_wrong { lag } else { NO_LAG });
    });
}

/// Forty tasks, which come in so many waves, are done once each by no more than twice as many
/// machines, all of one launch and all gone in the end, while something is wrong from when the daemon
/// has begun.
#[track_caller]
pub(crate) fn served(world: &World, waves: usize, mut wrong: impl FnMut(bool)) {
    let daemon = world.daemon();
    soon("it has begun", 60, || world.proxy.calls().contains_key("DescribeInstances"));
    wrong(true);
    for wave in 0..waves {
        world.add("runs", 20 / waves, 20);
        world.add("fleet", 20 / waves, 20);
        thread::sleep(Span::from_secs(u64::from(wave + 1 < waves)));
    }
    soon("every task is done", 150, || world.left() == 0);
    soon("no machine is left", 60, || world.alive().is_empty());
    soon("the ledger knows it", 120, || world.ledger().is_empty());
    wrong(false);
    assert!(daemon.stop().success());
    let totals = world.queue.totals();
    assert_eq!((totals.completed, totals.lost), (40, 0));
    world.nothing_is_double();
    let launched = world.ours().len();
    assert!(launched <= 80, "{launched} instances for 40 tasks");
    judged(&world.path("journal-provisionerd.toml"), world.plan.provisioner);
    let (provisioner, calls) = (world.plan.provisioner, world.proxy.calls());
    println!("{provisioner}: {launched} instances for 40 tasks, calls: {calls:?}");
}

const NO_LAG: Lag = Lag { unseen: Span::ZERO, untagged: Span::ZERO };

#[test]
fn a_zone_without_machines_is_left_for_others() {
    let dry = Fault::new(What::Capacity(0)).in_zones(&["us-east-1a", "us-east-1b"]);
    survives("dry", vec![dry], NO_LAG);
}

#[test]
fn pools_that_give_less_than_was_asked_for_are_asked_no_more_than_needed() {
    let scarce = Fault::new(What::Capacity(2)).in_zones(&["us-east-1a", "us-east-1b"]);
    survives("scarce", vec![scarce], NO_LAG);
}

#[test]
fn bursts_of_throttling_are_waited_out() {
    survives("throttled", vec![Fault::throttled().every(2).times(40)], NO_LAG);
}

#[test]
fn internal_errors_of_calls_that_were_carried_out_are_one_launch() {
    let done = Fault::new(What::Fails(Done::Yes)).of_launches().every(2);
    survives("failed-done", vec![done], NO_LAG);
}

#[test]
fn internal_errors_of_calls_that_were_not_carried_out_are_made_again() {
    let not = Fault::new(What::Fails(Done::No)).of_launches().every(2);
    survives("failed-not", vec![not], NO_LAG);
}

#[test]
fn launches_whose_answers_are_lost_are_found() {
    let lost = Fault::new(What::Reset(Done::Yes)).of_launches().times(3);
    survives("lost", vec![lost], NO_LAG);
}

#[test]
fn connections_reset_before_and_after_anything_was_done_lose_and_double_nothing() {
    let before = Fault::new(What::Reset(Done::No)).every(5);
    let after = Fault::new(What::Reset(Done::Yes)).every(7);
    survives("reset", vec![before, after], NO_LAG);
}

#[test]
fn answers_that_are_cut_off_are_no_answers() {
    survives("truncated", vec![Fault::new(What::Truncated).every(4)], NO_LAG);
}

#[test]
fn a_slow_ec2_is_waited_for() {
    survives("slow", vec![Fault::new(What::Late(700))], NO_LAG);
}

#[test]
fn instances_that_are_shown_late_are_not_launched_again() {
    let lag = Lag { unseen: Span::from_secs(6), untagged: Span::from_secs(9) };
    survives("late", Vec::new(), lag);
}
