//! Launch calls in doubt: throttled, or without an answer.
//!
//! A call that was throttled did nothing; one without an answer may have been carried out. Either
//! way its launches stay requested, so nothing is bought twice, and the same call is made again
//! with the same token. A token is trusted for an hour, and a request is not repeated once it is
//! to be cancelled or its worker type was removed; after that only the listings can tell what
//! became of it.
//!
//! A call whose answer died with the process is repeated once more within that hour, though its own
//! time be over, unless nothing of it is wanted: that tells at once what the listings tell late.
//!
//! Doubts are few: they stand in a map of their own and cost nothing where there are none.
//! Source: EC2 Developer Guide, "Ensuring idempotency"; how long EC2 keeps a token is not
//! published, an hour is our choice.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::decision::{Action, Decision, Reason};
use crate::guards::Unanswered;
use crate::ids::{LaunchId, RegionId};
use crate::ledger::{Launch, Stage};
use crate::observation::Call;
use crate::remap::Remap;
use crate::units::{Duration, Time};

/// A token older than this is not relied upon.
const TOKEN_TRUSTED: Duration = Duration::HOUR;

/// Calls in doubt.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Calls {
    /// By their first launch.
    doubts: BTreeMap<LaunchId, Doubt>,
    /// When the last complete listing of each region began.
    listed: BTreeMap<RegionId, Time>,
}

/// What is not known of one call.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Doubt {
    /// How many instances it asks for.
    count: u32,
    /// How often it was made.
    tries: u32,
    /// How long the last wait before a repetition was.
    wait: Duration,
    /// When it is repeated; `None` while it is under way.
    repeat_at: Option<Time>,
    /// When it last turned out to be without an answer; `None` if it was only throttled.
    unanswered: Option<Time>,
    /// The process died over it, and it has not been repeated to an end since.
    is_cut_off: bool,
}

/// Why it is not known what became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// EC2 took no notice of it.
    Throttled,
    /// It got no answer.
    Unanswered,
    /// The process died before it heard of an answer.
    Died,
}

impl Calls {
    /// Goes over to another configuration.
    pub(super) fn configure(&mut self, remap: &Remap) {
        let moved = |(old, at): (RegionId, Time)| (remap.regions[old.index()], at);
        self.listed = mem::take(&mut self.listed).into_iter().map(moved).collect();
    }

    /// All instances of a region were listed.
    pub(super) fn listed(&mut self, region: RegionId, as_of: Time) {
        let last = self.listed.entry(region).or_insert(as_of);
        *last = as_of.max(*last);
    }

    /// The repetition of a call was rejected: if an earlier one had no answer, its token may have
    /// been used up by that, and it is not repeated again. Says whether that is so.
    pub(super) fn is_token_used(&mut self, call: LaunchId) -> bool {
        let doubt = self.doubts.get_mut(&call).filter(|doubt| doubt.unanswered.is_some());
        doubt.map(|doubt| (doubt.repeat_at, doubt.is_cut_off) = (Some(Time::MAX), false)).is_some()
    }
}

impl Engine {
    /// A call was throttled. Nothing is bought anew for it, and nothing is given up.
    pub(super) fn throttled(&mut self, region: RegionId, call: Call, launch: Option<LaunchId>) {
        self.budget.throttled(self.now, region, call);
        match (call, launch) {
            (Call::Launch, Some(launch)) => self.doubt(launch, Cause::Throttled),
            (Call::Terminate | Call::Cancel, Some(id)) => {
                // Giving up is ordered again as soon as it can be, if it still stands.
                self.ends.fail(id);
                let launch = self.ledger.get(id).copied();
                let overdue = |launch: &Launch| {
                    self.deadline(launch) <= self.now && launch.deadline > self.now
                };
                if launch.is_some_and(|launch| overdue(&launch)) {
                    self.put_off(id, self.now);
                }
            }
            (Call::List, _) | (_, None) => {}
        }
    }

