//! Which pools a worker type can buy from.
//!
//! Its candidates are its instance types, by name, in each of its zones, so far as they can be
//! bought there. A pool that is not offered or has no price is left out and counted; an instance
//! type that can be bought nowhere is an issue.

use std::collections::BTreeMap;

use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::ids::ImageId;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::Candidate;
use provisioner_files::engine::{At, InstanceTypeDoc, WorkerTypeDoc};

use super::supply::{Lack, Supply, Zone};
use crate::file::{Issue, kind, nearest};

/// The pools of all worker types.
pub(super) struct Pools<'a> {
    supply: &'a Supply,
    catalog: Catalog,
    /// Pools that somebody could have used.
    left_out: BTreeMap<Lack, Vec<String>>,
}

/// Most pools of a scenario: more than EC2 has of one product.
const POOLS_MAX: usize = 10_000;

/// Most names shown in a remark.
const SHOWN_MAX: usize = 4;

impl<'a> Pools<'a> {
    pub(super) fn new(supply: &'a Supply) -> Self {
        Self { supply, catalog: Catalog::new(), left_out: BTreeMap::new() }
    }

    /// The pools a worker type can buy from; what is wrong with it is added to `issues`.
    pub(super) fn candidates(
        &mut self,
        name: &str,
        worker_type: &WorkerTypeDoc,
        issues: &mut Vec<Issue>,
    ) -> Vec<Candidate> {
        let zones = self.zones(name, worker_type, issues);
        let need = worker_type.need();
        let mut candidates = Vec::new();
        let image = self.catalog.image(worker_type.image.as_deref().unwrap_or(name));
        for (type_name, instance_type) in &worker_type.instance_types {
            let before = candidates.len();
            let mut lacks = Vec::new();
            for zone in &zones {
                match self.supply.lack(zone, type_name, need) {
                    Some(lack) => lacks.push((lack, format!("{type_name}/{}", zone.name))),
                    None => candidates.push(self.candidate(zone, type_name, instance_type, image)),
                }
            }
            // Of several, the one that comes nearest to a usable pool.
            let nearest_miss = lacks.iter().map(|(lack, _)| *lack).max();
            if let (Some(lack), true) = (nearest_miss, candidates.len() == before) {
                if lack != Lack::Price || !self.supply.lacks_prices {
                    issues.push(self.nowhere(type_name, lack, instance_type));
                }
            } else {
                for (lack, pool) in lacks {
                    let pools = self.left_out.entry(lack).or_default();
                    if !pools.contains(&pool) {
                        pools.push(pool);
                    }
                }
            }
        }
        if self.catalog.pools().len() > POOLS_MAX {
            let what = format!("there are more than {POOLS_MAX} pools");
            issues.push(Issue::new(what, worker_type.here.clone()).hint("name fewer zones"));
            self.catalog = Catalog::new();
        }
        candidates
    }

    /// The catalog of all pools that were named; says what was left out.
    pub(super) fn finish(self, start: Time, remarks: &mut Vec<String>) -> Catalog {
        for (lack, pools) in &self.left_out {
            let shown = pools[..pools.len().min(SHOWN_MAX)].join(", ");
            let more = if pools.len() > SHOWN_MAX { ", …" } else { "" };
            let plural = if pools.len() == 1 { "pool is" } else { "pools are" };
            remarks.push(format!(
                "{} {plural} left out: {} ({shown}{more})",
                pools.len(),
                lack.in_words()
            ));
        }
        let later = |pool: &Pool| {
            let changes = self.supply.on_demand(
                self.catalog.region_name(self.catalog.zone_of(pool.zone).region),
                &self.catalog.instance_type_of(pool.instance_type).name,
            );
            changes.first().map(|(since, _)| *since).filter(|since| *since > start)
        };
        let later: Vec<Time> = self.catalog.pools().iter().filter_map(later).collect();
        if let Some(first) = later.iter().min() {
            remarks.push(format!(
                "on-demand prices of {} pools are known since {} only, and taken for those before",
                later.len(),
                kind::time().show(first),
            ));
        }
        self.catalog
    }

