//! Small journals in, pages out.

use std::io::Cursor;
use std::{fs, iter};

use expect_test::{Expect, expect};
use provisioner_engine::Engine;
use provisioner_engine::catalog::{Catalog, Pool};
use provisioner_engine::guards::{Guards, IceRule};
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::{EndCause, Observation, Refusal};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, Time, UsdPerHour};
use provisioner_engine::worker_type::{Candidate, EngineConfig, Limits, PlacementPolicy};
use provisioner_scenarios::diff::diff;
use provisioner_scenarios::explain::life::Subject;
use provisioner_scenarios::explain::{self as ask, Unanswered};
use provisioner_scenarios::journal::{Header, JOURNAL_VERSION, Journal, JournalWriter};

use super::*;
use crate::{Look, Page, testing};

/// `ci/linux` may have three tasks at once on either of two pools of `c5.large`.
fn config() -> EngineConfig {
    let mut catalog = Catalog::new();
    let mut candidate = |zone| {
        let pool = Pool {
            zone: catalog.zone("us-east-1", zone),
            instance_type: catalog.instance_type("c5.large", 2),
            product: catalog.product("Linux/UNIX"),
        };
        Candidate {
            image: catalog.image("linux"),
            pool: catalog.pool(pool),
            capacity: 1,
            utility: Ratio::ONE,
            bias: Ratio::ONE,
            initial_weight: Ratio::ONE,
            capacity_max: None,
        }
    };
    let candidates = vec![candidate("us-east-1a"), candidate("us-east-1b")];
    let mut outcome = testing::outcome();
    outcome.worker_types.truncate(1);
    let mut worker_type = testing::config(&outcome).engine.worker_types.remove(0);
    worker_type.name = "ci/linux".to_owned();
    worker_type.capacity_max = 3;
    worker_type.price_max = UsdPerHour::from_micros(100_000);
    worker_type.candidates = candidates;
    worker_type.placement = PlacementPolicy::Cheapest {
        bid: provisioner_engine::worker_type::BidRule::default(),
        bias: provisioner_engine::worker_type::BiasRule::Off,
    };
    EngineConfig {
        seed: Seed(7),
        catalog,
        worker_types: vec![worker_type],
        limits: Limits::default(),
        guards: Guards { ice: Some(IceRule::default()), ..Guards::off() },
    }
}

/// A journal of what is told, line by line; `turn` has the engine decide.
fn journal(story: &str) -> Vec<u8> {
    let header = Header {
        journal: JOURNAL_VERSION,
        scenario: "story".to_owned(),
        scenario_hash: "0123456789abcdef".to_owned(),
        seed: 7,
        commit: "0123456789ab".to_owned(),
        engine: config(),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.jsonl");
    let mut writer = JournalWriter::create(&path, &header).expect("a file");
    let mut engine = Engine::new(header.engine);
    engine.explain(true);
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| -> u32 { words[index].parse().expect("a number") };
        let at = words[0].strip_suffix('m').expect("minutes").parse().expect("a number");
        let at = Time::EPOCH + Duration::from_mins(at);
        let launch = || LaunchId(u64::from(number(2)));
        let worker_type = WorkerTypeId::new(0);
        let observation = match words[1] {
            "turn" => {
                writer.record(&Record::Decided(engine.decide(at))).expect("a line");
                continue;
            }
            "demand" => {
                let (pending, claimed) = (number(2), number(3));
                Observation::DemandCounted { worker_type, pending, claimed, as_of: at }
            }
            "price" => {
                let pool = PoolId::new(number(2) as usize);
                let price = UsdPerHour::from_micros(i64::from(number(3)));
                Observation::PriceChanged { pool, price, since: at }
            }
            "given" => {
                let instance = InstanceId(u64::from(number(3)));
                Observation::InstancePending { launch: launch(), instance }
            }
            "running" => Observation::InstanceRunning { launch: launch() },
            "registered" => Observation::WorkerRegistered { launch: launch() },
            "ended" => {
                Observation::InstanceEnded { launch: launch(), cause: EndCause::Interruption }
            }
            "dry" => {
                let refusal = Refusal::InsufficientCapacity;
                Observation::LaunchRefused { launch: launch(), refusal }
            }
            other => panic!("nobody can tell {other}"),
        };
        engine.observe(at, observation);
        writer.record(&Record::Observed { at, observation }).expect("a line");
    }
    writer.finish().expect("an end");
    fs::read(path).expect("a journal")
}

