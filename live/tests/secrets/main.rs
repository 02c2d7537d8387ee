//! What is secret about a launch reaches no log, the SDK's own included.
//!
//! A program of its own: whether a line is logged is remembered by the whole process.

#[path = "../wire/orders.rs"]
mod orders;
#[path = "../wire/server.rs"]
mod server;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use provisioner_live::cloud::{Cloud, LaunchMethod};

use self::orders::order;
use self::server::{Answer, Server};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics while it writes").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_in_the_most_talkative_log() {
    let log = Log::default();
    let copy = log.clone();
    let everything = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
    let everything = everything.with_writer(move || copy.clone()).finish();
    let logged = tracing::subscriber::set_default(everything);
    let server = Server::start(|request| match request.action.as_str() {
        "CreateLaunchTemplate" => Answer::of("CreateLaunchTemplate", ""),
        _ => Answer::error(400, "InvalidParameterValue", "what you sent"),
    });
    let ec2 = server.ec2().await;
    for method in [LaunchMethod::RunInstances, LaunchMethod::CreateFleet] {
        ec2.launch(&order(method)).await.expect_err("it is an error");
    }
    drop(logged);
    let log = log.0.lock().expect("no test panics while it writes").clone();
    let log = String::from_utf8(log).expect("text");
    assert!(log.contains("RunInstances") && log.contains("CreateLaunchTemplate"));
    let encoded = "dGhlIHBhc3N3b3JkIGlzIHh5enp5";
    for secret in ["xyzzy", encoded, "a-secret-key"] {
        assert!(!log.contains(secret), "{secret}");
    }
}
