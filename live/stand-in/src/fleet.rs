//! Fake workers: one for each instance that somebody lists.
//!
//! A worker boots, asks for as many tasks as its instance has capacity left, sleeps through them,
//! reports them, and shuts its instance down when it had nothing to do for long enough: in the guest,
//! so that it is gone from the cloud. An instance that is no longer listed takes its worker with it
//! in the middle of everything, and its claims run out by themselves.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration as Span, Instant};

use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

/// How workers behave.
#[derive(Clone, Debug)]
pub struct FleetOptions {
    /// Where the queue is.
    pub root_url: String,
    /// The `clientId` that workers name.
    pub client_id: String,
    /// How often instances are listed.
    pub look: Span,
    /// From when an instance is listed until its worker first asks for tasks.
    pub boot: Span,
    /// How often a worker that could do more asks for more.
    pub poll: Span,
    /// For how long a worker has nothing to do before it shuts its instance down.
    pub idle_timeout: Span,
    /// Tasks take a so-manieth of their duration.
    pub speed: u32,
    /// How often a claim is prolonged.
    pub reclaim: Span,
}

impl FleetOptions {
    /// Workers in a hurry, as tests want them.
    #[must_use]
    pub fn quick(root_url: String) -> Self {
        Self {
            root_url,
            client_id: "worker".to_owned(),
            look: Span::from_millis(50),
            boot: Span::from_millis(100),
            poll: Span::from_millis(50),
            idle_timeout: Span::from_secs(1),
            speed: 1_000,
            reclaim: Span::from_secs(300),
        }
    }
}

/// A running instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`: becomes the `workerId`.
    pub id: String,
    /// `us-east-1`: becomes the `workerGroup`.
    pub region: String,
    /// `us-east-1a`.
    pub zone: String,
    /// `provisionerId/workerType`: whose tasks its worker claims.
    pub worker_type: String,
    /// How many tasks its worker runs at once.
    pub capacity: usize,
}

/// What workers did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Workers that asked for tasks.
    pub booted: u64,
    /// Tasks that were done, and reported in time.
    pub done: u64,
    /// Runs of tasks that had been run before.
    pub again: u64,
    /// Runs that were done after somebody else had got the task.
    pub late: u64,
    /// Workers that shut their instance down.
    pub idled_out: u64,
    /// Workers that were gone with their instance.
    pub killed: u64,
}

