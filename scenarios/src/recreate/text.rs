//! The files of a recreated scenario.

use std::collections::{BTreeMap, BTreeSet};

use provisioner_engine::ids::PoolId;
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::WorkerType;

use super::figures::{Delays, Failures, quantile};
use super::market::{self, PoolFigures};
use super::seen::Seen;
use super::settings::{self, floors, guards, inline, instance_types, key, limits, lines, quoted};
use super::tasks::Reconstructed;
use super::{Recreated, TASKS, era};

/// 2006: EC2 was not there before, and no price is of before.
const EC2_START: Time = Time::from_ms(1_136_073_600_000);

pub(super) fn scenario(it: &Recreated) -> String {
    let seen = &it.seen;
    let delays = Delays::of(seen, it.span());
    let product = product(seen);
    let zones = zones(seen, None);
    let worker_types = seen.config.worker_types.iter();
    let blocks: Vec<String> =
        worker_types.map(|known| worker_type(it, known, &zones, &delays)).collect();
    [
        head(it),
        time(it),
        market(it, &zones, &product),
        cloud(it, &delays),
        engine(seen),
        blocks.concat(),
        dry_spells(&it.pools, it.seen.from),
    ]
    .concat()
}

fn head(it: &Recreated) -> String {
    let (from, until) = it.span();
    let name = &it.name;
    format!(
        r#"# What the journal of `{name}` saw from {from} to {until}, to be run again.
#
#     provisioner simulate scenario.toml
#
# Written by `provisioner recreate`, to be changed: another policy, another limit, other machines.
# The engine goes by what it went by at the end of that time. Tasks are reconstructed from the
# queue's counts, delays and interruptions are measured; what a journal cannot tell has its default
# (`provisioner parameters` lists them, with sources).

description = {description}
seed = 1                        # where all chance comes from; --seed overrides it
"#,
        description = quoted(format_args!("What {name} saw from {from} to {until}")),
    )
}

fn time(it: &Recreated) -> String {
    let (from, until) = it.span();
    // Tasks of the last moment are tasks, too.
    let length = (until.since(from) + Duration::from_ms(1)).max(Duration::MINUTE);
    format!("\n[time]\nstart = {from}\nlength = {}\n", settings::time(length))
}

fn market(it: &Recreated, zones: &BTreeSet<String>, product: &str) -> String {
    let mut text = format!("\n[market]\nregime = {}\n", quoted(era(it.seen.from).0));
    if product != "Linux/UNIX" {
        text += &format!("product = {}\n", quoted(product));
    }
    let zones: Vec<String> = zones.iter().map(quoted).collect();
    text += &format!("zones = [{}]\n", zones.join(", "));
    if has_prices(&it.seen) {
        text += &format!("prices.recorded.files = [{}]\n", quoted(super::PRICES));
    }
    if on_demand(&it.seen).lines().count() > 1 {
        text += &format!("on_demand_files = [{}]\n", quoted(super::ON_DEMAND));
    }
    text += &format!("offerings_file = {}\n", quoted(super::OFFERINGS));
    let readings: Vec<Time> = it.seen.price_readings.clone();
    let mut gaps: Vec<Duration> = readings.windows(2).map(|two| two[1].since(two[0])).collect();
    gaps.sort_unstable();
    if let Some(interval) = quantile(&gaps, 500) {
        let interval = interval.clamp(Duration::SECOND, Duration::DAY);
        text += &format!("feed.polled.interval = {}\n", settings::time(interval));
    }
    let catalog = &it.seen.config.catalog;
    let vcpus = catalog.pools().iter().map(|pool| catalog.instance_type_of(pool.instance_type));
    let vcpus: BTreeMap<&str, u32> =
        vcpus.filter(|it| it.vcpus > 0).map(|it| (it.name.as_str(), it.vcpus)).collect();
    if !vcpus.is_empty() {
        text += "\n[market.vcpus]                  # what quotas count\n";
        text.extend(vcpus.iter().map(|(name, vcpus)| format!("{} = {vcpus}\n", key(name))));
    }
    text
}

fn cloud(it: &Recreated, delays: &Delays) -> String {
    let mut text = "\n[cloud]\nbehaviour = \"plain\"             # what is not measured here, it does not do\n".to_owned();
    if let Some(hazard) = it.hazard() {
        text += &format!("interruption_hazard = {hazard:.6}  # an hour of each spot instance\n");
    }
    let failures = Failures::of(it.launches().map(|(_, life)| life));
    if failures.never_ran > 0 {
        text += &format!("launch.early_death = {}\n", share(failures.never_ran, failures.given));
    }
    text += &measured("answer", &delays.answer);
    text + &measured("pending_to_running", &delays.start)
}

