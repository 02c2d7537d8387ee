//! Taskcluster's paths, and two of our own: `POST /stand-in/tasks` adds tasks, `GET
//! /stand-in/totals` tells what has happened.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use provisioner_engine::units::{Duration, Time};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::{Refused, RunState, WorkerKey};
use crate::server::Shared;
use crate::wire;

/// What Taskcluster lists on a page if it is not told otherwise, and at most.
const PAGE: usize = 1_000;

type App = State<Arc<Shared>>;

pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let queue = Router::new()
        .route("/ping", get(async || Json(json!({ "alive": true }))))
        .route("/task-queues/{id}/counts", get(counts))
        .route("/task-queues/{id}/claimed", get(claimed))
        .route("/pending/{id}", get(counts))
        .route("/claim-work/{id}", post(claim_work))
        .route("/task/{task}/status", get(status))
        .route("/task/{task}/cancel", post(cancel))
        .route("/task/{task}/runs/{run}/reclaim", post(reclaim))
        .route("/task/{task}/runs/{run}/completed", post(completed))
        .route("/task/{task}/runs/{run}/failed", post(failed))
        .route("/task/{task}/runs/{run}/exception", post(exception));
    let workers = "/provisioners/{provisioner}/worker-types/{worker_type}/workers";
    let manager = Router::new()
        .route(workers, get(list_workers))
        .route(&format!("{workers}/{{group}}/{{id}}"), get(worker));
    Router::new()
        .nest("/api/queue/v1", queue.merge(manager.clone()))
        .nest("/api/worker-manager/v1", manager)
        .layer(middleware::from_fn_with_state(Arc::clone(shared), misbehave))
        .route("/stand-in/tasks", post(add))
        .route("/stand-in/totals", get(totals))
        .fallback(async || Refused::NotFound)
        .with_state(Arc::clone(shared))
}

/// Everything that can be wrong with an answer whatever was asked.
async fn misbehave(State(shared): App, request: Request, next: Next) -> Response {
    let (delay, status) = shared.next_fault();
    tokio::time::sleep(delay).await;
    if let Some(status) = status {
        let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return wire::error(code, "StandInFault", "The stand-in was told to answer so.");
    }
    if let Some(client) = &shared.settings.client_id {
        let given = request.headers().get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        if !given.is_some_and(|it| it.starts_with(&format!("Hawk id=\"{client}\""))) {
            let why = "This needs the client's credentials.";
            return wire::error(StatusCode::UNAUTHORIZED, "AuthenticationFailed", why);
        }
    }
    next.run(request).await
}

