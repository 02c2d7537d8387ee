//! What is asked of EC2, field by field.

use std::collections::BTreeSet;

use provisioner_engine::decision::Market;
use provisioner_engine::observation::Refusal;
use provisioner_live::cloud::{Cloud, LaunchMethod, LaunchOrder, Launched};

use crate::order;
use crate::server::{Answer, Request, Server};

const ONE: &str = "<instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>";

async fn asked(order: &LaunchOrder) -> Request {
    let server = Server::start(|request| match request.action.as_str() {
        "RunInstances" => Answer::of("RunInstances", ONE),
        "CreateFleet" => Answer::of(
            "CreateFleet",
            "<fleetInstanceSet><item><instanceIds><item>i-1</item></instanceIds></item></fleetInstanceSet>",
        ),
        other => Answer::of(other, ""),
    });
    server.ec2().await.launch(order).await.expect("it is launched");
    server.asked().pop().expect("it was asked")
}

#[tokio::test]
async fn a_spot_launch_ends_with_its_instance_and_is_tagged_with_its_request() {
    let request = asked(&order(LaunchMethod::RunInstances)).await;
    for (name, value) in [
        ("MinCount", "1"),
        ("MaxCount", "3"),
        ("ImageId", "ami-1"),
        ("InstanceType", "c5.large"),
        ("Placement.AvailabilityZone", "us-east-1a"),
        ("InstanceInitiatedShutdownBehavior", "terminate"),
        ("MetadataOptions.HttpTokens", "required"),
        ("InstanceMarketOptions.MarketType", "spot"),
        ("InstanceMarketOptions.SpotOptions.MaxPrice", "1.031000"),
        ("InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time"),
        ("InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior", "terminate"),
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.2.ResourceType", "volume"),
        ("TagSpecification.3.ResourceType", "spot-instances-request"),
        ("TagSpecification.3.Tag.1.Key", "aws-provisioner:provisioner"),
        ("TagSpecification.3.Tag.1.Value", "prod"),
        ("TagSpecification.3.Tag.2.Value", "proj/ci"),
        ("TagSpecification.3.Tag.3.Value", "e1-7"),
        ("UserData", "dGhlIHBhc3N3b3JkIGlzIHh5enp5"),
    ] {
        assert_eq!(request.field(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn each_request_says_that_it_is_ours() {
    let request = asked(&order(LaunchMethod::RunInstances)).await;
    assert!(request.user_agent.contains("app/aws-provisioner"), "{}", request.user_agent);
}

#[tokio::test]
async fn what_a_template_names_is_asked_for_by_name() {
    let mut order = order(LaunchMethod::RunInstances);
    order.template.subnet = Some("subnet-1".to_owned());
    order.template.security_groups = vec!["sg-1".to_owned(), "sg-2".to_owned()];
    order.template.key_pair = Some("key".to_owned());
    for (profile, field) in [("workers", "Name"), ("arn:aws:iam::1:instance-profile/w", "Arn")] {
        order.template.instance_profile = Some(profile.to_owned());
        let request = asked(&order).await;
        for (name, value) in [
            ("SubnetId", Some("subnet-1")),
            // The subnet says which zone.
            ("Placement.AvailabilityZone", None),
            ("SecurityGroupId.1", Some("sg-1")),
            ("SecurityGroupId.2", Some("sg-2")),
            ("KeyName", Some("key")),
            (&format!("IamInstanceProfile.{field}"), Some(profile)),
        ] {
            assert_eq!(request.field(name), value, "{name}");
        }
    }
}

#[tokio::test]
async fn an_on_demand_launch_says_nothing_of_spot() {
    for method in [LaunchMethod::RunInstances, LaunchMethod::CreateFleet] {
        let order = LaunchOrder { market: Market::OnDemand, ..order(method) };
        let request = asked(&order).await;
        let text = format!("{:?}", request.fields).to_lowercase();
        assert!(!text.contains("spot"), "{text}");
    }
    let order = LaunchOrder {
        market: Market::Spot { max_price: None },
        ..order(LaunchMethod::RunInstances)
    };
    let request = asked(&order).await;
    assert_eq!(request.field("InstanceMarketOptions.SpotOptions.MaxPrice"), None);
}

#[tokio::test]
async fn a_fleet_asks_for_one_pool_at_once() {
    let request = asked(&order(LaunchMethod::CreateFleet)).await;
    let pool = "LaunchTemplateConfigs.1.Overrides.1.";
    for (name, value) in [
        ("Type", "instant"),
        ("TargetCapacitySpecification.TotalTargetCapacity", "3"),
        ("TargetCapacitySpecification.DefaultTargetCapacityType", "spot"),
        (&format!("{pool}InstanceType"), "c5.large"),
        (&format!("{pool}AvailabilityZone"), "us-east-1a"),
        (&format!("{pool}MaxPrice"), "1.031000"),
    ] {
        assert_eq!(request.field(name), Some(value), "{name}");
    }
    let mut kinds = request.fields.iter().filter(|(name, _)| name.ends_with("ResourceType"));
    let kinds: BTreeSet<&str> = kinds.by_ref().map(|(_, value)| value.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["fleet", "instance", "volume"]));
}

async fn token(order: &LaunchOrder) -> String {
    asked(order).await.field("ClientToken").expect("it has one").to_owned()
}

#[tokio::test]
async fn a_token_is_the_calls_own_and_its_zones() {
    let order = order(LaunchMethod::RunInstances);
    let first = token(&order).await;
    assert!(first.len() <= 64 && first.is_ascii());
    let (mut zone, mut launch, mut era) = (order.clone(), order.clone(), order.clone());
    zone.zone = "us-east-1b".to_owned();
    launch.label.first = 8;
    era.label.era = "e2".to_owned();
    for other in [zone, launch, era] {
        assert_ne!(token(&other).await, first, "{other:?}");
    }
}

#[tokio::test]
async fn a_call_made_again_with_other_settings_has_the_same_token_so_that_ec2_refuses_it() {
    let order = order(LaunchMethod::RunInstances);
    let first = token(&order).await;
    let (mut subnet, mut image, mut count) = (order.clone(), order.clone(), order.clone());
    subnet.template.subnet = Some("subnet-1".to_owned());
    image.template.image = "ami-2".to_owned();
    count.count = 2;
    for again in [order, subnet, image, count] {
        assert_eq!(token(&again).await, first, "{again:?}");
    }
}

#[tokio::test]
async fn what_was_launched_stands_in_the_order_of_its_index_then_its_id() {
    let item = |id: &str, index: u32| {
        format!(
            "<item><instanceId>{id}</instanceId><amiLaunchIndex>{index}</amiLaunchIndex></item>"
        )
    };
    let items = [item("i-a", 2), item("i-c", 0), item("i-b", 1)].concat();
    let server = Server::start(move |_| {
        Answer::of("RunInstances", &format!("<instancesSet>{items}</instancesSet>"))
    });
    let given = server.ec2().await.launch(&order(LaunchMethod::RunInstances)).await;
    let instances = ["i-c", "i-b", "i-a"].map(str::to_owned).to_vec();
    assert_eq!(given, Ok(Launched { instances, short: None }));
}

#[tokio::test]
async fn fewer_than_asked_for_is_a_pool_that_ran_dry() {
    let server = Server::start(|_| Answer::of("RunInstances", ONE));
    let given = server.ec2().await.launch(&order(LaunchMethod::RunInstances)).await;
    let (refusal, said) = given.expect("one was given").short.expect("two were not");
    assert_eq!(refusal, Refusal::InsufficientCapacity);
    assert_eq!(said, "EC2 gave 1 of 3 instances");
}
