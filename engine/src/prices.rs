//! The price book: what each pool costs now and what it cost lately.
//!
//! A maximum over a window counts the price that was in force when the window began, as EC2's
//! price history does. A price is never invented: before a pool's first one there is none.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::PoolId;
use crate::remap::Remap;
use crate::units::{Duration, Time, UsdPerHour};

/// Current and recent market prices of all pools.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PriceBook {
    /// How far back maxima may be asked for.
    reach: Duration,
    /// How old a price may be, once the feed was read as a whole.
    stale_after: Option<Duration>,
    /// When it last was.
    read: Option<Time>,
    pools: Vec<Recent>,
}

/// One pool's recent prices, without those that a later and not lower one hides.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Recent {
    since: Option<Time>,
    prices: VecDeque<Held>,
    /// A newer price that is not believed, and from when it is.
    doubted: Option<(UsdPerHour, Time)>,
}

/// A price and when it ended; the last one has not.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Held {
    price: UsdPerHour,
    until: Time,
}

impl PriceBook {
    /// An empty book for that many pools.
    pub(crate) fn new(pools: usize, reach: Duration, stale_after: Option<Duration>) -> Self {
        Self { reach, stale_after, read: None, pools: alloc::vec![Recent::default(); pools] }
    }

    /// Goes over to a catalog of that many pools.
    pub(crate) fn configure(
        &mut self,
        pools: usize,
        reach: Duration,
        stale_after: Option<Duration>,
        remap: &Remap,
    ) {
        (self.reach, self.stale_after) = (reach, stale_after);
        self.pools = remap.by_pool(core::mem::take(&mut self.pools), pools);
    }

    /// Notes a change; one that is not newer than the last is late and left out.
    pub(crate) fn change(&mut self, pool: PoolId, price: UsdPerHour, since: Time) {
        let recent = &mut self.pools[pool.index()];
        if recent.since.is_some_and(|last| since <= last) {
            return;
        }
        recent.since = Some(since);
        recent.doubted = recent.doubted.filter(|(_, doubted)| since < *doubted);
        if let Some(current) = recent.prices.back_mut() {
            current.until = since;
        }
        while recent.prices.back().is_some_and(|held| held.price <= price) {
            recent.prices.pop_back();
        }
        while recent.prices.front().is_some_and(|held| held.until + self.reach <= since) {
            recent.prices.pop_front();
        }
        recent.prices.push_back(Held { price, until: Time::MAX });
    }

    /// Notes a price that cannot be meant. It is not bought by, nor are older ones.
    pub(crate) fn doubt(&mut self, pool: PoolId, price: UsdPerHour, since: Time) {
        let recent = &mut self.pools[pool.index()];
        let newest = recent.since.max(recent.doubted.map(|(_, since)| since));
        if newest.is_none_or(|newest| newest < since) {
            recent.doubted = Some((price, since));
        }
    }

    /// The price of a pool that is not believed, while no sane one as new is known.
    pub(crate) fn doubted(&self, pool: PoolId) -> Option<UsdPerHour> {
        self.pools[pool.index()].doubted.map(|(price, _)| price)
    }

    /// Notes that the feed was read as a whole.
    pub(crate) fn read(&mut self, as_of: Time) {
        self.read = self.read.max(Some(as_of));
    }

    /// Up to when the price of a pool is known, if that is too long ago.
    pub(crate) fn stale_since(&self, pool: PoolId, now: Time) -> Option<Time> {
        let as_of = self.read?.max(self.pools[pool.index()].since?);
        (now.since(as_of) > self.stale_after?).then_some(as_of)
    }

    /// The highest price in force at any time of the last `window`.
    pub(crate) fn highest(&self, pool: PoolId, now: Time, window: Duration) -> Option<UsdPerHour> {
        let prices = &self.pools[pool.index()].prices;
        prices.iter().find(|held| held.until > now - window).map(|held| held.price)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POOL: usize = 0;

    proptest! {
        #[test]
        fn the_highest_price_is_that_of_a_plain_search(
            steps in prop::collection::vec((1_i64..40, 1_i64..6), 1..60),
            window in 1_i64..=100,
        ) {
            let pool = PoolId::new(POOL);
            let mut book = PriceBook::new(1, Duration::from_ms(100), None);
            let (mut now, mut changes) = (0, Vec::new());
            for (gap, price) in steps {
                now += gap;
                changes.push((now, price));
                book.change(pool, UsdPerHour::from_micros(price), Time::from_ms(now));
                let later = now + gap / 2;
                let plain = changes
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| changes.get(i + 1).is_none_or(|next| next.0 > later - window))
                    .map(|(_, change)| change.1)
                    .max();
                let found = book.highest(pool, Time::from_ms(later), Duration::from_ms(window));
                prop_assert_eq!(found, plain.map(UsdPerHour::from_micros));
            }
        }
    }

    #[test]
    fn a_late_price_changes_nothing() {
        let (pool, window) = (PoolId::new(POOL), Duration::MINUTE);
        let mut book = PriceBook::new(1, window, None);
        assert_eq!(book.highest(pool, Time::EPOCH, window), None);
        book.change(pool, UsdPerHour::from_micros(5), Time::from_ms(10));
        book.change(pool, UsdPerHour::from_micros(9), Time::from_ms(10));
        book.change(pool, UsdPerHour::from_micros(9), Time::from_ms(9));
        let five = Some(UsdPerHour::from_micros(5));
        assert_eq!(book.highest(pool, Time::from_ms(11), window), five);
    }

    #[test]
    fn a_price_that_is_not_believed_is_held_against_its_pool_until_a_sane_one_is_as_new() {
        let pool = PoolId::new(POOL);
        let price = UsdPerHour::from_micros;
        let at = Time::from_ms;
        let mut book = PriceBook::new(1, Duration::MINUTE, None);
        book.change(pool, price(5), at(10));
        book.doubt(pool, price(5_000), at(10));
        assert_eq!(book.doubted(pool), None, "what is known of that time is sane");
        book.doubt(pool, price(5_000), at(20));
        book.change(pool, price(6), at(15));
        assert_eq!(book.doubted(pool), Some(price(5_000)), "older ones do not help");
        book.change(pool, price(7), at(20));
        assert_eq!(book.doubted(pool), None);
        assert_eq!(book.highest(pool, at(20), Duration::ZERO), Some(price(7)));
    }

    #[test]
    fn prices_get_old_only_once_the_feed_was_read() {
        let pool = PoolId::new(POOL);
        let at = |minutes| Time::EPOCH + Duration::from_mins(minutes);
        let mut book = PriceBook::new(1, Duration::ZERO, Some(Duration::HOUR));
        book.change(pool, UsdPerHour::from_micros(5), at(0));
        assert_eq!(book.stale_since(pool, at(9_000)), None);
        book.read(at(30));
        book.read(at(20));
        assert_eq!(book.stale_since(pool, at(90)), None);
        assert_eq!(book.stale_since(pool, at(91)), Some(at(30)));
        book.change(pool, UsdPerHour::from_micros(6), at(60));
        assert_eq!(book.stale_since(pool, at(120)), None);
        assert_eq!(book.stale_since(pool, at(121)), Some(at(60)));
    }
}
