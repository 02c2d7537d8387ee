//! Seeded generators of tasks, prices and availability, calibrated on recorded data.
//!
//! Each is a plain model, a value of the scenario whose defaults name their source, that a
//! function or an iterator turns into simulator input. Each worker type and each pool draws from
//! streams of its own, so adding one moves no other; purposes are split too (arrivals and
//! durations, for one), so changing one law leaves the draws of the others alone.
//!
//! Not here: reading recorded data (the `scenarios` crate). Prices and availability do not
//! influence each other: since late 2017 the one says little about the other, and before, an
//! interruption follows from the price alone.
//! Errors: each model's `check` says what is wrong with it; generators take checked models.

pub mod availability;
pub mod prices;
pub mod sources;
pub mod tasks;
