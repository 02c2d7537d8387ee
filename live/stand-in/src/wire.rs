//! The model in Taskcluster's JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use provisioner_engine::units::Duration;
use serde_json::{Value, json};

use crate::model::{Claim, Model, Refused, RunKey, RunState, Task, Worker, WorkerKey};

/// How long tasks are kept, as they say: nothing here ever forgets one.
const KEPT: Duration = Duration::from_ms(30 * Duration::DAY.ms());

/// Taskcluster's form of an error.
pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "code": code, "message": message, "requestInfo": {} });
    (status, Json(body)).into_response()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => error(
                StatusCode::NOT_FOUND,
                "ResourceNotFound",
                "No such task, run or worker. Are you sure it was created?",
            ),
            Self::Conflict => error(
                StatusCode::CONFLICT,
                "RequestConflict",
                "The run is not held by this worker any more.",
            ),
            Self::BadToken => error(
                StatusCode::BAD_REQUEST,
                "InvalidRequestArguments",
                "This is no continuation token.",
            ),
        }
    }
}

/// `provisionerId` and `workerType`.
pub(crate) fn halves(queue: &str) -> (&str, &str) {
    queue.split_once('/').unwrap_or((queue, ""))
}

pub(crate) fn task(task: &Task) -> Value {
    let (provisioner, worker_type) = halves(&task.queue);
    json!({
        "provisionerId": provisioner,
        "workerType": worker_type,
        "taskQueueId": task.queue,
        "schedulerId": "stand-in",
        "projectId": "none",
        "taskGroupId": task.id,
        "dependencies": [],
        "requires": "all-completed",
        "routes": [],
        "priority": "lowest",
        "retries": 5,
        "created": task.created.to_string(),
        "deadline": (task.created + Duration::DAY).to_string(),
        "expires": (task.created + KEPT).to_string(),
        "scopes": [],
        "payload": { "durationMs": task.duration.ms() },
        "metadata": {
            "name": "a stand-in's task",
            "description": "sleeps",
            "owner": "nobody@localhost",
            "source": "http://localhost/",
        },
        "tags": {},
        "extra": {},
    })
}

pub(crate) fn status(task: &Task) -> Value {
    let (provisioner, worker_type) = halves(&task.queue);
    let runs: Vec<Value> = task.runs.iter().enumerate().map(|(id, _)| run(task, id)).collect();
    json!({
        "taskId": task.id,
        "provisionerId": provisioner,
        "workerType": worker_type,
        "taskQueueId": task.queue,
        "schedulerId": "stand-in",
        "projectId": "none",
        "taskGroupId": task.id,
        "deadline": (task.created + Duration::DAY).to_string(),
        "expires": (task.created + KEPT).to_string(),
        "retriesLeft": task.retries_left,
        "state": task.runs.last().map_or("unscheduled", |run| state(run.state)),
        "runs": runs,
    })
}

fn run(task: &Task, id: usize) -> Value {
    let run = &task.runs[id];
    let mut out = json!({
        "runId": id,
        "state": state(run.state),
        "reasonCreated": if run.retry { "retry" } else { "scheduled" },
        "scheduled": run.scheduled.to_string(),
    });
    if let Some(claim) = &run.claim {
        out["workerGroup"] = json!(claim.worker.0);
        out["workerId"] = json!(claim.worker.1);
        out["takenUntil"] = json!(claim.taken_until.to_string());
        out["started"] = json!(claim.started.to_string());
    }
    if let Some(resolved) = run.resolved {
        out["resolved"] = json!(resolved.to_string());
        out["reasonResolved"] = json!(match run.state {
            RunState::Exception(reason) => reason,
            other => state(other),
        });
    }
    out
}

fn state(state: RunState) -> &'static str {
    match state {
        RunState::Pending => "pending",
        RunState::Running => "running",
        RunState::Completed => "completed",
        RunState::Failed => "failed",
        RunState::Exception(_) => "exception",
    }
}

/// What a worker is given with a task, or with a prolonged claim.
pub(crate) fn claim(model: &Model, (number, run): RunKey) -> Value {
    let of = model.task(number);
    let claim = held(of, run);
    json!({
        "status": status(of),
        "runId": run,
        "workerGroup": claim.worker.0,
        "workerId": claim.worker.1,
        "takenUntil": claim.taken_until.to_string(),
        "task": task(of),
        "credentials": { "clientId": "task", "accessToken": "none", "certificate": "{}" },
    })
}

/// An entry of the list of claimed tasks.
pub(crate) fn claimed(model: &Model, (number, run): RunKey) -> Value {
    let of = model.task(number);
    let claim = held(of, run);
    json!({
        "taskId": of.id,
        "runId": run,
        "workerGroup": claim.worker.0,
        "workerId": claim.worker.1,
        "claimed": claim.started.to_string(),
        "task": task(of),
    })
}

/// An entry of the list of workers.
pub(crate) fn listed(model: &Model, queue: &str, (group, id): &WorkerKey, it: &Worker) -> Value {
    let mut out = json!({
        "workerGroup": group,
        "workerId": id,
        "workerPoolId": queue,
        "firstClaim": it.first_claim.to_string(),
        "lastDateActive": it.last_active.to_string(),
        "state": "standalone",
        "capacity": 0,
        "providerId": "none",
    });
    if let Some(&latest) = it.recent.back() {
        out["latestTask"] = task_run(model, latest);
    }
    out
}

/// A worker by itself.
pub(crate) fn worker(model: &Model, queue: &str, (group, id): &WorkerKey, it: &Worker) -> Value {
    let (provisioner, worker_type) = halves(queue);
    let recent: Vec<Value> = it.recent.iter().map(|&run| task_run(model, run)).collect();
    json!({
        "provisionerId": provisioner,
        "workerType": worker_type,
        "workerPoolId": queue,
        "workerGroup": group,
        "workerId": id,
        "recentTasks": recent,
        "expires": (it.last_active + Duration::DAY).to_string(),
        "firstClaim": it.first_claim.to_string(),
        "lastDateActive": it.last_active.to_string(),
        "actions": [],
    })
}

fn task_run(model: &Model, (task, run): RunKey) -> Value {
    json!({ "taskId": model.task(task).id, "runId": run })
}

fn held(task: &Task, run: usize) -> &Claim {
    task.runs[run].claim.as_ref().expect("a run that is held has a claim")
}
