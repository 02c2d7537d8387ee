//! Our own allowance of EC2 calls: token buckets for each region and kind of call, kept a little
//! below EC2's, so that we are rarely throttled and never amplify it when we are.
//!
//! Levels are whole billionths of a token, and a bucket gains its refill in millionths each
//! millisecond: nothing is ever rounded. Who spends first is for the turn to say. All worker types
//! share one allowance.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::guards::{ApiRule, Bucket};
use crate::ids::RegionId;
use crate::observation::Call;
use crate::remap::Remap;
use crate::units::{Duration, Time};

/// One token, in the unit of a level.
const TOKEN: i64 = 1_000_000_000;

/// The allowance of every region; one without a rule has no end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Budget {
    rule: Option<ApiRule>,
    regions: Vec<Allowances>,
}

/// What is left in a region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Allowances {
    launch: Allowance,
    launch_instances: Allowance,
    terminate: Allowance,
    cancel: Allowance,
    list: Allowance,
}

/// What is left of one bucket.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Allowance {
    /// When it held `level`; before that, it was full.
    as_of: Option<Time>,
    level: i64,
    /// Nothing is spent before.
    closed_until: Option<Time>,
    /// The wait after the last throttle.
    wait: Duration,
}

impl Budget {
    /// Full buckets.
    pub(crate) const fn new(rule: Option<ApiRule>) -> Self {
        Self { rule, regions: Vec::new() }
    }

    /// Goes over to another rule and other regions.
    pub(crate) fn configure(&mut self, rule: Option<ApiRule>, remap: &Remap) {
        let old = core::mem::replace(self, Self::new(rule)).regions;
        for (region, allowances) in remap.regions.iter().zip(old) {
            if self.regions.len() <= region.index() {
                self.regions.resize_with(region.index() + 1, Allowances::default);
            }
            self.regions[region.index()] = allowances;
        }
    }

    /// Spends one call; says whether there was one to spend. A launch call is spent by
    /// [`Budget::launch`].
    pub(crate) fn spend(&mut self, now: Time, region: RegionId, call: Call) -> bool {
        let Some(rule) = self.rule else { return true };
        let (allowance, bucket) = self.allowance(&rule, region, call);
        let affordable = allowance.tokens(now, bucket) > 0;
        if affordable {
            allowance.take(1);
        }
        affordable
    }

    /// Spends one launch call for as many instances as there are tokens, at most `most`; 0 if that
    /// is fewer than `least` and nothing is spent.
    pub(crate) fn launch(&mut self, now: Time, region: RegionId, least: u32, most: u32) -> u32 {
        let Some(rule) = self.rule else { return most };
        let allowances = self.region(region);
        let calls = allowances.launch.tokens(now, rule.launch);
        let instances = allowances.launch_instances.tokens(now, rule.launch_instances);
        let count = most.min(instances);
        // A call for more than the bucket ever holds is made when it is full.
        if calls == 0 || count < least.min(rule.launch_instances.capacity).max(1) {
            return 0;
        }
        allowances.launch.take(1);
        allowances.launch_instances.take(count);
        if least > count { least } else { count }
    }

    /// When there are tokens for such a call again, for that many instances if it is a launch; at
    /// least a second from now.
    pub(crate) fn next(&mut self, now: Time, region: RegionId, call: Call, count: u32) -> Time {
        let soon = now.saturating_add(Duration::SECOND);
        let Some(rule) = self.rule else { return soon };
        let (allowance, bucket) = self.allowance(&rule, region, call);
        let next = soon.max(allowance.next(now, bucket, 1));
        if call != Call::Launch {
            return next;
        }
        let instances = &mut self.region(region).launch_instances;
        next.max(instances.next(now, rule.launch_instances, count))
    }

    /// EC2 throttled a call: its bucket is empty for everybody, and stays closed for a while that
    /// doubles each time. Throttles that arrive while it is closed are of calls made before.
    pub(crate) fn throttled(&mut self, now: Time, region: RegionId, call: Call) {
        let Some(rule) = self.rule else { return };
        let (allowance, _) = self.allowance(&rule, region, call);
        if let Some(until) = allowance.closed_until {
            if now < until {
                return;
            }
            // Forgiven once it went well for longer than the longest wait.
            let again = now.since(until) <= rule.backoff_max;
            allowance.wait = if again { allowance.wait.doubled() } else { Duration::ZERO };
        }
        allowance.wait = allowance.wait.max(rule.backoff_min).min(rule.backoff_max);
        allowance.closed_until = Some(now.saturating_add(allowance.wait));
        (allowance.as_of, allowance.level) = (Some(now), 0);
    }

    fn region(&mut self, region: RegionId) -> &mut Allowances {
        if self.regions.len() <= region.index() {
            self.regions.resize_with(region.index() + 1, Allowances::default);
        }
        &mut self.regions[region.index()]
    }

    fn allowance(
        &mut self,
        rule: &ApiRule,
        region: RegionId,
        call: Call,
    ) -> (&mut Allowance, Bucket) {
        let Allowances { launch, launch_instances: _, terminate, cancel, list } =
            self.region(region);
        match call {
            Call::Launch => (launch, rule.launch),
            Call::Terminate => (terminate, rule.terminate),
            Call::Cancel => (cancel, rule.cancel),
            Call::List => (list, rule.list),
        }
    }
}

