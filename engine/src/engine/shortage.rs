//! Shortages of spot machines, and when patience with one ends.
//!
//! A shortage begins when a worker type wants capacity and no spot machine can be had for it: the
//! market's prices, limits or gates leave its plan short, or a launch is refused for lack of
//! capacity, for its price or for the quota. It ends when EC2 accepts a spot launch, or when
//! nothing would be wanted even without the machines that were bought on demand meanwhile. After
//! `on_demand_after` of shortage, to the millisecond, what is still wanted is bought on demand;
//! spot goes on being asked, as far as the gates probe it, or for one machine a turn where no gate
//! does.
//!
//! Exact as long as patience is not shorter than the time to the next turn, when a refusal begins
//! the shortage between two.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::decision::{Decision, Market, Reason};
use crate::ids::WorkerTypeId;
use crate::observation::Refusal;
use crate::units::Time;

/// Shortages of worker types that may buy on demand, and when each began.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Shortages {
    since: BTreeMap<WorkerTypeId, Time>,
}

impl Shortages {
    /// A spot machine was given, or none is wanted any more.
    pub(super) fn end(&mut self, worker_type: WorkerTypeId) {
        self.since.remove(&worker_type);
    }
}

impl Engine {
    /// No spot machine can be had: a shortage begins, unless there is one.
    pub(super) fn fall_short(&mut self, worker_type: WorkerTypeId) {
        let config = &self.config.worker_types[worker_type.index()];
        if config.on_demand_after.is_some() && config.placement.market() != Market::OnDemand {
            self.shortages.since.entry(worker_type).or_insert(self.now);
        }
    }

    /// Since when there is a shortage, if that is so long ago that on demand is allowed.
    pub(super) fn on_demand_since(&self, worker_type: WorkerTypeId) -> Option<Time> {
        let since = *self.shortages.since.get(&worker_type)?;
        let patience = self.config.worker_types[worker_type.index()].on_demand_after?;
        (since.saturating_add(patience) <= self.now).then_some(since)
    }

    /// Looks at worker types that may buy on demand now.
    pub(super) fn lose_patience(&mut self) {
        for (&worker_type, since) in &self.shortages.since {
            let patience = self.config.worker_types[worker_type.index()].on_demand_after;
            if patience.is_some_and(|patience| since.saturating_add(patience) <= self.now) {
                self.changed.mark(worker_type);
            }
        }
    }

    /// Asks to be woken when patience with a shortage ends.
    pub(super) fn wake_for_shortages(&self, decision: &mut Decision) {
        for (worker_type, since) in &self.shortages.since {
            if let Some(patience) = self.config.worker_types[worker_type.index()].on_demand_after {
                let end = since.saturating_add(patience);
                if end > self.now {
                    decision.wake_at = decision.wake_at.min(end);
                }
            }
        }
    }
}

/// Whether a plan is short because of the spot market, and not because of us or our image.
pub(super) const fn is_shortage(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::PriceAboveMax { .. }
            | Reason::BidAboveCap { .. }
            | Reason::NoPrice { .. }
            | Reason::NoWeight { .. }
            | Reason::PoolDry { .. }
            | Reason::PoolBusy { .. }
            | Reason::PoolPenalised { .. }
            | Reason::ShareReached { .. }
            | Reason::QuotaReached { .. }
            | Reason::NotOffered { .. }
            | Reason::PriceStale { .. }
            | Reason::PriceAbsurd { .. }
    )
}

/// Whether a refusal says that there is no spot machine.
pub(super) const fn is_refused_for_shortage(refusal: Refusal) -> bool {
    match refusal {
        Refusal::InsufficientCapacity | Refusal::MaxPriceTooLow | Refusal::QuotaReached => true,
        Refusal::Cancelled
        | Refusal::Unsupported
        | Refusal::ImageUnusable
        | Refusal::VolumeLimit
        | Refusal::Rejected => false,
    }
}
