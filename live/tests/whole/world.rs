//! A world of a test's own: moto, the proxy before it, a queue, workers on moto's instances, and
//! `provisionerd` itself. Everything stops when it is dropped; if the test failed, what the daemons
//! logged last is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration as Span, Instant};

use provisioner_engine::units::Duration;
use provisioner_live::daemon::ledger;
use provisioner_live::store::Kept;
use provisioner_live::store::sqlite::SqliteStore;
use provisioner_stand_in::ec2::{ENVIRONMENT, Judge, Moto, MotoInstance, Proxy};
use provisioner_stand_in::{Fleet, FleetOptions, Instance, Settings, StandIn};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PROVISIONER: &str = "aws-provisioner:provisioner";
const WORKER_TYPE: &str = "aws-provisioner:worker-type";
const LABEL: &str = "aws-provisioner:launch";

/// A plan's store that several hosts share.
pub(crate) const ON_DATABASE: &str = "[store.postgres]\nurl_env = \"TEST_DATABASE\"\n";

/// A worker type of a test.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) method: &'static str,
    pub(crate) regions: Vec<&'static str>,
    pub(crate) placement: &'static str,
    pub(crate) capacity_max: u32,
}

impl Kind {
    pub(crate) fn new(name: &str, method: &'static str, regions: &[&'static str]) -> Self {
        Self {
            name: format!("proj/{name}"),
            method,
            regions: regions.to_vec(),
            placement: "on-demand",
            capacity_max: 60,
        }
    }
}

/// What a world is made of.
pub(crate) struct Plan {
    pub(crate) provisioner: &'static str,
    pub(crate) kinds: Vec<Kind>,
    /// The `[store]` section, and what else a test needs; SQLite's if it is empty.
    pub(crate) store: String,
    /// Workers run tasks so much faster.
    pub(crate) speed: u32,
    /// Workers stop when they were idle for so long.
    pub(crate) idle: Span,
}

impl Plan {
    pub(crate) fn new(provisioner: &'static str, kinds: Vec<Kind>) -> Self {
        let (store, speed, idle) = (String::new(), 10, Span::from_secs(2));
        Self { provisioner, kinds, store, speed, idle }
    }

    /// A worker type for each launch method: `runs` and `fleet`.
    pub(crate) fn of_both_methods(provisioner: &'static str) -> Self {
        let kinds = [("runs", "run-instances"), ("fleet", "create-fleet")];
        let kinds = kinds.map(|(name, method)| Kind::new(name, method, &["us-east-1"]));
        Self::new(provisioner, kinds.into())
    }
}

pub(crate) struct World {
    // In the order in which they stop.
    fleet: Option<Fleet>,
    pub(crate) queue: StandIn,
    pub(crate) proxy: Proxy,
    /// Where the daemon finds EC2.
    pub(crate) endpoint: String,
    pub(crate) folder: TempDir,
    pub(crate) plan: Plan,
    pub(crate) judge: Judge,
    _moto: Moto,
    runtime: Runtime,
}

impl World {
    /// A new one.
    pub(crate) fn new(plan: Plan) -> Self {
        let moto = Moto::start().expect("moto's server starts");
        let runtime = Runtime::new().expect("a runtime");
        let proxy = Proxy::start(moto.url()).expect("a port is free");
        let queue = StandIn::start(Settings::default()).expect("a port is free");
        let mut world = Self {
            fleet: None,
            queue,
            endpoint: proxy.url(),
            proxy,
            folder: TempDir::new().expect("a folder"),
            plan,
            judge: moto.judge(),
            _moto: moto,
            runtime,
        };
        world.write_worker_types();
        world.write_settings("provisionerd.toml");
        world.fleet = Some(world.workers());
        world
    }

