//! The one thread that owns the engine: it hears news, takes turns, and makes both durable.
//!
//! Facts are folded in as they come; at a turn they and the decision are written to the store
//! together, and only then is the decision carried out. What is not durable was never decided: if
//! the store fails, the process ends with nothing done, and the next one goes on from the store.
//!
//! Not here: what news means for the engine (`facts`), and carrying out (`hands`).

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use provisioner_engine::Engine;
use provisioner_engine::decision::Decision;
use provisioner_engine::ids::{InstanceId, LaunchId};
use provisioner_engine::inventory::Inventory;
use provisioner_engine::journal::Record;
use provisioner_engine::ledger::Stage;
use provisioner_engine::observation::{Observation, Refusal};
use provisioner_engine::snapshot::Snapshot;
use provisioner_engine::units::Time;
use tracing::{debug, info, warn};

use super::deeds::{Deed, Resolver, Undoable};
use super::facts::Told;
use super::instances::Instances;
use super::news::News;
use super::{DaemonError, Setup, chapters::Chapters};
use crate::store::{Checkpoint, Entry, Kept, Store};

/// The engine, and all that it takes to keep it.
pub(super) struct Brain<S> {
    pub(super) engine: Engine,
    pub(super) setup: Arc<Setup>,
    pub(super) inventory: Inventory,
    pub(super) instances: Instances,
    pub(super) told: Told,
    store: S,
    chapters: Option<Chapters>,
    era: String,
    unwritten: Vec<Entry>,
    /// Records made durable since the process began.
    pub(super) records: u64,
    /// Launches refused since then, by worker type and reason.
    pub(super) refusals: BTreeMap<(String, &'static str), u64>,
    /// Entries in the store since the checkpoint, and when that was made.
    written: usize,
    begun: Time,
    workers_asked: BTreeMap<String, Time>,
    /// Regions whose listing is under way.
    pub(super) listing: BTreeSet<String>,
    /// Queues, prices and instances were all read since it was configured.
    pub(super) is_informed: bool,
    /// What a new store keeps back, by worker type: until when at most, and what was counted.
    pub(super) withheld: Option<Withheld>,
    last_heard: Option<Time>,
}

/// What became of whoever wrote the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// It ended: what was under way is in doubt.
    Died,
    /// It may go on: it is only looked at.
    Looked,
}

/// A new store knows of no instance, yet there may be some, of a store that is lost: whoever was told
/// what is wanted would buy them again. So counts are told when the regions were listed.
pub(super) struct Withheld {
    pub(super) until: Time,
    pub(super) counts: BTreeMap<String, News>,
}

/// What a turn came to.
pub(super) struct Turn {
    pub(super) decision: Decision,
    pub(super) deeds: Vec<Deed>,
}

impl<S: Store> Brain<S> {
    /// Goes on from what the store has, or begins.
    pub(super) fn wake(
        mut store: S,
        setup: Arc<Setup>,
        journal: Option<&super::chapters::Folder>,
        era: impl FnOnce() -> String,
        now: Time,
        past: Past,
    ) -> Result<Self, DaemonError> {
        let (engine, kept) = match store.load()? {
            Some(kept) => {
                let (engine, kept) = restore(kept)?;
                (engine, Some(kept))
            }
            None => (Engine::new(setup.config.clone()), None),
        };
        let is_new = kept.is_none();
        let last_heard = kept.as_ref().map(|(checkpoint, records, _)| {
            records.last().map_or(checkpoint.begun, Record::at).max(checkpoint.begun)
        });
        let now = last_heard.map_or(now, |last| last.max(now));
        let mut engine = engine;
        engine.explain(true);
        let (checkpoint, records, named) = kept.unwrap_or_else(|| {
            let (instances, next_instance) = Instances::default().names();
            let snapshot = Snapshot::of(&engine);
            let checkpoint =
                Checkpoint { begun: now, era: era(), instances, next_instance, snapshot };
            (checkpoint, Vec::new(), Vec::new())
        });
        if is_new {
            store.replace(&checkpoint)?;
        }
        let chapters = match journal {
            Some(folder) => {
                let engine = checkpoint.snapshot.clone().restore([]);
                let engine = engine.map_err(DaemonError::NotRestored)?;
                Some(folder.begin(&setup.provisioner, &checkpoint, &engine, &records)?)
            }
            None => None,
        };
        let Checkpoint { begun, era, instances, next_instance, .. } = checkpoint;
        let mut instances = Instances::of(instances, next_instance, now);
        for (number, name) in named {
            instances.name(number, name, now);
        }
        let mut brain = Self {
            engine,
            setup: Arc::clone(&setup),
            inventory: Inventory::new(),
            instances,
            told: Told::default(),
            store,
            chapters,
            era,
            unwritten: Vec::new(),
            records: 0,
            refusals: BTreeMap::new(),
            written: records.len(),
            begun,
            workers_asked: BTreeMap::new(),
            listing: BTreeSet::new(),
            is_informed: false,
            withheld: is_new.then(|| Withheld {
                until: now.saturating_add(setup.config.limits.iteration_interval),
                counts: BTreeMap::new(),
            }),
            last_heard,
        };
        if !is_new {
            if past == Past::Died {
                brain.observe(now, Observation::Restarted);
            }
            let launches = brain.engine.launches().count();
            info!(launches, era = brain.era, "the ledger was restored");
            if *brain.engine.config() != setup.config {
                brain.configure(now, setup);
            }
        }
        Ok(brain)
    }

