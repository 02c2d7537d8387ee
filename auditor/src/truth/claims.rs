//! The provisioner ends no instance whose worker holds a task.
//!
//! Whether it was ended as a stray is told apart: such an end names an instance and no launch.
//!
//! Exceptions: it has lived its longest; the day's money of its worker type, or of all, is spent,
//! as recounted here from what was ordered; nobody asks, since the queue is not asked before
//! ending by the rules, or since no label says whose queue to ask about a stray. What a worker claims while the call that ends it is on its way nobody can
//! see before: who asks, and then ends, does all that EC2 and the queue allow.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::world::Phase;
use crate::{Check, EndedBy, Launch, Ms, Scene, Truth};

#[derive(Default)]
pub(super) struct Claims {
    /// Tasks that each launch lost at this very time.
    lost: BTreeMap<Launch, u32>,
    at: Ms,
}

impl Check for Claims {
    fn happened(&mut self, scene: &Scene<'_>, truth: &Truth, notes: &mut Notes) {
        if self.at != scene.at {
            self.lost.clear();
            self.at = scene.at;
        }
        match *truth {
            Truth::Lost { task, .. } => {
                let phase = scene.world.task(task).map(|open| open.phase);
                if let Some(Phase::Held { launch, since }) = phase {
                    let ordered = scene.book.launch(launch).and_then(|known| known.end_ordered);
                    if ordered.is_none_or(|ordered| since < ordered) {
                        *self.lost.entry(launch).or_default() += 1;
                    }
                }
            }
            Truth::Stopped { launch, by: EndedBy::Us } if scene.rules.spares_claimed => {
                self.judge(scene, launch, notes);
            }
            _ => {}
        }
    }
}

impl Claims {
    fn judge(&self, scene: &Scene<'_>, launch: Launch, notes: &mut Notes) {
        let Some(lost) = self.lost.get(&launch) else { return };
        let Some(machine) = scene.world.machine(launch) else { return };
        let Some(rules) = scene.rules.worker_types.get(&machine.worker_type) else { return };
        let age = machine.given.map_or(0, |given| scene.at - given);
        let is_spent =
            [scene.rules.spend, rules.spend].iter().any(|spend| spend.daily_max.is_some());
        let is_stray = machine.instance.is_some_and(|instance| scene.book.was_stray(instance));
        let is_unnamed = machine.instance.is_some_and(|instance| scene.book.is_unnamed(instance));
        if age < rules.lifetime_max && !is_spent && !(is_stray && is_unnamed) {
            let rule = if is_stray { Rule::StrayClaimed } else { Rule::ClaimedEnded };
            notes.note(rule, || {
                format!(
                    "#{launch} of {} held {lost} tasks at the age of {} s",
                    rules.name,
                    age / 1_000
                )
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Order, Rules, Told};

    fn ended(rules: Rules, at: Ms, by: EndedBy, done: bool) -> Vec<Ms> {
        let task = Truth::Submitted { task: 1, worker_type: 0, deadline: None, retries: 5 };
        let mut story = machine_up(0, 1);
        story.push(truth(0, task));
        story.push(truth(0, Truth::Claimed { task: 1, launch: 1 }));
        let last =
            if done { Truth::Done { task: 1 } } else { Truth::Lost { task: 1, told: false } };
        story.push(truth(at, last));
        story.push(truth(at, Truth::Stopped { launch: 1, by }));
        notes(Rule::ClaimedEnded, rules, story)
    }

    #[test]
    fn a_claimed_worker_is_ended_only_by_age() {
        assert_eq!(ended(rules(), HOUR, EndedBy::Us, false), [HOUR]);
        assert_eq!(ended(rules(), HOUR, EndedBy::Us, true), []);
        assert_eq!(ended(rules(), HOUR, EndedBy::Interruption, false), []);
        assert_eq!(ended(rules(), 96 * HOUR, EndedBy::Us, false), []);
    }

    #[test]
    fn a_claim_while_the_end_is_on_its_way_cannot_be_seen() {
        let task = Truth::Submitted { task: 1, worker_type: 0, deadline: None, retries: 5 };
        let claimed = |at| {
            let ended = [
                decided(9, [terminate(1)]),
                truth(at, Truth::Claimed { task: 1, launch: 1 }),
                truth(20, Truth::Lost { task: 1, told: false }),
                truth(20, Truth::Stopped { launch: 1, by: EndedBy::Us }),
            ];
            let up = [vec![decided(0, [launch(1, 1)])], machine_up(0, 1)].concat();
            let mut story = [up, vec![truth(0, task.clone())], ended.to_vec()].concat();
            story.sort_by_key(|(at, _)| *at);
            notes(Rule::ClaimedEnded, rules(), story)
        };
        assert_eq!((claimed(8), claimed(9)), (vec![20], vec![]));
    }

    #[test]
    fn neither_is_a_stray() {
        let market = crate::Market::OnDemand;
        let (launch, pool, named) = (None, None, Some(0));
        let story = |lost: bool, worker_type| {
            let found = told(0, Told::Found { instance: 1, launch, pool, worker_type, market });
            let end = decided(HOUR, [Order::EndStray { instance: 1 }]);
            let mut story = [machine_up(0, 1), vec![found, end]].concat();
            let task = Truth::Submitted { task: 1, worker_type: 0, deadline: None, retries: 5 };
            story.push(truth(HOUR, task));
            if lost {
                story.push(truth(HOUR, Truth::Claimed { task: 1, launch: 1 }));
                story.push(truth(HOUR, Truth::Lost { task: 1, told: false }));
            }
            story.push(truth(HOUR, Truth::Stopped { launch: 1, by: EndedBy::Us }));
            story
        };
        assert_eq!(notes(Rule::StrayClaimed, rules(), story(true, named)), [HOUR]);
        assert_eq!(notes(Rule::ClaimedEnded, rules(), story(true, named)), []);
        assert_eq!(notes(Rule::StrayClaimed, rules(), story(false, named)), []);
        assert_eq!(notes(Rule::StrayClaimed, rules(), story(true, None)), [], "whom to ask?");
    }
}
