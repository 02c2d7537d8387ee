//! JSON endpoints and Prometheus.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use provisioner_engine::units::Time;
use provisioner_live::queue::http::{Access, SIZE_LIMIT, TIME_LIMIT};
use provisioner_live::queue::json::{JsonEndpoint, JsonSettings};
use provisioner_live::queue::prometheus::{Prometheus, PrometheusSettings};
use provisioner_live::queue::{Counts, QueueError, QueueErrorKind, WorkerPlace};
use provisioner_live::queue::{Queue, Source};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::ca::Ca;
use super::served::Served;
use super::{WORKER_TYPE, assert_failed};

fn endpoint(url: &str, access: Access) -> JsonEndpoint {
    believing(url, access, None).expect("a client")
}

fn believing(
    url: &str,
    access: Access,
    ca_file: Option<PathBuf>,
) -> Result<JsonEndpoint, QueueError> {
    let settings = JsonSettings {
        url: format!("{url}/{{workerType}}?q={{taskQueueId}}&token=hunter2").as_str().into(),
        access,
        ca_file,
        pending: "/queue/pending".to_owned(),
        claimed: "/queue/claimed".to_owned(),
        as_of: Some("/at".to_owned()),
    };
    JsonEndpoint::new(settings)
}

fn prometheus(url: &str, as_of: Option<&str>) -> Prometheus {
    let settings = PrometheusSettings {
        url: format!("{url}/").as_str().into(),
        access: Access::Open,
        ca_file: None,
        pending: "sum(pending{queue=\"{taskQueueId}\"})".to_owned(),
        claimed: "sum(claimed)".to_owned(),
        as_of: as_of.map(str::to_owned),
    };
    Prometheus::new(settings).expect("a client")
}

fn secret(folder: &TempDir, text: &str) -> PathBuf {
    let file = folder.path().join("secret");
    fs::write(&file, text).expect("it is written");
    file
}

#[tokio::test]
async fn an_endpoint_tells_counts_where_the_pointers_say() {
    let body = json!({ "queue": { "pending": 7, "claimed": "3" }, "at": "2026-11-22T15:00:00Z" });
    let served = Served::saying(200, &body.to_string()).await;
    let counts = endpoint(&served.url, Access::Open).counts(WORKER_TYPE).await;
    let as_of = Some(Time::from_ms(1_795_359_600_000));
    assert_eq!(counts, Ok(Counts { pending: 7, claimed: 3, as_of }));
    assert_eq!(served.asked()[0].uri, "/ci?q=proj%2Fci&token=hunter2");
}

#[tokio::test]
async fn an_endpoint_is_asked_over_tls_if_its_certificate_is_believed() {
    let (folder, ca) = (TempDir::new().expect("a folder"), Ca::new("ours"));
    let body = json!({ "queue": { "pending": 7, "claimed": 3 }, "at": 1 });
    let identity = ca.signs(folder.path(), "127.0.0.1");
    let served = Served::encrypted(&identity, 200, &body.to_string()).await;
    let ask = async |url: &str, ca_file: Option<PathBuf>| {
        let token = Access::Bearer(secret(&folder, "hunter2"));
        believing(url, token, ca_file)?.counts(WORKER_TYPE).await
    };
    let ours = ca.file(folder.path(), "ca.pem");
    let counts = ask(&served.url, Some(ours.clone())).await.expect("it is believed");
    assert_eq!((counts.pending, counts.claimed), (7, 3));
    assert_eq!(served.asked().len(), 1);

    let stranger = Ca::new("somebody else").file(folder.path(), "stranger.pem");
    let by_name = served.url.replace("127.0.0.1", "localhost");
    for (url, ca_file, says) in [
        (&served.url, Some(stranger), "UnknownIssuer; the system has to trust"),
        (&served.url, None, "UnknownIssuer; the system has to trust"),
        (&by_name, Some(ours), "\"localhost\""),
        (&served.url, Some(folder.path().join("nowhere.pem")), "nowhere.pem"),
    ] {
        assert_failed(ask(url, ca_file).await, QueueErrorKind::Unavailable, says);
    }
    assert_eq!(served.asked().len(), 1, "nothing was said to whom nobody believes");
}

