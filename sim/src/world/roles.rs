//! Which worker types the engine serves, and what it calls them.
//!
//! The world's worker types are the scenario's for ever; a configuration that lacks some gives the
//! others new ids.

use provisioner_engine::decision::Action;
use provisioner_engine::guards::Removed;
use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::worker_type::EngineConfig;

use super::World;
use super::event::Handle;
use crate::config::{Fault, FaultKind, Reconfiguration};

/// The engine's ids of the world's worker types.
#[derive(Debug)]
pub(super) struct EngineIds {
    served: Vec<Option<WorkerTypeId>>,
    /// By the engine's ids.
    world: Vec<WorkerTypeId>,
}

impl EngineIds {
    /// Of an engine that serves all of them.
    pub(super) fn all(worker_types: usize) -> Self {
        let world: Vec<WorkerTypeId> = (0..worker_types).map(WorkerTypeId::new).collect();
        Self { served: world.iter().copied().map(Some).collect(), world }
    }

    /// The engine's id of a worker type that it serves.
    pub(super) fn served(&self, worker_type: WorkerTypeId) -> Option<WorkerTypeId> {
        self.served[worker_type.index()]
    }

    /// Puts a fact into the engine's ids; says whether the engine serves what it is about.
    pub(super) fn to_engine(&self, observation: &mut Observation) -> bool {
        match observation {
            Observation::DemandCounted { worker_type, .. }
            | Observation::DemandUnknown { worker_type } => {
                let served = self.served(*worker_type);
                *worker_type = served.unwrap_or(*worker_type);
                served.is_some()
            }
            Observation::InstanceFound { worker_type, .. } => {
                *worker_type = worker_type.and_then(|labelled| self.served(labelled));
                true
            }
            _ => true,
        }
    }

    /// An order in the world's ids.
    pub(super) fn to_world(&self, mut action: Action) -> Action {
        if let Action::Launch { worker_type, .. } = &mut action {
            *worker_type = self.world[worker_type.index()];
        }
        action
    }
}

impl World<'_> {
    /// Something that happens once begins, or what it changed is changed back.
    pub(super) fn turn_fault(&mut self, Handle { slot, generation }: Handle) {
        let begins = generation == 0;
        match &self.config.faults[slot as usize].what {
            FaultKind::ToldEnded { share } if begins => self.tell_false_ends(*share, slot),
            FaultKind::Configured(change) => {
                let config = &self.config.engine;
                let config = if begins { change.apply(config) } else { config.clone() };
                self.configure(config);
            }
            FaultKind::QueueDown if !begins => self.queue_returns(),
            FaultKind::Crash { step } if begins => {
                let Fault { from, until, .. } = self.config.faults[slot as usize];
                self.doom(*step, until.since(from));
            }
            _ => {} // lasts, and is looked at where it matters
        }
    }

    /// The engine goes over to another configuration.
    pub(super) fn configure(&mut self, config: EngineConfig) {
        let Some(config) = self.unless_down(config) else { return };
        let all = &self.config.engine.worker_types;
        if !config.worker_types.is_empty() || config.guards.removed == Removed::Killed {
            let id = |of: &[&str], name: &str| {
                of.iter().position(|known| *known == name).map(WorkerTypeId::new)
            };
            let names: Vec<&str> = all.iter().map(|known| known.name.as_str()).collect();
            let served: Vec<&str> =
                config.worker_types.iter().map(|known| known.name.as_str()).collect();
            self.engine_ids = EngineIds {
                served: names.iter().map(|name| id(&served, name)).collect(),
                world: served.iter().filter_map(|name| id(&names, name)).collect(),
            };
        }
        self.engine.configure(self.now, config.clone());
        let at = self.now;
        self.record(|| Record::Configured { at, config: Box::new(config) });
        self.make_durable(0);
        // A provisioner that reads its worker types anew reads their queues anew.
        for worker_type in (0..self.types.len()).map(WorkerTypeId::new) {
            self.touch(worker_type);
        }
    }
}

impl Reconfiguration {
    /// The configuration without what is removed.
    fn apply(&self, config: &EngineConfig) -> EngineConfig {
        let Self { worker_types_removed, instance_types_removed, empty } = self;
        let mut config = config.clone();
        let catalog = &config.catalog;
        config.worker_types.retain(|known| !empty && !worker_types_removed.contains(&known.name));
        for worker_type in &mut config.worker_types {
            worker_type.candidates.retain(|candidate| {
                let pool = catalog.pools()[candidate.pool.index()];
                let name = &catalog.instance_type_of(pool.instance_type).name;
                !instance_types_removed.contains(name)
            });
        }
        config
    }
}
