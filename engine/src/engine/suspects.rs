//! Workers that may hang: suspected while tasks wait though capacity is free, and not counted once
//! that is proven.
//!
//! A worker that hangs looks idle until it is a zombie. Where tasks wait at every look for some
//! minutes and working capacity beyond what is claimed should have taken them, the queue is asked
//! about those workers that were there before, whoever is known to be silent for longest first.
//! One that held nothing for those minutes does not count as supply any more, so that another is
//! bought in its place; it counts again with its first claim. Nothing is ended here.
//!
//! Never a loop: a worker that came after tasks began to wait is not suspected until the waiting
//! was over once, so that each is replaced at most once. Where its replacement is silent too, the
//! counts lie or the image does, and that is not for buying to repair. Nobody is asked twice
//! within those minutes, and few at once.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize};

use super::Engine;
use super::demand::Counts;
use crate::decision::{Action, Decision};
use crate::ids::{LaunchId, WorkerTypeId};
use crate::ledger::{Launch, Ledger, Stage, Supply};
use crate::remap::Remap;
use crate::units::{Duration, Time};

/// So many more workers of a worker type are asked after at once, besides those that are silent.
const ASKED_AT_ONCE: usize = 10;

/// Answers may take so long: asked that much later, two of them are far enough apart.
const ANSWERED_WITHIN: Duration = Duration::MINUTE;

/// Worker types of which a worker is or may be silent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Suspects {
    all: BTreeMap<WorkerTypeId, Suspicion>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Suspicion {
    /// Since when tasks wait though capacity is free, and when the queue is next asked.
    waits: Option<Wait>,
    /// Workers proven not to claim, and since when each held nothing.
    silent: BTreeMap<LaunchId, Time>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Wait {
    since: Time,
    next: Time,
}

impl Suspects {
    /// Goes over to another configuration.
    pub(super) fn configure(&mut self, remap: &Remap) {
        let moved = |(old, suspicion)| Some((remap.worker_type(old)?, suspicion));
        self.all = mem::take(&mut self.all).into_iter().filter_map(moved).collect();
    }

    /// Whether a worker of it is or may be silent.
    pub(super) fn knows(&self, worker_type: WorkerTypeId) -> bool {
        self.all.contains_key(&worker_type)
    }

    /// Nothing is known of who waits.
    pub(super) fn lose_sight(&mut self, worker_type: WorkerTypeId) {
        if let Some(suspicion) = self.all.get_mut(&worker_type) {
            suspicion.waits = None;
        }
    }
}

impl Engine {
    /// Takes in whether tasks wait though capacity is free; gives the supply without what is proven
    /// not to claim.
    pub(super) fn suspect(&mut self, id: WorkerTypeId, counts: Counts) -> Supply {
        let supply = self.ledger.supply(id);
        let Some(after) = self.suspected_after() else { return supply };
        let is_free = counts.pending > 0 && supply.working > counts.claimed;
        if !is_free && !self.suspects.all.contains_key(&id) {
            return supply;
        }
        let suspicion = self.suspects.all.entry(id).or_default();
        let first = Wait { since: self.now, next: self.now.saturating_add(after) };
        suspicion.waits = is_free.then(|| suspicion.waits.unwrap_or(first));
        suspicion.silent.retain(|id, _| works(&self.ledger, *id));
        if suspicion.waits.is_none() && suspicion.silent.is_empty() {
            self.suspects.all.remove(&id);
        }
        self.without_silent(id, counts, supply)
    }

    /// The supply without what is proven not to claim, as far as that fits with what is claimed.
    pub(super) fn without_silent(
        &self,
        id: WorkerTypeId,
        counts: Counts,
        supply: Supply,
    ) -> Supply {
        let Some(Suspicion { silent, .. }) = self.suspects.all.get(&id) else { return supply };
        let works = |launch: &&Launch| launch.stage == Stage::Working;
        let launches = silent.keys().filter_map(|launch| self.ledger.get(*launch));
        let units: u32 = launches.filter(works).map(|launch| launch.capacity).sum();
        let free = supply.working.saturating_sub(counts.claimed);
        Supply { working: supply.working - units.min(free), ..supply }
    }

    /// Asks the queue about suspects, where that is due.
    pub(super) fn ask_suspects(&mut self, decision: &mut Decision) {
        let Some(after) = self.suspected_after() else { return };
        let ordered = decision.actions.len();
        for (&worker_type, Suspicion { waits, silent }) in &mut self.suspects.all {
            let Some(wait) = waits.as_mut().filter(|wait| wait.next <= self.now) else { continue };
            wait.next = self.now.saturating_add(after).saturating_add(ANSWERED_WITHIN);
            let is_suspect = |launch: &Launch| {
                launch.worker_type == worker_type
                    && launch.stage == Stage::Working
                    && launch.accepted <= Some(wait.since)
            };
            let mut suspects: Vec<_> = self
                .ledger
                .iter()
                .filter(|(id, launch)| is_suspect(launch) && !silent.contains_key(id))
                .map(|(id, launch)| (launch.signs.silence(), id))
                .collect();
            suspects.sort_unstable();
            let asked = suspects.iter().map(|(_, id)| id).take(ASKED_AT_ONCE);
            silent.retain(|id, _| works(&self.ledger, *id));
            for &launch in silent.keys().chain(asked) {
                // Whoever is to be ended or asked after anyway is left to that.
                let is_about = |action: &Action| worker(action) == Some(launch);
                if !decision.actions[..ordered].iter().any(is_about) {
                    decision.actions.push(Action::CheckWorker { launch });
                }
            }
        }
    }

    /// The queue answered about a worker: it is silent, or it is not any more.
    pub(super) fn judge_suspect(&mut self, id: LaunchId, launch: &Launch) {
        let Some(after) = self.suspected_after() else { return };
        let Some(suspicion) = self.suspects.all.get_mut(&launch.worker_type) else { return };
        let known = suspicion.silent.get(&id).copied();
        let (empty_since, checked) = launch.signs.known_empty().unzip();
        let silent = match (suspicion.waits, empty_since, checked) {
            _ if known.is_some() && empty_since == known => known,
            (Some(Wait { since, .. }), Some(empty), Some(checked)) => {
                let proven = empty.max(since).saturating_add(after) <= checked;
                let was_there = launch.accepted <= Some(since);
                Some(empty).filter(|_| proven && was_there && launch.stage == Stage::Working)
            }
            (None, ..) | (_, None, _) | (_, _, None) => None,
        };
        if silent != known {
            match silent {
                Some(empty) => suspicion.silent.insert(id, empty),
                None => suspicion.silent.remove(&id),
            };
            self.changed.mark(launch.worker_type);
        }
    }

    /// Whether workers are suspected where tasks wait though capacity is free.
    pub(super) fn is_suspicious(&self) -> bool {
        self.suspected_after().is_some()
    }

    fn suspected_after(&self) -> Option<Duration> {
        self.config.guards.zombies?.suspected_after
    }
}

fn works(ledger: &Ledger, id: LaunchId) -> bool {
    ledger.get(id).is_some_and(|launch| launch.stage == Stage::Working)
}

/// Whose worker is to be ended or asked after.
const fn worker(action: &Action) -> Option<LaunchId> {
    match *action {
        Action::Cancel { launch }
        | Action::Terminate { launch, unless_claimed: _ }
        | Action::CheckWorker { launch }
        | Action::AdviseStop { launch } => Some(launch),
        Action::Launch { .. } | Action::EndStray { .. } | Action::ListInstances { .. } => None,
    }
}
