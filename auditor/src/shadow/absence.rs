//! An instance is taken for gone only after listings lacked it for long and often enough, or never
//! showed it for long.
//!
//! Read in favour of the accused: a sign of life means that listings count anew, not that time does.
//! When the process comes back, each instance is to be listed once more.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::{Check, Decided, EndedBy, Instance, Launch, Ms, Scene, Told};

#[derive(Default)]
pub(super) struct Absent {
    /// Launches that were told to have an instance.
    given: BTreeMap<Launch, Given>,
    owners: BTreeMap<Instance, Launch>,
}

#[derive(Clone, Copy)]
struct Given {
    /// Since when it should be listed.
    since: Ms,
    listed: bool,
    /// Since when listings lack it, and how many did.
    missed: Option<(Ms, u32)>,
}

impl Check for Absent {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        let first = Given { since: scene.at, listed: false, missed: None };
        match *told {
            Told::Given { launch, instance } => {
                self.given.entry(launch).or_insert(first);
                self.owners.insert(instance, launch);
            }
            Told::Running { launch } | Told::Registered { launch } | Told::Noticed { launch } => {
                self.given.entry(launch).or_insert(first);
            }
            Told::Checked { launch, claimed, ever, .. } if claimed > 0 || ever => {
                let given = self.given.entry(launch).or_insert(first);
                given.missed = given.missed.map(|(since, _)| (since, 0));
            }
            Told::Found { instance, launch, .. } => {
                let owner = self.owners.get(&instance).copied().or(launch);
                if let Some(launch) = owner {
                    let given = self.given.entry(launch).or_insert(first);
                    (given.listed, given.missed) = (true, None);
                    self.owners.insert(instance, launch);
                }
            }
            Told::Missed { launch, as_of } => {
                let given = self.given.entry(launch).or_insert(first);
                let (since, listings) = given.missed.unwrap_or((as_of, 0));
                (given.listed, given.missed) = (true, Some((since, listings + 1)));
            }
            Told::Restarted => self.given.values_mut().filter(|it| it.listed).for_each(|given| {
                *given = first;
            }),
            Told::Ended { launch, by } if by != EndedBy::Vanished => {
                self.given.remove(&launch);
            }
            _ => {}
        }
    }

    fn decided(&mut self, scene: &Scene<'_>, decided: &Decided, notes: &mut Notes) {
        for launch in &decided.gave_up {
            let Some(given) = self.given.remove(launch) else { continue };
            let Some(rules) = scene.rules.absence else { continue };
            let Given { since, listed, missed } = given;
            let (absent, listings) = match missed {
                _ if !listed => (since, 0),
                Some(missed) => missed,
                None => (scene.at, 0),
            };
            let waited = scene.at - absent;
            let is_gone = match listed {
                true => waited >= rules.after && listings > rules.listings,
                false => waited >= rules.unlisted_after,
            };
            if !is_gone {
                notes.note(Rule::AbsenceLasted, || {
                    format!(
                        "#{launch} is given up, absent for {waited} ms from {listings} listings"
                    )
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Absence, Event, Market, Rules};

    fn given_up(facts: Vec<(Ms, Event)>, at: Ms) -> Vec<Ms> {
        let absence = Absence { after: 10 * MINUTE, listings: 2, unlisted_after: 40 * MINUTE };
        let given = told(1, Told::Given { launch: 1, instance: 7 });
        let gone = Decided { gave_up: vec![1], wake_at: at + 1, ..Decided::default() };
        let before = vec![decided(0, [launch(1, 1)]), given];
        let story = [before, facts, vec![(at, Event::Decided(gone))]].concat();
        notes(Rule::AbsenceLasted, Rules { absence: Some(absence), ..rules() }, story)
    }

    fn found(at: Ms) -> (Ms, Event) {
        let (pool, worker_type, market) = (Some(0), Some(0), Market::OnDemand);
        told(at, Told::Found { instance: 7, launch: None, pool, worker_type, market })
    }

    fn missed(as_of: Ms) -> (Ms, Event) {
        told(as_of + SECOND, Told::Missed { launch: 1, as_of })
    }

    #[test]
    fn what_was_listed_is_gone_when_it_was_missed_for_long_and_often() {
        let missed = |times: &[Ms]| times.iter().map(|at| missed(at * MINUTE)).collect::<Vec<_>>();
        let gone = |times, at| given_up([vec![found(2)], missed(times)].concat(), at);
        assert_eq!(gone(&[1, 2, 3], 11 * MINUTE), []);
        assert_eq!(gone(&[1, 2, 3], 11 * MINUTE - 1), [11 * MINUTE - 1]);
        assert_eq!(gone(&[1, 2], HOUR), [HOUR]);
        assert_eq!(gone(&[], HOUR), [HOUR], "it is listed");
    }

    #[test]
    fn whoever_is_seen_is_not_gone() {
        let three = || [1, 2, 3].map(|at| missed(at * MINUTE)).to_vec();
        let checked = Told::Checked { launch: 1, claimed: 1, ever: true, as_of: 4 * MINUTE };
        for seen in [found(4 * MINUTE), told(4 * MINUTE, checked)] {
            let story = [vec![found(2)], three(), vec![seen]].concat();
            assert_eq!(given_up(story, HOUR), [HOUR]);
        }
    }

    #[test]
    fn what_was_never_listed_is_gone_after_longer() {
        let late = 40 * MINUTE + 1;
        assert_eq!((given_up(vec![], late), given_up(vec![], late - 1)), (vec![], vec![late - 1]));
        let restarted = vec![found(2), told(30 * MINUTE, Told::Restarted)];
        assert_eq!(given_up(restarted.clone(), late), [late], "it is to be listed once more");
        assert_eq!(given_up(restarted, 70 * MINUTE), []);
    }
}
