//! How EC2 tells of instances: pushed events and `DescribeInstances`.
//!
//! Not here: how long facts take besides ([`super::SimConfig::observation_lag`]).
//! Sources: EC2 Developer Guide, "Eventual consistency"; EC2 API, `DescribeInstances`; code
//! comments of taskcluster/aws-provisioner, 2015–16. No distribution of the lag was published.

use provisioner_engine::units::Duration;

use super::{Regime, log_normal};
use crate::dist::DurationDist;

/// How EC2 tells of instances.
#[derive(Clone, Debug, PartialEq)]
pub struct ListingModel {
    /// Whether state changes are pushed (EventBridge). If not, states are known from the answers
    /// to launches and from listings only.
    pub events: bool,
    /// Chance that a pushed state change is lost.
    pub event_lost: f64,
    /// Chance that one arrives twice.
    pub event_duplicated: f64,
    /// From a state change to its being listed, drawn for each.
    pub visibility_lag: DurationDist,
    /// Chance that a page is served by a replica that is behind.
    pub stale_read: f64,
    /// How far it is behind then.
    pub staleness: DurationDist,
    /// Instances on one page.
    pub page_size: u32,
    /// Chance that a page fails; the listing is then incomplete and worth nothing.
    pub page_failed: f64,
    /// From asking for a page to its answer.
    pub page_answer: DurationDist,
    /// How long terminated instances are listed.
    pub terminated_visible: Duration,
    /// Chance that an instance has no labels.
    pub label_missing: f64,
    /// Instances of others in each region of the account.
    pub others: u32,
}

impl Default for ListingModel {
    /// Everything is told at once, and truly.
    fn default() -> Self {
        Self {
            events: true,
            event_lost: 0.0,
            event_duplicated: 0.0,
            visibility_lag: DurationDist::Constant(Duration::ZERO),
            stale_read: 0.0,
            staleness: DurationDist::Uniform { min: Duration::SECOND, max: Duration::from_mins(5) },
            page_size: 1_000,
            page_failed: 0.0,
            page_answer: DurationDist::Constant(Duration::ZERO),
            terminated_visible: Duration::HOUR,
            label_missing: 0.0,
            others: 0,
        }
    }
}

impl ListingModel {
    /// As it is: late, contradictory, and now and then not there.
    #[must_use]
    pub fn full(regime: Regime) -> Self {
        let uniform = |min, max| DurationDist::Uniform { min, max };
        let visibility_lag = match regime {
            Regime::Outbid => log_normal(5_000, 1.0)
                .with_tail(0.01, uniform(Duration::from_mins(5), Duration::from_mins(25))),
            Regime::Capacity => log_normal(800, 1.0)
                .with_tail(0.01, uniform(Duration::from_secs(5), Duration::MINUTE))
                .capped(Duration::from_mins(5)),
        };
        Self {
            event_lost: 0.001,
            event_duplicated: 0.001,
            visibility_lag,
            stale_read: 0.01,
            page_failed: 0.001,
            page_answer: log_normal(500, 0.4),
            label_missing: 0.001,
            others: 20,
            ..Self::default()
        }
    }
}
