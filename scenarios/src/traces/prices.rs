//! Recorded spot prices: which market cost what from when on.
//!
//! A *market* is what the price history API prints one price for: zone, instance type, product.
//! Zone names are the recording account's own (letters are shuffled per account); AZ ids such as
//! `use1-az4` are global. Both are kept as they were printed and never joined. Products are
//! compared as printed too: `Linux/UNIX` (EC2-Classic until 2022) and `Linux/UNIX (Amazon VPC)`
//! were different pools with different prices, so they are different markets here.
//!
//! A row is not a change: quiet markets are announced again about every 24 h. The first row of a
//! market is not its start: nothing is known before it, and nothing is invented.

use std::collections::BTreeSet;

use provisioner_engine::units::{Time, UsdPerHour};

use super::error::{Problems, TraceError};
use super::findings::{Log, NoteKind};
use super::names::Names;
use super::tables::{OnDemandTable, is_region};
use super::text::{self, BadCell};
use super::{Format, Imported, Options, Trace};

/// Above this price an hour something is wrong: the dearest instance of 2026 costs a tenth.
pub(super) const HUGE_PRICE: UsdPerHour = UsdPerHour::from_micros(1_000_000_000);

/// Prices, oldest first; those of one instant in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTrace {
    /// What is priced, by the index that rows hold.
    pub markets: Vec<Market>,
    /// The prices.
    pub changes: Vec<PriceRow>,
}

/// What has one spot price.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Market {
    /// `us-east-1a`, or an AZ id, as printed.
    pub zone: String,
    /// `m3.medium`.
    pub instance_type: String,
    /// `Linux/UNIX`, `Windows`, … as printed.
    pub product: String,
}

impl Market {
    /// The market in words.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {} {}", self.zone, self.instance_type, self.product)
    }

    /// The region of the zone: `us-east-1` for `us-east-1a`; `None` for an AZ id and for local
    /// zones, which name their region in other ways.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        region_of(&self.zone)
    }
}

fn region_of(zone: &str) -> Option<&str> {
    let region = zone.strip_suffix(|c: char| c.is_ascii_lowercase())?;
    is_region(region).then_some(region)
}

/// Whether this is the name of a zone or an AZ id.
pub(super) fn is_zone(zone: &str) -> bool {
    region_of(zone).is_some() || is_zone_id(zone)
}

/// The price of a market from `at` until its next row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PriceRow {
    /// From when.
    pub at: Time,
    /// Index into [`PriceTrace::markets`].
    pub market: u32,
    /// How much.
    pub price: UsdPerHour,
}

impl PriceTrace {
    /// What is needed to price `start` until before `end`: the rows in between and, of each
    /// market, the last row up to `start`, at its own time. A market without one stays unknown
    /// until its first row.
    #[must_use]
    pub fn window(&self, start: Time, end: Time) -> Self {
        let from = self.changes.partition_point(|row| row.at <= start);
        let to = self.changes.partition_point(|row| row.at < end).max(from);
        let mut last = vec![None; self.markets.len()];
        for (index, row) in self.changes[..from].iter().enumerate() {
            last[row.market as usize] = Some(index);
        }
        let in_force: BTreeSet<usize> = last.into_iter().flatten().collect();
        let mut changes: Vec<_> = in_force.into_iter().map(|i| self.changes[i]).collect();
        changes.extend_from_slice(&self.changes[from..to]);
        Self { markets: self.markets.clone(), changes }
    }

    /// Without the rows that repeat their market's price.
    #[must_use]
    pub fn without_repeats(&self) -> Self {
        let mut last = vec![None; self.markets.len()];
        let is_change =
            |row: &&PriceRow| last[row.market as usize].replace(row.price) != Some(row.price);
        let changes = self.changes.iter().filter(is_change).copied().collect();
        Self { markets: self.markets.clone(), changes }
    }

