//! What the daemon wants of a task queue, in its own words.
//!
//! [`Queue`] is all that the loop knows: how many tasks wait and are held, and, where the queue
//! knows its workers, what they hold. Taskcluster knows everything; SQS and a metric tell counts
//! only.
//!
//! [`Source`] is any of the real ones: [`taskcluster`], [`sqs`], [`json`] and [`prometheus`]. All of
//! them only read, so what fails for a moment is asked again at once, a few times; every question has
//! a time limit. [`pulse`] only says when it is worth asking.
//!
//! Not here: when it is asked, and what *unknown* means (the engine's: never zero).

pub mod http;
pub mod json;
pub mod prometheus;
pub mod pulse;
pub mod queues;
mod source;
pub mod sqs;
pub mod taskcluster;
mod template;

pub use source::Source;

use std::fmt;
use std::future::Future;

use provisioner_engine::units::Time;

/// A task queue of one worker type, or of several.
pub trait Queue: Send + Sync + 'static {
    /// The counts of a worker type's queue, now.
    fn counts(&self, worker_type: &str) -> impl Future<Output = Result<Counts, QueueError>> + Send;

    /// All workers of a worker type that the queue knows, every page of them; `None` if this kind of
    /// queue does not know its workers.
    fn workers(
        &self,
        worker_type: &str,
    ) -> impl Future<Output = Result<Option<Vec<Worker>>, QueueError>> + Send;

    /// What one worker holds; `None` if this kind of queue cannot tell. A worker that the queue has
    /// never heard of holds nothing.
    fn worker(
        &self,
        worker_type: &str,
        place: &WorkerPlace,
    ) -> impl Future<Output = Result<Option<Holds>, QueueError>> + Send;
}

/// Tasks of one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Waiting.
    pub pending: u32,
    /// Held by workers.
    pub claimed: u32,
    /// When they were counted, if the queue says so; else when it was asked.
    pub as_of: Option<Time>,
}

/// Where a worker is: what a queue knows it by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkerPlace {
    /// `us-east-1`.
    pub region: String,
    /// `us-east-1a`, if that is known.
    pub zone: Option<String>,
    /// `i-…`.
    pub instance: String,
}

/// A worker that a queue knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// `i-…`: the `workerId`.
    pub instance: String,
    /// When it first asked for work, if that is known.
    pub first_claim: Option<Time>,
}

/// What a worker holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// Tasks it holds now.
    pub claimed: u32,
    /// When it last claimed one, if it ever did and that is known.
    pub last_claim: Option<Time>,
}

/// Why a queue did not answer. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueError {
    /// What it means.
    pub kind: QueueErrorKind,
    /// What it said, and what to do.
    pub message: String,
}

/// What a queue's failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueErrorKind {
    /// It cannot be reached, is overloaded or broken: to be asked again.
    Unavailable,
    /// It knows us and does not let us: a scope or permission is missing.
    Forbidden,
    /// It does not know us.
    Unauthorized,
    /// It does not know the queue.
    NotFound,
    /// It answered something that makes no sense.
    Nonsense,
}

impl QueueError {
    pub(crate) fn new(kind: QueueErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn nonsense(message: impl Into<String>) -> Self {
        Self::new(QueueErrorKind::Nonsense, message)
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for QueueError {}
