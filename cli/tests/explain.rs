//! Journals asked and compared, as users do it: files in, words and exit codes out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use expect_test::{Expect, expect};
use serde_json::Value;
use tempfile::TempDir;

/// Three hours of the shipped first scenario.
fn quickstart() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/quickstart.toml");
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("length = \"2 d\""));
    text.replace("length = \"2 d\"", "length = \"3 h\"")
}

/// A folder with `a.toml` and its journal, and, for each change to it, `b.toml` and so on.
fn journals(changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = quickstart();
    let others = changes.iter().map(|(from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    for (text, name) in std::iter::once(text.clone()).chain(others).zip(["a", "b", "c"]) {
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
        let (scenario, journal) = (format!("{name}.toml"), format!("{name}.jsonl"));
        told(folder.path(), &["simulate", &scenario, "--quiet", "--journal", &journal]);
    }
    folder
}

fn provisioner(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command.args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard output of a command that ended with that code.
fn ended(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = provisioner(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn told(folder: &Path, arguments: &[&str]) -> String {
    ended(folder, arguments, 0)
}

fn refused(folder: &Path, arguments: &[&str], expected: &Expect) {
    let output = provisioner(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stdout));
    assert_eq!(text(&output.stdout), "");
    expected.assert_eq(&text(&output.stderr));
}

/// The decisions of a journal: their lines, and what they order.
fn decisions(folder: &Path, journal: &str) -> Vec<(usize, Value)> {
    let lines = fs::read_to_string(folder.join(journal)).unwrap();
    let decided = |(index, line): (usize, &str)| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let mut decision = record.get_mut("decided")?.take();
        decision.as_object_mut()?.remove("reasons");
        Some((index + 1, decision))
    };
    lines.lines().enumerate().filter_map(decided).collect()
}

/// What `diff` must find, found by comparing line by line.
fn check_first_difference(folder: &Path, a: &str, b: &str) -> String {
    let (first, second) = (decisions(folder, a), decisions(folder, b));
    let nth = first.iter().zip(&second).position(|(a, b)| a.1 != b.1).unwrap();
    let page = ended(folder, &["diff", a, b], 1);
    let (_, at) = page.lines().next().unwrap().split_once(", at ").unwrap();
    assert_eq!(page.lines().next().unwrap(), format!("Decision {} differs, at {at}", nth + 1));
    for (label, journal, line) in [("A", a, first[nth].0), ("B", b, second[nth].0)] {
        let place = format!("\n{label} decided ({journal}:{line})\n");
        assert!(page.contains(&place), "{place} is not in {page}");
    }
    page
}

#[test]
fn a_changed_bid_is_named_as_the_first_decision_that_buys_on_spot() {
    let cheapest = "placement = \"spread\"";
    let by = |multiplier: &str| format!("placement.cheapest.bid_multiplier = {multiplier}");
    let (two, more) = (by("2.0"), by("2.2"));
    let folder = journals(&[(cheapest, &two), (cheapest, &more)]);
    let page = check_first_difference(folder.path(), "b.jsonl", "c.jsonl");
    for said in [
        "\n  worker_types.proj/builds.placement.bid.multiplier: 2000000 → 2200000\n",
        "\nBefore\n",
        " facts told until then are equal\n",
        "\nTold just before, to both\n",
        "\nWhat it came to, as far as the journals tell\n",
    ] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
    let bids = |label: &str| {
        let (_, part) = page.split_once(&format!("\n{label} decided ")).unwrap();
        let (_, bid) = part.split_once("spot at most $").unwrap();
        bid.split('/').next().unwrap().parse::<f64>().unwrap()
    };
    let ratio = bids("B") / bids("A");
    assert!((ratio - 1.1).abs() < 0.01, "bids differ as multipliers do: {ratio}");
}

#[test]
fn a_changed_preference_is_named_with_both_pools() {
    let folder =
        journals(&[("\"c5.xlarge\" = { utility = 1.1 }", "\"c5.xlarge\" = { utility = 0.5 }")]);
    let page = check_first_difference(folder.path(), "a.jsonl", "b.jsonl");
    assert!(page.contains(".utility: 1100000 → 500000\n"), "{page}");
    assert!(page.contains("\n  because proj/tests: "), "{page}");
}

#[test]
fn what_changes_nothing_differs_in_nothing() {
    // The description is no part of what the engine is built from.
    let folder = journals(&[("Two days of a small CI", "Some days of a small CI")]);
    let page = told(folder.path(), &["diff", "a.jsonl", "b.jsonl"]);
    assert!(page.starts_with("Both decide the same, in all "), "{page}");
    assert!(page.contains("\n  nothing: the engines were built from the same"), "{page}");
}

#[test]
fn scenarios_that_are_given_are_run_again_for_their_outcome() {
    let folder = journals(&[("placement = \"spread\"", "placement = \"random\"")]);
    let scenarios = ["--scenario", "a.toml", "--scenario", "b.toml"];
    let page = ended(folder.path(), &[&["diff", "a.jsonl", "b.jsonl"], &scenarios[..]].concat(), 1);
    let (_, end) = page.split_once("\nWhat it came to, simulated again\n").unwrap();
    let row = end.lines().find(|line| line.starts_with("cost, $ ")).unwrap();
    let costs: Vec<&str> = row.split_whitespace().skip(2).take(2).collect();
    for (name, cost) in ["a.toml", "b.toml"].iter().zip(costs) {
        let page = told(folder.path(), &["simulate", name]);
        assert!(page.contains(&format!(" tasks done for ${cost},")), "{cost} is not in {page}");
    }
    let one = ["diff", "a.jsonl", "b.jsonl", "--scenario", "a.toml"];
    let output = provisioner(folder.path(), &one);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.starts_with("error: no scenario given is that of `b.jsonl`\nhint: "), "{said}");
}

#[test]
fn every_question_that_the_summary_proposes_is_answered() {
    let folder = journals(&[]);
    let page = told(folder.path(), &["explain", "a.jsonl"]);
    let (_, next) = page.split_once("\nWhat to ask next\n").unwrap();
    let questions: Vec<&str> =
        next.lines().map(|line| line.split_once(": provisioner ").unwrap().1).collect();
    assert!(questions.len() >= 3, "{next}");
    for question in questions {
        let arguments: Vec<&str> = question.split(' ').collect();
        assert!(told(folder.path(), &arguments).lines().count() > 8, "{question}");
        let json = told(folder.path(), &[&arguments[..], &["--json"]].concat());
        let json: Value = serde_json::from_str(&json).unwrap();
        assert!(json["sections"].as_array().unwrap().len() >= 3, "{question}");
    }
}

#[test]
fn a_launch_is_explained_by_the_decision_that_ordered_it() {
    let folder = journals(&[]);
    let life = told(folder.path(), &["explain", "a.jsonl", "--launch", "#9"]);
    let (line, _) = decisions(folder.path(), "a.jsonl")
        .into_iter()
        .find(|(_, decision)| {
            decision["actions"].as_array().unwrap().iter().any(|action| {
                let first = action["launch"].as_u64().filter(|_| action["order"] == "launch");
                first.is_some_and(|first| {
                    (first..first + action["count"].as_u64().unwrap()).contains(&9)
                })
            })
        })
        .unwrap();
    assert!(life.starts_with("#9 (instance "), "{life}");
    let why = format!("\nWhy it was ordered (journal line {line})\n");
    for said in
        [&why, "\nWhat it was chosen from, just before\n", "  chosen\n", "its worker registered\n"]
    {
        assert!(life.contains(said), "{said} is not in {life}");
    }
    let instance = life.split(['(', ')']).nth(1).unwrap().strip_prefix("instance ").unwrap();
    assert_eq!(told(folder.path(), &["explain", "a.jsonl", "--instance", instance]), life);
}

#[test]
fn what_cannot_be_answered_says_what_where_and_what_to_do() {
    let folder = journals(&[]);
    let journal = fs::read_to_string(folder.path().join("a.jsonl")).unwrap();
    let lines: Vec<&str> = journal.lines().collect();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("cut.jsonl", &(lines[..9].join("\n") + "\n"));
    write("half.jsonl", &journal[..journal.len() / 2]);
    write("next.jsonl", &journal.replacen("\"journal\":1", "\"journal\":2", 1));
    write("no.jsonl", "a table, not a journal\n");
    let folder = folder.path();
    let cut = expect![[r#"
        error: the journal was cut short after 8 records
         --> cut.jsonl:10
        hint: it was altered or is damaged; write it again with `--journal`
    "#]];
    refused(folder, &["explain", "cut.jsonl"], &cut);
    refused(folder, &["diff", "a.jsonl", "cut.jsonl"], &cut);
    refused(
        folder,
        &["explain", "next.jsonl", "--launch", "1"],
        &expect![[r#"
        error: a journal of version 2; this program reads 1
         --> next.jsonl:1
        hint: replay it with the program that wrote it
    "#]],
    );
    refused(
        folder,
        &["diff", "no.jsonl", "a.jsonl"],
        &expect![[r#"
        error: this is not a journal: its first line has no `journal` version
         --> no.jsonl:1
        hint: write one with `provisioner simulate --journal FILE`
    "#]],
    );
    refused(
        folder,
        &["explain", "a.jsonl", "--launch", "99999"],
        &expect![[r#"
        error: the journal has no launch #99999
         --> a.jsonl
        hint: its launches go from 1 to 441
    "#]],
    );
    refused(
        folder,
        &["explain", "a.jsonl", "--at", "2021-02-28T23:59"],
        &expect![[r#"
        error: at 2021-02-28T23:59:00Z the journal has not begun
         --> a.jsonl
        hint: it goes from 2021-03-01T00:00:00Z to 2021-03-01T03:37:04.821Z; times are in UTC
    "#]],
    );
    refused(
        folder,
        &["explain", "a.jsonl", "--at", "noon"],
        &expect![[r#"
        error: invalid value 'noon' for '--at <TIME>': is not a time: write for example 2021-03-01T10:04

        For more information, try '--help'.
    "#]],
    );
    refused(
        folder,
        &["explain", "a.jsonl", "--waiting", "proj/bulids"],
        &expect![[r#"
        error: the journal has no worker type `proj/bulids`
         --> a.jsonl
        hint: did you mean `proj/builds`?
    "#]],
    );
    let span = ["explain", "a.jsonl", "--from", "2021-03-01T02:00", "--to", "2021-03-01T01:00"];
    refused(
        folder,
        &span,
        &expect![[r#"
        error: the span ends at 2021-03-01T01:00:00Z before it begins
         --> a.jsonl
        hint: turn `--from` and `--to` round
    "#]],
    );
    let output = provisioner(folder, &["explain", "half.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("error: the journal was cut short within a line\n"));
}
