//! The program explains itself: examples that run, completions that complete, pages that are set.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_provisioner");

/// What examples are about.
const WEEK: &str = r#"
description = "Three hours of a queue"
[time]
start = 2021-03-01
length = "3 h"

[market]
zones = ["us-east-1a", "us-east-1b"]
on_demand = { "c5.xlarge" = "$0.17/h" }

[worker_type_defaults]
idle_timeout = "10 min"

[worker_types."proj/builds"]
capacity_max = 20
tasks = { generated = { preset = "firefox-tests", tasks_per_hour = 30 } }
instance_types."c5.xlarge" = {}
"#;
const POLICIES: &str =
    "base = \"week.toml\"\nseeds = 2\naxes.policy.profiles = [\"v1\", \"ours\"]\n";
const IDLE: &str = r#"
base = "week.toml"
seeds = 2
tune = { limits = { "wait_s.p95" = "2 h" }, warmup = "10 min" }
axes.idle = { key = "worker_type_defaults.idle_timeout", values = ["5 min", "10 min", "20 min"] }
"#;
const PRICES: &str = r#"{"SpotPriceHistory": [{"AvailabilityZone": "us-east-1a",
"InstanceType": "c5.large", "ProductDescription": "Linux/UNIX", "SpotPrice": "0.034",
"Timestamp": "2021-03-01T00:00:00+00:00"}]}"#;

/// A folder in which the examples of all commands run, one after the other.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("week.toml", WEEK);
    write(
        "week-on-demand.toml",
        "base = \"week.toml\"\nworker_type_defaults.placement = \"on-demand\"\n",
    );
    write("policies.toml", POLICIES);
    write("policy.toml", POLICIES);
    write("idle.toml", IDLE);
    write("describe-spot-price-history.json", PRICES);
    write("jobs.csv", "created,begun,ended\n1600000000,1600000060,1600000120\n");
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    symlink(scenarios, folder.path().join("scenarios")).unwrap();
    for folders in
        [".local/share/bash-completion/completions", ".zfunc", ".config/fish/completions"]
    {
        fs::create_dir_all(folder.path().join(folders)).unwrap();
    }
    for results in ["before.results", "after.results"] {
        sh(folder.path(), &format!("provisioner sweep policies.toml -q -o {results}"));
    }
    folder
}

fn bash(folder: &Path, script: &str) -> Output {
    let bin = Path::new(PROGRAM).parent().unwrap().to_str().unwrap();
    Command::new("bash")
        .args(["-c", script])
        .current_dir(folder)
        .env("HOME", folder)
        .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
        .output()
        .unwrap()
}

