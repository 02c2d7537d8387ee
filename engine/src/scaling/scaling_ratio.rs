//! v1's change determination, unchanged from 2015-04-08 to its end.
//!
//! ```text
//! desiredPending = round(scalingRatio × running)          half up
//! change = pending − pendingCapacity − desiredPending
//! clamped so that running + pendingCapacity + change stays in min..max
//! ```
//!
//! The ratio tolerates a backlog: 0.2 leaves pending tasks up to 20 % of running capacity. It
//! damps growth only when something runs, and idle capacity is not credited. A negative change
//! was never carried out (its loop guard was inverted); workers idle out.
//! Source: taskcluster/aws-provisioner, `lib/worker-type.js`, as of 2017-05-16.

use super::{Enough, Need, Scaling};
use crate::ledger::Supply;
use crate::units::Ratio;
use crate::worker_type::RequestedCounts;

pub(super) struct ScalingRatio {
    pub(super) scaling_ratio: Ratio,
    pub(super) requested_counts: RequestedCounts,
}

impl Scaling for ScalingRatio {
    fn change(&self, need: &Need) -> i64 {
        let (running, coming) = (running(&need.supply), self.coming(&need.supply));
        let change = i64::from(need.pending) - coming - self.tolerated(running);
        let after = change + coming + running;
        let (min, max) = (i64::from(need.capacity_min), i64::from(need.capacity_max));
        if after >= max {
            max - running - coming
        } else if after < min {
            min - running - coming
        } else {
            change
        }
    }

    fn enough(&self, supply: &Supply, capacity_min: u32) -> Option<Enough> {
        let (running, coming) = (running(supply), self.coming(supply));
        let pending = u32::try_from(coming + self.tolerated(running)).ok()?;
        (i64::from(capacity_min) <= running + coming).then_some(Enough::for_pending(pending))
    }

    fn keep(&self, _need: &Need) -> Option<u32> {
        None
    }
}

const fn running(supply: &Supply) -> i64 {
    supply.running as i64 + supply.working as i64
}

impl ScalingRatio {
    fn coming(&self, supply: &Supply) -> i64 {
        let requested = match self.requested_counts {
            RequestedCounts::OneEach => supply.requests,
            RequestedCounts::Capacity => supply.requested,
        };
        i64::from(supply.pending) + i64::from(requested)
    }

    /// `Math.round(ratio × running)`: half up.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a capacity is below 2^32"
    )]
    fn tolerated(&self, running: i64) -> i64 {
        libm::floor(self.scaling_ratio.as_f64() * running as f64 + 0.5) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(running: u32, coming: u32, pending: u32, ratio_millionths: u64, max: u32) -> i64 {
        let policy = ScalingRatio {
            scaling_ratio: Ratio::from_millionths(ratio_millionths),
            requested_counts: RequestedCounts::OneEach,
        };
        let supply = Supply { working: running, pending: coming, ..Supply::default() };
        let need = Need { pending, claimed: 0, supply, capacity_min: 0, capacity_max: max };
        policy.change(&need)
    }

    #[test]
    fn the_worked_values_of_the_predecessor_hold() {
        assert_eq!(change(0, 0, 10, 1_100_000, 1_000), 10);
        assert_eq!(change(100, 0, 50, 200_000, 100), 0);
        assert_eq!(change(50, 0, 50, 200_000, 1_000), 40);
        assert_eq!(change(50, 0, 0, 200_000, 1_000), -10);
        assert_eq!(change(50, 20, 30, 200_000, 1_000), 0);
    }

    #[test]
    fn a_tolerated_half_rounds_up() {
        assert_eq!(change(5, 0, 10, 100_000, 1_000), 9);
        assert_eq!(change(15, 0, 10, 100_000, 1_000), 8);
    }

    #[test]
    fn an_open_request_counts_one_whatever_its_capacity_unless_repaired() {
        let supply = Supply { requested: 8, requests: 2, ..Supply::default() };
        let need = Need { pending: 10, claimed: 0, supply, capacity_min: 0, capacity_max: 100 };
        let change = |requested_counts| {
            ScalingRatio { scaling_ratio: Ratio::ZERO, requested_counts }.change(&need)
        };
        assert_eq!(change(RequestedCounts::OneEach), 8);
        assert_eq!(change(RequestedCounts::Capacity), 2);
    }

    #[test]
    fn the_range_clamps_both_ways() {
        assert_eq!(change(90, 5, 50, 0, 100), 5);
        assert_eq!(change(120, 0, 0, 0, 100), -20);
        let policy =
            ScalingRatio { scaling_ratio: Ratio::ZERO, requested_counts: RequestedCounts::OneEach };
        let supply = Supply { working: 1, ..Supply::default() };
        let need = Need { pending: 0, claimed: 0, supply, capacity_min: 3, capacity_max: 9 };
        assert_eq!(policy.change(&need), 2);
    }
}
