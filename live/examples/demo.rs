//! The whole life of a fleet on one machine, with no account: a queue fills, machines appear in moto,
//! workers on them do the tasks and leave, and what it cost adds up.
//!
//! `live/demo` builds what it takes and runs it. Everything is as in production but for moto, which
//! stands in for EC2, the queue, which is a stand-in too, and time: tasks, and how long workers idle,
//! take a sixtieth of what they would.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration as Span, Instant};

use provisioner_engine::units::Duration;
use provisioner_stand_in::ec2::{ENVIRONMENT, Judge, Moto, MotoInstance, Proxy};
use provisioner_stand_in::{Fleet, FleetOptions, Instance, Settings, StandIn};
use serde_json::Value;

const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// Workers stop when they were idle for so long, as their worker types say: 3 minutes.
const IDLE: Span = Span::from_secs(3);

/// Tasks take a so-manieth of their time.
const SPEED: u32 = 60;

/// When tasks come in, after the start: seconds, whose, how many, and how many minutes each takes.
const WAVES: [(u64, &str, usize, i64); 4] = [
    (3, "proj/builds", 24, 12),
    (12, "proj/tests", 60, 5),
    (35, "proj/builds", 12, 8),
    (42, "proj/tests", 30, 5),
];

const WORKER_TYPES: [&str; 2] = [BUILDS, TESTS];

const BUILDS: &str = r#"name = "proj/builds"
queue = "ci"
capacity_max = 30
placement = "on-demand"
idle_timeout = "3 s"

[instance_types."c5.2xlarge"]

[launch]
method = "run-instances"
"#;

const TESTS: &str = r#"name = "proj/tests"
queue = "ci"
capacity_max = 50
placement = "on-demand"
idle_timeout = "3 s"

[instance_types."c5.large"]
[instance_types."m5.large"]

[launch]
method = "create-fleet"
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let moto = Moto::start()?;
    let proxy = Proxy::start(moto.url())?;
    let queue = StandIn::start(Settings::default())?;
    let judge = moto.judge();
    let folder = folder()?;
    let window = format!("127.0.0.1:{}", free_port()?);
    let settings = write(&folder, &judge, &proxy.url(), &queue.root_url(), &window).await?;
    let fleet = workers(&queue.root_url(), &judge)?;
    let daemon = Daemon::start(&settings, &folder.join("provisionerd.log"))?;
    println!("Everything of this run is in {}.\n", folder.display());

    let began = Instant::now();
    let mut screen = Screen::new();
    let (mut waves, mut cost) = (WAVES.iter().peekable(), Cost::default());
    loop {
        tokio::time::sleep(Span::from_millis(500)).await;
        let at = began.elapsed();
        while let Some((_, name, count, minutes)) = waves.next_if(|wave| at.as_secs() >= wave.0) {
            queue.add(name, *count, Duration::from_mins(*minutes));
        }
        let state = state(&window).await;
        let machines = machines(&judge).await.unwrap_or_default();
        cost.add(&machines, at);
        screen.show(at, &state, &machines, fleet.counters().done, &cost);
        let totals = queue.totals();
        let is_over = waves.peek().is_none()
            && totals.completed == WAVES.iter().map(|wave| wave.2 as u64).sum::<u64>()
            && !machines.is_empty()
            && machines.iter().all(|it| !it.is_alive())
            && state["launches"].as_array().is_some_and(Vec::is_empty);
        if is_over {
            break;
        }
        if at > Span::from_secs(600) {
            return Err(format!("the queue was not drained; see {}", folder.display()).into());
        }
    }
    let log = daemon.stop()?;
    let machines = machines(&judge).await?;
    let counters = fleet.counters();
    println!(
        "\n{} tasks done by {} machines in {} s, for ${}, a minute at least for each; every \
         machine is gone.\n\
         EC2 was called {} times.\n",
        counters.done,
        machines.len(),
        began.elapsed().as_secs(),
        cost.shown(),
        proxy.calls().values().sum::<u64>(),
    );
    let chapter =
        fs::read_dir(folder.join("journal"))?.filter_map(|it| Some(it.ok()?.path())).min();
    let chapter = chapter.ok_or("there is no journal")?;
    println!("What it decided, and why:\n  provisioner explain {}", chapter.display());
    let journal = folder.join("journal");
    println!("What would have been predicted:\n  provisioner recreate {}", journal.display());
    println!("What it said:\n  less {}", log.display());
    Ok(())
}

