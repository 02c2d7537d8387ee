//! Sequences of facts and turns, in any order, doubled, late or false: about six worker types and four
//! pools. Facts are drawn about few of everything, so that they meet often; launches that were never
//! issued are among them.

use proptest::collection::vec;
use proptest::prelude::*;
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, RegionId, WorkerTypeId};
use provisioner_engine::observation::{EndCause, Observation, Refusal};
use provisioner_engine::units::{Duration, Time, UsdPerHour};

/// One call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Observe(Observation),
    Decide,
}

/// A call and how much later than the one before.
pub(crate) type Step = (Duration, Call);

pub(crate) fn worker_types() -> impl Strategy<Value = WorkerTypeId> {
    (0..6_usize).prop_map(WorkerTypeId::new)
}

pub(crate) fn launches() -> impl Strategy<Value = LaunchId> {
    (0..60_u64).prop_map(LaunchId)
}

/// Around the times that the steps cover, so some lie before them and some after.
pub(crate) fn times() -> impl Strategy<Value = Time> {
    (-20_i64..60).prop_map(|minutes| Time::EPOCH + Duration::from_mins(minutes))
}

pub(crate) fn observations() -> impl Strategy<Value = Observation> {
    let cause = prop_oneof![
        Just(EndCause::Worker),
        Just(EndCause::Provisioner),
        Just(EndCause::Interruption),
        Just(EndCause::LaunchFailed),
        Just(EndCause::VolumeLimit),
    ];
    let refusal = prop_oneof![
        Just(Refusal::InsufficientCapacity),
        Just(Refusal::MaxPriceTooLow),
        Just(Refusal::Cancelled),
        Just(Refusal::QuotaReached),
        Just(Refusal::Unsupported),
        Just(Refusal::ImageUnusable),
        Just(Refusal::VolumeLimit),
        Just(Refusal::Rejected),
    ];
    let pools = (0..4_usize).prop_map(PoolId::new);
    // Mostly cents, now and then far above every limit.
    let prices = prop_oneof![4 => 0_i64..200_000, 1 => 0_i64..30_000_000];
    prop_oneof![
        6 => (worker_types(), 0..40_u32, 0..40_u32, times()).prop_map(
            |(worker_type, pending, claimed, as_of)| Observation::DemandCounted {
                worker_type,
                pending,
                claimed,
                as_of
            }
        ),
        1 => worker_types().prop_map(|worker_type| Observation::DemandUnknown { worker_type }),
        3 => times().prop_map(|as_of| Observation::QueuesRead { as_of }),
        5 => (pools, prices, times()).prop_map(|(pool, price, since)| {
            Observation::PriceChanged { pool, price: UsdPerHour::from_micros(price), since }
        }),
        3 => launches().prop_map(|launch| {
            Observation::InstancePending { launch, instance: InstanceId(launch.0) }
        }),
        3 => launches().prop_map(|launch| Observation::InstanceRunning { launch }),
        3 => launches().prop_map(|launch| Observation::WorkerRegistered { launch }),
        1 => (launches(), times()).prop_map(|(launch, ends_at)| {
            Observation::InterruptionNoticed { launch, ends_at }
        }),
        1 => (launches(), cause.clone())
            .prop_map(|(launch, cause)| Observation::InstanceStopping { launch, cause }),
        2 => (launches(), cause)
            .prop_map(|(launch, cause)| Observation::InstanceEnded { launch, cause }),
        1 => (launches(), 0..2_u32, prop::option::of(times()), times()).prop_map(
            |(launch, claimed, last_claim, as_of)| Observation::WorkerChecked {
                launch,
                claimed,
                last_claim,
                as_of
            }
        ),
        1 => launches().prop_map(|launch| Observation::WorkerIdled { launch }),
        2 => (launches(), refusal)
            .prop_map(|(launch, refusal)| Observation::LaunchRefused { launch, refusal }),
        2 => launches().prop_map(|launch| Observation::CallUnanswered { launch }),
        2 => (calls(), launches()).prop_map(|(call, launch)| {
            let launch = (launch.0 > 0).then_some(launch);
            Observation::CallThrottled { region: RegionId::new(0), call, launch }
        }),
        1 => times().prop_map(|as_of| {
            Observation::InstancesListed { region: RegionId::new(0), as_of }
        }),
        1 => Just(Observation::Restarted),
    ]
}

fn calls() -> impl Strategy<Value = provisioner_engine::observation::Call> {
    use provisioner_engine::observation::Call;
    prop_oneof![Just(Call::Launch), Just(Call::Terminate), Just(Call::Cancel), Just(Call::List)]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let call = prop_oneof![4 => observations().prop_map(Call::Observe), 1 => Just(Call::Decide)];
    vec((gaps(), call), 1..150)
}

pub(crate) fn gaps() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0_i64), 0..20_000_i64, 0..120_000_i64].prop_map(Duration::from_ms)
}
