//! The engine's process dies at every step of every iteration of a small, busy hour, for four
//! spans, in both regimes of the spot market; then it ends as it ends without that.
//!
//! **The bound**, of one death that lasts `downtime`:
//!
//! - no task waits longer than `downtime` + [`LATER_MAX`] more than the longest wait without it, be it
//!   down for longer than `request_timeout` or not: a call that was written down and not made is made
//!   once more. Was it down for longer than its token is trusted, and than EC2 shows what has ended
//!   (an hour each), nobody knows before [`UNLISTED_AFTER`] that it never was, or that a machine did
//!   end: `downtime` + `UNLISTED_AFTER` + `LATER_MAX`;
//! - no more instance-time is bought than `downtime` + [`LONGER_MAX`] for each unit of the largest
//!   fleet: each may wait so long for work, or for its end. No more money than that costs, and one
//!   hour each, where hours are billed whole;
//! - every task is done, no instance is left, nothing is bought twice, no working worker is ended,
//!   and the auditor, who knows what really happened, has no note: without bounds.

use std::collections::BTreeSet;
use std::path::Path;

use provisioner_engine::decision::{Action, Market, Reason};
use provisioner_engine::ids::LaunchId;
use provisioner_engine::journal::Record;
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_scenarios::audit::{Note, audited_run};
use provisioner_scenarios::{Scenario, load_text};
use provisioner_sim::config::process::CrashStep;
use provisioner_sim::config::{Fault, FaultKind};
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, Truth};

/// Later by so much besides: what was decided and not written down is decided again in the next
/// iteration, one later than it could have been.
const LATER_MAX: Duration = Duration::from_mins(2);

/// How long an instance that is not listed since a restart is waited for (`ListingRule`'s default).
const UNLISTED_AFTER: Duration = Duration::from_mins(40);

/// How long a token is trusted, and EC2 shows what has ended (the default).
const REMEMBERED: Duration = Duration::HOUR;

/// The dearest that there is, as the scenario says.
const ON_DEMAND: UsdPerHour = UsdPerHour::from_micros(170_000);

/// Longer by so much besides: two iterations, as above.
const LONGER_MAX: Duration = Duration::from_mins(2);

/// How long the process is down: for a restart, a redeployment, a short and a long incident.
const DOWNTIMES: [Duration; 4] =
    [Duration::SECOND, Duration::from_mins(5), Duration::from_mins(25), Duration::from_hours(2)];

/// How the spot market works: requests that wait, or calls that are refused.
const REGIMES: [&str; 2] = ["outbid", "capacity"];

/// It dies while there is work.
const BUSY: Duration = Duration::from_mins(50);

/// The last two tasks, hours later, show that there is life after death.
const LAST_TASKS: Duration = Duration::from_hours(5);

/// Two worker types and three pools, spot and on demand: batches of tasks, a window without any spot
/// machine (requests wait until they are cancelled, or are refused), machines that boot too slowly
/// and are terminated, a lie that all instances are gone (they are adopted again), and workers that
/// ask whether to stop.
const SMALL: &str = r#"
[time]
start = 2021-03-01
length = "6 h"

[engine]
launches_per_call_max = 2

[market]
regime = "REGIME"
zones = ["us-east-1a", "us-east-1b", "us-east-1c"]

[market.on_demand]
"c5.xlarge" = "$0.17/h"

[cloud]
pending_to_running = "8 s"
answer = "2 s"

[faults.nothing-to-be-had]
from = "28 min"
length = "16 min"
what = "all-dry"

[faults.nobody-registers]
from = "11 min"
length = "3 min"
what = { boot-slow = { factor = 10 } }

[faults.rows-lost]
from = "7 min"
length = "1 min"
what = { told-ended = { share = 1.0 } }

[worker_type_defaults]
capacity_max = 4
request_timeout = "8 min"
registration_timeout = "6 min"
instance_types."c5.xlarge" = {}

[worker_types."ci/build"]
scaling = "target"
placement = "spread"
idle_timeout = "3 min"
on_demand_after = "3 min"
workers.boot = "80 s"
tasks = { listed = { batches = [
    { at = "30 s", number = 3, duration = "5 min" },
    { at = "4 min", number = 1, duration = "25 min" },
    { at = "12 min", number = 3, duration = "4 min" },
    { at = "29 min", number = 2, duration = "4 min" },
    { at = "5 h", number = 1, duration = "1 min" },
] } }

[worker_types."ci/test"]
scaling = { target = { settle = "2 min" } }
placement = "on-demand"
idle_timeout = "10 min"
workers.boot = "2 min"
workers.asks = "1 min"
tasks = { listed = { batches = [
    { at = "2 min", number = 4, duration = "1 min" },
    { at = "20 min", number = 3, duration = "4 min" },
    { at = "5 h", number = 1, duration = "1 min" },
] } }
"#;

/// What a run came to.
struct Ran {
    outcome: Outcome,
    notes: Vec<Note>,
    records: Vec<Record>,
    /// Instances that were there just before the last tasks.
    left: BTreeSet<LaunchId>,
}

fn small(regime: &str) -> Scenario {
    let text = SMALL.replace("REGIME", regime);
    load_text(Path::new("small.toml"), &text).unwrap_or_else(|issues| panic!("{issues}")).scenario
}

