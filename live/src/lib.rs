//! The daemon: the engine's decisions, carried out on EC2.
//!
//! Not built yet but for what survives it, [`store`]. The engine that this crate will drive learns
//! through [`observe`](provisioner_engine::Engine::observe) and answers through
//! [`decide`](provisioner_engine::Engine::decide), and the simulator drives it the same way.

pub mod store;
