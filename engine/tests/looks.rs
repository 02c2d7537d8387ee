//! Whoever is not looked at, because supply is enough for the counts that came, would have been given
//! nothing.
//!
//! An engine that explains looks at each worker type whose counts came, as it has to say what came of
//! it; one that does not leaves most of them out. Both are told the same here, and must order the
//! same. Facts are orderly, unlike those of `properties.rs`, so that capacity comes about, idles and
//! goes.

#[path = "support/setup.rs"]
mod setup;

use proptest::collection::vec;
use proptest::prelude::*;
use provisioner_engine::Engine;
use provisioner_engine::decision::Decision;
use provisioner_engine::ids::{InstanceId, LaunchId, WorkerTypeId};
use provisioner_engine::observation::{EndCause, Observation, Refusal};
use provisioner_engine::units::{Duration, Time};

/// Each scaling policy and option that says what is enough in its own way, and one that never does.
const SETUP: &str = "
    worker existing max=6 scaling=estimator:1 placement=on-demand floor=40m:3 floor=80m:0
    pool c5.large/us-east-1a on_demand=0.085
    worker once max=6 min=1 scaling=estimator:0.5 placement=on-demand option=requested-once
    pool c5.large/us-east-1a capacity=2 on_demand=0.085
    worker registered max=6 scaling=estimator:1 placement=on-demand option=idle-registered option=requested-once
    pool c5.large/us-east-1a on_demand=0.085
    worker ignored max=6 scaling=estimator:1 placement=on-demand option=idle-ignored
    pool c5.large/us-east-1a on_demand=0.085
    worker ratio max=6 min=1 scaling=ratio:0.5 placement=on-demand
    pool c5.large/us-east-1a capacity=2 on_demand=0.085
    worker target max=6 scaling=target:1 placement=on-demand
    pool c5.large/us-east-1a on_demand=0.085
    worker patient max=6 scaling=ratio:1 placement=weighted on_demand_after=5m
    pool c5.large/us-east-1a on_demand=0.085
";

const WORKER_TYPES: usize = 7;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many tasks, as counted so long ago.
    Count(usize, u32, u32, Duration),
    Unknown(usize),
    Read,
    /// A launch goes on by one stage, the way they go.
    Forward(u64),
    Refuse(u64),
    End(u64),
    /// A worker holds so many tasks.
    Check(u64, u32),
    Ask(u64),
    Pass(Duration),
    Decide,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let launch = || 1..24_u64;
    let ago =
        prop_oneof![8 => Just(Duration::ZERO), 1 => (1..15_i64).prop_map(Duration::from_mins)];
    let pass = prop_oneof![8 => 1..3_i64, 1 => 8..13_i64].prop_map(Duration::from_mins);
    let step = prop_oneof![
        10 => (0..WORKER_TYPES, 0..4_u32, 0..5_u32, ago)
            .prop_map(|(worker_type, pending, claimed, ago)| {
                Step::Count(worker_type, pending, claimed, ago)
            }),
        1 => (0..WORKER_TYPES).prop_map(Step::Unknown),
        2 => Just(Step::Read),
        10 => launch().prop_map(Step::Forward),
        2 => launch().prop_map(Step::Refuse),
        4 => launch().prop_map(Step::End),
        2 => (launch(), 0..2_u32).prop_map(|(launch, claimed)| Step::Check(launch, claimed)),
        1 => launch().prop_map(Step::Ask),
        4 => pass.prop_map(Step::Pass),
        10 => Just(Step::Decide),
    ];
    vec(step, 1..120)
}

/// What is ordered, turn by turn.
fn orders(setup: &str, explains: bool, steps: &[Step]) -> Vec<Decision> {
    let mut engine = Engine::new(setup::config(setup));
    engine.explain(explains);
    let (mut now, mut stages, mut orders) = (Time::EPOCH, [0_u32; 24], Vec::new());
    for step in steps {
        let observation = match *step {
            Step::Count(worker_type, pending, claimed, ago) => {
                let worker_type = WorkerTypeId::new(worker_type);
                Observation::DemandCounted { worker_type, pending, claimed, as_of: now - ago }
            }
            Step::Unknown(worker_type) => {
                Observation::DemandUnknown { worker_type: WorkerTypeId::new(worker_type) }
            }
            Step::Read => Observation::QueuesRead { as_of: now },
            Step::Forward(id) => {
                let stage = &mut stages[usize::try_from(id).unwrap_or(0)];
                *stage += 1;
                let launch = LaunchId(id);
                match *stage {
                    1 => Observation::InstancePending { launch, instance: InstanceId(id) },
                    2 => Observation::InstanceRunning { launch },
                    _ => Observation::WorkerRegistered { launch },
                }
            }
            Step::Refuse(id) => {
                let refusal = Refusal::InsufficientCapacity;
                Observation::LaunchRefused { launch: LaunchId(id), refusal }
            }
            Step::End(id) => {
                Observation::InstanceEnded { launch: LaunchId(id), cause: EndCause::Worker }
            }
            Step::Check(id, claimed) => Observation::WorkerChecked {
                launch: LaunchId(id),
                claimed,
                last_claim: None,
                as_of: now,
            },
            Step::Ask(id) => Observation::WorkerIdled { launch: LaunchId(id) },
            Step::Pass(time) => {
                now = now + time;
                continue;
            }
            Step::Decide => {
                orders.push(Decision { reasons: Vec::new(), ..engine.decide(now) });
                continue;
            }
        };
        engine.observe(now, observation);
    }
    orders
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn leaving_out_looks_changes_no_order(steps in steps()) {
        prop_assert_eq!(orders(SETUP, true, &steps), orders(SETUP, false, &steps));
    }

    #[test]
    fn leaving_out_looks_changes_no_order_behind_guards(steps in steps()) {
        let setup = format!("limits guards=on\n{SETUP}");
        prop_assert_eq!(orders(&setup, true, &steps), orders(&setup, false, &steps));
    }
}
