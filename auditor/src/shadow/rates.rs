//! No more calls than our own allowance has tokens, in each region and for each kind of call.
//!
//! A bucket is full at first and refills all the time: in any stretch of time there are at most as
//! many calls as it holds and gains. A launch call takes one token for the call and one for each
//! instance. A listing takes one for its first page; further pages are not orders and not counted.
//!
//! Exceptions: an order about what is not known, which is noted elsewhere, belongs to no region.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::rules::Bucket;
use crate::{Call, Check, Ms, Order, Region, Scene};

#[derive(Default)]
pub(super) struct Rates {
    buckets: BTreeMap<(Region, &'static str), Level>,
}

/// Tokens × 10⁹.
struct Level {
    at: Ms,
    tokens: i128,
}

const TOKEN: i128 = 1_000_000_000;

impl Check for Rates {
    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Some(api) = scene.rules.api else { return };
        let Some((call, region)) = called(scene, order) else { return };
        let name = match call {
            Call::Launch => "launch",
            Call::Terminate => "terminate",
            Call::Cancel => "cancel",
            Call::List => "list",
        };
        self.take(scene.at, region, name, api.bucket(call), 1, notes);
        if let Order::Launch { count, .. } = *order {
            self.take(scene.at, region, "launch (instances)", api.launch_instances, count, notes);
        }
    }
}

/// The call that an order makes, and where, as far as that is known.
pub(super) fn called(scene: &Scene<'_>, order: &Order) -> Option<(Call, Region)> {
    let region_of = |pool| scene.rules.region_of(pool);
    let of_launch = |launch| region_of(scene.book.launch(launch)?.pool);
    Some(match *order {
        Order::Launch { pool, .. } => (Call::Launch, region_of(pool)?),
        Order::Terminate { launch, .. } => (Call::Terminate, of_launch(launch)?),
        Order::EndStray { instance } => {
            (Call::Terminate, region_of(scene.book.stray(instance)?.pool?)?)
        }
        Order::Cancel { launch } => (Call::Cancel, of_launch(launch)?),
        Order::List { region } => (Call::List, region),
        Order::Check { .. } | Order::AdviseStop { .. } => return None,
    })
}

impl Rates {
    fn take(
        &mut self,
        at: Ms,
        region: Region,
        call: &'static str,
        bucket: Bucket,
        count: u32,
        notes: &mut Notes,
    ) {
        let full = i128::from(bucket.capacity) * TOKEN;
        let level = self.buckets.entry((region, call)).or_insert(Level { at, tokens: full });
        let gained = i128::from(bucket.refill) * i128::from(at - level.at);
        level.tokens = (level.tokens + gained).min(full) - i128::from(count) * TOKEN;
        level.at = at;
        if level.tokens < 0 {
            notes.note(Rule::CallRate, || format!("one {call} call too many in region {region}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::support::*;
    use crate::{Api, Bucket, Order, Rule, Rules};

    fn limited() -> Rules {
        let bucket = |capacity, refill| Bucket { capacity, refill };
        let api = Api {
            launch: bucket(2, 500_000),
            launch_instances: bucket(20, 0),
            terminate: bucket(1, 1_000_000),
            cancel: bucket(1, 1_000_000),
            list: bucket(1, 1_000_000),
            backoff_min: SECOND,
            backoff_max: MINUTE,
        };
        Rules { api: Some(api), ..rules() }
    }

    #[test]
    fn calls_take_tokens_and_time_gives_them_back() {
        let three = [decided(0, [launch(1, 1), launch(2, 1), launch(3, 1)])];
        assert_eq!(notes(Rule::CallRate, limited(), three), [0]);
        let spread = |at| [decided(0, [launch(1, 1), launch(2, 1)]), decided(at, [launch(3, 1)])];
        assert_eq!(notes(Rule::CallRate, limited(), spread(2_000)), []);
        assert_eq!(notes(Rule::CallRate, limited(), spread(1_999)), [1_999]);
        let large = [decided(0, [launch(1, 20)]), decided(HOUR, [launch(21, 1)])];
        assert_eq!(notes(Rule::CallRate, limited(), large), [HOUR], "instances count");
    }

    #[test]
    fn each_region_and_kind_has_its_own() {
        let orders = [launch(1, 1), launch(2, 1), launch_in(3, 1, 2), Order::List { region: 0 }];
        let story = |more: Order| [decided(0, orders.into_iter().chain([terminate(1), more]))];
        assert_eq!(notes(Rule::CallRate, limited(), story(terminate(3))), []);
        assert_eq!(notes(Rule::CallRate, limited(), story(terminate(2))), [0]);
        assert_eq!(notes(Rule::CallRate, limited(), story(Order::List { region: 0 })), [0]);
        assert_eq!(notes(Rule::CallRate, limited(), story(Order::List { region: 1 })), []);
    }
}
