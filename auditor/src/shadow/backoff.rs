//! A kind of call that was throttled rests in its region, twice as long each time.
//!
//! The first rest is the shortest, and so is one that begins when all went well for longer than the
//! longest rest. What is told to be throttled during a rest was called before it, and changes nothing.

use std::collections::BTreeMap;

use super::rates::called;
use crate::note::{Notes, Rule};
use crate::{Call, Check, Ms, Order, Region, Scene, Told};

#[derive(Default)]
pub(super) struct Backoff {
    rests: BTreeMap<(Region, Call), Rest>,
}

#[derive(Clone, Copy)]
struct Rest {
    length: Ms,
    until: Ms,
}

impl Check for Backoff {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        let Told::Throttled { call, region, launch: _ } = *told else { return };
        let Some(api) = scene.rules.api else { return };
        let last = self.rests.get(&(region, call)).copied();
        if last.is_some_and(|last| scene.at < last.until) {
            return;
        }
        let again = last.filter(|last| scene.at - last.until <= api.backoff_max);
        let length = again.map_or(0, |last| 2 * last.length).max(api.backoff_min);
        let length = length.min(api.backoff_max);
        self.rests.insert((region, call), Rest { length, until: scene.at + length });
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Some((call, region)) = called(scene, order) else { return };
        let Some(Rest { length, until }) = self.rests.get(&(region, call)).copied() else { return };
        if scene.at < until && scene.rules.api.is_some() {
            let left = until - scene.at;
            notes.note(Rule::CallBackoff, || {
                format!("{order:?}: its calls rest {left} ms more, of {length}")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Api, Bucket, Event, Rules};

    fn listed(throttled: &[Ms], listed: Ms) -> Vec<Ms> {
        let bucket = Bucket { capacity: 9, refill: 0 };
        let api = Api {
            launch: bucket,
            launch_instances: bucket,
            terminate: bucket,
            cancel: bucket,
            list: bucket,
            backoff_min: SECOND,
            backoff_max: 3 * SECOND,
        };
        let throttle =
            |&at| told(at, Told::Throttled { call: Call::List, launch: None, region: 0 });
        let story: Vec<(Ms, Event)> = throttled.iter().map(throttle).collect();
        let orders = [Order::List { region: 0 }, Order::List { region: 1 }, launch(1, 1)];
        let story = story.into_iter().chain([decided(listed, orders)]);
        notes(Rule::CallBackoff, Rules { api: Some(api), ..rules() }, story)
    }

    #[test]
    fn what_was_throttled_rests_where_it_was() {
        assert_eq!(listed(&[], 0), []);
        assert_eq!((listed(&[0], 999), listed(&[0], 1_000)), (vec![999], vec![]));
    }

    #[test]
    fn rests_double_up_to_the_longest_and_are_forgiven() {
        assert_eq!(listed(&[0, 500], 1_000), [], "it was called before the rest");
        let again = [0, 1_000];
        assert_eq!((listed(&again, 2_999), listed(&again, 3_000)), (vec![2_999], vec![]));
        let thrice = [0, 1_000, 3_000];
        assert_eq!((listed(&thrice, 5_999), listed(&thrice, 6_000)), (vec![5_999], vec![]));
        let late = [0, 4_000];
        assert_eq!((listed(&late, 5_999), listed(&late, 6_000)), (vec![5_999], vec![]));
        let forgiven = [0, 4_001];
        assert_eq!((listed(&forgiven, 5_000), listed(&forgiven, 5_001)), (vec![5_000], vec![]));
    }
}
