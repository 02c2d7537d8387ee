//! The traps that the recorded data is known to have, each a claim about a real file.

use std::collections::{BTreeMap, BTreeSet};

use provisioner_engine::units::UsdPerHour;

use super::*;

const BID_ERA_2015: &str = "spot-price.us-east-1.2015-03_08.linux.3types.tsv.zst";
const BID_ERA_2016: &str = "spot-price.us-east-1.2016-02_03.linux.tsv.zst";
const MODERN_2021: &str = "spot-price.us-east-1.2021-03_04.all-products.tsv.zst";
const MODERN_2020: &str = "spot-price.sa-east-1.2020-03_06.all-products.tsv.zst";
const ON_DEMAND_BID_ERA: &str = "on-demand.all-regions.2014_2017.tsv.zst";

#[test]
fn firefox_records_have_8_bytes_and_the_published_medians() {
    for (pool, count, median_s) in [
        ("gecko-t-t-linux-large", 106_233, Some(1177)),
        ("gecko-3-b-linux", 36_511, Some(259)),
        ("gecko-t-t-linux-metal", 24_649, Some(1713)),
        ("mobile-1-decision", 240, None),
        ("mobile-3-decision", 295, None),
    ] {
        let options = Options { start: Some(time("2020-08-03")), ..Options::default() };
        let (trace, findings) = tasks(&format!("firefox-ci.{pool}.dat"), &options);
        assert_eq!((trace.tasks.len(), trace.queues.as_slice()), (count, &[pool.to_owned()][..]));
        assert!(findings.notes.iter().all(|note| note.kind == NoteKind::EqualTask), "{findings}");
        let (first, last) = findings.span.unwrap();
        assert!(first >= time("2020-08-03"));
        assert!((hours(77)..hours(112)).contains(&last.since(first)), "{findings}");
        let mut durations: Vec<_> = trace.tasks.iter().map(|task| task.duration.ms()).collect();
        durations.sort_unstable();
        if let Some(median_s) = median_s {
            assert_eq!((durations[count / 2] + 500) / 1_000, median_s, "{pool}");
        }
    }
}

#[test]
fn mozilla_tables_have_crlf_line_ends_and_no_row_is_lost() {
    for (name, count) in [
        ("tasks.mozilla-ci.2013-11.csv.zst", 304),
        ("tasks.mozilla-ci.2024-11_2025-02.csv.zst", 122),
        ("tasks.mozilla-buildbot.2013-08.csv.zst", 100),
    ] {
        let (trace, findings) = tasks(name, &Options::default());
        assert_eq!((trace.tasks.len(), findings.rows), (count, count as u64));
        assert!(trace.tasks.iter().is_sorted_by_key(|task| task.submitted));
    }
    let (trace, _) = tasks("tasks.mozilla-ci.2013-11.csv.zst", &Options::default());
    let first = trace.tasks.iter().next().unwrap();
    assert_eq!(trace.queues[first.queue as usize], "b2g-emu-jb");
    assert_eq!(first.submitted, time("2013-11-13T14:39:06Z"));
    assert_eq!(first.duration, Duration::from_secs(1_384_364_989 - 1_384_353_553));
}

#[test]
fn the_swf_log_starts_where_its_header_says() {
    let (trace, findings) = tasks("tasks.nasa-ipsc-1993.swf.zst", &Options::default());
    assert_eq!(trace.tasks.len(), 18_239);
    let (first, last) = findings.span.unwrap();
    assert_eq!(first, Time::from_ms(749_458_803_000));
    assert_eq!(last.since(first).ms() / Duration::DAY.ms(), 92);
    assert_eq!(findings.count(NoteKind::BeforeEc2), 18_239);
}

#[test]
fn surf_is_not_sorted_at_the_source_and_often_shares_instants() {
    let (trace, findings) = tasks("tasks.surf.month.csv.zst", &Options::default());
    assert_eq!(trace.tasks.len(), 68_648);
    assert!(findings.count(NoteKind::OutOfOrder) > 0);
    assert!(trace.tasks.iter().is_sorted_by_key(|task| task.submitted));
    let instants: BTreeSet<_> = trace.tasks.iter().map(|task| task.submitted).collect();
    assert_eq!(instants.len(), 38_438);
}

