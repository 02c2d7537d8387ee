//! Shortages of spot machines, and when patience with one ends.
//!
//! A shortage begins when a worker type wants capacity and no spot machine can be had for it: the
//! market's prices, limits or gates leave its plan short, or a launch is refused for lack of
//! capacity, for its price or for the quota. It ends when EC2 accepts a spot launch, or when
//! nothing would be wanted even without open requests and machines that were bought on demand.
//! After `on_demand_after` of shortage, to the millisecond, all that is still wanted is bought on
//! demand. What is wanted later goes on demand at once, but for the launches with which the gates
//! probe the spot pools; where no gate does, one machine a turn of several probes them.
//!
//! Exact as long as patience is not shorter than the time to the next turn, when a refusal begins
//! the shortage between two.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::decision::{Decision, Market, Reason};
use crate::ids::WorkerTypeId;
use crate::observation::Refusal;
use crate::remap::Remap;
use crate::units::Time;

/// Shortages of worker types that may buy on demand, and when each began.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Shortages {
    all: BTreeMap<WorkerTypeId, Shortage>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Shortage {
    since: Time,
    /// Something was bought on demand because of it.
    fell_back: bool,
}

impl Shortages {
    /// Goes over to another configuration.
    pub(super) fn configure(&mut self, remap: &Remap) {
        let moved = |(old, shortage)| Some((remap.worker_type(old)?, shortage));
        self.all = core::mem::take(&mut self.all).into_iter().filter_map(moved).collect();
    }

    /// A spot machine was given, or none is wanted any more.
    #[inline]
    pub(super) fn end(&mut self, worker_type: WorkerTypeId) {
        if !self.all.is_empty() {
            self.all.remove(&worker_type);
        }
    }

    /// Whether there is one.
    pub(super) fn is_in_one(&self, worker_type: WorkerTypeId) -> bool {
        self.all.contains_key(&worker_type)
    }

    /// Something was bought on demand because of it.
    pub(super) fn fall_back(&mut self, worker_type: WorkerTypeId) {
        if let Some(shortage) = self.all.get_mut(&worker_type) {
            shortage.fell_back = true;
        }
    }
}

impl Engine {
    /// No spot machine can be had: a shortage begins, unless there is one.
    pub(super) fn fall_short(&mut self, worker_type: WorkerTypeId) {
        let config = &self.config.worker_types[worker_type.index()];
        if config.on_demand_after.is_some() && config.placement.market() != Market::OnDemand {
            let shortage = Shortage { since: self.now, fell_back: false };
            self.shortages.all.entry(worker_type).or_insert(shortage);
        }
    }

    /// Since when there is a shortage, if that is so long ago that on demand is allowed.
    pub(super) fn on_demand_since(&self, worker_type: WorkerTypeId) -> Option<Time> {
        let since = self.shortages.all.get(&worker_type)?.since;
        (self.patience_ends(worker_type, since) <= self.now).then_some(since)
    }

    /// How much of so many units is asked of the spot market.
    pub(super) fn spot_share(&self, worker_type: WorkerTypeId, wanted: u32) -> u32 {
        if self.on_demand_since(worker_type).is_none() {
            return wanted;
        }
        match self.shortages.all.get(&worker_type) {
            Some(Shortage { fell_back: false, .. }) => 0,
            _ if self.config.guards.ice.is_some() => wanted,
            _ => (wanted - 1).min(1),
        }
    }

    /// Looks at worker types that may buy on demand now.
    pub(super) fn lose_patience(&mut self) {
        for (&worker_type, shortage) in &self.shortages.all {
            if self.patience_ends(worker_type, shortage.since) <= self.now {
                self.changed.mark(worker_type);
            }
        }
    }

    /// Asks to be woken when patience with a shortage ends.
    pub(super) fn wake_for_shortages(&self, decision: &mut Decision) {
        let ends =
            self.shortages.all.iter().map(|(id, shortage)| self.patience_ends(*id, shortage.since));
        if let Some(end) = ends.filter(|end| *end > self.now).min() {
            decision.wake_at = decision.wake_at.min(end);
        }
    }

    fn patience_ends(&self, worker_type: WorkerTypeId, since: Time) -> Time {
        let patience = self.config.worker_types[worker_type.index()].on_demand_after;
        patience.map_or(Time::MAX, |patience| since.saturating_add(patience))
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
            | Reason::PoolWarned { .. }
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
