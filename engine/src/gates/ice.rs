//! Budgets for pools that have no machine to give.
//!
//! A pool may have so many launches under way, ordered and not answered. Each instance it gives
//! adds one, so that a whole round of successes doubles the budget; one refusal for lack of
//! capacity shuts the pool and sets the budget back to the one launch that probes it. Spot and
//! on-demand instances come from different pools of capacity.

use serde::{Deserialize, Serialize};

use super::latch::Latch;
use super::{Event, Opening, Site, Table, in_market};
use crate::decision::Reason;
use crate::guards::IceRule;
use crate::ledger::Stage;
use crate::observation::Refusal;
use crate::remap::Remap;
use crate::units::Time;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ice {
    pools: Table<Pool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pool {
    /// `None` until it was ever answered.
    budget: Option<u32>,
    under_way: u32,
    /// Refusals in a row.
    failures: u32,
    latch: Latch,
}

impl Ice {
    /// Goes over to other ids.
    pub(super) fn configure(&mut self, remap: &Remap) {
        self.pools.configure(|old| Some(in_market(remap.pools[old / 2].index(), old % 2 == 1)));
    }

    /// Counts anew what is ordered and not answered.
    pub(super) fn recount(&mut self, under_way: &[(Site, Stage)]) {
        self.pools.values_mut().for_each(|pool| pool.under_way = 0);
        for (site, _) in under_way.iter().filter(|(_, stage)| *stage == Stage::Requested) {
            self.pools.at(site.capacity_pool()).under_way += 1;
        }
    }

    pub(super) fn note(
        &mut self,
        rule: &IceRule,
        now: Time,
        site: &Site,
        ordered: Time,
        event: Event,
    ) {
        let pool = self.pools.at(site.capacity_pool());
        match event {
            Event::Ordered => {
                pool.under_way += 1;
                pool.latch.probe(now, rule.block_max);
                return;
            }
            Event::Accepted => {
                if pool.latch.open(ordered) {
                    let budget = pool.budget.unwrap_or(rule.budget_first).saturating_add(1);
                    pool.budget = Some(budget.min(rule.budget_max));
                    pool.failures = 0;
                }
            }
            Event::Refused(Refusal::InsufficientCapacity) => {
                if pool.latch.shut(now, ordered, rule.block_min) {
                    pool.budget = Some(1);
                    pool.failures = pool.failures.saturating_add(1);
                }
            }
            Event::Refused(_) | Event::Withdrawn => {}
            Event::Registered
            | Event::BootFailed(_)
            | Event::Worked
            | Event::NeverWorked
            | Event::Abandoned
            | Event::Lost { registered: _ } => return,
        }
        pool.under_way = pool.under_way.saturating_sub(1);
    }

    pub(super) fn open(&self, rule: &IceRule, now: Time, site: &Site) -> Opening {
        let Site { worker_type, pool, .. } = *site;
        let Pool { budget, under_way, failures, latch } =
            self.pools.get(site.capacity_pool()).copied().unwrap_or_default();
        if let Some(until) = latch.until() {
            let probes = u32::from(until <= now && under_way == 0);
            return Opening::of(probes, Reason::PoolDry { worker_type, pool, failures, until });
        }
        let budget = budget.unwrap_or(rule.budget_first);
        let left = budget.saturating_sub(under_way);
        Opening::of(left, Reason::PoolBusy { worker_type, pool, budget })
    }
}
