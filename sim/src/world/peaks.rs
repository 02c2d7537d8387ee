//! The most capacity there was, and the most that was asked for.

use provisioner_engine::ids::WorkerTypeId;

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

    pub(super) fn demand_moves(&mut self, change: i64) {
        self.demand += change;
        self.demand_peak = self.demand_peak.max(self.demand);
    }

    /// Gives the change.
    pub(super) fn demand_is(&mut self, tasks: u32) -> i64 {
        let change = i64::from(tasks) - self.demand;
        self.demand_moves(change);
        change
    }
}

impl World<'_> {
    /// Capacity is asked for, or ends.
    pub(super) fn capacity_moves(&mut self, worker_type: WorkerTypeId, change: i64) {
        self.peaks.capacity_moves(change);
        self.type_of(worker_type).peaks.capacity_moves(change);
    }
}
