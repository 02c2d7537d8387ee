//! What is under way is pursued until it is settled; a launch that is forgotten shows here.
//!
//! - A call in doubt is made again, or its launches become known, within half an hour. One that was
//!   made again is under way, and in doubt only if that is told anew.
//! - A request without an instance is withdrawn, a machine without a worker ended, and one past
//!   its longest life too: ordered within half an hour of when it is due, and again that long after
//!   the last order, as long as it is not told to be over.
//!
//! Exceptions: the clock starts anew when the process comes back, and that of doubts whenever a
//! launch call is throttled: others may have been made again first. Nothing is asked of worker types
//! that are not served. Where our allowance of calls is bounded an order may be late for that; so
//! nothing is asked while more than a tenth of the largest allowance of a half hour is under way.
//! A machine that was told to be shutting down is EC2's to end. The end of a worker that may hold a
//! task is asked for only by age.

use crate::book::Known;
use crate::note::{Notes, Rule};
use crate::{Call, Check, Decided, Launch, Ms, Scene, Told};

const PATIENCE: Ms = 30 * 60_000;

#[derive(Default)]
pub(super) struct Doubts {
    restarted: Ms,
    /// When a launch call was last throttled.
    throttled: Ms,
    looked: Ms,
}

impl Check for Doubts {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        match told {
            Told::Restarted | Told::Configured(_) => self.restarted = scene.at,
            Told::Throttled { call: Call::Launch, .. } => self.throttled = scene.at,
            _ => {}
        }
    }

    /// Everything is looked at now and then: what is overdue stays so.
    fn decided(&mut self, scene: &Scene<'_>, _: &Decided, notes: &mut Notes) {
        if scene.at < self.looked + PATIENCE / 6 {
            return;
        }
        self.looked = scene.at;
        for (launch, known) in scene.book.launches() {
            self.look(scene, launch, known, notes);
        }
    }
}

impl Doubts {
    fn look(&self, scene: &Scene<'_>, launch: Launch, known: &Known, notes: &mut Notes) {
        let Some(rules) = scene.rules.worker_types.get(&known.worker_type) else { return };
        let waited = |since: Ms| scene.at - since.max(self.restarted);
        let whose = || format!("#{launch} of {}", rules.name);
        if let Some(doubted) = known.doubted
            && scene.rules.doubts_pursued
            && known.end_ordered.is_none()
            && waited(doubted.max(known.called).max(self.throttled)) > PATIENCE
        {
            notes.note(Rule::DoubtPursued, || format!("{} is in doubt, and nobody asks", whose()));
        }
        if known.stopping || known.noticed {
            return;
        }
        let boots =
            rules.registration_timeout.into_iter().chain(scene.rules.breaker.map(|it| it.boot_max));
        let due = match known.given {
            None => known.ordered + rules.request_timeout,
            Some(given) => {
                let lives = given + rules.lifetime_max;
                let boots = boots.min().filter(|_| !known.registered).map(|boots| given + boots);
                boots.map_or(lives, |boots| boots.min(lives))
            }
        };
        let last = known.end_ordered.unwrap_or(due).max(due);
        // A call that was never answered cannot be withdrawn where there are no requests.
        if known.given.is_some() && waited(last) > PATIENCE {
            notes.note(Rule::OverdueEnded, || {
                format!("{} is overdue by {} min", whose(), (scene.at - due) / 60_000)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Breaker, Event, Rules};

    /// Turns every minute until then.
    fn turns(from: Ms, to: Ms) -> impl Iterator<Item = (Ms, Event)> {
        (from / MINUTE..=to / MINUTE).map(|minute| decided(minute * MINUTE, []))
    }

    #[test]
    fn a_call_in_doubt_is_made_again_within_half_an_hour() {
        let rules = || Rules { doubts_pursued: true, ..rules() };
        let story = |second: Vec<(Ms, Event)>| {
            let mut story = vec![decided(0, [launch(1, 1)])];
            story.push(told(MINUTE, Told::Unanswered { launch: 1 }));
            story.extend(turns(2 * MINUTE, 20 * MINUTE));
            story.extend(second);
            story.extend(turns(21 * MINUTE, 40 * MINUTE));
            story
        };
        let at = 20 * MINUTE;
        assert_eq!(notes(Rule::DoubtPursued, rules(), story(vec![])).len(), 2);
        assert_eq!(
            notes(Rule::DoubtPursued, rules(), story(vec![decided(at, [launch(1, 1)])])),
            []
        );
        let throttled =
            told(at, Told::Throttled { call: Call::Launch, launch: Some(9), region: 0 });
        assert_eq!(notes(Rule::DoubtPursued, rules(), story(vec![throttled])), []);
        let given = told(at, Told::Given { launch: 1, instance: 1 });
        assert_eq!(notes(Rule::DoubtPursued, rules(), story(vec![given])), []);
        let refused = told(at, Told::Refused { launch: 1, why: crate::Refusal::Dry });
        assert_eq!(notes(Rule::DoubtPursued, rules(), story(vec![refused])), []);
    }

    #[test]
    fn what_never_boots_and_what_is_too_old_is_ended() {
        let breaker =
            Breaker { failures: 10, probe_min: MINUTE, unproven_max: 50, boot_max: 45 * MINUTE };
        let rules = || Rules { breaker: Some(breaker), ..rules() };
        let story = |second: Vec<(Ms, Event)>, until| {
            let given = told(0, Told::Given { launch: 1, instance: 1 });
            let mut story = vec![decided(0, [launch(1, 1)]), given];
            story.extend(second);
            story.extend(turns(2 * MINUTE, until));
            story.sort_by_key(|(at, _)| *at);
            notes(Rule::OverdueEnded, rules(), story).len()
        };
        assert_eq!(story(vec![], 75 * MINUTE), 0);
        assert_ne!(story(vec![], 81 * MINUTE), 0);
        assert_eq!(story(vec![decided(60 * MINUTE, [terminate(1)])], 89 * MINUTE), 0);
        let registered = || told(MINUTE, Told::Registered { launch: 1 });
        assert_eq!(story(vec![registered()], 96 * HOUR + 30 * MINUTE), 0);
        assert_ne!(story(vec![registered()], 96 * HOUR + 40 * MINUTE), 0);
    }
}
