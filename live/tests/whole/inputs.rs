//! Bad input: an exit code that is not zero, a message that says what to do, and nothing lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration as Span;

use provisioner_stand_in::ec2::Fault;

use crate::world::{Daemon, Kind, Plan, World, said, soon};

fn world(provisioner: &'static str) -> World {
    let kinds = [Kind::new("runs", "run-instances", &["us-east-1"])];
    World::new(Plan::new(provisioner, kinds.into()))
}

/// It ends by itself, with an error that has these words in it; gives all that it said.
#[track_caller]
fn fails(command: &Command, words: &[&str]) -> String {
    // A daemon that does not notice is ended from outside, which is no error of its own.
    let mut bounded = within(&["timeout", "40"], command);
    let output = bounded.output().expect("it runs");
    let said = said(&output);
    let code = output.status.code();
    assert!(code.is_some_and(|code| code != 0 && code != 124), "{code:?}: {said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    said
}

/// The same command, started by another.
fn within(by: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(by[0]);
    outer.args(&by[1..]).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(key, value),
            None => outer.env_remove(key),
        };
    }
    outer
}

#[test]
fn without_credentials_it_says_where_to_put_them() {
    let world = world("nobody");
    let mut command = world.command(&["run"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    fails(&command, &["no AWS credentials", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"]);
}

#[test]
fn a_region_that_the_account_does_not_have_is_named() {
    let world = world("nowhere");
    let path = world.path("provisionerd.toml");
    let text = fs::read_to_string(&path).expect("it is there");
    let regions = "regions = [\"us-east-1\", \"eu-south-2\"]";
    world.write("provisionerd.toml", &text.replace("regions = [\"us-east-1\"]", regions));
    let message = "AWS was not able to validate the provided access credentials";
    let refused = Fault::refused(401, "AuthFailure", message);
    world.proxy.misbehave(vec![refused.in_regions(&["eu-south-2"])]);
    fails(&world.command(&["run"]), &["eu-south-2", "the account has `eu-south-2` enabled"]);
}

#[test]
fn a_region_that_does_not_exist_is_shown_with_file_line_and_the_nearest() {
    let world = world("mistyped");
    let path = world.path("provisionerd.toml");
    let text = fs::read_to_string(&path).expect("it is there");
    for regions in ["[\"us-east-1\", \"eu-wets-1\"]", "[\"eu-wets-1\"]"] {
        let regions = format!("regions = {regions}");
        world.write("provisionerd.toml", &text.replace("regions = [\"us-east-1\"]", &regions));
        for mode in ["run", "plan", "doctor"] {
            let words = ["provisionerd.toml:", "`eu-wets-1` is not open", "\"eu-west-1\"?"];
            fails(&world.command(&[mode]), &words);
        }
    }
}

#[test]
fn a_clock_that_is_wrong_is_told_and_nothing_is_lost() {
    let world = world("late-clock");
    let daemon = world.daemon();
    world.add("runs", 5, 3_000);
    soon("five machines", 60, || world.alive().len() == 5);
    world.proxy.misbehave(vec![Fault::expired()]);
    let log = || fs::read_to_string(world.path("daemon.log")).unwrap_or_default();
    soon("it says so", 30, || log().contains("set this machine's clock"));
    world.add("runs", 3, 3_000);
    std::thread::sleep(Span::from_secs(3));
    world.proxy.misbehave(Vec::new());
    assert!(daemon.stop().success());
    assert_eq!(world.ledger(), world.alive());
    world.nothing_is_double();
    world.proxy.misbehave(vec![Fault::expired()]);
    fails(&world.command(&["plan"]), &["set this machine's clock"]);
}

#[test]
fn what_is_written_wrong_is_shown_with_file_and_line() {
    let world = world("wrong");
    let path = world.path("provisionerd.toml");
    let text = fs::read_to_string(&path).expect("it is there");
    world.write("provisionerd.toml", &text.replace("chapter =", "chaptr ="));
    fails(&world.command(&["run"]), &["provisionerd.toml:", "chaptr", "chapter"]);
    world.write("provisionerd.toml", &text.replace("[journal]", "[journal"));
    fails(&world.command(&["run"]), &["provisionerd.toml:"]);
    world.write("provisionerd.toml", &text);
    world.write("worker-types/proj-runs.toml", "name = \"proj/runs\"\ncapacity_max = -1\n");
    fails(&world.command(&["run"]), &["proj-runs.toml:2", "capacity_max"]);
    let nowhere = Command::new(env!("CARGO_BIN_EXE_provisionerd"))
        .args(["run", "--settings", "nowhere.toml"])
        .output();
    let nowhere = nowhere.expect("it runs");
    assert!(!nowhere.status.success());
    assert!(said(&nowhere).contains("nowhere.toml"), "{}", said(&nowhere));
}

#[test]
fn a_worker_type_whose_image_is_gone_is_told_and_no_other_is_stopped() {
    let kinds = ["sound", "broken"].map(|name| Kind::new(name, "run-instances", &["us-east-1"]));
    let world = World::new(Plan::new("no-image", kinds.into()));
    let path = world.path("worker-types/proj-broken.toml");
    let text = fs::read_to_string(&path).expect("it is there");
    let (before, _) = text.split_once("images").expect("it has images");
    let images = "images = { us-east-1 = \"ami-0123456789abcdef0\" }\n";
    fs::write(&path, format!("{before}{images}")).expect("it is written");
    let mut daemon = world.daemon();
    world.add("broken", 2, 3_000);
    world.add("sound", 3, 3_000);
    soon("the other one is served", 60, || world.alive().len() == 3);
    let log = || fs::read_to_string(world.path("daemon.log")).unwrap_or_default();
    let said = "worker type proj/broken: ami-0123456789abcdef0 is not in us-east-1";
    soon("it says what is gone", 30, || log().contains(said));
    assert!(daemon.ended().is_none());
    fs::write(&path, &text).expect("it is written");
    soon("it is served when its image is there", 120, || world.alive().len() == 5);
    assert!(daemon.stop().success());
    world.nothing_is_double();
}

#[test]
fn a_second_daemon_on_one_file_is_refused_and_the_first_goes_on() {
    let world = world("one-file");
    let mut daemon = world.daemon();
    world.add("runs", 3, 3_000);
    soon("three machines", 60, || world.alive().len() == 3);
    fails(&world.command(&["run"]), &["another provisionerd has the store", "stop the other"]);
    world.add("runs", 2, 3_000);
    soon("two more", 30, || world.alive().len() == 5);
    assert!(daemon.ended().is_none());
}

#[test]
fn a_damaged_store_is_left_as_it_is() {
    let world = world("damaged");
    let daemon = world.daemon();
    world.add("runs", 3, 3_000);
    soon("three machines", 60, || world.alive().len() == 3);
    assert!(daemon.stop().success());
    let path = world.path("store.sqlite");
    let mut bytes = fs::read(&path).expect("it is there");
    let from = bytes.len() / 4;
    bytes[from..from * 3].fill(0x5a);
    fs::write(&path, &bytes).expect("it is written");
    fails(&world.command(&["run"]), &["store.sqlite", "restore a backup"]);
    assert_eq!(fs::read(&path).expect("it is there"), bytes, "nothing was changed");
    assert_eq!(world.alive().len(), 3, "nothing was ended");
}

#[test]
fn a_full_disk_ends_it_before_anything_is_bought_that_is_not_written_down() {
    let world = world("full");
    let mut daemon = world.daemon();
    soon("it has begun", 60, || world.proxy.calls().contains_key("DescribeInstances"));
    daemon.signal(rustix::process::Signal::TERM);
    assert!(daemon.wait_for_end(Span::from_secs(30)).success());
    // A limit on the size of files, and no signal about it, is to a program what a full disk is.
    let size = fs::metadata(world.path("store.sqlite")).expect("it is there").len();
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", size / 512 + 8);
    let limited = within(&["sh", "-c", &script, "sh"], &world.command(&["run"]));
    world.add("runs", 30, 3_000);
    let mut daemon = Daemon::start(limited, &world.path("full.log"));
    let status = daemon.wait_for_end(Span::from_secs(60));
    assert!(!status.success(), "{status}");
    let log = fs::read_to_string(world.path("full.log")).expect("it is there");
    assert!(log.contains("nothing is bought until") || log.contains("make room"), "{log}");
    let listings = || world.proxy.calls().get("DescribeInstances").copied().unwrap_or(0);
    let before = listings();
    let daemon = world.daemon();
    soon("with room again it goes on", 60, || world.alive().len() == 30 && listings() > before);
    assert!(daemon.stop().success());
    assert_eq!(world.ledger(), world.alive());
    world.nothing_is_double();
}

#[test]
fn a_store_that_may_not_be_written_is_said_to_be_so() {
    let world = world("read-only");
    let daemon = world.daemon();
    world.add("runs", 3, 3_000);
    soon("three machines", 60, || world.alive().len() == 3);
    assert!(daemon.stop().success());
    let mut command = world.command(&["run"]);
    if rustix::process::geteuid().is_root() {
        // Root, too, may write only what it is allowed to.
        let all_but = "--bounding-set=-dac_override,-dac_read_search";
        command = within(&["setpriv", all_but], &command);
    }
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(&world.path("store.sqlite"), 0o444);
    mode(&world.path("store.sqlite.lock"), 0o444);
    mode(world.folder.path(), 0o555);
    fails(&command, &["store.sqlite", "may not be written", "permissions"]);
    mode(world.folder.path(), 0o755);
    assert_eq!(world.alive().len(), 3);
}
