//! The same as in `failing`, with somebody else's faults: microburst stands between the daemon and
//! EC2, and between daemons and their database.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration as Span, Instant};

use provisioner_live::store::postgres::Candidate;
use serde_json::{Value, json};

use crate::failing::served;
use crate::microburst::Microburst;
use crate::replaying::replayed;
use crate::server::Server;
use crate::swallowing::Swallowing;
use crate::world::{ON_DATABASE, Plan, World, ledger_of, said, soon};

/// The first of so many, and again.
fn each(nth: u32) -> Value {
    json!({"fail": 1, "pass": nth - 1})
}

/// Forty tasks are done whatever it does; it did each of these.
#[track_caller]
fn survives(provisioner: &'static str, rules: &Value, done: &[&str]) {
    let mut world = World::new(Plan::of_both_methods(provisioner));
    let microburst = Microburst::before_ec2(&world.proxy.url());
    world.endpoint = microburst.url();
    world.write_settings("provisionerd.toml");
    let nothing = json!([]);
    served(&world, 20, |is_wrong| microburst.obey(if is_wrong { rules } else { &nothing }));
    microburst.did(done);
}

#[test]
fn a_zone_without_machines_and_a_cloud_that_throttles_and_fails() {
    let dry = "\"Placement.AvailabilityZone\" == 'us-east-1a'";
    let rules = json!([
        {"service": "ec2", "operation": "RunInstances", "body": dry,
         "error": {"code": "InsufficientInstanceCapacity", "status": 500}},
        {"service": "ec2", "sequence": {"fail": 2, "pass": 4},
         "error": {"code": "RequestLimitExceeded", "status": 503}},
        {"service": "ec2", "sequence": each(5), "error": {"code": "InternalError", "status": 500}},
        {"service": "ec2", "sequence": each(6), "error": {"code": "Unavailable", "status": 503}},
    ]);
    let done = ["InsufficientInstanceCapacity", "RequestLimitExceeded", "InternalError"];
    survives("burst-errors", &rules, &done);
}

#[test]
fn connections_that_are_slow_cut_reset_and_garbled_and_launches_whose_answers_are_lost() {
    let lost = |operation: &str| {
        json!({"service": "ec2", "operation": operation, "sequence": each(3),
               "response": {"abort_frac": 0.3}})
    };
    let rules = json!([
        lost("RunInstances"),
        lost("CreateFleet"),
        {"service": "ec2", "sequence": each(6), "reset": true},
        {"service": "ec2", "sequence": each(7), "response": {"truncate_frac": 0.5}},
        {"service": "ec2", "sequence": each(8), "timeout_ms": 3000},
        {"service": "ec2", "sequence": each(9), "latency": 12_000}, // longer than it is waited for
        {"service": "ec2", "sequence": each(5), "response": {"corrupt_bytes": 1}},
        {"service": "ec2", "latency": {"preset": "ec2"},
         "response": {"set_headers": {"Content-Type": "text/plain"}}},
    ]);
    survives(
        "burst-wire",
        &rules,
        &["reset", "response:abort", "response:truncate", "corrupt", "timeout", "latency:12000"],
    );
}

#[test]
fn credentials_that_are_refused_for_a_while() {
    let refused = |code: &str, status: u16| json!({"service": "ec2", "times": 15, "error": {"code": code, "status": status}});
    let rules = json!([
        refused("RequestExpired", 400),
        refused("SignatureDoesNotMatch", 403),
        refused("AuthFailure", 401),
        refused("UnauthorizedOperation", 403),
        refused("WhatNobodyHasHeardOf", 418),
    ]);
    survives("burst-keys", &rules, &["RequestExpired", "UnauthorizedOperation", "NobodyHasHeard"]);
}

/// What goes wrong between a daemon and its database.
const MET: [&str; 5] = ["53300", "57P01", "reset", "partial_rows", "timeout"];

