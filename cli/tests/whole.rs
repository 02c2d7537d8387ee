//! The program as its users meet it: files in, bytes, words and exit codes out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use expect_test::{Expect, expect, expect_file};
use tempfile::TempDir;

const TRACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/traces");

/// Six hours of two queues on generated input; a second of work for a slow machine.
const SCENARIO: &str = r#"
description = "Six hours of two queues"
seed = 3

[time]
start = 2021-03-01
length = "6 h"

[market]
regime = "capacity"
zones = ["us-east-1a", "us-east-1b"]
prices = "modern"

[market.on_demand]
"c5.xlarge" = "$0.17/h"
"t3.large" = "$0.0832/h"

[worker_type_defaults]
scaling = "estimator"
placement = "cheapest"
idle_timeout = "10 min"

[worker_types."ci/tests"]
capacity_max = 40
tasks = { generated = { preset = "firefox-tests", tasks_per_hour = 60 } }
instance_types."c5.xlarge" = { utility = 1.1 }

[worker_types."ci/decisions"]
capacity_max = 8
placement = "on-demand"
instance_types."t3.large" = { capacity = 2 }

[worker_types."ci/decisions".tasks.poisson]
tasks_per_hour = 20
durations = { log_normal = { median = "90 s", sigma = 0.4 } }
"#;

/// A folder with the scenario in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), SCENARIO).unwrap();
    folder
}

