//! Names and sizes of launch calls.
//!
//! Ids only grow. A call that is not new must be an earlier one, the same in every part, some of
//! whose launches were not answered: the call is in doubt or was throttled, or the process was
//! started again since. It is not made twice in one decision.
//!
//! Calls that are made again count for no limit on launches: they buy nothing anew.

use crate::book::Made;
use crate::note::{Notes, Rule};
use crate::{Check, Decided, Order, Scene};

pub(super) struct Calls;

impl Check for Calls {
    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, count, worker_type, pool, market } = *order else { return };
        let most = scene.rules.launches_per_call_max;
        if count == 0 || count > most {
            notes.note(Rule::CallSize, || {
                format!("call #{first} asks for {count}, of at most {most}")
            });
        }
        if scene.book.is_new(first) {
            return;
        }
        match scene.book.call(first) {
            Some(made) if *made == (Made { count, worker_type, pool, market }) => {
                let mut launches = scene.book.of_call(first, count);
                if !launches.any(|it| it.doubted.is_some() && it.called < scene.at) {
                    notes.note(Rule::RepeatInDoubt, || format!("call #{first} is made again"));
                }
            }
            Some(made) => notes.note(Rule::LaunchIdFresh, || {
                format!("call #{first} is made again as another: {order:?}, and was {made:?}")
            }),
            None => notes.note(Rule::LaunchIdFresh, || format!("#{first} was used before")),
        }
    }

    fn decided(&mut self, scene: &Scene<'_>, decided: &Decided, notes: &mut Notes) {
        let mut launches = 0_u64;
        for order in &decided.orders {
            if let Order::Launch { first, count, .. } = *order
                && scene.book.of_call(first, count).any(|known| known.ordered == scene.at)
            {
                launches += u64::from(count);
            }
        }
        let most = scene.rules.launches_per_decision_max;
        if launches > u64::from(most) {
            notes.note(Rule::DecisionSize, || format!("{launches} launches, of at most {most}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::support::*;
    use crate::{Event, Rule, Told};

    #[test]
    fn ids_are_new() {
        let story = [decided(1, [launch(1, 2)]), decided(2, [launch(3, 1)])];
        assert_eq!(notes(Rule::LaunchIdFresh, rules(), story), []);
        let story = [decided(1, [launch(1, 2)]), decided(2, [launch(2, 1)])];
        assert_eq!(notes(Rule::LaunchIdFresh, rules(), story), [2]);
        let story = [decided(1, [launch(1, 2)]), decided(2, [launch(1, 3)])];
        assert_eq!(notes(Rule::LaunchIdFresh, rules(), story), [2]);
        let story = [decided(1, [launch(1, 2)]), decided(2, [launch_in(1, 2, 1)])];
        assert_eq!(notes(Rule::LaunchIdFresh, rules(), story), [2]);
    }

    fn again(between: impl IntoIterator<Item = (i64, Event)>) -> Vec<i64> {
        let mut story = vec![decided(1, [launch(1, 2)])];
        story.extend(between);
        story.push(decided(9, [launch(1, 2)]));
        let fresh = notes(Rule::LaunchIdFresh, rules(), story.clone());
        [fresh, notes(Rule::RepeatInDoubt, rules(), story)].concat()
    }

    #[test]
    fn a_call_is_made_again_only_in_doubt() {
        let unanswered = told(2, Told::Unanswered { launch: 1 });
        let given = |launch| told(3, Told::Given { launch, instance: launch });
        assert_eq!(again([]), [9]);
        assert_eq!(again([unanswered.clone()]), []);
        assert_eq!(again([told(2, Told::Restarted)]), []);
        assert_eq!(again([unanswered.clone(), given(1)]), [], "the other is in doubt");
        assert_eq!(again([unanswered, given(1), given(2)]), [9]);
    }

    #[test]
    fn calls_and_decisions_have_a_size() {
        let story = |counts: [u32; 3]| {
            let [a, b, c] = counts;
            [decided(1, [launch(1, a), launch(101, b), launch(201, c)])]
        };
        assert_eq!(notes(Rule::CallSize, rules(), story([50, 1, 49])), []);
        assert_eq!(notes(Rule::CallSize, rules(), story([51, 0, 1])), [1, 1]);
        assert_eq!(notes(Rule::DecisionSize, rules(), story([50, 1, 49])), []);
        assert_eq!(notes(Rule::DecisionSize, rules(), story([50, 2, 49])), [1]);
    }
}
