//! The process in which the engine runs: what it wrote down, how it dies and how it comes back.
//!
//! What is durable is text, as a daemon writes it: a snapshot of the engine and the records since.
//! An iteration's facts and its decision become durable together, before the decision is carried
//! out. With the process dies all that was not written, what was on its way to it, and whoever
//! waited for the answer to a call: only a listing, or the same call made again, tells what became
//! of that. The engine that comes back is read from the text.
//!
//! A process that cannot die keeps nothing and costs nothing.

use std::mem;

use provisioner_engine::Engine;
use provisioner_engine::decision::Action;
use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::random::Stream;
use provisioner_engine::snapshot::Snapshot;
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::EngineConfig;
use rand::RngExt;

use super::api::Order;
use super::cloud::hours;
use super::event::{Event, Handle};
use super::instances::{Stage, Voice};
use super::{Truth, World};
use crate::config::process::CrashStep;
use crate::config::{FaultKind, SimConfig};
use crate::dist::DurationDist;

/// Prices are read this far back from the last that was written: those on their way were lost.
const PRICES_READ_BACK: Duration = Duration::HOUR;

/// A process that may die.
pub(super) struct Process {
    snapshot: String,
    /// The records since, one a line.
    records: Vec<String>,
    /// What a death now would lose.
    unwritten: Vec<Record>,
    /// When they were last added to.
    written_at: Time,
    /// Decisions since the snapshot.
    decisions: u32,
    random: Stream,
    /// Where it dies in the next iteration, and for how long.
    doomed: Option<(CrashStep, Duration)>,
    /// While it is down.
    is_down: bool,
    /// What it is to go over to when it comes back.
    config: Option<EngineConfig>,
}

impl Process {
    /// The process of that run, if it can die.
    pub(super) fn new(config: &SimConfig, engine: &Engine) -> Option<Box<Self>> {
        if !may_die(config) {
            return None;
        }
        let mut process = Box::new(Self {
            snapshot: String::new(),
            records: Vec::new(),
            unwritten: Vec::new(),
            written_at: config.start,
            decisions: 0,
            random: config.seed.purpose("process").stream(),
            doomed: None,
            is_down: false,
            config: None,
        });
        process.take_snapshot(engine);
        Some(process)
    }

    fn take_snapshot(&mut self, engine: &Engine) {
        let snapshot = serde_json::to_string(&Snapshot::of(engine));
        self.snapshot = snapshot.expect("an engine can be written down");
        self.records.clear();
        self.decisions = 0;
    }

    /// Makes durable what was told and decided; gives it.
    fn write(&mut self) -> Vec<Record> {
        let line = |record| serde_json::to_string(record).expect("a record can be written down");
        self.records.extend(self.unwritten.iter().map(line));
        mem::take(&mut self.unwritten)
    }

    /// The engine as far as it was written down.
    fn restore(&self) -> Engine {
        let snapshot: Snapshot = serde_json::from_str(&self.snapshot).expect("it was written so");
        let records = self.records.iter().map(|line| serde_json::from_str(line));
        let records = records.map(|record| record.expect("it was written so"));
        snapshot.restore(records).expect("the journal follows its snapshot")
    }
}

/// Whether the engine's process can die.
pub(super) fn may_die(config: &SimConfig) -> bool {
    let crashes = config.faults.iter().any(|fault| matches!(fault.what, FaultKind::Crash { .. }));
    config.process.crash_rate > 0.0 || crashes
}

