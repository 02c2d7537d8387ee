//! What the window shows: a copy, in plain values, of what the loop knew at the end of its last pass.
//!
//! Times are shown as RFC 3339, money in millionths of a dollar. No secret has a place here: user data,
//! credentials and addresses are not part of it.

use std::collections::BTreeMap;

use provisioner_engine::units::{Duration, Time, UsdPerHour};
use serde::{Serialize, Serializer};

/// Everything that is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct View {
    /// The provisioner's id.
    pub provisioner: String,
    /// The program's version.
    pub version: String,
    /// Whether it carries nothing out.
    pub shadow: bool,
    /// What keeps it from working, in words, if anything does: another one acts, say.
    pub hindrance: Option<String>,
    /// The passes of the loop.
    pub passes: Passes,
    /// What it takes care of, by name.
    pub worker_types: Vec<WorkerTypeView>,
    /// Launches that have not ended, by id.
    pub launches: Vec<LaunchView>,
    /// Pools that some worker type may use.
    pub pools: Vec<PoolView>,
    /// Calls of EC2's API so far, by region and action.
    pub calls: Vec<CallsView>,
    /// Launches of which nobody knows whether they exist.
    pub ledger_unknown: u64,
    /// How much the store takes up.
    pub store_bytes: u64,
    /// Records of the journal so far.
    pub journal_records: u64,
    /// The latest decisions, oldest first. Shown by themselves.
    #[serde(skip)]
    pub decisions: Vec<DecisionView>,
}

/// The passes of the loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Passes {
    /// How many were completed.
    pub completed: u64,
    /// When the last one was.
    #[serde(serialize_with = "stamp_if_any")]
    pub last_completed: Option<Time>,
    /// How long it took.
    #[serde(rename = "last_took_ms")]
    pub last_took: Duration,
    /// How long after the last one something is wrong.
    #[serde(rename = "overdue_after_ms")]
    pub overdue_after: Duration,
}

/// A worker type.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct WorkerTypeView {
    /// `provisionerId/workerType`.
    pub name: String,
    /// Tasks that wait; none if that is unknown.
    pub pending: Option<u32>,
    /// Tasks that are held; none if that is unknown.
    pub claimed: Option<u32>,
    /// When they were counted.
    #[serde(serialize_with = "stamp_if_any")]
    pub counted: Option<Time>,
    /// Since when some task has waited at any time.
    #[serde(serialize_with = "stamp_if_any")]
    pub pending_since: Option<Time>,
    /// Why the queue cannot be asked, if it cannot.
    pub queue_error: Option<String>,
    /// The least capacity it is given.
    pub capacity_min: u32,
    /// The most.
    pub capacity_max: u32,
    /// What it has, by state.
    pub capacity: Capacity,
    /// What its running instances cost now.
    pub spend: Spend,
    /// Launches decided so far.
    pub launches: u64,
    /// Launches that EC2 refused so far, by reason.
    pub refusals: BTreeMap<String, u64>,
}

/// Capacity by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Asked for.
    pub requested: u32,
    /// Booting.
    pub pending: u32,
    /// There.
    pub running: u32,
    /// On its way out.
    pub stopping: u32,
}

/// Spend by lifecycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spend {
    /// Spot instances, at the market's price.
    #[serde(rename = "spot_micro_usd_per_hour")]
    pub spot: UsdPerHour,
    /// Instances on demand.
    #[serde(rename = "on_demand_micro_usd_per_hour")]
    pub on_demand: UsdPerHour,
}

/// A launch.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LaunchView {
    /// Its id.
    pub launch: u64,
    /// For whom.
    pub worker_type: String,
    /// `i-…`, once there is one.
    pub instance: Option<String>,
    /// Where it stands.
    pub state: String,
    /// Which pool: `c5.large us-east-1a Linux/UNIX`.
    pub pool: String,
    /// `spot` or `on-demand`.
    pub lifecycle: String,
    /// How many tasks it runs at once.
    pub capacity: u32,
    /// When it was decided.
    #[serde(serialize_with = "stamp")]
    pub since: Time,
}

/// A pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PoolView {
    /// `us-east-1`.
    pub region: String,
    /// `us-east-1a`.
    pub zone: String,
    /// `c5.large`.
    pub instance_type: String,
    /// `Linux/UNIX`.
    pub product: String,
    /// The market price, if it is known.
    #[serde(rename = "price_micro_usd_per_hour")]
    pub price: Option<UsdPerHour>,
    /// From when that holds.
    #[serde(serialize_with = "stamp_if_any")]
    pub price_since: Option<Time>,
    /// Why nothing is bought there now, if nothing is.
    pub closed: Option<String>,
}

/// Calls of one action in one region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallsView {
    /// `us-east-1`.
    pub region: String,
    /// `RunInstances`.
    pub action: String,
    /// Calls made.
    pub made: u64,
    /// Those that were throttled.
    pub throttled: u64,
    /// Those that failed otherwise.
    pub failed: u64,
}

/// What was decided at a time, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DecisionView {
    /// Which decision, in the journal.
    pub number: u64,
    /// When.
    #[serde(serialize_with = "stamp")]
    pub at: Time,
    /// What is to be done, an order a line.
    pub orders: Vec<String>,
    /// Why, and why not, in words.
    pub reasons: Vec<String>,
}

impl View {
    /// Why it does not do its work, if it does not.
    ///
    /// # Errors
    ///
    /// In words.
    pub fn ready(&self, now: Time) -> Result<(), String> {
        if let Some(hindrance) = &self.hindrance {
            return Err(hindrance.clone());
        }
        let Passes { last_completed, overdue_after, .. } = self.passes;
        let Some(last) = last_completed else {
            return Err("no pass has been completed yet".to_owned());
        };
        let age = now.since(last);
        if age > overdue_after {
            let (age_s, limit_s) = (age.ms() / 1_000, overdue_after.ms() / 1_000);
            return Err(format!(
                "the last pass was completed {age_s} s ago, more than {limit_s} s: the loop hangs or waits"
            ));
        }
        Ok(())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn stamp<S: Serializer>(at: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn stamp_if_any<S: Serializer>(at: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}
