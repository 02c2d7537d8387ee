//! The files a scenario names: read, hashed, and cut to the run.
//!
//! A file that cannot be read is an issue where it is named; what is odd in one is a remark.
//! Scenarios that are loaded with one [`Library`] share what they read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provisioner_engine::catalog::Catalog;
use provisioner_engine::ids::PoolId;
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_sim::input::AvailabilityChange;
use provisioner_sim::market::Market as MarketData;

use super::pools::one_of;
use super::schema::{
    At, Document, MarketDoc, PricesDoc, RecordedAvailabilityDoc, RecordedPricesDoc,
    RecordedTasksDoc, Span,
};
use super::supply::{RecordedPrices, Supply, Zone};
use crate::file::{Issue, Place, kind};
use crate::traces::error::Place as TracePlace;
use crate::traces::{
    Findings, Imported, Market, Note, NoteKind, Options, TaskList, TaskRow, Trace, TraceError,
    import_from,
};

/// What was read of the files that a scenario names.
pub(super) struct Inputs<'l> {
    pub(super) library: &'l mut Library,
    pub(super) issues: Vec<Issue>,
    pub(super) remarks: Vec<String>,
    /// The files, and hashes of their bytes, in the order in which they were first needed.
    pub(super) files: Vec<PathBuf>,
    pub(super) hashes: Vec<u64>,
    /// Task queues that were read and how, as several worker types may share a file.
    read: BTreeSet<FileKey>,
}

/// A file, and how it is read.
type FileKey = (PathBuf, String);

impl<'l> Inputs<'l> {
    pub(super) fn new(library: &'l mut Library) -> Self {
        let (issues, remarks, files, hashes) = Default::default();
        Self { library, issues, remarks, files, hashes, read: BTreeSet::new() }
    }
}

/// Most problems of one file that are shown.
const PROBLEMS_MAX: usize = 3;

/// How long a market is silent whose price stays: it is announced again about every 24 h.
const QUIET: Duration = Duration::DAY;

/// What a file of prices is of.
struct Extent {
    name: String,
    first: Time,
    last: Time,
    /// Times in between of which it knows nothing.
    gaps: Vec<(Time, Time)>,
    /// The markets that the run may need, by instance type and zone.
    markets: BTreeSet<(String, String)>,
}

impl Extent {
    fn of(findings: &Findings, markets: BTreeSet<(String, String)>) -> Option<Self> {
        let (first, last) = findings.span?;
        let name = file_name(Path::new(&findings.file));
        Some(Self { name, first, last, gaps: findings.gaps.clone(), markets })
    }

    /// Whether it says anything about that time.
    fn is_of(&self, (from, to): (Time, Time)) -> bool {
        self.first < to && from < self.last.saturating_add(QUIET * 2)
    }

    /// Whether it has what another file lacks.
    fn fills(&self, from: Time, to: Time) -> bool {
        let lacks = |(gap_from, gap_to): &(Time, Time)| *gap_from < to && from < *gap_to;
        self.first <= from && to <= self.last && !self.gaps.iter().any(lacks)
    }
}

/// A price of one market, and which file has it.
struct Recorded {
    at: Time,
    price: UsdPerHour,
    file: usize,
}

/// The prices of one market in order, without repeats; of one instant the last holds. Counts how
/// often two files do not agree.
fn in_force(mut recorded: Vec<Recorded>, contradicted: &mut usize) -> Vec<(Time, UsdPerHour)> {
    recorded.sort_by_key(|row| row.at); // those of one instant stay in the order of the files
    let mut last: Vec<Recorded> = Vec::new();
    for row in recorded {
        match last.last_mut() {
            Some(before) if before.at == row.at => {
                *contradicted += usize::from(before.price != row.price && before.file != row.file);
                *before = row;
            }
            _ => last.push(row),
        }
    }
    last.dedup_by_key(|row| row.price);
    last.into_iter().map(|row| (row.at, row.price)).collect()
}

