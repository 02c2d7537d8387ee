//! Pulse, against a real broker.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, ExchangeDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connect, Connection, ConnectionProperties, ExchangeKind};
use provisioner_live::queue::pulse::{EXCHANGE, PulseSettings, listen};
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{sleep, timeout};

use super::broker::Broker;

fn settings(broker: &Broker) -> PulseSettings {
    PulseSettings {
        url: broker.url(),
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
    let Some(mut broker) = Broker::start() else { return };
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
    timeout(Duration::from_secs(5), listening).await.expect("it ends").expect("in peace");
}

#[tokio::test]
async fn it_ends_with_who_wanted_to_be_woken_though_nobody_is_there() {
    let (wake, woke) = mpsc::channel(1);
    let settings = PulseSettings {
        url: "amqp://me:hunter2@127.0.0.1:1".to_owned(),
        user: "me".to_owned(),
        worker_types: Vec::new(),
    };
    let listening = tokio::spawn(listen(settings, wake));
    sleep(Duration::from_millis(100)).await;
    assert!(!listening.is_finished());
    drop(woke);
    timeout(Duration::from_secs(5), listening).await.expect("it ends").expect("in peace");
}
