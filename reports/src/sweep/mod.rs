//! What a sweep came to: tables of all runs for other tools, and a page for people.
//!
//! `runs` has a row for each run, `worker_types` one for each run and worker type. Columns are the
//! axes, `run` (its number from 0), `seed`, `scenario_hash` and `commit`, which name the run, and
//! every measure of the [outcome as JSON](crate::json) under its path there, joined by `_`:
//! `cost_usd_total`, `wait_s_p95`, `launches_started`. The set of columns is the same for every
//! experiment, but for the axes; the order of rows is that of the runs.

mod frame;
mod parquet;
mod summary;
mod warnings;

pub use self::frame::{Frame, bind};
pub use self::summary::summary;
pub use self::warnings::warnings;
