//! Notices that EventBridge brings to a queue.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::QueueAttributeName;
use provisioner_engine::units::Time;
use provisioner_live::cloud::ec2::{Ec2, Ec2Config};
use provisioner_live::cloud::{Cloud, Notice, NoticeKind};

use crate::server::Moto;

const REGION: &str = "us-east-1";

fn event(kind: &str, detail: &str) -> String {
    format!(
        r#"{{"version": "0", "id": "1", "detail-type": "{kind}", "source": "aws.ec2",
            "account": "1", "time": "2026-11-22T10:00:00Z", "region": "{REGION}",
            "resources": [], "detail": {detail}}}"#
    )
}

#[tokio::test]
async fn each_notice_of_the_queue_is_told_and_deleted_once_the_next_question_shows_it_was_taken() {
    let moto = Moto::shared();
    let sqs = moto.sqs(REGION);
    let queue = sqs.create_queue().queue_name("notices").send().await.expect("it is made");
    let url = queue.queue_url().expect("it has an address").to_owned();
    let mut sent = vec![
        event(
            "EC2 Spot Instance Interruption Warning",
            r#"{"instance-id": "i-1", "instance-action": "terminate"}"#,
        ),
        event("EC2 Instance Rebalance Recommendation", r#"{"instance-id": "i-2"}"#),
        event(
            "EC2 Instance State-change Notification",
            r#"{"instance-id": "i-3", "state": "shutting-down"}"#,
        ),
        event("Something New", r#"{"instance-id": "i-4"}"#),
        "not an event".to_owned(),
    ];
    // More than one batch.
    sent.extend((0..12).map(|n| {
        event("EC2 Instance Rebalance Recommendation", &format!(r#"{{"instance-id": "i-5{n}"}}"#))
    }));
    for body in &sent {
        sqs.send_message().queue_url(&url).message_body(body).send().await.expect("it is sent");
    }
    let kept = async || {
        let kinds = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = sqs.get_queue_attributes().queue_url(&url);
        let answer = request.set_attribute_names(Some(kinds.to_vec())).send().await;
        let answer = answer.expect("it answers");
        let counts = answer.attributes().expect("both").values();
        counts.map(|count| count.parse::<usize>().expect("a number")).sum::<usize>()
    };

    let notice_queues = BTreeMap::from([(REGION.to_owned(), url.clone())]);
    let config = Ec2Config { notice_queues, ..moto.config("noticed") };
    let ec2 = Ec2::new(config).await.expect("moto takes any credentials");
    let told = ec2.notices(REGION).await.expect("it answers");
    let ends_at = Time::from_ms(1_795_341_720_000);
    for (instance, what) in [
        ("i-1", NoticeKind::Interruption { ends_at }),
        ("i-2", NoticeKind::Rebalance),
        ("i-3", NoticeKind::StateChanged),
    ] {
        let notice = Notice { instance: instance.to_owned(), what };
        assert!(told.contains(&notice), "{notice:?} in {told:?}");
    }
    assert_eq!(told.len(), 15);
    assert_eq!(kept().await, sent.len(), "none is deleted before it was surely taken");
    assert_eq!(ec2.notices(REGION).await, Ok(Vec::new()));
    assert_eq!(kept().await, 0);
}
