//! What other programs export, as they write it: Taskcluster's queue, Slurm, the AWS command line.

use expect_test::expect;
use provisioner_engine::units::UsdPerHour;
use provisioner_sim::input::Priority;

use super::*;

/// A run of a Taskcluster task: why it was made, its state, how it ended, and when it was scheduled,
/// started and resolved, as minutes after 10:00.
type Run<'a> = (&'a str, &'a str, &'a str, [Option<u8>; 3]);

fn status(id: &str, runs: &[Run<'_>]) -> String {
    let run = |(id, (created, state, ended, times)): (usize, &Run<'_>)| {
        let names = ["scheduled", "started", "resolved"].iter().zip(times);
        let times: String = names
            .filter_map(|(name, at)| {
                at.map(|at| format!(r#", "{name}": "2026-11-02T10:{at:02}:00.250Z""#))
            })
            .collect();
        let ended = match ended.is_empty() {
            true => String::new(),
            false => format!(r#", "reasonResolved": "{ended}""#),
        };
        format!(
            r#"{{"runId": {id}, "state": "{state}", "reasonCreated": "{created}"{ended}{times}}}"#
        )
    };
    let runs: Vec<_> = runs.iter().enumerate().map(run).collect();
    format!(
        r#"{{"taskId": "{id}", "provisionerId": "proj", "workerType": "linux", "taskQueueId": "proj/linux",
        "schedulerId": "-", "projectId": "none", "taskGroupId": "group", "deadline": "2026-11-03T10:00:00.000Z",
        "expires": "2027-11-02T10:00:00.000Z", "retriesLeft": 5, "state": "completed", "runs": [{}]}}"#,
        runs.join(",\n")
    )
}

fn page(tasks: &[String], rest: &str) -> String {
    let task = r#"{"priority": "low", "retries": 2, "payload": {}, "deadline": "2026-11-03T10:00:00.000Z"}"#;
    let tasks: Vec<_> =
        tasks.iter().map(|status| format!(r#"{{"status": {status}, "task": {task}}}"#)).collect();
    format!(r#"{{"taskGroupId": "group", "tasks": [{}]{rest}}}"#, tasks.join(",\n")) + "\n"
}

const DONE: [Option<u8>; 3] = [Some(0), Some(5), Some(20)];

/// The tasks of a text: submitted (minutes after 10:00:00.250), how long they ran (minutes).
fn minutes(text: &str) -> Vec<(i64, i64)> {
    let imported = import_from("tasks.json", text.as_bytes(), &Options::default());
    let Trace::Tasks(trace) = imported.unwrap_or_else(|error| panic!("{error}")).trace else {
        panic!("tasks");
    };
    assert_eq!(trace.queues, ["proj/linux"]);
    let start = time("2026-11-02T10:00:00.250Z");
    let minutes = |duration: Duration| duration.ms() / 60_000;
    trace.tasks.iter().map(|t| (minutes(t.submitted.since(start)), minutes(t.duration))).collect()
}

#[test]
fn a_task_group_is_read_with_what_its_definitions_say() {
    let text = page(&[status("a", &[("scheduled", "completed", "completed", DONE)])], "");
    let imported = import_from("tasks.json", text.as_bytes(), &Options::default()).unwrap();
    assert_eq!(imported.findings.format, Format::Taskcluster);
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    let task = trace.tasks.iter().next().unwrap();
    assert_eq!(task.submitted, time("2026-11-02T10:00:00.250Z"));
    assert_eq!(task.duration, Duration::from_mins(15));
    assert_eq!(task.deadline, time("2026-11-03T10:00:00Z"));
    assert_eq!((task.priority, task.retries), (Priority::Low, 2));
}

#[test]
fn runs_lost_with_their_worker_are_one_task_and_reruns_are_tasks() {
    let lost = ("scheduled", "exception", "claim-expired", [Some(0), Some(1), Some(21)]);
    let retry = ("retry", "completed", "completed", [Some(21), Some(25), Some(35)]);
    let rerun = ("rerun", "failed", "failed", [Some(40), Some(41), Some(44)]);
    assert_eq!(minutes(&page(&[status("a", &[lost, retry, rerun])], "")), [(0, 10), (40, 3)]);
    let text = page(&[status("a", &[lost, retry, rerun])], "");
    assert_eq!(noted("t.json", &text, NoteKind::LostRun, &Options::default()), 1);
}

#[test]
fn tasks_that_did_not_run_are_left_out_by_reason_and_those_cut_short_stay() {
    for (runs, kind, kept) in [
        (&[][..], NoteKind::NotSubmitted, 0),
        (&[("scheduled", "pending", "", [Some(0), None, None])], NoteKind::Unfinished, 0),
        (&[("scheduled", "running", "", [Some(0), Some(1), None])], NoteKind::Unfinished, 0),
        (
            &[("scheduled", "exception", "canceled", [Some(0), None, Some(9)])],
            NoteKind::Cancelled,
            0,
        ),
        (
            &[("scheduled", "exception", "deadline-exceeded", [Some(0), None, Some(9)])],
            NoteKind::NeverRan,
            0,
        ),
        (&[("scheduled", "exception", "canceled", DONE)], NoteKind::EndedAsException, 1),
    ] {
        let text = page(&[status("a", runs)], "");
        assert_eq!(noted("t.json", &text, kind, &Options::default()), 1, "{runs:?}");
        let imported = import_from("t.json", text.as_bytes(), &Options::default()).unwrap();
        assert_eq!((imported.findings.rows, imported.findings.kept), (1, kept), "{runs:?}");
    }
}

#[test]
fn pages_and_messages_may_follow_one_another_and_the_latest_state_of_a_task_counts() {
    let pending = status("a", &[("scheduled", "pending", "", [Some(0), None, None])]);
    let running = status("a", &[("scheduled", "running", "", [Some(0), Some(5), None])]);
    let done = status("a", &[("scheduled", "completed", "completed", DONE)]);
    let message = |status: &str| format!(r#"{{"status": {status}, "runId": 0, "version": 1}}"#);
    let text = [message(&pending), message(&done), message(&running)].join("\n");
    assert_eq!(minutes(&text), [(0, 15)]);
    assert_eq!(noted("t.json", &text, NoteKind::ToldAgain, &Options::default()), 2);
    let other =
        status("b", &[("scheduled", "completed", "completed", [Some(1), Some(2), Some(3)])]);
    let first = page(&[done], r#", "continuationToken": "next""#);
    assert_eq!(noted("t.json", &first, NoteKind::MorePages, &Options::default()), 1);
    let both = first + &page(&[other], "");
    assert_eq!(minutes(&both), [(0, 15), (1, 1)]);
    assert_eq!(noted("t.json", &both, NoteKind::MorePages, &Options::default()), 0);
}

#[test]
fn what_is_wrong_with_a_taskcluster_file_is_told_with_its_line() {
    let ran = |started: u8, resolved: u8| {
        status(
            "a",
            &[("scheduled", "completed", "completed", [Some(0), Some(started), Some(resolved)])],
        )
    };
    let good = page(&[ran(1, 2)], "");
    let bad = page(&[ran(9, 8)], "").replace("low", "urgent");
    let text = format!("{good}{}", bad.replace("\"a\"", "\"b\""));
    let error = refused("t.json", text.as_bytes(), &Options::default());
    assert!(
        error.starts_with("error: the end is before the start: `2026-11-02T10:08:00.250Z`"),
        "{error}"
    );
    assert!(error.contains("--> t.json:4, column `resolved`"), "{error}");
    let urgent = good.replace("low", "urgent");
    assert!(
        refused("t.json", urgent.as_bytes(), &Options::default()).contains("not one of highest")
    );
    let error = refused("t.json", br#"{"taskGroupId": "x"}"#, &Options::default());
    assert!(error.contains("neither `tasks` nor `status`"), "{error}");
    let error = refused("t.json", &good.as_bytes()[..good.len() - 9], &Options::default());
    assert!(error.contains("truncated"), "{error}");
}

/// As Slurm 22.05 prints it without `--allocations`; jobs 6 and 7 are made up, after what it prints of
/// jobs that never ran and of those that fail at once.
const SACCT: &str = "\
JobID|Partition|Submit|Start|End|State
1|cpu|2026-11-22T12:25:51|2026-11-22T12:25:57|2026-11-22T12:25:59|COMPLETED
1.batch||2026-11-22T12:25:57|2026-11-22T12:25:57|2026-11-22T12:25:59|COMPLETED
1.0||2026-11-22T12:25:57|2026-11-22T12:25:57|2026-11-22T12:25:57|COMPLETED
2|gpu|2026-11-22T12:25:51|2026-11-22T12:25:57|2026-11-22T12:26:00|COMPLETED
3|cpu|2026-11-22T12:25:51|2026-11-22T12:26:03|Unknown|RUNNING
3.batch||2026-11-22T12:26:03|2026-11-22T12:26:03|Unknown|RUNNING
4|cpu|2026-11-22T12:25:51|2026-11-22T12:25:51|2026-11-22T12:25:51|CANCELLED by 0
5|cpu|2026-11-22T12:25:51|Unknown|Unknown|PENDING
6|cpu|2026-11-22T12:25:51|None|2026-11-22T12:26:51|CANCELLED by 0
7|cpu|2026-11-22T12:26:00|2026-11-22T12:26:36|2026-11-22T12:26:36|FAILED
";

#[test]
fn sacct_is_read_as_it_prints_and_neither_steps_nor_jobs_that_never_ran_are_tasks() {
    let imported = import_from("jobs.txt", SACCT.as_bytes(), &Options::default()).unwrap();
    expect![[r#"
        jobs.txt: tasks (table)
          rows     10 read, 3 kept
          span     2026-11-22T12:25:51Z .. 2026-11-22T12:26:00Z (9 s)
          queues   2
                       2  cpu
                       1  gpu
          warnings
                       3  left out: never ran, or its run time is unknown; first: line 6
                       1  left out: cancelled before they ran; first: line 8
                       3  left out: parts of jobs that are summed up elsewhere; first: line 3
                      16  local times without an offset, read as UTC (state the offset if it is not); first: line 2
                       1  durations are zero (kept); first: line 11
    "#]].assert_eq(&imported.findings.to_string());
    let utc = Options { utc_offset: Some(Duration::ZERO), ..Options::default() };
    assert_eq!(noted("jobs.txt", SACCT, NoteKind::LocalTime, &utc), 0);
}

#[test]
fn instance_types_are_read_as_the_aws_command_line_prints_them() {
    let one = |name: &str, usage: &str, rest: &str| {
        format!(
            r#"{{"InstanceType": "{name}", "SupportedUsageClasses": [{usage}], "ProcessorInfo":
            {{"SupportedArchitectures": ["i386", "x86_64"], "Manufacturer": "Intel"}}, "VCpuInfo":
            {{"DefaultVCpus": 8, "DefaultCores": 4}}, "MemoryInfo": {{"SizeInMiB": 15360}}{rest}}}"#
        )
    };
    let gpus = r#", "GpuInfo": {"Gpus": [{"Name": "T4", "Count": 3}, {"Count": 1}]}"#;
    let both = [one("a.big", r#""on-demand", "spot""#, ""), one("g.big", r#""on-demand""#, gpus)];
    let text = format!(r#"{{"InstanceTypes": [{}, {}]}}"#, both.join(","), both[0]);
    let imported = import_from("types.json", text.as_bytes(), &Options::default()).unwrap();
    assert_eq!(imported.findings.count(NoteKind::DuplicateRow), 1);
    let Trace::InstanceTypes(table) = imported.trace else { panic!("instance types") };
    assert_eq!(table.instance_types, ["a.big", "g.big"]);
    assert_eq!(table.architectures, ["i386,x86_64"]);
    let numbers = |row: &InstanceTypeRow| (row.vcpus, row.memory_mib, row.gpus, row.spot);
    let rows: Vec<_> = table.rows.iter().map(numbers).collect();
    assert_eq!(rows, [(8, 15_360, 0, true), (8, 15_360, 4, false)]);
    let more = text.strip_suffix('}').unwrap().to_owned() + r#", "NextToken": "x"}"#;
    assert_eq!(noted("types.json", &more, NoteKind::MorePages, &Options::default()), 1);
}

/// An offer of the price list, as a string in a document.
fn offer(attributes: &[(&str, &str)], usd: &str, unit: &str) -> String {
    let mut all = vec![
        ("instanceType", "c5.xlarge"),
        ("regionCode", "us-east-1"),
        ("operatingSystem", "Linux"),
        ("tenancy", "Shared"),
        ("capacitystatus", "Used"),
        ("preInstalledSw", "NA"),
        ("licenseModel", "No License required"),
    ];
    for (name, value) in attributes {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    let attributes: serde_json::Map<String, serde_json::Value> =
        all.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let offer = serde_json::json!({
        "product": {"productFamily": "Compute Instance", "attributes": attributes, "sku": "S"},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {"S.T": {
            "effectiveDate": "2026-10-01T00:00:00Z",
            "priceDimensions": {"S.T.D": {"unit": unit, "pricePerUnit": {"USD": usd}}},
        }}, "Reserved": {"S.R": {"anything": 1}}},
    });
    offer.to_string()
}

fn price_list(offers: &[String]) -> String {
    serde_json::json!({"FormatVersion": "aws_v1", "PriceList": offers}).to_string()
}

#[test]
fn only_plain_instances_of_the_price_list_are_read() {
    let offers = [
        offer(&[], "0.1700000000", "Hrs"),
        offer(
            &[("operatingSystem", "Windows"), ("licenseModel", "License Included")],
            "0.354",
            "Hrs",
        ),
        offer(&[("operatingSystem", "RHEL")], "0.2276", "Hrs"),
        offer(&[("tenancy", "Dedicated")], "0.18", "Hrs"),
        offer(&[("capacitystatus", "UnusedCapacityReservation")], "0.17", "Hrs"),
        offer(&[("preInstalledSw", "SQL Std")], "0.65", "Hrs"),
        offer(
            &[("operatingSystem", "Windows"), ("licenseModel", "Bring your own license")],
            "0.17",
            "Hrs",
        ),
    ];
    let text = price_list(&offers);
    let imported = import_from("od.json", text.as_bytes(), &Options::default()).unwrap();
    assert_eq!(imported.findings.count(NoteKind::NotPlainInstance), 4);
    let Trace::OnDemand(table) = imported.trace else { panic!("prices") };
    let price = |product| table.prices("us-east-1", "c5.xlarge", product);
    let since = time("2026-10-01");
    assert_eq!(price("Linux/UNIX"), [(since, UsdPerHour::from_micros(170_000))]);
    assert_eq!(price("Windows"), [(since, UsdPerHour::from_micros(354_000))]);
    assert_eq!(price("Red Hat Enterprise Linux"), [(since, UsdPerHour::from_micros(227_600))]);
    for (bad, said) in [
        (offer(&[], "free", "Hrs"), "column `USD`"),
        (offer(&[], "1", "Quantity"), "not one of Hrs"),
        (offer(&[("regionCode", "")], "1", "Hrs"), "column `regionCode`"),
        ("{}".to_owned(), "not an offer"),
    ] {
        let error = refused("od.json", price_list(&[bad]).as_bytes(), &Options::default());
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn bigquery_timestamps_are_utc() {
    let text = "queue,scheduled,started,resolved\n\
        a/b,2026-11-02 10:00:00.000000 UTC,2026-11-02 10:01:00.5 UTC,2026-11-02 10:03:00.5 UTC\n";
    let run = super::Run::StartEnd("started".into(), "resolved".into());
    let columns = TaskColumns {
        queue: Some("queue".into()),
        ..TaskColumns::of("scheduled".into(), run, Unit::Text)
    };
    let options = Options { columns: Some(columns), ..Options::default() };
    let imported = import_from("runs.csv", text.as_bytes(), &options).unwrap();
    assert_eq!(imported.findings.count(NoteKind::LocalTime), 0);
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    let task = trace.tasks.iter().next().unwrap();
    assert_eq!((task.submitted, task.duration.ms()), (time("2026-11-02T10:00:00Z"), 120_000));
}

#[test]
fn jobs_of_slurm_may_say_how_long_they_took() {
    let text = "JobID|Partition|Submit|Elapsed|State\n\
        1|cpu|2026-11-22T12:25:51|00:10:05|COMPLETED\n\
        1.batch|cpu|2026-11-22T12:25:51|00:10:05|COMPLETED\n\
        2|gpu|2026-11-22T12:26:00|1-02:03:04|TIMEOUT\n\
        3|gpu|2026-11-22T12:26:00|00:00:00|CANCELLED by 1000\n\
        4|gpu|2026-11-22T12:27:00|00:03:00|RUNNING\n";
    let imported = import_from("jobs.txt", text.as_bytes(), &Options::default()).unwrap();
    let found = |kind| imported.findings.count(kind);
    assert_eq!(found(NoteKind::PartialRecord), 1);
    assert_eq!(found(NoteKind::Cancelled), 1);
    assert_eq!(found(NoteKind::Unfinished), 1);
    let Trace::Tasks(trace) = imported.trace else { panic!("tasks") };
    let durations: Vec<i64> = trace.tasks.iter().map(|task| task.duration.ms()).collect();
    assert_eq!(durations, [605_000, 93_784_000]);
}
