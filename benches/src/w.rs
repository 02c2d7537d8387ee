//! W, the elastic pool: the workload by which simulators are compared here.
//!
//! Tasks of one worker type arrive at random, one a second. Every minute until all of them are done
//! an iteration wants as many instances as there are tasks queued or running, and launches what is
//! missing. An instance runs one task at a time. An arriving task goes to the most recently idled
//! instance, or waits in a first-in-first-out queue; an instance idle for ten minutes terminates.
//! The pool starts empty, and the run ends when the last instance is gone.
//!
//! Units: times are whole nanoseconds since the start, so that equal draws give equal results in
//! every implementation, whatever its clock. An instance's hours count from its launch.
//! Source of [`REFERENCE`]: six independent implementations, 30 seeds each.

use provisioner_engine::random::{Seed, Stream};
use rand::RngExt;
use rand_distr::{Exp1, StandardNormal};
use serde::{Deserialize, Serialize};

/// One second of virtual time.
pub const SECOND: u64 = 1_000_000_000;
/// From one iteration to the next.
pub const TICK: u64 = 60 * SECOND;
/// How long an instance stays idle before it terminates.
pub const IDLE_TIMEOUT: u64 = 600 * SECOND;
/// The most instances ever wanted.
pub const CAPACITY_MAX: u64 = 5_000;

const SERVICE_MEAN_S: f64 = 600.0;
const SERVICE_SIGMA: f64 = 1.0;
const BOOT_MEAN_S: f64 = 120.0;
const BOOT_SIGMA: f64 = 0.5;

/// How many instances an iteration launches.
#[must_use]
pub const fn wanted(queued: u64, busy: u64, idle: u64, starting: u64) -> u64 {
    let demand = queued + busy;
    let desired = if demand < CAPACITY_MAX { demand } else { CAPACITY_MAX };
    desired.saturating_sub(starting + idle + busy)
}

/// A task: when it arrived and how long it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// When it entered the queue.
    pub arrived: u64,
    /// How long it runs, drawn at arrival.
    pub service: u64,
}

/// When tasks arrive and how long they run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arrivals {
    gaps: Stream,
    services: Stream,
}

impl Arrivals {
    /// The arrivals of one seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let seed = Seed(seed);
        Self { gaps: seed.purpose("gap").stream(), services: seed.purpose("service").stream() }
    }

    /// Time until the next arrival: exponential, mean 1 s.
    #[inline]
    pub fn gap(&mut self) -> u64 {
        nanoseconds(self.gaps.sample(Exp1))
    }

    /// How long the task that arrives now will run: log-normal, mean 600 s, sigma 1.
    #[inline]
    pub fn service(&mut self) -> u64 {
        log_normal(&mut self.services, SERVICE_MEAN_S, SERVICE_SIGMA)
    }
}

/// How long instances take from launch to ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Boots(Stream);

impl Boots {
    /// The boot times of one seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Seed(seed).purpose("boot").stream())
    }

    /// The next launch's boot time: log-normal, mean 120 s, sigma 0.5.
    #[inline]
    pub fn boot(&mut self) -> u64 {
        log_normal(&mut self.0, BOOT_MEAN_S, BOOT_SIGMA)
    }
}

#[inline]
fn log_normal(stream: &mut Stream, mean_s: f64, sigma: f64) -> u64 {
    let normal: f64 = stream.sample(StandardNormal);
    nanoseconds(mean_s * (sigma * (normal - sigma / 2.0)).exp())
}

/// Never zero, because some frameworks refuse to schedule an event for now.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "draws are positive and far below 2^64 ns"
)]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64 + 1
}

/// What a run of W found. Equal draws give equal outcomes in every implementation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WResult {
    /// Mean time from arrival to start.
    pub mean_wait_s: f64,
    /// Waits of 95 % of the tasks are at most this.
    pub p95_wait_s: f64,
    /// Instances launched.
    pub launches: f64,
    /// Hours from launch to termination, summed over instances.
    pub instance_hours: f64,
    /// Arrivals, finishes, readys, ticks and terminations.
    pub events: u64,
}

/// What is known of a statistic of W: its mean over runs, and the standard deviation of one run.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Mean over runs.
    pub mean: f64,
    /// Standard deviation of one run.
    pub sd: f64,
}

/// The statistics by which runs of W are compared, as [`WResult::statistics`] orders them.
pub const STATISTICS: [&str; 4] = ["mean wait", "p95 wait", "launches", "instance-hours"];

/// Tasks in a run that [`REFERENCE`] speaks of.
pub const REFERENCE_TASKS: u64 = 1_000_000;

/// What a run of [`REFERENCE_TASKS`] finds.
pub const REFERENCE: [Known; 4] = [
    Known { mean: 1.787, sd: 0.043 },
    Known { mean: 13.13, sd: 0.29 },
    Known { mean: 16_203.0, sd: 361.0 },
    Known { mean: 173_309.0, sd: 213.0 },
];

impl WResult {
    /// The run's values of [`STATISTICS`].
    #[must_use]
    pub const fn statistics(&self) -> [f64; 4] {
        [self.mean_wait_s, self.p95_wait_s, self.launches, self.instance_hours]
    }
}

