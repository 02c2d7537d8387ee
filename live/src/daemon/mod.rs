//! The loop: the engine fed with what is true, and its decisions carried out.
//!
//! One thread owns the engine and everything durable (`brain`); it waits for news, and for the time
//! the engine asked to be woken at. Whatever waits for the network runs beside it: readers of queues,
//! prices and notices (`senses`), and the carrying out of orders (`hands`), each on its own, so that
//! a region, a queue or a worker type that is slow delays no other. A watchdog (`watchdog`) ends the
//! process if the loop does not come round.
//!
//! Dying at any instruction loses nothing: what was decided is durable before it is begun, what was
//! begun is settled by its token and its tags when the process is back.

mod brain;
mod chapters;
pub mod clock;
mod deeds;
mod facts;
mod hands;
mod instances;
#[cfg(test)]
mod load;
pub mod news;
pub mod plan;
mod senses;
mod watchdog;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use provisioner_engine::Engine;
use provisioner_engine::decision::Decision;
use provisioner_engine::ids::{InstanceId, PoolId, RegionId, WorkerTypeId};
use provisioner_engine::snapshot::RestoreError;
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_engine::worker_type::EngineConfig;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

use self::brain::{Brain, Past, Turn};
pub use self::chapters::Folder;
use self::clock::{Clock, Look, SharedClock};
use self::facts::Told;
use self::hands::Hands;
use self::instances::Instances;
use self::news::News;
use self::senses::Senses;
pub use self::watchdog::{Watchdog, end_by_any_panic};
use crate::cloud::Cloud;
use crate::queue::Queue;
use crate::settings::Launches;
use crate::store::{Kept, Store, StoreError};

/// News that waits to be heard: beyond it whoever brings more waits.
const NEWS_WAITING_MAX: usize = 4_096;

/// A turn that news asks for comes this long after it, so that what arrives together is heard
/// together.
const SOON: Duration = Duration::SECOND;

/// What the engine is built from, and with what its launches are made.
#[derive(Clone)]
pub struct Setup {
    /// Whose instances these are: a tag.
    pub provisioner: String,
    /// What the engine is built from.
    pub config: EngineConfig,
    /// With what instances are launched.
    pub launches: Launches,
    /// A chapter of the journal ends after so many records, …
    pub chapter_records_max: usize,
    /// … or after so long.
    pub chapter_length: Duration,
    /// How often the queue of each worker type is asked, by name; each minute if it is not here.
    pub queue_intervals: BTreeMap<String, Duration>,
    /// How often the prices of each region are read.
    pub price_interval: Duration,
    /// How often EC2 is asked for notices in each region.
    pub notice_interval: Duration,
}

impl Setup {
    /// Regions of any pool.
    fn regions(&self) -> BTreeSet<RegionId> {
        let catalog = &self.config.catalog;
        (0..catalog.pools().len()).map(|pool| catalog.region_of(PoolId::new(pool))).collect()
    }

    /// Their names.
    pub(crate) fn region_names(&self) -> impl Iterator<Item = String> {
        let catalog = &self.config.catalog;
        self.regions().into_iter().map(|region| catalog.region_name(region).to_owned())
    }

    /// How often the queue of a worker type is asked.
    fn queue_interval(&self, worker_type: &str) -> Duration {
        self.queue_intervals.get(worker_type).copied().unwrap_or(Duration::MINUTE)
    }

    /// Instance types and products that are bought in a region.
    pub(crate) fn offers_in(&self, region: &str) -> (Vec<String>, Vec<String>) {
        let catalog = &self.config.catalog;
        let (mut types, mut products) = (BTreeSet::new(), BTreeSet::new());
        for (pool, id) in catalog.pools().iter().zip((0..).map(PoolId::new)) {
            if catalog.region_name(catalog.region_of(id)) == region {
                types.insert(catalog.instance_type_of(pool.instance_type).name.clone());
                products.insert(catalog.product_name(pool.product).to_owned());
            }
        }
        (types.into_iter().collect(), products.into_iter().collect())
    }
}

impl fmt::Debug for Setup {
    /// Without templates: user data is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("provisioner", &self.provisioner).finish_non_exhaustive()
    }
}

/// Whether anything is changed in the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shadow {
    /// Decisions are carried out.
    Off,
    /// Decisions are made and shown only.
    On,
}

