//! What is ended, withdrawn or advised is known and not over, and not ended twice at once.
//!
//! A stray is an instance that a listing showed and that belongs to no launch; it is left alone for
//! the stated patience after it was first seen.
//!
//! Exceptions: what is given up in a decision may be asked about, or ended, for a last time in it.
//! The same end may be ordered again after [`PACE`], as the first order may have been
//! lost, and at once after it was throttled or the process came back, or if it says more: an
//! instance is to end rather than a request, or whether its worker holds a task is not asked any more.

use crate::book::{Force, Known};
use crate::note::{Notes, Rule};
use crate::{Check, Ms, Order, Scene};

/// An order may be given again so long after.
const PACE: Ms = 30_000;

pub(super) struct Ends;

impl Check for Ends {
    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        match *order {
            Order::Cancel { launch } | Order::Terminate { launch, .. } => {
                if !scene.book.may_be_ended(launch) {
                    notes.note(Rule::EndKnown, || format!("{order:?}: over or never ordered"));
                }
                let says_more = |known: &Known| known.end_force < Force::of(order);
                let known = scene.book.launch(launch);
                let known = known.filter(|known| !known.end_lost && !says_more(known));
                let last = known.and_then(|known| known.end_ordered);
                if let Some(last) = last.filter(|last| scene.at - last < PACE) {
                    let ago = scene.at - last;
                    notes.note(Rule::EndPaced, || format!("{order:?}: ordered {ago} ms ago"));
                }
            }
            Order::AdviseStop { launch } | Order::Check { launch } => {
                if !scene.book.may_be_ended(launch) {
                    notes.note(Rule::EndKnown, || format!("{order:?}: over or never ordered"));
                }
            }
            Order::EndStray { instance } => {
                let Some(stray) = scene.book.stray(instance) else {
                    return notes.note(Rule::StrayUnowned, || format!("{instance} is no stray"));
                };
                let patience = scene.rules.stray_patience.unwrap_or(0);
                let waited = scene.at - stray.since;
                if waited < patience {
                    notes.note(Rule::StrayUnowned, || {
                        format!("{instance} was found {waited} ms ago, patience is {patience}")
                    });
                }
            }
            Order::Launch { .. } | Order::List { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Call, EndedBy, Market, Rules, Told};

    #[test]
    fn only_what_is_known_is_ended() {
        let ended = told(2, Told::Ended { launch: 1, by: EndedBy::Worker });
        for order in [terminate(1), Order::Cancel { launch: 1 }, Order::AdviseStop { launch: 1 }] {
            let ends = |first, facts: &[_]| {
                let story = [decided(1, [launch(first, 1)])];
                let story =
                    story.into_iter().chain(facts.iter().cloned()).chain([decided(3, [order])]);
                notes(Rule::EndKnown, rules(), story)
            };
            assert_eq!(ends(1, &[]), []);
            assert_eq!(ends(1, std::slice::from_ref(&ended)), [3]);
            assert_eq!(ends(2, &[]), [3]);
        }
    }

    #[test]
    fn an_end_is_not_ordered_again_at_once() {
        let ends =
            |again| [decided(1, [launch(1, 1), terminate(1)]), decided(again, [terminate(1)])];
        assert_eq!(notes(Rule::EndPaced, rules(), ends(1 + PACE)), []);
        assert_eq!(notes(Rule::EndPaced, rules(), ends(PACE)), [PACE]);
        let throttled = Told::Throttled { call: Call::Terminate, launch: Some(1), region: 0 };
        let [first, again] = ends(PACE);
        for lost in [throttled, Told::Restarted] {
            assert_eq!(
                notes(Rule::EndPaced, rules(), [first.clone(), told(2, lost), again.clone()]),
                []
            );
        }
    }

    #[test]
    fn an_end_that_says_more_is_ordered_at_once() {
        let end = |unless_claimed| Order::Terminate { launch: 1, unless_claimed };
        let story = |first, then| {
            notes(Rule::EndPaced, rules(), [decided(1, [launch(1, 1), first]), decided(2, [then])])
        };
        assert_eq!(story(end(true), end(false)), []);
        assert_eq!(story(Order::Cancel { launch: 1 }, end(true)), []);
        assert_eq!(story(end(false), end(false)), [2]);
        assert_eq!(story(end(false), end(true)), [2]);
    }

    #[test]
    fn only_strays_are_ended_as_strays_and_not_at_once() {
        let rules = || Rules { stray_patience: Some(20 * MINUTE), ..rules() };
        let found = |launch| {
            let (pool, worker_type) = (Some(0), None);
            let market = Market::OnDemand;
            told(1, Told::Found { instance: 5, launch, pool, worker_type, market })
        };
        let end = |at| decided(at, [Order::EndStray { instance: 5 }]);
        let late = 1 + 20 * MINUTE;
        let ends = |story: Vec<_>| notes(Rule::StrayUnowned, rules(), story);
        assert_eq!(ends(vec![found(None), end(late)]), []);
        assert_eq!(ends(vec![found(Some(9)), end(late)]), []);
        assert_eq!(ends(vec![found(None), end(late - 1)]), [late - 1]);
        assert_eq!(ends(vec![end(late)]), [late]);
        let owned = vec![decided(0, [launch(1, 1)]), found(Some(1)), end(late)];
        assert_eq!(ends(owned), [late]);
    }
}
