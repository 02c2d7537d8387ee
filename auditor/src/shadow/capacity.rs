//! Capacity that was ordered and is not told to be over stays within the worker type's maximum.
//!
//! Exceptions: what was told to be interrupted or to be shutting down does not count; it will be
//! gone. A call that is made again adds nothing. Worker types that may overshoot are not asked.

use crate::note::{Notes, Rule};
use crate::{Check, Order, Scene};

pub(super) struct Capacity;

impl Check for Capacity {
    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, count, worker_type, pool, .. } = *order else { return };
        let Some(rules) = scene.rules.worker_types.get(&worker_type) else { return };
        let Some(most) = rules.capacity_max.filter(|_| scene.book.is_new(first)) else { return };
        let each = rules.candidates.get(&pool).map_or(1, |candidate| candidate.capacity);
        let live = scene.book.capacity(worker_type);
        let after = live + u64::from(count) * u64::from(each);
        if after > u64::from(most) {
            notes.note(Rule::CapacityOrdered, || {
                format!(
                    "#{first}: {} has {live} and orders {count} × {each}, of at most {most}",
                    rules.name
                )
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::support::*;
    use crate::{EndedBy, Rule, Told};

    #[test]
    fn the_maximum_is_hard_and_ends_make_room() {
        let full = decided(1, [launch(1, 8), launch_in(9, 1, 1)]);
        assert_eq!(notes(Rule::CapacityOrdered, rules(), [full.clone()]), []);
        let more = decided(9, [launch(10, 1)]);
        let then = |fact| {
            notes(Rule::CapacityOrdered, rules(), [full.clone(), told(5, fact), more.clone()])
        };
        assert_eq!(then(Told::Registered { launch: 1 }), [9]);
        assert_eq!(then(Told::Noticed { launch: 1 }), []);
        assert_eq!(then(Told::Stopping { launch: 1, by: EndedBy::Worker }), []);
        assert_eq!(then(Told::Ended { launch: 1, by: EndedBy::Us }), []);
        assert_eq!(then(Told::Ended { launch: 99, by: EndedBy::Us }), [9]);
    }
}
