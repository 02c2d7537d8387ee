//! What is bought where, for whom, and by which price.
//!
//! - Only the worker type's own pools, and on demand only where it is allowed at all.
//! - A bid is more than nothing and not above the cap; a policy with v1's slip may once exceed it.
//! - Who buys by price needs one: known, sane and recent. A price holds from its own time on, an
//!   older one is late. Once all prices were read they hold as long as that or their own change is
//!   recent; before, for good. A price that cannot be closes its pool until a sane one as new comes.
//!
//! Exceptions: a call that is made again was judged when it was first made. Whether a price is sane
//! is judged by the on-demand price when it was told and when it is used, and must fail both.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::{Check, Market, Micros, Ms, OnDemand, Order, Pool, Rules, Scene, Told};

#[derive(Default)]
pub(super) struct Prices {
    known: BTreeMap<Pool, Price>,
    read: Option<Ms>,
}

#[derive(Clone, Copy)]
struct Price {
    since: Ms,
    price: Micros,
    was_sane: bool,
}

impl Check for Prices {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        match *told {
            Told::Price { pool, price, since } => {
                let was_sane = is_sane(scene.rules, pool, price, scene.at);
                let news = Price { since: since.min(scene.at), price, was_sane };
                let known = self.known.entry(pool).or_insert(news);
                if news.since > known.since || (news.since == known.since && !known.was_sane) {
                    *known = news;
                }
            }
            Told::PricesRead { as_of } => self.read = self.read.max(Some(as_of.min(scene.at))),
            _ => {}
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, worker_type, pool, market, .. } = *order else { return };
        let rules = scene.rules;
        let Some(buyer) = rules.worker_types.get(&worker_type) else {
            return notes
                .note(Rule::PoolAllowed, || format!("#{first}: {}", rules.name(worker_type)));
        };
        if !scene.book.is_new(first) {
            return;
        }
        let (name, place) = (&buyer.name, || rules.pool_name(pool));
        if !buyer.candidates.contains_key(&pool) {
            notes.note(Rule::PoolAllowed, || format!("#{first}: {} is no pool of {name}", place()));
        }
        let Market::Spot { bid } = market else {
            if buyer.on_demand == OnDemand::Never {
                notes.note(Rule::OnDemandAllowed, || format!("#{first} for {name} in {}", place()));
            }
            return;
        };
        let cap = rules.max_price_cap;
        if bid.is_some_and(|bid| bid <= 0 || (bid > cap && !buyer.may_exceed_cap)) {
            notes.note(Rule::BidSane, || {
                format!("#{first} for {name} in {}: {bid:?}, cap {cap}", place())
            });
        }
        if buyer.buys_by_price {
            self.judge(scene, order, notes);
        }
    }
}

impl Prices {
    fn judge(&self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, pool, .. } = *order else { return };
        let place = || scene.rules.pool_name(pool);
        let Some(Price { since, price, was_sane }) = self.known.get(&pool).copied() else {
            return notes.note(Rule::PriceFresh, || format!("#{first}: no price of {}", place()));
        };
        if let (Some(read), Some(most)) = (self.read, scene.rules.prices_stale_after)
            && scene.at - read.max(since) > most
        {
            let age = (scene.at - read.max(since)) / 1_000;
            notes.note(Rule::PriceFresh, || {
                format!("#{first}: the price of {} is {age} s old", place())
            });
        }
        if !was_sane && !is_sane(scene.rules, pool, price, scene.at) {
            notes.note(Rule::PriceSane, || {
                format!("#{first}: {price} cannot be the price of {}", place())
            });
        }
    }
}

fn is_sane(rules: &Rules, pool: Pool, price: Micros, at: Ms) -> bool {
    let Some(ratio) = rules.price_ratio_max else { return true };
    let most = rules.on_demand_price(pool, at);
    let most = most.map(|most| i128::from(most) * i128::from(ratio) / 1_000_000);
    price > 0 && most.is_none_or(|most| i128::from(price) <= most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;
    use crate::support::*;

    fn buy(market: Market, worker_type: u32, pool: Pool) -> Vec<(Ms, Event)> {
        with_known([decided(9, [Order::Launch { first: 1, count: 1, worker_type, pool, market }])])
    }

    const SPOT: Market = Market::Spot { bid: Some(1_000_000) };

    #[test]
    fn only_own_pools_are_bought_from() {
        assert_eq!(notes(Rule::PoolAllowed, rules(), buy(SPOT, 0, 1)), []);
        assert_eq!(notes(Rule::PoolAllowed, rules(), buy(SPOT, 0, 2)), [9]);
        assert_eq!(notes(Rule::PoolAllowed, rules(), buy(SPOT, 5, 1)), [9]);
    }

    #[test]
    fn on_demand_is_bought_only_where_allowed() {
        assert_eq!(notes(Rule::OnDemandAllowed, rules(), buy(Market::OnDemand, 1, 2)), []);
        assert_eq!(notes(Rule::OnDemandAllowed, rules(), buy(Market::OnDemand, 0, 0)), [9]);
    }

    #[test]
    fn bids_are_within_the_cap() {
        let bid = |bid| notes(Rule::BidSane, rules(), buy(Market::Spot { bid: Some(bid) }, 0, 0));
        assert_eq!((bid(1), bid(10_000_000)), (vec![], vec![]));
        assert_eq!((bid(0), bid(10_000_001)), (vec![9], vec![9]));
    }

    fn by_price(rule: Rule, prices: impl IntoIterator<Item = (Ms, Event)>, at: Ms) -> Vec<Ms> {
        let (prices_stale_after, price_ratio_max) = (Some(HOUR), Some(10_000_000));
        let rules = Rules { prices_stale_after, price_ratio_max, ..rules() };
        let mut story: Vec<_> = prices.into_iter().collect();
        story.push(decided(at, [launch(1, 1)]));
        notes(rule, rules, story)
    }

    fn price(since: Ms, price: Micros) -> (Ms, Event) {
        told(since.max(0), Told::Price { pool: 0, price, since })
    }

    #[test]
    fn a_price_must_be_known_and_recent() {
        let fresh = |prices: Vec<_>, at| by_price(Rule::PriceFresh, prices, at);
        let read = |at| told(at, Told::PricesRead { as_of: at });
        assert_eq!(fresh(vec![], MINUTE), [MINUTE]);
        assert_eq!(fresh(vec![price(0, 1)], DAY), [], "nobody reads, so it holds for good");
        assert_eq!(fresh(vec![price(0, 1), read(0)], HOUR), []);
        assert_eq!(fresh(vec![price(0, 1), read(0)], HOUR + 1), [HOUR + 1]);
        assert_eq!(fresh(vec![price(0, 1), read(0), price(5, 1)], HOUR + 1), []);
        assert_eq!(fresh(vec![price(0, 1), read(0), read(5)], HOUR + 1), []);
    }

    #[test]
    fn a_price_must_be_possible() {
        let sane = |prices: Vec<_>| by_price(Rule::PriceSane, prices, 9);
        assert_eq!(sane(vec![price(0, 10_000_000)]), []);
        assert_eq!(sane(vec![price(0, 10_000_001)]), [9]);
        assert_eq!(sane(vec![price(0, 0)]), [9]);
        assert_eq!(sane(vec![price(0, 0), price(0, 5)]), []);
        assert_eq!(sane(vec![price(1, 0), price(0, 5)]), [9], "that is late");
        assert_eq!(sane(vec![price(0, 5), price(1, 0)]), [9]);
    }
}