/// Why the loop ended before it was told to.
#[derive(Debug)]
pub enum DaemonError {
    /// The store failed: nothing more can be made durable, so nothing more is done.
    Store(StoreError),
    /// What the store has does not lead to the decisions it has.
    NotRestored(RestoreError),
    /// The journal cannot be written.
    Journal(std::io::Error),
}

impl From<StoreError> for DaemonError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<std::io::Error> for DaemonError {
    fn from(error: std::io::Error) -> Self {
        Self::Journal(error)
    }
}

impl fmt::Display for DaemonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::NotRestored(error) => write!(
                f,
                "the engine cannot go on from the store ({error}); run the program that wrote it, and \
                 end that with SIGTERM, which leaves a checkpoint that any program of the same \
                 snapshot version can go on from; or move the store away: instances are found again \
                 by their tags, and what was spent in the current periods is forgotten"
            ),
            Self::Journal(error) => write!(
                f,
                "the journal cannot be written ({error}); make room, or name another folder: \
                 nothing is done that is not written down"
            ),
        }
    }
}

impl std::error::Error for DaemonError {}

/// What runs beside the loop and watches it.
pub struct Watchers<'a> {
    /// Told of each turn.
    pub on_turn: Box<dyn FnMut(&Seen<'_>) + Send + 'a>,
    /// Told that the loop came round.
    pub watchdog: Watchdog,
}

/// The loop after a turn, for whoever looks.
pub struct Seen<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// What it decided.
    pub decision: &'a Decision,
    /// How long the turn took.
    pub took: std::time::Duration,
    /// Orders that are under way.
    pub under_way: usize,
    /// Regions listed since the process began, and all there are to list.
    pub listed: (usize, usize),
    /// How far the wall clock is from the engine's.
    pub skew: Duration,
    /// Facts and decisions made durable since the process began.
    pub records: u64,
    /// Launches that were refused since the process began, by worker type and reason.
    pub refusals: &'a BTreeMap<(String, &'static str), u64>,
    told: &'a Told,
    instances: &'a Instances,
}

impl Seen<'_> {
    /// What the queue of a worker type said last: pending, claimed, and of when; or why it did not.
    ///
    /// # Errors
    ///
    /// It could not be asked, or was not yet.
    pub fn counts(&self, worker_type: WorkerTypeId) -> Result<(u32, u32, Time), String> {
        self.told.counts_of(worker_type)
    }

    /// What a pool cost last on the market, and since when.
    #[must_use]
    pub fn price(&self, pool: PoolId) -> Option<(Time, UsdPerHour)> {
        self.told.price_of(pool)
    }

    /// EC2's name of an instance.
    #[must_use]
    pub fn name_of(&self, instance: InstanceId) -> Option<&str> {
        self.instances.name_of(instance)
    }
}

/// All that a daemon is made of.
pub struct Parts<S, C, Q> {
    /// Where state survives.
    pub store: S,
    /// EC2.
    pub cloud: Arc<C>,
    /// The queues.
    pub queue: Arc<Q>,
    /// What the engine is built from.
    pub setup: Setup,
    /// Where the journal is written, if it is.
    pub journal: Option<Folder>,
    /// Whether anything is changed.
    pub shadow: Shadow,
}

/// A daemon that runs; news can be brought to it.
#[derive(Clone, Debug)]
pub struct Door(mpsc::Sender<News>);

impl Door {
    /// Brings news; says whether anybody is there to hear it.
    pub async fn bring(&self, news: News) -> bool {
        self.0.send(news).await.is_ok()
    }
}

