//! Workers that hang while tasks wait: asked after early, not counted, replaced once.

use expect_test::expect;

use crate::story::tell;

const SETUP: &str = "
    limits guards=zombies
    worker build lifetime=5h scaling=target:1
    pool c5.large/us-east-1a
";

/// A worker that has been idle for a minute when a task comes that nobody takes.
const WAITS: &str = "
    0s  price c5.large/us-east-1a 0.01
        demand build 1 0
        decide
    1m  registered #1
        demand build 0 0
        decide
    2m  demand build 1 0
        decide
";

/// What is ordered after that start; without reasons.
fn orders(setup: &str, story: &str) -> String {
    let told = tell(setup, &format!("{WAITS}{story}"));
    let after = told.split_once("\n2m:\n").expect("the start is told").1;
    let telling = |line: &&str| !line.starts_with("    ");
    after.lines().filter(telling).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_silent_worker_is_asked_after_not_counted_and_replaced_within_minutes() {
    let told = tell(
        SETUP,
        &format!(
            "{WAITS}
            6m59s queues
                  decide
            7m    queues
                  decide
            7m1s  checked #1 0
            8m    queues
                  decide
            9m    registered #2
                  demand build 0 1
                  decide
            "
        ),
    );
    let after = told.split_once("\n2m:\n").expect("the start is told").1;
    expect![[r#"
            build: 1 pending, 0 claimed, capacity 1 working → +0 (would keep 1)
        6m59s:
            build: 1 pending, 0 claimed, capacity 1 working → +0 (would keep 1)
        7m:
          check #1
        8m:
          build c5.large/us-east-1a $0.02/h #2
            build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
            build: 1 working that claim nothing do not count
            build: 1 × c5.large/us-east-1a from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
        9m:
            build: 0 pending, 1 claimed, capacity 1 working → +0 (would keep 1)
            build: 1 working that claim nothing do not count
    "#]].assert_eq(after);
}

#[test]
fn one_that_holds_a_task_or_claimed_meanwhile_is_not_suspected() {
    expect![[r#"
        7m:
          check #1
        8m: nothing
    "#]]
    .assert_eq(&orders(SETUP, "7m queues\n decide\n checked #1 1 last 3m\n 8m queues\n decide"));
    expect![[r#"
        7m:
          check #1
        8m: nothing
    "#]]
    .assert_eq(&orders(SETUP, "7m queues\n decide\n checked #1 0 last 3m\n 8m queues\n decide"));
}

/// It finished a task just before it was asked: only a second answer shows that it is silent.
#[test]
fn one_that_ever_claimed_is_silent_only_by_two_answers() {
    expect![[r#"
        7m:
          check #1
        8m: nothing
        12m59s: nothing
        13m:
          check #1
        14m:
          build c5.large/us-east-1a $0.02/h #2
    "#]].assert_eq(&orders(
        SETUP,
        "7m queues\n decide\n checked #1 0 last 1m30s\n 8m queues\n decide
         12m59s queues\n decide\n 13m queues\n decide\n checked #1 0 last 1m30s\n 14m queues\n decide",
    ));
}

#[test]
fn waiting_that_was_interrupted_or_not_seen_is_no_evidence() {
    for between in ["demand build 0 0", "demand build 1 1", "unknown build"] {
        let story = format!(
            "4m {between}\n decide\n 5m demand build 1 0\n decide\n 7m queues\n decide\n 9m59s queues\n decide
             10m queues\n decide"
        );
        let told = orders(SETUP, &story);
        let checked: Vec<&str> = told.split("check #1").collect();
        assert_eq!(checked.len(), 2, "{between}: {told}");
        assert!(checked[0].ends_with("10m:\n  "), "{between}: {told}");
    }
}

/// What was bought in its place does not claim either: the counts lie, or the image does.
#[test]
fn a_silent_worker_is_replaced_once_however_long_tasks_wait() {
    let mut story =
        String::from("7m queues\n decide\n checked #1 0\n 8m decide\n 9m registered #2\n");
    for minute in 10..41 {
        story += &format!("{minute}m queues\n checked #1 0\n checked #2 0\n decide\n");
    }
    let told = orders(SETUP, &story);
    assert_eq!(told.matches("build c5.large").count(), 1, "{told}");
    assert!(!told.contains("terminate"), "{told}");
}

#[test]
fn a_silent_worker_that_claims_counts_again() {
    expect![[r#"
        7m:
          check #1
        8m:
          build c5.large/us-east-1a $0.02/h #2
        9m:
        10m:
    "#]].assert_eq(&orders(
        SETUP,
        "7m queues\n decide\n checked #1 0\n 8m decide\n 9m registered #2\n demand build 0 1\n decide
         checked #1 1 last 9m\n 10m demand build 1 1\n decide",
    ));
}

#[test]
fn a_silent_worker_is_ended_as_the_zombie_that_it_is_and_no_sooner() {
    let mut story = String::from("7m queues\n decide\n checked #1 0\n 8m queues\n decide\n");
    story += "9m registered #2\n demand build 0 1\n decide\n 40m59s decide\n 41m decide\n";
    story += "checked #1 0\n checked #2 1 last 9m\n 42m decide";
    expect![[r#"
        7m:
          check #1
        8m:
          build c5.large/us-east-1a $0.02/h #2
        9m:
        40m59s:
        41m:
          check #1
        42m:
          terminate unless claimed #1
    "#]]
    .assert_eq(&orders(SETUP, &story));
}

#[test]
fn few_of_many_are_asked_at_once_and_none_twice_within_six_minutes() {
    let told = tell(
        SETUP,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 12 0
            decide
        1m  registered #1..#12
            demand build 0 12
            decide
        2m  demand build 3 1
            decide
        7m  queues
            decide
        7m1s checked #1 1 last 1m
             checked #2..#10 0 last 1m
        8m  queues
            decide
        13m queues
            decide
        ",
    );
    let asked: Vec<&str> = told.lines().filter(|line| !line.starts_with("    ")).skip(5).collect();
    expect![[r#"
          check #1..#10
        8m: nothing
        13m:
          check #11..#9"#]]
    .assert_eq(&asked.join("\n"));
}

#[test]
fn where_the_rule_is_off_nobody_is_asked() {
    let setup = SETUP.replace("guards=zombies", "");
    assert!(!orders(&setup, "7m queues\n decide\n 20m queues\n decide").contains("check"));
}

#[test]
fn nobody_asks_after_a_silent_worker_that_is_gone() {
    expect![[r#"
        7m:
          check #1
        8m:
          build c5.large/us-east-1a $0.02/h #2
        13m:
        19m: nothing
    "#]]
    .assert_eq(&orders(
        SETUP,
        "7m queues\n decide\n checked #1 0\n 8m queues\n decide\n 12m ended #1 provisioner
         13m queues\n decide\n 19m queues\n decide",
    ));
}
