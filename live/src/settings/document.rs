//! `provisionerd.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provisioner_engine::guards::Guards;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, UsdPerHour};
use provisioner_engine::worker_type::Limits;
use provisioner_files::engine::{At, guards, limits, some_price};
use provisioner_files::file::quantity::Fault;
use provisioner_files::file::{Issue, Issues, Kind, Section, Source, Variant, kind, read};
use serde_json::json;

use super::queues::{QueueSettings, queue};
use super::secret::{SecretSource, ca_file, secret};
use crate::cloud::LaunchMethod;
use crate::window::ADDRESS;

/// Everything in `provisionerd.toml`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names everything that is bought: a tag, and part of each launch's token.
    pub provisioner: String,
    /// The origin of all chance.
    pub seed: Seed,
    /// What holds for all worker types together.
    pub limits: Limits,
    /// What protects from a lying cloud.
    pub guards: Guards,
    /// Where state survives.
    pub store: StoreSettings,
    /// The journal that people read.
    pub journal: JournalSettings,
    /// Where the HTTP window listens.
    pub listen: SocketAddr,
    /// How EC2 is reached.
    pub aws: AwsSettings,
    /// Where tasks are counted, by name.
    pub queues: BTreeMap<String, QueueSettings>,
    /// What instance types cost on demand.
    pub on_demand: OnDemand,
    /// The loop is stuck when it has not finished a pass for so long.
    pub stuck_after: Duration,
    /// The folder of worker types.
    pub worker_types: PathBuf,
}

/// Where state survives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSettings {
    /// One file, for one host.
    Sqlite(PathBuf),
    /// A database that several hosts share.
    Postgres(PostgresSettings),
}

/// A database that several hosts share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresSettings {
    /// Its URL, which may hold a password.
    pub url: SecretSource,
    /// Who may sign its certificate, if not those whom the system trusts.
    pub ca_file: Option<PathBuf>,
}

/// The journal that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// Where its chapters are.
    pub folder: PathBuf,
    /// How long a chapter is.
    pub chapter: Duration,
    /// How many are kept.
    pub keep: u32,
}

/// How EC2 is reached.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    /// Regions that may be used.
    pub regions: At<Vec<String>>,
    /// Where EC2 is, if not at AWS.
    pub endpoint_url: Option<String>,
    /// Which call launches, if a worker type does not say.
    pub launch_method: LaunchMethod,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub answer_timeout: Duration,
    /// How often market prices are read.
    pub prices_interval: Duration,
    /// How often notices are looked for.
    pub notices_interval: Duration,
    /// How often zones and offers are read.
    pub offers_interval: Duration,
    /// By region, the URL of an SQS queue to which EventBridge brings EC2's notices.
    pub notice_queues: BTreeMap<String, String>,
    /// The public key of the key pair that is ours, in a file as OpenSSH writes it.
    pub public_key_file: Option<PathBuf>,
}

/// On-demand prices by region, product and instance type.
pub type OnDemand = BTreeMap<(String, String, String), UsdPerHour>;

/// EC2's names of products, as price histories have them, with the key of each.
const PRODUCTS: [(&str, &str, &str); 4] = [
    ("linux", "Linux/UNIX", "By instance type, with Linux/UNIX."),
    ("windows", "Windows", "By instance type, with Windows."),
    ("rhel", "Red Hat Enterprise Linux", "By instance type, with Red Hat Enterprise Linux."),
    ("suse", "SUSE Linux", "By instance type, with SUSE Linux."),
];

/// The same as a kind of value.
pub(super) fn product() -> Kind<String> {
    kind::choice(&PRODUCTS.map(|(_, name, _)| (name, name.to_owned())))
}

impl Settings {
    /// Reads a settings file.
    ///
    /// # Errors
    ///
    /// All problems of the file.
    pub fn load(path: &Path) -> Result<Self, Issues> {
        Self::of(&Source::read_as("settings", path)?)
    }

    /// The same of text at hand; paths in it are relative to the folder of `path`.
    ///
    /// # Errors
    ///
    /// As for [`Settings::load`].
    pub fn of_text(path: &Path, text: &str) -> Result<Self, Issues> {
        Self::of(&Source::new_as("settings", path, text))
    }

    fn of(source: &Arc<Source>) -> Result<Self, Issues> {
        read(source, document)
    }
}

