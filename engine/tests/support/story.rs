//! Text in, text out: a story is a setup, facts with their times, and turns.
//!
//! ```text
//! 0s  price c5.large/us-east-1a 0.034      since -5m
//!     demand linux-build 4 0               as-of 0s
//!     decide
//! 1m  pending #1..#2
//!     refused #3 insufficient-capacity
//!     unknown linux-build
//!     queues                               as-of 1m
//!     supply linux-build
//!     prices                               as-of 1m
//!     found i7 #2 linux-build c5.large/us-east-1a    (or - for a label that is not there)
//!     missed #2                            as-of 1m
//!     listed us-east-1                     as-of 1m
//! 2m  configure
//!     | worker linux-build
//!     | pool c5.large/us-east-1a
//! ```
//!
//! A line without a time happens at the time above it. Each turn prints its orders and, below,
//! its reasons in words. A second engine that explains nothing is told the same story and must
//! decide the same.

use expect_test::Expect;
use provisioner_engine::Engine;
use provisioner_engine::catalog::Catalog;
use provisioner_engine::decision::{Action, Decision, Market};
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::observation::{Call, EndCause, Observation, Refusal};
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::EngineConfig;

use crate::setup::{config, duration, price};

/// Tells the story to an engine with that setup and compares what it says.
pub(crate) fn check(setup: &str, story: &str, expected: Expect) {
    expected.assert_eq(&tell(setup, story));
}

/// Tells the story to an engine with that setup.
pub(crate) fn tell(setup: &str, story: &str) -> String {
    let mut engine = Engine::new(config(setup));
    let mut silent = Engine::new(config(setup));
    engine.explain(true);
    let mut told = String::new();
    let (mut time, mut now) = ("0s", Duration::ZERO);
    let mut lines = story.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        if words[0].starts_with(|c: char| c.is_ascii_digit()) {
            time = words.remove(0);
            now = duration(time);
        }
        let at = Time::EPOCH + now;
        match words[..] {
            ["decide"] => {
                let decision = engine.decide(at);
                assert_eq!(decision.actions, silent.decide(at).actions, "explaining changes it");
                write_decision(&mut told, time, &decision, engine.config());
            }
            ["losses"] => told += &format!("{time}: {} lost\n", engine.losses()),
            ["configure"] => {
                let mut setup = String::new();
                while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
                    setup += &format!("{}\n", line.trim_start_matches('|'));
                }
                engine.configure(at, config(&setup));
                silent.configure(at, config(&setup));
            }
            ["supply", name] => {
                let supply = engine.supply(worker_type(engine.config(), name));
                told += &format!("{time}: {name} has {supply}\n");
            }
            _ => {
                for observation in observations(engine.config(), &words, at) {
                    engine.observe(at, observation);
                    silent.observe(at, observation);
                }
            }
        }
    }
    told
}

