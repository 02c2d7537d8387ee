//! How much capacity a worker type wants: the first policy seam.
//!
//! A policy is a pure function of demand, supply and the configured range. Float arithmetic here
//! is on task counts, never on money, and only with operations that are exact by IEEE 754 on
//! every platform.

mod estimator;
mod scaling_ratio;

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

/// What a scaling policy wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Want {
    /// Units of capacity to add; negative if there are too many.
    pub(crate) change: i64,
    /// Units it would keep if it had to choose, where it has a separate target for that.
    pub(crate) keep: Option<u32>,
}

/// A scaling policy.
pub(crate) trait Scaling {
    /// How much capacity is wanted.
    fn want(&self, need: &Need) -> Want;
}

impl Scaling for ScalingPolicy {
    fn want(&self, need: &Need) -> Want {
        match *self {
            Self::ScalingRatio { scaling_ratio, requested_counts } => {
                scaling_ratio::ScalingRatio { scaling_ratio, requested_counts }.want(need)
            }
            Self::Estimator { scaling_ratio, idle, requested } => {
                estimator::Estimator { scaling_ratio, idle, requested }.want(need)
            }
        }
    }
}