#[test]
fn lora_times_are_local_and_said_to_be() {
    let name = "tasks.lora_request_trace.csv.zst";
    let (utc, findings) = tasks(name, &Options::default());
    assert_eq!(findings.rows, 26_823);
    assert_eq!(findings.count(NoteKind::Unfinished), 33);
    assert_eq!(findings.count(NoteKind::LocalTime), findings.kept);
    assert!(findings.gaps[0].1.since(findings.gaps[0].0) > hours(12), "dark hours");
    let stated = Options { utc_offset: Some(hours(8)), ..Options::default() };
    let (local, findings) = tasks(name, &stated);
    assert_eq!(findings.count(NoteKind::LocalTime), 0);
    let first = |trace: &TaskTrace| trace.tasks.iter().next().unwrap().submitted;
    assert_eq!(first(&utc).since(first(&local)), hours(8));
}

#[test]
fn openb_pods_that_never_ran_are_counted_out() {
    let (trace, findings) = tasks("tasks.openb_pod_list_default.csv.zst", &Options::default());
    assert_eq!((findings.rows, findings.count(NoteKind::NeverRan)), (8_152, 897));
    assert_eq!(trace.tasks.len(), 8_152 - 897);
    assert_eq!(findings.count(NoteKind::RelativeTime), 8_152);
    assert_eq!(findings.count(NoteKind::LongDuration), 25);
}

#[test]
fn a_price_row_is_not_a_change() {
    for (name, rows, repeats) in [
        (BID_ERA_2015, 193_237, 410),
        (BID_ERA_2016, 197_644, 156),
        (MODERN_2021, 603_744, 192_449),
        (MODERN_2020, 189_339, 149_196),
    ] {
        let (trace, findings) = prices(name, &Options::default());
        assert_eq!(trace.changes.len(), rows, "{name}");
        assert_eq!(findings.count(NoteKind::RepeatedPrice), repeats, "{name}");
        assert_eq!(trace.without_repeats().changes.len() as u64, rows as u64 - repeats);
    }
}

#[test]
fn collection_holes_are_found_and_quiet_hours_are_not() {
    let (_, findings) = prices(BID_ERA_2015, &Options::default());
    let holes = [
        (time("2015-06-09T15:44:23Z"), time("2015-06-12T00:09:14Z")),
        (time("2015-04-10T03:43:58Z"), time("2015-04-10T16:52:55Z")),
        (time("2015-03-11T10:34:42Z"), time("2015-03-11T16:22:26Z")),
    ];
    assert_eq!(findings.gaps, holes);
    for name in [MODERN_2020, MODERN_2021] {
        assert_eq!(prices(name, &Options::default()).1.gaps, []);
    }
}

#[test]
fn bid_era_prices_saturate_at_exactly_ten_times_on_demand() {
    let on_demand = on_demand(ON_DEMAND_BID_ERA);
    let options = Options { on_demand: Some(on_demand), ..Options::default() };
    let (trace, findings) = prices(BID_ERA_2015, &options);
    let is_g2 = |row: &&PriceRow| trace.markets[row.market as usize].instance_type == "g2.2xlarge";
    let at_limit = |row: &&PriceRow| row.price == UsdPerHour::from_micros(6_500_000);
    let saturated = trace.changes.iter().filter(is_g2).filter(at_limit).count() as u64;
    assert!(saturated > 0);
    assert!(findings.count(NoteKind::SaturatedPrice) >= saturated, "{findings}");
    let dearest = trace.changes.iter().filter(is_g2).map(|row| row.price).max();
    assert_eq!(dearest, Some(UsdPerHour::from_micros(6_500_000)));
}

#[test]
fn products_of_a_market_that_change_in_one_second_stay_apart() {
    let (trace, findings) = prices(MODERN_2021, &Options::default());
    let mut together = BTreeMap::<_, u32>::new();
    for row in &trace.changes[..5_000] {
        let market = &trace.markets[row.market as usize];
        *together.entry((row.at, &market.zone, &market.instance_type)).or_default() += 1;
    }
    assert!(together.values().any(|products| *products == 4));
    assert_eq!(findings.count(NoteKind::DuplicatePrice), 0);
    assert_eq!(findings.count(NoteKind::ContradictoryPrice), 0);
    let linux = trace.select(|market| market.product == "Linux/UNIX");
    assert_eq!(linux.changes.len(), 176_132);
    assert!(linux.markets.iter().all(|market| market.product == "Linux/UNIX"));
}