pub(super) fn document(s: &mut Section<'_>) -> Settings {
    // A section that is left out does not know where the file is.
    let folder = s.here().source().folder().to_owned();
    let provisioner = s.required(
        "provisioner",
        kind::text(),
        "Names this provisioner, and with it everything it buys: instances, requests and key pairs \
         are found by it. Letters, digits, `-` and `_`, at most 38.",
    );
    check_provisioner(s, &provisioner);
    let doc = "The origin of all chance that a policy may want.";
    let seed = s.defaulted("seed", kind::integer(), doc, 1, "any will do");
    let doc = "The folder of worker types: each `.toml` file in it is one.";
    let worker_types = folder.join(path(s, "worker_types", doc, "worker-types"));
    let (limits, guards) = s
        .section("engine", "What holds for all worker types together.", |s| (limits(s), guards(s)));
    let store = store(s, &folder);
    let journal =
        s.section("journal", "The record of all facts and decisions.", |s| journal(s, &folder));
    let listen = s.section("window", "The read-only HTTP window.", |s| {
        let doc = "Where it listens. It has no access control: whoever reaches it may read all but \
                   secrets.";
        s.defaulted("listen", address(), doc, ADDRESS, "this machine only")
    });
    let aws = s.section("aws", "How EC2 is reached.", aws);
    let doc = "Where tasks are counted, each under a name that worker types refer to.";
    let queues: BTreeMap<_, _> = s.named("queues", doc, |_, s| queue(s)).into_iter().collect();
    let on_demand = on_demand(s);
    let doc = "Notices a loop that is stuck, and ends the process for its supervisor to restart.";
    let stuck_after = s.section("watchdog", doc, |s| {
        let kind = kind::duration().within(Duration::from_secs(10)..=Duration::DAY);
        let doc = "How long after its last pass the loop counts as stuck.";
        s.defaulted("stuck_after", kind, doc, Duration::from_mins(5), "five passes")
    });
    if s.is_sound() && queues.is_empty() {
        let issue = Issue::new("there is no queue", s.here());
        s.report(issue.hint("add a section such as [queues.ci.source.taskcluster]"));
    }
    let seed = Seed(seed);
    Settings {
        provisioner,
        seed,
        limits,
        guards,
        store,
        journal,
        listen,
        aws,
        queues,
        on_demand,
        stuck_after,
        worker_types,
    }
}

fn check_provisioner(s: &mut Section<'_>, name: &str) {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if s.is_sound() && !(name.len() <= 38 && name.chars().all(is_letter)) {
        let issue = Issue::new("`provisioner` is not a name", s.place("provisioner"));
        s.report(issue.hint("write letters, digits, `-` and `_`, at most 38 of them"));
    }
}

fn store(s: &mut Section<'_>, folder: &Path) -> StoreSettings {
    let sqlite = |s: &mut Section<'_>| {
        let doc = "Its file. Two provisioners never share one.";
        StoreSettings::Sqlite(folder.join(path(s, "path", doc, "provisionerd.sqlite")))
    };
    let postgres = |s: &mut Section<'_>| {
        let docs = (
            "A file with `postgres://user:password@host/database`. Its `sslmode` is `disable`, \
             `prefer` (if it is not said: TLS if the server has it) or `require`; a certificate is \
             always checked, as by `verify-full`.",
            "A variable of the environment with the same.",
        );
        StoreSettings::Postgres(PostgresSettings {
            url: secret(s, ("url_file", "url_env"), docs),
            ca_file: ca_file(s),
        })
    };
    let variants = [
        Variant::new("sqlite", "One file, for one host.", &sqlite),
        Variant::new("postgres", "A database, for several hosts of which one acts.", &postgres),
    ];
    let default = Some(("\"sqlite\"", "needs nothing else"));
    s.variant("store", "Where state survives.", &variants, None, default)
}

fn journal(s: &mut Section<'_>, folder: &Path) -> JournalSettings {
    JournalSettings {
        folder: folder.join(path(s, "folder", "Where its chapters are.", "journal")),
        chapter: s.defaulted(
            "chapter",
            kind::duration().within(Duration::MINUTE..=Duration::DAY),
            "How long a chapter is; each replays by itself.",
            Duration::HOUR,
            "a file that is replayed in seconds",
        ),
        keep: s.defaulted(
            "keep",
            kind::integer().within(1..),
            "How many chapters are kept; the oldest go first.",
            24 * 28,
            "four weeks of hours",
        ),
    }
}

