//! Pools that certainly can be bought from, as far as one can be told.
//!
//! Nothing about such a pool could stand in the way:
//!
//! - its price is known and recent, and for an hour was well below the worker type's limit and below
//!   that on demand: who looks for the highest in a while is not done sooner with a peak;
//! - nothing of it is under way, and it has given a spot machine since it last refused one, or since
//!   its region did for want of a quota;
//! - did it ever take one back or fail one, or did its region for want of volumes, that was six hours
//!   ago, and it has given another since then, an hour ago: nobody need believe before that it got
//!   better.

use std::collections::BTreeMap;

use crate::book::Known;
use crate::event::HOUR;
use crate::{EndedBy, Launch, Micros, Ms, Pool, Refusal, Scene, Told, WorkerType};

const TROUBLED: Ms = 6 * HOUR;
const PROVEN: Ms = HOUR;
const CHEAP: Ms = HOUR;

#[derive(Default)]
pub(super) struct Pools {
    /// When each price was told, of those that held in the last while.
    prices: BTreeMap<Pool, Vec<(Ms, Micros)>>,
    /// When all prices were last read.
    read: Option<Ms>,
    /// When something last went wrong, and when what was ordered after that was first given.
    trouble: BTreeMap<Pool, (Ms, Option<Ms>)>,
    /// When it refused, if nothing ordered since was given.
    refused: BTreeMap<Pool, Ms>,
}

impl Pools {
    /// A fact is taken in.
    pub(super) fn learn(&mut self, scene: &Scene<'_>, told: &Told) {
        if let Some(known) = told.shows_instance_of().and_then(|it| scene.book.launch(it)) {
            self.give(scene.at, known);
        }
        let (troubled, is_region) = match *told {
            Told::Price { pool, price, .. } => {
                let prices = self.prices.entry(pool).or_default();
                prices.push((scene.at, price));
                let over = prices.iter().take_while(|(at, _)| scene.at - at >= CHEAP).count();
                prices.drain(..over.saturating_sub(1));
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
            Told::Unanswered { launch }
            | Told::Noticed { launch }
            | Told::Missed { launch, .. } => (launch, false),
            Told::Ended { launch, by } | Told::Stopping { launch, by } if by != EndedBy::Worker => {
                (launch, by == EndedBy::Volumes)
            }
            _ => return,
        };
        if let Some(known) = scene.book.launch(troubled) {
            for pool in affected(scene, known.pool, is_region) {
                self.trouble.insert(pool, (scene.at, None));
            }
        }
    }

    /// A machine is given: its pool has some.
    fn give(&mut self, at: Ms, known: &Known) {
        let Known { pool, ordered, market, .. } = *known;
        if !market.is_spot() {
            return;
        }
        if self.refused.get(&pool).is_some_and(|since| *since < ordered) {
            self.refused.remove(&pool);
        }
        if let Some((since, proven)) = self.trouble.get_mut(&pool)
            && *since < ordered
        {
            proven.get_or_insert(at);
        }
    }

    /// A refusal closes its pool; a quota stands in the way of the whole region, and so does the
    /// want of volumes. What a zone does not offer it does not offer on demand either.
    fn refuse(&mut self, scene: &Scene<'_>, launch: Launch, why: Refusal) {
        let is_about = |known: &&Known| known.market.is_spot() || why == Refusal::Unsupported;
        let Some(known) = scene.book.launch(launch).filter(is_about) else { return };
        let is_region = matches!(why, Refusal::Quota | Refusal::Volumes);
        for pool in affected(scene, known.pool, is_region) {
            self.refused.insert(pool, scene.at);
        }
    }

    /// Whether a worker type certainly can buy there.
    pub(super) fn is_usable(&self, scene: &Scene<'_>, worker_type: WorkerType, pool: Pool) -> bool {
        let rules = scene.rules;
        let limit = rules.candidate(worker_type, pool).map_or(0, |it| it.price_most) / 2;
        let limit = rules.on_demand_price(pool, scene.at).map_or(limit, |most| most.min(limit));
        let stale = rules.prices_stale_after.unwrap_or(Ms::MAX) / 2;
        let is_cheap = |prices: &Vec<(Ms, Micros)>| {
            let told = prices.last().map_or(Ms::MIN, |(at, _)| *at);
            let is_recent = self.read.is_none_or(|read| scene.at - read.max(told) < stale);
            let is_over = |next: Option<&(Ms, Micros)>| {
                next.is_some_and(|(until, _)| scene.at - until >= CHEAP)
            };
            let is_fine = |(index, price): (usize, Micros)| {
                is_over(prices.get(index + 1)) || (price > 0 && price < limit)
            };
            is_recent && prices.iter().map(|(_, price)| *price).enumerate().all(is_fine)
        };
        let mut launches = scene.book.launches().map(|(_, known)| known);
        self.prices.get(&pool).is_some_and(is_cheap)
            && !self.refused.contains_key(&pool)
            && self.trouble.get(&pool).is_none_or(|(at, proven)| {
                scene.at - at >= TROUBLED && proven.is_some_and(|at| scene.at - at >= PROVEN)
            })
            && !launches.any(|known| known.pool == pool && known.given.is_none())
    }
}

/// The pool, or all of its region.
fn affected(scene: &Scene<'_>, pool: Pool, is_region: bool) -> Vec<Pool> {
    let region = scene.rules.region_of(pool);
    let is_affected =
        |other: &Pool| *other == pool || (is_region && scene.rules.region_of(*other) == region);
    scene.rules.pools.keys().copied().filter(is_affected).collect()
}
