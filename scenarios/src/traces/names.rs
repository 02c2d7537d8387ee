//! Names turned into small ids, in the order in which they are first met.
//!
//! Made for tables of millions of rows with few distinct names: a known name of up to 16
//! bytes costs a few instructions, a longer one a hash and a comparison. Ids depend on the order of names alone.

use xxhash_rust::xxh3::xxh3_64;

/// A set of byte strings, numbered from zero.
#[derive(Default)]
pub(super) struct Names {
    known: Vec<Box<[u8]>>,
    /// Open addressing: at most a quarter full, a power of two long.
    slots: Vec<Slot>,
}

/// So many at least, so that the few names of most tables each have a place of their own.
const SLOTS_MIN: usize = 1024;

#[derive(Clone, Copy, Default)]
struct Slot {
    key: Key,
    /// `id + 1`, or 0 where free.
    count: u32,
}

/// What tells names apart without following a pointer: all of a name of up to 16 bytes, a hash
/// and the end of a longer one.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: usize,
}

impl Key {
    #[inline]
    fn of(name: &[u8]) -> Self {
        let (first, last) = match (name.first_chunk(), name.last_chunk()) {
            (Some(first), Some(last)) if name.len() <= 16 => {
                (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
            }
            (_, Some(last)) => (xxh3_64(name), u64::from_le_bytes(*last)),
            _ => (name.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0),
        };
        Self { first, last, length: name.len() }
    }

    #[inline]
    fn hash(self) -> u64 {
        let mixed = (self.first ^ self.last.rotate_left(29)).wrapping_add(self.length as u64);
        let mixed = (mixed ^ mixed >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 32
    }
}

impl Names {
    /// The id of `name`, and whether it is new.
    #[inline]
    pub(super) fn intern(&mut self, name: &[u8]) -> (u32, bool) {
        if self.slots.len() <= self.known.len() * 4 {
            self.grow();
        }
        let key = Key::of(name);
        let slot = self.slot_of(key, name);
        let new = self.slots[slot].count == 0;
        if new {
            self.known.push(name.into());
            let count = u32::try_from(self.known.len()).expect("under four billion names");
            self.slots[slot] = Slot { key, count };
        }
        (self.slots[slot].count - 1, new)
    }

    /// Where `name` is, or where it belongs.
    #[inline]
    fn slot_of(&self, key: Key, name: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
        let mut at = key.hash() as usize & mask;
        loop {
            let slot = &self.slots[at];
            let same = || name.len() <= 16 || *self.known[slot.count as usize - 1] == *name;
            if slot.count == 0 || slot.key == key && same() {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let longer = vec![Slot::default(); (self.slots.len() * 2).max(SLOTS_MIN)];
        for slot in std::mem::replace(&mut self.slots, longer) {
            if slot.count > 0 {
                let at = self.slot_of(slot.key, &self.known[slot.count as usize - 1]);
                self.slots[at] = slot;
            }
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
            names in proptest::collection::vec("[a-e]{0,3}|[ab]{7,9}|[ab]x{14}[ab]{0,2}", 0..400),
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
