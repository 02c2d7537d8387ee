//! Folding facts in: what each changes, and who is to be looked at because of it.

use super::Engine;
use super::demand::{Counts, News};
use super::shortage::is_refused_for_shortage;
use crate::decision::{Market, Reason};
use crate::gates::{Event, Site};
use crate::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use crate::ledger::{Launch, NO_CANDIDATE, Stage};
use crate::observation::{EndCause, Refusal};
use crate::scaling::{Need, Scaling};
use crate::units::{Duration, Time, UsdPerHour};
use crate::worker_type::{EngineConfig, WorkerType};

impl Engine {
    pub(super) fn count(&mut self, worker_type: WorkerTypeId, counts: Counts) {
        match self.demands.count(worker_type, counts) {
            News::None => {}
            // Who explains says so at each count.
            News::Enough if !self.explains => {
                debug_assert!(
                    self.changed.has(worker_type) || self.wants_nothing(worker_type, counts),
                    "{counts:?} take a look"
                );
            }
            News::Enough | News::Look => self.changed.mark(worker_type),
        }
    }

    /// Whether nothing would be added for these counts, whatever the floor is now.
    fn wants_nothing(&self, worker_type: WorkerTypeId, counts: Counts) -> bool {
        let Counts { pending, claimed, .. } = counts;
        let WorkerType { scaling, capacity_max, .. } =
            &self.config.worker_types[worker_type.index()];
        let supply = self.ledger.supply(worker_type);
        let need = Need { pending, claimed, supply, capacity_min: 0, capacity_max: *capacity_max };
        scaling.change(&need) <= 0
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

    pub(super) fn change_price(&mut self, pool: PoolId, price: UsdPerHour, since: Time) {
        let absurd = self.config.guards.price_ratio_max.is_some_and(|ratio| {
            let on_demand = self.config.catalog.on_demand_price(pool, self.now);
            let most = on_demand.map(|on_demand| on_demand.times_rounded_up(ratio));
            price <= UsdPerHour::ZERO || most.is_some_and(|most| price > most)
        });
        if absurd {
            self.prices.doubt(pool, price, since);
        } else {
            self.prices.change(pool, price, since);
        }
    }

    pub(super) fn give(&mut self, id: LaunchId, instance: InstanceId) {
        let is_listed = self.ledger.set_instance(id, instance)
            && self.config.guards.listing.is_some()
            && self.listings.own(instance, id);
        self.move_on(id, Stage::Pending);
        if is_listed {
            self.listings.see(id);
        }
    }

    pub(super) fn reach(&mut self, id: LaunchId, stage: Stage) {
        if self.move_on(id, stage).is_some() && stage == Stage::Working {
            self.note(id, Event::Registered);
        }
    }

    pub(super) fn lose(&mut self, id: LaunchId, cause: EndCause) {
        let Some(left) = self.move_on(id, Stage::Stopping) else { return };
        let Some(launch) = self.ledger.get(id) else { return };
        let registered = left == Stage::Working;
        let event = if cause == EndCause::Interruption {
            if launch.market != Market::OnDemand {
                self.history.killed(launch.pool, self.now);
            }
            Event::Lost { registered }
        } else if !registered {
            let by_us = cause == EndCause::Provisioner && !self.is_overdue(launch);
            // Of one that was never heard of, its worker may have registered unheard.
            let unheard = cause == EndCause::Worker && left == Stage::Requested;
            if by_us || unheard { Event::Abandoned } else { Event::BootFailed(cause) }
        } else if self.never_worked(id, launch, cause) {
            Event::NeverWorked
        } else {
            return;
        };
        self.note(id, event);
    }

    /// Whether a registered worker that ended never claimed a task although it could have: ended by
    /// us, the queue knows of no claim; ended by itself, tasks waited at every count of its life,
    /// and either no count knows of a claimed task, or the queue knew of no claim by it at a time
    /// from which on it must have been idle. Who was told to stop, or idled because nothing was
    /// left to do, says nothing.
    fn never_worked(&self, id: LaunchId, launch: &Launch, cause: EndCause) -> bool {
        let Launch { worker_type, signs, .. } = *launch;
        match (cause, signs.unclaimed_since()) {
            (EndCause::Provisioner, _) => signs.never_worked(),
            // Without zombies' looks nobody would ever hear that one of them claims again.
            (EndCause::Worker, Some(since)) if self.config.guards.zombies.is_some() => {
                let idle_since =
                    self.now - self.config.worker_types[worker_type.index()].idle_timeout;
                self.demands.waited_since(worker_type, since, self.now)
                    && !self.advice.was_told(id)
                    && (self.demands.unclaimed_since(worker_type, since)
                        || signs.never_worked_as_of(idle_since))
            }
            _ => false,
        }
    }

    /// Whether workers like that one register and never claim, as far as is known.
    pub(super) fn is_hollow(&self, launch: &Launch) -> bool {
        let Launch { worker_type, candidate, market, .. } = *launch;
        candidate != NO_CANDIDATE
            && self.gates.is_hollow(&self.site(worker_type, candidate, market))
    }

    pub(super) fn recommend(&mut self, id: LaunchId) {
        if let Some(&Launch { pool, market, .. }) = self.ledger.get(id)
            && market != Market::OnDemand
        {
            self.gates.recommend(self.now, pool, id);
        }
    }

    pub(super) fn end(&mut self, id: LaunchId, cause: EndCause) {
        self.lose(id, cause);
        if let Some(launch) = self.ledger.close(id, self.now) {
            self.changed.mark(launch.worker_type);
            if self.config.guards.listing.is_some() {
                let ended = (cause != EndCause::Vanished).then_some(self.now);
                self.listings.close(id, &launch, ended);
            }
        }
    }

    pub(super) fn refuse(&mut self, id: LaunchId, refusal: Refusal) {
        let Some(Launch { stage: Stage::Requested, call, .. }) = self.ledger.get(id) else {
            return;
        };
        if refusal == Refusal::Rejected && self.calls.is_token_used(*call) {
            return; // the token was good for something: look for it
        }
        if refusal == Refusal::Cancelled {
            self.withdraw(id);
            return;
        }
        let Some(launch) = self.ledger.close(id, self.now) else { return };
        let Launch { worker_type, candidate, .. } = launch;
        if launch.market != Market::OnDemand && is_refused_for_shortage(refusal) {
            self.fall_short(worker_type);
        }
        if candidate != NO_CANDIDATE {
            self.states[worker_type.index()].errors.note(self.now, candidate);
        }
        self.note_of(&launch, Event::Refused(refusal));
        self.changed.mark(worker_type);
    }

    /// Forgets a launch that got no instance and says nothing about its pool.
    pub(super) fn withdraw(&mut self, id: LaunchId) {
        if let Some(launch) = self.ledger.close(id, self.now) {
            self.note_of(&launch, Event::Withdrawn);
            self.changed.mark(launch.worker_type);
        }
    }

    /// Tells the gates what became of a launch that is not closed.
    #[inline]
    pub(super) fn note(&mut self, id: LaunchId, event: Event) {
        if !self.gates.are_off()
            && let Some(launch) = self.ledger.get(id).copied()
        {
            self.tell_gates(&launch, event);
        }
    }

    /// Tells the gates what became of a launch.
    #[inline]
    pub(super) fn note_of(&mut self, launch: &Launch, event: Event) {
        if !self.gates.are_off() {
            self.tell_gates(launch, event);
        }
    }

    /// Apart, so that it costs no call where no gate can close.
    #[inline(never)]
    fn tell_gates(&mut self, launch: &Launch, event: Event) {
        let Launch { worker_type, candidate, market, requested, .. } = *launch;
        if candidate == NO_CANDIDATE {
            return;
        }
        let site = self.site(worker_type, candidate, market);
        self.gates.note(self.now, &site, requested, event);
    }

    /// Where a launch of that candidate in that market goes.
    pub(super) fn site(&self, worker_type: WorkerTypeId, candidate: u32, market: Market) -> Site {
        let EngineConfig { catalog, worker_types, .. } = &self.config;
        Site::new(catalog, worker_type, &worker_types[worker_type.index()], candidate, market)
    }

    /// Moves a launch on to a later stage; gives the stage it left, or `None` if that is no news.
    fn move_on(&mut self, id: LaunchId, stage: Stage) -> Option<Stage> {
        let left = self.ledger.advance(id, stage, self.now)?;
        let launch = self.ledger.get(id)?;
        let due = self.due(launch);
        let Launch { worker_type, pool, market, deadline, .. } = *launch;
        if left == Stage::Requested {
            if market != Market::OnDemand {
                self.history.spawned(pool, self.now);
                self.shortages.end(worker_type);
            }
            self.note(id, Event::Accepted);
            if self.config.guards.listing.is_some() {
                self.listings.accept(id, self.now);
            }
        }
        // A deadline that is past was acted on; what follows stays as it was set then.
        if self.now <= due && due != deadline {
            self.put_off(id, due);
        }
        self.changed.mark(worker_type);
        Some(left)
    }

    /// When a launch is given up, unless it moves on before.
    pub(super) fn deadline(&self, launch: &Launch) -> Time {
        let worker_type = &self.config.worker_types[launch.worker_type.index()];
        match launch.accepted {
            None => launch.requested.saturating_add(worker_type.request_timeout),
            Some(accepted) => {
                let timeout = self.registration_timeout(launch);
                accepted.saturating_add(timeout.unwrap_or(worker_type.lifetime_max))
            }
        }
    }

    /// Why it is.
    pub(super) fn overdue(&self, id: LaunchId, launch: &Launch) -> Reason {
        let Launch { requested, accepted, .. } = *launch;
        let Some(accepted) = accepted else {
            return Reason::RequestTimedOut { launch: id, requested };
        };
        match self.registration_timeout(launch) {
            Some(_) => Reason::RegistrationTimedOut { launch: id, accepted },
            None => Reason::LifetimeReached { launch: id, accepted },
        }
    }

    /// How long its worker may take to register, if that is not over and comes before its longest
    /// life.
    fn registration_timeout(&self, launch: &Launch) -> Option<Duration> {
        if launch.stage >= Stage::Working {
            return None;
        }
        let lifetime_max = self.config.worker_types[launch.worker_type.index()].lifetime_max;
        self.boot_max(launch.worker_type).filter(|timeout| *timeout < lifetime_max)
    }

    /// How long a worker may take to register, if there is a limit.
    pub(super) fn boot_max(&self, worker_type: WorkerTypeId) -> Option<Duration> {
        let own = self.config.worker_types[worker_type.index()].registration_timeout;
        match self.config.guards.breaker {
            Some(rule) => Some(own.map_or(rule.boot_max, |own| own.min(rule.boot_max))),
            None => own,
        }
    }

    /// Whether its worker should have registered long ago.
    fn is_overdue(&self, launch: &Launch) -> bool {
        let accepted = launch.accepted.unwrap_or(self.now);
        self.boot_max(launch.worker_type).is_some_and(|limit| limit <= self.now.since(accepted))
    }

    /// Sets when a launch is next looked at.
    pub(super) fn put_off(&mut self, id: LaunchId, due: Time) {
        if self.ledger.set_deadline(id, due) {
            self.looks.enter(due, id);
        }
    }
}
