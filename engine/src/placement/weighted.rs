//! worker-manager's launch configs: one candidate is one launch config.
//!
//! ```text
//! weight    = initialWeight
//! weight   −= existing / (its maxCapacity or the pool's)         if both > 0
//! weight   −= its errors / all errors of the last 60 min         if both > 0
//! remaining = max(0, max − existing)
//! ```
//!
//! Where no launch config with room left has a weight above 0, the first of them gets 0.01. On
//! AWS weights decide inclusion only: the included are shuffled and each gets `ceil(n ÷ configs)`
//! units, rounded up to instances. On Azure and Google they are drawn by weight, with
//! replacement, and a config whose room is used up drops out; that is the named alternative.
//!
//! Differs from the original where it must: all launches of an iteration are decided at once, so
//! a launch config that fails does not stop those behind it within the same iteration; and where
//! the pool's `capacity_max` is hard, what too large launch configs leave is shared among the
//! rest. A launch config's maximum of 0 means none; the original then ignored it.
//! Source: taskcluster/taskcluster, `services/worker-manager/src/launch-config-selector.js` and
//! `providers/aws.js`, as of 2026-08-21.

use alloc::vec::Vec;

use rand::RngExt;

use super::{Offer, Pick, Placement, Plan, Room, candidates, on_demand_price};
use crate::decision::{Market, Reason};
use crate::random::Stream;
use crate::units::Duration;
use crate::worker_type::{ErrorAttribution, Selection, WeightedMarket};

pub(super) struct Weighted {
    pub(super) market: WeightedMarket,
    pub(super) selection: Selection,
    pub(super) errors: ErrorAttribution,
}

/// A launch config that takes part.
#[derive(Clone, Copy, Debug)]
struct Config {
    candidate: u32,
    capacity: u32,
    weight: f64,
    /// Units it may still add.
    remaining: u32,
}

impl Placement for Weighted {
    fn plan(&self, offer: &Offer<'_>, mut room: Room, random: &mut Stream) -> Plan {
        let mut plan = Plan::default();
        let mut configs = self.configs(offer);
        while room.wanted() > 0 {
            configs.retain(|config| config.remaining > 0);
            if configs.is_empty() {
                plan.short = Some(Reason::NoWeight { worker_type: offer.id });
                break;
            }
            configs.retain(|config| room.fits(config.candidate, config.capacity));
            if configs.is_empty() {
                plan.short = Some(room.full(offer.id));
                break;
            }
            let of = u32::try_from(configs.len()).unwrap_or(u32::MAX);
            match self.selection {
                Selection::EvenSplit => {
                    shuffle(&mut configs, random);
                    let share = room.wanted().div_ceil(of);
                    for config in &configs {
                        let instances = room.wanted().min(share).div_ceil(config.capacity);
                        let count = room.take(config.candidate, config.capacity, instances);
                        self.pick(&mut plan, offer, config, of, count);
                    }
                }
                Selection::Drawn => {
                    let config = draw(&mut configs, random);
                    config.remaining = config.remaining.saturating_sub(config.capacity);
                    let config = *config;
                    let count = room.take(config.candidate, config.capacity, 1);
                    self.pick(&mut plan, offer, &config, of, count);
                }
            }
        }
        plan
    }

    fn likes(&self, offer: &Offer<'_>, candidate: u32) -> bool {
        self.configs(offer).iter().any(|config| config.candidate == candidate)
    }
}

impl Weighted {
    /// The launch configs that have room and a positive weight, in the order of definition.
    fn configs(&self, offer: &Offer<'_>) -> Vec<Config> {
        let mut configs: Vec<Config> = candidates(offer)
            .map(|(index, candidate)| {
                let existing = offer.by_candidate[index as usize];
                let max = candidate.capacity_max.unwrap_or(offer.worker_type.capacity_max);
                let errors = match self.errors {
                    ErrorAttribution::Unattributed => 0,
                    ErrorAttribution::Attributed => offer.errors.of(index),
                };
                let weight = candidate.initial_weight.as_f64()
                    - share(existing, max)
                    - share(errors, offer.errors.all());
                let remaining = max.saturating_sub(existing);
                Config { candidate: index, capacity: candidate.capacity, weight, remaining }
            })
            .filter(|config| config.remaining > 0)
            .collect();
        let viable = configs.iter().any(|config| config.weight > 0.0);
        if let (false, Some(first)) = (viable, configs.first_mut()) {
            first.weight = 0.01;
        }
        configs.retain(|config| config.weight > 0.0);
        configs
    }

    fn pick(&self, plan: &mut Plan, offer: &Offer<'_>, config: &Config, of: u32, count: u32) {
        if count == 0 {
            return;
        }
        let pool = offer.worker_type.candidates[config.candidate as usize].pool;
        let (market, price) = match self.market {
            WeightedMarket::Spot => {
                let price = offer.prices.highest(pool, offer.now, Duration::ZERO);
                (Market::Spot { max_price: None }, price)
            }
            WeightedMarket::OnDemand => (Market::OnDemand, on_demand_price(offer, pool)),
        };
        plan.picks.push(Pick { candidate: config.candidate, market, price, of, count });
    }
}

/// `part ÷ whole` where both are positive, else nothing.
fn share(part: u32, whole: u32) -> f64 {
    if part > 0 && whole > 0 { f64::from(part) / f64::from(whole) } else { 0.0 }
}

/// Fisher and Yates.
fn shuffle(configs: &mut [Config], random: &mut Stream) {
    for last in (1..configs.len()).rev() {
        configs.swap(last, random.random_range(..=last));
    }
}

/// One config, by weight.
fn draw<'a>(configs: &'a mut [Config], random: &mut Stream) -> &'a mut Config {
    let total: f64 = configs.iter().map(|config| config.weight).sum();
    let mut point = random.random::<f64>() * total;
    let index = configs.iter().position(|config| {
        point -= config.weight;
        point < 0.0
    });
    let last = configs.len() - 1; // where rounding leaves a point beyond the end
    &mut configs[index.unwrap_or(last)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn configs_are_drawn_in_proportion_to_their_weights() {
        let config = |candidate, weight| Config { candidate, capacity: 1, weight, remaining: 1 };
        let mut configs = [config(0, 0.6), config(1, 0.1), config(2, 0.3)];
        let mut random = Seed(1).stream();
        let mut drawn = [0_u32; 3];
        for _ in 0..10_000 {
            drawn[draw(&mut configs, &mut random).candidate as usize] += 1;
        }
        for (drawn, expected) in drawn.into_iter().zip([6_000, 1_000, 3_000]) {
            // Five standard deviations of a share of one half.
            assert!(drawn.abs_diff(expected) < 250, "{drawn} of 10,000, {expected} expected");
        }
    }

    #[test]
    fn every_order_comes_out_of_a_shuffle_equally_often() {
        let config = |candidate| Config { candidate, capacity: 1, weight: 1.0, remaining: 1 };
        let mut random = Seed(1).stream();
        let mut seen = alloc::collections::BTreeMap::new();
        for _ in 0..6_000 {
            let mut configs = [config(0), config(1), config(2)];
            shuffle(&mut configs, &mut random);
            *seen.entry(configs.map(|config| config.candidate)).or_insert(0_u32) += 1;
        }
        assert_eq!(seen.len(), 6);
        // Five standard deviations of a sixth.
        assert!(seen.values().all(|count| count.abs_diff(1_000) < 145), "{seen:?}");
    }
}
