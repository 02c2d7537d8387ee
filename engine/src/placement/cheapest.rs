//! v1 of 2017: the cheapest pool.
//!
//! For each candidate with a price: `30-minute maximum ÷ utility × bias`; strictly smaller wins,
//! the first seen wins ties. Nothing changes between picks, so all bids of an iteration go to one
//! pool, as they did. Capacity is not in the normalisation; owners fold it into utility.
//!
//! Where `capacity_max` is hard, candidates too large for what is left are passed over.
//! Source: taskcluster/aws-provisioner, `lib/worker-type.js` and `lib/biaser.js`, 2017-05-16.

use super::bid::{Priced, Verdict};
use super::{Offer, Pick, Placement, Plan, Room, candidates};
use crate::decision::{Market, Reason};
use crate::random::Stream;
use crate::units::Ratio;
use crate::worker_type::{BiasRule, BidRule, Candidate};

pub(super) struct Cheapest {
    pub(super) bid: BidRule,
    pub(super) bias: BiasRule,
}

impl Placement for Cheapest {
    fn plan(&self, offer: &Offer<'_>, mut room: Room, _random: &mut Stream) -> Plan {
        let mut plan = Plan::default();
        while room.wanted() > 0 && plan.short.is_none() {
            let (cheapest, of, priced) = self.cheapest(offer, &room);
            let Some(chosen) = cheapest else {
                let full = priced > 0;
                let none = Reason::NoPrice { worker_type: offer.id };
                plan.short = Some(if full { room.full(offer.id) } else { none });
                break;
            };
            let mut pick = |max_price, count| {
                let market = Market::Spot { max_price: Some(max_price) };
                let Priced { candidate, price, .. } = chosen;
                plan.picks.push(Pick { candidate, market, price: Some(price), of, count });
            };
            match chosen.judge(offer, &self.bid) {
                Verdict::Bid(bid) => {
                    pick(bid, room.take(chosen.candidate, chosen.capacity, u32::MAX));
                }
                Verdict::LastBid(bid, reason) => {
                    pick(bid, room.take(chosen.candidate, chosen.capacity, 1));
                    plan.short = Some(reason);
                }
                Verdict::PriceAboveMax(reason) | Verdict::BidAboveCap(reason) => {
                    plan.short = Some(reason);
                }
            }
        }
        plan
    }

    fn likes(&self, offer: &Offer<'_>, candidate: u32) -> bool {
        let known = &offer.worker_type.candidates[candidate as usize];
        let bias = self.bias_of(offer, known);
        let priced = Priced::new(offer, &self.bid, (candidate, known), bias);
        priced.is_some_and(|priced| priced.judge(offer, &self.bid).is_bid())
    }
}

impl Cheapest {
    /// The cheapest candidate that fits, out of how many that fit, and how many have a price.
    fn cheapest(&self, offer: &Offer<'_>, room: &Room) -> (Option<Priced>, u32, u32) {
        let (mut cheapest, mut fitting, mut priced): (Option<Priced>, _, _) = (None, 0, 0);
        for candidate in candidates(offer) {
            let bias = self.bias_of(offer, candidate.1);
            let Some(next) = Priced::new(offer, &self.bid, candidate, bias) else {
                continue;
            };
            priced += 1;
            if !room.fits(next.candidate, next.capacity) {
                continue;
            }
            fitting += 1;
            if cheapest.is_none_or(|best| next.compare(&best).is_lt()) {
                cheapest = Some(next);
            }
        }
        (cheapest, fitting, priced)
    }

    fn bias_of(&self, offer: &Offer<'_>, candidate: &Candidate) -> Ratio {
        let learned = match self.bias {
            BiasRule::Off => return candidate.bias,
            BiasRule::KillRate => {
                kill_rate_bias(offer.history.of_last_day(candidate.pool, offer.now))
            }
        };
        let product = u128::from(learned.millionths()) * u128::from(candidate.bias.millionths());
        let millionths = product / u128::from(Ratio::ONE.millionths());
        Ratio::from_millionths(u64::try_from(millionths).unwrap_or(u64::MAX))
    }
}

/// v1's bias from the kills and spawns of the last 24 h. Its branch for "no kills and no spawns
/// of a known pool" was unreachable: a pool with neither is unknown.
fn kill_rate_bias((spawns, kills): (u64, u64)) -> Ratio {
    const EXPLORE: u64 = 950_000;
    const KILL_RATE_MULTIPLIER: u64 = 4;
    let one = Ratio::ONE.millionths();
    Ratio::from_millionths(match (spawns, kills) {
        (0, 0) => EXPLORE,
        (_, 0) => one,
        (0, kills) => kills * one,
        (spawns, kills) => one + KILL_RATE_MULTIPLIER * kills * one / spawns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bias_follows_the_predecessors_table() {
        let bias = |spawns, kills| kill_rate_bias((spawns, kills)).millionths();
        assert_eq!(bias(0, 0), 950_000);
        assert_eq!(bias(7, 0), 1_000_000);
        assert_eq!(bias(0, 3), 3_000_000);
        assert_eq!(bias(8, 2), 2_000_000);
    }
}
