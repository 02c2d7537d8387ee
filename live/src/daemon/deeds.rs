//! Orders of the engine, resolved into EC2's and the queue's own names: whoever carries one out
//! needs nothing else.

use provisioner_engine::decision::{Action, Market};
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId};
use provisioner_engine::units::Time;

use super::Setup;
use super::instances::Instances;
use crate::cloud::{LaunchLabel, LaunchOrder};
use crate::queue::WorkerPlace;

/// One thing to do.
#[derive(Debug)]
pub(super) enum Deed {
    /// Make a launch call.
    Launch {
        order: Box<LaunchOrder>,
        /// It was made before: what it may have given is looked for first.
        again: bool,
    },
    /// End an instance.
    End {
        launch: Option<LaunchId>,
        instance: InstanceId,
        worker_type: Option<String>,
        place: WorkerPlace,
        unless_claimed: bool,
    },
    /// Withdraw the requests of a call.
    Cancel { launch: LaunchId, region: String, label: LaunchLabel },
    /// List a region.
    List { region: String },
    /// Ask what a worker holds.
    Check { launch: LaunchId, worker_type: String, place: WorkerPlace },
    /// Ask for all workers.
    Workers { worker_type: String },
}

/// Why an order cannot be carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Undoable {
    /// Nothing is known of how to launch for that worker type in that zone.
    NoTemplate,
    /// It is not known which instance it is about, or where it is.
    NotKnown,
    /// Nobody waits for it here.
    Unasked,
}

/// What orders are resolved with.
pub(super) struct Resolver<'a> {
    pub(super) engine: &'a provisioner_engine::Engine,
    pub(super) setup: &'a Setup,
    pub(super) instances: &'a Instances,
    pub(super) era: &'a str,
    pub(super) now: Time,
}

impl Resolver<'_> {
    /// What an order means.
    pub(super) fn deed(&self, action: Action) -> Result<Deed, Undoable> {
        let config = self.engine.config();
        match action {
            Action::Launch { launch, count, worker_type, pool, market } => {
                let worker_type = config.worker_type_name(worker_type);
                let order = self.order(launch, count, worker_type, pool, market)?;
                let requested = self.engine.launch(launch).map(|known| known.requested);
                let again = requested.is_none_or(|requested| requested < self.now);
                Ok(Deed::Launch { order: Box::new(order), again })
            }
            Action::Cancel { launch } => {
                let known = self.engine.launch(launch).ok_or(Undoable::NotKnown)?;
                let region = self.region_of(known.pool);
                Ok(Deed::Cancel { launch, region, label: self.label(known.call) })
            }
            Action::Terminate { launch, unless_claimed } => {
                let (instance, worker_type, place) = self.worker(launch)?;
                let (launch, worker_type) = (Some(launch), Some(worker_type));
                Ok(Deed::End { launch, instance, worker_type, place, unless_claimed })
            }
            Action::EndStray { instance, unless_claimed } => {
                let place = self.instances.place_of(instance).ok_or(Undoable::NotKnown)?;
                let (worker_type, place) = (place.worker_type.clone(), place.at.clone());
                Ok(Deed::End { launch: None, instance, worker_type, place, unless_claimed })
            }
            Action::ListInstances { region } => {
                Ok(Deed::List { region: config.catalog.region_name(region).to_owned() })
            }
            Action::CheckWorker { launch } => {
                let (_, worker_type, place) = self.worker(launch)?;
                Ok(Deed::Check { launch, worker_type, place })
            }
            Action::AdviseStop { .. } => Err(Undoable::Unasked),
        }
    }

    fn order(
        &self,
        first: LaunchId,
        count: u32,
        worker_type: &str,
        pool: PoolId,
        market: Market,
    ) -> Result<LaunchOrder, Undoable> {
        let catalog = &self.engine.config().catalog;
        let provisioner_engine::catalog::Pool { zone, instance_type, .. } =
            catalog.pools()[pool.index()];
        let zone = &catalog.zone_of(zone).name;
        let template =
            self.setup.launches.template(worker_type, zone).ok_or(Undoable::NoTemplate)?;
        Ok(LaunchOrder {
            label: self.label(first),
            count,
            worker_type: worker_type.to_owned(),
            region: self.region_of(pool),
            zone: zone.clone(),
            instance_type: catalog.instance_type_of(instance_type).name.clone(),
            market,
            template: template.clone(),
        })
    }

    /// The instance of a launch, and what its queue knows its worker by.
    pub(super) fn worker(
        &self,
        launch: LaunchId,
    ) -> Result<(InstanceId, String, WorkerPlace), Undoable> {
        let known = self.engine.launch(launch).ok_or(Undoable::NotKnown)?;
        let instance = known.instance.ok_or(Undoable::NotKnown)?;
        let name = self.instances.name_of(instance).ok_or(Undoable::NotKnown)?;
        let config = self.engine.config();
        let zone = config.catalog.pools()[known.pool.index()].zone;
        let place = WorkerPlace {
            region: self.region_of(known.pool),
            zone: Some(config.catalog.zone_of(zone).name.clone()),
            instance: name.to_owned(),
        };
        Ok((instance, config.worker_type_name(known.worker_type).to_owned(), place))
    }

    fn region_of(&self, pool: PoolId) -> String {
        let catalog = &self.engine.config().catalog;
        catalog.region_name(catalog.region_of(pool)).to_owned()
    }

    fn label(&self, first: LaunchId) -> LaunchLabel {
        LaunchLabel { era: self.era.to_owned(), first: first.0 }
    }
}
