//! Pools that EC2 recommends to leave.
//!
//! Most recommendations are followed by nothing, so nothing is ended because of one. Where several
//! instances of a pool got one lately, other pools are tried first for what is bought anew; what
//! they do not give is bought there all the same.

use alloc::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Site, Table};
use crate::decision::Reason;
use crate::guards::RebalanceRule;
use crate::ids::{LaunchId, PoolId};
use crate::remap::Remap;
use crate::units::Time;

/// Who got a recommendation lately, and when the last, the oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Rebalance {
    pools: Table<VecDeque<(Time, LaunchId)>>,
}

impl Rebalance {
    /// Goes over to other ids.
    pub(super) fn configure(&mut self, remap: &Remap) {
        self.pools.configure(|old| Some(remap.pools[old].index()));
    }

    /// Whether any instance ever got a recommendation.
    pub(super) const fn is_known(&self) -> bool {
        !self.pools.0.is_empty()
    }

    /// An instance got a recommendation.
    pub(super) fn note(&mut self, rule: &RebalanceRule, now: Time, pool: PoolId, launch: LaunchId) {
        let recommended = self.pools.at(pool.index());
        recommended.retain(|(at, id)| *id != launch && now.since(*at) <= rule.within);
        recommended.push_back((now, launch));
    }

    /// Why a pool is to be left out while others are open, if it is.
    pub(super) fn warning(&self, rule: &RebalanceRule, now: Time, site: &Site) -> Option<Reason> {
        let recommended = self.pools.get(site.pool.index()).filter(|_| !site.on_demand)?;
        let old = recommended.partition_point(|(at, _)| now.since(*at) > rule.within);
        let instances = u32::try_from(recommended.len() - old).unwrap_or(u32::MAX);
        let enough = recommended.len().checked_sub(rule.instances.max(1) as usize)?;
        let (at, _) = recommended[enough];
        let Site { worker_type, pool, .. } = *site;
        let until = at.saturating_add(rule.within);
        (enough >= old).then_some(Reason::PoolWarned { worker_type, pool, instances, until })
    }
}
