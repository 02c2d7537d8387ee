//! The process in which the engine runs: how often it dies, where, and how it comes back.
//!
//! No rate of crashes was published; a daemon that is deployed weekly restarts about that often.

use provisioner_engine::units::Duration;

/// How the engine's process dies and what it keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessModel {
    /// Deaths per hour that it is up, each at a random step.
    pub crash_rate: f64,
    /// From such a death to the restart.
    pub downtime: Duration,
    /// Decisions from one snapshot to the next.
    pub snapshot_every: u32,
}

impl Default for ProcessModel {
    /// It never dies. A supervisor starts it again within a minute.
    fn default() -> Self {
        Self { crash_rate: 0.0, downtime: Duration::MINUTE, snapshot_every: 100 }
    }
}

/// Where in its work the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashStep {
    /// Between iterations, while facts arrive.
    Between,
    /// An iteration begins, and has read nothing.
    BeforeFacts,
    /// All facts are folded in, and nothing is decided.
    AfterFacts,
    /// It has decided; the decision is not durable, so it was never taken.
    AfterDecision,
    /// The decision is durable, and so many of its orders were carried out: no answer was heard.
    AfterOrders(u32),
}
