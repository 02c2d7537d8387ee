//! The daemon: the engine's decisions, carried out on EC2.
//!
//! The engine learns through [`observe`](provisioner_engine::Engine::observe) and answers through
//! [`decide`](provisioner_engine::Engine::decide); the simulator drives it the same way.

pub mod cloud;
pub mod daemon;
pub mod import;
pub mod logging;
pub mod modes;
pub mod queue;
pub mod settings;
pub mod store;
mod tls;
pub mod window;