fn observations(config: &EngineConfig, words: &[&str], now: Time) -> Vec<Observation> {
    let (words, dated) = match *words {
        [ref words @ .., "as-of" | "since", time] => (words, moment(time)),
        _ => (words, now),
    };
    let each =
        |range: &str, fact: &dyn Fn(LaunchId) -> Observation| launches(range).map(fact).collect();
    match *words {
        ["demand", name, pending, claimed] => vec![Observation::DemandCounted {
            worker_type: worker_type(config, name),
            pending: pending.parse().expect("a number"),
            claimed: claimed.parse().expect("a number"),
            as_of: dated,
        }],
        ["unknown", name] => {
            vec![Observation::DemandUnknown { worker_type: worker_type(config, name) }]
        }
        ["prices"] => vec![Observation::PricesRead { as_of: dated }],
        ["queues"] => vec![Observation::QueuesRead { as_of: dated }],
        ["price", name, amount] => vec![Observation::PriceChanged {
            pool: pool(&config.catalog, name),
            price: price(amount),
            since: dated,
        }],
        ["found", instance, label, name, pool_name] => {
            let is_there = |word: &&str| *word != "-";
            let market = Market::Spot { max_price: None };
            vec![Observation::InstanceFound {
                instance: instance_id(instance),
                launch: Some(label).filter(is_there).and_then(|label| launches(label).next()),
                worker_type: Some(name).filter(is_there).map(|name| worker_type(config, name)),
                pool: Some(pool_name).filter(is_there).map(|name| pool(&config.catalog, name)),
                market,
                launched: dated,
            }]
        }
        ["missed", range] => {
            each(range, &|launch| Observation::InstanceMissed { launch, as_of: dated })
        }
        ["listed", region] => {
            let region = config.catalog.clone().region(region);
            vec![Observation::InstancesListed { region, as_of: dated }]
        }
        ["stray-ended", instance] => {
            vec![Observation::StrayEnded { instance: instance_id(instance) }]
        }
        ["restarted"] => vec![Observation::Restarted],
        ["pending", range] => each(range, &|launch| {
            // Told of one instance only, a story need not number it.
            Observation::InstancePending { launch, instance: InstanceId(launch.0) }
        }),
        ["running", range] => each(range, &|launch| Observation::InstanceRunning { launch }),
        ["registered", range] => each(range, &|launch| Observation::WorkerRegistered { launch }),
        ["checked", range, claimed] => each(range, &|launch| Observation::WorkerChecked {
            launch,
            claimed: claimed.parse().expect("a number"),
            last_claim: None,
            as_of: dated,
        }),
        ["checked", range, claimed, "last", at] => {
            each(range, &|launch| Observation::WorkerChecked {
                launch,
                claimed: claimed.parse().expect("a number"),
                last_claim: Some(moment(at)),
                as_of: dated,
            })
        }
        ["idled", range] => each(range, &|launch| Observation::WorkerIdled { launch }),
        ["noticed", range] => {
            let ends_at = now + Duration::from_mins(2);
            each(range, &|launch| Observation::InterruptionNoticed { launch, ends_at })
        }
        ["recommended", range] => {
            each(range, &|launch| Observation::RebalanceRecommended { launch })
        }
        ["stopping", range, by] => {
            let cause = cause(by);
            each(range, &|launch| Observation::InstanceStopping { launch, cause })
        }
        ["ended", range, by] => {
            let cause = cause(by);
            each(range, &|launch| Observation::InstanceEnded { launch, cause })
        }
        ["refused", range, why] => {
            let refusal = match why {
                "insufficient-capacity" => Refusal::InsufficientCapacity,
                "max-price-too-low" => Refusal::MaxPriceTooLow,
                "cancelled" => Refusal::Cancelled,
                "quota-reached" => Refusal::QuotaReached,
                "unsupported" => Refusal::Unsupported,
                "image-unusable" => Refusal::ImageUnusable,
                "volume-limit" => Refusal::VolumeLimit,
                "rejected" => Refusal::Rejected,
                other => panic!("`{other}` is no refusal"),
            };
            each(range, &|launch| Observation::LaunchRefused { launch, refusal })
        }
        ["unanswered", launch] => each(launch, &|launch| Observation::CallUnanswered { launch }),
        ["throttled", call, launch] => each(launch, &|launch| {
            let call = match call {
                "launch" => Call::Launch,
                "terminate" => Call::Terminate,
                "cancel" => Call::Cancel,
                other => panic!("`{other}` is no call"),
            };
            let region = config.catalog.region_of(PoolId::new(0)); // stories of calls have one
            Observation::CallThrottled { region, call, launch: Some(launch) }
        }),
        _ => panic!("`{}` is no fact", words.join(" ")),
    }
}

fn cause(word: &str) -> EndCause {
    match word {
        "worker" => EndCause::Worker,
        "provisioner" => EndCause::Provisioner,
        "interruption" => EndCause::Interruption,
        "launch-failed" => EndCause::LaunchFailed,
        "volume-limit" => EndCause::VolumeLimit,
        other => panic!("`{other}` ends no instance"),
    }
}

/// `5m`, or `-5m` for before the story.
fn moment(text: &str) -> Time {
    match text.strip_prefix('-') {
        Some(before) => Time::EPOCH - duration(before),
        None => Time::EPOCH + duration(text),
    }
}

