//! A region rests after its quota was reached, and a pool after it was not offered.
//!
//! Spot and on demand have quotas of their own. The rest begins when the refusal is told; while
//! none of the launches since is given, each is a probe, and if it is refused the next rest begins
//! with it.
//!
//! Exceptions: a call that is made again is under way already.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::{Check, Ms, Order, Pool, Refusal, Region, Scene, Told};

#[derive(Default)]
pub(super) struct Rests {
    quotas: BTreeMap<(Region, bool), Ms>,
    unsupported: BTreeMap<Pool, Ms>,
}

impl Check for Rests {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        let (Told::Refused { launch, .. }
        | Told::Given { launch, .. }
        | Told::Running { launch }
        | Told::Registered { launch }) = *told
        else {
            return;
        };
        let Some(known) = scene.book.launch(launch).filter(|known| known.given.is_none()) else {
            return;
        };
        let region = scene.rules.region_of(known.pool).unwrap_or(Region::MAX);
        let quota = (region, known.market.is_spot());
        // Until something is given, whatever was ordered since the rest began was a probe.
        let rests = |since: Option<&Ms>| since.map_or(scene.at, |since| known.ordered.max(*since));
        match *told {
            Told::Refused { why: Refusal::Quota, .. } => {
                let since = rests(self.quotas.get(&quota));
                self.quotas.insert(quota, since);
            }
            Told::Refused { why: Refusal::Unsupported, .. } => {
                let since = rests(self.unsupported.get(&known.pool));
                self.unsupported.insert(known.pool, since);
            }
            Told::Refused { .. } => {}
            _ => {
                let is_older = |since: &mut Ms| known.ordered < *since;
                self.quotas.retain(|place, since| *place != quota || is_older(since));
                self.unsupported.retain(|pool, since| *pool != known.pool || is_older(since));
            }
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, pool, market, .. } = *order else { return };
        if !scene.book.is_new(first) {
            return;
        }
        let place = || scene.rules.pool_name(pool);
        let rests = |since: Option<&Ms>, rest: Option<Ms>| {
            let since = *since?;
            rest.map(|rest| since + rest - scene.at).filter(|left| *left > 0)
        };
        let region = scene.rules.region_of(pool).unwrap_or(Region::MAX);
        let quota = self.quotas.get(&(region, market.is_spot()));
        if let Some(left) = rests(quota, scene.rules.quota_rest) {
            notes.note(Rule::QuotaRest, || {
                format!("#{first}: the region of {} rests {left} ms", place())
            });
        }
        if let Some(left) = rests(self.unsupported.get(&pool), scene.rules.unsupported_rest) {
            notes.note(Rule::UnsupportedRest, || format!("#{first}: {} rests {left} ms", place()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rules;
    use crate::support::*;

    #[test]
    fn a_refusal_rests_its_region_or_its_pool() {
        let rules = || Rules { quota_rest: Some(MINUTE), unsupported_rest: Some(HOUR), ..rules() };
        let bought = |rule, why, pool, at| {
            let refused = told(0, Told::Refused { launch: 1, why });
            let story = [decided(0, [launch(1, 1)]), refused, decided(at, [launch_in(2, 1, pool)])];
            notes(rule, rules(), story)
        };
        let quota = |pool, at| bought(Rule::QuotaRest, Refusal::Quota, pool, at);
        assert_eq!((quota(1, MINUTE), quota(2, 1)), (vec![], vec![]));
        assert_eq!(quota(1, MINUTE - 1), [MINUTE - 1]);
        let unsupported = |pool, at| bought(Rule::UnsupportedRest, Refusal::Unsupported, pool, at);
        assert_eq!((unsupported(0, HOUR), unsupported(1, 1)), (vec![], vec![]));
        assert_eq!(unsupported(0, HOUR - 1), [HOUR - 1]);
    }

    #[test]
    fn only_what_was_launched_since_ends_the_trouble() {
        let bought = |given, at| {
            let refused = told(9, Told::Refused { launch: 1, why: Refusal::Quota });
            let given = told(MINUTE + 10, Told::Given { launch: given, instance: 7 });
            let again = told(MINUTE + 10, Told::Refused { launch: 4, why: Refusal::Quota });
            let first = decided(0, [launch(1, 1), launch(2, 1)]);
            let probe = decided(MINUTE + 9, [launch(3, 1), launch(4, 1)]);
            let rules = Rules { quota_rest: Some(MINUTE), ..rules() };
            let story = [first, refused, probe, given, again, decided(at, [launch(5, 1)])];
            notes(Rule::QuotaRest, rules, story)
        };
        let (from_probe, from_answer) = (2 * MINUTE + 9, 2 * MINUTE + 10);
        assert_eq!((bought(2, from_probe), bought(3, from_answer)), (vec![], vec![]));
        assert_eq!(bought(3, from_answer - 1), [from_answer - 1], "that is a new rest");
    }

    #[test]
    fn a_refused_probe_begins_the_next_rest() {
        let refused = |at, launch| told(at, Told::Refused { launch, why: Refusal::Quota });
        let bought = |at| {
            let probe = decided(MINUTE, [launch(2, 1)]);
            let story = [decided(0, [launch(1, 1)]), refused(0, 1), probe, refused(MINUTE + 9, 2)];
            let rules = Rules { quota_rest: Some(MINUTE), ..rules() };
            notes(Rule::QuotaRest, rules, story.into_iter().chain([decided(at, [launch(3, 1)])]))
        };
        assert_eq!((bought(2 * MINUTE), bought(2 * MINUTE - 1)), (vec![], vec![2 * MINUTE - 1]));
    }
}
