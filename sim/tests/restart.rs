//! The engine's process dies, anywhere, and comes back from what it wrote down.
//!
//! What a crash may cost is stated in [`SLOWER_MAX`] and [`MORE_MAX`]; that nothing is bought twice,
//! lost or left behind holds without bounds.

mod support;

use expect_test::expect;
use provisioner_engine::Engine;
use provisioner_engine::decision::Action;
use provisioner_engine::guards::{Guards, Memory};
use provisioner_engine::journal::{Record, replay};
use provisioner_engine::observation::Observation;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use provisioner_sim::config::process::{CrashStep, ProcessModel};
use provisioner_sim::config::{Fault, FaultKind, Regime, SimConfig};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::outcome::Outcome;
use support::{outcome, tasks, watched, worker_type, world};

/// How long a process is down here.
const DOWNTIME: Duration = Duration::from_mins(3);

/// A crash delays the last task by no more than this: the time it was down, the iterations before
/// and after, and a second wait for machines whose launch was decided and never written down.
const SLOWER_MAX: Duration = Duration::from_mins(5);

/// A crash costs no more instance-time than this for each instance: they may wait for tasks, or for
/// their end, while nobody decides.
const MORE_MAX: Duration = Duration::from_mins(5);

/// Nine tasks in three waves on instances that take a while at each stage.
fn small() -> (SimConfig, &'static str) {
    let mut config = world(vec![worker_type("t", 6)]);
    config.engine.guards = Guards::default();
    config.engine.limits.launches_per_call_max = 2;
    config.engine.worker_types[0].idle_timeout = Duration::from_mins(4);
    config.engine.worker_types[0].registration_timeout = Some(Duration::from_mins(15));
    config.cloud.answer = DurationDist::Constant(Duration::from_secs(2));
    config.cloud.pending_to_running = DurationDist::Constant(Duration::from_secs(8));
    config.cloud.termination = DurationDist::Constant(Duration::from_secs(40));
    config.workers[0].boot = DurationDist::Constant(Duration::from_secs(80));
    config.end = Time::EPOCH + Duration::from_hours(1);
    config.drain = Duration::from_hours(6);
    (config, "30s 6m times 5\n4m 3m\n9m 5m times 3")
}

fn crash(at: Time, step: CrashStep) -> Fault {
    Fault { from: at, until: at + DOWNTIME, what: FaultKind::Crash { step } }
}

#[test]
fn a_crash_at_every_step_of_every_iteration_ends_as_without_it() {
    let (config, lines) = small();
    let (calm, records, _) = watched(&config, tasks(lines));
    assert_eq!((calm.total.tasks.done, calm.restarts), (9, 0));
    let decided = records.iter().filter_map(|record| match record {
        Record::Decided(decision) => Some((decision.at, decision.actions.len())),
        Record::Observed { .. } => None,
    });
    let mut crashes = 0;
    for (at, orders) in decided {
        let orders = u32::try_from(orders).unwrap();
        let iteration =
            [CrashStep::BeforeFacts, CrashStep::AfterFacts, CrashStep::AfterDecision].into_iter();
        let steps = iteration.chain((0..=orders).map(CrashStep::AfterOrders));
        let within = steps.map(|step| crash(at, step));
        let between = [1, 5, 20].map(|s| crash(at + Duration::from_secs(s), CrashStep::Between));
        for fault in within.chain(between) {
            let (crashed, records, _) =
                watched(&SimConfig { faults: vec![fault.clone()], ..config.clone() }, tasks(lines));
            check_end(&config, &calm, &crashed, &format!("{fault:?}"));
            replays(&config, records);
            crashes += 1;
        }
    }
    assert!(crashes > 100, "{crashes} crashes");
}

/// The same end, as far as anybody can tell.
fn check_end(config: &SimConfig, calm: &Outcome, crashed: &Outcome, told: &str) {
    let (calm, total) = (&calm.total, &crashed.total);
    assert_eq!(crashed.restarts, 1, "{told}");
    assert_eq!(total.tasks, calm.tasks, "{told}");
    assert_eq!(total.safety.double_launches, 0, "{told}");
    assert_eq!(total.safety.claimed_ended, 0, "{told}");
    let launches = total.launches;
    assert!(launches.started <= calm.launches.started, "{told}: {launches:?}");
    assert_eq!(launches.unmade, 0, "{told}");
    assert!(total.wait.max <= calm.wait.max + SLOWER_MAX, "{told}: {}", total.wait.max);
    let instances = i64::try_from(launches.started).unwrap();
    let more = Duration::from_ms(MORE_MAX.ms() * instances);
    assert!(total.instance_time <= calm.instance_time + more, "{told}: {}", total.instance_time);
    let longest = config.engine.worker_types[0].capacity_max;
    assert!(total.capacity_peak <= longest, "{told}");
}

fn replays(config: &SimConfig, records: Vec<Record>) {
    let mut engine = Engine::new(config.engine.clone());
    for record in records {
        assert_eq!(replay(&mut engine, record), Ok(()));
    }
}
