//! worker-manager's estimator.
//!
//! ```text
//! existing = capacity of workers not stopping, requested ones included
//! idle     = max(0, existing − claimed)
//! adjusted = max(0, pending − idle)
//! total    = existing + stopping
//! desired  = max(min, min(adjusted × ratio + total, max))
//! toSpawn  = max(0, max(0, desired − total) − requested)
//! keep     = clamp((pending + claimed) × ratio, min, max)      a target of its own, since 2026-02
//! ```
//!
//! Requested capacity is credited twice, inside `idle` and again at the end, and stopping capacity
//! eats into `max`; both are the original's and can be turned off by name. A fraction of a unit
//! wants a whole one, as its AWS provider rounds up.
//! Source: taskcluster/taskcluster, `services/worker-manager/src/estimator.js`, as of 2026-08-21.

use super::{Enough, Need, Scaling};
use crate::ledger::Supply;
use crate::units::Ratio;
use crate::worker_type::{IdleCredit, RequestedCredit};

pub(super) struct Estimator {
    pub(super) scaling_ratio: Ratio,
    pub(super) idle: IdleCredit,
    pub(super) requested: RequestedCredit,
}

impl Scaling for Estimator {
    fn change(&self, need: &Need) -> i64 {
        let supply = &need.supply;
        let existing = supply.live();
        let idle = match self.idle {
            IdleCredit::Existing => existing.saturating_sub(need.claimed),
            IdleCredit::Registered => supply.working.saturating_sub(need.claimed),
            IdleCredit::Ignored => 0,
        };
        let adjusted = need.pending.saturating_sub(idle);
        if adjusted == 0 && need.capacity_min <= existing {
            return 0; // `desired` is at most `total`, as at most turns
        }
        let total = f64::from(existing) + f64::from(supply.stopping);
        let (min, max) = (f64::from(need.capacity_min), f64::from(need.capacity_max));
        let ratio = self.scaling_ratio.as_f64();
        let desired = (f64::from(adjusted) * ratio + total).min(max).max(min);
        let credited_again = match self.requested {
            RequestedCredit::Twice => f64::from(supply.unregistered()),
            RequestedCredit::Once => 0.0,
        };
        let to_spawn = ((desired - total).max(0.0) - credited_again).max(0.0);
        i64::from(round_up(to_spawn))
    }

    fn enough(&self, supply: &Supply, capacity_min: u32) -> Option<Enough> {
        let enough = match self.idle {
            IdleCredit::Existing => Enough::for_all(supply.live()),
            IdleCredit::Registered => Enough::for_all(supply.working),
            IdleCredit::Ignored => Enough::for_pending(0),
        };
        (capacity_min <= supply.live()).then_some(enough)
    }

    fn keep(&self, need: &Need) -> Option<u32> {
        let (min, max) = (f64::from(need.capacity_min), f64::from(need.capacity_max));
        let load = f64::from(need.pending) + f64::from(need.claimed);
        Some(round_up((load * self.scaling_ratio.as_f64()).min(max).max(min)))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "non-negative and below 2^32: clamped to a configured range"
)]
fn round_up(units: f64) -> u32 {
    libm::ceil(units) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAITHFUL: Estimator = Estimator {
        scaling_ratio: Ratio::ONE,
        idle: IdleCredit::Existing,
        requested: RequestedCredit::Twice,
    };

    fn need(pending: u32, claimed: u32, supply: Supply, min: u32, max: u32) -> Need {
        Need { pending, claimed, supply, capacity_min: min, capacity_max: max }
    }

    fn requested(units: u32) -> Supply {
        Supply { requested: units, requests: units, ..Supply::default() }
    }

    #[test]
    fn the_worked_values_of_the_predecessor_hold() {
        let change = |need: Need| FAITHFUL.change(&need);
        assert_eq!(change(need(10, 0, requested(5), 0, 100)), 0);
        assert_eq!(change(need(20, 0, requested(5), 0, 100)), 10);
        assert_eq!(change(need(0, 0, requested(3), 5, 100)), 0);
        let busy = Supply { working: 8, stopping: 5, ..Supply::default() };
        assert_eq!(change(need(10, 8, busy, 0, 10)), 0);
    }

    #[test]
    fn requested_capacity_counts_once_where_repaired() {
        let repaired = Estimator { requested: RequestedCredit::Once, ..FAITHFUL };
        let change = |need: Need| repaired.change(&need);
        assert_eq!(change(need(10, 0, requested(5), 0, 100)), 5);
        assert_eq!(change(need(20, 0, requested(5), 0, 100)), 15);
        assert_eq!(change(need(0, 0, requested(3), 5, 100)), 2);
    }

    #[test]
    fn before_the_idle_change_idle_workers_did_not_count() {
        let idle = Supply { working: 10, ..Supply::default() };
        let before = Estimator { idle: IdleCredit::Ignored, ..FAITHFUL };
        assert_eq!(before.change(&need(6, 2, idle, 0, 100)), 6);
        assert_eq!(FAITHFUL.change(&need(6, 2, idle, 0, 100)), 0);
    }

    #[test]
    fn only_registered_workers_are_idle_where_that_is_asked_for() {
        let booting = Supply { running: 4, working: 3, ..Supply::default() };
        let registered = Estimator { idle: IdleCredit::Registered, ..FAITHFUL };
        assert_eq!(FAITHFUL.change(&need(9, 1, booting, 0, 100)), 0);
        assert_eq!(registered.change(&need(9, 1, booting, 0, 100)), 3);
    }

    #[test]
    fn the_termination_target_is_another_formula() {
        let supply = Supply { working: 20, ..Supply::default() };
        let half = Estimator { scaling_ratio: Ratio::from_millionths(500_000), ..FAITHFUL };
        let need_of_seven = &need(3, 4, supply, 1, 100);
        assert_eq!(half.change(need_of_seven), 0);
        assert_eq!(half.keep(need_of_seven), Some(4));
        assert_eq!(half.keep(&need(0, 0, supply, 1, 100)), Some(1));
        assert_eq!(half.keep(&need(900, 20, supply, 1, 100)), Some(100));
    }

    #[test]
    fn a_fraction_of_a_unit_wants_a_whole_one() {
        let third = Estimator { scaling_ratio: Ratio::from_millionths(300_000), ..FAITHFUL };
        assert_eq!(third.change(&need(10, 0, Supply::default(), 0, 100)), 3);
        assert_eq!(third.change(&need(11, 0, Supply::default(), 0, 100)), 4);
    }
}