/// A new folder for all that the daemon writes.
fn folder() -> io::Result<PathBuf> {
    Ok(tempfile::Builder::new().prefix("provisioner-demo-").tempdir()?.keep())
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Writes settings and worker types; gives the path of the settings.
async fn write(
    folder: &Path,
    judge: &Judge,
    ec2: &str,
    queue: &str,
    window: &str,
) -> Result<PathBuf, Box<dyn Error>> {
    let mut settings = format!(
        r#"provisioner = "demo"

[engine]
iteration_interval = "1 s"
[engine.guard_rules.listing.on]
interval = "2 s"

[store.sqlite]

[window]
listen = "{window}"

[aws]
regions = {REGIONS:?}
endpoint_url = "{ec2}"

[queues.ci]
interval = "1 s"
[queues.ci.source.taskcluster]
root_url = "{queue}"
"#
    );
    let mut images = Vec::new();
    for region in REGIONS {
        images.push(format!("{region} = \"{}\"", judge.image(region).await?));
        writeln!(settings, "\n[on_demand.{region}.linux]")?;
        for (name, micro_usd) in PRICES {
            writeln!(settings, "\"{name}\" = \"$0.{micro_usd:06}/h\"")?;
        }
    }
    fs::create_dir(folder.join("worker-types"))?;
    for (nth, text) in WORKER_TYPES.iter().enumerate() {
        let text = format!("{text}images = {{ {} }}\n", images.join(", "));
        fs::write(folder.join(format!("worker-types/{nth}.toml")), text)?;
    }
    let path = folder.join("provisionerd.toml");
    fs::write(&path, settings)?;
    Ok(path)
}

/// All that moto has of ours.
async fn machines(judge: &Judge) -> Result<Vec<MotoInstance>, String> {
    let mut all = Vec::new();
    for region in REGIONS {
        all.extend(judge.instances(region).await?);
    }
    Ok(all)
}

/// A worker on each machine.
fn workers(root_url: &str, judge: &Judge) -> io::Result<Fleet> {
    let options = FleetOptions {
        look: Span::from_millis(500),
        boot: Span::from_secs(2),
        poll: Span::from_millis(250),
        idle_timeout: IDLE,
        speed: SPEED,
        ..FleetOptions::quick(root_url.to_owned())
    };
    let (judge, ending) = (judge.clone(), judge.clone());
    let list = async move || {
        let running = machines(&judge).await.ok()?.into_iter().filter(MotoInstance::is_alive);
        let machine = |it: MotoInstance| Instance {
            worker_type: it.tag("aws-provisioner:worker-type").to_owned(),
            id: it.id,
            region: it.region,
            zone: it.zone,
            capacity: 1,
        };
        Some(running.map(machine).collect())
    };
    let end = async move |instance: &Instance| {
        // If moto does not take it, it is still listed, and ended by the daemon in the end.
        let _ = ending.end(&instance.region, &instance.id).await;
    };
    Fleet::watch(options, list, end)
}

/// What the daemon's window shows; nothing while it does not answer.
async fn state(window: &str) -> Value {
    let answer =
        async { reqwest::get(format!("http://{window}/state")).await?.json::<Value>().await };
    answer.await.unwrap_or_default()
}

/// `provisionerd`, beside this program's folder.
struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    fn start(settings: &Path, log: &Path) -> Result<Self, Box<dyn Error>> {
        let here = std::env::current_exe()?;
        let folder = here.parent().and_then(Path::parent).ok_or("a program is in a folder")?;
        let program = folder.join("provisionerd");
        if !program.exists() {
            return Err("provisionerd is not built: run `live/demo`, which builds it first".into());
        }
        let child = Command::new(program)
            .arg("run")
            .arg("--settings")
            .arg(settings)
            .envs(ENVIRONMENT)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(log)?)
            .spawn()?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Asks it to stop, and waits until it has; gives where it logged.
    fn stop(mut self) -> Result<PathBuf, Box<dyn Error>> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.ok_or("no process")?, rustix::process::Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(format!("provisionerd: {status}; see {}", self.log.display()).into());
        }
        Ok(self.log.clone())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an instance type costs on demand, in millionths of a dollar an hour.
