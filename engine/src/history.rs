//! What each pool did to us over the last day: instances it gave and instances it took back.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::PoolId;
use crate::remap::Remap;
use crate::units::{Duration, Time};

/// Spawns and kills by pool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PoolHistory {
    pools: Vec<Events>,
    /// All that were ever taken back.
    losses: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Events {
    spawns: VecDeque<Time>,
    kills: VecDeque<Time>,
}

impl PoolHistory {
    pub(crate) fn new(pools: usize) -> Self {
        Self { pools: alloc::vec![Events::default(); pools], losses: 0 }
    }

    /// Goes over to a catalog of that many pools.
    pub(crate) fn configure(&mut self, pools: usize, remap: &Remap) {
        self.pools = remap.by_pool(core::mem::take(&mut self.pools), pools);
    }

    /// The pool gave an instance.
    pub(crate) fn spawned(&mut self, pool: PoolId, now: Time) {
        note(&mut self.pools[pool.index()].spawns, now);
    }

    /// The pool took one back.
    pub(crate) fn killed(&mut self, pool: PoolId, now: Time) {
        self.losses += 1;
        note(&mut self.pools[pool.index()].kills, now);
    }

    /// How many it ever took back.
    pub(crate) const fn losses(&self) -> u64 {
        self.losses
    }

    /// Spawns and kills of the last 24 h.
    pub(crate) fn of_last_day(&self, pool: PoolId, now: Time) -> (u64, u64) {
        let recent = |times: &VecDeque<Time>| {
            let old = times.partition_point(|time| *time <= now - Duration::DAY);
            (times.len() - old) as u64
        };
        let Events { spawns, kills } = &self.pools[pool.index()];
        (recent(spawns), recent(kills))
    }
}

fn note(times: &mut VecDeque<Time>, now: Time) {
    while times.front().is_some_and(|time| *time <= now - Duration::DAY) {
        times.pop_front();
    }
    times.push_back(now);
}
