//! The listener of a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use provisioner_engine::Engine;
use provisioner_engine::ids::{LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::EndCause;
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::EngineConfig;
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, TaskId, Truth};

use super::spread::{Billed, Slots, Steps};
use super::{Level, PoolLine, PoolStep, Timeline, TypeLine};
use crate::Scenario;
use crate::explain::summary::Reasons;

pub(super) fn watch(
    scenario: &Scenario,
    config: &SimConfig,
    step: Duration,
    progress: Option<&mut dyn FnMut(Time)>,
) -> (Outcome, Timeline) {
    let (mut listener, mut because) = (Listener::new(config, step), Because::new(&config.engine));
    let mut on_truth = |at: Time, what: Truth| listener.hear(at, what);
    let mut on_record = |record: Record| because.hear(record);
    let hooks = Hooks {
        journal: Some(&mut on_record),
        progress: progress.map(|hook| hook as _),
        truth: Some(&mut on_truth),
        ..Hooks::default()
    };
    let outcome = scenario.run(config, hooks);
    listener.close(outcome.finished);
    let Listener { worker_types, pools, .. } = listener;
    let (start, end, reasons) = (config.start, outcome.finished, because.reasons);
    (outcome, Timeline { start, end, step, worker_types, pools, reasons })
}

/// Counts the reasons of decisions.
struct Because {
    config: Arc<EngineConfig>,
    reasons: Reasons,
}

impl Because {
    fn new(config: &EngineConfig) -> Self {
        Self { config: Arc::new(config.clone()), reasons: Reasons::default() }
    }

    fn hear(&mut self, record: Record) {
        match record {
            Record::Observed { .. } => {}
            Record::Configured { at, config } => {
                // What an engine calls its worker types from then on is for an engine to say.
                let mut engine = Engine::new((*self.config).clone());
                engine.configure(at, *config);
                self.config = Arc::new(engine.config().clone());
            }
            Record::Decided(decision) => self.reasons.note(&decision, &self.config),
        }
    }
}

/// Puts what happens on its line.
pub(super) struct Listener<'a> {
    config: &'a SimConfig,
    steps: Steps,
    pub(super) worker_types: Vec<TypeLine>,
    pools: Vec<PoolLine>,
    launches: BTreeMap<LaunchId, Launch>,
    /// By name; another task may get it when this one is resolved.
    tasks: Vec<Task>,
}

struct Launch {
    worker_type: WorkerTypeId,
    pool: PoolId,
    capacity: u32,
    stage: Stage,
    registered: Option<Time>,
    slots: Slots,
    /// Tasks under way, and since when.
    running: Vec<(TaskId, Time)>,
}

/// How far a launch has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Requested,
    Booting,
    Working,
    Gone,
}

impl Stage {
    /// Where its capacity is counted.
    const fn of(self, line: &mut TypeLine) -> Option<&mut Level> {
        match self {
            Self::Requested => Some(&mut line.requested),
            Self::Booting => Some(&mut line.booting),
            Self::Working => Some(&mut line.working),
            Self::Gone => None,
        }
    }
}

#[derive(Clone, Copy)]
struct Task {
    worker_type: WorkerTypeId,
    submitted: Time,
    was_claimed: bool,
    waits: bool,
    on: Option<LaunchId>,
}

impl<'a> Listener<'a> {
    pub(super) fn new(config: &'a SimConfig, step: Duration) -> Self {
        Self {
            config,
            steps: Steps { start: config.start, length: step },
            worker_types: vec![TypeLine::default(); config.engine.worker_types.len()],
            pools: vec![PoolLine::default(); config.engine.catalog.pools().len()],
            launches: BTreeMap::new(),
            tasks: Vec::new(),
        }
    }

