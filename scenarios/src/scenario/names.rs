//! Names in a scenario's faults and quotas, turned into ids of its catalog.

use provisioner_engine::catalog::Catalog;
use provisioner_engine::ids::{ImageId, PoolId, RegionId, WorkerTypeId};
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::WorkerType;
use provisioner_sim::config::{CloudModel, Fault, FaultKind, Reconfiguration};

use super::pools::one_of;
use super::schema::{At, FaultDoc, WhatDoc};
use crate::file::Issue;

/// The names that a catalog knows.
pub(super) struct Names<'a> {
    catalog: &'a Catalog,
    pools: Vec<String>,
    worker_types: Vec<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn new(catalog: &'a Catalog, worker_types: &'a [WorkerType]) -> Self {
        let pools = (0..catalog.pools().len()).map(|index| catalog.pool_name(PoolId::new(index)));
        let worker_types = worker_types.iter().map(|known| known.name.as_str()).collect();
        Self { catalog, pools: pools.collect(), worker_types }
    }

    /// A fault in a run that starts then.
    pub(super) fn fault(&self, doc: FaultDoc, start: Time, issues: &mut Vec<Issue>) -> Fault {
        let what = match doc.what {
            WhatDoc::Known(what) => what,
            WhatDoc::PoolsDry(pools) => FaultKind::PoolDry { pools: self.pools(&pools, issues) },
            WhatDoc::PoolsOversubscribed { pools, lives } => {
                FaultKind::PoolOversubscribed { pools: self.pools(&pools, issues), lives }
            }
            WhatDoc::AllDry => {
                FaultKind::PoolDry { pools: (0..self.pools.len()).map(PoolId::new).collect() }
            }
            WhatDoc::VolumeLimit(At { value, place }) => {
                let regions: Vec<&str> = (0..self.catalog.regions_len())
                    .map(|index| self.catalog.region_name(RegionId::new(index)))
                    .collect();
                let names = At { value: vec![value], place };
                let found = find(("region", &names), &regions, issues);
                FaultKind::VolumeLimit { region: RegionId::new(found.first().map_or(0, |it| *it)) }
            }
            WhatDoc::BrokenImage { worker_types, registers } => {
                let found = match worker_types {
                    Some(names) => find(("worker type", &names), &self.worker_types, issues),
                    None => (0..self.worker_types.len()).collect(),
                };
                let worker_types = found.into_iter().map(WorkerTypeId::new).collect();
                FaultKind::BrokenImage { worker_types, registers }
            }
            WhatDoc::Configured { worker_types_removed, instance_types_removed, empty } => {
                find(("worker type", &worker_types_removed), &self.worker_types, issues);
                let pools = self.catalog.pools().iter();
                let types = pools.map(|pool| self.catalog.instance_type_of(pool.instance_type));
                let mut types: Vec<&str> = types.map(|known| known.name.as_str()).collect();
                types.dedup();
                find(("instance type", &instance_types_removed), &types, issues);
                FaultKind::Configured(Reconfiguration {
                    worker_types_removed: worker_types_removed.value,
                    instance_types_removed: instance_types_removed.value,
                    empty,
                })
            }
            WhatDoc::ImageUnusable(images) => {
                let known: Vec<&str> = (0..self.catalog.images_len())
                    .map(|index| self.catalog.image_name(ImageId::new(index)))
                    .collect();
                let found = find(("image", &images), &known, issues);
                FaultKind::ImageUnusable { images: found.into_iter().map(ImageId::new).collect() }
            }
        };
        let from = start.saturating_add(doc.from);
        Fault { from, until: from.saturating_add(doc.length), what }
    }

    /// Pools by name.
    pub(super) fn pools(&self, names: &At<Vec<String>>, issues: &mut Vec<Issue>) -> Vec<PoolId> {
        let known: Vec<&str> = self.pools.iter().map(String::as_str).collect();
        find(("pool", names), &known, issues).into_iter().map(PoolId::new).collect()
    }

    /// Says which instance types quotas cannot count.
    pub(super) fn uncounted(&self, cloud: &CloudModel, remarks: &mut Vec<String>) {
        if !cloud.quotas.counts_vcpus() {
            return;
        }
        let used = self.catalog.pools().iter().map(|pool| pool.instance_type);
        let types = used.map(|id| self.catalog.instance_type_of(id));
        let mut unknown: Vec<&str> =
            types.filter(|known| known.vcpus == 0).map(|known| known.name.as_str()).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            remarks.push(format!(
                "quotas do not count {} instance types whose virtual CPUs are not known ({}): set \
                 `market.vcpus` or `market.instance_types_file`",
                unknown.len(),
                unknown.join(", ")
            ));
        }
    }
}

/// The indices of names among the known ones; unknown ones are issues.
fn find(
    (what, names): (&str, &At<Vec<String>>),
    known: &[&str],
    issues: &mut Vec<Issue>,
) -> Vec<usize> {
    let mut found = Vec::new();
    for name in &names.value {
        match known.iter().position(|known| known == name) {
            Some(index) => found.push(index),
            None => {
                let issue =
                    Issue::new(format!("{what} `{name}` is not known"), names.place.clone());
                issues.push(issue.hint(one_of(name, known.iter().copied())));
            }
        }
    }
    found
}
