//! What is secret about a launch, or about Pulse, reaches no log, others' crates' included.
//!
//! A program of its own: whether a line is logged is remembered by the whole process.

#[path = "../wire/orders.rs"]
mod orders;
#[path = "../wire/server.rs"]
mod server;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use provisioner_live::cloud::{Cloud, LaunchMethod};
use provisioner_live::logging;
use provisioner_live::queue::pulse::{PulseSettings, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

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

/// AMQP 0-9-1: `connection.start`, which asks who is there.
fn start_frame() -> Vec<u8> {
    let text = |text: &str| {
        [&u32::try_from(text.len()).expect("short").to_be_bytes(), text.as_bytes()].concat()
    };
    let method = [&[0, 10, 0, 10, 0, 9, 0, 0, 0, 0][..], &text("PLAIN"), &text("en_US")].concat();
    let size = u32::try_from(method.len()).expect("short").to_be_bytes();
    [&[1, 0, 0][..], &size, &method, &[0xce]].concat()
}

#[tokio::test]
async fn pulses_password_is_in_no_log_that_a_filter_can_ask_for() {
    let log = Log::default();
    let copy = log.clone();
    let filter = "trace,lapin=trace,lapin::io_loop=trace,lapin::frames=trace";
    let everything =
        tracing_subscriber::fmt().with_env_filter(logging::filter(filter).expect("one"));
    let everything = everything.with_writer(move || copy.clone()).finish();
    // The connection is another thread's.
    tracing::subscriber::set_global_default(everything).expect("there is no other");
    let broker = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = broker.local_addr().expect("it has one");
    let settings = PulseSettings {
        url: format!("amqp://me:hunter2@{address}"),
        ca_file: None,
        user: "me".to_owned(),
        worker_types: Vec::new(),
    };
    let (wake, _woken) = mpsc::channel(1);
    let listening = tokio::spawn(listen(settings, wake));
    let (mut stream, _) = broker.accept().await.expect("it comes");
    let mut header = [0; 8];
    stream.read_exact(&mut header).await.expect("it begins");
    stream.write_all(&start_frame()).await.expect("it is asked");
    let mut said = Vec::new();
    while !said.windows(7).any(|bytes| bytes == b"hunter2") {
        assert_ne!(stream.read_buf(&mut said).await.expect("it answers"), 0, "it went away");
    }
    drop(stream);
    let (_again, _) = broker.accept().await.expect("it comes again");
    listening.abort();
    let log = log.0.lock().expect("no test panics while it writes").clone();
    let log = String::from_utf8(log).expect("text");
    assert!(log.contains("lapin") && log.contains("pulse is lost"), "{log}");
    for secret in ["hunter2", "104, 117, 110, 116"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}
