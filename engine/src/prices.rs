//! The price book: what each pool costs now and what it cost lately.
//!
//! A maximum over a window counts the price that was in force when the window began, as EC2's
//! price history does. A price is never invented: before a pool's first one there is none. The order
//! in which changes are told does not matter: a feed read newest first gives the same book.

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

/// One pool's recent prices.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Recent {
    /// Since when the newest holds.
    since: Option<Time>,
    /// All changes within reach, and the one before, the newest last: late ones go between them.
    changes: VecDeque<(Time, UsdPerHour)>,
    /// Prices without those that a later and not lower one hides.
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

    /// Notes a change. Of two changes of one moment the first that was told holds.
    pub(crate) fn change(&mut self, pool: PoolId, price: UsdPerHour, since: Time) {
        let reach = self.reach;
        let recent = &mut self.pools[pool.index()];
        if recent.since.is_some_and(|last| since <= last) {
            recent.change_late(price, since, reach);
            return;
        }
        recent.since = Some(since);
        recent.doubted = recent.doubted.filter(|(_, doubted)| since < *doubted);
        recent.changes.push_back((since, price));
        while recent.changes.get(1).is_some_and(|(next, _)| *next + reach <= since) {
            recent.changes.pop_front();
        }
        recent.hold(price, since);
        while recent.prices.front().is_some_and(|held| held.until.saturating_add(reach) <= since) {
            recent.prices.pop_front();
        }
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
        let (prices, from) = (&self.pools[pool.index()].prices, now - window);
        let oldest = prices.front()?; // mostly it is that one: what is out of reach is forgotten
        if oldest.until > from {
            return Some(oldest.price);
        }
        prices.iter().find(|held| held.until > from).map(|held| held.price)
    }
}

impl Recent {
    /// The price holds from then on, and ends and hides the ones before.
    fn hold(&mut self, price: UsdPerHour, since: Time) {
        if let Some(current) = self.prices.back_mut() {
            current.until = since;
        }
        while self.prices.back().is_some_and(|held| held.price <= price) {
            self.prices.pop_back();
        }
        self.prices.push_back(Held { price, until: Time::MAX });
    }

    /// Puts in a change that is older than the newest, if the end of its price is within reach.
    fn change_late(&mut self, price: UsdPerHour, since: Time, reach: Duration) {
        let place = self.changes.partition_point(|(at, _)| *at < since);
        let is_within = match (self.changes.get(place), self.since) {
            (Some((until, _)), Some(newest)) => *until != since && *until + reach > newest,
            _ => false,
        };
        if is_within {
            self.changes.insert(place, (since, price));
            self.prices.clear();
            for index in 0..self.changes.len() {
                let (since, price) = self.changes[index];
                self.hold(price, since);
            }
        }
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

    proptest! {
        #[test]
        fn the_order_in_which_prices_are_told_does_not_matter(
            steps in prop::collection::vec((1_i64..40, 1_i64..6, any::<u32>()), 1..60),
            window in 0_i64..=100,
        ) {
            let pool = PoolId::new(POOL);
            let (price, at) = (UsdPerHour::from_micros, Time::from_ms);
            let mut now = 0;
            let mut rows: Vec<(u32, i64, i64)> = Vec::new();
            for (gap, price, order) in steps {
                now += gap;
                rows.push((order, now, price));
            }
            let book_of = |rows: &[(u32, i64, i64)]| {
                let mut book = PriceBook::new(1, Duration::from_ms(100), None);
                rows.iter().for_each(|(_, since, it)| book.change(pool, price(*it), at(*since)));
                book
            };
            let told = book_of(&rows);
            rows.sort_unstable();
            for shuffled in [book_of(&rows), book_of(&{ rows.sort_by_key(|row| -row.1); rows })] {
                for later in [0, 7, 90, 300] {
                    let (now, window) = (at(now + later), Duration::from_ms(window));
                    let highest = shuffled.highest(pool, now, window);
                    prop_assert_eq!(highest, told.highest(pool, now, window));
                }
            }
        }
    }

    #[test]
    fn of_two_prices_of_one_moment_the_first_holds_and_an_old_one_is_not_the_current_one() {
        let (pool, window) = (PoolId::new(POOL), Duration::MINUTE);
        let mut book = PriceBook::new(1, window, None);
        assert_eq!(book.highest(pool, Time::EPOCH, window), None);
        book.change(pool, UsdPerHour::from_micros(5), Time::from_ms(10));
        book.change(pool, UsdPerHour::from_micros(9), Time::from_ms(10));
        let highest = |book: &PriceBook, window| book.highest(pool, Time::from_ms(11), window);
        let [five, nine] = [5, 9].map(|micros| Some(UsdPerHour::from_micros(micros)));
        assert_eq!(highest(&book, window), five);
        book.change(pool, UsdPerHour::from_micros(9), Time::from_ms(9));
        assert_eq!(highest(&book, Duration::ZERO), five);
        assert_eq!(highest(&book, window), nine);
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
