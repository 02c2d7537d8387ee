//! Readers of spot price histories.
//!
//! - *JSON* as `aws ec2 describe-spot-price-history` prints it: one or several documents in one
//!   file, newest first, timestamps as `…Z` or `…+00:00`, lists that may be empty. Keys that are
//!   not needed are passed over. A `NextToken` in the last document means that the file is not
//!   all there is.
//! - *Text* as the same command prints it with `--output text`: `SPOTPRICEHISTORY` and tabs.
//! - *Tables* with the columns `az`, `type`, `product`, `price`, `ts` in any order, or with the
//!   API's own names for them.

use std::borrow::Cow;

use serde::Deserialize;

use super::error::{Place, TraceError};
use super::findings::NoteKind;
use super::json::{Lines, documents, json_text};
use super::prices::{PriceBuilder, PriceColumns, RawPrice};
use super::source::{Source, Table, is_whole};
use super::{Format, Imported, Options};

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "SpotPriceHistory", borrow)]
    history: Vec<Entry<'a>>,
    #[serde(rename = "NextToken", default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    availability_zone: Cow<'a, str>,
    #[serde(borrow)]
    instance_type: Cow<'a, str>,
    #[serde(borrow)]
    product_description: Cow<'a, str>,
    #[serde(borrow)]
    spot_price: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
}

/// The API's names.
const API: PriceColumns = PriceColumns {
    zone: "AvailabilityZone",
    instance_type: "InstanceType",
    product: "ProductDescription",
    price: "SpotPrice",
    at: "Timestamp",
};

/// The short names of tables.
const SHORT: PriceColumns = PriceColumns {
    zone: "az",
    instance_type: "type",
    product: "product",
    price: "price",
    at: "ts",
};

/// The columns of a table with this header, if it is one of prices.
pub(super) fn known_columns(header: &[String]) -> Option<PriceColumns> {
    [SHORT, API]
        .into_iter()
        .find(|columns| columns.names().iter().all(|name| header.iter().any(|known| known == name)))
}

pub(super) fn json(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let text = json_text(source)?;
    let mut prices = PriceBuilder::new(&file, options, API);
    let mut lines = Lines::of(&text);
    let mut more = false;
    for document in documents::<Document<'_>>(&text, "describe-spot-price-history output") {
        let (start, document) = match document {
            Ok(document) => document,
            Err((place, what, hint)) => return Err(prices.problems.fatal(place, what, hint)),
        };
        more = document.next_token.is_some_and(|token| !token.is_empty());
        if document.history.is_empty() {
            prices.log.note(NoteKind::EmptyList, lines.at(start));
        }
        for entry in &document.history {
            let line = lines.line_of(&entry.timestamp);
            let raw = RawPrice {
                zone: entry.availability_zone.as_bytes(),
                instance_type: entry.instance_type.as_bytes(),
                product: entry.product_description.as_bytes(),
                price: entry.spot_price.as_bytes(),
                at: entry.timestamp.as_bytes(),
            };
            prices.push(&raw, line);
        }
    }
    if more {
        prices.log.note(NoteKind::MorePages, lines.at(text.len()));
    }
    prices.finish(&file, Format::SpotPriceJson)
}

/// With what each line of a price begins in the text form.
pub(super) const TEXT_ROW: &str = "SPOTPRICEHISTORY";

pub(super) fn text(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let mut prices = PriceBuilder::new(&file, options, API);
    let mut records = source.records(b'\t')?;
    while let Some(record) = records.next()? {
        let rest = match (record.field(0), record.len()) {
            (b"NEXTTOKEN", _) => {
                prices.log.note(NoteKind::MorePages, record.line);
                continue;
            }
            (kind, 6) if kind == TEXT_ROW.as_bytes() => 2,
            (kind, 7) if kind == TEXT_ROW.as_bytes() => 3, // after the zone's id
            (kind, columns) => {
                let what = match kind == TEXT_ROW.as_bytes() {
                    true => format!("the line has {columns} columns, a price 6 or 7"),
                    false => format!("the line does not begin with {TEXT_ROW}"),
                };
                prices.problems.add(Place::Line(record.line), what, "it may be cut");
                continue;
            }
        };
        let raw = RawPrice {
            zone: record.field(1),
            instance_type: record.field(rest),
            product: record.field(rest + 1),
            price: record.field(rest + 2),
            at: record.field(rest + 3),
        };
        prices.push(&raw, record.line);
    }
    if !records.ends_with_line_end() {
        prices.log.note(NoteKind::NoLineEnd, records.lines_read());
    }
    prices.finish(&file, Format::SpotPriceText)
}

pub(super) fn table(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let mut table = Table::open(source)?;
    let columns = known_columns(&table.header).unwrap_or(SHORT);
    let mut prices = PriceBuilder::new(&file, options, columns);
    let found = columns.names().map(|name| table.column(name, &mut prices.problems));
    let [Some(zone), Some(instance_type), Some(product), Some(price), Some(at)] = found else {
        return prices.finish(&file, Format::SpotPriceTable);
    };
    let width = table.header.len();
    while let Some(record) = table.records.next()? {
        if !is_whole(&record, width, &mut prices.problems) {
            continue;
        }
        let raw = RawPrice {
            zone: record.field(zone),
            instance_type: record.field(instance_type),
            product: record.field(product),
            price: record.field(price),
            at: record.field(at),
        };
        prices.push(&raw, record.line);
    }
    if !table.records.ends_with_line_end() {
        prices.log.note(NoteKind::NoLineEnd, table.records.lines_read());
    }
    prices.finish(&file, Format::SpotPriceTable)
}
