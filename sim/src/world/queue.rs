//! What the queue says: its counts, late, wrong or not at all, and what a worker holds.
//!
//! While it tells the truth, only counts that changed are told. While it does not, each worker
//! type is read at each iteration, and is read again once it does. Who registers while it is down is
//! told when it is up again.

use std::collections::VecDeque;

use provisioner_engine::ids::{LaunchId, WorkerTypeId};
use provisioner_engine::observation::Observation;
use provisioner_engine::random::Stream;
use provisioner_engine::units::Time;
use rand::RngExt;

use super::World;
use super::instances::{Health, Instance, NEVER, Stage};
use super::tasks::Queue;
use crate::config::FaultKind;

/// What is kept of one worker type for telling its counts.
#[derive(Debug)]
pub(super) struct Told {
    /// What failures and errors are drawn from.
    random: Stream,
    /// The counts before each change, oldest first, as far back as they may still be told.
    past: VecDeque<Past>,
}

/// Pending and claimed tasks until a change.
#[derive(Clone, Copy, Debug)]
struct Past {
    until: Time,
    counts: (u32, u32),
}

impl Told {
    pub(super) const fn new(random: Stream) -> Self {
        Self { random, past: VecDeque::new() }
    }

    /// The counts are about to change.
    pub(super) fn remember(&mut self, now: Time, queue: &Queue) {
        if self.past.back().is_none_or(|last| last.until < now) {
            let counts = (queue.pending, queue.claimed);
            self.past.push_back(Past { until: now, counts });
        }
    }

    /// The counts as they were then.
    fn recall(&mut self, then: Time, queue: &Queue) -> (u32, u32) {
        while self.past.front().is_some_and(|past| past.until <= then) {
            self.past.pop_front();
        }
        self.past.front().map_or((queue.pending, queue.claimed), |past| past.counts)
    }
}