    fn regions(&self) -> BTreeSet<&'static str> {
        self.plan.kinds.iter().flat_map(|kind| kind.regions.iter().copied()).collect()
    }

    /// Workers on all instances of ours, wherever they run.
    fn workers(&self) -> Fleet {
        let options = FleetOptions {
            look: Span::from_secs(1),
            idle_timeout: self.plan.idle,
            speed: self.plan.speed,
            poll: Span::from_millis(200),
            ..FleetOptions::quick(self.queue.root_url())
        };
        let (regions, ours) = (self.regions(), self.plan.provisioner);
        let (judge, ending) = (self.judge.clone(), self.judge.clone());
        let list = async move || {
            let mut all = Vec::new();
            for region in &regions {
                let running = judge.running(region).await.ok()?;
                let ours = running.into_iter().filter(|it| it.tag(PROVISIONER) == ours);
                all.extend(ours.map(|it| Instance {
                    worker_type: it.tag(WORKER_TYPE).to_owned(),
                    id: it.id,
                    region: it.region,
                    zone: it.zone,
                    capacity: 1,
                }));
            }
            Some(all)
        };
        let end = async move |instance: &Instance| {
            // If moto does not take it, it is listed again, and looked after as a new one.
            let _ = ending.end(&instance.region, &instance.id).await;
        };
        Fleet::watch(options, list, end).expect("a thread")
    }

    /// Writes a settings file; gives its path.
    pub(crate) fn write_settings(&self, name: &str) -> PathBuf {
        let regions: Vec<String> = self.regions().iter().map(|it| format!("\"{it}\"")).collect();
        let store = match self.plan.store.as_str() {
            "" => "[store.sqlite]\npath = \"store.sqlite\"\n",
            store => store,
        };
        let mut text = format!(
            r#"provisioner = "{}"
[engine]
iteration_interval = "1 s"
launches_per_decision_max = 500
[engine.guard_rules]
breaker = "off" # workers that live for seconds are gone before they are asked for
[engine.guard_rules.listing.on]
interval = "2 s"
{store}
[journal]
folder = "journal-{name}"
chapter = "1 min"
[window]
listen = "127.0.0.1:0"
[aws]
regions = [{}]
endpoint_url = "{}"
answer_timeout = "10 s"
[queues.ci]
interval = "1 s"
timeout = "5 s"
[queues.ci.source.taskcluster]
root_url = "{}"
"#,
            self.plan.provisioner,
            regions.join(", "),
            self.endpoint,
            self.queue.root_url(),
        );
        for region in self.regions() {
            text.push_str(&format!(
                "[on_demand.{region}.linux]\n\"c5.large\" = \"$0.085/h\"\n\"m5.large\" = \"$0.096/h\"\n"
            ));
        }
        self.write(name, &text)
    }

    fn write_worker_types(&self) {
        fs::create_dir_all(self.path("worker-types")).expect("a folder");
        let mut images = BTreeMap::new();
        for region in self.regions() {
            images.insert(region, self.wait(self.judge.image(region)).expect("moto has images"));
        }
        for kind in &self.plan.kinds {
            let Kind { name, method, regions, placement, capacity_max } = kind;
            let at = |region: &&str| format!("{region} = \"{}\"", images[region]);
            let text = format!(
                "name = \"{name}\"\nqueue = \"ci\"\ncapacity_max = {capacity_max}\n\
                 placement = \"{placement}\"\nregions = {regions:?}\n\
                 [instance_types.\"c5.large\"]\n[instance_types.\"m5.large\"]\n\
                 [launch]\nmethod = \"{method}\"\nimages = {{ {} }}\n",
                regions.iter().map(at).collect::<Vec<_>>().join(", "),
            );
            let file = name.replace('/', "-");
            self.write(&format!("worker-types/{file}.toml"), &text);
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("it is written");
        path
    }

    /// Waits for an answer.
    pub(crate) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }

    /// `provisionerd` with its usual settings, and everything it finds in its environment.
    pub(crate) fn command(&self, mode: &[&str]) -> Command {
        command(&self.path("provisionerd.toml"), mode)
    }

    /// The same of one of several hosts, with that database; a plan with [`ON_DATABASE`] names it.
    pub(crate) fn host(&self, host: &str, database: &str, mode: &str) -> Command {
        let mut command = command(&self.write_settings(&format!("{host}.toml")), &[mode]);
        command.env("TEST_DATABASE", database);
        command
    }

    /// Starts the daemon on one of several hosts.
    pub(crate) fn start_host(&self, host: &str, database: &str) -> Daemon {
        Daemon::start(self.host(host, database, "run"), &self.path(&format!("{host}.log")))
    }

    /// Starts the daemon.
    pub(crate) fn daemon(&self) -> Daemon {
        Daemon::start(self.command(&["run"]), &self.path("daemon.log"))
    }

    /// Adds tasks of so many seconds, which workers do `speed` times faster.
    pub(crate) fn add(&self, kind: &str, count: usize, seconds: i64) {
        self.queue.add(&format!("proj/{kind}"), count, Duration::from_secs(seconds));
    }

    /// All instances that carry our tag, terminated ones too.
    pub(crate) fn ours(&self) -> Vec<MotoInstance> {
        self.of(self.plan.provisioner)
    }

    /// All instances that carry that provisioner's tag.
    pub(crate) fn of(&self, provisioner: &str) -> Vec<MotoInstance> {
        let mut all = Vec::new();
        for region in self.regions() {
            let here = self.wait(self.judge.instances(region)).expect("moto answers");
            all.extend(here.into_iter().filter(|it| it.tag(PROVISIONER) == provisioner));
        }
        all
    }

    /// Those of ours that cost money: region and id.
    pub(crate) fn alive(&self) -> BTreeSet<(String, String)> {
        let alive = self.ours().into_iter().filter(MotoInstance::is_alive);
        alive.map(|it| (it.region, it.id)).collect()
    }

    /// What the ledger in a SQLite store has: region and id.
    pub(crate) fn ledger(&self) -> BTreeSet<(String, String)> {
        let kept = SqliteStore::peek(&self.path("store.sqlite"), self.plan.provisioner);
        ledger_of(kept.expect("it can be read"))
    }

    /// Tasks that wait or are held.
    pub(crate) fn left(&self) -> usize {
        let left = |kind: &Kind| {
            let counts = self.queue.counts(&kind.name);
            counts.pending + counts.claimed
        };
        self.plan.kinds.iter().map(left).sum()
    }

    /// The judgement: every instance there ever was is of exactly one launch, and by one store.
    #[track_caller]
    pub(crate) fn nothing_is_double(&self) {
        let all = self.all_made();
        let mut seen = BTreeSet::new();
        for it in all.iter().filter(|it| it.tag("aws-provisioner:method") == "run-instances") {
            let label = it.tag(LABEL).to_owned();
            assert!(seen.insert((label, it.index)), "{it:?} is there twice");
        }
        let eras: BTreeSet<&str> =
            all.iter().filter_map(|it| Some(it.tag(LABEL).rsplit_once('-')?.0)).collect();
        assert!(eras.len() <= 1, "launched by several stores: {eras:?}");
    }

    /// All that calls made, which is all there is.
    ///
    /// A launch on its way is in moto before it is written down, and may come between the two looks.
    /// Whatever was made stays in moto's list, so what differs for good is wrong.
    #[track_caller]
    fn all_made(&self) -> Vec<MotoInstance> {
        let until = Instant::now() + Span::from_secs(20);
        loop {
            let (all, made) = (self.ours(), self.made());
            let here: BTreeSet<String> = all.iter().map(|it| it.id.clone()).collect();
            if made == here {
                return all;
            }
            let by_none: Vec<&String> = here.difference(&made).collect();
            let gone: Vec<&String> = made.difference(&here).collect();
            assert!(
                Instant::now() < until,
                "in moto and made by no call: {by_none:?}; made and not in moto: {gone:?}"
            );
            thread::sleep(Span::from_millis(200));
        }
    }

    /// What calls made, each by one call only.
    #[track_caller]
    fn made(&self) -> BTreeSet<String> {
        let mut made = BTreeSet::new();
        for change in self.proxy.changes() {
            for id in change.instances.iter().filter(|_| change.action != "TerminateInstances") {
                assert!(made.insert(id.clone()), "{id} was made by two calls");
            }
        }
        made
    }

    /// Shows what daemons logged last.
    fn show_logs(&self) {
        for file in fs::read_dir(self.folder.path()).expect("it is there").flatten() {
            let path = file.path();
            if path.extension().is_some_and(|it| it == "log") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let last = lines.len().saturating_sub(60);
                println!("{}:\n{}", path.display(), lines[last..].join("\n"));
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if thread::panicking() {
            self.show_logs();
        }
    }
}

