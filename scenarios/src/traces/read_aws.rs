//! Readers of catalogues as the AWS command line prints them, in one JSON document or several.
//!
//! - *Instance types*: `aws ec2 describe-instance-types`. The architecture is all that are
//!   supported, joined by commas.
//! - *On-demand prices*: `aws pricing get-products --service-code AmazonEC2`. Used are hourly
//!   prices of instances on shared hardware without software of its own, from the day on which
//!   they became effective; reservations, dedicated hardware, SQL Server, own licences and all
//!   other products of EC2 are left out and counted.
//!
//! Source: EC2 API Reference, `InstanceTypeInfo`; AWS Billing User Guide, "Reading the service
//! price list file".

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::{Problems, TraceError};
use super::findings::{Log, NoteKind};
use super::json::{Lines, documents, json_text};
use super::names::Names;
use super::read_tables::OnDemandRows;
use super::source::Source;
use super::tables::{InstanceTypeRow, InstanceTypeTable, is_spot_product, product_name};
use super::text::{self, BadCell};
use super::{Format, Imported, Options, Trace};

#[derive(Deserialize)]
struct TypesPage<'a> {
    #[serde(rename = "InstanceTypes", borrow)]
    types: Vec<TypeInfo<'a>>,
    #[serde(rename = "NextToken", default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TypeInfo<'a> {
    #[serde(borrow)]
    instance_type: Cow<'a, str>,
    v_cpu_info: VCpus,
    memory_info: Memory,
    #[serde(borrow)]
    processor_info: Processor<'a>,
    #[serde(default)]
    gpu_info: Gpus,
    #[serde(borrow)]
    supported_usage_classes: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct VCpus {
    #[serde(rename = "DefaultVCpus")]
    count: u32,
}

#[derive(Deserialize)]
struct Memory {
    #[serde(rename = "SizeInMiB")]
    mib: u32,
}

#[derive(Deserialize)]
struct Processor<'a> {
    #[serde(rename = "SupportedArchitectures", borrow)]
    architectures: Vec<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Gpus {
    #[serde(rename = "Gpus", default)]
    gpus: Vec<Gpu>,
}

#[derive(Deserialize)]
struct Gpu {
    #[serde(rename = "Count", default)]
    count: u32,
}

pub(super) fn instance_types(
    source: Source<'_>,
    options: &Options,
) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let text = json_text(source)?;
    let (mut log, mut problems) = (Log::new(options.now), Problems::in_file(&file));
    let mut lines = Lines::of(&text);
    let [mut types, mut architectures] = [(); 2].map(|()| Names::default());
    let (mut rows, mut more) = (Vec::new(), false);
    for page in documents::<TypesPage<'_>>(&text, "describe-instance-types output") {
        let (start, page) = match page {
            Ok(page) => page,
            Err((place, what, hint)) => return Err(problems.fatal(place, what, hint)),
        };
        more = page.next_token.is_some_and(|token| !token.is_empty());
        if page.types.is_empty() {
            log.note(NoteKind::EmptyList, lines.at(start));
        }
        for info in &page.types {
            log.rows += 1;
            let line = lines.line_of(&info.instance_type);
            let instance_type = types.intern(info.instance_type.as_bytes()).0;
            let architecture = info.processor_info.architectures.join(",");
            for (column, name) in
                [("InstanceType", &*info.instance_type), ("SupportedArchitectures", &architecture)]
            {
                if let Err(why) = text::name(name.as_bytes()) {
                    problems.cell(line, column, name.as_bytes(), why, "");
                }
            }
            let row = InstanceTypeRow {
                instance_type,
                architecture: architectures.intern(architecture.as_bytes()).0,
                vcpus: info.v_cpu_info.count,
                memory_mib: info.memory_info.mib,
                gpus: info.gpu_info.gpus.iter().map(|gpu| gpu.count).sum(),
                spot: info.supported_usage_classes.iter().any(|class| class == "spot"),
            };
            match rows.get(instance_type as usize) {
                None => rows.push(row), // each type has one, in the order of their ids
                Some(before) if *before == row => log.note(NoteKind::DuplicateRow, line),
                Some(_) => {
                    let (found, why) = (info.instance_type.as_bytes(), BadCell::Contradicts);
                    problems.cell(line, "InstanceType", found, why, "");
                }
            }
        }
    }
    if more {
        log.note(NoteKind::MorePages, lines.at(text.len()));
    }
    problems.or(())?;
    let [instance_types, architectures] = [types, architectures].map(Names::into_strings);
    let table = InstanceTypeTable { instance_types, architectures, rows };
    let findings = table.findings(log, &file, Format::InstanceTypeJson);
    Ok(Imported { trace: Trace::InstanceTypes(table), findings })
}

