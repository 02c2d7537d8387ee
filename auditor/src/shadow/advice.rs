//! Advice to stop: to a worker that asked since the last turn, while demand is known, and not below
//! the floor or what tasks ask for.
//!
//! Tasks ask for a share of a unit for each that waits and for each that is held, at most the maximum.
//! Where a policy keeps nobody from staying, no advice is given.
//!
//! Exceptions: worker types that are not served have neither demand nor a floor. Who may exceed the
//! maximum is not asked what it keeps.

use std::collections::BTreeSet;

use super::demand::Demand;
use crate::note::{Notes, Rule};
use crate::{Check, Decided, Keeps, Launch, Order, Scene, Told, TypeRules, WorkerType};

#[derive(Default)]
pub(super) struct Advice {
    asked: BTreeSet<Launch>,
    /// In this decision.
    advised: Vec<Launch>,
    demand: Demand,
}

impl Check for Advice {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        self.demand.learn(scene.at, told);
        if let Told::Idled { launch } = *told {
            self.asked.insert(launch);
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::AdviseStop { launch } = *order else { return };
        if !self.asked.remove(&launch) {
            notes.note(Rule::AdviceAsked, || format!("#{launch} did not ask"));
        }
        let Some(known) = scene.book.launch(launch) else { return };
        let Some(rules) = scene.rules.worker_types.get(&known.worker_type) else { return };
        if !self.demand.is_fresh(known.worker_type, scene) {
            notes.note(Rule::AdviceAsked, || format!("#{launch}: {} has no counts", rules.name));
        }
        self.advised.push(launch);
        let leaving = self.advised.iter().filter_map(|it| scene.book.launch(*it));
        let leaving = leaving.filter(|it| it.worker_type == known.worker_type && it.counts());
        let leaving: u64 = leaving.map(|it| u64::from(it.capacity)).sum();
        let left = scene.book.capacity(known.worker_type).saturating_sub(leaving);
        let floor = rules.floor(scene.at);
        if left < u64::from(floor) {
            notes.note(Rule::AdviceKeepsFloor, || {
                format!("#{launch}: {} keeps {left}, and should {floor}", rules.name)
            });
        }
        let least = self.asked_for(known.worker_type, rules);
        if least.is_none_or(|least| left < least) {
            notes.note(Rule::AdviceSurplus, || {
                format!("#{launch}: {} keeps {left}, and its tasks ask for {least:?}", rules.name)
            });
        }
    }

    fn decided(&mut self, _: &Scene<'_>, _: &Decided, _: &mut Notes) {
        self.asked.clear();
        self.advised.clear();
    }
}

impl Advice {
    /// Capacity that tasks ask for; `None` if nobody is ever told to stop.
    fn asked_for(&self, worker_type: WorkerType, rules: &TypeRules) -> Option<u64> {
        let Keeps { pending, claimed } = rules.keeps?;
        let (waiting, held) = self.demand.tasks(worker_type).unwrap_or((0, 0));
        let wanted =
            u128::from(waiting) * u128::from(pending) + u128::from(held) * u128::from(claimed);
        let most = rules.capacity_max.map_or(0, u64::from);
        Some(u64::try_from(wanted / 1_000_000).unwrap_or(u64::MAX).min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Event, Ms};

    const ADVICE: Order = Order::AdviseStop { launch: 1 };

    fn advised(rule: Rule, facts: Vec<(Ms, Event)>, floor: u32) -> Vec<Ms> {
        let mut rules = rules();
        if let Some(one) = rules.worker_types.get_mut(&0) {
            one.capacity_min = floor;
        }
        let story = [vec![decided(1, [launch(1, 2)])], facts].concat();
        notes(rule, rules, story)
    }

    fn asked(at: Ms) -> (Ms, Event) {
        told(at, Told::Idled { launch: 1 })
    }

    #[test]
    fn advice_answers_a_question_of_this_turn() {
        let known = || told(2, demand(0, 0, 2));
        let advised = |facts| advised(Rule::AdviceAsked, facts, 0);
        assert_eq!(advised(vec![known(), asked(3), decided(4, [ADVICE])]), []);
        assert_eq!(advised(vec![known(), decided(4, [ADVICE])]), [4]);
        assert_eq!(advised(vec![known(), asked(3), decided(4, []), decided(5, [ADVICE])]), [5]);
        assert_eq!(advised(vec![asked(3), decided(4, [ADVICE])]), [4], "demand is not known");
    }

    #[test]
    fn advice_keeps_the_floor() {
        let facts = || vec![told(2, demand(0, 0, 2)), asked(3), decided(4, [ADVICE])];
        assert_eq!(advised(Rule::AdviceKeepsFloor, facts(), 1), []);
        assert_eq!(advised(Rule::AdviceKeepsFloor, facts(), 2), [4]);
    }

    #[test]
    fn advice_keeps_what_tasks_ask_for() {
        let advised = |pending, keeps| {
            let mut rules = rules();
            if let Some(one) = rules.worker_types.get_mut(&0) {
                (one.keeps, one.capacity_max) = (keeps, Some(2));
            }
            let facts = vec![told(2, demand(0, pending, 2)), asked(3), decided(4, [ADVICE])];
            let story = [vec![decided(1, [launch(1, 2)])], facts].concat();
            notes(Rule::AdviceSurplus, rules, story)
        };
        let each = |pending| Some(Keeps { pending, claimed: 1_000_000 });
        assert_eq!((advised(1, each(1_000_000)), advised(2, each(1_000_000))), (vec![], vec![4]));
        assert_eq!((advised(3, each(500_000)), advised(4, each(500_000))), (vec![], vec![4]));
        assert_eq!(advised(0, None), [4], "nobody is told to stop");
    }
}
