//! Launches, and what ends them.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{HttpTokensState, ResourceType};
use provisioner_engine::decision::Market;
use provisioner_engine::inventory::State;
use provisioner_engine::observation::{EndCause, Refusal};
use provisioner_live::cloud::ec2::actions::Action;
use provisioner_live::cloud::{
    CallErrorKind, Cloud, LaunchLabel, LaunchMethod, LaunchTemplate, Terminated,
};

use crate::orders::{SPOT, counted, ec2, order};
use crate::server::Moto;

const OURS: &str = "aws-provisioner:provisioner";
const METHODS: [LaunchMethod; 2] = [LaunchMethod::RunInstances, LaunchMethod::CreateFleet];

#[tokio::test]
async fn what_is_launched_in_three_regions_is_what_moto_has_and_what_is_listed() {
    let moto = Moto::shared();
    let ec2 = ec2(&moto, "launched").await;
    for region in ["us-east-1", "eu-central-1", "ap-southeast-2"] {
        let (mut launched, mut first) = (BTreeSet::new(), 0);
        for method in METHODS {
            for market in [SPOT, Market::OnDemand] {
                let mut order = order(&moto, region, first, 3).await;
                order.market = market;
                order.template.method = method;
                let given = ec2.launch(&order).await.expect("moto has room");
                assert_eq!((given.instances.len(), given.short), (3, None), "{method:?}");
                let found = ec2.find(region, &order.label).await.expect("it answers");
                assert_eq!(found.len(), 3);
                for (n, instance) in given.instances.iter().enumerate() {
                    let row = found.iter().find(|row| row.instance == *instance).expect("found");
                    let numbered = method == LaunchMethod::RunInstances;
                    assert_eq!(row.index, numbered.then_some(u32::try_from(n).expect("small")));
                    assert_eq!(row.label, Some(LaunchLabel { era: "e1".into(), first }));
                    assert_eq!(row.worker_type.as_deref(), Some("proj/ci"));
                    assert_eq!(row.zone.as_deref(), Some(format!("{region}a").as_str()));
                    assert_eq!(row.instance_type, "c5.large");
                    assert_eq!(row.spot, market == SPOT);
                    assert_eq!(row.state, State::Running);
                }
                launched.extend(given.instances);
                first += 3;
            }
        }
        let alive: BTreeSet<String> =
            moto.alive(region, OURS, "launched").await.into_iter().collect();
        assert_eq!(alive, launched);
        let listed = ec2.list(region).await.expect("it answers");
        let listed: BTreeSet<String> = listed.into_iter().map(|row| row.instance).collect();
        assert_eq!(listed, launched);
    }
}

#[tokio::test]
async fn instances_and_their_volumes_are_tagged_by_the_launch_itself() {
    let moto = Moto::shared();
    let ec2 = ec2(&moto, "tagged").await;
    for (method, first) in METHODS.into_iter().zip([0, 1]) {
        let mut order = order(&moto, "us-west-2", first, 1).await;
        order.template.method = method;
        order.template.tags.push((OURS.to_owned(), "somebody else".to_owned()));
        order.template.root_volume_gib = Some(33);
        let given = ec2.launch(&order).await.expect("moto has room");
        let one = moto.client("us-west-2").describe_instances().instance_ids(&given.instances[0]);
        let one = one.send().await.expect("moto has it");
        let instance = &one.reservations()[0].instances()[0];
        for (key, value) in [
            (OURS, "tagged"),
            ("aws-provisioner:worker-type", "proj/ci"),
            ("aws-provisioner:launch", &format!("e1-{first}")),
            ("Name", "proj/ci"),
            ("team", "build"),
        ] {
            let tag = instance.tags().iter().find(|tag| tag.key() == Some(key));
            assert_eq!(tag.and_then(|tag| tag.value()), Some(value), "{method:?}");
        }
        if method == LaunchMethod::RunInstances {
            // moto neither hands these on from launch templates nor tags a fleet's volumes.
            let options = instance.metadata_options().and_then(|it| it.http_tokens());
            assert_eq!(options, Some(&HttpTokensState::Required));
            let volumes = moto.client("us-west-2").describe_volumes().send().await;
            let volumes = volumes.expect("it answers");
            let mut sizes = volumes.volumes().iter().filter(|volume| {
                let mut tags = volume.tags().iter();
                tags.any(|tag| tag.key() == Some(OURS) && tag.value() == Some("tagged"))
            });
            assert_eq!(sizes.next().and_then(|volume| volume.size()), Some(33));
        }
    }
    let tags = moto.client("us-west-2").describe_tags().send().await.expect("it answers");
    let templates = tags.tags().iter().filter(|tag| {
        tag.resource_type() == Some(&ResourceType::LaunchTemplate) && tag.value() == Some("tagged")
    });
    assert!(templates.count() > 0, "the launch template is ours too");
}

