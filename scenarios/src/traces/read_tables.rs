//! Readers of catalogue tables.
//!
//! - *On-demand prices*: `date,region,type,os,usd_hr` or `date,type,od_usd_hr` (Linux; the region
//!   from [`Options::region`] or the file's name, `on-demand.us-east-1.…`).
//! - *Instance types*: `type`, `vcpus`, `mem_mib`, `arch`, `gpus`, `spot` (0 or 1).
//! - *Offerings*: `region`, `az`, `az_or_azid`, `type`.
//! - *Spot Advisor*: the JSON feed; `r` is the band, `s` the savings in percent.

use std::collections::{BTreeMap, BTreeSet};

use provisioner_engine::units::{Time, UsdPerHour};
use serde::Deserialize;

use super::error::{Place, Problems, TraceError};
use super::findings::{Findings, Log, NoteKind};
use super::format::stem;
use super::json::{json_problem, json_text};
use super::names::Names;
use super::prices::HUGE_PRICE;
use super::source::{Source, Table, is_whole};
use super::tables::{
    AdvisorRow, AdvisorTable, InstanceTypeRow, InstanceTypeTable, OfferingRow, OfferingTable,
    OnDemandRow, OnDemandTable, is_region, is_spot_product, product_name,
};
use super::text::{self, BadCell};
use super::{Format, Imported, Options, Trace};

/// Reads each record of a table with `read`, which is given the cells of `columns` in that order
/// and says which of them it refuses.
fn each_record<L: AsMut<Log>, const N: usize>(
    source: Source<'_>,
    rows: &mut L,
    columns: [&str; N],
    mut read: impl FnMut(&mut L, [&[u8]; N], u64) -> Result<(), (usize, BadCell)>,
) -> Result<(), TraceError> {
    let mut problems = source.problems();
    let mut table = Table::open(source)?;
    let found = columns.map(|name| table.column(name, &mut problems));
    let width = table.header.len();
    let mut seen = BTreeSet::new();
    while let Some(record) = table.records.next()? {
        rows.as_mut().rows += 1;
        if found.contains(&None) || !is_whole(&record, width, &mut problems) {
            continue;
        }
        let cells = found.map(|column| column.map_or(&[][..], |column| record.field(column)));
        if !seen.insert(cells.map(<[u8]>::to_vec)) {
            rows.as_mut().note(NoteKind::DuplicateRow, record.line);
        } else if let Err((column, why)) = read(rows, cells, record.line) {
            problems.cell(record.line, columns[column], cells[column], why, "");
        }
    }
    if !table.records.ends_with_line_end() {
        rows.as_mut().note(NoteKind::NoLineEnd, table.records.lines_read());
    }
    problems.or(())
}

impl AsMut<Log> for Log {
    fn as_mut(&mut self) -> &mut Log {
        self
    }
}

impl AsMut<Log> for OnDemandRows {
    fn as_mut(&mut self) -> &mut Log {
        &mut self.log
    }
}

/// The id of a name in a column.
fn id(names: &mut Names, cells: &[&[u8]], column: usize) -> Result<u32, (usize, BadCell)> {
    let (id, new) = names.intern(cells[column]);
    if new {
        text::name(cells[column]).map_err(|why| (column, why))?;
    }
    Ok(id)
}

fn whole_u32(cells: &[&[u8]], column: usize) -> Result<u32, (usize, BadCell)> {
    let number = text::whole(cells[column]).map_err(|why| (column, why))?;
    u32::try_from(number).map_err(|_| (column, BadCell::TooLarge))
}

/// How many rows each name has.
fn counts(names: &[String], ids: impl Iterator<Item = u32>) -> Vec<(String, u64)> {
    let mut rows = vec![0; names.len()];
    for id in ids {
        rows[id as usize] += 1;
    }
    names.iter().cloned().zip(rows).collect()
}

/// Gathers on-demand prices.
pub(super) struct OnDemandRows {
    pub(super) log: Log,
    regions: Names,
    types: Names,
    products: Names,
    rows: Vec<OnDemandRow>,
    dated: BTreeSet<(Time, u32, u32, u32)>,
}

impl OnDemandRows {
    pub(super) fn new(options: &Options) -> Self {
        let [regions, types, products] = [(); 3].map(|()| Names::default());
        let log = Log::new(options.now);
        Self { log, regions, types, products, rows: Vec::new(), dated: BTreeSet::new() }
    }

