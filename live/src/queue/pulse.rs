//! Wake-ups from Pulse: Taskcluster says on an AMQP exchange that a task is pending.
//!
//! A message brings the next look at its queue forward, and does nothing else: what it says is not
//! believed, and one that is missed costs at most the time until the next look. So messages are not
//! acknowledged, the queue is gone with the connection, and a wake-up that finds the channel full is
//! dropped. A lost broker is looked for again after 1 s, then 2 s, up to a minute. Where it is no use
//! before somebody does something (its certificate is not believed, it does not let us in), that is a
//! warning.
//!
//! Needs a Pulse user; it may create queues named `queue/<user>/…` and read `exchange/…`.
//! Source: Taskcluster's `services/queue/src/exchanges.js`, read 2026-11-22.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::tcp::{AMQPUriTcpExt, RustlsConnector, TLSConfig};
use lapin::types::FieldTable;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, ErrorKind, runtime};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::tls;

/// Where Taskcluster says that a task is pending.
pub const EXCHANGE: &str = "exchange/taskcluster-queue/v1/task-pending";
/// How long each step of connecting may take.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// A broker that says nothing for twice as many seconds is lost.
const HEARTBEAT_S: u16 = 30;
/// How long to wait before looking for a lost broker again, at first and at most.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// AMQP's number for `access-refused`.
const ACCESS_REFUSED: u16 = 403;

/// Where Pulse is, and what is wanted of it.
#[derive(Clone)]
pub struct PulseSettings {
    /// `amqps://user:password@pulse.example.com/vhost`. Secret: never shown.
    pub url: String,
    /// Who may sign its certificate, if not those whom the system trusts. Read at each connection.
    pub ca_file: Option<PathBuf>,
    /// The Pulse user, who owns the queue.
    pub user: String,
    /// Whose tasks are of interest: `provisionerId/workerType`.
    pub worker_types: Vec<String>,
}

impl fmt::Debug for PulseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("PulseSettings");
        out.field("user", &self.user).field("worker_types", &self.worker_types);
        out.finish_non_exhaustive()
    }
}

/// Listens until nobody hears the wake-ups any more: each is the worker type that has a new task.
/// Dropped, it stops listening.
pub async fn listen(settings: PulseSettings, wake: mpsc::Sender<String>) {
    let mut pause = Pause::default();
    while !wake.is_closed() {
        let begun = Instant::now();
        let lost = tokio::select! {
            lost = listen_once(&settings, &wake) => lost,
            () = wake.closed() => return,
        };
        let wait = pause.after(begun.elapsed());
        let again_s = wait.as_secs();
        match lost {
            Lost::Away(why) => tracing::info!(why, again_s, "pulse is lost; queues are polled"),
            Lost::Refused(why) => {
                tracing::warn!(why, again_s, "pulse cannot be heard; queues are polled");
            }
        }
        sleep(wait).await;
    }
}

/// How long to wait, from how long the connection lasted.
#[derive(Debug, Default)]
struct Pause {
    last: Option<Duration>,
}

impl Pause {
    fn after(&mut self, lasted: Duration) -> Duration {
        let longer = self.last.map_or(PAUSE, |last| (last * 2).min(PAUSE_MAX));
        *self.last.insert(if lasted >= PAUSE_MAX { PAUSE } else { longer })
    }
}

/// Why the broker is not heard.
enum Lost {
    /// That passes.
    Away(String),
    /// That lasts until somebody does something.
    Refused(String),
}

impl Lost {
    fn late() -> Self {
        Self::Away("it did not answer in time".to_owned())
    }
}

impl From<lapin::Error> for Lost {
    fn from(error: lapin::Error) -> Self {
        match error.kind() {
            ErrorKind::IOError(cause) if tls::is_distrust(cause) => Self::Refused(format!(
                "{error}: name in `ca_file` of `pulse` who signs its certificate, and in the \
                 address the host as its certificate does"
            )),
            ErrorKind::ProtocolError(cause) if cause.get_id() == ACCESS_REFUSED => {
                Self::Refused(format!("{error}: check user and password of its address"))
            }
            _ => Self::Away(error.to_string()),
        }
    }
}

/// Listens until the broker is lost; says why.
async fn listen_once(settings: &PulseSettings, wake: &mpsc::Sender<String>) -> Lost {
    // What the parser says could show the address.
    let Ok(mut uri) = settings.url.parse::<AMQPUri>() else {
        return Lost::Refused("its address is no amqp:// or amqps:// URL".to_owned());
    };
    uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
    let connection = match timeout(TIME_LIMIT, connect(uri, settings.ca_file.as_deref())).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(lost)) => return lost,
        Err(_) => return Lost::late(),
    };
    // The connection has to outlive what is heard on it.
    match timeout(TIME_LIMIT, subscribe(&connection, settings)).await {
        Ok(Ok(mut consumer)) => {
            tracing::info!(worker_types = settings.worker_types.len(), "pulse is heard");
            while let Some(message) = consumer.next().await {
                match message {
                    Ok(message) => wake_up(message.routing_key.as_str(), wake),
                    Err(error) => return error.into(),
                }
            }
            Lost::Away("it stopped".to_owned())
        }
        Ok(Err(error)) => error.into(),
        Err(_) => Lost::late(),
    }
}

