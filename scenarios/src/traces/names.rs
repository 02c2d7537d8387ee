//! Names turned into small ids, in the order in which they are first met.
//!
//! Made for tables of millions of rows with few distinct names: a known name costs one hash and
//! one comparison. Ids depend on the order of names alone.

use xxhash_rust::xxh3::xxh3_64;

/// A set of byte strings, numbered from zero.
#[derive(Default)]
pub(super) struct Names {
    known: Vec<Box<[u8]>>,
    /// Open addressing; `id + 1`, or 0 where free. At most half full; a power of two long.
    slots: Vec<u32>,
}

impl Names {
    /// The id of `name`, and whether it is new.
    #[inline]
    pub(super) fn intern(&mut self, name: &[u8]) -> (u32, bool) {
        if self.slots.len() <= self.known.len() * 2 {
            self.grow();
        }
        let slot = self.slot_of(name);
        let new = self.slots[slot] == 0;
        if new {
            self.known.push(name.into());
            let count = u32::try_from(self.known.len()).expect("under four billion names");
            self.slots[slot] = count;
        }
        (self.slots[slot] - 1, new)
    }

    /// Where `name` is, or where it belongs.
    #[inline]
    fn slot_of(&self, name: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
        let mut slot = xxh3_64(name) as usize & mask;
        while self.slots[slot] != 0 && *self.known[self.slots[slot] as usize - 1] != *name {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        self.slots = vec![0; (self.slots.len() * 2).max(64)];
        for id in 0..self.known.len() {
            let slot = self.slot_of(&self.known[id]);
            self.slots[slot] = u32::try_from(id + 1).expect("checked when it was new");
        }
    }

    /// All names by id. Each was checked to be text when it was new.
    pub(super) fn into_strings(self) -> Vec<String> {
        let text = |name: Box<[u8]>| String::from_utf8_lossy(&name).into_owned();
        self.known.into_iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_count_distinct_names_in_the_order_met(
            names in proptest::collection::vec("[a-e]{0,3}", 0..400),
        ) {
            let (mut interned, mut expected) = (Names::default(), BTreeMap::new());
            for name in &names {
                let next = u32::try_from(expected.len()).unwrap();
                let new = !expected.contains_key(name);
                let id = *expected.entry(name.clone()).or_insert(next);
                prop_assert_eq!(interned.intern(name.as_bytes()), (id, new));
            }
            for (id, name) in interned.into_strings().iter().enumerate() {
                prop_assert_eq!(expected[name] as usize, id);
            }
        }
    }
}
