//! What the engine is told and what it orders: the part that `live` has too.
//!
//! The engine learns only through observations. Those about instances and prices may take a while
//! to arrive, and then overtake one another.

use provisioner_engine::decision::Action;
use provisioner_engine::journal::Record;
use provisioner_engine::observation::{Call, Observation};
use provisioner_engine::units::Duration;

use super::World;
use super::api::Order;
use super::event::{Event, GENERATIONS, Handle};
use super::instances::Voice;
use crate::config::process::CrashStep;
use crate::config::{Fault, FaultKind};
use crate::dist::DurationDist;

/// Facts on their way to the engine.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    slots: Vec<Observation>,
    free: Vec<u32>,
    /// What was on its way to a process that died does not arrive.
    lives: u32,
}

impl InFlight {
    /// All that is on its way is lost.
    pub(super) fn lose(&mut self) {
        self.lives = (self.lives + 1) % GENERATIONS;
    }
}

impl World<'_> {
    /// The engine takes its turn: it is told the queue's counts, decides, and is obeyed.
    pub(super) fn iterate(&mut self) {
        self.iterations += 1;
        self.events += 1;
        self.tell_faults();
        if self.is_down() {
            self.come_back();
        }
        if self.dies_at(CrashStep::BeforeFacts) {
            return;
        }
        self.read_prices();
        self.read_queues();
        if self.dies_at(CrashStep::AfterFacts) {
            return;
        }
        let decision = self.engine.decide(self.now);
        if self.dies_at(CrashStep::AfterDecision) {
            return;
        }
        decision.limits.iter().for_each(|limit| self.limits.count(*limit));
        assert!(decision.wake_at > self.now, "the engine wants to be woken later");
        self.wake_at = decision.wake_at;
        self.digest.add(self.now, &decision.actions);
        // What a decision causes may be known at once, and stands after it in the journal.
        self.record(|| Record::Decided(decision.clone()));
        self.make_durable(1);
        let last_orders = self.last_orders();
        for (nth, action) in (0..).zip(decision.actions) {
            if last_orders.is_none_or(|orders| nth < orders) {
                self.carry_out(self.engine_ids.to_world(action));
            } else {
                self.leave_undone(self.engine_ids.to_world(action));
            }
        }
        if let Some(orders) = last_orders {
            self.dies_at(CrashStep::AfterOrders(orders));
        }
        self.count_orphans();
        if cfg!(debug_assertions) || self.hooks.check {
            self.audit();
        }
        if let Some(progress) = &mut self.hooks.progress {
            progress(self.now);
        }
    }

    /// Whether something is wrong now.
    pub(super) fn is(&self, wrong: impl Fn(&FaultKind) -> bool) -> bool {
        self.faults().any(wrong)
    }

    /// What is wrong now.
    pub(super) fn faults(&self) -> impl Iterator<Item = &FaultKind> {
        let now = |fault: &&Fault| fault.from <= self.now && self.now < fault.until;
        self.config.faults.iter().filter(now).map(|fault| &fault.what)
    }

    fn carry_out(&mut self, action: Action) {
        self.note_habit(&action);
        match action {
            Action::Launch { launch, count, worker_type, pool, market } => {
                self.call_launch(Order { launch, count, worker_type, pool, market });
            }
            Action::Cancel { launch } => {
                self.calls.cancel += 1;
                if self.call_about(Call::Cancel, launch)
                    && let Some(&slot) = self.launches.get(launch)
                {
                    self.cancel(slot);
                }
            }
            Action::Terminate { launch, unless_claimed } => {
                if unless_claimed && self.spares(launch) {
                    return;
                }
                self.calls.terminate += 1;
                if self.call_about(Call::Terminate, launch)
                    && let Some(slot) = self.launches.get(launch).copied()
                {
                    let after = self.terminate_call(slot);
                    self.then(slot, after, Event::Ends, Self::end_by_order);
                }
            }
            Action::EndStray { instance, unless_claimed } => {
                self.end_stray(instance, unless_claimed);
            }
            Action::ListInstances { region } => self.list(region),
            Action::CheckWorker { launch } => self.check_worker(launch),
            Action::AdviseStop { launch } => {
                if let Some(&slot) = self.launches.get(launch) {
                    self.advise_stop(slot);
                }
            }
        }
    }

    /// A fact about an instance sets out, if it is heard.
    #[inline(always)]
    pub(super) fn tell_in(&mut self, voice: Voice, observation: Observation) {
        match voice {
            Voice::Unheard => {}
            Voice::Heard => self.tell(observation),
            Voice::Twice => {
                self.tell(observation);
                self.tell(observation);
            }
        }
    }

    /// A fact sets out for the engine.
    #[inline(always)]
    pub(super) fn tell(&mut self, observation: Observation) {
        if self.tells_at_once {
            self.observe(observation);
        } else {
            self.tell_later(observation, Duration::ZERO);
        }
    }

    /// A fact sets out for the engine, and takes that much longer than others.
    pub(super) fn tell_later(&mut self, observation: Observation, extra: Duration) {
        for _ in 0..self.copies(&observation) {
            self.send(observation, extra);
        }
    }

    /// Like [`Self::tell_later`], and no event can be lost or doubled.
    pub(super) fn send(&mut self, observation: Observation, extra: Duration) {
        let lag = match &self.config.observation_lag {
            DurationDist::Constant(lag) => *lag,
            varying => varying.sample(&mut self.draws.lag),
        };
        self.tell_after(lag + extra, observation);
    }

    /// A fact reaches the engine after so long, at once if that is no time.
    pub(super) fn tell_after(&mut self, lag: Duration, observation: Observation) {
        if lag == Duration::ZERO {
            self.observe(observation);
            return;
        }
        let flights = &mut self.in_flight;
        let slot = flights.free.pop().unwrap_or_else(|| {
            flights.slots.push(observation);
            u32::try_from(flights.slots.len() - 1).expect("few facts are on their way at once")
        });
        flights.slots[slot as usize] = observation;
        let delivered = Event::Delivered(Handle { slot, generation: flights.lives });
        self.agenda.enter(self.now.saturating_add(lag), delivered.pack());
    }

    /// A fact reaches the engine.
    pub(super) fn deliver(&mut self, Handle { slot, generation }: Handle) {
        self.in_flight.free.push(slot);
        if generation == self.in_flight.lives {
            self.observe(self.in_flight.slots[slot as usize]);
        }
    }

    #[inline(always)]
    pub(super) fn observe(&mut self, mut observation: Observation) {
        if self.is_down() || !self.engine_ids.to_engine(&mut observation) {
            return;
        }
        let at = self.now;
        self.engine.observe(at, observation);
        self.record(|| Record::Observed { at, observation });
    }
}
