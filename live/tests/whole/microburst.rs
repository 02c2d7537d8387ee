//! microburst (PyPI, MIT): somebody else's proxy, which knows AWS's errors and PostgreSQL's protocol.
//! It is stopped when it is dropped.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration as Span;

use reqwest::Client;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Microburst {
    child: Child,
    port: u16,
    /// Where it is told what to do.
    control: u16,
    client: Client,
    runtime: Runtime,
}

impl Microburst {
    /// Before an EC2.
    pub(crate) fn before_ec2(url: &str) -> Self {
        let port = free_port();
        Self::start(port, port, &["--upstream", url])
    }

    /// Before a PostgreSQL on this machine.
    pub(crate) fn before_database(port: u16) -> Self {
        let (own, control) = (free_port(), free_port());
        let (at, upstream) = (control.to_string(), format!("127.0.0.1:{port}"));
        let options = ["--protocol", "postgres", "--control-port", &at, "--upstream", &upstream];
        Self::start(own, control, &options)
    }

    fn start(port: u16, control: u16, options: &[&str]) -> Self {
        let child = Command::new(program())
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("microburst is installed beside moto_server, or in PATH");
        // It closes what was idle for 75 s, and between two words to it nobody here would notice.
        let client = Client::builder().pool_max_idle_per_host(0).no_proxy();
        let client = client.build().expect("it needs nothing");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let microburst = Self { child, port, control, client, runtime };
        for _ in 0..300 {
            if microburst.get("health").is_some() {
                return microburst;
            }
            thread::sleep(Span::from_millis(100));
        }
        panic!("no answer from microburst");
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its rules from now on, in its own words. The first that fits a request is obeyed.
    pub(crate) fn obey(&self, rules: &Value) {
        let request = self.client.post(self.at("rules")).json(rules);
        let answer = self.runtime.block_on(request.send()).expect("it is there");
        assert!(answer.status().is_success(), "{rules}: {answer:?}");
    }

    /// It did each of these so far, in its own words; says how often.
    #[track_caller]
    pub(crate) fn did(&self, each: &[&str]) {
        let metrics = self.get("metrics").expect("it is there");
        for what in each {
            let times = times(&metrics, what);
            println!("{what}: {times} times");
            assert!(times > 0, "it never did {what}: {metrics}");
        }
    }

    /// Whether it did each of these so far.
    pub(crate) fn has_done(&self, each: &[&str]) -> bool {
        let metrics = self.get("metrics").unwrap_or_default();
        each.iter().all(|what| times(&metrics, what) > 0)
    }

    fn at(&self, what: &str) -> String {
        format!("http://127.0.0.1:{}/_microburst/{what}", self.control)
    }

    fn get(&self, what: &str) -> Option<String> {
        let request = self.client.get(self.at(what)).send();
        self.runtime.block_on(async { request.await.ok()?.text().await.ok() })
    }
}

impl Drop for Microburst {
    fn drop(&mut self) {
        // Nothing of it is kept.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How often it did that.
fn times(metrics: &str, what: &str) -> u32 {
    let done = metrics.lines().filter_map(|it| it.strip_prefix("microburst_faults_total"));
    let times = done.filter(|it| it.contains(what));
    times.filter_map(|it| it.rsplit_once(' ')?.1.parse::<u32>().ok()).sum()
}

/// Where `moto_server` is.
fn program() -> PathBuf {
    let beside = std::env::var_os("MOTO_SERVER").map(PathBuf::from);
    let beside = beside.map(|moto| moto.with_file_name("microburst"));
    beside.filter(|path| path.exists()).unwrap_or_else(|| "microburst".into())
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.expect("a free port").port()
}
