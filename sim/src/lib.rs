//! The simulator: a discrete-event model of queue, workers and EC2 around the decision core.
//!
//! It learns from the engine only what `live` could learn, and tells it only what `live` could
//! tell.

mod agenda;
pub mod billing;
pub mod bound;
pub mod config;
pub mod dist;
pub mod ec2;
pub mod generate;
pub mod input;
pub mod market;
pub mod outcome;
mod world;

pub use world::{Hooks, Sample, Step, TaskId, Transition, Truth, run};
