//! Settings made into parts: EC2, queues, and what the engine is built from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration as Span, Instant};

use aws_config::{BehaviorVersion, Region};
use futures::future::join_all;
use provisioner_engine::catalog::Catalog;
use provisioner_engine::units::{Duration, Time};
use provisioner_files::file::{Issue, Issues, nearest};
use tracing::{info, warn};

use super::memory::{Had, Memory};

use crate::cloud::CallError;
use crate::cloud::ec2::actions::CallLog;
use crate::cloud::ec2::keys::key_pair_name;
use crate::cloud::ec2::survey::Named;
use crate::cloud::ec2::{Ec2, Ec2Config, Ec2Error};
use crate::daemon::Setup;
use crate::queue::http::Access;
use crate::queue::json::{JsonEndpoint, JsonSettings};
use crate::queue::prometheus::{Prometheus, PrometheusSettings};
use crate::queue::queues::{Queues, Route};
use crate::queue::sqs::Sqs;
use crate::queue::taskcluster::{Taskcluster, TaskclusterSettings};
use crate::queue::{QueueError, Source};
use crate::settings::document::Settings;
use crate::settings::queues::{AccessDoc, Asked, SourceSettings};
use crate::settings::worker_types::{WorkerTypeFile, fingerprint, load};
use crate::settings::{Known, Resolved, resolve};

/// A chapter of the journal has no more records than this, however soon they come.
const CHAPTER_RECORDS_MAX: usize = 1_000_000;

/// Everything that a mode works with.
pub struct Assembly {
    /// What was written.
    pub settings: Settings,
    /// EC2.
    pub ec2: Arc<Ec2>,
    /// The queues.
    pub queues: Arc<Queues<Source>>,
    memory: Mutex<Memory>,
}

/// Whether key pairs are looked at or seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPairs {
    /// Each region gets ours, and older ones of ours are removed.
    Ensured,
    /// They are left as they are.
    Left,
}

/// What was read of worker types and EC2.
#[derive(Debug)]
pub struct Reading {
    /// What the loop works with.
    pub setup: Setup,
    /// Regions that did not tell: they are taken to have what they had.
    pub silent: BTreeSet<String>,
    /// The folder of worker types, if it could be read.
    pub folder: Option<u64>,
    /// When.
    pub at: Instant,
}

/// Why it cannot be put together.
#[derive(Debug)]
pub enum AssemblyError {
    /// What was written is wrong.
    Written(Issues),
    /// EC2 cannot be used at all.
    Ec2(Ec2Error),
    /// A queue cannot be used at all.
    Queue(String, QueueError),
    /// EC2 does not tell what there is in a region; and what seems wrong without knowing that.
    Unknown(String, CallError, Option<Issues>),
    /// The public key cannot be read.
    PublicKey(String),
}

impl fmt::Display for AssemblyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(issues) => issues.fmt(f),
            Self::Ec2(error) => write!(f, "error: {error}"),
            Self::Queue(name, error) => write!(f, "error: [queues.{name}] cannot be used: {error}"),
            Self::Unknown(region, error, seems_wrong) => {
                if let Some(issues) = seems_wrong {
                    writeln!(f, "{issues}")?;
                }
                write!(f, "error: EC2 does not tell what there is in {region}: {error}")
            }
            Self::PublicKey(error) => write!(f, "error: `aws.public_key_file`: {error}"),
        }
    }
}

impl std::error::Error for AssemblyError {}

impl From<Issues> for AssemblyError {
    fn from(issues: Issues) -> Self {
        Self::Written(issues)
    }
}

impl Assembly {
    /// Reads the settings, and makes what they name.
    ///
    /// # Errors
    ///
    /// They are wrong, there are no credentials, or a queue cannot be used.
    pub async fn load(path: &Path, log: CallLog) -> Result<Self, AssemblyError> {
        let settings = Settings::load(path)?;
        let config = ec2_config(&settings, log);
        let ec2 = Arc::new(Ec2::new(config).await.map_err(AssemblyError::Ec2)?);
        let mut sources = BTreeMap::new();
        for (name, queue) in &settings.queues {
            let source = source(&queue.source, settings.aws.endpoint_url.as_deref()).await;
            let source = source.map_err(|error| AssemblyError::Queue(name.clone(), error))?;
            sources.insert(name.clone(), source);
        }
        let queues = Arc::new(Queues::new(sources));
        Ok(Self { settings, ec2, queues, memory: Mutex::default() })
    }