#[tokio::test]
async fn what_an_endpoint_does_not_say_is_never_zero() {
    for (body, says) in [
        (json!({ "queue": { "pending": 7 }, "at": 1 }), "nothing at `/queue/claimed`"),
        (json!({ "queue": { "pending": null, "claimed": 3 }, "at": 1 }), "is no number: null"),
        (
            json!({ "queue": { "pending": "hunter2", "claimed": 3 }, "at": 1 }),
            "no number: a string",
        ),
        (json!({ "queue": { "pending": -1, "claimed": 3 }, "at": 1 }), "no number of tasks"),
        (json!({ "queue": { "pending": 1, "claimed": 3 }, "at": "noon" }), "nor RFC 3339"),
        (json!([]), "nothing at"),
    ] {
        let served = Served::saying(200, &body.to_string()).await;
        let counts = endpoint(&served.url, Access::Open).counts(WORKER_TYPE).await;
        assert_failed(counts, QueueErrorKind::Nonsense, says);
    }
    let served = Served::saying(200, "<html>").await;
    let counts = endpoint(&served.url, Access::Open).counts(WORKER_TYPE).await;
    assert_failed(counts, QueueErrorKind::Nonsense, "did not answer JSON");
}

#[tokio::test]
async fn credentials_come_from_a_file_that_may_be_replaced() {
    let body = json!({ "queue": { "pending": 0, "claimed": 0 }, "at": 1.5 }).to_string();
    let served = Served::saying(200, &body).await;
    let folder = TempDir::new().expect("a folder");
    let file = secret(&folder, "hunter2\n");
    let queue = endpoint(&served.url, Access::Bearer(file.clone()));
    queue.counts(WORKER_TYPE).await.expect("it answers");
    fs::write(&file, "hunter3").expect("it is replaced");
    queue.counts(WORKER_TYPE).await.expect("it answers");
    fs::write(&file, "me:hunter2").expect("it is replaced");
    let queue = endpoint(&served.url, Access::Basic(file));
    queue.counts(WORKER_TYPE).await.expect("it answers");
    let said: Vec<String> = served
        .asked()
        .iter()
        .map(|asked| asked.headers["authorization"].to_str().expect("text").to_owned())
        .collect();
    assert_eq!(said, ["Bearer hunter2", "Bearer hunter3", "Basic bWU6aHVudGVyMg=="]);
    let shown = format!("{queue:?}");
    assert!(shown.contains("127.0.0.1") && !shown.contains("hunter"), "{shown}");
}

#[tokio::test]
async fn credentials_that_cannot_be_used_say_which_file() {
    let folder = TempDir::new().expect("a folder");
    let served = Served::saying(200, "{}").await;
    let file = secret(&folder, "hunter2");
    let counts = endpoint(&served.url, Access::Basic(file)).counts(WORKER_TYPE).await;
    assert_failed(counts, QueueErrorKind::Unauthorized, "secret does not hold user:password");
    let none = endpoint(&served.url, Access::Bearer(folder.path().join("none")));
    assert_failed(none.counts(WORKER_TYPE).await, QueueErrorKind::Unauthorized, "cannot be read");
    assert_eq!(served.asked().len(), 0);
}