fn aws(s: &mut Section<'_>) -> AwsSettings {
    let time = |least| kind::duration().within(least..=Duration::DAY);
    let methods = [
        ("run-instances", LaunchMethod::RunInstances),
        ("create-fleet", LaunchMethod::CreateFleet),
    ];
    let regions = s.required(
        "regions",
        kind::list(kind::text()),
        "Regions that may be used. Take one out only when nothing of ours is left in it.",
    );
    let aws = AwsSettings {
        regions: At { value: regions, place: s.place("regions") },
        endpoint_url: s.optional(
            "endpoint_url",
            kind::text(),
            "Where EC2 and SQS are, if not at AWS: a stand-in such as moto.",
        ),
        launch_method: s.defaulted(
            "launch_method",
            kind::choice(&methods),
            "Which call launches: `RunInstances`, or `CreateFleet` of type `instant`.",
            LaunchMethod::default(),
            "asks for one pool, and needs no launch template",
        ),
        connect_timeout: s.defaulted(
            "connect_timeout",
            time(Duration::SECOND),
            "How long a connection may take to be made.",
            Duration::from_secs(5),
            "chosen",
        ),
        answer_timeout: s.defaulted(
            "answer_timeout",
            time(Duration::SECOND),
            "How long an answer may take; a launch call that takes longer is repeated with the same \
             client token.",
            Duration::from_secs(30),
            "chosen",
        ),
        prices_interval: s.defaulted(
            "prices_interval",
            time(Duration::SECOND),
            "How often market prices are read.",
            Duration::from_mins(5),
            "prices change every few hours since 2017",
        ),
        notices_interval: s.defaulted(
            "notices_interval",
            time(Duration::SECOND),
            "How often interruption and rebalance notices are looked for.",
            Duration::from_secs(15),
            "a notice comes two minutes before the end",
        ),
        offers_interval: s.defaulted(
            "offers_interval",
            time(Duration::MINUTE),
            "How often zones, and which instance types they offer, are read.",
            Duration::from_hours(6),
            "they change a few times a year",
        ),
        notice_queues: s
            .named_values(
                "notice_queues",
                kind::text(),
                "By region, the URL of an SQS queue to which EventBridge brings EC2's notices; \
                 without one, spot requests are looked at instead.",
            )
            .into_iter()
            .map(|(region, url, _)| (region, url))
            .collect(),
        public_key_file: s.optional(
            "public_key_file",
            kind::path(),
            "A public key as OpenSSH writes it: `run` sees to it that each region has it as a key \
             pair of ours, with which worker types are launched that name no other, and takes \
             away the pairs of older ones.",
        ),
    };
    check_regions(s, &aws);
    aws
}

fn check_regions(s: &mut Section<'_>, aws: &AwsSettings) {
    if !s.is_sound() {
        return;
    }
    let At { value, place } = &aws.regions;
    if value.is_empty() {
        let issue = Issue::new("`regions` is empty", place.clone());
        s.report(issue.hint("write for example [\"us-east-1\"]"));
    }
    let mut seen = BTreeSet::new();
    for region in value.iter().filter(|region| !seen.insert(*region)) {
        let issue = Issue::new(format!("`regions` has {region} twice"), place.clone());
        s.report(issue.hint("keep one of them"));
    }
    for region in aws.notice_queues.keys().filter(|region| !value.contains(region)) {
        let issue =
            Issue::new(format!("{region} is none of the regions"), s.place("notice_queues"));
        s.report(issue.hint(format!("add \"{region}\" to `regions`, or leave its queue out")));
    }
}

fn on_demand(s: &mut Section<'_>) -> OnDemand {
    let doc = "What instance types cost on demand, by region: the most that is paid on the spot \
               market, and what on-demand policies and ceilings go by.";
    let by_region = s.named("on_demand", doc, |_, s| {
        PRODUCTS.map(|(key, product, doc)| (product, s.named_values(key, some_price(), doc)))
    });
    let mut prices = OnDemand::new();
    for (region, products) in by_region {
        for (product, rows) in products {
            for (instance_type, price, _) in rows {
                prices.insert((region.clone(), product.to_owned(), instance_type), price);
            }
        }
    }
    prices
}

/// A path that is beside the file unless it says otherwise.
fn path(s: &mut Section<'_>, key: &'static str, doc: &'static str, default: &str) -> String {
    s.defaulted(key, kind::text(), doc, default.to_owned(), "beside this file")
}

/// An address to listen on: `127.0.0.1:8044`.
fn address() -> Kind<SocketAddr> {
    let show = |address: &SocketAddr| format!("\"{address}\"");
    let schema = || json!({ "type": "string", "minLength": 1 });
    Kind::quantity("an address with its port", ADDRESS, schema, show, |text| {
        let hint = "write for example \"127.0.0.1:8044\"";
        text.parse().map_err(|_| Fault::new("is not an address with its port", hint))
    })
}
