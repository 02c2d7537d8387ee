//! Pools without machines are asked within a budget, and by one probe at a time.
//!
//! Spot and on demand are pools of their own. Where nothing is known, so many launches may be under
//! way as the first budget says, and one more for each instance that was given. A pool that answers
//! that it has none rests; then one launch probes it, and each probe that fails doubles the rest,
//! which then counts from that probe. A probe that is given an instance opens the pool, with a
//! budget of two.
//!
//! Read in favour of the accused: launches that were under way when the pool closed do not lengthen
//! its rest; a rest begins with the first answer of its kind; whatever is given opens the pool.
//! Under way is what was ordered and neither answered nor found to be over. A call that is made
//! again is under way already.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::{Check, Launch, Ms, Order, Pool, Refusal, Scene, Told};

#[derive(Default)]
pub(super) struct Dry {
    pools: BTreeMap<(Pool, bool), State>,
    /// Launches under way, and whether each is in spot.
    under_way: BTreeMap<Launch, (Pool, bool)>,
}

#[derive(Clone, Copy, Default)]
struct State {
    under_way: u32,
    /// Instances given since the budget was last set.
    given: u32,
    /// It was closed once, so its budget starts from two.
    reopened: bool,
    /// While it is closed: when, and how often probes failed.
    closed: Option<(Ms, u32)>,
}

impl Check for Dry {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        let (launch, dry) = match *told {
            Told::Given { launch, .. }
            | Told::Running { launch }
            | Told::Registered { launch }
            | Told::Found { launch: Some(launch), .. }
            | Told::Stopping { launch, .. }
            | Told::Ended { launch, .. } => (launch, None),
            Told::Refused { launch, why } => (launch, Some(why == Refusal::Dry)),
            _ => return,
        };
        let Some(place) = self.under_way.remove(&launch) else { return };
        let Some(state) = self.pools.get_mut(&place) else { return };
        state.under_way = state.under_way.saturating_sub(1);
        let ordered = scene.book.launch(launch).map_or(scene.at, |known| known.ordered);
        match (dry, state.closed) {
            (None, Some(_)) => {
                *state = State { under_way: state.under_way, reopened: true, ..State::default() }
            }
            (None, None) => state.given += 1,
            (Some(true), None) => state.closed = Some((scene.at, 0)),
            (Some(true), Some((since, failed))) if ordered > since => {
                state.closed = Some((ordered, failed + 1));
            }
            (Some(_), _) => {}
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, count, pool, market, .. } = *order else { return };
        let Some(rules) = scene.rules.ice.filter(|_| scene.book.is_new(first)) else { return };
        self.forget(scene);
        let place = (pool, market.is_spot());
        let state = self.pools.entry(place).or_default();
        let name = || scene.rules.pool_name(pool);
        if let Some((since, failed)) = state.closed {
            let rest = rules.block_min.saturating_mul(1 << failed.min(20)).min(rules.block_max);
            if scene.at < since + rest {
                let left = since + rest - scene.at;
                notes.note(Rule::DryBudget, || {
                    format!("#{first}: {} rests for {left} ms more", name())
                });
            } else if count > 1 || state.under_way > 0 {
                let under_way = state.under_way;
                notes.note(Rule::DryBudget, || {
                    format!("#{first}: {} is probed by {count}, {under_way} under way", name())
                });
            }
        } else {
            let first_budget = if state.reopened { 2 } else { rules.budget_first };
            let budget = first_budget.saturating_add(state.given).min(rules.budget_max);
            let after = state.under_way.saturating_add(count);
            if after > budget {
                notes.note(Rule::DryBudget, || {
                    format!("#{first}: {} has {after} under way, of at most {budget}", name())
                });
            }
        }
        state.under_way = state.under_way.saturating_add(count);
        (first..first.saturating_add(u64::from(count))).for_each(|launch| {
            self.under_way.insert(launch, place);
        });
    }
}

