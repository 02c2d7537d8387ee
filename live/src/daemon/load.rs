//! The loop under load, in virtual time: how long a turn takes, and whether anything grows.
//!
//! `cargo test -p provisioner-live --lib load -- --nocapture` prints the figures.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use provisioner_engine::guards::Guards;
use provisioner_engine::ids::LaunchId;
use provisioner_engine::inventory::State;
use provisioner_engine::observation::EndCause;
use provisioner_engine::units::{Duration, Time};
use provisioner_stand_in::config::on_demand;
use tempfile::TempDir;

use super::brain::{Brain, Past};
use super::deeds::Deed;
use super::news::{Done, News};
use super::{Folder, Setup};
use crate::cloud::{LaunchLabel, LaunchTemplate, Launched, Listed};
use crate::queue::{Counts, Worker};
use crate::settings::Launches;
use crate::store::sqlite::SqliteStore;

/// From one turn to the next.
const STEP_MINUTES: u32 = 5;

/// Whoever measures memory and file handles measures the process's.
static ALONE: Mutex<()> = Mutex::new(());

const ZONES: [&str; 4] = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"];

/// Worker types that buy on demand in four zones.
fn setup(worker_types: usize) -> Setup {
    let names: Vec<String> = (0..worker_types).map(name).collect();
    let everywhere: Vec<_> = names.iter().map(|name| (name.as_str(), &ZONES[..])).collect();
    let mut config = on_demand(&everywhere);
    config.worker_types.iter_mut().for_each(|it| it.capacity_max = 1_000);
    config.limits.launches_per_decision_max = 100_000;
    // The fleet is to be there at once.
    config.guards = Guards { api: None, breaker: None, ice: None, share: None, ..config.guards };
    let templates = names.iter().flat_map(|name| {
        ZONES.map(|zone| ((name.clone(), zone.to_owned()), LaunchTemplate::default()))
    });
    Setup {
        provisioner: "load".into(),
        launches: Launches::of(templates),
        config,
        chapter_records_max: 20_000,
        chapter_length: Duration::HOUR,
        queue_intervals: BTreeMap::new(),
        price_interval: Duration::MINUTE,
        notice_interval: Duration::MINUTE,
    }
}

fn name(nth: usize) -> String {
    format!("proj/type-{nth:04}")
}

/// A daemon without network, whose EC2 gives whatever is asked for.
struct Rig {
    brain: Brain<SqliteStore>,
    now: Time,
    fleet: Vec<Listed>,
    launched: u64,
}

impl Rig {
    fn new(folder: &TempDir, worker_types: usize) -> Self {
        let store = SqliteStore::open(&folder.path().join("store"), "load").expect("it opens");
        let journal = Folder { path: folder.path().join("journal"), kept: 3 };
        let now = Time::EPOCH + Duration::from_hours(500_000);
        let setup = Arc::new(setup(worker_types));
        let brain =
            Brain::wake(store, setup, Some(&journal), || "e".into(), now, Past::Died).expect("new");
        Self { brain, now, fleet: Vec::new(), launched: 0 }
    }

    /// Five minutes pass: queues are read, the region is listed, a turn is taken and carried out.
    fn pass(&mut self, counts: impl Fn(usize) -> (u32, u32)) -> std::time::Duration {
        self.now = self.now + Duration::from_mins(STEP_MINUTES.into());
        let began = Instant::now();
        for nth in 0..self.brain.setup.config.worker_types.len() {
            let (pending, claimed) = counts(nth);
            let answer = Ok(Counts { pending, claimed, as_of: None });
            let (worker_type, asked) = (name(nth), self.now);
            self.brain.hear(self.now, News::Counted { worker_type, asked, answer });
        }
        let turn = self.brain.turn(self.now).expect("it is durable");
        for deed in turn.deeds {
            let done = match deed {
                Deed::Launch { order, .. } => {
                    let given = (0..order.count).map(|index| {
                        self.launched += 1;
                        let instance = format!("i-{:017x}", self.launched);
                        self.fleet.push(Listed {
                            instance: instance.clone(),
                            label: Some(order.label.clone()),
                            index: Some(index),
                            worker_type: Some(order.worker_type.clone()),
                            zone: Some(order.zone.clone()),
                            instance_type: order.instance_type.clone(),
                            product: None,
                            spot: false,
                            state: State::Running,
                            launched: self.now,
                        });
                        instance
                    });
                    let instances = given.collect();
                    let LaunchLabel { first, .. } = order.label;
                    let answer = Ok(Launched { instances, short: None });
                    let (first, region) = (LaunchId(first), order.region);
                    Done::Launch { first, count: order.count, region, answer }
                }
                Deed::List { region } => {
                    let answer = Ok(self.fleet.clone());
                    Done::List { region, began: self.now, answer }
                }
                Deed::Workers { worker_type } => {
                    let mine = self.fleet.iter().filter(|it| {
                        it.state == State::Running && it.worker_type.as_ref() == Some(&worker_type)
                    });
                    let worker =
                        |it: &Listed| Worker { instance: it.instance.clone(), first_claim: None };
                    Done::Workers { answer: Ok(Some(mine.map(worker).collect())), worker_type }
                }
                Deed::End { .. } | Deed::Cancel { .. } | Deed::Check { .. } => continue,
            };
            self.brain.hear(self.now, News::Done(Box::new(done)));
        }
        self.brain.checkpoint(self.now, false).expect("it is durable");
        began.elapsed()
    }

