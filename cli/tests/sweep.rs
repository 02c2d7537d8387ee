//! Sweeps as their users meet them: interrupted, in parts, on any number of threads.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use expect_test::expect;
use tempfile::TempDir;

/// Six hours of one queue on generated input.
const SCENARIO: &str = r#"
[time]
start = 2021-03-01
length = "6 h"

[market]
regime = "capacity"
zones = ["us-east-1a", "us-east-1b"]
prices = "modern"
on_demand = { "c5.xlarge" = "$0.17/h" }

[cloud]
behaviour = "full"

[market.vcpus]
"c5.xlarge" = 4

[worker_types."ci/tests"]
capacity_max = 40
tasks = { generated = { preset = "firefox-tests", tasks_per_hour = 60 } }
instance_types."c5.xlarge" = {}
"#;

const EXPERIMENT: &str = r#"
base = "week.toml"
seeds = 6

[axes.idle]
key = 'worker_types."ci/tests".idle_timeout'
values = ["2 min", "20 min"]

[axes.policy.variants]
new = { worker_type_defaults = { scaling = "target", placement = "spread" } }
old = { engine.guards = "off", worker_type_defaults = { scaling = "estimator", placement = "cheapest" } }
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("week.toml"), SCENARIO).unwrap();
    fs::write(folder.path().join("bids.toml"), EXPERIMENT).unwrap();
    folder
}

fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command.args(arguments.split(' ')).current_dir(folder);
    for variable in ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "JOB_COMPLETION_INDEX"] {
        command.env_remove(variable);
    }
    command
}

fn run(folder: &Path, arguments: &str) -> Output {
    command(folder, arguments).output().unwrap()
}

fn told(folder: &Path, arguments: &str) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(folder: &Path, arguments: &str) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

/// Every file of a folder of results: name, length, and a hash of its bytes.
fn bytes(folder: &Path) -> Vec<(String, usize, u64)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let read = |entry: fs::DirEntry| {
        let (name, bytes) = (entry.file_name(), fs::read(entry.path()).unwrap());
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        (name.into_string().unwrap(), bytes.len(), hasher.finish())
    };
    let mut files: Vec<_> = entries.map(read).collect();
    files.sort();
    files
}

fn lines(folder: &Path) -> usize {
    let log = fs::read(folder.join("outcomes.jsonl")).unwrap_or_default();
    log.iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn threads_parts_and_interruptions_do_not_change_a_byte() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let page = told(folder.path(), "sweep bids.toml");
    assert!(page.starts_with("bids: 4 points × 6 seeds, experiment "), "{page}");
    let whole = bytes(&at("bids.results"));
    let names: Vec<&str> = whole.iter().map(|(name, ..)| name.as_str()).collect();
    expect![[r#"
        [
            "experiment.json",
            "outcomes.jsonl",
            "runs.csv",
            "runs.parquet",
            "worker_types.csv",
            "worker_types.parquet",
        ]
    "#]]
    .assert_debug_eq(&names);

    let alone = told(folder.path(), "sweep bids.toml --threads 1 -o alone");
    assert_eq!((&alone, bytes(&at("alone"))), (&page, whole.clone()));
    let many = told(folder.path(), "sweep bids.toml --threads 7 -o many");
    assert_eq!((&many, bytes(&at("many"))), (&page, whole.clone()));
    let again = told(folder.path(), "sweep bids.toml");
    assert_eq!((&again, bytes(&at("bids.results"))), (&page, whole.clone()));

    told(folder.path(), "sweep bids.toml --shard 2/3 -o b --quiet");
    told(folder.path(), "sweep bids.toml --shard 1/3 -o a --quiet");
    let from_env = |name: &str, set: [(&str, &str); 2]| {
        let arguments = format!("sweep bids.toml --shard env -o {name} -q");
        assert!(command(folder.path(), &arguments).envs(set).status().unwrap().success());
    };
    from_env("c", [("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_COUNT", "3")]);
    let merged = told(folder.path(), "merge b c a -o merged");
    assert_eq!((&merged, bytes(&at("merged"))), (&page, whole));
}

#[test]
fn a_killed_sweep_loses_at_most_the_runs_in_flight() {
    let folder = folder();
    // Long runs, so that a sweep is still at work when it is seen to have kept one.
    fs::write(folder.path().join("week.toml"), SCENARIO.replace("6 h", "20 d")).unwrap();
    told(folder.path(), "sweep bids.toml -q -o calm");
    let rough = folder.path().join("rough");
    let (mut kept, mut kills) = (0, 0);
    loop {
        let mut sweep = command(folder.path(), "sweep bids.toml -q --threads 2 -o rough");
        let mut sweep = sweep.stderr(Stdio::piped()).spawn().unwrap();
        while lines(&rough) == kept && sweep.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        if let Some(status) = sweep.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        sweep.kill().unwrap();
        sweep.wait().unwrap();
        let now = lines(&rough);
        assert!(now > kept, "{kept} runs were kept, now {now}");
        (kept, kills) = (now, kills + 1);
    }
    assert!(kills > 1, "it was never killed");
    assert_eq!(bytes(&rough), bytes(&folder.path().join("calm")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let folder = folder();
    told(folder.path(), "sweep bids.toml -q -o calm");
    // No file may grow beyond 16 KiB, which some runs fill.
    let program = env!("CARGO_BIN_EXE_provisioner");
    let script = format!("trap '' XFSZ; ulimit -f 32; exec {program} sweep bids.toml -o full");
    let output =
        Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("error: `full` cannot keep another run: File too large"), "{said}");
    assert!(said.contains("hint: make space and run the same command again"), "{said}");
    let kept = lines(&folder.path().join("full"));
    assert!((1..24).contains(&kept), "{kept} runs");
    let output = run(folder.path(), "sweep bids.toml -o full --no-progress");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("remark: {kept} runs were done before")), "{said}");
    assert_eq!(bytes(&folder.path().join("full")), bytes(&folder.path().join("calm")));
}

#[test]
fn what_is_wrong_is_said_before_anything_runs() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let wrong = EXPERIMENT.replace("idle_timeout", "idle_timeot").replace("target", "targte");
    fs::write(at("wrong.toml"), wrong).unwrap();
    let said = refused(folder.path(), "sweep wrong.toml");
    assert!(
        said.contains("unknown key `idle_timeot`") && said.contains("wrong.toml:6:7"),
        "{said}"
    );
    assert!(said.contains("hint: did you mean \"target\"?"), "{said}");
    assert!(!at("wrong.results").exists());

    let said = refused(folder.path(), "sweep bids.toml --shard env");
    assert!(said.contains("none of SLURM_ARRAY_TASK_ID, AWS_BATCH_JOB_ARRAY_INDEX"), "{said}");
    assert!(refused(folder.path(), "sweep bids.toml --shard 5/4").contains("`5/4` is no part"));

    told(folder.path(), "sweep bids.toml -q --shard 1/4 -o part");
    let said = refused(folder.path(), "merge part -o whole");
    assert!(said.contains("hint: name all parts; not there: 2/4, 3/4, 4/4"), "{said}");
    assert!(!at("whole").exists());
    fs::write(at("other.toml"), EXPERIMENT.replace("seeds = 6", "seeds = 7")).unwrap();
    let before = bytes(&at("part"));
    let said = refused(folder.path(), "sweep other.toml --shard 1/4 -o part");
    assert!(said.contains("`part` holds results of another experiment: bids "), "{said}");
    assert_eq!(bytes(&at("part")), before);
}