#[tokio::test]
async fn hundreds_of_instances_are_listed_over_many_pages() {
    let moto = Moto::start();
    let (ec2, calls) = counted(&moto, "hundreds", 20).await;
    let mut launched = BTreeSet::new();
    for first in (0..300).step_by(50) {
        // Each instance of a spot fleet is a row of its own in moto's pages.
        let mut order = order(&moto, "us-east-1", first, 50).await;
        order.template.method = LaunchMethod::CreateFleet;
        order.market = SPOT;
        launched.extend(ec2.launch(&order).await.expect("moto has room").instances);
    }
    assert_eq!(launched.len(), 300);
    let listed = ec2.list("us-east-1").await.expect("it answers");
    assert_eq!(calls.of(Action::DescribeInstances), 15);
    assert_eq!(calls.of(Action::CreateLaunchTemplate), 1, "equal content is one template");
    assert_eq!(listed.into_iter().map(|row| row.instance).collect::<BTreeSet<_>>(), launched);
}

#[tokio::test]
async fn what_is_not_ours_or_not_there_is_left_alone() {
    let moto = Moto::shared();
    let region = "eu-west-1";
    let (ours, theirs) = (ec2(&moto, "ours").await, ec2(&moto, "theirs").await);
    let mine = ours.launch(&order(&moto, region, 0, 1).await).await.expect("room").instances;
    let foreign = theirs.launch(&order(&moto, region, 0, 1).await).await.expect("room").instances;

    assert_eq!(ours.terminate(region, &foreign[0]).await, Ok(Terminated::NotOurs));
    assert_eq!(moto.alive(region, OURS, "theirs").await, foreign);
    let unknown = "i-00000000000000000";
    assert_eq!(ours.terminate(region, unknown).await, Ok(Terminated::Missing));
    assert_eq!(ours.terminate(region, &mine[0]).await, Ok(Terminated::Ordered));
    assert_eq!(ours.terminate(region, &mine[0]).await, Ok(Terminated::Already));
    assert_eq!(moto.alive(region, OURS, "ours").await, Vec::<String>::new());

    let listed = ours.list(region).await.expect("it answers");
    let states: Vec<State> = listed.iter().map(|row| row.state).collect();
    assert_eq!(states, [State::Terminated(EndCause::Provisioner)]);
    let label = LaunchLabel { era: "e1".to_owned(), first: 0 };
    assert_eq!(ours.cancel(region, &label).await, Ok(0), "nothing stays open here");
}

#[tokio::test]
async fn a_launch_with_something_unusable_is_refused_for_that() {
    let moto = Moto::shared();
    let ec2 = ec2(&moto, "refused").await;
    let good = order(&moto, "us-east-2", 0, 1).await;
    let text = |text: &str| Some(text.to_owned());
    let unusable = Refusal::ImageUnusable;
    let cases: [(&str, Refusal, LaunchTemplate); 4] = [
        (
            "InvalidAMIID.NotFound",
            unusable,
            LaunchTemplate { image: "ami-0000000000000dead".into(), ..good.template.clone() },
        ),
        (
            "InvalidKeyPair.NotFound",
            unusable,
            LaunchTemplate { key_pair: text("nobody's"), ..good.template.clone() },
        ),
        (
            "InvalidSubnetID.NotFound",
            unusable,
            LaunchTemplate { subnet: text("subnet-0000dead"), ..good.template.clone() },
        ),
        (
            "InvalidGroup.NotFound",
            unusable,
            LaunchTemplate { security_groups: vec!["sg-0000dead".into()], ..good.template.clone() },
        ),
    ];
    for (code, refusal, template) in cases {
        let bad = provisioner_live::cloud::LaunchOrder { template, ..good.clone() };
        let error = ec2.launch(&bad).await.expect_err(code);
        assert_eq!((error.code.as_str(), error.kind), (code, CallErrorKind::Refused(refusal)));
        assert!(error.message.contains("each region has its own"), "{error}");
        assert!(!error.to_string().contains("a secret"), "{error}");
    }
    let mut bad = good.clone();
    bad.instance_type = "c99.huge".to_owned();
    let error = ec2.launch(&bad).await.expect_err("no such type");
    assert_eq!(error.code, "InvalidInstanceType.NotFound");
    assert_eq!(error.kind, CallErrorKind::Refused(Refusal::Rejected));
    assert_eq!(moto.alive("us-east-2", OURS, "refused").await, Vec::<String>::new());
}
