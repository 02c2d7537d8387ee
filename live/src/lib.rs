//! The daemon: the engine's decisions, carried out on EC2.
//!
//! Nothing is built here yet. The engine that this crate will drive is complete without it: it
//! learns through [`observe`](provisioner_engine::Engine::observe) and answers through
//! [`decide`](provisioner_engine::Engine::decide), and the simulator drives it the same way.
