//! Scenario files, trace readers and their canonical form; see ARCHITECTURE.md.

pub mod file;
pub mod journal;
pub mod output;
pub mod scenario;
pub mod traces;

pub use scenario::{Loaded, Scenario, load, parameters};
