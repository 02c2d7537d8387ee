//! No worker type starves: one that wants, has nothing and could buy, buys within an hour.
//!
//! Wanting is ten tasks waiting or more, by counts that are known and recent; having nothing, no
//! launch that counts as capacity. It could buy if each of its pools certainly can be bought from
//! (see `pools`), a machine of each fits under its maximum, and nothing bounds what is spent.
//!
//! Exceptions: the clock starts anew when the process comes back or its configuration changes. A
//! decision full of launches of others, or an allowance of calls that they used up, is no excuse.

use std::collections::BTreeMap;

use super::demand::Demand;
use super::pools::Pools;
use crate::event::HOUR;
use crate::note::{Notes, Rule};
use crate::{Check, Decided, Ms, Scene, Spend, Told, TypeRules, WorkerType};

/// From one look to the next.
const LOOK: Ms = HOUR / 6;
const MANY: u32 = 10;

#[derive(Default)]
pub(super) struct Starving {
    demand: Demand,
    pending: BTreeMap<WorkerType, u32>,
    pools: Pools,
    looked: Ms,
    since: BTreeMap<WorkerType, Ms>,
}

impl Check for Starving {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        self.demand.learn(scene.at, told);
        self.pools.learn(scene, told);
        match *told {
            Told::Demand { worker_type, pending, .. } => {
                self.pending.insert(worker_type, pending);
            }
            Told::Restarted | Told::Configured(_) => self.since.clear(),
            _ => {}
        }
    }

    fn decided(&mut self, scene: &Scene<'_>, _: &Decided, notes: &mut Notes) {
        if scene.at < self.looked + LOOK {
            return;
        }
        self.looked = scene.at;
        for (&worker_type, rules) in &scene.rules.worker_types {
            if !self.wants_and_could(scene, worker_type, rules) {
                self.since.remove(&worker_type);
                continue;
            }
            let since = *self.since.entry(worker_type).or_insert(scene.at);
            if scene.at - since > HOUR {
                let minutes = (scene.at - since) / 60_000;
                notes.note(Rule::Starved, || {
                    format!("{} wants, could buy, and has nothing for {minutes} min", rules.name)
                });
            }
        }
    }
}

impl Starving {
    fn wants_and_could(
        &self,
        scene: &Scene<'_>,
        worker_type: WorkerType,
        rules: &TypeRules,
    ) -> bool {
        let fits = |capacity: u32| rules.capacity_max.is_none_or(|most| capacity <= most);
        let is_free = |spend: Spend| spend == Spend::default();
        self.pending.get(&worker_type).is_some_and(|pending| *pending >= MANY)
            && scene.book.capacity(worker_type) == 0
            && self.demand.is_fresh(worker_type, scene)
            && is_free(scene.rules.spend)
            && is_free(rules.spend)
            && !rules.candidates.is_empty()
            && rules.candidates.iter().all(|(pool, candidate)| {
                fits(candidate.capacity) && self.pools.is_usable(scene, worker_type, *pool)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Event, Refusal};

    /// Turns every ten minutes for two hours, in which demand is known.
    fn noted(pending: u32, story: Vec<(Ms, Event)>) -> usize {
        let mut whole = known(0);
        for turn in 0..=12 {
            let at = turn * 10 * MINUTE;
            whole.push(told(at, demand(0, pending, at)));
            whole.push(decided(at + 1, []));
        }
        whole.extend(story);
        whole.sort_by_key(|(at, _)| *at);
        notes(Rule::Starved, rules(), whole).len()
    }

    #[test]
    fn who_wants_and_could_buy_has_something_within_an_hour() {
        assert_ne!(noted(10, vec![]), 0);
        assert_eq!(noted(9, vec![]), 0);
        let bought = decided(HOUR, [launch(1, 1)]);
        assert_eq!(noted(10, vec![bought.clone()]), 0);
        let refused = told(HOUR + MINUTE, Told::Refused { launch: 1, why: Refusal::Dry });
        assert_eq!(noted(10, vec![bought, refused]), 0);
        assert_eq!(noted(10, vec![told(HOUR, Told::Restarted)]), 0);
        let dear = told(HOUR, Told::Price { pool: 1, price: 900_000, since: HOUR });
        assert_eq!(noted(10, vec![dear]), 0);
    }
}
