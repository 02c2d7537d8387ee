//! Journals written, read back, and damaged in every way that a line can be.

use std::fs;
use std::io::Cursor;
use std::sync::LazyLock;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use provisioner_engine::Engine;
use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::guards::Guards;
use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::journal::replay;
use provisioner_engine::observation::Observation;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, UsdPerHour};
use provisioner_engine::worker_type::{
    BiasRule, BidRule, Candidate, Limits, Overshoot, PlacementPolicy, RequestedCounts,
    ScalingPolicy, SpendLimits, WorkerType,
};
use tempfile::TempDir;

use super::*;

fn header() -> Header {
    let mut catalog = Catalog::new();
    let pool = Pool {
        zone: catalog.zone("us-east-1", "us-east-1a"),
        instance_type: catalog.instance_type("m3.medium", 1),
        product: catalog.product("Linux/UNIX"),
    };
    let pool = catalog.pool(pool);
    let candidate = Candidate {
        image: catalog.image("linux"),
        pool,
        capacity: 1,
        utility: Ratio::ONE,
        bias: Ratio::ONE,
        initial_weight: Ratio::ONE,
        capacity_max: None,
    };
    let worker_type = WorkerType {
        name: "ci/linux".to_owned(),
        capacity_min: 0,
        capacity_max: 5,
        price_min: UsdPerHour::ZERO,
        price_max: UsdPerHour::from_micros(100_000),
        candidates: vec![candidate],
        scaling: ScalingPolicy::ScalingRatio {
            scaling_ratio: Ratio::ZERO,
            requested_counts: RequestedCounts::OneEach,
        },
        placement: PlacementPolicy::Cheapest { bid: BidRule::default(), bias: BiasRule::Off },
        overshoot: Overshoot::Never,
        request_timeout: Duration::from_mins(20),
        registration_timeout: None,
        lifetime_max: Duration::from_hours(96),
        idle_timeout: Duration::from_mins(15),
        floors: Vec::new(),
        on_demand_after: None,
        spend: SpendLimits::default(),
    };
    Header {
        journal: JOURNAL_VERSION,
        scenario: "two turns".to_owned(),
        scenario_hash: "0123456789abcdef".to_owned(),
        seed: u64::MAX,
        commit: "0123456789ab".to_owned(),
        engine: EngineConfig {
            seed: Seed(7),
            catalog,
            worker_types: vec![worker_type],
            limits: Limits { launches_per_call_max: 1, ..Limits::default() },
            guards: Guards::off(),
        },
    }
}

/// A price, some demand, and two turns.
fn records() -> Vec<Record> {
    let config = header().engine;
    let (worker_type, pool) = (WorkerTypeId::new(0), config.worker_types[0].candidates[0].pool);
    let (at, price) = (Time::from_ms(60_000), UsdPerHour::from_micros(8_100));
    let facts = [
        Observation::PriceChanged { pool, price, since: at },
        Observation::DemandCounted { worker_type, pending: 2, claimed: 0, as_of: at },
    ];
    let mut engine = Engine::new(config);
    engine.explain(true);
    let mut records = Vec::new();
    for observation in facts {
        engine.observe(at, observation);
        records.push(Record::Observed { at, observation });
    }
    records.push(Record::Decided(engine.decide(at)));
    records.push(Record::Decided(engine.decide(at + Duration::MINUTE)));
    records
}

fn written(name: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let mut writer = JournalWriter::create(&path, &header()).unwrap();
    records().iter().for_each(|record| writer.record(record).unwrap());
    writer.finish().unwrap();
    (folder, path)
}

fn text() -> String {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let (_folder, path) = written("journal.jsonl");
        fs::read_to_string(path).unwrap()
    });
    TEXT.clone()
}

/// What reading and replaying say of these bytes.
fn read(bytes: &[u8]) -> String {
    let result =
        Journal::read("journal.jsonl", Cursor::new(bytes.to_vec())).and_then(|mut journal| {
            let mut engine = Engine::new(journal.header().engine.clone());
            engine.explain(true);
            journal.try_fold(0, |count, record| {
                drop(replay(&mut engine, record?));
                Ok(count + 1)
            })
        });
    result.map_or_else(|error| error.to_string(), |count| format!("{count} records"))
}

/// What reading says once `from` became `to`.
fn check(from: &str, to: &str, expected: Expect) {
    let text = text();
    assert!(text.contains(from), "{from} is not in {text}");
    let said = read(text.replacen(from, to, 1).as_bytes());
    expected.assert_eq(said.trim_end_matches(&format!("\nhint: {WRITE_AGAIN}")));
}

#[test]
fn what_is_written_is_read_back_plain_or_packed() {
    for name in ["journal.jsonl", "journal.jsonl.zst", "journal.jsonl.gz"] {
        let (_folder, path) = written(name);
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(*journal.header(), header());
        let read: Vec<Record> = journal.by_ref().map(Result::unwrap).collect();
        assert_eq!(read, records());
        assert!(journal.next().is_none());
    }
}

