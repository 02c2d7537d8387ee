//! How often capacity is replaced for nothing: every sequence of a small model, one by one.
//!
//! One worker type, two pools, steps of four minutes from two idle workers on. In each step there
//! are no, one or two tasks, and idle workers ask whether to stop, or they do and the prices of the
//! pools change places, or nobody asks and the oldest worker is taken back. What is launched works
//! by the next step, who is told to stop has stopped by then, and tasks are claimed as soon as there
//! is a worker.
//!
//! A **reversal** is a unit that is launched within [`REVERSAL_WITHIN`] after one was told to stop or
//! ended by us, or the other way round. What replaces an interrupted worker is none. The bound stands
//! at `scaling/target.rs`; here it is shown to hold of every sequence, and to be lost without `settle`.

#[path = "support/setup.rs"]
mod setup;

use std::ops::Range;

use provisioner_engine::Engine;
use provisioner_engine::decision::Action;
use provisioner_engine::guards::Guards;
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, RegionId, WorkerTypeId};
use provisioner_engine::ledger::Stage;
use provisioner_engine::observation::{EndCause, Observation};
use provisioner_engine::units::{Duration, Ratio, Time, UsdPerHour};
use provisioner_engine::worker_type::ScalingPolicy;

/// Launching and ending capacity within this time undo one another, as the simulator measures it.
const REVERSAL_WITHIN: Duration = Duration::from_mins(5);

const STEP: Duration = Duration::from_mins(4);

/// How long the sequences are. There are `9^STEPS` of them.
const STEPS: u32 = 6;

/// Most tasks at once, and so most capacity that is ever wanted.
const TASKS_MAX: u32 = 2;

#[derive(Clone, Copy, Debug)]
enum Event {
    Asked,
    AskedAndPricesSwapped,
    Interrupted,
}

const EVENTS: [Event; 3] = [Event::Asked, Event::AskedAndPricesSwapped, Event::Interrupted];

/// A world after some sequence.
#[derive(Clone)]
struct Model {
    engine: Engine,
    now: Time,
    dearer: usize,
    told: Vec<LaunchId>,
    last_launch: Option<Time>,
    last_end: Option<Time>,
    /// When each unit was launched that had just been ended.
    launched_back: Vec<Time>,
    /// When each unit was ended that had just been launched.
    ended_back: Vec<Time>,
}

impl Model {
    /// Two workers with a task each.
    fn new(settle: Duration) -> Self {
        let mut config = setup::config(
            "limits per_call=50
            worker build max=4 scaling=target:1 placement=spread
            pool c5.large/us-east-1a on_demand=0.085
            pool c5.large/us-east-1b",
        );
        config.guards = Guards::default();
        let band = Ratio::from_millionths(100_000);
        config.worker_types[0].scaling =
            ScalingPolicy::Target { scaling_ratio: Ratio::ONE, settle, band };
        let mut model = Self {
            engine: Engine::new(config),
            now: Time::EPOCH,
            dearer: 0,
            told: Vec::new(),
            last_launch: None,
            last_end: None,
            launched_back: Vec::new(),
            ended_back: Vec::new(),
        };
        model.step(TASKS_MAX, Event::AskedAndPricesSwapped);
        model.step(TASKS_MAX, Event::Asked);
        (model.last_launch, model.last_end) = (None, None);
        model
    }

    fn observe(&mut self, observation: Observation) {
        self.engine.observe(self.now, observation);
    }

    fn at(&self, stages: Range<Stage>) -> Vec<LaunchId> {
        let there = self.engine.launches().filter(|(_, it)| stages.contains(&it.stage));
        there.map(|(id, _)| id).collect()
    }