impl World<'_> {
    /// The engine is told of the queues' counts, as far as they answer.
    pub(super) fn read_queues(&mut self) {
        if self.is(|fault| matches!(fault, FaultKind::QueueDown)) {
            return;
        }
        let says = self.faults().find_map(|fault| match fault {
            FaultKind::QueueSays { pending, claimed } => Some((*pending, *claimed)),
            _ => None,
        });
        if says.is_some() || self.config.queue.is_imprecise() {
            for worker_type in (0..self.types.len()).map(WorkerTypeId::new) {
                self.touch(worker_type);
                self.tell_counts(worker_type, says);
            }
        } else {
            let mut changed = std::mem::take(&mut self.changed);
            for worker_type in changed.drain(..) {
                let as_of = self.now;
                let state = &mut self.types[worker_type.index()];
                state.queue.changed = false;
                let (pending, claimed) = (state.queue.pending, state.queue.claimed);
                self.demand_is(worker_type, pending.saturating_add(claimed));
                self.observe(Observation::DemandCounted { worker_type, pending, claimed, as_of });
            }
            self.changed = changed;
        }
        self.observe(Observation::QueuesRead { as_of: self.now });
    }

    /// The engine is told what the queue says of one worker type, true or not.
    fn tell_counts(&mut self, worker_type: WorkerTypeId, says: Option<(u32, u32)>) {
        let model = &self.config.queue;
        let queue = &self.types[worker_type.index()].queue;
        let told = &mut self.told[worker_type.index()];
        if model.count_failure > 0.0 && told.random.random_bool(model.count_failure) {
            self.observe(Observation::DemandUnknown { worker_type });
            return;
        }
        let then = self.now - model.count_lag;
        let (mut pending, mut claimed) = says.unwrap_or_else(|| told.recall(then, queue));
        if model.count_error > 0.0 && says.is_none() {
            for count in [&mut pending, &mut claimed] {
                let error = told.random.random_range(-model.count_error..=model.count_error);
                *count = scaled(*count, 1.0 + error);
            }
        }
        self.demand_is(worker_type, pending.saturating_add(claimed));
        let as_of = self.now;
        self.observe(Observation::DemandCounted { worker_type, pending, claimed, as_of });
    }

    /// A worker registered: the queue tells so, if it answers.
    pub(super) fn tell_registered(&mut self, launch: LaunchId) {
        if self.is(|fault| matches!(fault, FaultKind::QueueDown)) {
            self.registered_unheard.push(launch);
        } else {
            self.tell(Observation::WorkerRegistered { launch });
        }
    }

    /// The queue answers again: who registered meanwhile is told.
    pub(super) fn queue_returns(&mut self) {
        for launch in std::mem::take(&mut self.registered_unheard) {
            let slot = self.launches.get(launch).copied();
            if slot.is_some_and(|slot| self.instances[slot].stage == Stage::Working) {
                self.tell_registered(launch);
            }
        }
    }

    /// The queue is asked what a worker holds, and answers after a while, if it answers at all.
    pub(super) fn check_worker(&mut self, launch: LaunchId) {
        if let Some(answer) = self.worker_checked(launch) {
            let delay = self.config.queue.check_answer.sample(&mut self.draws.check);
            self.tell_after(delay, answer);
        }
    }

    /// Whether an instance that is to be ended unless its worker holds a task is left alone: it
    /// does, or the queue does not say.
    pub(super) fn spares(&mut self, launch: LaunchId) -> bool {
        let Some(&slot) = self.launches.get(launch) else { return false };
        let answer = self.worker_checked(launch);
        if let Some(Observation::WorkerChecked { claimed: 0, .. }) = answer {
            return false;
        }
        let worker_type = self.instances[slot].worker_type;
        self.type_of(worker_type).safety.spared += 1;
        answer.into_iter().for_each(|answer| self.observe(answer));
        true
    }

    /// Whether a worker holds a task, or the queue does not say.
    pub(super) fn may_hold_a_task(&self, launch: LaunchId) -> bool {
        !matches!(self.worker_checked(launch), Some(Observation::WorkerChecked { claimed: 0, .. }))
    }

    /// What the queue says of a worker: a claim is held until it is given back or expires.
    fn worker_checked(&self, launch: LaunchId) -> Option<Observation> {
        if self.is(|fault| matches!(fault, FaultKind::QueueDown)) {
            return None;
        }
        let &slot = self.launches.get(launch)?;
        let Instance { health, ill_since, held_then, last_claim, .. } = self.instances[slot];
        let expires = ill_since.saturating_add(self.config.queue.claim_expiry);
        let expiring = health == Health::Hung && self.now < expires;
        let says = self.faults().find_map(|fault| match fault {
            FaultKind::QueueSaysOfWorkers { claimed } => Some(*claimed),
            _ => None,
        });
        let claimed = says.unwrap_or(if expiring { held_then } else { self.held(slot) });
        Some(Observation::WorkerChecked {
            launch,
            claimed,
            last_claim: (last_claim != NEVER).then_some(last_claim),
            as_of: self.now,
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates at both ends"
)]
fn scaled(count: u32, factor: f64) -> u32 {
    (f64::from(count) * factor).round() as u32
}

#[cfg(test)]
mod tests {
    use provisioner_engine::random::Seed;

    use super::*;

    #[test]
    fn counts_are_recalled_as_they_were_until_they_changed() {
        let mut told = Told::new(Seed(1).stream());
        let mut queue = Queue::new();
        for (at, pending) in [(10, 1), (20, 5), (20, 6), (30, 2)] {
            told.remember(Time::from_ms(at), &queue);
            queue.pending = pending;
        }
        let then = [9, 10, 19, 20, 29, 30, 99];
        let recalled = then.map(|ms| told.recall(Time::from_ms(ms), &queue).0);
        assert_eq!(recalled, [0, 1, 1, 6, 6, 2, 2]);
    }
}
