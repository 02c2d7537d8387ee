//! The modelled world: queue, workers and EC2 around the engine, in virtual time.
//!
//! At equal times the market moves first, then tasks arrive, then what was scheduled happens in
//! the order in which it was scheduled, then the engine takes its turn, then the state is sampled.
//!
//! What every task goes through is compiled into the loop of `run`, by `inline(always)`: a
//! tenth of the time of W in `benches`.
//!
//! | file | holds |
//! |---|---|
//! | `work` | tasks from arrival to resolution, claims |
//! | `api` | calls to EC2: throttled, lost, repeated |
//! | `fates` | workers that never claim, hang, die or stay |
//! | `cloud` | instances from launch to end |
//! | `interruption` | how EC2 takes them back and announces it |
//! | `lifecycle` | EC2's own states, launches that fail |
//! | `quotas` | what the account may have at once |
//! | `listing` | what can be listed, and what listings say |
//! | `roles` | configurations, and what the engine calls worker types |
//! | `driver` | what the engine is told and what it orders |
//! | `queue` | what the queue says of its counts and of a worker |
//! | `books` | bills, and who they are for |
//! | `feed` | how the engine learns prices |
//! | `money` | what launches may cost at most |
//! | `habits` | how steady the orders are |
//! | `audit` | checks of all this against itself |
//! | `truth` | what really happens, told to whoever judges |
//! | `tasks`, `instances`, `event` | state in reused slots, and how events name it |

mod api;
mod audit;
mod books;
mod cloud;
mod driver;
mod event;
mod fates;
mod feed;
mod habits;
mod instances;
mod interruption;
mod lifecycle;
mod listing;
mod money;
mod peaks;
mod process;
mod queue;
mod quotas;
mod roles;
mod tasks;
mod truth;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use provisioner_engine::Engine;
use provisioner_engine::decision::Market as BoughtIn;
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::journal::{Digest, Record};
use provisioner_engine::launch_map::LaunchMap;
use provisioner_engine::random::Stream;
use provisioner_engine::units::{Duration, Time, UsdPerHour};

use self::api::Api;
use self::books::Books;
use self::cloud::{Draws, PoolState};
use self::driver::InFlight;
use self::event::{Event, Handle};
use self::feed::Feed;
use self::habits::Habits;
use self::instances::{Instances, Ready, Stage};
pub use self::lifecycle::{Step, Transition};
use self::listing::Listings;
use self::money::Money;
use self::peaks::{Peaks, Tight};
use self::process::Process;
use self::queue::Told;
use self::quotas::QuotaBook;
use self::roles::EngineIds;
use self::tasks::{MishapCounts, Queue, TaskCounts, Tasks};
use self::truth::FaultTurns;
pub use self::truth::{TaskId, Truth};
pub(crate) use self::work::run_time;
use crate::agenda::{Agenda, LineId};
use crate::config::{FaultKind, SimConfig, WorkerModel};
use crate::input::{Task, TaskSource};
use crate::outcome::{
    LaunchMeasures, LimitMeasures, NoticeMeasures, Outcome, Ownership, SafetyMeasures, Waits,
};

/// Who watches a run. Nothing here changes what happens.
#[derive(Default)]
pub struct Hooks<'a> {
    /// Gets every fact and decision; the engine explains its decisions if this is set.
    pub journal: Option<&'a mut dyn FnMut(Record)>,
    /// Gets the state at each `series_step`, by worker type.
    pub sample: Option<&'a mut dyn FnMut(Sample)>,
    /// Gets the time at each iteration.
    pub progress: Option<&'a mut dyn FnMut(Time)>,
    /// Gets each step of an instance or a spot request through EC2's states.
    pub transition: Option<&'a mut dyn FnMut(Transition)>,
    /// Whether the modelled world is checked against itself at each iteration, as it always is in
    /// debug builds: a contradiction is a panic.
    pub check: bool,
    /// Gets what really happens, and when.
    pub truth: Option<&'a mut dyn FnMut(Time, Truth)>,
}

