//! Old ids and new: what a configuration calls the things that another one knew.

use alloc::vec::Vec;

use crate::ids::{ImageId, PoolId, RegionId, WorkerTypeId};

/// The new ids of old ones.
#[derive(Clone, Debug)]
pub(crate) struct Remap {
    pub(crate) regions: Vec<RegionId>,
    pub(crate) images: Vec<ImageId>,
    pub(crate) pools: Vec<PoolId>,
    /// `None` for worker types that nothing is left of.
    pub(crate) worker_types: Vec<Option<WorkerTypeId>>,
    /// By old worker type and old candidate; `None` for those that are gone.
    pub(crate) candidates: Vec<Vec<Option<u32>>>,
}

impl Remap {
    /// The new id of a worker type.
    pub(crate) fn worker_type(&self, old: WorkerTypeId) -> Option<WorkerTypeId> {
        self.worker_types[old.index()]
    }

    /// The new number of a worker type's candidate.
    pub(crate) fn candidate(&self, old: WorkerTypeId, candidate: u32) -> Option<u32> {
        *self.candidates[old.index()].get(candidate as usize)?
    }

    /// Values by pool, in the new order.
    pub(crate) fn by_pool<T: Default>(&self, old: Vec<T>, len: usize) -> Vec<T> {
        let mut new: Vec<T> = (0..len).map(|_| T::default()).collect();
        for (pool, value) in self.pools.iter().zip(old) {
            new[pool.index()] = value;
        }
        new
    }
}