    fn candidate(
        &mut self,
        zone: &Zone,
        type_name: &str,
        doc: &InstanceTypeDoc,
        image: ImageId,
    ) -> Candidate {
        let region = self.catalog.region(&zone.region);
        let zone_id = self.catalog.zone(&zone.region, &zone.name);
        let instance_type =
            self.catalog.instance_type(type_name, self.supply.vcpus(type_name).unwrap_or(0));
        let product = self.catalog.product(&self.supply.product);
        let known = self.catalog.pools().len();
        let pool = self.catalog.pool(Pool { zone: zone_id, instance_type, product });
        if pool.index() == known {
            for (since, price) in self.supply.on_demand(&zone.region, type_name) {
                self.catalog.set_on_demand(region, instance_type, product, since, price);
            }
        }
        Candidate {
            pool,
            image,
            capacity: doc.capacity,
            utility: doc.utility,
            bias: doc.bias,
            initial_weight: doc.initial_weight,
            capacity_max: doc.capacity_max,
        }
    }

    /// The zones a worker type may use.
    fn zones(&self, name: &str, worker_type: &WorkerTypeDoc, issues: &mut Vec<Issue>) -> Vec<Zone> {
        let WorkerTypeDoc { regions, zones, .. } = worker_type;
        if self.supply.zones.is_empty() {
            return Vec::new(); // Why there are none is told already.
        }
        let all = || self.supply.zones.iter();
        let in_regions = |region: &str| {
            regions.as_ref().is_none_or(|At { value, .. }| value.iter().any(|r| r == region))
        };
        let before = issues.len();
        if let Some(At { value, place }) = regions {
            for region in value.iter().filter(|region| !all().any(|z| z.region == **region)) {
                let issue =
                    Issue::new(format!("no zone of region `{region}` is known"), place.clone());
                issues.push(issue.hint(one_of(region, all().map(|zone| zone.region.as_str()))));
            }
        }
        if let Some(At { value, place }) = zones {
            for name in value {
                let issue = match all().find(|zone| zone.name == *name) {
                    None => {
                        let issue =
                            Issue::new(format!("zone `{name}` is not known"), place.clone());
                        issue.hint(one_of(name, all().map(|zone| zone.name.as_str())))
                    }
                    Some(zone) if !in_regions(&zone.region) => {
                        let what = format!("zone `{name}` is in none of the regions");
                        let hint =
                            format!("add \"{}\" to `regions`, or leave `regions` out", zone.region);
                        Issue::new(what, place.clone()).hint(hint)
                    }
                    Some(_) => continue,
                };
                issues.push(issue);
            }
        }
        let wanted = |zone: &&Zone| {
            let named = zones.as_ref().is_none_or(|At { value, .. }| value.contains(&zone.name));
            named && in_regions(&zone.region)
        };
        let wanted: Vec<Zone> = all().filter(wanted).cloned().collect();
        if wanted.is_empty() && issues.len() == before {
            let issue = Issue::new(
                format!("worker type `{name}` has no usable pool"),
                worker_type.here.clone(),
            );
            issues.push(issue.hint("name at least one zone in `zones`, or leave it out"));
        }
        wanted
    }

    /// An instance type that none of the worker type's zones has.
    fn nowhere(&self, type_name: &str, lack: Lack, doc: &InstanceTypeDoc) -> Issue {
        let issue = |what: &str| {
            Issue::new(format!("instance type `{type_name}` {what}"), doc.here.clone())
        };
        let known = |hint: &str| match nearest(type_name, self.supply.type_names(lack)) {
            Some(near) if near != type_name => format!("did you mean \"{near}\"?"),
            _ => hint.to_owned(),
        };
        match lack {
            Lack::Type => {
                issue("is not in the table of instance types").hint(known("leave it out"))
            }
            Lack::Offer => issue("is not offered in any of the worker type's zones")
                .hint(known("leave it out, or allow other zones")),
            Lack::Price => issue("has no price in any of the worker type's zones")
                .hint(known("leave it out, or add recorded prices of it")),
            Lack::OnDemand => {
                let add = format!(
                    "add \"{type_name}\" = \"$0.085/h\" under [market.on_demand], or a table to \
                     `on_demand_files`"
                );
                issue("has no on-demand price").hint(known(&add))
            }
        }
    }
}

/// A hint at the nearest of some names, or at all of them.
pub(super) fn one_of<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    match nearest(wrong, names.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if names.is_empty() => "there are none".to_owned(),
        None => format!("there are {}", names.join(", ")),
    }
}
