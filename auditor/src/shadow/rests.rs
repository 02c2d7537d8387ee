//! A region rests after its quota was reached, and a pool after it was not offered.
//!
//! Spot and on demand have quotas of their own. The rest begins when the refusal is told; while
//! nothing is given there, each later launch is a probe, and if that is refused the next rest begins
//! with it. Answers to what was ordered before the rest began neither end it nor begin another.
//!
//! Exceptions: a call that is made again is under way already.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::{Check, Ms, Order, Pool, Refusal, Region, Scene, Told};

#[derive(Default)]
pub(super) struct Rests {
    quotas: BTreeMap<(Region, bool), Rest>,
    unsupported: BTreeMap<Pool, Rest>,
}

#[derive(Clone, Copy)]
struct Rest {
    /// When it was first refused.
    began: Ms,
    /// When the last probe that was refused was ordered, or else when it began.
    since: Ms,
}

impl Rest {
    /// What was ordered then was refused.
    fn refused(rest: Option<Self>, now: Ms, ordered: Ms) -> Self {
        let Self { began, since } = rest.unwrap_or(Self { began: now, since: now });
        Self { began, since: since.max(ordered) }
    }
}

impl Check for Rests {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        let launch = match *told {
            Told::Refused { launch, .. } => Some(launch),
            ref told => told.shows_instance_of(),
        };
        let known = launch.and_then(|launch| scene.book.launch(launch));
        let Some(known) = known.filter(|known| known.given.is_none()) else {
            return;
        };
        let region = scene.rules.region_of(known.pool).unwrap_or(Region::MAX);
        let quota = (region, known.market.is_spot());
        let refused = |rest: Option<&Rest>| Rest::refused(rest.copied(), scene.at, known.ordered);
        let is_older = |rest: &mut Rest| known.ordered <= rest.began;
        match *told {
            Told::Refused { why: Refusal::Quota, .. } => {
                let rest = refused(self.quotas.get(&quota));
                self.quotas.insert(quota, rest);
            }
            Told::Refused { why: Refusal::Unsupported, .. } => {
                let rest = refused(self.unsupported.get(&known.pool));
                self.unsupported.insert(known.pool, rest);
            }
            Told::Refused { .. } => {}
            _ => {
                self.quotas.retain(|place, rest| *place != quota || is_older(rest));
                self.unsupported.retain(|pool, rest| *pool != known.pool || is_older(rest));
            }
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, pool, market, .. } = *order else { return };
        if !scene.book.is_new(first) {
            return;
        }
        let place = || scene.rules.pool_name(pool);
        let rests = |since: Option<&Rest>, rest: Option<Ms>| {
            let since = since?.since;
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
    use crate::support::*;
    use crate::{Market, Rules};

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
    fn what_was_ordered_before_a_rest_neither_ends_it_nor_begins_another() {
        let refused = |at, launch| told(at, Told::Refused { launch, why: Refusal::Quota });
        let given = told(20, Told::Given { launch: 2, instance: 2 });
        let bought = |at| {
            let before = [decided(0, [launch(1, 3)]), refused(10, 1), given.clone()];
            let story = before.into_iter().chain([refused(30, 3), decided(at, [launch(4, 1)])]);
            notes(Rule::QuotaRest, Rules { quota_rest: Some(MINUTE), ..rules() }, story)
        };
        assert_eq!((bought(10 + MINUTE), bought(9 + MINUTE)), (vec![], vec![9 + MINUTE]));
    }

    #[test]
    fn an_instance_that_is_found_ends_a_rest_as_one_that_is_told_does() {
        let refused = |at, launch| told(at, Told::Refused { launch, why: Refusal::Quota });
        let bought = |ends| {
            let before =
                [decided(0, [launch(1, 1)]), refused(0, 1), decided(MINUTE, [launch(2, 1)])];
            let story = before.into_iter().chain([ends, decided(MINUTE + 9, [launch(3, 1)])]);
            notes(Rule::QuotaRest, Rules { quota_rest: Some(HOUR), ..rules() }, story)
        };
        let (instance, pool, worker_type, market) = (2, Some(0), Some(0), Market::OnDemand);
        let found = |launch| Told::Found { instance, launch, pool, worker_type, market };
        let ended = vec![MINUTE];
        assert_eq!(bought(told(MINUTE, Told::Given { launch: 2, instance })), ended);
        assert_eq!(bought(told(MINUTE, found(Some(2)))), ended);
        assert_eq!(bought(told(MINUTE, found(None))), [MINUTE, MINUTE + 9]);
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
