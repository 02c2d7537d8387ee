//! What stands between a wish and a launch: each gate watches what became of earlier launches and
//! says how many more may go to a pool now, or why none.
//!
//! Gates are asked before a placement policy chooses, so that every policy sees only what is open.
//! They keep no launch and no time of their own. Their rules are [`Guards`]; a gate whose rule is
//! off is always open.

mod price;

pub(crate) use self::price::PriceGate;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::decision::{Market, Reason};
use crate::guards::Guards;
use crate::ids::{ImageId, PoolId, RegionId, WorkerTypeId};
use crate::observation::{EndCause, Refusal};
use crate::units::Time;
use crate::worker_type::{Candidate, WorkerType};

/// Where a launch goes, in every respect that a gate may care about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) worker_type: WorkerTypeId,
    pub(crate) candidate: u32,
    pub(crate) pool: PoolId,
    pub(crate) region: RegionId,
    pub(crate) image: ImageId,
    pub(crate) on_demand: bool,
}

impl Site {
    pub(crate) fn new(
        catalog: &Catalog,
        id: WorkerTypeId,
        worker_type: &WorkerType,
        candidate: u32,
        market: Market,
    ) -> Self {
        let Candidate { pool, image, .. } = worker_type.candidates[candidate as usize];
        let (region, on_demand) = (catalog.region_of(pool), market == Market::OnDemand);
        Self { worker_type: id, candidate, pool, region, image, on_demand }
    }
}

/// What became of one launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It was ordered.
    Ordered,
    /// EC2 gave an instance for it.
    Accepted,
    /// EC2 will not give one; it is over.
    Refused(Refusal),
    /// It was never answered and never seen, or cancelled: it is over and says nothing.
    Withdrawn,
    /// Its worker registered.
    Registered,
    /// It ended, or was given up, before its worker registered.
    BootFailed(EndCause),
    /// EC2 took it back, registered or not.
    Lost,
}

/// All gates.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Gates {
    guards: Guards,
}

impl Gates {
    /// All open.
    pub(crate) fn new(guards: Guards) -> Self {
        Self { guards }
    }

    /// Whether any gate can ever close.
    pub(crate) const fn are_off(&self) -> bool {
        let Guards { ice, losses, quota_block, unsupported_block, breaker, .. } = self.guards;
        ice.is_none()
            && losses.is_none()
            && quota_block.is_none()
            && unsupported_block.is_none()
            && breaker.is_none()
    }

    /// Takes in what became of a launch there.
    pub(crate) fn note(&mut self, _now: Time, _site: &Site, _event: Event) {}

    /// How many more may be launched there now, or why none.
    pub(crate) fn open(&self, _now: Time, _site: &Site) -> Result<u32, Reason> {
        Ok(u32::MAX)
    }
}
