//! `kill -9` at random moments under load: afterwards moto has what the ledger has.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration as Span, Instant};

use provisioner_engine::random::Seed;
use rand::Rng;

use crate::replaying::judged;
use crate::world::{Plan, World, soon};

/// In each of three worlds.
const DEATHS: usize = 67;

#[test]
fn after_two_hundred_deaths_moto_has_what_the_ledger_has_none_lost_and_none_double() {
    let (began, deaths) = (Instant::now(), &AtomicUsize::new(0));
    thread::scope(|scope| {
        for (provisioner, seed) in [("dies-1", 1), ("dies-2", 2), ("dies-3", 3)] {
            scope.spawn(move || deaths.fetch_add(die(provisioner, seed), Ordering::Relaxed));
        }
    });
    let deaths = deaths.load(Ordering::Relaxed);
    println!("{deaths} deaths in {:.0?}", began.elapsed());
    assert!(deaths >= 200, "{deaths} deaths");
}

/// Kills daemons one after the other while tasks come and machines go; says how many.
fn die(provisioner: &'static str, seed: u64) -> usize {
    let plan = Plan { idle: Span::from_secs(1), ..Plan::of_both_methods(provisioner) };
    let world = World::new(plan);
    let mut chance = Seed(seed).purpose("deaths").stream();
    let mut launched_alive = 0;
    for death in 0..DEATHS {
        let mut daemon = world.daemon();
        // So short that some die before their first call, so long that others have many under way.
        let life = 300 + chance.next_u64() % 2_200;
        if death % 2 == 0 {
            world.add("runs", 3, 30);
            world.add("fleet", 3, 30);
        }
        thread::sleep(Span::from_millis(life));
        assert!(daemon.ended().is_none(), "it ended by itself");
        daemon.kill();
        launched_alive += usize::from(!world.proxy.changes().is_empty());
    }
    assert!(launched_alive > DEATHS / 2, "they died before they did anything");
    println!("{provisioner}: died {DEATHS} times");
    let daemon = world.daemon();
    // Long tasks keep their machines, so that there is something to compare.
    world.add("runs", 25, 300);
    world.add("fleet", 25, 300);
    let until = Instant::now() + Span::from_secs(60);
    loop {
        let (ledger, alive) = (world.ledger(), world.alive());
        if !alive.is_empty() && ledger == alive && world.alive() == alive {
            println!("{provisioner}: {} machines, in moto and in the ledger", alive.len());
            break;
        }
        let (lost, orphans) =
            (ledger.difference(&alive).count(), alive.difference(&ledger).count());
        assert!(
            Instant::now() < until,
            "{provisioner}: {} alive, {} in the ledger; {lost} are only there, {orphans} orphans",
            alive.len(),
            ledger.len(),
        );
        thread::sleep(Span::from_millis(200));
    }
    world.nothing_is_double();
    let recovered = Instant::now();
    soon("every task is done", 120, || world.left() == 0);
    println!("{provisioner}: every task done after {:.0?} more", recovered.elapsed());
    soon("no machine is left", 60, || world.alive().is_empty());
    soon("the ledger knows it", 60, || world.ledger().is_empty());
    assert!(daemon.stop().success());
    world.nothing_is_double();
    assert_eq!(world.queue.totals().lost, 0);
    let (records, _) = judged(&world.path("journal-provisionerd.toml"), provisioner);
    println!("{provisioner}: {} instances, {records} records", world.ours().len());
    DEATHS
}
