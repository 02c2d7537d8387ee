//! Going over to another configuration without forgetting what runs.
//!
//! Worker types, regions, pools and images are the same if they have the same name. What the new
//! configuration lacks and launches still need is kept beside it: such a worker type stands after
//! the served ones, is neither fed nor ended, and its workers idle out; such a pool is not bought
//! from. So is a worker type that has spent some of its day's money: should it come back, that is
//! still spent.

use alloc::vec::Vec;

use super::floors::Floors;
use super::{Changed, Engine, State, price_reach};
use crate::decision::Reason;
use crate::guards::Removed;
use crate::ids::{LaunchId, WorkerTypeId};
use crate::ledger::{Launch, NO_CANDIDATE, Stage};
use crate::remap::Remap;
use crate::spend::Ends;
use crate::units::{Duration, Time};
use crate::worker_type::{Candidate, EngineConfig, WorkerType};

impl Engine {
    /// Goes over to another configuration. One without worker types is an accident, not a wish:
    /// it is refused, and the old one holds.
    ///
    /// From now on ids are the new configuration's. Counts of new worker types and prices of new
    /// pools are not known until they are told.
    ///
    /// Panics as [`Engine::new`] does, or if `now` lies before the previous call.
    pub fn configure(&mut self, now: Time, mut config: EngineConfig) {
        self.advance(now);
        let kills = config.guards.removed == Removed::Killed;
        if config.worker_types.is_empty() && self.served > 0 && !kills {
            let kept = u32::try_from(self.served).unwrap_or(u32::MAX);
            self.say(Reason::ConfigurationEmpty { kept });
            return;
        }
        super::check(&config);
        self.served = config.worker_types.len();
        let remap = self.remap(&mut config);
        let pools = config.catalog.pools().len();
        let worker_types = &config.worker_types;
        self.ledger.configure(worker_types.iter().map(|known| known.candidates.len()), &remap);
        let reach = worker_types.iter().map(price_reach).max().unwrap_or(Duration::ZERO);
        let spend = worker_types.iter().map(|known| known.spend);
        let ends = Ends::new(config.limits.spend_ends_within, config.guards.api);
        self.ledger.configure_spend(now, ends, config.limits.spend, spend, &remap);
        self.shortages.configure(&remap);
        self.suspects.configure(&remap);
        self.prices.configure(pools, reach, config.guards.prices_stale_after, &remap);
        self.history.configure(pools, &remap);
        self.gates.configure(config.guards, &remap);
        self.listings.configure(&config, &remap);
        self.calls.configure(&remap);
        self.budget.configure(config.guards.api, &remap);
        let limit = config.limits.demand_stale_after;
        self.demands.configure(worker_types.len(), limit, &remap);
        let mut states: Vec<State> =
            worker_types.iter().map(|known| State::new(config.seed, known)).collect();
        let old_states = core::mem::take(&mut self.states);
        for (old, State { errors, random, favourite, surplus }) in
            (0..).map(WorkerTypeId::new).zip(old_states)
        {
            let Some(new) = remap.worker_type(old) else { continue };
            let candidates = worker_types[new.index()].candidates.len();
            let moved = |candidate| remap.candidate(old, candidate);
            let favourite = favourite.and_then(|(liked, since)| Some((moved(liked)?, since)));
            let errors = errors.configure(candidates, moved);
            states[new.index()] = State { errors, random, favourite, surplus };
        }
        self.states = states;
        self.floors = Floors::new(worker_types);
        self.changed = Changed::all_of(worker_types.len());
        self.first_in_line =
            remap.worker_type(self.first_in_line).unwrap_or_else(|| WorkerTypeId::new(0));
        self.config = config;
        self.recount_under_way();
        if kills {
            let launches = self.ledger.iter().filter(|(_, launch)| self.is_to_be_killed(launch));
            let rogues: Vec<LaunchId> = launches.map(|(id, _)| id).collect();
            rogues.into_iter().for_each(|id| self.put_off(id, now));
        }
    }

    /// Whether its worker type was removed, and that is reason enough to end it.
    pub(super) fn is_to_be_killed(&self, launch: &Launch) -> bool {
        launch.worker_type.index() >= self.served && self.config.guards.removed == Removed::Killed
    }

    /// Tells the gates what is under way where. They hear of the end of those launches only whose
    /// candidate the configuration still has.
    fn recount_under_way(&mut self) {
        let launches = self.ledger.iter().filter(|(_, it)| it.candidate != NO_CANDIDATE);
        let under_way = launches.filter(|(_, it)| it.stage < Stage::Working);
        let sites: Vec<_> = under_way
            .map(|(_, it)| (self.site(it.worker_type, it.candidate, it.market), it.stage))
            .collect();
        self.gates.recount(&sites);
    }

    /// Whether machines of a removed instance type keep a worker type from being served.
    pub(super) fn is_stuck(&self, id: WorkerTypeId) -> bool {
        let has_removed = |launch: &Launch| {
            launch.worker_type == id
                && launch.candidate == NO_CANDIDATE
                && launch.stage != Stage::Stopping
        };
        self.config.guards.removed == Removed::Killed
            && self.ledger.iter().any(|(_, launch)| has_removed(launch))
    }

    /// Adds to the configuration what launches still need of the old one; says what is what.
    fn remap(&self, config: &mut EngineConfig) -> Remap {
        let old = &self.config;
        let (regions, images, pools) = config.catalog.absorb(&old.catalog);
        let mut worker_types = Vec::new();
        let mut candidates = Vec::new();
        for (id, known) in (0..).map(WorkerTypeId::new).zip(&old.worker_types) {
            let there = |worker_type: &WorkerType| worker_type.name == known.name;
            let moved = || {
                known.candidates.iter().map(|candidate| Candidate {
                    pool: pools[candidate.pool.index()],
                    image: images[candidate.image.index()],
                    ..*candidate
                })
            };
            let mut new = config.worker_types.iter().position(there);
            let is_needed = || {
                let has_spent = self.ledger.spend().has_begun(self.now, id);
                has_spent || !self.ledger.supply(id).is_empty()
            };
            if new.is_none() && is_needed() {
                new = Some(config.worker_types.len());
                let retired = WorkerType { candidates: moved().collect(), ..known.clone() };
                config.worker_types.push(retired);
            }
            let new = new.map(WorkerTypeId::new);
            worker_types.push(new);
            let of = |candidate: Candidate| {
                Some(config.worker_types[new?.index()].candidate_of(candidate.pool)?.0)
            };
            candidates.push(moved().map(of).collect());
        }
        Remap { regions, images, pools, worker_types, candidates }
    }
}