/// The state of one worker type at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Time,
    /// Whose.
    pub worker_type: WorkerTypeId,
    /// Tasks waiting.
    pub pending: u32,
    /// Tasks that the queue believes to be held by workers.
    pub claimed: u32,
    /// Capacity of launches without an instance.
    pub requested: u32,
    /// Capacity of instances whose worker has not registered.
    pub booting: u32,
    /// Capacity of registered workers; like the others without those that wait for their end.
    pub working: u32,
    /// The lowest market price among its pools.
    pub price_lowest: Option<UsdPerHour>,
    /// What its running instances cost now.
    pub spend_rate: UsdPerHour,
}

/// Runs a simulation from its start to its end.
#[must_use]
pub fn run<'a>(config: &'a SimConfig, tasks: &mut dyn TaskSource, hooks: Hooks<'a>) -> Outcome {
    World::new(config, hooks).run(tasks)
}

/// Significant digits of the waits' quantiles: three, or two where a thousand histograms of three
/// would crowd out everything else.
const fn wait_digits(worker_types: usize) -> u8 {
    if worker_types <= 64 { 3 } else { 2 }
}

/// Each of these models, or the one before it if they are equal.
fn share_equal(models: &[WorkerModel]) -> Vec<&WorkerModel> {
    let mut last = None;
    models
        .iter()
        .map(|model| *last.insert(last.filter(|last| *last == model).unwrap_or(model)))
        .collect()
}

/// How many waits enter their histograms together.
const WAITS_AT_ONCE: usize = 512;

struct World<'a> {
    config: &'a SimConfig,
    hooks: Hooks<'a>,
    now: Time,
    agenda: Agenda,
    engine: Engine,
    types: Vec<TypeState>,
    /// The model of each one's workers. Those that are equal to the one before are one, so that a
    /// thousand of them stay at hand.
    workers: Vec<&'a WorkerModel>,
    /// How long each worker type's tasks waited.
    waits: Vec<Waits>,
    /// Waits that are not in there yet: a batch finds its memory faster than one by one.
    recent_waits: Vec<(WorkerTypeId, Duration)>,
    /// Worker types whose counts changed since the last iteration.
    changed: Vec<WorkerTypeId>,
    /// What the queue told of the counts of each worker type.
    told: Vec<Told>,
    /// Launches whose worker registered while the queue was down.
    registered_unheard: Vec<LaunchId>,
    tasks: Tasks,
    instances: Instances,
    /// The slot of each launch that has not ended.
    launches: LaunchMap<u32>,
    pools: Vec<PoolState>,
    draws: Draws,
    in_flight: InFlight,
    /// Nothing that is told comes late, twice or not at all.
    tells_at_once: bool,
    hazard_line: LineId,
    /// The next market changes to come.
    next_price: usize,
    next_availability: usize,
    /// What the cloud does by itself, besides.
    calendar: BTreeSet<(Time, Turn)>,
    quotas: Option<QuotaBook>,
    wake_at: Time,
    sample_at: Time,
    books: Books,
    digest: Digest,
    iterations: u64,
    limits: LimitMeasures,
    events: u64,
    /// Look at everything once there were this many events.
    audit_at: u64,
    api: Api,
    /// The process in which the engine runs, if it can die.
    process: Option<Box<Process>>,
    restarts: u64,
    calls: crate::outcome::ApiCalls,
    peaks: Peaks,
    feed: Feed,
    money: Money,
    listings: Listings,
    engine_ids: EngineIds,
    /// Instances that run without being known to the engine, if that can be: since when, and when
    /// last seen so.
    ownership_may_fail: bool,
    orphans: BTreeMap<InstanceId, (Time, Time)>,
    ownership: Ownership,
    notices: NoticeMeasures,
    fault_turns: FaultTurns,
}

/// What the cloud does by itself at a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// A pool takes back most of what it gave.
    Burst(PoolId),
    /// What was refused for a fault may be had again.
    FaultEnds,
    /// From now on nothing goes wrong.
    Calm,
}

