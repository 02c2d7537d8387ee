//! Broken and odd files: each kind is an error that says where, or a counted warning.

use expect_test::expect;
use provisioner_sim::input::Priority;

use super::*;

const TASKS: &str = "submitted_ms,duration_ms,queue\n";
const PRICES: &str = "az\ttype\tproduct\tprice\tts\n";
const SWF: &str = "; UnixStartTime: 1400000000\n";

fn plain() -> Options {
    Options::default()
}

fn price_row(price: &str, at: &str) -> String {
    format!("us-east-1a\tm3.medium\tLinux/UNIX\t{price}\t{at}\n")
}

fn swf_row(submit: &str, run: &str, status: &str) -> String {
    format!("1 {submit} -1 {run} 1 -1 -1 -1 -1 -1 {status} 1 1 -1 0 -1 -1 -1\n")
}

fn json(price: &str, at: &str) -> String {
    format!(
        r#"{{"SpotPriceHistory": [{{"AvailabilityZone": "us-east-1a", "InstanceType": "m3.medium",
        "ProductDescription": "Linux/UNIX", "SpotPrice": "{price}", "Timestamp": "{at}"}}]}}"#
    )
}

#[test]
fn an_error_says_what_where_and_what_to_do() {
    let text = format!("{TASKS}1000,-5,a\n2000,NaN,a\nsoon,10,a\n3000,10\n");
    expect![[r#"
        error: the number is negative: `-5`
          --> tasks.csv:2, column `duration_ms`

        error: not a plain decimal number: `NaN`
          --> tasks.csv:3, column `duration_ms`

        error: not a plain decimal number: `soon`
          --> tasks.csv:4, column `submitted_ms`

        error: the line has 2 columns, the first 3
          --> tasks.csv:5
        hint: it may be cut, or lack quotes"#]]
    .assert_eq(&refused("tasks.csv", text.as_bytes(), &plain()));
}

#[test]
fn many_problems_are_shown_up_to_a_limit_and_counted() {
    let text = format!("{TASKS}{}", "1,x,a\n".repeat(70));
    let error = refused("tasks.csv", text.as_bytes(), &plain());
    assert_eq!(error.matches("error:").count(), error::SHOWN_MAX);
    assert!(error.ends_with("and 50 more problems in tasks.csv"), "{error}");
}

#[test]
fn findings_fit_a_terminal() {
    let rows = [
        price_row("0", "2015-03-11T10:34:42Z"),
        price_row("1001", "2015-03-11T10:34:43Z"),
        price_row("1001", "2015-03-11T10:34:43Z"),
        price_row("1002", "2015-03-11T10:34:43Z"),
        price_row("0.07", "2005-03-11T10:34:44Z"),
        price_row("0.07", "2999-03-11T10:34:44Z"),
    ];
    let text = format!("{PRICES}{}", rows.concat());
    let imported = import_from("prices.tsv", text.as_bytes(), &plain()).unwrap();
    expect![[r#"
        prices.tsv: spot prices (table)
          rows     6 read, 5 kept
          span     2005-03-11T10:34:44Z .. 2999-03-11T10:34:44Z (363051 d)
          markets  1
                       5  us-east-1a m3.medium Linux/UNIX
          warnings
                       1  left out: the same price of the same market at the same time
                       1  give a market another price at the same time (the later row holds)
                       1  earlier than the row before (sorted); first: line 6
                       1  prices are zero (kept: check the source); first: line 2
                       3  prices are above $1000/h (kept: check the unit); first: line 3
                       1  times are in the future (kept: check the unit); first: line 7
                       1  times are before 2006 (kept: check the unit); first: line 6
    "#]]
    .assert_eq(&imported.findings.to_string());
}

#[test]
fn an_empty_file_is_refused_in_every_format() {
    for &format in Format::ALL {
        let options = Options { format: Some(format), ..plain() };
        let error = refused("file", b"", &options);
        assert!(error.starts_with("error: the file is empty\n  --> file"), "{error}");
    }
}

#[test]
fn binary_noise_is_refused_in_every_format_but_plain_records() {
    let noise: Vec<u8> =
        (0..4000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    for &format in Format::ALL {
        if format != Format::FirefoxCi {
            let options = Options { format: Some(format), region: Some("r".into()), ..plain() };
            refused("noise", &noise, &options);
        }
    }
    refused("noise", &noise, &plain());
}

#[test]
fn a_wrong_header_names_the_nearest_column() {
    let options = Options { format: Some(Format::SpotPriceTable), ..plain() };
    let error = refused("prices.tsv", b"az\ttyp\tproduct\tprice\tts\n", &options);
    assert!(error.contains("there is no column `type`"), "{error}");
    assert!(error.contains("hint: the nearest is `typ`"), "{error}");
}

#[test]
fn a_truncated_file_is_refused_or_said_to_lack_its_line_end() {
    let cut = |text: &str| text.len() - 3;
    let prices = format!("{PRICES}{}", price_row("1", "2015-03-11T10:34:42Z"));
    refused("p.tsv", &prices.as_bytes()[..cut(&prices)], &plain());
    let json = json("1", "2015-03-11T10:34:42Z");
    assert!(refused("p.json", &json.as_bytes()[..cut(&json)], &plain()).contains("truncated"));
    refused("x.dat", &[0; 15], &plain());
    let swf = format!("{SWF}{}", swf_row("0", "5", "1"));
    refused("x.swf", &swf.as_bytes()[..cut(&swf)], &plain());
    let tasks = format!("{TASKS}1400000000000,5000,linux\n");
    assert_eq!(noted("t.csv", &tasks[..cut(&tasks)], NoteKind::NoLineEnd, &plain()), 1);
    refused("t.csv", &tasks.as_bytes()[..tasks.len() - 8], &plain());
    let windows =
        r#"{"env": "e", "trace": "t", "gap_seconds": 600, "start": 0, "unavailable": "01"}"#;
    refused("w.jsonl", &windows.as_bytes()[..cut(windows)], &plain());
    refused("fleet.csv", b"0,add,n1\n5,rem", &plain());
}

#[test]
fn tasks_that_cannot_be_used_are_refused_or_counted() {
    let row = |row: &str| format!("{TASKS}{row}\n");
    for bad in [
        "NaN,1,a",
        "-1,1,a",
        "1,1e9,a",
        "1,99999999999999999999,a",
        "1,3162240000001,a",
        "253402300800000,1,a",
        "1,1,",
        "1,1,a\u{1}",
    ] {
        refused("t.csv", row(bad).as_bytes(), &plain());
    }
    let now = Options { now: Some(time("2026-01-01")), ..plain() };
    for (odd, kind) in [
        ("1400000000000,0,a", NoteKind::ZeroDuration),
        ("1400000000000,2592000001,a", NoteKind::LongDuration),
        ("1800000000000,1,a", NoteKind::Future),
        ("1400000000,1,a", NoteKind::BeforeEc2),
        ("1400000000000,1.5,a", NoteKind::RoundedTime),
        (",1,a", NoteKind::NotSubmitted),
        ("1400000000000,,a", NoteKind::NeverRan),
        ("1400000000000,1,a\n1400000000000,1,a", NoteKind::EqualTask),
        ("1400000000000,1,a\n1400000000000,1,a ", NoteKind::BlankAround),
        ("1400000000001,1,a\n1400000000000,1,a\n1400000000009,1,a", NoteKind::OutOfOrder),
        ("1400000000001,1,a\n1400000000000,1,a", NoteKind::NewestFirst),
    ] {
        let count = noted("t.csv", &row(odd), kind, &now);
        assert!(count > 0, "{odd} is not noted as {kind:?}");
    }
    let full = "submitted_ms,duration_ms,queue,priority,deadline_ms,retries\n";
    let row = |row: &str| format!("{full}{row}\n");
    assert_eq!(
        noted("t.csv", &row("1400000000000,1,a,high,5,0"), NoteKind::DeadlinePassed, &now),
        1
    );
    for bad in ["1,1,a,urgent,,", "1,1,a,,,256", "1,1,a,,x,", "1,1,a,,,0.5"] {
        refused("t.csv", row(bad).as_bytes(), &plain());
    }
    let ends_early = "submit,start,end,platform\n5,9,8,linux\n";
    assert!(
        refused("t.csv", ends_early.as_bytes(), &plain()).contains("the end is before the start")
    );
    let starts_early = "submit,start,end,platform\n1400000005,1400000003,1400000008,linux\n";
    assert_eq!(noted("t.csv", starts_early, NoteKind::StartedEarly, &plain()), 1);
}

#[test]
fn columns_can_be_told_and_a_wrong_one_is_refused() {
    let run = Run::Duration("secs".into(), Unit::Seconds);
    let columns = TaskColumns::of("born".into(), run, Unit::Text);
    let options = Options { columns: Some(columns), queue: Some("q".into()), ..plain() };
    let text = "secs;x\tborn\n1.25\t2020-01-01 00:00:00+01:00\n";
    let error = refused("t.tsv", text.as_bytes(), &options);
    assert!(error.contains("no column `secs`"), "{error}");
    let imported = import_from("t.tsv", text.replace(";x", "").as_bytes(), &options).unwrap();
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    assert_eq!(trace.queues, ["q"]);
    let task = trace.tasks.iter().next().unwrap();
    assert_eq!(task.submitted, time("2019-12-31T23:00:00Z"));
    assert_eq!(task.duration, Duration::from_ms(1_250));
}

#[test]
fn text_in_another_dress_is_read_or_told_what_to_do() {
    let tasks = format!("{TASKS}1400000000000,5000,linux\n");
    let price = json("1", "2015-03-11T10:34:42Z");
    for (name, text) in [("t.csv", &tasks), ("p.json", &price)] {
        let marked = format!("\u{feff}{text}");
        let read = |text: &str| import_from(name, text.as_bytes(), &plain()).unwrap().trace;
        assert!(read(&marked) == read(text), "{name} with a byte order mark");
        let wide: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = refused(name, &wide, &plain());
        assert!(error.contains("UTF-16") && error.contains("iconv"), "{error}");
        // A frame to be passed over, as parallel packers write them.
        let skipped = b"\x50\x2a\x4d\x18\x04\0\0\0abcd";
        let packed = [&skipped[..], &zstd::encode_all(text.as_bytes(), 1).unwrap()].concat();
        assert!(import_from(name, &packed[..], &plain()).unwrap().trace == read(text));
    }
    for (packed, said) in [
        (&b"PK\x03\x04\x14\0"[..], "packed with zip"),
        (b"\xfd7zXZ\0\0", "packed with xz"),
        (b"BZh91AY&SY", "packed with bzip2"),
    ] {
        assert!(refused("t.csv", packed, &plain()).contains(said));
    }
    let old = tasks.replace('\n', "\r");
    expect![[r#"
        error: lines end in a carriage return alone
          --> t.csv:1
        hint: write line ends as `\n`, for example with `tr '\r' '\n'`"#]]
    .assert_eq(&refused("t.csv", old.as_bytes(), &plain()));
    let swf = format!("{SWF}{}", swf_row("0", "5", "1")).replace('\n', "\r");
    refused("x.swf", swf.as_bytes(), &plain());
    let quoted = "\"submitted_ms\"\t\"duration_ms\"\t\"queue\"\n1400000000000\t5\t\"a b\"\n";
    let imported = import_from("t.tsv", quoted.as_bytes(), &plain()).unwrap();
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    assert_eq!(trace.queues, ["a b"]);
    // Elsewhere quotes between tabs are what they look like.
    let inches = "submitted_ms\tduration_ms\tqueue\n1400000000000\t5\t\"a\n1400000000001\t5\t\"\n";
    let imported = import_from("t.tsv", inches.as_bytes(), &plain()).unwrap();
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    assert_eq!(trace.queues, ["\"a", "\""]);
}

#[test]
fn prices_in_a_form_that_is_not_read_say_how_to_fetch_them() {
    let row = r#"{"AvailabilityZone": "z", "InstanceType": "t", "SpotPrice": "1"}"#;
    for text in [
        format!("[{row}]"),
        row.to_owned(),
        "SpotPriceHistory:\n- AvailabilityZone: z\n  InstanceType: t\n  SpotPrice: '1'\n".into(),
        "------\n|  DescribeSpotPriceHistory  |\n| SpotPrice |\n".into(),
    ] {
        let error = refused("p.txt", text.as_bytes(), &plain());
        assert!(error.contains("--output json") && error.contains("without `--query`"), "{error}");
    }
    let notes = "SpotPrice,InstanceType,what\n1,2,3\n";
    assert!(refused("n.csv", notes.as_bytes(), &plain()).contains("`columns` says which is what"));
    let tasks = "1,2020-01-01T00:00:00Z,3.5,linux,5\n";
    assert!(refused("t.csv", tasks.as_bytes(), &plain()).contains("header=no"));
    let failed = "An error occurred (UnauthorizedOperation) when calling …\n";
    assert!(refused("p.json", failed.as_bytes(), &plain()).contains("an error of AWS"));
}

#[test]
fn text_is_never_taken_for_binary_records() {
    let text = "id,submit,what\n1,1600000000,Universität\n";
    let error = refused("jobs.dat", &text.as_bytes()[..text.len() & !7], &plain());
    assert!(error.contains("no known format"), "{error}");
    let latin_1: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let options = Options { format: Some(Format::FirefoxCi), ..plain() };
    assert!(refused("jobs.dat", &latin_1, &options).contains("this is text"));
    let tasks = format!("{TASKS}1400000000000,5000,linux\n");
    assert_eq!(import_from("t.dat", tasks.as_bytes(), &plain()).unwrap().findings.kept, 1);
}

#[test]
fn what_is_said_twice_and_not_the_same_is_refused() {
    let said = |name: &str, text: &str| refused(name, text.as_bytes(), &plain());
    let columns = "submitted_ms,duration_ms,duration_ms\n1400000000000,5,6\n";
    assert!(said("t.csv", columns).contains("two columns `duration_ms`"));
    let types = "type\tvcpus\tmem_mib\tarch\tgpus\tspot\nm\t2\t1\ta\t0\t1\nm\t4\t1\ta\t0\t1\n";
    assert!(said("it.tsv", types).contains("a row before says something else of this: `m`"));
    let info = |vcpus: u32| {
        format!(
            r#"{{"InstanceTypes": [{{"InstanceType": "m", "VCpuInfo": {{"DefaultVCpus": {vcpus}}},
            "MemoryInfo": {{"SizeInMiB": 1}}, "ProcessorInfo": {{"SupportedArchitectures": []}},
            "SupportedUsageClasses": ["spot"]}}]}}"#
        )
        .replace("[]", "[\"x86_64\"]")
    };
    assert!(said("it.json", &(info(2) + &info(64))).contains("says something else"));
    assert_eq!(noted("it.json", &(info(2) + &info(2)), NoteKind::DuplicateRow, &plain()), 1);
    let window =
        r#"{"zone": "z", "window": 0, "gap_seconds": 60, "start": 0, "unavailable": "01"}"#;
    assert!(said("w.jsonl", &format!("{window}\n{window}\n")).contains("`z/0` has a line before"));
    let [one, two] = ["1400000000", "1500000000"]
        .map(|at| format!("; unixstarttime: {at} (a date)\n{}", swf_row("0", "5", "1")));
    expect![[r#"
        error: the log starts at 2014-05-13T16:53:20Z, and here again at 2017-07-14T02:40:00Z
          --> x.swf:3
        hint: these are several logs: import each from a file of its own"#]]
    .assert_eq(&said("x.swf", &format!("{one}{two}")));
    assert_eq!(
        import_from("x.swf", (one.clone() + &one).as_bytes(), &plain()).unwrap().findings.kept,
        2
    );
    let stated = Options { start: Some(time("2020-01-01")), ..plain() };
    assert!(refused("x.swf", (one + &two).as_bytes(), &stated).contains("here again"));
    let ms = SWF.replace("1400000000", "1400000000000");
    assert!(said("x.swf", &ms).contains("not seconds since 1970"));
    let unknown = SWF.replace("1400000000", "-1") + &swf_row("0", "5", "1");
    assert!(said("x.swf", &unknown).contains("does not say when the log starts"));
    assert_eq!(noted("x.swf", &unknown, NoteKind::BeforeEc2, &stated), 0);
}

#[test]
fn tasks_without_a_queue_are_of_the_one_that_is_stated() {
    let text = format!("{TASKS}1400000000000,5,\n1400000000000,6,a\n");
    let options = Options { queue: Some("rest".into()), ..plain() };
    let imported = import_from("t.csv", text.as_bytes(), &options).unwrap();
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    assert_eq!(trace.queues, ["rest", "a"]);
    assert!(refused("t.csv", text.as_bytes(), &plain()).contains("hint: `import --queue` says"));
}

#[test]
fn numbers_that_are_too_large_are_said_to_be_of_a_finer_unit() {
    for (unit, at, hint) in [
        (Unit::Seconds, "1577836800000", "state `unit=ms`"),
        (Unit::Millis, "1577836800000000", "state `unit=us`"),
        (Unit::Micros, "1577836800000000000", "last three digits"),
    ] {
        let run = Run::Duration("ran".into(), unit);
        let columns = Some(TaskColumns::of("born".into(), run, unit));
        let text = format!("born,ran\n{at},1\n");
        let error = refused("t.csv", text.as_bytes(), &Options { columns, ..plain() });
        assert!(error.contains(hint), "{error}");
    }
    let text = "submitted_ms,duration_ms,queue,retries\n1400000000000,1,a,300\n";
    assert!(!refused("t.csv", text.as_bytes(), &plain()).contains("hint"));
}

#[test]
fn durations_may_be_written_as_clocks_do() {
    let columns = |unit| {
        let run = Run::Duration("took".into(), unit);
        Some(TaskColumns::of("born".into(), run, Unit::Text))
    };
    let options = Options { columns: columns(Unit::Text), queue: Some("q".into()), ..plain() };
    let text = "born,took\n2020-01-01 00:00:00Z,00:10:05\n2020-01-01 00:00:01Z,1-00:00:00.0004\n";
    let imported = import_from("t.csv", text.as_bytes(), &options).unwrap();
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    let durations: Vec<i64> = trace.tasks.iter().map(|task| task.duration.ms()).collect();
    assert_eq!(durations, [605_000, 86_400_000]);
    assert_eq!(noted("t.csv", text, NoteKind::RoundedTime, &options), 1);
    expect![[r#"
        error: not a length of time like `00:10:05` or `1-02:03:04`: `605`
          --> t.csv:2, column `took`
        hint: for numbers state `duration_unit` as s, ms or us"#]]
    .assert_eq(&refused("t.csv", b"born,took\n2020-01-01,605\n", &options));
    let seconds = Options { columns: columns(Unit::Seconds), ..options };
    let error = refused("t.csv", text.as_bytes(), &seconds);
    assert!(error.contains("for such durations state `duration_unit=text`"), "{error}");
}

#[test]
fn columns_of_a_table_without_a_header_have_numbers() {
    let run = |end: &str| Run::StartEnd("3".into(), end.into());
    let columns = |end| TaskColumns {
        header: false,
        queue: Some("1".into()),
        relative: true,
        ..TaskColumns::of("2".into(), run(end), Unit::Seconds)
    };
    let options = |end| Options { columns: Some(columns(end)), ..plain() };
    let text = "\"a,b\",86400,86460,86520\nc,86401,86402,86405\n";
    let imported = import_from("t.csv", text.as_bytes(), &options("4")).unwrap();
    assert_eq!((imported.findings.rows, imported.findings.kept), (2, 2));
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    assert_eq!(trace.queues, ["a,b", "c"]);
    let durations: Vec<i64> = trace.tasks.iter().map(|task| task.duration.ms()).collect();
    assert_eq!(durations, [60_000, 3_000]);
    let named_otherwise = import_from("t.dat", text.as_bytes(), &options("4")).unwrap();
    assert_eq!(named_otherwise.findings.kept, 2);
    let marked = format!("\u{feff}{text}");
    let imported = import_from("t.csv", marked.as_bytes(), &options("4")).unwrap();
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    assert_eq!(trace.queues, ["a,b", "c"], "a byte order mark is no part of a cell");
    expect![[r#"
        error: there is no column `5`
          --> t.csv:1
        hint: without a header they are called 1 to 4"#]]
    .assert_eq(&refused("t.csv", text.as_bytes(), &options("5")));
    let error = refused("t.csv", format!("{text}d,1\n").as_bytes(), &options("4"));
    assert!(error.contains("the line has 2 columns, the first 4\n  --> t.csv:3"), "{error}");
    assert!(refused("t.csv", b"", &options("4")).contains("empty"));
    let error = refused("t.csv", text.as_bytes(), &plain());
    assert!(error.contains("header=no,submitted="), "{error}");
}

#[test]
fn microseconds_are_rounded_and_said_to_be() {
    let run = Run::Duration("ran".into(), Unit::Micros);
    let columns = TaskColumns::of("born".into(), run, Unit::Micros);
    let options = Options { columns: Some(columns), queue: Some("q".into()), ..plain() };
    let text = "born,ran\n1577836800000499,1500\n1577836800000500,2000\n";
    let imported = import_from("t.csv", text.as_bytes(), &options).unwrap();
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    let tasks = trace.tasks.iter().map(|task| (task.submitted, task.duration.ms()));
    let at = |ms| time("2020-01-01T00:00:00Z") + Duration::from_ms(ms);
    assert_eq!(tasks.collect::<Vec<_>>(), [(at(0), 2), (at(1), 2)]);
    assert_eq!(noted("t.csv", text, NoteKind::RoundedTime, &options), 3);
    let run = Run::Duration("ran".into(), Unit::Millis);
    let millis = TaskColumns::of("born".into(), run, Unit::Millis);
    let error = refused("t.csv", text.as_bytes(), &Options { columns: Some(millis), ..options });
    assert!(
        error.contains("too large: `1577836800000499`") && error.contains("unit=us"),
        "{error}"
    );
}

#[test]
fn a_table_of_unknown_columns_is_told_what_to_say_of_them() {
    let text = "id,created,begun,ended\n1,1700000000,1700000010,1700000020\n";
    let error = refused("jobs.csv", text.as_bytes(), &plain());
    expect![[r#"
        hint: if it is a table of tasks, `columns` says which is what, as `submitted=…,start=…,end=…` or `submitted=…,duration=…`: it has `id`, `created`, `begun`, `ended`"#]]
    .assert_eq(error.lines().last().unwrap().split("; otherwise ").next().unwrap());
    let noise = refused("x.bin", b"\x01,\x02\n", &plain());
    assert!(!noise.contains("columns"), "{noise}");
}

#[test]
fn tables_are_read_whatever_stands_between_their_cells() {
    let table = "submitted_ms,duration_ms,queue\n1700000000000,5,\"a,;|b\"\n";
    for delimiter in [",", ";", "\t", "|"] {
        let (quote, name) = if ",;".contains(delimiter) { ("\"", "a,;|b") } else { ("", "a b") };
        let text = table.replace("\"a,;|b\"", "@").replace(',', delimiter);
        let text = text.replace('@', &format!("{quote}{name}{quote}"));
        let imported = import_from("t.txt", text.as_bytes(), &plain()).unwrap();
        let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
        assert_eq!(trace.queues, [name], "{text}");
    }
}

#[test]
fn swf_jobs_without_times_are_counted_by_reason() {
    let row = |submit, run, status| format!("{SWF}{}", swf_row(submit, run, status));
    for (text, kind) in [
        (row("-1", "5", "1"), NoteKind::NotSubmitted),
        (row("0", "-1", "1"), NoteKind::NeverRan),
        (row("0", "0", "5"), NoteKind::Cancelled),
        (row("0", "5", "3"), NoteKind::PartialRecord),
        (row("0", "0", "1"), NoteKind::ZeroDuration),
    ] {
        assert_eq!(noted("x.swf", &text, kind, &plain()), 1, "{kind:?}");
    }
    for (submit, run) in [("0", "-2"), ("NaN", "5"), ("0", "x")] {
        refused("x.swf", row(submit, run, "1").as_bytes(), &plain());
    }
    let headless = swf_row("0", "5", "1");
    assert!(refused("x.swf", headless.as_bytes(), &plain()).contains("does not say when"));
    let start = Options { start: Some(Time::from_ms(1_400_000_000_000)), ..plain() };
    assert_eq!(noted("x.swf", &headless, NoteKind::BeforeEc2, &start), 0);
}

/// The forms in which a price can be given, each as a file's name and text.
fn forms(price: &str, at: &str) -> [(&'static str, String); 5] {
    let row = price_row(price, at);
    let api = "AvailabilityZone,InstanceType,ProductDescription,SpotPrice,Timestamp\n";
    let with_id = row.replace("1a\t", "1a\tuse1-az4\t");
    [
        ("p.tsv", format!("{PRICES}{row}")),
        ("p.csv", format!("{api}{}", row.replace('\t', ","))),
        ("p.json", json(price, at)),
        ("p.txt", format!("SPOTPRICEHISTORY\t{row}")),
        ("p.txt", format!("SPOTPRICEHISTORY\t{with_id}")),
    ]
}

#[test]
fn prices_that_cannot_be_are_refused_or_counted_in_each_form() {
    let table = |price: &str, at: &str| format!("{PRICES}{}", price_row(price, at));
    let sane = "2015-03-11T10:34:42Z";
    for (price, at) in
        [("NaN", sane), ("-1", sane), ("", sane), ("1", "2015-02-30T00:00:00Z"), ("1", "")]
    {
        for (name, text) in forms(price, at) {
            refused(name, text.as_bytes(), &plain());
        }
    }
    for (price, at, kind) in [
        ("0", sane, NoteKind::ZeroPrice),
        ("1000.5", sane, NoteKind::HugePrice),
        ("0.0000005", sane, NoteKind::RoundedPrice),
        ("1", "2999-01-01T00:00:00Z", NoteKind::Future),
        ("1", "1999-01-01T00:00:00Z", NoteKind::BeforeEc2),
        ("1", "2015-03-11 10:34:42", NoteKind::LocalTime),
    ] {
        for (name, text) in forms(price, at) {
            assert_eq!(noted(name, &text, kind, &plain()), 1, "{kind:?}");
        }
    }
    let known_types = Some(["c5.large".to_owned()].into());
    let known = Options { known_types, ..plain() };
    assert_eq!(noted("p.tsv", &table("1", sane), NoteKind::UnknownType, &known), 1);
    let ids = table("1", sane).replace("us-east-1a", "use1-az4");
    assert_eq!(noted("p.tsv", &ids, NoteKind::ZoneId, &plain()), 1);
}

#[test]
fn a_price_is_the_same_in_each_form() {
    let read = |(name, text): (&str, String)| {
        import_from(name, text.as_bytes(), &plain()).unwrap_or_else(|error| panic!("{error}")).trace
    };
    let [first, others @ ..] = forms("0.0321", "2021-03-01T00:00:00+00:00").map(read);
    assert!(matches!(&first, Trace::Prices(trace) if trace.changes.len() == 1));
    others.iter().for_each(|other| assert_eq!(*other, first));
}

#[test]
fn text_output_may_have_more_pages_and_cut_lines() {
    let [.., (name, text), _] = forms("1", "2021-03-01T00:00:00Z");
    let paged = format!("{text}NEXTTOKEN\tabc=\n");
    assert_eq!(noted(name, &paged, NoteKind::MorePages, &plain()), 1);
    expect![[r#"
        error: the line has 3 columns, a price 6 or 7
          --> p.txt:2
        hint: it may be cut"#]]
    .assert_eq(&refused(name, format!("{text}{}\n", &text[..30]).as_bytes(), &plain()));
}

#[test]
fn a_date_where_a_number_was_announced_says_how_to_announce_it() {
    let text = format!("{TASKS}2021-03-01T00:00:00Z,5000,linux\n");
    expect![[r#"
        error: not a plain decimal number: `2021-03-01T00:00:00Z`
          --> t.csv:2, column `submitted_ms`
        hint: for such times state `unit=text`, in a scenario `times = "text"`"#]]
    .assert_eq(&refused("t.csv", text.as_bytes(), &plain()));
}

#[test]
fn a_json_problem_has_the_line_of_its_row() {
    let sound = json("1", "2015-03-11T10:34:42Z");
    let text = format!("{sound}\n{}\n", sound.replace("\"1\"", "\"-1\""));
    let error = refused("p.json", text.as_bytes(), &plain());
    assert!(error.starts_with("error: the number is negative: `-1`\n  --> p.json:4"), "{error}");
    let next = sound.replace("}]}", r#"}], "NextToken": "abc"}"#);
    assert_eq!(noted("p.json", &next, NoteKind::MorePages, &plain()), 1);
    assert_eq!(noted("p.json", &format!("{next}{sound}"), NoteKind::MorePages, &plain()), 0);
    refused("p.json", format!("{sound}]").as_bytes(), &plain());
}

#[test]
fn availability_that_cannot_be_is_refused_or_counted() {
    let grid = |gap: &str, data: &str| {
        format!(r#"{{"metadata": {{"gap_seconds": {gap}}}, "data": {data}}}"#)
    };
    for (gap, data) in [
        ("0", "[1]"),
        ("-5", "[1]"),
        ("1e300", "[1]"),
        ("60", "[-1]"),
        ("60", "[NaN]"),
        ("60", "[0.5]"),
    ] {
        refused("g.json", grid(gap, data).as_bytes(), &plain());
    }
    assert_eq!(noted("g.json", &grid("60", "[]"), NoteKind::EmptyList, &plain()), 1);
    assert_eq!(noted("g.json", &grid("60", "[1,0]"), NoteKind::RelativeTime, &plain()), 2);
    let window = |start: &str, ticks: &str| {
        format!(
            r#"{{"zone": "z", "window": 1, "gap_seconds": 60, "start": {start}, "unavailable": "{ticks}"}}"#
        )
    };
    for (start, ticks) in [("-1", "01"), ("\"soon\"", "01"), ("0.5", "01"), ("0", "012")] {
        refused("w.jsonl", window(start, ticks).as_bytes(), &plain());
    }
    for bad in ["x,add,n", "-5,add,n", "5,join,n", "5,add,"] {
        refused("f.csv", format!("0,add,n0\n{bad}\n").as_bytes(), &plain());
    }
    assert_eq!(noted("f.csv", "0,add,n\n1,add,n\n", NoteKind::AddedTwice, &plain()), 1);
    assert_eq!(noted("f.csv", "0,add,n\n1,remove,m\n", NoteKind::RemovedUnknown, &plain()), 1);
    refused("a.tar", &[b"x".repeat(257), b"ustar\x0000".to_vec(), vec![0; 900]].concat(), &plain());
}

#[test]
fn catalogue_cells_are_checked() {
    for (name, text) in [
        ("od.tsv", "date\tregion\ttype\tos\tusd_hr\n2015-01-01\tr\tt\tlinux\t-1\n"),
        ("od.tsv", "date\tregion\ttype\tos\tusd_hr\nthen\tr\tt\tlinux\t1\n"),
        ("od.tsv", "date\ttype\tod_usd_hr\n2015-01-01\tt\t1\n"),
        ("it.tsv", "type\tvcpus\tmem_mib\tarch\tgpus\tspot\nt\t-2\t1\ta\t0\t1\n"),
        ("it.tsv", "type\tvcpus\tmem_mib\tarch\tgpus\tspot\nt\t2\t1\ta\t0\tyes\n"),
        ("it.tsv", "type\tvcpus\tmem_mib\tarch\tgpus\tspot\nt\t0\t1\ta\t0\t1\n"),
        ("az.tsv", "region\taz\taz_or_azid\ttype\nr\tz\tletter\tt\n"),
        ("ad.json", r#"{"spot_advisor": {"r": {"Linux": {"t": {"r": 5, "s": 1}}}}}"#),
    ] {
        refused(name, text.as_bytes(), &plain());
    }
    let twice =
        "region\taz\taz_or_azid\ttype\nr\tz\tavailability-zone\tt\nr\tz\tavailability-zone\tt\n";
    assert_eq!(noted("az.tsv", twice, NoteKind::DuplicateRow, &plain()), 1);
}

#[test]
fn a_newer_or_damaged_canonical_file_is_refused() {
    let text = format!("{TASKS}1400000000000,5,a\n1400000000009,6,b\n");
    let trace = import_from("t.csv", text.as_bytes(), &plain()).unwrap().trace;
    let mut bytes = Vec::new();
    canonical::write(&trace, &mut bytes).unwrap();
    assert!(canonical::read("t", bytes.as_slice()).unwrap() == trace);
    let mut newer = bytes.clone();
    newer[8] = 3;
    expect![[r#"
        error: the trace has version 3; this program reads up to 2
          --> t, byte 10
        hint: update this program, or import the original file again"#]]
    .assert_eq(&refused("t", &newer, &plain()));
    assert!(refused("t", &bytes[..bytes.len() - 1], &plain()).contains("truncated"));
    let longer = [&bytes[..], b"x"].concat();
    assert!(refused("t", &longer, &plain()).contains("something follows its end"));
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        refused("t", &damaged, &plain());
    }
}

/// As version 1 wrote it: the durations, which need three bytes, have four.
#[test]
fn a_canonical_file_of_version_1_is_still_read() {
    let old = b"\x89pTrace\n\x01\0\x01\x06\x03\0\0\0\0\0\0\0\x03\0\0\0\
        \x10\0\0\0gecko-t/linux-19\x0f\0\0\0gecko-t/linux-1\x10\0\0\0gecko-t/linux-41\
        )\"\x90[\xfe\xf5A\xc8\0\x80n\x87t\x01\0\0\x02Y\x94\r\0\0\0\0\0\x04\
        \xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0\0\0\0\0\0\0\x01\x06\0\0\0\0\0\0\0\0\
        \x05\0\0\0\0\0\0\0\0\0\0f\x0bG\x10\xd4-\x10\0\xbd\xbb\x08\0\0\0\0\0\0\x01\x02\
        +\xf2Q\r\xbf\x03\x9e\xf8";
    let csv = format!(
        "{TASKS}1600000000000,1950253,gecko-t/linux-19\n1600000002918,1462294,gecko-t/linux-1\n\
         1600000004167,889945,gecko-t/linux-41\n"
    );
    let expected = import_from("t.csv", csv.as_bytes(), &plain()).unwrap().trace;
    let read = canonical::read("t", old.as_slice()).unwrap();
    assert!(read == expected);
    let [read, expected] = [read, expected].map(|trace| {
        let mut bytes = Vec::new();
        canonical::write(&trace, &mut bytes).unwrap();
        bytes
    });
    assert_eq!(read, expected);
}

/// Files that are whole, and could only come from another program.
#[test]
fn canonical_tasks_that_cannot_be_are_refused() {
    let sound = TaskRow {
        submitted: Time::from_ms(1_400_000_000_000),
        duration: hours(1),
        deadline: Time::MAX,
        queue: 0,
        priority: Priority::default(),
        retries: 5,
    };
    let said = |odd: TaskRow, at: usize| {
        let mut tasks = vec![sound; 5_000];
        tasks[at] = odd;
        let trace = TaskTrace { queues: vec!["a".to_owned()], tasks: tasks.into_iter().collect() };
        let mut bytes = Vec::new();
        canonical::write(&Trace::Tasks(trace), &mut bytes).unwrap();
        import_from("t", bytes.as_slice(), &plain()).map_err(|error| error.to_string())
    };
    let submitted = sound.submitted - hours(1);
    // In the middle, and at the edges of what is decoded together.
    for at in [1, 255, 256, 4_095, 4_096, 4_999] {
        let unknown = said(TaskRow { queue: 1, ..sound }, at).unwrap_err();
        assert!(unknown.contains("a number is out of range"), "{unknown}");
        let negative = said(TaskRow { duration: Duration::from_ms(-1), ..sound }, at).unwrap_err();
        assert!(negative.contains("a number is out of range"), "{negative}");
        let earlier = said(TaskRow { submitted, ..sound }, at).unwrap_err();
        assert!(earlier.contains("time goes back"), "{earlier}");
        assert!(said(TaskRow { duration: hours(2), ..sound }, at).is_ok());
    }
}
