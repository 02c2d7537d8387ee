//! What can be bought: regions, zones, instance types, pools, and dated on-demand prices.
//!
//! A catalog is built once, at the edge, by interning names; inside there are ids only.
//! Not here: what a pool costs now (the price book) and who may use it (the worker types).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::{ImageId, InstanceTypeId, PoolId, ProductId, RegionId, ZoneId};
use crate::random::Seed;
use crate::units::{Time, UsdPerHour};

/// Everything that can be bought, and its names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    regions: Vec<String>,
    zones: Vec<Zone>,
    instance_types: Vec<InstanceType>,
    products: Vec<String>,
    images: Vec<String>,
    pools: Vec<Pool>,
    /// In the order of their keys.
    on_demand: Vec<OnDemandPrices>,
}

/// An availability zone. Its name is the account's own: zone letters are shuffled per account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// `us-east-1a`.
    pub name: String,
    /// The region it is in.
    pub region: RegionId,
}

/// An EC2 instance type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceType {
    /// `c5.large`.
    pub name: String,
    /// Virtual CPUs, as quotas count them; 0 if unknown.
    pub vcpus: u32,
}

/// One spot capacity pool: an instance type in a zone, for one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Where.
    pub zone: ZoneId,
    /// What.
    pub instance_type: InstanceTypeId,
    /// With which operating system licence.
    pub product: ProductId,
}

/// The on-demand price of an instance type in a region for a product, and when it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnDemandPrices {
    region: RegionId,
    instance_type: InstanceTypeId,
    product: ProductId,
    /// Oldest first; each holds from its time on.
    changes: Vec<(Time, UsdPerHour)>,
}

impl Catalog {
    /// An empty catalog.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of the machine image with this name; new if it is.
    pub fn image(&mut self, name: &str) -> ImageId {
        ImageId::new(intern(&mut self.images, name))
    }

    /// The id of the region with this name; new if it is.
    pub fn region(&mut self, name: &str) -> RegionId {
        RegionId::new(intern(&mut self.regions, name))
    }

    /// The id of the zone with this name, in the region with that name; new if it is.
    ///
    /// Panics if the zone is known in another region.
    pub fn zone(&mut self, region: &str, name: &str) -> ZoneId {
        let region = self.region(region);
        if let Some(index) = self.zones.iter().position(|zone| zone.name == name) {
            assert!(self.zones[index].region == region, "zone {name} is in two regions");
            return ZoneId::new(index);
        }
        self.zones.push(Zone { name: name.to_string(), region });
        ZoneId::new(self.zones.len() - 1)
    }

    /// The id of the instance type with this name; new if it is, with that many virtual CPUs.
    pub fn instance_type(&mut self, name: &str, vcpus: u32) -> InstanceTypeId {
        if let Some(id) = self.find_instance_type(name) {
            return id;
        }
        self.instance_types.push(InstanceType { name: name.to_string(), vcpus });
        InstanceTypeId::new(self.instance_types.len() - 1)
    }

    /// The id of the product with this name (`Linux/UNIX`); new if it is.
    pub fn product(&mut self, name: &str) -> ProductId {
        ProductId::new(intern(&mut self.products, name))
    }

    /// The id of this pool; new if it is.
    pub fn pool(&mut self, pool: Pool) -> PoolId {
        let index = self.pools.iter().position(|known| *known == pool).unwrap_or_else(|| {
            self.pools.push(pool);
            self.pools.len() - 1
        });
        PoolId::new(index)
    }

    /// Adds what another catalog has besides; gives the ids here of its regions, images and pools.
    pub(crate) fn absorb(&mut self, other: &Self) -> (Vec<RegionId>, Vec<ImageId>, Vec<PoolId>) {
        let regions = other.regions.iter().map(|name| self.region(name)).collect();
        let images = other.images.iter().map(|name| self.image(name)).collect();
        let pools = other.pools.iter().map(|pool| {
            let Zone { name, region } = other.zone_of(pool.zone);
            let region = self.region(other.region_name(*region));
            let zone = Zone { name: name.clone(), region };
            let known = self.zones.iter().position(|known| *known == zone);
            let zone = ZoneId::new(known.unwrap_or_else(|| {
                self.zones.push(zone);
                self.zones.len() - 1
            }));
            let InstanceType { name, vcpus } = other.instance_type_of(pool.instance_type);
            let instance_type = self.instance_type(name, *vcpus);
            let product = self.product(other.product_name(pool.product));
            self.pool(Pool { zone, instance_type, product })
        });
        let pools: Vec<PoolId> = pools.collect();
        for (old, &new) in (0..).map(PoolId::new).zip(&pools) {
            if self.on_demand_changes(new).is_none() {
                let Pool { instance_type, product, .. } = self.pools[new.index()];
                let region = self.region_of(new);
                for &(since, price) in other.on_demand_changes(old).unwrap_or_default() {
                    self.set_on_demand(region, instance_type, product, since, price);
                }
            }
        }
        (regions, images, pools)
    }

    /// Adds an on-demand price that holds from `since` on. Prices may come in any order; of two
    /// with the same time the later call holds.
    pub fn set_on_demand(
        &mut self,
        region: RegionId,
        instance_type: InstanceTypeId,
        product: ProductId,
        since: Time,
        price: UsdPerHour,
    ) {
        let key = (region, instance_type, product);
        let index = self.on_demand.binary_search_by_key(&key, OnDemandPrices::key).unwrap_or_else(
            |place| {
                let changes = Vec::new();
                let prices = OnDemandPrices { region, instance_type, product, changes };
                self.on_demand.insert(place, prices);
                place
            },
        );
        let changes = &mut self.on_demand[index].changes;
        match changes.binary_search_by_key(&since, |(time, _)| *time) {
            Ok(same) => changes[same].1 = price,
            Err(place) => changes.insert(place, (since, price)),
        }
    }

