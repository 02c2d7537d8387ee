//! The loop, with an EC2 and a queue that do what no server can be made to do.

mod fake;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration as Span, Instant};

use provisioner_engine::decision::Action;
use provisioner_engine::guards::{Guards, ListingRule};
use provisioner_engine::journal::{Record, replay};
use provisioner_engine::observation::Observation;
use provisioner_engine::units::Duration;
use provisioner_files::journal::Journal;
use provisioner_live::cloud::LaunchTemplate;
use provisioner_live::daemon::clock::Look;
use provisioner_live::daemon::news::News;
use provisioner_live::daemon::plan::plan;
use provisioner_live::daemon::{
    self, DaemonError, Door, Folder, Parts, Setup, Shadow, Watchdog, Watchers,
};
use provisioner_live::settings::Launches;
use provisioner_live::store::Entry;
use provisioner_live::store::memory::MemoryStore;
use provisioner_live::store::sqlite::SqliteStore;
use provisioner_stand_in::config::on_demand;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use self::fake::{FakeCloud, FakeQueue};

const CI: &str = "proj/ci";
const GPU: &str = "proj/gpu";

/// Two worker types, each in a region of its own, bought on demand.
fn setup() -> Setup {
    let zones: [(&str, &[&str]); 2] =
        [(CI, &["us-east-1a", "us-east-1b"]), (GPU, &["eu-west-1a", "eu-west-1b"])];
    let mut config = on_demand(&zones);
    config.limits.iteration_interval = Duration::SECOND;
    let listing = ListingRule { interval: Duration::SECOND, ..ListingRule::default() };
    config.guards = Guards { listing: Some(listing), breaker: None, ..config.guards };
    let template = || LaunchTemplate { image: "ami-1".into(), ..LaunchTemplate::default() };
    let templates = zones.into_iter().flat_map(|(name, zones)| {
        zones.iter().map(move |zone| ((name.to_owned(), (*zone).to_owned()), template()))
    });
    Setup {
        provisioner: "test".into(),
        launches: Launches::of(templates),
        config,
        chapter_records_max: 40,
        chapter_length: Duration::HOUR,
        queue_intervals: [CI, GPU].map(|name| (name.to_owned(), Duration::SECOND)).into(),
        price_interval: Duration::from_mins(5),
        notice_interval: Duration::from_secs(5),
    }
}

/// A daemon in this process, with its store in a folder.
struct Daemon {
    door: Door,
    runtime: Runtime,
    thread: JoinHandle<Result<(), DaemonError>>,
    seen: Arc<Mutex<Supplies>>,
}

/// Capacity by worker type: requested, pending and running, working.
type Supplies = BTreeMap<String, (u32, u32, u32)>;

fn start(folder: &Path, cloud: &Arc<FakeCloud>, queue: &Arc<FakeQueue>, shadow: Shadow) -> Daemon {
    start_with(folder, cloud, queue, shadow, setup())
}

fn start_with(
    folder: &Path,
    cloud: &Arc<FakeCloud>,
    queue: &Arc<FakeQueue>,
    shadow: Shadow,
    setup: Setup,
) -> Daemon {
    let runtime = Runtime::new().expect("a runtime");
    let store = SqliteStore::open(&folder.join("store"), "test").expect("it opens");
    let parts = Parts {
        store,
        cloud: Arc::clone(cloud),
        queue: Arc::clone(queue),
        setup,
        journal: Some(Folder { path: folder.join("journal"), kept: 1_000 }),
        shadow,
    };
    let (send, opened) = std::sync::mpsc::channel();
    let seen = Arc::new(Mutex::new(Supplies::new()));
    let (handle, seen_there) = (runtime.handle().clone(), Arc::clone(&seen));
    let thread = std::thread::spawn(move || {
        let watchers = Watchers {
            on_turn: Box::new(|seen| {
                let config = seen.engine.config();
                let names = config.worker_types.iter().enumerate();
                let supplies = names.map(|(id, known)| {
                    let it = seen.engine.supply(provisioner_engine::ids::WorkerTypeId::new(id));
                    (known.name.clone(), (it.requested, it.pending + it.running, it.working))
                });
                *seen_there.lock().expect("nobody panics with it") = supplies.collect();
            }),
            watchdog: Watchdog::start(Span::from_secs(60), "the loop"),
        };
        daemon::run(parts, &handle, watchers, |door| send.send(door).expect("the test waits"))
    });
    let door = opened.recv().expect("it starts");
    Daemon { door, runtime, thread, seen }
}

impl Daemon {
    fn working(&self, worker_type: &str) -> u32 {
        self.supply(worker_type).2
    }

