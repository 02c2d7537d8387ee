//! How EC2 takes instances back, and how it says so.
//!
//! Two streams of news precede an end: the notice, two minutes before, and the rebalance
//! recommendation, which may come hours before, together with the notice, or never, and is mostly
//! followed by nothing. Both are best effort.
//!
//! Sources: EC2 User Guide, "Spot Instance interruption notices" and "EC2 instance rebalance
//! recommendations"; aws/aws-node-termination-handler#141 (45 messages on 36 instances: 9 had a
//! recommendation and a notice, 21 only the first, 6 only the second); runs-on/runs-on#277 (first
//! read 108 s before the stated time); Spot-and-Scoot 2026 (of two kills in one pool, more than
//! 92 % fall within three minutes).
//! Not here: kills by price and by recorded availability, which the market decides.

use provisioner_engine::units::Duration;

use crate::config::Regime;
use crate::dist::DurationDist;

/// How EC2 takes instances back, besides when.
#[derive(Clone, Debug, PartialEq)]
pub struct InterruptionModel {
    /// Chance that an instance is taken back when the market price comes to equal its bid
    /// (bid era: `instance-terminated-capacity-oversubscribed`).
    pub tie_kill: f64,
    /// Chance that another instance of the pool goes with one that is taken back by chance: kills
    /// are events of the pool. 0 makes each instance's end its own. An instance's hazard is the
    /// same either way.
    pub burst: f64,
    /// Within how long they go.
    pub burst_within: Duration,
    /// How long a pool has no machine to give after such an event.
    pub dry_after_burst: DurationDist,
    /// From the notice until the worker sees it.
    pub notice_seen_after: DurationDist,
    /// Chance that it is late, …
    pub notice_late: f64,
    /// … by this.
    pub notice_late_by: DurationDist,
    /// Chance that the provisioner hears of it twice, the second time …
    pub notice_duplicated: f64,
    /// … this much later, even after the end.
    pub notice_duplicated_after: DurationDist,
    /// Chance that the worker never sees it and the provisioner hears of it after the end.
    pub notice_after_death: f64,
    /// Chance that a rebalance recommendation precedes a kill.
    pub rebalance_before_kill: f64,
    /// Share of the recommendations that a kill follows; the others come at random, in proportion
    /// to the hazard.
    pub kill_after_rebalance: f64,
    /// From the recommendation to the kill, where it could be foreseen; together with the notice
    /// where not.
    pub rebalance_lead: DurationDist,
}

impl InterruptionModel {
    /// Each on its own, seen at once, and nothing else.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            tie_kill: 0.0,
            burst: 0.0,
            burst_within: Duration::from_mins(3),
            dry_after_burst: DurationDist::Constant(Duration::ZERO),
            notice_seen_after: DurationDist::Constant(Duration::ZERO),
            notice_late: 0.0,
            notice_late_by: uniform(15, 115),
            notice_duplicated: 0.0,
            notice_duplicated_after: uniform(0, 300),
            notice_after_death: 0.0,
            rebalance_before_kill: 0.0,
            kill_after_rebalance: 0.3,
            rebalance_lead: DurationDist::LogNormal {
                median: Duration::from_mins(94),
                sigma: 1.15,
            },
        }
    }

    /// As measured, or as assumed where nobody measured.
    #[must_use]
    pub fn full(regime: Regime) -> Self {
        let news = Self {
            notice_seen_after: uniform(0, 15),
            notice_late: 0.01,
            notice_duplicated: 0.01,
            notice_after_death: 0.005,
            ..Self::plain()
        };
        match regime {
            Regime::Outbid => Self { tie_kill: 0.5, ..news },
            Regime::Capacity => Self {
                burst: 0.92,
                dry_after_burst: DurationDist::LogNormal {
                    median: Duration::from_mins(30),
                    sigma: 1.5,
                },
                rebalance_before_kill: 0.6,
                ..news
            },
        }
    }

    /// Recommendations that nothing follows, for each kill.
    #[must_use]
    pub fn false_alarms_per_kill(&self) -> f64 {
        let share = self.kill_after_rebalance;
        if share > 0.0 { self.rebalance_before_kill * (1.0 - share) / share } else { 0.0 }
    }
}

fn uniform(min_s: i64, max_s: i64) -> DurationDist {
    DurationDist::Uniform { min: Duration::from_secs(min_s), max: Duration::from_secs(max_s) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_of_ten_recommendations_are_followed_by_nothing() {
        let model = InterruptionModel::full(Regime::Capacity);
        let (right, wrong) = (model.rebalance_before_kill, model.false_alarms_per_kill());
        assert!((right / (right + wrong) - 0.3).abs() < 1e-12);
    }
}
