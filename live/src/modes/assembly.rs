//! Settings made into parts: EC2, queues, and what the engine is built from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration as Span;

use aws_config::{BehaviorVersion, Region};
use futures::future::join_all;
use provisioner_engine::units::{Duration, Time};
use provisioner_files::file::Issues;
use tracing::info;

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
use crate::settings::worker_types::{WorkerTypeFile, load};
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
    /// EC2 does not tell what there is.
    Unknown(String, CallError),
    /// The public key cannot be read.
    PublicKey(String),
}

impl fmt::Display for AssemblyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(issues) => issues.fmt(f),
            Self::Ec2(error) => write!(f, "error: {error}"),
            Self::Queue(name, error) => write!(f, "error: [queues.{name}] cannot be used: {error}"),
            Self::Unknown(region, error) => {
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
        Ok(Self { settings, ec2, queues: Arc::new(Queues::new(sources)) })
    }

    /// Reads the worker types and what EC2 has of what they name, and makes a setup of it. The
    /// queues are routed to it.
    ///
    /// # Errors
    ///
    /// Every problem of every worker type; or EC2 does not answer.
    pub async fn setup(&self, now: Time) -> Result<Setup, AssemblyError> {
        let files = load(&self.settings.worker_types)?;
        let known = self.known(&files).await?;
        let Resolved { engine, launches, remarks } = resolve(&self.settings, &files, &known, now)?;
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
        Ok(Setup {
            provisioner: self.settings.provisioner.clone(),
            config: engine,
            launches,
            chapter_records_max: CHAPTER_RECORDS_MAX,
            chapter_length: self.settings.journal.chapter,
            queue_intervals,
            price_interval: self.settings.aws.prices_interval,
            notice_interval: self.settings.aws.notices_interval,
        })
    }

    /// Sees to it that each region has our key pair, if there is to be one.
    ///
    /// # Errors
    ///
    /// The key cannot be read, or EC2 does not take it.
    pub async fn ensure_key_pairs(&self) -> Result<(), AssemblyError> {
        let Some(key) = self.public_key()? else { return Ok(()) };
        for region in &self.settings.aws.regions.value {
            let failed = |error| AssemblyError::Unknown(region.clone(), error);
            let name = self.ec2.ensure_key_pair(region, &key).await.map_err(failed)?;
            let removed = self.ec2.remove_key_pairs(region, &[name]).await.map_err(failed)?;
            removed.iter().for_each(|name| info!(region, name, "an older key pair was removed"));
        }
        Ok(())
    }

    fn public_key(&self) -> Result<Option<String>, AssemblyError> {
        let Some(path) = &self.settings.aws.public_key_file else { return Ok(None) };
        let failed = |error| AssemblyError::PublicKey(format!("{}: {error}", path.display()));
        std::fs::read_to_string(path).map(|key| Some(key.trim().to_owned())).map_err(failed)
    }

    /// What EC2 has of what worker types name.
    async fn known(&self, files: &[WorkerTypeFile]) -> Result<Known, AssemblyError> {
        let types: BTreeSet<String> = files
            .iter()
            .flat_map(|file| file.engine.instance_types.iter().map(|(name, _)| name.clone()))
            .collect();
        let named = Named { instance_types: types, ..Named::default() };
        let regions = self.settings.aws.regions.value.iter();
        let surveys = regions.map(async |region| (region, self.ec2.survey(region, &named).await));
        let key_pair = self.public_key()?;
        let key_pair = key_pair.map(|key| key_pair_name(self.ec2.provisioner(), &key));
        let offered = Some(BTreeSet::new());
        let mut known = Known { offered, key_pair, ..Known::default() };
        for (region, survey) in join_all(surveys).await {
            let survey = survey.map_err(|error| AssemblyError::Unknown(region.clone(), error))?;
            known.zones.insert(region.clone(), survey.zones);
            known.offered.get_or_insert_default().extend(survey.offered);
            let vcpus = survey.instance_types.into_iter().map(|(name, it)| (name, it.vcpus));
            known.vcpus.extend(vcpus);
        }
        Ok(known)
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
