//! The gate as the owners of a policy meet it: a suite, a committed baseline, a change, an exit code.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use expect_test::expect;
use tempfile::TempDir;

const FILES: [&str; 3] = ["policy.toml", "fleet.toml", "fleet-2016.toml"];

fn shipped(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/suites/");
    fs::read_to_string(format!("{folder}{name}")).unwrap()
}

/// A folder with the shipped suite.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in FILES {
        fs::write(folder.path().join(name), shipped(name)).unwrap();
    }
    folder
}

/// The same, accepted. All tests accept the same.
fn accepted() -> TempDir {
    static BASELINE: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    let baseline = BASELINE.get_or_init(|| {
        let folder = folder();
        told(folder.path(), "check policy.toml --accept -q");
        bytes(&folder.path().join("policy.baseline"))
    });
    let folder = folder();
    let at = folder.path().join("policy.baseline");
    fs::create_dir(&at).unwrap();
    baseline.iter().for_each(|(name, bytes)| fs::write(at.join(name), bytes).unwrap());
    folder
}

/// Puts a text in place of another in a shipped file.
fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let text = shipped(file);
    assert!(text.contains(from), "{from} is not in {file}");
    fs::write(folder.join(file), text.replace(from, to)).unwrap();
}

fn run(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command.args(arguments.split(' ')).current_dir(folder).output().unwrap()
}

/// Standard output of a command that ended with that code.
fn ended(folder: &Path, arguments: &str, code: i32) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn told(folder: &Path, arguments: &str) -> String {
    ended(folder, arguments, 0)
}

fn refused(folder: &Path, arguments: &str) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

/// Every file of a folder.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let read =
        |it: fs::DirEntry| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap());
    entries.map(read).collect()
}

/// What a page says before its details: the measures that are worse, by scenario, and of the first of
/// these what was decided otherwise first.
fn gist(page: &str) -> String {
    let (brief, _) = page.split_once("\nWhy ").unwrap_or((page, ""));
    let mut gist = String::new();
    let mut decision = String::new();
    for part in brief.split("\n\n").skip(1).collect::<Vec<_>>().chunks(2) {
        let Some(scenario) = part[0].split_whitespace().next() else { continue };
        let worse = part[0].lines().filter(|line| line.ends_with("  WORSE"));
        let worse: Vec<&str> = worse.collect();
        for line in &worse {
            let measure = line.split_whitespace().next().unwrap();
            let difference = line.split("  ").find(|cell| cell.contains(" ± ")).unwrap().trim();
            gist += &format!("  {scenario}: {measure} {difference}\n");
        }
        if decision.is_empty() && !worse.is_empty() && part.len() > 1 {
            let lines = part[1].lines().skip_while(|line| !line.starts_with("  first"));
            let lines = lines.map(|line| match line.split_once(": ") {
                Some(("  first decision that changed, seed 1", which)) => format!("  {which}\n"),
                _ => format!("  {line}\n"),
            });
            decision = lines.collect();
        }
    }
    gist + &decision
}

/// What is done to a file of the policy.
type Regression = (&'static str, &'static str, &'static str, &'static str);

const INTERVAL: &str = "iteration_interval = \"1 min\"";

const REGRESSIONS: [Regression; 11] = [
    ("bids 2.2 instead of 2", "fleet-2016.toml", "bid_multiplier = 2.0", "bid_multiplier = 2.2"),
    (
        "preference order flipped",
        "fleet.toml",
        "\"c5.xlarge\" = { utility = 1.0 }",
        "\"c5.xlarge\" = { utility = 1.0, bias = 1.5 }",
    ),
    ("ICE memory dropped", "fleet.toml", INTERVAL, "guard_rules.ice = \"off\""),
    (
        "boot time ignored",
        "fleet.toml",
        "registration_timeout = \"20 min\"",
        "registration_timeout = \"1 min\"",
    ),
    ("no patience", "fleet.toml", "on_demand_after = \"10 min\"", "on_demand_after = \"0 s\""),
    ("minPrice raised", "fleet-2016.toml", "price_min = \"$0.02/h\"", "price_min = \"$0.10/h\""),
    ("idle twice as long", "fleet.toml", "idle_timeout = \"10 min\"", "idle_timeout = \"20 min\""),
    ("a fifth of the queue ignored", "fleet.toml", "scaling_ratio = 1.0", "scaling_ratio = 0.8"),
    ("pending tasks tolerated", "fleet-2016.toml", "scaling_ratio = 0.0", "scaling_ratio = 0.2"),
    ("looks every three minutes", "fleet.toml", INTERVAL, "iteration_interval = \"3 min\""),
    ("smaller fleet", "fleet.toml", "capacity_max = 100", "capacity_max = 80"),
];

