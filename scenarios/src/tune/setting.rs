//! Settings as scenarios: in the time that is tuned on, and in the time that is held out.
//!
//! The time of each scenario is cut in two. A run begins with an empty fleet in both parts, and in
//! both the same time passes before waits are measured. Work that is under way at the end of the
//! first part is finished, at the prices of that time: no task of the second part is seen, and no
//! wait or cost of one.

use provisioner_engine::random::Seed;
use provisioner_engine::units::Duration;
use provisioner_sim::Hooks;
use provisioner_sim::outcome::Outcome;

use super::search::Choice;
use crate::experiment::TuneDoc;
use crate::scenario::{Scenario, Window};

/// Settings under everything that is not ours to choose.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The level of each axis; nothing for the reference, which is the base as it is.
    pub levels: Option<Vec<usize>>,
    /// What is tuned on and what is held out, by cell.
    cells: Vec<[Scenario; 2]>,
}

/// A run to be done.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is run …
    pub scenario: Scenario,
    /// … and with which seed.
    pub seed: u64,
}

impl Setting {
    /// A scenario for each cell, cut in two.
    pub(super) fn new(
        levels: Option<Vec<usize>>,
        cells: Vec<Scenario>,
        windows: &[[Window; 2]],
    ) -> Self {
        let cut = |(whole, windows): (Scenario, &[Window; 2])| {
            windows.map(|window| whole.clone().within(window))
        };
        Self { levels, cells: cells.into_iter().zip(windows).map(cut).collect() }
    }

    /// In the time that is tuned on.
    #[must_use]
    pub fn tuning(&self, cell: usize) -> &Scenario {
        &self.cells[cell][0]
    }

    /// In the time that is held out, for those who have made their choice.
    #[must_use]
    pub fn held_out(&self, cell: usize, _: &Choice) -> &Scenario {
        &self.cells[cell][1]
    }
}

impl Job {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Self {
        Self { scenario: scenario.clone(), seed }
    }

    /// Does it.
    #[must_use]
    pub fn run(&self) -> Outcome {
        self.scenario.run(&self.scenario.config(Seed(self.seed)), Hooks::default())
    }
}

/// Where time is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    held_out: Option<Duration>,
    warmup: Option<Duration>,
}

impl Cut {
    pub(super) fn new(doc: &TuneDoc) -> Self {
        Self { held_out: doc.held_out_time, warmup: doc.warmup }
    }

    /// Both parts, or what is wrong and what to do.
    pub(super) fn windows(&self, whole: Window) -> Result<[Window; 2], (String, &'static str)> {
        let length = whole.end.since(whole.start);
        let third = Duration::from_mins(length.ms() / 3 / 60_000);
        let held_out = self.held_out.unwrap_or(third);
        let warmup = self.warmup.unwrap_or(whole.warmup.max(Duration::HOUR));
        let at = whole.end - held_out;
        for (name, length) in [("tuned on", at.since(whole.start)), ("held out", held_out)] {
            if length <= warmup {
                let length = length.max(Duration::ZERO);
                let what = format!(
                    "of {}, {length} are {name}, but waits are measured after {warmup} only",
                    whole.end.since(whole.start)
                );
                return Err((what, "change `held_out_time` or `warmup`, or take a longer time"));
            }
        }
        let before = Window { end: at, warmup, ..whole };
        Ok([before, Window { start: at, warmup, ..whole }])
    }
}