    /// Only the markets that `wanted` accepts, numbered anew in the same order.
    #[must_use]
    pub fn select(&self, wanted: impl Fn(&Market) -> bool) -> Self {
        let mut markets = Vec::new();
        let mut ids = vec![None; self.markets.len()];
        for (id, market) in ids.iter_mut().zip(&self.markets) {
            if wanted(market) {
                *id = Some(u32::try_from(markets.len()).expect("no more than before"));
                markets.push(market.clone());
            }
        }
        let renumbered =
            |row: &PriceRow| ids[row.market as usize].map(|market| PriceRow { market, ..*row });
        let changes = self.changes.iter().filter_map(renumbered).collect();
        Self { markets, changes }
    }

    /// How many rows are priced at exactly ten times on-demand, the limit on bids until 2017.
    #[must_use]
    pub fn saturated(&self, on_demand: &OnDemandTable) -> u64 {
        let dated: Vec<_> = self
            .markets
            .iter()
            .map(|m| on_demand.prices(m.region().unwrap_or(""), &m.instance_type, &m.product))
            .collect();
        let is_saturated = |row: &&PriceRow| {
            dated[row.market as usize]
                .iter()
                .filter(|(_, price)| *price > UsdPerHour::ZERO)
                .any(|(_, price)| price.micros().checked_mul(10) == Some(row.price.micros()))
        };
        self.changes.iter().filter(is_saturated).count() as u64
    }
}

/// Whether this is an AZ id, such as `use1-az4`, and no zone name.
fn is_zone_id(zone: &str) -> bool {
    zone.rsplit_once("-az")
        .is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// One row as it stands in a file.
pub(super) struct RawPrice<'a> {
    pub(super) zone: &'a [u8],
    pub(super) instance_type: &'a [u8],
    pub(super) product: &'a [u8],
    pub(super) price: &'a [u8],
    pub(super) at: &'a [u8],
}

/// The columns of a row, as problems name them.
#[derive(Clone, Copy)]
pub(super) struct PriceColumns {
    pub(super) zone: &'static str,
    pub(super) instance_type: &'static str,
    pub(super) product: &'static str,
    pub(super) price: &'static str,
    pub(super) at: &'static str,
}

impl PriceColumns {
    /// All of them: zone, instance type, product, price, time.
    pub(super) const fn names(&self) -> [&'static str; 5] {
        [self.zone, self.instance_type, self.product, self.price, self.at]
    }
}

/// Gathers the prices of one file.
pub(super) struct PriceBuilder<'a> {
    options: &'a Options,
    columns: PriceColumns,
    zones: Names,
    types: Names,
    products: Names,
    triples: Names,
    markets: Vec<[u32; 3]>,
    changes: Vec<PriceRow>,
    pub(super) log: Log,
    pub(super) problems: Problems,
}

impl<'a> PriceBuilder<'a> {
    pub(super) fn new(file: &str, options: &'a Options, columns: PriceColumns) -> Self {
        Self {
            options,
            columns,
            zones: Names::default(),
            types: Names::default(),
            products: Names::default(),
            triples: Names::default(),
            markets: Vec::new(),
            changes: Vec::new(),
            log: Log::new(options.now),
            problems: Problems::in_file(file),
        }
    }

    /// Takes one row; what is wrong with it is remembered as problems.
    pub(super) fn push(&mut self, raw: &RawPrice<'_>, line: u64) {
        self.log.rows += 1;
        let mut refuse = |column: &str, found: &[u8], why: BadCell| {
            self.problems.cell(line, column, found, why, "");
        };
        let mut id = |names: &mut Names, column: &str, found: &[u8]| {
            let (id, new) = names.intern(found);
            if new && let Err(why) = text::name(found) {
                refuse(column, found, why);
            } else if new && found != found.trim_ascii() {
                self.log.note(NoteKind::BlankAround, line);
            }
            id
        };
        let triple = [
            id(&mut self.zones, self.columns.zone, raw.zone),
            id(&mut self.types, self.columns.instance_type, raw.instance_type),
            id(&mut self.products, self.columns.product, raw.product),
        ];
        let price = text::price(raw.price);
        let at = text::date_time(raw.at);
        if let Err(why) = price {
            refuse(self.columns.price, raw.price, why);
        }
        if let Err(why) = at {
            refuse(self.columns.at, raw.at, why);
        }
        let (Ok((price, rounded)), Ok(at)) = (price, at) else {
            return;
        };
        let key = triple.map(u32::to_le_bytes);
        let (market, new) = self.triples.intern(key.as_flattened());
        if new {
            self.markets.push(triple);
        }
        let (at, guessed) = self.options.utc(at);
        self.log.time(at, line);
        let odd = [
            (guessed, NoteKind::LocalTime),
            (rounded, NoteKind::RoundedPrice),
            (price == UsdPerHour::ZERO, NoteKind::ZeroPrice),
            (price > HUGE_PRICE, NoteKind::HugePrice),
        ];
        for (_, kind) in odd.into_iter().filter(|(is_so, _)| *is_so) {
            self.log.note(kind, line);
        }
        self.changes.push(PriceRow { at, market, price });
    }