impl Inputs<'_> {
    /// What is known about the market.
    pub(super) fn supply(&mut self, doc: &Document) -> Supply {
        let market = &doc.market;
        let mut supply = Supply { product: market.product.clone(), ..Supply::default() };
        supply.on_demand =
            market.on_demand.iter().map(|(name, price)| (name.clone(), price.value)).collect();
        supply.vcpus = market.vcpus.iter().cloned().collect();
        for path in &market.on_demand_files.value {
            let place = &market.on_demand_files.place;
            match self.import(path, place, &Options::default()).as_deref() {
                Some(Imported { trace: Trace::OnDemand(table), .. }) => {
                    supply.on_demand_tables.push(table.clone());
                }
                Some(_) => self.wrong_kind(path, place, "on-demand prices"),
                None => {}
            }
        }
        self.catalogues(market, &mut supply);
        let listed = self.listed_zones(market);
        match &market.prices.value {
            PricesDoc::Recorded(recorded) => {
                let types = doc.worker_types.iter().flat_map(|(_, doc)| &doc.engine.instance_types);
                let types: BTreeSet<&str> = types.map(|(name, _)| name.as_str()).collect();
                let before = self.issues.len();
                self.prices(recorded, (&listed, &types), doc.span, &mut supply);
                self.price_zones(market, &listed, &supply.zones);
                supply.lacks_prices = self.issues.len() > before;
            }
            PricesDoc::Generated(_) if market.zones.is_none() => {
                let what = "missing key `zones` in [market], which generated prices need";
                let issue = Issue::new(what, market.prices.place.clone());
                let hint = "add for example zones = [\"us-east-1a\", \"us-east-1b\"] to [market]";
                self.issues.push(issue.hint(hint));
            }
            PricesDoc::Generated(_) => {}
        }
        if market.zones.is_some() {
            supply.zones = listed;
        }
        supply
    }

    /// The tasks of a worker type within the run.
    pub(super) fn tasks(&mut self, doc: &RecordedTasksDoc, span: Span) -> Arc<TaskList> {
        let none = Arc::default();
        let start = if doc.replay_from.is_some() { None } else { Some(span.start) };
        let options = Options {
            start,
            utc_offset: Some(doc.utc_offset),
            format: doc.format,
            columns: doc.columns.clone(),
            ..Options::default()
        };
        let Some(imported) = self.shared(&doc.file, &options) else { return none };
        let Trace::Tasks(trace) = &imported.trace else {
            self.wrong_kind(&doc.file.value, &doc.file.place, "a task queue");
            return none;
        };
        let wanted = match &doc.queue {
            None => None,
            Some(At { value, place }) => {
                let Some(index) = trace.queues.iter().position(|queue| queue == value) else {
                    let issue = Issue::new(format!("queue `{value}` has no task"), place.clone());
                    let hint = one_of(value, trace.queues.iter().map(String::as_str));
                    self.issues.push(issue.hint(hint));
                    return none;
                };
                u32::try_from(index).ok()
            }
        };
        let shift = doc.replay_from.as_ref().map_or(Duration::ZERO, |from| span.start - from.value);
        let key = format!("{options:?} {wanted:?} {shift:?} {:?} {:?}", span.start, span.end);
        let key = (doc.file.value.clone(), key);
        let mut recorded = None;
        let mut outside = 0_u64;
        let inside = trace.tasks.iter().filter_map(|task| {
            if wanted.is_some_and(|queue| task.queue != queue) {
                return None;
            }
            let (first, _) = recorded.unwrap_or((task.submitted, task.submitted));
            recorded = Some((first, task.submitted));
            let submitted = task.submitted.saturating_add(shift);
            if !(span.start..span.end).contains(&submitted) {
                outside += 1;
                return None;
            }
            Some(TaskRow { submitted, deadline: task.deadline.saturating_add(shift), ..task })
        });
        let tasks: TaskList = inside.collect();
        let tasks = Arc::clone(self.library.tasks.entry(key).or_insert_with(|| Arc::new(tasks)));
        let name = file_name(&doc.file.value);
        if tasks.is_empty() {
            let issue = Issue::new("no recorded task lies in the run", doc.file.place.clone());
            let hint = match recorded {
                Some((first, last)) => format!(
                    "the recording has tasks from {} to {}: choose the run so, or set `replay_from`",
                    show(first),
                    show(last)
                ),
                None => "the recording has no task at all".to_owned(),
            };
            self.issues.push(issue.hint(hint));
        } else if outside > 0 {
            self.remarks.push(format!("{name}: {outside} tasks lie outside the run, left out"));
        }
        if doc.queue.is_none() && trace.queues.len() > 1 {
            let queues = trace.queues.len();
            self.remarks.push(format!("{name}: tasks of {queues} queues are taken together"));
        }
        tasks
    }

    /// Recorded availability of the pools it is stated for.
    pub(super) fn availability(
        &mut self,
        doc: &RecordedAvailabilityDoc,
        catalog: &Catalog,
        span: Span,
    ) -> Vec<AvailabilityChange> {
        let start = if doc.replay_from.is_some() { None } else { Some(span.start) };
        let options = Options { start, ..Options::default() };
        let At { value: path, place } = &doc.file;
        let Some(imported) = self.import(path, place, &options) else { return Vec::new() };
        let Trace::Availability(trace) = &imported.trace else {
            self.wrong_kind(path, place, "availability");
            return Vec::new();
        };
        let shift = doc.replay_from.map_or(Duration::ZERO, |from| span.start - from);
        let ours: Vec<String> =
            (0..catalog.pools().len()).map(|index| catalog.pool_name(PoolId::new(index))).collect();
        let mut changes = Vec::new();
        for (name, At { value: recorded, place }) in &doc.pools {
            let index = ours.iter().position(|pool| pool == name);
            let source = trace.pools.iter().position(|pool| pool.name == *recorded);
            let (Some(index), Some(source)) = (index, source) else {
                let (wrong, what, names): (_, _, Vec<&str>) = match index {
                    None => (name, "pool", ours.iter().map(String::as_str).collect()),
                    Some(_) => {
                        let names = trace.pools.iter().map(|pool| pool.name.as_str());
                        (recorded, "recorded pool", names.collect())
                    }
                };
                let issue = Issue::new(format!("{what} `{wrong}` is not known"), place.clone());
                self.issues.push(issue.hint(one_of(wrong, names.into_iter())));
                continue;
            };
            let rows = trace.changes.iter().filter(|row| row.pool as usize == source);
            changes.extend(rows.map(|row| AvailabilityChange {
                at: row.at.saturating_add(shift),
                pool: PoolId::new(index),
                available: row.available,
            }));
        }
        changes.sort_by_key(|change| change.at);
        changes
    }

    /// Tables of instance types and offers.
    fn catalogues(&mut self, market: &MarketDoc, supply: &mut Supply) {
        if let Some(At { value: path, place }) = &market.instance_types_file {
            match self.import(path, place, &Options::default()).as_deref() {
                Some(Imported { trace: Trace::InstanceTypes(table), .. }) => {
                    let name = |index: u32| table.instance_types[index as usize].clone();
                    let rows = table.rows.iter().map(|row| (name(row.instance_type), row.vcpus));
                    supply.instance_types = Some(rows.collect());
                }
                Some(_) => self.wrong_kind(path, place, "instance types"),
                None => {}
            }
        }
        if let Some(At { value: path, place }) = &market.offerings_file {
            match self.import(path, place, &Options::default()).as_deref() {
                Some(Imported { trace: Trace::Offerings(table), .. }) => {
                    let offers = table.rows.iter().filter(|row| !row.is_zone_id).map(|row| {
                        let instance_type = &table.instance_types[row.instance_type as usize];
                        (instance_type.clone(), table.zones[row.zone as usize].clone())
                    });
                    supply.offers = Some(offers.collect());
                }
                Some(_) => self.wrong_kind(path, place, "offers by zone"),
                None => {}
            }
        }
    }

    /// The zones that the file lists.
    fn listed_zones(&mut self, market: &MarketDoc) -> Vec<Zone> {
        let Some(At { value, place }) = &market.zones else { return Vec::new() };
        let mut zones = Vec::new();
        for name in value {
            match Zone::new(name) {
                Some(zone) if zones.contains(&zone) => {
                    let issue = Issue::new(format!("zone `{name}` is named twice"), place.clone());
                    self.issues.push(issue.hint("leave one of them out"));
                }
                Some(zone) => zones.push(zone),
                None => {
                    let what = format!("`{name}` is not the name of an availability zone");
                    let issue = Issue::new(what, place.clone());
                    self.issues.push(issue.hint("write for example \"us-east-1a\""));
                }
            }
        }
        if zones.is_empty() && value.is_empty() {
            let issue = Issue::new("`zones` names no zone", place.clone());
            self.issues.push(issue.hint("write for example [\"us-east-1a\", \"us-east-1b\"]"));
        }
        zones
    }

    /// Recorded prices of some instance types during the run, and the zones that have prices.
    fn prices(
        &mut self,
        doc: &RecordedPricesDoc,
        (listed, types): (&[Zone], &BTreeSet<&str>),
        span: Span,
        supply: &mut Supply,
    ) {
        let shift = doc.replay_from.map_or(Duration::ZERO, |from| span.start - from);
        let (from, to) = (span.start - shift, span.last() - shift);
        let options = Options { utc_offset: Some(doc.utc_offset), ..Options::default() };
        let mut recorded: BTreeMap<_, Vec<Recorded>> = BTreeMap::new();
        let mut zones: BTreeMap<String, Zone> = BTreeMap::new();
        let mut products = BTreeSet::new();
        let mut files = Vec::new();
        for (file, path) in doc.files.value.iter().enumerate() {
            let Some(imported) = self.import(path, &doc.files.place, &options) else { continue };
            let Imported { trace: Trace::Prices(trace), findings } = &*imported else {
                self.wrong_kind(path, &doc.files.place, "spot prices");
                continue;
            };
            products.extend(trace.markets.iter().map(|market| market.product.clone()));
            let of_product = |market: &Market| market.product == supply.product;
            for market in trace.markets.iter().filter(|market| of_product(market)) {
                supply.priced_types.insert(market.instance_type.clone());
                if let Some(zone) = Zone::new(&market.zone) {
                    zones.insert(zone.name.clone(), zone);
                }
            }
            let wanted = trace.select(|market| {
                of_product(market)
                    && types.contains(market.instance_type.as_str())
                    && Zone::new(&market.zone)
                        .is_some_and(|zone| listed.is_empty() || listed.contains(&zone))
            });
            let key = |market: u32| {
                let Market { zone, instance_type, .. } = &wanted.markets[market as usize];
                (instance_type.clone(), zone.clone())
            };
            let markets = (0..).take(wanted.markets.len()).map(key).collect();
            files.extend(Extent::of(findings, markets));
            for row in wanted.window(from, to).changes {
                let (at, price) = (row.at.saturating_add(shift), row.price);
                recorded.entry(key(row.market)).or_default().push(Recorded { at, price, file });
            }
        }
        self.cover(&files, &doc.files.place, (from, to));
        let mut contradicted = 0;
        let prices: RecordedPrices =
            recorded.into_iter().map(|(key, of)| (key, in_force(of, &mut contradicted))).collect();
        if contradicted > 0 {
            self.remarks.push(format!(
                "{contradicted} times two files give a market different prices at the same time: that \
                 of the later file holds (zone letters are per account: are they of one?)"
            ));
        }
        let late = prices.values().filter(|prices| prices[0].0 > span.start).count();
        if late > 0 {
            self.remarks.push(format!(
                "{late} of {} pools have no price when the run begins, and are not used before \
                 their first",
                prices.len()
            ));
        }
        if !products.is_empty() && !products.contains(&supply.product) {
            let what = format!("there are no prices of product `{}`", supply.product);
            let issue = Issue::new(what, doc.files.place.clone());
            let known = products.iter().map(String::as_str);
            self.issues
                .push(issue.hint(format!("set `product`: {}", one_of(&supply.product, known))));
        }
        supply.zones = zones.into_values().collect();
        supply.prices = Some(prices);
    }

    /// Of the zones that the file lists at least one has prices, if any has.
    fn price_zones(&mut self, market: &MarketDoc, listed: &[Zone], priced: &[Zone]) {
        let (Some(At { place, .. }), Some(first)) = (&market.zones, listed.first()) else { return };
        if priced.is_empty() || listed.iter().any(|zone| priced.contains(zone)) {
            return;
        }
        let issue = Issue::new("no recorded price is of a zone in `zones`", place.clone());
        let known = priced.iter().map(|zone| zone.name.as_str());
        self.issues.push(issue.hint(one_of(&first.name, known)));
    }

    /// Compares the time that recordings are of with what of it is needed. Only files of the same
    /// markets make up for one another.
    fn cover(&mut self, files: &[Extent], place: &Place, run: (Time, Time)) {
        let (run_from, run_to) = run;
        for file in files {
            let Extent { name, first, last, gaps, markets } = file;
            let same_markets = |other: &&Extent| !other.markets.is_disjoint(markets);
            let others = || files.iter().filter(same_markets).filter(|it| !std::ptr::eq(*it, file));
            let (from, to) = (show(*first), show(*last));
            if !file.is_of(run) {
                if others().any(|other| other.is_of(run)) {
                    self.remarks.push(format!(
                        "{name}: its prices, from {from} to {to}, are not of the time of the run"
                    ));
                } else {
                    let what = format!("{name} has no price of the time of the run");
                    let issue = Issue::new(what, place.clone());
                    let hint = format!("set `replay_from`, for example to {from}");
                    let label = format!("prices from {from} to {to}");
                    self.issues.push(issue.label(label).hint(hint));
                }
                continue;
            }
            if *last < run_to && !others().any(|other| other.last > *last) {
                self.remarks.push(format!("{name}: prices end at {to}; the last ones hold"));
            }
            let before =
                others().filter(|other| other.first < *first).map(|other| other.last).max();
            let hole = before.filter(|end| end.saturating_add(QUIET) < *first);
            let hole = hole.map(|end| ("between files of the same markets", end, *first));
            let gaps = gaps.iter().map(|(from, to)| (name.as_str(), *from, *to));
            for (name, from, to) in gaps.chain(hole) {
                if from < run_to && run_from < to && !others().any(|other| other.fills(from, to)) {
                    let (length, from, to) = (to.since(from), show(from), show(to));
                    self.remarks
                        .push(format!("{name}: nothing recorded for {length}, {from} to {to}"));
                }
            }
        }
    }

    /// A file that several worker types may share: it counts once.
    fn shared(&mut self, file: &At<PathBuf>, options: &Options) -> Option<Arc<Imported>> {
        let key = (file.value.clone(), format!("{options:?}"));
        if self.read.insert(key) {
            return self.import(&file.value, &file.place, options);
        }
        self.library
            .read(&file.value, options)
            .as_ref()
            .ok()
            .map(|(_, imported)| Arc::clone(imported))
    }

    /// Reads a file. What is wrong with it is reported where it is named.
    fn import(&mut self, path: &Path, place: &Place, options: &Options) -> Option<Arc<Imported>> {
        match self.library.read(path, options) {
            Ok((hash, imported)) => {
                let imported = Arc::clone(imported);
                self.hashes.push(*hash);
                self.files.push(path.to_owned());
                // Most rows of catalogue tables are about what no worker type uses.
                let all = matches!(imported.trace, Trace::Tasks(_) | Trace::Prices(_));
                let is_told = |note: &&Note| all || note.kind == NoteKind::ContradictoryPrice;
                let name = file_name(path);
                let notes = imported.findings.notes.iter().filter(is_told);
                let remark = |note: &Note| format!("{name}: {} {}", note.count, note.kind.text());
                self.remarks.extend(notes.map(remark));
                self.library.forget(&imported.trace, path, options);
                Some(imported)
            }
            Err(problems) => {
                let issue =
                    |(what, hint): &(String, String)| Issue::new(what, place.clone()).hint(hint);
                self.issues.extend(problems.iter().map(issue));
                None
            }
        }
    }

    fn wrong_kind(&mut self, path: &Path, place: &Place, wanted: &str) {
        let what = format!("{} is not a file of {wanted}", file_name(path));
        let issue = Issue::new(what, place.clone());
        self.issues.push(issue.hint("`provisioner import` says what is in it"));
    }
}

