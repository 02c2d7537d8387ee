//! Holding the ceilings on spending: what may still be launched, and the end of everything when
//! the day's money is spent.
//!
//! What counts for how much, and when it has to be ended, is told at
//! [`Spend`](crate::spend::Spend). That is so only of what has run for about an hour since the last
//! launch; then there is no other way to hold a day's ceiling. The ends are ordered in one turn, as
//! far as the allowance of calls goes: launches without a worker first, then workers, the youngest
//! first; whether those hold a task is not asked. An order is repeated until its launch is seen to
//! stop.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::Engine;
use super::ends::EndOrder;
use crate::decision::{Decision, Market, Reason, Spent};
use crate::ids::{PoolId, WorkerTypeId};
use crate::ledger::Stage;
use crate::placement::Pick;
use crate::spend::midnight_after;
use crate::units::UsdPerHour;

impl Engine {
    /// How many of so many launches the ceilings allow; or, if none, which one is in the way.
    pub(super) fn affordable(
        &self,
        worker_type: WorkerTypeId,
        pick: &Pick,
        most: u32,
        decision: &mut Decision,
    ) -> Result<u32, Reason> {
        if !self.ledger.spend().is_bounded() {
            return Ok(most);
        }
        let candidates = &self.config.worker_types[worker_type.index()].candidates;
        let price = self.price_max(candidates[pick.candidate as usize].pool, pick.market);
        let count = self.ledger.spend().affordable(self.now, worker_type, price, most);
        count.map_err(|(overall, spent)| {
            if matches!(spent, Spent::Daily { .. }) {
                decision.wake_at = decision.wake_at.min(midnight_after(self.now));
            }
            Reason::SpendReached { worker_type, overall, spent }
        })
    }

    /// The most that a launch made now may cost.
    pub(super) fn price_max(&self, pool: PoolId, market: Market) -> UsdPerHour {
        match market {
            Market::Spot { max_price: Some(bid) } => bid,
            Market::Spot { max_price: None } | Market::OnDemand => {
                let known = self.config.catalog.on_demand_price(pool, self.now);
                known.unwrap_or(self.config.limits.max_price_cap)
            }
        }
    }

    /// Ends everything that stands under a day's ceiling that is reached.
    pub(super) fn end_overspent(&mut self, decision: &mut Decision) {
        if !self.ledger.spend().is_any_reached(self.now) {
            return;
        }
        let mut reached = BTreeMap::new();
        let mut launches = Vec::new();
        for (id, launch) in self.ledger.iter().filter(|(_, it)| it.stage < Stage::Stopping) {
            let worker_type = launch.worker_type;
            let spend = || self.ledger.spend().reached(self.now, worker_type);
            if reached.entry(worker_type).or_insert_with(spend).is_some() {
                launches.push((launch.stage, Reverse(id)));
            }
        }
        launches.sort_unstable();
        let mut told = BTreeSet::new();
        for (_, Reverse(id)) in launches {
            let Some(launch) = self.ledger.get(id).copied() else { continue };
            let worker_type = launch.worker_type;
            let order = self.order_end(id, &launch, false, decision);
            if !matches!(order, EndOrder::Stands(_))
                && let Some(Some((overall, spent))) = reached.get(&worker_type).copied()
                && told.insert(worker_type)
            {
                self.because(decision, Reason::SpendReached { worker_type, overall, spent });
            }
        }
    }

    /// Asks to be woken when the next day's ceiling is reached.
    pub(super) fn wake_for_ceilings(&self, decision: &mut Decision) {
        if let Some(at) = self.ledger.spend().reached_next(self.now) {
            decision.wake_at = decision.wake_at.min(at);
        }
    }
}
