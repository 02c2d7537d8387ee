//! Recorded inputs: where they are placed in time, what is remarked and what is refused.

use expect_test::{Expect, expect};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use provisioner_sim::input::Task;

use super::{Folder, Loaded};

/// Two pools; `m3.large` has its first price an hour after the run's start.
const PRICES: &str = "az\ttype\tproduct\tprice\tts\n\
    us-east-1a\tm3.medium\tLinux/UNIX\t0.0100\t2016-02-28T23:00:00Z\n\
    us-east-1a\tm3.medium\tWindows\t0.0500\t2016-02-28T23:00:00Z\n\
    us-east-1b\tm3.large\tLinux/UNIX\t0.0200\t2016-03-01T01:00:00Z\n\
    us-east-1a\tm3.medium\tLinux/UNIX\t0.0120\t2016-03-01T02:00:00Z\n\
    us-east-1a\tm3.medium\tLinux/UNIX\t0.0120\t2016-03-01T03:00:00Z\n\
    us-east-1a\tm3.medium\tLinux/UNIX\t0.0110\t2016-03-04T00:00:00Z\n";

const TASKS: &str = "submitted_ms,duration_ms,queue\n\
    1456786800000,1000,linux\n\
    1456790400000,2000,linux\n\
    1456790400000,3000,windows\n\
    1456876800000,4000,linux\n";

const OD: &str = "date\tregion\ttype\tos\tusd_hr\n\
    2016-03-02\tus-east-1\tm3.medium\tlinux\t0.067\n\
    2016-03-02\tus-east-1\tm3.large\tlinux\t0.133\n";

const MARCH: &str = r#"
[time]
start = 2016-03-01
length = "1 d"
[market]
regime = "outbid"
on_demand_files = ["od.tsv"]
prices.recorded = { files = ["prices.tsv"] }
[worker_types."proj/linux"]
capacity_max = 4
placement = "cheapest"
tasks.recorded = { file = "tasks.csv", queue = "linux" }
instance_types."m3.medium" = {}
instance_types."m3.large" = { capacity = 2 }
"#;

fn folder(text: &str) -> Folder {
    Folder::with(&[
        ("week.toml", text),
        ("prices.tsv", PRICES),
        ("tasks.csv", TASKS),
        ("od.tsv", OD),
    ])
}

fn tasks(loaded: &Loaded) -> Vec<Task> {
    let mut source = loaded.scenario.tasks(Seed(1));
    std::iter::from_fn(|| source.next_task()).collect()
}

fn start() -> Time {
    Time::from_ms(1_456_790_400_000)
}

#[track_caller]
fn check(from: &str, to: &str, expected: Expect) {
    assert!(MARCH.contains(from), "{from:?} is not in the file");
    let issues = folder(&MARCH.replacen(from, to, 1)).load().err().unwrap_or_default();
    expected.assert_eq(&(issues + "\n"));
}