/// Two tasks; the cheaper pool gives one machine and takes it back, and has no other.
const STORY: &str = "
    0m  price 0 20000
    0m  price 1 30000
    0m  turn
    1m  demand 2 0
    1m  turn
    1m  given 1 11
    1m  dry 2
    2m  demand 2 0
    2m  turn
    2m  running 1
    3m  registered 1
    3m  given 3 12
    3m  demand 2 0
    3m  turn
    4m  demand 1 1
    4m  turn
    4m  running 3
    5m  registered 3
    5m  demand 0 2
    5m  turn
    9m  ended 1
    9m  demand 0 1
    9m  turn
";

fn open(
    bytes: &[u8],
) -> impl Fn() -> Result<Journal, provisioner_scenarios::journal::JournalError> {
    let bytes = bytes.to_vec();
    move || Journal::read("journal.jsonl", Cursor::new(bytes.clone()))
}

fn minutes(minutes: i64) -> Time {
    Time::EPOCH + Duration::from_mins(minutes)
}

fn check(page: Result<Page, Unanswered>, expected: &Expect) {
    let said = match page {
        Ok(page) => page.show(Look::default()).to_string(),
        Err(error) => format!("{error}\n"),
    };
    expected.assert_eq(&said);
}

fn check_life(launch: u64, expected: &Expect) {
    let subject = Subject::Launch(LaunchId(launch));
    check(ask::life::life(open(&journal(STORY)), subject).map(|it| life(&it)), expected);
}