    /// Adds the price since a time of a type of a product in a region. Names are checked by whoever
    /// read them.
    pub(super) fn push(
        &mut self,
        (since, region, instance_type, product): (Time, &str, &str, &str),
        price: UsdPerHour,
        rounded: bool,
        line: u64,
    ) {
        self.log.time(since, line);
        let region = self.regions.intern(region.as_bytes()).0;
        let instance_type = self.types.intern(instance_type.as_bytes()).0;
        let product = self.products.intern(product.as_bytes()).0;
        let odd = [
            (rounded, NoteKind::RoundedPrice),
            (price == UsdPerHour::ZERO, NoteKind::ZeroPrice),
            (price > HUGE_PRICE, NoteKind::HugePrice),
            (
                !self.dated.insert((since, region, instance_type, product)),
                NoteKind::ContradictoryPrice,
            ),
        ];
        for (_, kind) in odd.into_iter().filter(|(is_so, _)| *is_so) {
            self.log.note(kind, line);
        }
        self.rows.push(OnDemandRow { since, region, instance_type, product, price });
    }

    pub(super) fn finish(self, file: &str, format: Format) -> Imported {
        let Self { log, regions, types, products, mut rows, .. } = self;
        rows.sort_by_key(|row| row.since);
        let [regions, instance_types, products] =
            [regions, types, products].map(Names::into_strings);
        let table = OnDemandTable { regions, instance_types, products, rows };
        let findings = table.findings(log, file, format);
        Imported { trace: Trace::OnDemand(table), findings }
    }
}

pub(super) fn on_demand(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let mut rows = OnDemandRows::new(options);
    let name = |cells: &[&[u8]], column: usize| {
        text::name(cells[column]).map(str::to_owned).map_err(|why| (column, why))
    };
    let read_price = |cells: &[&[u8]], date: usize, price: usize| {
        let (since, _) = text::date_time(cells[date]).map_err(|why| (date, why))?;
        let (price, rounded) = text::price(cells[price]).map_err(|why| (price, why))?;
        Ok::<_, (usize, BadCell)>((since, price, rounded))
    };
    let first_line = source.head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if memchr::memmem::find(first_line, b"od_usd_hr").is_some() {
        let stated = options.region.clone().or_else(|| region_in(&file));
        let Some(region) = stated else {
            return Err(source.problems().fatal(
                Place::Line(1),
                "the prices have no region, and the file's name has none",
                "name the file like `on-demand.us-east-1.tsv`, or state it with `import --region`",
            ));
        };
        each_record(source, &mut rows, ["date", "type", "od_usd_hr"], |rows, cells, line| {
            if cells[2].is_empty() {
                rows.log.note(NoteKind::NoPrice, line);
                return Ok(());
            }
            let (since, price, rounded) = read_price(&cells, 0, 2)?;
            let instance_type = name(&cells, 1)?;
            if options.region.is_none() {
                rows.log.note(NoteKind::RegionFromName, line);
            }
            let product = product_name("linux");
            rows.push((since, &region, &instance_type, product), price, rounded, line);
            Ok(())
        })?;
    } else {
        let columns = ["date", "region", "type", "os", "usd_hr"];
        each_record(source, &mut rows, columns, |rows, cells, line| {
            let (since, price, rounded) = read_price(&cells, 0, 4)?;
            let (region, instance_type, os) =
                (name(&cells, 1)?, name(&cells, 2)?, name(&cells, 3)?);
            let product = product_name(&os);
            if !is_spot_product(product) {
                rows.log.note(NoteKind::NotSpotProduct, line);
            }
            rows.push((since, &region, &instance_type, product), price, rounded, line);
            Ok(())
        })?;
    }
    Ok(rows.finish(&file, Format::OnDemandTable))
}

/// The region in a file name such as `on-demand.us-east-1.2022-06_2026-07.tsv`.
fn region_in(file: &str) -> Option<String> {
    let region = stem(file).split(['.', '_', ' ']).find(|part| is_region(part));
    region.map(str::to_owned)
}

pub(super) fn instance_types(
    source: Source<'_>,
    options: &Options,
) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let mut log = Log::new(options.now);
    let [mut types, mut architectures] = [(); 2].map(|()| Names::default());
    let mut rows = Vec::new();
    let columns = ["type", "vcpus", "mem_mib", "arch", "gpus", "spot"];
    each_record(source, &mut log, columns, |_, cells, _| {
        let spot = match cells[5] {
            b"1" => true,
            b"0" => false,
            _ => return Err((5, BadCell::NotOneOf("0, 1"))),
        };
        let (instance_type, new) = types.intern(cells[0]);
        if !new {
            return Err((0, BadCell::Contradicts)); // the same again does not come here
        }
        text::name(cells[0]).map_err(|why| (0, why))?;
        rows.push(InstanceTypeRow {
            instance_type,
            vcpus: match whole_u32(&cells, 1)? {
                0 => return Err((1, BadCell::NotOneOf("1, 2, …"))),
                vcpus => vcpus,
            },
            memory_mib: whole_u32(&cells, 2)?,
            architecture: id(&mut architectures, &cells, 3)?,
            gpus: whole_u32(&cells, 4)?,
            spot,
        });
        Ok(())
    })?;
    let [instance_types, architectures] = [types, architectures].map(Names::into_strings);
    let table = InstanceTypeTable { instance_types, architectures, rows };
    let findings = table.findings(log, &file, Format::InstanceTypeTable);
    Ok(Imported { trace: Trace::InstanceTypes(table), findings })
}