    fn supply(&self, worker_type: &str) -> (u32, u32, u32) {
        let seen = self.seen.lock().expect("nobody panics with it");
        seen.get(worker_type).copied().unwrap_or_default()
    }

    fn stop(self) {
        let door = self.door.clone();
        assert!(self.runtime.block_on(async { door.bring(News::Stop).await }), "it listens");
        self.thread.join().expect("no panic").expect("no error");
    }
}

#[track_caller]
fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Span::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < until, "not within 30 s: {what}");
        std::thread::sleep(Span::from_millis(50));
    }
}

struct Scene {
    folder: TempDir,
    cloud: Arc<FakeCloud>,
    queue: Arc<FakeQueue>,
}

fn scene() -> Scene {
    let queue = Arc::new(FakeQueue::default());
    queue.says(CI, 0, 0);
    queue.says(GPU, 0, 0);
    Scene { folder: TempDir::new().expect("a folder"), cloud: Arc::default(), queue }
}

impl Scene {
    fn start(&self) -> Daemon {
        start(self.folder.path(), &self.cloud, &self.queue, Shadow::Off)
    }

    /// All instances that are there have registered.
    fn register(&self) {
        self.queue.state().registered = self.cloud.alive().into_iter().collect();
    }
}

#[test]
fn it_launches_what_is_wanted_and_follows_it_to_its_end() {
    let scene = scene();
    let daemon = scene.start();
    scene.queue.says(CI, 5, 0);
    soon("five instances", || scene.cloud.alive().len() == 5);
    scene.register();
    scene.queue.says(CI, 0, 5);
    soon("five workers", || daemon.working(CI) == 5);
    assert_eq!(scene.cloud.alive().len(), 5, "no more are launched");
    // They idle out by themselves.
    for listed in scene.cloud.state().instances.values_mut() {
        let cause = provisioner_engine::observation::EndCause::Worker;
        listed.state = provisioner_engine::inventory::State::Terminated(cause);
    }
    scene.queue.says(CI, 0, 0);
    soon("the fleet is gone", || daemon.supply(CI) == (0, 0, 0));
    daemon.stop();
}

#[test]
fn while_some_have_not_registered_workers_are_asked_for_as_often_as_counts() {
    let scene = scene();
    let daemon = scene.start();
    scene.queue.says(CI, 1, 0);
    soon("it runs", || daemon.supply(CI).1 == 1);
    let asked =
        |worker_type: &str| scene.queue.state().worker_calls.get(worker_type).copied().unwrap_or(0);
    let (before, began) = (asked(CI), Instant::now());
    soon("its queue, of a second, is asked five times", || asked(CI) >= before + 5);
    assert!(began.elapsed() >= Span::from_secs(4), "not more often than that");
    scene.register();
    soon("it has registered", || daemon.working(CI) == 1);
    let after = asked(CI);
    std::thread::sleep(Span::from_secs(3));
    assert!(asked(CI) <= after + 1, "nobody is waited for");
    assert_eq!(asked(GPU), 0, "it has no workers to wait for");
    daemon.stop();
}

#[test]
fn a_launch_that_was_never_answered_is_one_launch() {
    let scene = scene();
    let daemon = scene.start();
    scene.cloud.mood(|mood| mood.silent = true);
    scene.queue.says(CI, 3, 0);
    soon("the call was made, and again", || scene.cloud.state().launch_calls > 0);
    soon("they are found", || daemon.supply(CI).1 == 3);
    scene.cloud.mood(|mood| mood.silent = false);
    std::thread::sleep(Span::from_secs(3));
    assert_eq!(scene.cloud.alive().len(), 3);
    daemon.stop();
}

#[test]
fn what_was_begun_before_a_restart_is_settled_after_it() {
    let scene = scene();
    let daemon = scene.start();
    scene.queue.says(CI, 4, 0);
    soon("four instances", || daemon.supply(CI).1 == 4);
    daemon.stop();
    scene.register();
    let daemon = scene.start();
    soon("they are known again, and register", || daemon.working(CI) == 4);
    assert_eq!(scene.cloud.alive().len(), 4);
    daemon.stop();
}

/// A daemon whose turns are a minute apart.
fn in_no_hurry(scene: &Scene) -> Daemon {
    let mut slow = setup();
    slow.config.limits.iteration_interval = Duration::MINUTE;
    start_with(scene.folder.path(), &scene.cloud, &scene.queue, Shadow::Off, slow)
}

