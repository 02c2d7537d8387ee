//! What a sweep came to: tables of all runs for other tools, a page for people, and points compared
//! seed by seed.
//!
//! `runs` has a row for each run, `worker_types` one for each run and worker type. Columns are the
//! axes, `run` (its number from 0), `seed`, `scenario_hash` and `commit`, which name the run, and
//! every measure of the [outcome as JSON](crate::json) under its path there, joined by `_`:
//! `cost_usd_total`, `wait_s_p95`, `launches_started`. The set of columns is the same for every
//! experiment, but for the axes; the order of rows is that of the runs.

mod compare;
mod front;
mod measures;
mod summary;
mod tables;
mod warnings;

pub(crate) use self::compare::Comparison;
pub use self::compare::{Comparisons, Reference, compare};
pub use self::front::front;
pub use self::measures::{Chosen, Selection};
pub use self::summary::summary;
pub(crate) use self::summary::{COLUMNS, Column, Figure, LARGE, Overview, Point, overview};
pub use self::tables::bind;
pub(crate) use self::warnings::SEEDS_FEW;
pub use self::warnings::{few_seeds, warnings};
pub use crate::frame::Frame;
