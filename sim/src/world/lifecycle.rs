//! Instances and spot requests on their way through EC2's own states, step by step.
//!
//! The world's stages say what an instance does; EC2's states say what an API call would show. Both
//! change together, here and nowhere else, and only as EC2 changes them.

use provisioner_engine::decision::Market;
use provisioner_engine::ids::{ImageId, LaunchId};
use provisioner_engine::observation::{EndCause, Observation, Refusal};
use provisioner_engine::units::{Duration, Time};
use rand::RngExt;

use super::cloud::{PoolState, delay, stream};
use super::event::Event;
use super::instances::{Instance, Stage};
use super::{Truth, World};
use crate::config::{FaultKind, Regime};
use crate::dist::DurationDist;
use crate::ec2::instance_state::{InstanceState, StateReason};
use crate::ec2::spot_request::StatusCode;

/// One step of an instance or of a spot request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Time,
    /// Whose.
    pub launch: LaunchId,
    /// From where to where.
    pub step: Step,
}

/// From where to where; the first step is from nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The instance's state changed.
    Instance {
        /// The state it left.
        from: Option<InstanceState>,
        /// The state it entered.
        to: InstanceState,
        /// Why, if EC2 says so.
        reason: Option<StateReason>,
    },
    /// The spot request's status code changed.
    Request {
        /// The code it left.
        from: Option<StatusCode>,
        /// The code it got.
        to: StatusCode,
    },
}

/// Where an instance and its request stand, and what EC2 has in store for it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lifecycle {
    pub(super) state: Option<InstanceState>,
    pub(super) request: Option<StatusCode>,
    /// With which code its request ends, once EC2 takes the instance back.
    pub(super) taken: Option<StatusCode>,
    /// It will end before it runs.
    pub(super) doom: Option<EndCause>,
    /// The account's quotas count it.
    pub(super) counted: bool,
    /// A rebalance was recommended.
    pub(super) recommended: bool,
}

/// How long machines of a kind take to shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    General,
    Gpu,
    Metal,
}

impl Machine {
    /// The kind of this instance type.
    pub(super) fn of(instance_type: &str) -> Self {
        let family = instance_type.trim_start_matches(|c: char| c.is_ascii_lowercase());
        match &instance_type[..instance_type.len() - family.len()] {
            _ if instance_type.contains(".metal") => Self::Metal,
            "g" | "gr" | "p" => Self::Gpu,
            _ => Self::General,
        }
    }
}

