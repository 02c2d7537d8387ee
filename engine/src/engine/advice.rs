//! Telling idle workers to stop that ask: the queue-side `should-terminate` of worker-manager.
//!
//! A worker is told to stop only if the worker type can do without it: by the target that says how
//! much to buy, or, for `estimator`, by the other one that it keeps for this. `target` demands
//! that the surplus lasts. Whoever was told to stop is not counted any more, for as long as it may
//! take to do so; a worker that claimed meanwhile may go on.

use alloc::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::decision::{Action, Decision, Reason};
use crate::ids::{LaunchId, WorkerTypeId};
use crate::ledger::Stage;
use crate::scaling::{Need, Scaling};
use crate::units::{Duration, Time};
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
            if live < wanted.saturating_add(asking.capacity) {
                continue;
            }
            self.advice.told.insert(launch, now + OBEYED_WITHIN);
            decision.actions.push(Action::AdviseStop { launch });
            self.because(decision, Reason::Surplus { launch, wanted, live });
        }
    }

    /// Capacity wanted and capacity there, if there may be too much of it.
    fn surplus(&self, id: WorkerTypeId) -> Option<(u32, u32)> {
        let counts = self.demands.of(id, self.now).ok()?;
        let worker_type = &self.config.worker_types[id.index()];
        let settled = match worker_type.scaling {
            ScalingPolicy::Target { settle, .. } => {
                let since = self.states[id.index()].surplus_since?;
                self.now.since(since) >= settle
            }
            ScalingPolicy::Estimator { .. } | ScalingPolicy::ScalingRatio { .. } => true,
        };
        let supply = self.ledger.supply(id);
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
        settled.then_some((wanted, supply.live().saturating_sub(leaving)))
    }
}
