//! An engine's configuration for tests: worker types that buy `c5.large` on demand.

use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::guards::Guards;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, Time, UsdPerHour};
use provisioner_engine::worker_type::{
    Candidate, EngineConfig, IdleCredit, Limits, Overshoot, PlacementPolicy, RequestedCredit,
    ScalingPolicy, SpendLimits, WorkerType,
};

/// Worker types by name, each of 50 machines at most in its zones, such as `us-east-1a`; with the usual
/// limits and guards.
///
/// # Panics
///
/// If a zone is nowhere.
#[must_use]
pub fn on_demand(worker_types: &[(&str, &[&str])]) -> EngineConfig {
    let mut catalog = Catalog::new();
    let (product, instance_type) =
        (catalog.product("Linux/UNIX"), catalog.instance_type("c5.large", 2));
    let image = catalog.image("ami-1");
    let price = UsdPerHour::from_micros(85_000);
    let mut candidate = |zone: &&str| {
        let region = zone.strip_suffix(char::is_lowercase).expect("a zone's letter");
        let (zone, region) = (catalog.zone(region, zone), catalog.region(region));
        catalog.set_on_demand(region, instance_type, product, Time::EPOCH, price);
        Candidate {
            image,
            pool: catalog.pool(Pool { instance_type, zone, product }),
            capacity: 1,
            utility: Ratio::ONE,
            bias: Ratio::ONE,
            initial_weight: Ratio::ONE,
            capacity_max: None,
        }
    };
    let worker_types = worker_types.iter().map(|(name, zones)| WorkerType {
        name: (*name).to_owned(),
        capacity_min: 0,
        capacity_max: 50,
        price_min: UsdPerHour::ZERO,
        price_max: UsdPerHour::from_micros(1_000_000),
        candidates: zones.iter().map(&mut candidate).collect(),
        scaling: ScalingPolicy::Estimator {
            scaling_ratio: Ratio::ONE,
            idle: IdleCredit::Existing,
            requested: RequestedCredit::Once,
        },
        placement: PlacementPolicy::OnDemand,
        overshoot: Overshoot::Never,
        request_timeout: Duration::from_mins(20),
        registration_timeout: None,
        lifetime_max: Duration::from_hours(96),
        idle_timeout: Duration::from_mins(10),
        floors: Vec::new(),
        on_demand_after: None,
        spend: SpendLimits::default(),
    });
    let worker_types = worker_types.collect();
    let (limits, guards) = (Limits::default(), Guards::default());
    EngineConfig { seed: Seed(1), catalog, worker_types, limits, guards }
}
