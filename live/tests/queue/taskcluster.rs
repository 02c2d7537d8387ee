//! Taskcluster, against its stand-in.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration as Span, Instant};

use provisioner_engine::units::{Duration, Time};
use provisioner_live::queue::taskcluster::{Taskcluster, TaskclusterSettings};
use provisioner_live::queue::{Counts, Holds, Queue, QueueErrorKind, Source, Worker, WorkerPlace};
use provisioner_stand_in::{Faults, Settings, StandIn};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ca::Ca;
use super::served::Served;
use super::{WORKER_TYPE, assert_failed};

/// The time in the stand-in, for ever.
const NOW: Time = Time::from_ms(1_795_359_600_000);

fn stand_in(client_id: Option<&str>) -> StandIn {
    let settings = Settings {
        client_id: client_id.map(str::to_owned),
        clock: Arc::new(|| NOW),
        ..Settings::default()
    };
    StandIn::start(settings).expect("a port is free")
}

fn ask(root_url: String) -> Taskcluster {
    let root_url = root_url.as_str().into();
    Taskcluster::new(TaskclusterSettings { root_url, credentials: None }).expect("a URL")
}

fn place(instance: &str) -> WorkerPlace {
    WorkerPlace {
        region: "us-east-1".to_owned(),
        zone: Some("us-east-1a".to_owned()),
        instance: instance.to_owned(),
    }
}

async fn post(stand_in: &StandIn, path: &str, body: &Value) -> Value {
    let url = format!("{}/api/queue/v1/{path}", stand_in.root_url());
    let answer = reqwest::Client::new().post(url).json(body).send().await.expect("it answers");
    assert!(answer.status().is_success());
    answer.json().await.expect("JSON")
}

async fn claim(stand_in: &StandIn, group: &str, worker: &str, tasks: u32) {
    let body = json!({ "workerGroup": group, "workerId": worker, "tasks": tasks });
    post(stand_in, "claim-work/proj%2Fci", &body).await;
}

async fn complete(stand_in: &StandIn, task: &str) {
    post(stand_in, &format!("task/{task}/runs/0/completed"), &json!({})).await;
}

#[tokio::test]
async fn counts_are_what_the_queue_holds_and_zero_of_one_nobody_used() {
    let stand_in = stand_in(None);
    let queue = ask(stand_in.root_url());
    stand_in.add(WORKER_TYPE, 5, Duration::MINUTE);
    claim(&stand_in, "us-east-1", "i-1", 2).await;
    let counts = Counts { pending: 3, claimed: 2, as_of: None };
    assert_eq!(queue.counts(WORKER_TYPE).await, Ok(counts));
    let none = Counts { pending: 0, claimed: 0, as_of: None };
    assert_eq!(queue.counts("never/used").await, Ok(none));
}

#[tokio::test]
async fn all_pages_of_workers_are_read() {
    let stand_in = stand_in(None);
    let url = format!("{}/api/queue/v1/claim-work/proj%2Fci", stand_in.root_url());
    let client = reqwest::Client::new();
    for worker in 0..1_001 {
        let id = format!("i-{worker:04}");
        let body = json!({ "workerGroup": "us-east-1", "workerId": id, "tasks": 1 });
        client.post(&url).json(&body).send().await.expect("it answers");
    }
    let workers = ask(stand_in.root_url()).workers(WORKER_TYPE).await.expect("it answers");
    assert_eq!(workers.len(), 1_001);
    let last = Worker { instance: "i-1000".to_owned(), first_claim: Some(NOW) };
    assert_eq!(workers.last(), Some(&last));
}

#[tokio::test]
async fn what_a_worker_holds_is_found_on_any_page_and_in_any_group() {
    let stand_in = stand_in(None);
    stand_in.add(WORKER_TYPE, 504, Duration::MINUTE);
    for worker in 0..25 {
        claim(&stand_in, "us-east-1", &format!("i-{worker}"), 20).await;
    }
    claim(&stand_in, "a-group-of-its-own", "i-last", 4).await;
    let queue = ask(stand_in.root_url());
    let holds = queue.worker(WORKER_TYPE, &place("i-last")).await;
    assert_eq!(holds, Ok(Holds { claimed: 4, last_claim: Some(NOW) }));
}

