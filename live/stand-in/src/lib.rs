//! A Taskcluster queue and its workers, played on one machine: for tests, and for a demo without an
//! account.
//!
//! [`StandIn`] speaks Taskcluster's own paths and JSON on 127.0.0.1 and can be told to misbehave;
//! [`Fleet`] boots a worker for each instance that somebody lists ([`PlayedEc2`], say), which claims
//! tasks from it over HTTP and shuts its instance down when it has been idle for long enough. The
//! program plays all of it. [`config`] is what an engine is told in tests of the daemon's loop.
//!
//! Not here: scopes, signatures, artifacts, priorities, dependencies, deadlines. Durations of tasks
//! can be shortened (`speed`); everything else happens in real time.
//!
//! Source: the schemas and handlers of Taskcluster's `services/queue` and `services/worker-manager`,
//! read 2026-11-22.

pub mod config;
pub mod ec2;
pub mod fleet;
pub mod model;
mod routes;
pub mod server;
mod wire;

pub use ec2::PlayedEc2;
pub use fleet::{Fleet, FleetOptions, Instance};
pub use server::{Faults, Settings, StandIn};