impl World<'_> {
    // ---- the state machines ----

    /// An instance enters a state: the only place where that happens.
    pub(super) fn enter_state(&mut self, slot: u32, to: InstanceState, cause: Option<EndCause>) {
        let Instance { launch, ref mut lifecycle, .. } = self.instances[slot];
        let from = lifecycle.state.replace(to);
        let legal = from.map_or(to == InstanceState::Pending, |from| from.may_become(to));
        assert!(legal, "{launch}: EC2 takes no instance from {from:?} to {to:?}");
        let reason = cause.and_then(StateReason::of);
        self.report(launch, Step::Instance { from, to, reason });
        let by = cause.unwrap_or(EndCause::Vanished);
        self.testify(|world| match to {
            InstanceState::Pending => {
                Truth::InstanceGiven { launch, instance: world.instances[slot].id() }
            }
            InstanceState::Running => Truth::InstanceRan { launch },
            InstanceState::ShuttingDown => Truth::InstanceStopped { launch, by },
            InstanceState::Terminated => Truth::InstanceEnded { launch, by },
        });
        self.enlist(slot, to, cause);
    }

    /// A spot request gets a status code: the only place where that happens.
    pub(super) fn enter_status(&mut self, slot: u32, to: StatusCode) {
        let Instance { launch, ref mut lifecycle, .. } = self.instances[slot];
        let from = lifecycle.request.replace(to);
        let legal = from.map_or(to == StatusCode::PendingEvaluation, |from| from.may_become(to));
        assert!(legal, "{launch}: EC2 takes no request from {from:?} to {to:?}");
        self.report(launch, Step::Request { from, to });
    }

    fn report(&mut self, launch: LaunchId, step: Step) {
        if let Some(hook) = &mut self.hooks.transition {
            hook(Transition { at: self.now, launch, step });
        }
    }

    /// A spot request is made, unless that is done.
    pub(super) fn open_request(&mut self, slot: u32) {
        let Instance { market, lifecycle, .. } = &self.instances[slot];
        if lifecycle.request.is_none() && *market != Market::OnDemand {
            self.enter_status(slot, StatusCode::PendingEvaluation);
        }
    }

    /// A spot request waits for what this code says.
    pub(super) fn hold(&mut self, slot: u32, code: StatusCode) {
        self.open_request(slot);
        let Instance { pool, ref mut stage, lifecycle, running_since: asked, .. } =
            self.instances[slot];
        let waited_before = std::mem::replace(stage, Stage::Open) == Stage::Open;
        if let Some(valid) = self.config.cloud.request_valid_for.filter(|_| !waited_before) {
            let until = asked.saturating_add(valid).max(self.now);
            self.agenda.enter(until, Event::Expires(self.instances.handle(slot)).pack());
        }
        self.pools[pool.index()].open.push(slot);
        if lifecycle.request != Some(code) {
            self.enter_status(slot, code);
        }
    }

    /// What a spot request waits for if this is in its way; none if it is refused for good.
    pub(super) fn waits_for(&self, slot: u32, refusal: Refusal) -> Option<StatusCode> {
        let Instance { pool, market, max_price, .. } = self.instances[slot];
        if self.config.cloud.regime == Regime::Capacity || market == Market::OnDemand {
            return None;
        }
        match refusal {
            Refusal::InsufficientCapacity if self.pools[pool.index()].price == Some(max_price) => {
                Some(StatusCode::CapacityOversubscribed)
            }
            Refusal::InsufficientCapacity => Some(StatusCode::CapacityNotAvailable),
            Refusal::MaxPriceTooLow => Some(StatusCode::PriceTooLow),
            Refusal::Cancelled
            | Refusal::QuotaReached
            | Refusal::Unsupported
            | Refusal::ImageUnusable
            | Refusal::VolumeLimit
            | Refusal::Rejected => None,
        }
    }

    /// A refused request is over. Calls that were refused at once made none.
    pub(super) fn fail_request(&mut self, slot: u32, refusal: Refusal) {
        let code = match refusal {
            Refusal::Cancelled => StatusCode::CanceledBeforeFulfillment,
            Refusal::VolumeLimit => StatusCode::LimitExceeded,
            Refusal::Unsupported | Refusal::ImageUnusable | Refusal::Rejected => {
                StatusCode::BadParameters
            }
            Refusal::InsufficientCapacity | Refusal::MaxPriceTooLow | Refusal::QuotaReached => {
                StatusCode::SystemError
            }
        };
        if self.instances[slot]
            .lifecycle
            .request
            .is_some_and(|now| now.holds() && !now.may_become(code))
        {
            self.enter_status(slot, StatusCode::PendingEvaluation); // what waited is looked at anew
        }
        self.close_request(slot, code);
    }

    /// The request is over with this code, unless it is over or there is none.
    pub(super) fn close_request(&mut self, slot: u32, code: StatusCode) {
        if self.instances[slot].lifecycle.request.is_some_and(|now| !now.is_final()) {
            self.enter_status(slot, code);
        }
    }

    // ---- launches that fail ----

    /// Why a call for this instance is refused whatever the market says.
    pub(super) fn call_obstacle(&mut self, slot: u32) -> Option<Refusal> {
        let Instance { pool, worker_type, .. } = self.instances[slot];
        if !self.config.faults.is_empty() {
            let candidates = &self.config.engine.worker_types[worker_type.index()].candidates;
            let ours = candidates.iter().find(|candidate| candidate.pool == pool);
            let image: Option<ImageId> = ours.map(|candidate| candidate.image);
            let unusable = |fault: &FaultKind| {
                matches!(fault, FaultKind::ImageUnusable { images }
                    if image.is_some_and(|image| images.contains(&image)))
            };
            if self.is(unusable) {
                return Some(Refusal::ImageUnusable);
            }
        }
        if !self.pools[pool.index()].offered {
            return Some(Refusal::Unsupported);
        }
        (!self.quota_allows(slot)).then_some(Refusal::QuotaReached)
    }

    /// Whether a pool has no machine to give just now, whatever its availability says.
    pub(super) fn is_dry(&self, pool: &PoolState) -> bool {
        let dried = |fault: &FaultKind| matches!(fault, FaultKind::PoolDry { pools } if pools.contains(&pool.id));
        self.now < pool.dry_until || (!self.config.faults.is_empty() && self.is(dried))
    }

    /// Whether a launch that EC2 took ends before it runs, and why.
    pub(super) fn draw_doom(&self, slot: u32) -> Option<EndCause> {
        let instance = &self.instances[slot];
        if !self.config.faults.is_empty() {
            let ours = self.config.engine.catalog.region_of(instance.pool);
            let limit = |fault: &FaultKind| matches!(fault, FaultKind::VolumeLimit { region } if *region == ours);
            if self.is(limit) {
                return Some(EndCause::VolumeLimit);
            }
        }
        let chance = self.config.cloud.launch.early_death;
        let dies = chance > 0.0
            && stream(self.draws.lifecycle.purpose("early-death"), instance).random_bool(chance);
        dies.then_some(EndCause::LaunchFailed)
    }

    /// How long a launch is `pending`.
    pub(super) fn pending_time(&self, slot: u32) -> Duration {
        let (cloud, instance) = (&self.config.cloud, &self.instances[slot]);
        match instance.lifecycle.doom {
            None => delay(&cloud.pending_to_running, self.draws.pending, instance),
            Some(_) => {
                let purpose = self.draws.lifecycle.purpose("early-death-after");
                delay(&cloud.launch.early_death_after, purpose, instance)
            }
        }
    }

    /// The launch failed after its id was given.
    pub(super) fn die_early(&mut self, slot: u32, cause: EndCause) {
        let Instance { launch, worker_type, lifecycle, .. } = self.instances[slot];
        self.events += 1;
        let counts = &mut self.type_of(worker_type).launches;
        let (count, code) = match cause {
            EndCause::VolumeLimit => (&mut counts.volume_limit, StatusCode::LimitExceeded),
            _ => (&mut counts.launch_failed, StatusCode::SystemError),
        };
        *count += 1;
        self.leave_service(slot, false, false);
        self.enter_state(slot, InstanceState::Terminated, Some(cause));
        self.close_request(slot, lifecycle.taken.unwrap_or(code));
        self.end(slot, Observation::InstanceEnded { launch, cause });
    }

    /// How long EC2 takes to carry out the order to end this instance.
    pub(super) fn terminate_call(&self, slot: u32) -> Duration {
        let purpose = self.draws.termination.purpose("call");
        delay(&self.config.cloud.terminate_call, purpose, &self.instances[slot])
    }

    /// How long this instance takes to shut down.
    pub(super) fn termination_time(&self, slot: u32) -> Duration {
        let (cloud, instance) = (&self.config.cloud, &self.instances[slot]);
        let dist: &DurationDist = match self.pools[instance.pool.index()].machine {
            Machine::General => &cloud.termination,
            Machine::Gpu => &cloud.termination_gpu,
            Machine::Metal => &cloud.termination_metal,
        };
        delay(dist, self.draws.termination, instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_told_by_their_names() {
        let names =
            ["c5.large", "g4dn.xlarge", "p3.2xlarge", "c5.metal", "g5g.metal", "gr6.4xlarge"];
        let kinds = names.map(Machine::of);
        use Machine::{General, Gpu, Metal};
        assert_eq!(kinds, [General, Gpu, Gpu, Metal, Metal, Gpu]);
    }
}