/// Files that were read, and what was made of them.
#[derive(Debug, Default)]
pub(crate) struct Library {
    /// Whether it keeps what one scenario needs once only.
    keeps: bool,
    files: BTreeMap<FileKey, FileRead>,
    /// Tasks of a queue within a run.
    tasks: BTreeMap<FileKey, Arc<TaskList>>,
    markets: Vec<MarketData>,
}

/// A hash of its bytes and what is in them, or what is wrong with it and what to do.
type FileRead = Result<(u64, Arc<Imported>), Vec<(String, String)>>;

impl Library {
    /// A library for many scenarios, which reads no file twice.
    pub(crate) fn shared() -> Self {
        Self { keeps: true, ..Self::default() }
    }

    /// A market that is kept once if several scenarios have it.
    pub(super) fn market(&mut self, market: MarketData) -> MarketData {
        if let Some(known) = self.markets.iter().find(|known| **known == market) {
            return known.clone();
        }
        self.markets.push(market.clone());
        market
    }

    fn read(&mut self, path: &Path, options: &Options) -> &FileRead {
        let key = (path.to_owned(), format!("{options:?}"));
        self.files.entry(key).or_insert_with(|| read(path, options))
    }

    /// Drops what one scenario reads once: prices are large.
    fn forget(&mut self, trace: &Trace, path: &Path, options: &Options) {
        if !self.keeps && !matches!(trace, Trace::Tasks(_)) {
            self.files.remove(&(path.to_owned(), format!("{options:?}")));
        }
    }
}