#[test]
fn a_window_knows_the_price_in_force_and_invents_none_before_the_first_row() {
    let (trace, _) = prices(BID_ERA_2016, &Options::default());
    let (start, end) = (time("2016-02-26"), time("2016-02-27"));
    let window = trace.window(start, end);
    assert_eq!(window.markets, trace.markets);
    for market in 0..u32::try_from(trace.markets.len()).unwrap() {
        let of = |trace: &PriceTrace| -> Vec<PriceRow> {
            trace.changes.iter().filter(|row| row.market == market).copied().collect()
        };
        let all = of(&trace);
        let last_before = all.iter().rfind(|row| row.at <= start);
        let inside = all.iter().filter(|row| row.at > start && row.at < end);
        let expected: Vec<_> = last_before.into_iter().chain(inside).copied().collect();
        assert_eq!(of(&window), expected);
    }
    let early = trace.window(Time::EPOCH, trace.changes[0].at);
    assert_eq!(early.changes, []);
    assert!(window.changes.is_sorted_by_key(|row| row.at));
}

#[test]
fn the_api_output_and_the_table_made_of_it_agree() {
    let (json, findings) = prices(
        "raw/describe-spot-price-history.2016.cg1.4xlarge.us-east-1b.json",
        &Options::default(),
    );
    assert_eq!(findings.count(NoteKind::NewestFirst), 61);
    assert_eq!(findings.count(NoteKind::RepeatedPrice), 60, "announced again every 24 h");
    assert!(json.changes.is_sorted_by_key(|row| row.at));
    let (table, _) = prices(BID_ERA_2016, &Options::default());
    let table = table.select(|market| *market == json.markets[0]);
    let end = table.changes.last().unwrap().at + Duration::SECOND;
    assert_eq!(json.window(Time::EPOCH, end).changes, table.changes);
}

#[test]
fn both_timestamp_spellings_and_empty_lists_are_read() {
    let read = |name: &str| {
        prices(&format!("raw/describe-spot-price-history.{name}"), &Options::default())
    };
    let (zulu, _) = read("2016.m1.small.us-east-1c.json.gz");
    assert_eq!(zulu.changes[0].at, time("2016-02-24T22:45:23Z"));
    let (offset, findings) = read("2021.a1.medium.json.gz");
    assert_eq!(offset.changes[0].at, time("2021-03-02T20:47:19Z"));
    assert_eq!((findings.rows, offset.markets.len()), (846, 9));
    let (empty, findings) = read("empty.json");
    assert_eq!((empty.changes.len(), findings.count(NoteKind::EmptyList)), (0, 1));
}

#[test]
fn on_demand_prices_are_dated() {
    let table = on_demand(ON_DEMAND_BID_ERA);
    assert_eq!(table.rows.len(), 10_284);
    let m3 = table.prices("us-east-1", "m3.medium", "Linux/UNIX");
    let [dollars_70, dollars_67] = [70_000, 67_000].map(UsdPerHour::from_micros);
    assert_eq!(m3[0], (time("2014-07-27"), dollars_70));
    assert_eq!(m3[1], (time("2015-06-17"), dollars_67));
    let modern =
        import_recorded("on-demand.us-east-1.2022-06_2026-07.tsv.zst", &Options::default());
    assert_eq!(modern.findings.count(NoteKind::RegionFromName), modern.findings.kept);
    assert_eq!(
        modern.findings.rows - modern.findings.kept,
        modern.findings.count(NoteKind::NoPrice)
    );
    let Trace::OnDemand(modern) = modern.trace else { panic!("on-demand prices") };
    let a1 = modern.prices("us-east-1", "a1.medium", "Linux/UNIX");
    assert_eq!(a1[0], (time("2022-06-22"), UsdPerHour::from_micros(25_500)));
}

#[test]
fn zone_letters_and_az_ids_are_never_joined() {
    let Trace::Offerings(table) =
        import_recorded("az-offerings.tsv.zst", &Options::default()).trace
    else {
        panic!("offerings")
    };
    let ids: BTreeSet<_> = table.rows.iter().filter(|r| r.is_zone_id).map(|r| r.zone).collect();
    let names: BTreeSet<_> = table.rows.iter().filter(|r| !r.is_zone_id).map(|r| r.zone).collect();
    assert_eq!(table.rows.len(), 128_788);
    assert!(ids.is_disjoint(&names));
    let market = |zone: &str| Market {
        zone: zone.to_owned(),
        instance_type: "m3.medium".to_owned(),
        product: "Linux/UNIX".to_owned(),
    };
    assert_eq!(market("us-east-1a").region(), Some("us-east-1"));
    assert_eq!(market("use1-az4").region(), None);
}

