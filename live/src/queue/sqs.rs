//! Counts of an SQS queue: a message is a task.
//!
//! `ApproximateNumberOfMessages` wait, `ApproximateNumberOfMessagesNotVisible` are held. Those of
//! `ApproximateNumberOfMessagesDelayed` are not counted: nobody can get them yet, and they move to the
//! first count when somebody can. All are approximate, and settle about a minute after the last change;
//! when they were counted is not said. Needs `sqs:GetQueueAttributes` on the queue.
//!
//! Not here: workers. SQS does not know them.
//! Source: SQS API Reference, `GetQueueAttributes`, read 2026-11-22.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::QueueAttributeName;

use super::template::{fill, for_url};
use super::{Counts, QueueError, QueueErrorKind};

/// How long a question may take, its repetitions included.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// How long one try may take.
const TRY_LIMIT: Duration = Duration::from_secs(6);
/// How often it is tried.
const TRIES: u32 = 3;

/// An SQS queue, or several whose addresses follow from the worker type.
#[derive(Debug)]
pub struct Sqs {
    client: Client,
    queue_url: String,
}

impl Sqs {
    /// The queue at that address, which may say `{provisionerId}` and `{workerType}`, by those
    /// credentials, in that region.
    #[must_use]
    pub fn new(config: &SdkConfig, queue_url: &str) -> Self {
        let limits = TimeoutConfig::builder()
            .operation_timeout(TIME_LIMIT)
            .operation_attempt_timeout(TRY_LIMIT)
            .build();
        let config = Builder::from(config)
            .timeout_config(limits)
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
            .build();
        Self { client: Client::from_conf(config), queue_url: queue_url.to_owned() }
    }

    /// The counts of a worker type's queue.
    ///
    /// # Errors
    ///
    /// If SQS does not answer, or not that.
    pub async fn counts(&self, worker_type: &str) -> Result<Counts, QueueError> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Pending,
            ApproximateNumberOfMessagesNotVisible as Claimed,
        };
        let asked = self
            .client
            .get_queue_attributes()
            .queue_url(fill(&self.queue_url, worker_type, for_url))
            .attribute_names(Pending)
            .attribute_names(Claimed);
        let answer = asked.send().await.map_err(|error| failed(&error))?;
        let count = |name: &QueueAttributeName| {
            let value = answer.attributes().and_then(|all| all.get(name));
            value.and_then(|value| value.parse().ok()).ok_or_else(|| {
                QueueError::nonsense(format!("SQS did not say a number for {}", name.as_str()))
            })
        };
        Ok(Counts { pending: count(&Pending)?, claimed: count(&Claimed)?, as_of: None })
    }
}

fn failed<E: ProvideErrorMetadata>(error: &SdkError<E>) -> QueueError {
    if let SdkError::ConstructionFailure(_) = error {
        let hint = "are there AWS credentials and a region?";
        let kind = QueueErrorKind::Unauthorized;
        return QueueError::new(kind, format!("SQS cannot be asked: {hint}"));
    }
    let Some(code) = error.code() else {
        let why = match error {
            SdkError::TimeoutError(_) => "took too long",
            SdkError::DispatchFailure(why) if why.is_other() => {
                let hint = "are there AWS credentials?";
                let kind = QueueErrorKind::Unauthorized;
                return QueueError::new(kind, format!("SQS cannot be asked: {hint}"));
            }
            SdkError::DispatchFailure(_) => "cannot be reached",
            _ => "did not answer as it should",
        };
        return QueueError::new(QueueErrorKind::Unavailable, format!("SQS {why}"));
    };
    let (kind, hint) = match code {
        "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" => {
            (QueueErrorKind::NotFound, "check the queue's `url` and region")
        }
        "AccessDenied" | "AccessDeniedException" => {
            (QueueErrorKind::Forbidden, "allow `sqs:GetQueueAttributes` on the queue")
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSecurity"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "ExpiredToken"
        | "ExpiredTokenException" => {
            (QueueErrorKind::Unauthorized, "check the AWS credentials and this machine's clock")
        }
        _ if code.contains("Throttl") => (QueueErrorKind::Unavailable, "it is asked too often"),
        _ if error.raw_response().is_some_and(|answer| answer.status().is_server_error()) => {
            (QueueErrorKind::Unavailable, "it is asked again")
        }
        _ => (QueueErrorKind::Nonsense, "check the queue's `url`"),
    };
    let said = error.message().unwrap_or("nothing more");
    QueueError::new(kind, format!("SQS answered {code} ({said}): {hint}"))
}
