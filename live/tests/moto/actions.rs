//! The API actions that are really called, and the IAM policy that allows them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use provisioner_engine::units::Time;
use provisioner_live::cloud::ec2::actions::{Action, CallLog};
use provisioner_live::cloud::ec2::survey::Named;
use provisioner_live::cloud::ec2::{Ec2, Ec2Config};
use provisioner_live::cloud::{Cloud, LaunchMethod};
use provisioner_stand_in::ec2::Proxy;
use serde_json::Value;
use strum::VariantArray;

use crate::ending::KEYS;
use crate::orders::order;
use crate::server::Moto;

/// What a launch needs and no call names, to tag what it makes and to give it its role; and what the
/// queue's source of SQS calls, which is no part of EC2 (`tests/queue/sqs.rs` holds it to that).
const UNNAMED: [&str; 3] = ["ec2:CreateTags", "iam:PassRole", "sqs:GetQueueAttributes"];

#[test]
fn the_policy_allows_what_is_called_and_nothing_more() {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("iam-policy.json");
    let policy = fs::read_to_string(policy).expect("it is there");
    let policy: Value = serde_json::from_str(&policy).expect("it is JSON");
    let mut allowed = BTreeSet::new();
    for statement in policy["Statement"].as_array().expect("statements") {
        assert_eq!(statement["Effect"], "Allow");
        match &statement["Action"] {
            Value::Array(several) => {
                allowed.extend(several.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            one => allowed.extend(one.as_str().map(str::to_owned)),
        }
    }
    let called = Action::VARIANTS.iter().map(|action| action.permission());
    let needed: BTreeSet<String> = called.chain(UNNAMED.map(str::to_owned)).collect();
    assert_eq!(allowed, needed);
}

#[test]
fn the_policy_ends_only_what_carries_our_tag() {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("iam-policy.json");
    let policy = fs::read_to_string(policy).expect("it is there");
    let policy: Value = serde_json::from_str(&policy).expect("it is JSON");
    let tag = "aws:ResourceTag/aws-provisioner:provisioner";
    let harmful = ["ec2:Terminate", "ec2:Cancel", "ec2:Delete", "ec2:Modify", "ec2:Stop"];
    for statement in policy["Statement"].as_array().expect("statements") {
        let actions = statement["Action"].to_string();
        if harmful.iter().any(|harmful| actions.contains(harmful)) {
            assert_eq!(statement["Condition"]["StringEquals"][tag], "PROVISIONER");
        }
        assert!(!actions.contains('*'), "{actions}");
    }
}

#[tokio::test]
async fn each_call_on_the_wire_is_one_that_was_told_and_all_of_them_are_used() {
    // Only the adapter speaks through it.
    let moto = Moto::start();
    let proxy = Proxy::start(moto.url()).expect("a port is free");
    let config = || Ec2Config { endpoint: Some(proxy.url()), ..moto.config("actions") };
    let told: Arc<Mutex<BTreeSet<Action>>> = Arc::default();
    let log = Arc::clone(&told);
    let log: CallLog = Arc::new(move |call| {
        log.lock().expect("no test panics while it writes").insert(call.action);
    });
    let logged = Ec2Config { log: Arc::clone(&log), ..config() };
    let ec2 = Ec2::new(logged).await.expect("moto takes any credentials");
    let region = "us-east-1";

    for (method, first) in [(LaunchMethod::RunInstances, 0), (LaunchMethod::CreateFleet, 1)] {
        let mut order = order(&moto, region, first, 1).await;
        order.template.method = method;
        let given = ec2.launch(&order).await.expect("moto has room");
        ec2.terminate(region, &given.instances[0]).await.expect("it answers");
        ec2.cancel(region, &order.label).await.expect("it answers");
    }
    let some = |name: &str| BTreeSet::from([name.to_owned()]);
    let named = Named {
        instance_types: some("c5.large"),
        images: some("ami-1"),
        security_groups: some("sg-1"),
        key_pairs: some("key"),
    };
    ec2.survey(region, &named).await.expect("it answers");
    // moto does not have these.
    ec2.quotas(region).await.expect_err("moto has no quotas of EC2");
    ec2.prices(region, &["c5.large".into()], &["Linux/UNIX".into()], Time::EPOCH)
        .await
        .expect("it answers");
    ec2.notices(region).await.expect("it answers");
    ec2.regions(&[]).await.expect("it answers");
    ec2.ensure_key_pair(region, KEYS[0]).await.expect("it is a key");
    ec2.sweep(region).await.expect("it answers");

    let sqs = moto.sqs(region);
    let queue = sqs.create_queue().queue_name("actions").send().await.expect("it is made");
    let url = queue.queue_url().expect("it has an address").to_owned();
    let event =
        r#"{"detail-type": "x", "time": "2026-11-22T10:00:00Z", "detail": {"instance-id": "i-1"}}"#;
    sqs.send_message().queue_url(&url).message_body(event).send().await.expect("it is sent");
    let notice_queues = BTreeMap::from([(region.to_owned(), url)]);
    let with_queue = Ec2Config { log, notice_queues, ..config() };
    let queued = Ec2::new(with_queue).await.expect("moto takes any credentials");
    queued.notices(region).await.expect("it answers");
    queued.notices(region).await.expect("it answers");

    let told: BTreeSet<Action> = told.lock().expect("no test panics while it writes").clone();
    // moto leaves no spot request open: cancelling one is in `tests/wire`.
    let all = Action::VARIANTS.iter().copied();
    let reachable: BTreeSet<Action> =
        all.filter(|action| *action != Action::CancelSpotInstanceRequests).collect();
    assert_eq!(told, reachable);
    let names: BTreeSet<String> = told.iter().map(|action| action.name().to_owned()).collect();
    assert_eq!(proxy.calls().into_keys().collect::<BTreeSet<_>>(), names);
}
