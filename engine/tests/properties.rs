//! What must hold for every sequence of facts, in any order, doubled, late or false.
//!
//! Facts are drawn about few worker types, pools and launches, so that they meet often; launches
//! that were never issued are among them.

#[path = "support/listed.rs"]
mod listed;
#[path = "support/setup.rs"]
mod setup;
#[path = "support/steps.rs"]
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use provisioner_engine::Engine;
use provisioner_engine::decision::{Action, Decision, Market};
use provisioner_engine::guards::Guards;
use provisioner_engine::ids::{LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::journal::{Digest, Record, replay};
use provisioner_engine::ledger::{Stage, Supply};
use provisioner_engine::observation::{EndCause, Observation};
use provisioner_engine::snapshot::Snapshot;
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_engine::worker_type::EngineConfig;

use crate::listed::all_steps;
use crate::steps::{Call, Step, steps};

/// Every policy once, with small ranges and instances of several capacities, so that limits bite.
const SETUP: &str = "
    limits launches=7 cap=10 stale=10m seed=3 guards=zombies
    worker cheapest max=9 min=2 scaling=ratio:0.2 placement=cheapest registration_timeout=9m price_max=4
    pool c5.large/us-east-1a capacity=1 utility=1.5
    pool c5.xlarge/us-east-1a capacity=4 utility=2
    pool c5.xlarge/us-east-1b capacity=4 utility=2 bias=1.4
    worker random max=11 scaling=ratio:0 placement=random request_timeout=3m price_max=20
    pool c5.large/us-east-1a capacity=2
    pool c5.xlarge/us-east-1a capacity=3
    worker weighted max=10 min=1 scaling=estimator:0.7 placement=weighted lifetime=20m option=errors-attributed
    pool c5.large/us-east-1a capacity=3 weight=0.4 max=4
    pool c5.xlarge/us-east-1b capacity=2
    worker drawn max=10 scaling=estimator:1 placement=drawn option=requested-once
    pool c5.large/us-east-1b capacity=3 weight=0.4 max=4
    pool c5.xlarge/us-east-1b capacity=2 on_demand=0.2
    worker on-demand max=8 scaling=estimator:1 placement=on-demand option=idle-registered
    pool c5.large/us-east-1a capacity=3 on_demand=0.085
    pool c5.xlarge/us-east-1b capacity=2 on_demand=0.2
    worker min-above-max min=20 max=5 scaling=ratio:0 placement=cheapest option=requests-by-capacity
    pool c5.large/us-east-1b capacity=3
";

/// How much later, of whom, what it holds, how long before that it last claimed, how old that is.
fn worker_step() -> impl Strategy<Value = (Duration, u64, u32, Option<Duration>, Duration)> {
    let mins = |range: std::ops::Range<i64>| range.prop_map(Duration::from_mins);
    let claimed = prop_oneof![9 => Just(0_u32), 1 => 1..3_u32];
    let last_claim = prop_oneof![3 => Just(None), 1 => mins(0..90).prop_map(Some)];
    let age = prop_oneof![3 => Just(Duration::ZERO), 1 => mins(0..60)];
    (mins(0..4), 1..4_u64, claimed, last_claim, age)
}

/// Makes the calls from the epoch on; hands each decision on, and the engine after each call.
fn run(engine: &mut Engine, steps: &[Step], after: impl FnMut(&Engine, Option<&Decision>)) {
    run_from(Time::EPOCH, engine, steps, after);
}

fn run_from(
    mut now: Time,
    engine: &mut Engine,
    steps: &[Step],
    mut after: impl FnMut(&Engine, Option<&Decision>),
) {
    for (gap, call) in steps {
        now = now + *gap;
        match *call {
            Call::Observe(observation) => {
                engine.observe(now, observation);
                after(engine, None);
            }
            Call::Decide => {
                let decision = engine.decide(now);
                after(engine, Some(&decision));
            }
        }
    }
}

/// The whole state of an engine.
fn text(engine: &Engine) -> String {
    serde_json::to_string(engine).expect("an engine can be written down")
}

fn end(steps: &[Step]) -> Time {
    Time::EPOCH + steps.iter().map(|(gap, _)| *gap).sum()
}

/// With all gates or with none.
fn engine(guarded: bool) -> Engine {
    let gates = "guards=ice,losses,share,quota,unsupported,breaker";
    let setup = if guarded { SETUP.replace("seed=3", gates) } else { SETUP.to_owned() };
    let mut engine = Engine::new(setup::config(&setup));
    engine.explain(true);
    engine
}

/// The same behind all guards, with calls of several instances.
fn guarded() -> Engine {
    let mut config = setup::config(SETUP);
    config.guards = Guards::default();
    config.limits.launches_per_call_max = 5;
    Engine::new(config)
}

fn ids(config: &EngineConfig) -> impl Iterator<Item = WorkerTypeId> + use<> {
    (0..config.worker_types.len()).map(WorkerTypeId::new)
}

/// What a worker type has, counted from its launches.
fn counted(engine: &Engine, worker_type: WorkerTypeId) -> Supply {
    let mut supply = Supply::default();
    for (_, launch) in engine.launches().filter(|(_, it)| it.worker_type == worker_type) {
        *match launch.stage {
            Stage::Requested => {
                supply.requests += 1;
                &mut supply.requested
            }
            Stage::Pending => &mut supply.pending,
            Stage::Running => &mut supply.running,
            Stage::Working => &mut supply.working,
            Stage::Stopping => &mut supply.stopping,
        } += launch.capacity;
    }
    supply
}

fn launched(decision: &Decision) -> impl Iterator<Item = (LaunchId, WorkerTypeId, Market)> {
    decision.actions.iter().flat_map(|action| {
        let Action::Launch { launch, count, worker_type, market, pool: _ } = *action else {
            return Vec::new();
        };
        let ids = launch.0..launch.0 + u64::from(count);
        ids.map(|id| (LaunchId(id), worker_type, market)).collect()
    })
}

proptest! {
    #[test]
    fn capacity_is_credited_once_and_never_above_its_maximum(steps in steps(), guarded in any::<bool>()) {
        run(&mut engine(guarded), &steps, |engine, _| {
            for id in ids(engine.config()) {
                let supply = engine.supply(id);
                assert_eq!(supply, counted(engine, id));
                assert!(supply.live() <= engine.config().worker_types[id.index()].capacity_max);
            }
        });
    }

    #[test]
    fn a_launch_is_named_once_and_stays_under_every_limit(steps in steps(), guarded in any::<bool>()) {
        let mut issued = BTreeSet::new();
        run(&mut engine(guarded), &steps, |engine, decision| {
            let limits = engine.config().limits;
            let launched: Vec<_> = decision.into_iter().flat_map(launched).collect();
            assert!(launched.len() <= limits.launches_per_decision_max as usize);
            for (launch, _, market) in launched {
                assert!(issued.insert(launch), "{launch} was issued before");
                match market {
                    Market::Spot { max_price: Some(bid) } => assert!(bid <= limits.max_price_cap),
                    Market::Spot { max_price: None } | Market::OnDemand => {}
                }
            }
        });
    }

    /// Listings show what nobody bought, under anybody's label: it counts once it is adopted, and
    /// nothing is bought beyond the maximum on top of it.
    #[test]
    fn whatever_listings_show_supply_is_what_there_is_and_nothing_is_bought_beyond_limits(
        steps in all_steps(),
        guards_on in any::<bool>(),
    ) {
        let mut engine = if guards_on { guarded() } else { engine(false) };
        let mut issued = BTreeSet::new();
        run(&mut engine, &steps, |engine, decision| {
            for id in ids(engine.config()) {
                assert_eq!(engine.supply(id), counted(engine, id));
            }
            let bought = decision.into_iter().flat_map(launched);
            for (_, worker_type, market) in bought.filter(|(id, ..)| issued.insert(*id)) {
                let limit = engine.config().worker_types[worker_type.index()].capacity_max;
                assert!(engine.supply(worker_type).live() <= limit, "{worker_type:?}");
                if let Market::Spot { max_price: Some(bid) } = market {
                    assert!(bid <= engine.config().limits.max_price_cap);
                }
            }
        });
    }

    #[test]
    fn a_call_made_again_is_the_same_call_and_issues_nothing(steps in steps()) {
        let mut made = BTreeMap::new();
        let mut issued = BTreeSet::new();
        run(&mut guarded(), &steps, |engine, decision| {
            for action in decision.into_iter().flat_map(|decision| &decision.actions) {
                let Action::Launch { launch, count, worker_type, pool, market } = *action else {
                    continue;
                };
                let call = (count, worker_type, pool, market);
                let ids = || (launch.0..launch.0 + u64::from(count)).map(LaunchId);
                match made.insert(launch, call) {
                    Some(before) => {
                        assert_eq!(before, call, "{launch} is another call now");
                        let requested = |id| engine.launch(id).map(|it| it.stage);
                        assert!(ids().any(|id| requested(id) == Some(Stage::Requested)));
                    }
                    None => assert!(ids().all(|id| issued.insert(id)), "{launch} was issued before"),
                }
            }
            for id in ids(engine.config()) {
                assert_eq!(engine.supply(id), counted(engine, id));
                let limit = engine.config().worker_types[id.index()].capacity_max;
                assert!(engine.supply(id).live() <= limit);
            }
        });
    }

    #[test]
    fn an_order_is_about_a_launch_that_is_there_and_given_once_a_turn(steps in steps(), guarded in any::<bool>()) {
        run(&mut engine(guarded), &steps, |engine, decision| {
            let mut ordered = BTreeSet::new();
            for action in decision.into_iter().flat_map(|decision| &decision.actions) {
                let (id, stages) = match *action {
                    Action::Launch { launch, .. } => (launch, Stage::Requested..=Stage::Requested),
                    Action::Cancel { launch } => (launch, Stage::Requested..=Stage::Requested),
                    Action::Terminate { launch, .. } => {
                        (launch, Stage::Pending..=Stage::Stopping)
                    }
                    Action::CheckWorker { launch } => (launch, Stage::Working..=Stage::Working),
                    Action::EndStray { .. }
                    | Action::ListInstances { .. }
                    | Action::AdviseStop { .. } => continue,
                };
                assert!(ordered.insert(id), "{id} was ordered twice");
                let launch = engine.launch(id).expect("an order is about a known launch");
                assert!(stages.contains(&launch.stage), "{action:?} of {launch:?}");
            }
        });
    }

    #[test]
    fn what_is_not_known_launches_nothing(
        steps in steps(),
        by_silence in any::<bool>(),
        guarded in any::<bool>(),
    ) {
        let mut engine = engine(guarded);
        run(&mut engine, &steps, |_, _| {});
        let mut now = end(&steps);
        if by_silence {
            now = now + engine.config().limits.demand_stale_after + Duration::from_ms(1);
        } else {
            for worker_type in ids(engine.config()) {
                engine.observe(now, Observation::DemandUnknown { worker_type });
            }
        }
        let decision = engine.decide(now);
        prop_assert_eq!(launched(&decision).count(), 0);
    }

    #[test]
    fn equal_calls_give_equal_orders_explained_or_not(steps in steps(), guarded in any::<bool>()) {
        let digest_of = |explains: bool| {
            let mut engine = engine(guarded);
            engine.explain(explains);
            let (mut digest, mut said) = (Digest::new(), Vec::new());
            run(&mut engine, &steps, |_, decision| {
                if let Some(decision) = decision {
                    assert!(explains || decision.reasons.is_empty());
                    digest.add(decision.at, &decision.actions);
                    let Decision { actions, wake_at, limits, .. } = decision.clone();
                    said.push((actions, wake_at, limits));
                }
            });
            (digest, said)
        };
        prop_assert_eq!(digest_of(true), digest_of(true));
        prop_assert_eq!(digest_of(true), digest_of(false));
    }

    #[test]
    fn a_journal_survives_its_text_and_replays(steps in steps(), guarded in any::<bool>()) {
        let mut engine = engine(guarded);
        let mut now = Time::EPOCH;
        let journal: Vec<Record> = steps
            .iter()
            .map(|(gap, call)| {
                now = now + *gap;
                match *call {
                    Call::Observe(observation) => {
                        engine.observe(now, observation);
                        Record::Observed { at: now, observation }
                    }
                    Call::Decide => Record::Decided(engine.decide(now)),
                }
            })
            .collect();
        let config = serde_json::to_string(engine.config()).unwrap();
        let mut again = Engine::new(serde_json::from_str(&config).unwrap());
        again.explain(true);
        for record in journal {
            let text = serde_json::to_string(&record).unwrap();
            let read: Record = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, &record);
            prop_assert_eq!(replay(&mut again, read), Ok(()));
        }
    }

    /// Whatever is said of workers, late or in any order: one is ended only if nothing that was
    /// ever said puts a claim into the forty minutes before a fresh answer that it holds none.
    #[test]
    fn no_worker_is_ended_that_may_hold_a_task(steps in vec(worker_step(), 1..120)) {
        let mut engine = Engine::new(setup::config("
            limits guards=zombies
            worker build max=3 scaling=estimator:1 placement=on-demand lifetime=3h
            pool c5.large/us-east-1a on_demand=0.085
        "));
        let (zero, worker_type) = (Time::EPOCH, WorkerTypeId::new(0));
        let demand = Observation::DemandCounted { worker_type, pending: 3, claimed: 0, as_of: zero };
        engine.observe(zero, demand);
        prop_assert_eq!(launched(&engine.decide(zero)).count(), 3);
        (1..4).for_each(|id| engine.observe(zero, Observation::WorkerRegistered { launch: LaunchId(id) }));
        let mut said: Vec<(LaunchId, u32, Option<Time>, Time)> = Vec::new();
        let mut now = zero;
        let quiet = Duration::from_mins(40);
        for (gap, id, claimed, last_claim, age) in steps {
            now = now + gap;
            for action in engine.decide(now).actions {
                let Action::Terminate { launch, unless_claimed } = action else { continue };
                let accepted = engine.launch(launch).and_then(|launch| launch.accepted);
                let lives = accepted.expect("it was accepted") + Duration::from_hours(3);
                prop_assert_eq!(unless_claimed, now < lives);
                let of: Vec<_> = said.iter().filter(|(of, ..)| *of == launch).collect();
                // Whether anything says that it held a task in the forty minutes before then.
                let held_before = |then: Time| {
                    let within = |at: Time| then - quiet < at && at <= then;
                    of.iter().any(|(_, claimed, last_claim, as_of)| {
                        *claimed > 0 && within(*as_of) || last_claim.is_some_and(within)
                    })
                };
                let proves = |(_, claimed, _, as_of): &(LaunchId, u32, Option<Time>, Time)| {
                    let fresh = now.since(*as_of) <= Duration::from_mins(2);
                    *claimed == 0 && fresh && *as_of >= zero + quiet && !held_before(*as_of)
                };
                prop_assert!(!unless_claimed || of.iter().any(|said| proves(said)), "{launch}: {of:?}");
            }
            let (launch, as_of) = (LaunchId(id), zero.max(now - age));
            let last_claim = last_claim.map(|before| as_of - before);
            engine.observe(now, Observation::WorkerChecked { launch, claimed, last_claim, as_of });
            said.push((launch, claimed, last_claim, as_of));
        }
    }

    /// Through its text, at any point, and whatever comes after: to the last reason.
    #[test]
    fn a_snapshot_and_the_journal_since_decide_as_if_nothing_had_happened(
        steps in steps(),
        (first, second) in any::<(Index, Index)>(),
        guarded in any::<bool>(),
    ) {
        let mut config = setup::config(SETUP);
        config.guards = if guarded { Guards::default() } else { config.guards };
        let mut engine = Engine::new(config);
        engine.explain(true);
        let (first, second) = (first.index(steps.len()), second.index(steps.len()));
        let (snapshot_at, dies_at) = (first.min(second), first.max(second));
        let mut records = Vec::new();
        let mut durable = String::new();
        let mut now = Time::EPOCH;
        for (index, step) in steps.iter().enumerate() {
            if index == snapshot_at {
                durable = serde_json::to_string(&Snapshot::of(&engine)).unwrap();
                records.clear();
            }
            if index == dies_at {
                let snapshot: Snapshot = serde_json::from_str(&durable).unwrap();
                let since = records.iter().map(|line: &String| serde_json::from_str(line).unwrap());
                let restored = snapshot.restore(since).unwrap();
                prop_assert_eq!(text(&restored), text(&engine));
                let later = steps.get(index..).unwrap_or_default();
                let decisions = |mut engine: Engine| {
                    let mut decisions = Vec::new();
                    run_from(now, &mut engine, later, |_, decided| decisions.extend(decided.cloned()));
                    (decisions, text(&engine))
                };
                prop_assert_eq!(decisions(restored), decisions(engine));
                return Ok(());
            }
            now = now + step.0;
            let record = match step.1 {
                Call::Observe(observation) => {
                    engine.observe(now, observation);
                    Record::Observed { at: now, observation }
                }
                Call::Decide => Record::Decided(engine.decide(now)),
            };
            records.push(serde_json::to_string(&record).unwrap());
        }
    }

    /// Max-min fairness: who is cut off by the limit has at most one launch less than anyone.
    #[test]
    fn under_a_launch_limit_everyone_gets_a_fair_share(
        wanted in vec(0..12_u32, 1..9),
        limit in 1..30_u32,
        turns in 1..4_u32,
    ) {
        let worker = |index| format!("worker w{index}\npool c5.large/us-east-1a\n");
        let workers: String = (0..wanted.len()).map(worker).collect();
        let mut engine = Engine::new(setup::config(&format!("limits launches={limit}\n{workers}")));
        let (now, pool) = (Time::EPOCH, PoolId::new(0));
        let price = UsdPerHour::from_micros(1);
        engine.observe(now, Observation::PriceChanged { pool, price, since: now });
        for (index, pending) in wanted.iter().enumerate() {
            let worker_type = WorkerTypeId::new(index);
            let pending = *pending;
            let counted =
                Observation::DemandCounted { worker_type, pending, claimed: 0, as_of: now };
            engine.observe(now, counted);
        }
        for _ in 0..turns {
            let _ = engine.decide(now);
        }
        let got: Vec<u32> =
            ids(engine.config()).map(|worker_type| engine.supply(worker_type).requests).collect();
        let most = got.iter().max().copied().unwrap_or(0);
        let total: u32 = wanted.iter().sum();
        prop_assert_eq!(got.iter().sum::<u32>(), total.min(limit * turns));
        for (got, wanted) in got.iter().zip(&wanted) {
            prop_assert!(got <= wanted);
            prop_assert!(got == wanted || got + 1 >= most, "{} of {}, another {}", got, wanted, most);
        }
    }
}

/// Whether an engine that was told something at minute one takes this, told so much later.
fn takes(minutes: i64, observation: Observation) -> bool {
    let mut engine = guarded();
    let (now, pool) = (Time::EPOCH + Duration::MINUTE, PoolId::new(0));
    let price = UsdPerHour::from_micros(1);
    engine.observe(now, Observation::PriceChanged { pool, price, since: now });
    let told = || {
        engine.observe(now + Duration::from_mins(minutes), observation);
        let _ = engine.decide(now + Duration::HOUR);
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(told)).is_ok()
}

/// The contract of `observe`: a driver that breaks it hears of it at once.
#[test]
fn ids_beyond_the_tables_and_time_that_runs_backwards_are_the_drivers_fault() {
    let (as_of, beyond) = (Time::EPOCH, WorkerTypeId::new(99));
    assert!(takes(0, Observation::Restarted));
    assert!(!takes(-1, Observation::Restarted), "time runs backwards");
    assert!(!takes(0, Observation::DemandUnknown { worker_type: beyond }));
    let (pending, claimed) = (1, 0);
    assert!(!takes(0, Observation::DemandCounted { worker_type: beyond, pending, claimed, as_of }));
    let price = UsdPerHour::from_micros(1);
    assert!(!takes(0, Observation::PriceChanged { pool: PoolId::new(99), price, since: as_of }));
}

#[test]
fn facts_about_what_is_not_there_are_ignored() {
    let launch = LaunchId(u64::MAX);
    assert!(takes(0, Observation::WorkerRegistered { launch }));
    assert!(takes(0, Observation::CallUnanswered { launch }));
    assert!(takes(0, Observation::InstanceMissed { launch, as_of: Time::EPOCH }));
    let ended = Observation::InstanceEnded { launch, cause: EndCause::Worker };
    assert!(takes(0, ended), "an end before a start");
}
