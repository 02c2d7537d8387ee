//! What drives a run from outside: tasks, market prices and availability, in time order.
//!
//! Recorded and generated input look alike here. Names were turned into ids at the edge.
//! Not here: reading files (the `scenarios` crate).

use provisioner_engine::ids::{PoolId, WorkerTypeId};
use provisioner_engine::units::{Duration, Time, UsdPerHour};

/// A task of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// When it enters the queue.
    pub submitted: Time,
    /// How long it runs on a worker of utility 1.
    pub duration: Duration,
    /// When it is given up if it was not resolved; [`Time::MAX`] for never.
    pub deadline: Time,
    /// Whose queue it enters.
    pub worker_type: WorkerTypeId,
    /// Who goes first.
    pub priority: Priority,
    /// How often it may be run again after its worker was lost.
    pub retries: u8,
}

/// Taskcluster's task priorities; an earlier variant is served before a later one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Priority {
    /// Served first.
    Highest,
    /// `very-high`.
    VeryHigh,
    /// `high`.
    High,
    /// `medium`.
    Medium,
    /// `low`.
    Low,
    /// `very-low`.
    VeryLow,
    /// `lowest`, Taskcluster's default.
    #[default]
    Lowest,
}

impl Priority {
    /// All of them, the first served first.
    pub const ALL: [Self; 7] = [
        Self::Highest,
        Self::VeryHigh,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::VeryLow,
        Self::Lowest,
    ];

    /// Taskcluster's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Highest => "highest",
            Self::VeryHigh => "very-high",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::VeryLow => "very-low",
            Self::Lowest => "lowest",
        }
    }
}

/// Runs allowed after the first one: Taskcluster's default for `retries`.
pub const RETRIES_DEFAULT: u8 = 5;

/// Tasks in the order in which they are submitted.
pub trait TaskSource: Send {
    /// The next task, none earlier than the one before it; `None` when there are no more.
    fn next_task(&mut self) -> Option<Task>;
}

/// A market price that holds from `at` until the pool's next change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceChange {
    /// From when.
    pub at: Time,
    /// Where.
    pub pool: PoolId,
    /// How much.
    pub price: UsdPerHour,
}

/// How many spot instances a pool can serve from `at` until its next change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvailabilityChange {
    /// From when.
    pub at: Time,
    /// Where.
    pub pool: PoolId,
    /// How many instances at once; 0 means insufficient capacity, [`u32::MAX`] no limit.
    pub available: u32,
}
