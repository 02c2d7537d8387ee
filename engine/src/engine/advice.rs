//! Telling idle workers to stop that ask: the queue-side `should-terminate` of worker-manager.
//!
//! A worker is told to stop only if the worker type can do without it: by the target that says how
//! much to buy, or, for `estimator`, by the other one that it keeps for this. `target` demands
//! that the surplus lasts: only what was too much at every moment of a whole period may go, and
//! then a new period begins; a share beyond the target stays. Whoever was told to stop is not counted any more, for as long as it
//! may take to do so; a worker that claimed meanwhile may go on.

use alloc::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::decision::{Action, Decision, Reason};
use crate::ids::{LaunchId, WorkerTypeId};
use crate::ledger::Stage;
use crate::scaling::{Need, Scaling};
use crate::units::{Duration, Ratio, Time};
use crate::worker_type::ScalingPolicy;

/// A worker that was told to stop and has not by then goes on.
const OBEYED_WITHIN: Duration = Duration::from_mins(5);

/// Who asked, and who was told to stop.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Advice {
    asked: BTreeSet<LaunchId>,
    /// Until when each that was told to stop is not counted.
    told: BTreeMap<LaunchId, Time>,
}

impl Advice {
    /// A worker asks whether it should stop.
    pub(super) fn asked(&mut self, launch: LaunchId) {
        self.asked.insert(launch);
    }

    /// Whether a worker was told to stop lately.
    pub(super) fn was_told(&self, launch: LaunchId) -> bool {
        self.told.contains_key(&launch)
    }
}

impl Engine {
    /// Answers those who asked and should stop.
    pub(super) fn advise(&mut self, decision: &mut Decision) {
        if self.advice.asked.is_empty() {
            return;
        }
        let now = self.now;
        self.advice.told.retain(|id, until| {
            let still = self.ledger.get(*id).is_some_and(|it| it.stage == Stage::Working);
            still && now < *until
        });
        for launch in core::mem::take(&mut self.advice.asked) {
            let Some(&asking) = self.ledger.get(launch) else { continue };
            if asking.stage != Stage::Working || self.advice.told.contains_key(&launch) {
                continue;
            }
            let Some((wanted, live)) = self.surplus(asking.worker_type) else { continue };
            let kept = wanted.saturating_add(self.band(asking.worker_type, wanted));
            if live < kept.saturating_add(asking.capacity)
                || self.settled(asking.worker_type) < asking.capacity
            {
                continue;
            }
            self.advice.told.insert(launch, now + OBEYED_WITHIN);
            self.spend_surplus(asking.worker_type, asking.capacity);
            decision.actions.push(Action::AdviseStop { launch });
            self.because(decision, Reason::Surplus { launch, wanted, live });
        }
    }

    /// Capacity wanted and capacity there, if there may be too much of it.
    pub(super) fn surplus(&self, id: WorkerTypeId) -> Option<(u32, u32)> {
        let counts = self.demands.of(id, self.now)?;
        let worker_type = &self.config.worker_types[id.index()];
        let supply = self.without_silent(id, counts, self.ledger.supply(id));
        let wanted = worker_type.scaling.keep(&Need {
            pending: counts.pending,
            claimed: counts.claimed,
            supply,
            capacity_min: worker_type.capacity_min_at(self.now),
            capacity_max: worker_type.capacity_max,
        })?;
        let leaving: u32 = self
            .advice
            .told
            .keys()
            .filter_map(|told| self.ledger.get(*told))
            .filter(|told| told.worker_type == id && told.stage == Stage::Working)
            .map(|told| told.capacity)
            .sum();
        Some((wanted, supply.live().saturating_sub(leaving)))
    }

    /// Capacity above what is wanted that is kept all the same: what is wanted next may be more.
    fn band(&self, id: WorkerTypeId, wanted: u32) -> u32 {
        match self.config.worker_types[id.index()].scaling {
            ScalingPolicy::Target { band, .. } => {
                let share = u128::from(wanted) * u128::from(band.millionths());
                let band = share.div_ceil(u128::from(Ratio::ONE.millionths()));
                u32::try_from(band).unwrap_or(u32::MAX)
            }
            ScalingPolicy::Estimator { .. } | ScalingPolicy::ScalingRatio { .. } => 0,
        }
    }

    /// Capacity that has been too much for long enough.
    fn settled(&self, id: WorkerTypeId) -> u32 {
        match self.config.worker_types[id.index()].scaling {
            ScalingPolicy::Target { settle, .. } => self.states[id.index()]
                .surplus
                .filter(|(since, _)| self.now.since(*since) >= settle)
                .map_or(0, |(_, least)| least),
            ScalingPolicy::Estimator { .. } | ScalingPolicy::ScalingRatio { .. } => u32::MAX,
        }
    }

    /// So much of a surplus goes; once all of it does, a new period begins.
    fn spend_surplus(&mut self, id: WorkerTypeId, capacity: u32) {
        let surplus = &mut self.states[id.index()].surplus;
        *surplus = surplus
            .map(|(since, least)| (since, least.saturating_sub(capacity)))
            .filter(|(_, least)| *least > 0);
    }
}
