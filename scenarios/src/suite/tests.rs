//! Suite files in, terms or problems out; baselines written, read back, damaged and replaced.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;
use crate::experiment::Experiment;

const BASE: &str = r#"
[time]
start = 2021-03-01
length = "1 h"

[market]
zones = ["us-east-1a"]
on_demand = { "c5.xlarge" = "$0.17/h" }

[worker_types."ci/tests"]
capacity_max = 4
tasks.poisson = { tasks_per_hour = 12, durations = "5 min" }
instance_types."c5.xlarge" = {}
"#;

const SUITE: &str = r#"
base = "week.toml"
seeds = 2
decisions = "exact"
journals = "all"

[axes.scenario.variants]
calm = {}
real = { cloud.behaviour = "full" }

[tolerances]
total.cost_usd.total = "2 %"
total.wait_s.p95 = "30 s unless by chance"
worker_types."ci/tests".wait_s.max = "any"
"total.tasks.done" = 3

[[override]]
where = { scenario = "real" }
decisions = "any"
tolerances.total.cost_usd.total = "not measurably worse"
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("week.toml"), BASE).expect("a file");
    folder
}

fn suite(folder: &TempDir) -> Experiment {
    Experiment::load_text(&folder.path().join("policy.toml"), SUITE).expect("a good suite")
}

fn refused(text: &str, expected: &Expect) {
    let folder = folder();
    let issues = Experiment::load_text(&folder.path().join("policy.toml"), text);
    let said = issues.expect_err("a wrong suite").to_string();
    expected.assert_eq(&said.replace(&format!("{}/", folder.path().display()), ""));
}

