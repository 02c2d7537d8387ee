//! SQS, as far as the daemon asks it.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use provisioner_live::queue::sqs::Sqs;
use provisioner_live::queue::{Counts, QueueErrorKind};
use provisioner_stand_in::ec2::Moto;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ca::Ca;
use super::served::Served;
use super::{WORKER_TYPE, assert_failed};

fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIDTEST", "hunter2", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

async fn ask(served: &Served) -> Result<Counts, provisioner_live::queue::QueueError> {
    let sqs = Sqs::new(&config(&served.url), "https://sqs/1/tasks-{workerType}");
    sqs.counts(WORKER_TYPE).await
}

fn error(code: &str) -> String {
    json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": "no" }).to_string()
}

#[tokio::test]
async fn visible_messages_wait_and_invisible_ones_are_held() {
    let attributes = json!({
        "ApproximateNumberOfMessages": "7",
        "ApproximateNumberOfMessagesNotVisible": "3",
    });
    let served = Served::saying(200, &json!({ "Attributes": attributes }).to_string()).await;
    assert_eq!(ask(&served).await, Ok(Counts { pending: 7, claimed: 3, as_of: None }));
    let asked = &served.asked()[0];
    assert_eq!(asked.headers["x-amz-target"], "AmazonSQS.GetQueueAttributes");
    let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
    assert_eq!(body["QueueUrl"], "https://sqs/1/tasks-ci");
}

#[tokio::test]
async fn an_attribute_that_is_missing_is_not_zero() {
    let attributes = json!({ "ApproximateNumberOfMessages": "7" });
    let served = Served::saying(200, &json!({ "Attributes": attributes }).to_string()).await;
    let says = "ApproximateNumberOfMessagesNotVisible";
    assert_failed(ask(&served).await, QueueErrorKind::Nonsense, says);
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    for (status, code, kind, says, tries) in [
        (400, "QueueDoesNotExist", QueueErrorKind::NotFound, "check the queue's `url`", 1),
        (403, "AccessDenied", QueueErrorKind::Forbidden, "allow `sqs:GetQueueAttributes`", 1),
        (403, "InvalidClientTokenId", QueueErrorKind::Unauthorized, "credentials", 1),
        (403, "ExpiredToken", QueueErrorKind::Unauthorized, "clock", 1),
        (400, "InvalidParameterValue", QueueErrorKind::Nonsense, "check the queue's `url`", 1),
        (400, "ThrottlingException", QueueErrorKind::Unavailable, "too often", 3),
        (500, "InternalError", QueueErrorKind::Unavailable, "asked again", 3),
    ] {
        let served = Served::saying(status, &error(code)).await;
        assert_failed(ask(&served).await, kind, says);
        assert_eq!(served.asked().len(), tries, "{code}");
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let served = Served::saying(200, "").await;
    let url = served.url.clone();
    drop(served);
    let sqs = Sqs::new(&config(&url), "https://sqs/1/tasks");
    assert_failed(
        sqs.counts(WORKER_TYPE).await,
        QueueErrorKind::Unavailable,
        "SQS cannot be reached",
    );
}

#[tokio::test]
async fn without_credentials_nothing_is_asked() {
    let served = Served::saying(200, "").await;
    let config = config(&served.url).into_builder();
    let mut config = config;
    config.set_credentials_provider(None);
    let sqs = Sqs::new(&config.build(), "https://sqs/1/tasks");
    assert_failed(sqs.counts(WORKER_TYPE).await, QueueErrorKind::Unauthorized, "AWS credentials");
    assert_eq!(served.asked().len(), 0);
}

#[tokio::test]
async fn somebody_elses_sqs_counts_as_it_is_read_here() {
    let moto = Moto::start().expect("moto's server starts");
    let config = config(moto.url());
    let client = Client::new(&config);
    let created = client.create_queue().queue_name("tasks-ci").send().await.expect("it is made");
    let url = created.queue_url().expect("it has an address");
    for _ in 0..5 {
        client.send_message().queue_url(url).message_body("x").send().await.expect("it is sent");
    }
    let taken = client.receive_message().queue_url(url).max_number_of_messages(2);
    let taken = taken.send().await.expect("it is there").messages().len();
    let sqs = Sqs::new(&config, &url.replace("tasks-ci", "tasks-{workerType}"));
    let claimed = u32::try_from(taken).expect("a few");
    let counts = Counts { pending: 5 - claimed, claimed, as_of: None };
    assert_eq!(sqs.counts(WORKER_TYPE).await, Ok(counts));
    assert_failed(sqs.counts("proj/other").await, QueueErrorKind::NotFound, "check the queue's");
}

#[tokio::test]
async fn who_has_a_certificate_that_the_system_does_not_trust_is_told_nothing() {
    let folder = TempDir::new().expect("a folder");
    let identity = Ca::new("somebody else").signs(folder.path(), "127.0.0.1");
    let served = Served::encrypted(&identity, 200, "{}").await;
    assert_failed(ask(&served).await, QueueErrorKind::Unavailable, "cannot be reached");
    assert!(served.asked().is_empty());
}