/// A key with the distribution of what was measured.
fn measured(name: &str, sorted: &[Duration]) -> String {
    match market::delay(sorted) {
        Some(delay) => format!("# measured: {} of them\n{name} = {delay}\n", sorted.len()),
        None => format!("# {name}: none was seen\n"),
    }
}

fn engine(seen: &Seen) -> String {
    let mut text = String::new();
    let limits = limits(&seen.config.limits);
    if !limits.is_empty() {
        text += &format!("\n[engine]\n{}", lines(&limits));
    }
    let guards = guards(&seen.config.guards);
    if !guards.is_empty() {
        text += &format!("\n[engine.guard_rules]\n{}", lines(&guards));
    }
    text
}

fn worker_type(
    it: &Recreated,
    known: &WorkerType,
    all_zones: &BTreeSet<String>,
    delays: &Delays,
) -> String {
    let seen = &it.seen;
    let path = format!("worker_types.{}", key(&known.name));
    let mut text = format!("\n[{path}]\n{}", lines(&settings::worker_type(known)));
    let zones = zones(seen, Some(known));
    if zones != *all_zones {
        let zones: Vec<String> = zones.iter().map(quoted).collect();
        text += &format!("zones = [{}]\n", zones.join(", "));
    }
    let catalog = &seen.config.catalog;
    let images: BTreeSet<&str> =
        known.candidates.iter().map(|candidate| catalog.image_name(candidate.image)).collect();
    if let (1, Some(image)) = (images.len(), images.first())
        && *image != known.name
    {
        text += &format!("image = {}\n", quoted(image));
    }
    let name_of = |pool: PoolId| {
        catalog.instance_type_of(catalog.pools()[pool.index()].instance_type).name.clone()
    };
    for (name, keys) in instance_types(known, name_of) {
        text += &format!("instance_types.{} = {}\n", key(&name), inline(&keys));
    }
    for (index, keys) in floors(&known.floors, it.span()).iter().enumerate() {
        text += &format!("floors.hours-{} = {}\n", index + 1, inline(keys));
    }
    let failures = Failures::of(
        it.launches().filter(|(_, life)| life.worker_type == known.name).map(|(_, life)| life),
    );
    if failures.never_registered > 0 {
        let share = share(failures.never_registered, failures.ran);
        text += &format!("workers.never_registers = {share}\n");
    }
    let mut asked = seen.queues.get(&known.name).map_or_else(Vec::new, |it| it.asked_after.clone());
    asked.sort_unstable();
    if let Some(asks) = quantile(&asked, 500) {
        text += &format!("workers.asks = {}\n", settings::time(asks.max(Duration::SECOND)));
    }
    text += &tasks(it.tasks.get(&known.name), &known.name);
    let everybody: Vec<Duration>;
    let boots = match delays.boot.get(&known.name) {
        Some(boots) => boots,
        None => {
            let mut all: Vec<Duration> = delays.boot.values().flatten().copied().collect();
            all.sort_unstable();
            everybody = all;
            &everybody
        }
    };
    text + &measured("workers.boot", boots)
}

fn tasks(tasks: Option<&Reconstructed>, name: &str) -> String {
    if tasks.is_none_or(|tasks| tasks.tasks.is_empty()) {
        return "tasks.listed = {}               # none was seen\n".to_owned();
    }
    format!(
        "tasks.recorded = {{ file = {TASKS:?}, queue = {}, columns = {{ submitted = \"submitted\", \
         duration = \"duration_ms\", duration_unit = \"ms\", times = \"text\", \
         queue = \"worker_type\" }} }}\n",
        quoted(name)
    )
}

/// Pools without a machine to give, as accidents at stated times.
fn dry_spells(pools: &BTreeMap<String, PoolFigures>, start: Time) -> String {
    let mut text = String::new();
    let spells = pools.iter().flat_map(|(pool, it)| it.dry_spells.iter().map(move |it| (pool, it)));
    for (index, (pool, (from, until))) in spells.enumerate() {
        if index == 0 {
            text += "\n# Pools that had no spot machine to give, as far as refusals tell.\n";
        }
        text += &format!(
            "[faults.dry-{}]\nfrom = {}\nlength = {}\nwhat.pool-dry.pools = [{}]\n\n",
            index + 1,
            settings::time(from.since(start)),
            settings::time(until.since(*from)),
            quoted(pool)
        );
    }
    text
}

fn share(part: u64, of: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 instances")]
    let share = part as f64 / of.max(1) as f64;
    format!("{share:.6}")
}

/// The product of most candidates: a scenario has one.
fn product(seen: &Seen) -> String {
    let mut products: BTreeMap<&str, usize> = BTreeMap::new();
    let catalog = &seen.config.catalog;
    for known in &seen.config.worker_types {
        for candidate in &known.candidates {
            let pool = catalog.pools()[candidate.pool.index()];
            *products.entry(catalog.product_name(pool.product)).or_default() += 1;
        }
    }
    let most = products.into_iter().max_by_key(|(_, number)| *number);
    most.map_or_else(|| "Linux/UNIX".to_owned(), |(name, _)| name.to_owned())
}

