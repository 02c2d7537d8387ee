//! Everything that comes from files: scenario files, and later the recorded data they name.
//!
//! Problems are values that say what, where and what to do; nothing here prints or runs anything.

pub mod file;
pub mod traces;
