//! Pulse, against a real broker.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ExchangeDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connect, Connection, ConnectionProperties, ExchangeKind};
use provisioner_live::queue::pulse::{EXCHANGE, PulseSettings, listen};
use tempfile::TempDir;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{sleep, timeout};

use super::broker::Broker;
use super::ca::Ca;

fn settings(broker: &Broker) -> PulseSettings {
    PulseSettings {
        url: broker.url(),
        ca_file: None,
        user: "guest".to_owned(),
        worker_types: vec!["proj/ci".to_owned(), "proj/gpu".to_owned()],
    }
}

/// Somebody who can say that a task is pending, as Taskcluster would.
async fn publisher(broker: &Broker) -> Connection {
    let url = broker.url();
    let connection = url.as_str().connect(ConnectionProperties::default());
    let connection = connection.await.expect("it connects");
    let channel = connection.create_channel().await.expect("a channel");
    let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let (name, kind) = (EXCHANGE.into(), ExchangeKind::Topic);
    let declared = channel.exchange_declare(name, kind, durable, FieldTable::default());
    declared.await.expect("it is declared");
    connection
}

async fn publish(connection: &Connection, worker_type: &str) {
    let channel = connection.create_channel().await.expect("a channel");
    let key = format!(
        "primary.fN1SbArXTPSVFNUvaOlinQ.0._._.{}.sched.fN1SbArXTPSVFNUvaOlinQ._",
        worker_type.replace('/', ".")
    );
    let (exchange, key) = (EXCHANGE.into(), key.as_str().into());
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish(exchange, key, options, b"{}", BasicProperties::default());
    sent.await.expect("it is sent");
}

/// Says that a task is pending until somebody is woken; by what.
async fn woken(publisher: &Connection, worker_type: &str, wake: &mut Receiver<String>) -> String {
    for _ in 0..60 {
        publish(publisher, worker_type).await;
        if let Ok(woken) = timeout(Duration::from_millis(500), wake.recv()).await {
            return woken.expect("it listens");
        }
    }
    panic!("nobody was woken within 30 s");
}

#[tokio::test]
async fn a_pending_task_of_ours_wakes_us_also_after_the_broker_was_gone() {
    let Some(mut broker) = Broker::start(&Ca::new("ours")) else { return };
    let (wake, mut woke) = mpsc::channel(16);
    let first = publisher(&broker).await;
    let listening = tokio::spawn(listen(settings(&broker), wake));
    assert_eq!(woken(&first, "proj/ci", &mut woke).await, "proj/ci");
    while timeout(Duration::from_millis(500), woke.recv()).await.is_ok() {}

    publish(&first, "proj/other").await;
    publish(&first, "proj/gpu").await;
    assert_eq!(woke.recv().await.as_deref(), Some("proj/gpu"));

    broker.down();
    sleep(Duration::from_millis(500)).await;
    assert!(!listening.is_finished());
    broker.up();
    let second = publisher(&broker).await;
    assert_eq!(woken(&second, "proj/ci", &mut woke).await, "proj/ci");

    drop(woke);
    timeout(Duration::from_secs(30), listening).await.expect("it ends").expect("in peace");
}

#[tokio::test]
async fn it_ends_with_who_wanted_to_be_woken_though_nobody_is_there() {
    let (wake, woke) = mpsc::channel(1);
    let settings = PulseSettings {
        url: "amqp://me:hunter2@127.0.0.1:1".to_owned(),
        ca_file: None,
        user: "me".to_owned(),
        worker_types: Vec::new(),
    };
    let listening = tokio::spawn(listen(settings, wake));
    sleep(Duration::from_millis(100)).await;
    assert!(!listening.is_finished());
    drop(woke);
    timeout(Duration::from_secs(30), listening).await.expect("it ends").expect("in peace");
}

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

impl Log {
    /// What is logged from now on by this thread, with which the runtime does with one.
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let copy = self.clone();
        let everything = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
        let everything = everything.with_ansi(false).with_writer(move || copy.clone()).finish();
        tracing::subscriber::set_default(everything)
    }

    /// The first warning.
    async fn warning(&self) -> String {
        for _ in 0..300 {
            let bytes = self.0.lock().expect("no test panics while it writes").clone();
            let text = String::from_utf8(bytes).expect("text");
            assert!(!text.contains("hunter2"), "a secret: {text}");
            if let Some(line) = text.lines().find(|line| line.contains("WARN")) {
                return line.to_owned();
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("nobody was warned within 30 s");
    }
}

#[tokio::test]
async fn a_pending_task_wakes_us_over_tls_if_the_certificate_is_believed() {
    let (folder, ca) = (TempDir::new().expect("a folder"), Ca::new("ours"));
    let Some(broker) = Broker::start(&ca) else { return };
    let first = publisher(&broker).await;
    let ca_file = ca.file(folder.path(), "ca.pem");
    let ours = PulseSettings {
        url: broker.tls_url(),
        ca_file: Some(ca_file.clone()),
        ..settings(&broker)
    };
    let (wake, mut woke) = mpsc::channel(16);
    let listening = tokio::spawn(listen(ours.clone(), wake));
    assert_eq!(woken(&first, "proj/ci", &mut woke).await, "proj/ci");
    drop(woke);
    timeout(Duration::from_secs(30), listening).await.expect("it ends").expect("in peace");

    let stranger = Ca::new("somebody else").file(folder.path(), "stranger.pem");
    let nowhere = folder.path().join("nowhere.pem");
    let at = |url: &str| url.replace("guest:guest", "guest:hunter2");
    let by_name = at(&ours.url).replace("127.0.0.1", "localhost");
    for (url, ca_file, says) in [
        (at(&ours.url), Some(stranger), "invalid peer certificate: UnknownIssuer"),
        (at(&ours.url), None, "invalid peer certificate: UnknownIssuer"),
        (by_name, Some(ca_file.clone()), "localhost"),
        (at(&ours.url), Some(nowhere), "nowhere.pem"),
        (at(&ours.url), Some(ca_file), "check user and password"),
    ] {
        let (log, (wake, woke)) = (Log::default(), mpsc::channel(16));
        let logged = log.begin();
        let settings = PulseSettings { url, ca_file, ..ours.clone() };
        let listening = tokio::spawn(listen(settings, wake));
        let warning = log.warning().await;
        assert!(warning.contains("pulse cannot be heard; queues are polled"), "{warning}");
        assert!(warning.contains(says), "`{says}` is not in: {warning}");
        drop((logged, woke));
        timeout(Duration::from_secs(30), listening).await.expect("it ends").expect("in peace");
    }
}
