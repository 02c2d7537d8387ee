//! What `provisionerd` does besides running: each mode reads, says what it found, and ends.

pub mod assembly;
pub mod doctor;
mod memory;
pub mod run;
pub mod teardown;