#[test]
fn the_first_turn_that_knows_everything_comes_as_soon_as_it_does() {
    let scene = scene();
    scene.queue.says(CI, 3, 0);
    let daemon = in_no_hurry(&scene);
    soon("long before the minute is over", || scene.cloud.alive().len() == 3);
    daemon.stop();
}

#[test]
fn a_new_store_buys_nothing_before_it_knows_what_is_there() {
    let scene = scene();
    scene.queue.says(CI, 3, 0);
    scene.cloud.mood(|mood| mood.hung.extend(["us-east-1".into(), "eu-west-1".into()]));
    let daemon = in_no_hurry(&scene);
    std::thread::sleep(Span::from_secs(2));
    // Somebody brings a turn forward.
    daemon.runtime.block_on(async { assert!(daemon.door.bring(News::Nudged).await) });
    std::thread::sleep(Span::from_secs(3));
    assert_eq!(daemon.supply(CI), (0, 0, 0));
    drop(daemon); // It would wait for the regions' answers.
}

#[test]
fn a_region_and_a_queue_that_never_answer_delay_no_other() {
    let scene = scene();
    scene.cloud.mood(|mood| {
        mood.hung.insert("eu-west-1".into());
    });
    scene.queue.state().hung.insert(GPU.into());
    let daemon = scene.start();
    scene.queue.says(CI, 2, 0);
    soon("two instances in the other region", || daemon.supply(CI).1 == 2);
    drop(daemon); // It would wait for the region's answers.
}

#[test]
fn a_region_that_does_not_answer_is_not_listed_again_meanwhile() {
    let scene = scene();
    scene.cloud.mood(|mood| {
        mood.hung.insert("eu-west-1".into());
    });
    let daemon = scene.start();
    let calls = |region: &str| scene.cloud.state().list_calls.get(region).copied().unwrap_or(0);
    soon("the other region is listed again and again", || calls("us-east-1") >= 4);
    assert_eq!(calls("eu-west-1"), 1);
    drop(daemon); // It would wait for the region's answers.
}

/// How many records and orders the chapters have; each chapter must replay by itself.
fn replayed(folder: &Path) -> (usize, usize) {
    let chapters = Folder { path: folder.join("journal"), kept: 0 }.ended().expect("it is read");
    let (mut records, mut orders) = (0, 0);
    for chapter in chapters {
        let journal = Journal::open(&chapter).expect("a journal");
        let mut engine = journal.engine();
        for record in journal {
            let record = record.expect("a record");
            records += 1;
            if let Record::Decided(decision) = &record {
                orders += decision.actions.len();
            }
            replay(&mut engine, record).expect("it decides the same");
        }
    }
    (records, orders)
}

#[test]
fn the_journal_of_a_run_replays_chapter_by_chapter_over_a_restart() {
    let scene = scene();
    let daemon = scene.start();
    scene.queue.says(CI, 5, 0);
    soon("five instances", || daemon.supply(CI).1 == 5);
    daemon.stop();
    let (before, _) = replayed(scene.folder.path());
    let daemon = scene.start();
    scene.queue.says(CI, 9, 0);
    soon("nine instances", || daemon.supply(CI).1 == 9);
    daemon.stop();
    let (records, orders) = replayed(scene.folder.path());
    assert!(before > 0 && records > before + 40 && orders > 5, "{before}, {records}, {orders}");
}

#[test]
fn a_plan_says_what_would_be_done_and_does_nothing() {
    let scene = scene();
    scene.queue.says(CI, 5, 0);
    scene.queue.state().counts.remove(GPU);
    let runtime = Runtime::new().expect("a runtime");
    let parts = Parts {
        store: MemoryStore::default(),
        cloud: Arc::clone(&scene.cloud),
        queue: Arc::clone(&scene.queue),
        setup: setup(),
        journal: None,
        shadow: Shadow::On,
    };
    let plan = plan(parts, runtime.handle(), Span::from_secs(10)).expect("it decides");
    let launches = plan.decision.actions.iter().filter_map(|action| match action {
        Action::Launch { count, .. } => Some(*count),
        _ => None,
    });
    assert_eq!(launches.sum::<u32>(), 5, "{:?}", plan.decision);
    assert_eq!(plan.unknown, ["the counts of proj/gpu: the test says nothing"]);
    assert_eq!(scene.cloud.state().launch_calls, 0);
}