/// What belongs to one worker type. A thousand of them are looked at in no order, so what each task
/// needs stands in one cache line, the second; what each iteration needs besides in the one before
/// it, and what each launch needs in the next ones.
#[repr(C, align(128))]
struct TypeState {
    peaks: Peaks,
    /// Tasks whose wait is measured and who waited for the first workers.
    cold: u64,
    ready: Ready,
    counts: TaskCounts,
    idle_line: LineId,
    queue: Queue,
    habits: Habits,
    launches: LaunchMeasures,
    safety: SafetyMeasures,
    mishaps: MishapCounts,
    random: Stream,
    /// From submission to the beginning of the last run, of tasks that were done.
    delay_max: Duration,
    tight: Tight,
}

const _: () = assert!(std::mem::offset_of!(TypeState, ready) + Ready::HOT == 64);
const _: () = assert!(std::mem::offset_of!(TypeState, queue) + Queue::HOT <= 128);
const _: () = assert!(std::mem::offset_of!(TypeState, safety) <= 384);

impl<'a> World<'a> {
    fn new(config: &'a SimConfig, hooks: Hooks<'a>) -> Self {
        assert!(
            config.workers.len() == config.engine.worker_types.len(),
            "each worker type has a model of its workers"
        );
        let mut agenda = Agenda::new(config.start, config.end.saturating_add(config.drain));
        let hazard_line = agenda.line(interruption::HAZARD_LOOK); // before the others, as all share it
        let (claims, reads) = (config.seed.purpose("claim"), config.seed.purpose("queue-read"));
        let waits = Waits::new(wait_digits(config.engine.worker_types.len()));
        let types: Vec<TypeState> = config
            .engine
            .worker_types
            .iter()
            .zip(&config.workers)
            .map(|(worker_type, worker)| TypeState {
                queue: Queue::new(),
                ready: Ready::new(worker.claim_order),
                random: claims.purpose(&worker_type.name).stream(),
                delay_max: Duration::ZERO,
                cold: 0,
                tight: Tight::new(worker_type),
                idle_line: agenda.line(worker_type.idle_timeout),
                counts: TaskCounts::default(),
                mishaps: MishapCounts::default(),
                peaks: Peaks::default(),
                habits: Habits::default(),
                launches: LaunchMeasures::default(),
                safety: SafetyMeasures::default(),
            })
            .collect();
        let mut engine = Engine::new(config.engine.clone());
        engine.explain(hooks.journal.is_some());
        let pools: Vec<PoolState> = (0..config.engine.catalog.pools().len())
            .map(|index| PoolState::new(config, PoolId::new(index)))
            .collect();
        for (slot, fault) in (0..).zip(&config.faults) {
            if let FaultKind::ToldEnded { .. }
            | FaultKind::Configured(_)
            | FaultKind::QueueDown
            | FaultKind::Crash { .. } = fault.what
            {
                for (generation, at) in [(0, fault.from), (1, fault.until)] {
                    agenda.enter(at, Event::FaultTurns(Handle { slot, generation }).pack());
                }
            }
        }
        let process = Process::new(config, &engine);
        let interval = config.engine.limits.iteration_interval;
        assert!(interval > Duration::ZERO, "iterations are some time apart");
        assert!(config.series_step != Some(Duration::ZERO), "samples are some time apart");
        let sampled = hooks.sample.as_ref().and(config.series_step);
        Self {
            config,
            now: config.start,
            engine,
            told: config
                .engine
                .worker_types
                .iter()
                .map(|worker_type| Told::new(reads.purpose(&worker_type.name).stream()))
                .collect(),
            registered_unheard: Vec::new(),
            changed: (0..types.len()).map(WorkerTypeId::new).collect(),
            waits: vec![waits; types.len()],
            workers: share_equal(&config.workers),
            recent_waits: Vec::with_capacity(WAITS_AT_ONCE),
            books: Books::new(types.len(), pools.len()),
            types,
            tasks: Tasks::default(),
            instances: Instances::default(),
            launches: LaunchMap::new(),
            pools,
            draws: Draws::new(config.seed),
            in_flight: InFlight::default(),
            tells_at_once: Self::tells_at_once(config),
            hazard_line,
            agenda,
            next_price: 0,
            next_availability: 0,
            calendar: BTreeSet::new(),
            quotas: QuotaBook::new(config),
            wake_at: config.start + interval,
            sample_at: sampled.map_or(Time::MAX, |_| config.start),
            digest: Digest::new(),
            iterations: 0,
            limits: LimitMeasures::default(),
            events: 0,
            audit_at: 0,
            api: Api::new(config),
            process,
            restarts: 0,
            calls: crate::outcome::ApiCalls::default(),
            peaks: Peaks::default(),
            feed: Feed::new(config),
            money: Money::new(config.start, config.engine.worker_types.len()),
            listings: Listings::new(config),
            engine_ids: EngineIds::all(config.workers.len()),
            ownership_may_fail: listing::ownership_may_fail(config),
            orphans: BTreeMap::new(),
            ownership: Ownership::default(),
            notices: NoticeMeasures::default(),
            fault_turns: match hooks.truth {
                Some(_) => FaultTurns::of(config),
                None => FaultTurns::default(),
            },
            hooks,
        }
    }

