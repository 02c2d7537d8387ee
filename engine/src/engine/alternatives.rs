//! What each candidate of a worker type would be now: its price, and how far gates are open. What
//! placement policies see, and what explanations show of those that were not chosen.

use alloc::vec::Vec;

use super::{Engine, State, price_reach};
use crate::decision::{Market, Reason};
use crate::gates::{Fleet, Opening, PriceGate, Site};
use crate::ids::{PoolId, WorkerTypeId};
use crate::placement::{Offer, Placement, Room};
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
    /// Whether the policy would buy it, were it the only one and open: not if it is too dear.
    pub is_liked: bool,
}

impl Engine {
    /// The candidates of a worker type, in their order, as they would be found at that time, not
    /// earlier than the last call, when so many units are wanted. Changes nothing.
    ///
    /// Panics if the id is out of range.
    #[must_use]
    pub fn alternatives(&self, now: Time, id: WorkerTypeId, wanted: u32) -> Vec<Alternative> {
        let offer = self.offer(now, id);
        let known = offer.worker_type;
        let policy = known.placement;
        let live = self.ledger.supply(id).live();
        let room = Room::new(wanted, live, known);
        let openings = self.openings(&offer, &room, &policy, live.saturating_add(wanted));
        let openings = openings.unwrap_or_default();
        let price = |pool| match policy.market() {
            Market::OnDemand => self.config.catalog.on_demand_price(pool, now),
            Market::Spot { .. } => self.prices.highest(pool, now, price_reach(known)),
        };
        let alternative = |(index, candidate): (u32, &Candidate)| {
            let Candidate { pool, capacity, utility, .. } = *candidate;
            let shut = openings.get(index as usize).filter(|opening| opening.count == 0);
            let closed = shut.and_then(|opening| opening.limit);
            let is_liked = policy.likes(&offer, index);
            Alternative { pool, capacity, utility, price: price(pool), closed, is_liked }
        };
        (0..).zip(&known.candidates).map(alternative).collect()
    }

    /// What a placement policy looks at.
    pub(super) fn offer(&self, now: Time, id: WorkerTypeId) -> Offer<'_> {
        let State { errors, favourite, .. } = &self.states[id.index()];
        Offer {
            now,
            id,
            worker_type: &self.config.worker_types[id.index()],
            catalog: &self.config.catalog,
            prices: &self.prices,
            history: &self.history,
            errors,
            by_candidate: self.ledger.by_candidate(id),
            favourite: *favourite,
            max_price_cap: self.config.limits.max_price_cap,
        }
    }

    /// How far each candidate is open where so much capacity is to be, what there is included;
    /// `None` if no gate can close.
    pub(super) fn openings(
        &self,
        offer: &Offer<'_>,
        room: &Room,
        policy: &PlacementPolicy,
        units: u32,
    ) -> Option<Vec<Opening>> {
        if self.gates.are_off() && !PriceGate::is_on(&self.config.guards) {
            return None;
        }
        let Offer { now, id, worker_type, by_candidate, .. } = *offer;
        let candidates = 0..u32::try_from(worker_type.candidates.len()).unwrap_or(u32::MAX);
        let market = policy.market();
        let site = |candidate| Site::new(&self.config.catalog, id, worker_type, candidate, market);
        let is_liked = |candidate: u32| {
            let Candidate { capacity, .. } = worker_type.candidates[candidate as usize];
            room.fits(candidate, capacity) && policy.likes(offer, candidate)
        };
        let is_liked: Vec<bool> = candidates.clone().map(is_liked).collect();
        let sites: Vec<Site> = candidates.map(site).collect();
        let candidates = &worker_type.candidates;
        let fleet = Fleet { candidates, is_liked: &is_liked, by_candidate, units };
        let price_gate = PriceGate::new(&self.config, &self.prices, now, policy);
        let mut openings: Vec<Opening> = sites.iter().map(|site| price_gate.open(site)).collect();
        self.gates.narrow(now, &sites, &fleet, &mut openings);
        Some(openings)
    }
}
