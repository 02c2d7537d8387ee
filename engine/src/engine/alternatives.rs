//! What each candidate of a worker type would be now: its price, and how far gates are open. What
//! placement policies see, and what explanations show of those that were not chosen.

use alloc::vec::Vec;

use super::{Engine, price_reach};
use crate::decision::{Market, Reason};
use crate::gates::{Fleet, Opening, PriceGate, Site};
use crate::ids::{PoolId, WorkerTypeId};
use crate::units::{Ratio, Time, UsdPerHour};
use crate::worker_type::{Candidate, PlacementPolicy};

/// A candidate as its worker type's placement policy would find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Where it is from.
    pub pool: PoolId,
    /// Tasks one instance runs at once.
    pub capacity: u32,
    /// Useful work of one instance per hour.
    pub utility: Ratio,
    /// The price it is compared by, before bias and utility; `None` if it is not known.
    pub price: Option<UsdPerHour>,
    /// Why no more may be launched there, if none may.
    pub closed: Option<Reason>,
}

impl Engine {
    /// The candidates of a worker type, in their order, as they would be found at that time, not
    /// earlier than the last call, when so many units are wanted. Changes nothing.
    ///
    /// Panics if the id is out of range.
    #[must_use]
    pub fn alternatives(
        &self,
        now: Time,
        worker_type: WorkerTypeId,
        wanted: u32,
    ) -> Vec<Alternative> {
        let known = &self.config.worker_types[worker_type.index()];
        let policy = known.placement;
        let units = self.ledger.supply(worker_type).live().saturating_add(wanted);
        let openings = self.openings(now, worker_type, &policy, units).unwrap_or_default();
        let price = |pool| match policy.market() {
            Market::OnDemand => self.config.catalog.on_demand_price(pool, now),
            Market::Spot { .. } => self.prices.highest(pool, now, price_reach(known)),
        };
        let alternative = |(index, candidate): (usize, &Candidate)| {
            let Candidate { pool, capacity, utility, .. } = *candidate;
            let shut = openings.get(index).filter(|opening| opening.count == 0);
            let closed = shut.and_then(|opening| opening.limit);
            Alternative { pool, capacity, utility, price: price(pool), closed }
        };
        known.candidates.iter().enumerate().map(alternative).collect()
    }

    /// How far each candidate is open where so much capacity is to be, what there is included;
    /// `None` if no gate can close.
    pub(super) fn openings(
        &self,
        now: Time,
        id: WorkerTypeId,
        policy: &PlacementPolicy,
        units: u32,
    ) -> Option<Vec<Opening>> {
        if self.gates.are_off() && !PriceGate::is_on(&self.config.guards) {
            return None;
        }
        let worker_type = &self.config.worker_types[id.index()];
        let candidates = 0..u32::try_from(worker_type.candidates.len()).unwrap_or(u32::MAX);
        let market = policy.market();
        let site = |candidate| Site::new(&self.config.catalog, id, worker_type, candidate, market);
        let sites: Vec<Site> = candidates.map(site).collect();
        let fleet = Fleet {
            now,
            candidates: &worker_type.candidates,
            prices: &self.prices,
            by_candidate: self.ledger.by_candidate(id),
            units,
        };
        let mut openings = self.gates.openings(now, &sites, &fleet);
        PriceGate::new(&self.config, &self.prices, now, policy).close(&sites, &mut openings);
        Some(openings)
    }
}
