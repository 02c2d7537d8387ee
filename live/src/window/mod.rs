//! A read-only window on the daemon, over HTTP, on the loopback address unless told otherwise.
//!
//! | path | says |
//! |---|---|
//! | `/health` | that the process lives: 200 |
//! | `/ready` | whether a pass was completed lately: 200, or 503 and why not |
//! | `/metrics` | the metrics of `docs/metrics.md`, for Prometheus |
//! | `/state` | worker types, launches, pools and calls, in JSON |
//! | `/decisions?limit=20` | the latest decisions, newest first, with reasons in words |
//!
//! It renders the [`View`] that the loop published last, and never asks the loop anything: whoever
//! looks, however often or slowly, cannot keep it waiting. Everything is bounded: connections and
//! how long they last, headers, and bodies, which no path takes.
//!
//! Not here: who may look (nobody but this machine can, unless the address is changed), the API that
//! changes something, pages.

pub mod metrics;
mod view;
pub mod viewer;

pub use view::{
    CallsView, Capacity, DecisionView, LaunchView, Passes, PoolView, Spend, View, WorkerTypeView,
};

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use provisioner_engine::units::Time;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Where it is by default.
pub const ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8_044));

/// How many connections there are at once; more have to wait for one to end.
const CONNECTIONS: usize = 128;
/// How long a connection lasts at most, so that a slow one gives its place away.
const CONNECTION_LIMIT: Duration = Duration::from_secs(30);
/// How long a request may take to arrive.
const HEADERS_LIMIT: Duration = Duration::from_secs(5);
/// How many headers a request may have, and how many bytes they may take.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 << 10;
/// How many decisions are shown if nothing is said.
const DECISIONS: usize = 20;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Gives views to the window.
#[derive(Debug)]
pub struct Publisher {
    views: watch::Sender<Arc<Published>>,
}

/// What the window reads views from.
#[derive(Clone, Debug)]
pub struct Views(watch::Receiver<Arc<Published>>);

/// A view, and what it looks like once somebody has asked: all who ask share that.
#[derive(Debug, Default)]
struct Published {
    view: Arc<View>,
    state: OnceLock<Bytes>,
}

impl Publisher {
    /// A publisher, and what the window reads from. Until something is published, it shows nothing
    /// and is not ready.
    #[must_use]
    pub fn new() -> (Self, Views) {
        let (views, receiver) = watch::channel(Arc::default());
        (Self { views }, Views(receiver))
    }

    /// Shows this from now on. Does not wait for anybody.
    pub fn publish(&self, view: View) {
        self.views
            .send_replace(Arc::new(Published { view: Arc::new(view), ..Published::default() }));
    }
}

#[derive(Clone)]
struct Window {
    views: Views,
    clock: Clock,
}

impl Window {
    fn published(&self) -> Arc<Published> {
        Arc::clone(&self.views.0.borrow())
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.published().view)
    }
}

/// Shows what is published, until `shutdown` ends.
pub async fn serve(
    listener: TcpListener,
    views: Views,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) {
    let router = router(Window { views, clock });
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let accept = async {
        loop {
            let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
            match listener.accept().await {
                Ok((stream, _)) => {
                    let router = router.clone();
                    connections.spawn(async move {
                        // Who is too slow has had its time.
                        let _ = timeout(CONNECTION_LIMIT, answer(stream, router)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // No file handle is left, say: others may be given back.
                    tracing::warn!(%error, "the window cannot accept a connection");
                    sleep(Duration::from_millis(100)).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = accept => {}
        () = shutdown => {}
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_LIMIT)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // How it ended is the other side's affair.
    let _ = served.await;
}

fn router(window: Window) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(serve_metrics))
        .route("/state", get(state))
        .route("/decisions", get(decisions))
        .fallback(async || problem(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            problem(StatusCode::METHOD_NOT_ALLOWED, "this window is only for looking: use GET")
        })
        .layer(middleware::from_fn(guard))
        .with_state(window)
}

/// What holds for every request and every answer.
async fn guard(request: Request, next: Next) -> Result<Response, Infallible> {
    let mut answer = match request.body().is_end_stream() {
        true => next.run(request).await,
        false => problem(StatusCode::PAYLOAD_TOO_LARGE, "no path takes a body"),
    };
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}

fn problem(status: StatusCode, what: &str) -> Response {
    (status, Json(json!({ "error": what }))).into_response()
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

async fn ready(State(window): State<Window>) -> Response {
    match window.view().ready((window.clock)()) {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(why) => {
            let body = Json(json!({ "status": "not ready", "reason": why }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

async fn serve_metrics(State(window): State<Window>) -> Response {
    match metrics::text(&window.view(), (window.clock)()) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written"),
    }
}

async fn state(State(window): State<Window>) -> Response {
    let published = window.published();
    let state = published.state.get_or_init(|| {
        serde_json::to_vec(&*published.view)
            .expect("nothing in a view can fail to be written")
            .into()
    });
    ([(header::CONTENT_TYPE, "application/json")], state.clone()).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    limit: Option<usize>,
}

async fn decisions(
    State(window): State<Window>,
    limit: Result<Query<Limit>, QueryRejection>,
) -> Response {
    let Ok(Query(Limit { limit })) = limit else {
        return problem(StatusCode::BAD_REQUEST, "only `limit` can be said, and is a number");
    };
    let view = window.view();
    let limit = limit.unwrap_or(DECISIONS);
    let latest: Vec<&DecisionView> = view.decisions.iter().rev().take(limit).collect();
    Json(json!({ "decisions": latest })).into_response()
}