    fn run(mut self, tasks: &mut dyn TaskSource) -> Outcome {
        self.draw_death();
        self.open_calendar();
        self.open_market();
        let give_up = self.agenda.end();
        let mut next_task = self.admit(tasks);
        let mut market_at = self.market_at();
        loop {
            let task_at = next_task.map_or(Time::MAX, |task| task.submitted);
            let agenda_at = self.agenda.next_time();
            let turn_at = market_at.min(self.wake_at).min(self.sample_at);
            // By far the most steps are tasks that arrive and events that happen between turns.
            if task_at <= agenda_at && task_at < turn_at {
                let Some(task) = next_task else { break };
                self.now = task_at;
                self.arrive(task);
                next_task = self.admit(tasks);
                continue;
            }
            if next_task.is_none() && self.tasks.unresolved() == 0 {
                break;
            }
            if agenda_at < task_at && agenda_at < turn_at {
                self.happen();
                continue;
            }
            self.now = turn_at.min(task_at).min(agenda_at);
            if self.now > give_up {
                self.now = give_up;
                break;
            }
            match self.now {
                now if now == market_at => {
                    self.move_market();
                    market_at = self.market_at();
                }
                now if now == task_at => {
                    let Some(task) = next_task else { break };
                    self.arrive(task);
                    next_task = self.admit(tasks);
                }
                now if now == agenda_at => self.happen(),
                now if now == self.wake_at => self.iterate(),
                _ => self.sample(),
            }
        }
        self.make_durable(0);
        self.close()
    }

    /// The next task within the run.
    #[inline(always)]
    fn admit(&self, tasks: &mut dyn TaskSource) -> Option<Task> {
        loop {
            let next = tasks.next_task();
            match &next {
                Some(task) if task.submitted < self.config.start => {}
                Some(task) if task.submitted >= self.config.end => return None,
                Some(task) if task.submitted > self.agenda.end() => return None,
                Some(_) | None => return next,
            }
        }
    }