impl Dry {
    /// What was given up, be it in this decision, is under way no more.
    fn forget(&mut self, scene: &Scene<'_>) {
        let Self { pools, under_way } = self;
        under_way.retain(|launch, place| {
            let is_known = scene.book.launch(*launch).is_some();
            if !is_known && let Some(state) = pools.get_mut(place) {
                state.under_way = state.under_way.saturating_sub(1);
            }
            is_known
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Decided, Event, Ice, Rules};

    fn bought(story: impl IntoIterator<Item = (Ms, Event)>) -> Vec<Ms> {
        let ice =
            Ice { budget_first: 4, budget_max: 5, block_min: 3 * MINUTE, block_max: 6 * MINUTE };
        notes(Rule::DryBudget, Rules { ice: Some(ice), ..rules() }, story)
    }

    fn dry(at: Ms, launch: Launch) -> (Ms, Event) {
        told(at, Told::Refused { launch, why: Refusal::Dry })
    }

    fn given(at: Ms, launch: Launch) -> (Ms, Event) {
        told(at, Told::Given { launch, instance: launch })
    }

    #[test]
    fn a_budget_is_what_may_be_under_way_and_grows_with_what_is_given() {
        assert_eq!(bought([decided(1, [launch(1, 4), launch_in(5, 4, 1)])]), []);
        assert_eq!(bought([decided(1, [launch(1, 4), launch(5, 1)])]), [1]);
        let then =
            |count| [decided(1, [launch(1, 4)]), given(2, 1), decided(3, [launch(5, count)])];
        assert_eq!((bought(then(2)), bought(then(3))), (vec![], vec![3]));
    }

    #[test]
    fn a_dry_pool_rests_and_is_probed_by_one() {
        let closed = || vec![decided(0, [launch(1, 2)]), dry(MINUTE, 1), dry(2 * MINUTE, 2)];
        let then = |at, count| [closed(), vec![decided(at, [launch(3, count)])]].concat();
        assert_eq!(bought(then(4 * MINUTE, 1)), []);
        assert_eq!(bought(then(4 * MINUTE, 2)), [4 * MINUTE]);
        assert_eq!(bought(then(4 * MINUTE - 1, 1)), [4 * MINUTE - 1]);
        let both = |at| [then(4 * MINUTE, 1), vec![decided(at, [launch(4, 1)])]].concat();
        assert_eq!(bought(both(5 * MINUTE)), [5 * MINUTE], "one is under way");
    }

    #[test]
    fn what_is_given_up_makes_room_for_a_probe_of_the_same_decision() {
        let closed = || vec![decided(0, [launch(1, 2)]), dry(MINUTE, 1)];
        let then = |gave_up| {
            let orders = vec![launch(3, 1)];
            let probe = Decided { orders, gave_up, ..Decided::default() };
            bought([closed(), vec![(4 * MINUTE, Event::Decided(probe))]].concat())
        };
        assert_eq!(then(vec![2]), []);
        assert_eq!(then(vec![]), [4 * MINUTE]);
    }

    #[test]
    fn each_failed_probe_doubles_the_rest_and_a_success_opens() {
        let probe = |launch_id, at| vec![decided(at, [launch(launch_id, 1)])];
        let closed = vec![decided(0, [launch(1, 1)]), dry(0, 1)];
        let story = |answer, at, count| {
            let then = vec![answer, decided(at, [launch(3, count)])];
            bought([closed.clone(), probe(2, 3 * MINUTE), then].concat())
        };
        let failed = || dry(4 * MINUTE, 2);
        assert_eq!(story(failed(), 9 * MINUTE, 1), []);
        assert_eq!(story(failed(), 9 * MINUTE - 1, 1), [9 * MINUTE - 1]);
        assert_eq!(story(given(4 * MINUTE, 2), 5 * MINUTE, 2), []);
        assert_eq!(story(given(4 * MINUTE, 2), 5 * MINUTE, 3), [5 * MINUTE]);
    }
}
