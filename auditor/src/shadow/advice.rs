//! Advice to stop: to a worker that asked since the last turn, while demand is known, and not below
//! the floor.
//!
//! Exceptions: worker types that are not served have neither demand nor a floor.

use std::collections::BTreeSet;

use super::demand::Demand;
use crate::note::{Notes, Rule};
use crate::{Check, Decided, Launch, Order, Scene, Told};

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
    }

    fn decided(&mut self, _: &Scene<'_>, _: &Decided, _: &mut Notes) {
        self.asked.clear();
        self.advised.clear();
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
}
