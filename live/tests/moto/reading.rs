//! What is read: prices, and what a region has.

use provisioner_engine::units::{Time, UsdPerHour};
use provisioner_live::cloud::ec2::actions::Action;
use provisioner_live::cloud::ec2::survey::Named;
use provisioner_live::cloud::ec2::sweep::Remains;
use provisioner_live::cloud::{Cloud, LaunchMethod, LaunchTemplate};

use crate::orders::{counted, ec2, order};
use crate::server::Moto;

#[tokio::test]
async fn prices_are_told_for_each_zone_and_type_that_was_asked_for_only() {
    let moto = Moto::shared();
    let ec2 = ec2(&moto, "prices").await;
    let types = ["c5.large".to_owned(), "m5.large".to_owned()];
    let products = ["Linux/UNIX".to_owned()];
    let since = Time::from_ms(1_700_000_000_000);
    let rows = ec2.prices("eu-central-1", &types, &products, since).await.expect("it answers");
    let mut pools: Vec<(&str, &str)> =
        rows.iter().map(|row| (row.zone.as_str(), row.instance_type.as_str())).collect();
    pools.sort_unstable();
    assert_eq!(
        pools,
        [
            ("eu-central-1a", "c5.large"),
            ("eu-central-1a", "m5.large"),
            ("eu-central-1b", "c5.large"),
            ("eu-central-1b", "m5.large"),
            ("eu-central-1c", "c5.large"),
            ("eu-central-1c", "m5.large"),
        ]
    );
    // moto's one price, of one moment long ago: what held when it was asked for.
    assert!(rows.iter().all(|row| row.price == UsdPerHour::from_micros(10)));
    assert!(rows.iter().all(|row| row.product == "Linux/UNIX" && row.since < since));
    assert_eq!(ec2.prices("eu-central-1", &[], &products, since).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_survey_says_all_that_would_be_refused_about_an_order() {
    let moto = Moto::shared();
    let region = "us-east-1";
    let (ec2, calls) = counted(&moto, "survey", 50).await;
    let good = order(&moto, region, 0, 1).await;
    let subnet = good.template.subnet.clone();
    let client = moto.client(region);
    let network = client.create_vpc().cidr_block("10.9.0.0/16").send().await.expect("it is made");
    let other_vpc = network.vpc().and_then(|vpc| vpc.vpc_id()).expect("it has an id").to_owned();
    let group = client.create_security_group().vpc_id(&other_vpc).group_name("other");
    let group = group.description("of another network").send().await.expect("it is made");
    let group = group.group_id().expect("it has an id").to_owned();

    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let named = Named {
        instance_types: set(&["c5.large", "m6g.large", "c99.huge"]),
        images: set(&[&good.template.image, "ami-0000dead"]),
        security_groups: set(&[&group, "sg-0000dead"]),
        key_pairs: set(&["nobody's"]),
    };
    let survey = ec2.survey(region, &named).await.expect("it answers");
    assert_eq!(survey.instance_types["c5.large"].vcpus, 2);
    assert!(calls.of(Action::DescribeInstanceTypeOfferings) > 0);
    assert_eq!(survey.problems(&good), Vec::<String>::new());
    assert_eq!(ec2.dry_run(&good).await, Ok(()));
    let mut fleet = good.clone();
    fleet.template.method = LaunchMethod::CreateFleet;
    assert_eq!(ec2.dry_run(&fleet).await, Ok(()));
    assert_eq!(ec2.remains(region).await, Ok(Remains::default()), "a dry run makes nothing");
    assert_eq!(moto.alive(region, "aws-provisioner:provisioner", "survey").await.len(), 0);

    let ours = &survey.subnets[subnet.as_ref().expect("it has one")].vpc;
    let mut bad = good.clone();
    bad.instance_type = "m6g.large".to_owned();
    bad.zone = "us-east-1e".to_owned();
    bad.template.security_groups = vec![group.clone(), "sg-0000dead".to_owned()];
    bad.template.key_pair = Some("nobody's".to_owned());
    let image = &good.template.image;
    let subnet = subnet.expect("it has one");
    assert_eq!(
        survey.problems(&bad),
        [
            "m6g.large is not offered in us-east-1e".to_owned(),
            format!("{image} is for x86_64, m6g.large runs arm64"),
            format!("{subnet} is in us-east-1a, not in us-east-1e"),
            format!("{group} is of {other_vpc}, the subnet of {ours}"),
            "sg-0000dead is not a security group of us-east-1".to_owned(),
            "nobody's is not a key pair of us-east-1".to_owned(),
        ]
    );
    bad.instance_type = "c99.huge".to_owned();
    bad.zone = "us-east-1z".to_owned();
    bad.template = LaunchTemplate {
        image: "ami-0000dead".to_owned(),
        subnet: Some("subnet-0000dead".to_owned()),
        user_data: Some("x".repeat(16_385)),
        ..LaunchTemplate::default()
    };
    assert_eq!(
        survey.problems(&bad),
        [
            "us-east-1z is not a zone of us-east-1: us-east-1a, us-east-1b, us-east-1c, us-east-1d, \
             us-east-1e, us-east-1f",
            "c99.huge is not an instance type of us-east-1",
            "ami-0000dead is not in us-east-1, or not open to this account",
            "subnet-0000dead is not a subnet of us-east-1",
            "user data of 16385 bytes: EC2 takes 16384",
        ]
    );
}
