//! What `doctor` finds, and that it changes nothing.

use std::fs;

use provisioner_stand_in::ec2::Fault;

use crate::world::{Kind, Plan, World, said, soon};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAk6e5QzNVc0bZsMbLJVbgXNWzGtN4P2v9pBEkM1yIzF ops";

#[test]
fn it_says_what_may_not_be_done_and_changes_nothing() {
    let kinds = [Kind::new("runs", "run-instances", &["us-east-1"])];
    let world = World::new(Plan::new("examined", kinds.into()));
    let path = world.path("provisionerd.toml");
    let text = fs::read_to_string(&path).expect("it is there");
    world.write("key.pub", KEY);
    let key = "[aws]\npublic_key_file = \"key.pub\"\n";
    world.write("provisionerd.toml", &text.replace("[aws]\n", key));
    let doctor = || {
        let output = world.command(&["doctor"]).output().expect("it runs");
        (output.status.code(), said(&output))
    };
    // The pair is not there before the daemon brings it: only that is amiss.
    let (code, first) = doctor();
    assert_eq!(code, Some(1), "{first}");
    assert!(first.contains("note ending instances: not tried"), "{first}");
    assert!(first.contains("ok   ImportKeyPair in us-east-1: allowed"), "{first}");

    let daemon = world.daemon();
    world.add("runs", 3, 3_000);
    soon("three machines", 60, || world.alive().len() == 3);
    let (code, well) = doctor();
    assert_eq!(code, Some(0), "{well}");
    for line in [
        "ok   what is ours in us-east-1: 3 instances, 1 key pair",
        "ok   TerminateInstances in us-east-1: allowed",
        "ok   DeleteKeyPair in us-east-1: allowed",
        "All is well.",
    ] {
        assert!(well.contains(line), "`{line}` is not in: {well}");
    }

    let denied = "You are not authorized to perform this operation.";
    let denied = Fault::refused(403, "UnauthorizedOperation", denied);
    let actions = ["TerminateInstances", "DescribeSpotPriceHistory"];
    world.proxy.misbehave(vec![denied.of(&actions)]);
    let (code, ill) = doctor();
    assert_eq!(code, Some(1), "{ill}");
    for action in actions {
        let advice = format!("allow ec2:{action} to these credentials");
        assert!(ill.contains(&advice), "`{advice}` is not in: {ill}");
    }
    assert!(ill.contains("2 things are to be mended"), "{ill}");
    world.proxy.misbehave(Vec::new());
    assert_eq!(world.alive().len(), 3, "nothing was ended");
    assert!(daemon.stop().success());
}
