//! Folding facts in: what each changes, and who is to be looked at because of it.

use super::Engine;
use super::demand::Counts;
use crate::decision::{Market, Reason};
use crate::ids::{LaunchId, WorkerTypeId};
use crate::ledger::{Launch, Stage};
use crate::observation::{EndCause, Refusal};
use crate::units::Time;

impl Engine {
    pub(super) fn count(&mut self, worker_type: WorkerTypeId, counts: Counts) {
        if self.demands.count(worker_type, counts) {
            self.changed.mark(worker_type);
        }
    }

    pub(super) fn forget_count(&mut self, worker_type: WorkerTypeId) {
        self.demands.forget(worker_type);
        self.changed.mark(worker_type);
    }

    pub(super) fn read_queues(&mut self, as_of: Time) {
        if self.demands.read(as_of, self.now) {
            self.changed.mark_all();
        }
    }

    pub(super) fn reach(&mut self, id: LaunchId, stage: Stage) {
        self.move_on(id, stage);
    }

    pub(super) fn lose(&mut self, id: LaunchId, cause: EndCause) {
        let moved = self.move_on(id, Stage::Stopping);
        if let Some(launch) = moved
            && launch.market != Market::OnDemand
            && cause == EndCause::Interruption
        {
            self.history.killed(launch.pool, self.now);
        }
    }

    pub(super) fn end(&mut self, id: LaunchId, cause: EndCause) {
        self.lose(id, cause);
        if let Some(launch) = self.ledger.close(id) {
            self.changed.mark(launch.worker_type);
        }
    }

    pub(super) fn refuse(&mut self, id: LaunchId, refusal: Refusal) {
        if self.ledger.get(id).is_none_or(|launch| launch.stage != Stage::Requested) {
            return;
        }
        let Some(Launch { worker_type, candidate, .. }) = self.ledger.close(id) else { return };
        match refusal {
            Refusal::InsufficientCapacity | Refusal::MaxPriceTooLow => {
                self.states[worker_type.index()].errors.note(self.now, candidate);
            }
            Refusal::Cancelled => {}
        }
        self.changed.mark(worker_type);
    }

    /// Moves a launch on to a later stage; `None` if that is no news.
    fn move_on(&mut self, id: LaunchId, stage: Stage) -> Option<Launch> {
        let (left, launch) = self.ledger.advance(id, stage, self.now)?;
        if left == Stage::Requested && launch.market != Market::OnDemand {
            self.history.spawned(launch.pool, self.now);
        }
        let (due, _) = self.deadline(id, &launch);
        // A deadline that is past was acted on; what follows stays as it was set then.
        if self.now <= due && due != launch.deadline {
            self.put_off(id, due);
        }
        self.changed.mark(launch.worker_type);
        Some(launch)
    }

    /// When a launch is given up, and why, unless it moves on before.
    pub(super) fn deadline(&self, id: LaunchId, launch: &Launch) -> (Time, Reason) {
        let worker_type = &self.config.worker_types[launch.worker_type.index()];
        let Launch { requested, .. } = *launch;
        let Some(accepted) = launch.accepted else {
            let due = requested.saturating_add(worker_type.request_timeout);
            return (due, Reason::RequestTimedOut { launch: id, requested });
        };
        match worker_type.registration_timeout {
            Some(timeout)
                if launch.stage < Stage::Working && timeout < worker_type.lifetime_max =>
            {
                let due = accepted.saturating_add(timeout);
                (due, Reason::RegistrationTimedOut { launch: id, accepted })
            }
            _ => {
                let due = accepted.saturating_add(worker_type.lifetime_max);
                (due, Reason::LifetimeReached { launch: id, accepted })
            }
        }
    }

    /// Sets a launch's only deadline.
    pub(super) fn put_off(&mut self, id: LaunchId, due: Time) {
        if self.ledger.set_deadline(id, due) {
            self.looks.enter(due, id);
        }
    }
}
