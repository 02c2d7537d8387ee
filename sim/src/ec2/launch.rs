//! How launches fail that EC2 has taken or should have taken.
//!
//! Not here: pools without capacity, which recorded or generated availability says.

use provisioner_engine::ids::PoolId;
use provisioner_engine::units::Duration;

use crate::dist::DurationDist;

/// How launches fail.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchModel {
    /// Chance that an instance goes from `pending` to `terminated`
    /// (`Server.InternalError`), after its id was given.
    pub early_death: f64,
    /// How long that takes, and how long an instance lives where a limit on volumes is reached.
    pub early_death_after: DurationDist,
    /// Pools whose zone does not offer the instance type, whatever price is told for it.
    pub not_offered: Vec<PoolId>,
}

impl LaunchModel {
    /// None does.
    #[must_use]
    pub fn plain() -> Self {
        let (min, max) = (Duration::from_secs(5), Duration::MINUTE);
        Self {
            early_death: 0.0,
            early_death_after: DurationDist::Uniform { min, max },
            not_offered: Vec::new(),
        }
    }

    /// One in five hundred dies within a minute (assumed).
    #[must_use]
    pub fn full() -> Self {
        Self { early_death: 0.002, ..Self::plain() }
    }
}
