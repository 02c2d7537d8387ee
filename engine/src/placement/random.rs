//! v1 of 2019: a pool drawn uniformly for every bid, "absent feedback from
//! capacity-oversubscribed errors".
//!
//! The bid rule is then applied to the drawn pool, so one draw above `price_max` ends bidding for
//! the worker type although cheaper pools exist; one bid above the cap drops all its bids, so
//! the slip of 2017 ([`OverCap::HistoricalOnce`](crate::worker_type::OverCap)) is not its own.
//! Utility does not influence the choice, only the limits.
//! Source: taskcluster/aws-provisioner, 2017-12-01 to 2019-08-23.

use alloc::vec::Vec;

use rand::RngExt;

use super::bid::{Priced, Verdict};
use super::{Offer, Pick, Picks, Placement, Plan, Room, candidates};
use crate::decision::{Market, Reason};
use crate::random::Stream;
use crate::worker_type::BidRule;

pub(super) struct Random {
    pub(super) bid: BidRule,
}

impl Placement for Random {
    fn plan(&self, offer: &Offer<'_>, mut room: Room, random: &mut Stream) -> Plan {
        let mut plan = Plan::default();
        let mut priced: Vec<Priced> = candidates(offer)
            .filter_map(|candidate| Priced::new(offer, &self.bid, candidate, candidate.1.bias))
            .collect();
        if priced.is_empty() {
            plan.short = Some(Reason::NoPrice { worker_type: offer.id });
            return plan;
        }
        while room.wanted() > 0 {
            priced.retain(|candidate| room.fits(candidate.candidate, candidate.capacity));
            if priced.is_empty() {
                plan.short = Some(room.full(offer.id));
                break;
            }
            let chosen = priced[random.random_range(..priced.len())];
            let of = u32::try_from(priced.len()).unwrap_or(u32::MAX);
            let mut pick = |max_price| {
                let market = Market::Spot { max_price: Some(max_price) };
                let Priced { candidate, price, .. } = chosen;
                plan.picks.push(Pick { candidate, market, price: Some(price), of, count: 1 });
            };
            match chosen.judge(offer, &self.bid) {
                Verdict::Bid(bid) => pick(bid),
                Verdict::PriceAboveMax(reason) => plan.short = Some(reason),
                Verdict::LastBid(_, reason) | Verdict::BidAboveCap(reason) => {
                    plan.picks = Picks::default();
                    plan.short = Some(reason);
                }
            }
            if plan.short.is_some() {
                break;
            }
            room.take(chosen.candidate, chosen.capacity, 1);
        }
        plan
    }

    fn likes(&self, offer: &Offer<'_>, candidate: u32) -> bool {
        let known = &offer.worker_type.candidates[candidate as usize];
        let priced = Priced::new(offer, &self.bid, (candidate, known), known.bias);
        priced.is_some_and(|priced| priced.judge(offer, &self.bid).is_bid())
    }
}
