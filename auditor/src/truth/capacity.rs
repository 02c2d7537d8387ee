//! True capacity stays within the worker type's maximum: what is asked for counts from the moment
//! the cloud carries the call out, until it is refused or its instance shuts down.
//!
//! Exceptions: what the cloud is taking back does not count, as it will be gone in minutes and may
//! be replaced; nor does an instance that the provisioner was told, wrongly, to have ended. Worker
//! types that may overshoot, or are not served, are not asked.

use crate::note::{Notes, Rule};
use crate::{Check, Scene, Truth};

pub(super) struct Capacity;

impl Check for Capacity {
    fn happened(&mut self, scene: &Scene<'_>, truth: &Truth, notes: &mut Notes) {
        let Truth::Called { token, count, worker_type, capacity, .. } = *truth else { return };
        let Some(rules) = scene.rules.worker_types.get(&worker_type) else { return };
        let Some(most) = rules.capacity_max else { return };
        let machines = scene.world.of_type(worker_type);
        let counted = machines.filter(|it| it.stopped.is_none() && !it.taken && !it.lied);
        let live: u64 = counted.map(|machine| u64::from(machine.capacity)).sum();
        let after = live + u64::from(count) * u64::from(capacity);
        if after > u64::from(most) {
            notes.note(Rule::CapacityTrue, || {
                format!(
                    "#{token}: {} has {live} and gets {count} × {capacity}, of at most {most}",
                    rules.name
                )
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::support::*;
    use crate::{EndedBy, Event, Rule, Truth};

    #[test]
    fn the_maximum_holds_in_truth() {
        let full = || (1..=10).flat_map(|launch| machine_up(1, launch));
        assert_eq!(notes(Rule::CapacityTrue, rules(), full()), []);
        let then = |what| {
            let story: Vec<(i64, Event)> =
                full().chain([truth(2, what)]).chain(machine_up(3, 11)).collect();
            notes(Rule::CapacityTrue, rules(), story)
        };
        assert_eq!(then(Truth::Hung { launch: 1 }), [3]);
        for room in [
            Truth::Stopped { launch: 1, by: EndedBy::Us },
            Truth::Refused { launch: 1 },
            Truth::Taken { launch: 1 },
            Truth::LiedEnded { launch: 1 },
        ] {
            assert_eq!(then(room.clone()), [], "{room:?}");
        }
    }
}
