//! One spot pool holds no more than its share of a worker type, where others could hold the rest.
//!
//! The share is of live and wanted capacity, rounded up; a small fleet may stand in one pool; and
//! with fewer usable pools than the share needs, each may hold its part of everything.
//!
//! Read in favour of the accused: wanted are all tasks waiting, or all tasks known beyond what is
//! live. Usable is a pool only if nothing
//! about it could stand in the way: its price is known, recent and well below the worker type's
//! limit, nothing of it is under way, and it refused, took back or failed nothing for six hours; nor
//! did its region for a quota or volumes, or any pool for an image or a call that is no good.
//! A call that is made again is no launch. On demand has no pools.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::{Check, EndedBy, Micros, Ms, Order, Pool, Refusal, Scene, Told, WorkerType};

const TROUBLED: Ms = 6 * 3_600_000;

#[derive(Default)]
pub(super) struct Shares {
    /// Tasks waiting, and tasks held.
    tasks: BTreeMap<WorkerType, (u32, u32)>,
    prices: BTreeMap<Pool, (Ms, Micros)>,
    /// When something last went wrong in a pool.
    trouble: BTreeMap<Pool, Ms>,
}

impl Check for Shares {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        let troubled = match *told {
            Told::Demand { worker_type, pending, claimed, .. } => {
                self.tasks.insert(worker_type, (pending, claimed));
                return;
            }
            Told::Price { pool, price, .. } => {
                self.prices.insert(pool, (scene.at, price));
                return;
            }
            Told::Refused { launch, .. }
            | Told::Unanswered { launch }
            | Told::Noticed { launch }
            | Told::Missed { launch } => launch,
            Told::Ended { launch, by } | Told::Stopping { launch, by } if by != EndedBy::Worker => {
                launch
            }
            _ => return,
        };
        let Some(known) = scene.book.launch(troubled) else { return };
        let region = scene.rules.region_of(known.pool);
        let is_hit = |pool: Pool| match *told {
            Told::Refused { why: Refusal::Image | Refusal::Rejected, .. } => true,
            Told::Refused { why: Refusal::Quota | Refusal::Volumes, .. }
            | Told::Ended { by: EndedBy::Volumes, .. } => scene.rules.region_of(pool) == region,
            _ => pool == known.pool,
        };
        let hit = scene.rules.pools.keys().filter(|pool| is_hit(**pool));
        self.trouble.extend(hit.map(|pool| (*pool, scene.at)));
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, count, worker_type, pool, market } = *order else { return };
        let Some(rule) = scene.rules.share.filter(|_| market.is_spot() && scene.book.is_new(first))
        else {
            return;
        };
        let Some(buyer) = scene.rules.worker_types.get(&worker_type) else { return };
        let Some(this) = buyer.candidates.get(&pool) else { return };
        let (mut there, mut live) = (0, 0);
        for known in scene.book.of_type(worker_type).filter(|known| known.counts()) {
            live += u64::from(known.capacity);
            let is_there = known.pool == pool && known.market.is_spot();
            there += if is_there { u64::from(known.capacity) } else { 0 };
        }
        let new = u64::from(count) * u64::from(this.capacity);
        let (pending, claimed) = self.tasks.get(&worker_type).copied().unwrap_or_default();
        let wanted = u64::from(pending.max(buyer.floor(scene.at))).max(new);
        let all = (live + wanted).max(u64::from(pending) + u64::from(claimed));
        let usable = buyer
            .candidates
            .keys()
            .filter(|other| self.is_usable(scene, worker_type, **other, pool));
        let part = all.div_ceil((usable.count() as u64).max(1));
        let share = (all * rule.share_max).div_ceil(1_000_000);
        let most = share.max(part).max(rule.floor.into());
        // The last machine is a whole one.
        if there + new > most + u64::from(this.capacity) - 1 {
            let (name, place) = (&buyer.name, scene.rules.pool_name(pool));
            notes.note(Rule::ShareMax, || {
                format!(
                    "#{first}: {place} gets {} of {all} for {name}, of at most {most}",
                    there + new
                )
            });
        }
    }
}

impl Shares {
    fn is_usable(
        &self,
        scene: &Scene<'_>,
        worker_type: WorkerType,
        other: Pool,
        this: Pool,
    ) -> bool {
        if other == this {
            return true;
        }
        let rules = scene.rules;
        let limit = rules.candidate(worker_type, other).map_or(0, |candidate| candidate.price_most);
        let recent = |at: Ms, most: Ms| scene.at - at < most;
        let stale = rules.prices_stale_after.unwrap_or(Ms::MAX) / 2;
        let is_cheap =
            |&(at, price): &(Ms, Micros)| recent(at, stale) && price > 0 && price < limit / 2;
        let mut launches = scene.book.launches().map(|(_, known)| known);
        self.prices.get(&other).is_some_and(is_cheap)
            && self.trouble.get(&other).is_none_or(|at| !recent(*at, TROUBLED))
            && !launches.any(|known| known.pool == other && known.given.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Event, Launch, Rules, Share};

    fn bought(pending: u32, facts: Vec<(Ms, Event)>, in_a: u32) -> Vec<Ms> {
        let share = Share { share_max: 500_000, floor: 2 };
        let mut story = with_known(facts);
        story.push(told(8, demand(0, pending, 8)));
        story.push(decided(9, [launch(90, in_a)]));
        notes(Rule::ShareMax, Rules { share: Some(share), ..rules() }, story)
    }

    #[test]
    fn a_pool_holds_half_where_another_could_hold_the_rest() {
        assert_eq!((bought(8, vec![], 4), bought(8, vec![], 5)), (vec![], vec![9]));
        assert_eq!(bought(2, vec![], 2), [], "a small fleet may stand in one pool");
    }

    #[test]
    fn tasks_that_late_counts_show_as_held_may_be_wanted_too() {
        let share = Share { share_max: 500_000, floor: 2 };
        let bought = |claimed| {
            let counts = Told::Demand { worker_type: 0, pending: 3, claimed, as_of: 8 };
            let story = with_known(vec![told(8, counts), decided(9, [launch(90, 4)])]);
            notes(Rule::ShareMax, Rules { share: Some(share), ..rules() }, story)
        };
        assert_eq!((bought(0), bought(5)), (vec![9], vec![]));
    }

    #[test]
    fn what_could_stand_in_the_way_of_another_pool_excuses() {
        let other: Launch = 1;
        let asked = decided(1, [launch_in(other, 1, 1)]);
        assert_eq!(bought(6, vec![asked.clone()], 6), [], "it is under way");
        let given = told(2, Told::Given { launch: other, instance: 1 });
        assert_eq!(bought(6, vec![asked.clone(), given], 6), [9]);
        for why in [Refusal::Dry, Refusal::Quota, Refusal::Image] {
            let refused = told(2, Told::Refused { launch: other, why });
            assert_eq!(bought(6, vec![asked.clone(), refused], 6), []);
        }
        let asked_here = decided(1, [launch(1, 1)]);
        let refused_here =
            |why| vec![asked_here.clone(), told(2, Told::Refused { launch: 1, why })];
        assert_eq!(bought(6, refused_here(Refusal::Quota), 6), [], "it is of the same region");
        assert_eq!(bought(6, refused_here(Refusal::Dry), 6), [9]);
        let dear = told(2, Told::Price { pool: 1, price: 600_000, since: 2 });
        assert_eq!(bought(6, vec![dear], 6), []);
    }
}
