//! Between a daemon and moto, on a thread of its own.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration as Span, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use roxmltree::Node;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::call::{Answer, Call, VERSION};
use super::faults::{Fault, What};
use super::line::{Cut, Lines};
use super::tokens::Tokens;
use super::xml::{self, element, items, text};

/// A launch or an end that reached moto and was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `RunInstances`, `CreateFleet` or `TerminateInstances`.
    pub action: String,
    /// Where.
    pub region: String,
    /// The client token, if there is one.
    pub token: Option<String>,
    /// What it made or ended.
    pub instances: Vec<String>,
}

/// For how long new instances are not shown, or without their tags: describe calls lag behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Not at all.
    pub unseen: Span,
    /// Without tags.
    pub untagged: Span,
}

/// An EC2 that keeps client tokens, gives as many as it is asked for, and is told what is wrong with
/// it; until it is dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    moto: String,
    client: reqwest::Client,
    tokens: Tokens,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    faults: Vec<Fault>,
    lag: Lag,
    calls: BTreeMap<String, u64>,
    changes: Vec<Change>,
    born: BTreeMap<String, Instant>,
    /// Zones of subnets.
    zones: BTreeMap<String, String>,
    /// What never changes: by region, what was asked and the answer.
    settled: BTreeMap<(String, Bytes), Answer>,
}

/// Actions whose answers never change in moto, which takes its time to find them.
const SETTLED: [&str; 4] = [
    "DescribeAvailabilityZones",
    "DescribeInstanceTypeOfferings",
    "DescribeInstanceTypes",
    "DescribeRegions",
];

