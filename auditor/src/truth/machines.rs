//! One launch, one instance, ever: nothing is bought twice.
//!
//! A token is good for as many instances as its call asked for, which are the launches that follow
//! it: so it is enough that no launch is asked for or given an instance twice. There is no
//! exception, whatever calls and answers were lost.

use std::collections::BTreeSet;

use crate::note::{Notes, Rule};
use crate::{Check, Instance, Launch, Scene, Truth};

#[derive(Default)]
pub(super) struct Machines {
    asked: BTreeSet<Launch>,
    given: BTreeSet<Launch>,
    instances: BTreeSet<Instance>,
}

impl Check for Machines {
    fn happened(&mut self, scene: &Scene<'_>, truth: &Truth, notes: &mut Notes) {
        match *truth {
            Truth::Called { token, count, .. } => {
                for launch in token..token.saturating_add(u64::from(count)) {
                    if !self.asked.insert(launch) {
                        notes.note(Rule::OneInstance, || format!("#{launch} is asked for twice"));
                    }
                }
            }
            Truth::Given { launch, instance } => {
                if scene.world.machine(launch).is_none() {
                    notes.note(Rule::OneInstance, || {
                        format!("#{launch} is given what nobody asked for")
                    });
                }
                if !self.given.insert(launch) {
                    notes.note(Rule::OneInstance, || {
                        format!("#{launch} is given a second instance")
                    });
                }
                if !self.instances.insert(instance) {
                    notes.note(Rule::OneInstance, || format!("instance {instance} is given twice"));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::support::*;
    use crate::{EndedBy, Rule, Truth};

    #[test]
    fn a_launch_is_given_one_instance_ever() {
        let ended = truth(2, Truth::Ended { launch: 1, by: EndedBy::Us });
        let once = [machine_up(1, 1), machine_up(1, 2), vec![ended.clone()]].concat();
        assert_eq!(notes(Rule::OneInstance, rules(), once), []);
        let again = [machine_up(1, 1), vec![ended], machine_up(3, 1)].concat();
        assert_eq!(notes(Rule::OneInstance, rules(), again).first(), Some(&3));
        let nobody = [truth(1, Truth::Given { launch: 9, instance: 9 })];
        assert_eq!(notes(Rule::OneInstance, rules(), nobody), [1]);
    }
}
