//! A priority queue of events packed into 128 bits: four children to a node, smallest key first.
//!
//! Four children halve the depth of a binary heap and share a cache line, and a key compares in
//! one step. A key is (time, order of entry, what happens), most significant first, so that equal
//! times leave first in, first out.

/// When an event happens, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u128);

const PAYLOAD_BITS: u32 = 24;
const ORDER_BITS: u32 = 40;

impl Key {
    /// Later than any event.
    pub const LAST: Self = Self(u128::MAX);

    /// When it happens.
    #[inline]
    #[must_use]
    pub const fn time(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// What happens: below 2^24.
    #[inline]
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "masked to 24 bits")]
    pub const fn payload(self) -> u32 {
        (self.0 as u32) & ((1 << PAYLOAD_BITS) - 1)
    }
}

/// Events to come.
#[derive(Clone, Debug, Default)]
pub struct QuadHeap {
    keys: Vec<Key>,
    entered: u64,
}

impl QuadHeap {
    /// The next event; [`Key::LAST`] if there is none.
    #[inline]
    #[must_use]
    pub fn peek(&self) -> Key {
        self.keys.first().copied().unwrap_or(Key::LAST)
    }

    /// Adds an event.
    #[inline]
    pub fn push(&mut self, time: u64, payload: u32) {
        let key = self.key(time, payload);
        self.keys.push(key);
        self.rise(self.keys.len() - 1, key);
    }

    /// Takes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<Key> {
        let last = self.keys.pop()?;
        let Some(&first) = self.keys.first() else {
            return Some(last);
        };
        self.sink(last);
        Some(first)
    }

    /// Takes the next event and adds another: cheaper than both in turn.
    #[inline]
    pub fn replace(&mut self, time: u64, payload: u32) -> Option<Key> {
        let first = *self.keys.first()?;
        let key = self.key(time, payload);
        self.sink(key);
        Some(first)
    }

    #[inline]
    fn key(&mut self, time: u64, payload: u32) -> Key {
        debug_assert!(payload < 1 << PAYLOAD_BITS);
        self.entered += 1;
        debug_assert!(self.entered < 1 << ORDER_BITS);
        let low = self.entered << PAYLOAD_BITS | u64::from(payload);
        Key(u128::from(time) << 64 | u128::from(low))
    }

    #[inline]
    fn rise(&mut self, mut at: usize, key: Key) {
        while at > 0 {
            let parent = (at - 1) / 4;
            if self.keys[parent] <= key {
                break;
            }
            self.keys[at] = self.keys[parent];
            at = parent;
        }
        self.keys[at] = key;
    }

    /// Puts `key` where the first one was, and below all that are smaller.
    #[inline]
    fn sink(&mut self, key: Key) {
        let keys = &mut self.keys[..];
        let mut at = 0;
        loop {
            let child = 4 * at + 1;
            let (smallest, smallest_key) = if let Some(&[a, b, c, d]) = keys.get(child..child + 4) {
                let (left, left_key) = if b < a { (1, b) } else { (0, a) };
                let (right, right_key) = if d < c { (3, d) } else { (2, c) };
                if right_key < left_key {
                    (child + right, right_key)
                } else {
                    (child + left, left_key)
                }
            } else {
                let rest = keys.get(child..).unwrap_or_default().iter().copied();
                (child..).zip(rest).min_by_key(|&(_, key)| key).unwrap_or((at, Key::LAST))
            };
            if key <= smallest_key {
                break;
            }
            keys[at] = smallest_key;
            at = smallest;
        }
        keys[at] = key;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BinaryHeap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn events_leave_by_time_then_first_in_first_out(
            steps in prop::collection::vec((0..3_u8, 0..50_u64), 0..500),
        ) {
            let (mut heap, mut model) = (QuadHeap::default(), BinaryHeap::new());
            for (entered, &(step, time)) in (0_u32..).zip(&steps) {
                let first = || model.peek().map(|&std::cmp::Reverse(first)| first);
                prop_assert_eq!(heap.peek().time(), first().map_or(u64::MAX, |(time, _)| time));
                let taken = match step {
                    0 => heap.pop(),
                    1 => heap.replace(time, entered),
                    _ => { heap.push(time, entered); None }
                };
                let expected = if step < 2 { model.pop().map(|std::cmp::Reverse(first)| first) } else { None };
                prop_assert_eq!(taken.map(|key| (key.time(), key.payload())), expected);
                if step == 2 || step == 1 && taken.is_some() {
                    model.push(std::cmp::Reverse((time, entered)));
                }
            }
        }
    }
}
