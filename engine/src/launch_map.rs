//! Values by launch. Ids are issued in order and most launches end soon, so those that are alive
//! stand close together: a window from the oldest kept to the newest finds each in one step. It
//! takes four bytes for every id between them, whatever became of it. The few that come out of
//! order, adopted ones, and those from before a leap of the ids, stand beside it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::LaunchId;

/// A map from launches to values, in the order of the launches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaunchMap<T> {
    /// The id that the window's front stands for.
    first: u64,
    /// Where each id's value is, or [`NOWHERE`].
    window: Vec<u32>,
    /// So many at its front are nowhere; they are cut off together.
    gone: usize,
    /// The same for ids before the window.
    before: BTreeMap<u64, u32>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

/// Fewer that are gone are not worth cutting off.
const GONE_MIN: usize = 64;

/// A leap of the ids that is longer than this does not become part of the window.
const LEAP_MAX: u64 = 1 << 16;

impl<T> LaunchMap<T> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: 0,
            window: Vec::new(),
            gone: 0,
            before: BTreeMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Adds the value of a launch: cheaply if it is the newest so far.
    ///
    /// Panics if it has one.
    pub fn insert(&mut self, launch: LaunchId, value: T) {
        assert!(self.slot(launch).is_none(), "{launch} is there already");
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than four billion launches at once")
        });
        self.slots[slot as usize] = Some(value);
        let end = self.first + self.window.len() as u64;
        if launch.0 < self.first {
            self.before.insert(launch.0, slot);
        } else if let Some(place) = launch.0.checked_sub(end) {
            if place > LEAP_MAX || self.window.is_empty() {
                let window = (self.first..).zip(self.window.drain(..));
                self.before.extend(window.filter(|(_, slot)| *slot != NOWHERE));
                (self.first, self.gone) = (launch.0, 0);
            } else {
                self.window.extend((end..launch.0).map(|_| NOWHERE));
            }
            self.window.push(slot);
        } else if let Ok(place) = usize::try_from(launch.0 - self.first) {
            self.window[place] = slot;
            self.gone = self.gone.min(place);
        }
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
        self.free.push(u32::try_from(slot).ok()?);
        let Some(place) = launch.0.checked_sub(self.first) else {
            self.before.remove(&launch.0);
            return Some(value);
        };
        self.window[usize::try_from(place).ok()?] = NOWHERE;
        while self.window.get(self.gone) == Some(&NOWHERE) {
            self.gone += 1;
        }
        if self.gone > GONE_MIN.max(self.window.len() / 2) {
            self.window.drain(..self.gone);
            self.first += self.gone as u64;
            self.gone = 0;
        }
        Some(value)
    }

    /// All launches with their values, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (LaunchId, &T)> {
        let before = self.before.iter().map(|(id, slot)| (*id, slot));
        before.chain((self.first..).zip(&self.window)).filter_map(|(id, slot)| {
            Some((LaunchId(id), self.slots.get(*slot as usize)?.as_ref()?))
        })
    }

    /// All values, to be changed, in no order.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().flatten()
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
        let slot = match launch.0.checked_sub(self.first) {
            Some(place) => self.window.get(usize::try_from(place).ok()?).copied()?,
            None => self.before.get(&launch.0).copied()?,
        };
        (slot != NOWHERE).then_some(slot as usize)
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

    proptest! {
        #[test]
        fn launches_out_of_order_are_found_too(
            steps in prop::collection::vec((0_u64..40, 0_u64..3, any::<bool>()), 0..120),
        ) {
            let (mut map, mut model) = (LaunchMap::new(), BTreeMap::new());
            for (step, (near, leaps, goes)) in steps.into_iter().enumerate() {
                let id = near + leaps * 1_000_000_000_000;
                if goes || model.contains_key(&LaunchId(id)) {
                    prop_assert_eq!(map.remove(LaunchId(id)), model.remove(&LaunchId(id)));
                } else {
                    map.insert(LaunchId(id), step);
                    model.insert(LaunchId(id), step);
                }
                prop_assert_eq!(map.get(LaunchId(id)), model.get(&LaunchId(id)));
                prop_assert!(map.iter().eq(model.iter().map(|(id, value)| (*id, value))));
                prop_assert!(map.window.len() < 200_000);
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
        assert_eq!((map.len(), map.slots.len()), (5, 6));
        assert!(map.window.len() <= 5 + GONE_MIN + 1, "{} places", map.window.len());
    }
}
