//! Blast radius: the largest share of a worker type in one spot pool.
//!
//! ```text
//! cap = max(floor, ⌈share_max × (live + wanted)⌉, ⌈(live + wanted) ÷ usable pools⌉)
//! ```
//!
//! The cap spreads and never keeps waiting by itself: with fewer usable pools than the share
//! needs, each may hold its part of everything. Usable is a pool that is sound and that the policy
//! would buy from. The last instance may exceed the cap by its capacity − 1. A worker type names
//! each pool once; what it has there on demand counts too.
//!
//! Nor does it vanish for good: where a pool that is not sound may be probed, the others hold
//! everything but one machine of it, so that it is. If that fails, what it stood for is bought from
//! the others in the next turn.

use super::{Opening, Site};
use crate::decision::Reason;
use crate::guards::ShareRule;
use crate::units::Ratio;
use crate::worker_type::Candidate;

/// A worker type's capacity, as it is and as it is to be.
pub(crate) struct Fleet<'a> {
    pub(crate) candidates: &'a [Candidate],
    /// Whether the policy would buy each candidate, if gates let it.
    pub(crate) is_liked: &'a [bool],
    /// Live capacity by candidate.
    pub(crate) by_candidate: &'a [u32],
    /// Live capacity, and what is wanted besides.
    pub(crate) units: u32,
}

/// Leaves open what the pools may still hold.
pub(super) fn narrow(
    rule: &ShareRule,
    sites: &[Site],
    fleet: &Fleet<'_>,
    openings: &mut [Opening],
) {
    let liked = || (0..sites.len()).filter(|index| fleet.is_liked[*index]);
    let usable = liked().filter(|index| openings[*index].is_sound()).count();
    let usable = u32::try_from(usable).unwrap_or(u32::MAX);
    let may_be_probed = |index: &usize| {
        let Opening { count, .. } = openings[*index];
        let is_below = fleet.by_candidate[*index] < cap(rule, fleet.units, 0, usable);
        !openings[*index].is_sound() && count > 0 && is_below
    };
    let probed = liked().find(may_be_probed);
    let spared = probed.map_or(0, |index| fleet.candidates[index].capacity);
    for (index, (site, opening)) in sites.iter().zip(openings).enumerate() {
        if site.on_demand {
            continue;
        }
        let Site { worker_type, pool, .. } = *site;
        let live = fleet.by_candidate[index];
        let spared = if opening.is_sound() { spared } else { 0 };
        let limit = cap(rule, fleet.units, spared, usable);
        let left = limit.saturating_sub(live).div_ceil(fleet.candidates[index].capacity);
        let reached = Reason::ShareReached { worker_type, pool, live, limit };
        *opening = opening.and(Opening::of(left, reached));
    }
}

/// Units that one pool may hold, where so many pools hold all but what is spared.
fn cap(rule: &ShareRule, units: u32, spared: u32, usable: u32) -> u32 {
    let share = u128::from(units) * u128::from(rule.share_max.millionths());
    let share = share.div_ceil(u128::from(Ratio::ONE.millionths()));
    let share = u32::try_from(share).unwrap_or(u32::MAX);
    rule.floor.max(share).max(units.saturating_sub(spared).div_ceil(usable.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_is_the_largest_of_floor_share_and_what_the_pools_need() {
        let half = ShareRule { share_max: Ratio::from_millionths(500_000), floor: 8 };
        let caps = |units| [0, 1, 2, 3].map(|usable| cap(&half, units, 0, usable));
        assert_eq!(caps(5), [8, 8, 8, 8]);
        assert_eq!(caps(100), [100, 100, 50, 50]);
        assert_eq!(caps(101), [101, 101, 51, 51]);
        let tenth = ShareRule { share_max: Ratio::from_millionths(100_000), floor: 0 };
        assert_eq!(cap(&tenth, 100, 0, 4), 25, "four pools hold everything");
        assert_eq!(cap(&tenth, 100, 4, 4), 24, "but for a probe");
    }
}
