//! One spot pool holds no more than its share of a worker type, where others could hold the rest.
//!
//! The share is of live and wanted capacity, rounded up; a small fleet may stand in one pool; and
//! with fewer usable pools than the share needs, each may hold its part of everything.
//!
//! Read in favour of the accused: wanted are all tasks waiting, or claimed by nobody who is live.
//! Usable is a pool only if it certainly can be bought from (see `pools`), and one machine of it is
//! not more than the worker type may have. A call that is made again
//! is no launch. On demand has no pools.

use std::collections::BTreeMap;

use super::pools::Pools;
use crate::note::{Notes, Rule};
use crate::rules::Candidate;
use crate::{Check, Order, Scene, Told, WorkerType};

#[derive(Default)]
pub(super) struct Shares {
    /// Tasks pending and claimed.
    demand: BTreeMap<WorkerType, (u32, u32)>,
    pools: Pools,
}

impl Check for Shares {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        if let Told::Demand { worker_type, pending, claimed, .. } = *told {
            self.demand.insert(worker_type, (pending, claimed));
        }
        self.pools.learn(scene, told);
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
        let (pending, claimed) = self.demand.get(&worker_type).copied().unwrap_or((0, 0));
        let wanted = u64::from(pending.max(buyer.floor(scene.at))).max(new);
        let all = (live + wanted).max(u64::from(pending) + u64::from(claimed));
        let fits = |other: &Candidate| {
            let with_it = live + u64::from(other.capacity);
            buyer.capacity_max.is_none_or(|most| with_it <= u64::from(most))
        };
        let others = buyer.candidates.iter().filter(|(other, it)| **other != pool && fits(it));
        let usable = others.filter(|(other, _)| self.pools.is_usable(scene, worker_type, **other));
        let part = all.div_ceil(1 + usable.count() as u64);
        let share = all.saturating_mul(rule.share_max).div_ceil(1_000_000);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{EndedBy, Event, Launch, Market, Ms, Refusal, Rules, Share};

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
    fn a_pool_whose_machines_are_too_large_claims_no_part() {
        let bought = |capacity| {
            let share = Share { share_max: 500_000, floor: 2 };
            let mut rules = Rules { share: Some(share), ..rules() };
            let buyer = rules.worker_types.get_mut(&0).expect("it is there");
            buyer.capacity_max = Some(8);
            buyer.candidates.get_mut(&1).expect("it is there").capacity = capacity;
            let demand = told(8, demand(0, 8, 8));
            let story = [with_known(vec![]), vec![demand, decided(9, [launch(90, 5)])]].concat();
            notes(Rule::ShareMax, rules, story)
        };
        assert_eq!((bought(8), bought(9)), (vec![9], vec![]));
    }

    #[test]
    fn what_could_stand_in_the_way_of_another_pool_excuses() {
        let other: Launch = 1;
        let asked = decided(1, [launch_in(other, 1, 1)]);
        assert_eq!(bought(6, vec![asked.clone()], 6), [], "it is under way");
        let given = told(2, Told::Given { launch: other, instance: 1 });
        assert_eq!(bought(6, vec![asked.clone(), given], 6), [9]);
        let refused = told(2, Told::Refused { launch: other, why: Refusal::Dry });
        assert_eq!(bought(6, vec![asked, refused], 6), []);
        let price = |at, price| told(at, Told::Price { pool: 1, price, since: at });
        assert_eq!(bought(6, vec![price(2, 600_000)], 6), []);
        assert_eq!(bought(6, vec![price(2, 600_000), price(3, 1)], 6), [], "a moment ago");
        let long_ago = vec![price(9 - HOUR - 1, 600_000), price(9 - HOUR, 1)];
        assert_eq!(bought(6, long_ago, 6), [9]);
    }
    #[test]
    fn what_a_pool_gave_on_demand_says_nothing_of_its_spot_machines() {
        let refused = |then: Vec<_>| {
            let story = vec![decided(1, [launch_in(1, 1, 1)])];
            let refused = told(2, Told::Refused { launch: 1, why: Refusal::Dry });
            bought(6, [story, vec![refused], then].concat(), 6)
        };
        let given =
            |order| vec![decided(3, [order]), told(4, Told::Given { launch: 2, instance: 2 })];
        let on_demand =
            Order::Launch { first: 2, count: 1, worker_type: 0, pool: 1, market: Market::OnDemand };
        assert_eq!(refused(given(on_demand)), []);
        assert_eq!(refused(given(launch_in(2, 1, 1))), [9]);
    }

    #[test]
    fn a_pool_that_failed_is_certain_again_an_hour_after_it_gave_and_six_hours_after_it_failed() {
        let failed = |pool, by, given: Ms, at: Ms| {
            let mut story = with_known(vec![
                decided(1, [launch_in(1, 1, pool)]),
                told(2, Told::Given { launch: 1, instance: 1 }),
                told(3, Told::Ended { launch: 1, by }),
                decided(given, [launch_in(2, 1, 1)]),
                told(given, Told::Given { launch: 2, instance: 2 }),
            ]);
            story.push(told(at, demand(0, 6, 8)));
            story.push(decided(at, [launch(90, 6)]));
            let share = Share { share_max: 500_000, floor: 2 };
            notes(Rule::ShareMax, Rules { share: Some(share), ..rules() }, story)
        };
        let late = 6 * HOUR + 3;
        assert_eq!(failed(1, EndedBy::Interruption, HOUR, late), [late]);
        assert_eq!(failed(1, EndedBy::Interruption, HOUR, late - 1), []);
        assert_eq!(failed(1, EndedBy::Interruption, late - HOUR + 1, late), []);
        assert_eq!(failed(0, EndedBy::LaunchFailed, HOUR, late - 1), [late - 1]);
        assert_eq!(failed(0, EndedBy::Volumes, HOUR, late - 1), [], "its region did");
    }
}
