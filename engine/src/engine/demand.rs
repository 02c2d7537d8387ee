//! What the queues last said, and whether it may still be acted on.
//!
//! Unknown is never zero: counts that are absent or too old give a reason instead of a number.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::decision::Reason;
use crate::ids::WorkerTypeId;
use crate::remap::Remap;
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
    counts: Vec<Option<Counts>>,
    runs: Vec<Run>,
}

/// What every count of a worker type said, since when; `None` if the last one does not, or counts
/// were missing.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Run {
    /// Tasks wait.
    waiting: Option<Time>,
    /// No task is held by a worker.
    unclaimed: Option<Time>,
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
        let counts = alloc::vec![None; worker_types];
        let runs = alloc::vec![Run::default(); worker_types];
        Self { limit, read: None, lapse_told: false, counts, runs }
    }

    /// Goes over to that many worker types; counts of those that stay hold.
    pub(super) fn configure(&mut self, worker_types: usize, limit: Duration, remap: &Remap) {
        let old = core::mem::replace(self, Self::new(worker_types, limit));
        (self.read, self.lapse_told) = (old.read, old.lapse_told);
        for (new, (counts, run)) in remap.worker_types.iter().zip(old.counts.iter().zip(old.runs)) {
            if let Some(new) = new {
                (self.counts[new.index()], self.runs[new.index()]) = (*counts, run);
            }
        }
    }

    /// Takes in counts; says whether they are news, for late ones are not. After an unknown,
    /// counts from before the last reading are late too: that reading did not vouch for them.
    pub(super) fn count(&mut self, worker_type: WorkerTypeId, counts: Counts) -> bool {
        let is_gap = self.of(worker_type, counts.as_of).is_none();
        let known = &mut self.counts[worker_type.index()];
        let newest = known.map_or(self.read, |known| Some(known.as_of));
        let is_news = newest.is_none_or(|newest| newest <= counts.as_of);
        if is_news {
            *known = Some(counts);
            let run = &mut self.runs[worker_type.index()];
            let before = if is_gap { Run::default() } else { *run };
            let goes_on =
                |holds: bool, since: Option<Time>| holds.then(|| since.unwrap_or(counts.as_of));
            *run = Run {
                waiting: goes_on(counts.pending > 0, before.waiting),
                unclaimed: goes_on(counts.claimed == 0, before.unclaimed),
            };
        }
        is_news
    }

    /// Forgets the counts of a worker type: the queue does not know them.
    pub(super) fn forget(&mut self, worker_type: WorkerTypeId) {
        self.counts[worker_type.index()] = None;
        self.runs[worker_type.index()] = Run::default();
    }

    /// Whether every count since then said that tasks wait.
    pub(super) fn waited_since(&self, worker_type: WorkerTypeId, since: Time, now: Time) -> bool {
        let run = self.runs[worker_type.index()];
        self.of(worker_type, now).is_some() && run.waiting.is_some_and(|waiting| waiting <= since)
    }

    /// Whether every count since then said that no task is held by a worker.
    pub(super) fn unclaimed_since(&self, worker_type: WorkerTypeId, since: Time) -> bool {
        self.runs[worker_type.index()].unclaimed.is_some_and(|unclaimed| unclaimed <= since)
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
        self.counts.get(worker_type.index()).copied().flatten()
    }

    /// The counts to act on, if there are any.
    pub(super) fn of(&self, worker_type: WorkerTypeId, now: Time) -> Option<Counts> {
        let counts = self.counts[worker_type.index()];
        counts.filter(|counts| !self.too_old(self.vouched(counts), now))
    }

    /// Why there are none.
    pub(super) fn frozen(&self, worker_type: WorkerTypeId) -> Reason {
        match &self.counts[worker_type.index()] {
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
