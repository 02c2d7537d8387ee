//! Plays Taskcluster and its workers for a demo: a queue on a port, and a worker on each running
//! instance of an EC2 that is played on this machine.

use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::Duration as Span;

use clap::Parser;
use provisioner_engine::units::Duration;
use provisioner_stand_in::{Fleet, FleetOptions, PlayedEc2, Settings, StandIn};

/// Plays a Taskcluster queue, and workers on the instances of an EC2 played on this machine.
#[derive(Parser)]
struct Arguments {
    /// Port of 127.0.0.1 on which the queue answers.
    #[arg(long, default_value_t = 8_080)]
    port: u16,
    /// Tasks to begin with: `proj/ci=100x600` is 100 tasks of 600 s.
    #[arg(long, value_name = "QUEUE=COUNTxSECONDS", value_parser = tasks)]
    tasks: Vec<(String, usize, i64)>,
    /// Where EC2 is played; without it, there are no workers.
    #[arg(long, value_name = "URL")]
    ec2: Option<String>,
    /// Regions in which instances are looked for.
    #[arg(long, value_delimiter = ',', default_value = "us-east-1")]
    regions: Vec<String>,
    /// The tag that names an instance's worker type.
    #[arg(long, default_value = "aws-provisioner:worker-type")]
    worker_type_tag: String,
    /// How many tasks an instance type runs at once, if not one: `c5.xlarge=2`.
    #[arg(long, value_name = "TYPE=COUNT", value_parser = capacity)]
    capacity: Vec<(String, usize)>,
    /// Tasks take so much less than their duration.
    #[arg(long, default_value_t = 60)]
    speed: u32,
    /// Seconds from when an instance runs until its worker asks for tasks.
    #[arg(long, default_value_t = 5)]
    boot: u64,
    /// Seconds without a task after which a worker shuts its instance down.
    #[arg(long, default_value_t = 15)]
    idle: u64,
}

fn tasks(text: &str) -> Result<(String, usize, i64), String> {
    let parse = || {
        let (queue, rest) = text.split_once('=')?;
        let (count, seconds) = rest.split_once('x')?;
        Some((queue.to_owned(), count.parse().ok()?, seconds.parse().ok()?))
    };
    parse().ok_or_else(|| "not of the form proj/ci=100x600".to_owned())
}

fn capacity(text: &str) -> Result<(String, usize), String> {
    let parse = || {
        let (instance_type, count) = text.split_once('=')?;
        Some((instance_type.to_owned(), count.parse().ok()?))
    };
    parse().ok_or_else(|| "not of the form c5.xlarge=2".to_owned())
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let stand_in = StandIn::start(Settings { port: arguments.port, ..Settings::default() })?;
    println!("Taskcluster's root URL: {}", stand_in.root_url());
    for (queue, count, seconds) in &arguments.tasks {
        stand_in.add(queue, *count, Duration::from_secs(*seconds));
    }
    let fleet = arguments.ec2.as_ref().map(|ec2| watch(&arguments, ec2, stand_in.root_url()));
    let fleet = fleet.transpose()?;
    let mut shown = None;
    loop {
        let now = (stand_in.totals(), fleet.as_ref().map(Fleet::counters).unwrap_or_default());
        if shown != Some(now) {
            let (tasks, workers) = now;
            println!(
                "tasks: {} added, {} done, {} run twice; workers: {} booted, {} idled out, {} killed",
                tasks.added,
                tasks.completed,
                tasks.run_twice,
                workers.booted,
                workers.idled_out,
                workers.killed
            );
            shown = Some(now);
        }
        thread::sleep(Span::from_secs(1));
    }
}

fn watch(arguments: &Arguments, ec2: &str, root_url: String) -> io::Result<Fleet> {
    let capacities: BTreeMap<String, usize> = arguments.capacity.iter().cloned().collect();
    let regions = arguments.regions.clone();
    let listed = PlayedEc2::new(ec2, regions, &arguments.worker_type_tag, capacities)?;
    let ended = listed.clone();
    let options = FleetOptions {
        look: Span::from_secs(1),
        boot: Span::from_secs(arguments.boot),
        poll: Span::from_millis(500),
        idle_timeout: Span::from_secs(arguments.idle),
        speed: arguments.speed,
        ..FleetOptions::quick(root_url)
    };
    Fleet::watch(
        options,
        async move || listed.running().await,
        async move |instance| ended.terminate(instance).await,
    )
}
