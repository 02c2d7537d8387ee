//! A real Prometheus between the window, which it reads, and a queue that asks it.

use std::fs;
use std::net::TcpListener as Port;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration as Span, Instant};

use provisioner_engine::units::Time;
use provisioner_live::queue::http::Access;
use provisioner_live::queue::prometheus::{Prometheus, PrometheusSettings};
use provisioner_live::queue::{Counts, QueueError, QueueErrorKind};
use provisioner_live::window::{Publisher, View, WorkerTypeView, serve};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::sleep;

/// Reads metrics of one address each second; gone when it is dropped.
struct Server {
    url: String,
    child: Child,
    _folder: TempDir,
}

impl Server {
    /// `None`, and a word about it, where Prometheus is not installed.
    fn start(reads: &str) -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 1s }}\n\
             scrape_configs: [{{ job_name: it, static_configs: [{{ targets: ['{reads}'] }}] }}]\n"
        );
        fs::write(&config, text).expect("it is written");
        let free = Port::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let address = free.expect("a free port").to_string();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            println!("Prometheus is not installed: it is only tested against our own answers here");
            return None;
        };
        Some(Self { url: format!("http://{address}"), child, _folder: folder })
    }

    async fn ask(&self, expression: &str) -> Result<Counts, QueueError> {
        let settings = PrometheusSettings {
            url: self.url.as_str().into(),
            access: Access::Open,
            ca_file: None,
            pending: expression.to_owned(),
            claimed: "sum(provisioner_claimed_tasks)".to_owned(),
            as_of: Some("min(timestamp(provisioner_pending_tasks))".to_owned()),
        };
        Prometheus::new(settings).expect("a client").counts("proj/ci").await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of it is kept.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn what_the_window_shows_comes_back_through_a_real_prometheus() {
    let (publisher, views) = Publisher::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let reads = listener.local_addr().expect("it has an address").to_string();
    let Some(server) = Server::start(&reads) else { return };
    let clock = Arc::new(|| Time::EPOCH);
    let window = tokio::spawn(serve(listener, views, clock, std::future::pending()));
    let worker_type = |name: &str, pending| WorkerTypeView {
        name: name.to_owned(),
        pending: Some(pending),
        claimed: Some(1),
        ..WorkerTypeView::default()
    };
    let worker_types = vec![worker_type("proj/ci", 7), worker_type("proj/gpu", 5)];
    publisher.publish(View { worker_types, ..View::default() });

    let ours = "sum(provisioner_pending_tasks{worker_type=\"{taskQueueId}\"})";
    let since = Instant::now();
    let counts = loop {
        match server.ask(ours).await {
            Ok(counts) => break counts,
            Err(error) if since.elapsed() > Span::from_secs(60) => panic!("{error}"),
            Err(_) => sleep(Span::from_millis(200)).await,
        }
    };
    assert_eq!((counts.pending, counts.claimed), (7, 2));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("after 1970").as_millis()).expect("before long");
    let age = now - counts.as_of.expect("it is said").ms();
    assert!((0..60_000).contains(&age), "{age} ms old");

    for (expression, kind) in [
        ("sum(no_such_metric)", QueueErrorKind::NotFound),
        ("provisioner_pending_tasks", QueueErrorKind::Nonsense),
        ("sum(", QueueErrorKind::Nonsense),
    ] {
        assert_eq!(server.ask(expression).await.expect_err(expression).kind, kind, "{expression}");
    }
    assert_eq!(server.ask("sum(no_such_metric) or vector(0)").await.map(|it| it.pending), Ok(0));
    window.abort();
}
