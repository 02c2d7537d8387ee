//! The search as mathematics, and problems with scenarios.

mod problems;
mod searches;
