//! The daemon: the engine's decisions, carried out on EC2.
//!
//! The engine learns through [`observe`](provisioner_engine::Engine::observe) and answers through
//! [`decide`](provisioner_engine::Engine::decide); the simulator drives it the same way.
//!
//! | module | holds |
//! |---|---|
//! | [`daemon`] | the loop: engine, store and journal on one thread, everything that waits beside it |
//! | [`cloud`], [`queue`], [`store`] | what the loop wants of each, and the real ones |
//! | [`settings`] | what an operator writes, resolved to what the engine goes by |
//! | [`modes`] | everything put together, for each thing that the command does |
//! | [`window`] | what is shown over HTTP |
//! | [`import`] | worker types of the predecessors |
//! | [`logging`], `tls` | what is logged, and which servers are believed |

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