    /// The oldest have idled out; those that did so before are not shown any more.
    fn end_oldest(&mut self, how_many: usize) {
        self.fleet.retain(|it| it.state == State::Running);
        let running = self.fleet.iter_mut().filter(|it| it.state == State::Running);
        running.take(how_many).for_each(|it| it.state = State::Terminated(EndCause::Worker));
    }
}

/// Resident memory in kibibytes.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it is there");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

fn handles() -> usize {
    fs::read_dir("/proc/self/fd").expect("Linux").count()
}

fn size(folder: &TempDir) -> u64 {
    let size = |path: std::path::PathBuf| fs::metadata(path).map_or(0, |file| file.len());
    let journal = fs::read_dir(folder.path().join("journal")).expect("a folder");
    let chapters = journal.map(|file| size(file.expect("a file").path())).sum::<u64>();
    chapters + size(folder.path().join("store")) + size(folder.path().join("store-wal"))
}

#[test]
fn twenty_thousand_instances_of_a_thousand_worker_types_are_a_turn() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = TempDir::new().expect("a folder");
    let mut rig = Rig::new(&folder, 1_000);
    let before = memory();
    let filled = rig.pass(|_| (20, 0));
    rig.pass(|_| (0, 20));
    rig.pass(|_| (0, 20));
    assert_eq!(rig.brain.engine.launches().count(), 20_000);
    let quiet: Vec<_> = (0..10).map(|_| rig.pass(|_| (0, 20))).collect();
    let busy: Vec<_> = (0..10_u32)
        .map(|minute| rig.pass(move |nth| (u32::try_from(nth).expect("few") % 2, 20 + minute % 2)))
        .collect();
    let median = |mut times: Vec<std::time::Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    println!(
        "1,000 worker types, {} instances: the turn that launched them {filled:.1?}; a turn with a \
         listing of all: nothing new {:.1?}, all counts new {:.1?}; {} MiB more memory, {} MiB of \
         store and journal",
        rig.brain.engine.launches().count(),
        median(quiet),
        median(busy),
        (memory() - before) >> 10,
        size(&folder) >> 20,
    );
}

#[test]
fn a_week_of_turns_makes_nothing_grow() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = TempDir::new().expect("a folder");
    let mut rig = Rig::new(&folder, 100);
    let mut marks = Vec::new();
    for turn in 0..7 * 24 * 60 / STEP_MINUTES {
        // Some hundred launches and ends an hour.
        let pending = u32::from(turn % 12 < 6);
        rig.pass(move |nth| (pending * u32::from(nth % 10 == turn as usize % 10), 5));
        rig.end_oldest(usize::from(rig.fleet.len() > 100) * 6);
        if turn % (24 * 60 / STEP_MINUTES) == 0 && turn > 0 {
            marks.push((memory(), handles(), size(&folder), rig.fleet.len()));
        }
    }
    for (day, (kib, handles, bytes, fleet)) in (1..).zip(&marks) {
        println!(
            "day {day}: {} MiB, {handles} file handles, {} KiB on disk, {fleet} instances",
            kib >> 10,
            bytes >> 10,
        );
    }
    let (first, last) = (marks[0], marks[marks.len() - 1]);
    assert!(rig.launched > 5_000, "{} launches", rig.launched);
    assert!(last.0 < first.0 + (16 << 10), "memory: {} KiB, then {} KiB", first.0, last.0);
    assert_eq!(first.1, last.1, "file handles");
    assert!(last.2 < first.2 * 2, "disk: {}, then {} bytes", first.2, last.2);
}