impl Proxy {
    /// Starts one in front of that moto, on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If no port can be had.
    pub fn start(moto: &str) -> io::Result<Self> {
        // moto ends its connections without a word: each call has one of its own.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build();
        let shared = Arc::new(Shared {
            moto: moto.trim_end_matches('/').to_owned(),
            client: client.map_err(io::Error::other)?,
            tokens: Tokens::default(),
            book: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let router = Router::new()
            .route("/stand-in/faults", post(told))
            .route("/stand-in/calls", get(counted))
            .fallback(handle)
            .with_state(Arc::clone(&shared))
            .into_make_service_with_connect_info::<Cut>();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("ec2".to_owned()).spawn(move || {
            runtime.block_on(async {
                let listener =
                    tokio::net::TcpListener::from_std(listener).expect("it does not block");
                tokio::select! {
                    served = axum::serve(Lines(listener), router) => {
                        served.expect("it serves for ever");
                    }
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { shared, address, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, these are the faults.
    pub fn misbehave(&self, faults: Vec<Fault>) {
        self.shared.book().faults = faults;
    }

    /// From now on, describe calls lag behind so far.
    pub fn lag(&self, lag: Lag) {
        self.shared.book().lag = lag;
    }

    /// How often each action was asked for, whatever became of it.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.shared.book().calls.clone()
    }

    /// What was launched and ended, in order.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.shared.book().changes.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Either may be gone by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// `POST /stand-in/faults`: the faults from now on, as a list.
async fn told(State(shared): State<Arc<Shared>>, Json(faults): Json<Vec<Fault>>) -> StatusCode {
    shared.book().faults = faults;
    StatusCode::NO_CONTENT
}

/// `GET /stand-in/calls`: how often each action was asked for.
async fn counted(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.book().calls))
}

/// A call, and all that is wrong with its answer.
async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let call = Call::read(parts, body);
    let zone = shared.zone(&call).await;
    let met: Vec<What> = {
        let mut book = shared.book();
        *book.calls.entry(call.action.clone()).or_default() += 1;
        book.faults.iter_mut().filter_map(|fault| fault.meet(&call, zone.as_deref())).collect()
    };
    for delay in met.iter().filter_map(What::delay) {
        tokio::time::sleep(delay).await;
    }
    let what = met.into_iter().find(|what| what.delay().is_none());
    let room = match what {
        Some(What::Capacity(room)) => room,
        _ => u32::MAX,
    };
    let mut answer = None;
    if what.as_ref().is_none_or(What::is_done) {
        let there = Arc::clone(&shared);
        let made = call.clone();
        // What was begun is carried out, even if the caller does not wait for it.
        let done = tokio::spawn(async move { there.carry_out(made, zone, room).await });
        answer = done.await.ok();
    }
    let instead = what.as_ref().and_then(|what| what.answer(&call));
    let answer = instead.or(answer).unwrap_or_else(|| Answer::xml(StatusCode::OK, String::new()));
    match what {
        Some(What::Reset(_)) => cut.after(0),
        // Counted with the head, which is about as long.
        Some(What::Truncated) => cut.after(answer.body.len().div_ceil(2)),
        _ => {}
    }
    let body = Body::from(answer.body);
    (answer.status, [(header::CONTENT_TYPE, answer.content_type)], body).into_response()
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        // A test that failed elsewhere does not spoil it.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a launch is to be: its zone, or its subnet's.
    async fn zone(&self, call: &Call) -> Option<String> {
        if !call.is_launch() {
            return None;
        }
        let pool = call.pool();
        let Some(subnet) = pool.subnet else { return pool.zone.map(str::to_owned) };
        let known = self.book().zones.get(subnet).cloned();
        if known.is_some() {
            return known;
        }
        let query = format!("Action=DescribeSubnets&Version={VERSION}&SubnetId.1={subnet}");
        let asked = Call { body: query.into(), ..call.clone() };
        let answer = self.send(&asked).await;
        let zone = xml::read(&answer.body, |it| {
            text(items(it, "subnetSet").next()?, "availabilityZone").map(str::to_owned)
        })??;
        self.book().zones.insert(subnet.to_owned(), zone.clone());
        Some(zone)
    }

    /// Has moto do it, and writes down what was done.
    async fn carry_out(&self, mut call: Call, zone: Option<String>, room: u32) -> Answer {
        if !call.is_launch() {
            let key = (call.region.clone(), call.body.clone());
            if let Some(answer) = self.book().settled.get(&key) {
                return answer.clone();
            }
            let answer = self.send(&call).await;
            return match call.action.as_str() {
                action if SETTLED.contains(&action) && answer.status.is_success() => {
                    self.book().settled.insert(key, answer.clone());
                    answer
                }
                "DescribeInstances" => self.late(answer),
                "TerminateInstances" => {
                    self.note(&call, &answer);
                    answer
                }
                _ => answer,
            };
        }
        let asked = call.clone();
        // Of the most and the least that are asked for, EC2 gives the most it can and moto the least.
        let least = call.field("MinCount").and_then(|it| it.parse().ok()).unwrap_or(1);
        if room < least {
            return Answer::no_capacity(&call);
        }
        if let Some(most) = call.count_max() {
            let given = most.min(room).to_string();
            match call.action.as_str() {
                "CreateFleet" => {
                    for of in ["Total", "Spot", "OnDemand"] {
                        let field = format!("TargetCapacitySpecification.{of}TargetCapacity");
                        if call.field(&field).is_some_and(|it| it != "0") {
                            call.change(&field, given.clone());
                        }
                    }
                }
                _ => {
                    call.change("MinCount", given.clone());
                    call.change("MaxCount", given);
                }
            }
        }
        self.tokens
            .once(&asked, zone, async {
                let answer = self.send(&call).await;
                self.note(&call, &answer);
                answer
            })
            .await
    }

    async fn send(&self, call: &Call) -> Answer {
        let url = format!("{}{}", self.moto, call.path);
        let mut headers = call.headers.clone();
        for of_the_line in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION] {
            headers.remove(of_the_line);
        }
        let request = self.client.request(call.method.clone(), url).headers(headers);
        let answered = async {
            let answer = request.body(call.body.clone()).send().await?;
            let content_type = answer.headers().get(header::CONTENT_TYPE);
            let content_type = content_type.and_then(|it| it.to_str().ok()).unwrap_or_default();
            let (status, content_type) = (answer.status(), content_type.to_owned());
            Ok::<_, reqwest::Error>(Answer { status, body: answer.bytes().await?, content_type })
        };
        answered.await.unwrap_or_else(|error| {
            let message = format!("moto does not answer: {error}");
            Answer::error(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", &message)
        })
    }

    /// Writes down what a call made or ended.
    fn note(&self, call: &Call, answer: &Answer) {
        if !answer.status.is_success() {
            return;
        }
        let made = |it: Node<'_, '_>| -> Vec<String> {
            let fleets = items(it, "fleetInstanceSet").flat_map(|it| items(it, "instanceIds"));
            let ids = fleets.filter_map(|it| it.text());
            let named = items(it, "instancesSet").filter_map(|it| text(it, "instanceId"));
            ids.chain(named).map(str::to_owned).collect()
        };
        let Some(instances) = xml::read(&answer.body, made) else { return };
        let mut book = self.book();
        if call.is_launch() {
            book.born.extend(instances.iter().map(|id| (id.clone(), Instant::now())));
        }
        book.changes.push(Change {
            action: call.action.clone(),
            region: call.region.clone(),
            token: call.field("ClientToken").map(str::to_owned),
            instances,
        });
    }

    /// A listing as it was a while ago.
    fn late(&self, answer: Answer) -> Answer {
        let book = self.book();
        let Lag { unseen, untagged } = book.lag;
        if unseen.max(untagged).is_zero() || !answer.status.is_success() {
            return answer;
        }
        let age = |instance: Node<'_, '_>| {
            let born = text(instance, "instanceId").and_then(|id| book.born.get(id));
            born.map_or(Span::MAX, Instant::elapsed)
        };
        let hidden = |instance: Node<'_, '_>| match age(instance) {
            age if age < unseen => Some(instance.range()),
            age if age < untagged => {
                let tags = element(instance, "tagSet")?;
                Some(tags.first_child()?.range().start..tags.last_child()?.range().end)
            }
            _ => None,
        };
        let cuts = xml::read(&answer.body, |it| -> Vec<Range<usize>> {
            let rows = items(it, "reservationSet").flat_map(|it| items(it, "instancesSet"));
            rows.filter_map(hidden).collect()
        });
        let (mut shown, mut at) = (Vec::with_capacity(answer.body.len()), 0);
        for cut in cuts.unwrap_or_default() {
            shown.extend_from_slice(&answer.body[at..cut.start]);
            at = cut.end;
        }
        shown.extend_from_slice(&answer.body[at..]);
        Answer { body: shown.into(), ..answer }
    }
}
