//! What EC2 had of what worker types name, region by region, when it was last asked or the store was
//! written.
//!
//! A region that does not answer, or refuses to, is taken to have what it had, so that it delays no other.

use std::collections::{BTreeMap, BTreeSet};

use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::ids::PoolId;

use crate::cloud::ec2::survey::Survey;
use crate::settings::Known;

/// By region.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<String, Had>);

/// What a region had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Had {
    /// The instance types that it was asked for.
    asked: BTreeSet<String>,
    zones: BTreeSet<String>,
    /// Zone and instance type.
    offered: BTreeSet<(String, String)>,
    vcpus: BTreeMap<String, u32>,
}

impl Had {
    pub(super) fn of(survey: Survey, asked: &BTreeSet<String>) -> Self {
        let Survey { zones, offered, instance_types, .. } = survey;
        let vcpus = instance_types.into_iter().map(|(name, it)| (name, it.vcpus)).collect();
        Self { asked: asked.clone(), zones, offered, vcpus }
    }

    pub(super) fn tell(&self, region: &str, known: &mut Known) {
        known.zones.insert(region.to_owned(), self.zones.clone());
        known.offered.get_or_insert_default().extend(self.offered.iter().cloned());
        known.vcpus.extend(self.vcpus.iter().map(|(name, vcpus)| (name.clone(), *vcpus)));
    }
}

impl Memory {
    /// As far as an engine's configuration shows it.
    pub(super) fn of(catalog: &Catalog) -> Self {
        let mut regions: BTreeMap<String, Had> = BTreeMap::new();
        let mut all = BTreeMap::new();
        for (pool, id) in catalog.pools().iter().zip((0..).map(PoolId::new)) {
            let Pool { zone, instance_type, .. } = *pool;
            let zone = &catalog.zone_of(zone).name;
            let instance_type = catalog.instance_type_of(instance_type);
            let had = regions.entry(catalog.region_name(catalog.region_of(id)).to_owned());
            let had = had.or_default();
            had.zones.insert(zone.clone());
            had.offered.insert((zone.clone(), instance_type.name.clone()));
            all.insert(instance_type.name.clone(), instance_type.vcpus);
        }
        for had in regions.values_mut() {
            // All that any worker type names was asked for everywhere.
            had.asked = all.keys().cloned().collect();
            had.vcpus = all.clone();
        }
        Self(regions)
    }

    pub(super) fn keep(&mut self, region: &str, had: Had) {
        self.0.insert(region.to_owned(), had);
    }

    /// What the region had of them, if it was ever asked for all of them.
    pub(super) fn recall(&self, region: &str, asked: &BTreeSet<String>) -> Option<&Had> {
        self.0.get(region).filter(|had| asked.is_subset(&had.asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::new();
        let product = catalog.product("Linux/UNIX");
        let large = catalog.instance_type("c5.large", 2);
        let metal = catalog.instance_type("c5.metal", 96);
        for (region, zone, instance_type) in [
            ("us-east-1", "us-east-1a", large),
            ("us-east-1", "us-east-1b", metal),
            ("eu-west-1", "eu-west-1a", large),
        ] {
            let zone = catalog.zone(region, zone);
            catalog.pool(Pool { zone, instance_type, product });
        }
        catalog
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_configuration_shows_what_each_region_had() {
        let memory = Memory::of(&catalog());
        let mut known = Known::default();
        let asked = names(&["c5.large", "c5.metal"]);
        memory.recall("us-east-1", &asked).expect("it was asked").tell("us-east-1", &mut known);
        assert_eq!(known.zones["us-east-1"], names(&["us-east-1a", "us-east-1b"]));
        let offered = known.offered.expect("it is known");
        assert!(offered.contains(&("us-east-1b".into(), "c5.metal".into())));
        assert!(!offered.contains(&("us-east-1a".into(), "c5.metal".into())), "nor was it before");
        assert_eq!(known.vcpus["c5.metal"], 96);
    }

    #[test]
    fn what_was_never_asked_is_not_recalled() {
        let memory = Memory::of(&catalog());
        assert_eq!(memory.recall("us-east-1", &names(&["c5.large", "m5.large"])), None);
        assert_eq!(memory.recall("us-west-2", &names(&["c5.large"])), None);
        // It was asked for the other one's type too, and has none.
        let had = memory.recall("eu-west-1", &names(&["c5.metal"])).expect("it was asked");
        assert_eq!(had.offered.len(), 1);
    }
}