/// Two daemons whose supervisors start them again, on one database: one by way of microburst, the other
/// by way of a relay that swallows the answers to commits that were made.
#[test]
fn a_database_that_fails_at_every_step_doubles_and_loses_nothing() {
    let Some(server) = Server::start() else { return };
    let url = server.database("bursting");
    let store = format!("{ON_DATABASE}[watchdog]\nstuck_after = \"10 s\"\n");
    let world = World::new(Plan { store, ..Plan::of_both_methods("burst-store") });
    let microburst = Microburst::before_database(server.port());
    microburst.obey(&json!([
        {"operation": "startup", "probability": 0.2,
         "error": {"sqlstate": "53300", "severity": "FATAL", "message": "too many connections"}},
        {"operation": "commit", "sequence": each(15), "reset": true},
        {"operation": "insert", "sequence": each(9),
         "error": {"sqlstate": "57P01", "severity": "FATAL", "message": "terminating connection"}},
        {"operation": "select", "sequence": each(35), "partial_rows": 0},
        {"operation": "select", "sequence": each(50), "timeout": true}, // whoever waits is ended
        {"operation": "select", "probability": 0.02, "latency": 1_000},
    ]));
    let relay = Swallowing::before(server.port(), 7);
    let hosts = [("one", microburst.port()), ("two", relay.port)]
        .map(|(name, port)| (name, Server::url_at("127.0.0.1", port, "bursting")));
    let start = |host: usize| world.start_host(hosts[host].0, &hosts[host].1);
    let mut daemons = [start(0), start(1)];
    let mut ends = [0, 0];
    let began = Instant::now();
    let mut added = 0;
    // Who leads, and so does the most, is chance: a minute, or until each was met often enough.
    let is_enough = |ends: &[u32; 2]| {
        let is_long = began.elapsed() > Span::from_secs(50);
        is_long && ends.iter().all(|&ends| ends > 2) && microburst.has_done(&MET)
    };
    let mut enough = false;
    while !enough || world.left() > 0 {
        assert!(began.elapsed() < Span::from_secs(300), "enough: {enough}, {ends:?} deaths");
        enough = enough || is_enough(&ends);
        if !enough && added < began.elapsed().as_secs() {
            added += 1;
            world.add("runs", 1, 30);
            world.add("fleet", 1, 30);
        }
        for host in 0..2 {
            if daemons[host].ended().is_some() {
                ends[host] += 1;
                daemons[host] = start(host);
            }
        }
        thread::sleep(Span::from_millis(200));
    }
    microburst.obey(&json!([]));
    relay.every.store(0, Ordering::SeqCst);
    let ledger = || -> BTreeSet<(String, String)> {
        let kept = Candidate::connect(&url, None, "burst-store").and_then(Candidate::peek);
        ledger_of(kept.expect("it is read"))
    };
    // Whichever of them runs just now; then one goes on alone, on what they left.
    for daemon in daemons {
        daemon.stop();
    }
    let daemon = start(0);
    world.add("runs", 2, 30);
    world.add("fleet", 2, 30);
    soon("every task is done", 120, || world.left() == 0);
    soon("no machine is left", 60, || world.alive().is_empty());
    soon("the ledger knows it", 60, || ledger().is_empty());
    assert!(daemon.stop().success());
    world.nothing_is_double();
    assert_eq!(world.queue.totals().lost, 0);
    let swallowed = relay.swallowed.load(Ordering::SeqCst);
    println!("{ends:?} deaths, {swallowed} commits unanswered");
    microburst.did(&MET);
    microburst.obey(&json!([{"operation": "select", "timeout": true}]));
    let looked = world.host("one", &hosts[0].1, "plan").output().expect("it runs");
    assert_eq!(looked.status.code(), Some(70), "{}", said(&looked));
    assert!(said(&looked).contains("the store is stuck"), "{}", said(&looked));
    let (records, _) = replayed(&world.path("journal-one.toml"));
    assert!(records > 10, "{records} records");
}