#[test]
fn a_dry_run_lists_the_points_and_makes_nothing() {
    let folder = folder();
    let listed = told(folder.path(), "sweep bids.toml --dry-run");
    let points: Vec<&str> = listed
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once("  "))
        .map(|(_, levels)| levels)
        .collect();
    assert_eq!(points, ["2 min, new", "2 min, old", "20 min, new", "20 min, old"]);
    assert!(!folder.path().join("bids.results").exists());
}

#[test]
fn outcomes_of_single_runs_are_paired_by_their_seeds() {
    let folder = folder();
    for (profile, seed) in [("ours", 1), ("ours", 2), ("v1", 1), ("v1", 2)] {
        let packed = if seed == 1 { "" } else { ".zst" };
        let name = format!("{profile}-{seed}.json{packed}");
        told(
            folder.path(),
            &format!("simulate week.toml --as {profile} --seed {seed} --json {name} -q"),
        );
    }
    let all = "ours-1.json ours-2.json.zst v1-2.json.zst v1-1.json";
    let output = run(folder.path(), &format!("compare {all}"));
    let [page, said] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    assert!(page.starts_with("run = week as v1\n"), "{page}{said}");
    assert!(page.contains("95 % confidence intervals of 2 paired seeds."), "{page}");
    assert!(said.contains("warning: 2 seeds are few"), "{said}");
    let said = refused(folder.path(), "compare ours-1.json ours-1.json");
    assert!(said.contains("is there twice with seed 1"), "{said}");
    fs::write(folder.path().join("half.json"), "{\"version\": 1}").unwrap();
    let said = refused(folder.path(), "compare ours-1.json half.json");
    assert!(said.contains("`half.json` is no outcome: missing field `run`"), "{said}");
    assert!(refused(folder.path(), "compare ours-1.json week.toml").contains("nothing to compare"));
}

#[test]
fn scenarios_points_and_sweeps_are_compared_with_a_reference() {
    let folder = folder();
    let old = "base = \"week.toml\"\nengine.guards = \"off\"\n[worker_type_defaults]\nscaling = \"estimator\"\n";
    fs::write(folder.path().join("old.toml"), old).unwrap();
    let said = told(folder.path(), "compare week.toml old.toml --seeds 7");
    assert!(said.starts_with("scenario = old\n"), "{said}");
    assert!(said.contains("95 % confidence intervals of 7 paired seeds."), "{said}");

    told(folder.path(), "sweep bids.toml -q -o one");
    let said = told(folder.path(), "compare one --reference policy=old");
    let titles: Vec<&str> = said.lines().filter(|line| line.starts_with("policy = ")).collect();
    assert_eq!(titles, ["policy = new, with idle = 2 min", "policy = new, with idle = 20 min"]);

    told(folder.path(), "sweep bids.toml -q -o two");
    let said = told(folder.path(), "compare one two");
    let same = "the cost of two is not measurably different, and its p95 wait is not measurably different.";
    assert_eq!(said.matches(same).count(), 4, "{said}");

    let said =
        told(folder.path(), "compare one --measure total.cost_usd --measure largest_pool_share");
    assert!(said.contains("cost_usd.idle") && said.contains("largest_pool_share  %"), "{said}");
    assert!(said.contains("Cost against wait: "), "{said}");
    assert!(told(folder.path(), "compare one --all").contains("launches.started"));
    let said = refused(folder.path(), "compare one --measure total.cost");
    assert!(said.contains("error: there is no measure `total.cost`"), "{said}");

    let said = refused(folder.path(), "compare one --reference policy=v1");
    assert!(said.contains("axis `policy` has no level `v1`; there are new, old"), "{said}");
    assert!(said.ends_with("hint: write for example --reference policy=new\n"), "{said}");
    let said = refused(folder.path(), "compare one --reference place=here");
    assert!(said.ends_with("hint: write for example --reference 'idle=2 min'\n"), "{said}");
    assert!(refused(folder.path(), "compare week.toml").contains("nothing to compare"));
}
