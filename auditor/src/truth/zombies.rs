//! A worker that holds nothing for long stops by itself, or is ended.
//!
//! It should stop after its idle timeout, and be ended the stated patience later. It is asked after
//! as often as that, and known to hold nothing from one answer to the next, once its claims have
//! expired; so that may take twice as long. Until it is shutting down it may take an hour more: calls
//! fail now and then.
//!
//! Exceptions: only time counts in which the provisioner is up and can see and end instances, and in
//! which it knows the launch. Worker types that are not served are not asked.

use std::collections::BTreeMap;

use super::clock::Clock;
use crate::event::HOUR;
use crate::note::{Notes, Rule};
use crate::world::Phase;
use crate::{Check, Decided, Launch, Ms, Scene, Truth};

/// From one look at everything to the next.
const LOOK: Ms = 5 * 60_000;

#[derive(Default)]
pub(super) struct Idlers {
    clock: Clock,
    looked: Ms,
    /// Since when by the clock each holds nothing, and whether that was noted.
    idle: BTreeMap<Launch, (Ms, bool)>,
}

impl Check for Idlers {
    fn happened(&mut self, scene: &Scene<'_>, truth: &Truth, _: &mut Notes) {
        let now = self.clock.happened(scene.at, truth);
        match *truth {
            Truth::Registered { launch } => {
                self.idle.insert(launch, (now, false));
            }
            Truth::Done { task } | Truth::Lost { task, .. } => {
                if let Some(Phase::Held { launch, .. }) =
                    scene.world.task(task).map(|open| open.phase)
                    && scene.world.machine(launch).is_some_and(|machine| machine.holds == 1)
                {
                    self.idle.insert(launch, (now, false));
                }
            }
            Truth::Claimed { launch, .. }
            | Truth::Stopped { launch, .. }
            | Truth::Ended { launch, .. } => {
                self.idle.remove(&launch);
            }
            _ => {}
        }
    }

    fn decided(&mut self, scene: &Scene<'_>, _: &Decided, notes: &mut Notes) {
        if scene.at >= self.looked + LOOK {
            self.look(scene, notes);
        }
    }

    fn closed(&mut self, scene: &Scene<'_>, notes: &mut Notes) {
        self.look(scene, notes);
    }
}

impl Idlers {
    fn look(&mut self, scene: &Scene<'_>, notes: &mut Notes) {
        self.looked = scene.at;
        let now = self.clock.pass(scene.at);
        let Some(zombies) = scene.rules.zombies else { return };
        for (launch, (since, was_noted)) in &mut self.idle {
            let Some(machine) = scene.world.machine(*launch) else { continue };
            let Some(rules) = scene.rules.worker_types.get(&machine.worker_type) else { continue };
            if scene.book.launch(*launch).is_none() {
                *since = now;
            }
            let expiry = scene.rules.world.claim_expiry;
            let most = expiry + 2 * (rules.idle_timeout + zombies.patience) + HOUR;
            if now - *since > most && !*was_noted {
                *was_noted = true;
                let idle = now - *since;
                notes.note(Rule::ZombieEnded, || {
                    format!("#{launch} of {} holds nothing for {idle} ms, of {most}", rules.name)
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{EndedBy, Event, Rules, Zombies};

    /// A worker that registers at once, and turns every five minutes.
    fn noted(story: Vec<(Ms, Event)>, until: Ms) -> usize {
        let mut whole = [vec![decided(0, [launch(1, 1)])], machine_up(0, 1), story].concat();
        whole.extend((1..=until / (5 * MINUTE)).map(|turn| decided(turn * 5 * MINUTE, [])));
        whole.sort_by_key(|(at, _)| *at);
        let zombies = Zombies { patience: 30 * MINUTE, evidence_max: MINUTE };
        notes(Rule::ZombieEnded, Rules { zombies: Some(zombies), ..rules() }, whole).len()
    }

    fn task(at: Ms) -> Vec<(Ms, Event)> {
        let task = Truth::Submitted { task: 1, worker_type: 0, deadline: None, retries: 0 };
        vec![truth(at, task), truth(at, Truth::Claimed { task: 1, launch: 1 })]
    }

    #[test]
    fn who_holds_nothing_is_ended_in_time() {
        let bound = 20 * MINUTE + 2 * (10 * MINUTE + 30 * MINUTE) + HOUR;
        assert_eq!((noted(vec![], bound), noted(vec![], bound + 5 * MINUTE)), (0, 1));
        let stopped = truth(HOUR, Truth::Stopped { launch: 1, by: EndedBy::Us });
        assert_eq!(noted(vec![stopped], 9 * HOUR), 0);
        assert_eq!(noted(task(HOUR), 9 * HOUR), 0, "it works");
        for end in [Truth::Done { task: 1 }, Truth::Lost { task: 1, told: false }] {
            let story = || [task(HOUR), vec![truth(2 * HOUR, end.clone())]].concat();
            assert_eq!(noted(story(), 2 * HOUR + bound), 0);
            assert_eq!(noted(story(), 2 * HOUR + bound + 5 * MINUTE), 1);
        }
    }

    #[test]
    fn time_counts_only_while_the_provisioner_can_see() {
        let down = vec![truth(MINUTE, Truth::Died), truth(HOUR + MINUTE, Truth::CameBack)];
        assert_eq!((noted(down.clone(), 3 * HOUR), noted(down, 4 * HOUR)), (0, 1));
    }
}
