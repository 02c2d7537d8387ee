//! How the engine learns market prices: told at once, or by reading `DescribeSpotPriceHistory` now
//! and then.
//!
//! A reading asks for what changed since the last complete one, and gets, as EC2 answers, also the
//! price in force then, in no useful order and page by page. The reader hands on each row as it
//! comes and says that it has read all only if it has. Faults change what is told, never the
//! market itself.

use provisioner_engine::ids::PoolId;
use provisioner_engine::observation::Observation;
use provisioner_engine::random::Stream;
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::World;
use crate::config::feed::{FeedModel, RowOrder};
use crate::config::{FaultKind, SimConfig};

/// The reader of the price feed.
pub(super) struct Feed {
    model: Option<FeedModel>,
    /// When it reads next.
    at: Time,
    /// When the last complete reading began.
    read: Option<Time>,
    /// How many changes each pool had then.
    known: Vec<usize>,
    /// When the newest change of each pool was that was told.
    newest: Vec<Option<Time>>,
    random: Stream,
}

/// A row of an answer.
type Row = (Time, PoolId, UsdPerHour);

impl Feed {
    pub(super) fn new(config: &SimConfig) -> Self {
        Self {
            model: config.feed,
            at: config.start,
            read: None,
            known: vec![0; config.engine.catalog.pools().len()],
            newest: vec![None; config.engine.catalog.pools().len()],
            random: config.seed.purpose("feed").stream(),
        }
    }

    /// Whether what was told of a pool's price is older than that.
    pub(super) fn is_older_than(&self, age: Duration, pool: PoolId, now: Time) -> bool {
        let as_of = self.read.max(self.newest[pool.index()]);
        self.model.is_some() && as_of.is_none_or(|as_of| now.since(as_of) > age)
    }
}

impl World<'_> {
    /// A price changed: the engine is told, unless it has to read it.
    pub(super) fn push_price(&mut self, pool: PoolId, price: UsdPerHour, since: Time) {
        if self.feed.model.is_none() && !self.is_feed_down() {
            self.tell_price(pool, price, since);
        }
    }

    /// Reads the feed if that is due.
    pub(super) fn read_prices(&mut self) {
        let Some(model) = self.feed.model else { return };
        if self.now < self.feed.at {
            return;
        }
        self.feed.at = self.now.saturating_add(model.interval);
        if self.is_feed_down() {
            return;
        }
        let mut rows = self.rows_since_last();
        match model.order {
            RowOrder::NewestFirst => rows.sort_by_key(|(since, ..)| std::cmp::Reverse(*since)),
            RowOrder::OldestFirst => rows.sort_by_key(|(since, ..)| *since),
            RowOrder::Shuffled => rows.shuffle(&mut self.feed.random),
        }
        let page = model.page_rows as usize;
        let breaks_off =
            rows.len() > page && self.is(|fault| matches!(fault, FaultKind::FeedFirstPage));
        if breaks_off {
            rows.truncate(page);
        }
        for (since, pool, price) in rows {
            let twice = model.duplicates > 0.0 && self.feed.random.random_bool(model.duplicates);
            for _ in 0..1 + u32::from(twice) {
                self.tell_price(pool, price, since);
            }
        }
        if !breaks_off {
            self.feed.read = Some(self.now);
            for (known, pool) in self.feed.known.iter_mut().zip(&self.pools) {
                *known = pool.changes;
            }
            self.tell(Observation::PricesRead { as_of: self.now });
        }
    }

    /// Whoever read the feed died: what changed since then is read anew.
    pub(super) fn read_prices_back(&mut self, since: Time) {
        self.feed.at = self.now;
        let is_pushed = self.feed.model.is_none();
        for (index, known) in self.feed.known.iter_mut().enumerate() {
            let history = self.config.market.history(PoolId::new(index));
            let before = history.partition_point(|(at, _)| *at < since);
            *known = if is_pushed { before } else { before.min(*known) };
        }
        if is_pushed && !self.is_feed_down() {
            for (since, pool, price) in self.rows_since_last() {
                self.tell_price(pool, price, since);
            }
        }
    }

    /// What changed since the last complete reading, and what was in force then.
    fn rows_since_last(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (index, known) in self.feed.known.iter().enumerate() {
            let pool = PoolId::new(index);
            let history = &self.config.market.history(pool)[..self.pools[index].changes];
            let news = &history[known.saturating_sub(1)..];
            rows.extend(news.iter().map(|(since, price)| (*since, pool, *price)));
        }
        rows
    }

    /// Tells a price in the unit that the feed uses now.
    fn tell_price(&mut self, pool: PoolId, price: UsdPerHour, since: Time) {
        let scaled = |price: UsdPerHour, fault: &FaultKind| match *fault {
            FaultKind::FeedScaled { factor } => price.times_rounded_up(factor),
            _ => price,
        };
        let price = self.faults().fold(price, scaled);
        let newest = &mut self.feed.newest[pool.index()];
        *newest = Some(since).max(*newest);
        self.tell(Observation::PriceChanged { pool, price, since });
    }

    fn is_feed_down(&self) -> bool {
        self.is(|fault| matches!(fault, FaultKind::FeedDown))
    }
}
