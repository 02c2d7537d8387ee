//! Tuning as planners meet it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A day of one queue on generated input.
const SCENARIO: &str = r#"
[time]
start = 2021-03-01
length = "1 d"

[market]
regime = "capacity"
zones = ["us-east-1a", "us-east-1b"]
prices = "modern"
on_demand = { "c5.xlarge" = "$0.17/h" }

[worker_types."ci/tests"]
capacity_max = 40
tasks.poisson = { tasks_per_hour = 40, durations = "5 min" }
instance_types."c5.xlarge" = {}
"#;

const EXPERIMENT: &str = r#"
base = "week.toml"
seeds = 3

[tune]
runs = 60
limits = { "wait_s.mean" = "2 min" }

[axes.idle]
key = 'worker_types."ci/tests".idle_timeout'
values = ["1 min", "5 min", "20 min", "1 h"]

[axes.max]
key = 'worker_types."ci/tests".capacity_max'
values = [4, 8, 16, 40]
"#;

fn folder(experiment: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("week.toml"), SCENARIO).unwrap();
    fs::write(folder.path().join("search.toml"), experiment).unwrap();
    folder
}

fn run(folder: &Path, arguments: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    let Output { status, stdout, stderr } =
        command.args(arguments.split(' ')).current_dir(folder).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Every file of a folder.
fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let read = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    let mut files: Vec<_> = entries.map(read).collect();
    files.sort();
    files
}

#[test]
fn a_choice_that_holds_is_told_and_its_file_runs_on_any_number_of_threads() {
    let folder = folder(EXPERIMENT);
    let at = |name: &str| folder.path().join(name);
    let (code, page, said) = run(folder.path(), "tune search.toml -o tuned");
    assert_eq!(code, Some(0), "{page}{said}");
    assert!(page.contains("held out  2021-03-01 16:00 to 2021-03-02 00:00"), "{page}");
    assert!(page.contains("Chosen\n  idle  ") && page.contains("and keeps all limits."), "{page}");
    let files = bytes(&at("tuned"));
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let tables =
        ["runs.csv", "runs.parquet", "tune.json", "worker_types.csv", "worker_types.parquet"];
    assert_eq!(names, [["chosen.toml"].as_slice(), tables.as_slice()].concat());

    let (_, alone, _) = run(folder.path(), "tune search.toml --threads 1 -o alone");
    let (_, many, _) = run(folder.path(), "tune search.toml --threads 5 -o many");
    assert_eq!((&alone, &many), (&page, &page));
    assert!(bytes(&at("alone")) == files && bytes(&at("many")) == files, "files differ");

    let (code, told, said) = run(folder.path(), "simulate tuned/chosen.toml");
    assert_eq!(code, Some(0), "{said}");
    assert!(told.contains("ci/tests"), "{told}");
    let chosen = fs::read_to_string(at("tuned/chosen.toml")).unwrap();
    assert!(chosen.starts_with("base = \"../week.toml\"\n"), "{chosen}");
    assert!(page.ends_with(&chosen.replace("../", "")), "{page}");
}

#[test]
fn what_cannot_be_kept_exits_with_1_and_what_cannot_run_with_2() {
    let folder = folder(&EXPERIMENT.replace("\"wait_s.mean\" = \"2 min\"", "\"instance_h\" = 0.1"));
    let (code, json, said) = run(folder.path(), "tune search.toml --json --no-progress");
    assert_eq!(code, Some(1), "{said}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["verdict"], said.as_str()), (&"nothing".into(), ""));

    let refused = |arguments: &str| {
        let (code, page, said) = run(folder.path(), arguments);
        assert_eq!((code, page.as_str()), (Some(2), ""), "{said}");
        said
    };
    let said = refused("tune search.toml --runs 5");
    assert!(said.contains("error: 5 runs are too few for a search"), "{said}");
    let said = refused("tune week.toml");
    assert!(said.contains("error: unknown key"), "{said}");
    fs::write(folder.path().join("search.toml"), EXPERIMENT.replace("wait_s.mean", "wait_s.men"))
        .unwrap();
    let said = refused("tune search.toml");
    assert!(said.contains("error: there is no measure `wait_s.men`"), "{said}");
    assert!(said.contains("hint: did you mean `wait_s.mean`?"), "{said}");
    fs::write(folder.path().join("search.toml"), EXPERIMENT).unwrap();
    let said = refused("tune search.toml -o week.toml");
    assert!(said.contains("error: `week.toml` cannot be written"), "{said}");
}