    pub(super) fn hear(&mut self, at: Time, what: Truth) {
        match what {
            Truth::CallArrived { token, count, worker_type, pool, capacity, .. } => {
                for nth in 0..u64::from(count) {
                    let launch = Launch {
                        worker_type,
                        pool,
                        capacity,
                        stage: Stage::Requested,
                        registered: None,
                        slots: Slots::default(),
                        running: Vec::new(),
                    };
                    self.launches.insert(LaunchId(token.0 + nth), launch);
                }
                let capacity = i64::from(count) * i64::from(capacity);
                let line = &mut self.worker_types[worker_type.index()];
                line.requested.moves(self.steps, at, capacity);
                line.capacity.moves(self.steps, at, capacity);
            }
            Truth::LaunchRefused { launch, .. } => {
                self.comes_to(at, launch, Stage::Gone);
                if let Some(launch) = self.launches.remove(&launch) {
                    self.pools[launch.pool.index()].refused += 1;
                }
            }
            Truth::InstanceRan { launch } => {
                self.comes_to(at, launch, Stage::Booting);
                self.in_pool(at, launch, |step| step.started += 1);
            }
            Truth::InstanceStopped { launch, by } => {
                self.comes_to(at, launch, Stage::Gone);
                if by == EndCause::Interruption {
                    self.in_pool(at, launch, |step| step.interrupted += 1);
                }
            }
            Truth::InstanceEnded { launch, .. } => {
                // What ends before it runs never stops.
                self.comes_to(at, launch, Stage::Gone);
                self.launches.remove(&launch);
            }
            Truth::WorkerRegistered { launch } => {
                self.comes_to(at, launch, Stage::Working);
                if let Some(launch) = self.launches.get_mut(&launch) {
                    launch.registered = Some(at);
                }
            }
            Truth::StayBilled { launch, from, to, cost, .. } => {
                let Some(launch) = self.launches.get_mut(&launch) else { return };
                let Launch { worker_type, pool, capacity, registered, .. } = *launch;
                let mut slots = std::mem::take(&mut launch.slots);
                // Tasks that the run's end finds under way count as useful.
                for (_, since) in launch.running.drain(..) {
                    slots.note(self.steps, since, to, true);
                }
                let pool = &mut self.pools[pool.index()];
                pool.instance_time += to - from;
                pool.cost += cost.total();
                let booted = registered.unwrap_or(to);
                let billed = Billed { from, booted, to, capacity, cost, slots };
                billed.spread(self.steps, &mut self.worker_types[worker_type.index()].spent);
            }
            Truth::TaskSubmitted { task, worker_type, .. } => {
                let index = task.0 as usize;
                let new =
                    Task { worker_type, submitted: at, was_claimed: false, waits: false, on: None };
                if self.tasks.len() <= index {
                    self.tasks.resize(index + 1, new);
                }
                self.tasks[index] = new;
                self.waits(at, task, true);
            }
            Truth::TaskRequeued { task } => self.waits(at, task, true),
            Truth::TaskClaimed { task, launch } => {
                self.waits(at, task, false);
                let state = &mut self.tasks[task.0 as usize];
                let measured = state.submitted >= self.config.start + self.config.warmup;
                if !std::mem::replace(&mut state.was_claimed, true) && measured {
                    let waits = &mut self.worker_types[state.worker_type.index()].waits;
                    waits.note(at.since(state.submitted));
                }
                state.on = Some(launch);
                self.worker_types[state.worker_type.index()].busy.moves(self.steps, at, 1);
                if let Some(launch) = self.launches.get_mut(&launch) {
                    launch.running.push((task, at));
                }
            }
            Truth::TaskDone { task } => self.run_ended(at, task, true),
            Truth::TaskLost { task, .. } | Truth::TaskExpired { task } => {
                self.waits(at, task, false);
                self.run_ended(at, task, false);
            }
            _ => {}
        }
    }

    /// The run is over: what there is was there until then.
    fn close(&mut self, at: Time) {
        for line in &mut self.worker_types {
            let TypeLine { waiting, working, busy, booting, requested, capacity, .. } = line;
            for level in [waiting, working, busy, booting, requested, capacity] {
                level.settle(self.steps, at);
            }
        }
    }

    /// A task waits from then on, or does not.
    fn waits(&mut self, at: Time, task: TaskId, waits: bool) {
        let state = &mut self.tasks[task.0 as usize];
        if std::mem::replace(&mut state.waits, waits) != waits {
            let change = if waits { 1 } else { -1 };
            self.worker_types[state.worker_type.index()].waiting.moves(self.steps, at, change);
        }
    }

    /// A launch comes to its next stage.
    fn comes_to(&mut self, at: Time, launch: LaunchId, stage: Stage) {
        let Some(launch) = self.launches.get_mut(&launch) else { return };
        let was = std::mem::replace(&mut launch.stage, stage);
        let (line, capacity) =
            (&mut self.worker_types[launch.worker_type.index()], i64::from(launch.capacity));
        if let Some(level) = was.of(line) {
            level.moves(self.steps, at, -capacity);
        }
        match stage.of(line) {
            Some(level) => level.moves(self.steps, at, capacity),
            None if was != Stage::Gone => line.capacity.moves(self.steps, at, -capacity),
            None => {}
        }
    }

    fn in_pool(&mut self, at: Time, launch: LaunchId, note: impl FnOnce(&mut PoolStep)) {
        let Some(launch) = self.launches.get(&launch) else { return };
        let (step, steps) = (self.steps.of(at), &mut self.pools[launch.pool.index()].steps);
        if steps.len() <= step {
            steps.resize(step + 1, PoolStep::default());
        }
        note(&mut steps[step]);
    }

    fn run_ended(&mut self, at: Time, task: TaskId, useful: bool) {
        let state = &mut self.tasks[task.0 as usize];
        let Some(launch) = state.on.take() else { return };
        self.worker_types[state.worker_type.index()].busy.moves(self.steps, at, -1);
        let Some(launch) = self.launches.get_mut(&launch) else { return };
        if let Some(index) = launch.running.iter().position(|(running, _)| *running == task) {
            let (_, since) = launch.running.swap_remove(index);
            launch.slots.note(self.steps, since, at, useful);
        }
    }
}