#[test]
fn a_plan_beside_a_daemon_counts_what_that_one_has() {
    let scene = scene();
    scene.queue.says(CI, 5, 0);
    let daemon = scene.start();
    soon("five instances", || daemon.supply(CI).1 == 5);
    scene.queue.says(CI, 7, 0);
    let runtime = Runtime::new().expect("a runtime");
    let store = scene.folder.path().join("store");
    let kept = SqliteStore::peek(&store, "test").expect("it is read");
    let parts = Parts {
        store: MemoryStore::of(kept),
        cloud: Arc::clone(&scene.cloud),
        queue: Arc::clone(&scene.queue),
        setup: setup(),
        journal: None,
        shadow: Shadow::On,
    };
    let plan = plan(parts, runtime.handle(), Span::from_secs(10)).expect("it decides");
    let launches = plan.decision.actions.iter().filter_map(|action| match action {
        Action::Launch { count, .. } => Some(*count),
        _ => None,
    });
    assert!(launches.sum::<u32>() <= 2, "{:?}", plan.decision);
    daemon.stop();
}

#[test]
fn in_shadow_nothing_is_changed_and_everything_is_decided() {
    let scene = scene();
    scene.queue.says(CI, 5, 0);
    let daemon = start(scene.folder.path(), &scene.cloud, &scene.queue, Shadow::On);
    soon("the fleet was looked at", || !daemon.seen.lock().expect("no panic").is_empty());
    std::thread::sleep(Span::from_secs(3));
    let cloud = scene.cloud.state();
    assert_eq!((cloud.changes, cloud.launch_calls), (0, 0));
    drop(cloud);
    daemon.stop();
}

#[test]
fn a_dry_zone_is_left_for_another() {
    let scene = scene();
    scene.cloud.mood(|mood| {
        mood.dry.insert("us-east-1a".into());
    });
    let daemon = scene.start();
    scene.queue.says(CI, 6, 0);
    soon("six instances", || scene.cloud.alive().len() == 6);
    let zones = scene.cloud.state();
    assert!(zones.instances.values().all(|it| it.zone.as_deref() == Some("us-east-1b")));
    drop(zones);
    daemon.stop();
}

#[test]
fn a_worker_type_that_is_removed_keeps_its_machines_and_gets_no_more() {
    let scene = scene();
    let daemon = scene.start();
    scene.queue.says(CI, 2, 0);
    scene.queue.says(GPU, 2, 0);
    soon("both have machines", || daemon.supply(CI).1 == 2 && daemon.supply(GPU).1 == 2);
    let mut smaller = setup();
    smaller.config.worker_types.remove(0);
    let door = daemon.door.clone();
    let news = News::Configured(Box::new(smaller));
    assert!(daemon.runtime.block_on(async { door.bring(news).await }));
    scene.queue.says(CI, 9, 0);
    scene.queue.says(GPU, 4, 0);
    soon("the other grows", || daemon.supply(GPU).1 == 4);
    assert_eq!(scene.cloud.alive().len(), 6);
    daemon.stop();
}

#[test]
fn a_lost_store_s_instances_are_taken_over() {
    let scene = scene();
    let daemon = scene.start();
    scene.queue.says(CI, 4, 0);
    soon("four instances", || daemon.supply(CI).1 == 4);
    daemon.stop();
    scene.register();
    scene.queue.says(CI, 4, 4);
    let elsewhere = TempDir::new().expect("a folder");
    // Listed before it is asked for more: the queue tells nothing at first.
    scene.queue.state().counts.clear();
    let daemon = start(elsewhere.path(), &scene.cloud, &scene.queue, Shadow::Off);
    soon("they are taken over", || daemon.working(CI) == 4);
    scene.queue.says(CI, 2, 4);
    scene.queue.says(GPU, 0, 0);
    soon("two more are bought, not six", || daemon.supply(CI).1 == 2);
    assert_eq!(scene.cloud.alive().len(), 6);
    daemon.stop();
}

#[test]
fn a_plan_goes_on_from_a_store_that_is_ahead_of_the_clock() {
    let scene = scene();
    scene.start().stop();
    let store = scene.folder.path().join("store");
    let mut kept = SqliteStore::peek(&store, "test").expect("it is read").expect("it is there");
    let at = Look::now().wall + Duration::HOUR;
    let observation = Observation::QueuesRead { as_of: at };
    kept.since.push(Entry::Engine(Record::Observed { at, observation }));
    let runtime = Runtime::new().expect("a runtime");
    let parts = Parts {
        store: MemoryStore::of(Some(kept)),
        cloud: Arc::clone(&scene.cloud),
        queue: Arc::clone(&scene.queue),
        setup: setup(),
        journal: None,
        shadow: Shadow::On,
    };
    let plan = plan(parts, runtime.handle(), Span::from_secs(10)).expect("it decides");
    assert!(plan.decision.at >= at, "{}", plan.decision.at);
}
