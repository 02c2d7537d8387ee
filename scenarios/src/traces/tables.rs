//! Catalogue tables: on-demand prices, instance types, offerings, interruption bands.
//!
//! Small, so they are looked up by name. Products of on-demand prices have the names that the
//! spot price history gives them: `linux` becomes `Linux/UNIX`, `mswin` `Windows`, `rhel` `Red Hat
//! Enterprise Linux`, `sles` `SUSE Linux`; others (with SQL Server, fees of other kinds) stay as
//! they are written, since spot has no such product.

use provisioner_engine::units::{Time, UsdPerHour};

/// Dated on-demand prices, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnDemandTable {
    /// Names of regions.
    pub regions: Vec<String>,
    /// Names of instance types.
    pub instance_types: Vec<String>,
    /// Names of products.
    pub products: Vec<String>,
    /// The prices.
    pub rows: Vec<OnDemandRow>,
}

/// An on-demand price as it was first seen on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OnDemandRow {
    /// From when: 00:00 UTC of the table's date.
    pub since: Time,
    /// Index into [`OnDemandTable::regions`].
    pub region: u32,
    /// Index into [`OnDemandTable::instance_types`].
    pub instance_type: u32,
    /// Index into [`OnDemandTable::products`].
    pub product: u32,
    /// How much.
    pub price: UsdPerHour,
}

impl OnDemandTable {
    /// The dated prices of an instance type, oldest first; empty if none is known.
    #[must_use]
    pub fn prices(
        &self,
        region: &str,
        instance_type: &str,
        product: &str,
    ) -> Vec<(Time, UsdPerHour)> {
        let index = |names: &[String], name: &str| names.iter().position(|known| known == name);
        let (Some(region), Some(instance_type), Some(product)) = (
            index(&self.regions, region),
            index(&self.instance_types, instance_type),
            index(&self.products, product),
        ) else {
            return Vec::new();
        };
        let key = (region, instance_type, product);
        self.rows
            .iter()
            .filter(|r| (r.region as usize, r.instance_type as usize, r.product as usize) == key)
            .map(|row| (row.since, row.price))
            .collect()
    }
}

/// Instance types and their sizes, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceTypeTable {
    /// Names of instance types.
    pub instance_types: Vec<String>,
    /// Names of processor architectures.
    pub architectures: Vec<String>,
    /// The types.
    pub rows: Vec<InstanceTypeRow>,
}

/// The size of an instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceTypeRow {
    /// Index into [`InstanceTypeTable::instance_types`].
    pub instance_type: u32,
    /// Index into [`InstanceTypeTable::architectures`].
    pub architecture: u32,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Graphics processors.
    pub gpus: u32,
    /// Whether it is sold as spot.
    pub spot: bool,
}

/// Which instance type is offered where, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferingTable {
    /// Names of regions.
    pub regions: Vec<String>,
    /// Zone names and AZ ids.
    pub zones: Vec<String>,
    /// Names of instance types.
    pub instance_types: Vec<String>,
    /// The offers.
    pub rows: Vec<OfferingRow>,
}

/// An instance type is offered in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferingRow {
    /// Index into [`OfferingTable::regions`].
    pub region: u32,
    /// Index into [`OfferingTable::zones`].
    pub zone: u32,
    /// Whether the zone is an AZ id (`use1-az4`, global) and no name (`us-east-1a`, of the
    /// account). The two are never joined.
    pub is_zone_id: bool,
    /// Index into [`OfferingTable::instance_types`].
    pub instance_type: u32,
}

/// The Spot Advisor's bands, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdvisorTable {
    /// Names of regions.
    pub regions: Vec<String>,
    /// Names of products, as the spot price history writes them.
    pub products: Vec<String>,
    /// Names of instance types.
    pub instance_types: Vec<String>,
    /// The bands.
    pub rows: Vec<AdvisorRow>,
}

/// How often an instance type was interrupted in a region in the past month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdvisorRow {
    /// Index into [`AdvisorTable::regions`].
    pub region: u32,
    /// Index into [`AdvisorTable::products`].
    pub product: u32,
    /// Index into [`AdvisorTable::instance_types`].
    pub instance_type: u32,
    /// 0 is below 5 % of instances a month, 1 is 5 to 10, 2 is 10 to 15, 3 is 15 to 20, 4 is more.
    pub band: u8,
    /// How much cheaper than on-demand, in percent; negative where it is dearer.
    pub savings_percent: i16,
}

/// Whether this could be the name of a region: `us-east-1`, `us-gov-west-1`, `mx-central-1`.
pub(super) fn is_region(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    match name.rsplit_once('-') {
        Some((words, number)) => {
            let is_number = number.len() == 1 && number.as_bytes()[0].is_ascii_digit();
            is_number && words.contains('-') && words.split('-').all(is_word)
        }
        None => false,
    }
}

/// The spot price history's name of a product that other sources call `os`.
pub(super) fn product_name(os: &str) -> &str {
    match os {
        "linux" | "Linux" => "Linux/UNIX",
        "mswin" | "Windows" => "Windows",
        "rhel" | "RHEL" => "Red Hat Enterprise Linux",
        "sles" | "SUSE" => "SUSE Linux",
        other => other,
    }
}

/// Whether spot has a product of this name.
pub(super) fn is_spot_product(product: &str) -> bool {
    matches!(
        product.trim_end_matches(" (Amazon VPC)"),
        "Linux/UNIX" | "Windows" | "Red Hat Enterprise Linux" | "SUSE Linux"
    )
}
