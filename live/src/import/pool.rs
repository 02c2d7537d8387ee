//! worker-manager's pool definitions for AWS (since 2019).
//!
//! `estimator` and `weighted` restate how it decides.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::draft::{Draft, Keys};
use super::{ImportError, take, take_count, take_object, take_objects, take_text};

pub(super) fn read(mut body: Map<String, Value>) -> Result<Draft, ImportError> {
    let name = take_text(&mut body, "workerPoolId").ok_or_else(|| {
        let hint = "give the definition as `worker-manager/v1/worker-pool/ID` answers it";
        ImportError::new("the definition has no `workerPoolId`", hint)
    })?;
    let mut draft = Draft { name, ..Draft::default() };
    let about = ["description", "owner"].map(|key| take_text(&mut body, key));
    draft.comments.extend(about.into_iter().flatten());
    let mut config = take_object(&mut body, "config");
    capacity(&mut config, &mut draft);
    lifecycle(take_object(&mut config, "lifecycle"), &mut draft);
    let configs = take_objects(&mut config, "launchConfigs");
    if configs.is_empty() {
        let what = format!("`{}` has no launch configs for AWS", draft.name);
        return Err(ImportError::new(what, "only pools of an AWS provider can be imported"));
    }
    let mut all = Seen::default();
    configs.into_iter().for_each(|config| launch_config(config, &mut draft, &mut all));
    all.conclude(&mut draft);
    draft.left("`config`", &config);
    for key in ["providerId", "created", "lastModified", "existingCapacity"] {
        body.remove(key);
    }
    draft.left("the definition", &body);
    draft.missing("`idle_timeout`: workers have it in their own configuration; 15 minutes hold");
    draft.no_place(
        "registration with worker-manager: workers get no credentials from here, and are known by \
         what the queue says of them",
    );
    Ok(draft)
}

fn capacity(config: &mut Map<String, Value>, draft: &mut Draft) {
    let min = take_count(config, "minCapacity", draft).unwrap_or(0);
    let max = take_count(config, "maxCapacity", draft).unwrap_or(0);
    draft.keys.push(("capacity_min", min.to_string()));
    draft.keys.push(("capacity_max", max.max(1).to_string()));
    if max == 0 {
        draft.missing("`maxCapacity` is 0, here at least 1: leave the file out to launch nothing");
    }
    draft.changed("`maxCapacity` is hard: counts are whole instances there, and round up");
    let ratio = take(config, "scalingRatio").unwrap_or(json!(1));
    if let Some(ratio) = draft.number("scalingRatio", &ratio, false) {
        let scaling = format!("{{ estimator = {{ scaling_ratio = {ratio} }} }}");
        draft.keys.push(("scaling", scaling));
        draft.carried(
            "`scalingRatio`: units for each pending task (v1's of that name was the tolerated share)",
        );
    }
}

fn lifecycle(mut lifecycle: Map<String, Value>, draft: &mut Draft) {
    if let Some(seconds) = take_count(&mut lifecycle, "registrationTimeout", draft) {
        draft.keys.push(("registration_timeout", format!("\"{} s\"", seconds.max(1))));
        draft.carried("`registrationTimeout`");
    }
    if let Some(seconds) = take_count(&mut lifecycle, "reregistrationTimeout", draft) {
        let what = "is the life of a worker's credentials; here `lifetime_max` ends instances";
        draft.no_place(format!("`reregistrationTimeout` of {seconds} s {what}"));
    }
    if let Some(seconds) = take_count(&mut lifecycle, "queueInactivityTimeout", draft) {
        let what = "is for all worker types together here: `engine.guard_rules.zombies`";
        draft.changed(format!("`queueInactivityTimeout` of {seconds} s {what}"));
    }
    draft.left("`lifecycle`", &lifecycle);
}

/// What launch configs have in common, or not.
#[derive(Default)]
struct Seen {
    pairs: BTreeSet<(String, String)>,
    is_spot: BTreeSet<bool>,
    /// Regions with a launch config that leaves the zone to EC2.
    any_zone: BTreeSet<String>,
    user_data: Vec<Map<String, Value>>,
}