    /// From now on, a region that does not answer is taken to have what an engine's configuration
    /// shows.
    pub fn remember(&self, catalog: &Catalog) {
        *self.memory() = Memory::of(catalog);
    }

    /// Reads the worker types and what EC2 has of what they name, and makes a setup of it. The
    /// queues are routed to it.
    ///
    /// # Errors
    ///
    /// Every problem of every worker type; or a region does not answer that never did.
    pub async fn read(&self, now: Time, key_pairs: KeyPairs) -> Result<Reading, AssemblyError> {
        let at = Instant::now();
        let folder = fingerprint(&self.settings.worker_types).ok();
        let files = load(&self.settings.worker_types)?;
        let (known, silent) = self.known(&files, key_pairs).await?;
        let Resolved { engine, launches, remarks } =
            match (resolve(&self.settings, &files, &known, now), silent.first()) {
                (Ok(resolved), _) => resolved,
                (Err(issues), None) => return Err(issues.into()),
                (Err(issues), Some((region, error))) => {
                    return Err(AssemblyError::Unknown(
                        region.clone(),
                        error.clone(),
                        Some(issues),
                    ));
                }
            };
        remarks.iter().for_each(|remark| info!("{remark}"));
        let (mut routes, mut queue_intervals) = (BTreeMap::new(), BTreeMap::new());
        for file in files {
            let (name, source) = (file.name.value, file.queue.value);
            let Some(queue) = self.settings.queues.get(&source) else { continue };
            let route = Route { source, queue: file.queue_name, timeout: span(queue.timeout) };
            routes.insert(name.clone(), route);
            queue_intervals.insert(name, queue.interval);
        }
        self.queues.route(routes);
        let setup = Setup {
            provisioner: self.settings.provisioner.clone(),
            config: engine,
            launches,
            chapter_records_max: CHAPTER_RECORDS_MAX,
            chapter_length: self.settings.journal.chapter,
            queue_intervals,
            price_interval: self.settings.aws.prices_interval,
            notice_interval: self.settings.aws.notices_interval,
        };
        let silent = silent.into_iter().map(|(region, _)| region).collect();
        Ok(Reading { setup, silent, folder, at })
    }

    /// What is behind this lock is whole after every line.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The public key of our key pair, if there is to be one.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn public_key(&self) -> Result<Option<String>, AssemblyError> {
        let Some(path) = &self.settings.aws.public_key_file else { return Ok(None) };
        let failed = |error| AssemblyError::PublicKey(format!("{}: {error}", path.display()));
        std::fs::read_to_string(path).map(|key| Some(key.trim().to_owned())).map_err(failed)
    }

    /// What EC2 has of what worker types name, and which regions did not answer, and why.
    async fn known(
        &self,
        files: &[WorkerTypeFile],
        key_pairs: KeyPairs,
    ) -> Result<(Known, Vec<(String, CallError)>), AssemblyError> {
        let types: BTreeSet<String> = files
            .iter()
            .flat_map(|file| file.engine.instance_types.iter().map(|(name, _)| name.clone()))
            .collect();
        let regions = &self.settings.aws.regions.value;
        let key = self.public_key()?;
        let looks = regions.iter().map(async |region| {
            let ensured = key.as_deref().filter(|_| key_pairs == KeyPairs::Ensured);
            (region, self.look(region, &types, ensured).await)
        });
        let (open, looks) = tokio::join!(self.ec2.regions(regions), join_all(looks));
        // An account without any region is not to be believed.
        if let Some(open) = open.ok().filter(|open| !open.is_empty()) {
            self.check_regions(&open)?;
        }
        let key_pair = key.map(|key| key_pair_name(self.ec2.provisioner(), &key));
        let offered = Some(BTreeSet::new());
        let mut known = Known { offered, key_pair, ..Known::default() };
        let (mut silent, mut memory) = (Vec::new(), self.memory());
        // Whom no region lets in has wrong credentials, or a wrong clock.
        let is_let_in = looks.iter().any(|(_, had)| had.is_ok());
        for (region, had) in looks {
            match had {
                Ok(had) => {
                    had.tell(region, &mut known);
                    memory.keep(region, had);
                }
                Err(error) => {
                    let had = memory.recall(region, &types);
                    let Some(had) = had.filter(|_| is_let_in || error.is_passing()) else {
                        return Err(AssemblyError::Unknown(region.clone(), error, None));
                    };
                    warn!(region, %error, "taken to have what it had, for EC2 does not tell");
                    had.tell(region, &mut known);
                    silent.push((region.clone(), error));
                }
            }
        }
        Ok((known, silent))
    }

    /// What a region has of these instance types. It gets the key, if there is one.
    async fn look(
        &self,
        region: &str,
        types: &BTreeSet<String>,
        key: Option<&str>,
    ) -> Result<Had, CallError> {
        if let Some(key) = key {
            let name = self.ec2.ensure_key_pair(region, key).await?;
            let removed = self.ec2.remove_key_pairs(region, &[name]).await?;
            removed.iter().for_each(|name| info!(region, name, "an older key pair was removed"));
        }
        let named = Named { instance_types: types.clone(), ..Named::default() };
        self.ec2.survey(region, &named).await.map(|survey| Had::of(survey, types))
    }

    /// Regions of the settings that the account does not have.
    fn check_regions(&self, open: &BTreeSet<String>) -> Result<(), Issues> {
        let written = &self.settings.aws.regions;
        let strange = written.value.iter().filter(|region| !open.contains(*region));
        let issues: Vec<Issue> = strange
            .map(|region| {
                let what = format!("region `{region}` is not open to this account");
                let hint = match nearest(region, open.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean \"{near}\"? Or enable it in the account"),
                    None => "enable it in the account, or leave it out".to_owned(),
                };
                Issue::new(what, written.place.clone()).hint(hint)
            })
            .collect();
        if issues.is_empty() { Ok(()) } else { Err(issues.into()) }
    }
}

