//! EC2's names of instances, and the engine's numbers for them.
//!
//! The engine counts instances as it hears of them; a number is never given again. Numbers and names
//! are kept in the store, beside the records that speak of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use provisioner_engine::ids::{InstanceId, RegionId};
use provisioner_engine::units::{Duration, Time};

use crate::queue::WorkerPlace;
use crate::store::Entry;

/// An instance that nobody listed for longer is forgotten; EC2 shows ended ones for an hour.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(3);

/// What is known of instances besides what the engine knows.
#[derive(Debug, Default)]
pub(super) struct Instances {
    known: BTreeMap<InstanceId, Known>,
    by_name: HashMap<String, InstanceId>,
    next: u64,
}

#[derive(Debug)]
struct Known {
    name: String,
    /// Where it was listed; until then, only its launch knows.
    place: Option<Place>,
    heard: Time,
}

/// Where a listing showed an instance, and for whom it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) region: RegionId,
    pub(super) at: WorkerPlace,
    pub(super) worker_type: Option<String>,
}

impl Instances {
    /// Those that were kept.
    pub(super) fn of(names: BTreeMap<InstanceId, String>, next: InstanceId, now: Time) -> Self {
        let mut instances = Self { next: next.0, ..Self::default() };
        for (number, name) in names {
            instances.name(number, name, now);
        }
        instances
    }

    /// An instance has that number.
    pub(super) fn name(&mut self, number: InstanceId, name: String, now: Time) {
        self.next = self.next.max(number.0 + 1);
        self.by_name.insert(name.clone(), number);
        self.known.insert(number, Known { name, place: None, heard: now });
    }

    /// The number of an instance that was just heard of; if it is new, that is to be kept.
    pub(super) fn hear(&mut self, name: &str, now: Time, keep: &mut Vec<Entry>) -> InstanceId {
        if let Some(&number) = self.by_name.get(name) {
            self.known.entry(number).and_modify(|known| known.heard = now);
            return number;
        }
        let number = InstanceId(self.next);
        self.name(number, name.to_owned(), now);
        keep.push(Entry::Named(number, name.to_owned()));
        number
    }

    /// A listing showed where it is.
    pub(super) fn place(&mut self, number: InstanceId, place: Place) {
        if let Some(known) = self.known.get_mut(&number) {
            known.place = Some(place);
        }
    }

    /// The number of the instance with that name.
    pub(super) fn find(&self, name: &str) -> Option<InstanceId> {
        self.by_name.get(name).copied()
    }

    /// EC2's name of an instance.
    pub(super) fn name_of(&self, number: InstanceId) -> Option<&str> {
        self.known.get(&number).map(|known| known.name.as_str())
    }

    /// Where a listing showed it.
    pub(super) fn place_of(&self, number: InstanceId) -> Option<&Place> {
        self.known.get(&number)?.place.as_ref()
    }

    /// Forgets those that nobody needs: not among these, and not heard of for long.
    pub(super) fn forget(&mut self, needed: &BTreeSet<InstanceId>, now: Time) {
        self.known.retain(|number, known| {
            let keeps = needed.contains(number) || now.since(known.heard) <= FORGOTTEN_AFTER;
            if !keeps {
                self.by_name.remove(&known.name);
            }
            keeps
        });
    }

    /// All of them, to be kept, and the next number.
    pub(super) fn names(&self) -> (BTreeMap<InstanceId, String>, InstanceId) {
        let names = self.known.iter().map(|(number, known)| (*number, known.name.clone()));
        (names.collect(), InstanceId(self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_once_and_never_given_again() {
        let (mut instances, mut keep) = (Instances::default(), Vec::new());
        let at = |hours| Time::EPOCH + Duration::from_hours(hours);
        let first = instances.hear("i-a", at(0), &mut keep);
        assert_eq!(instances.hear("i-a", at(1), &mut keep), first);
        assert_eq!(keep.len(), 1, "it is kept once");
        let second = instances.hear("i-b", at(1), &mut keep);
        instances.forget(&BTreeSet::from([first]), at(5));
        assert_eq!((instances.find("i-a"), instances.find("i-b")), (Some(first), None));
        let (names, next) = instances.names();
        let mut restored = Instances::of(names, next, at(5));
        let third = restored.hear("i-b", at(5), &mut keep);
        assert!(third > second, "{third} after {second}");
        assert_eq!(restored.name_of(first), Some("i-a"));
    }
}
