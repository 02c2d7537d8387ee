//! Workers that stopped claiming: when they are looked at, and when that is enough to end them.
//!
//! A healthy worker that holds nothing stops itself after its idle timeout. One that holds nothing
//! for a patience longer is not coming back: it hangs, its image never asks for work, or it
//! ignores its timeout. That it held nothing is known from its registration until its first claim,
//! and between two answers of the queue without a claim; what is not known counts as work.
//!
//! Nothing is ended on what the queue said a while ago: it is asked again first, and no answer is
//! no evidence. The driver asks once more just before the act.
//!
//! Not here: workers that never registered, which are given up in time, and the longest life,
//! which ends even a worker that holds tasks.

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::decision::Reason;
use crate::gates::Event;
use crate::guards::ZombieRule;
use crate::ids::LaunchId;
use crate::ledger::{Launch, Stage};
use crate::units::{Duration, Time};

/// Signs of life of one worker, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signs {
    /// From here to `checked` it held nothing; `None` if it is not known to.
    empty_since: Option<Time>,
    /// What the queue last said is of then.
    checked: Option<Time>,
    /// It claimed a task, ever.
    claimed: bool,
}

impl Signs {
    /// The worker registered: it holds nothing yet.
    pub(crate) fn register(&mut self, now: Time) {
        self.empty_since = Some(now);
    }

    /// The queue said that it holds so many tasks, and when it last claimed one.
    fn check(&mut self, claimed: u32, last_claim: Option<Time>, as_of: Time) {
        let is_news = last_claim.is_some() && (!self.claimed || last_claim >= self.empty_since);
        self.claimed |= claimed > 0 || last_claim.is_some();
        let is_late = self.checked > Some(as_of);
        self.checked = self.checked.max(Some(as_of));
        if is_news {
            self.empty_since = None; // what it claimed may have kept it busy until now
        }
        if claimed > 0 {
            self.empty_since = self.empty_since.filter(|since| *since > as_of);
        } else if !is_late && self.empty_since.is_none() {
            self.empty_since = Some(as_of);
        }
    }

    /// From when to when it is known to have held nothing.
    pub(super) fn known_empty(&self) -> Option<(Time, Time)> {
        self.empty_since.zip(self.checked)
    }

    /// Orders workers by how long they may have been silent: first those known to hold nothing, the
    /// longest first, then those not heard of for longest.
    pub(super) fn silence(&self) -> impl Ord + use<> {
        (self.empty_since.is_none(), self.empty_since.or(self.checked))
    }

    /// Since when it is registered, if no claim by it is known.
    pub(super) fn unclaimed_since(&self) -> Option<Time> {
        self.empty_since.filter(|_| !self.claimed)
    }

    /// Whether the queue said, since then, that it never claimed.
    pub(super) fn never_worked_as_of(&self, since: Time) -> bool {
        self.never_worked() && self.checked >= Some(since)
    }

    /// Whether the queue was asked and knows of no claim by it.
    pub(crate) fn never_worked(&self) -> bool {
        self.checked.is_some() && !self.claimed
    }
}

/// What is next to be done about a launch, unless it moves on before.
#[derive(Clone, Copy, Debug)]
pub(super) enum Duty {
    /// Nothing until then.
    Wait(Time),
    /// The queue is to be asked what its worker holds.
    Check,
    /// It is given up.
    GiveUp(Reason),
}

impl Engine {
    /// The queue said that a worker holds so many tasks, and when it last claimed one.
    pub(super) fn check(
        &mut self,
        id: LaunchId,
        claimed: u32,
        last_claim: Option<Time>,
        as_of: Time,
    ) {
        if claimed > 0 || last_claim.is_some() {
            self.reach(id, Stage::Working); // else it could not have claimed
        }
        let Some(signs) = self.ledger.signs(id) else { return };
        let is_first = !signs.claimed;
        signs.check(claimed, last_claim, as_of);
        let is_first = is_first && signs.claimed;
        if is_first {
            self.note(id, Event::Worked);
        }
        let Some(launch) = self.ledger.get(id).copied() else { return };
        self.judge_suspect(id, &launch);
        let last = self.deadline(&launch);
        if let Some(due) = self.look_due(&launch)
            && self.now < last
        {
            self.put_off(id, due.clamp(self.now, last));
        }
    }

    /// When something is next to be done about a launch.
    pub(super) fn due(&self, launch: &Launch) -> Time {
        let last = self.deadline(launch);
        let look = self.look_due(launch).filter(|due| *due < last && self.now < last);
        look.unwrap_or(last)
    }

    /// What that is.
    pub(super) fn duty(&self, id: LaunchId, launch: &Launch) -> Duty {
        let (due, last) = (self.due(launch), self.deadline(launch));
        if last <= self.now || self.is_to_be_killed(launch) {
            Duty::GiveUp(self.overdue(id, launch))
        } else if due <= self.now {
            self.look(id, launch, due)
        } else {
            Duty::Wait(due) // what was to be asked is not, by what is known since
        }
    }

    /// When a worker is due for a look, as far as is known of it now.
    fn look_due(&self, launch: &Launch) -> Option<Time> {
        let ZombieRule { patience, suspected_after, .. } = self.config.guards.zombies?;
        if launch.stage != Stage::Working {
            return None;
        }
        let Signs { empty_since, checked, claimed } = launch.signs;
        let idle_timeout = self.config.worker_types[launch.worker_type.index()].idle_timeout;
        let known = empty_since.or(checked)?;
        if checked.is_none() && !claimed && self.is_hollow(launch) {
            // Where workers come up and never claim, it is asked before it could stop itself.
            let half = Duration::from_ms(idle_timeout.ms() / 2);
            let soon = suspected_after.map_or(half, |after| after.min(half));
            return Some(known.saturating_add(soon));
        }
        Some(known.saturating_add(idle_timeout).saturating_add(patience))
    }

    /// What follows from what is known of a worker that is due for a look then.
    fn look(&self, id: LaunchId, launch: &Launch, due: Time) -> Duty {
        let evidence_max = self.config.guards.zombies.map(|rule| rule.evidence_max);
        // What is answered to one decision is fresh at the next, however far apart they are.
        let fresh = evidence_max.max(Some(self.config.limits.iteration_interval));
        match (launch.signs.empty_since, launch.signs.checked) {
            (Some(since), Some(checked))
                if due <= checked && Some(self.now.since(checked)) <= fresh =>
            {
                Duty::GiveUp(Reason::Zombie { launch: id, since })
            }
            _ => Duty::Check,
        }
    }
}