pub(super) fn offerings(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let mut log = Log::new(options.now);
    let [mut regions, mut zones, mut types] = [(); 3].map(|()| Names::default());
    let mut rows = Vec::new();
    each_record(source, &mut log, ["region", "az", "az_or_azid", "type"], |log, cells, line| {
        let is_zone_id = match cells[2] {
            b"availability-zone" => false,
            b"availability-zone-id" => true,
            _ => {
                return Err((2, BadCell::NotOneOf("availability-zone, availability-zone-id")));
            }
        };
        if is_zone_id {
            log.note(NoteKind::ZoneId, line);
        }
        let unknown = |known: &BTreeSet<String>| {
            str::from_utf8(cells[3]).is_ok_and(|name| !known.contains(name))
        };
        if options.known_types.as_ref().is_some_and(unknown) {
            log.note(NoteKind::UnknownType, line);
        }
        rows.push(OfferingRow {
            region: id(&mut regions, &cells, 0)?,
            zone: id(&mut zones, &cells, 1)?,
            is_zone_id,
            instance_type: id(&mut types, &cells, 3)?,
        });
        Ok(())
    })?;
    let [regions, zones, instance_types] = [regions, zones, types].map(Names::into_strings);
    let table = OfferingTable { regions, zones, instance_types, rows };
    let findings = table.findings(log, &file, Format::OfferingTable);
    Ok(Imported { trace: Trace::Offerings(table), findings })
}

/// Bands by region, operating system and instance type.
#[derive(Deserialize)]
struct Feed {
    spot_advisor: BTreeMap<String, BTreeMap<String, BTreeMap<String, Band>>>,
}

#[derive(Deserialize)]
struct Band {
    r: u8,
    s: i16,
}

pub(super) fn advisor(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let text = json_text(source)?;
    let feed: Feed = serde_json::from_str(&text).map_err(|error| {
        let (place, what, hint) = json_problem(&error, "the Spot Advisor's feed");
        Problems::in_file(&file).fatal(place, what, hint)
    })?;
    let (mut log, mut problems) = (Log::new(options.now), Problems::in_file(&file));
    let [mut regions, mut products, mut types] = [(); 3].map(|()| Names::default());
    let mut rows = Vec::new();
    for (region, systems) in &feed.spot_advisor {
        for (system, bands) in systems {
            for (instance_type, numbers) in bands {
                let (band, savings_percent) = (numbers.r, numbers.s);
                log.rows += 1;
                if band > 4 || !(-10_000..=100).contains(&savings_percent) {
                    let of = format!("{region}, {system}, {instance_type}");
                    let what = format!("band {band} and savings {savings_percent} % of {of}");
                    problems.add(Place::File, what, "bands are 0 to 4, savings at most 100 %");
                }
                for name in [region, system, instance_type] {
                    if let Err(why) = text::name(name.as_bytes()) {
                        problems.add(Place::File, format_args!("{name:?} is {why}"), "");
                    }
                }
                rows.push(AdvisorRow {
                    region: regions.intern(region.as_bytes()).0,
                    product: products.intern(product_name(system).as_bytes()).0,
                    instance_type: types.intern(instance_type.as_bytes()).0,
                    band,
                    savings_percent,
                });
            }
        }
    }
    problems.or(())?;
    let [regions, products, instance_types] = [regions, products, types].map(Names::into_strings);
    let table = AdvisorTable { regions, products, instance_types, rows };
    let findings = table.findings(log, &file, Format::SpotAdvisor);
    Ok(Imported { trace: Trace::Advisor(table), findings })
}

macro_rules! findings {
    ($($table:ty: $names:ident by $field:ident, $groups:literal, $since:expr;)*) => {$(
        impl $table {
            /// The findings of an import that gave this table.
            pub(super) fn findings(&self, log: Log, file: &str, format: Format) -> Findings {
                let groups = counts(&self.$names, self.rows.iter().map(|row| row.$field));
                let times = || self.rows.iter().filter_map($since);
                log.finish(file, format, $groups, groups, (times().collect(), times()))
            }
        }
    )*};
}

findings! {
    OnDemandTable: regions by region, "regions", |row| Some(row.since);
    InstanceTypeTable: architectures by architecture, "kinds", |_| None::<Time>;
    OfferingTable: regions by region, "regions", |_| None::<Time>;
    AdvisorTable: regions by region, "regions", |_| None::<Time>;
}
