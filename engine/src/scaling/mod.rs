//! How much capacity a worker type wants: the first policy seam.
//!
//! A policy is a pure function of demand, supply and the configured range. Float arithmetic here
//! is on task counts, never on money, and only with operations that are exact by IEEE 754 on
//! every platform.

mod estimator;
mod scaling_ratio;
mod target;

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

/// A scaling policy.
pub(crate) trait Scaling {
    /// Units of capacity to add; negative if there are too many.
    fn change(&self, need: &Need) -> i64;

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
