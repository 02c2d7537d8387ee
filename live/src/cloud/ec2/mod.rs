//! EC2 itself, by the AWS SDK.
//!
//! [`Ec2`] is one account seen by one provisioner. It makes the clients of a region when that region
//! is first asked for, sends every call through `Ec2::call`, which times it, names its error and
//! tells the [`CallLog`], and reads every page of an answer or none.
//!
//! What changes anything is sent once: the SDK repeats nothing of it, for a launch that was refused
//! three times on its own would have spent three of the five launch calls a region allows at once.
//! Reading is tried twice.
//!
//! Not here: when anything is called, and what is repeated (the engine's). Units: the engine's; EC2's
//! own are read at the edge.

/// Reads all pages of an answer: its rows, or why not. Of each page it takes the rows by their
/// field, as EC2 names it.
macro_rules! all_rows {
    ($ec2:ident, $region:ident, $action:ident, $request:ident, $rows:ident) => {
        $crate::cloud::ec2::pages(|token| {
            let request = $request.clone().set_next_token(token);
            async {
                let answer = $ec2.call($region, Action::$action, request.send()).await?;
                Ok((answer.$rows.unwrap_or_default(), answer.next_token))
            }
        })
        .await
    };
}

pub mod actions;
mod allowed;
mod answers;
mod errors;
mod fleet;
pub mod keys;
mod launch;
mod list;
mod notices;
mod prices;
pub mod survey;
pub mod sweep;
mod tags;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration as Span, Instant};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ec2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::Filter;
use provisioner_engine::units::{Duration, Time};

use self::actions::{Action, CallLog, CallMade};
use super::{
    CallError, CallErrorKind, Cloud, LaunchLabel, LaunchMethod, LaunchOrder, Launched, Listed,
    Notice, PriceRow, Terminated,
};

/// Most pages an answer may have: some answers were seen to go on for ever. A hundred thousand
/// instances are a hundred pages.
const PAGES_MAX: u32 = 1_000;

/// Most tries of a call that only reads.
const READ_TRIES: u32 = 2;

/// How EC2 is reached, and for whom.
pub struct Ec2Config {
    /// The provisioner's id: what its things are tagged with, and how they are found.
    pub provisioner: String,
    /// The region that is asked for credentials, where roles are taken on; any that is in use.
    pub home_region: String,
    /// Where EC2 is, if not at AWS: for stand-ins.
    pub endpoint: Option<String>,
    /// Instead of what the SDK finds in the environment, the user's files or the machine's role.
    pub credentials: Option<SharedCredentialsProvider>,
    /// How long a connection may take to be made.
    pub connect_timeout: Span,
    /// How long an answer may take. A call that takes longer is without an answer.
    pub answer_timeout: Span,
    /// The URL of an SQS queue by region, to which EventBridge brings EC2's notices. Where there is
    /// none, spot requests are looked at instead.
    pub notice_queues: BTreeMap<String, String>,
    /// Rows asked for at once.
    pub page_size: u16,
    /// A launch call asks for all of its instances or none. EC2 gives as many as it can of one
    /// that does not; stand-ins may give the one that is the least.
    pub all_or_none: bool,
    /// Is told of every call.
    pub log: CallLog,
}

impl Ec2Config {
    /// The usual settings.
    #[must_use]
    pub fn new(provisioner: impl Into<String>, home_region: impl Into<String>) -> Self {
        Self {
            provisioner: provisioner.into(),
            home_region: home_region.into(),
            endpoint: None,
            credentials: None,
            connect_timeout: Span::from_secs(5),
            answer_timeout: Span::from_secs(30),
            notice_queues: BTreeMap::new(),
            page_size: 1_000,
            all_or_none: false,
            log: Arc::new(|_| {}),
        }
    }
}

/// EC2, for one provisioner.
pub struct Ec2 {
    config: Ec2Config,
    sdk: SdkConfig,
    regions: Mutex<BTreeMap<String, Clients>>,
    /// Launch templates that are there: region and name.
    templates: Mutex<BTreeSet<(String, String)>>,
    /// Root devices of images: by region and image.
    root_devices: Mutex<BTreeMap<(String, String), String>>,
    notices: Mutex<BTreeMap<String, notices::Told>>,
    skew: answers::Skew,
}

/// The clients of one region.
#[derive(Clone)]
struct Clients {
    /// For what only reads.
    read: aws_sdk_ec2::Client,
    /// For what changes anything: never repeats.
    change: aws_sdk_ec2::Client,
    sqs: aws_sdk_sqs::Client,
    quotas: aws_sdk_servicequotas::Client,
}

/// EC2 cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ec2Error(String);

impl fmt::Display for Ec2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Ec2Error {}