    pub(super) fn finish(self, file: &str, format: Format) -> Result<Imported, TraceError> {
        let Self {
            options, zones, types, products, markets, mut changes, mut log, problems, ..
        } = self;
        problems.or(())?;
        let [zones, types, products] = [zones, types, products].map(Names::into_strings);
        let market = |[zone, instance_type, product]: [u32; 3]| Market {
            zone: zones[zone as usize].clone(),
            instance_type: types[instance_type as usize].clone(),
            product: products[product as usize].clone(),
        };
        let markets: Vec<_> = markets.into_iter().map(market).collect();
        if log.is_unordered() {
            changes.sort_by_key(|row| row.at);
        }
        drop_duplicates(&mut changes, &mut log);
        let trace = PriceTrace { markets, changes };
        let findings = trace.findings(log, options, file, format);
        Ok(Imported { trace: Trace::Prices(trace), findings })
    }
}

/// Leaves out rows that say the same price of the same market at the same time again, and counts
/// those that say another.
fn drop_duplicates(changes: &mut Vec<PriceRow>, log: &mut Log) {
    let mut drop = vec![false; changes.len()];
    let mut order: Vec<usize> = Vec::new();
    let mut start = 0;
    for instant in changes.chunk_by(|a, b| a.at == b.at) {
        order.clear();
        order.extend(start..start + instant.len());
        order.sort_by_key(|&index| changes[index].market);
        for pair in order.windows(2) {
            let (earlier, later) = (changes[pair[0]], changes[pair[1]]);
            if earlier == later {
                drop[pair[1]] = true;
            } else if earlier.market == later.market {
                log.note_many(NoteKind::ContradictoryPrice, 1);
            }
        }
        start += instant.len();
    }
    log.note_many(NoteKind::DuplicatePrice, drop.iter().filter(|drop| **drop).count() as u64);
    let mut index = 0;
    changes.retain(|_| {
        index += 1;
        !drop[index - 1]
    });
}

impl PriceTrace {
    /// The findings of an import that gave this trace.
    pub(super) fn findings(
        &self,
        mut log: Log,
        options: &Options,
        file: &str,
        format: Format,
    ) -> super::Findings {
        let mut rows = vec![0; self.markets.len()];
        for row in &self.changes {
            rows[row.market as usize] += 1;
        }
        let rows_where = |is_so: &dyn Fn(&Market) -> bool| {
            self.markets.iter().zip(&rows).filter(|(m, _)| is_so(m)).map(|(_, rows)| rows).sum()
        };
        log.note_many(NoteKind::ZoneId, rows_where(&|market| is_zone_id(&market.zone)));
        if let Some(known) = &options.known_types {
            let unknown = |market: &Market| !known.contains(&market.instance_type);
            log.note_many(NoteKind::UnknownType, rows_where(&unknown));
        }
        if let Some(on_demand) = &options.on_demand {
            log.note_many(NoteKind::SaturatedPrice, self.saturated(on_demand));
        }
        let repeats = self.changes.len() - self.without_repeats().changes.len();
        log.note_many(NoteKind::RepeatedPrice, repeats as u64);
        let markets = self.markets.iter().map(Market::name).zip(rows).collect();
        let times = || self.changes.iter().map(|row| row.at);
        log.finish(file, format, "markets", markets, (times().collect(), times()))
    }
}
