//! v1's rule from market price to max price, shared by `cheapest` and `random`.
//!
//! Three different quantities: the *compare price* (30-minute maximum ÷ utility × bias), the
//! *bid* (maximum × multiplier, rounded up to a micro-dollar), and the *limits* `price_min` and
//! `price_max`, which bound the compare price and not the bid. The bid may reach
//! `multiplier × price_max × utility`.
//! Source: taskcluster/aws-provisioner, `lib/worker-type.js` (`determineSpotBids`), 2017-05-16.

use core::cmp::Ordering;

use super::Offer;
use crate::decision::Reason;
use crate::ids::PoolId;
use crate::units::{Ratio, UsdPerHour};
use crate::worker_type::{BidRule, Candidate, OverCap, PriceMinRule};

/// A candidate with its price: what v1 compares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Priced {
    pub(super) candidate: u32,
    pub(super) capacity: u32,
    pub(super) pool: PoolId,
    /// Highest market price of the window.
    pub(super) price: UsdPerHour,
    pub(super) utility: Ratio,
    pub(super) bias: Ratio,
}

/// What the rule says of a chosen candidate.
pub(super) enum Verdict {
    /// Bid this, and go on.
    Bid(UsdPerHour),
    /// Bid this once, then stop: the cap's historical slip.
    LastBid(UsdPerHour, Reason),
    /// Stop without a bid: the normalised price is above the limit.
    PriceAboveMax(Reason),
    /// Stop without a bid: the bid is above the cap.
    BidAboveCap(Reason),
}

impl Verdict {
    pub(super) const fn is_bid(&self) -> bool {
        matches!(self, Self::Bid(_) | Self::LastBid(..))
    }
}

impl Priced {
    pub(super) fn new(
        offer: &Offer<'_>,
        rule: &BidRule,
        (index, candidate): (u32, &Candidate),
        bias: Ratio,
    ) -> Option<Self> {
        let Candidate { pool, capacity, utility, .. } = *candidate;
        let price = offer.prices.highest(pool, offer.now, rule.price_window)?;
        Some(Self { candidate: index, capacity, pool, price, utility, bias })
    }

    /// Orders by `price ÷ utility × bias`, exactly.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        (self.biased() * divisor(other.utility)).cmp(&(other.biased() * divisor(self.utility)))
    }

    /// Orders `price ÷ utility × bias` against a limit, exactly.
    fn compare_to(&self, limit: UsdPerHour) -> Ordering {
        self.biased().cmp(&(i128::from(limit.micros()) * divisor(self.utility)))
    }

    /// The price × bias, in micro-dollars × millionths.
    fn biased(&self) -> i128 {
        i128::from(self.price.micros()) * i128::from(self.bias.millionths())
    }

    /// What to bid, and whether to bid at all.
    pub(super) fn judge(&self, offer: &Offer<'_>, rule: &BidRule) -> Verdict {
        let worker_type = offer.id;
        let &Self { pool, price, utility, bias, .. } = self;
        let limit = offer.worker_type.price_max;
        if self.compare_to(limit) == Ordering::Greater {
            let reason = Reason::PriceAboveMax { worker_type, pool, price, utility, bias, limit };
            return Verdict::PriceAboveMax(reason);
        }
        let floor = offer.worker_type.price_min;
        let bid = match (self.compare_to(floor), rule.price_min) {
            (Ordering::Less, PriceMinRule::Divided) => floor.divided_rounded_up(utility),
            (Ordering::Less, PriceMinRule::Multiplied) => floor.times_rounded_up(utility),
            (Ordering::Equal | Ordering::Greater, _) => price.times_rounded_up(rule.multiplier),
        };
        let cap = offer.max_price_cap;
        if bid <= cap {
            return Verdict::Bid(bid);
        }
        let reason = Reason::BidAboveCap { worker_type, pool, bid, cap };
        match rule.over_cap {
            OverCap::Refused => Verdict::BidAboveCap(reason),
            OverCap::HistoricalOnce => Verdict::LastBid(bid, reason),
        }
    }
}

fn divisor(utility: Ratio) -> i128 {
    i128::from(utility.millionths())
}