    fn step(&mut self, tasks: u32, event: Event) {
        self.now = self.now + STEP;
        for launch in std::mem::take(&mut self.told) {
            self.observe(Observation::InstanceEnded { launch, cause: EndCause::Worker });
        }
        for launch in self.at(Stage::Requested..Stage::Working) {
            let instance = InstanceId(launch.0);
            self.observe(Observation::InstancePending { launch, instance });
            self.observe(Observation::WorkerRegistered { launch });
        }
        let mut working = self.at(Stage::Working..Stage::Stopping);
        let mut lost = 0;
        if matches!(event, Event::Interrupted) && !working.is_empty() {
            let launch = working.remove(0);
            self.observe(Observation::InstanceEnded { launch, cause: EndCause::Interruption });
            lost = 1;
        }
        if matches!(event, Event::AskedAndPricesSwapped) {
            self.dearer = 1 - self.dearer;
            for pool in 0..2 {
                let price =
                    UsdPerHour::from_micros(if pool == self.dearer { 50_000 } else { 30_000 });
                let pool = PoolId::new(pool);
                self.observe(Observation::PriceChanged { pool, price, since: self.now });
            }
        }
        let as_of = self.now;
        let claimed = tasks.min(u32::try_from(working.len()).expect("few"));
        let (worker_type, pending) = (WorkerTypeId::new(0), tasks - claimed);
        self.observe(Observation::DemandCounted { worker_type, pending, claimed, as_of });
        self.observe(Observation::InstancesListed { region: RegionId::new(0), as_of });
        self.observe(Observation::PricesRead { as_of });
        self.observe(Observation::QueuesRead { as_of });
        if !matches!(event, Event::Interrupted) {
            for &launch in &working[claimed as usize..] {
                self.observe(Observation::WorkerIdled { launch });
            }
        }
        self.decide(lost);
    }

    /// So many units were lost in this step: what replaces them is no reversal.
    fn decide(&mut self, mut lost: u32) {
        let now = self.now;
        let soon = |at: Option<Time>| at.is_some_and(|at| now.since(at) < REVERSAL_WITHIN);
        for action in self.engine.decide(now).actions {
            match action {
                Action::Launch { count, .. } => {
                    let replaced = count.min(lost);
                    lost -= replaced;
                    let back = if soon(self.last_end) { count - replaced } else { 0 };
                    self.launched_back.extend((0..back).map(|_| now));
                    self.last_launch = Some(now);
                }
                Action::AdviseStop { launch } | Action::Terminate { launch, .. } => {
                    self.ended_back.extend(soon(self.last_launch).then_some(now));
                    self.last_end = Some(now);
                    self.told.push(launch);
                }
                Action::Cancel { .. }
                | Action::EndStray { .. }
                | Action::ListInstances { .. }
                | Action::CheckWorker { .. } => {}
            }
        }
    }
}

/// What all sequences came to.
#[derive(Debug, Default)]
struct Seen {
    sequences: u32,
    launched_back_most: usize,
    ended_back_most: usize,
    /// Most reversals in any period of `settle`'s default.
    in_a_period_most: usize,
}

const SETTLE: Duration = Duration::from_mins(10);

fn walk(model: &Model, steps: u32, seen: &mut Seen) {
    if steps == 0 {
        let mut all: Vec<Time> = [&model.launched_back[..], &model.ended_back[..]].concat();
        all.sort();
        let in_a_period =
            |from: &Time| all.iter().filter(|at| from <= at && at.since(*from) < SETTLE).count();
        seen.sequences += 1;
        seen.launched_back_most = seen.launched_back_most.max(model.launched_back.len());
        seen.ended_back_most = seen.ended_back_most.max(model.ended_back.len());
        let most = all.iter().map(in_a_period).max().unwrap_or(0);
        seen.in_a_period_most = seen.in_a_period_most.max(most);
        return;
    }
    for tasks in 0..=TASKS_MAX {
        for event in EVENTS {
            let mut next = model.clone();
            next.step(tasks, event);
            walk(&next, steps - 1, seen);
        }
    }
}

#[test]
fn in_every_sequence_a_unit_is_replaced_for_nothing_at_most_once_a_settling_period() {
    let mut seen = Seen::default();
    walk(&Model::new(SETTLE), STEPS, &mut seen);
    println!("{seen:?}");
    assert_eq!(seen.sequences, 9_u32.pow(STEPS));
    assert_eq!(seen.ended_back_most, 0, "nothing is ended that was just launched");
    assert!(seen.in_a_period_most <= TASKS_MAX as usize, "{seen:?}");
    assert!(seen.launched_back_most > 0, "the bound is met: {seen:?}");
}

#[test]
fn without_settling_the_bound_is_broken() {
    let mut seen = Seen::default();
    walk(&Model::new(Duration::ZERO), STEPS - 2, &mut seen);
    println!("{seen:?}");
    assert!(seen.ended_back_most > 0, "{seen:?}");
    assert!(seen.in_a_period_most > TASKS_MAX as usize, "{seen:?}");
}