#[test]
fn each_scenario_has_the_terms_of_the_suite_and_of_what_overrides_them() {
    let folder = folder();
    let suite = suite(&folder);
    let told = suite.points.iter().enumerate().map(|(point, it)| {
        let terms = it.terms.tolerances.iter().map(|(path, by, _)| format!("\n  {path}: {by}"));
        let exact = if it.terms.exact { ", exactly" } else { "" };
        format!("{}{exact}{}\n", suite.point_name(point), terms.collect::<String>())
    });
    expect![[r#"
        calm, exactly
          total.cost_usd.total: 2 %
          total.wait_s.p95: 30 s unless by chance
          total.tasks.done: 3
          worker_types."ci/tests".wait_s.max: any
        real
          total.cost_usd.total: 2 %
          total.wait_s.p95: 30 s unless by chance
          total.tasks.done: 3
          worker_types."ci/tests".wait_s.max: any
          total.cost_usd.total: not measurably worse
    "#]]
    .assert_eq(&told.collect::<String>());
    assert_eq!(suite.journals, 2);
}

#[test]
fn terms_do_not_change_what_is_run() {
    let folder = folder();
    let bare = SUITE.split("[tolerances]").next().expect("a part").replace("exact", "any");
    let bare = Experiment::load_text(&folder.path().join("bare.toml"), &bare).expect("good");
    assert_eq!(bare.hash(), suite(&folder).hash());
}

#[test]
fn all_problems_of_the_terms_are_told_at_their_places() {
    let text = SUITE
        .replace("\"2 %\"", "\"some\"")
        .replace("\"30 s unless by chance\"", "\"-1 s\"")
        .replace("where = { scenario = \"real\" }", "where = { scenario = \"reel\" }")
        .replace("journals = \"all\"", "journal = \"all\"");
    refused(
        &text,
        &expect![[r#"
        error: unknown key `journal` at the top level
         --> policy.toml:5:1
          |
        5 | journal = "all"
          | ^^^^^^^
        hint: did you mean `journals`?

        error: `total.cost_usd.total` is not a tolerance
          --> policy.toml:12:24
           |
        12 | total.cost_usd.total = "some"
           |                        ^^^^^^
        hint: write for example "2 %", "30 s", "$1", "2 % unless by chance", "not measurably worse" or "any"

        error: `total.wait_s.p95` is negative
          --> policy.toml:13:20
           |
        13 | total.wait_s.p95 = "-1 s"
           |                    ^^^^^^
        hint: write for example "2 %", "30 s", "$1", "2 % unless by chance", "not measurably worse" or "any""#]],
    );
    let text = SUITE.replace("scenario = \"real\"", "scenario = \"reel\"");
    refused(
        &text,
        &expect![[r#"
        error: axis `scenario` has no level `reel`
          --> policy.toml:18:22
           |
        18 | where = { scenario = "reel" }
           |                      ^^^^^^
        hint: did you mean `real`?"#]],
    );
}

/// A baseline of the suite whose scenarios cost that much.
fn baseline(suite: &Experiment, cost: f64) -> Baseline {
    let accepted = |point: usize| {
        let measures = [
            ("total.cost_usd.total", vec![Some(cost), Some(0.1 + 0.2)]),
            ("worker_types.\"ci/tests\".cost_per_task_usd", vec![None, Some(12.0)]),
        ];
        let accepted = Accepted {
            scenario_hash: suite.points[point].scenario.hash().to_owned(),
            commit: "1c798b7aa012".to_owned(),
            decisions: vec!["9c44e01f3a5b7d20".to_owned(), "0d6b7b7219b305d0".to_owned()],
            measures: measures.map(|(path, values)| (path.to_owned(), values)).into(),
            journals: BTreeMap::new(),
        };
        (suite.point_name(point), accepted)
    };
    let scenarios = (0..suite.points.len()).map(accepted).collect();
    Baseline { suite: suite.name.clone(), seeds: suite.seeds.clone(), scenarios }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("one").file_name();
    let mut names: Vec<String> =
        entries.map(|entry| name(entry).into_string().expect("a text")).collect();
    names.sort();
    names
}

#[test]
fn what_is_stored_is_read_back_to_the_bit() {
    let folder = folder();
    let (suite, path) = (suite(&folder), folder.path().join("policy.baseline"));
    assert_eq!(Baseline::read(&path), Ok(None));
    let first = baseline(&suite, 2e-7);
    first.clone().store(&path, &[]).expect("room");
    assert_eq!(Baseline::read(&path), Ok(Some(first)));
}

#[test]
fn journals_are_kept_as_long_as_they_are_named() {
    let folder = folder();
    let (suite, path) = (suite(&folder), folder.path().join("policy.baseline"));
    let journals: Vec<NewJournal> = [0, 3].map(|run| NewJournal::of(&suite, run, "abc")).into();
    baseline(&suite, 1.0).store(&path, &journals).expect("room");
    let first = names(&path);
    assert_eq!(first.len(), 3, "{first:?}");
    let kept = Baseline::read(&path).expect("sound").expect("there");
    assert!(kept.scenarios["real"].has_journals(&path, [2].iter()));
    assert!(!kept.scenarios["real"].has_journals(&path, [1, 2].iter()));
    let calm = path.join(&kept.scenarios["calm"].journals[&1]);
    let bytes = fs::read(&calm).expect("a file");
    fs::write(&calm, &bytes[..bytes.len() - 1]).expect("a file");
    assert!(!kept.scenarios["calm"].has_journals(&path, [1].iter()), "it was cut short");
    // The journal that is named goes on; that of the other scenario is not named any more.
    let mut next = kept.clone();
    next.scenarios.get_mut("calm").expect("there").journals.clear();
    next.store(&path, &[]).expect("room");
    assert_eq!(names(&path).len(), 2);
    assert!(kept.scenarios["real"].has_journals(&path, [2].iter()));
}

#[cfg(unix)]
#[test]
fn what_cannot_be_stored_leaves_the_one_before() {
    let folder = folder();
    let (suite, path) = (suite(&folder), folder.path().join("policy.baseline"));
    let journal = |run| vec![NewJournal::of(&suite, run, "abc")];
    baseline(&suite, 1.0).store(&path, &journal(0)).expect("room");
    let (before, held) = (Baseline::read(&path), names(&path));
    // A folder stands where the text is to be put.
    let text = path.join("baseline.toml");
    let aside = folder.path().join("aside");
    fs::rename(&text, &aside).expect("moved");
    fs::create_dir(&text).expect("made");
    let error = baseline(&suite, 2.0).store(&path, &journal(3)).expect_err("no way").to_string();
    assert!(error.starts_with("error: the baseline cannot be stored: `"), "{error}");
    fs::remove_dir(&text).expect("removed");
    fs::rename(&aside, &text).expect("moved");
    assert_eq!(Baseline::read(&path), before);
    assert!(held.iter().all(|name| path.join(name).exists()));
}

#[test]
fn a_baseline_of_something_else_is_told_from_ours() {
    let folder = folder();
    let suite = suite(&folder);
    let known = baseline(&suite, 1.0);
    assert_eq!(known.differs(&suite), None);
    let other = |change: &dyn Fn(&mut Baseline)| {
        let mut other = known.clone();
        change(&mut other);
        other.differs(&suite).expect("it differs")
    };
    let said = [
        other(&|it| {
            (it.suite, it.scenarios) = ("idle".to_owned(), BTreeMap::new());
        }),
        other(&|it| it.seeds = vec![1, 2, 3]),
        other(&|it| drop(it.scenarios.remove("real"))),
        other(&|it| drop(it.scenarios.insert("old".to_owned(), Accepted::default()))),
    ];
    expect![[r#"
        [
            "is of another suite: `idle`, not `policy`",
            "is of seeds 1 to 3, and the suite is run with seeds 1 to 2",
            "lacks `real`",
            "has `old`, which the suite has not",
        ]
    "#]]
    .assert_debug_eq(&said);
}

#[test]
fn a_damaged_baseline_is_an_error_at_its_place() {
    let folder = folder();
    let (suite, path) = (suite(&folder), folder.path().join("policy.baseline"));
    baseline(&suite, 1.0).store(&path, &[]).expect("room");
    let text = fs::read_to_string(path.join("baseline.toml")).expect("a file");
    let said = |text: &str| {
        fs::write(path.join("baseline.toml"), text).expect("a file");
        let issues = Baseline::read(&path).expect_err("a damaged baseline").to_string();
        let issues = issues.replace(&format!("{}/", path.display()), "");
        issues.lines().filter(|line| !line.contains('|')).collect::<Vec<_>>().join("\n")
    };
    let half = &text[..text.rfind("[end]").expect("an end")];
    let told = [
        said(&text.replace("baseline = 1\n", "baseline = 2\n")),
        said(&text.replace("outcome = 1\n", "outcome = 99\n")),
        said(&text[..text.len() / 2]),
        said(half),
        said(&text.replace("total = [1,", "total = [")),
        said("hello = 1"),
    ];
    expect![[r#"
        error: `baseline` is of version 2; this program's is 1
         --> baseline.toml:3:12
        hint: use the program that wrote it, or accept what this one comes to: `--accept`

        error: `outcome` is of version 99; this program's is 1
         --> baseline.toml:4:11
        hint: use the program that wrote it, or accept what this one comes to: `--accept`

        error: key with no value
          --> baseline.toml:15:14
        hint: it was altered or is damaged: restore it from version control, or write it again: `--accept`

        error: missing key `scenarios` in [end]
         --> baseline.toml
        hint: it was altered or is damaged: restore it from version control, or write it again: `--accept`

        error: `total.cost_usd.total` has not a number for each of 2 seeds
          --> baseline.toml:15:24
        hint: it was altered or is damaged: restore it from version control, or write it again: `--accept`

        error: `total.cost_usd.total` has not a number for each of 2 seeds
          --> baseline.toml:25:24
        hint: it was altered or is damaged: restore it from version control, or write it again: `--accept`

        error: this is no baseline, or half of one: `baseline` is not there
         --> baseline.toml
        hint: it was altered or is damaged: restore it from version control, or write it again: `--accept`"#]].assert_eq(&told.join("\n\n"));
    // No beginning of it is taken for the whole.
    let length = text.trim_end().len();
    for end in (0..length).step_by(11).chain(length - 99..length) {
        fs::write(path.join("baseline.toml"), &text[..end]).expect("a file");
        assert!(Baseline::read(&path).is_err(), "{end} bytes");
    }
}
