//! Workers are ended on what the queue says of them.
//!
//! - An end that is carried out whether or not the worker holds a task is ordered only for a machine
//!   that is past its longest life, or where a ceiling on a day's money may be reached.
//! - Any other end of a worker that registered is ordered only soon after the queue said that it
//!   holds nothing: within the stated time, or by the next turn.
//!
//! Exceptions: a machine that no listing has shown yet, since it was given or the process came back,
//! may be ended for that. What was taken in may be older than is known here, and its worker unheard.

use std::collections::{BTreeMap, BTreeSet};

use crate::book::Known;
use crate::note::{Notes, Rule};
use crate::{Check, Instance, Launch, Ms, Order, Scene, Told};

#[derive(Default)]
pub(super) struct Evidence {
    /// Of when the queue last said that a worker holds nothing, if it did not say more since.
    empty: BTreeMap<Launch, Ms>,
    listed: BTreeSet<Instance>,
}

impl Check for Evidence {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        match *told {
            Told::Checked { launch, claimed: 0, as_of, .. } => {
                let last = self.empty.entry(launch).or_insert(as_of);
                *last = as_of.min(scene.at).max(*last);
            }
            Told::Checked { launch, .. } | Told::Ended { launch, .. } => {
                self.empty.remove(&launch);
            }
            Told::Found { instance, .. } => {
                self.listed.insert(instance);
            }
            Told::Restarted => self.listed.clear(),
            _ => {}
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Terminate { launch, unless_claimed } = *order else { return };
        let Some(known) = scene.book.launch(launch).filter(|known| !is_taken_in(known)) else {
            return;
        };
        if !unless_claimed {
            if scene.rules.spares_claimed && !may_end_all(scene, known) {
                notes.note(Rule::EndSpares, || format!("#{launch} is ended, tasks or not"));
            }
            return;
        }
        let is_listed = known.instance.is_some_and(|instance| self.listed.contains(&instance));
        let Some(rules) = scene.rules.zombies.filter(|_| known.registered && is_listed) else {
            return;
        };
        let fresh = rules.evidence_max.max(scene.rules.iteration_interval);
        let age = self.empty.get(&launch).map(|as_of| scene.at - as_of);
        if age.is_none_or(|age| age > fresh) {
            notes.note(Rule::EndEvidence, || match age {
                Some(age) => format!("#{launch} held nothing {age} ms ago, of at most {fresh}"),
                None => format!("#{launch} is not known to hold nothing"),
            });
        }
    }
}

fn is_taken_in(known: &Known) -> bool {
    known.given == Some(known.ordered)
}

fn may_end_all(scene: &Scene<'_>, known: &Known) -> bool {
    let Some(rules) = scene.rules.worker_types.get(&known.worker_type) else { return true };
    let is_old = known.given.is_some_and(|given| scene.at - given >= rules.lifetime_max);
    is_old || [scene.rules.spend, rules.spend].iter().any(|spend| spend.daily_max.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Event, Market, Rules, Zombies};

    /// A machine that is given, listed and registered; then that, and its end.
    fn ended(rule: Rule, facts: Vec<(Ms, Event)>, at: Ms, unless_claimed: bool) -> Vec<Ms> {
        let zombies = Some(Zombies { patience: HOUR, evidence_max: 2 * MINUTE });
        let end = decided(at, [Order::Terminate { launch: 1, unless_claimed }]);
        let story = [vec![decided(0, [launch(1, 1)])], facts, vec![end]].concat();
        notes(rule, Rules { zombies, ..rules() }, story)
    }

    fn up() -> Vec<(Ms, Event)> {
        let (pool, worker_type, market) = (Some(0), Some(0), Market::Spot { bid: None });
        let found = Told::Found { instance: 1, launch: Some(1), pool, worker_type, market };
        let facts = [Told::Given { launch: 1, instance: 1 }, found, Told::Registered { launch: 1 }];
        facts.into_iter().map(|fact| told(1, fact)).collect()
    }

    fn checked(claimed: u32, as_of: Ms) -> (Ms, Event) {
        told(as_of, Told::Checked { launch: 1, claimed, ever: true, as_of })
    }

    #[test]
    fn a_worker_is_ended_soon_after_it_held_nothing() {
        let ended = |more: Vec<_>, at| ended(Rule::EndEvidence, [up(), more].concat(), at, true);
        assert_eq!(ended(vec![], HOUR), [HOUR]);
        assert_eq!(ended(vec![checked(0, HOUR)], HOUR + 2 * MINUTE), []);
        let late = HOUR + 2 * MINUTE + 1;
        assert_eq!(ended(vec![checked(0, HOUR)], late), [late]);
        let busy = vec![checked(0, HOUR), checked(1, HOUR + 1)];
        assert_eq!(ended(busy, HOUR + 2), [HOUR + 2]);
    }

    #[test]
    fn what_never_registered_or_was_never_listed_needs_no_evidence() {
        let ended = |facts| ended(Rule::EndEvidence, facts, HOUR, true);
        let [given, found, registered] = up().try_into().expect("three facts");
        assert_eq!(ended(vec![given.clone(), found.clone()]), []);
        assert_eq!(ended(vec![given.clone(), registered.clone()]), []);
        let restarted = told(2, Told::Restarted);
        assert_eq!(ended(vec![given, found, registered, restarted]), []);
    }

    #[test]
    fn only_age_and_a_spent_day_spare_nobody() {
        let ended = |at, spares| ended(Rule::EndSpares, up(), at, spares);
        assert_eq!((ended(HOUR, true), ended(HOUR, false)), (vec![], vec![HOUR]));
        assert_eq!(ended(97 * HOUR, false), []);
        let mut bounded = rules();
        bounded.spend.daily_max = Some(1);
        let end = decided(HOUR, [Order::Terminate { launch: 1, unless_claimed: false }]);
        let story = [vec![decided(0, [launch(1, 1)])], up(), vec![end]].concat();
        assert_eq!(notes(Rule::EndSpares, bounded, story), []);
    }
}