fn launch_config(mut item: Map<String, Value>, draft: &mut Draft, all: &mut Seen) {
    let Some(region) = take_text(&mut item, "region") else { return };
    let mut spec = take_object(&mut item, "launchConfig");
    let mut manager = take_object(&mut item, "workerManager");
    let Some(kind) = take_text(&mut spec, "InstanceType") else {
        draft.missing(format!("a launch config in {region} has no `InstanceType`"));
        return;
    };
    if !draft.regions.contains(&region) {
        draft.regions.push(region.clone());
    }
    all.pairs.insert((region.clone(), kind.clone()));
    let keys = keys(&mut item, &mut manager, draft);
    let known = draft.instance_types.entry(kind.clone()).or_insert_with(|| keys.clone());
    if *known != keys {
        draft.missing(format!("`{kind}` differs from region to region; that of the first stands"));
    }
    let mut market = take_object(&mut spec, "InstanceMarketOptions");
    all.is_spot.insert(take_text(&mut market, "MarketType").is_some_and(|it| it == "spot"));
    let zone = take_text(&mut take_object(&mut spec, "Placement"), "AvailabilityZone");
    if zone.is_none() {
        all.any_zone.insert(region.clone());
    }
    draft.zones.extend(zone.clone().filter(|zone| !draft.zones.contains(zone)));
    draft.launch_spec(&format!("{kind} in {region}"), spec, &[region], zone.as_deref());
    let mut data = take_object(&mut item, "additionalUserData");
    let workers = take_object(&mut item, "workerConfig");
    if !workers.is_empty() {
        data.insert("workerConfig".to_owned(), workers.into());
    }
    all.user_data.push(data);
    manager.remove("launchConfigId");
    draft.left(&format!("`workerManager` of {kind}"), &manager);
    draft.left(&format!("the launch config of {kind}"), &item);
}

/// What a launch config says of its instance type. Capacity may stand in two places.
fn keys(
    item: &mut Map<String, Value>,
    manager: &mut Map<String, Value>,
    draft: &mut Draft,
) -> Keys {
    let capacity = take_count(manager, "capacityPerInstance", draft);
    let capacity = capacity.or(take_count(item, "capacityPerInstance", draft)).unwrap_or(1);
    let mut keys = vec![("capacity", capacity.max(1).to_string())];
    if let Some(weight) = take(manager, "initialWeight") {
        let weight = draft.number("initialWeight", &weight, false);
        keys.extend(weight.map(|weight| ("initial_weight", weight)));
    }
    if let Some(max) = take_count(manager, "maxCapacity", draft).filter(|max| *max > 0) {
        keys.push(("capacity_max", max.to_string()));
    }
    keys
}

impl Seen {
    fn conclude(mut self, draft: &mut Draft) {
        let market = if self.is_spot.contains(&true) { "spot" } else { "on-demand" };
        let placement = format!("{{ weighted = {{ market = \"{market}\" }} }}");
        draft.keys.push(("placement", placement));
        draft.carried("launch configs with their weights, as `weighted`");
        draft.missing(
            "on-demand prices of each region and type, under [on_demand] of the settings: there were \
             no prices at all",
        );
        if self.is_spot.len() > 1 {
            draft.changed("some launch configs were spot and some on demand: all are spot now");
        }
        if !self.any_zone.is_empty() && !draft.zones.is_empty() {
            let zones = std::mem::take(&mut draft.zones).join(", ");
            let regions = self.any_zone.into_iter().collect::<Vec<_>>().join(", ");
            draft.changed(format!(
                "launch configs were bound to {zones}, those in {regions} to no zone: all zones are \
                 used now, or those with a subnet where a region has one"
            ));
        }
        let types: Vec<String> = draft.instance_types.keys().cloned().collect();
        for region in draft.regions.clone() {
            let here = |kind: &&String| !self.pairs.contains(&(region.clone(), (*kind).clone()));
            let new: Vec<&str> = types.iter().filter(here).map(String::as_str).collect();
            if !new.is_empty() {
                let what = "every type is bought in every region: now also";
                draft.changed(format!("{what} {} in {region}", new.join(", ")));
            }
        }
        self.user_data.dedup();
        match self.user_data.as_slice() {
            [data] if data.is_empty() => {}
            [data] => {
                draft.changed(
                    "`workerConfig` is under that name in the user data, and nothing else",
                );
                draft.user_data = Some(data.clone().into());
            }
            _ => draft
                .missing("user data differs from launch config to launch config: write one file"),
        }
    }
}
