//! A provisioner beside moto, and what it orders.

use std::sync::{Arc, Mutex};

use provisioner_engine::decision::Market;
use provisioner_engine::units::UsdPerHour;
use provisioner_live::cloud::ec2::actions::{Action, CallMade};
use provisioner_live::cloud::ec2::{Ec2, Ec2Config};
use provisioner_live::cloud::{LaunchLabel, LaunchMethod, LaunchOrder, LaunchTemplate};

use crate::server::Moto;

pub(crate) const SPOT: Market = Market::Spot { max_price: Some(UsdPerHour::from_micros(31_000)) };

/// The calls that were made.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Action>>>);

impl Calls {
    pub(crate) fn of(&self, action: Action) -> usize {
        self.all().into_iter().filter(|made| *made == action).count()
    }

    pub(crate) fn all(&self) -> Vec<Action> {
        self.0.lock().expect("no test panics while it writes").clone()
    }
}

pub(crate) async fn ec2(moto: &Moto, provisioner: &str) -> Ec2 {
    Ec2::new(moto.config(provisioner)).await.expect("moto takes any credentials")
}

/// The same, with its calls counted and small pages.
pub(crate) async fn counted(moto: &Moto, provisioner: &str, page_size: u16) -> (Ec2, Calls) {
    let calls = Calls::default();
    let made = calls.clone();
    let log = move |call: &CallMade<'_>| {
        made.0.lock().expect("no test panics while it writes").push(call.action);
    };
    let config = Ec2Config { page_size, log: Arc::new(log), ..moto.config(provisioner) };
    (Ec2::new(config).await.expect("moto takes any credentials"), calls)
}

/// An order for the first zone of a region, with an image that is there.
pub(crate) async fn order(moto: &Moto, region: &str, first: u64, count: u32) -> LaunchOrder {
    let zone = format!("{region}a");
    LaunchOrder {
        label: LaunchLabel { era: "e1".to_owned(), first },
        count,
        worker_type: "proj/ci".to_owned(),
        region: region.to_owned(),
        instance_type: "c5.large".to_owned(),
        market: Market::OnDemand,
        template: LaunchTemplate {
            method: LaunchMethod::RunInstances,
            image: moto.image(region).await,
            subnet: Some(moto.subnet(region, &zone).await),
            user_data: Some("a secret".to_owned()),
            tags: vec![("team".to_owned(), "build".to_owned())],
            ..LaunchTemplate::default()
        },
        zone,
    }
}
