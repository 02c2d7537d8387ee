//! Chance as an argument: one seed, split by label into independent streams.
//!
//! Adding a draw to one stream moves no other, so two policies compared on one seed see the same
//! world. A [`Seed`] is split by purpose (a word) and by entity (a number) before it becomes a
//! [`Stream`]. Labels are hashed by the rules written here, so they mean the same everywhere.
//!
//! Not here: distributions (the `sim` crate), entropy (there is none).

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// A stream of random numbers: xoshiro256++ (Blackman and Vigna, 2019), equal on every platform.
pub type Stream = Xoshiro256PlusPlus;

/// The origin of all chance in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed for one purpose, e.g. `seed.purpose("boot")`.
    #[must_use]
    pub fn purpose(self, label: &str) -> Self {
        let mut hash = self.0 ^ 0xcbf2_9ce4_8422_2325;
        for byte in label.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(mix(hash))
    }

    /// The seed for one entity within a purpose, e.g. the `n`-th instance of a pool.
    #[must_use]
    pub const fn entity(self, n: u64) -> Self {
        Self(mix(self.0.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    }

    /// The stream of numbers for this purpose and entity.
    #[must_use]
    pub fn stream(self) -> Stream {
        Stream::seed_from_u64(self.0)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every input bit reaches every
/// output bit.
const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn a_label_names_one_stream_for_ever() {
        let mut stream = Seed(7).purpose("boot").entity(3).stream();
        assert_eq!(stream.next_u64(), 12_869_331_378_296_504_542);
    }

    #[test]
    fn purposes_and_entities_do_not_share_numbers() {
        let first = |seed: Seed| seed.stream().next_u64();
        let root = Seed(7);
        let streams = [
            first(root),
            first(root.purpose("boot")),
            first(root.purpose("price")),
            first(root.purpose("boot").entity(0)),
            first(root.purpose("boot").entity(1)),
            first(Seed(8).purpose("boot")),
        ];
        for (i, a) in streams.iter().enumerate() {
            assert!(streams[i + 1..].iter().all(|b| a != b), "streams {i} and a later one agree");
        }
    }
}
