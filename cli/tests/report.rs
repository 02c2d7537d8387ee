//! Reports as their readers meet them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");

/// A folder with a scenario that is what the first one says, and an experiment about it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    file("small week.toml", &format!("base = \"{SCENARIOS}/incidents/notice-chaos.toml\"\n"));
    file(
        "bids.toml",
        "base = \"small week.toml\"\nseeds = 2\n[axes.policy]\nprofiles = [\"v1\", \"ours\"]\n",
    );
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command.args(arguments).current_dir(folder).output().unwrap()
}

fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let (out, err) = (output.stdout, String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{arguments:?}: {err}");
    String::from_utf8(out).unwrap()
}

#[test]
fn a_page_says_how_to_get_it_and_its_run_again() {
    let folder = folder();
    let arguments = ["report", "small week.toml", "--seed", "9", "--seeds", "2", "--as", "v1"];
    succeed(folder.path(), &arguments);
    let page = fs::read_to_string(folder.path().join("small week.html")).unwrap();
    let again = succeed(folder.path(), &[&arguments[..], &["-o", "-"]].concat());
    assert!(again == page, "equal input gives equal bytes");
    assert!(page.contains(
        "<code>provisioner report &#39;small week.toml&#39; --as v1 --seed 9 --seeds 2<"
    ));
    let (_, command) = page.split_once("<code>provisioner simulate ").unwrap();
    let command = command.split('<').next().unwrap().replace("&#39;small week.toml&#39;", "FILE");
    let words =
        command.split(' ').map(|word| if word == "FILE" { "small week.toml" } else { word });
    let words: Vec<&str> = ["simulate"].into_iter().chain(words).collect();
    let output = run(folder.path(), &words);
    let summary = String::from_utf8(output.stdout).unwrap();
    let digest = summary.lines().rev().find_map(|line| line.strip_prefix("Decisions")).unwrap();
    assert!(page.contains(digest.trim()), "{summary}");
}

#[test]
fn a_folder_of_results_is_reported_too() {
    let folder = folder();
    succeed(folder.path(), &["sweep", "bids.toml", "-o", "bids", "--quiet", "--no-progress"]);
    succeed(folder.path(), &["report", "bids", "--reference", "policy=ours"]);
    let page = fs::read_to_string(folder.path().join("bids.html")).unwrap();
    assert!(page.contains("<caption>policy = v1</caption>"));
    let wrong = run(folder.path(), &["report", "bids", "--reference", "polcy=v1"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("there is no axis `polcy`"));
    for wrong in [
        &["report", "bids", "--seed", "3"],
        &["report", "bids", "--seeds", "3"],
        &["report", "bids.toml", "--reference", "a=b"][..],
    ] {
        assert_eq!(run(folder.path(), wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn two_scenarios_are_one_page_with_their_differences() {
    let folder = folder();
    let base = format!("base = \"{SCENARIOS}/incidents/notice-chaos.toml\"\n");
    fs::write(folder.path().join("twin.toml"), base + "[engine]\nguards = \"off\"\n").unwrap();
    let inputs = ["small week.toml", "twin.toml", "--seeds", "2"];
    succeed(folder.path(), &[&["report"], &inputs[..]].concat());
    let page = fs::read_to_string(folder.path().join("compared.html")).unwrap();
    assert!(page.contains("<caption>scenario = twin</caption>"));
    assert!(page.contains("provisioner report &#39;small week.toml&#39; twin.toml --seeds 2<"));
}

#[test]
fn every_form_is_written_of_a_run_and_of_a_sweep() {
    let folder = folder();
    let (here, read) = (folder.path(), |name: &str| fs::read(folder.path().join(name)).unwrap());
    let run = ["simulate", "small week.toml", "--quiet", "--tables", "run", "--json", "run.json"];
    succeed(here, &[&run[..], &["--series", "run/series.parquet"]].concat());
    succeed(here, &["simulate", "small week.toml", "--quiet", "--series", "run/series.csv"]);
    succeed(here, &["report", "small week.toml", "--markdown", "run.md"]);
    succeed(here, &["sweep", "bids.toml", "-o", "bids", "--quiet", "--no-progress"]);
    let told = succeed(here, &["report", "bids", "--markdown", "-", "--quiet"]);
    let tables = ["runs", "worker_types"];
    for folder in ["run", "bids"] {
        for name in tables.map(|name| format!("{folder}/{name}")) {
            assert!(read(&format!("{name}.parquet")).starts_with(b"PAR1"), "{name}");
            let csv = String::from_utf8(read(&format!("{name}.csv"))).unwrap();
            assert!(csv.contains(",cost_usd_total,") && csv.lines().count() > 1, "{name}: {csv}");
        }
    }
    assert!(read("run/series.parquet").starts_with(b"PAR1"));
    assert!(read("run/series.csv").starts_with(b"at,worker_type,"));
    let json: serde_json::Value = serde_json::from_slice(&read("run.json")).unwrap();
    let cost = json["total"]["cost_usd"]["total"].as_f64().unwrap();
    let csv = String::from_utf8(read("run/runs.csv")).unwrap();
    assert!(csv.contains(&format!(",{cost},")), "{cost}: {csv}");
    assert!(read("bids/outcomes.jsonl").starts_with(b"{"));
    let run = String::from_utf8(read("run.md")).unwrap();
    assert!(run.starts_with("### ") && run.contains("| use | cost, \\$ |"), "{run}");
    assert!(told.starts_with("### bids") && told.contains("| v1 |"), "{told}");
}

#[test]
fn a_scenario_that_is_wrong_is_told_and_nothing_is_written() {
    let folder = folder();
    let output = run(folder.path(), &["report", "none.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("none.html").exists());
}
