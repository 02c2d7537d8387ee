//! What the queues last said, and whether it may still be acted on.
//!
//! Unknown is never zero: counts that are absent or too old give a reason instead of a number.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::decision::Reason;
use crate::ids::WorkerTypeId;
use crate::remap::Remap;
use crate::scaling::Enough;
use crate::units::{Duration, Time};

/// The last counts of every worker type's queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Demands {
    /// How old counts may be.
    limit: Duration,
    /// When the queues were last read as a whole.
    read: Option<Time>,
    /// That the last reading is too old was told.
    lapse_told: bool,
    of: Vec<Demand>,
}

/// What is known of one worker type's queue. A thousand of them are read at each iteration, so it
/// fills one cache line and each has its own.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[repr(align(64))]
struct Demand {
    /// The last counts.
    counts: Option<Counts>,
    run: Run,
    /// Counts that need no look, as long as nothing but counts changed since the last one.
    enough: Option<Enough>,
}

const _: () = assert!(size_of::<Demand>() == 64);

/// What every count of a worker type said, since when; [`Time::MAX`] if the last one does not, or
/// counts were missing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Run {
    /// Tasks wait.
    waiting: Time,
    /// No task is held by a worker.
    unclaimed: Time,
}

impl Default for Run {
    fn default() -> Self {
        Self { waiting: Time::MAX, unclaimed: Time::MAX }
    }
}

/// What counts change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// They are late.
    None,
    /// Supply is enough for them, as it was for those before.
    Enough,
    /// The worker type is to be looked at.
    Look,
}

/// What a queue said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Tasks waiting.
    pub(super) pending: u32,
    /// Tasks held by workers.
    pub(super) claimed: u32,
    /// When they were counted.
    pub(super) as_of: Time,
}

impl Demands {
    /// Of that many worker types, about which nothing is known.
    pub(super) fn new(worker_types: usize, limit: Duration) -> Self {
        let of = alloc::vec![Demand::default(); worker_types];
        Self { limit, read: None, lapse_told: false, of }
    }

    /// Goes over to that many worker types; counts of those that stay hold.
    pub(super) fn configure(&mut self, worker_types: usize, limit: Duration, remap: &Remap) {
        let old = core::mem::replace(self, Self::new(worker_types, limit));
        (self.read, self.lapse_told) = (old.read, old.lapse_told);
        for (new, Demand { counts, run, enough: _ }) in remap.worker_types.iter().zip(old.of) {
            if let Some(new) = new {
                self.of[new.index()] = Demand { counts, run, enough: None };
            }
        }
    }

    /// Takes in counts; says what they change. After an unknown, counts from before the last reading
    /// are late: that reading did not vouch for them.
    pub(super) fn count(&mut self, worker_type: WorkerTypeId, counts: Counts) -> News {
        let Self { limit, read, .. } = *self;
        let demand = &mut self.of[worker_type.index()];
        let newest = demand.counts.map_or(read, |known| Some(known.as_of));
        if newest.is_some_and(|newest| counts.as_of < newest) {
            return News::None;
        }
        let vouched = demand.counts.map(|known| read.unwrap_or(known.as_of).max(known.as_of));
        let is_gap = vouched.is_none_or(|vouched| vouched.saturating_add(limit) < counts.as_of);
        let before = if is_gap { Run::default() } else { demand.run };
        let goes_on = |holds: bool, since: Time| match holds {
            true => since.min(counts.as_of),
            false => Time::MAX,
        };
        demand.run = Run {
            waiting: goes_on(counts.pending > 0, before.waiting),
            unclaimed: goes_on(counts.claimed == 0, before.unclaimed),
        };
        demand.counts = Some(counts);
        let is_enough = demand.enough.is_some_and(|it| it.is_for(counts.pending, counts.claimed));
        if is_enough { News::Enough } else { News::Look }
    }

    /// Which counts need no look from now on, as long as nothing else changes.
    pub(super) fn set_enough(&mut self, worker_type: WorkerTypeId, enough: Option<Enough>) {
        self.of[worker_type.index()].enough = enough;
    }

    /// Forgets the counts of a worker type: the queue does not know them.
    pub(super) fn forget(&mut self, worker_type: WorkerTypeId) {
        self.of[worker_type.index()] = Demand::default();
    }

    /// Whether every count since then said that tasks wait.
    pub(super) fn waited_since(&self, worker_type: WorkerTypeId, since: Time, now: Time) -> bool {
        let run = self.of[worker_type.index()].run;
        self.of(worker_type, now).is_some() && run.waiting <= since
    }

    /// Whether every count since then said that no task is held by a worker.
    pub(super) fn unclaimed_since(&self, worker_type: WorkerTypeId, since: Time) -> bool {
        self.of[worker_type.index()].run.unclaimed <= since
    }

    /// Takes in that all queues were read; says whether counts that were too old may now be good.
    pub(super) fn read(&mut self, as_of: Time, now: Time) -> bool {
        let before = self.read;
        if before.is_some_and(|before| as_of <= before) {
            return false;
        }
        self.read = Some(as_of);
        self.lapse_told = false;
        before.is_none_or(|before| self.too_old(before, now))
    }

    /// Says, once, that the last reading of the queues has become too old.
    pub(super) fn lapses(&mut self, now: Time) -> bool {
        if self.lapse_told || !self.read.is_some_and(|read| self.too_old(read, now)) {
            return false;
        }
        self.lapse_told = true;
        true
    }

    /// The last counts, however old.
    pub(super) fn known(&self, worker_type: WorkerTypeId) -> Option<Counts> {
        self.of.get(worker_type.index())?.counts
    }

    /// The counts to act on, if there are any.
    pub(super) fn of(&self, worker_type: WorkerTypeId, now: Time) -> Option<Counts> {
        let counts = self.of[worker_type.index()].counts;
        counts.filter(|counts| !self.too_old(self.vouched(counts), now))
    }

    /// Why there are none.
    pub(super) fn frozen(&self, worker_type: WorkerTypeId) -> Reason {
        match &self.of[worker_type.index()].counts {
            None => Reason::DemandMissing { worker_type },
            Some(counts) => {
                let (as_of, limit) = (self.vouched(counts), self.limit);
                Reason::DemandStale { worker_type, as_of, limit }
            }
        }
    }

    /// Up to when counts hold: a reading vouches for those that it does not report.
    fn vouched(&self, counts: &Counts) -> Time {
        self.read.map_or(counts.as_of, |read| read.max(counts.as_of))
    }

    fn too_old(&self, as_of: Time, now: Time) -> bool {
        now.since(as_of) > self.limit
    }
}
