//! The same sequences with what listings and feeds show besides: any instance under any label.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use provisioner_engine::decision::Market;
use provisioner_engine::ids::{InstanceId, PoolId};
use provisioner_engine::observation::Observation;

use crate::steps::{Call, Step, gaps, launches, observations, times, worker_types};

fn instances() -> impl Strategy<Value = InstanceId> {
    launches().prop_map(|launch| InstanceId(launch.0))
}

/// An instance with any labels, be they those of others, or of nobody.
fn found() -> impl Strategy<Value = Observation> {
    let labels = (option::of(launches()), option::of(worker_types()));
    let pool = option::of((0..4_usize).prop_map(PoolId::new));
    let market = prop_oneof![
        3 => Just(Market::Spot { max_price: None }),
        1 => Just(Market::OnDemand),
    ];
    (instances(), labels, pool, market, times()).prop_map(
        |(instance, (launch, worker_type), pool, market, launched)| Observation::InstanceFound {
            instance,
            launch,
            worker_type,
            pool,
            market,
            launched,
        },
    )
}

fn listed() -> impl Strategy<Value = Observation> {
    prop_oneof![
        3 => found(),
        2 => (launches(), times())
            .prop_map(|(launch, as_of)| Observation::InstanceMissed { launch, as_of }),
        1 => instances().prop_map(|instance| Observation::StrayEnded { instance }),
        1 => launches().prop_map(|launch| Observation::RebalanceRecommended { launch }),
        1 => times().prop_map(|as_of| Observation::PricesRead { as_of }),
    ]
}

pub(crate) fn all_steps() -> impl Strategy<Value = Vec<Step>> {
    let call = prop_oneof![
        4 => observations().prop_map(Call::Observe),
        2 => listed().prop_map(Call::Observe),
        1 => Just(Call::Decide),
    ];
    vec((gaps(), call), 1..150)
}
