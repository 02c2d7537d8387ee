//! Nothing runs for long without being anybody's, and nothing lives much longer than it may.
//!
//! An orphan is an instance that is up while the provisioner knows of no launch that has it. It may
//! be one for the stated patience with strays and an hour more: that is what it takes to be listed,
//! found to be nobody's, and ended when calls fail now and then. An instance may outlive its longest
//! life by two hours. What is left when the run is over is judged the same way, so that nothing
//! that was ever given is lost.
//!
//! Exceptions: only time counts in which the provisioner is up and can see and end instances.
//! Strays that are left alone by the rules, and worker types that are not served, are not asked.

use std::collections::BTreeMap;

use super::clock::Clock;
use crate::event::HOUR;
use crate::note::{Notes, Rule};
use crate::{Check, Decided, Launch, Ms, Scene, Truth};

/// From one look at everything to the next.
const LOOK: Ms = 5 * 60_000;

#[derive(Default)]
pub(super) struct Orphans {
    clock: Clock,
    looked: Ms,
    /// Since when by the clock, and whether that was noted.
    orphans: BTreeMap<Launch, (Ms, bool)>,
    /// When each was given, by the clock, and whether it was noted.
    lives: BTreeMap<Launch, (Ms, bool)>,
}

impl Check for Orphans {
    fn happened(&mut self, scene: &Scene<'_>, truth: &Truth, _: &mut Notes) {
        let now = self.clock.happened(scene.at, truth);
        match *truth {
            Truth::Given { launch, .. } => {
                self.lives.insert(launch, (now, false));
            }
            Truth::Stopped { launch, .. } | Truth::Ended { launch, .. } => {
                self.lives.remove(&launch);
                self.orphans.remove(&launch);
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

impl Orphans {
    fn look(&mut self, scene: &Scene<'_>, notes: &mut Notes) {
        self.looked = scene.at;
        let now = self.clock.pass(scene.at);
        for (launch, machine) in scene.world.machines().filter(|(_, machine)| machine.is_up()) {
            let name = || scene.rules.name(machine.worker_type);
            let lifetime =
                scene.rules.worker_types.get(&machine.worker_type).map(|it| it.lifetime_max);
            let (given, was_noted) = self.lives.entry(launch).or_insert((now, false));
            if let Some(most) =
                lifetime.filter(|most| now - *given > most + 2 * HOUR && !*was_noted)
            {
                *was_noted = true;
                let age = now - *given;
                notes.note(Rule::Outlived, || {
                    format!("#{launch} of {} is {age} ms old, of {most}", name())
                });
            }
            let owns =
                |instance| scene.book.launches().any(|(_, known)| known.instance == instance);
            if scene.book.launch(launch).is_some() || owns(machine.instance) {
                self.orphans.remove(&launch);
                continue;
            }
            let (since, was_noted) = self.orphans.entry(launch).or_insert((now, false));
            let patience = scene.rules.stray_patience.map(|patience| patience + HOUR);
            if let Some(most) = patience.filter(|most| now - *since > *most && !*was_noted) {
                *was_noted = true;
                let age = now - *since;
                notes.note(Rule::Orphan, || {
                    format!("#{launch} of {} is nobody's for {age} ms, of {most}", name())
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{EndedBy, Event, Rules, Told};

    /// A machine of launch 1, and turns every five minutes.
    fn run(rule: Rule, story: Vec<(Ms, Event)>, until: Ms) -> usize {
        let mut whole = [vec![decided(0, [launch(1, 1)])], machine_up(0, 1), story].concat();
        whole.extend((1..=until / (5 * MINUTE)).map(|turn| decided(turn * 5 * MINUTE, [])));
        whole.sort_by_key(|(at, _)| *at);
        notes(rule, Rules { stray_patience: Some(20 * MINUTE), ..rules() }, whole).len()
    }

    #[test]
    fn an_orphan_is_found_and_ended_in_time() {
        let lost = || told(MINUTE, Told::Ended { launch: 1, by: EndedBy::Worker });
        let bound = 5 * MINUTE + 80 * MINUTE;
        assert_eq!(run(Rule::Orphan, vec![], 9 * HOUR), 0);
        assert_eq!(run(Rule::Orphan, vec![lost()], bound), 0);
        assert_eq!(run(Rule::Orphan, vec![lost()], bound + 5 * MINUTE), 1);
        let stopped = truth(HOUR, Truth::Stopped { launch: 1, by: EndedBy::Us });
        assert_eq!(run(Rule::Orphan, vec![lost(), stopped], 9 * HOUR), 0);
    }

    #[test]
    fn time_counts_only_while_the_provisioner_can_see() {
        let lost = told(MINUTE, Told::Ended { launch: 1, by: EndedBy::Worker });
        let blind = [truth(10 * MINUTE, Truth::Blinded), truth(70 * MINUTE, Truth::Sighted)];
        let down = [truth(10 * MINUTE, Truth::Died), truth(70 * MINUTE, Truth::CameBack)];
        for pause in [blind, down] {
            let story = [vec![lost.clone()], pause.to_vec()].concat();
            assert_eq!(run(Rule::Orphan, story.clone(), 2 * HOUR), 0);
            assert_eq!(run(Rule::Orphan, story, 3 * HOUR), 1);
        }
    }

    #[test]
    fn nothing_lives_much_longer_than_it_may() {
        assert_eq!(run(Rule::Outlived, vec![], 98 * HOUR), 0);
        assert_eq!(run(Rule::Outlived, vec![], 98 * HOUR + 5 * MINUTE), 1);
        let stopped = truth(97 * HOUR, Truth::Stopped { launch: 1, by: EndedBy::Us });
        assert_eq!(run(Rule::Outlived, vec![stopped], 99 * HOUR), 0);
    }
}