/// Counts a run of W in constant memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    started: u64,
    launched: u64,
    terminated: u64,
    ticks: u64,
    readys: u64,
    finished: u64,
    wait_sum: u64,
    stay_sum: u128,
    waits: Vec<u32>,
}

/// Buckets to an octave of waiting time: each is 1.6 % wide, and the p95 is interpolated in it.
const BUCKETS_PER_OCTAVE_LOG2: u32 = 6;
/// Octaves from 1 ms up; 2^31 ms is 25 days.
const OCTAVES: usize = 32;

impl Default for Tally {
    fn default() -> Self {
        Self {
            started: 0,
            launched: 0,
            terminated: 0,
            ticks: 0,
            readys: 0,
            finished: 0,
            wait_sum: 0,
            stay_sum: 0,
            waits: vec![0; OCTAVES << BUCKETS_PER_OCTAVE_LOG2],
        }
    }
}

impl Tally {
    /// A task starts after waiting.
    #[inline]
    pub fn start(&mut self, wait: u64) {
        self.started += 1;
        self.wait_sum += wait;
        let bucket = bucket_of(wait).min(self.waits.len() - 1);
        self.waits[bucket] += 1;
    }

    /// A task is done.
    #[inline]
    pub const fn finish(&mut self) {
        self.finished += 1;
    }

    /// An iteration launches so many instances.
    pub const fn tick(&mut self, launches: u64) {
        self.ticks += 1;
        self.launched += launches;
    }

    /// An instance has booted.
    pub const fn ready(&mut self) {
        self.readys += 1;
    }

    /// An instance ends, so long after its launch.
    pub const fn terminate(&mut self, stay: u64) {
        self.terminated += 1;
        self.stay_sum += stay as u128;
    }

    /// Tasks done so far.
    #[must_use]
    pub const fn finished(&self) -> u64 {
        self.finished
    }

    /// The outcome of a run of `n` tasks.
    ///
    /// # Panics
    ///
    /// When a task or an instance was lost or counted twice: then the run measured nothing.
    #[must_use]
    pub fn result(&self, n: u64) -> WResult {
        assert_eq!(self.started, n, "every task starts once");
        assert_eq!(self.finished, n, "every task finishes once");
        assert_eq!(self.readys, self.launched, "every launch becomes ready once");
        assert_eq!(self.terminated, self.launched, "every instance terminates once");
        WResult {
            mean_wait_s: self.wait_sum as f64 / n as f64 / 1e9,
            p95_wait_s: self.quantile(0.95),
            launches: self.launched as f64,
            instance_hours: self.stay_sum as f64 / 3.6e12,
            events: 2 * n + self.readys + self.ticks + self.terminated,
        }
    }

    fn quantile(&self, q: f64) -> f64 {
        let mut rank = q * self.started as f64;
        for (bucket, &count) in self.waits.iter().enumerate() {
            if rank <= f64::from(count) {
                let [low, high] = [bucket, bucket + 1].map(bucket_floor_s);
                return low + (high - low) * rank / f64::from(count);
            }
            rank -= f64::from(count);
        }
        f64::INFINITY
    }
}

/// The leading bits of a float are its octave and its place in the octave.
#[inline]
fn bucket_of(wait: u64) -> usize {
    const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - BUCKETS_PER_OCTAVE_LOG2;
    const FIRST: u64 = 1e6_f64.to_bits() >> SHIFT;
    ((wait as f64).to_bits() >> SHIFT).saturating_sub(FIRST) as usize
}

fn bucket_floor_s(bucket: usize) -> f64 {
    const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - BUCKETS_PER_OCTAVE_LOG2;
    if bucket == 0 {
        return 0.0;
    }
    f64::from_bits(((1e6_f64.to_bits() >> SHIFT) + bucket as u64) << SHIFT) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_lies_in_its_bucket() {
        for wait in [0, 1, 1_000_000, 1_234_567_890, 13 * SECOND, 86_400 * SECOND] {
            let bucket = bucket_of(wait);
            let wait_s = wait as f64 / 1e9;
            assert!(bucket_floor_s(bucket) <= wait_s, "{wait} ns is below bucket {bucket}");
            assert!(wait_s < bucket_floor_s(bucket + 1), "{wait} ns is above bucket {bucket}");
        }
    }

    #[test]
    fn draws_have_the_stated_means() {
        let (mut arrivals, mut boots) = (Arrivals::new(1), Boots::new(1));
        let mean_s = |draw: &mut dyn FnMut() -> u64| {
            (0..100_000).map(|_| draw()).sum::<u64>() as f64 / 1e5 / 1e9
        };
        // Five standard errors of a mean of 100,000 draws.
        assert!((mean_s(&mut || arrivals.gap()) - 1.0).abs() < 0.016);
        assert!((mean_s(&mut || arrivals.service()) - 600.0).abs() < 12.5);
        assert!((mean_s(&mut || boots.boot()) - 120.0).abs() < 1.02);
    }

    #[test]
    fn capacity_in_hand_is_not_launched_again() {
        assert_eq!(wanted(10, 5, 0, 0), 10);
        assert_eq!(wanted(10, 5, 3, 7), 0);
        assert_eq!(wanted(0, 5, 9, 9), 0);
        assert_eq!(wanted(9_000, 5, 0, 0), CAPACITY_MAX - 5);
    }
}
