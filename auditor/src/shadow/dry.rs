//! Pools without machines are asked within a budget, and by one probe at a time.
//!
//! Spot and on demand are pools of their own. Where nothing is known, so many launches may be under
//! way as the first budget says, and one more for each instance that was given. A pool that answers
//! that it has none rests; then one launch probes it, and each probe that fails doubles the rest,
//! which then counts from that probe. A probe that is given an instance opens the pool, with a
//! budget of two.
//!
//! Launches that were under way when the pool closed neither lengthen its rest nor end it; a rest
//! begins with the first answer of its kind. Under way is what was ordered and neither answered nor
//! found to be over; what is told to end was given before, and so was what is adopted. A call that is made again is under way
//! already.

use std::collections::BTreeMap;

use crate::book::Known;
use crate::note::{Notes, Rule};
use crate::{Check, Decided, EndedBy, Launch, Ms, Order, Pool, Refusal, Scene, Told};

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
    closed: Option<Closed>,
}

#[derive(Clone, Copy)]
struct Closed {
    /// When that was.
    at: Ms,
    /// Its rest is counted from here: from then, or from when the last probe that failed was ordered.
    since: Ms,
    /// How often probes failed.
    failed: u32,
}

impl Check for Dry {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        let (launch, dry) = match *told {
            Told::Refused { launch, why } => (launch, Some(why == Refusal::Dry)),
            Told::Ended { launch, by: EndedBy::Vanished } => (launch, Some(false)),
            Told::Ended { launch, .. } | Told::Stopping { launch, .. } => (launch, None),
            ref told => match told.shows_instance_of() {
                Some(launch) => (launch, None),
                None => return,
            },
        };
        let Some(place) = self.under_way.remove(&launch) else { return };
        let Some(state) = self.pools.get_mut(&place) else { return };
        state.under_way = state.under_way.saturating_sub(1);
        let ordered = scene.book.launch(launch).map_or(scene.at, |known| known.ordered);
        match (dry, state.closed) {
            (None, Some(Closed { at, .. })) if ordered > at => {
                *state = State { under_way: state.under_way, reopened: true, ..State::default() }
            }
            (None, None) => state.given += 1,
            (Some(true), None) => {
                let at = scene.at;
                state.closed = Some(Closed { at, since: at, failed: 0 });
            }
            (Some(true), Some(Closed { at, since, failed })) if ordered > since => {
                state.closed = Some(Closed { at, since: ordered, failed: failed + 1 });
            }
            (None | Some(_), _) => {}
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, count, pool, market, .. } = *order else { return };
        let Some(rules) = scene.rules.ice.filter(|_| scene.book.is_new(first)) else { return };
        self.forget(scene);
        let place = (pool, market.is_spot());
        let state = self.pools.entry(place).or_default();
        let name = || scene.rules.pool_name(pool);
        if let Some(Closed { since, failed, .. }) = state.closed {
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
            let is_adopted = |known: &Known| known.given == Some(known.ordered);
            let adopted = scene.book.launches().filter(|(_, known)| {
                known.ordered == scene.at && (known.pool, known.market.is_spot()) == place
            });
            let adopted = adopted.filter(|(_, known)| is_adopted(known)).count() as u64;
            let adopted = u32::try_from(adopted).unwrap_or(u32::MAX);
            let given = state.given.saturating_add(adopted);
            let budget = first_budget.saturating_add(given).min(rules.budget_max);
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

    fn decided(&mut self, scene: &Scene<'_>, decided: &Decided, _: &mut Notes) {
        for (launch, _) in &decided.adopted {
            if let Some(known) = scene.book.launch(*launch) {
                self.pools.entry((known.pool, known.market.is_spot())).or_default().given += 1;
            }
        }
    }
}

impl Dry {
    /// What was given up is under way no more.
    fn forget(&mut self, scene: &Scene<'_>) {
        let Self { pools, under_way } = self;
        under_way.retain(|launch, place| {
            let stays = scene.book.launch(*launch).is_some();
            if !stays && let Some(state) = pools.get_mut(place) {
                state.under_way = state.under_way.saturating_sub(1);
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Event, Ice, Rules};

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
    fn what_was_ordered_before_a_pool_closed_does_not_open_it() {
        let closed = [decided(0, [launch(1, 2)]), dry(MINUTE, 1), given(2 * MINUTE, 2)];
        let then =
            |at, count| bought(closed.iter().cloned().chain([decided(at, [launch(3, count)])]));
        assert_eq!((then(4 * MINUTE, 1), then(4 * MINUTE, 2)), (vec![], vec![4 * MINUTE]));
        assert_eq!(then(4 * MINUTE - 1, 1), [4 * MINUTE - 1]);
    }

    #[test]
    fn what_is_given_up_is_under_way_no_more_in_the_same_decision() {
        let probe =
            |orders, gave_up| Decided { orders, gave_up, wake_at: HOUR, ..Decided::default() };
        let then = |gave_up| {
            let again = (30 * MINUTE, Event::Decided(probe(vec![launch(3, 1)], gave_up)));
            let closed = [decided(0, [launch(1, 1)]), dry(MINUTE, 1)];
            bought(closed.into_iter().chain([decided(4 * MINUTE, [launch(2, 1)]), again]))
        };
        assert_eq!((then(vec![2]), then(vec![])), (vec![], vec![30 * MINUTE]));
    }

    #[test]
    fn what_ended_was_given() {
        let ended = |by| told(2, Told::Ended { launch: 1, by });
        let then = |by| bought([decided(1, [launch(1, 1)]), ended(by), decided(3, [launch(2, 5)])]);
        assert_eq!(then(EndedBy::LaunchFailed), []);
        assert_eq!(then(EndedBy::Vanished), [3]);
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
