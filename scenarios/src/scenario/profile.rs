//! Whole provisioners: one scenario, run as the predecessors would have run it, or as we do.
//!
//! A profile replaces what a provisioner *is*: its policies, guards and habits. What its owner
//! *configures* stays as the file says: capacities, prices, pools, timeouts, workers. Options of a
//! policy that is the profile's own are kept, and so are our guards where the file sets them.
//! Sources: taskcluster/aws-provisioner, 2017-05 (v1), and taskcluster/taskcluster,
//! services/worker-manager, 2026-08.

use provisioner_engine::guards::{
    Guards, ListingRule, Memory, Removed, StrayRule, Unanswered, ZombieRule,
};
use provisioner_engine::units::{Duration, Ratio};
use provisioner_engine::worker_type::{
    BiasRule, BidRule, EngineConfig, ErrorAttribution, IdleCredit, OverCap, Overshoot,
    PlacementPolicy, RequestedCounts, RequestedCredit, ScalingPolicy, Selection, SpendLimits,
    SpreadRule, WeightedMarket, WorkerType,
};

/// worker-manager's `queueInactivityTimeout`: whoever never claimed, or stopped claiming, for this
/// long is ended.
const INACTIVITY: Duration = Duration::from_hours(2);

/// A provisioner that a scenario can be run by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Taskcluster's aws-provisioner of 2017-05: `scaling-ratio` and `cheapest`, one launch a
    /// call, what is under way kept in memory only, no registration timeout.
    V1,
    /// Taskcluster's worker-manager: `estimator` and `weighted`, one call for all instances of a
    /// launch config, a database that remembers, two hours of patience with whoever claims nothing.
    WorkerManager,
    /// The engine that the file describes without what `[incident]` names.
    Unguarded,
    /// This engine as it is meant to be run: its own policies, and every guard.
    Ours,
}

impl Profile {
    /// All profiles, the oldest first.
    pub const ALL: [Self; 4] = [Self::V1, Self::WorkerManager, Self::Unguarded, Self::Ours];

    /// What it is called in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::WorkerManager => "worker-manager",
            Self::Unguarded => "unguarded",
            Self::Ours => "ours",
        }
    }

    /// Turns the configured provisioner into this one.
    pub(super) fn apply(self, engine: &mut EngineConfig) {
        match self {
            Self::V1 => {
                let (unanswered, memory) = (Unanswered::Forgotten, Memory::Listed);
                // A request was remembered until it was listed, for some twenty minutes.
                let listing = Some(ListingRule::believed(Duration::from_mins(20)));
                let strays = Some(StrayRule { patience: Duration::ZERO, adopt: true });
                let removed = Removed::Killed;
                engine.guards =
                    Guards { listing, strays, removed, unanswered, memory, ..Guards::off() };
                engine.limits.launches_per_call_max = 1;
                engine.limits.spend = SpendLimits::default();
            }
            Self::WorkerManager => {
                let (unanswered, memory) = (Unanswered::Forgotten, Memory::Durable);
                let listing = Some(ListingRule::believed(Duration::ZERO));
                let zombies = Some(ZombieRule {
                    patience: INACTIVITY,
                    suspected_after: None,
                    ..ZombieRule::default()
                });
                engine.guards = Guards { listing, unanswered, memory, zombies, ..Guards::off() };
                engine.limits.launches_per_call_max = u32::MAX;
                engine.limits.spend = SpendLimits::default();
            }
            Self::Unguarded => return,
            Self::Ours if engine.guards == Guards::off() => engine.guards = Guards::default(),
            Self::Ours => {}
        }
        engine.worker_types.iter_mut().for_each(|worker_type| self.apply_to(worker_type));
    }

    fn apply_to(self, worker_type: &mut WorkerType) {
        worker_type.scaling = self.scaling(worker_type.scaling);
        worker_type.placement = self.placement(worker_type.placement);
        worker_type.overshoot = match self {
            Self::V1 | Self::WorkerManager => Overshoot::Historical,
            Self::Unguarded | Self::Ours => Overshoot::Never,
        };
        match self {
            Self::V1 => worker_type.registration_timeout = None,
            Self::WorkerManager => {
                worker_type.registration_timeout.get_or_insert(INACTIVITY);
            }
            Self::Unguarded | Self::Ours => {}
        }
        if self != Self::Ours {
            // Neither had schedules, a way to on-demand instances, or ceilings on spending.
            worker_type.floors = Vec::new();
            worker_type.on_demand_after = None;
            worker_type.spend = SpendLimits::default();
        }
    }

    fn scaling(self, configured: ScalingPolicy) -> ScalingPolicy {
        match (self, configured) {
            (Self::V1, own @ ScalingPolicy::ScalingRatio { .. })
            | (Self::WorkerManager, own @ ScalingPolicy::Estimator { .. })
            | (Self::Ours, own @ ScalingPolicy::Target { .. })
            | (Self::Unguarded, own) => own,
            (Self::V1, _) => ScalingPolicy::ScalingRatio {
                scaling_ratio: Ratio::ZERO,
                requested_counts: RequestedCounts::OneEach,
            },
            (Self::WorkerManager, _) => ScalingPolicy::Estimator {
                scaling_ratio: Ratio::ONE,
                idle: IdleCredit::Existing,
                requested: RequestedCredit::Twice,
            },
            (Self::Ours, _) => ScalingPolicy::Target {
                scaling_ratio: Ratio::ONE,
                settle: Duration::from_mins(10),
                band: Ratio::from_millionths(100_000),
            },
        }
    }

    fn placement(self, configured: PlacementPolicy) -> PlacementPolicy {
        match (self, configured) {
            (Self::V1, own @ PlacementPolicy::Cheapest { .. })
            | (Self::WorkerManager, own @ PlacementPolicy::Weighted { .. })
            | (Self::Ours, own @ PlacementPolicy::Spread(_))
            | (Self::Unguarded, own) => own,
            (Self::V1, _) => PlacementPolicy::Cheapest {
                bid: BidRule { over_cap: OverCap::HistoricalOnce, ..BidRule::default() },
                bias: BiasRule::KillRate,
            },
            (Self::WorkerManager, _) => PlacementPolicy::Weighted {
                market: WeightedMarket::Spot,
                selection: Selection::EvenSplit,
                errors: ErrorAttribution::Unattributed,
            },
            (Self::Ours, _) => PlacementPolicy::Spread(SpreadRule::default()),
        }
    }
}
