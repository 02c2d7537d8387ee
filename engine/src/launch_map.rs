//! Values by launch. Ids are issued in order and most launches end soon, so those that are alive
//! stand close together: a window from the oldest kept to the newest finds each in one step. It
//! takes four bytes for every id between them, whatever became of it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::LaunchId;

/// A map from launches to values, in the order of the launches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaunchMap<T> {
    /// The id that the window's front stands for.
    first: u64,
    /// Where each id's value is, or [`NOWHERE`].
    window: VecDeque<u32>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

impl<T> LaunchMap<T> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self { first: 0, window: VecDeque::new(), slots: Vec::new(), free: Vec::new() }
    }

    /// Adds the value of a launch.
    ///
    /// Launches are best added in order; one that is older than all that are kept makes the
    /// window as much longer.
    ///
    /// Panics if the launch has a value.
    pub fn insert(&mut self, launch: LaunchId, value: T) {
        if self.window.is_empty() {
            self.first = launch.0;
        }
        for _ in launch.0..self.first {
            self.window.push_front(NOWHERE);
        }
        self.first = self.first.min(launch.0);
        let end = self.first + self.window.len() as u64;
        self.window.extend((end..=launch.0).map(|_| NOWHERE));
        assert!(self.get(launch).is_none(), "a launch is added once");
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than four billion launches at once")
        });
        self.slots[slot as usize] = Some(value);
        let place = usize::try_from(launch.0 - self.first).expect("the window fits in memory");
        self.window[place] = slot;
    }

    /// The value of a launch.
    #[must_use]
    pub fn get(&self, launch: LaunchId) -> Option<&T> {
        self.slots.get(self.slot(launch)?)?.as_ref()
    }

    /// The value of a launch, to be changed.
    pub fn get_mut(&mut self, launch: LaunchId) -> Option<&mut T> {
        let slot = self.slot(launch)?;
        self.slots.get_mut(slot)?.as_mut()
    }

    /// Takes the value of a launch out.
    pub fn remove(&mut self, launch: LaunchId) -> Option<T> {
        let slot = self.slot(launch)?;
        let value = self.slots.get_mut(slot)?.take()?;
        let place = usize::try_from(launch.0 - self.first).ok()?;
        self.free.push(core::mem::replace(&mut self.window[place], NOWHERE));
        while self.window.front() == Some(&NOWHERE) {
            self.window.pop_front();
            self.first += 1;
        }
        Some(value)
    }

    /// All launches with their values, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (LaunchId, &T)> {
        (self.first..).zip(&self.window).filter_map(|(id, slot)| {
            Some((LaunchId(id), self.slots.get(*slot as usize)?.as_ref()?))
        })
    }

    /// How many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn slot(&self, launch: LaunchId) -> Option<usize> {
        let place = usize::try_from(launch.0.checked_sub(self.first)?).ok()?;
        self.window.get(place).map(|slot| *slot as usize)
    }
}

impl<T> Default for LaunchMap<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_does_what_a_btree_map_does(steps in prop::collection::vec((0_u64..80, 0_u8..3), 0..200)) {
            let (mut map, mut model) = (LaunchMap::new(), BTreeMap::new());
            for (step, (id, what)) in steps.into_iter().enumerate() {
                if what == 0 {
                    prop_assert_eq!(map.remove(LaunchId(id)), model.remove(&LaunchId(id)));
                } else if map.get(LaunchId(id)).is_none() {
                    map.insert(LaunchId(id), step);
                    model.insert(LaunchId(id), step);
                }
                prop_assert_eq!(map.get(LaunchId(id)), model.get(&LaunchId(id)));
                prop_assert_eq!(map.len(), model.len());
                prop_assert!(map.iter().eq(model.iter().map(|(id, value)| (*id, value))));
            }
        }
    }

    #[test]
    fn ended_launches_take_no_room() {
        let mut map = LaunchMap::new();
        for id in 0..10_000 {
            map.insert(LaunchId(id), id);
            if id >= 5 {
                map.remove(LaunchId(id - 5));
            }
        }
        assert_eq!((map.len(), map.slots.len(), map.window.len()), (5, 6, 5));
    }
}
