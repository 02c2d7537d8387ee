//! Readers: each queue, each region's prices and notices, again and again, each in a task of its
//! own. One that has not answered is not asked again meanwhile, and delays no other.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration as Span;

use provisioner_engine::units::{Duration, Time};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::Setup;
use super::clock::SharedClock;
use super::news::News;
use crate::cloud::Cloud;
use crate::queue::Queue;

/// Prices are read this far back at first: as far as any policy looks.
const PRICES_READ_BACK: Duration = Duration::from_hours(2);

/// Prices are read again from so long before the last reading: the feed lags.
const PRICES_OVERLAP: Duration = Duration::from_mins(30);

/// How often it is looked who is due.
const TICK: Span = Span::from_millis(250);

/// Whatever reads.
pub(super) struct Senses<C, Q> {
    pub(super) cloud: Arc<C>,
    pub(super) queue: Arc<Q>,
    pub(super) news: mpsc::Sender<News>,
    pub(super) clock: SharedClock,
}

impl<C: Cloud, Q: Queue> Senses<C, Q> {
    /// Reads until it is aborted.
    pub(super) fn begin(
        self,
        runtime: &Handle,
        setups: watch::Receiver<Arc<Setup>>,
    ) -> JoinHandle<()> {
        runtime.spawn(async move {
            let (mut queues, mut prices, mut notices) =
                (Rounds::default(), Rounds::default(), Rounds::default());
            let mut tick = interval(TICK);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                let setup = Arc::clone(&setups.borrow());
                let now = self.clock.now();
                for known in &setup.config.worker_types {
                    if queues.is_due(&known.name, now, setup.queue_interval(&known.name)) {
                        queues.begin(&known.name, now, self.count(known.name.clone(), now));
                    }
                }
                for region in setup.region_names() {
                    if prices.is_due(&region, now, setup.price_interval) {
                        let since = prices
                            .last(&region)
                            .map_or(now - PRICES_READ_BACK, |last| last - PRICES_OVERLAP);
                        prices.begin(&region, now, self.price(&setup, region.clone(), now, since));
                    }
                    if notices.is_due(&region, now, setup.notice_interval) {
                        notices.begin(&region, now, self.notice(region.clone()));
                    }
                }
            }
        })
    }

    fn count(&self, worker_type: String, asked: Time) -> impl Future<Output = ()> + Send + 'static {
        let (queue, news) = (Arc::clone(&self.queue), self.news.clone());
        async move {
            let answer = queue.counts(&worker_type).await;
            // Nobody listens any more only if the process ends.
            let _ = news.send(News::Counted { worker_type, asked, answer }).await;
        }
    }

    fn price(
        &self,
        setup: &Setup,
        region: String,
        asked: Time,
        since: Time,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (cloud, news) = (Arc::clone(&self.cloud), self.news.clone());
        let (types, products) = setup.offers_in(&region);
        async move {
            let answer = cloud.prices(&region, &types, &products, since).await;
            let _ = news.send(News::Priced { region, asked, answer }).await;
        }
    }

    fn notice(&self, region: String) -> impl Future<Output = ()> + Send + 'static {
        let (cloud, news) = (Arc::clone(&self.cloud), self.news.clone());
        async move {
            let answer = cloud.notices(&region).await;
            if !matches!(&answer, Ok(notices) if notices.is_empty()) {
                let _ = news.send(News::Noticed { region, answer }).await;
            }
        }
    }
}

/// Who was asked when, and has not answered yet.
#[derive(Default)]
struct Rounds {
    last: std::collections::BTreeMap<String, Time>,
    under_way: Arc<Mutex<BTreeSet<String>>>,
}

impl Rounds {
    fn last(&self, whom: &str) -> Option<Time> {
        self.last.get(whom).copied()
    }

    fn is_due(&mut self, whom: &str, now: Time, every: Duration) -> bool {
        let is_free = !self.under_way.lock().expect("nobody panics with it").contains(whom);
        is_free && self.last(whom).is_none_or(|last| now.since(last) >= every)
    }

    /// Begins to ask.
    fn begin(&mut self, whom: &str, now: Time, ask: impl Future<Output = ()> + Send + 'static) {
        let under_way = Arc::clone(&self.under_way);
        under_way.lock().expect("nobody panics with it").insert(whom.to_owned());
        self.last.insert(whom.to_owned(), now);
        let whom = whom.to_owned();
        tokio::spawn(async move {
            ask.await;
            under_way.lock().expect("nobody panics with it").remove(&whom);
        });
    }
}
