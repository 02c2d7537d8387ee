//! What `provisionerd` does besides running: each mode reads, says what it found, and ends.

pub mod doctor;
pub mod teardown;
