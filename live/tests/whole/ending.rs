//! Ends that are asked for: SIGTERM loses nothing, and a teardown ends all of ours and nothing else.

use std::time::Duration as Span;

use provisioner_stand_in::ec2::MotoInstance;
use rustix::process::Signal;

use crate::world::{Kind, Plan, World, command, said, soon};

const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

fn world(provisioner: &'static str) -> World {
    let kinds = [
        Kind::new("runs", "run-instances", &REGIONS[..1]),
        Kind::new("fleet", "create-fleet", &REGIONS[1..]),
    ];
    World::new(Plan::new(provisioner, kinds.into()))
}

#[test]
fn what_was_begun_when_it_was_asked_to_stop_is_done_and_known() {
    let world = world("stops");
    let daemon = world.daemon();
    world.add("runs", 20, 600);
    world.add("fleet", 20, 600);
    soon("it launches", 60, || !world.proxy.changes().is_empty());
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(world.ledger(), world.alive(), "all that was begun is in the ledger");
    let before = world.alive();
    let daemon = world.daemon();
    soon("the rest is launched", 60, || world.alive().len() == 40);
    assert!(before.is_subset(&world.alive()), "none of it was ended");
    assert!(daemon.stop().success());
    assert_eq!(world.ledger(), world.alive());
    world.nothing_is_double();
}

#[test]
fn whoever_is_told_to_stop_before_anything_was_begun_ends_well() {
    let world = world("early");
    for wait_ms in [60, 120, 250, 500] {
        let daemon = world.daemon();
        std::thread::sleep(Span::from_millis(wait_ms));
        assert_eq!(daemon.stop().code(), Some(0), "after {wait_ms} ms");
    }
}

#[test]
fn a_teardown_ends_all_of_ours_and_nothing_else_and_can_be_run_again() {
    let world = world("ours");
    world.wait(async {
        // Somebody else's machines, with no tag and with another provisioner's.
        for (region, tag) in [("us-east-1", ""), ("us-east-1", "other"), ("eu-west-1", "other")] {
            let image = world.judge.image(region).await.expect("moto has images");
            let mut fields = vec![
                ("ImageId", image.as_str()),
                ("InstanceType", "c5.large"),
                ("MinCount", "2"),
                ("MaxCount", "2"),
            ];
            if !tag.is_empty() {
                fields.extend([
                    ("TagSpecification.1.ResourceType", "instance"),
                    ("TagSpecification.1.Tag.1.Key", "aws-provisioner:provisioner"),
                    ("TagSpecification.1.Tag.1.Value", tag),
                ]);
            }
            world.judge.call(region, "RunInstances", &fields, |_| ()).await.expect("moto has room");
        }
    });
    let daemon = world.daemon();
    world.add("runs", 15, 3_000);
    world.add("fleet", 15, 3_000);
    soon("thirty machines", 60, || world.alive().len() == 30);
    let teardown = ["teardown", "--yes", "--wait", "60"];
    let refused = world.command(&teardown).output().expect("it runs");
    assert!(!refused.status.success(), "a daemon runs: {}", said(&refused));
    assert_eq!(world.alive().len(), 30);
    assert!(daemon.stop().success());

    // One that is asked to stop in the middle leaves the rest to the next.
    let slow = provisioner_stand_in::ec2::Fault::new(provisioner_stand_in::ec2::What::Late(1_500));
    world.proxy.misbehave(vec![slow.of(&["TerminateInstances"])]);
    let mut cut = crate::world::Daemon::start(world.command(&teardown), &world.path("cut.log"));
    soon("it begins", 60, || world.proxy.calls().contains_key("TerminateInstances"));
    cut.signal(Signal::TERM);
    cut.wait_for_end(Span::from_secs(30));
    world.proxy.misbehave(Vec::new());

    for _ in 0..2 {
        let done = world.command(&teardown).output().expect("it runs");
        assert!(done.status.success(), "{}", said(&done));
        assert!(world.alive().is_empty());
    }
    let all = world.wait(world.judge.everywhere()).expect("moto answers");
    let others = all.iter().filter(|it| it.is_alive());
    let others: Vec<&MotoInstance> = others.collect();
    assert_eq!(others.len(), 6, "{others:?}");
}

#[test]
fn a_teardown_without_a_word_from_anybody_ends_nothing() {
    let world = world("asks");
    let daemon = world.daemon();
    world.add("runs", 2, 3_000);
    soon("two machines", 60, || world.alive().len() == 2);
    assert!(daemon.stop().success());
    let asked = command(&world.path("provisionerd.toml"), &["teardown"]).output().expect("it runs");
    assert!(!asked.status.success(), "{}", said(&asked));
    assert!(said(&asked).contains("--yes"), "{}", said(&asked));
    assert_eq!(world.alive().len(), 2);
}