#[tokio::test]
async fn a_worker_that_holds_nothing_says_when_it_last_did() {
    let minute = Arc::new(AtomicI64::new(0));
    let read = Arc::clone(&minute);
    let clock = move || NOW + Duration::from_mins(read.load(Ordering::Relaxed));
    let settings = Settings { clock: Arc::new(clock), ..Settings::default() };
    let stand_in = StandIn::start(settings).expect("a port is free");
    let tasks = stand_in.add(WORKER_TYPE, 3, Duration::MINUTE);
    for task in &tasks[..2] {
        claim(&stand_in, "us-east-1", "i-1", 1).await;
        minute.fetch_add(1, Ordering::Relaxed);
        complete(&stand_in, task).await;
        minute.fetch_add(1, Ordering::Relaxed);
    }
    claim(&stand_in, "us-east-1a", "i-2", 1).await;
    complete(&stand_in, &tasks[2]).await;
    minute.fetch_add(1, Ordering::Relaxed);
    claim(&stand_in, "us-east-1", "i-idle", 1).await;
    claim(&stand_in, "elsewhere", "i-odd", 1).await;
    let queue = ask(stand_in.root_url());
    let after = |minutes| Some(NOW + Duration::from_mins(minutes));
    for (instance, last_claim) in [
        ("i-1", after(2)),
        ("i-2", after(4)),
        ("i-idle", None),
        ("i-odd", after(5)),
        ("i-unknown", None),
    ] {
        let holds = queue.worker(WORKER_TYPE, &place(instance)).await;
        assert_eq!(holds, Ok(Holds { claimed: 0, last_claim }), "{instance}");
    }
}

#[tokio::test]
async fn a_queue_that_never_answers_is_not_waited_for() {
    let stand_in = stand_in(None);
    stand_in.misbehave(Faults { delay: Span::from_secs(3_600), ..Faults::default() });
    let asked = Instant::now();
    let counts = ask(stand_in.root_url()).counts(WORKER_TYPE).await;
    assert_failed(counts, QueueErrorKind::Unavailable, "Taskcluster took more than 10 s");
    assert!(asked.elapsed() < Span::from_secs(15), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn questions_asked_together_share_a_list_and_later_ones_do_not() {
    let task = json!({
        "workerGroup": "g", "workerId": "i-1", "claimed": "2026-11-22T15:00:00.000Z",
    });
    let served = Served::saying(200, &json!({ "tasks": [task] }).to_string()).await;
    let queue = Arc::new(ask(served.url.clone()));
    let together = (0..20).map(|_| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move { queue.worker(WORKER_TYPE, &place("i-1")).await })
    });
    for asked in together.collect::<Vec<_>>() {
        assert_eq!(asked.await.expect("it ends").expect("it answers").claimed, 1);
    }
    assert!(served.asked().len() <= 2, "{} lists", served.asked().len());
    let lists = served.asked().len();
    assert_eq!(queue.worker(WORKER_TYPE, &place("i-1")).await.expect("it answers").claimed, 1);
    assert_eq!(served.asked().len(), lists + 1);
}

#[tokio::test]
async fn questions_asked_together_share_a_failure_too() {
    let served = Served::saying(403, "{}").await;
    let queue = Arc::new(ask(served.url.clone()));
    let together = (0..20).map(|_| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move { queue.worker(WORKER_TYPE, &place("i-1")).await })
    });
    for asked in together.collect::<Vec<_>>() {
        let says = "listing needs `queue:claimed-list:proj/ci`";
        assert_failed(asked.await.expect("it ends"), QueueErrorKind::Forbidden, says);
    }
    assert!(served.asked().len() <= 2, "{} lists", served.asked().len());
}

#[tokio::test]
async fn only_what_fails_for_a_moment_is_asked_again() {
    let stand_in = stand_in(None);
    let queue = ask(stand_in.root_url());
    stand_in.misbehave(Faults::next(2, 500));
    assert!(queue.counts(WORKER_TYPE).await.is_ok());
    stand_in.misbehave(Faults::always(503));
    let says = "Taskcluster answered 503";
    assert_failed(queue.counts(WORKER_TYPE).await, QueueErrorKind::Unavailable, says);
    stand_in.misbehave(Faults::next(1, 403));
    let says = "asking needs `queue:pending-count:proj/ci` and `queue:claimed-count:proj/ci`";
    assert_failed(queue.counts(WORKER_TYPE).await, QueueErrorKind::Forbidden, says);
    assert!(queue.counts(WORKER_TYPE).await.is_ok());
}

#[tokio::test]
async fn an_unknown_path_is_no_empty_queue() {
    let stand_in = stand_in(None);
    stand_in.misbehave(Faults::always(404));
    let queue = ask(stand_in.root_url());
    assert_failed(queue.counts(WORKER_TYPE).await, QueueErrorKind::NotFound, "check the root URL");
    let served = Served::saying(200, "{}").await;
    let queue = ask(served.url.clone());
    let says = "no number for `pendingTasks`";
    assert_failed(queue.counts(WORKER_TYPE).await, QueueErrorKind::Nonsense, says);
    assert_failed(queue.workers(WORKER_TYPE).await, QueueErrorKind::Nonsense, "no `workers`");
    let served = Served::saying(200, "<html>hunter2").await;
    let says = "no JSON";
    assert_failed(
        ask(served.url.clone()).counts(WORKER_TYPE).await,
        QueueErrorKind::Nonsense,
        says,
    );
}

#[tokio::test]
async fn a_list_that_repeats_itself_is_no_list() {
    let page = json!({ "workers": [], "tasks": [], "continuationToken": "again" });
    let served = Served::saying(200, &page.to_string()).await;
    let queue = ask(served.url.clone());
    let says = "the same page again";
    assert_failed(queue.workers(WORKER_TYPE).await, QueueErrorKind::Nonsense, says);
    let holds = queue.worker(WORKER_TYPE, &place("i-1")).await;
    assert_failed(holds, QueueErrorKind::Nonsense, says);
}

