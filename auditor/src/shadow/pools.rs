//! Pools that certainly can be bought from, as far as one can be told.
//!
//! Nothing about such a pool could stand in the way: its price is known, recent and well below the
//! worker type's limit, nothing of it is under way, it took back or failed nothing for six hours,
//! and it has given something since it last refused, or since its region did for want of a quota.

use std::collections::BTreeMap;

use crate::event::HOUR;
use crate::{EndedBy, Launch, Micros, Ms, Pool, Refusal, Scene, Told, WorkerType};

const TROUBLED: Ms = 6 * HOUR;

#[derive(Default)]
pub(super) struct Pools {
    prices: BTreeMap<Pool, (Ms, Micros)>,
    /// When all prices were last read.
    read: Option<Ms>,
    /// When something last went wrong.
    trouble: BTreeMap<Pool, Ms>,
    /// When it refused, if nothing ordered since was given.
    refused: BTreeMap<Pool, Ms>,
}

impl Pools {
    /// A fact is taken in.
    pub(super) fn learn(&mut self, scene: &Scene<'_>, told: &Told) {
        if let Some(known) = told.shows_instance_of().and_then(|it| scene.book.launch(it)) {
            let is_older = |since: &mut Ms| known.ordered < *since;
            self.refused.retain(|pool, since| *pool != known.pool || is_older(since));
        }
        let troubled = match *told {
            Told::Price { pool, price, .. } => {
                self.prices.insert(pool, (scene.at, price));
                return;
            }
            Told::PricesRead { .. } => {
                self.read = Some(scene.at);
                return;
            }
            Told::Refused { launch, why } => {
                self.refuse(scene, launch, why);
                return;
            }
            Told::Unanswered { launch } | Told::Noticed { launch } | Told::Missed { launch } => {
                launch
            }
            Told::Ended { launch, by } | Told::Stopping { launch, by } if by != EndedBy::Worker => {
                launch
            }
            _ => return,
        };
        if let Some(known) = scene.book.launch(troubled) {
            self.trouble.insert(known.pool, scene.at);
        }
    }

    /// A refusal closes its pool; a quota stands in the way of the whole region.
    fn refuse(&mut self, scene: &Scene<'_>, launch: Launch, why: Refusal) {
        let Some(known) = scene.book.launch(launch) else { return };
        let region = scene.rules.region_of(known.pool);
        for (&pool, rules) in &scene.rules.pools {
            if pool == known.pool || (why == Refusal::Quota && Some(rules.region) == region) {
                self.refused.insert(pool, scene.at);
            }
        }
    }

    /// Whether a worker type certainly can buy there.
    pub(super) fn is_usable(&self, scene: &Scene<'_>, worker_type: WorkerType, pool: Pool) -> bool {
        let rules = scene.rules;
        let limit = rules.candidate(worker_type, pool).map_or(0, |candidate| candidate.price_most);
        let stale = rules.prices_stale_after.unwrap_or(Ms::MAX) / 2;
        let is_cheap = |&(at, price): &(Ms, Micros)| {
            let is_recent = self.read.is_none_or(|read| scene.at - read.max(at) < stale);
            is_recent && price > 0 && price < limit / 2
        };
        let mut launches = scene.book.launches().map(|(_, known)| known);
        self.prices.get(&pool).is_some_and(is_cheap)
            && !self.refused.contains_key(&pool)
            && self.trouble.get(&pool).is_none_or(|at| scene.at - at >= TROUBLED)
            && !launches.any(|known| known.pool == pool && known.given.is_none())
    }
}
