//! Demand that is unknown or stale buys nothing: unknown is never zero, and never something.
//!
//! Counts hold from when they were taken, and are as fresh as the last reading of all queues, until
//! the queue fails to tell. Counts older than those known, and counts dated in the future, are read
//! as the fact's documentation says: ignored, and of now.
//!
//! What a decision goes by is what was told last.
//!
//! Exceptions: capacity below the floor is bought without asking the queue. A call that is made
//! again buys nothing.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::{Check, Decided, Ms, Order, Scene, Told, WorkerType};

#[derive(Default)]
pub(crate) struct Demand {
    known: BTreeMap<WorkerType, Counts>,
}

#[derive(Clone, Copy)]
struct Counts {
    as_of: Ms,
    is_known: bool,
    /// Tasks that wait, and those that are held.
    tasks: (u32, u32),
}

impl Demand {
    /// A fact about demand is taken in.
    pub(crate) fn learn(&mut self, now: Ms, told: &Told) {
        match *told {
            Told::Demand { worker_type, pending, claimed, as_of } => {
                let as_of = as_of.min(now);
                let news = Counts { as_of, is_known: true, tasks: (pending, claimed) };
                let counts = self.known.entry(worker_type).or_insert(news);
                if as_of >= counts.as_of {
                    *counts = news;
                }
            }
            Told::DemandUnknown { worker_type } => {
                let unknown = Counts { as_of: now, is_known: false, tasks: (0, 0) };
                self.known.entry(worker_type).or_insert(unknown).is_known = false;
            }
            Told::QueuesRead { as_of } => {
                for counts in self.known.values_mut().filter(|counts| counts.is_known) {
                    counts.as_of = counts.as_of.max(as_of.min(now));
                }
            }
            _ => {}
        }
    }

    /// How old the counts are; `None` if they are unknown.
    pub(crate) fn age(&self, worker_type: WorkerType, now: Ms) -> Option<Ms> {
        let counts = self.known.get(&worker_type).filter(|counts| counts.is_known)?;
        Some(now - counts.as_of)
    }

    /// Tasks that wait, and those that are held, if they are known.
    pub(crate) fn tasks(&self, worker_type: WorkerType) -> Option<(u32, u32)> {
        let counts = self.known.get(&worker_type).filter(|counts| counts.is_known)?;
        Some(counts.tasks)
    }

    /// Whether they may be acted on.
    pub(crate) fn is_fresh(&self, worker_type: WorkerType, scene: &Scene<'_>) -> bool {
        let age = self.age(worker_type, scene.at);
        age.is_some_and(|age| age <= scene.rules.demand_stale_after)
    }
}

impl Check for Demand {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        self.learn(scene.at, told);
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, worker_type, .. } = *order else { return };
        if !scene.book.is_new(first) || self.is_fresh(worker_type, scene) {
            return;
        }
        let floor = scene.rules.worker_types.get(&worker_type).map_or(0, |it| it.floor(scene.at));
        let live = scene.book.capacity(worker_type);
        if live >= u64::from(floor) {
            let name = scene.rules.name(worker_type);
            notes.note(Rule::DemandKnown, || match self.age(worker_type, scene.at) {
                Some(age) => {
                    format!("#{first} for {name} by counts {} s old, {live} live", age / 1_000)
                }
                None => format!("#{first} for {name} without counts, {live} live"),
            });
        }
    }

    fn decided(&mut self, scene: &Scene<'_>, decided: &Decided, notes: &mut Notes) {
        for &(worker_type, pending, claimed) in &decided.counted {
            let is_fresh = self.is_fresh(worker_type, scene);
            let told = self.tasks(worker_type).filter(|_| is_fresh);
            if told != Some((pending, claimed)) {
                notes.note(Rule::DemandAsTold, || {
                    let name = scene.rules.name(worker_type);
                    format!("{name} goes by {pending} + {claimed} tasks, and was told {told:?}")
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rules;
    use crate::support::*;

    fn bought(before: Vec<(Ms, crate::Event)>, at: Ms) -> Vec<Ms> {
        let mut story = before;
        story.push(decided(at, [launch(1, 1)]));
        notes(Rule::DemandKnown, rules(), story)
    }

    #[test]
    fn counts_must_be_known_and_recent() {
        let counted = || vec![told(0, demand(0, 5, 0))];
        assert_eq!(bought(vec![], MINUTE), [MINUTE]);
        assert_eq!(bought(counted(), 10 * MINUTE), []);
        assert_eq!(bought(counted(), 10 * MINUTE + 1), [10 * MINUTE + 1]);
        let mut read = counted();
        read.push(told(9 * MINUTE, Told::QueuesRead { as_of: 9 * MINUTE }));
        assert_eq!(bought(read.clone(), 15 * MINUTE), []);
        read.insert(1, told(MINUTE, Told::DemandUnknown { worker_type: 0 }));
        assert_eq!(bought(read.clone(), 15 * MINUTE), [15 * MINUTE]);
        read.push(told(14 * MINUTE, demand(0, 5, 14 * MINUTE)));
        assert_eq!(bought(read, 15 * MINUTE), []);
    }

    #[test]
    fn a_decision_goes_by_the_counts_told_last_while_they_hold() {
        let goes_by = |pending, at| {
            let counted = Decided { counted: vec![(0, pending, 0)], ..Decided::default() };
            let counted = Decided { wake_at: at + 1, ..counted };
            let story = [told(0, demand(0, 5, 0)), told(1, demand(0, 6, 1))];
            let story = story.into_iter().chain([(at, crate::Event::Decided(counted))]);
            notes(Rule::DemandAsTold, rules(), story)
        };
        assert_eq!((goes_by(6, 2), goes_by(5, 2)), (vec![], vec![2]));
        assert_eq!(goes_by(6, 10 * MINUTE + 1), []);
        let late = 10 * MINUTE + 2;
        assert_eq!((goes_by(6, late), goes_by(0, late)), (vec![late], vec![late]));
    }

    #[test]
    fn a_floor_asks_for_itself() {
        let mut floored = rules();
        if let Some(rules) = floored.worker_types.get_mut(&0) {
            (rules.capacity_min, rules.floors) = (1, vec![(10, 3)]);
        }
        let bought = |floored: &Rules, at, orders: Vec<Order>| {
            notes(Rule::DemandKnown, floored.clone(), [decided(at, orders)]).len()
        };
        assert_eq!(bought(&floored, 1, vec![launch(1, 1)]), 0);
        assert_eq!(bought(&floored, 1, vec![launch(1, 1), launch(2, 1)]), 1);
        assert_eq!(bought(&floored, 10, vec![launch(1, 2), launch(3, 1)]), 0);
        assert_eq!(bought(&floored, 10, vec![launch(1, 2), launch(3, 1), launch(4, 1)]), 1);
    }
}
