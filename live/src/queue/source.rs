//! Any of the real queues.

use super::json::JsonEndpoint;
use super::prometheus::Prometheus;
use super::sqs::Sqs;
use super::taskcluster::Taskcluster;
use super::{Counts, Holds, Queue, QueueError, Worker, WorkerPlace};

/// A queue of a kind that is known.
#[derive(Debug)]
pub enum Source {
    /// Knows counts, workers and what they hold.
    Taskcluster(Box<Taskcluster>),
    /// Knows counts.
    Sqs(Sqs),
    /// Knows counts.
    Json(JsonEndpoint),
    /// Knows counts.
    Prometheus(Prometheus),
}

impl Queue for Source {
    async fn counts(&self, worker_type: &str) -> Result<Counts, QueueError> {
        match self {
            Self::Taskcluster(queue) => queue.counts(worker_type).await,
            Self::Sqs(queue) => queue.counts(worker_type).await,
            Self::Json(queue) => queue.counts(worker_type).await,
            Self::Prometheus(queue) => queue.counts(worker_type).await,
        }
    }

    async fn workers(&self, worker_type: &str) -> Result<Option<Vec<Worker>>, QueueError> {
        match self {
            Self::Taskcluster(queue) => queue.workers(worker_type).await.map(Some),
            Self::Sqs(_) | Self::Json(_) | Self::Prometheus(_) => Ok(None),
        }
    }

    async fn worker(
        &self,
        worker_type: &str,
        place: &WorkerPlace,
    ) -> Result<Option<Holds>, QueueError> {
        match self {
            Self::Taskcluster(queue) => queue.worker(worker_type, place).await.map(Some),
            Self::Sqs(_) | Self::Json(_) | Self::Prometheus(_) => Ok(None),
        }
    }
}