/// `provisionerd` with those settings.
pub(crate) fn command(settings: &Path, mode: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisionerd"));
    command.args(mode).arg("--settings").arg(settings).envs(ENVIRONMENT).stdin(Stdio::null());
    for of_this_machine in ["AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL", "PROVISIONERD_LOG"] {
        command.env_remove(of_this_machine);
    }
    // Nobody's own files count.
    command.env("HOME", settings.parent().expect("it is in a folder"));
    command
}

/// The instances of launches that have not ended.
pub(crate) fn ledger_of(kept: Option<Kept>) -> BTreeSet<(String, String)> {
    kept.map_or_else(BTreeSet::new, |kept| ledger(kept).expect("it leads somewhere"))
}

/// A daemon; it is gone when it is dropped.
pub(crate) struct Daemon {
    child: Child,
}

impl Daemon {
    /// What it says goes to the end of that file.
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).expect("a file");
        let out = log.try_clone().expect("a file");
        let child = command.stdout(out).stderr(log).spawn().expect("it starts");
        Self { child }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ran");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process"), signal).expect("it runs");
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is ours")
    }

    /// Asks it to stop, and waits until it has.
    #[track_caller]
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_for_end(Span::from_secs(30))
    }

    #[track_caller]
    pub(crate) fn wait_for_end(&mut self, patience: Span) -> ExitStatus {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < until, "it has not ended within {patience:?}");
            thread::sleep(Span::from_millis(20));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command that ends said, on both ways.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn soon(what: &str, seconds: u64, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Span::from_secs(seconds);
    while !is_so() {
        assert!(Instant::now() < until, "not within {seconds} s: {what}");
        thread::sleep(Span::from_millis(200));
    }
}
