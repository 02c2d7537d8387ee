//! Storms: random bad days for the engine, each followed by a calm in which it must recover.
//!
//! A seed names a storm for ever: [`compose`] makes the scenario of it, [`weather`] runs a
//! scenario and says what did not hold. A scenario that fails can be [shrunk](shrink::shrink).
//!
//! Not here: who runs many of them, and how that is shown (the `cli`).

mod compose;
pub mod coverage;
pub mod shrink;
mod verdict;

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use provisioner_engine::journal::Record;
use provisioner_engine::units::Duration;
use provisioner_sim::Hooks;

pub use self::compose::compose;
use self::coverage::Coverage;
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
    let mut journal = |record: Record| coverage.note(&record);
    let hooks = Hooks { journal: Some(&mut journal), check: true, ..Hooks::default() };
    let run = || provisioner_sim::run(&config, &mut *scenario.tasks(scenario.seed()), hooks);
    let ran = panic::catch_unwind(AssertUnwindSafe(run));
    let mut weathered =
        Weathered { failures: Vec::new(), coverage, lasted: Duration::ZERO, crashes: 0 };
    match ran {
        Ok(outcome) => {
            let failure = |(rule, found): (&str, u64)| Failure {
                rule: rule.to_owned(),
                found: format!("{found}"),
            };
            weathered.failures.extend(verdict::failures(&outcome).into_iter().map(failure));
            weathered.lasted = outcome.finished.since(outcome.started);
            weathered.crashes = outcome.restarts;
        }
        Err(panic) => {
            let found = told(&*panic);
            weathered.failures.push(Failure { rule: "no-panic".to_owned(), found });
        }
    }
    Ok(weathered)
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}
