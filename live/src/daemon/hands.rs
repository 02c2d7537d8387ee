//! Orders carried out: each in a task of its own, so that nothing waits for anything slow.
//!
//! In each region at most [`CALLS_AT_ONCE`] orders are under way; what a region does not answer
//! delays no other. Each order sends exactly one piece of news when it is done. What destroys is
//! checked just before: the queue is asked what the worker holds, and [`Cloud::terminate`] looks
//! whether the instance is there and ours.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use provisioner_engine::ids::LaunchId;
use provisioner_engine::observation::Refusal;
use tokio::sync::{Semaphore, mpsc};

use super::Shadow;
use super::clock::SharedClock;
use super::deeds::Deed;
use super::news::{Done, News};
use crate::cloud::{CallError, CallErrorKind, Cloud, LaunchOrder, Launched, Terminated};
use crate::queue::{Holds, Queue, QueueError, WorkerPlace};

/// Orders that are under way in one region at a time.
const CALLS_AT_ONCE: usize = 16;

/// Whatever carries orders out.
pub(super) struct Hands<C, Q> {
    cloud: Arc<C>,
    queue: Arc<Q>,
    news: mpsc::Sender<News>,
    shadow: Shadow,
    clock: SharedClock,
    regions: Mutex<BTreeMap<String, Arc<Semaphore>>>,
    runtime: tokio::runtime::Handle,
}

impl<C: Cloud, Q: Queue> Hands<C, Q> {
    /// Hands that tell the loop of what they did.
    pub(super) fn new(
        cloud: Arc<C>,
        queue: Arc<Q>,
        news: mpsc::Sender<News>,
        shadow: Shadow,
        clock: SharedClock,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Self { cloud, queue, news, shadow, clock, regions: Mutex::default(), runtime }
    }

    /// Begins to carry an order out.
    pub(super) fn begin(&self, deed: Deed) {
        let (cloud, queue, news) =
            (Arc::clone(&self.cloud), Arc::clone(&self.queue), self.news.clone());
        let (turn, shadow) = (deed.region().map(|region| self.region(region)), self.shadow);
        let clock = self.clock.clone();
        self.runtime.spawn(async move {
            let _turn = match turn {
                Some(turn) => turn.acquire_owned().await.ok(),
                None => None,
            };
            let done = match shadow {
                Shadow::Off => carry_out(&*cloud, &*queue, &clock, deed).await,
                Shadow::On => pretend(&*cloud, &*queue, &clock, deed).await,
            };
            // Nobody listens any more only if the process ends.
            let _ = news.send(News::Done(Box::new(done))).await;
        });
    }

    fn region(&self, region: &str) -> Arc<Semaphore> {
        let mut regions = self.regions.lock().expect("nobody panics with it");
        let turn = || Arc::new(Semaphore::new(CALLS_AT_ONCE));
        Arc::clone(regions.entry(region.to_owned()).or_insert_with(turn))
    }
}

impl Deed {
    fn region(&self) -> Option<&str> {
        match self {
            Self::Launch { order, .. } => Some(&order.region),
            Self::End { place, .. } => Some(&place.region),
            Self::Cancel { region, .. } | Self::List { region } => Some(region),
            Self::Check { .. } | Self::Workers { .. } => None,
        }
    }
}

async fn carry_out(
    cloud: &impl Cloud,
    queue: &impl Queue,
    clock: &SharedClock,
    deed: Deed,
) -> Done {
    match deed {
        Deed::Launch { order, again } => {
            let answer = launch(cloud, &order, again).await;
            let LaunchOrder { label, count, region, .. } = *order;
            Done::Launch { first: LaunchId(label.first), count, region, answer }
        }
        Deed::End { launch, instance, worker_type, place, unless_claimed } => {
            if unless_claimed {
                let asked = clock.now();
                let answer = ask(queue, worker_type.as_deref(), &place).await;
                if !matches!(answer, Ok(Some(Holds { claimed: 0, .. }))) {
                    return Done::Check { launch, asked, answer };
                }
            }
            let answer = cloud.terminate(&place.region, &place.instance).await;
            Done::End { launch, instance, region: place.region, answer }
        }
        Deed::Cancel { launch, region, label } => {
            let answer = cloud.cancel(&region, &label).await;
            Done::Cancel { launch, region, answer }
        }
        Deed::List { region } => {
            let began = clock.now();
            let answer = cloud.list(&region).await;
            Done::List { region, began, answer }
        }
        Deed::Check { launch, worker_type, place } => {
            let asked = clock.now();
            let answer = ask(queue, Some(&worker_type), &place).await;
            Done::Check { launch: Some(launch), asked, answer }
        }
        Deed::Workers { worker_type } => {
            let answer = queue.workers(&worker_type).await;
            Done::Workers { worker_type, answer }
        }
    }
}

/// Nothing is changed anywhere: what would change something is answered as if it had been
/// withdrawn, and the rest is carried out.
async fn pretend(cloud: &impl Cloud, queue: &impl Queue, clock: &SharedClock, deed: Deed) -> Done {
    match deed {
        Deed::Launch { order, .. } => {
            let LaunchOrder { label, count, region, .. } = *order;
            let short = Some((Refusal::Cancelled, "nothing is launched in shadow".to_owned()));
            let answer = Ok(Launched { instances: Vec::new(), short });
            Done::Launch { first: LaunchId(label.first), count, region, answer }
        }
        Deed::End { launch, instance, place, .. } => {
            Done::End { launch, instance, region: place.region, answer: Ok(Terminated::Missing) }
        }
        Deed::Cancel { launch, region, .. } => Done::Cancel { launch, region, answer: Ok(0) },
        reads => carry_out(cloud, queue, clock, reads).await,
    }
}

/// Makes a launch call. One that was made before may have been carried out though nobody heard: if all
/// that it asks for is listed, it was. Otherwise it is made again, and its token keeps it from being
/// carried out twice.
async fn launch(
    cloud: &impl Cloud,
    order: &LaunchOrder,
    again: bool,
) -> Result<Launched, CallError> {
    if again {
        let mut given =
            cloud.find(&order.region, &order.label).await.map_err(|error| CallError {
                kind: match error.kind {
                    // Looking was refused, not the launch.
                    CallErrorKind::Refused(_) => CallErrorKind::Unanswered,
                    kind => kind,
                },
                ..error
            })?;
        if given.len() as u64 >= u64::from(order.count) {
            given.sort_by(|a, b| (a.index, &a.instance).cmp(&(b.index, &b.instance)));
            let instances = given.into_iter().map(|row| row.instance).collect();
            return Ok(Launched { instances, short: None });
        }
    }
    cloud.launch(order).await
}

async fn ask(
    queue: &impl Queue,
    worker_type: Option<&str>,
    place: &WorkerPlace,
) -> Result<Option<Holds>, QueueError> {
    let Some(worker_type) = worker_type else { return Ok(None) };
    if let Some(holds) = queue.worker(worker_type, place).await? {
        return Ok(Some(holds));
    }
    // A queue that does not know its workers knows at least that nobody holds anything.
    let counts = queue.counts(worker_type).await?;
    Ok((counts.claimed == 0).then_some(Holds { claimed: 0, last_claim: None }))
}