impl World<'_> {
    /// Whether nobody hears.
    #[inline(always)]
    pub(super) fn is_down(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.is_down)
    }

    /// A fact or decision of the engine enters the journal: at once, or when it is durable.
    #[inline(always)]
    pub(super) fn record(&mut self, record: impl FnOnce() -> Record) {
        if self.process.is_some() || self.hooks.journal.is_some() {
            self.keep(record());
        }
    }

    #[cold]
    fn keep(&mut self, record: Record) {
        if let Some(process) = &mut self.process {
            process.unwritten.push(record);
        } else if let Some(journal) = &mut self.hooks.journal {
            journal(record);
        }
    }

    /// All that was told and decided becomes durable.
    pub(super) fn make_durable(&mut self, decisions: u32) {
        let Some(process) = &mut self.process else { return };
        let written = process.write();
        if let Some(journal) = &mut self.hooks.journal {
            written.into_iter().for_each(journal);
        }
        process.written_at = self.now;
        process.decisions += decisions;
        if process.decisions >= self.config.process.snapshot_every {
            process.take_snapshot(&self.engine);
        }
    }

    /// Draws when the process dies next by chance.
    pub(super) fn draw_death(&mut self) {
        let rate = self.config.process.crash_rate;
        if rate > 0.0
            && let Some(process) = &mut self.process
        {
            let life = DurationDist::Exponential { mean: hours(1.0 / rate) };
            let life = life.sample(&mut process.random);
            let dies = Event::ProcessDies(Handle { slot: 0, generation: 0 });
            self.agenda.enter(self.now.saturating_add(life), dies.pack());
        }
    }

    /// The process dies at a random step.
    pub(super) fn die_by_chance(&mut self) {
        let is_calm = self.config.process.crash_rate == 0.0;
        let Some(process) = self.process.as_mut().filter(|_| !is_calm) else { return };
        let random = &mut process.random;
        let step = match random.random_range(0..6) {
            0 => CrashStep::Between,
            1 => CrashStep::BeforeFacts,
            2 => CrashStep::AfterFacts,
            3 => CrashStep::AfterDecision,
            4 => CrashStep::AfterOrders(random.random_range(0..8)),
            _ => CrashStep::AfterOrders(u32::MAX),
        };
        self.doom(step, self.config.process.downtime);
    }

    /// The process dies when it next comes to that step.
    pub(super) fn doom(&mut self, step: CrashStep, downtime: Duration) {
        let Some(process) = self.process.as_mut().filter(|process| !process.is_down) else {
            return;
        };
        if step == CrashStep::Between {
            self.end_process(downtime);
        } else {
            process.doomed = Some((step, downtime));
        }
    }

    /// Dies if it is to die at that step of this iteration; says whether it does.
    pub(super) fn dies_at(&mut self, step: CrashStep) -> bool {
        let doomed = self.process.as_mut().and_then(|it| it.doomed.take_if(|it| it.0 == step));
        if let Some((_, downtime)) = doomed {
            self.end_process(downtime);
        }
        doomed.is_some()
    }

    /// How many orders of the decision that was just taken are carried out, if the process dies
    /// then: it hears nothing of them.
    pub(super) fn last_orders(&mut self) -> Option<u32> {
        let process = self.process.as_mut()?;
        let Some((CrashStep::AfterOrders(orders), _)) = process.doomed else { return None };
        process.is_down = true;
        Some(orders)
    }

    /// An order that the process did not live to carry out.
    pub(super) fn leave_undone(&mut self, action: Action) {
        if let Action::Launch { launch, count, worker_type, pool, market } = action {
            self.note_ordered(&Order { launch, count, worker_type, pool, market });
        }
    }

    /// The process dies, and with it all that was not written and all that was on its way to it.
    fn end_process(&mut self, downtime: Duration) {
        let Some(process) = &mut self.process else { return };
        process.unwritten.clear();
        process.is_down = true;
        self.engine = process.restore();
        self.testify(|_| Truth::ProcessDied);
        self.in_flight.lose();
        self.listings.lose();
        for slot in self.instances.slots() {
            let instance = &mut self.instances[slot];
            if instance.stage == Stage::Asked {
                instance.voice = Voice::Unheard;
            }
        }
        self.wake_at = self.now.saturating_add(downtime.max(Duration::from_ms(1)));
    }

    /// The process starts again, and reads what can be read anew.
    pub(super) fn come_back(&mut self) {
        let Some(process) = &mut self.process else { return };
        process.is_down = false;
        let (config, written_at) = (process.config.take(), process.written_at);
        self.restarts += 1;
        self.testify(|_| Truth::ProcessCameBack);
        self.observe(Observation::Restarted);
        if let Some(config) = config {
            self.configure(config);
        }
        self.read_prices_back(written_at - PRICES_READ_BACK);
        for worker_type in (0..self.types.len()).map(WorkerTypeId::new) {
            self.touch(worker_type);
        }
        self.draw_death();
    }

    /// Keeps a configuration until the process is up again; gives it back if it is up.
    pub(super) fn unless_down(&mut self, config: EngineConfig) -> Option<EngineConfig> {
        match &mut self.process {
            Some(process) if process.is_down => {
                process.config = Some(config);
                None
            }
            Some(_) | None => Some(config),
        }
    }
}
