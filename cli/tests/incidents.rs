//! What hurt others, file by file: survived by our defaults, and suffered by the predecessors.
//!
//! `scenarios/incidents/table.txt` is what `provisioner incidents` prints; update it with
//! `UPDATE_EXPECT=1` and read the difference.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use expect_test::expect_file;
use provisioner_scenarios::{Profile, load};
use provisioner_sim::{Hooks, run};

/// Every accident that is to be survived by name. `preference-flip`, a change of preference that
/// nobody noticed, is for the comparison of two commits to find, not for one run.
const ACCIDENTS: [&str; 30] = [
    "all-spot-ice",
    "broken-image",
    "crash-mid-batch",
    "describe-lag",
    "dst-change",
    "empty-config",
    "feed-gap",
    "half-empty",
    "idle-race",
    "lost-response",
    "notice-chaos",
    "one-pool-herd",
    "one-pool-ice",
    "one-task",
    "orphans",
    "oversubscribed-loop",
    "price-see-saw",
    "queue-lies",
    "quota-reached",
    "rebalance-noise",
    "region-limit",
    "retry-forever",
    "slow-boot",
    "spend-ceiling",
    "stale-snapshot",
    "starvation",
    "stopping-counts",
    "throttled-burst",
    "two-formulas",
    "type-removed",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios/incidents")
}

/// The scenario files, by name.
fn files() -> Vec<PathBuf> {
    let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    files
}

#[test]
fn every_accident_has_a_scenario() {
    let names: Vec<String> =
        files().iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, ACCIDENTS);
}

/// Nobody here acts on what that is about, so nobody can suffer it: its file says what others did.
const SUFFERED_BY_NOBODY: [&str; 1] = ["rebalance-noise"];

#[test]
fn our_defaults_survive_every_accident_on_five_seeds_and_the_table_shows_who_does_not() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    let output = command.arg("incidents").arg(folder()).output().unwrap();
    let remarks = String::from_utf8(output.stderr).unwrap();
    expect_file![folder().join("table.txt")].assert_eq(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(output.status.code(), Some(0), "ours fails:\n{remarks}");
    let suffered_by_nobody: String =
        SUFFERED_BY_NOBODY.map(|name| format!("remark: nobody fails {name}\n")).concat();
    assert_eq!(remarks, suffered_by_nobody);
}

#[test]
fn the_table_fits_a_screen() {
    let table = fs::read_to_string(folder().join("table.txt")).unwrap();
    assert!(table.lines().all(|line| line.chars().count() <= 110));
    assert!(table.lines().count() <= 40);
}

#[test]
fn an_accident_happens_the_same_way_twice_and_to_our_defaults_as_written() {
    let mut issues = String::new();
    for path in files() {
        let scenario = load(&path).unwrap_or_else(|issues| panic!("{issues}")).scenario;
        let (name, seed) = (scenario.name(), scenario.seed());
        let config = scenario.config(seed);
        let ours = scenario.clone().run_by(Profile::Ours).config(seed);
        if config.engine != ours.engine {
            issues += &format!("{name} is not written for ours: `--as ours` changes it\n");
        }
        if scenario.description().is_empty() {
            issues += &format!("{name} has no description\n");
        }
        let outcome = || run(&config, &mut *scenario.tasks(seed), Hooks::default());
        if outcome() != outcome() {
            issues += &format!("{name} came out differently the second time\n");
        }
    }
    assert_eq!(issues, "");
}
