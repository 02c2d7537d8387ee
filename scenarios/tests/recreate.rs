//! Scenarios out of journals: by hand, at random, and of the simulator's own.

use std::fmt::Write as _;
use std::fs;
use std::io::Cursor;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use provisioner_engine::Engine;
use provisioner_engine::decision::{Action, Decision, Market};
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::journal::{Record, replay};
use provisioner_engine::observation::{EndCause, Observation, Refusal};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_scenarios::journal::{Header, JOURNAL_VERSION, Journal, JournalWriter};
use provisioner_scenarios::recreate::seen::{Reader, Reading};
use provisioner_scenarios::recreate::tasks::Reconstructed;
use provisioner_scenarios::recreate::{Recreated, SCENARIO, differences};
use provisioner_scenarios::{Scenario, load, load_text};
use provisioner_sim::Hooks;
use tempfile::TempDir;

/// 2026-11-16, a Monday.
const START: Time = Time::from_ms(1_794_787_200_000);

const SMALL: &str = r#"
[time]
start = 2026-11-16
length = "1 d"

[market]
zones = ["us-east-1a", "us-east-1b"]
on_demand."c5.xlarge" = "$0.17/h"

[engine]
demand_stale_after = "15 min"
guard_rules.zombies = "off"
guard_rules.ice = { on = { block_min = "5 min" } }

[worker_types."proj/builds"]
capacity_max = 20
price_max = "$1/h"
scaling = { estimator = { idle = "registered" } }
instance_types."c5.xlarge" = { capacity = 2, utility = 2 }
floors.office = { days = ["mon", "tue"], from = "08:00", until = "18:00", capacity_min = 2 }
tasks.listed = {}
"#;

fn small() -> Scenario {
    load_text("small.toml".as_ref(), SMALL).expect("a scenario").scenario
}

fn header(scenario: &Scenario) -> Header {
    Header {
        journal: JOURNAL_VERSION,
        scenario: scenario.name().to_owned(),
        scenario_hash: scenario.hash().to_owned(),
        seed: 1,
        commit: "none".to_owned(),
        engine: scenario.config(Seed(1)).engine,
    }
}

/// A story of a journal: a line is a time in seconds and what was told or ordered then.
fn records(story: &str) -> Vec<Record> {
    let worker_type = WorkerTypeId::new(0);
    let mut next = 0;
    let record = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number =
            |at: usize| words[at].trim_start_matches('#').parse::<u32>().expect("a number");
        let at = START + Duration::from_secs(i64::from(number(0)));
        let launch = || LaunchId(u64::from(number(2)));
        let observation = match words[1] {
            "counts" => Observation::DemandCounted {
                worker_type,
                pending: number(2),
                claimed: number(3),
                as_of: at,
            },
            "read" => Observation::QueuesRead { as_of: at },
            "price" => Observation::PriceChanged {
                pool: PoolId::new(number(2) as usize),
                price: UsdPerHour::from_micros(i64::from(number(3))),
                since: at,
            },
            "given" => Observation::InstancePending {
                launch: launch(),
                instance: InstanceId(u64::from(number(2))),
            },
            "dry" => Observation::LaunchRefused {
                launch: launch(),
                refusal: Refusal::InsufficientCapacity,
            },
            "running" => Observation::InstanceRunning { launch: launch() },
            "registered" => Observation::WorkerRegistered { launch: launch() },
            "taken" => {
                Observation::InstanceEnded { launch: launch(), cause: EndCause::Interruption }
            }
            "stopped" => {
                Observation::InstanceStopping { launch: launch(), cause: EndCause::Worker }
            }
            "launch" => {
                let (launch, pool) = (LaunchId(next), PoolId::new(number(3) as usize));
                let (count, market) = (number(2), Market::Spot { max_price: None });
                next += u64::from(count);
                let action = Action::Launch { launch, count, worker_type, pool, market };
                return Record::Decided(Decision {
                    at,
                    actions: vec![action],
                    reasons: Vec::new(),
                    wake_at: at,
                    limits: Vec::new(),
                });
            }
            other => panic!("`{other}` is no part of a story"),
        };
        Record::Observed { at, observation }
    };
    story.lines().map(str::trim).filter(|line| !line.is_empty()).map(record).collect()
}