    /// What the pool's instance type costs on demand at `now`, if that is known.
    ///
    /// Before the first dated price, the first one is used: a table that starts in 2014-07 is the
    /// best that is known about the month before.
    #[must_use]
    pub fn on_demand_price(&self, pool: PoolId, now: Time) -> Option<UsdPerHour> {
        let changes = self.on_demand_changes(pool)?;
        let later = changes.partition_point(|(since, _)| *since <= now);
        changes.get(later.saturating_sub(1)).map(|(_, price)| *price)
    }

    /// All dated on-demand prices of the pool's instance type, oldest first.
    #[must_use]
    pub fn on_demand_changes(&self, pool: PoolId) -> Option<&[(Time, UsdPerHour)]> {
        let Pool { zone, instance_type, product } = self.pools[pool.index()];
        let key = (self.zones[zone.index()].region, instance_type, product);
        let index = self.on_demand.binary_search_by_key(&key, OnDemandPrices::key).ok()?;
        Some(&self.on_demand[index].changes)
    }

    /// The instance type with this name.
    #[must_use]
    pub fn find_instance_type(&self, name: &str) -> Option<InstanceTypeId> {
        self.instance_types.iter().position(|known| known.name == name).map(InstanceTypeId::new)
    }

    /// All pools, by id.
    #[must_use]
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// The name of a region.
    #[must_use]
    pub fn region_name(&self, id: RegionId) -> &str {
        &self.regions[id.index()]
    }

    /// A zone by id.
    #[must_use]
    pub fn zone_of(&self, id: ZoneId) -> &Zone {
        &self.zones[id.index()]
    }

    /// An instance type by id.
    #[must_use]
    pub fn instance_type_of(&self, id: InstanceTypeId) -> &InstanceType {
        &self.instance_types[id.index()]
    }

    /// The name of a product.
    #[must_use]
    pub fn product_name(&self, id: ProductId) -> &str {
        &self.products[id.index()]
    }

    /// The name of a machine image.
    #[must_use]
    pub fn image_name(&self, id: ImageId) -> &str {
        &self.images[id.index()]
    }

    /// How many regions there are.
    #[must_use]
    pub const fn regions_len(&self) -> usize {
        self.regions.len()
    }

    /// How many machine images there are.
    #[must_use]
    pub const fn images_len(&self) -> usize {
        self.images.len()
    }

    /// The region a pool is in.
    #[must_use]
    pub fn region_of(&self, pool: PoolId) -> RegionId {
        self.zones[self.pools[pool.index()].zone.index()].region
    }

    /// A number that stands for the pool in every catalog that has it, whatever its id there: its
    /// random draws are named by it, so that adding a pool moves no other's.
    #[must_use]
    pub fn pool_key(&self, id: PoolId) -> u64 {
        Seed(0).purpose(&self.pool_name(id)).0
    }

    /// The pool in words: `c5.large/us-east-1a`, with the product if it is not Linux.
    #[must_use]
    pub fn pool_name(&self, id: PoolId) -> String {
        let pool = self.pools[id.index()];
        let mut name = self.instance_types[pool.instance_type.index()].name.clone();
        name.push('/');
        name.push_str(&self.zones[pool.zone.index()].name);
        let product = self.product_name(pool.product);
        if product != "Linux/UNIX" {
            name.push('/');
            name.push_str(product);
        }
        name
    }
}

impl OnDemandPrices {
    const fn key(&self) -> (RegionId, InstanceTypeId, ProductId) {
        (self.region, self.instance_type, self.product)
    }
}

fn intern(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_string());
        names.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_pool() -> (Catalog, PoolId) {
        let mut catalog = Catalog::new();
        let zone = catalog.zone("us-east-1", "us-east-1a");
        let instance_type = catalog.instance_type("m3.medium", 1);
        let product = catalog.product("Linux/UNIX");
        let pool = catalog.pool(Pool { zone, instance_type, product });
        (catalog, pool)
    }

    #[test]
    fn names_are_interned_once() {
        let (mut catalog, pool) = one_pool();
        assert_eq!(catalog.pool(catalog.pools()[0]), pool);
        assert_eq!(catalog.region("us-east-1"), catalog.region("us-east-1"));
        assert_eq!(catalog.pool_name(pool), "m3.medium/us-east-1a");
    }

    #[test]
    fn on_demand_prices_hold_from_their_date() {
        let (mut catalog, pool) = one_pool();
        assert_eq!(catalog.on_demand_price(pool, Time::EPOCH), None);
        let Pool { instance_type, product, .. } = catalog.pools()[0];
        let region = catalog.region_of(pool);
        let (older, newer) = (UsdPerHour::from_micros(70_000), UsdPerHour::from_micros(67_000));
        catalog.set_on_demand(region, instance_type, product, Time::from_ms(2_000), newer);
        catalog.set_on_demand(region, instance_type, product, Time::from_ms(1_000), older);
        let at = |ms| catalog.on_demand_price(pool, Time::from_ms(ms));
        assert_eq!((at(0), at(1_999), at(2_000)), (Some(older), Some(older), Some(newer)));
    }
}