    /// A fact.
    pub(super) fn observe(&mut self, at: Time, observation: Observation) {
        self.engine.observe(at, observation);
        self.unwritten.push(Entry::Engine(Record::Observed { at, observation }));
    }

    /// A launch was refused, with the others of its call.
    pub(super) fn refuse(&mut self, at: Time, launch: LaunchId, refusal: Refusal) {
        if let Some(known) = self.engine.launch(launch) {
            let worker_type = self.engine.config().worker_type_name(known.worker_type).to_owned();
            *self.refusals.entry((worker_type, refusal.into())).or_default() += 1;
        }
        self.observe(at, Observation::LaunchRefused { launch, refusal });
    }

    /// The number of an instance that was just heard of.
    pub(super) fn number(&mut self, name: &str, now: Time) -> InstanceId {
        self.instances.hear(name, now, &mut self.unwritten)
    }

    /// When the engine was last told or asked anything, as far as the store says.
    pub(super) const fn last_heard(&self) -> Option<Time> {
        self.last_heard
    }

    /// How many regions were listed since the process began, and how many there are to list.
    pub(super) fn regions_listed(&self) -> (usize, usize) {
        let regions = self.setup.regions();
        (regions.iter().filter(|it| self.told.listed.contains_key(it)).count(), regions.len())
    }

    /// Ends the journal's last chapter.
    pub(super) fn close(mut self) -> Result<(), DaemonError> {
        self.make_durable()?;
        if let Some(mut chapters) = self.chapters {
            chapters.close()?;
        }
        Ok(())
    }

    /// Names this store in labels.
    pub(super) fn era(&self) -> &str {
        &self.era
    }

    /// Goes over to other worker types.
    pub(super) fn configure(&mut self, at: Time, setup: Arc<Setup>) {
        self.engine.configure(at, setup.config.clone());
        let config = Box::new(setup.config.clone());
        self.unwritten.push(Entry::Engine(Record::Configured { at, config }));
        info!(worker_types = setup.config.worker_types.len(), "configured anew");
        self.setup = setup;
        // Ids are others now, and what is new was not told anything.
        self.told = Told::default();
        self.inventory = Inventory::new();
        self.is_informed = false;
    }