#[test]
fn a_sound_journal_is_replayed_as_it_was_recorded() {
    assert_eq!(read(text().as_bytes()), "4 records");
}

#[test]
fn the_lines_are_as_documented() {
    let text = text();
    let lines: Vec<&str> = text.lines().map(|line| &line[..line.len().min(150)]).collect();
    expect![[r#"
        {"journal":1,"scenario":"two turns","scenario_hash":"0123456789abcdef","seed":18446744073709551615,"commit":"0123456789ab","engine":{"seed":7,"catalog
        {"observed":{"at":60000,"observation":{"fact":"price-changed","pool":0,"price":8100,"since":60000}}}
        {"observed":{"at":60000,"observation":{"fact":"demand-counted","worker_type":0,"pending":2,"claimed":0,"as_of":60000}}}
        {"decided":{"at":60000,"actions":[{"order":"launch","launch":1,"count":1,"worker_type":0,"pool":0,"market":{"spot":{"max_price":16200}}},{"order":"lau
        {"decided":{"at":120000,"actions":[],"reasons":[{"reason":"scaled","worker_type":0,"pending":2,"claimed":0,"supply":{"requested":2,"requests":2,"pendi
        {"end":{"records":4,"decision_digest":"ee3ab88d170a4d5c"}}"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_journal_cut_short_anywhere_is_noticed() {
    let text = text();
    for length in 0..text.len() {
        let said = read(&text.as_bytes()[..length]);
        assert!(said.starts_with("error: "), "{length} bytes: {said}");
    }
    for name in ["journal.jsonl.zst", "journal.jsonl.gz"] {
        let (_folder, path) = written(name);
        let packed = fs::read(path).unwrap();
        for length in (0..packed.len()).step_by(7) {
            assert!(read(&packed[..length]).starts_with("error: "), "{name}: {length} bytes");
        }
    }
}

#[test]
fn a_journal_without_its_end_was_cut_short() {
    let text = text();
    let end = text.find("{\"end\"").unwrap();
    expect![[r#"
        error: the journal was cut short after 4 records
         --> journal.jsonl:6
        hint: it was altered or is damaged; write it again with `--journal`"#]]
    .assert_eq(&read(&text.as_bytes()[..end]));
}

#[test]
fn text_after_the_end_is_refused() {
    expect![[r#"
        error: the journal goes on after its end
         --> journal.jsonl:7
        hint: it was altered or is damaged; write it again with `--journal`"#]]
    .assert_eq(&read(format!("{}\n", text()).as_bytes()));
}

#[test]
fn other_files_are_no_journals() {
    expect![[r#"
        error: the journal is empty
         --> journal.jsonl:1
        hint: it was altered or is damaged; write it again with `--journal`"#]]
    .assert_eq(&read(b""));
    expect![[r#"
        error: this is not a journal: its first line has no `journal` version
         --> journal.jsonl:1
        hint: write one with `provisioner simulate --journal FILE`"#]]
    .assert_eq(&read(b"az type product price ts\n"));
    expect![[r#"
        error: the journal cannot be read on: stream did not contain valid UTF-8
         --> journal.jsonl:1
        hint: it was altered or is damaged; write it again with `--journal`"#]]
    .assert_eq(&read(b"\xff\xfe\x00\n"));
}

#[test]
fn another_version_is_named() {
    check(
        "\"journal\":1",
        "\"journal\":2,\"kind\":\"live\"",
        expect![[r#"
        error: a journal of version 2; this program reads 1
         --> journal.jsonl:1
        hint: replay it with the program that wrote it"#]],
    );
}

#[test]
fn unknown_fields_are_refused_with_their_place() {
    check(
        "\"pending\":2",
        "\"pendign\":2",
        expect![[r#"
            error: unknown field `pendign`, expected one of `worker_type`, `pending`, `claimed`, `as_of`
             --> journal.jsonl:3:118"#]],
    );
    check(
        "\"fact\":\"price-changed\"",
        "\"fact\":\"price-dropped\"",
        expect![[r#"
            error: unknown variant `price-dropped`, expected one of `demand-counted`, `demand-unknown`, `queues-read`, `price-changed`, `prices-read`, `instance-pending`, `launch-refused`, `call-unanswered`, `call-throttled`, `restarted`, `instance-running`, `worker-registered`, `worker-checked`, `worker-idled`, `interruption-noticed`, `rebalance-recommended`, `instance-stopping`, `instance-ended`, `instance-found`, `instance-missed`, `stray-ended`, `instances-listed`
             --> journal.jsonl:2:61"#]],
    );
    check(
        "\"seed\":7",
        "\"seed\":7,\"speed\":8",
        expect![[r#"
            error: unknown field `speed`, expected one of `seed`, `catalog`, `worker_types`, `limits`, `guards`
             --> journal.jsonl:1:149"#]],
    );
}

#[test]
fn a_missing_or_doubled_record_is_noticed() {
    let text = text();
    let lines: Vec<&str> = text.lines().collect();
    let without = [&lines[..2], &lines[3..]].concat().join("\n") + "\n";
    expect![[r#"
        error: the journal has 3 records and says 4
         --> journal.jsonl:5
        hint: it was altered or is damaged; write it again with `--journal`"#]]
    .assert_eq(&read(without.as_bytes()));
}

#[test]
fn an_altered_decision_does_not_fit_the_digest() {
    check(
        "\"order\":\"launch\",\"launch\":1",
        "\"order\":\"launch\",\"launch\":9",
        expect![[r#"
            error: the decisions have the digest 9f138125c5312502 and the journal says ee3ab88d170a4d5c
             --> journal.jsonl:6"#]],
    );
}

#[test]
fn time_that_runs_backwards_is_refused() {
    check(
        "{\"decided\":{\"at\":120000",
        "{\"decided\":{\"at\":59999",
        expect![[r#"
            error: time runs backwards: 60000 ms, then 59999 ms
             --> journal.jsonl:5"#]],
    );
}

#[test]
fn ids_out_of_range_are_refused() {
    check(
        "\"price-changed\",\"pool\":0",
        "\"price-changed\",\"pool\":1",
        expect![[r#"
            error: pool 1 is not known: there are 1, counted from 0
             --> journal.jsonl:2"#]],
    );
    check(
        "\"demand-counted\",\"worker_type\":0",
        "\"demand-counted\",\"worker_type\":3",
        expect![[r#"
            error: worker type 3 is not known: there are 1, counted from 0
             --> journal.jsonl:3"#]],
    );
    check(
        "\"scaled\",\"worker_type\":0",
        "\"scaled\",\"worker_type\":9",
        expect![[r#"
            error: worker type 9 is not known: there are 1, counted from 0
             --> journal.jsonl:4"#]],
    );
    check(
        "\"candidates\":[{\"pool\":0",
        "\"candidates\":[{\"pool\":4",
        expect![[r#"
            error: `engine` is not sound: worker type `ci/linux`: pool 4 is not known: there are 1, counted from 0
             --> journal.jsonl:1"#]],
    );
    check(
        "\"region\":0",
        "\"region\":2",
        expect![[r#"
            error: `engine` is not sound: region 2 is not known: there are 1, counted from 0
             --> journal.jsonl:1"#]],
    );
}

#[test]
fn numbers_that_the_engine_cannot_add_are_refused() {
    check(
        "\"at\":60000",
        "\"at\":9223372036854775807",
        expect![[r#"
            error: `at` is 9223372036854775807 ms, beyond the year 9999
             --> journal.jsonl:2"#]],
    );
    check(
        "\"wake_at\":120000",
        "\"wake_at\":9223372036854775807",
        expect![[r#"
            error: `wake_at` is 9223372036854775807 ms, beyond the year 9999
             --> journal.jsonl:4"#]],
    );
    check(
        "\"iteration_interval\":60000",
        "\"iteration_interval\":-1",
        expect![[r#"
            error: `engine` is not sound: `iteration_interval` is -1 ms, not within a century
             --> journal.jsonl:1"#]],
    );
    check(
        "\"capacity\":1",
        "\"capacity\":0",
        expect![[r#"
            error: `engine` is not sound: worker type `ci/linux`: a candidate without capacity or utility
             --> journal.jsonl:1"#]],
    );
}

#[test]
fn a_journal_cut_anywhere_after_its_header_is_mended_to_its_last_whole_record() {
    let text = text();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let header = text.find('\n').unwrap() + 1;
    for length in header..text.len() {
        fs::write(&path, &text[..length]).unwrap();
        let whole = text[header..length].lines().count() as u64;
        let whole = whole - u64::from(!text[..length].ends_with('\n'));
        assert_eq!(mend(&path), Ok(Some(whole)), "{length} bytes");
        assert_eq!(read(&fs::read(&path).unwrap()), format!("{whole} records"));
        assert_eq!(mend(&path), Ok(None), "it has its end");
    }
}

#[test]
fn a_journal_that_is_damaged_is_not_mended_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let damaged = text().replace("\"pending\":2", "\"pendign\":2");
    let cut = &damaged[..damaged.len() - 9];
    fs::write(&path, cut).unwrap();
    let said = mend(&path).unwrap_err().to_string();
    assert!(said.starts_with("error: unknown field `pendign`"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), cut);
    let gone = mend(&folder.path().join("gone.jsonl")).unwrap_err().to_string();
    assert!(gone.starts_with("error: the journal cannot be mended: No such file"), "{gone}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever single byte is changed, reading and replaying never panic.
    #[test]
    fn no_damaged_byte_makes_the_engine_panic(place in 0..10_000_usize, byte in b' '..=b'~') {
        let mut bytes = text().into_bytes();
        let place = place % bytes.len();
        bytes[place] = byte;
        read(&bytes);
    }
}