#[tokio::test]
async fn a_queue_that_is_down_is_unavailable_and_later_back() {
    let mut stand_in = stand_in(None);
    let queue = ask(stand_in.root_url());
    stand_in.down();
    let says = "Taskcluster cannot be reached";
    assert_failed(queue.counts(WORKER_TYPE).await, QueueErrorKind::Unavailable, says);
    stand_in.up().expect("its port is free");
    assert!(queue.counts(WORKER_TYPE).await.is_ok());
}

#[tokio::test]
async fn credentials_are_read_again_when_they_are_not_accepted() {
    let stand_in = stand_in(Some("prov"));
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("credentials.json");
    let write = |client_id: &str| {
        let credentials = json!({ "clientId": client_id, "accessToken": "hunter2" });
        fs::write(&file, credentials.to_string()).expect("it is written");
    };
    write("old");
    let settings = TaskclusterSettings {
        root_url: stand_in.root_url().as_str().into(),
        credentials: Some(file.clone()),
    };
    let queue = Taskcluster::new(settings).expect("they can be read");
    let says = "check the credentials";
    assert_failed(queue.counts(WORKER_TYPE).await, QueueErrorKind::Unauthorized, says);
    write("prov");
    assert_failed(queue.counts(WORKER_TYPE).await, QueueErrorKind::Unauthorized, says);
    assert!(queue.counts(WORKER_TYPE).await.is_ok());
    assert!(!format!("{:?}", Source::Taskcluster(Box::new(queue))).contains("hunter2"));
}

#[test]
fn credentials_that_are_none_say_which_file_and_not_what_it_holds() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("credentials.json");
    let new = || {
        let root_url = "https://tc.example.com".into();
        Taskcluster::new(TaskclusterSettings { root_url, credentials: Some(file.clone()) })
    };
    assert_failed(new(), QueueErrorKind::Unauthorized, "credentials.json cannot be read");
    for text in ["hunter2", r#"{"clientId": "prov", "accessToken": ["hunter2"]}"#] {
        fs::write(&file, text).expect("it is written");
        assert_failed(new(), QueueErrorKind::Unauthorized, "are no JSON with `clientId`");
    }
    let certificate = json!({ "clientId": "a", "accessToken": "b", "certificate": "hunter2" });
    fs::write(&file, certificate.to_string()).expect("it is written");
    assert_failed(new(), QueueErrorKind::NotFound, "`certificate` is no JSON");
}

#[tokio::test]
async fn temporary_credentials_send_their_certificate() {
    let served = Served::saying(200, r#"{"pendingTasks": 1, "claimedTasks": 0}"#).await;
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("credentials.json");
    let certificate = json!({ "version": 1, "scopes": ["queue:*"] }).to_string();
    let text = json!({ "clientId": "a", "accessToken": "hunter2", "certificate": certificate });
    fs::write(&file, text.to_string()).expect("it is written");
    let settings =
        TaskclusterSettings { root_url: served.url.as_str().into(), credentials: Some(file) };
    let queue = Taskcluster::new(settings).expect("they can be read");
    assert_eq!(queue.counts(WORKER_TYPE).await.expect("it answers").pending, 1);
    let asked = served.asked();
    let sent = asked[0].headers["authorization"].to_str().expect("text");
    assert!(sent.starts_with("Hawk id=\"a\"") && sent.contains("ext=\""), "{sent}");
    assert!(!sent.contains("hunter2"));
}

#[tokio::test]
async fn a_source_passes_on_what_taskcluster_knows() {
    let stand_in = stand_in(None);
    let source = Source::Taskcluster(Box::new(ask(stand_in.root_url())));
    stand_in.add(WORKER_TYPE, 1, Duration::MINUTE);
    claim(&stand_in, "us-east-1", "i-1", 1).await;
    assert_eq!(source.counts(WORKER_TYPE).await.expect("it answers").claimed, 1);
    assert_eq!(
        source.workers(WORKER_TYPE).await.expect("it answers").map(|all| all.len()),
        Some(1)
    );
    let holds = source.worker(WORKER_TYPE, &place("i-1")).await.expect("it answers");
    assert_eq!(holds.map(|holds| holds.claimed), Some(1));
}

#[tokio::test]
async fn who_has_a_certificate_that_the_system_does_not_trust_is_told_nothing() {
    let folder = TempDir::new().expect("a folder");
    let identity = Ca::new("somebody else").signs(folder.path(), "127.0.0.1");
    let served = Served::encrypted(&identity, 200, "{}").await;
    let counts = ask(served.url.clone()).counts(WORKER_TYPE).await;
    assert_failed(counts, QueueErrorKind::Unavailable, "UnknownIssuer");
    assert!(served.asked().is_empty());
}