impl Ec2 {
    /// Finds credentials; calls nothing of EC2 yet.
    ///
    /// # Errors
    ///
    /// There are no credentials, or the settings cannot be.
    pub async fn new(config: Ec2Config) -> Result<Self, Ec2Error> {
        tags::check_provisioner(&config.provisioner)?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(config.connect_timeout)
            .operation_attempt_timeout(config.answer_timeout)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(config.home_region.clone()))
            .app_name(AppName::new("aws-provisioner").expect("letters and a dash"))
            .timeout_config(timeouts);
        if let Some(endpoint) = &config.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(credentials) = &config.credentials {
            loader = loader.credentials_provider(credentials.clone());
        }
        let sdk = loader.load().await;
        let found = match sdk.credentials_provider() {
            Some(provider) => provider.provide_credentials().await.err(),
            None => return Err(no_credentials("no source of them is configured")),
        };
        if let Some(error) = found {
            return Err(no_credentials(DisplayErrorContext(error)));
        }
        Ok(Self {
            config,
            sdk,
            regions: Mutex::default(),
            templates: Mutex::default(),
            root_devices: Mutex::default(),
            notices: Mutex::default(),
            skew: answers::Skew::default(),
        })
    }

    /// Whose things these are.
    #[must_use]
    pub fn provisioner(&self) -> &str {
        &self.config.provisioner
    }

    /// How far this machine's clock is ahead of AWS's, to the second, as the last answer showed it.
    /// AWS refuses calls from five minutes on.
    #[must_use]
    pub fn clock_skew(&self) -> Option<Duration> {
        self.skew.get()
    }

    /// Sends a call: all of them pass here.
    async fn call<T, E>(
        &self,
        region: &str,
        action: Action,
        sent: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, CallError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let start = Instant::now();
        let answer = sent.await.map_err(|error| errors::read(&error, action, region));
        let error = answer.as_ref().err();
        (self.config.log)(&CallMade { action, region, took: start.elapsed(), error });
        answer
    }

    /// The clients of a region, made when they are first asked for.
    fn clients(&self, region: &str) -> Clients {
        let mut regions = lock(&self.regions);
        if let Some(clients) = regions.get(region) {
            return clients.clone();
        }
        let here = Region::new(region.to_owned());
        let (twice, once) =
            (RetryConfig::standard().with_max_attempts(READ_TRIES), RetryConfig::disabled());
        let read = self.sdk.to_builder().region(here).retry_config(twice).build();
        let change = read.to_builder().retry_config(once).build();
        let client = |config: &SdkConfig| {
            let config = aws_sdk_ec2::config::Builder::from(config);
            let look = answers::Answers { skew: self.skew.clone() };
            aws_sdk_ec2::Client::from_conf(config.interceptor(look).build())
        };
        let clients = Clients {
            read: client(&read),
            change: client(&change),
            sqs: aws_sdk_sqs::Client::new(&read),
            quotas: aws_sdk_servicequotas::Client::new(&read),
        };
        regions.insert(region.to_owned(), clients.clone());
        clients
    }

    /// Finds what is tagged as ours.
    fn ours(&self) -> Filter {
        tag_filter(tags::PROVISIONER, &self.config.provisioner)
    }

    fn page_size(&self) -> i32 {
        i32::from(self.config.page_size)
    }
}

impl Cloud for Ec2 {
    async fn launch(&self, order: &LaunchOrder) -> Result<Launched, CallError> {
        match order.template.method {
            LaunchMethod::RunInstances => self.run_instances(order).await,
            LaunchMethod::CreateFleet => self.create_fleet(order).await,
        }
    }

    async fn find(&self, region: &str, label: &LaunchLabel) -> Result<Vec<Listed>, CallError> {
        let label = tag_filter(tags::LAUNCH, &label.to_string());
        self.instances(region, Some(label)).await
    }

    async fn terminate(&self, region: &str, instance: &str) -> Result<Terminated, CallError> {
        self.terminate_if_ours(region, instance).await
    }

    async fn cancel(&self, region: &str, label: &LaunchLabel) -> Result<u32, CallError> {
        let label = tag_filter(tags::LAUNCH, &label.to_string());
        let open = self.open_requests(region, Some(label)).await?;
        self.cancel_requests(region, &open).await
    }

    async fn list(&self, region: &str) -> Result<Vec<Listed>, CallError> {
        self.instances(region, None).await
    }

    async fn prices(
        &self,
        region: &str,
        instance_types: &[String],
        products: &[String],
        since: Time,
    ) -> Result<Vec<PriceRow>, CallError> {
        self.price_history(region, instance_types, products, since).await
    }

    async fn notices(&self, region: &str) -> Result<Vec<Notice>, CallError> {
        match self.config.notice_queues.get(region) {
            Some(queue) => self.queued_notices(region, queue).await,
            None => self.polled_notices(region).await,
        }
    }
}

/// Reads page after page until the last one; all rows, or why not.
async fn pages<T, F>(mut page: impl FnMut(Option<String>) -> F) -> Result<Vec<T>, CallError>
where
    F: Future<Output = Result<(Vec<T>, Option<String>), CallError>>,
{
    let (mut rows, mut token) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let (more, next) = page(token).await?;
        rows.extend(more);
        // The end is a missing token, or an empty one.
        token = next.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(rows);
        }
    }
    Err(unreadable(format!("an answer has more than {PAGES_MAX} pages")))
}

/// EC2 answered something that cannot be read.
fn unreadable(message: impl Into<String>) -> CallError {
    CallError {
        kind: CallErrorKind::Unanswered,
        code: "Unreadable".to_owned(),
        message: message.into(),
    }
}

fn filter<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Filter {
    let values = values.into_iter().map(str::to_owned).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

fn tag_filter(key: &str, value: &str) -> Filter {
    filter(&format!("tag:{key}"), [value])
}

/// What is behind these locks is whole after every line.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_credentials(why: impl fmt::Display) -> Ec2Error {
    Ec2Error(format!(
        "no AWS credentials: {why}; give this machine a role, or set AWS_PROFILE, or \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ))
}
