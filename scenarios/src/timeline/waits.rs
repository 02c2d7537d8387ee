//! How many tasks waited how long: counts by wait, four to a doubling, so that equal runs give equal
//! counts on every platform.

use std::collections::BTreeMap;

use provisioner_engine::units::Duration;

/// Tasks by how long they waited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitCounts {
    /// By the longest wait that a count is for, in milliseconds.
    counts: BTreeMap<i64, u64>,
}

impl WaitCounts {
    /// A task waited that long.
    pub fn note(&mut self, wait: Duration) {
        *self.counts.entry(upper(wait.ms())).or_default() += 1;
    }

    /// Tasks counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// For rising waits, how many tasks waited no longer.
    pub fn no_longer(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut so_far = 0;
        self.counts.iter().map(move |(ms, count)| {
            so_far += count;
            (Duration::from_ms(*ms), so_far)
        })
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        for (ms, count) in &other.counts {
            *self.counts.entry(*ms).or_default() += count;
        }
    }
}

/// The end of the quarter of a doubling that a wait lies in.
fn upper(ms: i64) -> i64 {
    if ms < 8 {
        return ms.max(0);
    }
    let quarter = 1_i64 << (63 - ms.leading_zeros() - 2);
    (ms / quarter + 1) * quarter - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_in_the_quarter_it_lies_in() {
        assert_eq!(
            [0, 7, 8, 9, 10, 1_000, 1_023, 1_024].map(upper),
            [0, 7, 9, 9, 11, 1_023, 1_023, 1_279]
        );
        let mut waits = WaitCounts::default();
        [0, 500, 500, 90_000].into_iter().for_each(|ms| waits.note(Duration::from_ms(ms)));
        let shares: Vec<(i64, u64)> =
            waits.no_longer().map(|(wait, count)| (wait.ms(), count)).collect();
        assert_eq!(
            (shares.as_slice(), waits.count()),
            ([(0, 1), (511, 3), (98_303, 4)].as_slice(), 4)
        );
    }
}