fn provisioner(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command.args(arguments).current_dir(folder).env_remove("NO_COLOR").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard output of a command that went well.
fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = provisioner(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Standard error of a command that could not run.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = provisioner(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stderr)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn equal_names_give_equal_bytes_whatever_the_folder_and_the_threads() {
    let outputs = ["run.json", "run.csv", "run.jsonl", "run.jsonl.zst"];
    let run = |folder: &Path, scenario: &str, threads: &str| -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for journal in ["run.jsonl", "run.jsonl.zst"] {
            let output = Command::new(env!("CARGO_BIN_EXE_provisioner"))
                .args(["simulate", scenario, "--json", "run.json", "--series", "run.csv"])
                .args(["--journal", journal])
                .env("RAYON_NUM_THREADS", threads)
                .current_dir(folder)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            all.push(output.stdout);
        }
        all.extend(outputs.map(|name| fs::read(folder.join(name)).unwrap()));
        all
    };
    let (here, there) = (folder(), tempfile::tempdir().unwrap());
    let first = run(here.path(), "small.toml", "1");
    let absolute = here.path().join("small.toml");
    let second = run(there.path(), absolute.to_str().unwrap(), "7");
    for (index, (first, second)) in first.iter().zip(&second).enumerate() {
        assert!(first == second, "output {index} differs");
    }
    assert!(first.iter().all(|output| output.len() > 100), "something was written");
}

#[test]
fn another_seed_gives_another_run_and_the_name_gives_it_back() {
    let folder = folder();
    let digest = |arguments: &[&str]| {
        let page = told(folder.path(), &[&["simulate", "small.toml"], arguments].concat());
        page.lines().find(|line| line.starts_with("Decisions")).unwrap().to_owned()
    };
    let own = digest(&[]);
    assert_eq!(digest(&["--seed", "3"]), own);
    assert_ne!(digest(&["--seed", "4"]), own);
    let page = told(folder.path(), &["simulate", "small.toml"]);
    let name: Vec<&str> = page.lines().next().unwrap().split([' ', ',']).collect();
    let ["small:", "seed", seed, "", "scenario", hash, "", "commit", commit] = name[..] else {
        panic!("{name:?}");
    };
    assert_eq!(digest(&["--seed", seed, "--scenario-hash", hash, "--commit", commit]), own);
    let other = refused(folder.path(), &["simulate", "small.toml", "--scenario-hash", "0"]);
    assert!(other.starts_with("error: `small.toml` has the hash "), "{other}");
}

#[test]
fn the_page_begins_with_the_name_and_remarks_stay_apart() {
    let folder = folder();
    let output = provisioner(folder.path(), &["simulate", "small.toml"]);
    let (page, remarks) = (text(&output.stdout), text(&output.stderr));
    assert!(page.starts_with("small: seed 3, scenario "), "{page}");
    for line in ["Six hours of two queues", "total ", "ci/tests ", "Decisions "] {
        assert!(page.contains(&format!("\n{line}")), "{line} is not in {page}");
    }
    assert!(!page.contains('\x1b') && !page.contains("warning"), "{page}");
    assert!(remarks.ends_with(" s\n") && !remarks.contains('\x1b'), "{remarks}");
}

#[test]
fn standard_output_belongs_to_the_output_that_asks_for_it() {
    let folder = folder();
    let series =
        told(folder.path(), &["simulate", "small.toml", "--series", "-", "--series-step", "1 h"]);
    assert!(series.starts_with("at,worker_type,pending,claimed,"), "{series}");
    let rows = series.lines().skip(1).map(|row| row.split(',').count());
    assert!(rows.clone().count() >= 12 && rows.clone().all(|columns| columns == 9), "{series}");
    let json = told(folder.path(), &["simulate", "small.toml", "--json", "-"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["run"]["seed"], 3);
    assert_eq!(json["worker_types"][0]["name"], "ci/decisions");
    assert_eq!(told(folder.path(), &["simulate", "small.toml", "--quiet"]), "");
}

#[test]
fn the_series_adds_up_to_what_the_outcome_says() {
    let folder = folder();
    let arguments = ["simulate", "small.toml", "--json", "run.json", "--series", "run.csv"];
    told(folder.path(), &[&arguments[..], &["--series-step", "1 min"]].concat());
    let json = fs::read(folder.path().join("run.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let rows = fs::read_to_string(folder.path().join("run.csv")).unwrap();
    let spent: f64 = rows
        .lines()
        .skip(1)
        .map(|row| row.rsplit(',').next().unwrap().parse::<f64>().unwrap() / 60.0)
        .sum();
    let billed = json["total"]["cost_usd"]["total"].as_f64().unwrap();
    assert!((spent - billed).abs() < 0.05 * billed, "spent {spent}, billed {billed}");
}

#[test]
fn a_journal_replays_to_equal_decisions() {
    let folder = folder();
    let page = told(folder.path(), &["simulate", "small.toml", "--journal", "run.jsonl.gz"]);
    let replayed = told(folder.path(), &["replay", "run.jsonl.gz", "--explain", "2"]);
    assert_eq!(replayed.lines().next(), page.lines().next());
    assert_eq!(replayed.lines().last(), page.lines().last(), "the digests are equal");
    assert!(replayed.contains(" launches: all decided the same\n"), "{replayed}");
    assert!(replayed.contains("\n  because ci/"), "{replayed}");
}

#[test]
fn a_journal_of_a_run_that_was_restarted_replays_to_equal_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let scenario =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/incidents/crash-mid-batch.toml");
    let page = told(folder.path(), &["simulate", scenario, "--journal", "run.jsonl"]);
    let replayed = told(folder.path(), &["replay", "run.jsonl"]);
    let digest = replayed.lines().last().unwrap();
    assert!(page.lines().any(|line| line == digest), "{digest} is not in\n{page}");
    let journal = fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
    assert_eq!(journal.matches("\"restarted\"").count(), 7);
}

#[test]
fn a_recorded_week_of_the_bid_era_replays_to_equal_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let scenario =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/firefox-ci-2016-cheapest.toml");
    let page = told(folder.path(), &["simulate", scenario, "--journal", "run.jsonl.zst"]);
    let replayed = told(folder.path(), &["replay", "run.jsonl.zst"]);
    assert_eq!(replayed.lines().last(), page.lines().last(), "the digests are equal");
    assert!(page.contains("\n167,928 tasks done for $"), "{page}");
}

/// A journal of the scenario, as lines.
fn journal(folder: &Path) -> Vec<String> {
    told(folder, &["simulate", "small.toml", "--journal", "run.jsonl"]);
    let lines = fs::read_to_string(folder.join("run.jsonl")).unwrap();
    lines.lines().map(str::to_owned).collect()
}

#[test]
fn a_decision_that_differs_is_named_with_both_orders() {
    let folder = folder();
    let mut lines = journal(folder.path());
    let first = lines.iter().position(|line| line.contains("\"order\":\"launch\"")).unwrap();
    let decisions = lines[..=first].iter().filter(|line| line.contains("decided")).count();
    lines[first] = lines[first].replacen("\"launch\":1,", "\"launch\":77,", 1);
    fs::write(folder.path().join("altered.jsonl"), lines.join("\n") + "\n").unwrap();
    let output = provisioner(folder.path(), &["replay", "altered.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    let place = format!("\nDecision {decisions} differs, at 2021-03-01T");
    assert!(said.contains(&place), "{place} is not in {said}");
    assert!(
        said.contains(&format!(
            "altered.jsonl:{}\nthe first 1 orders are equal, then\nrecorded:\n  #77 launch ",
            first + 1
        )),
        "{said}"
    );
    assert!(said.contains("\nreplayed:\n  #1 launch "), "{said}");
}

#[test]
fn a_fact_that_was_altered_changes_the_decision_after_it() {
    let folder = folder();
    let mut lines = journal(folder.path());
    let wanted = |line: &&mut String| line.contains("\"pending\":1,\"claimed\":0");
    let fact = lines.iter_mut().find(wanted).unwrap();
    *fact = fact.replacen("\"pending\":1", "\"pending\":9", 1);
    let altered = lines.join("\n") + "\n";
    fs::write(folder.path().join("altered.jsonl"), altered).unwrap();
    let output = provisioner(folder.path(), &["replay", "altered.jsonl"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}

#[test]
fn reasons_that_were_altered_are_found_though_the_orders_are_the_same() {
    let folder = folder();
    let mut lines = journal(folder.path());
    let wanted = |line: &String| line.contains("\"decided\"") && line.contains("\"pending\":1,");
    let at = lines.iter().position(wanted).unwrap();
    lines[at] = lines[at].replacen("\"pending\":1,", "\"pending\":777,", 1);
    fs::write(folder.path().join("altered.jsonl"), lines.join("\n") + "\n").unwrap();
    let output = provisioner(folder.path(), &["replay", "altered.jsonl"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 decision for other reasons than this program gives"), "{said}");
    assert!(said.contains(&format!("altered.jsonl:{}\n", at + 1)), "{said}");
    // Another program may have said it in another way.
    lines[0] = lines[0].replacen("\"commit\":\"", "\"commit\":\"0", 1);
    fs::write(folder.path().join("altered.jsonl"), lines.join("\n") + "\n").unwrap();
    let output = provisioner(folder.path(), &["replay", "altered.jsonl"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("remark: 1 decision for other reasons"));
}

#[test]
fn a_replay_counts_the_launches_that_the_run_had() {
    let folder = folder();
    let run = ["simulate", "small.toml", "--json", "run.json", "--journal", "run.jsonl"];
    told(folder.path(), &run);
    let outcome = fs::read(folder.path().join("run.json")).unwrap();
    let outcome: serde_json::Value = serde_json::from_slice(&outcome).unwrap();
    let ordered = &outcome["total"]["launches"]["ordered"];
    let replayed = told(folder.path(), &["replay", "run.jsonl"]);
    assert!(replayed.contains(&format!(" {ordered} launches: all decided the same")), "{replayed}");
}

#[test]
fn a_journal_that_was_cut_short_is_an_error() {
    let folder = folder();
    let lines = journal(folder.path());
    fs::write(folder.path().join("cut.jsonl"), lines[..9].join("\n") + "\n").unwrap();
    let said = refused(folder.path(), &["replay", "cut.jsonl"]);
    assert!(
        said.starts_with("error: the journal was cut short after 8 records\n --> cut.jsonl:10"),
        "{said}"
    );
}

/// What is said of the scenario once `from` became `to`.
fn check_scenario(from: &str, to: &str, expected: Expect) {
    let folder = folder();
    assert!(SCENARIO.contains(from));
    fs::write(folder.path().join("bad.toml"), SCENARIO.replacen(from, to, 1)).unwrap();
    expected.assert_eq(&refused(folder.path(), &["simulate", "bad.toml"]));
}

#[test]
fn a_bad_scenario_is_told_with_caret_and_hint() {
    check_scenario(
        "\"10 min\"",
        "600",
        expect![[r#"
        error: `idle_timeout` has no unit
          --> bad.toml:21:16
           |
        21 | idle_timeout = 600
           |                ^^^ this is a bare number
        hint: write for example "600 s" or "600 min"
    "#]],
    );
    check_scenario(
        "capacity_max = 40",
        "capacity_maximum = 40",
        expect![[r#"
        error: unknown key `capacity_maximum` in [worker_types."ci/tests"]
          --> bad.toml:24:1
           |
        24 | capacity_maximum = 40
           | ^^^^^^^^^^^^^^^^
        hint: did you mean `capacity_max`?
    "#]],
    );
}

/// Two claims about the scenario: one that holds, and one that nobody can keep.
const CHECKS: &str = r#"
[checks.all-done]
because = "nothing may get lost"
measure = "total.tasks.left"
equals = 0
headline = true

[checks.for-nothing]
because = "everybody wants it"
measure = "worker_types.\"ci/tests\".cost_usd.total"
at_most = "$0"
"#;

#[test]
fn a_check_that_fails_fails_the_command() {
    let folder = folder();
    fs::write(folder.path().join("bad.toml"), format!("{SCENARIO}{CHECKS}")).unwrap();
    let kept = CHECKS.replace("\"$0\"", "\"$1000\"");
    fs::write(folder.path().join("good.toml"), format!("{SCENARIO}{kept}")).unwrap();
    let output = provisioner(folder.path(), &["simulate", "bad.toml", "--json", "bad.json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let page = text(&output.stdout);
    let (_, table) = page.split_once("\n\nChecks ").unwrap();
    assert!(table.contains(" passed\n"), "{table}");
    assert!(table.ends_with(" FAILED\n  because everybody wants it\n"), "{table}");
    let json = fs::read(folder.path().join("bad.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["checks"][0]["verdict"], "passed");
    assert_eq!(json["checks"][1]["verdict"], "failed");
    assert_eq!(json["checks"][1]["value"], json["worker_types"][1]["cost_usd"]["total"]);
    assert_eq!(json["checks"][1]["at_most"], 0.0);
    assert!(told(folder.path(), &["simulate", "good.toml"]).ends_with(" passed\n"));
}

#[test]
fn the_auditor_says_how_many_notes_it_has() {
    let folder = folder();
    let orphans = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/incidents/orphans.toml");
    for scenario in ["small.toml", orphans] {
        let clean = provisioner(folder.path(), &["simulate", scenario, "--audit"]);
        assert!(clean.status.success() && text(&clean.stderr).contains("remark: 0 audit notes"));
    }
}

#[test]
fn a_run_that_the_auditor_notes_something_about_has_failed() {
    let folder = folder();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/incidents/lost-response.toml");
    let whole = fs::read_to_string(path).unwrap();
    let unchecked = &whole[..whole.find("[checks").unwrap()];
    fs::write(folder.path().join("lost.toml"), unchecked).unwrap();
    let arguments = ["simulate", "lost.toml", "--as", "unguarded"];
    assert_eq!(provisioner(folder.path(), &arguments).status.code(), Some(0));
    let audited = provisioner(folder.path(), &[&arguments[..], &["--audit"]].concat());
    assert_eq!(audited.status.code(), Some(1));
    let told = text(&audited.stdout);
    let last = told.lines().last().unwrap();
    assert!(last.starts_with("2021-03-01T00:") && last.contains("Z  unproven-max: #"), "{last}");
}

#[test]
fn a_check_of_nothing_is_told_before_the_run() {
    let folder = folder();
    let checks = CHECKS.replace("total.tasks.left", "total.tasks.lost");
    fs::write(folder.path().join("bad.toml"), format!("{SCENARIO}{checks}")).unwrap();
    let said = refused(folder.path(), &["simulate", "bad.toml", "--json", "bad.json"]);
    assert!(said.starts_with("error: there is no measure `total.tasks.lost`\n"), "{said}");
    assert!(said.ends_with("hint: did you mean `total.tasks.left`?\n"), "{said}");
    assert_eq!(names(folder.path()), ["bad.toml", "small.toml"]);
}

#[test]
fn a_scenario_runs_as_another_provisioner_would_have() {
    let folder = folder();
    let first_line = |arguments: &[&str]| {
        let page = told(folder.path(), &[&["simulate", "small.toml"], arguments].concat());
        page.lines().next().unwrap().to_owned()
    };
    let lines = [
        first_line(&[]),
        first_line(&["--as", "v1"]),
        first_line(&["--as", "worker-manager"]),
        first_line(&["--as", "ours"]),
    ];
    assert!(lines[1].starts_with("small as v1: seed 3, scenario "), "{}", lines[1]);
    let hash = lines[1].split(' ').nth(6).unwrap().trim_end_matches(',').to_owned();
    assert_eq!(first_line(&["--as", "v1", "--scenario-hash", &hash]), lines[1]);
    assert!(!lines[0].contains(&hash), "{} is another scenario than {}", lines[1], lines[0]);
    let said = refused(folder.path(), &["simulate", "small.toml", "--as", "v2"]);
    assert!(said.contains("v1, worker-manager, unguarded, ours"), "{said}");
}

#[test]
fn incidents_are_told_one_number_a_line() {
    let folder = folder();
    let dull = refused(folder.path(), &["incidents", "small.toml"]);
    assert!(dull.starts_with("error: `small.toml` has no headline\n"), "{dull}");
    fs::remove_file(folder.path().join("small.toml")).unwrap();
    let kept = CHECKS.replace("\"$0\"", "\"$1000\"");
    fs::write(folder.path().join("good.toml"), format!("{SCENARIO}{kept}")).unwrap();
    let table = told(folder.path(), &["incidents", "."]);
    assert!(table.starts_with("scenario  the number that matters  must be "), "{table}");
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["good", "tasks.left", "=", "0", "0", "0", "–", "0"]);
    fs::write(folder.path().join("bad.toml"), format!("{SCENARIO}{CHECKS}")).unwrap();
    let output = provisioner(folder.path(), &["incidents", "bad.toml", "good.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains(" 0 ~"), "{}", text(&output.stdout));
    let said = text(&output.stderr);
    assert!(said.contains("remark: nobody fails good\n"), "{said}");
    assert!(said.ends_with(", at most $0.00: everybody wants it\n"), "{said}");
}

#[test]
fn files_that_are_missing_are_named() {
    let folder = folder();
    for arguments in [["simulate", "none.toml"], ["replay", "none.jsonl"], ["import", "none.dat"]] {
        let said = refused(folder.path(), &arguments);
        assert!(said.starts_with("error: ") && said.contains("none."), "{said}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_told_before_the_run() {
    let folder = folder();
    let said = refused(folder.path(), &["simulate", "small.toml", "--json", "none/run.json"]);
    assert!(said.starts_with("error: `none/run.json` cannot be written: "), "{said}");
    let arguments = ["simulate", "small.toml", "--json", "run", "--series", "run"];
    assert!(refused(folder.path(), &arguments).starts_with("error: two outputs go to `run`"));
    assert_eq!(names(folder.path()), ["small.toml"]);
}

#[test]
fn no_output_is_written_over_an_input_or_another_output() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("child.toml"), "base = \"small.toml\"\n").unwrap();
    fs::write(path.join("tasks.csv"), "submitted_ms,duration_ms\n1614556800000,1000\n").unwrap();
    let recorded = SCENARIO.replace(
        "tasks = { generated = { preset = \"firefox-tests\", tasks_per_hour = 60 } }",
        "tasks.recorded = { file = \"tasks.csv\" }",
    );
    fs::write(path.join("recorded.toml"), recorded).unwrap();
    fs::write(path.join("od.tsv"), "date\tregion\ttype\tos\tusd_hr\n").unwrap();
    let before = names(path);
    for (arguments, said) in [
        (&["simulate", "small.toml", "--json", "small.toml"][..], "`small.toml` is an input"),
        (&["simulate", "child.toml", "--journal", "./small.toml"], "`./small.toml` is an input"),
        (&["simulate", "recorded.toml", "--series", "tasks.csv"], "`tasks.csv` is an input"),
        (&["simulate", "small.toml", "--json", "o", "--journal", "./o"], "two outputs go to `./o`"),
        (
            &["simulate", "small.toml", "--tables", ".", "--series", "runs.csv"],
            "two outputs go to `./runs.csv`",
        ),
        (&["report", "small.toml", "-o", "small.toml"], "`small.toml` is an input"),
        (&["report", "child.toml", "--markdown", "small.toml"], "`small.toml` is an input"),
        (&["import", "tasks.csv", "-o", "tasks.csv"], "`tasks.csv` is an input"),
        (&["import", "tasks.csv", "--on-demand", "od.tsv", "-o", "od.tsv"], "`od.tsv` is an input"),
        (&["import", "tasks.csv", "-o", "./tasks.csv"], "`./tasks.csv` is an input"),
    ] {
        let error = refused(path, arguments);
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
    assert_eq!(names(path), before);
    assert_eq!(fs::read_to_string(path.join("small.toml")).unwrap(), SCENARIO);
    if cfg!(unix) {
        // Devices and pipes keep nothing.
        told(path, &["simulate", "small.toml", "--json", "/dev/null", "--journal", "/dev/null"]);
    }
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_leaves_nothing_half_written() {
    use std::os::unix::process::ExitStatusExt;
    let folder = folder();
    let endless = SCENARIO.replace("length = \"6 h\"", "length = \"3000 d\"");
    fs::write(folder.path().join("long.toml"), endless).unwrap();
    fs::write(folder.path().join("run.json"), "older").unwrap();
    let before = names(folder.path());
    // As background jobs of scripts are started: the interrupt key is not meant for them.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' INT; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_provisioner")]);
    command.args(["simulate", "long.toml", "--journal", "run.jsonl", "--json", "run.json"]);
    let mut running = command.current_dir(folder.path()).stdout(Stdio::null()).spawn().unwrap();
    while names(folder.path()).len() < before.len() + 2 {
        assert!(running.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let pid = running.id().to_string();
    for signal in ["-INT", "-TERM"] {
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
    assert_eq!(running.wait().unwrap().signal(), Some(15), "it ended by the signal it heeds");
    assert_eq!(names(folder.path()), before);
    assert_eq!(fs::read_to_string(folder.path().join("run.json")).unwrap(), "older");
}

#[test]
fn an_older_output_survives_a_run_that_fails() {
    let folder = folder();
    fs::write(folder.path().join("run.json"), "older").unwrap();
    fs::write(folder.path().join("bad.toml"), "seed = 'x'").unwrap();
    refused(folder.path(), &["simulate", "bad.toml", "--json", "run.json"]);
    refused(
        folder.path(),
        &["simulate", "small.toml", "--json", "run.json", "--journal", "none/run"],
    );
    assert_eq!(fs::read_to_string(folder.path().join("run.json")).unwrap(), "older");
    assert_eq!(names(folder.path()), ["bad.toml", "run.json", "small.toml"]);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = folder();
    for arguments in [
        &["simulate", "small.toml", "--journal", "-"][..],
        &["simulate", "small.toml", "--series", "-", "--series-step", "1 s"],
        &["parameters"],
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_provisioner"))
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(program.stdout.take());
        let output = program.wait_with_output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error"), "{said}");
    }
}

#[test]
fn the_answer_and_the_files_do_not_need_a_reader() {
    let folder = folder();
    fs::write(folder.path().join("bad.toml"), format!("{SCENARIO}{CHECKS}")).unwrap();
    for (arguments, code) in [
        (["simulate", "small.toml", "--json", "a.json"], 0),
        (["simulate", "bad.toml", "--json", "b.json"], 1),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_provisioner"))
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        drop(program.stdout.take());
        assert_eq!(program.wait().unwrap().code(), Some(code), "{arguments:?}");
        assert!(folder.path().join(arguments[3]).is_file(), "{arguments:?}");
    }
}

#[test]
fn the_program_says_its_version_and_refuses_half_a_command() {
    let folder = folder();
    assert_eq!(provisioner(folder.path(), &["simulate"]).status.code(), Some(2));
    let version = told(folder.path(), &["--version"]);
    assert!(version.starts_with("provisioner ") && version.ends_with(")\n"), "{version}");
}

#[test]
fn parameters_are_those_of_the_schema() {
    let folder = folder();
    let keys = told(folder.path(), &["parameters"]);
    for key in ["seed\n", "time.start\n", "worker_types.<name>.capacity_max\n"] {
        assert!(keys.contains(key), "{key} is not in {keys}");
    }
    assert_eq!(provisioner(folder.path(), &["parameters", "nonsense"]).status.code(), Some(1));
}

#[test]
fn the_page_of_parameters_is_what_the_code_reads() {
    let page = told(folder().path(), &["parameters", "--markdown"]);
    expect_file!["../../scenarios/PARAMETERS.md"].assert_eq(&page);
}

#[test]
fn every_kind_of_recording_is_imported_and_read_back_the_same() {
    let folder = folder();
    let kinds = [
        ("firefox-ci.mobile-1-decision.dat", "tasks (Firefox CI records)"),
        ("tasks.nasa-ipsc-1993.swf.zst", "tasks (Standard Workload Format)"),
        ("tasks.surf.week.csv.zst", "tasks (table)"),
        ("tasks.mozilla-ci.2013-11.csv.zst", "tasks (table)"),
        ("spot-price.sa-east-1.2020-03_06.all-products.tsv.zst", "spot prices (table)"),
        ("availability.spot-traces.tar.zst", "availability (tar of grids)"),
        ("cant-be-late.windows.us-west-2a.jsonl.zst", "availability (windows)"),
        ("fleet-events.bamboo.p3-trace.csv", "availability (fleet events)"),
        ("instance-types.tsv.zst", "instance types (table)"),
        ("on-demand.us-east-1.2022-06_2026-07.tsv.zst", "on-demand prices (table)"),
        ("spot-advisor-data.2025-06.json.zst", "interruption bands (Spot Advisor)"),
    ];
    let paths = kinds.map(|(name, _)| format!("{TRACES}/{name}"));
    let mut arguments: Vec<&str> = vec!["import", "-o", "."];
    arguments.extend(paths.iter().map(String::as_str));
    let said = told(folder.path(), &arguments);
    for (name, kind) in kinds {
        let kept = |said: &str| {
            let rows = said.lines().find(|line| line.contains(" kept")).unwrap_or_default();
            rows.split(", ").last().unwrap_or_default().to_owned()
        };
        let part = said.split(&format!("/{name}: ")).nth(1).unwrap();
        assert!(part.starts_with(kind), "{name}: {part}");
        let trace = format!("{}.trace", name.trim_end_matches(".zst"));
        let again = told(folder.path(), &["import", &trace]);
        assert!(again.starts_with(&format!("{trace}: canonical form")), "{again}");
        assert_eq!(kept(&again), kept(part), "{name}");
    }
}

#[test]
fn an_import_that_fails_leaves_the_others_and_tells_where() {
    let folder = folder();
    fs::write(folder.path().join("good.csv"), "submitted_ms,duration_ms\n0,1000\n").unwrap();
    fs::write(folder.path().join("bad.csv"), "submitted_ms,duration_ms\n0,soon\n").unwrap();
    let output = provisioner(folder.path(), &["import", "bad.csv", "good.csv", "-o", "."]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("--> bad.csv:2, column `duration_ms`"), "{said}");
    assert_eq!(names(folder.path()), ["bad.csv", "good.csv", "good.csv.trace", "small.toml"]);
    let one = refused(folder.path(), &["import", "bad.csv", "good.csv", "-o", "one.trace"]);
    assert!(one.starts_with("error: several inputs would be written to `one.trace`"), "{one}");
    let twice = refused(folder.path(), &["import", "good.csv", "./good.csv", "-o", "."]);
    assert!(twice.starts_with("error: two outputs go to `./good"), "{twice}");
}

#[test]
fn columns_of_other_tables_can_be_named() {
    let folder = folder();
    let rows = "created;x,begun,ended\n1600000000,1600000060,1600000120\n".replace(";x", "");
    fs::write(folder.path().join("jobs.csv"), rows).unwrap();
    let columns = "submitted=created,start=begun,end=ended,unit=s";
    let said =
        told(folder.path(), &["import", "jobs.csv", "--columns", columns, "--queue", "ci/x"]);
    assert!(said.contains("2020-09-13") && said.contains("ci/x"), "{said}");
}

#[test]
fn a_scenario_may_name_recordings_and_their_canonical_form_alike() {
    let folder = folder();
    let recorded = PathBuf::from(TRACES).join("firefox-ci.mobile-1-decision.dat");
    let import = ["import", "--start", "2021-03-01", "-o", "tasks.trace"];
    told(folder.path(), &[&import[..], &[recorded.to_str().unwrap()]].concat());
    fs::copy(recorded, folder.path().join("tasks.dat")).unwrap();
    let digests = ["tasks.dat", "tasks.trace"].map(|file| {
        let tasks = format!("tasks = {{ recorded = {{ file = \"{file}\" }} }}");
        let generated =
            "tasks = { generated = { preset = \"firefox-tests\", tasks_per_hour = 60 } }";
        assert!(SCENARIO.contains(generated));
        fs::write(folder.path().join("recorded.toml"), SCENARIO.replace(generated, &tasks))
            .unwrap();
        let page = told(folder.path(), &["simulate", "recorded.toml"]);
        page.lines().last().unwrap().to_owned()
    });
    assert_eq!(digests[0], digests[1]);
}
