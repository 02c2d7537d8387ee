//! How much capacity a worker type wants: the first policy seam.
//!
//! A policy is a pure function of demand, supply and the configured range. Float arithmetic here
//! is on task counts, never on money, and only with operations that are exact by IEEE 754 on
//! every platform.

mod estimator;
mod scaling_ratio;
mod target;

use core::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use self::estimator::Estimator;
use self::scaling_ratio::ScalingRatio;
use self::target::Target;
use crate::ledger::Supply;
use crate::worker_type::ScalingPolicy;

/// What a scaling policy looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// Tasks waiting.
    pub(crate) pending: u32,
    /// Tasks held by workers.
    pub(crate) claimed: u32,
    /// Capacity by stage.
    pub(crate) supply: Supply,
    /// Least capacity to keep.
    pub(crate) capacity_min: u32,
    /// Most capacity to have.
    pub(crate) capacity_max: u32,
}

/// Counts for which some supply is surely enough. Most counts are such, and knowing it they need no
/// closer look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enough {
    /// So many tasks wait at most.
    pending: u32,
    /// Tasks waiting and held by workers are fewer than that.
    all_below: NonZeroU32,
}

impl Enough {
    /// For so many tasks, waiting and held by workers together.
    const fn for_all(tasks: u32) -> Self {
        Self { pending: u32::MAX, all_below: NonZeroU32::MIN.saturating_add(tasks) }
    }

    /// For so many waiting tasks.
    const fn for_pending(tasks: u32) -> Self {
        Self { pending: tasks, all_below: NonZeroU32::MAX }
    }

    /// The same as long as nothing waits.
    pub(crate) const fn for_none_pending(self) -> Self {
        Self { pending: 0, ..self }
    }

    /// Whether it is, for these.
    pub(crate) const fn is_for(self, pending: u32, claimed: u32) -> bool {
        pending <= self.pending && pending.saturating_add(claimed) < self.all_below.get()
    }
}

/// A scaling policy.
pub(crate) trait Scaling {
    /// Units of capacity to add; negative if there are too many.
    fn change(&self, need: &Need) -> i64;

    /// For which counts there is surely nothing to add, and nothing to remember, with this supply;
    /// `None` if that takes a closer look at each.
    fn enough(&self, supply: &Supply, capacity_min: u32) -> Option<Enough>;

    /// Units it would keep if it had to choose, where it has a separate target for that.
    fn keep(&self, need: &Need) -> Option<u32>;
}

impl Scaling for ScalingPolicy {
    fn change(&self, need: &Need) -> i64 {
        match *self {
            Self::ScalingRatio { scaling_ratio, requested_counts } => {
                ScalingRatio { scaling_ratio, requested_counts }.change(need)
            }
            Self::Estimator { scaling_ratio, idle, requested } => {
                Estimator { scaling_ratio, idle, requested }.change(need)
            }
            Self::Target { scaling_ratio, settle: _, band: _ } => {
                Target { scaling_ratio }.change(need)
            }
        }
    }

    fn enough(&self, supply: &Supply, capacity_min: u32) -> Option<Enough> {
        match *self {
            Self::ScalingRatio { scaling_ratio, requested_counts } => {
                ScalingRatio { scaling_ratio, requested_counts }.enough(supply, capacity_min)
            }
            Self::Estimator { scaling_ratio, idle, requested } => {
                Estimator { scaling_ratio, idle, requested }.enough(supply, capacity_min)
            }
            Self::Target { scaling_ratio, settle: _, band: _ } => {
                Target { scaling_ratio }.enough(supply, capacity_min)
            }
        }
    }

    fn keep(&self, need: &Need) -> Option<u32> {
        match *self {
            Self::ScalingRatio { scaling_ratio, requested_counts } => {
                ScalingRatio { scaling_ratio, requested_counts }.keep(need)
            }
            Self::Estimator { scaling_ratio, idle, requested } => {
                Estimator { scaling_ratio, idle, requested }.keep(need)
            }
            Self::Target { scaling_ratio, settle: _, band: _ } => {
                Target { scaling_ratio }.keep(need)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::units::{Duration, Ratio};
    use crate::worker_type::{IdleCredit, RequestedCounts, RequestedCredit};

    fn policies() -> impl Strategy<Value = ScalingPolicy> {
        let idle = select(&[IdleCredit::Existing, IdleCredit::Registered, IdleCredit::Ignored][..]);
        let requested = select(&[RequestedCredit::Once, RequestedCredit::Twice][..]);
        let counts = select(&[RequestedCounts::OneEach, RequestedCounts::Capacity][..]);
        (0..4_u8, 0..=15_u64, idle, requested, counts).prop_map(
            |(which, tenths, idle, requested, requested_counts)| {
                let scaling_ratio = Ratio::from_millionths(tenths * 100_000);
                match which {
                    0 => ScalingPolicy::ScalingRatio { scaling_ratio, requested_counts },
                    1 => {
                        let (settle, band) = (Duration::MINUTE, Ratio::ZERO);
                        ScalingPolicy::Target { scaling_ratio, settle, band }
                    }
                    _ => ScalingPolicy::Estimator { scaling_ratio, idle, requested },
                }
            },
        )
    }

    fn supplies() -> impl Strategy<Value = Supply> {
        let few = || 0..6_u32;
        (few(), few(), few(), few(), few(), few()).prop_map(
            |(requested, requests, pending, running, working, stopping)| Supply {
                requested,
                requests,
                pending,
                running,
                working,
                stopping,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn what_is_enough_takes_nothing_more(
            policy in policies(),
            supply in supplies(),
            (pending, claimed) in (0..20_u32, 0..20_u32),
            (capacity_min, capacity_max) in (0..8_u32, 0..20_u32),
        ) {
            let need = Need { pending, claimed, supply, capacity_min, capacity_max };
            let enough = policy.enough(&supply, capacity_min);
            if enough.is_some_and(|it| it.is_for(pending, claimed)) {
                prop_assert!(policy.change(&need) <= 0);
            }
        }
    }

    #[test]
    fn idle_capacity_is_enough_up_to_the_last_unit_of_it() {
        let policy = ScalingPolicy::Estimator {
            scaling_ratio: Ratio::ONE,
            idle: IdleCredit::Existing,
            requested: RequestedCredit::Once,
        };
        let supply = Supply { requested: 1, working: 4, ..Supply::default() };
        let enough = policy.enough(&supply, 5).expect("nothing is missing");
        assert!(enough.is_for(3, 2));
        assert!(!enough.is_for(4, 2));
        assert!(enough.for_none_pending().is_for(0, 5));
        assert!(!enough.for_none_pending().is_for(1, 0));
        assert_eq!(policy.enough(&supply, 6), None);
    }
}
