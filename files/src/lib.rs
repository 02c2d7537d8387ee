//! The files that the simulator and the daemon have in common: strict TOML, what it may say to the
//! engine, and journals.
//!
//! Problems are values that say what, where and what to do. Not here: what a scenario or the
//! daemon's settings say besides (`scenarios`, `live`), and anything that renders a result.

pub mod engine;
pub mod file;
pub mod journal;
pub mod output;
