//! Settings, worker types and what EC2 has, together: the engine's configuration and the templates
//! its launches are made with.
//!
//! A worker type's candidates are its instance types in each of its zones. What it names must be
//! there; of what it does not name, what cannot be used is left out with a remark: zones without a
//! subnet where others have one, and zones that do not offer the type. All problems of all worker
//! types are told at once.

use std::collections::{BTreeMap, BTreeSet};

use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::{Candidate, EngineConfig};
use provisioner_files::engine::{At, InstanceTypeDoc, floors};
use provisioner_files::file::{Issue, Issues, Place, nearest};

use super::document::Settings;
use super::worker_types::WorkerTypeFile;
use crate::cloud::LaunchTemplate;

/// Floors are told to the engine so far ahead, and anew at each reload.
pub const FLOORS_AHEAD: Duration = Duration::from_hours(400 * 24);

/// What is known of EC2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Availability zones by region.
    pub zones: BTreeMap<String, BTreeSet<String>>,
    /// Which instance types are offered where: zone and type. Everywhere if that is not known.
    pub offered: Option<BTreeSet<(String, String)>>,
    /// vCPUs of instance types, so far as they are known.
    pub vcpus: BTreeMap<String, u32>,
}

/// What the loop works with.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What the engine goes by.
    pub engine: EngineConfig,
    /// What launches are made with.
    pub launches: Launches,
    /// What was left out, and why: each a line.
    pub remarks: Vec<String>,
}

/// What launches are made with, by worker type and zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launches {
    templates: BTreeMap<(String, String), LaunchTemplate>,
}

impl Launches {
    /// Those templates, by worker type and zone.
    pub fn of(templates: impl IntoIterator<Item = ((String, String), LaunchTemplate)>) -> Self {
        Self { templates: templates.into_iter().collect() }
    }

    /// The template of a worker type in a zone, if it may launch there.
    #[must_use]
    pub fn template(&self, worker_type: &str, zone: &str) -> Option<&LaunchTemplate> {
        self.templates.get(&(worker_type.to_owned(), zone.to_owned()))
    }
}

/// Joins what was written with what is known. Floors hold from `now` on.
///
/// # Errors
///
/// Every problem of every worker type, region, zone and instance type.
pub fn resolve(
    settings: &Settings,
    files: &[WorkerTypeFile],
    known: &Known,
    now: Time,
) -> Result<Resolved, Issues> {
    let mut joiner = Joiner {
        settings,
        known,
        catalog: Catalog::new(),
        launches: Launches::default(),
        remarks: Vec::new(),
        issues: Vec::new(),
    };
    let ahead = (now, now.saturating_add(FLOORS_AHEAD));
    let mut worker_types = Vec::new();
    for file in files {
        let candidates = joiner.candidates(file);
        let floors = floors::resolve(&file.engine.floors, ahead);
        let name = file.name.value.clone();
        worker_types.push(file.engine.clone().into_worker_type(name, candidates, floors));
    }
    let Joiner { catalog, launches, remarks, issues, .. } = joiner;
    if !issues.is_empty() {
        return Err(issues.into());
    }
    let Settings { seed, limits, guards, .. } = settings.clone();
    let engine = EngineConfig { seed, catalog, worker_types, limits, guards };
    Ok(Resolved { engine, launches, remarks })
}

struct Joiner<'a> {
    settings: &'a Settings,
    known: &'a Known,
    catalog: Catalog,
    launches: Launches,
    remarks: Vec<String>,
    issues: Vec<Issue>,
}

/// A zone that a worker type may use.
#[derive(Clone, Copy)]
struct Zone<'a> {
    region: &'a str,
    name: &'a str,
    /// The worker type's file names it.
    is_named: bool,
}

impl<'a> Joiner<'a> {
    fn candidates(&mut self, file: &'a WorkerTypeFile) -> Vec<Candidate> {
        self.check_queue(file);
        let regions = self.regions(file);
        for region in &regions {
            self.check_region(file, region);
        }
        let zones = self.zones(file, &regions);
        for zone in &zones {
            let usual = self.settings.aws.launch_method;
            if let Some(template) = file.launch.template(zone.region, zone.name, usual) {
                let place = (file.name.value.clone(), zone.name.to_owned());
                self.launches.templates.insert(place, template);
            }
        }
        let mut candidates = Vec::new();
        for (name, doc) in &file.engine.instance_types {
            let offered = self.offered(file, name, doc, &zones);
            self.check_prices(file, name, doc, &offered);
            candidates.extend(offered.iter().map(|zone| self.candidate(file, name, doc, *zone)));
        }
        candidates
    }

