//! What ships with the program, and what it writes for its users.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use expect_test::expect;

fn provisioner(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn shipped_scenarios_are_listed_printed_and_run_by_name_without_a_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let listed = text(provisioner(folder.path(), &["scenarios"]).stdout);
    let names: Vec<&str> = listed.lines().step_by(2).collect();
    assert_eq!(names.len(), 13);
    assert_eq!(names[..2], ["quickstart", "steady-ci"]);
    let printed = text(provisioner(folder.path(), &["scenarios", "steady-ci"]).stdout);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/library/steady-ci.toml");
    assert_eq!(printed, fs::read_to_string(file).unwrap());
    let by_name = provisioner(folder.path(), &["simulate", "steady-ci"]);
    assert_eq!(by_name.status.code(), Some(0));
    let by_path = provisioner(folder.path(), &["simulate", file]);
    assert_eq!(text(by_name.stdout), text(by_path.stdout));
}

#[test]
fn a_file_comes_before_a_shipped_scenario_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let mine = "description = \"Mine\"\nbase = \"base.toml\"\n[time]\nlength = \"1 h\"\n";
    fs::write(folder.path().join("steady-ci"), mine).unwrap();
    provisioner(folder.path(), &["new", "base.toml", "--like", "steady-ci"]);
    let told = text(provisioner(folder.path(), &["simulate", "steady-ci"]).stdout);
    assert_eq!(told.lines().nth(1), Some("Mine"));
}

#[test]
fn a_name_that_is_nearly_right_is_corrected() {
    let folder = tempfile::tempdir().unwrap();
    let told = |arguments: &[&str]| text(provisioner(folder.path(), arguments).stderr);
    let told = [
        told(&["simulate", "stedy-ci"]),
        told(&["scenarios", "stedy-ci"]),
        told(&["new", "mine.toml", "--like", "stedy-ci"]),
    ];
    expect![[r#""#]].assert_eq(&told.join("\n"));
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_is_replaced_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let written = provisioner(folder.path(), &["new", "mine.toml"]);
    assert_eq!(written.status.code(), Some(0), "{}", text(written.stderr));
    assert_eq!(text(written.stderr), "written: mine.toml\nnext: provisioner simulate mine.toml\n");
    assert_eq!(provisioner(folder.path(), &["simulate", "mine.toml"]).status.code(), Some(0));
    let again = ["new", "mine.toml", "--like", "gpu-scarce"];
    let refused = provisioner(folder.path(), &again);
    assert_eq!(refused.status.code(), Some(2));
    expect![[r#""#]].assert_eq(&text(refused.stderr));
    let text_of_mine = || fs::read_to_string(folder.path().join("mine.toml")).unwrap();
    assert!(text_of_mine().contains("provisioner simulate mine.toml"));
    let forced = provisioner(folder.path(), &[&again[..], &["--force"]].concat());
    assert_eq!(forced.status.code(), Some(0));
    assert_eq!(
        text_of_mine(),
        text(provisioner(folder.path(), &["scenarios", "gpu-scarce"]).stdout)
    );
}

#[test]
fn wrong_flags_are_told_together_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["new", "mine.toml", "--regime", "spot", "--capacity-max", "0", "--zones", "x"];
    let refused = provisioner(folder.path(), &arguments);
    assert_eq!(refused.status.code(), Some(2));
    expect![[r#""#]].assert_eq(&text(refused.stderr));
    assert!(!folder.path().join("mine.toml").exists());
    let both = ["new", "mine.toml", "--like", "gpu-scarce", "--capacity-max", "5"];
    let refused = text(provisioner(folder.path(), &both).stderr);
    assert!(refused.contains("cannot be used with"), "{refused}");
}

#[test]
fn the_examples_of_the_help_write_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let one = ["new", "a.toml", "--tasks", "firefox-tests", "--zones", "us-east-1,us-west-2"];
    let one = [&one[..], &["--on-demand-after", "10 min"]].concat();
    assert_eq!(provisioner(folder.path(), &one).status.code(), Some(0));
    let ran = provisioner(folder.path(), &["simulate", "a.toml", "--quiet"]);
    assert_eq!(ran.status.code(), Some(0));
    let two =
        provisioner(folder.path(), &["new", "-", "--prices", "bid-era", "--wait-p95", "20 min"]);
    assert!(text(two.stdout).ends_with("measure = \"total.wait_s.p95\"\nat_most = \"20 min\"\n"));
}
