//! The most capacity there was, the most that was asked for, and how long no more was allowed.

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::WorkerType;

use super::World;

/// Of one worker type, or of all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peaks {
    /// Capacity that was asked for and has not ended.
    pub(super) capacity: i64,
    pub(super) capacity_peak: i64,
    /// Tasks pending and claimed, as the engine is told.
    demand: i64,
    pub(super) demand_peak: i64,
}

impl Peaks {
    fn capacity_moves(&mut self, change: i64) {
        self.capacity += change;
        self.capacity_peak = self.capacity_peak.max(self.capacity);
    }

    /// The queue told of more tasks than there is capacity for.
    const fn is_short(&self) -> bool {
        self.demand > self.capacity
    }

    fn demand_moves(&mut self, change: i64) {
        self.demand += change;
        self.demand_peak = self.demand_peak.max(self.demand);
    }
}

/// How long a worker type had all capacity that it may have, and the queue told of more tasks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tight {
    /// With so much capacity no instance more is allowed.
    full: i64,
    since: Option<Time>,
    time: Duration,
}

impl Tight {
    pub(super) fn new(worker_type: &WorkerType) -> Self {
        let least = worker_type.candidates.iter().map(|candidate| candidate.capacity).min();
        let full = i64::from(worker_type.capacity_max) + 1 - i64::from(least.unwrap_or(1));
        Self { full, since: None, time: Duration::ZERO }
    }

    fn look(&mut self, now: Time, peaks: &Peaks) {
        let is_tight = peaks.is_short() && peaks.capacity >= self.full;
        if is_tight != self.since.is_some() {
            self.time = self.time(now);
            self.since = is_tight.then_some(now);
        }
    }

    pub(super) fn time(&self, now: Time) -> Duration {
        self.time + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }
}

impl World<'_> {
    /// Capacity is asked for, or ends.
    #[inline(always)]
    pub(super) fn capacity_moves(&mut self, worker_type: WorkerTypeId, change: i64) {
        self.peaks.capacity_moves(change);
        self.peaks_of(worker_type, |peaks| peaks.capacity_moves(change));
    }

    /// The queue told so many tasks pending and claimed.
    #[inline(always)]
    pub(super) fn demand_is(&mut self, worker_type: WorkerTypeId, tasks: u32) {
        let change = i64::from(tasks) - self.types[worker_type.index()].peaks.demand;
        if change != 0 {
            self.peaks.demand_moves(change);
            self.peaks_of(worker_type, |peaks| peaks.demand_moves(change));
        }
    }

    #[inline(always)]
    fn peaks_of(&mut self, worker_type: WorkerTypeId, change: impl FnOnce(&mut Peaks)) {
        let now = self.now;
        let state = self.type_of(worker_type);
        let was_short = state.peaks.is_short();
        change(&mut state.peaks);
        if was_short || state.peaks.is_short() {
            state.tight.look(now, &state.peaks); // far off in memory
        }
    }
}
