//! A watchdog: if the loop does not come round, or the database does not answer who waits for it, the
//! process ends, and its supervisor starts the next.
//!
//! v1 had two, and neither ever bit: one counted milliseconds as seconds, the other the other way
//! round. Here a duration is a type.

use std::panic;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The process's exit code when it was stuck or broken: `EX_SOFTWARE` of `sysexits.h`.
pub(crate) const EXIT_STUCK: i32 = 70;

/// What a look at whom it watches comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Waits,
    Leaves,
    Bites,
}

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
        let watchdog = Self::new();
        let watched = watchdog.clone();
        thread::spawn(move || {
            loop {
                match watched.look(patience) {
                    Look::Waits => thread::sleep(patience / 8),
                    Look::Leaves => return,
                    Look::Bites => return stuck(),
                }
            }
        });
        watchdog
    }

    fn new() -> Self {
        Self { since: Instant::now(), last_beat_ms: Arc::default() }
    }

    /// What is to be done now.
    fn look(&self, patience: Duration) -> Look {
        // Nobody else has it: whom it watched is gone, however quiet that was before.
        if Arc::strong_count(&self.last_beat_ms) == 1 {
            Look::Leaves
        } else if self.quiet_for() > patience {
            Look::Bites
        } else {
            Look::Waits
        }
    }

    /// All is well.
    pub fn beat(&self) {
        self.last_beat_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    fn quiet_for(&self) -> Duration {
        // A beat that comes after this was read only makes it less quiet.
        let last = self.last_beat_ms.load(Ordering::Relaxed);
        Duration::from_millis(self.age_ms().saturating_sub(last))
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// From now on a panic in any thread or task ends the process. One of many that stopped would be
/// missed by nobody: its region, queue or worker type would stand still. The next process goes on
/// from the store.
pub fn end_by_any_panic() {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        told(info);
        tracing::error!(
            "something inside is broken: the process ends; please report the panic above"
        );
        process::exit(EXIT_STUCK);
    }));
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::Command;
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
    fn it_never_bites_who_has_gone_however_quiet_that_was() {
        let (watchdog, patience) = (Watchdog::new(), Duration::from_millis(5));
        let watched = watchdog.clone();
        assert_eq!(watchdog.look(Duration::from_secs(60)), Look::Waits);
        thread::sleep(patience * 4);
        assert_eq!(watchdog.look(patience), Look::Bites);
        drop(watched);
        assert_eq!(watchdog.look(patience), Look::Leaves);
    }

    #[test]
    fn a_beat_from_after_the_look_began_is_no_silence() {
        let watchdog = Watchdog::new();
        watchdog.last_beat_ms.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(watchdog.quiet_for(), Duration::ZERO);
    }

    #[test]
    #[ignore = "the next one runs it, in a process of its own"]
    fn a_task_panics() {
        end_by_any_panic();
        let runtime = tokio::runtime::Runtime::new().expect("the system gives threads");
        runtime.spawn(async { panic!("a task is broken") });
        thread::sleep(Duration::from_secs(60));
    }

    #[test]
    fn a_task_that_panics_ends_the_process() {
        let this = env::current_exe().expect("this program");
        let name = "daemon::watchdog::tests::a_task_panics";
        let ended = Command::new(this).args(["--exact", name, "--ignored", "--nocapture"]).output();
        let ended = ended.expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(EXIT_STUCK), "{said}");
        assert!(said.contains("a task is broken"), "{said}");
    }

    #[test]
    fn it_leaves_when_the_loop_has_ended() {
        let (bite, bitten) = mpsc::channel::<()>();
        drop(Watchdog::with(Duration::from_millis(80), move || drop(bite)));
        bitten.recv_timeout(Duration::from_secs(20)).expect_err("it went without biting");
    }
}
