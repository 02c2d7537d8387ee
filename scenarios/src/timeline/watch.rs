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
use provisioner_sim::{Hooks, Sample, TaskId, Truth};

use super::spread::{Billed, Slots, Steps};
use super::{PoolLine, PoolStep, Timeline, TypeLine};
use crate::Scenario;
use crate::explain::summary::Reasons;

pub(super) fn watch(
    scenario: &Scenario,
    config: &SimConfig,
    progress: Option<&mut dyn FnMut(Time)>,
) -> (Outcome, Timeline) {
    let step = config.series_step.expect("a run that is watched has steps");
    let (mut listener, mut because) = (Listener::new(config, step), Because::new(&config.engine));
    let mut samples = vec![Vec::new(); config.engine.worker_types.len()];
    let mut on_sample = |sample: Sample| samples[sample.worker_type.index()].push(sample);
    let mut on_truth = |at: Time, what: Truth| listener.hear(at, what);
    let mut on_record = |record: Record| because.hear(record);
    let hooks = Hooks {
        journal: Some(&mut on_record),
        sample: Some(&mut on_sample),
        progress: progress.map(|hook| hook as _),
        truth: Some(&mut on_truth),
        ..Hooks::default()
    };
    let outcome = scenario.run(config, hooks);
    let Listener { mut worker_types, pools, .. } = listener;
    worker_types.iter_mut().zip(samples).for_each(|(line, states)| line.states = states);
    let (start, reasons) = (config.start, because.reasons);
    (outcome, Timeline { start, step, worker_types, pools, reasons })
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
struct Listener<'a> {
    config: &'a SimConfig,
    steps: Steps,
    worker_types: Vec<TypeLine>,
    pools: Vec<PoolLine>,
    launches: BTreeMap<LaunchId, Launch>,
    /// By name; another task may get it when this one is resolved.
    tasks: Vec<Task>,
}

struct Launch {
    worker_type: WorkerTypeId,
    pool: PoolId,
    capacity: u32,
    registered: Option<Time>,
    slots: Slots,
    /// Tasks under way, and since when.
    running: Vec<(TaskId, Time)>,
}

#[derive(Clone, Copy)]
struct Task {
    worker_type: WorkerTypeId,
    submitted: Time,
    was_claimed: bool,
    on: Option<LaunchId>,
}

impl<'a> Listener<'a> {
    fn new(config: &'a SimConfig, step: Duration) -> Self {
        Self {
            config,
            steps: Steps { start: config.start, length: step },
            worker_types: vec![TypeLine::default(); config.engine.worker_types.len()],
            pools: vec![PoolLine::default(); config.engine.catalog.pools().len()],
            launches: BTreeMap::new(),
            tasks: Vec::new(),
        }
    }

    fn hear(&mut self, at: Time, what: Truth) {
        match what {
            Truth::CallArrived { token, count, worker_type, pool, capacity, .. } => {
                for nth in 0..u64::from(count) {
                    let launch = Launch {
                        worker_type,
                        pool,
                        capacity,
                        registered: None,
                        slots: Slots::default(),
                        running: Vec::new(),
                    };
                    self.launches.insert(LaunchId(token.0 + nth), launch);
                }
            }
            Truth::LaunchRefused { launch, .. } => {
                if let Some(launch) = self.launches.remove(&launch) {
                    self.pools[launch.pool.index()].refused += 1;
                }
            }
            Truth::InstanceRan { launch } => self.in_pool(at, launch, |step| step.started += 1),
            Truth::InstanceStopped { launch, by: EndCause::Interruption } => {
                self.in_pool(at, launch, |step| step.interrupted += 1);
            }
            Truth::InstanceEnded { launch, .. } => drop(self.launches.remove(&launch)),
            Truth::WorkerRegistered { launch } => {
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
                let new = Task { worker_type, submitted: at, was_claimed: false, on: None };
                if self.tasks.len() <= index {
                    self.tasks.resize(index + 1, new);
                }
                self.tasks[index] = new;
            }
            Truth::TaskClaimed { task, launch } => {
                let state = &mut self.tasks[task.0 as usize];
                let measured = state.submitted >= self.config.start + self.config.warmup;
                if !std::mem::replace(&mut state.was_claimed, true) && measured {
                    let waits = &mut self.worker_types[state.worker_type.index()].waits;
                    waits.note(at.since(state.submitted));
                }
                state.on = Some(launch);
                if let Some(launch) = self.launches.get_mut(&launch) {
                    launch.running.push((task, at));
                }
            }
            Truth::TaskDone { task } => self.run_ended(at, task, true),
            Truth::TaskLost { task, .. } | Truth::TaskExpired { task } => {
                self.run_ended(at, task, false);
            }
            _ => {}
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
        let Some(launch) = self.tasks[task.0 as usize].on.take() else { return };
        let Some(launch) = self.launches.get_mut(&launch) else { return };
        if let Some(index) = launch.running.iter().position(|(running, _)| *running == task) {
            let (_, since) = launch.running.swap_remove(index);
            launch.slots.note(self.steps, since, at, useful);
        }
    }
}