    /// Decides, and makes durable what was told and decided; gives what is to be done.
    pub(super) fn turn(&mut self, now: Time) -> Result<Turn, DaemonError> {
        self.release(now);
        self.tell_readings(now);
        let decision = self.engine.decide(now);
        self.unwritten.push(Entry::Engine(Record::Decided(decision.clone())));
        self.make_durable()?;
        let mut deeds = Vec::new();
        for action in decision.actions.iter().copied() {
            let resolver = Resolver {
                engine: &self.engine,
                setup: &self.setup,
                instances: &self.instances,
                era: &self.era,
                now,
            };
            match (resolver.deed(action), action) {
                // Listings of a region that is slow would pile up, and make it slower.
                (Ok(Deed::List { region }), _) if !self.listing.insert(region.clone()) => {
                    debug!(region, "still being listed");
                }
                (Ok(deed), _) => deeds.push(deed),
                (Err(Undoable::Unasked), _) => {}
                (
                    Err(Undoable::NoTemplate),
                    provisioner_engine::decision::Action::Launch { launch, count, .. },
                ) => {
                    warn!(%launch, "no launch template for its worker type and zone");
                    for nth in 0..u64::from(count) {
                        self.refuse(now, LaunchId(launch.0 + nth), Refusal::Rejected);
                    }
                }
                (Err(why), action) => warn!(?action, ?why, "an order cannot be carried out"),
            }
        }
        deeds.extend(self.questions(now));
        Ok(Turn { decision, deeds })
    }

    /// Writes what is not written yet.
    pub(super) fn make_durable(&mut self) -> Result<(), DaemonError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let entries = mem::take(&mut self.unwritten);
        self.store.append(&entries)?;
        self.written += entries.len();
        self.records += entries.len() as u64;
        if let Some(chapters) = &mut self.chapters {
            chapters.append(&entries)?;
        }
        Ok(())
    }

    /// Begins a new chapter if the last one is long, or has to end.
    pub(super) fn checkpoint(&mut self, now: Time, force: bool) -> Result<(), DaemonError> {
        self.make_durable()?;
        let is_long = self.written >= self.setup.chapter_records_max
            || now.since(self.begun) >= self.setup.chapter_length;
        if self.written == 0 || !(force || is_long) {
            return Ok(());
        }
        let needed: BTreeSet<InstanceId> =
            self.engine.launches().filter_map(|(_, launch)| launch.instance).collect();
        self.instances.forget(&needed, now);
        let (instances, next_instance) = self.instances.names();
        let snapshot = Snapshot::of(&self.engine);
        let checkpoint =
            Checkpoint { begun: now, era: self.era.clone(), instances, next_instance, snapshot };
        // In this order: a chapter that was closed and is not replaced is written again from the
        // store, to the same bytes.
        if let Some(chapters) = &mut self.chapters {
            chapters.close()?;
        }
        self.store.replace(&checkpoint)?;
        if let Some(chapters) = &mut self.chapters {
            chapters.next(checkpoint.begun, &self.engine)?;
        }
        (self.begun, self.written) = (now, 0);
        Ok(())
    }

    /// Worker types some of whose workers have not registered: their queues are asked who has, as often
    /// as for their counts.
    fn questions(&mut self, now: Time) -> Vec<Deed> {
        let mut waiting = BTreeSet::new();
        for (_, launch) in self.engine.launches() {
            if matches!(launch.stage, Stage::Pending | Stage::Running) {
                waiting.insert(launch.worker_type);
            }
        }
        let mut questions = Vec::new();
        for id in waiting {
            let worker_type = self.engine.config().worker_type_name(id).to_owned();
            let asked = self.workers_asked.get(&worker_type);
            if asked
                .is_none_or(|asked| now.since(*asked) >= self.setup.queue_interval(&worker_type))
            {
                self.workers_asked.insert(worker_type.clone(), now);
                questions.push(Deed::Workers { worker_type });
            }
        }
        questions
    }
}

pub(super) type Restored = (Checkpoint, Vec<Record>, Vec<(InstanceId, String)>);

/// The engine as it was, and what it was restored from.
pub(super) fn restore(kept: Kept) -> Result<(Engine, Restored), DaemonError> {
    let Kept { checkpoint, since } = kept;
    let (mut records, mut names) = (Vec::new(), Vec::new());
    for entry in since {
        match entry {
            Entry::Named(number, name) => names.push((number, name)),
            Entry::Engine(record) => records.push(record),
        }
    }
    let engine = checkpoint
        .snapshot
        .clone()
        .restore(records.iter().cloned())
        .map_err(DaemonError::NotRestored)?;
    Ok((engine, (checkpoint, records, names)))
}