    /// It is not known what became of a call.
    pub(super) fn doubt(&mut self, launch: LaunchId, cause: Cause) {
        let call = self.ledger.get(launch).map_or(launch, |known| known.call);
        let most = self.config.limits.launches_per_call_max;
        let Some(&(known, _)) = self.of_call(call, most).first() else { return };
        let count = self.ledger.get(known).map_or(most, |known| known.call_count);
        if self.config.guards.unanswered == Unanswered::Forgotten {
            self.requested_of(call, count).into_iter().for_each(|id| self.withdraw(id));
            return;
        }
        let rule = self.config.guards.api.unwrap_or_default();
        let first = Doubt {
            count,
            tries: 0,
            wait: Duration::ZERO,
            repeat_at: None,
            unanswered: None,
            is_cut_off: false,
        };
        let doubt = self.calls.doubts.entry(call).or_insert(first);
        if cause == Cause::Died && doubt.repeat_at.is_some() {
            // It was not under way: nothing was cut off, and it is repeated when it would have been.
            return;
        }
        doubt.tries += 1;
        let longer = match cause {
            Cause::Throttled | Cause::Unanswered => doubt.wait.doubled(),
            // That says nothing about EC2.
            Cause::Died => doubt.wait,
        };
        doubt.wait = longer.max(rule.backoff_min).min(rule.backoff_max);
        doubt.repeat_at = Some(self.now.saturating_add(doubt.wait));
        (doubt.unanswered, doubt.is_cut_off) = match cause {
            Cause::Throttled => (doubt.unanswered, doubt.is_cut_off),
            Cause::Unanswered => (Some(self.now), false),
            Cause::Died => (Some(self.now), true),
        };
    }

    /// Repeats calls in doubt that are due, and closes what never was.
    pub(super) fn settle_calls(&mut self, decision: &mut Decision) {
        for (call, doubt) in mem::take(&mut self.calls.doubts) {
            if let Some(doubt) = self.settle(call, doubt, decision) {
                self.calls.doubts.insert(call, doubt);
            }
        }
    }

    /// What remains of a doubt.
    fn settle(
        &mut self,
        call: LaunchId,
        mut doubt: Doubt,
        decision: &mut Decision,
    ) -> Option<Doubt> {
        let open = self.requested_of(call, doubt.count);
        let Launch { worker_type, pool, market, requested, capacity, .. } =
            *self.ledger.get(*open.first()?)?;
        let Some(at) = doubt.repeat_at else { return Some(doubt) };
        let region = self.config.catalog.region_of(pool);
        let timeout = self.config.worker_types[worker_type.index()].request_timeout;
        let is_served = worker_type.index() < self.served;
        let units = u32::try_from(open.len()).unwrap_or(u32::MAX).saturating_mul(capacity);
        let is_wanted =
            || self.surplus(worker_type).is_none_or(|(wanted, live)| live < wanted + units);
        let repeated_for = match doubt.is_cut_off && is_wanted() {
            true => TOKEN_TRUSTED,
            false => timeout.min(TOKEN_TRUSTED),
        };
        if is_served && self.now < requested.saturating_add(repeated_for) {
            let Doubt { count, tries, .. } = doubt;
            if at > self.now {
                decision.wake_at = decision.wake_at.min(at.max(self.now + Duration::SECOND));
            } else if self.budget.launch(self.now, region, count, count) == 0 {
                self.tell_spent(Some(worker_type), region, Call::Launch, count, decision);
            } else {
                doubt.repeat_at = None;
                let order = Action::Launch { launch: call, count, worker_type, pool, market };
                decision.actions.push(order);
                self.because(decision, Reason::CallRepeated { launch: call, tries });
            }
            return Some(doubt);
        }
        let is_over = match (doubt.unanswered, self.config.guards.listing) {
            (Some(since), Some(rule)) => {
                let listed = self.calls.listed.get(&region);
                listed.is_some_and(|as_of| *as_of > since.saturating_add(rule.unlisted_after))
            }
            // Nobody looks for it, or it was only throttled.
            (Some(_), None) | (None, _) => true,
        };
        if !is_over {
            return Some(doubt);
        }
        for launch in open {
            self.withdraw(launch);
            self.because(
                decision,
                match doubt.unanswered {
                    Some(_) => Reason::NeverWas { launch },
                    None => Reason::RequestTimedOut { launch, requested },
                },
            );
        }
        None
    }

    /// The launches of a call of that many that have neither been given an instance nor closed.
    fn requested_of(&self, call: LaunchId, count: u32) -> Vec<LaunchId> {
        let requested = |(id, stage)| (stage == Stage::Requested).then_some(id);
        self.of_call(call, count).into_iter().filter_map(requested).collect()
    }

    /// The launches of a call of at most that many that are not closed.
    fn of_call(&self, call: LaunchId, count: u32) -> Vec<(LaunchId, Stage)> {
        let end = call.0.saturating_add(count.into()).min(self.ledger.next_id().0);
        let ids = (call.0..end).map(LaunchId);
        let known = ids.filter_map(|id| Some((id, self.ledger.get(id)?)));
        known.filter(|(_, it)| it.call == call).map(|(id, it)| (id, it.stage)).collect()
    }
}
