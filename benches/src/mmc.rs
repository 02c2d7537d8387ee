//! W2, the queue M/M/c, as a loop tuned for it alone: 100 servers, 90 arrivals a second, mean
//! service 1 s.
//!
//! Customers are served in order of arrival, so each takes the server that is free first, and the
//! times at which servers become free are all the state there is (Kiefer and Wolfowitz, 1955).
//!
//! Units: nanoseconds. Source of the known values in the test: Erlang's C formula.

use provisioner_engine::random::Seed;
use rand::RngExt;
use rand_distr::Exp1;

use crate::heap::QuadHeap;

const SERVERS: u32 = 100;
const GAP_MEAN_NS: f64 = 1e9 / 90.0;
const SERVICE_MEAN_NS: f64 = 1e9;

/// What a run of W2 found, its start from empty included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waits {
    /// Mean time from arrival to start.
    pub mean_s: f64,
    /// Share of the customers that waited at all.
    pub waited: f64,
    /// Arrivals and finishes.
    pub events: u64,
}

/// Runs W2 with `n` customers.
#[must_use]
pub fn run(n: u64, seed: u64) -> Waits {
    let mut gaps = Seed(seed).purpose("gap").stream();
    let mut services = Seed(seed).purpose("service").stream();
    let mut free = QuadHeap::default();
    (0..SERVERS).for_each(|server| free.push(0, server));
    let (mut now, mut wait_sum, mut waited) = (0, 0, 0);
    for _ in 0..n {
        now += nanoseconds(GAP_MEAN_NS * gaps.sample::<f64, _>(Exp1));
        let server = free.peek();
        let start = now.max(server.time());
        wait_sum += start - now;
        waited += u64::from(start > now);
        let service = nanoseconds(SERVICE_MEAN_NS * services.sample::<f64, _>(Exp1));
        free.replace(start + service, server.payload());
    }
    Waits {
        mean_s: wait_sum as f64 / n as f64 / 1e9,
        waited: waited as f64 / n as f64,
        events: 2 * n,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "draws are positive and far below 2^64 ns"
)]
fn nanoseconds(nanoseconds: f64) -> u64 {
    nanoseconds as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_those_of_erlang_c() {
        let waits = run(4_000_000, 3);
        // One run's sd of the mean wait is 0.00127 s at a million customers, half that at four.
        assert!((waits.mean_s - 0.021_694_1).abs() < 4.0 * 0.00064, "{waits:?}");
        assert!((waits.waited - 0.216_940).abs() < 0.02, "{waits:?}");
    }
}
