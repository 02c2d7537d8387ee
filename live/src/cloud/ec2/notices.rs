//! What EC2 announces about our instances.
//!
//! Where there is an SQS queue, EventBridge brings EC2's events there. They are about all instances
//! of the account, and told as they are. A message is deleted once the next question shows that its
//! notice was taken; one that was not comes again.
//!
//! Elsewhere spot requests are looked at: their status says that an instance will be, or was, taken
//! back. That is told once of each instance.
//!
//! Source: EC2 User Guide, "Spot Instance interruption notices", "Spot request status".

use std::collections::BTreeSet;

use aws_sdk_ec2::types::SpotInstanceRequest;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use jiff::Timestamp;
use provisioner_engine::units::{Duration, Time};
use serde::Deserialize;

use super::actions::Action;
use super::{Ec2, filter, lock, unreadable};
use crate::cloud::{CallError, Notice, NoticeKind};

/// From the notice to the end.
const NOTICE_LEAD: Duration = Duration::from_mins(2);

/// SQS gives and deletes so many at once.
const BATCH: i32 = 10;

/// Most batches of one question: the rest is there at the next one.
const BATCHES_MAX: u32 = 20;

/// How long SQS hides a message that was told: longer than from one question to the next.
const HIDDEN_SECS: i32 = 300;

/// The status codes of spot requests whose instances are taken back, or were.
const TAKEN_BACK: [&str; 7] = [
    "marked-for-termination",
    "instance-terminated-no-capacity",
    "instance-terminated-by-price",
    "instance-terminated-capacity-oversubscribed",
    "instance-terminated-launch-group-constraint",
    "instance-terminated-by-schedule",
    "instance-terminated-by-service",
];

/// What was told of a region.
#[derive(Default)]
pub(super) struct Told {
    /// Messages, to be deleted at the next question.
    receipts: Vec<String>,
    /// Instances whose end was told, as far as their spot requests still show it.
    instances: BTreeSet<String>,
}

impl Ec2 {
    pub(super) async fn queued_notices(
        &self,
        region: &str,
        queue: &str,
    ) -> Result<Vec<Notice>, CallError> {
        self.delete_told(region, queue).await?;
        let (mut notices, mut receipts) = (Vec::new(), Vec::new());
        for _ in 0..BATCHES_MAX {
            let request = self.clients(region).sqs.receive_message().queue_url(queue);
            let request = request.max_number_of_messages(BATCH).visibility_timeout(HIDDEN_SECS);
            let answer = self.call(region, Action::ReceiveMessage, request.send()).await?;
            if answer.messages().is_empty() {
                break;
            }
            for message in answer.messages() {
                notices.extend(message.body().and_then(notice));
                receipts.extend(message.receipt_handle().map(str::to_owned));
            }
        }
        lock(&self.notices).entry(region.to_owned()).or_default().receipts = receipts;
        Ok(notices)
    }

    /// Looks whether the region's queue can be read, if it has one, and leaves what is in it.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub async fn sees_notices(&self, region: &str) -> Result<(), CallError> {
        let Some(queue) = self.config.notice_queues.get(region) else { return Ok(()) };
        let request = self.clients(region).sqs.receive_message().queue_url(queue);
        let request = request.max_number_of_messages(1).visibility_timeout(0);
        self.call(region, Action::ReceiveMessage, request.send()).await.map(drop)
    }

    /// Deletes the messages that the last question was answered with.
    async fn delete_told(&self, region: &str, queue: &str) -> Result<(), CallError> {
        loop {
            let receipts = lock(&self.notices).get(region).map(|told| told.receipts.clone());
            let receipts = receipts.unwrap_or_default();
            let Some(some) = receipts.chunks(BATCH.unsigned_abs() as usize).next() else {
                return Ok(());
            };
            let entries = some.iter().enumerate().map(|(place, receipt)| {
                let entry = DeleteMessageBatchRequestEntry::builder().receipt_handle(receipt);
                entry.id(place.to_string()).build().map_err(|error| unreadable(error.to_string()))
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let request = self.clients(region).sqs.delete_message_batch().queue_url(queue);
            let request = request.set_entries(Some(entries));
            // One that is not deleted comes again: at least once is what is promised.
            self.call(region, Action::DeleteMessageBatch, request.send()).await?;
            lock(&self.notices).entry(region.to_owned()).or_default().receipts.drain(..some.len());
        }
    }

    pub(super) async fn polled_notices(&self, region: &str) -> Result<Vec<Notice>, CallError> {
        let request = self.clients(region).read.describe_spot_instance_requests();
        let request = request
            .set_filters(Some(vec![self.ours(), filter("status-code", TAKEN_BACK)]))
            .max_results(self.page_size());
        let taken_back: Vec<Notice> =
            all_rows!(self, region, DescribeSpotInstanceRequests, request, spot_instance_requests)?
                .iter()
                .filter_map(taken_back)
                .collect();
        let shown = taken_back.iter().map(|notice| notice.instance.clone()).collect();
        let mut notices = lock(&self.notices);
        let told = notices.entry(region.to_owned()).or_default();
        let before = std::mem::replace(&mut told.instances, shown);
        Ok(taken_back.into_iter().filter(|it| !before.contains(&it.instance)).collect())
    }
}

fn taken_back(request: &SpotInstanceRequest) -> Option<Notice> {
    let since = request.status()?.update_time()?.to_millis().ok()?;
    let ends_at = Time::from_ms(since).saturating_add(NOTICE_LEAD);
    let instance = request.instance_id()?.to_owned();
    Some(Notice { instance, what: NoticeKind::Interruption { ends_at } })
}

/// An event as EventBridge brings it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Event {
    detail_type: String,
    time: String,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    instance_id: String,
    instance_action: Option<String>,
}

/// What a message says, if it says anything of an instance.
fn notice(body: &str) -> Option<Notice> {
    let Event { detail_type, time, detail } = serde_json::from_str(body).ok()?;
    let at = Time::from_ms(time.parse::<Timestamp>().ok()?.as_millisecond());
    let what = match detail_type.as_str() {
        "EC2 Spot Instance Interruption Warning" => {
            // An instance that hibernates begins to at once.
            let now = detail.instance_action.as_deref() == Some("hibernate");
            let lead = if now { Duration::ZERO } else { NOTICE_LEAD };
            NoticeKind::Interruption { ends_at: at.saturating_add(lead) }
        }
        "EC2 Instance Rebalance Recommendation" => NoticeKind::Rebalance,
        "EC2 Instance State-change Notification" => NoticeKind::StateChanged,
        _ => return None,
    };
    Some(Notice { instance: detail.instance_id, what })
}
