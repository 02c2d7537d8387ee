//! All queues of a daemon: which source a worker type's tasks wait in, and under which name.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::{Counts, Holds, Queue, QueueError, QueueErrorKind, Worker, WorkerPlace};

/// Where the tasks of a worker type wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The source's name in the settings.
    pub source: String,
    /// The queue's name there.
    pub queue: String,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Sources by name, and worker types' routes to them, which change as worker types do.
#[derive(Debug)]
pub struct Queues<S> {
    sources: BTreeMap<String, Arc<S>>,
    routes: RwLock<BTreeMap<String, Route>>,
}

impl<S: Queue> Queues<S> {
    /// Those sources, which nobody uses yet.
    #[must_use]
    pub fn new(sources: BTreeMap<String, S>) -> Self {
        let sources = sources.into_iter().map(|(name, source)| (name, Arc::new(source)));
        Self { sources: sources.collect(), routes: RwLock::default() }
    }

    /// From now on, each worker type's tasks wait there.
    pub fn route(&self, routes: BTreeMap<String, Route>) {
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = routes;
    }

    /// What the queues are called that are in a source.
    #[must_use]
    pub fn names_in(&self, source: &str) -> Vec<String> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let there = routes.values().filter(|route| route.source == source);
        there.map(|route| route.queue.clone()).collect()
    }

    fn of(&self, worker_type: &str) -> Result<(Arc<S>, Route), QueueError> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let route = routes.get(worker_type);
        let source = route.and_then(|route| Some((self.sources.get(&route.source)?, route)));
        let (source, route) = source.ok_or_else(|| QueueError {
            kind: QueueErrorKind::NotFound,
            message: format!("no queue is configured for worker type {worker_type}"),
        })?;
        Ok((Arc::clone(source), route.clone()))
    }
}

async fn in_time<T>(
    Route { source, timeout, .. }: &Route,
    answer: impl Future<Output = Result<T, QueueError>>,
) -> Result<T, QueueError> {
    tokio::time::timeout(*timeout, answer).await.unwrap_or_else(|_| {
        Err(QueueError {
            kind: QueueErrorKind::Unavailable,
            message: format!("{source} did not answer within {} s", timeout.as_secs()),
        })
    })
}

impl<S: Queue> Queue for Queues<S> {
    async fn counts(&self, worker_type: &str) -> Result<Counts, QueueError> {
        let (source, route) = self.of(worker_type)?;
        in_time(&route, source.counts(&route.queue)).await
    }

    async fn workers(&self, worker_type: &str) -> Result<Option<Vec<Worker>>, QueueError> {
        let (source, route) = self.of(worker_type)?;
        in_time(&route, source.workers(&route.queue)).await
    }

    async fn worker(
        &self,
        worker_type: &str,
        place: &WorkerPlace,
    ) -> Result<Option<Holds>, QueueError> {
        let (source, route) = self.of(worker_type)?;
        in_time(&route, source.worker(&route.queue, place)).await
    }
}
