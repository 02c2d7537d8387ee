//! Taskcluster's queue, by the official client.
//!
//! | asked | of | scopes |
//! |---|---|---|
//! | counts | queue `taskQueueCounts` | `queue:pending-count:<id>` and `queue:claimed-count:<id>` |
//! | workers | worker-manager `listWorkers` | `worker-manager:list-workers:<id>` |
//! | what a worker holds | queue `listClaimedTasks` | `queue:claimed-list:<id>` |
//! | when it last claimed | worker-manager `getWorker`, queue `status` | `worker-manager:get-worker:<id>/*`, `queue:status:*` |
//!
//! `<id>` is the worker type's name: its `taskQueueId`. Taskcluster counts zero in a queue nobody ever
//! used; that it does not know a path (404) is therefore an error of the root URL or of a deployment
//! older than 2024-09, never zero.
//!
//! What a worker holds is read from the list of all claimed tasks and found by `workerId`, which is the
//! instance's id: a `workerGroup` read wrongly cannot make a working machine look idle. Questions
//! about several workers share a list that was begun after they were asked. Its pages are by when tasks
//! were claimed, so that none is missed when another is done.
//!
//! Credentials are a file as Taskcluster's tools write it: `clientId`, `accessToken`, and
//! `certificate` where they are temporary. It is read again when Taskcluster does not accept them any
//! more. The `taskcluster` crate's types for them can print them; none is kept here.
//!
//! Source: the client's reference and Taskcluster's `services/queue/src/api.js`, read 2026-11-22.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use provisioner_engine::units::Time;
use serde_json::Value;
use taskcluster::{ClientBuilder, Credentials, Retry, err_status_code};
use tokio::time::timeout;

use super::http::{self, Address};
use super::{Counts, Holds, QueueError, QueueErrorKind, Worker, WorkerPlace};

/// How often what failed is tried again, and how long it is waited for at most in between.
const RETRIES: Retry = Retry {
    retries: 2,
    max_delay: Duration::from_secs(2),
    delay_factor: Duration::from_millis(200),
    randomization_factor: 0.25,
};
/// How long a list may take, all its pages together.
const LIST_LIMIT: Duration = Duration::from_secs(60);
/// A list that does not end after so many pages of a thousand is none.
const PAGES: usize = 1_000;
/// How many claimed tasks are listed at once: each comes with its whole definition.
const LIMIT: Option<&str> = Some("500");
/// How much of what Taskcluster says is passed on.
const SAID: usize = 300;

/// Where Taskcluster is, and who asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskclusterSettings {
    /// `https://tc.example.com`.
    pub root_url: Address,
    /// A JSON file with `clientId`, `accessToken` and perhaps `certificate`. Without one, what
    /// Taskcluster lets anybody do has to be enough.
    pub credentials: Option<PathBuf>,
}

/// A deployment of Taskcluster.
pub struct Taskcluster {
    settings: TaskclusterSettings,
    services: Mutex<Arc<Services>>,
    /// By worker type, the last list of claimed tasks.
    claims: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Option<Listing>>>>>,
}

struct Services {
    queue: taskcluster::Queue,
    manager: taskcluster::WorkerManager,
}

/// What comes in pages.
#[derive(Clone, Copy)]
enum List {
    Workers,
    Claims,
}

/// All claimed tasks of a queue, by worker.
type Claims = BTreeMap<String, Holds>;

/// What came of a list of claimed tasks, and when it was begun.
struct Listing {
    begun: Instant,
    claims: Result<Claims, QueueError>,
}

