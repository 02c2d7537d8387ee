//! A watchdog: if the loop does not come round, or the database does not answer who waits for it, the
//! process ends, and its supervisor starts the next.
//!
//! v1 had two, and neither ever bit: one counted milliseconds as seconds, the other the other way
//! round. Here a duration is a type.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The process's exit code when the watchdog ends it: `EX_SOFTWARE` of `sysexits.h`.
pub(crate) const EXIT_STUCK: i32 = 70;

/// Told that all is well; without that for too long, it ends the process.
#[derive(Clone, Debug)]
pub struct Watchdog {
    since: Instant,
    last_beat_ms: Arc<AtomicU64>,
}

impl Watchdog {
    /// One that ends the process after so long without a beat, and says what was stuck.
    #[must_use]
    pub fn start(patience: Duration, what: &'static str) -> Self {
        Self::with(patience, move || {
            let patience_s = patience.as_secs();
            tracing::error!(patience_s, "{what} is stuck: the process ends");
            process::exit(EXIT_STUCK);
        })
    }

    /// One that does that, once, after so long without a beat.
    #[must_use]
    pub fn with(patience: Duration, stuck: impl FnOnce() + Send + 'static) -> Self {
        let watchdog = Self { since: Instant::now(), last_beat_ms: Arc::default() };
        let watched = watchdog.clone();
        thread::spawn(move || {
            while watched.quiet_for() <= patience {
                // Nobody but this thread has it: whom it watched is gone.
                if Arc::strong_count(&watched.last_beat_ms) == 1 {
                    return;
                }
                thread::sleep(patience / 8);
            }
            stuck();
        });
        watchdog
    }

    /// All is well.
    pub fn beat(&self) {
        self.last_beat_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    fn quiet_for(&self) -> Duration {
        Duration::from_millis(self.age_ms() - self.last_beat_ms.load(Ordering::Relaxed))
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn it_bites_who_is_stuck_and_nobody_else() {
        let (bite, bitten) = mpsc::channel();
        let watchdog = Watchdog::with(Duration::from_millis(400), move || {
            bite.send(()).expect("the test waits");
        });
        for _ in 0..10 {
            watchdog.beat();
            thread::sleep(Duration::from_millis(80));
        }
        assert!(bitten.try_recv().is_err(), "the loop came round");
        bitten.recv_timeout(Duration::from_secs(20)).expect("the loop is stuck");
    }

    #[test]
    fn it_leaves_when_the_loop_has_ended() {
        let (bite, bitten) = mpsc::channel::<()>();
        drop(Watchdog::with(Duration::from_millis(80), move || drop(bite)));
        bitten.recv_timeout(Duration::from_secs(20)).expect_err("it went without biting");
    }
}