#[test]
fn a_life_says_for_what_and_against_what_it_was_ordered_and_what_became_of_it() {
    check_life(
        1,
        &expect![[r#"
        #1 (instance 11): c5.large/us-east-1a for ci/linux, spot at most $0.04/h
          story: seed 7, scenario 0123456789abcdef, commit 0123456789ab

        Why it was ordered (journal line 6)
          1970-01-01T00:01:00Z  ci/linux: 2 pending, 0 claimed
                                because ci/linux: 2 pending, 0 claimed, no capacity → +2
                                because ci/linux: 2 × c5.large/us-east-1a from #1, spot at most $0.04/h, price $0.02/h, chosen from 2
                                so #1..#2 launch c5.large/us-east-1a for ci/linux, spot at most $0.04/h

        What it was chosen from, just before
        Pool                  price  capacity  utility  ÷ utility
                                $/h     tasks                 $/h
        c5.large/us-east-1a  0.0200         1     1.00     0.0200  chosen
        c5.large/us-east-1b  0.0300         1     1.00     0.0300

        What became of it
          1970-01-01T00:01:00Z  EC2 gave instance 11
          1970-01-01T00:02:00Z  the instance runs, its system starts
          1970-01-01T00:03:00Z  its worker registered
          1970-01-01T00:09:00Z  ended: taken back by EC2

        Altogether
          it could work 2 min after it was ordered
          the instance lived for 8 min: $0.002667 at the price it was chosen by, $0.02/h (the journal holds no bills)
    "#]],
    );
}

#[test]
fn a_life_that_never_began_says_why() {
    check_life(
        2,
        &expect![[r#"
        #2: c5.large/us-east-1a for ci/linux, spot at most $0.04/h
          story: seed 7, scenario 0123456789abcdef, commit 0123456789ab

        Why it was ordered (journal line 6)
          1970-01-01T00:01:00Z  ci/linux: 2 pending, 0 claimed
                                because ci/linux: 2 pending, 0 claimed, no capacity → +2
                                because ci/linux: 2 × c5.large/us-east-1a from #1, spot at most $0.04/h, price $0.02/h, chosen from 2
                                so #1..#2 launch c5.large/us-east-1a for ci/linux, spot at most $0.04/h

        What it was chosen from, just before
        Pool                  price  capacity  utility  ÷ utility
                                $/h     tasks                 $/h
        c5.large/us-east-1a  0.0200         1     1.00     0.0200  chosen
        c5.large/us-east-1b  0.0300         1     1.00     0.0300

        What became of it
          1970-01-01T00:01:00Z  EC2 gave no instance: the pool has no machine
    "#]],
    );
}

#[test]
fn an_order_after_a_refusal_says_which_pool_was_closed() {
    check_life(
        3,
        &expect![[r#"
        #3 (instance 12): c5.large/us-east-1b for ci/linux, spot at most $0.06/h
          story: seed 7, scenario 0123456789abcdef, commit 0123456789ab

        Why it was ordered (journal line 10)
          1970-01-01T00:02:00Z  ci/linux: 2 pending, 0 claimed, and tasks wait since 1970-01-01T00:01:00Z
                                because ci/linux: 2 pending, 0 claimed, capacity 1 pending → +1
                                because ci/linux: 1 × c5.large/us-east-1b from #3, spot at most $0.06/h, price $0.03/h, chosen from 1
                                so #3 launch c5.large/us-east-1b for ci/linux, spot at most $0.06/h

        What it was chosen from, just before
          closed: ci/linux: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:04:00Z
        Pool                  price  capacity  utility  ÷ utility
                                $/h     tasks                 $/h
        c5.large/us-east-1a  0.0200         1     1.00     0.0200  closed
        c5.large/us-east-1b  0.0300         1     1.00     0.0300  chosen

        What became of it
          1970-01-01T00:03:00Z  EC2 gave instance 12
          1970-01-01T00:04:00Z  the instance runs, its system starts
          1970-01-01T00:05:00Z  its worker registered

        Altogether
          it could work 3 min after it was ordered
          the instance has lived for 6 min: $0.003 at the price it was chosen by, $0.03/h (the journal holds no bills)
    "#]],
    );
}

#[test]
fn a_launch_that_never_was_is_told_with_those_that_were() {
    check_life(
        9,
        &expect![[r#"
        error: the journal has no launch #9
        hint: its launches go from 1 to 4
    "#]],
    );
}

#[test]
fn an_instance_is_found_by_its_number() {
    let of = |subject| {
        let answer = ask::life::life(open(&journal(STORY)), subject).expect("an answer");
        life(&answer).show(Look::default()).to_string()
    };
    let [launch, instance] = [Subject::Launch(LaunchId(3)), Subject::Instance(InstanceId(12))];
    assert_eq!(of(launch), of(instance));
}

#[test]
fn a_decision_is_told_with_the_facts_before_it_and_its_reasons() {
    let answer = ask::turns::at_time(open(&journal(STORY)), minutes(2));
    check(
        answer.map(|it| at_time(&it)),
        &expect![[r#"
        Decision 3 of 7, at 1970-01-01T00:02:00Z
          story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
          journal line 10

        Told since the decision before, of 1970-01-01T00:01:00Z
          ci/linux: 2 pending, 0 claimed
          EC2 gave no instance: the pool has no machine: #2
          instance pending: #1

        Ordered
          #3 launch c5.large/us-east-1b for ci/linux, spot at most $0.06/h

        Why
          because ci/linux: 2 pending, 0 claimed, capacity 1 pending → +1
          because ci/linux: 1 × c5.large/us-east-1b from #3, spot at most $0.06/h, price $0.03/h, chosen from 1

        The next decision
          1970-01-01T00:03:00Z  follows
    "#]],
    );
}

#[test]
fn a_decision_without_news_says_what_held_before() {
    let story = format!("{STORY}\n 10m turn");
    let answer = ask::turns::at_time(open(&journal(&story)), minutes(10));
    check(
        answer.map(|it| at_time(&it)),
        &expect![[r#"
        Decision 8 of 8, at 1970-01-01T00:10:00Z
          story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
          journal line 25

        Told since the decision before, of 1970-01-01T00:09:00Z
          nothing

        Ordered
          nothing

        Why
          nothing had changed about any worker type, so nothing was to be decided

        Nothing had changed about these since
          1970-01-01T00:09:00Z  because ci/linux: 0 pending, 1 claimed, capacity 1 requested + 1 working → -1
    "#]],
    );
}

#[test]
fn a_time_outside_is_told_with_the_span() {
    let answer = ask::turns::at_time(open(&journal(STORY)), minutes(11));
    check(
        answer.map(|it| at_time(&it)),
        &expect![[r#"
        error: at 1970-01-01T00:11:00Z the journal has ended
        hint: it goes from 1970-01-01T00:00:00Z to 1970-01-01T00:09:00Z; times are in UTC
    "#]],
    );
    let answer = ask::turns::in_span(open(&journal(STORY)), Some(minutes(-1)), None, None);
    check(
        answer.map(|it| in_span(&it)),
        &expect![[r#"
        error: at 1969-12-31T23:59:00Z the journal has not begun
        hint: it goes from 1970-01-01T00:00:00Z to 1970-01-01T00:09:00Z; times are in UTC
    "#]],
    );
}

#[test]
fn a_span_has_the_decisions_that_order_something() {
    let answer =
        ask::turns::in_span(open(&journal(STORY)), None, Some(minutes(5)), Some("ci/linux"));
    check(
        answer.map(|it| in_span(&it)),
        &expect![[r#"
        Decisions about ci/linux from 1970-01-01T00:00:00Z to 1970-01-01T00:05:00Z
          story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
          4 decisions order more than to look, or say why not; 2 had nothing to do about ci/linux

        1970-01-01T00:00:00Z  (decision 1)
          because ci/linux: frozen, counts are not known

        1970-01-01T00:01:00Z  (decision 2)
          #1..#2 launch c5.large/us-east-1a for ci/linux, spot at most $0.04/h
          because ci/linux: 2 pending, 0 claimed, no capacity → +2
          because ci/linux: 2 × c5.large/us-east-1a from #1, spot at most $0.04/h, price $0.02/h, chosen from 2

        1970-01-01T00:02:00Z  (decision 3)
          #3 launch c5.large/us-east-1b for ci/linux, spot at most $0.06/h
          because ci/linux: 2 pending, 0 claimed, capacity 1 pending → +1
          because ci/linux: 1 × c5.large/us-east-1b from #3, spot at most $0.06/h, price $0.03/h, chosen from 1

        1970-01-01T00:03:00Z  (decision 4)
          #4 launch c5.large/us-east-1b for ci/linux, spot at most $0.06/h
          because ci/linux: 2 pending, 0 claimed, capacity 1 pending + 1 working → +1
          because ci/linux: 1 × c5.large/us-east-1b from #4, spot at most $0.06/h, price $0.03/h, chosen from 1
    "#]],
    );
}

#[test]
fn a_wait_says_what_stood_in_the_way_until_it_was_bought() {
    let answer = ask::waiting::waiting(open(&journal(STORY)), "ci/linux", minutes(2));
    check(
        answer.map(|it| waiting(&it)),
        &expect![[r#"
            Why tasks of ci/linux waited at 1970-01-01T00:02:00Z
              story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
              tasks waited from 1970-01-01T00:01:00Z to 1970-01-01T00:05:00Z, at most 2 (at 1970-01-01T00:01:00Z); all their waits together 7 min

            What was known at 1970-01-01T00:02:00Z
              1970-01-01T00:02:00Z  the queue counted 2 pending, 0 claimed
                                    because ci/linux: 2 pending, 0 claimed, capacity 1 pending → +1
                                    because ci/linux: 1 × c5.large/us-east-1b from #3, spot at most $0.06/h, price $0.03/h, chosen from 1

            While tasks waited
              for 4 min capacity was ordered and on its way: requested, starting, booting

            What stood in the way
              nothing but what EC2 refused, below

            What was bought for it
              1970-01-01T00:01:00Z  2 × c5.large/us-east-1a from #1, spot at most $0.04/h: 1 refused, as the pool has no machine; 1 worker in time, the first after 2 min
              1970-01-01T00:02:00Z  1 × c5.large/us-east-1b from #3, spot at most $0.06/h: 1 worker in time, the first after 3 min
              1970-01-01T00:03:00Z  1 × c5.large/us-east-1b from #4, spot at most $0.06/h: none worked in time

            Where it could be bought at 1970-01-01T00:02:00Z
              closed: ci/linux: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:04:00Z
            Pool                  price  capacity  utility  ÷ utility
                                    $/h     tasks                 $/h
            c5.large/us-east-1a  0.0200         1     1.00     0.0200  closed
            c5.large/us-east-1b  0.0300         1     1.00     0.0300
        "#]],
    );
}

#[test]
fn a_wait_at_the_most_that_may_be_is_not_blamed_on_the_cloud() {
    let story = "
        0m price 0 20000
        0m demand 9 0
        0m turn
        0m given 1 1
        0m given 2 2
        0m given 3 3
        1m registered 1
        1m registered 2
        1m registered 3
        1m demand 6 3
        1m turn
        61m demand 0 1
        61m turn
    ";
    let answer = ask::waiting::waiting(open(&journal(story)), "ci/linux", minutes(30));
    check(
        answer.map(|it| waiting(&it)),
        &expect![[r#"
            Why tasks of ci/linux waited at 1970-01-01T00:30:00Z
              story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
              tasks waited from 1970-01-01T00:00:00Z to 1970-01-01T01:01:00Z, at most 9 (at 1970-01-01T00:00:00Z); all their waits together 6 h 9 min

            What was known at 1970-01-01T00:30:00Z
              1970-01-01T00:01:00Z  the queue counted 6 pending, 3 claimed
                                    because ci/linux: 6 pending, 3 claimed, capacity 3 working → +0

            While tasks waited
              for 1 h there was as much capacity as it may have (`capacity_max`)
              for 1 min capacity was ordered and on its way: requested, starting, booting

            What stood in the way
              nothing but `capacity_max`

            What was bought for it
              1970-01-01T00:00:00Z  3 × c5.large/us-east-1a from #1, spot at most $0.04/h: 3 workers in time, the first after 1 min

            Where it could be bought at 1970-01-01T00:30:00Z
            Pool                  price  capacity  utility  ÷ utility
                                    $/h     tasks                 $/h
            c5.large/us-east-1a  0.0200         1     1.00     0.0200
            c5.large/us-east-1b       ?         1     1.00          ?  not bought
        "#]],
    );
}

#[test]
fn where_nobody_waited_the_waits_around_are_told() {
    let answer = ask::waiting::waiting(open(&journal(STORY)), "ci/linux", minutes(7));
    check(
        answer.map(|it| waiting(&it)),
        &expect![[r#"
        No task of ci/linux waited at 1970-01-01T00:07:00Z
          story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
          the last wait before: tasks waited from 1970-01-01T00:01:00Z to 1970-01-01T00:05:00Z, at most 2 (at 1970-01-01T00:01:00Z); all their waits together 7 min

        What was known at 1970-01-01T00:07:00Z
          1970-01-01T00:05:00Z  the queue counted 0 pending, 2 claimed
                                because ci/linux: 0 pending, 2 claimed, capacity 1 requested + 2 working → -1

        Where it could be bought at 1970-01-01T00:07:00Z
        Pool                  price  capacity  utility  ÷ utility
                                $/h     tasks                 $/h
        c5.large/us-east-1a  0.0200         1     1.00     0.0200
        c5.large/us-east-1b  0.0300         1     1.00     0.0300
    "#]],
    );
    let answer = ask::waiting::waiting(open(&journal(STORY)), "ci/linus", minutes(7));
    check(
        answer.map(|it| waiting(&it)),
        &expect![[r#"
        error: the journal has no worker type `ci/linus`
        hint: did you mean `ci/linux`?
    "#]],
    );
}

#[test]
fn a_summary_counts_and_says_what_to_ask() {
    let answer = ask::summary::summary(open(&journal(STORY)));
    check(
        answer.map(|it| summary(&it, "story.jsonl")),
        &expect![[r#"
        story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
          from 1970-01-01T00:00:00Z to 1970-01-01T00:09:00Z: 16 facts, 7 decisions
          orders: 3 launch

        By worker type
                  launches  refused  working  taken back  alive    cost  waiting  worst
                                                              h       $   task h  tasks
        ci/linux         4        1        2           1    0.2  ≈ 0.01      0.1      2

        What EC2 did not give
          1 × the pool has no machine

        Reasons, by how often they were given
          6 × scaled, first at 1970-01-01T00:01:00Z: ci/linux: 2 pending, 0 claimed, no capacity → +2
          3 × pool-chosen, first at 1970-01-01T00:01:00Z: ci/linux: 2 × c5.large/us-east-1a from #1, spot at most $0.04/h, price $0.02/h, chosen from 2
          1 × demand-missing, first at 1970-01-01T00:00:00Z: ci/linux: frozen, counts are not known

        What to ask next
          why tasks of ci/linux waited most: provisioner explain story.jsonl --worker-type ci/linux --at 1970-01-01T00:01:00Z
          the first launch that was refused: provisioner explain story.jsonl --launch 2
          the first instance that was taken back: provisioner explain story.jsonl --launch 1
          the first time that something stood in the way: provisioner explain story.jsonl --at 1970-01-01T00:00:00Z
    "#]],
    );
}

#[test]
fn a_journal_without_reasons_is_explained_by_those_of_the_engine() {
    let bytes = journal(STORY);
    let text = String::from_utf8(bytes.clone()).expect("a text");
    let without = |line: &str| match line.split_once("\"reasons\":[") {
        Some((front, rest)) => {
            let (_, rest) = rest.split_once("],\"wake_at\"").expect("it follows");
            format!("{front}\"reasons\":[],\"wake_at\"{rest}\n")
        }
        None => format!("{line}\n"),
    };
    let silent: String = text.lines().map(without).collect();
    assert_ne!(silent, text);
    let subject = Subject::Launch(LaunchId(3));
    let [with, without] = [bytes, silent.into_bytes()]
        .map(|bytes| ask::life::life(open(&bytes), subject).expect("an answer"));
    let show = |it: &ask::life::Life| life(it).show(Look::default()).to_string();
    assert_eq!(show(&with), show(&without));
    assert_eq!(remarks(&with.walk, "c"), Vec::<String>::new());
    assert!(remarks(&without.walk, "c")[0].starts_with("the journal was written without reasons"));
}

#[test]
fn a_journal_that_this_engine_decides_otherwise_speaks_for_itself() {
    let text = String::from_utf8(journal(STORY)).expect("a text");
    let (front, _) = text.rsplit_once("{\"end\"").expect("an end");
    // The digest is of what was written, so a bid that was never given needs a new one.
    let altered = front.replacen("\"max_price\":40000", "\"max_price\":41000", 1);
    assert_ne!(altered, front);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.jsonl");
    let mut lines = altered.lines();
    let header = serde_json::from_str(lines.next().expect("a header")).expect("a header");
    let mut writer = JournalWriter::create(&path, &header).expect("a file");
    lines.for_each(|line| {
        writer.record(&serde_json::from_str(line).expect("a record")).expect("a line");
    });
    writer.finish().expect("an end");
    let bytes = fs::read(path).expect("a journal");
    let answer = ask::life::life(open(&bytes), Subject::Launch(LaunchId(3))).expect("an answer");
    expect!["from 1970-01-01T00:01:00Z on (line 6) this program, of commit c0ffee, decides otherwise than the journal says, so prices and gates of then are not known: ask the program of commit 0123456789ab for them"].assert_eq(&remarks(&answer.walk, "c0ffee")[0]);
    let page = life(&answer).show(Look::default()).to_string();
    assert!(page.contains("because ci/linux: 1 × c5.large/us-east-1b from #3"), "{page}");
    assert!(!page.contains("What it was chosen from"), "{page}");
}

#[test]
fn a_journal_that_was_cut_short_is_an_error_with_its_place() {
    let text = String::from_utf8(journal(STORY)).expect("a text");
    let cut: String =
        text.lines().take(6).flat_map(|line| iter::once(line).chain(["\n"])).collect();
    let answer = ask::summary::summary(open(cut.as_bytes()));
    check(
        answer.map(|it| summary(&it, "story.jsonl")),
        &expect![[r#"
        error: the journal was cut short after 5 records
         --> journal.jsonl:7
        hint: it was altered or is damaged; write it again with `--journal`
    "#]],
    );
}

fn check_diff(a: &str, b: &str, expected: &Expect) {
    let read = |story: &str| open(&journal(story))().expect("a journal");
    let found = diff(read(a), read(b)).expect("two journals");
    let page = crate::diff::diff(&found, ["a.jsonl", "b.jsonl"], None);
    expected.assert_eq(&page.show(Look::default()).to_string());
}

#[test]
fn where_a_fact_differs_first_the_worlds_are_named() {
    let other = STORY.replace("2m  demand 2 0", "2m  demand 3 0");
    check_diff(
        STORY,
        &other,
        &expect![[r#"
        Decision 3 differs, at 1970-01-01T00:02:00Z
          A  a.jsonl: story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
          B  b.jsonl: story: seed 7, scenario 0123456789abcdef, commit 0123456789ab

        What differs in what they were built from
          nothing: the engines were built from the same, by programs of one commit

        Before
                                2 decisions are equal
                                5 facts are equal, then the first that is not:
          1970-01-01T00:02:00Z  A (line 9): ci/linux: 2 pending, 0 claimed
                                B (line 9): ci/linux: 3 pending, 0 claimed
                                so the worlds differ before the decisions do, not only the policies

        Told just before, to A
          ci/linux: 2 pending, 0 claimed
          EC2 gave no instance: the pool has no machine: #2
          instance pending: #1

        Told just before, to B
          ci/linux: 3 pending, 0 claimed
          EC2 gave no instance: the pool has no machine: #2
          instance pending: #1

        A decided (a.jsonl:10)
          #3 launch c5.large/us-east-1b for ci/linux, spot at most $0.06/h
          because ci/linux: 2 pending, 0 claimed, capacity 1 pending → +1
          because ci/linux: 1 × c5.large/us-east-1b from #3, spot at most $0.06/h, price $0.03/h, chosen from 1

        B decided (b.jsonl:10)
          #3..#4 launch c5.large/us-east-1b for ci/linux, spot at most $0.06/h
          because ci/linux: 3 pending, 0 claimed, capacity 1 pending → +2
          because ci/linux: 2 × c5.large/us-east-1b from #3, spot at most $0.06/h, price $0.03/h, chosen from 1
    "#]],
    );
}

#[test]
fn of_two_journals_one_may_end_before() {
    let (shorter, _) = STORY.split_once("4m").expect("a later part");
    check_diff(
        shorter,
        STORY,
        &expect![[r#"
        Decision 5 differs: only one journal has it, at 1970-01-01T00:04:00Z
          A  a.jsonl: story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
          B  b.jsonl: story: seed 7, scenario 0123456789abcdef, commit 0123456789ab

        What differs in what they were built from
          nothing: the engines were built from the same, by programs of one commit

        Before
                                4 decisions are equal
                                10 facts are equal, then the first that is not:
                                A: nothing more was told
          1970-01-01T00:04:00Z  B (line 16): ci/linux: 1 pending, 1 claimed
                                so the worlds differ before the decisions do, not only the policies

        Told just before, to A
          nothing

        Told just before, to B
          ci/linux: 1 pending, 1 claimed

        A has no such decision
          a.jsonl ends before

        B decided (b.jsonl:17)
          nothing more, and to be called again at 1970-01-01T00:05:00Z
          because ci/linux: 1 pending, 1 claimed, capacity 1 requested + 1 pending + 1 working → -1
    "#]],
    );
}

#[test]
fn equal_journals_have_no_parting() {
    check_diff(
        STORY,
        STORY,
        &expect![[r#"
        Both decide the same, in all 7 decisions
          A  a.jsonl: story: seed 7, scenario 0123456789abcdef, commit 0123456789ab
          B  b.jsonl: story: seed 7, scenario 0123456789abcdef, commit 0123456789ab

        What differs in what they were built from
          nothing: the engines were built from the same, by programs of one commit

        Before
          7 decisions are equal
          all 16 facts told until then are equal
    "#]],
    );
}

#[test]
fn a_page_is_json_too() {
    let answer = ask::turns::at_time(open(&journal(STORY)), minutes(5)).expect("an answer");
    let json = serde_json::to_string_pretty(&at_time(&answer)).expect("JSON");
    expect![[r#"
        {
          "page": 1,
          "sections": [
            {
              "lines": [
                {
                  "at": null,
                  "says": "story: seed 7, scenario 0123456789abcdef, commit 0123456789ab"
                },
                {
                  "at": null,
                  "says": "journal line 21"
                }
              ],
              "rows": [],
              "title": "Decision 6 of 7, at 1970-01-01T00:05:00Z"
            },
            {
              "lines": [
                {
                  "at": null,
                  "says": "ci/linux: 0 pending, 2 claimed"
                },
                {
                  "at": null,
                  "says": "its worker registered: #3"
                },
                {
                  "at": null,
                  "says": "the instance runs, its system starts: #3"
                }
              ],
              "rows": [],
              "title": "Told since the decision before, of 1970-01-01T00:04:00Z"
            },
            {
              "lines": [
                {
                  "at": null,
                  "says": "nothing"
                }
              ],
              "rows": [],
              "title": "Ordered"
            },
            {
              "lines": [
                {
                  "at": null,
                  "says": "because ci/linux: 0 pending, 2 claimed, capacity 1 requested + 2 working → -1"
                }
              ],
              "rows": [],
              "title": "Why"
            },
            {
              "lines": [
                {
                  "at": "1970-01-01T00:09:00Z",
                  "says": "follows"
                }
              ],
              "rows": [],
              "title": "The next decision"
            }
          ]
        }"#]].assert_eq(&json);
}