const PRICES: [(&str, u64); 3] =
    [("c5.2xlarge", 340_000), ("c5.large", 85_000), ("m5.large", 96_000)];

/// EC2 bills by the second, and a minute at least.
const BILLED_MIN: Span = Span::from_secs(60);

/// What the machines cost that were seen, as EC2 would bill them.
#[derive(Default)]
struct Cost {
    /// When a machine was first seen alive, and when last, after the start; with its type.
    seen: BTreeMap<String, (Span, Span, String)>,
}

impl Cost {
    fn add(&mut self, machines: &[MotoInstance], at: Span) {
        for it in machines.iter().filter(|it| it.is_alive()) {
            let seen = self.seen.entry(it.id.clone());
            seen.or_insert_with(|| (at, at, it.instance_type.clone())).1 = at;
        }
    }

    fn shown(&self) -> String {
        let of = |(first, last, instance_type): &(Span, Span, String)| {
            let price = PRICES.iter().find(|(name, _)| name == instance_type).map_or(0, |it| it.1);
            u128::from(price) * (*last - *first).max(BILLED_MIN).as_millis()
        };
        let micros = self.seen.values().map(of).sum::<u128>() / 3_600_000;
        format!("{}.{:04}", micros / 1_000_000, micros % 1_000_000 / 100)
    }
}

fn rows(state: &Value) -> &[Value] {
    state["worker_types"].as_array().map_or(&[], Vec::as_slice)
}

/// A table that is drawn over itself, or a line now and then where nobody sees it.
struct Screen {
    is_terminal: bool,
    lines: usize,
    last: Option<u64>,
}

/// Seconds from one line to the next.
const LINE_EVERY: u64 = 5;

impl Screen {
    fn new() -> Self {
        Self { is_terminal: io::stdout().is_terminal(), lines: 0, last: None }
    }

    fn show(&mut self, at: Span, state: &Value, machines: &[MotoInstance], done: u64, cost: &Cost) {
        let second = at.as_secs();
        let mut by_state: BTreeMap<&str, usize> = BTreeMap::new();
        machines.iter().for_each(|it| *by_state.entry(&it.state).or_default() += 1);
        let in_moto: Vec<String> =
            by_state.iter().map(|(state, n)| format!("{n} {state}")).collect();
        let all = format!(
            "{second:>3} s  {done:>3} tasks done  ${}  in moto: {}",
            cost.shown(),
            in_moto.join(", ")
        );
        if !self.is_terminal {
            if self.last.is_none_or(|last| second >= last + LINE_EVERY) {
                self.last = Some(second);
                println!("{all}");
            }
            return;
        }
        let mut text = format!(
            "{:<12} {:>7} {:>7} | {:>9} {:>7} {:>7} {:>8}\n",
            "worker type", "waiting", "held", "requested", "booting", "running", "stopping"
        );
        for row in rows(state) {
            let number = |it: &Value| it.as_u64().map_or_else(|| "?".to_owned(), |n| n.to_string());
            let capacity = &row["capacity"];
            text.push_str(&format!(
                "{:<12} {:>7} {:>7} | {:>9} {:>7} {:>7} {:>8}\n",
                row["name"].as_str().unwrap_or_default(),
                number(&row["pending"]),
                number(&row["claimed"]),
                number(&capacity["requested"]),
                number(&capacity["pending"]),
                number(&capacity["running"]),
                number(&capacity["stopping"]),
            ));
        }
        text.push_str(&format!("\n{all}\n"));
        // Up to where the last one began, and over it.
        let up = match self.lines {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[0J"),
        };
        self.lines = text.lines().count();
        print!("{up}{text}");
        // A terminal that is gone sees nothing.
        let _ = io::stdout().flush();
    }
}
