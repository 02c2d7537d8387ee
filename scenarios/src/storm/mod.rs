//! Storms: random bad days for the engine, each followed by a calm in which it must recover.
//!
//! A seed names a storm for ever: [`compose`] makes the scenario of it, [`weather`] runs a
//! scenario and says what did not hold. It runs it again with nobody watching, and the engine, which
//! then explains nothing, must come to the same: that is how most simulations run. A scenario that
//! fails can be [shrunk](shrink::shrink).
//!
//! Not here: who runs many of them, and how that is shown (the `cli`).

mod compose;
pub mod coverage;
pub mod shrink;
mod verdict;

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use provisioner_engine::journal::Record;
use provisioner_engine::units::Duration;
use provisioner_sim::{Hooks, run};

pub use self::compose::compose;
use self::coverage::Coverage;
use crate::audit::{Note, audited_run};
use crate::file::Issues;
use crate::load_text;

/// What a storm left.
#[derive(Clone, Debug)]
pub struct Weathered {
    /// What did not hold, in the order in which it was found.
    pub failures: Vec<Failure>,
    /// What occurred.
    pub coverage: Coverage,
    /// Simulated time.
    pub lasted: Duration,
    /// Times that the engine's process died.
    pub crashes: u64,
    /// Fingerprint of all orders; empty after a panic.
    pub digest: String,
}

/// Something that must hold and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What must hold.
    pub rule: String,
    /// What was found.
    pub found: String,
}

/// Runs the scenario in `text`.
///
/// # Errors
///
/// If that is no scenario.
pub fn weather(text: &str) -> Result<Weathered, Issues> {
    let scenario = load_text(Path::new("storm.toml"), text)?.scenario;
    let config = scenario.config(scenario.seed());
    let mut coverage = Coverage::none();
    coverage.note_faults(&config.faults);
    let mut journal = |record: Record| coverage.note(&record);
    let hooks = Hooks { journal: Some(&mut journal), check: true, ..Hooks::default() };
    let tasks = || scenario.tasks(scenario.seed());
    let watched = || audited_run(&config, &mut *tasks(), hooks);
    let ran = panic::catch_unwind(AssertUnwindSafe(|| {
        let (outcome, notes) = watched();
        let is_same = run(&config, &mut *tasks(), Hooks::default()) == outcome;
        (outcome, notes, is_same)
    }));
    let mut weathered = Weathered {
        failures: Vec::new(),
        coverage,
        lasted: Duration::ZERO,
        crashes: 0,
        digest: String::new(),
    };
    match ran {
        Ok((outcome, notes, is_same)) => {
            let noted =
                |note: Note| Failure { rule: note.rule.name().to_owned(), found: note.what };
            weathered.failures.extend(notes.into_iter().map(noted));
            let failure = |(rule, found): (&str, u64)| Failure {
                rule: rule.to_owned(),
                found: format!("{found}"),
            };
            weathered.failures.extend(verdict::failures(&outcome).into_iter().map(failure));
            if !is_same {
                let found = "another outcome when nobody watches".to_owned();
                weathered.failures.push(Failure { rule: "same-unwatched".to_owned(), found });
            }
            weathered.lasted = outcome.finished.since(outcome.started);
            weathered.crashes = outcome.restarts;
            weathered.digest = outcome.decision_digest;
        }
        Err(_) => {
            let found = LAST_PANIC.take();
            weathered.failures.push(Failure { rule: "no-panic".to_owned(), found });
        }
    }
    Ok(weathered)
}

thread_local! {
    static LAST_PANIC: Cell<String> = const { Cell::new(String::new()) };
}

/// From now on a panic in this process is kept for the failure it leads to, and not printed.
pub fn keep_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("something unsaid");
        let place = place.unwrap_or_default();
        LAST_PANIC.set(format!("{}, at {place}", text.replace('\n', " ")));
    }));
}
