//! The decision core.
//!
//! Facts go in one by one ([`Engine::observe`]); a turn gives one value with everything to be
//! done and why ([`Engine::decide`]). The engine knows no clock, socket, file, environment or
//! thread, and no randomness but its own seeded streams: the code that is simulated is the code
//! that ships.
#![no_std]
#![warn(clippy::wildcard_enum_match_arm)] // a new variant is a compile error wherever it matters

extern crate alloc;

mod about;
mod budget;
pub mod catalog;
pub mod decision;
mod engine;
mod gates;
pub mod guards;
mod history;
pub mod ids;
pub mod inventory;
pub mod journal;
pub mod launch_map;
pub mod ledger;
pub mod observation;
pub mod orders;
mod placement;
mod prices;
pub mod random;
mod remap;
mod scaling;
pub mod snapshot;
mod spend;
pub mod units;
pub mod worker_type;

pub use engine::{Alternative, Engine};