#[tokio::test]
async fn a_refusal_is_told_apart_from_a_moment_of_weakness() {
    for (status, kind, tries) in [
        (401, QueueErrorKind::Unauthorized, 1),
        (403, QueueErrorKind::Forbidden, 1),
        (404, QueueErrorKind::NotFound, 1),
        (302, QueueErrorKind::Nonsense, 1),
        (429, QueueErrorKind::Unavailable, 3),
        (503, QueueErrorKind::Unavailable, 3),
    ] {
        let served = Served::saying(status, "hunter2").await;
        let counts = endpoint(&served.url, Access::Open).counts(WORKER_TYPE).await;
        assert_failed(counts, kind, "check the queue's `url`");
        assert_eq!(served.asked().len(), tries, "{status}");
    }
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect() {
    let elsewhere = Served::saying(200, "{}").await;
    let served = Served::saying(302, &elsewhere.url).await;
    let folder = TempDir::new().expect("a folder");
    let queue = endpoint(&served.url, Access::Bearer(secret(&folder, "hunter2")));
    assert_failed(queue.counts(WORKER_TYPE).await, QueueErrorKind::Nonsense, "answered 302");
    assert_eq!(elsewhere.asked().len(), 0);
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", silent.local_addr().expect("it has an address"));
    let asked = Instant::now();
    let counts = endpoint(&url, Access::Open).counts(WORKER_TYPE).await;
    assert_failed(counts, QueueErrorKind::Unavailable, "took more than 10 s");
    assert!(asked.elapsed() < TIME_LIMIT * 2, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_server_that_comes_back_within_a_second_is_not_missed() {
    let body = json!({ "queue": { "pending": 7, "claimed": 3 }, "at": 1 }).to_string();
    let served = Served::new(move |number, _| match number {
        0 | 1 => (500, String::new()),
        _ => (200, body.clone()),
    })
    .await;
    let counts = endpoint(&served.url, Access::Open).counts(WORKER_TYPE).await;
    assert_eq!(counts.expect("the third time").pending, 7);
}

#[tokio::test]
async fn nobody_at_the_address_is_told_without_the_address() {
    let gone = Served::saying(200, "").await.url.clone();
    let counts = endpoint(&gone, Access::Open).counts(WORKER_TYPE).await;
    assert_failed(counts, QueueErrorKind::Unavailable, "127.0.0.1 cannot be reached");
    let counts = endpoint("no url", Access::Open).counts(WORKER_TYPE).await;
    assert_failed(counts, QueueErrorKind::NotFound, "is no URL");
}

#[tokio::test]
async fn an_answer_without_end_is_broken_off() {
    let served = Served::saying(200, &" ".repeat(SIZE_LIMIT + 1)).await;
    let counts = endpoint(&served.url, Access::Open).counts(WORKER_TYPE).await;
    assert_failed(counts, QueueErrorKind::Nonsense, "answered more than");
}

/// Answers `sum(pending…)` with 7 at 100 s, all else with 3 at 99 s.
async fn metrics() -> Served {
    Served::new(|_, asked| {
        let query = asked.uri.query().expect("a query");
        let value =
            if query.contains("pending") { json!([100.0, "7"]) } else { json!([99.5, "3"]) };
        let result = json!([{ "metric": {}, "value": value }]);
        let data = json!({ "resultType": "vector", "result": result });
        (200, json!({ "status": "success", "data": data }).to_string())
    })
    .await
}

#[tokio::test]
async fn prometheus_tells_what_two_expressions_give_as_of_the_older_one() {
    let served = metrics().await;
    let counts = prometheus(&served.url, None).counts(WORKER_TYPE).await;
    assert_eq!(counts, Ok(Counts { pending: 7, claimed: 3, as_of: Some(Time::from_ms(99_500)) }));
    let asked = served.asked()[0].uri.to_string();
    assert_eq!(asked, "/api/v1/query?query=sum%28pending%7Bqueue%3D%22proj%2Fci%22%7D%29");
}

#[tokio::test]
async fn a_metric_is_as_old_as_its_sample_says() {
    let served = metrics().await;
    let counts = prometheus(&served.url, Some("min(timestamp(x))")).counts(WORKER_TYPE).await;
    assert_eq!(counts.expect("it answers").as_of, Some(Time::from_ms(3_000)));
}

#[tokio::test]
async fn an_age_that_is_no_number_is_not_passed_over() {
    let served = Served::new(|_, asked| {
        let is_age = asked.uri.query().is_some_and(|query| query.contains("timestamp"));
        let result = json!([{ "metric": {}, "value": [100, if is_age { "NaN" } else { "7" }] }]);
        let data = json!({ "resultType": "vector", "result": result });
        (200, json!({ "status": "success", "data": data }).to_string())
    })
    .await;
    let counts = prometheus(&served.url, Some("min(timestamp(x))")).counts(WORKER_TYPE).await;
    assert_failed(counts, QueueErrorKind::Nonsense, "NaN is no time");
}

#[tokio::test]
async fn no_data_is_an_error_and_so_is_too_much() {
    let one = json!({ "metric": {}, "value": [1, "1"] });
    let nan = json!({ "metric": {}, "value": [1, "NaN"] });
    for (result, kind, says) in [
        (json!([]), QueueErrorKind::NotFound, "or vector(0)"),
        (json!([one, one]), QueueErrorKind::Nonsense, "2 values, not one; say `sum(…)`"),
        (json!([nan]), QueueErrorKind::Nonsense, "NaN, which is no number of tasks"),
        (json!("?"), QueueErrorKind::Nonsense, "not answered as Prometheus would"),
    ] {
        let data = json!({ "resultType": "vector", "result": result });
        let body = json!({ "status": "success", "data": data }).to_string();
        let served = Served::saying(200, &body).await;
        assert_failed(prometheus(&served.url, None).counts(WORKER_TYPE).await, kind, says);
    }
}

#[tokio::test]
async fn a_scalar_is_a_value_too() {
    let data = json!({ "resultType": "scalar", "result": [12.0, "5"] });
    let served =
        Served::saying(200, &json!({ "status": "success", "data": data }).to_string()).await;
    let counts = prometheus(&served.url, None).counts(WORKER_TYPE).await;
    assert_eq!(counts.expect("it answers").pending, 5);
}

#[tokio::test]
async fn a_metric_does_not_know_workers() {
    let served = metrics().await;
    let source = Source::Prometheus(prometheus(&served.url, None));
    let place = WorkerPlace { region: String::new(), zone: None, instance: "i-1".to_owned() };
    assert_eq!(source.counts(WORKER_TYPE).await.expect("it answers").pending, 7);
    assert_eq!(source.workers(WORKER_TYPE).await, Ok(None));
    assert_eq!(source.worker(WORKER_TYPE, &place).await, Ok(None));
}
