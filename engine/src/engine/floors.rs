//! Capacity that is kept from a time on: when it changes for whom.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::WorkerTypeId;
use crate::units::Time;
use crate::worker_type::WorkerType;

/// All changes of floors to come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Floors {
    /// The next one last.
    changes: Vec<(Time, WorkerTypeId)>,
}

impl Floors {
    pub(super) fn new(worker_types: &[WorkerType]) -> Self {
        let ids = (0..worker_types.len()).map(WorkerTypeId::new);
        let mut changes: Vec<_> = ids
            .zip(worker_types)
            .flat_map(|(id, it)| it.floors.iter().map(move |floor| (floor.from, id)))
            .collect();
        changes.sort_unstable_by(|a, b| b.cmp(a));
        Self { changes }
    }

    /// Whose floor changed by `now`, since the last call.
    pub(super) fn take_changed(&mut self, now: Time) -> Vec<WorkerTypeId> {
        let later = self.changes.partition_point(|(from, _)| *from > now);
        self.changes.drain(later..).rev().map(|(_, id)| id).collect()
    }
}

impl WorkerType {
    /// Least capacity to keep now.
    pub(super) fn capacity_min_at(&self, now: Time) -> u32 {
        let past = self.floors.partition_point(|floor| floor.from <= now);
        let floor = past.checked_sub(1).map_or(0, |last| self.floors[last].capacity_min);
        self.capacity_min.max(floor)
    }
}