/// What a script prints that goes well.
fn sh(folder: &Path, script: &str) -> String {
    let output = bash(folder, script);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names of all commands, as help lists them.
fn commands(folder: &Path) -> Vec<String> {
    let help = sh(folder, "provisioner help");
    let (listed, _) = help.split_once("\nOptions:").unwrap();
    let lines = listed.lines().filter_map(|line| line.strip_prefix("  "));
    lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// Examples that take long, or recordings of one time: they are parsed only, like those of other
/// programs.
const DEAR: [&str; 7] = [
    "provisioner new recorded.toml --tasks jobs.trace --prices describe-spot-price-history.json",
    "provisioner sweep scenarios/experiments/quickstart.toml",
    "provisioner merge p/* -o whole.results --quiet",
    "provisioner check scenarios/suites/policy.toml",
    "provisioner tune scenarios/experiments/tune.toml",
    "provisioner incidents",
    "provisioner storm --seeds 1000 --everything",
];

#[test]
fn every_example_of_help_that_is_cheap_runs() {
    let folder = folder();
    let mut run = 0;
    for command in commands(folder.path()).iter().filter(|name| *name != "help") {
        let help = sh(folder.path(), &format!("provisioner {command} --help"));
        let (_, examples) = help.split_once("Examples:\n").unwrap();
        let (examples, _) = examples.split_once("\n\n").unwrap();
        let examples = examples.lines().map(|line| line.split(" #").next().unwrap().trim());
        let ours = |line: &&str| line.starts_with("provisioner ") || line.starts_with("source ");
        for example in examples.filter(|line| ours(line) && !DEAR.contains(line)) {
            let answer = bash(folder.path(), example);
            // Journals that differ are an answer, too.
            let code = answer.status.code().filter(|code| command != "diff" || *code != 1);
            let said = String::from_utf8_lossy(&answer.stderr);
            assert!(code.is_none_or(|code| code == 0), "{example}: {said}");
            run += 1;
        }
    }
    assert!(run >= 35, "{run} examples were run");
}

#[test]
fn the_name_alone_greets_and_says_the_first_command() {
    let folder = tempfile::tempdir().unwrap();
    let alone = bash(folder.path(), "provisioner");
    let said = String::from_utf8(alone.stderr).unwrap();
    assert_eq!((alone.status.code(), alone.stdout), (Some(2), Vec::new()));
    assert!(said.contains("\n  provisioner simulate quickstart "), "{said}");
}

#[test]
fn help_lists_commands_by_what_they_are_for() {
    let folder = tempfile::tempdir().unwrap();
    let help = sh(folder.path(), "provisioner help");
    let titles =
        ["Begin:", "Run:", "Compare and choose:", "Explain:", "Guard against getting worse:"];
    let mut rest = help.as_str();
    for title in titles.iter().chain(&["Files:", "Shell:", "Options:", "Examples:"]) {
        rest = rest.split_once(&format!("\n{title}\n")).unwrap_or_else(|| panic!("{help}")).1;
    }
    assert!(help.contains("\n  simulate     Run a scenario "), "{help}");
}

/// What bash offers after a line of words, the last of which is being typed.
fn offered(folder: &Path, words: &str) -> Vec<String> {
    let script = format!(
        "source <(provisioner completions bash)
        COMP_WORDS=(provisioner {words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _provisioner provisioner \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\" 2>/dev/null
        [[ ${{#COMPREPLY[@]}} == 0 ]] || printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let mut words: Vec<String> = sh(folder, &script).lines().map(str::to_owned).collect();
    words.sort();
    words
}

#[test]
fn bash_completes_commands_options_values_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("week.toml"), WEEK).unwrap();
    fs::create_dir(here.join("week.results")).unwrap();
    assert_eq!(offered(here, "simu"), ["simulate"]);
    assert_eq!(offered(here, "simulate --jo"), ["--journal"]);
    assert_eq!(offered(here, "simulate --as wo"), ["worker-manager"]);
    assert_eq!(offered(here, "schema ''"), ["experiment", "scenario", "worker-type"]);
    assert_eq!(offered(here, "man sto"), ["storm"]);
    assert_eq!(offered(here, "simulate week.toml --json we"), ["week.results", "week.toml"]);
    // Nothing of ours, so that bash offers files.
    assert_eq!(offered(here, "simulate ''"), [""; 0]);
    assert_eq!(offered(here, "report we"), [""; 0]);
    let files = sh(here, "source <(provisioner completions bash); complete -p provisioner");
    assert!(files.contains("-o default"), "{files}");
    assert!(offered(here, "''").iter().any(|word| word == "explain"));
}

#[test]
fn completions_are_right_in_every_shell_that_is_here() {
    let folder = tempfile::tempdir().unwrap();
    let is_here = |shell: &str| Command::new(shell).args(["-c", "true"]).output().is_ok();
    for shell in ["bash", "zsh", "fish"].into_iter().filter(|shell| is_here(shell)) {
        let checked = format!("provisioner completions {shell} > it && {shell} -n it");
        assert_eq!(sh(folder.path(), &checked), "");
    }
    for shell in ["elvish", "powershell"] {
        assert!(
            sh(folder.path(), &format!("provisioner completions {shell}")).contains("simulate")
        );
    }
}

#[test]
fn every_command_has_its_page_of_the_manual() {
    let folder = tempfile::tempdir().unwrap();
    sh(folder.path(), "provisioner man -o pages");
    for command in commands(folder.path()).iter().filter(|name| *name != "help") {
        let path = folder.path().join(format!("pages/provisioner-{command}.1"));
        let page = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()));
        let printed = sh(folder.path(), &format!("provisioner man {command}"));
        assert_eq!(printed, page, "{command}");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "\"EXIT STATUS\""]
        {
            assert!(page.contains(&format!(".SH {section}\n")), "{command} has no {section}");
        }
        assert!(page.contains(&format!("provisioner {command} ").replace('-', "\\-")), "{page}");
    }
    let whole = sh(folder.path(), "provisioner man");
    assert!(whole.contains("provisioner\\-simulate(1)"), "{whole}");
    for (tool, lint) in
        [("groff", "groff -K utf8 -man -Tutf8 -ww -z"), ("mandoc", "mandoc -T lint -W error")]
    {
        if Command::new(tool).arg("-h").output().is_ok() {
            let told = bash(folder.path(), &format!("{lint} pages/*.1"));
            let said = [told.stdout, told.stderr].map(|it| String::from_utf8(it).unwrap()).concat();
            assert_eq!(said, "", "{tool}");
        }
    }
}
