//! Everything on demand: the baseline a manager asks about first.
//!
//! The candidate with the smallest on-demand price ÷ utility wins, the first of equals.

use super::{Offer, Pick, Placement, Plan, Room, candidates, on_demand_price};
use crate::decision::{Market, Reason};
use crate::random::Stream;
use crate::units::UsdPerHour;

pub(super) struct OnDemand;

impl Placement for OnDemand {
    fn plan(&self, offer: &Offer<'_>, mut room: Room, _random: &mut Stream) -> Plan {
        let mut plan = Plan::default();
        let worker_type = offer.id;
        while room.wanted() > 0 {
            let (mut best, mut of, mut priced) = (None, 0, 0);
            for (index, candidate) in candidates(offer) {
                let Some(price) = on_demand_price(offer, candidate.pool) else {
                    continue;
                };
                priced += 1;
                if !room.fits(index, candidate.capacity) {
                    continue;
                }
                of += 1;
                let cost = |price: UsdPerHour| i128::from(price.micros());
                let worth = i128::from(candidate.utility.millionths());
                let cheaper = best.is_none_or(|(_, _, best_price, best_worth)| {
                    cost(price) * best_worth < cost(best_price) * worth
                });
                if cheaper {
                    best = Some((index, candidate, price, worth));
                }
            }
            let Some((index, candidate, price, _)) = best else {
                let none = Reason::NoPrice { worker_type };
                plan.short = Some(if priced > 0 { room.full(worker_type) } else { none });
                break;
            };
            let (pool, cap) = (candidate.pool, offer.max_price_cap);
            if price > cap {
                plan.short = Some(Reason::BidAboveCap { worker_type, pool, bid: price, cap });
                break;
            }
            let count = room.take(index, candidate.capacity, u32::MAX);
            let (market, price) = (Market::OnDemand, Some(price));
            plan.picks.push(Pick { candidate: index, market, price, of, count });
        }
        plan
    }

    fn likes(&self, offer: &Offer<'_>, candidate: u32) -> bool {
        let pool = offer.worker_type.candidates[candidate as usize].pool;
        on_demand_price(offer, pool).is_some_and(|price| price <= offer.max_price_cap)
    }
}
