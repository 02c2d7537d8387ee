//! The window as its users meet it: over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration as Span, Instant};

use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_live::window::metrics::METRICS;
use provisioner_live::window::{
    CallsView, Capacity, DecisionView, LaunchView, Passes, PoolView, Publisher, Spend, View,
    WorkerTypeView, serve,
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// 2026-11-22T15:00:00Z.
const NOON: i64 = 1_795_359_600_000;

/// Stops with the test.
struct Shown {
    publisher: Publisher,
    address: std::net::SocketAddr,
    now: Arc<AtomicI64>,
    task: JoinHandle<()>,
}

impl Shown {
    async fn new() -> Self {
        let (publisher, views) = Publisher::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let now = Arc::new(AtomicI64::new(NOON));
        let read = Arc::clone(&now);
        let clock = Arc::new(move || Time::from_ms(read.load(Ordering::Relaxed)));
        let task = tokio::spawn(serve(listener, views, clock, std::future::pending()));
        Self { publisher, address, now, task }
    }

    async fn send(&self, method: Method, path: &str) -> (StatusCode, String) {
        let url = format!("http://{}{path}", self.address);
        let answer = Client::new().request(method, url).send().await.expect("it answers");
        (answer.status(), answer.text().await.expect("text"))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.send(Method::GET, path).await;
        (status.as_u16(), serde_json::from_str(&text).expect("JSON"))
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A view in which every metric has a value.
fn view() -> View {
    let worker_type = WorkerTypeView {
        name: "proj/ci".to_owned(),
        pending: Some(12),
        claimed: Some(5),
        counted: Some(Time::from_ms(NOON - 4_000)),
        pending_since: Some(Time::from_ms(NOON - 90_000)),
        capacity_max: 40,
        capacity: Capacity { requested: 1, pending: 2, running: 3, stopping: 4 },
        spend: Spend { spot: UsdPerHour::from_micros(1_250_000), on_demand: UsdPerHour::ZERO },
        launches: 9,
        refusals: BTreeMap::from([("no-capacity".to_owned(), 2)]),
        ..WorkerTypeView::default()
    };
    let unknown = WorkerTypeView {
        name: "proj/gpu".to_owned(),
        queue_error: Some("Taskcluster answered 403".to_owned()),
        ..WorkerTypeView::default()
    };
    let decision = |number: u64| DecisionView {
        number,
        at: Time::from_ms(NOON),
        orders: vec![format!("launch #{number}")],
        reasons: vec!["12 pending, 3 running".to_owned()],
    };
    View {
        provisioner: "prod".to_owned(),
        version: "0.1.0".to_owned(),
        passes: Passes {
            completed: 7,
            last_completed: Some(Time::from_ms(NOON - 10_000)),
            last_took: Duration::from_ms(1_500),
            overdue_after: Duration::MINUTE,
        },
        worker_types: vec![worker_type, unknown],
        launches: vec![LaunchView { launch: 1, state: "running".into(), ..Default::default() }],
        pools: vec![PoolView { price: Some(UsdPerHour::from_micros(31)), ..Default::default() }],
        calls: vec![CallsView {
            region: "us-east-1".to_owned(),
            action: "RunInstances".to_owned(),
            made: 11,
            throttled: 2,
            failed: 1,
        }],
        ledger_unknown: 3,
        store_bytes: 4_096,
        journal_records: 100,
        decisions: (1..=30).map(decision).collect(),
        ..View::default()
    }
}

#[tokio::test]
async fn it_is_ready_only_if_a_pass_was_completed_lately_though_it_always_lives() {
    let shown = Shown::new().await;
    let reason = async || {
        assert_eq!(shown.get("/health").await.0, 200);
        let (status, body) = shown.get("/ready").await;
        (status, body["reason"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(reason().await, (503, "no pass has been completed yet".to_owned()));
    shown.publisher.publish(view());
    assert_eq!(reason().await, (200, String::new()));
    shown.now.store(NOON + 50_000, Ordering::Relaxed);
    assert_eq!(reason().await.0, 200);
    shown.now.store(NOON + 50_001 + 999, Ordering::Relaxed);
    let (status, why) = reason().await;
    assert_eq!(status, 503);
    assert!(why.starts_with("the last pass was completed 61 s ago, more than 60 s"), "{why}");
    shown.now.store(NOON, Ordering::Relaxed);
    shown.publisher.publish(View { hindrance: Some("another one acts".to_owned()), ..view() });
    assert_eq!(reason().await, (503, "another one acts".to_owned()));
}

/// A metric's type and the names of its labels.
type Declared = (String, BTreeSet<String>);

/// What is served: each metric's type and the names of its labels, and each series with its value.
fn parsed(text: &str) -> (BTreeMap<String, Declared>, BTreeMap<String, String>) {
    let mut metrics = BTreeMap::new();
    let mut series = BTreeMap::new();
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').expect("a type");
            let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
            metrics.insert(name, (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let (of, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = of.split_once('{').unwrap_or((of, "}"));
            let known = metrics.get_mut(name).expect("its type stands before it");
            let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
            known.1.extend(labels.map(|it| it.split('=').next().expect("a name").to_owned()));
            assert!(series.insert(of.to_owned(), value.to_owned()).is_none(), "twice: {of}");
        }
    }
    (metrics, series)
}

#[tokio::test]
async fn the_metrics_that_are_documented_are_those_that_are_served() {
    let shown = Shown::new().await;
    shown.publisher.publish(view());
    let (status, text) = shown.send(Method::GET, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let (served, _) = parsed(&text);
    let served: BTreeSet<(String, String, String)> = served
        .into_iter()
        .map(|(name, (kind, labels))| {
            (name, kind, labels.into_iter().collect::<Vec<_>>().join(", "))
        })
        .collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let mut documented = BTreeSet::new();
    let mut described = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let mut labels: Vec<&str> = cells[2].split(", ").collect();
        labels.sort_unstable();
        let labels = labels.join(", ").replace('`', "");
        documented.insert((cells[0].replace('`', ""), cells[1].to_owned(), labels));
        described.push(cells[3].to_owned());
    }
    assert_eq!(documented, served);
    let helps: Vec<&str> = METRICS.iter().map(|metric| metric.help).collect();
    assert_eq!(described, helps);
}

#[tokio::test]
async fn metrics_have_the_views_values_and_none_for_what_is_unknown() {
    let shown = Shown::new().await;
    shown.publisher.publish(view());
    let (_, text) = shown.send(Method::GET, "/metrics").await;
    let (_, series) = parsed(&text);
    for (of, value) in [
        (r#"provisioner_pending_tasks{worker_type="proj/ci"}"#, "12.0"),
        (r#"provisioner_wait_seconds{worker_type="proj/ci"}"#, "90.0"),
        (r#"provisioner_capacity{worker_type="proj/ci",state="pending"}"#, "2.0"),
        (r#"provisioner_spend_usd_per_hour{worker_type="proj/ci",lifecycle="spot"}"#, "1.25"),
        (r#"provisioner_refusals_total{worker_type="proj/ci",reason="no-capacity"}"#, "2.0"),
        (r#"provisioner_api_throttles_total{region="us-east-1",action="RunInstances"}"#, "2.0"),
        ("provisioner_pass_seconds", "1.5"),
        ("provisioner_ready", "1.0"),
        ("provisioner_last_completed_pass_timestamp_seconds", "1795359590.0"),
    ] {
        assert_eq!(series.get(of).map(String::as_str), Some(value), "{of} in {text}");
    }
    assert!(!series.contains_key(r#"provisioner_pending_tasks{worker_type="proj/gpu"}"#));
    assert!(!series.contains_key(r#"provisioner_wait_seconds{worker_type="proj/gpu"}"#));
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_name_with_quotes_and_line_ends_stays_one_label() {
    let shown = Shown::new().await;
    let name = "a\"} 1\nb\\".to_owned();
    let odd = WorkerTypeView { name, pending: Some(1), ..WorkerTypeView::default() };
    shown.publisher.publish(View { worker_types: vec![odd], ..View::default() });
    let (_, text) = shown.send(Method::GET, "/metrics").await;
    let line = r#"provisioner_pending_tasks{worker_type="a\"} 1\nb\\"} 1.0"#;
    assert!(text.lines().any(|it| it == line), "{text}");
}

#[tokio::test]
async fn the_state_is_shown_without_the_decisions() {
    let shown = Shown::new().await;
    shown.publisher.publish(view());
    let (status, state) = shown.get("/state").await;
    assert_eq!(status, 200);
    assert_eq!(state["worker_types"][0]["counted"], "2026-11-22T14:59:56Z");
    assert_eq!(state["worker_types"][0]["spend"]["spot_micro_usd_per_hour"], 1_250_000);
    assert_eq!(state["worker_types"][1]["pending"], Value::Null);
    assert_eq!(state["worker_types"][1]["queue_error"], "Taskcluster answered 403");
    assert_eq!(state["pools"][0]["price_micro_usd_per_hour"], 31);
    assert_eq!(state["launches"][0]["launch"], 1);
    assert_eq!(state.get("decisions"), None);
}

#[tokio::test]
async fn a_large_fleet_is_shown_to_many_at_once() {
    let shown = Shown::new().await;
    let worker_type = |number| WorkerTypeView { name: format!("p/{number}"), ..many() };
    let launch = |launch| LaunchView { launch, worker_type: "p/1".into(), ..LaunchView::default() };
    let worker_types = (0..1_000).map(worker_type).collect();
    let launches = (0..20_000).map(launch).collect();
    shown.publisher.publish(View { worker_types, launches, ..view() });
    let asked = Instant::now();
    let (_, metrics) = shown.send(Method::GET, "/metrics").await;
    println!("/metrics: {} kB in {:?}", metrics.len() >> 10, asked.elapsed());
    let first = Instant::now();
    let (_, state) = shown.send(Method::GET, "/state").await;
    println!("/state: {} kB in {:?}", state.len() >> 10, first.elapsed());
    for _ in 0..20 {
        assert_eq!(shown.send(Method::GET, "/state").await.1.len(), state.len());
    }
    println!("22 looks in {:?}", asked.elapsed());
}

fn many() -> WorkerTypeView {
    view().worker_types.remove(0)
}

#[tokio::test]
async fn decisions_are_shown_newest_first_and_as_many_as_are_wanted() {
    let shown = Shown::new().await;
    shown.publisher.publish(view());
    let numbers = async |path: &str| {
        let (_, body) = shown.get(path).await;
        let all = body["decisions"].as_array().expect("decisions").clone();
        all.iter().map(|it| it["number"].as_u64().expect("a number")).collect::<Vec<_>>()
    };
    assert_eq!(numbers("/decisions").await, (11..=30).rev().collect::<Vec<u64>>());
    assert_eq!(numbers("/decisions?limit=2").await, [30, 29]);
    assert_eq!(numbers("/decisions?limit=0").await, [0_u64; 0]);
    assert_eq!(numbers("/decisions?limit=1000").await.len(), 30);
    for path in ["/decisions?limit=-1", "/decisions?limit=all", "/decisions?count=3"] {
        let (status, body) = shown.get(path).await;
        assert_eq!(status, 400);
        assert_eq!(body["error"], "only `limit` can be said, and is a number");
    }
    let (_, body) = shown.get("/decisions?limit=1").await;
    let expected = json!({
        "number": 30,
        "at": "2026-11-22T15:00:00Z",
        "orders": ["launch #30"],
        "reasons": ["12 pending, 3 running"],
    });
    assert_eq!(body["decisions"][0], expected);
}

#[tokio::test]
async fn nothing_but_looking_is_possible() {
    let shown = Shown::new().await;
    for path in ["/", "/State", "/state/", "/../etc/passwd", "/health/more"] {
        let (status, body) = shown.get(path).await;
        assert_eq!((status, body), (404, json!({ "error": "there is nothing at this path" })));
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let (status, text) = shown.send(method.clone(), "/state").await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert!(text.contains("only for looking"), "{text}");
    }
    let url = format!("http://{}/state", shown.address);
    let answer = Client::new().get(url).body("x").send().await.expect("it answers");
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let shown = Shown::new().await;
    let send = async |headers: &str| {
        let mut stream = TcpStream::connect(shown.address).await.expect("it connects");
        let request = format!("GET /health HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        // It may hang up before it has heard everything.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = [0; 12];
        let _ = stream.read_exact(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert_eq!(send("a: b\r\n").await, "HTTP/1.1 200");
    assert_eq!(send(&"a: b\r\n".repeat(100)).await, "HTTP/1.1 431");
    assert_eq!(send(&format!("a: {}\r\n", "b".repeat(64 << 10))).await, "HTTP/1.1 431");
}

#[tokio::test]
async fn slow_clients_keep_nobody_waiting_and_are_cut_off() {
    let shown = Shown::new().await;
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(shown.address).await.expect("it connects");
        stream.write_all(b"GET /state HTTP/1.1\r\nho").await.expect("it is sent");
        slow.push(stream);
    }
    let asked = Instant::now();
    for _ in 0..20 {
        shown.publisher.publish(view());
        assert_eq!(shown.get("/state").await.0, 200);
    }
    // Whoever waited for a slow one would wait until it is cut off, after 5 s.
    assert!(asked.elapsed() < Span::from_secs(5), "{:?}", asked.elapsed());
    let mut rest = Vec::new();
    let cut = tokio::time::timeout(Span::from_secs(25), slow[0].read_to_end(&mut rest)).await;
    assert!(cut.is_ok(), "still there after 25 s");
}

#[tokio::test]
async fn it_stops_when_it_is_told_to() {
    let (publisher, views) = Publisher::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let clock = Arc::new(|| Time::from_ms(NOON));
    let serving = tokio::spawn(serve(listener, views, clock, async {
        let _ = stopped.await;
    }));
    let mut open = TcpStream::connect(address).await.expect("it connects");
    stop.send(()).expect("it listens");
    tokio::time::timeout(Span::from_secs(20), serving).await.expect("it ends").expect("in peace");
    assert_eq!(open.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(address).await.is_err());
    publisher.publish(View::default());
}