/// Runs the loop on this thread until it is told to stop. `open` is given a way to bring news.
///
/// # Errors
///
/// It cannot go on without risking to lose or double something.
pub fn run<S: Store, C: Cloud, Q: Queue>(
    parts: Parts<S, C, Q>,
    runtime: &Handle,
    mut watchers: Watchers<'_>,
    open: impl FnOnce(Door),
) -> Result<(), DaemonError> {
    let Parts { store, cloud, queue, setup, journal, shadow } = parts;
    let (sender, mut news) = mpsc::channel(NEWS_WAITING_MAX);
    let setup = Arc::new(setup);
    let mut clock = Clock::start(Look::now(), None);
    let now = clock.now();
    let mut brain =
        Brain::wake(store, Arc::clone(&setup), journal.as_ref(), new_era, now, Past::Died)?;
    // Time goes on from the last that anybody remembers.
    if let Some(last) = brain.last_heard()
        && last > now
    {
        clock = Clock::start(Look::now(), Some(last));
        warn!(behind_ms = last.since(now).ms(), "the wall clock is behind what the store has seen");
    }
    let clock = SharedClock::new(clock);
    let hands = Hands::new(
        Arc::clone(&cloud),
        Arc::clone(&queue),
        sender.clone(),
        shadow,
        clock.clone(),
        runtime.clone(),
    );
    info!(
        provisioner = setup.provisioner,
        worker_types = setup.config.worker_types.len(),
        regions = setup.region_names().collect::<Vec<_>>().join(", "),
        shadow = shadow == Shadow::On,
        "begun"
    );
    let (setups, watched) = watch::channel(setup);
    let senses = Senses { cloud, queue, news: sender.clone(), clock: clock.clone() };
    let readers = senses.begin(runtime, watched);
    open(Door(sender));

    let (mut wake, mut under_way, mut stops) = (clock.now(), 0_usize, false);
    while !stops || under_way > 0 {
        watchers.watchdog.beat();
        let wait = std::time::Duration::from_millis(
            u64::try_from(wake.since(clock.now()).ms()).unwrap_or(0).min(WAIT_MAX_MS),
        );
        let first = runtime.block_on(async { tokio::time::timeout(wait, news.recv()).await });
        let mut heard = first.ok().flatten();
        while let Some(one) = heard {
            let now = clock.now();
            stops |= matches!(one, News::Stop);
            under_way -= usize::from(matches!(one, News::Done(_)));
            let is_configured = matches!(one, News::Configured(_));
            if brain.hear(now, one) {
                wake = wake.min(now.saturating_add(SOON));
            }
            if is_configured {
                setups.send_replace(Arc::clone(&brain.setup));
            }
            heard = news.try_recv().ok();
        }
        let now = clock.now();
        if stops {
            // Nothing more is begun; what is under way is heard out.
            brain.make_durable()?;
            readers.abort();
        } else if now >= wake {
            let began = Instant::now();
            let Turn { decision, deeds } = brain.turn(now)?;
            under_way += deeds.len();
            deeds.into_iter().for_each(|deed| hands.begin(deed));
            brain.checkpoint(now, false)?;
            wake = decision.wake_at;
            let seen = Seen {
                engine: &brain.engine,
                decision: &decision,
                took: began.elapsed(),
                under_way,
                listed: brain.regions_listed(),
                skew: clock.skew(),
                records: brain.records,
                refusals: &brain.refusals,
                told: &brain.told,
                instances: &brain.instances,
            };
            debug!(orders = decision.actions.len(), under_way, "a turn");
            (watchers.on_turn)(&seen);
        }
    }
    brain.checkpoint(clock.now(), true)?;
    brain.close()?;
    info!("stopped; everything is in the store");
    Ok(())
}

/// The loop comes round at least this often, whatever the engine asks for: the watchdog waits for it.
const WAIT_MAX_MS: u64 = 5_000;

/// A name that no store had before.
fn new_era() -> String {
    format!("{:08x}", rand::random::<u32>())
}

/// The instances of launches that have not ended, with their regions, as far as a store says.
///
/// # Errors
///
/// What is kept does not lead to the decisions that it has.
pub fn ledger(kept: Kept) -> Result<BTreeSet<(String, String)>, DaemonError> {
    let (engine, (checkpoint, _, named)) = brain::restore(kept)?;
    let mut names = checkpoint.instances;
    names.extend(named);
    let catalog = &engine.config().catalog;
    let instances = engine.launches().filter_map(|(_, launch)| {
        let name = names.get(&launch.instance?)?;
        Some((catalog.region_name(catalog.region_of(launch.pool)).to_owned(), name.clone()))
    });
    Ok(instances.collect())
}

/// When something happened, in words, for logs.
#[must_use]
pub fn in_words(at: Time) -> String {
    jiff::Timestamp::from_millisecond(at.ms()).map_or_else(|_| at.to_string(), |at| at.to_string())
}
