//! Scenario files, trace readers and their canonical form; see ARCHITECTURE.md.

pub mod file;
pub mod scenario;
pub mod traces;

pub use scenario::{Loaded, Scenario, load, parameters};
