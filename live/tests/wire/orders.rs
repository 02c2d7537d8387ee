//! What is ordered in these tests.

#![allow(dead_code, reason = "each test program uses its own part of it")]

use provisioner_engine::decision::Market;
use provisioner_engine::units::UsdPerHour;
use provisioner_live::cloud::{LaunchLabel, LaunchMethod, LaunchOrder, LaunchTemplate};

pub(crate) const REGION: &str = "us-east-1";

/// An order for three spot instances.
pub(crate) fn order(method: LaunchMethod) -> LaunchOrder {
    LaunchOrder {
        label: LaunchLabel { era: "e1".to_owned(), first: 7 },
        count: 3,
        worker_type: "proj/ci".to_owned(),
        region: REGION.to_owned(),
        zone: "us-east-1a".to_owned(),
        instance_type: "c5.large".to_owned(),
        market: Market::Spot { max_price: Some(UsdPerHour::from_micros(1_031_000)) },
        template: LaunchTemplate {
            method,
            image: "ami-1".to_owned(),
            user_data: Some("the password is xyzzy".to_owned()),
            ..LaunchTemplate::default()
        },
    }
}