impl Allowance {
    /// Whole tokens there are now.
    fn tokens(&mut self, now: Time, bucket: Bucket) -> u32 {
        let full = i64::from(bucket.capacity) * TOKEN;
        self.level = match self.as_of {
            None => full,
            Some(as_of) => {
                let gained = rate(bucket).saturating_mul(now.since(as_of).ms());
                self.level.saturating_add(gained).min(full)
            }
        };
        self.as_of = Some(now);
        let closed = self.closed_until.is_some_and(|until| now < until);
        if closed { 0 } else { u32::try_from(self.level / TOKEN).unwrap_or(u32::MAX) }
    }

    fn take(&mut self, tokens: u32) {
        self.level -= i64::from(tokens) * TOKEN;
    }

    /// When there are that many tokens, or as many as it can hold.
    fn next(&mut self, now: Time, bucket: Bucket, tokens: u32) -> Time {
        let _ = self.tokens(now, bucket);
        let lacking = (i64::from(tokens.min(bucket.capacity)) * TOKEN - self.level).max(0);
        let wait = match rate(bucket) {
            0 if lacking > 0 => return Time::MAX,
            0 => Duration::ZERO,
            rate => Duration::from_ms(lacking / rate + i64::from(lacking % rate != 0)),
        };
        now.saturating_add(wait).max(self.closed_until.unwrap_or(now))
    }
}

/// Billionths of a token a millisecond.
fn rate(bucket: Bucket) -> i64 {
    i64::try_from(bucket.refill_per_second.millionths()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Ratio;

    fn region() -> RegionId {
        RegionId::new(0)
    }

    fn budget(capacity: u32, millionths: u64) -> Budget {
        let bucket = Bucket { capacity, refill_per_second: Ratio::from_millionths(millionths) };
        Budget::new(Some(ApiRule { terminate: bucket, ..ApiRule::default() }))
    }

    fn at(ms: i64) -> Time {
        Time::from_ms(ms)
    }

    proptest! {
        /// However often and whenever it is asked: what was spent is the capacity and the refill,
        /// to the token.
        #[test]
        fn a_bucket_keeps_its_rate_to_the_token(
            capacity in 4..50_u32,
            millionths in 1..5_000_000_u64,
            gaps in proptest::collection::vec(0..400_i64, 1..2_000),
        ) {
            let mut budget = budget(capacity, millionths);
            let (mut now, mut spent) = (0, 0);
            while budget.spend(at(0), region(), Call::Terminate) {
                spent += 1;
            }
            for gap in gaps {
                now += gap;
                while budget.spend(at(now), region(), Call::Terminate) {
                    spent += 1;
                }
                let exact = i128::from(capacity) * i128::from(TOKEN)
                    + i128::from(millionths) * i128::from(now);
                prop_assert_eq!(spent, exact / i128::from(TOKEN), "after {} ms", now);
            }
        }

        #[test]
        fn it_says_when_there_is_a_token_and_not_before(millionths in 1..5_000_000_u64) {
            let mut budget = budget(1, millionths);
            assert!(budget.spend(at(0), region(), Call::Terminate));
            let next = budget.next(at(0), region(), Call::Terminate, 1);
            prop_assert!(next >= at(1_000));
            prop_assert!(budget.spend(next, region(), Call::Terminate));
        }
    }

    #[test]
    fn a_day_of_launches_is_the_burst_and_four_fifths_of_ec2_s_rate() {
        let mut budget = Budget::new(Some(ApiRule::default()));
        let (mut calls, mut instances) = (0_u32, 0_u32);
        for second in 0..=86_400_i64 {
            let now = at(second * 1_000);
            loop {
                let count = budget.launch(now, region(), 1, 50);
                if count == 0 {
                    break;
                }
                (calls, instances) = (calls + 1, instances + count);
            }
        }
        assert_eq!(instances, 800 + 86_400 * 16 / 10);
        assert!(calls <= 4 + 86_400 * 16 / 10);
    }

    #[test]
    fn a_throttle_closes_for_twice_as_long_each_time_and_a_burst_of_them_counts_once() {
        let mut budget = budget(10, 1_000_000);
        let mut waits = Vec::new();
        let mut now = at(0);
        for _ in 0..8 {
            budget.throttled(now, region(), Call::Terminate);
            budget.throttled(now, region(), Call::Terminate);
            let next = budget.next(now, region(), Call::Terminate, 1);
            waits.push(next.since(now).ms() / 1_000);
            now = next;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(budget.spend(now, region(), Call::Cancel), "other calls are not affected");
        now = now + Duration::from_mins(2);
        budget.throttled(now, region(), Call::Terminate);
        assert_eq!(budget.next(now, region(), Call::Terminate, 1).since(now), Duration::SECOND);
    }

    #[test]
    fn without_a_rule_everything_is_affordable() {
        let mut budget = Budget::new(None);
        budget.throttled(at(0), region(), Call::Launch);
        assert_eq!(budget.launch(at(0), region(), 1, 5_000), 5_000);
        assert!((0..5_000).all(|_| budget.spend(at(0), region(), Call::List)));
    }
}
