//! The queue over HTTP, on a thread of its own, and what can be wrong with it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration as Span, SystemTime, UNIX_EPOCH};

use provisioner_engine::units::{Duration, Time};
use tokio::sync::oneshot;

use crate::model::{Counts, Model, Totals};
use crate::routes;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// How a stand-in is.
#[derive(Clone)]
pub struct Settings {
    /// Its port; any free one by default.
    pub port: u16,
    /// How long a claim lasts if it is not prolonged.
    pub claim_timeout: Duration,
    /// How often a lost task is tried again.
    pub retries: u32,
    /// The `clientId` that every request has to name in its `Authorization`, if one has to be. The
    /// signature is not looked at.
    pub client_id: Option<String>,
    /// What time it is.
    pub clock: Clock,
}

impl Default for Settings {
    /// As Taskcluster is by default: 20 minutes and 5 times; open to everybody, by the wall clock.
    fn default() -> Self {
        Self {
            port: 0,
            claim_timeout: Duration::from_mins(20),
            retries: 5,
            client_id: None,
            clock: Arc::new(wall_clock),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("claim_timeout", &self.claim_timeout)
            .finish_non_exhaustive()
    }
}

/// What is wrong with the answers of Taskcluster's paths; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Each answer takes so much longer.
    pub delay: Span,
    /// Each answer is this status, of the next `left` ones.
    pub status: Option<u16>,
    /// How many answers are that status; [`u32::MAX`] is all.
    pub left: u32,
    /// Counts stay as they were when each queue was first asked for since.
    pub stale: bool,
}

impl Faults {
    /// Every answer is this status.
    #[must_use]
    pub fn always(status: u16) -> Self {
        Self::next(u32::MAX, status)
    }

    /// The next answers are this status.
    #[must_use]
    pub fn next(left: u32, status: u16) -> Self {
        Self { status: Some(status), left, ..Self::default() }
    }
}

/// A queue that answers on 127.0.0.1, until it is dropped.
pub struct StandIn {
    shared: Arc<Shared>,
    address: SocketAddr,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    model: Mutex<Model>,
    faults: Mutex<Faults>,
    frozen: Mutex<BTreeMap<String, Counts>>,
}

impl StandIn {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// If its port, or any, cannot be had.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            model: Mutex::new(Model::new(settings.claim_timeout)),
            settings,
            faults: Mutex::default(),
            frozen: Mutex::default(),
        });
        let listener = TcpListener::bind(("127.0.0.1", shared.settings.port))?;
        let address = listener.local_addr()?;
        let running = Some(serve(listener, &shared)?);
        Ok(Self { shared, address, running })
    }

    /// What Taskcluster calls the root URL.
    #[must_use]
    pub fn root_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds tasks; gives their ids.
    pub fn add(&self, queue: &str, count: usize, duration: Duration) -> Vec<String> {
        self.shared.add(queue, count, duration)
    }

    /// The true counts of a queue, whatever it is told to answer.
    #[must_use]
    pub fn counts(&self, queue: &str) -> Counts {
        let now = self.shared.now();
        self.shared.model().counts(now, queue)
    }

    /// What has happened so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let now = self.shared.now();
        self.shared.model().totals(now)
    }

    /// From now on, this is wrong with it.
    pub fn misbehave(&self, faults: Faults) {
        *lock(&self.shared.faults) = faults;
        lock(&self.shared.frozen).clear();
    }

    /// It goes: nobody listens any more, and every connection is cut. Its tasks stay.
    pub fn down(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            // The thread may have gone by itself.
            let _ = stop.send(());
            thread.join().expect("the stand-in does not panic");
        }
    }

    /// It is back, where it was.
    ///
    /// # Errors
    ///
    /// If its port was taken in the meantime.
    pub fn up(&mut self) -> io::Result<()> {
        if self.running.is_none() {
            self.running = Some(serve(TcpListener::bind(self.address)?, &self.shared)?);
        }
        Ok(())
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

impl Shared {
    pub(crate) fn now(&self) -> Time {
        (self.settings.clock)()
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        lock(&self.model)
    }

    pub(crate) fn add(&self, queue: &str, count: usize, duration: Duration) -> Vec<String> {
        let now = self.now();
        let mut model = self.model();
        (0..count).map(|_| model.add(now, queue, duration, self.settings.retries)).collect()
    }

    /// The counts that are told.
    pub(crate) fn counts(&self, queue: &str) -> Counts {
        let stale = lock(&self.faults).stale;
        let true_ones = self.model().counts(self.now(), queue);
        if !stale {
            return true_ones;
        }
        *lock(&self.frozen).entry(queue.to_owned()).or_insert(true_ones)
    }

    /// How long the next answer takes, and which status it is instead of what it would be.
    pub(crate) fn next_fault(&self) -> (Span, Option<u16>) {
        let mut faults = lock(&self.faults);
        let status = faults.status.filter(|_| faults.left > 0);
        if status.is_some() && faults.left != u32::MAX {
            faults.left -= 1;
        }
        (faults.delay, status)
    }
}

/// A test that failed elsewhere does not spoil the stand-in's data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until it is told to stop; then all that the thread's runtime holds goes with it.
fn serve(listener: TcpListener, shared: &Arc<Shared>) -> io::Result<Running> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let router = routes::router(shared);
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::Builder::new().name("stand-in".to_owned()).spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("it does not block");
            tokio::select! {
                served = axum::serve(listener, router) => served.expect("it serves for ever"),
                _ = stopped => {}
            }
        });
    })?;
    Ok(Running { stop, thread })
}

pub(crate) fn wall_clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