/// As the crate connects, but with our TLS.
async fn connect(uri: AMQPUri, ca_file: Option<&Path>) -> Result<Connection, Lost> {
    let tls = match uri.scheme {
        AMQPScheme::AMQP => None,
        AMQPScheme::AMQPS => Some(tls::client(ca_file).map_err(Lost::Refused)?),
    };
    let tls = tls.map(RustlsConnector::from);
    let plain = AMQPUri { scheme: AMQPScheme::AMQP, ..uri.clone() };
    let connector = async move |uri: AMQPUri, runtime| {
        let stream = plain.connect_with_config_async(TLSConfig::default(), &runtime).await?;
        Ok(match &tls {
            None => stream,
            Some(tls) => stream.into_rustls(tls, &uri.authority.host).await?,
        })
    };
    let properties = ConnectionProperties::default();
    Ok(Connection::connector(uri, runtime::default_runtime()?, connector, properties).await?)
}

/// A queue of our own, bound to the tasks of each worker type.
async fn subscribe(
    connection: &Connection,
    settings: &PulseSettings,
) -> lapin::Result<lapin::Consumer> {
    let channel = connection.create_channel().await?;
    let name = format!("queue/{}/provisionerd-{:016x}", settings.user, rand::random::<u64>());
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let none = FieldTable::default;
    channel.queue_declare(name.as_str().into(), own, none()).await?;
    for worker_type in &settings.worker_types {
        let key = routing_key(worker_type);
        let bind = QueueBindOptions::default();
        let (name, key) = (name.as_str().into(), key.as_str().into());
        channel.queue_bind(name, EXCHANGE.into(), key, bind, none()).await?;
    }
    let at_once = BasicConsumeOptions { no_ack: true, ..Default::default() };
    channel.basic_consume(name.as_str().into(), "provisionerd".into(), at_once, none()).await
}

/// Which messages are about tasks of a worker type:
/// `primary.taskId.runId.workerGroup.workerId.provisionerId.workerType.schedulerId.taskGroupId.reserved`.
fn routing_key(worker_type: &str) -> String {
    format!("primary.*.*.*.*.{}.*.*.#", worker_type.replace('/', "."))
}

/// The worker type that a message is about.
fn about(routing_key: &str) -> Option<String> {
    let mut words = routing_key.split('.');
    let primary = words.next()? == "primary";
    let (provisioner, worker_type) = (words.nth(4)?, words.next()?);
    primary.then(|| format!("{provisioner}/{worker_type}"))
}

fn wake_up(routing_key: &str, wake: &mpsc::Sender<String>) {
    if let Some(worker_type) = about(routing_key) {
        // Full, it holds wake-ups enough; closed, nobody wants them.
        let _ = wake.try_send(worker_type);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_about_the_worker_type_whose_binding_it_fits() {
        assert_eq!(routing_key("proj/ci"), "primary.*.*.*.*.proj.ci.*.*.#");
        let key = "primary.fN1SbArXTPSVFNUvaOlinQ.0._._.proj.ci.sched.fN1SbArXTPSVFNUvaOlinQ._";
        assert_eq!(about(key).as_deref(), Some("proj/ci"));
        assert_eq!(about("route.index.proj.ci.a.b.c.d"), None);
        assert_eq!(about("primary.too.short"), None);
    }

    #[test]
    fn a_broker_that_stays_away_is_looked_for_ever_more_rarely_and_one_that_was_there_at_once() {
        let mut pause = Pause::default();
        let waits: Vec<u64> = (0..8).map(|_| pause.after(Duration::ZERO).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause.after(Duration::from_secs(3_600)), PAUSE);
        assert_eq!(pause.after(Duration::ZERO).as_secs(), 2);
    }

    #[test]
    fn a_wake_up_too_many_is_dropped() {
        let (wake, mut woken) = mpsc::channel(1);
        for _ in 0..3 {
            wake_up("primary.t.0._._.proj.ci.s.g._", &wake);
        }
        assert_eq!(woken.try_recv().as_deref(), Ok("proj/ci"));
        assert!(woken.try_recv().is_err());
    }

    #[test]
    fn the_address_is_not_shown() {
        let settings = PulseSettings {
            url: "amqps://me:hunter2@pulse.example.com".to_owned(),
            ca_file: None,
            user: "me".to_owned(),
            worker_types: Vec::new(),
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