/// The zones that are used, by one worker type or all.
fn zones(seen: &Seen, by: Option<&WorkerType>) -> BTreeSet<String> {
    let catalog = &seen.config.catalog;
    let worker_types = seen.config.worker_types.iter();
    let users = worker_types.filter(|known| by.is_none_or(|by| by.name == known.name));
    let candidates = users.flat_map(|known| &known.candidates);
    let zone = |pool: PoolId| catalog.zone_of(catalog.pools()[pool.index()].zone).name.clone();
    candidates.map(|candidate| zone(candidate.pool)).collect()
}

fn has_prices(seen: &Seen) -> bool {
    seen.pools.values().any(|pool| !pool.prices.is_empty())
}

/// `tasks.csv`: durations are those on a machine of utility 1.
pub(super) fn task_table(it: &Recreated) -> String {
    let mut rows = Vec::new();
    let until = it.seen.until;
    for (name, queue) in &it.tasks {
        let utility = it.utilities.get(name).copied().unwrap_or(1.0);
        let usual = queue.mean_duration().unwrap_or(Duration::MINUTE);
        for task in &queue.tasks {
            let ran = match (task.started, task.ended) {
                (Some(started), Some(ended)) => ended.since(started),
                (Some(started), None) => until.since(started),
                (None, _) => usual,
            };
            #[expect(clippy::cast_possible_truncation, reason = "a duration times a small factor")]
            let ms = (ran.as_secs_f64() * 1_000.0 * utility).round() as i64;
            rows.push((task.submitted, name, task, ms.max(1_000)));
        }
    }
    rows.sort_by_key(|(submitted, name, ..)| (*submitted, *name));
    let mut text = "worker_type,submitted,started,ended,duration_ms\n".to_owned();
    let shown = |at: Option<Time>| at.map_or_else(String::new, |at| at.to_string());
    for (submitted, name, task, ms) in rows {
        let (started, ended) = (shown(task.started), shown(task.ended));
        text += &format!("{},{submitted},{started},{ended},{ms}\n", cell(name));
    }
    text
}

/// A name in a table with commas.
fn cell(name: &str) -> String {
    match name.contains([',', '"', '\n']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}

/// `prices.tsv`.
pub(super) fn price_table(it: &Recreated) -> String {
    let (from, until) = it.span();
    let mut rows = BTreeSet::new();
    for pool in it.seen.pools.values() {
        let first = pool.prices.partition_point(|(since, _)| *since <= from).saturating_sub(1);
        let prices = pool.prices[first.min(pool.prices.len())..].iter();
        for (since, price) in prices.filter(|(since, _)| *since <= until) {
            // The one that holds when the span begins stands at its beginning.
            rows.insert((
                (*since).max(from),
                &pool.zone,
                &pool.instance_type,
                &pool.product,
                *price,
            ));
        }
    }
    let mut text = "az\ttype\tproduct\tprice\tts\n".to_owned();
    for (since, zone, instance_type, product, price) in rows {
        let price = dollars(price.micros());
        text += &format!("{zone}\t{instance_type}\t{product}\t{price}\t{since}\n");
    }
    text
}

/// `on-demand.csv`; only its header if no price is known.
pub(super) fn on_demand(seen: &Seen) -> String {
    let mut rows = BTreeSet::new();
    for pool in seen.pools.values() {
        let region = pool.zone.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let product = pool.product.trim_end_matches(" (Amazon VPC)");
        for (since, price) in &pool.on_demand {
            let since = (*since).max(EC2_START);
            rows.insert((region, &pool.instance_type, product, since, *price));
        }
    }
    let mut text = "date,region,type,os,usd_hr\n".to_owned();
    for (region, instance_type, product, since, price) in rows {
        let price = dollars(price.micros());
        text += &format!("{since},{region},{instance_type},{product},{price}\n");
    }
    text
}

/// `offerings.csv`: which pools there are.
pub(super) fn offerings(seen: &Seen) -> String {
    let catalog = &seen.config.catalog;
    let candidates = seen.config.worker_types.iter().flat_map(|known| &known.candidates);
    let pools: BTreeSet<(String, String, String)> = candidates
        .map(|candidate| {
            let pool = catalog.pools()[candidate.pool.index()];
            let region = catalog.region_name(catalog.region_of(candidate.pool)).to_owned();
            let zone = catalog.zone_of(pool.zone).name.clone();
            (region, zone, catalog.instance_type_of(pool.instance_type).name.clone())
        })
        .collect();
    let mut text = "region,az,az_or_azid,type\n".to_owned();
    for (region, zone, instance_type) in pools {
        text += &format!("{region},{zone},availability-zone,{instance_type}\n");
    }
    text
}

fn dollars(micros: i64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
