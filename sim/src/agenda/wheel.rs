//! The entries without a line, by when they are due.
//!
//! Those of the next seconds stand in a heap; those of the next hour in a ring of buckets of some
//! seconds each, in no order, until their bucket is the next; what is later in a heap of its own.
//! However much is to come, the heap that each event goes through stays low. Measured in W against
//! one heap for all: 9 % less time.

use super::heap::Heap;
use super::{NOTHING, offset_of};

/// Entries of any time, the earliest first.
#[derive(Debug)]
pub(super) struct Wheel {
    /// All entries of buckets up to this one are in `soon`, which is empty only if there are none.
    this: u64,
    soon: Heap,
    /// Buckets after `this`, each at its number modulo their count.
    near: Vec<Vec<u128>>,
    /// Bit b of word w stands for place 64 w + b.
    filled: [u64; NEAR / 64],
    far: Heap,
}

/// A bucket is 4.096 s long.
const BUCKET_BITS: u32 = 12;

/// So many buckets are near: 70 minutes.
const NEAR: usize = 1024;

impl Wheel {
    pub(super) fn new() -> Self {
        let (soon, far) = (Heap::default(), Heap::default());
        Self { this: 0, soon, near: vec![Vec::new(); NEAR], filled: [0; _], far }
    }

    /// The earliest entry, or [`NOTHING`].
    #[inline(always)]
    pub(super) fn first(&self) -> u128 {
        self.soon.first()
    }

    #[inline(always)]
    pub(super) fn push(&mut self, entry: u128) {
        let bucket = bucket_of(entry);
        if bucket <= self.this || self.soon.is_empty() {
            self.this = self.this.max(bucket);
            self.soon.push(entry);
        } else if bucket - self.this < NEAR as u64 {
            let place = place(bucket);
            self.near[place].push(entry);
            self.filled[place / 64] |= 1 << (place % 64);
        } else {
            self.far.push(entry);
        }
    }

    /// Takes the earliest entry out.
    #[inline(always)]
    pub(super) fn pop_first(&mut self) {
        self.soon.pop_first();
        if self.soon.is_empty() {
            self.turn();
        }
    }

    /// Goes on to the next bucket that has entries.
    #[inline(never)]
    fn turn(&mut self) {
        let near = self.next_filled();
        let next = near.unwrap_or(u64::MAX).min(bucket_of(self.far.first()));
        if near == Some(next) {
            let place = place(next);
            self.filled[place / 64] &= !(1 << (place % 64));
            self.near[place].drain(..).for_each(|entry| self.soon.push(entry));
        }
        while self.far.first() != NOTHING && bucket_of(self.far.first()) == next {
            self.soon.push(self.far.first());
            self.far.pop_first();
        }
        if !self.soon.is_empty() {
            self.this = next;
        }
    }

    /// The next bucket in the ring that has entries.
    fn next_filled(&self) -> Option<u64> {
        let from = self.this + 1;
        let (word, bit) = (place(from) / 64, from % 64);
        let words = self.filled.len();
        let first = self.filled[word] >> bit;
        if first != 0 {
            return Some(from + u64::from(first.trailing_zeros()));
        }
        (1..=words).find_map(|step| {
            let filled = self.filled[(word + step) % words];
            let begins = from - bit + 64 * step as u64;
            (filled != 0).then(|| begins + u64::from(filled.trailing_zeros()))
        })
    }
}

/// Where a near bucket stands in the ring.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "below the ring's size")]
const fn place(bucket: u64) -> usize {
    (bucket % NEAR as u64) as usize
}

/// In which bucket an entry is; that of [`NOTHING`] is the last.
#[inline(always)]
const fn bucket_of(entry: u128) -> u64 {
    offset_of(entry) >> BUCKET_BITS
}
