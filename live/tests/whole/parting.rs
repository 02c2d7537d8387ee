//! The leader's host is cut off from the database, without a word: the other one takes over, and the
//! one that was cut off does nothing more.

use std::process::Command;
use std::thread;
use std::time::{Duration as Span, Instant};

use provisioner_live::store::postgres::SILENCE;

use crate::replaying::replayed;
use crate::server::{Place, Server};
use crate::taking_over::lead_of;
use crate::world::{Kind, ON_DATABASE, Plan, World, soon};

const PROVISIONER: &str = "parted";

/// A network namespace that two links lead to; gone when it is dropped. Their addresses are set apart
/// for examples (RFC 5737).
struct Network {
    name: String,
}

impl Network {
    const ADDRESSES: [[&str; 2]; 2] =
        [["198.51.100.1", "198.51.100.2"], ["198.51.100.5", "198.51.100.6"]];

    /// `None`, and a word about it, where none can be made.
    fn new() -> Option<Self> {
        let network = Self { name: format!("pd{}", std::process::id()) };
        if !ip(&["netns", "add", &network.name]) {
            println!("no network can be made here: hosts that are cut off are not tried");
            return None;
        }
        for (link, [near, far]) in Self::ADDRESSES.iter().enumerate() {
            let (here, there) = (network.end("n", link), network.end("f", link));
            let name = network.name.as_str();
            let (near, far) = (format!("{near}/30"), format!("{far}/30"));
            for command in [
                &["link", "add", &here, "type", "veth", "peer", "name", &there, "netns", name][..],
                &["addr", "add", &near, "dev", &here],
                &["link", "set", &here, "up"],
                &["-n", name, "addr", "add", &far, "dev", &there],
                &["-n", name, "link", "set", &there, "up"],
            ] {
                assert!(ip(command), "ip {}", command.join(" "));
            }
        }
        Some(network)
    }

    fn end(&self, which: &str, link: usize) -> String {
        format!("{}{which}{link}", self.name)
    }

    /// Nothing comes through it any more, and nobody is told.
    fn cut(&self, link: usize) {
        assert!(ip(&["-n", &self.name, "link", "set", &self.end("f", link), "down"]));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        ip(&["netns", "del", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).output().is_ok_and(|output| output.status.success())
}

#[test]
fn who_is_cut_off_from_the_database_is_followed_and_ends() {
    let Some(network) = Network::new() else { return };
    let [one, two] = Network::ADDRESSES.map(|[_, far]| far);
    let beyond = format!("{one},{two}");
    let place = Place { beyond: Some((&network.name, &beyond)), ..Place::default() };
    let Some(server) = Server::start_at(&place) else { return };
    server.database("parted");
    let kinds = [Kind::new("runs", "run-instances", &["us-east-1"])];
    let plan = Plan { store: ON_DATABASE.to_owned(), ..Plan::new(PROVISIONER, kinds.into()) };
    let world = World::new(plan);
    let start = |host: &str, address: &str| {
        world.start_host(host, &Server::url_at(address, server.port(), "parted"))
    };
    let mut watcher = server.client("parted").expect("it connects");
    let mut lead = || lead_of(PROVISIONER, &mut watcher);
    let mut first = start("one", one);
    soon("one leads", 60, || lead() == Some(1));
    let second = start("two", two);
    world.add("runs", 10, 60);
    soon("machines are there", 60, || !world.alive().is_empty());
    thread::sleep(Span::from_secs(2));
    network.cut(0);
    let parted = Instant::now();
    world.add("runs", 10, 60);
    soon("the other one leads", 3 * SILENCE.as_secs(), || lead() == Some(2));
    let followed = parted.elapsed();
    let status = first.wait_for_end(3 * SILENCE);
    println!("followed after {followed:.1?}, ended after {:.1?}", parted.elapsed());
    assert_eq!(status.code(), Some(1));
    soon("every task is done", 120, || world.left() == 0);
    soon("no machine is left", 60, || world.alive().is_empty());
    assert!(second.stop().success());
    world.nothing_is_double();
    assert_eq!(world.queue.totals().lost, 0);
    replayed(&world.path("journal-two.toml"));
}