#[test]
fn a_run_gets_the_tasks_and_prices_of_its_time() {
    let loaded = folder(MARCH).load().expect("a good scenario");
    let tasks: Vec<_> = tasks(&loaded).iter().map(|task| (task.submitted, task.duration)).collect();
    assert_eq!(tasks, [(start(), Duration::from_secs(2))]);
    let config = loaded.scenario.config(Seed(1));
    let prices = config.market.prices().iter().map(|change| {
        let pool = config.engine.catalog.pool_name(change.pool);
        format!("{} min: {pool} {}\n", (change.at.ms() - start().ms()) / 60_000, change.price)
    });
    expect![[r#"
        -1500 min: m3.medium/us-east-1a $0.01/h
        60 min: m3.large/us-east-1b $0.02/h
        120 min: m3.medium/us-east-1a $0.012/h
    "#]]
    .assert_eq(&prices.collect::<String>());
    expect![[r#"
        prices.tsv: 1 repeat the price before (a row is not a change)
        1 of 2 pools have no price when the run begins, and are not used before their first
        tasks.csv: 2 tasks lie outside the run, left out
        2 pools are left out: no recorded price during the run (m3.large/us-east-1a, m3.medium/us-east-1b)
        on-demand prices of 2 pools are known since "2016-03-02T00:00:00Z" only, and taken for those before
    "#]].assert_eq(&(loaded.remarks.join("\n") + "\n"));
}

/// The prices of `m3.medium` in `us-east-1a` that a run gets of these files, by hour since its start.
fn prices_of<At: std::fmt::Display>(
    files: &[(&str, &[(At, &str)])],
) -> Result<(Vec<(i64, i64)>, String), String> {
    let names: Vec<_> = files.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let folder = folder(&MARCH.replace("\"prices.tsv\"", &names.join(", ")));
    for (name, rows) in files {
        let rows = rows.iter().map(|(at, price)| {
            format!("us-east-1a\tm3.medium\tLinux/UNIX\t{price}\t2016-{at}:00:00Z\n")
        });
        let text = format!("az\ttype\tproduct\tprice\tts\n{}", rows.collect::<String>());
        folder.write(name, text.as_bytes());
    }
    // What is said of the other instance type is not asked here.
    let text = std::fs::read_to_string(folder.path("week.toml")).expect("it is there");
    folder.write(
        "week.toml",
        text.replace("instance_types.\"m3.large\" = { capacity = 2 }\n", "").as_bytes(),
    );
    let loaded = folder.load()?;
    let config = loaded.scenario.config(Seed(1));
    let hours = |at: Time| (at.ms() - start().ms()) / 3_600_000;
    let prices = config.market.prices().iter();
    let prices = prices.map(|change| (hours(change.at), change.price.micros() / 1_000)).collect();
    Ok((prices, loaded.remarks.join("\n")))
}

#[test]
fn files_of_one_market_are_taken_together() {
    // The price goes back in the one file where the other one has it leave.
    let one: &[_] = &[("02-29T12", "0.03"), ("03-01T10", "0.03"), ("03-01T20", "0.03")];
    let (prices, remarks) =
        prices_of(&[("a.tsv", one), ("b.tsv", &[("03-01T06", "0.30")])]).expect("good");
    assert_eq!(prices, [(-12, 30), (6, 300), (10, 30)]);
    assert!(!remarks.contains("different prices"), "{remarks}");
    let (prices, remarks) =
        prices_of(&[("a.tsv", one), ("b.tsv", &[("03-01T10", "0.30")])]).expect("good");
    assert_eq!(prices, [(-12, 30), (10, 300), (20, 30)]);
    assert!(remarks.contains("1 times two files give a market different prices"), "{remarks}");
}

#[test]
fn of_two_prices_at_one_time_the_later_row_holds() {
    let rows: &[_] =
        &[("02-29T12", "0.05"), ("03-01T06", "0.30"), ("03-01T06", "0.03"), ("03-01T20", "0.04")];
    let (prices, remarks) = prices_of(&[("a.tsv", rows)]).expect("good");
    assert_eq!(prices, [(-12, 50), (6, 30), (20, 40)]);
    assert!(remarks.contains("1 give a market another price at the same time"), "{remarks}");
}

#[test]
fn files_of_several_months_stand_beside_each_other() {
    let january: &[_] = &[("01-05T00", "0.02"), ("01-31T12", "0.03")];
    let march: &[_] = &[("02-29T23", "0.04"), ("03-01T06", "0.05"), ("03-03T00", "0.06")];
    let (prices, remarks) = prices_of(&[("1.tsv", january), ("3.tsv", march)]).expect("good");
    assert_eq!(prices.last(), Some(&(6, 50)));
    assert!(remarks.contains("1.tsv: its prices, from \"2016-01-05"), "{remarks}");
    let (_, remarks) = prices_of(&[("1.tsv", january), ("3.tsv", &march[1..])]).expect("good");
    assert!(
        remarks.contains("between files of the same markets: nothing recorded for 29 d 18 h"),
        "{remarks}"
    );
    let issues = prices_of(&[("1.tsv", january), ("2.tsv", &[("02-01T00", "0.02")])]);
    let issues = issues.expect_err("nothing is known of March");
    assert_eq!(issues.matches("has no price of the time of the run").count(), 2, "{issues}");
    // A market that was announced shortly before and changed no more.
    let (prices, remarks) = prices_of(&[("q.tsv", &[("02-29T21", "0.02")])]).expect("good");
    assert_eq!(prices, [(-3, 20)]);
    assert!(remarks.contains("the last ones hold"), "{remarks}");
}

#[test]
fn files_of_other_markets_make_up_for_nothing() {
    let folder = folder(&MARCH.replace("\"prices.tsv\"", "\"prices.tsv\", \"west.tsv\""));
    let west = |day: &str| {
        let row = format!("us-west-2a\tm3.medium\tLinux/UNIX\t0.01\t2016-{day}T00:00:00Z\n");
        folder.write("west.tsv", format!("az\ttype\tproduct\tprice\tts\n{row}").as_bytes());
        folder.load().map(|loaded| loaded.remarks.join("\n"))
    };
    let remarks = west("02-29").expect("good");
    assert!(remarks.contains("west.tsv: prices end at \"2016-02-29"), "{remarks}");
    let issues = west("01-29").expect_err("of another time");
    assert!(issues.contains("west.tsv has no price of the time of the run"), "{issues}");
}

#[test]
fn prices_that_are_missing_for_a_reason_are_told_once() {
    check(
        "\"prices.tsv\"",
        "\"missing.tsv\"",
        expect![[r#"
        error: missing.tsv: the file cannot be read: No such file or directory (os error 2)
         --> week.toml:8:29
          |
        8 | prices.recorded = { files = ["missing.tsv"] }
          |                             ^^^^^^^^^^^^^^^
        hint: paths are relative to the file they are written in
    "#]],
    );
    check(
        "regime = \"outbid\"",
        "regime = \"outbid\"\nzones = [\"us-esat-1a\"]",
        expect![[r#"
        error: no recorded price is of a zone in `zones`
         --> week.toml:7:9
          |
        7 | zones = ["us-esat-1a"]
          |         ^^^^^^^^^^^^^^
        hint: did you mean "us-east-1a"?
    "#]],
    );
    check(
        "start = 2016-03-01",
        "start = 2019-03-01",
        expect![[r#"
        error: prices.tsv has no price of the time of the run
         --> week.toml:8:29
          |
        8 | prices.recorded = { files = ["prices.tsv"] }
          |                             ^^^^^^^^^^^^^^ prices from "2016-02-28T23:00:00Z" to "2016-03-04T00:00:00Z"
        hint: set `replay_from`, for example to "2016-02-28T23:00:00Z"

        error: no recorded task lies in the run
          --> week.toml:12:27
           |
        12 | tasks.recorded = { file = "tasks.csv", queue = "linux" }
           |                           ^^^^^^^^^^^
        hint: the recording has tasks from "2016-02-29T23:00:00Z" to "2016-03-02T00:00:00Z": choose the run so, or set `replay_from`
    "#]],
    );
    let folder = folder(MARCH);
    let (_, rows) = PRICES.split_once('\n').expect("a header");
    folder.write("prices.tsv", rows.as_bytes());
    expect![[r#"
        error: prices.tsv: this is in no known format
         --> week.toml:8:29
          |
        8 | prices.recorded = { files = ["prices.tsv"] }
          |                             ^^^^^^^^^^^^^^
        hint: if these are spot prices, begin it with a header that calls its columns `az`, `type`, `product`, `price` and `ts`"#]].assert_eq(&folder.load().err().unwrap_or_default());
}

#[test]
fn a_fault_after_the_end_is_remarked() {
    let late = "[faults.late]\nfrom = \"2 d\"\nlength = \"1 h\"\nwhat = \"queue-down\"\n";
    let loaded = folder(&(MARCH.to_owned() + late)).load().expect("good");
    let remark = |remark: &&String| remark.starts_with("fault `late` begins after the end");
    assert_eq!(loaded.remarks.iter().filter(remark).count(), 1, "{:?}", loaded.remarks);
}

#[test]
fn what_a_terminal_would_obey_is_no_text() {
    let text = format!("description = \"\\u001b[31mred\"\n{MARCH}");
    let issues = folder(&text).load().expect_err("refused");
    assert!(issues.contains("`description` has the control character U+001B"), "{issues}");
    let named =
        format!("{MARCH}[faults.\"\\u001b[31mlate\"]\nfrom = \"2 d\"\nwhat = \"queue-down\"\n");
    let issues = folder(&named).load().expect_err("refused");
    assert!(issues.contains("a name in [faults] has the control character U+001B"), "{issues}");
    let lines =
        format!("description = \"\"\"one\r\n\ttwo\"\"\"\r\n{}", MARCH.replace('\n', "\r\n"));
    folder(&lines).load().expect("Windows' line ends and tabs are shown as they are");
}

#[test]
fn a_gap_that_another_file_fills_is_none() {
    let each_hour = |day: &str| {
        let day = day.to_owned();
        (0..24).map(move |hour| (format!("{day}T{hour:02}"), "0.02"))
    };
    let before = (20..30).flat_map(|day| each_hour(&format!("02-{day}")));
    let with_gap: Vec<_> = before.chain(each_hour("03-02")).collect();
    let (_, remarks) = prices_of(&[("a.tsv", &with_gap)]).expect("good");
    assert!(remarks.contains("a.tsv: nothing recorded for 1 d 1 h"), "{remarks}");
    let whole: Vec<_> = ["02-29", "03-01", "03-02"].into_iter().flat_map(each_hour).collect();
    let (_, remarks) = prices_of(&[("a.tsv", &with_gap), ("b.tsv", &whole)]).expect("good");
    assert!(!remarks.contains("nothing recorded"), "{remarks}");
}

#[test]
fn a_recording_is_replayed_from_where_it_is_told() {
    let text = MARCH
        .replace("start = 2016-03-01", "start = 2021-03-01T12:00:00Z")
        .replace("[\"prices.tsv\"] }", "[\"prices.tsv\"], replay_from = 2016-03-01 }")
        .replace("\"linux\" }", "\"linux\", replay_from = 2016-02-29T22:00:00Z }");
    let loaded = folder(&text).load().expect("a good scenario");
    let config = loaded.scenario.config(Seed(1));
    let since_start = |at: Time| at.ms() - config.start.ms();
    let tasks: Vec<_> = tasks(&loaded).iter().map(|task| since_start(task.submitted)).collect();
    assert_eq!(tasks, [3_600_000, 7_200_000]);
    let prices: Vec<_> =
        config.market.prices().iter().map(|change| since_start(change.at) / 3_600_000).collect();
    assert_eq!(prices, [-25, 1, 2]);
}

#[test]
fn a_recording_that_counts_from_its_beginning_begins_with_the_run() {
    let folder = folder(&MARCH.replace("tasks.csv\", queue = \"linux\"", "ci.dat\""));
    folder.write("ci.dat", &[0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0, 0, 1]);
    let tasks = tasks(&folder.load().expect("a good scenario"));
    let offsets: Vec<_> = tasks.iter().map(|task| task.submitted.ms() - start().ms()).collect();
    assert_eq!(offsets, [5, 256]);
}

#[test]
fn a_table_of_any_columns_is_read_by_their_names() {
    let columns = "{ submitted = \"at\", start = \"from\", end = \"to\", times = \"ms\" }";
    let file = format!("{{ file = \"any.csv\", columns = {columns} }}");
    let text = MARCH.replace("{ file = \"tasks.csv\", queue = \"linux\" }", &file);
    let folder = folder(&text);
    folder.write("any.csv", b"to,from,at\n1456790409000,1456790402000,1456790401000\n");
    let tasks = tasks(&folder.load().expect("a good scenario"));
    assert_eq!(tasks[0].duration, Duration::from_secs(7));
}

#[test]
fn a_changed_byte_of_an_input_is_another_scenario() {
    let hash = |folder: &Folder| folder.load().expect("good").scenario.hash().to_owned();
    let one = folder(MARCH);
    let before = hash(&one);
    assert_eq!(hash(&folder(MARCH)), before, "another folder is not another scenario");
    one.write("tasks.csv", TASKS.replace("2000", "2001").as_bytes());
    assert_ne!(hash(&one), before);
}

#[test]
fn availability_is_recorded_for_the_pools_it_is_stated_for() {
    let pools = "{ \"m3.medium/us-east-1a\" = \"grid\" }";
    let recorded = format!("availability.recorded = {{ file = \"grid.json\", pools = {pools} }}\n");
    let text = MARCH.replace("on_demand_files", &(recorded + "on_demand_files"));
    let one = folder(&text);
    one.write("grid.json", br#"{"metadata": {"gap_seconds": 600}, "data": [1, 1, 0]}"#);
    let config = one.load().expect("a good scenario").scenario.config(Seed(1));
    let changes = config.market.availability().iter().map(|change| {
        let pool = config.engine.catalog.pool_name(change.pool);
        ((change.at.ms() - start().ms()) / 1_000, pool, change.available)
    });
    let pool = "m3.medium/us-east-1a".to_owned();
    assert_eq!(changes.collect::<Vec<_>>(), [(0, pool.clone(), 1), (1_200, pool, 0)]);

    let one = folder(&text.replace("m3.medium/us-east-1a", "m3.medium/us-east-1c"));
    one.write("grid.json", br#"{"metadata": {"gap_seconds": 600}, "data": [1, 1, 0]}"#);
    expect![[r#"
        error: pool `m3.medium/us-east-1c` is not known
         --> week.toml:7:82
          |
        7 | …vailability.recorded = { file = "grid.json", pools = { "m3.medium/us-east-1c" = "grid" } }
          |                                                                                  ^^^^^^
        hint: did you mean "m3.medium/us-east-1a"?
    "#]].assert_eq(&(one.load().expect_err("no such pool") + "\n"));
}

#[test]
fn what_the_catalogues_do_not_have_is_left_out_or_refused() {
    let tables = "instance_types_file = \"types.tsv\"\nofferings_file = \"offers.tsv\"\n";
    let one = folder(&MARCH.replace("on_demand_files", &format!("{tables}on_demand_files")));
    let types = "type\tvcpus\tmem_mib\tarch\tgpus\tspot\n\
                 m3.medium\t1\t3840\tx86_64\t0\t1\n\
                 m3.large\t2\t7680\tx86_64\t0\t1\n";
    one.write("types.tsv", types.as_bytes());
    let offers = "region\taz\taz_or_azid\ttype\n\
                  us-east-1\tus-east-1a\tavailability-zone\tm3.medium\n\
                  us-east-1\tuse1-az1\tavailability-zone-id\tm3.large\n";
    one.write("offers.tsv", offers.as_bytes());
    expect![[r#"
        error: instance type `m3.large` is not offered in any of the worker type's zones
          --> week.toml:16:29
           |
        16 | instance_types."m3.large" = { capacity = 2 }
           |                             ^^^^^^^^^^^^^^^^
        hint: leave it out, or allow other zones
    "#]]
    .assert_eq(&(one.load().expect_err("it is not offered") + "\n"));
    one.write(
        "offers.tsv",
        offers
            .replace("use1-az1\tavailability-zone-id", "us-east-1b\tavailability-zone")
            .as_bytes(),
    );
    let loaded = one.load().expect("a good scenario");
    let config = loaded.scenario.config(Seed(1));
    assert_eq!(config.engine.catalog.pools().len(), 2);
    expect![[r#"
        prices.tsv: 1 repeat the price before (a row is not a change)
        1 of 2 pools have no price when the run begins, and are not used before their first
        tasks.csv: 2 tasks lie outside the run, left out
        2 pools are left out: not offered there (m3.large/us-east-1a, m3.medium/us-east-1b)
        on-demand prices of 2 pools are known since "2016-03-02T00:00:00Z" only, and taken for those before
    "#]].assert_eq(&(loaded.remarks.join("\n") + "\n"));
}

#[test]
fn missing_and_wrong_files_are_reported_where_they_are_named() {
    check(
        "\"tasks.csv\"",
        "\"task.csv\"",
        expect![[r#"
        error: task.csv: the file cannot be read: No such file or directory (os error 2)
          --> week.toml:12:27
           |
        12 | tasks.recorded = { file = "task.csv", queue = "linux" }
           |                           ^^^^^^^^^^
        hint: paths are relative to the file they are written in
    "#]],
    );
    check(
        "\"prices.tsv\"",
        "\"tasks.csv\"",
        expect![[r#"
        error: tasks.csv is not a file of spot prices
         --> week.toml:8:29
          |
        8 | prices.recorded = { files = ["tasks.csv"] }
          |                             ^^^^^^^^^^^^^
        hint: `provisioner import` says what is in it
    "#]],
    );
    let folder = folder(MARCH);
    folder.write(
        "tasks.csv",
        TASKS.replace(",2000,", ",-2000,").replace(",4000,", ",NaN,").as_bytes(),
    );
    folder.write("prices.tsv", b"");
    expect![[r#"
        error: prices.tsv: the file is empty
         --> week.toml:8:29
          |
        8 | prices.recorded = { files = ["prices.tsv"] }
          |                             ^^^^^^^^^^^^^^
        hint: fetch it again

        error: tasks.csv, line 3, column `duration_ms`: the number is negative: `-2000`
          --> week.toml:12:27
           |
        12 | tasks.recorded = { file = "tasks.csv", queue = "linux" }
           |                           ^^^^^^^^^^^

        error: tasks.csv, line 5, column `duration_ms`: not a plain decimal number: `NaN`
          --> week.toml:12:27
           |
        12 | tasks.recorded = { file = "tasks.csv", queue = "linux" }
           |                           ^^^^^^^^^^^
    "#]]
    .assert_eq(&(folder.load().expect_err("wrong files") + "\n"));
}

#[test]
fn recordings_of_another_time_queue_or_product_are_refused() {
    check(
        "start = 2016-03-01",
        "start = 2021-03-01",
        expect![[r#"
        error: prices.tsv has no price of the time of the run
         --> week.toml:8:29
          |
        8 | prices.recorded = { files = ["prices.tsv"] }
          |                             ^^^^^^^^^^^^^^ prices from "2016-02-28T23:00:00Z" to "2016-03-04T00:00:00Z"
        hint: set `replay_from`, for example to "2016-02-28T23:00:00Z"

        error: no recorded task lies in the run
          --> week.toml:12:27
           |
        12 | tasks.recorded = { file = "tasks.csv", queue = "linux" }
           |                           ^^^^^^^^^^^
        hint: the recording has tasks from "2016-02-29T23:00:00Z" to "2016-03-02T00:00:00Z": choose the run so, or set `replay_from`
    "#]],
    );
    check(
        "queue = \"linux\"",
        "queue = \"linus\"",
        expect![[r#"
        error: queue `linus` has no task
          --> week.toml:12:48
           |
        12 | tasks.recorded = { file = "tasks.csv", queue = "linus" }
           |                                                ^^^^^^^
        hint: did you mean "linux"?
    "#]],
    );
    check(
        "regime = \"outbid\"",
        "product = \"Linux\"",
        expect![[r#"
        error: there are no prices of product `Linux`
         --> week.toml:8:29
          |
        8 | prices.recorded = { files = ["prices.tsv"] }
          |                             ^^^^^^^^^^^^^^
        hint: set `product`: there are Linux/UNIX, Windows
    "#]],
    );
}

#[test]
fn a_type_needs_the_prices_that_its_placement_asks_for() {
    check(
        "\"m3.medium\"",
        "\"m3.mediun\"",
        expect![[r#"
            error: instance type `m3.mediun` has no price in any of the worker type's zones
              --> week.toml:13:30
               |
            13 | instance_types."m3.mediun" = {}
               |                              ^^
            hint: did you mean "m3.medium"?
        "#]],
    );
    check(
        "placement = \"cheapest\"\n",
        "placement = \"on-demand\"\ninstance_types.\"m4.large\" = {}\n",
        expect![[r#"
            error: instance type `m4.large` has no on-demand price
              --> week.toml:12:29
               |
            12 | instance_types."m4.large" = {}
               |                             ^^
            hint: did you mean "m3.large"?
        "#]],
    );
    let unpriced = MARCH.replace("on_demand_files = [\"od.tsv\"]\n", "");
    assert!(folder(&unpriced).load().is_ok(), "bids need no on-demand price");
    let weighted = unpriced.replace("\"cheapest\"", "\"weighted\"");
    expect![[r#"
        error: instance type `m3.medium` has no on-demand price
          --> week.toml:12:30
           |
        12 | instance_types."m3.medium" = {}
           |                              ^^
        hint: add "m3.medium" = "$0.085/h" under [market.on_demand], or a table to `on_demand_files`

        error: instance type `m3.large` has no on-demand price
          --> week.toml:13:29
           |
        13 | instance_types."m3.large" = { capacity = 2 }
           |                             ^^^^^^^^^^^^^^^^
        hint: add "m3.large" = "$0.085/h" under [market.on_demand], or a table to `on_demand_files`
    "#]]
    .assert_eq(&(folder(&weighted).load().expect_err("no on-demand price") + "\n"));
}