impl fmt::Debug for Taskcluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taskcluster").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Taskcluster {
    /// # Errors
    ///
    /// If the credentials cannot be read, or the root URL is none.
    pub fn new(settings: TaskclusterSettings) -> Result<Self, QueueError> {
        let services = Mutex::new(Arc::new(services(&settings)?));
        Ok(Self { settings, services, claims: Mutex::default() })
    }

    /// The counts of a worker type's queue.
    ///
    /// # Errors
    ///
    /// If Taskcluster does not answer, or not that.
    pub async fn counts(&self, worker_type: &str) -> Result<Counts, QueueError> {
        let hint = format!(
            "asking needs `queue:pending-count:{worker_type}` and `queue:claimed-count:{worker_type}`"
        );
        let services = self.services();
        let answer = self.ask(services.queue.taskQueueCounts(worker_type), &hint).await?;
        let count = |key: &str| {
            let count = answer[key].as_u64().map(|count| u32::try_from(count).unwrap_or(u32::MAX));
            count.ok_or_else(|| nonsense(&format!("no number for `{key}`")))
        };
        Ok(Counts { pending: count("pendingTasks")?, claimed: count("claimedTasks")?, as_of: None })
    }

    /// All workers that it knows of a worker type, in the order of their instances.
    ///
    /// Pages are by offset there: who comes while they are read may be told twice, which is undone
    /// here, and who is behind one that goes may be missed until the next time.
    ///
    /// # Errors
    ///
    /// If Taskcluster does not answer each page.
    pub async fn workers(&self, worker_type: &str) -> Result<Vec<Worker>, QueueError> {
        let mut known: BTreeMap<String, Option<Time>> = BTreeMap::new();
        self.list(List::Workers, worker_type, |worker| {
            known.insert(text(worker, "workerId")?.to_owned(), moment(worker, "firstClaim")?);
            Ok(())
        })
        .await?;
        let worker = |(instance, first_claim)| Worker { instance, first_claim };
        Ok(known.into_iter().map(worker).collect())
    }

    /// What one worker holds, and when it last claimed. Of one it has never heard of: nothing, never.
    ///
    /// # Errors
    ///
    /// If Taskcluster does not answer, or not that.
    pub async fn worker(
        &self,
        worker_type: &str,
        place: &WorkerPlace,
    ) -> Result<Holds, QueueError> {
        if let Some(holds) = self.held(worker_type, &place.instance).await? {
            return Ok(holds);
        }
        Ok(Holds { claimed: 0, last_claim: self.last_claim(worker_type, place).await? })
    }

    /// What the list of claimed tasks says of an instance.
    async fn held(&self, worker_type: &str, instance: &str) -> Result<Option<Holds>, QueueError> {
        let asked = Instant::now();
        let listing = {
            let mut all = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(worker_type.to_owned()).or_default())
        };
        let mut listing = listing.lock().await;
        let known = match listing.take().filter(|known| known.begun >= asked) {
            Some(known) => known,
            None => Listing { begun: Instant::now(), claims: self.claims(worker_type).await },
        };
        let claims = listing.insert(known).claims.as_ref();
        claims.map(|claims| claims.get(instance).copied()).map_err(Clone::clone)
    }

    async fn claims(&self, worker_type: &str) -> Result<Claims, QueueError> {
        let mut claims = Claims::new();
        self.list(List::Claims, worker_type, |task| {
            let holds = claims.entry(text(task, "workerId")?.to_owned());
            let holds = holds.or_insert(Holds { claimed: 0, last_claim: None });
            holds.claimed += 1;
            holds.last_claim = holds.last_claim.max(moment(task, "claimed")?);
            Ok(())
        })
        .await?;
        Ok(claims)
    }

    /// Shows `each` entry of a list, page by page.
    async fn list(
        &self,
        list: List,
        worker_type: &str,
        mut each: impl FnMut(&Value) -> Result<(), QueueError> + Send,
    ) -> Result<(), QueueError> {
        let (provisioner, name) = halves(worker_type)?;
        let (key, scope) = match list {
            List::Workers => ("workers", "worker-manager:list-workers"),
            List::Claims => ("tasks", "queue:claimed-list"),
        };
        let hint = format!("listing needs `{scope}:{worker_type}`");
        let pages = async {
            let mut token: Option<String> = None;
            for _ in 0..PAGES {
                let (services, at) = (self.services(), token.as_deref());
                let page = match list {
                    List::Workers => {
                        let manager = &services.manager;
                        let page =
                            manager.listWorkers(provisioner, name, at, None, None, None, None);
                        self.ask(page, &hint).await?
                    }
                    List::Claims => {
                        let page = services.queue.listClaimedTasks(worker_type, at, LIMIT);
                        self.ask(page, &hint).await?
                    }
                };
                let entries = page[key].as_array();
                entries
                    .ok_or_else(|| nonsense(&format!("no `{key}`")))?
                    .iter()
                    .try_for_each(&mut each)?;
                let next = page["continuationToken"].as_str().map(str::to_owned);
                if next.is_none() {
                    return Ok(());
                }
                if next == token {
                    return Err(nonsense("the same page again"));
                }
                token = next;
            }
            Err(nonsense("a list that does not end"))
        };
        timeout(LIST_LIMIT, pages).await.unwrap_or_else(|_| {
            let why = format!("a list of Taskcluster's took more than {} s", LIST_LIMIT.as_secs());
            Err(QueueError::new(QueueErrorKind::Unavailable, why))
        })
    }

    /// When a worker that holds nothing last claimed. Its group is its region, or its zone; of one in
    /// another group it is only known when it first asked for tasks.
    async fn last_claim(
        &self,
        worker_type: &str,
        place: &WorkerPlace,
    ) -> Result<Option<Time>, QueueError> {
        let (provisioner, name) = halves(worker_type)?;
        let hint = format!("asking needs `worker-manager:get-worker:{worker_type}/*`");
        for group in [Some(&place.region), place.zone.as_ref()].into_iter().flatten() {
            let services = self.services();
            let known = services.manager.getWorker(provisioner, name, group, &place.instance);
            match self.ask(known, &hint).await {
                Ok(worker) => return self.latest_run(&worker).await,
                Err(error) if error.kind == QueueErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let known = self.workers(worker_type).await?;
        Ok(known.into_iter().find(|it| it.instance == place.instance).and_then(|it| it.first_claim))
    }

    /// When the latest of a worker's recent tasks was begun; if that task is forgotten, when the worker
    /// first asked for one.
    async fn latest_run(&self, worker: &Value) -> Result<Option<Time>, QueueError> {
        let recent =
            worker["recentTasks"].as_array().ok_or_else(|| nonsense("no `recentTasks`"))?;
        let Some(latest) = recent.last() else { return Ok(None) };
        let services = self.services();
        let status = services.queue.status(text(latest, "taskId")?);
        match self.ask(status, "asking needs `queue:status:*`").await {
            Ok(task) => {
                let run = latest["runId"].as_u64().and_then(|run| usize::try_from(run).ok());
                let run = run.ok_or_else(|| nonsense("no `runId`"))?;
                moment(&task["status"]["runs"][run], "started")
            }
            Err(error) if error.kind == QueueErrorKind::NotFound => moment(worker, "firstClaim"),
            Err(error) => Err(error),
        }
    }

    fn services(&self) -> Arc<Services> {
        Arc::clone(&self.services.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is answered; or what it means that it is not, and what to do.
    async fn ask(
        &self,
        question: impl Future<Output = Result<Value, anyhow::Error>>,
        hint: &str,
    ) -> Result<Value, QueueError> {
        let understood = async { question.await.map_err(|error| understood(&error, hint)) };
        let answer = http::within_limit("Taskcluster", understood).await;
        if answer.as_ref().is_err_and(|error| error.kind == QueueErrorKind::Unauthorized) {
            // Perhaps they were replaced: the next question is asked with what is there now.
            let fresh = Arc::new(services(&self.settings)?);
            *self.services.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        answer
    }
}

fn services(settings: &TaskclusterSettings) -> Result<Services, QueueError> {
    let mut builder =
        ClientBuilder::new(settings.root_url.as_str()).timeout(http::TIME_LIMIT).retry(RETRIES);
    if let Some(file) = &settings.credentials {
        let unusable = |why: String| {
            let file = file.display();
            let kind = QueueErrorKind::Unauthorized;
            QueueError::new(kind, format!("Taskcluster's credentials in {file} {why}"))
        };
        let text = fs::read_to_string(file);
        let text = text.map_err(|error| unusable(format!("cannot be read: {error}")))?;
        // What serde says of a value that does not fit is left out: it may show the value.
        let credentials: Credentials = serde_json::from_str(&text).map_err(|_| {
            unusable("are no JSON with `clientId`, `accessToken` and perhaps `certificate`".into())
        })?;
        builder = builder.credentials(credentials);
    }
    let unusable = |_| {
        let hint = "its root URL is no URL, or the credentials' `certificate` is no JSON";
        QueueError::new(QueueErrorKind::NotFound, format!("Taskcluster cannot be asked: {hint}"))
    };
    Ok(Services {
        queue: taskcluster::Queue::new(builder.clone()).map_err(unusable)?,
        manager: taskcluster::WorkerManager::new(builder).map_err(unusable)?,
    })
}

fn understood(error: &anyhow::Error, hint: &str) -> QueueError {
    let Some(cause) = error.downcast_ref::<reqwest::Error>() else {
        return nonsense("something that is no answer");
    };
    let Some(status) = err_status_code(error) else {
        return match cause.is_decode() {
            true => nonsense("something that is no JSON"),
            false => http::failed("Taskcluster", cause),
        };
    };
    let hint = match status.as_u16() {
        401 => "check the credentials, whether they have expired, and this machine's clock",
        404 => "check the root URL, and that Taskcluster is not older than 2024-09",
        _ => hint,
    };
    let mut error_said = http::refused("Taskcluster", status, hint);
    // A message of Taskcluster's own stands before the error that shows the address.
    if let Some(said) = error.chain().next().filter(|first| !first.is::<reqwest::Error>()) {
        let said = said.to_string().replace(char::is_control, " ");
        let said: String = said.chars().take(SAID).collect();
        error_said.message = format!("{} (it said: {said})", error_said.message);
    }
    error_said
}

fn halves(worker_type: &str) -> Result<(&str, &str), QueueError> {
    worker_type.split_once('/').ok_or_else(|| {
        let why = format!("`{worker_type}` is no provisionerId/workerType");
        QueueError::new(QueueErrorKind::NotFound, why)
    })
}

fn text<'a>(of: &'a Value, key: &str) -> Result<&'a str, QueueError> {
    of[key].as_str().ok_or_else(|| nonsense(&format!("no `{key}`")))
}

/// A time, if there is one.
fn moment(of: &Value, key: &str) -> Result<Option<Time>, QueueError> {
    let text = of[key].as_str();
    text.map(|text| time(text).ok_or_else(|| nonsense(&format!("no time in `{key}`")))).transpose()
}

/// RFC 3339.
pub(crate) fn time(text: &str) -> Option<Time> {
    text.parse::<Timestamp>().ok().map(|at| Time::from_ms(at.as_millisecond()))
}

fn nonsense(what: &str) -> QueueError {
    QueueError::nonsense(format!("Taskcluster answered {what}: is the root URL Taskcluster's?"))
}
