//! The decision core.
//!
//! Facts go in one by one ; a turn gives one value with everything to be
//! done and why . The engine knows no clock, socket, file, environment or
//! thread, and no randomness but its own seeded streams: the code that is simulated is the code
//! that ships.
#![no_std]
#![warn(clippy::wildcard_enum_match_arm)] // a new variant is a compile error wherever it matters

extern crate alloc;

pub mod catalog;
pub mod ids;
pub mod random;
pub mod units;