fn read(path: &Path, options: &Options) -> FileRead {
    let bytes = std::fs::read(path).map_err(|error| {
        let what = format!("{}: the file cannot be read: {error}", path.display());
        vec![(what, "paths are relative to the file they are written in".to_owned())]
    })?;
    let imported = import_from(&path.to_string_lossy(), bytes.as_slice(), options);
    let imported = imported.map_err(|error| problems_of(&error, path))?;
    Ok((xxhash_rust::xxh3::xxh3_64(&bytes), Arc::new(imported)))
}

fn problems_of(error: &TraceError, path: &Path) -> Vec<(String, String)> {
    let name = file_name(path);
    let more = error.problems.len().saturating_sub(PROBLEMS_MAX) as u64 + error.more;
    let shown = error.problems.iter().take(PROBLEMS_MAX).map(|problem| {
        let at = match problem.place {
            TracePlace::File => String::new(),
            TracePlace::Line(line) => format!(", line {line}"),
            TracePlace::Byte(byte) => format!(", byte {byte}"),
        };
        let column = problem.column.iter().map(|column| format!(", column `{column}`"));
        let column: String = column.collect();
        (format!("{name}{at}{column}: {}", problem.what), problem.hint.clone())
    });
    let rest = format!("{name} has {more} more problems");
    let rest = (more > 0).then(|| (rest, "`provisioner import` shows more of them".to_owned()));
    shown.chain(rest).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn show(time: Time) -> String {
    kind::time().show(&time)
}
