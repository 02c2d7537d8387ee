//! Blast radius: the largest share of a worker type in one spot pool.
//!
//! ```text
//! cap = max(floor, ⌈share_max × (live + wanted)⌉, ⌈(live + wanted) ÷ usable pools⌉)
//! ```
//!
//! The cap spreads and never keeps waiting by itself: with fewer usable pools than the share
//! needs, each may hold its part of everything. Usable is a pool that is sound and, where any has
//! a price, has one. The last instance may exceed the cap by its capacity − 1. A worker type names
//! each pool once; what it has there on demand counts too.

use super::{Opening, Site};
use crate::decision::Reason;
use crate::guards::ShareRule;
use crate::prices::PriceBook;
use crate::units::{Duration, Ratio, Time};
use crate::worker_type::Candidate;

/// A worker type's capacity, as it is and as it is to be.
pub(crate) struct Fleet<'a> {
    pub(crate) now: Time,
    pub(crate) candidates: &'a [Candidate],
    pub(crate) prices: &'a PriceBook,
    /// Live capacity by candidate.
    pub(crate) by_candidate: &'a [u32],
    /// Live capacity, and what is wanted besides.
    pub(crate) units: u32,
}

impl Fleet<'_> {
    fn has_price(&self, site: &Site) -> bool {
        self.prices.highest(site.pool, self.now, Duration::ZERO).is_some()
    }
}

/// Leaves open what the pools may still hold.
pub(super) fn narrow(
    rule: &ShareRule,
    sites: &[Site],
    fleet: &Fleet<'_>,
    openings: &mut [Opening],
) {
    let sound = || sites.iter().zip(&*openings).filter(|(_, opening)| opening.is_sound());
    let usable = match sound().filter(|(site, _)| fleet.has_price(site)).count() {
        0 => sound().count(),
        priced => priced,
    };
    let limit = cap(rule, fleet.units, u32::try_from(usable).unwrap_or(u32::MAX));
    for (index, (site, opening)) in sites.iter().zip(openings).enumerate() {
        if site.on_demand {
            continue;
        }
        let Site { worker_type, pool, .. } = *site;
        let live = fleet.by_candidate[index];
        let left = limit.saturating_sub(live).div_ceil(fleet.candidates[index].capacity);
        let reached = Reason::ShareReached { worker_type, pool, live, limit };
        *opening = opening.and(Opening::of(left, reached));
    }
}

/// Units that one pool may hold.
fn cap(rule: &ShareRule, units: u32, usable: u32) -> u32 {
    let share = u128::from(units) * u128::from(rule.share_max.millionths());
    let share = share.div_ceil(u128::from(Ratio::ONE.millionths()));
    let share = u32::try_from(share).unwrap_or(u32::MAX);
    rule.floor.max(share).max(units.div_ceil(usable.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_is_the_largest_of_floor_share_and_what_the_pools_need() {
        let half = ShareRule { share_max: Ratio::from_millionths(500_000), floor: 8 };
        let caps = |units| [0, 1, 2, 3].map(|usable| cap(&half, units, usable));
        assert_eq!(caps(5), [8, 8, 8, 8]);
        assert_eq!(caps(100), [100, 100, 50, 50]);
        assert_eq!(caps(101), [101, 101, 51, 51]);
        let tenth = ShareRule { share_max: Ratio::from_millionths(100_000), floor: 0 };
        assert_eq!(cap(&tenth, 100, 4), 25, "four pools hold everything");
    }
}