/// `#3` or `#3..#5`, the last included.
fn launches(text: &str) -> impl Iterator<Item = LaunchId> {
    let number = |text: &str| text.strip_prefix('#').expect("#").parse::<u64>().expect("a number");
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    (number(first)..=number(last)).map(LaunchId)
}

/// `i7`.
fn instance_id(text: &str) -> InstanceId {
    InstanceId(text.strip_prefix('i').expect("i").parse().expect("a number"))
}

/// The worker type of that name.
fn worker_type(config: &EngineConfig, name: &str) -> WorkerTypeId {
    let index = config.worker_types.iter().position(|known| known.name == name);
    WorkerTypeId::new(index.unwrap_or_else(|| panic!("no worker type `{name}`")))
}

fn pool(catalog: &Catalog, name: &str) -> PoolId {
    let pools = (0..catalog.pools().len()).map(PoolId::new);
    let mut named = pools.filter(|pool| catalog.pool_name(*pool) == name);
    named.next().unwrap_or_else(|| panic!("no pool `{name}`"))
}

fn write_decision(told: &mut String, time: &str, decision: &Decision, config: &EngineConfig) {
    let nothing = decision.actions.is_empty() && decision.reasons.is_empty();
    *told += &format!("{time}:{}\n", if nothing { " nothing" } else { "" });
    let mut actions = decision.actions.as_slice();
    while let [first, ..] = actions {
        // Orders that differ in their launch only take one line.
        let alike = actions.iter().take_while(|next| named(next, config) == named(first, config));
        let n = alike.count();
        let (first_id, last_id) = (ids(first).0, ids(&actions[n - 1]).1);
        let last = if first_id == last_id { String::new() } else { format!("..{last_id}") };
        *told += format!("  {} {first_id}{last}", named(first, config)).trim_end();
        *told += "\n";
        actions = &actions[n..];
    }
    let wait = decision.wake_at.since(decision.at);
    if wait != config.limits.iteration_interval {
        *told += &format!("  wakes after {wait}\n");
    }
    for reason in &decision.reasons {
        *told += &format!("    {}\n", reason.describe(config));
    }
}

/// An order without its launch.
fn named(action: &Action, config: &EngineConfig) -> String {
    match *action {
        Action::Launch { worker_type, pool, market, launch: _, count: _ } => {
            let name = &config.worker_types[worker_type.index()].name;
            let pool = config.catalog.pool_name(pool);
            match market {
                Market::Spot { max_price: Some(bid) } => format!("{name} {pool} {bid}"),
                Market::Spot { max_price: None } => format!("{name} {pool} spot"),
                Market::OnDemand => format!("{name} {pool} on-demand"),
            }
        }
        Action::Cancel { .. } => "cancel".to_owned(),
        Action::Terminate { unless_claimed: false, .. } => "terminate".to_owned(),
        Action::Terminate { unless_claimed: true, .. } => "terminate unless claimed".to_owned(),
        Action::EndStray { unless_claimed: false, .. } => "end stray".to_owned(),
        Action::EndStray { unless_claimed: true, .. } => "end stray unless claimed".to_owned(),
        Action::ListInstances { region } => format!("list {}", config.catalog.region_name(region)),
        Action::CheckWorker { .. } => "check".to_owned(),
        Action::AdviseStop { .. } => "advise to stop".to_owned(),
    }
}

/// The first and the last launch or instance of an order.
fn ids(action: &Action) -> (String, String) {
    let one = |id: String| (id.clone(), id);
    match *action {
        Action::Launch { launch, count, .. } => {
            let last = LaunchId(launch.0 + u64::from(count) - 1);
            (launch.to_string(), last.to_string())
        }
        Action::Cancel { launch }
        | Action::Terminate { launch, .. }
        | Action::CheckWorker { launch }
        | Action::AdviseStop { launch } => one(launch.to_string()),
        Action::EndStray { instance, .. } => one(instance.to_string()),
        Action::ListInstances { .. } => one(String::new()),
    }
}
