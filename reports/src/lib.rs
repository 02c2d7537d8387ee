//! What a run came to, for people and for programs.
//!
//! | module | makes |
//! |---|---|
//! | [`summary`] | the page that `simulate` prints |
//! | [`warnings`] | remarks in plain words under it |
//! | [`json`] | the outcome as JSON, with units in the names of its keys |
//! | [`checks`] | whether an outcome is what its scenario says it must be |
//! | [`incidents`] | one number a scenario, by provisioner |
//! | [`series`] | the time series as CSV and Parquet |
//! | [`suite`] | what an experiment came to, held against its baseline |
//! | [`sweep`] | all runs of an experiment as CSV, Parquet and a page |
//! | [`html`] | a run or a sweep as one page with pictures, for others |
//! | [`markdown`](mod@markdown) | the same in short, for a pull request |
//! | [`columns`] | what each column of the tables for other tools is |
//! | [`recreate`] | what a journal saw, and what its scenario comes to beside it |
//! | [`tune`] | the settings that were chosen, and what they are worth |
//! | [`decisions`] | orders and reasons in words, and where a replay parts from its journal |
//! | [`explain`] | why a journal says what it says: launches, decisions, waits |
//! | [`diff`](mod@diff) | where two journals part, and what it came to |
//!
//! Equal runs give equal bytes. Not here: running anything, files, terminals (the `cli` crate).

pub mod checks;
pub mod columns;
pub mod decisions;
pub mod diff;
pub mod explain;
mod facts;
mod frame;
pub mod html;
pub mod incidents;
pub mod json;
pub mod markdown;
mod measure;
mod page;
pub mod recreate;
pub mod series;
pub mod storm;
pub mod suite;
pub mod summary;
pub mod sweep;
mod table;
#[cfg(test)]
mod testing;
mod text;
pub mod tune;
pub mod warnings;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use page::Page;
pub use text::{count, grouped, show_time};

/// What names a run: equal names give equal outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's hash.
    pub scenario_hash: String,
    /// The origin of all chance.
    pub seed: u64,
    /// The commit of the program.
    pub commit: String,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, scenario_hash, seed, commit } = self;
        let scenario = text::printable(scenario);
        write!(f, "{scenario}: seed {seed}, scenario {scenario_hash}, commit {commit}")
    }
}

/// How a report may look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Columns of the terminal; `None` for no limit. Long names are shortened, never figures.
    pub width: Option<usize>,
    /// Whether ANSI codes may be used.
    pub colour: bool,
}

impl Look {
    /// Bold, dim, and back to normal.
    const fn codes(self) -> (&'static str, &'static str, &'static str) {
        if self.colour { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") }
    }
}
