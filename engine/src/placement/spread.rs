//! Our own: where a unit of work is expected to cost least.
//!
//! ```text
//! cost = price × (1 + weight × kills ÷ (spawns + prior)) ÷ (utility × slots that would be used)
//! ```
//!
//! `price` is the highest market price of the window, `kills` and `spawns` are the pool's of the
//! last day: a pool nobody knows is neither good nor bad. Only slots that are wanted count, so a
//! large machine is bought when its slots are needed and a small one for the rest.
//!
//! The cheapest candidate becomes the favourite; a cheaper one takes its place only by a margin,
//! and not soon after the last change, so that two pools whose prices take turns are not followed
//! to and fro. How much may stand in one pool, and which pools are closed, is the gates' part.
//!
//! The max price is the on-demand price: in the `capacity` regime a higher one does not help and a
//! lower one costs machines (EC2 User Guide), and in the `outbid` regime nobody need pay more.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::{Offer, Pick, Placement, Plan, Room, candidates, on_demand_price};
use crate::decision::{Market, Reason};
use crate::random::Stream;
use crate::units::{Ratio, UsdPerHour};
use crate::worker_type::{Candidate, SpreadRule};

pub(super) struct Spread {
    pub(super) rule: SpreadRule,
}

/// A candidate that may be bought, and what it costs.
#[derive(Clone, Copy, Debug)]
struct Priced {
    candidate: u32,
    capacity: u32,
    price: UsdPerHour,
    bid: UsdPerHour,
    /// `cost = numerator ÷ (denominator × slots used)`.
    numerator: u128,
    denominator: u128,
}

impl Placement for Spread {
    fn plan(&self, offer: &Offer<'_>, mut room: Room, _random: &mut Stream) -> Plan {
        let mut plan = Plan::default();
        let mut refused = None;
        let priced: Vec<Priced> = candidates(offer)
            .filter_map(|(index, _)| match self.price(offer, index) {
                Ok(priced) => Some(priced),
                Err(reason) => {
                    refused = refused.or(Some(reason));
                    None
                }
            })
            .collect();
        plan.favourite = self.favourite(offer, &priced);
        while room.wanted() > 0 {
            let fitting = || priced.iter().filter(|it| room.fits(it.candidate, it.capacity));
            let slots = room.wanted();
            let best = fitting().min_by(|a, b| self.order(a, b, slots, plan.favourite));
            let Some(&Priced { candidate, capacity, price, bid, .. }) = best else {
                let none = Reason::NoPrice { worker_type: offer.id };
                let full = room.full(offer.id);
                plan.short = Some(if priced.is_empty() { refused.unwrap_or(none) } else { full });
                break;
            };
            let of = u32::try_from(fitting().count()).unwrap_or(u32::MAX);
            // Whole machines first; who takes the rest is chosen anew.
            let count = room.take(candidate, capacity, (slots / capacity).max(1));
            let market = Market::Spot { max_price: Some(bid) };
            plan.picks.push(Pick { candidate, market, price: Some(price), of, count });
        }
        plan
    }

    fn likes(&self, offer: &Offer<'_>, candidate: u32) -> bool {
        self.price(offer, candidate).is_ok()
    }
}

impl Spread {
    /// What a candidate costs, or why it is not bought.
    fn price(&self, offer: &Offer<'_>, index: u32) -> Result<Priced, Reason> {
        let worker_type = offer.id;
        let candidate = &offer.worker_type.candidates[index as usize];
        let Candidate { pool, capacity, utility, bias, .. } = *candidate;
        let price = offer.prices.highest(pool, offer.now, self.rule.price_window);
        let price = price.ok_or(Reason::NoPrice { worker_type })?;
        let most = match on_demand_price(offer, pool) {
            Some(on_demand) => on_demand.times_rounded_up(self.rule.bid_multiplier),
            None => offer.worker_type.price_max,
        };
        let bid = most.min(offer.max_price_cap);
        if price > bid {
            return Err(Reason::BidAboveCap { worker_type, pool, bid: price, cap: bid });
        }
        let one = u128::from(Ratio::ONE.millionths());
        let micros = u128::try_from(price.micros()).unwrap_or(0);
        let normalised = micros * u128::from(bias.millionths());
        let limit = u128::try_from(offer.worker_type.price_max.micros()).unwrap_or(0);
        if normalised > limit * u128::from(utility.millionths()) {
            let limit = offer.worker_type.price_max;
            return Err(Reason::PriceAboveMax { worker_type, pool, price, utility, bias, limit });
        }
        let (spawns, kills) = offer.history.of_last_day(pool, offer.now);
        let launches = u128::from(spawns) + u128::from(self.rule.prior);
        let losses = u128::from(self.rule.loss_weight.millionths()) * u128::from(kills);
        // A pool without any launch, real or assumed, that lost some is as bad as one launch.
        let risk = one + losses / launches.max(1);
        Ok(Priced {
            candidate: index,
            capacity,
            price,
            bid,
            numerator: normalised.saturating_mul(risk),
            denominator: u128::from(utility.millionths()),
        })
    }

    /// Who is liked best from now on, as if every slot were used.
    fn favourite(&self, offer: &Offer<'_>, priced: &[Priced]) -> Option<u32> {
        let cheapest = priced.iter().min_by(|a, b| compare(a, b, u32::MAX))?;
        let Some((held, since)) = offer.favourite else { return Some(cheapest.candidate) };
        let Some(held) = priced.iter().find(|it| it.candidate == held) else {
            return Some(cheapest.candidate);
        };
        let is_due = offer.now.since(since) >= self.rule.hold;
        let moves = is_due && compare(&self.discounted(held), cheapest, u32::MAX).is_gt();
        Some(if moves { cheapest.candidate } else { held.candidate })
    }

    /// Orders by cost for so many slots, with the favourite's discount; the first of equals wins.
    fn order(&self, a: &Priced, b: &Priced, slots: u32, favourite: Option<u32>) -> Ordering {
        let told = |it: &Priced| match favourite == Some(it.candidate) {
            true => self.discounted(it),
            false => *it,
        };
        compare(&told(a), &told(b), slots).then(a.candidate.cmp(&b.candidate))
    }

    /// The favourite seems cheaper by the margin.
    fn discounted(&self, held: &Priced) -> Priced {
        let one = Ratio::ONE.millionths();
        let kept = u128::from(one.saturating_sub(self.rule.margin.millionths()));
        Priced { numerator: held.numerator.saturating_mul(kept) / u128::from(one), ..*held }
    }
}

/// Orders by cost per slot, where so many are wanted.
fn compare(a: &Priced, b: &Priced, slots: u32) -> Ordering {
    let used = |it: &Priced| u128::from(it.capacity.min(slots)) * it.denominator;
    // Saturates only for prices and factors that nobody can mean.
    a.numerator.saturating_mul(used(b)).cmp(&b.numerator.saturating_mul(used(a)))
}