    fn check_queue(&mut self, file: &WorkerTypeFile) {
        let At { value: queue, place } = &file.queue;
        if !self.settings.queues.contains_key(queue) {
            let names = self.settings.queues.keys().map(String::as_str);
            let issue =
                Issue::new(format!("queue `{queue}` is not in the settings"), place.clone());
            self.issues.push(issue.hint(one_of(queue, names)));
        }
    }

    /// The regions it uses: of those that it names, or of all, those with a zone that it names.
    fn regions(&mut self, file: &'a WorkerTypeFile) -> Vec<&'a str> {
        let all = &self.settings.aws.regions.value;
        let mut wanted = all;
        if let Some(At { value, place }) = &file.engine.regions {
            for region in value.iter().filter(|region| !all.contains(region)) {
                let what = format!("region `{region}` is none of those in the settings");
                let hint = one_of(region, all.iter().map(String::as_str));
                self.issues.push(Issue::new(what, place.clone()).hint(hint));
            }
            wanted = value;
        }
        let zones = file.engine.zones.as_ref();
        let is_used = |region: &&String| {
            let known = self.known.zones.get(*region);
            let names_one = |named: &At<Vec<String>>| {
                known.is_some_and(|known| named.value.iter().any(|zone| known.contains(zone)))
            };
            all.contains(region) && zones.is_none_or(names_one)
        };
        wanted.iter().filter(is_used).map(String::as_str).collect()
    }

    /// What must be there once for a region.
    fn check_region(&mut self, file: &WorkerTypeFile, region: &str) {
        let launch = &file.launch;
        let name = &file.name.value;
        let mut lacks = |what: &str, hint: String| {
            let issue =
                Issue::new(format!("`{name}` has no {what} in {region}"), launch.here.clone());
            self.issues.push(issue.hint(hint));
        };
        if !launch.images.contains_key(region) {
            lacks(
                "image",
                format!("add {region} = \"ami-…\" to `images`, or leave the region out"),
            );
        }
        if !launch.security_groups.is_empty() && !launch.security_groups.contains_key(region) {
            let hint = format!("others have some: add {region} = [\"sg-…\"] to `security_groups`");
            lacks("security group", hint);
        }
        let zones = self.known.zones.get(region);
        if zones.is_none_or(BTreeSet::is_empty) {
            let place = self.settings.aws.regions.place.clone();
            let issue = Issue::new(format!("region `{region}` has no zone"), place);
            self.issues.push(issue.hint("is it a region that this account may use?"));
        } else if !launch.subnets.is_empty()
            && !zones
                .is_some_and(|zones| zones.iter().any(|zone| launch.subnets.contains_key(zone)))
        {
            lacks("subnet", format!("others have some: add {region}a = \"subnet-…\" to `subnets`"));
        }
    }

    /// The zones it may use.
    fn zones(&mut self, file: &'a WorkerTypeFile, regions: &[&'a str]) -> Vec<Zone<'a>> {
        let known = self.known;
        let all: Vec<(&str, &str)> = regions
            .iter()
            .flat_map(|region| {
                known.zones.get(*region).into_iter().flatten().map(|it| (*region, it))
            })
            .map(|(region, zone)| (region, zone.as_str()))
            .collect();
        let names = || all.iter().map(|(_, zone)| *zone);
        let unknown = |zone: &str, place: &Place| {
            let what = format!("zone `{zone}` is in none of the worker type's regions");
            Issue::new(what, place.clone()).hint(one_of(zone, names()))
        };
        let named = file.engine.zones.as_ref();
        if let Some(At { value, place }) = named {
            let strangers = value.iter().filter(|zone| !names().any(|it| it == zone.as_str()));
            self.issues.extend(strangers.map(|zone| unknown(zone, place)));
        }
        let subnets = &file.launch.subnets;
        let everywhere = || known.zones.values().flatten();
        for (zone, At { place, .. }) in subnets {
            if !everywhere().any(|it| it == zone) {
                self.issues.push(unknown(zone, place));
            }
        }
        let mut zones = Vec::new();
        let mut without = Vec::new();
        for (region, name) in all.iter().copied() {
            let is_named = named.is_some_and(|it| it.value.iter().any(|zone| zone == name));
            if named.is_some() && !is_named {
                continue;
            }
            if subnets.is_empty() || subnets.contains_key(name) {
                zones.push(Zone { region, name, is_named });
            } else if is_named {
                let what = format!("`{}` has no subnet in {name}", file.name.value);
                let hint = format!("add {name} = \"subnet-…\" to `subnets`, or leave the zone out");
                self.issues.push(Issue::new(what, file.launch.here.clone()).hint(hint));
            } else {
                without.push(name);
            }
        }
        if !without.is_empty() {
            let name = &file.name.value;
            self.remarks.push(format!("{name}: no subnet, left out: {}", without.join(", ")));
        }
        zones
    }

    /// Where an instance type can be bought.
    fn offered(
        &mut self,
        file: &WorkerTypeFile,
        name: &str,
        doc: &InstanceTypeDoc,
        zones: &[Zone<'a>],
    ) -> Vec<Zone<'a>> {
        let Some(offers) = &self.known.offered else { return zones.to_vec() };
        let is_offered =
            |zone: &Zone<'_>| offers.contains(&(zone.name.to_owned(), name.to_owned()));
        let (there, lacking): (Vec<_>, Vec<_>) = zones.iter().copied().partition(is_offered);
        let types = || offers.iter().map(|(_, instance_type)| instance_type.as_str());
        if there.is_empty() && !zones.is_empty() {
            let what = format!("`{name}` is offered in none of the worker type's zones");
            let hint = match types().any(|it| it == name) {
                true => "leave it out, or allow other zones".to_owned(),
                false => one_of(name, types()),
            };
            self.issues.push(Issue::new(what, doc.here.clone()).hint(hint));
            return there;
        }
        for zone in lacking.iter().filter(|zone| zone.is_named) {
            let what = format!("`{name}` is not offered in {}", zone.name);
            let hint = "leave the zone out, or give the type a worker type of its own";
            self.issues.push(Issue::new(what, doc.here.clone()).hint(hint));
        }
        let unnamed: Vec<&str> =
            lacking.iter().filter(|zone| !zone.is_named).map(|zone| zone.name).collect();
        if !unnamed.is_empty() {
            let worker_type = &file.name.value;
            let zones = unnamed.join(", ");
            self.remarks.push(format!("{worker_type}: {name} is not offered in {zones}"));
        }
        there
    }

    /// On-demand prices that its policy cannot do without.
    fn check_prices(
        &mut self,
        file: &WorkerTypeFile,
        name: &str,
        doc: &InstanceTypeDoc,
        zones: &[Zone<'a>],
    ) {
        if !file.engine.need().on_demand && file.engine.on_demand_after.is_none() {
            return;
        }
        let regions: BTreeSet<&str> = zones.iter().map(|zone| zone.region).collect();
        for region in regions {
            let place = (region.to_owned(), file.product.clone(), name.to_owned());
            if !self.settings.on_demand.contains_key(&place) {
                let product = &file.product;
                let what = format!("`{name}` has no on-demand price in {region} with {product}");
                let hint = format!(
                    "its policy buys on demand: add \"{name}\" = \"$0.085/h\" to \
                     [on_demand.{region}] in the settings"
                );
                self.issues.push(Issue::new(what, doc.here.clone()).hint(hint));
            }
        }
    }

    fn candidate(
        &mut self,
        file: &WorkerTypeFile,
        name: &str,
        doc: &InstanceTypeDoc,
        zone: Zone<'_>,
    ) -> Candidate {
        let catalog = &mut self.catalog;
        let image = file.engine.image.as_deref().unwrap_or(&file.name.value);
        let image = catalog.image(image);
        let region = catalog.region(zone.region);
        let zone_id = catalog.zone(zone.region, zone.name);
        let vcpus = self.known.vcpus.get(name).copied().unwrap_or(0);
        let instance_type = catalog.instance_type(name, vcpus);
        let product = catalog.product(&file.product);
        let known = catalog.pools().len();
        let pool = catalog.pool(Pool { zone: zone_id, instance_type, product });
        let place = (zone.region.to_owned(), file.product.clone(), name.to_owned());
        if let (Some(price), true) = (self.settings.on_demand.get(&place), pool.index() == known) {
            catalog.set_on_demand(region, instance_type, product, Time::EPOCH, *price);
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
}

/// A hint at the nearest of some names, or at the first of them.
fn one_of<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    match nearest(wrong, names.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if names.is_empty() => "there are none".to_owned(),
        None => {
            let told: Vec<&str> = names.iter().copied().take(NAMES_TOLD).collect();
            let more = if names.len() > told.len() { ", …" } else { "" };
            format!("there are {}{more}", told.join(", "))
        }
    }
}

/// A hint names no more than these.
const NAMES_TOLD: usize = 12;