fn run(scenario: &Scenario, fault: Option<Fault>) -> Ran {
    let mut config = scenario.config(scenario.seed());
    config.faults.extend(fault);
    let (mut records, mut left) = (Vec::new(), BTreeSet::new());
    let last_tasks = config.start + LAST_TASKS;
    let mut journal = |record| records.push(record);
    let mut truth = |at: Time, what| match what {
        Truth::InstanceGiven { launch, .. } if at < last_tasks => drop(left.insert(launch)),
        Truth::InstanceEnded { launch, .. } if at < last_tasks => drop(left.remove(&launch)),
        _ => {}
    };
    let hooks = Hooks {
        journal: Some(&mut journal),
        truth: Some(&mut truth),
        check: true,
        ..Hooks::default()
    };
    let (outcome, notes) = audited_run(&config, &mut *scenario.tasks(scenario.seed()), hooks);
    Ran { outcome, notes, records, left }
}

/// Every step of every iteration while there is work, and a moment between it and the next.
fn steps(start: Time, records: &[Record]) -> Vec<(Time, CrashStep)> {
    let mut steps = Vec::new();
    for record in records {
        let Record::Decided(decision) = record else { continue };
        if decision.at > start + BUSY {
            break;
        }
        let orders = u32::try_from(decision.actions.len()).expect("a few");
        steps.push((decision.at + Duration::SECOND, CrashStep::Between));
        let always = [CrashStep::BeforeFacts, CrashStep::AfterFacts, CrashStep::AfterDecision];
        let after_orders = (0..=orders).map(CrashStep::AfterOrders);
        steps.extend(always.into_iter().chain(after_orders).map(|step| (decision.at, step)));
    }
    steps
}

/// The most that one death cost besides the time that it lasted.
#[derive(Debug, Default)]
struct Worst {
    deaths: u32,
    later: Duration,
    longer: Duration,
    dearer_micros: i64,
}

/// Dies at every step for that long, and holds each end against the one without.
fn die_everywhere(regime: &str, downtime: Duration) -> Worst {
    let scenario = small(regime);
    let calm = run(&scenario, None);
    let total = &calm.outcome.total;
    let peak = i64::from(total.capacity_peak);
    let unseen = if downtime >= REMEMBERED { UNLISTED_AFTER } else { Duration::ZERO };
    let later_max = LATER_MAX + unseen;
    let billed_ms = (downtime + Duration::HOUR).ms() * peak;
    let dearer_max = billed_ms * ON_DEMAND.micros() / Duration::HOUR.ms();
    let mut worst = Worst::default();
    for (from, step) in steps(calm.outcome.started, &calm.records) {
        let died = Fault { from, until: from + downtime, what: FaultKind::Crash { step } };
        let told = format!("{regime}, {died:?}");
        let ran = run(&scenario, Some(died));
        let crashed = &ran.outcome.total;
        assert_eq!((ran.outcome.restarts, &ran.notes[..]), (1, &[][..]), "{told}");
        assert_eq!(crashed.tasks, total.tasks, "{told}");
        assert_eq!(ran.left, BTreeSet::new(), "{told}");
        let orphans = ran.outcome.ownership.orphans_left;
        let safety = crashed.safety;
        assert_eq!((safety.double_launches, safety.claimed_ended, orphans), (0, 0, 0), "{told}");
        let later = crashed.wait.max - total.wait.max - downtime;
        let longer = crashed.instance_time - total.instance_time;
        let longer = Duration::from_ms(longer.ms() / peak) - downtime;
        let dearer_micros = crashed.cost.total().micros() - total.cost.total().micros();
        assert!(later <= later_max, "{told}: {later} later");
        assert!(longer <= LONGER_MAX, "{told}: {longer} longer");
        assert!(dearer_micros <= dearer_max, "{told}: {dearer_micros} micro-dollars dearer");
        worst.deaths += 1;
        worst.later = worst.later.max(later);
        worst.longer = worst.longer.max(longer);
        worst.dearer_micros = worst.dearer_micros.max(dearer_micros);
    }
    worst
}

#[test]
fn a_death_at_any_step_ends_as_without_it_within_the_stated_bound() {
    let mut deaths = 0;
    for regime in REGIMES {
        for downtime in DOWNTIMES {
            let worst = die_everywhere(regime, downtime);
            deaths += worst.deaths;
            println!("{regime}, down for {downtime}: {worst:?}");
        }
    }
    println!("{deaths} deaths");
    assert!(deaths > 2_500, "{deaths} deaths");
}

#[test]
fn without_a_death_all_is_well_and_every_kind_of_order_is_given() {
    let mut kinds = BTreeSet::new();
    for regime in REGIMES {
        let calm = run(&small(regime), None);
        assert_eq!((&calm.notes[..], calm.left.len(), calm.outcome.restarts), (&[][..], 0, 0));
        assert_eq!(calm.outcome.total.tasks.done, calm.outcome.total.tasks.submitted);
        let decisions = calm.records.iter().filter_map(|record| match record {
            Record::Decided(decision) => Some(decision),
            Record::Observed { .. } | Record::Configured { .. } => None,
        });
        for decision in decisions {
            kinds.extend(decision.actions.iter().map(|action| match action {
                Action::Launch { market: Market::OnDemand, .. } => "on demand",
                Action::Launch { market: Market::Spot { .. }, .. } => "spot",
                Action::Cancel { .. } => "cancel",
                Action::Terminate { .. } => "terminate",
                Action::EndStray { .. } => "end stray",
                Action::ListInstances { .. } => "list",
                Action::CheckWorker { .. } => "check",
                Action::AdviseStop { .. } => "advise",
            }));
            kinds.extend(decision.reasons.iter().filter_map(|reason| match reason {
                Reason::Adopted { .. } => Some("adopted"),
                _ => None,
            }));
        }
    }
    let kinds: Vec<_> = kinds.into_iter().collect();
    assert_eq!(
        kinds.join(", "),
        "adopted, advise, cancel, check, list, on demand, spot, terminate"
    );
}