/// Workers on the instances of a cloud, until it is dropped.
pub struct Fleet {
    tally: Arc<Tally>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Tally {
    booted: AtomicU64,
    done: AtomicU64,
    again: AtomicU64,
    late: AtomicU64,
    idled_out: AtomicU64,
    killed: AtomicU64,
}

impl Fleet {
    /// Looks after the instances that `list` gives, or `None` where that cannot be told now. `end`
    /// shuts one down.
    ///
    /// # Errors
    ///
    /// If no thread can be had.
    pub fn watch<L, E>(options: FleetOptions, list: L, end: E) -> io::Result<Self>
    where
        L: AsyncFn() -> Option<Vec<Instance>> + Send + 'static,
        E: AsyncFn(&Instance) + Send + 'static,
    {
        let tally = Arc::new(Tally::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let counted = Arc::clone(&tally);
        let thread = thread::Builder::new().name("fleet".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = look_after(&options, &counted, list, end) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { tally, stop: Some(stop), thread: Some(thread) })
    }

    /// What workers did so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            booted: read(&self.tally.booted),
            done: read(&self.tally.done),
            again: read(&self.tally.again),
            late: read(&self.tally.late),
            idled_out: read(&self.tally.idled_out),
            killed: read(&self.tally.killed),
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // Either may be gone by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

async fn look_after<L, E>(options: &FleetOptions, tally: &Arc<Tally>, list: L, end: E)
where
    L: AsyncFn() -> Option<Vec<Instance>>,
    E: AsyncFn(&Instance),
{
    let client = Client::new();
    let mut idle: JoinSet<Instance> = JoinSet::new();
    let mut known: BTreeMap<String, AbortHandle> = BTreeMap::new();
    loop {
        if let Some(listed) = list().await {
            known.retain(|id, worker| {
                let stays = listed.iter().any(|it| it.id == *id);
                if !stays && !worker.is_finished() {
                    worker.abort();
                    count(&tally.killed);
                }
                stays
            });
            for instance in listed {
                known.entry(instance.id.clone()).or_insert_with(|| {
                    let (options, tally) = (options.clone(), Arc::clone(tally));
                    let queue = Queue::new(client.clone(), &options, &instance);
                    idle.spawn(async move {
                        live(&queue, &options, &tally, instance.capacity).await;
                        instance
                    })
                });
            }
        }
        sleep(options.look).await;
        while let Some(ended) = idle.try_join_next() {
            // A worker that was killed has no instance to shut down.
            if let Ok(instance) = ended {
                count(&tally.idled_out);
                end(&instance).await;
            }
        }
    }
}

/// A worker's life until it has been idle for long enough.
async fn live(queue: &Queue, options: &FleetOptions, tally: &Arc<Tally>, capacity: usize) {
    sleep(options.boot).await;
    count(&tally.booted);
    let mut running = JoinSet::new();
    let mut idle_since = Instant::now();
    while !running.is_empty() || idle_since.elapsed() < options.idle_timeout {
        let free = capacity - running.len();
        for task in queue.claim(free).await {
            let (queue, options) = (queue.clone(), options.clone());
            let tally = Arc::clone(tally);
            running.spawn(async move { run(&queue, &options, &tally, &task).await });
        }
        sleep(options.poll).await;
        while running.try_join_next().is_some() {
            idle_since = Instant::now();
        }
    }
}

/// Runs a task: sleeps for its duration, prolongs the claim meanwhile, and reports it.
async fn run(queue: &Queue, options: &FleetOptions, tally: &Tally, task: &Value) {
    let id = task["status"]["taskId"].as_str().expect("a claim names its task");
    let run = task["runId"].as_u64().expect("and its run");
    let ms = task["task"]["payload"]["durationMs"].as_u64().expect("and how long it takes");
    if run > 0 {
        count(&tally.again);
    }
    let done_at = tokio::time::Instant::now() + Span::from_millis(ms) / options.speed.max(1);
    while tokio::time::timeout_at(done_at, sleep(options.reclaim)).await.is_ok() {
        queue.say(id, run, "reclaim").await;
    }
    let mut said = queue.say(id, run, "completed").await;
    while said.is_none_or(|status| status.is_server_error()) {
        sleep(options.poll).await;
        said = queue.say(id, run, "completed").await;
    }
    count(if said == Some(StatusCode::OK) { &tally.done } else { &tally.late });
}

/// What a worker says to the queue.
#[derive(Clone)]
struct Queue {
    client: Client,
    authorization: String,
    /// `…/api/queue/v1`.
    base: String,
    claim_work: String,
    worker: Value,
}

impl Queue {
    fn new(client: Client, options: &FleetOptions, instance: &Instance) -> Self {
        let base = format!("{}/api/queue/v1", options.root_url);
        Self {
            client,
            authorization: format!("Hawk id=\"{}\", mac=\"none\"", options.client_id),
            claim_work: format!("{base}/claim-work/{}", instance.worker_type.replace('/', "%2F")),
            base,
            worker: json!({ "workerGroup": instance.region, "workerId": instance.id }),
        }
    }

    /// Claims up to that many tasks. A queue that does not answer has none.
    async fn claim(&self, count: usize) -> Vec<Value> {
        if count == 0 {
            return Vec::new();
        }
        let mut wanted = self.worker.clone();
        wanted["tasks"] = json!(count.min(32));
        let Some(answer) = self.post(&self.claim_work, &wanted).await else { return Vec::new() };
        let Ok(mut answer) = answer.json::<Value>().await else { return Vec::new() };
        match answer["tasks"].take() {
            Value::Array(tasks) => tasks,
            _ => Vec::new(),
        }
    }

    /// Says something about a run; how that was taken, if it was heard.
    async fn say(&self, task: &str, run: u64, what: &str) -> Option<StatusCode> {
        let path = format!("{}/task/{task}/runs/{run}/{what}", self.base);
        Some(self.post(&path, &json!({})).await?.status())
    }

    async fn post(&self, url: &str, body: &Value) -> Option<reqwest::Response> {
        let request = self.client.post(url).header(header::AUTHORIZATION, &self.authorization);
        request.json(body).timeout(Span::from_secs(10)).send().await.ok()
    }
}
