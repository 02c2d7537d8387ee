//! Our own: one target for growing and for shrinking.
//!
//! ```text
//! target = clamp(claimed + pending × ratio, min, max)
//! change = target − (requested + pending + running + working)
//! ```
//!
//! Every launch counts once, from the moment it is decided; what is stopping counts for nothing.
//! The same target says what is surplus, so that growing and shrinking can never pull against each
//! other; that a surplus must last before anybody is told to stop is the engine's part.
//!
//! **Churn is bounded.** A launch ends any surplus, so within `settle` of a launch nobody of its
//! worker type is told to stop. A period of `settle` tells no more to stop than was too much in all
//! of it, and then a new one begins. So what is launched again soon after it was told to stop is at
//! most one unit for each unit of the largest surplus in each `settle`: with the default of ten
//! minutes, six an hour for each unit, whatever demand, prices and interruptions do.
//! `tests/churn.rs` goes through every sequence of a small model.

use super::{Enough, Need, Scaling};
use crate::ledger::Supply;
use crate::units::Ratio;

pub(super) struct Target {
    pub(super) scaling_ratio: Ratio,
}

impl Scaling for Target {
    fn change(&self, need: &Need) -> i64 {
        i64::from(self.target(need)) - i64::from(need.supply.live())
    }

    /// How long a surplus lasts, and what was its least, each count has a part in.
    fn enough(&self, _supply: &Supply, _capacity_min: u32) -> Option<Enough> {
        None
    }

    fn keep(&self, need: &Need) -> Option<u32> {
        Some(self.target(need))
    }
}

impl Target {
    /// Units to have. A fraction of a unit wants a whole one; a minimum above the maximum is the
    /// maximum.
    fn target(&self, need: &Need) -> u32 {
        let pending = u128::from(need.pending) * u128::from(self.scaling_ratio.millionths());
        let pending = pending.div_ceil(u128::from(Ratio::ONE.millionths()));
        let wanted = u32::try_from(pending + u128::from(need.claimed)).unwrap_or(u32::MAX);
        wanted.max(need.capacity_min).min(need.capacity_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(pending: u32, claimed: u32, supply: Supply) -> Need {
        Need { pending, claimed, supply, capacity_min: 2, capacity_max: 50 }
    }

    #[test]
    fn every_launch_counts_once_whatever_its_stage() {
        let target = Target { scaling_ratio: Ratio::ONE };
        let supply =
            Supply { requested: 3, requests: 1, pending: 2, running: 1, working: 4, stopping: 9 };
        assert_eq!(target.change(&need(8, 4, supply)), 2);
        assert_eq!(target.change(&need(6, 4, supply)), 0);
        assert_eq!(target.change(&need(0, 4, supply)), -6);
    }

    #[test]
    fn growing_and_shrinking_share_the_target() {
        let target = Target { scaling_ratio: Ratio::from_millionths(300_000) };
        for (pending, claimed, wanted) in [(10, 5, 8), (11, 5, 9), (0, 0, 2), (500, 0, 50)] {
            let need = need(pending, claimed, Supply::default());
            assert_eq!(target.keep(&need), Some(wanted));
            assert_eq!(target.change(&need), i64::from(wanted));
        }
    }
}