#[test]
fn catalogues_have_all_rows_and_find_unknown_types() {
    let Trace::InstanceTypes(types) =
        import_recorded("instance-types.tsv.zst", &Options::default()).trace
    else {
        panic!("instance types")
    };
    assert_eq!(types.rows.len(), 1_395);
    assert_eq!(types.rows.iter().filter(|row| !row.spot).count(), 30);
    let Trace::Advisor(bands) =
        import_recorded("spot-advisor-data.2025-06.json.zst", &Options::default()).trace
    else {
        panic!("bands")
    };
    assert!(bands.rows.iter().all(|row| row.band <= 4));
    assert!(bands.products.contains(&"Linux/UNIX".to_owned()));
    let known_types = Some(types.instance_types.into_iter().collect());
    let options = Options { known_types, ..Options::default() };
    let (_, findings) = prices(BID_ERA_2016, &options);
    assert!(findings.count(NoteKind::UnknownType) > 0, "cg1.4xlarge is gone: {findings}");
}

#[test]
fn a_one_is_available_in_grids_and_not_available_in_windows() {
    let (grids, _) = availability("availability.spot-traces.tar.zst");
    let (windows, _) = availability("cant-be-late.windows.us-west-2a.jsonl.zst");
    assert_eq!((grids.pools.len(), windows.pools.len()), (17, 120));
    for (index, window) in (0_u32..).zip(&windows.pools) {
        let env = window.name.split('/').next().unwrap();
        let grid = (0_u32..).zip(&grids.pools).find(|(_, pool)| pool.name.ends_with(env));
        let (grid, _) = grid.expect("the same pool uncut");
        let mut at = windows.changes.iter().find(|row| row.pool == index).unwrap().at;
        while at < window.end {
            assert_eq!(windows.available(index, at), grids.available(grid, at), "{}", window.name);
            at = at + Duration::from_hours(3);
        }
    }
    let (multi, _) = availability("cant-be-late.multi-region.jsonl.zst");
    assert_eq!(multi.pools.len(), 500);
}

#[test]
fn a_grid_of_many_nodes_counts_them() {
    let (grids, _) = availability("availability.spot-traces.tar.zst");
    let is_large = |pool: &AvailabilityPool| pool.name.starts_with("availability/16-node/");
    let pool = u32::try_from(grids.pools.iter().position(is_large).unwrap()).unwrap();
    let counts: BTreeSet<_> =
        grids.changes.iter().filter(|row| row.pool == pool).map(|row| row.available).collect();
    assert_eq!(counts.last(), Some(&16));
    assert!(counts.len() > 3);
    let end = grids.pools[pool as usize].end;
    assert_eq!(grids.available(pool, end), None, "nothing is known after the recording");
}

#[test]
fn the_fleet_log_never_has_more_than_32_alive() {
    let (fleet, findings) = availability("fleet-events.bamboo.p3-trace.csv");
    assert_eq!(findings.rows, 344);
    assert_eq!(fleet.changes.iter().map(|row| row.available).max(), Some(32));
    assert_eq!(findings.count(NoteKind::AddedTwice) + findings.count(NoteKind::RemovedUnknown), 0);
    assert_eq!(fleet.pools[0].end.ms() / Duration::MINUTE.ms(), 682);
}

#[test]
fn every_recorded_trace_survives_the_canonical_form() {
    for name in [
        "firefox-ci.gecko-3-b-linux.dat",
        "tasks.surf.week.csv.zst",
        "tasks.openb_pod_list_default.csv.zst",
        BID_ERA_2016,
        "availability.spot-traces.tar.zst",
        "cant-be-late.multi-region.jsonl.zst",
        ON_DEMAND_BID_ERA,
        "instance-types.tsv.zst",
        "az-offerings.tsv.zst",
        "spot-advisor-data.2025-06.json.zst",
    ] {
        let imported = import_recorded(name, &Options::default());
        let mut bytes = Vec::new();
        canonical::write(&imported.trace, &mut bytes).unwrap();
        assert!(bytes.len() as u64 <= 16 * imported.trace.row_count() + 100_000, "{name}");
        let again = import_from(name, bytes.as_slice(), &Options::default()).unwrap();
        assert_eq!(again.findings.format, Format::Canonical);
        assert_eq!(again.findings.kept, imported.findings.kept);
        assert!(again.trace == imported.trace, "{name} is another after a round trip");
        let mut bytes_again = Vec::new();
        canonical::write(&again.trace, &mut bytes_again).unwrap();
        assert!(bytes == bytes_again, "{name} is written in another way");
    }
}
