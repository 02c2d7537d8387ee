//! Two daemons on one PostgreSQL: one acts, and when it dies the other goes on.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration as Span, Instant};

use postgres::Client;
use provisioner_engine::random::Seed;
use provisioner_live::store::postgres::Candidate;
use rand::Rng;

use crate::replaying::replayed;
use crate::server::Server;
use crate::world::{ON_DATABASE, Plan, World, ledger_of, soon};

const PROVISIONER: &str = "shared";
const DEATHS: u32 = 20;

/// The number of a provisioner's lead, if anybody ever led.
pub(crate) fn lead_of(provisioner: &str, watcher: &mut Client) -> Option<i64> {
    let query = "SELECT lead FROM provisionerd.provisioner WHERE id = $1";
    watcher.query_opt(query, &[&provisioner]).ok()??.try_get(0).ok()
}

#[test]
fn two_daemons_on_one_database_take_over_from_each_other_and_double_nothing() {
    let Some(server) = Server::start() else { return };
    let url = server.database("shared");
    let plan = Plan { store: ON_DATABASE.to_owned(), ..Plan::of_both_methods(PROVISIONER) };
    let world = World::new(plan);
    let start = |host: &str| world.start_host(host, &url);
    let mut watcher = server.client("shared").expect("it connects");
    let mut lead = || lead_of(PROVISIONER, &mut watcher);
    let (mut leader, mut other) = ("one", "two");
    let mut leads = start(leader);
    soon("one leads", 60, || lead().is_some_and(|lead| lead > 0));
    let mut waits = start(other);
    let mut chance = Seed(4).purpose("take-overs").stream();
    let mut took: Vec<Span> = Vec::new();
    for _ in 0..DEATHS {
        world.add("runs", 2, 30);
        world.add("fleet", 2, 30);
        thread::sleep(Span::from_millis(2_500 + chance.next_u64() % 2_000));
        let before = lead().expect("one leads");
        leads.kill();
        let died = Instant::now();
        while lead() == Some(before) {
            assert!(died.elapsed() < Span::from_secs(30), "nobody took over");
            thread::sleep(Span::from_millis(10));
        }
        took.push(died.elapsed());
        (leader, other) = (other, leader);
        leads = waits;
        waits = start(other);
    }
    world.add("runs", 25, 300);
    world.add("fleet", 25, 300);
    let ledger = || -> BTreeSet<(String, String)> {
        ledger_of(
            Candidate::connect(&url, None, PROVISIONER)
                .and_then(Candidate::peek)
                .expect("it is read"),
        )
    };
    soon("moto has what the ledger has", 90, || {
        let alive = world.alive();
        alive.len() >= 10 && ledger() == alive && world.alive() == alive
    });
    soon("every task is done", 180, || world.left() == 0);
    soon("no machine is left", 60, || world.alive().is_empty());
    soon("the ledger knows it", 60, || ledger().is_empty());
    assert!(leads.stop().success());
    world.nothing_is_double();
    assert_eq!(world.queue.totals().lost, 0);
    replayed(&world.path(&format!("journal-{leader}.toml")));
    took.sort();
    println!(
        "{DEATHS} take-overs: median {:?}, longest {:?}",
        took[took.len() / 2],
        took[took.len() - 1]
    );
}