fn journal(scenario: &Scenario, records: &[Record]) -> Journal {
    let mut writer = JournalWriter::new(Vec::new(), &header(scenario)).expect("memory");
    records.iter().for_each(|record| writer.record(record).expect("memory"));
    let bytes = writer.end().expect("memory");
    Journal::read("story.jsonl", Cursor::new(bytes)).expect("a journal")
}

/// Writes its files, and loads the scenario among them.
fn written(recreated: &Recreated) -> (TempDir, Scenario) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in recreated.files() {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let loaded = load(&folder.path().join(SCENARIO));
    (folder, loaded.unwrap_or_else(|issues| panic!("{issues}")).scenario)
}

fn file(recreated: &Recreated, wanted: &str) -> String {
    let mut files = recreated.files().into_iter();
    files.find(|(name, _)| *name == wanted).expect("it is written").1
}

const STORY: &str = "
    0     price 0 100000
    0     price 1 50000
    0     counts 0 0
    60    counts 3 0
    60    launch 2 1
    62    given #0
    62    dry #1
    70    running #0
    100   registered #0
    120   counts 1 2
    180   read
    240   counts 1 1
    300   counts 0 1
    300   launch 1 1
    302   dry #2
    360   counts 0 0
    600   launch 1 0
    603   given #3
    610   running #3
    700   price 1 60000
    900   taken #3
    4000  stopped #0
    4200  read
";

