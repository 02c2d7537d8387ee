//! On demand is the last resort: only after the stated patience without a spot machine.
//!
//! The clock starts when the last spot machine was given, or later: when a spot launch was first
//! refused since, or when the worker type first wanted something after it wanted nothing: counts
//! with tasks waiting, or with more tasks held than the machines that stay can hold, a floor, or a
//! spot launch. That is the earliest that anybody can begin to wait; whoever was refused and bought on
//! demand still waits. Nothing is wanted once no task waits, and neither requests nor machines bought
//! on demand stand in for what would be.
//!
//! Exceptions: a call that is made again is not a purchase. Worker types whose policy buys nothing
//! but on demand need no patience.

use std::collections::BTreeMap;

use crate::book::Known;
use crate::note::{Notes, Rule};
use crate::{Check, Market, Ms, OnDemand, Order, Scene, Told, WorkerType};

#[derive(Default)]
pub(super) struct Patience {
    waits: BTreeMap<WorkerType, Wait>,
}

#[derive(Clone, Copy, Default)]
struct Wait {
    /// Since when something is wanted.
    wants: Option<Ms>,
    /// When a spot launch was first refused since then.
    refused: Option<Ms>,
    /// When the last spot machine was given.
    given: Option<Ms>,
}

impl Check for Patience {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        match *told {
            Told::Demand { worker_type, pending, claimed, .. } => {
                let wait = self.waits.entry(worker_type).or_default();
                let floor =
                    scene.rules.worker_types.get(&worker_type).map_or(0, |it| it.floor(scene.at));
                let mut launches = scene.book.of_type(worker_type);
                let bereft = u64::from(claimed) > scene.book.capacity(worker_type);
                if pending > 0 || floor > 0 || bereft {
                    wait.wants.get_or_insert(scene.at);
                } else if !launches.any(|known| known.counts() && stands_in(known)) {
                    (wait.wants, wait.refused) = (None, None);
                }
            }
            Told::Refused { launch, .. } => {
                if let Some(known) =
                    scene.book.launch(launch).filter(|known| known.market.is_spot())
                {
                    let wait = self.waits.entry(known.worker_type).or_default();
                    wait.refused.get_or_insert(scene.at);
                }
            }
            ref told => {
                let known = told.shows_instance_of().and_then(|it| scene.book.launch(it));
                let known = known.filter(|known| known.market.is_spot() && known.given.is_none());
                if let Some(known) = known {
                    let wait = self.waits.entry(known.worker_type).or_default();
                    (wait.given, wait.refused) = (Some(scene.at), None);
                }
            }
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, worker_type, market, .. } = *order else { return };
        let Some(rules) = scene.rules.worker_types.get(&worker_type) else { return };
        let wait = self.waits.entry(worker_type).or_default();
        if market != Market::OnDemand {
            wait.wants.get_or_insert(scene.at);
        } else if let OnDemand::After(patience) = rules.on_demand
            && scene.book.is_new(first)
        {
            let wanted = wait.wants.into_iter().chain(wait.refused).min();
            let since = wanted.unwrap_or(scene.at).max(wait.given.unwrap_or(Ms::MIN));
            let waited = scene.at - since;
            if waited < patience {
                notes.note(Rule::OnDemandPatience, || {
                    format!("#{first}: {} waited {waited} ms, of {patience}", rules.name)
                });
            }
        }
    }
}

/// Whether it is there because there is no spot machine, yet or at all.
fn stands_in(known: &Known) -> bool {
    known.given.is_none() || known.market == Market::OnDemand
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;
    use crate::support::*;

    fn bought(between: impl IntoIterator<Item = (Ms, Event)>, at: Ms) -> Vec<Ms> {
        let mut story = vec![told(0, demand(1, 5, 0)), decided(MINUTE, [launch_in(1, 1, 2)])];
        story.extend(between);
        let market = Market::OnDemand;
        story.push(decided(
            at,
            [Order::Launch { first: 2, count: 1, worker_type: 1, pool: 2, market }],
        ));
        notes(Rule::OnDemandPatience, rules(), story)
    }

    #[test]
    fn a_want_is_not_over_while_something_stands_in_for_a_spot_machine() {
        let market = Market::OnDemand;
        let stopgap = Order::Launch { first: 2, count: 1, worker_type: 1, pool: 2, market };
        let bought = |counts: [(u32, Ms); 2], ended: Vec<_>| {
            let [none, some] = counts.map(|(pending, at)| told(at, demand(1, pending, at)));
            let story = vec![told(0, demand(1, 5, 0)), decided(10 * MINUTE, [stopgap]), none];
            let again = Order::Launch { first: 3, count: 1, worker_type: 1, pool: 2, market };
            let then = vec![some, decided(30 * MINUTE, [again])];
            notes(Rule::OnDemandPatience, rules(), [story, ended, then].concat())
        };
        let counts = [(0, 21 * MINUTE), (1, 29 * MINUTE)];
        assert_eq!(bought(counts, vec![]), []);
        let ended = |at| told(at, Told::Ended { launch: 2, by: crate::EndedBy::Worker });
        let sated = told(23 * MINUTE, demand(1, 0, 23 * MINUTE));
        assert_eq!(bought(counts, vec![ended(22 * MINUTE), sated]), [30 * MINUTE]);
    }

    #[test]
    fn tasks_held_by_machines_that_are_about_to_go_are_wanted() {
        let held =
            |at| told(at, Told::Demand { worker_type: 1, pending: 0, claimed: 1, as_of: at });
        let given = told(2 * MINUTE, Told::Given { launch: 1, instance: 1 });
        let story =
            |noticed: Vec<_>| [vec![given.clone()], noticed, vec![held(12 * MINUTE)]].concat();
        let noticed = told(3 * MINUTE, Told::Noticed { launch: 1 });
        assert_eq!(bought(story(vec![noticed]), 13 * MINUTE), []);
        assert_eq!(bought(story(vec![]), 13 * MINUTE), [13 * MINUTE]);
    }

    #[test]
    fn patience_begins_with_the_want_and_anew_with_each_machine() {
        assert_eq!(bought([], 10 * MINUTE), []);
        assert_eq!(bought([], 10 * MINUTE - 1), [10 * MINUTE - 1]);
        let given = || told(2 * MINUTE, Told::Given { launch: 1, instance: 1 });
        assert_eq!(bought([given()], 10 * MINUTE), [10 * MINUTE]);
        assert_eq!(bought([given()], 12 * MINUTE), []);
        let refused = told(MINUTE, Told::Refused { launch: 1, why: crate::Refusal::Dry });
        let sated =
            [2 * MINUTE, 5 * MINUTE].map(|at| told(at, demand(1, u32::from(at > 3 * MINUTE), at)));
        let [sated, wanting] = sated;
        let story = [refused, sated.clone(), wanting.clone()];
        assert_eq!(bought(story.clone(), 12 * MINUTE), [12 * MINUTE]);
        assert_eq!(bought(story, 15 * MINUTE), []);
        let refused = told(3 * MINUTE, Told::Refused { launch: 1, why: crate::Refusal::Dry });
        assert_eq!(bought([sated, refused, wanting], 13 * MINUTE), []);
    }
}
