//! aws-provisioner's worker types (2015 to 2019).
//!
//! `scaling-ratio` and `cheapest` restate how it decided; their options name its repaired habits.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::{ImportError, Options, take, take_count, take_object, take_objects, take_text};

/// What was stored there and did nothing, or is only the service's.
const IGNORED: [&str; 4] = ["scopes", "canUseOndemand", "canUseSpot", "lastModified"];

pub(super) fn read(mut body: Map<String, Value>, options: &Options) -> Result<Draft, ImportError> {
    let name = take_text(&mut body, "workerType").or_else(|| options.worker_type.clone());
    let name = name.ok_or_else(|| {
        let hint = "v1 keeps it in the path: say what the worker type is called";
        ImportError::new("the definition has no `workerType`", hint)
    })?;
    let provisioner = &options.provisioner_id;
    let mut draft = Draft { name: format!("{provisioner}/{name}"), ..Draft::default() };
    let about = ["description", "owner"].map(|key| take_text(&mut body, key));
    draft.comments.extend(about.into_iter().flatten());
    capacity(&mut body, &mut draft);
    prices(&mut body, &mut draft);
    let mut specs = vec![(take_object(&mut body, "launchSpec"), None)];
    let mut some = vec![take_object(&mut body, "secrets")];
    let mut data = Vec::new();
    for mut item in take_objects(&mut body, "instanceTypes") {
        let Some(kind) = take_text(&mut item, "instanceType") else { continue };
        let capacity = take_count(&mut item, "capacity", &mut draft).unwrap_or(1).max(1);
        let mut keys = vec![("capacity", capacity.to_string())];
        let utility = take(&mut item, "utility").unwrap_or(json!(1));
        keys.extend(draft.number("utility", &utility, false).map(|text| ("utility", text)));
        draft.instance_types.insert(kind.clone(), keys);
        let mut spec = take_object(&mut item, "launchSpec");
        spec.remove("InstanceType");
        if !spec.is_empty() {
            draft.left(&format!("`{kind}`'s launchSpec"), &spec);
        }
        some.push(take_object(&mut item, "secrets"));
        data.push((kind, take_object(&mut item, "userData")));
    }
    for mut item in take_objects(&mut body, "regions") {
        let Some(region) = take_text(&mut item, "region") else { continue };
        draft.regions.push(region.clone());
        specs.push((take_object(&mut item, "launchSpec"), Some((region.clone(), None))));
        some.push(take_object(&mut item, "secrets"));
        data.push((region, take_object(&mut item, "userData")));
    }
    for mut item in take_objects(&mut body, "availabilityZones") {
        let zone = take_text(&mut item, "availabilityZone");
        let (Some(zone), Some(region)) = (zone, take_text(&mut item, "region")) else { continue };
        draft.zones.push(zone.clone());
        let place = Some((region, Some(zone.clone())));
        specs.push((take_object(&mut item, "launchSpec"), place));
        some.push(take_object(&mut item, "secrets"));
        data.push((zone, take_object(&mut item, "userData")));
    }
    for (mut spec, place) in specs {
        if spec.remove("KeyName").is_some() {
            draft.changed("`KeyName` was replaced by v1; here `key_pair` under [launch] holds");
        }
        match place {
            None => {
                let regions = draft.regions.clone();
                draft.launch_spec("the launchSpec", spec, &regions, None);
            }
            Some((region, zone)) => {
                let whose = zone.clone().unwrap_or_else(|| region.clone());
                draft.launch_spec(&whose, spec, &[region], zone.as_deref());
            }
        }
    }
    unused_regions(&mut draft);
    user_data(&mut draft, take_object(&mut body, "userData"), &data, provisioner, &name);
    if some.iter().any(|secrets| !secrets.is_empty()) {
        draft.no_place("`secrets`: keep them in a secrets service; none was written");
    }
    IGNORED.iter().for_each(|key| drop(body.remove(*key)));
    draft.left("the definition", &body);
    draft.missing("`idle_timeout`: v1 left it to the worker's own configuration; 15 minutes hold");
    Ok(draft)
}

fn capacity(body: &mut Map<String, Value>, draft: &mut Draft) {
    let min = take_count(body, "minCapacity", draft).unwrap_or(0);
    let max = take_count(body, "maxCapacity", draft).unwrap_or(0);
    draft.keys.push(("capacity_min", min.to_string()));
    draft.keys.push(("capacity_max", max.max(1).to_string()));
    draft.carried("capacity, `utility`, images by region");
    draft.changed(
        "`maxCapacity` is hard: v1's last instance could exceed it (`overshoot = \"historical\"`)",
    );
    if max == 0 {
        draft.missing("`maxCapacity` is 0, here at least 1: leave the file out to launch nothing");
    }
    let ratio = take(body, "scalingRatio").unwrap_or(json!(0));
    if let Some(ratio) = draft.number("scalingRatio", &ratio, false) {
        let scaling = format!("{{ scaling-ratio = {{ scaling_ratio = {ratio} }} }}");
        draft.keys.push(("scaling", scaling));
        draft.carried(
            "`scalingRatio`: pending tasks tolerated as a share of running capacity (our own policy \
             `target` and worker-manager mean units for each pending task)",
        );
    }
}

fn prices(body: &mut Map<String, Value>, draft: &mut Draft) {
    for (theirs, ours) in [("minPrice", "price_min"), ("maxPrice", "price_max")] {
        let Some(price) = take(body, theirs) else { continue };
        // Below a price of nothing no market price lies.
        if ours == "price_max" && price.as_f64().is_some_and(|price| price <= 0.0) {
            draft.missing(format!(
                "`maxPrice` is {price}: nothing could be bought; the default holds"
            ));
            continue;
        }
        let price = draft.number(theirs, &price, true);
        draft.keys.extend(price.map(|price| (ours, price)));
    }
    draft.keys.push(("placement", "\"cheapest\"".to_owned()));
    draft.carried(
        "`maxPrice`: it bounds the market price over `utility`, not the max price that is offered, \
         which may be twice that times `utility`",
    );
    draft.changed(
        "no max price is offered above `max_price_cap` of [engine]; v1 let one above $10 slip through",
    );
    draft.changed(
        "pools are chosen as v1 did until 2017, the cheapest first; from 2018 on it drew them at \
         random (`placement = \"random\"`)",
    );
}

/// Where zones are named, regions without one are not used.
fn unused_regions(draft: &mut Draft) {
    let zones = draft.zones.clone();
    let is_unused = |region: &&String| !zones.iter().any(|zone| zone.starts_with(region.as_str()));
    let unused: Vec<String> = draft.regions.iter().filter(is_unused).cloned().collect();
    if !zones.is_empty() && !unused.is_empty() {
        let unused = unused.join(", ");
        draft.carried(format!("`availabilityZones` has none in {unused}, which stays unused"));
    }
}

/// The general part; what was said of single regions or types is not merged any more.
fn user_data(
    draft: &mut Draft,
    data: Map<String, Value>,
    parts: &[(String, Map<String, Value>)],
    provisioner: &str,
    name: &str,
) {
    for (whose, _) in parts.iter().filter(|(_, part)| !part.is_empty()) {
        draft.no_place(format!("`userData` of {whose}: all machines have the same; split it"));
    }
    if !data.is_empty() {
        let document = json!({ "data": data, "provisionerId": provisioner, "workerType": name });
        draft.user_data = Some(document);
        draft.changed(
            "user data is the same for each machine: it has no `securityToken`, price, region, zone, \
             type or capacity; EC2's instance metadata has most of these",
        );
    }
}