#[test]
fn counts_become_tasks_and_machines_take_their_share() {
    let recreated = Recreated::read(journal(&small(), &records(STORY)), None, None);
    let recreated = recreated.expect("a journal");
    let tasks = file(&recreated, "tasks.csv").replace("2026-11-16T", "");
    // Of utility 2: on a machine of 1 they would have run twice as long.
    expect![[r#"
        worker_type,submitted,started,ended,duration_ms
        proj/builds,00:00:30Z,00:01:30Z,00:03:30Z,240000
        proj/builds,00:00:30Z,00:01:30Z,00:04:30Z,360000
        proj/builds,00:00:30Z,00:04:30Z,00:05:30Z,120000
    "#]]
    .assert_eq(&tasks);
    let prices = file(&recreated, "prices.tsv").replace("\tLinux/UNIX\t", " ");
    expect![[r#"
        az	type	product	price	ts
        us-east-1a	c5.xlarge 0.100000	2026-11-16T00:00:00Z
        us-east-1b	c5.xlarge 0.050000	2026-11-16T00:00:00Z
        us-east-1b	c5.xlarge 0.060000	2026-11-16T00:11:40Z
    "#]]
    .assert_eq(&prices);
    let pool = &recreated.pools["c5.xlarge/us-east-1b"];
    let spells = pool.dry_spells.iter().map(|(a, b)| (a.since(START).ms(), b.since(START).ms()));
    // It gave and refused in one moment, then was asked twice, and then nobody asked any more.
    assert_eq!(spells.collect::<Vec<_>>(), [(62_000, 362_000)]);
    let figures = &recreated.actual;
    assert_eq!((figures.launches, figures.refused, figures.instances), (4, 2, 2));
    assert_eq!((figures.interruptions, figures.arrivals, figures.done), (1, 3, 3));
    // 3,930 s at $0.05/h and, after an hour, $0.06/h; the first hour of what was taken back is free.
    assert_eq!(figures.cost.micros(), 50_000 + 5_500);
    assert_eq!(figures.boot_p50, Some(Duration::from_secs(30)));
}

#[test]
fn the_engine_of_the_scenario_is_that_of_the_journal() {
    let recreated = Recreated::read(journal(&small(), &records(STORY)), None, None);
    let recreated = recreated.expect("a journal");
    let (_folder, scenario) = written(&recreated);
    assert_eq!(differences(&recreated, &scenario), (Vec::new(), 0));
    let text = file(&recreated, SCENARIO);
    let block: String = text.lines().skip_while(|line| *line != "[engine]").fold(
        String::new(),
        |mut block, line| {
            writeln!(block, "{line}").expect("a string");
            block
        },
    );
    let told: Expect = expect![[r#"
        [engine]
        demand_stale_after = "15 min"

        [engine.guard_rules]
        ice = { on = { budget_first = 8, budget_max = 1000, block_min = "5 min", block_max = "30 min" } }
        zombies = "off"

        [worker_types."proj/builds"]
        capacity_max = 20
        price_max = "$1.00/h"
        scaling = { estimator = { scaling_ratio = 1, idle = "registered", requested = "twice" } }
        placement = "spread"
        request_timeout = "20 min"
        lifetime_max = "4 d"
        idle_timeout = "15 min"
        instance_types."c5.xlarge" = { capacity = 2, utility = 2 }
        floors.hours-1 = { days = ["mon"], from = "08:00", until = "18:00", capacity_min = 2 }
        tasks.recorded = { file = "tasks.csv", queue = "proj/builds", columns = { submitted = "submitted", duration = "duration_ms", duration_unit = "ms", times = "text", queue = "worker_type" } }
        # measured: 1 of them
        workers.boot = "30 s"

        # Pools that had no spot machine to give, as far as refusals tell.
        [faults.dry-1]
        from = "1 min 2 s"
        length = "5 min"
        what.pool-dry.pools = ["c5.xlarge/us-east-1b"]

    "#]];
    told.assert_eq(&block);
}

#[test]
fn a_part_of_a_journal_knows_what_was_before_it() {
    let from = START + Duration::from_secs(200);
    let until = START + Duration::from_secs(1_000);
    let recreated = Recreated::read(journal(&small(), &records(STORY)), Some(from), Some(until));
    let recreated = recreated.expect("a journal");
    assert_eq!(recreated.inherited, 1);
    assert_eq!((recreated.actual.launches, recreated.actual.instances), (2, 2));
    // Three tasks are there, the prices of before hold, and the run ends with the machines in it.
    assert_eq!(recreated.tasks["proj/builds"].at_first, 3);
    assert_eq!(file(&recreated, "prices.tsv").lines().count(), 4);
    let (_folder, scenario) = written(&recreated);
    assert_eq!(recreated.predict(&scenario, Seed(1)).arrivals, 3);
}

fn reading(at: i64, pending: u32, claimed: u32) -> Reading {
    Reading { at: START + Duration::from_secs(at), pending, claimed }
}

/// Counts that change by little, by much or not at all.
fn some_readings() -> impl Strategy<Value = Vec<Reading>> {
    let steps = prop::collection::vec((1_i64..200, 0_u32..30, 0_u32..30), 1..60);
    steps.prop_map(|steps| {
        let mut at = 0;
        let reading = |(step, pending, claimed): (i64, u32, u32)| {
            at += step;
            reading(at, pending, claimed)
        };
        steps.into_iter().map(reading).collect()
    })
}

proptest! {
    #[test]
    fn as_many_tasks_are_there_at_each_reading_as_were_counted(readings in some_readings()) {
        let told = Reconstructed::of(&readings);
        for reading in &readings {
            let came = told.tasks.iter().filter(|task| task.submitted <= reading.at);
            let there: Vec<_> =
                came.filter(|task| task.ended.is_none_or(|ended| ended > reading.at)).collect();
            prop_assert_eq!(there.len() as u64, reading.total());
            let held = there.iter().filter(|task| task.started.is_some_and(|it| it <= reading.at));
            prop_assert!(held.count() <= reading.claimed as usize);
        }
    }

    #[test]
    fn no_more_work_is_reconstructed_than_counts_allow(readings in some_readings()) {
        let told = Reconstructed::of(&readings);
        let work: i64 = told
            .tasks
            .iter()
            .filter_map(|task| Some(task.ended?.since(task.started?).ms()))
            .sum();
        // Held counts change halfway between readings; whoever came and went between two of them
        // held for half of that time.
        let allowed = |pair: &[Reading]| {
            let length = pair[1].at.since(pair[0].at).ms();
            let held = i64::from(pair[0].claimed) + i64::from(pair[1].claimed);
            let ends = pair[0].total().saturating_sub(pair[1].total());
            let through = ends.saturating_sub(u64::from(pair[0].claimed));
            (held + i64::try_from(through).expect("few")) * length / 2 + 2
        };
        prop_assert!(work <= readings.windows(2).map(allowed).sum::<i64>());
        let is_in_order = told.tasks.iter().all(|task| {
            task.started.is_none_or(|started| task.submitted <= started)
                && task.ended.is_none_or(|ended| task.started.is_some_and(|it| it <= ended))
        });
        prop_assert!(is_in_order);
    }

    #[test]
    fn facts_in_any_order_are_taken(order in prop::collection::vec((0_usize..23, 0_i64..300), 1..80)) {
        let scenario = small();
        let mut reader = Reader::new(&Engine::new(header(&scenario).engine), None);
        let records = records(STORY);
        let mut at = START;
        let mut told = Vec::new();
        for (which, later) in order {
            at = at + Duration::from_secs(later);
            let record = match records[which % records.len()].clone() {
                Record::Observed { observation, .. } => Record::Observed { at, observation },
                Record::Decided(decision) => Record::Decided(Decision { at, ..decision }),
                other => other,
            };
            reader.read(&record);
            told.push(record);
        }
        let seen = reader.finish(None);
        prop_assert!(seen.until >= seen.from);
        let recreated = Recreated::read(journal(&scenario, &told), None, None).expect("sound");
        prop_assert!(recreated.files().len() >= 3);
        prop_assert!(!recreated.unknowns().is_empty());
    }
}

/// A shipped scenario, its journal in chapters in a folder, and how many tasks it had.
fn chaptered(path: &str) -> (TempDir, Scenario, Vec<Record>) {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let scenario = load(path.as_ref()).unwrap_or_else(|issues| panic!("{issues}")).scenario;
    let config = scenario.config(Seed(1));
    let mut records = Vec::new();
    let mut journal = |record| records.push(record);
    let hooks = Hooks { journal: Some(&mut journal), ..Hooks::default() };
    let _ = provisioner_sim::run(&config, &mut *scenario.tasks(Seed(1)), hooks);
    let folder = tempfile::tempdir().expect("a folder");
    let mut engine = Engine::new(config.engine);
    for (index, part) in records.chunks(records.len().div_ceil(4)).enumerate() {
        let path = folder.path().join(format!("chapter-2026112{index}T000000.000Z.jsonl"));
        let out = fs::File::create(path).expect("a file");
        let mut writer =
            JournalWriter::chapter(std::io::BufWriter::new(out), &header(&scenario), &engine);
        let writer_ref = writer.as_mut().expect("a chapter");
        for record in part {
            writer_ref.record(record).expect("a record");
            replay(&mut engine, record.clone()).expect("the engine that wrote it");
        }
        let out = writer.expect("a chapter").end().expect("an end");
        out.into_inner().expect("written");
    }
    (folder, scenario, records)
}

/// What was put in, minus what came and ended between the same two readings, is what is found.
fn lost_between_readings(scenario: &Scenario, recreated: &Recreated) -> (u64, u64, u64) {
    let names: Vec<&str> = scenario.worker_types().collect();
    let mut source = scenario.tasks(Seed(1));
    // The queue's counts are that old.
    let lag = scenario.config(Seed(1)).queue.count_lag;
    let (mut submitted, mut cancelled, mut found) = (0, 0, 0);
    let mut arrivals: Vec<Vec<Time>> = vec![Vec::new(); names.len()];
    while let Some(task) = source.next_task() {
        arrivals[task.worker_type.index()].push(task.submitted + lag);
        submitted += 1;
    }
    for (name, arrivals) in names.iter().zip(arrivals) {
        let readings = &recreated.seen.queues[*name].readings;
        found += recreated.tasks[*name].tasks.len() as u64;
        for pair in readings.windows(2) {
            let came = arrivals.iter().filter(|at| pair[0].at < **at && **at <= pair[1].at);
            let came = came.count() as u64;
            let rose = pair[1].total().saturating_sub(pair[0].total());
            cancelled += came.saturating_sub(rose);
        }
    }
    (submitted, cancelled, found)
}

/// A scenario, and by how many hundredths launches and instance time may be off.
const ROUND_TRIPS: [(&str, f64, f64); 4] = [
    ("quickstart.toml", 15.0, 10.0),
    ("library/release-crunch.toml", 10.0, 10.0),
    ("library/slow-windows-boots.toml", 10.0, 10.0),
    ("library/regional-outage.toml", 10.0, 10.0),
];

#[test]
fn a_simulated_journal_comes_near_when_it_is_simulated_again() {
    for (path, launches_within, time_within) in ROUND_TRIPS {
        let (folder, scenario, _) = chaptered(path);
        let journal = Journal::open(folder.path()).unwrap_or_else(|told| panic!("{told}"));
        let recreated = Recreated::read(journal, None, None).expect("a journal");
        assert_eq!((recreated.chapters, recreated.gaps.len()), (4, 0), "{path}");
        let (_folder, again) = written(&recreated);
        assert_eq!(differences(&recreated, &again), (Vec::new(), 0), "{path}");
        let (submitted, cancelled, found) = lost_between_readings(&scenario, &recreated);
        // Tasks that lose their worker and are given up add ends; a few.
        let missing = submitted.abs_diff(found + cancelled);
        assert!(missing * 100 <= submitted, "{path}: {submitted} {cancelled} {found}");
        let predicted = recreated.predict(&again, Seed(1));
        assert_eq!(predicted.arrivals, found, "{path}");
        #[expect(clippy::cast_precision_loss, reason = "a few thousand launches")]
        let off = (predicted.launches as f64 / recreated.actual.launches as f64 - 1.0) * 100.0;
        assert!(off.abs() <= launches_within, "{path}: launches are off by {off:.1} %");
        let hours = |it: Duration| it.as_hours_f64();
        let off = hours(predicted.instance_time) / hours(recreated.actual.instance_time) - 1.0;
        assert!(off.abs() * 100.0 <= time_within, "{path}: time is off by {:.1} %", off * 100.0);
    }
}

#[test]
fn a_missing_chapter_is_a_gap_across_which_machines_and_tasks_are_followed() {
    let (folder, _, _) = chaptered("quickstart.toml");
    let whole = Recreated::read(Journal::open(folder.path()).expect("a journal"), None, None);
    let whole = whole.expect("a journal").actual;
    let missing = folder.path().join("chapter-20261121T000000.000Z.jsonl");
    fs::remove_file(missing).expect("a chapter");
    let journal = Journal::open(folder.path()).expect("a journal");
    let recreated = Recreated::read(journal, None, None).expect("a journal");
    assert_eq!((recreated.chapters, recreated.gaps.len()), (3, 1));
    assert!(recreated.actual.launches < whole.launches);
    assert!(recreated.actual.instance_time < whole.instance_time);
    // Whatever stood at both ends of the gap is one machine, and no task is held for ever.
    let left = |queue: &Reconstructed| queue.tasks.iter().any(|task| task.ended.is_none());
    assert!(recreated.tasks.values().filter(|queue| left(queue)).count() <= 1);
    let (_folder, again) = written(&recreated);
    assert_eq!(differences(&recreated, &again), (Vec::new(), 0));
}

#[test]
fn what_is_estimated_to_have_been_paid_is_what_the_world_billed() {
    let (folder, scenario, _) = chaptered("quickstart.toml");
    let journal = Journal::open(folder.path()).unwrap_or_else(|told| panic!("{told}"));
    let recreated = Recreated::read(journal, None, None).expect("a journal");
    let config = scenario.config(Seed(1));
    let outcome = scenario.run(&config, Hooks::default());
    let (was, told) = (outcome.total.cost.total().as_f64(), recreated.actual.cost.as_f64());
    assert!((told / was - 1.0).abs() < 0.02, "{told} of {was}");
}