#[derive(Deserialize)]
struct PricesPage {
    /// Each is a JSON document of its own, as a string.
    #[serde(rename = "PriceList")]
    list: Vec<String>,
    #[serde(rename = "NextToken", default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Offer {
    product: Product,
    #[serde(default)]
    terms: Terms,
}

#[derive(Deserialize)]
struct Product {
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Terms {
    #[serde(rename = "OnDemand", default)]
    on_demand: BTreeMap<String, Term>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    effective_date: String,
    price_dimensions: BTreeMap<String, Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    unit: String,
    price_per_unit: BTreeMap<String, String>,
}

/// What an instance that is bought plainly has.
const PLAIN: [(&str, &[&str]); 4] = [
    ("tenancy", &["Shared"]),
    ("capacitystatus", &["Used"]),
    ("preInstalledSw", &["NA"]),
    ("licenseModel", &["No License required", "License Included"]),
];

impl Product {
    fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// The product as the spot market calls it, if these are instances and nothing beside them.
    fn spot_product(&self) -> Option<&str> {
        let plain = PLAIN.iter().all(|(name, values)| values.contains(&self.attribute(name)));
        let product = product_name(self.attribute("operatingSystem"));
        (plain && is_spot_product(product)).then_some(product)
    }
}

pub(super) fn prices(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let text = json_text(source)?;
    let mut problems = Problems::in_file(&file);
    let mut lines = Lines::of(&text);
    let (mut rows, mut more) = (OnDemandRows::new(options), false);
    for page in documents::<PricesPage>(&text, "what `aws pricing get-products` prints") {
        let (start, page) = match page {
            Ok(page) => page,
            Err((place, what, hint)) => return Err(problems.fatal(place, what, hint)),
        };
        more = page.next_token.is_some_and(|token| !token.is_empty());
        let line = lines.at(start);
        if page.list.is_empty() {
            rows.log.note(NoteKind::EmptyList, line);
        }
        for offer in &page.list {
            rows.log.rows += 1;
            // Copies, since they are strings in a document: only the document has a line.
            if let Err((column, found, why)) = add(&mut rows, offer, line) {
                problems.cell(line, column, found.as_bytes(), why, "");
            }
        }
    }
    if more {
        rows.log.note(NoteKind::MorePages, lines.at(text.len()));
    }
    problems.or(())?;
    Ok(rows.finish(&file, Format::PriceList))
}

/// A field that cannot be read: its name, what it says, and why.
type Refused = (&'static str, String, BadCell);

fn add(rows: &mut OnDemandRows, offer: &str, line: u64) -> Result<(), Refused> {
    let offer: Offer = serde_json::from_str(offer)
        .map_err(|error| ("PriceList", error.to_string(), BadCell::NotAnOffer))?;
    let Some(product) = offer.product.spot_product() else {
        rows.log.note(NoteKind::NotPlainInstance, line);
        return Ok(());
    };
    let named = |name: &'static str| {
        let found = offer.product.attribute(name);
        text::name(found.as_bytes()).map_err(|why| (name, found.to_owned(), why))
    };
    let (region, instance_type) = (named("regionCode")?, named("instanceType")?);
    for term in offer.terms.on_demand.values() {
        let (since, _) = text::date_time(term.effective_date.as_bytes())
            .map_err(|why| ("effectiveDate", term.effective_date.clone(), why))?;
        for dimension in term.price_dimensions.values() {
            let found = dimension.price_per_unit.get("USD").map_or("", String::as_str);
            if dimension.unit != "Hrs" {
                return Err(("unit", dimension.unit.clone(), BadCell::NotOneOf("Hrs")));
            }
            let (price, rounded) =
                text::price(found.as_bytes()).map_err(|why| ("USD", found.to_owned(), why))?;
            rows.push((since, region, instance_type, product), price, rounded, line);
        }
    }
    Ok(())
}