async fn counts(State(shared): App, Path(queue): Path<String>) -> Json<Value> {
    let counts = shared.counts(&queue);
    let (provisioner, worker_type) = wire::halves(&queue);
    Json(json!({
        "provisionerId": provisioner,
        "workerType": worker_type,
        "taskQueueId": queue,
        "pendingTasks": counts.pending,
        "claimedTasks": counts.claimed,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    continuation_token: Option<String>,
    limit: Option<usize>,
}

impl Page {
    fn size(&self) -> usize {
        self.limit.unwrap_or(PAGE).clamp(1, PAGE)
    }
}

async fn claimed(
    State(shared): App,
    Path(queue): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Refused> {
    let after = page.continuation_token.as_deref().map(|token| {
        let mut parts = token.splitn(3, '.').map(str::parse::<i64>);
        let mut next = || parts.next()?.ok();
        let (ms, task, run) = (next()?, next()?, next()?);
        Some((Time::from_ms(ms), (usize::try_from(task).ok()?, usize::try_from(run).ok()?)))
    });
    let after = after.map(|it| it.ok_or(Refused::BadToken)).transpose()?;
    let now = shared.now();
    let mut model = shared.model();
    let held = model.claimed(now, &queue, after, page.size());
    let tasks: Vec<Value> = held.iter().map(|&(_, run)| wire::claimed(&model, run)).collect();
    let last = held.last().filter(|_| held.len() == page.size());
    let next = last.map(|(at, (task, run))| format!("{}.{task}.{run}", at.ms()));
    Ok(paged("tasks", tasks, next))
}

async fn list_workers(
    State(shared): App,
    Path((provisioner, worker_type)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Refused> {
    let queue = format!("{provisioner}/{worker_type}");
    let after = page.continuation_token.as_deref().map(|token| token.split_once('/'));
    let after = after.map(|it| it.ok_or(Refused::BadToken)).transpose()?;
    let after = after.map(|(group, id)| (group.to_owned(), id.to_owned()));
    let model = shared.model();
    let known = model.workers(&queue, after.as_ref(), page.size());
    let listed = known.iter().map(|(key, it)| wire::listed(&model, &queue, key, it)).collect();
    let last = known.last().filter(|_| known.len() == page.size());
    Ok(paged("workers", listed, last.map(|((group, id), _)| format!("{group}/{id}"))))
}

fn paged(key: &str, entries: Vec<Value>, next: Option<String>) -> Json<Value> {
    let mut out = json!({ key: entries });
    if let Some(next) = next {
        out["continuationToken"] = json!(next);
    }
    Json(out)
}

async fn worker(
    State(shared): App,
    Path((provisioner, worker_type, group, id)): Path<(String, String, String, String)>,
) -> Result<Json<Value>, Refused> {
    let queue = format!("{provisioner}/{worker_type}");
    let key = (group, id);
    let model = shared.model();
    let known = model.worker(&queue, &key).ok_or(Refused::NotFound)?;
    Ok(Json(wire::worker(&model, &queue, &key, known)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClaimWork {
    worker_group: String,
    worker_id: String,
    tasks: usize,
}

async fn claim_work(
    State(shared): App,
    Path(queue): Path<String>,
    Json(wanted): Json<ClaimWork>,
) -> Response {
    if !(1..=32).contains(&wanted.tasks) {
        let why = "A worker claims 1 to 32 tasks at once.";
        return wire::error(StatusCode::BAD_REQUEST, "InputValidationError", why);
    }
    let worker: WorkerKey = (wanted.worker_group, wanted.worker_id);
    let now = shared.now();
    let mut model = shared.model();
    let given = model.claim(now, &queue, &worker, wanted.tasks);
    let tasks: Vec<Value> = given.iter().map(|&run| wire::claim(&model, run)).collect();
    Json(json!({ "tasks": tasks })).into_response()
}

async fn status(State(shared): App, Path(task): Path<String>) -> Result<Json<Value>, Refused> {
    let model = shared.model();
    let number = model.task_number(&task)?;
    Ok(Json(json!({ "status": wire::status(model.task(number)) })))
}

async fn cancel(State(shared): App, Path(task): Path<String>) -> Result<Json<Value>, Refused> {
    let now = shared.now();
    let mut model = shared.model();
    model.cancel(now, &task)?;
    let number = model.task_number(&task)?;
    Ok(Json(json!({ "status": wire::status(model.task(number)) })))
}

type RunPath = Path<(String, usize)>;

async fn reclaim(State(shared): App, Path((task, run)): RunPath) -> Result<Json<Value>, Refused> {
    let now = shared.now();
    let mut model = shared.model();
    let key = model.reclaim(now, &task, run)?;
    Ok(Json(wire::claim(&model, key)))
}

async fn completed(shared: App, run: RunPath) -> Result<Json<Value>, Refused> {
    report(&shared, &run, RunState::Completed)
}

async fn failed(shared: App, run: RunPath) -> Result<Json<Value>, Refused> {
    report(&shared, &run, RunState::Failed)
}

#[derive(Deserialize)]
struct Why {
    reason: String,
}

/// Of Taskcluster's reasons, those that try the task again are told apart from all others.
async fn exception(
    shared: App,
    run: RunPath,
    Json(why): Json<Why>,
) -> Result<Json<Value>, Refused> {
    report(
        &shared,
        &run,
        match why.reason.as_str() {
            "worker-shutdown" => RunState::Exception("worker-shutdown"),
            "intermittent-task" => RunState::Exception("intermittent-task"),
            _ => RunState::Failed,
        },
    )
}

fn report(shared: &Shared, run: &(String, usize), state: RunState) -> Result<Json<Value>, Refused> {
    let now = shared.now();
    let mut model = shared.model();
    let (number, _) = model.report(now, &run.0, run.1, state)?;
    Ok(Json(json!({ "status": wire::status(model.task(number)) })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Add {
    task_queue_id: String,
    count: usize,
    duration_seconds: i64,
}

async fn add(State(shared): App, Json(wanted): Json<Add>) -> Json<Value> {
    let duration = Duration::from_secs(wanted.duration_seconds);
    Json(json!({ "tasks": shared.add(&wanted.task_queue_id, wanted.count, duration) }))
}

async fn totals(State(shared): App) -> Json<Value> {
    let now = shared.now();
    Json(json!(shared.model().totals(now)))
}