    /// The next scheduled event happens.
    #[inline(always)]
    fn happen(&mut self) {
        let Some((at, packed)) = self.agenda.pop() else { return };
        self.now = at;
        match Event::unpack(packed) {
            Event::TaskDone(handle) => {
                if let Some(slot) = self.tasks.find(handle) {
                    self.task_done(slot);
                }
            }
            Event::ClaimExpired(handle) => self.on_task(handle, Self::run_again),
            Event::Deadline(handle) => self.on_task(handle, Self::give_up),
            Event::SlotRested(handle) => self.on_instance(handle, Self::slot_rested),
            Event::Answered(handle) => self.on_instance(handle, Self::answer),
            Event::Ends(handle) => self.on_instance(handle, Self::end_by_order),
            Event::Expires(handle) => self.on_instance(handle, Self::expire),
            Event::Running(handle) => self.on_instance(handle, Self::start_running),
            Event::Booted(handle) => self.on_instance(handle, Self::boot),
            Event::Noticed(handle) => self.on_instance(handle, Self::notice),
            Event::HazardLook(handle) => self.on_instance(handle, Self::watch_hazard),
            Event::Reclaimed(handle) => self.on_instance(handle, Self::reclaim),
            Event::Terminated(handle) => self.on_instance(handle, Self::terminated),
            Event::UptimeReached(handle) => self.on_instance(handle, Self::retire),
            Event::IdleTimeout(handle) => self.idle_timeout(handle),
            Event::Delivered(handle) => self.deliver(handle),
            Event::ProcessDies(_) => self.die_by_chance(),
            Event::Page(handle) => self.page(handle),
            Event::FaultTurns(handle) => self.turn_fault(handle),
            Event::Hangs(handle) => self.on_instance(handle, Self::hang),
            Event::Dies(handle) => self.on_instance(handle, Self::die),
            Event::Asks(handle) => self.ask_to_stop(handle),
        }
    }

    #[inline(always)]
    fn on_task(&mut self, handle: Handle, act: impl FnOnce(&mut Self, u32)) {
        if let Some(slot) = self.tasks.find(handle) {
            act(self, slot);
        }
    }

    #[inline(always)]
    fn on_instance(&mut self, handle: Handle, act: impl FnOnce(&mut Self, u32)) {
        if let Some(slot) = self.instances.find(handle) {
            act(self, slot);
        }
    }

    fn type_of(&mut self, worker_type: WorkerTypeId) -> &mut TypeState {
        &mut self.types[worker_type.index()]
    }

    /// Hands out one sample for each worker type.
    fn sample(&mut self) {
        let step = self.config.series_step.unwrap_or(Duration::DAY);
        self.sample_at = self.now.saturating_add(step);
        let mut samples: Vec<Sample> = (0..)
            .map(WorkerTypeId::new)
            .zip(&self.types)
            .map(|(worker_type, state)| Sample {
                at: self.now,
                worker_type,
                pending: state.queue.pending,
                claimed: state.queue.claimed,
                requested: 0,
                booting: 0,
                working: 0,
                price_lowest: self.lowest_price(worker_type),
                spend_rate: UsdPerHour::ZERO,
            })
            .collect();
        for slot in self.instances.slots() {
            let instance = &self.instances[slot];
            let sample = &mut samples[instance.worker_type.index()];
            match instance.stage {
                _ if instance.is_leaving() => {}
                Stage::Asked | Stage::Open => sample.requested += instance.capacity,
                Stage::Pending | Stage::Running => sample.booting += instance.capacity,
                Stage::Working => sample.working += instance.capacity,
                Stage::Stopping | Stage::Free => {}
            }
            if matches!(instance.stage, Stage::Running | Stage::Working) {
                let price = match instance.market {
                    BoughtIn::Spot { .. } => self.pools[instance.pool.index()].price,
                    BoughtIn::OnDemand => {
                        self.on_demand_price(instance.pool, instance.running_since)
                    }
                };
                let rate = sample.spend_rate.micros() + price.map_or(0, UsdPerHour::micros);
                sample.spend_rate = UsdPerHour::from_micros(rate);
            }
        }
        if let Some(hook) = &mut self.hooks.sample {
            samples.into_iter().for_each(hook);
        }
    }

    fn lowest_price(&self, worker_type: WorkerTypeId) -> Option<UsdPerHour> {
        let candidates = &self.config.engine.worker_types[worker_type.index()].candidates;
        candidates.iter().filter_map(|candidate| self.pools[candidate.pool.index()].price).min()
    }

    fn on_demand_price(&self, pool: PoolId, at: Time) -> Option<UsdPerHour> {
        self.config.engine.catalog.on_demand_price(pool, at)
    }
}