#[test]
fn each_regression_of_the_policy_fails_with_the_first_decision_that_changed() {
    let folder = accepted();
    let mut table = String::new();
    for (name, file, from, to) in REGRESSIONS {
        change(folder.path(), file, from, to);
        let page = ended(folder.path(), "check policy.toml --no-progress", 1);
        table += &format!("{name}\n{}", gist(&page));
        fs::write(folder.path().join(file), shipped(file)).unwrap();
    }
    expect![[r#"
        bids 2.2 instead of 2
          bid-era: spend.committed_peak_usd_per_h +9.2 % ± 3.8 %
          decision 1, at 2016-03-07T08:01:00Z
            told just before: 7 facts, then r5.xlarge/us-east-1b costs $0.0711/h since 2016-03-07T08:00:00Z; r5.xlarge/us-west-2a costs $0.0425/h since 2016-03-07T08:00:00Z; ci/builds: 1 pending, 0 claimed; ci/tests: 0 pending, 0 claimed
            was: #1 launch m5.xlarge/us-east-1b for ci/builds, spot at most $0.041/h, because ci/builds: 1 × m5.xlarge/us-east-1b from #1, spot at most $0.041/h, price $0.0205/h, chosen from 9
            now: #1 launch m5.xlarge/us-east-1b for ci/builds, spot at most $0.0451/h, because ci/builds: 1 × m5.xlarge/us-east-1b from #1, spot at most $0.0451/h, price $0.0205/h, chosen from 9
        preference order flipped
          calm: total.cost_usd.total +4.6 % ± 1.6 %
          real: total.cost_usd.total +4.6 % ± 2.1 %
          decision 1, at 2021-03-01T08:01:00Z
            told just before: 7 facts, then r5.xlarge/us-east-1b costs $0.1219/h since 2021-03-01T08:00:00Z; r5.xlarge/us-west-2a costs $0.043/h since 2021-03-01T08:00:00Z; ci/builds: 1 pending, 0 claimed; ci/tests: 0 pending, 0 claimed
            was: #1 launch c5.xlarge/us-east-1a for ci/builds, spot at most $0.17/h, because ci/builds: 1 × c5.xlarge/us-east-1a from #1, spot at most $0.17/h, price $0.0423/h, chosen from 9
            now: #1 launch r5.xlarge/us-west-2a for ci/builds, spot at most $0.252/h, because ci/builds: 1 × r5.xlarge/us-west-2a from #1, spot at most $0.252/h, price $0.043/h, chosen from 9
        ICE memory dropped
          dry: total.cost_usd.total +29.9 % ± 14.6 %
          decision 36, at 2021-03-01T08:36:00Z
            told just before: ci/builds: 0 pending, 13 claimed; 7 × EC2 gave no instance: the pool has no machine: #16, #17, #18, #19, #20, #21, #22
            was: #23..#27 launch c5.xlarge/us-east-1b for ci/builds, spot at most $0.17/h, because ci/builds: 5 × c5.xlarge/us-east-1b from #23, spot at most $0.17/h, price $0.0502/h, chosen from 6
            now: #23..#27 launch c5.xlarge/us-west-2a for ci/builds, spot at most $0.17/h, because ci/builds: 5 × c5.xlarge/us-west-2a from #23, spot at most $0.17/h, price $0.0481/h, chosen from 7
        boot time ignored
          bid-era: total.cost_usd.total +31.5 % ± 18.1 %
          bid-era: total.wait_s.mean +26.1 % ± 21.2 %
          bid-era: total.wait_s.p95 +23.3 % ± 15.4 %
          decision 59, at 2016-03-07T08:59:00Z
            told just before: 2 facts, then ci/builds: 0 pending, 15 claimed; 24 × instance pending: #89, #90, #91, #92, #93, #94, #95, #96, …; 43 × its worker registered: #81, #53, #24, #59, #23, #78, #22, #19, …; 38 × the instance runs, its system starts: #68, #50, #26, #57, #62, #41, #35, #49, …
            was: nothing, to be called again at 2016-03-07T09:00:00Z
            now: #27 terminate, because #27: ended, worker not registered since 2016-03-07T08:57:02.168Z
        no patience
          dry: total.cost_usd.total +23.5 % ± 9.5 %
          decision 36, at 2021-03-01T08:36:00Z
            told just before: ci/builds: 0 pending, 13 claimed; 7 × EC2 gave no instance: the pool has no machine: #16, #17, #18, #19, #20, #21, #22
            was: #23..#27 launch c5.xlarge/us-east-1b for ci/builds, spot at most $0.17/h, because ci/builds: 5 × c5.xlarge/us-east-1b from #23, spot at most $0.17/h, price $0.0502/h, chosen from 6
            now: #23..#27 launch c5.xlarge/us-east-1a for ci/builds, on demand, because ci/builds: no spot machine since 2021-03-01T08:35:00.676Z, on demand now
        minPrice raised
          bid-era: spend.committed_peak_usd_per_h +114.0 % ± 30.3 %
          decision 1, at 2016-03-07T08:01:00Z
            told just before: 7 facts, then r5.xlarge/us-east-1b costs $0.0711/h since 2016-03-07T08:00:00Z; r5.xlarge/us-west-2a costs $0.0425/h since 2016-03-07T08:00:00Z; ci/builds: 1 pending, 0 claimed; ci/tests: 0 pending, 0 claimed
            was: #1 launch m5.xlarge/us-east-1b for ci/builds, spot at most $0.041/h, because ci/builds: 1 × m5.xlarge/us-east-1b from #1, spot at most $0.041/h, price $0.0205/h, chosen from 9
            now: #1 launch m5.xlarge/us-east-1b for ci/builds, spot at most $0.105264/h, because ci/builds: 1 × m5.xlarge/us-east-1b from #1, spot at most $0.105264/h, price $0.0205/h, chosen from 9
        idle twice as long
          calm: total.cost_usd.total +16.7 % ± 2.3 %
          real: total.cost_usd.total +16.6 % ± 2.4 %
          dry: total.cost_usd.total +15.1 % ± 4.2 %
          decision 42, at 2021-03-01T08:42:00Z
            told just before: ci/builds: 0 pending, 12 claimed
            was: #1 check the worker
            now: nothing more, to be called again at 2021-03-01T08:43:00Z
        a fifth of the queue ignored
          calm: total.wait_s.mean +2.8 % ± 1.0 %
          real: total.wait_s.mean +3.4 % ± 1.0 %
          decision 56, at 2021-03-01T08:56:00Z
            told just before: ci/tests: 69 pending, 1 claimed; ci/builds: 0 pending, 16 claimed; instance found: #18; the instance runs, its system starts: #18
            was: #69..#76 launch m5.xlarge/us-west-2a for ci/tests, spot at most $0.192/h, because ci/tests: 69 pending, 1 claimed, capacity 1 working → +69 (would keep 70)
            now: #69..#74 launch m5.xlarge/us-west-2a for ci/tests, spot at most $0.192/h, because ci/tests: 69 pending, 1 claimed, capacity 1 working → +56 (would keep 57)
        pending tasks tolerated
          bid-era: worker_types."ci/builds".wait_s.p95 +24.1 % ± 14.5 %
          decision 7, at 2016-03-07T08:07:00Z
            told just before: ci/builds: 6 pending, 2 claimed; 3 × instance pending: #3, #4, #5; 2 × the instance runs, its system starts: #3, #4
            was: #6..#10 launch m5.xlarge/us-east-1b for ci/builds, spot at most $0.041/h, because ci/builds: 6 pending, 2 claimed, capacity 1 pending + 2 running + 2 working → +5
            now: #6..#9 launch m5.xlarge/us-east-1b for ci/builds, spot at most $0.041/h, because ci/builds: 6 pending, 2 claimed, capacity 1 pending + 2 running + 2 working → +4
        looks every three minutes
          calm: total.wait_s.mean +18.4 % ± 6.2 %
          calm: total.wait_s.p95 +6.0 % ± 4.4 %
          calm: worker_types."ci/builds".wait_s.p95 +67.3 % ± 17.7 %
          real: total.wait_s.mean +19.7 % ± 9.3 %
          real: total.wait_s.p95 +7.4 % ± 4.5 %
          real: worker_types."ci/builds".wait_s.p95 +65.3 % ± 9.3 %
          dry: worker_types."ci/builds".wait_s.p95 +115.7 % ± 65.5 %
            first fact that differs, was: 2021-03-01T08:01:00Z ci/builds: 1 pending, 0 claimed
            first fact that differs, now: 2021-03-01T08:03:00Z ci/builds: 1 pending, 0 claimed
          decision 1, at 2021-03-01T08:01:00Z and at 2021-03-01T08:03:00Z
            told just before: 7 facts, then r5.xlarge/us-east-1b costs $0.1219/h since 2021-03-01T08:00:00Z; r5.xlarge/us-west-2a costs $0.043/h since 2021-03-01T08:00:00Z; ci/builds: 1 pending, 0 claimed; ci/tests: 0 pending, 0 claimed
            was: nothing more, to be called again at 2021-03-01T08:02:00Z
            now: nothing more, to be called again at 2021-03-01T08:06:00Z
        smaller fleet
          calm: total.wait_s.mean +60.6 % ± 42.1 %
          calm: total.wait_s.p95 +54.8 % ± 26.5 %
          real: total.wait_s.mean +56.3 % ± 39.0 %
          real: total.wait_s.p95 +51.2 % ± 22.4 %
          dry: total.wait_s.p95 +36.2 % ± 15.0 %
          bid-era: total.wait_s.p95 +31.5 % ± 26.1 %
          decision 230, at 2021-03-01T11:50:00Z
            told just before: ci/tests: 124 pending, 63 claimed; ci/builds: 0 pending, 11 claimed; worker checked: #14
            was: #166..#183 launch c5.xlarge/us-east-1a for ci/tests, spot at most $0.17/h, because ci/tests: 124 pending, 63 claimed, capacity 63 working → +37 (would keep 100)
            now: #166..#173 launch c5.xlarge/us-east-1a for ci/tests, spot at most $0.17/h, because ci/tests: 124 pending, 63 claimed, capacity 63 working → +17 (would keep 80)
    "#]].assert_eq(&table);
}

#[test]
fn what_alters_nothing_passes_and_a_scenario_that_is_written_otherwise_is_named() {
    let folder = accepted();
    // The same with its sections in another order, and remarks.
    let text = shipped("fleet.toml");
    let (start, fleet) = text.split_at(text.find("[worker_type_defaults]").unwrap());
    let (head, world) = start.split_at(start.find("[time]").unwrap());
    fs::write(folder.path().join("fleet.toml"), format!("{head}# as before\n{fleet}\n{world}"))
        .unwrap();
    let page = told(folder.path(), "check policy.toml --no-progress");
    let same = "\nEverything is as accepted: 4 scenarios decide and come to the same.\n";
    assert!(page.ends_with(same) && page.lines().count() == 3, "{page}");
    // A default that is written down is another text, and the same scenario.
    change(folder.path(), "fleet.toml", "[market]", "[queue]\nclaim_expiry = \"20 min\"\n[market]");
    let page = told(folder.path(), "check policy.toml --no-progress");
    assert!(page.ends_with(same), "{page}");
    assert_eq!(page.matches("; decisions and measures are as they were\n").count(), 4, "{page}");
}

#[test]
fn threads_change_no_byte_of_what_is_told_or_kept() {
    let folder = folder();
    told(folder.path(), "check policy.toml --accept -q --threads 1");
    told(folder.path(), "check policy.toml --accept -q --threads 7 --baseline many");
    assert_eq!(bytes(&folder.path().join("policy.baseline")), bytes(&folder.path().join("many")));
    change(folder.path(), "fleet.toml", "capacity_max = 100", "capacity_max = 80");
    let told = |threads: &str| {
        let arguments =
            format!("check policy.toml --junit j.xml --markdown m.md --threads {threads}");
        let page = ended(folder.path(), &arguments, 1);
        (
            page,
            fs::read(folder.path().join("j.xml")).unwrap(),
            fs::read(folder.path().join("m.md")).unwrap(),
        )
    };
    let alone = told("1");
    assert_eq!(alone, told("7"));
    assert!(alone.0.ends_with("4 of 4 got worse: calm, real, dry, bid-era.\n"), "{}", alone.0);
}

#[test]
fn a_baseline_is_written_once_and_then_only_where_something_changed() {
    let folder = folder();
    let at = folder.path().join("policy.baseline");
    let said = refused(folder.path(), "check policy.toml");
    expect![[r#"
        error: there is no baseline of this suite in `policy.baseline`
        hint: write one with `provisioner check policy.toml --accept`, and commit it
    "#]]
    .assert_eq(&said);
    let said = told(folder.path(), "check policy.toml --accept --no-progress");
    assert!(said.starts_with("Accepted: 4 scenarios × 6 seeds in policy.baseline: "), "{said}");
    let first = bytes(&at);
    let size: usize = first.values().map(Vec::len).sum();
    assert!(first.len() == 5 && size < 300_000, "{size} bytes");

    let said = told(folder.path(), "check policy.toml --accept --no-progress");
    assert_eq!(said, "Nothing is to be accepted: everything is as it was.\n");
    change(folder.path(), "fleet-2016.toml", "bid_multiplier = 2.0", "bid_multiplier = 2.2");
    let said = told(folder.path(), "check policy.toml --accept --no-progress");
    assert!(
        said.starts_with("bid-era ") && said.contains("\nspend.price_max_usd_per_h "),
        "{said}"
    );
    let second = bytes(&at);
    let kept = first.iter().filter(|(name, bytes)| second.get(*name) == Some(bytes));
    let kept: Vec<&str> = kept.map(|(name, _)| name.split('.').next().unwrap()).collect();
    assert_eq!(kept, ["calm", "dry", "real"]);
    let lines = |files: &BTreeMap<String, Vec<u8>>| {
        String::from_utf8(files["baseline.toml"].clone())
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (first, second) = (lines(&first), lines(&second));
    let changed = first.iter().zip(&second).position(|(was, is)| was != is).unwrap();
    let section = first[..changed].iter().rfind(|line| line.starts_with('[')).unwrap();
    let next = first.iter().position(|line| line == "[scenarios.\"calm\"]").unwrap();
    assert_eq!((section.as_str(), &first[next..]), ("[scenarios.\"bid-era\"]", &second[next..]));
    told(folder.path(), "check policy.toml --no-progress");
}

#[test]
fn a_wrong_baseline_is_told_and_left_as_it_is() {
    let folder = accepted();
    let at = folder.path().join("policy.baseline");
    let text = fs::read_to_string(at.join("baseline.toml")).unwrap();
    let with = |text: &str| {
        fs::write(at.join("baseline.toml"), text).unwrap();
        let said = refused(folder.path(), "check policy.toml");
        assert_eq!(fs::read_to_string(at.join("baseline.toml")).unwrap(), text);
        said
    };
    let said = with(&text.replace("baseline = 1", "baseline = 9"));
    assert!(said.contains("error: `baseline` is of version 9; this program's is 1"), "{said}");
    assert!(said.contains("hint: use the program that wrote it, or accept"), "{said}");
    let said = with(&text[..text.len() / 3]);
    assert!(
        said.contains("hint: it was altered or is damaged: restore it from version control"),
        "{said}"
    );
    let said = with(&text.replace("seeds = [1, 2, 3, 4, 5, 6]", "seeds = [2, 3, 4, 5, 6, 7]"));
    assert!(said.contains("is of seeds 2 to 7, and the suite is run with seeds 1 to 6"), "{said}");
    assert!(
        said.contains("hint: if that is meant, run `provisioner check policy.toml --accept`"),
        "{said}"
    );
    let said = refused(folder.path(), "check policy.toml --accept --baseline .");
    assert!(said.contains("`.` holds files, but no baseline"), "{said}");
    fs::write(at.join("baseline.toml"), text).unwrap();
    let said = refused(folder.path(), "check policy.toml --junit missing/j.xml");
    assert!(said.contains("`missing/j.xml` cannot be written"), "{said}");
}

#[test]
fn no_report_is_written_over_what_is_judged() {
    let folder = accepted();
    let kept = fs::read_dir(folder.path().join("policy.baseline")).unwrap().next().unwrap();
    let kept = kept.unwrap().file_name().into_string().unwrap();
    for input in ["policy.toml", "./fleet.toml", &format!("policy.baseline/{kept}")] {
        let said = refused(folder.path(), &format!("check policy.toml --junit {input}"));
        assert!(said.contains(&format!("`{input}` is an input")), "{said}");
    }
    for name in FILES {
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), shipped(name));
    }
}

#[test]
fn a_verdict_stands_without_the_journal_that_would_say_why() {
    let folder = accepted();
    let at = folder.path().join("policy.baseline");
    for (name, bytes) in bytes(&at).iter().filter(|(name, _)| name.ends_with(".zst")) {
        fs::write(at.join(name), &bytes[..bytes.len() / 2]).unwrap();
    }
    change(folder.path(), "fleet-2016.toml", "bid_multiplier = 2.0", "bid_multiplier = 2.2");
    let page = ended(folder.path(), "check policy.toml --no-progress", 1);
    assert!(
        page.contains("  which decision changed first is not known: policy.baseline/bid-era.1."),
        "{page}"
    );
    assert!(page.contains("; restore the baseline, or accept anew\n"), "{page}");
    change(folder.path(), "policy.toml", "seeds = 6", "seeds = 6\njournals = \"none\"");
    let said = told(folder.path(), "check policy.toml --accept --no-progress");
    assert!(said.contains(" of measures, 0 KiB of journals. Commit it.\n"), "{said}");
    assert_eq!(bytes(&at).len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_baseline_as_it_was() {
    let folder = accepted();
    let at = folder.path().join("policy.baseline");
    let before = bytes(&at);
    change(folder.path(), "fleet.toml", "capacity_max = 100", "capacity_max = 80");
    // No file may grow beyond 16 KiB, which each journal does.
    let program = env!("CARGO_BIN_EXE_provisioner");
    let script =
        format!("trap '' XFSZ; ulimit -f 32; exec {program} check policy.toml --accept -q");
    let mut command = Command::new("sh");
    let output = command.args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: the baseline cannot be stored: `policy.baseline/"), "{said}");
    assert!(said.ends_with("space is left; the one before is as it was\n"), "{said}");
    assert_eq!(bytes(&at), before);
}

#[test]
fn the_verdict_is_the_exit_code_though_nobody_reads_it() {
    let folder = accepted();
    change(folder.path(), "fleet.toml", "capacity_max = 100", "capacity_max = 80");
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command.args(["check", "policy.toml", "--no-progress"]).current_dir(folder.path());
    let mut check = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(check.stdout.take());
    assert_eq!(check.wait().unwrap().code(), Some(1));
}

#[test]
fn markdown_goes_to_the_summary_of_a_job_and_the_log_is_for_people() {
    let folder = accepted();
    change(folder.path(), "fleet-2016.toml", "bid_multiplier = 2.0", "bid_multiplier = 2.2");
    let output = run(folder.path(), "check policy.toml --markdown - --junit check.xml");
    assert_eq!(output.status.code(), Some(1));
    let (summary, log) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(summary.starts_with("### ❌ 1 of 4 got worse: bid-era.\n"), "{summary}");
    assert!(summary.contains("\n- was: `#1 launch "), "{summary}");
    assert!(log.ends_with("1 of 4 got worse: bid-era.\n"), "{log}");
    let xml = fs::read_to_string(folder.path().join("check.xml")).unwrap();
    assert!(xml.contains("<testcase classname=\"policy.bid-era\" name=\"spend.committed_peak_usd_per_h\" time=\"0\"><failure "), "{xml}");
}
