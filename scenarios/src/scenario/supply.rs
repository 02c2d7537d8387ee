//! What is known about the market: zones, prices, on-demand prices, offers.

use std::collections::{BTreeMap, BTreeSet};

use provisioner_engine::catalog::Catalog;
use provisioner_engine::ids::PoolId;
use provisioner_engine::units::{Time, UsdPerHour};
use provisioner_files::engine::Need;
use provisioner_sim::input::PriceChange;

use crate::traces::OnDemandTable;

/// What can be bought where, as far as inputs say.
#[derive(Debug, Default)]
pub(super) struct Supply {
    pub(super) product: String,
    pub(super) zones: Vec<Zone>,
    /// None if prices are generated.
    pub(super) prices: Option<RecordedPrices>,
    /// Whether recorded prices are missing for a reason that was told.
    pub(super) lacks_prices: bool,
    /// Instance types that have a recorded price anywhere.
    pub(super) priced_types: BTreeSet<String>,
    /// On-demand prices by instance type, in all regions.
    pub(super) on_demand: BTreeMap<String, UsdPerHour>,
    pub(super) on_demand_tables: Vec<OnDemandTable>,
    /// Virtual CPUs of all instance types there are, if that is known.
    pub(super) instance_types: Option<BTreeMap<String, u32>>,
    /// The same of some, as the scenario says.
    pub(super) vcpus: BTreeMap<String, u32>,
    /// Instance types and the zones that offer them, if that is known.
    pub(super) offers: Option<BTreeSet<(String, String)>>,
}

/// Market prices by instance type and zone, oldest first.
pub(super) type RecordedPrices = BTreeMap<(String, String), Vec<(Time, UsdPerHour)>>;

/// An availability zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) region: String,
}

impl Zone {
    /// The zone with this name, if it is one: `us-east-1a` is in `us-east-1`.
    pub(super) fn new(name: &str) -> Option<Self> {
        let region = name.strip_suffix(|c: char| c.is_ascii_lowercase())?;
        let is_region = region.contains('-')
            && region.ends_with(|c: char| c.is_ascii_digit())
            && region.starts_with(|c: char| c.is_ascii_lowercase());
        is_region.then(|| Self { name: name.to_owned(), region: region.to_owned() })
    }
}

/// Why a pool cannot be used; of several reasons, the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lack {
    /// There is no such instance type.
    Type,
    /// It is not offered there.
    Offer,
    /// It has no market price there.
    Price,
    /// It has no on-demand price there.
    OnDemand,
}

impl Lack {
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Type => "there is no such instance type",
            Self::Offer => "not offered there",
            Self::Price => "no recorded price during the run",
            Self::OnDemand => "no on-demand price",
        }
    }
}

impl Supply {
    /// Why this instance type cannot be bought in this zone.
    pub(super) fn lack(&self, zone: &Zone, instance_type: &str, need: Need) -> Option<Lack> {
        let key = (instance_type.to_owned(), zone.name.clone());
        let generated = need.spot && self.prices.is_none();
        if self.instance_types.as_ref().is_some_and(|types| !types.contains_key(instance_type)) {
            Some(Lack::Type)
        } else if self.offers.as_ref().is_some_and(|offers| !offers.contains(&key)) {
            Some(Lack::Offer)
        } else if need.spot && self.prices.as_ref().is_some_and(|known| !known.contains_key(&key)) {
            Some(Lack::Price)
        } else if (need.on_demand || generated)
            && self.on_demand(&zone.region, instance_type).is_empty()
        {
            Some(Lack::OnDemand)
        } else {
            None
        }
    }

    /// Names of instance types that do not lack that, somewhere.
    pub(super) fn type_names(&self, lack: Lack) -> BTreeSet<&str> {
        match lack {
            Lack::Type => {
                self.instance_types.iter().flat_map(|t| t.keys()).map(String::as_str).collect()
            }
            Lack::Offer => self.offers.iter().flatten().map(|(name, _)| name.as_str()).collect(),
            Lack::Price => self.priced_types.iter().map(String::as_str).collect(),
            Lack::OnDemand => {
                let tables = self.on_demand_tables.iter().flat_map(|table| &table.instance_types);
                self.on_demand.keys().chain(tables).map(String::as_str).collect()
            }
        }
    }

    /// Virtual CPUs of an instance type, if they are known.
    pub(super) fn vcpus(&self, instance_type: &str) -> Option<u32> {
        let listed = || self.instance_types.as_ref()?.get(instance_type);
        self.vcpus.get(instance_type).or_else(listed).copied()
    }

    /// Dated on-demand prices, oldest first; empty if there are none.
    pub(super) fn on_demand(&self, region: &str, instance_type: &str) -> Vec<(Time, UsdPerHour)> {
        if let Some(price) = self.on_demand.get(instance_type) {
            return vec![(Time::EPOCH, *price)];
        }
        let product = self.product.trim_end_matches(" (Amazon VPC)");
        let tables = self.on_demand_tables.iter();
        let mut prices: Vec<_> =
            tables.flat_map(|table| table.prices(region, instance_type, product)).collect();
        prices.retain(|(_, price)| *price > UsdPerHour::ZERO);
        prices.sort_by_key(|(since, _)| *since);
        prices
    }

    /// The recorded prices of all pools.
    pub(super) fn price_changes(&self, catalog: &Catalog) -> Vec<PriceChange> {
        let mut changes = Vec::new();
        for (index, pool) in catalog.pools().iter().enumerate() {
            let instance_type = catalog.instance_type_of(pool.instance_type).name.clone();
            let key = (instance_type, catalog.zone_of(pool.zone).name.clone());
            let prices = self.prices.as_ref().and_then(|prices| prices.get(&key));
            let change = |&(at, price): &(Time, UsdPerHour)| PriceChange {
                at,
                pool: PoolId::new(index),
                price,
            };
            changes.extend(prices.into_iter().flatten().map(change));
        }
        changes.sort_by_key(|change| change.at);
        changes
    }
}
