//! Recorded availability: how many instances a pool could give, from when on.
//!
//! Price says little about it, so it is an input of its own. Sources disagree about the sign
//! (grids: 1 is available; windows: 1 is *not* available); here a number is what was available.

use provisioner_engine::units::{Duration, Time};

use super::error::TraceError;
use super::findings::{Findings, Log};
use super::{Format, Imported, Options, Trace};

/// Availability, oldest first; changes of one instant in the order of pools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvailabilityTrace {
    /// The pools, by the index that rows hold.
    pub pools: Vec<AvailabilityPool>,
    /// The changes: of each pool its first value and each that differs from the one before.
    pub changes: Vec<AvailabilityRow>,
}

/// A recorded pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityPool {
    /// The recording's name of it: `availability/1-node/aws-02-15-2023/us-west-2a_v100_1`.
    pub name: String,
    /// When its recording ends: from here on nothing is known.
    pub end: Time,
}

/// How many instances a pool can give from `at` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AvailabilityRow {
    /// From when.
    pub at: Time,
    /// Index into [`AvailabilityTrace::pools`].
    pub pool: u32,
    /// How many.
    pub available: u32,
}

impl AvailabilityTrace {
    /// Adds a pool that was looked at every `step` from `start` on.
    pub(super) fn add_grid(
        &mut self,
        name: &str,
        start: Time,
        step: Duration,
        ticks: impl Iterator<Item = u32>,
    ) {
        let pool = u32::try_from(self.pools.len()).expect("under four billion pools");
        let (mut at, mut last) = (start, None);
        for available in ticks {
            if last.replace(available) != Some(available) {
                self.changes.push(AvailabilityRow { at, pool, available });
            }
            at = at.saturating_add(step);
        }
        self.pools.push(AvailabilityPool { name: name.to_owned(), end: at });
    }

    /// How many instances of a pool are available at `now`; `None` outside its recording.
    #[must_use]
    pub fn available(&self, pool: u32, now: Time) -> Option<u32> {
        let until_now = &self.changes[..self.changes.partition_point(|row| row.at <= now)];
        let last = until_now.iter().rfind(|row| row.pool == pool)?;
        (now < self.pools[pool as usize].end).then_some(last.available)
    }

    pub(super) fn findings(&self, log: Log, file: &str, format: Format) -> Findings {
        let mut rows = vec![0; self.pools.len()];
        for row in &self.changes {
            rows[row.pool as usize] += 1;
        }
        let pools = self.pools.iter().map(|pool| pool.name.clone()).zip(rows).collect();
        let times = || self.changes.iter().map(|row| row.at);
        log.finish(file, format, "pools", pools, (times().collect(), times()))
    }

    pub(super) fn imported(
        mut self,
        log: Log,
        file: &str,
        format: Format,
    ) -> Result<Imported, TraceError> {
        self.changes.sort_by_key(|row| row.at);
        let findings = self.findings(log, file, format);
        Ok(Imported { trace: Trace::Availability(self), findings })
    }
}

/// Where a recording that counts from its own start is put.
pub(super) fn start_of(options: &Options) -> Time {
    options.start.unwrap_or(Time::EPOCH)
}
