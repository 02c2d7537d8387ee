//! Where tasks are counted: `[queues.NAME]`.
//!
//! Not here: asking (see [`crate::queue`]), and the credentials themselves: their files are named and
//! read when they are needed, so that they can be replaced.

use std::path::PathBuf;

use provisioner_engine::units::Duration;
use provisioner_files::file::{Section, Variant, kind};

use super::secret::{SecretSource, ca_file, secret};

/// A task queue, or several of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// How often it is read.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// What it is.
    pub source: SourceSettings,
}

/// What kind of queue it is, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSettings {
    /// A deployment of Taskcluster.
    Taskcluster {
        /// `https://tc.example.com`.
        root_url: String,
        /// A JSON file with `clientId`, `accessToken` and perhaps `certificate`; none for what
        /// anybody may ask.
        credentials: Option<PathBuf>,
        /// Where it says that a task is pending.
        pulse: Option<PulseDoc>,
    },
    /// A queue of SQS: a message is a task.
    Sqs {
        /// Its URL, which may say `{provisionerId}` and `{workerType}`.
        url: String,
        /// Its region.
        region: String,
    },
    /// An address that answers JSON.
    Http {
        /// Where and what is asked.
        asked: Asked,
    },
    /// A Prometheus, or what speaks its API.
    Prometheus {
        /// Where and what is asked.
        asked: Asked,
    },
}

/// What is asked of an address, or of a Prometheus there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The address.
    pub url: String,
    /// Who asks.
    pub access: AccessDoc,
    /// Who may sign its certificate, if not those whom the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Tasks that wait: a JSON pointer, or an expression.
    pub pending: String,
    /// Tasks that are held.
    pub claimed: String,
    /// When they were counted, if it tells.
    pub as_of: Option<String>,
}

/// How a server is told who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessDoc {
    /// Not at all.
    Open,
    /// By the token in that file.
    Bearer(PathBuf),
    /// By the `user:password` in that file.
    Basic(PathBuf),
}

/// Pulse, Taskcluster's message broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulseDoc {
    /// `amqps://user:password@pulse.example.com/vhost`.
    pub url: SecretSource,
    /// Who may sign its certificate, if not those whom the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The Pulse user.
    pub user: String,
}

pub(super) fn queue(s: &mut Section<'_>) -> QueueSettings {
    let some_time = || kind::duration().within(Duration::SECOND..=Duration::HOUR);
    let sources = [
        Variant::new("taskcluster", "Taskcluster's queue: counts and workers.", &taskcluster),
        Variant::new("sqs", "A queue of SQS: counts.", &sqs),
        Variant::new("http", "An address that answers JSON: counts.", &http),
        Variant::new("prometheus", "Prometheus, or what speaks its API: counts.", &prometheus),
    ];
    QueueSettings {
        interval: s.defaulted(
            "interval",
            some_time(),
            "How often counts are read, and workers while some have not registered.",
            Duration::from_secs(20),
            "a Taskcluster worker asks for work as often",
        ),
        timeout: s.defaulted(
            "timeout",
            some_time(),
            "How long an answer may take; after that the counts are unknown.",
            Duration::from_secs(30),
            "three tries of ten seconds",
        ),
        source: s.variant("source", "What it is, and where.", &sources, None, None),
    }
}

fn taskcluster(s: &mut Section<'_>) -> SourceSettings {
    SourceSettings::Taskcluster {
        root_url: s.required("root_url", kind::text(), "Its root URL: `https://tc.example.com`."),
        credentials: s.optional(
            "credentials",
            kind::path(),
            "A JSON file with `clientId`, `accessToken` and, of temporary ones, `certificate`; it is \
             read again when it is refused. Without one, what anybody may ask has to be enough.",
        ),
        pulse: s.optional_section(
            "pulse",
            "Messages that bring the next reading forward.",
            |s| PulseDoc {
                url: secret(
                    s,
                    ("url_file", "url_env"),
                    (
                        "A file with `amqps://user:password@host/vhost`.",
                        "A variable of the environment with the same.",
                    ),
                ),
                ca_file: ca_file(s),
                user: s.required("user", kind::text(), "The Pulse user, who owns the queue."),
            },
        ),
    }
}

fn sqs(s: &mut Section<'_>) -> SourceSettings {
    let doc = "The queue's URL; may say `{provisionerId}` and `{workerType}`.";
    SourceSettings::Sqs {
        url: s.required("url", kind::text(), doc),
        region: s.required("region", kind::text(), "The queue's region."),
    }
}

fn http(s: &mut Section<'_>) -> SourceSettings {
    let asked = Asked {
        url: s.required(
            "url",
            kind::text(),
            "Its address; may say `{taskQueueId}`, \
             `{provisionerId}` and `{workerType}`.",
        ),
        access: access(s),
        ca_file: ca_file(s),
        pending: s.required("pending", kind::text(), "JSON pointer to the tasks that wait."),
        claimed: s.required("claimed", kind::text(), "JSON pointer to the tasks that are held."),
        as_of: s.optional(
            "as_of",
            kind::text(),
            "JSON pointer to when they were counted: seconds since 1970, or RFC 3339.",
        ),
    };
    SourceSettings::Http { asked }
}

fn prometheus(s: &mut Section<'_>) -> SourceSettings {
    let asked = Asked {
        url: s.required("url", kind::text(), "Its address, before `/api/v1`."),
        access: access(s),
        ca_file: ca_file(s),
        pending: s.required(
            "pending",
            kind::text(),
            "PromQL for the tasks that wait; it, and the \
             others, may say `{taskQueueId}`, `{provisionerId}` and `{workerType}`.",
        ),
        claimed: s.required("claimed", kind::text(), "PromQL for the tasks that are held."),
        as_of: s.optional(
            "as_of",
            kind::text(),
            "PromQL for when they were counted, in seconds since 1970.",
        ),
    };
    SourceSettings::Prometheus { asked }
}

fn access(s: &mut Section<'_>) -> AccessDoc {
    let file = |s: &mut Section<'_>, doc| s.required("file", kind::path(), doc);
    let open = |_: &mut Section<'_>| AccessDoc::Open;
    let bearer = |s: &mut Section<'_>| AccessDoc::Bearer(file(s, "A file with the token."));
    let basic = |s: &mut Section<'_>| AccessDoc::Basic(file(s, "A file with `user:password`."));
    let variants = [
        Variant::new("open", "It is not told.", &open),
        Variant::new("bearer", "By a token.", &bearer),
        Variant::new("basic", "By user and password.", &basic),
    ];
    let default = Some(("\"open\"", "as on a network of one's own"));
    s.variant("access", "How it is told who asks.", &variants, None, default)
}
