//! The simulator: a discrete-event model of queue, workers and EC2 around the decision core.
//!
//! It learns from the engine only what `live` could learn, and tells it only what `live` could
//! tell.

pub mod dist;
pub mod generate;
pub mod input;