fn ec2_config(settings: &Settings, log: CallLog) -> Ec2Config {
    let aws = &settings.aws;
    let home = aws.regions.value.first().cloned().unwrap_or_default();
    Ec2Config {
        endpoint: aws.endpoint_url.clone(),
        connect_timeout: span(aws.connect_timeout),
        answer_timeout: span(aws.answer_timeout),
        notice_queues: aws.notice_queues.clone(),
        // EC2 gives as many as it can; moto gives the least that is asked for.
        all_or_none: aws.endpoint_url.is_some(),
        log,
        ..Ec2Config::new(settings.provisioner.clone(), home)
    }
}

async fn source(settings: &SourceSettings, endpoint: Option<&str>) -> Result<Source, QueueError> {
    Ok(match settings.clone() {
        SourceSettings::Taskcluster { root_url, credentials, pulse: _ } => {
            let queue = Taskcluster::new(TaskclusterSettings {
                root_url: root_url.as_str().into(),
                credentials,
            })?;
            Source::Taskcluster(Box::new(queue))
        }
        SourceSettings::Sqs { url, region } => {
            let mut loader =
                aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region));
            if let Some(endpoint) = endpoint {
                loader = loader.endpoint_url(endpoint);
            }
            Source::Sqs(Sqs::new(&loader.load().await, &url))
        }
        SourceSettings::Http { asked } => {
            let Asked { url, access, ca_file, pending, claimed, as_of } = asked;
            let access = who(access);
            let settings =
                JsonSettings { url: url.as_str().into(), access, ca_file, pending, claimed, as_of };
            Source::Json(JsonEndpoint::new(settings)?)
        }
        SourceSettings::Prometheus { asked } => {
            let Asked { url, access, ca_file, pending, claimed, as_of } = asked;
            let access = who(access);
            let settings = PrometheusSettings {
                url: url.as_str().into(),
                access,
                ca_file,
                pending,
                claimed,
                as_of,
            };
            Source::Prometheus(Prometheus::new(settings)?)
        }
    })
}

fn who(access: AccessDoc) -> Access {
    match access {
        AccessDoc::Open => Access::Open,
        AccessDoc::Bearer(path) => Access::Bearer(path),
        AccessDoc::Basic(path) => Access::Basic(path),
    }
}

/// The same time for those who count otherwise.
#[must_use]
pub fn span(duration: Duration) -> Span {
    Span::from_millis(u64::try_from(duration.ms()).unwrap_or(0))
}
