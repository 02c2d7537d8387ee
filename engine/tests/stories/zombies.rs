//! Workers that stopped claiming.
//!
//! An idle timeout of ten minutes and a patience of thirty: after forty without a task a worker is
//! given up.

use expect_test::expect;

use crate::story::{check, tell};

const SETUP: &str = "
    limits guards=zombies
    worker build lifetime=5h
    pool c5.large/us-east-1a
";

/// A worker that registered after a minute, and that nothing is asked of any more.
const REGISTERED: &str = "
    0s  price c5.large/us-east-1a 0.01
        demand build 1 0
        decide
    1m  registered #1
        demand build 0 0
        decide
";

/// What is ordered after that start; without reasons.
fn orders(story: &str) -> String {
    let told = tell(SETUP, &format!("{REGISTERED}{story}"));
    let after = told.split_once("1m:\n").expect("the start is told").1;
    let telling = |line: &&str| !line.starts_with("    ");
    after.lines().filter(telling).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_worker_that_never_claimed_is_asked_after_and_then_ended() {
    check(
        SETUP,
        &format!(
            "{REGISTERED}
            40m59s decide
            41m    decide
            41m1s  checked #1 0
            42m    decide
            42m1s  ended #1 provisioner
                   supply build
            "
        ),
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
                build: 0 pending, 0 claimed, capacity 1 working → +0
            40m59s: nothing
            41m:
              check #1
            42m:
              terminate unless claimed #1
                #1: ended, has claimed nothing since 1970-01-01T00:01:00Z
            42m1s: build has no capacity
        "#]],
    );
}

#[test]
fn who_asks_nobody_ends_nobody() {
    let setup = SETUP.replace("guards=zombies", "");
    let told = tell(&setup, &format!("{REGISTERED} 41m decide\n checked #1 0\n 42m decide"));
    assert!(!told.contains("check") && !told.contains("terminate"), "{told}");
}

#[test]
fn without_an_answer_it_is_asked_again_every_five_minutes() {
    expect![[r#"
        41m:
          check #1
        45m59s: nothing
        46m:
          check #1
        51m:
          check #1
    "#]]
    .assert_eq(&orders("41m decide\n 45m59s decide\n 46m decide\n 51m decide"));
}

#[test]
fn what_was_said_a_while_ago_ends_nobody() {
    expect![[r#"
        41m:
          check #1
        43m1s:
          check #1
        44m:
          terminate unless claimed #1
    "#]]
    .assert_eq(&orders(
        "41m decide\n checked #1 0\n 43m1s decide\n 43m2s checked #1 0\n 44m decide",
    ));
}

#[test]
fn what_is_dated_before_its_time_was_over_ends_nobody() {
    expect![[r#"
        41m:
          check #1
        41m:
          check #1
        46m:
          check #1
    "#]]
    .assert_eq(&orders("41m decide\n checked #1 0 as-of 40m59s\n decide\n 46m decide"));
}

#[test]
fn one_that_holds_a_task_is_looked_at_again_as_much_later() {
    expect![[r#"
        41m:
          check #1
        80m59s: nothing
        81m:
          check #1
        81m: nothing
        121m:
          check #1
    "#]]
    .assert_eq(&orders(
        "41m decide\n checked #1 1 last 2m\n 80m59s decide\n 81m decide\n 81m checked #1 2 last 2m
         81m decide\n 121m decide",
    ));
}

/// It claimed at 2m; nobody knows how long that kept it busy before the queue was asked.
#[test]
fn one_that_ever_claimed_is_ended_only_after_two_looks_without_a_claim_between() {
    expect![[r#"
        41m:
          check #1
        42m: nothing
        81m:
          check #1
        82m:
          terminate unless claimed #1
    "#]]
    .assert_eq(&orders(
        "41m decide\n checked #1 0 last 2m\n 42m decide\n 81m decide\n checked #1 0 last 2m
         82m decide",
    ));
    expect![[r#"
        41m:
          check #1
        81m:
          check #1
        82m: nothing
        121m:
          check #1
        122m:
          terminate unless claimed #1
    "#]]
    .assert_eq(&orders(
        "41m decide\n checked #1 0 last 2m\n 81m decide\n checked #1 0 last 50m\n 82m decide
         121m decide\n checked #1 0 last 50m\n 122m decide",
    ));
}

#[test]
fn a_late_answer_undoes_no_later_one() {
    expect![[r#"
        41m:
          check #1
        42m: nothing
        81m:
          check #1
        82m: nothing
    "#]]
    .assert_eq(&orders(
        "41m decide\n checked #1 1 last 2m\n 42m checked #1 0 as-of 40m\n decide\n 81m decide
         checked #1 0 last 2m\n 82m decide",
    ));
}

/// Only the driver knows that it was claimed just before the act; it says so.
#[test]
fn one_that_was_spared_is_left_alone() {
    expect![[r#"
        41m:
          check #1
        42m:
          terminate unless claimed #1
        47m: nothing
        82m:
          check #1
    "#]]
    .assert_eq(&orders(
        "41m decide\n checked #1 0\n 42m decide\n checked #1 1 last 42m\n 47m decide\n 82m decide",
    ));
}

#[test]
fn the_longest_life_ends_a_worker_whatever_it_holds() {
    expect![[r#"
        301m:
          terminate #1
        306m:
          terminate #1
    "#]]
    .assert_eq(&orders("300m checked #1 1 last 2m\n 301m decide\n 306m decide"));
}

/// It claims, so it registered, whoever missed that; a launch is not ended while it works.
#[test]
fn a_claim_tells_that_its_worker_registered() {
    let setup = SETUP.replace("lifetime=5h", "lifetime=5h registration_timeout=10m");
    check(
        &setup,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  pending #1
            demand build 0 1
        11m decide
            checked #1 1 last 3m
            supply build
        16m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            11m:
              terminate unless claimed #1
                #1: ended, worker not registered since 1970-01-01T00:01:00Z
                build: 0 pending, 1 claimed, capacity 1 pending → -1
            11m: build has capacity 1 working
            16m:
                build: frozen, counts of 1970-01-01T00:01:00Z are older than 10 min
        "#]],
    );
}
