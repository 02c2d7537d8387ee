//! Scenario files, trace readers and their canonical form.

pub mod traces;
